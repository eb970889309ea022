//! What is said again, help, and homes that were put back.

use harness::chance::Chance;
use harness::forge::{ASK, CARD, ENTRY, Forger, HELP, OPENING, board_text};
use harness::{ANNA, BEN, CHRIS, DANA, World};
use hearthlight_protocol::circle::card::VerifiedCard;
use hearthlight_protocol::circle::epoch::{CardTag, Header, Opening};
use hearthlight_protocol::circle::help::{Ask, Help};
use hearthlight_protocol::crypto::{Label, Secret, Suite, hash};
use hearthlight_protocol::message::{Item, Seen};
use hearthlight_protocol::planted::Planted;
use hearthlight_protocol::wire::{self, Bytes};

use super::{
    DAY, HOUR, MINUTE, NEXT, SECOND, Verdict, calm, epochs, holds, items, kept, remove,
    speak_for_a_day,
};

/// How long talk is kept where days pass, in seconds.
const KEEP_S: u64 = 120 * 86_400;

///
pub(crate) fn what_relays_forgot_is_said_again(fault: Option<Planted>) -> Verdict {
    let mut world = keeping(44, 3, 3, fault);
    world.run_for(MINUTE);
    world.crash(CHRIS, 34 * DAY);
    world.run_for(DAY);
    world.say(ANNA, "while Chris is away");
    world.run_for(34 * DAY);
    holds(world.texts(CHRIS).len() == 1, "P1: what relays have forgotten is lost")
}

/// P2, P4, R-32: Ben, who was there, gives the newcomer a key of what was said before she came. Nor is anything missed
/// that others lean on.
pub(crate) fn a_newcomer_reads_nothing_that_somebody_gives_it_a_key_of(
    fault: Option<Planted>,
) -> Verdict {
    let mut world = World::calm_circle_of(harness::Machines::Real, 52, 4, 3, 1);
    world.plant(fault);
    world.say(ANNA, "before Dana came");
    world.run_for(MINUTE);
    let ben = world.forger(BEN);
    let (epoch, circle) = (ben.newest(), ben.circle);
    world.begin_join(DANA);
    world.run_for(3 * MINUTE);
    let dana = world.forger(DANA);
    let openings = world.items_on(ANNA, &ben.board(), OPENING).into_iter();
    let mut openings = openings.filter_map(|opening| wire::decode::<Opening>(&opening));
    let opening = openings.find(|it| Header::id(&it.header, &circle) == epoch.id);
    let header = opening.expect("it was posted there").header;
    let (card, secrets) = (&world.first_cards(ANNA)[&dana.me], epoch.secrets.as_ref());
    let secrets = secrets.expect("Ben reads it");
    let entry = epoch.header.seal_entry(Suite::Hybrid, card, secrets, Chance::new(52).rng());
    let entry = wire::encode(&(header, dana.me, entry.expect("a card of the suite")));
    world.hand(DANA, &dana.board(), &board_text(ENTRY, entry), world.now);
    world.run_for(MINUTE);
    let given = epochs(&world, DANA).iter().any(|slot| slot.id == epoch.id.0);
    holds(given, "the newcomer was to have the key")?;
    world.say(CHRIS, "after Dana came");
    world.calm().map_err(|broken| broken.to_string())?;
    holds(world.texts(DANA).len() == 1, "P1: the newcomer does not read what is for her")
}

/// P4
pub(crate) fn a_newcomer_is_said_nothing_again(fault: Option<Planted>) -> Verdict {
    let mut world = keeping(45, 4, 3, fault);
    world.say(ANNA, "before Dana came");
    world.run_for(8 * DAY);
    world.say(ANNA, "a week later");
    world.run_for(8 * DAY);
    world.begin_join(DANA);
    world.run_for(10 * MINUTE);
    world.say(DANA, "hello");
    world.run_for(HOUR);
    kept(&world)?;
    holds(world.texts(ANNA).len() == 3, "P1: the newcomer is not heard")
}

