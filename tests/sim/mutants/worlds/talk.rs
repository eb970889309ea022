//! Envelopes, frames, and what is said in them.

use std::collections::BTreeMap;

use harness::chance::Chance;
use harness::forge::{Forger, OPENING, board_text, item};
use harness::{ANNA, BEN, CHRIS};
use hearthlight_protocol::boundary::{EntryKind, Mark};
use hearthlight_protocol::circle::epoch::{Header, SealedBox};
use hearthlight_protocol::crypto::Secret;
use hearthlight_protocol::identity::{DeviceId, MemberId};
use hearthlight_protocol::message::{Frame, Item, Message, Run};
use hearthlight_protocol::planted::Planted;
use hearthlight_protocol::wire;

use super::{DAY, HOUR, MINUTE, NEXT, SECOND, Verdict, calm, holds, items, kept, remove};

///
pub(crate) fn an_envelope_from_ahead_is_not_taken(fault: Option<Planted>) -> Verdict {
    let mut world = calm(35, 2, 1, fault);
    let ben = world.forger(BEN);
    for (words, at) in [("now", world.now), ("from ahead", world.now.plus(5 * HOUR))] {
        let said = item(&says_now(&ben, words));
        let frame = ben.speech(&[said]);
        world.hand(ANNA, &ben.talk(), &frame, at);
    }
    world.run_for(10 * SECOND);
    holds(world.texts(ANNA) == ["now"], "R-30: an envelope outlives what relays keep")
}

/// Ben opens six epochs after the head, on one day. Anna, a host, is shown that he did; Chris is not.
pub(crate) fn who_opens_too_much_is_shown_to_hosts(fault: Option<Planted>) -> Verdict {
    let mut world = calm(36, 3, 1, fault);
    let ben = world.forger(BEN);
    let (first, mut chance) = (world.first_cards(ANNA), Chance::new(36));
    let sealed_to: Vec<_> = ben.newest().members.iter().map(|who| &first[who]).collect();
    world.crash(BEN, DAY);
    for number in 1..=6 {
        let cards = ben.newest().header.cards.clone();
        let (header, secrets) = ben.next(Secret::new(vec![number; 32]), cards);
        let opening = ben.open(header, &secrets, &sealed_to, chance.rng());
        let text = board_text(OPENING, wire::encode(&opening));
        for to in [ANNA, CHRIS] {
            world.hand(to, &ben.board(), &text, world.now);
        }
    }
    world.run_for(MINUTE);
    for (host, told) in [(ANNA, 1), (CHRIS, 0)] {
        let lines = world.read(host).into_iter();
        let lines =
            lines.filter(|it| matches!(it.kind, EntryKind::Exceeds { who, .. } if who == ben.me));
        holds(lines.count() == told, "R-22: it is not shown, or to whom it is not to be")?;
    }
    Ok(())
}

/// R-32, H-9: Ben says one thing to Anna and another to Chris, for one place. Both see both, and one line that tells.
pub(crate) fn two_messages_for_one_place_are_told_of(fault: Option<Planted>) -> Verdict {
    let mut world = calm(36, 3, 2, fault);
    let ben = world.forger(BEN);
    let run = Run { run: 77, ..ben.run };
    world.crash(BEN, DAY);
    for counter in 0..2 {
        for (to, text) in [(ANNA, "yes"), (CHRIS, "no")] {
            let now = world.now;
            let message = ben.message(run, counter, text, now);
            world.hand(to, &ben.talk(), &ben.speech(&[item(&message)]), now);
        }
        world.run_for(10 * MINUTE);
    }
    for host in [ANNA, CHRIS] {
        let mut texts = world.texts(host);
        texts.sort();
        holds(texts == ["no", "no", "yes", "yes"], "R-32: not all is shown")?;
        let told = world.read(host).into_iter().filter_map(|entry| match entry.kind {
            EntryKind::Differs { who, .. } => Some(who),
            _ => None,
        });
        holds(told.collect::<Vec<_>>() == [ben.me], "R-32: it is not told, or more than once")?;
    }
    Ok(())
}

///
pub(crate) fn nobody_speaks_for_another(fault: Option<Planted>) -> Verdict {
    says(fault, |good, chris| Message { author: chris, ..good })
}

///
pub(crate) fn nobody_speaks_on_a_device_of_nobody(fault: Option<Planted>) -> Verdict {
    let run = Run { device: DeviceId([9; 16]), run: 7 };
    says(fault, |good, _| Message { run, ..good })
}

/// Ben puts a good message into a frame of his, and one with what is made of another.
fn says(fault: Option<Planted>, of: impl FnOnce(Message, MemberId) -> Message) -> Verdict {
    let mut world = calm(36, 3, 1, fault);
    let (ben, chris) = (world.forger(BEN), world.forger(CHRIS).me);
    let good = says_now(&ben, "as himself");
    for message in [good, of(says_now(&ben, "as another"), chris)] {
        world.hand(ANNA, &ben.talk(), &ben.speech(&[item(&message)]), world.now);
    }
    world.run_for(10 * SECOND);
    holds(world.texts(ANNA) == ["as himself"], "P2: somebody says what another is shown to say")
}

/// A message of Ben's in a run that his machine does not use.
fn says_now(ben: &Forger, words: &str) -> Message {
    let run = Run { device: ben.run.device, run: 7 };
    ben.message(run, 0, words, harness::world::BEGINNING)
}

