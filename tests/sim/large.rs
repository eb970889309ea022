//! Circles of many members (D-4, R-20 to R-22): openings larger than what gossip carries, which are announced and
//! fetched.

use harness::forge::{Forger, OPERATION, board_text};
use harness::governing::Govern;
use harness::{ANNA, BEN, CHRIS, DANA, HostId, Machines, World, number};
use hearthlight_protocol::boundary::Command;
use hearthlight_protocol::circle::card::VerifiedCard;
use hearthlight_protocol::circle::charter::{Act, AdmitBody};
use hearthlight_protocol::crypto::{KeyPair, Label};
use hearthlight_protocol::identity::{DeviceId, OperationId, PublicKey};
use hearthlight_protocol::wire;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;
/// What one circle of 50 members with 20 live epochs may take, bytes.
const MOST_MEMORY: u64 = 10 << 20;

/// P1, P3, P7, R-21, R-33: members join, talk and are removed; 20 of them open an epoch each.
#[test]
fn a_large_circle_meets_talks_and_removes() {
    const REFRESHES: usize = 20;
    let members = usize::try_from(number("SIM_MEMBERS", 24)).expect("few");
    let mut world = World::calm_circle(1, members, 2);
    world.verdict().expect("every promise is kept");
    for host in 0..members {
        world.say(host, "here");
        world.run_for(1_000);
    }
    let last = members - 1;
    world.govern(ANNA, Govern::Remove(last));
    world.run_for(10_000);
    for by in 1..=REFRESHES.min(members - 2) {
        world.govern(by, Govern::Refresh);
        world.run_for(10_000);
    }
    world.say(BEN, "without somebody");
    let ms = world.calm().expect("every promise is kept");
    for host in 0..last {
        assert_eq!(world.texts(host).len(), members + 1, "host {host}");
    }
    assert_eq!(world.texts(last).len(), members);
    let (live, memory) = (world.sizes()["live epochs"], world.memory_of(BEN));
    println!("{members} members, {live} live epochs: {memory} bytes; calm after {ms} ms");
    assert!(live >= REFRESHES.min(members - 2));
    assert!(memory <= MOST_MEMORY, "{memory} bytes");
}

/// D-4, R-16, R-20, R-21: all that a circle can have, most of whom are away: their admissions are made by Ben, whose
/// computer is off. Somebody joins, all who are there talk, somebody is removed.
#[test]
fn a_circle_of_two_hundred_lets_in_talks_and_removes() {
    const EVE: HostId = 4;
    const FINN: HostId = 5;
    const MOST: usize = 200;
    let mut world = World::calm_circle_of(Machines::Real, 7, 6, 5, 1);
    let who = world.forger(BEN).me;
    let (circle, role) = (world.circle.expect("it was founded"), "host".into());
    let grant = Command::Role { circle, who, role, grant: true, end: None };
    world.command(ANNA, grant).expect("a host gives roles");
    world.run_for(MINUTE);
    let ben = world.forger(BEN);
    world.crash(BEN, 400 * DAY);
    admit(&mut world, &ben, MOST - 6);
    assert_eq!(world.roster(ANNA).len(), MOST - 1);
    world.begin_join(FINN);
    world.run_for(5 * MINUTE);
    let here = [ANNA, CHRIS, DANA, EVE, FINN];
    for host in here {
        assert_eq!(world.roster(host).len(), MOST, "host {host}");
        world.say(host, "here");
        world.run_for(MINUTE);
    }
    world.govern(ANNA, Govern::Remove(EVE));
    world.run_for(MINUTE);
    world.say(DANA, "without somebody");
    world.run_for(5 * MINUTE);
    for host in here {
        let reads = if host == EVE { here.len() } else { here.len() + 1 };
        assert_eq!(world.texts(host).len(), reads, "host {host}");
    }
    world.verdict().expect("every promise is kept");
}

/// A host admits so many who never come; on one day, since R-16 takes 256 operations of one member.
fn admit(world: &mut World, keys: &Forger, many: usize) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let own = keys.charter.iter().filter(|held| held.operation.author == keys.me);
    let mut seq = own.map(|held| held.operation.seq).max().unwrap_or(0);
    let mut heads = keys.heads.clone();
    for number in 0..many {
        let mut seed = [9; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        let (pair, device) = (KeyPair::from_seed(&seed), DeviceId([0; 16]));
        let (card, _) = VerifiedCard::make(&pair, &keys.circle, keys.suite, device, 1, &mut rng);
        let admit = Act::Admit(Box::new(AdmitBody {
            key: PublicKey(pair.public()),
            handle: format!("Away {number}"),
            card: card.signed,
            invite: None,
        }));
        seq += 1;
        let signed = keys.operation(seq, heads, admit.kind(), admit.body());
        heads = vec![OperationId(signed.id(Label::Operation, &keys.circle))];
        let now = world.now;
        world.hand(ANNA, &keys.board(), &board_text(OPERATION, wire::encode(&signed)), now);
    }
    world.run_for(10 * MINUTE);
}