/// at most every third day. Somebody is heard of three times who never says what it has.
pub(crate) fn what_was_said_again_is_not_said_each_time(fault: Option<Planted>) -> Verdict {
    let mut world = keeping(46, 3, 3, fault);
    world.run_for(MINUTE);
    let chris = world.forger(CHRIS);
    world.crash(CHRIS, 90 * DAY);
    world.run_for(MINUTE);
    world.say(ANNA, "while Chris is away");
    world.run_for(30 * DAY);
    let times = |world: &World| {
        let texts = world.texts_in(ANNA, &chris.talk()).into_iter();
        texts.flat_map(|text| items(&text)).filter(|item| matches!(item, Item::Message(_))).count()
    };
    let before = times(&world);
    for _ in 0..3 {
        let seen = Seen { epoch: chris.newest().id, heads: Vec::new(), have: Vec::new() };
        let frame = chris.speech(&[Item::Seen(seen)]);
        world.hand(ANNA, &chris.talk(), &frame, world.now);
        world.run_for(MINUTE);
    }
    let again = times(&world) - before;
    holds(again == 1, &format!("P7: one thing is said again {again} times in three minutes"))
}

/// in the head only if all there were in the first epoch, else for the one alone.
pub(crate) fn what_is_said_again_is_for_who_was_there(fault: Option<Planted>) -> Verdict {
    let mut world = keeping(47, 4, 3, fault);
    world.run_for(MINUTE);
    world.crash(CHRIS, 34 * DAY);
    world.run_for(MINUTE);
    world.say(ANNA, "while Chris is away");
    world.run_for(33 * DAY);
    world.begin_join(DANA);
    world.run_for(2 * DAY);
    kept(&world)?;
    holds(world.texts(CHRIS).len() == 1, "P1: what relays have forgotten is lost")
}

///
pub(crate) fn a_home_from_an_old_backup_comes_back(fault: Option<Planted>) -> Verdict {
    let mut world = keeping(13, 4, 4, fault);
    world.run_for(MINUTE);
    world.back_up(CHRIS);
    let dana = world.forger(DANA).me;
    remove(&mut world, ANNA, dana);
    for _ in 0..10 {
        world.run_for(4 * DAY);
        world.say(CHRIS, "on later cards");
    }
    world.run_for(DAY);
    world.put_back(CHRIS);
    world.run_for(3 * HOUR);
    world.say(CHRIS, "here again");
    world.run_for(10 * MINUTE);
    kept(&world)?;
    let heard = world.texts(ANNA).last().is_some_and(|text| text.ends_with("here again"));
    holds(heard, "P1: who came back is not heard")
}

///
pub(crate) fn a_home_that_was_put_back_is_a_new_device(fault: Option<Planted>) -> Verdict {
    let mut world = calm(48, 3, 1, fault);
    let before = world.forger(CHRIS).run.device;
    world.back_up(CHRIS);
    world.say(CHRIS, "after the backup");
    world.run_for(MINUTE);
    world.put_back(CHRIS);
    world.run_for(10 * MINUTE);
    let after = world.forger(CHRIS).run.device;
    holds(after != before, "P2: others think that it has what it has lost")
}

/// R-29, P3
pub(crate) fn who_was_removed_is_not_helped(fault: Option<Planted>) -> Verdict {
    let mut world = calm(49, 3, 1, fault);
    let ben = world.forger(BEN);
    remove(&mut world, ANNA, ben.me);
    world.run_for(MINUTE);
    let card = world.first_cards(ANNA)[&ben.me].clone();
    let answers = ask(&mut world, &ben, &card);
    holds(answers.is_empty(), "P3: somebody removed is told how the circle went on")
}

/// R-29, P3: an old card may be a copy's that its person gave up.
pub(crate) fn an_old_card_is_told_the_newer_one_and_nothing_else(
    fault: Option<Planted>,
) -> Verdict {
    let mut world = calm(50, 3, 1, fault);
    speak_for_a_day(&mut world);
    let ben = world.forger(BEN);
    let card = world.first_cards(ANNA)[&ben.me].clone();
    let kinds = ask(&mut world, &ben, &card);
    holds(!kinds.is_empty(), "P1: a home that was put back is not told that it was")?;
    holds(
        kinds.iter().all(|kind| *kind == CARD),
        "P3: a copy of old is told how the circle goes on",
    )
}

