//! What relays know, forget, and can do to a circle.

use harness::{ANNA, BEN, CHRIS, DANA, Machines, World};
use hearthlight_protocol::boundary::{Room, SlotKind, Store};
use hearthlight_protocol::circle::card::CardSecrets;
use hearthlight_protocol::envelope::Envelope;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// P5, P6, R-31: whatever members do, a relay sees that somebody has a mailbox's key, and not who. Nothing that
/// it is sent or keeps has a name, a word, or a key or id of a member, a device, a card or the circle in it.
#[test]
fn a_relay_sees_mailboxes_and_nobody() {
    let mut world = World::new(Machines::Real, 81, 4, 1);
    world.overhear();
    let mut world = world.with_members(3);
    world.say(ANNA, "quiet words of Anna");
    world.run_for(MINUTE);
    world.begin_join(DANA);
    world.run_for(5 * MINUTE);
    world.say(DANA, "quiet words of Dana");
    world.run_for(DAY + MINUTE);
    world.say(BEN, "quiet words of Ben");
    world.calm().expect("every promise is kept");
    let mut seen = world.overheard();
    let drawers = [Room::Envelopes, Room::Mailboxes, Room::Tokens];
    for (key, value) in drawers.iter().flat_map(|room| world.hosts[4].store.drawer(*room)) {
        seen.extend([&key.owner[..], &key.place, value].concat());
    }
    let mailbox = world.forger(ANNA).talk().mailbox();
    assert!(holds(&seen, &mailbox.0), "it does see mailboxes");
    let circle = world.circle.expect("it was founded");
    let mut secret = vec![b"quiet words".to_vec(), b"Evening circle".to_vec(), circle.0.to_vec()];
    for host in [ANNA, BEN, CHRIS, DANA] {
        let home = world.forger(host);
        secret.push(world.hosts[host].name.as_bytes().to_vec());
        secret.extend([
            home.me.0.to_vec(),
            home.pair.public().to_vec(),
            home.run.device.0.to_vec(),
        ]);
        for (slot, both) in world.hosts[host].store.secrets() {
            secret.extend([both.bytes().to_vec(), slot.id.to_vec()]);
            if let Some(card) =
                CardSecrets::from_secret(&both).filter(|_| slot.kind == SlotKind::Card)
            {
                secret.extend([card.speak.public().to_vec(), slot.id[..16].to_vec()]);
            }
        }
    }
    // The root's slot has no name.
    secret.retain(|secret| secret.iter().any(|byte| *byte != 0));
    assert!(secret.len() > 40, "{}", secret.len());
    for secret in secret {
        assert!(!holds(&seen, &secret), "a relay sees {secret:?}");
    }
}

/// of a circle that has gone a relay keeps nothing but the token that its operator gave.
#[test]
fn a_relay_forgets_who_has_gone() {
    let mut world = World::calm_circle(82, 3, 1);
    world.say(ANNA, "before all go");
    world.run_for(MINUTE);
    let kept = |world: &World, room| world.hosts[3].store.drawer(room).count();
    assert!(kept(&world, Room::Envelopes) > 5 && kept(&world, Room::Mailboxes) > 3);
    for host in [ANNA, BEN, CHRIS] {
        world.crash(host, 90 * DAY);
    }
    world.run_for(29 * DAY);
    assert!(kept(&world, Room::Envelopes) > 5, "who comes back in time finds all of it");
    world.run_for(3 * DAY);
    assert_eq!([Room::Envelopes, Room::Mailboxes].map(|room| kept(&world, room)), [0, 0]);
    assert_eq!(kept(&world, Room::Tokens), 1);
}

/// of two relays either may say nothing to anybody.
#[test]
fn a_relay_that_withholds_everything_costs_seconds() {
    const SECONDS: u64 = 15;
    for silent in [3, 4] {
        let mut world = World::calm_circle(83, 3, 2);
        world.network.mute = Some(silent);
        for by in [ANNA, CHRIS] {
            world.say(by, "past a silent relay");
            world.run_for(SECONDS * 1_000);
        }
        for host in [ANNA, BEN, CHRIS] {
            assert_eq!(world.texts(host).len(), 2, "host {host}, relay {silent}");
        }
        world.verdict().expect("every promise is kept");
    }
}

/// R-52, H-6, H-12: what a relay gives again, in another order, in another mailbox or damaged, is nothing new.
#[test]
fn a_relay_that_replays_and_damages_changes_nothing() {
    let mut world = World::calm_circle(84, 3, 1);
    for words in ["one", "two", "three"] {
        world.say(ANNA, words);
        world.run_for(10_000);
    }
    let ben = world.forger(BEN);
    let (talk, board) = (ben.talk(), ben.board());
    // Until all that follows by itself has.
    world.run_for(5 * MINUTE);
    let (before, shown) = (world.hosts[BEN].store.len(), world.texts(BEN));
    assert_eq!(shown.len(), 3);
    for (sealed, other) in [(&talk, &board), (&board, &talk)] {
        let all = world.envelopes_in(CHRIS, sealed);
        assert!(all.len() >= 3);
        for (_, envelope) in all.into_iter().rev() {
            let mut damaged = envelope.bytes().to_vec();
            damaged[200] ^= 1;
            let damaged = Envelope::parse(damaged).expect("of a right size");
            world.hand_again(BEN, sealed, damaged);
            world.hand_again(BEN, other, envelope.clone());
            world.hand_again(BEN, sealed, envelope.clone());
            world.hand_again(BEN, sealed, envelope);
            world.run_for(100);
        }
    }
    world.run_for(MINUTE);
    assert_eq!(world.texts(BEN), shown);
    assert_eq!(world.hosts[BEN].store.len(), before, "nothing more is kept");
    world.say(CHRIS, "four");
    world.calm().expect("every promise is kept");
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    let first = part[0];
    let starts = text.iter().enumerate().filter(|(_, byte)| **byte == first);
    starts.into_iter().any(|(at, _)| text[at..].starts_with(part))
}