/// Ben opens an epoch in which his own card stands at the place of Chris.
pub(crate) fn nobody_speaks_at_the_place_of_another(fault: Option<Planted>) -> Verdict {
    let mut world = calm(37, 3, 1, fault);
    let (ben, chris) = (world.forger(BEN), world.forger(CHRIS).me);
    let mut cards = ben.newest().header.cards.clone();
    cards[usize::from(ben.place(&chris))] = cards[usize::from(ben.place(&ben.me))];
    let (header, secrets) = ben.next(Secret::new(NEXT.into()), cards);
    let (first, mut chance) = (world.first_cards(ANNA), Chance::new(37));
    let sealed_to: Vec<_> = ben.newest().members.iter().map(|who| &first[who]).collect();
    let opening = ben.open(header, &secrets, &sealed_to, chance.rng());
    let epoch = Header::id(&opening.header, &ben.circle);
    let opening = board_text(OPENING, wire::encode(&opening));
    world.hand(ANNA, &ben.board(), &opening, world.now);
    world.run_for(SECOND);
    let talk = SealedBox::of_epoch(&secrets.epoch, &ben.circle);
    for (author, words) in [(ben.me, "as himself"), (chris, "as Chris")] {
        let message = Message { author, ..says_now(&ben, words) };
        let frame = ben.frame(&epoch, ben.place(&author), &[item(&message)]);
        world.hand(ANNA, &talk, &frame.expect("Ben has a card"), world.now);
    }
    world.run_for(10 * SECOND);
    holds(world.texts(ANNA) == ["as himself"], "P2: somebody says what another is shown to say")
}

/// R-32, H-14
pub(crate) fn what_somebody_removed_says_on_is_not_shown(fault: Option<Planted>) -> Verdict {
    let mut world = calm(38, 3, 2, fault);
    let ben = world.forger(BEN).me;
    world.cut(BTreeMap::from([(BEN, 1), (4, 1)]));
    world.run_for(MINUTE);
    remove(&mut world, ANNA, ben);
    world.say(BEN, "has not heard of it");
    world.run_for(MINUTE);
    world.cut(BTreeMap::new());
    world.run_for(5 * MINUTE);
    kept(&world)?;
    let shown = [ANNA, CHRIS].iter().any(|host| !world.texts(*host).is_empty());
    holds(!shown, "P3: somebody removed goes on talking to the circle")
}

/// Anna is told that Chris has what Ben said while Ben still belongs, and has it herself only
/// when he does not.
pub(crate) fn what_was_heard_in_time_reaches_all(fault: Option<Planted>) -> Verdict {
    let mut world = calm(39, 3, 2, fault);
    let (ben, chris) = (world.forger(BEN).me, world.forger(CHRIS));
    world.cut(BTreeMap::from([(BEN, 1), (CHRIS, 1), (4, 1)]));
    world.run_for(MINUTE);
    world.say(BEN, "heard in time");
    world.run_for(3 * MINUTE);
    let tells = |text: &[u8]| {
        let frame: Option<Frame> = wire::decode(text);
        let frame = frame.filter(|frame| frame.member == chris.place(&chris.me));
        frame.is_some() && items(text).iter().any(|item| matches!(item, Item::Seen(_)))
    };
    let told = world.envelopes_in(CHRIS, &chris.talk());
    let told: Vec<_> = told.into_iter().filter(|(text, _)| tells(text)).collect();
    for (_, envelope) in told {
        world.hand_again(ANNA, &chris.talk(), envelope);
    }
    world.run_for(SECOND);
    remove(&mut world, ANNA, ben);
    world.run_for(MINUTE);
    world.cut(BTreeMap::new());
    world.run_for(10 * MINUTE);
    holds(world.texts(ANNA) == world.texts(CHRIS), "P1: what one heard in time others do not")
}

/// P2
pub(crate) fn a_mark_counts_who_said_so(fault: Option<Planted>) -> Verdict {
    let mut world = calm(40, 3, 1, fault);
    world.crash(CHRIS, HOUR);
    world.say(ANNA, "to two, of whom one is there");
    world.run_for(5 * MINUTE);
    kept(&world)
}

/// P2
pub(crate) fn a_mark_waits_for_a_relay(fault: Option<Planted>) -> Verdict {
    let mut world = calm(41, 2, 1, fault);
    world.crash(2, HOUR);
    world.say(ANNA, "to nobody yet");
    world.run_for(MINUTE);
    let marks = world.read(ANNA).into_iter().filter_map(|entry| entry.delivery);
    let marks: Vec<Mark> = marks.map(|delivery| delivery.mark).collect();
    holds(marks == [Mark::Waiting], "P2: a mark says relayed, and no relay is there")
}

///
pub(crate) fn what_was_said_outlasts_a_crash(fault: Option<Planted>) -> Verdict {
    let mut world = calm(42, 2, 1, fault);
    world.crash(2, MINUTE);
    world.run_for(SECOND);
    world.say(ANNA, "before the power goes");
    world.run_for(SECOND);
    world.crash(ANNA, SECOND);
    world.run_for(5 * MINUTE);
    holds(world.texts(BEN).len() == 1, "P1: what was said is lost")
}

/// P2, R-81
pub(crate) fn what_a_relay_acknowledged_it_has(fault: Option<Planted>) -> Verdict {
    let mut world = calm(43, 2, 1, fault);
    world.say(ANNA, "to be kept");
    world.run_for(10 * SECOND);
    kept(&world)
}