///
pub(crate) fn an_entry_under_a_forged_header_is_nothing(fault: Option<Planted>) -> Verdict {
    let mut world = calm(51, 3, 1, fault);
    let (ben, anna, chris) = (world.forger(BEN), world.forger(ANNA).me, world.forger(CHRIS).me);
    let card = world.first_cards(ANNA)[&chris].clone();
    let mut chance = Chance::new(51);
    let mut epochs = Vec::new();
    for opener in [ben.me, anna] {
        let (header, secrets) =
            ben.next(Secret::new(NEXT.into()), ben.newest().header.cards.clone());
        let header = Header { opener, ..header };
        let mut opening = ben.open(header, &secrets, &[&card], chance.rng());
        let (signed, entry) = (opening.header, opening.entries.pop());
        epochs.push(Header::id(&signed, &ben.circle).0);
        let entry = wire::encode(&(signed, chris, entry.expect("one for each card")));
        world.hand(CHRIS, &ben.board(), &board_text(ENTRY, entry), world.now);
        world.run_for(10 * SECOND);
    }
    let held: Vec<[u8; 32]> = super::epochs(&world, CHRIS).iter().map(|slot| slot.id).collect();
    holds(held.contains(&epochs[0]), "P1: what its opener signed is not taken")?;
    holds(!held.contains(&epochs[1]), "R-21: what nobody opened is held as an epoch")
}

/// P7, R-29: an ask is short, and what answers it is long, on each board on which the ask stands.
pub(crate) fn who_asks_all_day_fills_no_home(fault: Option<Planted>) -> Verdict {
    let mut world = calm(46, 3, 1, fault);
    let ben = world.forger(BEN);
    let card = world.first_cards(BEN)[&ben.me].clone();
    world.crash(BEN, DAY);
    for _ in 0..600 {
        post_ask(&mut world, &ben, &card);
        world.run_for(30 * SECOND);
    }
    let held = world.hosts[ANNA].store.bytes();
    // The asks are 2.4 MiB.
    holds(held < 5 << 20, "P7: a home is filled with help")
}

/// Asks Anna with a card of Ben's, as if nothing were there.
fn post_ask(world: &mut World, ben: &Forger, card: &VerifiedCard) {
    let ask = Ask {
        member: ben.me,
        card: card.signed.clone(),
        heads: Vec::new(),
        lacks: Vec::new(),
        tries: 0,
        at: world.now.0,
    };
    let signed = ben.sign(Label::Ask, &ask);
    world.hand(ANNA, &ben.board(), &board_text(ASK, wire::encode(&signed)), world.now);
}

/// Asks Anna so, and gives the kinds of what Ben is told.
fn ask(world: &mut World, ben: &Forger, card: &VerifiedCard) -> Vec<u8> {
    post_ask(world, ben, card);
    world.run_for(MINUTE);
    let info = hash(Label::Help, &ben.circle, &[]);
    let seal = &ben.card(&CardTag(card.tag())).seal;
    let answers = world.items_on(ANNA, &ben.board(), HELP).into_iter();
    let opened = answers.filter_map(|help| {
        let help: Help = wire::decode(&help)?;
        Suite::Hybrid.open_with(seal, &info, &ben.me.0, &help.sealed.0)
    });
    let items = opened.filter_map(|text| wire::decode::<Vec<(u8, Bytes)>>(&text)).flatten();
    items.map(|(kind, _)| kind).collect()
}

/// A calm circle in which talk is kept for months.
fn keeping(seed: u64, members: usize, inside: usize, fault: Option<Planted>) -> World {
    World::keeping_circle(seed, (members, inside), KEEP_S, fault)
}
