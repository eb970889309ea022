//! Invites whose makers are away or gone (H-20), and admissions by somebody who is removed meanwhile (H-15).

use std::collections::{BTreeMap, BTreeSet};

use harness::{ANNA, BEN, CHRIS, DANA, EVE, HostId, Machines, World, number};
use hearthlight_protocol::boundary::{
    Admit, Answer, Command, JoinEnd, JoinState, RequestState, Standing,
};
use hearthlight_protocol::identity::MemberId;
use hearthlight_protocol::invite::InviteCode;

const MINUTE: u64 = 60_000;

/// Anna and others, of whom Ben is steward; those from `inside` on are not in.
fn circle(seed: u64, members: usize, inside: usize) -> (World, MemberId) {
    let mut world = World::calm_circle_of(Machines::Real, seed, members, inside, 2);
    let ben = world.forger(BEN).me;
    let circle = world.circle.expect("it was founded");
    let role = Command::Role { circle, who: ben, role: "steward".into(), grant: true, end: None };
    world.command(ANNA, role).expect("Anna is host");
    world.run_for(MINUTE);
    (world, ben)
}

fn invites(world: &mut World, host: HostId) -> InviteCode {
    let circle = world.circle.expect("it was founded");
    let new =
        Command::InviteNew { circle, uses: 1, expires_s: 86_400, admit: Admit::Ask, label: None };
    let Ok(Answer::Invite(invite)) = world.command(host, new) else { panic!("{host} may invite") };
    world.run_for(MINUTE / 2);
    invite.code.expect("a new invite has its code")
}

fn comes(world: &mut World, host: HostId, code: &InviteCode) {
    let handle = world.hosts[host].name.clone();
    let join = Command::Join { code: code.clone(), handle, label: None };
    world.command(host, join).expect("a good code is taken");
    world.run_for(MINUTE / 2);
}

fn state(world: &mut World, host: HostId) -> JoinState {
    let Ok(Answer::Joins(joins)) = world.command(host, Command::Joins) else { panic!("no joins") };
    joins.last().expect("it has asked").state.clone()
}

/// Whoever waits is let in by `host`, if somebody does.
fn lets_in(world: &mut World, host: HostId) -> usize {
    let circle = world.circle.expect("it was founded");
    let Ok(Answer::Waiting(waiting)) = world.command(host, Command::Waiting { circle }) else {
        return 0;
    };
    let open = waiting.into_iter().filter(|one| one.state == RequestState::Waiting);
    let admitted =
        open.filter(|one| world.command(host, Command::Admit { circle, request: one.id }).is_ok());
    let count = admitted.count();
    world.run_for(MINUTE);
    count
}

/// H-20: who made the invite is away; another who may lets the newcomer in.
#[test]
fn an_invite_whose_maker_is_away_is_answered_by_another() {
    let (mut world, _) = circle(41, 4, 3);
    let code = invites(&mut world, BEN);
    world.crash(BEN, 60 * MINUTE);
    comes(&mut world, DANA, &code);
    lets_in(&mut world, ANNA);
    assert_eq!(state(&mut world, DANA), JoinState::Member);
    assert_eq!(world.roster(ANNA).len(), 4);
    world.verdict().expect("every promise is kept");
}

/// H-20: who made the invite is removed before, or while, somebody asks by it; the newcomer is told, and
/// is in nowhere.
#[test]
fn an_invite_whose_maker_was_removed_lets_nobody_in_and_says_so() {
    for asks_first in [false, true] {
        let (mut world, ben) = circle(42, 4, 3);
        let code = invites(&mut world, BEN);
        world.crash(BEN, 600 * MINUTE);
        let circle = world.circle.expect("it was founded");
        // Chris, who is no host, is all who is there when Dana asks.
        if asks_first {
            world.crash(ANNA, 5 * MINUTE);
            comes(&mut world, DANA, &code);
            world.run_for(5 * MINUTE);
        }
        let remove = Command::Remove { circle, who: ben, reason: None };
        world.command(ANNA, remove).expect("Anna is host");
        world.run_for(MINUTE);
        if !asks_first {
            comes(&mut world, DANA, &code);
        }
        world.run_for(2 * MINUTE);
        lets_in(&mut world, ANNA);
        world.run_for(5 * MINUTE);
        assert_eq!(
            state(&mut world, DANA),
            JoinState::Over(JoinEnd::Revoked),
            "asks first: {asks_first}"
        );
        for host in [ANNA, CHRIS] {
            assert_eq!(world.roster(host).len(), 2, "host {host}: Anna and Chris are left");
        }
    }
}

/// H-15, R-11: on one side Ben is removed, on the other he lets Eve in. Whoever hears what first, all come
/// to one roster, without both, and Eve is told.
#[test]
fn an_admission_by_somebody_removed_meanwhile_falls_on_both_sides() {
    let first = number("SIM_FIRST_SEED", 43);
    for seed in first..first + number("SIM_SEEDS", 4) {
        let (mut world, ben) = circle(seed, 5, 4);
        let code = invites(&mut world, BEN);
        // Each side has a relay: Anna and Chris the first, Ben, Dana and Eve the other.
        let far = [BEN, DANA, EVE, 6];
        world.cut(far.map(|host| (host, 1)).into_iter().collect());
        let circle = world.circle.expect("it was founded");
        let remove = Command::Remove { circle, who: ben, reason: None };
        world.command(ANNA, remove).expect("Anna is host");
        comes(&mut world, EVE, &code);
        assert_eq!(lets_in(&mut world, BEN), 1, "SEED={seed}: Ben has heard nothing");
        world.run_for(2 * MINUTE);
        assert_eq!(state(&mut world, EVE), JoinState::Member, "SEED={seed}");
        // Healed all at once, or for the far half first with Anna asleep.
        if seed % 2 == 0 {
            world.crash(ANNA, 10 * MINUTE);
        }
        world.cut(BTreeMap::new());
        world.run_for(40 * MINUTE);
        let rosters: BTreeSet<BTreeSet<MemberId>> =
            [ANNA, CHRIS, DANA].into_iter().map(|host| world.roster(host)).collect();
        assert_eq!(rosters.len(), 1, "SEED={seed}: one outcome everywhere");
        let roster = rosters.first().expect("one");
        assert!(roster.len() == 3 && !roster.contains(&ben), "SEED={seed}");
        let Ok(Answer::Circles(circles)) = world.command(EVE, Command::Circles) else {
            panic!("she has circles or none")
        };
        let told = circles.iter().all(|circle| circle.standing != Standing::Member);
        assert!(told, "SEED={seed}: Eve takes herself for a member");
    }
}
