//! Boards, epochs, cards, and what newcomers read of them.

use std::collections::BTreeMap;

use harness::chance::Chance;
use harness::forge::{CARD, Forger, OPENING, OPERATION, board_text};
use harness::{ANNA, BEN, CHRIS, DANA, HostId, World};
use hearthlight_protocol::boundary::Command;
use hearthlight_protocol::circle::card::VerifiedCard;
use hearthlight_protocol::circle::charter::{Act, HoldBody};
use hearthlight_protocol::circle::epoch::{CardTag, Header, SealedBox};
use hearthlight_protocol::crypto::{Label, Secret, Suite};
use hearthlight_protocol::identity::{DeviceId, EpochId, OperationId};
use hearthlight_protocol::planted::Planted;
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire;

use super::super::REPAIRS;
use super::{
    DAY, EVE, HOUR, MINUTE, NEXT, SECOND, Verdict, calm, epochs, holds, remove, role,
    speak_for_a_day,
};

const YEAR_MS: i64 = 365 * 86_400_000;

/// somebody comes in in one half while the other removes somebody and has a new board. What is
/// decided there stands on that board alone, which the newcomer has from one opening only.
pub(crate) fn a_newcomer_follows_two_halves(fault: Option<Planted>) -> Verdict {
    const FINN: HostId = 4;
    let mut world = World::calm_circle_of(harness::Machines::Real, 32, 5, 4, 2);
    let [ben, chris, dana] = [BEN, CHRIS, DANA].map(|host| world.forger(host).me);
    role(&mut world, ANNA, dana, "host");
    world.run_for(MINUTE);
    // Help would mend it, sooner or later.
    world.plant(REPAIRS.into_iter().chain(fault));
    world.cut(BTreeMap::from([(CHRIS, 1), (DANA, 1), (6, 1)]));
    world.run_for(MINUTE);
    remove(&mut world, DANA, ben);
    world.run_for(MINUTE);
    role(&mut world, DANA, chris, "steward");
    world.begin_join(FINN);
    world.run_for(5 * MINUTE);
    world.cut(BTreeMap::new());
    world.run_for(10 * MINUTE);
    world.say(ANNA, "to all four");
    world.run_for(5 * MINUTE);
    holds(world.texts(FINN).len() == 1, "P1: a newcomer reads nothing")
}

/// Dana was removed, so there is a new board; Eve came in then, and does not read the old one, which is given too.
fn with_an_old_board(fault: Option<Planted>) -> (World, SealedBox) {
    let mut world = World::calm_circle_of(harness::Machines::Real, 41, 5, 4, 1);
    world.plant(fault);
    let (old, dana) = (world.forger(BEN).board(), world.forger(DANA).me);
    remove(&mut world, ANNA, dana);
    world.run_for(MINUTE);
    world.begin_join(EVE);
    world.run_for(3 * MINUTE);
    (world, old)
}

/// somebody says something to the charter on a board that newcomers do not read.
pub(crate) fn an_operation_on_an_old_board_reaches_the_newcomer(fault: Option<Planted>) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    let ben = world.forger(BEN);
    // It gives Ben's word and nothing else: he has no right to it.
    let hold = Act::Hold(HoldBody { who: ben.me, place: true, until: world.now.0 + DAY });
    let signed = ben.operation(1, ben.heads.clone(), hold.kind(), hold.body());
    let now = world.now;
    world.hand(CHRIS, &old, &board_text(OPERATION, wire::encode(&signed)), now);
    world.run_for(2 * MINUTE);
    let id = OperationId(signed.id(Label::Operation, &ben.circle));
    holds(world.forger(EVE).heads.contains(&id), "P1: a newcomer does not know what was decided")
}

/// the same, where that came before what it follows, which all read.
pub(crate) fn what_had_waited_on_an_old_board_reaches_the_newcomer(
    fault: Option<Planted>,
) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    let ben = world.forger(BEN);
    let hold = Act::Hold(HoldBody { who: ben.me, place: true, until: world.now.0 + DAY });
    let id = |signed: &Signed| OperationId(signed.id(Label::Operation, &ben.circle));
    let first = ben.operation(1, ben.heads.clone(), hold.kind(), hold.body());
    let second = ben.operation(2, vec![id(&first)], hold.kind(), hold.body());
    let text = |signed: &Signed| board_text(OPERATION, wire::encode(signed));
    world.hand(CHRIS, &old, &text(&second), world.now);
    for host in [CHRIS, EVE] {
        world.hand(host, &ben.board(), &text(&first), world.now);
    }
    world.run_for(2 * MINUTE);
    let knows = world.forger(EVE).heads.contains(&id(&second));
    holds(knows, "P1: a newcomer does not know what had waited")
}

/// Ben opens what follows the head, and posts it on a board that the newcomer does not read.
pub(crate) fn a_head_on_an_old_board_reaches_the_newcomer(fault: Option<Planted>) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    let openings = openings(&world, BEN, None, 1);
    world.crash(BEN, DAY);
    is_read_by_the_newcomer(&mut world, &old, &openings[0].1)
}

/// the same, though the opening names a card of Ben's that nobody else has, so that nobody can seal for it.
pub(crate) fn a_head_that_names_a_card_nobody_has_reaches_the_newcomer(
    fault: Option<Planted>,
) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    let (ben, first) = (world.forger(BEN), world.first_cards(ANNA));
    let mut cards = ben.newest().header.cards.clone();
    cards[usize::from(ben.place(&ben.me))] = CardTag([9; 16]);
    let (header, secrets) = ben.next(Secret::new(NEXT.to_vec()), cards);
    let sealed_to: Vec<_> = ben.newest().members.iter().map(|who| &first[who]).collect();
    let opening = ben.open(header, &secrets, &sealed_to, Chance::new(41).rng());
    world.crash(BEN, DAY);
    is_read_by_the_newcomer(&mut world, &old, &board_text(OPENING, wire::encode(&opening)))
}

/// the same, though an opening from before she came, which names the old board, stands on the newcomer's too.
pub(crate) fn a_head_reaches_a_newcomer_past_openings_without_her(
    fault: Option<Planted>,
) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    let before = world.items_on(CHRIS, &old, OPENING).remove(0);
    let (openings, new) = (openings(&world, BEN, None, 1), world.forger(BEN).board());
    world.crash(BEN, DAY);
    for to in [ANNA, CHRIS, EVE] {
        world.hand(to, &new, &board_text(OPENING, before.clone()), world.now);
    }
    is_read_by_the_newcomer(&mut world, &old, &openings[0].1)
}

/// Chris alone hears of an opening, on the old board, and speaks in its epoch.
fn is_read_by_the_newcomer(world: &mut World, old: &SealedBox, opening: &[u8]) -> Verdict {
    world.hand(CHRIS, old, opening, world.now);
    world.run_for(2 * MINUTE);
    world.say(CHRIS, "in the new one");
    world.run_for(MINUTE);
    holds(world.texts(EVE).len() == 1, "P1: a newcomer does not read what is said in the head")
}

/// An opening as it is posted.
type Posted = (EpochId, Vec<u8>);

/// So many openings by somebody that follow these, or the head, in the order of their ids.
fn openings(world: &World, by: HostId, follow: Option<&[Posted]>, count: u8) -> Vec<Posted> {
    openings_by(world, &world.forger(by), follow, count)
}

fn openings_by(world: &World, by: &Forger, follow: Option<&[Posted]>, count: u8) -> Vec<Posted> {
    let (first, mut chance) = (world.first_cards(ANNA), Chance::new(41));
    let sealed_to: Vec<_> = by.newest().members.iter().map(|who| &first[who]).collect();
    let openings = (1..=count).map(|number| {
        let cards = by.newest().header.cards.clone();
        let (header, secrets) = by.next(Secret::new(vec![number; 32]), cards);
        let follow = follow.map(|before| before.iter().map(|(id, _)| *id).collect());
        let supersedes = follow.unwrap_or_else(|| header.supersedes.clone());
        let header = Header { supersedes, ..header };
        let opening = by.open(header, &secrets, &sealed_to, chance.rng());
        (Header::id(&opening.header, &by.circle), board_text(OPENING, wire::encode(&opening)))
    });
    openings.collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// P1, R-27: Chris speaks in an epoch that the newcomer never hears of, and later in one that she is in.
pub(crate) fn what_is_lacking_among_later_words_is_said_again(fault: Option<Planted>) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    world.plant(REPAIRS.into_iter().chain(fault));
    let openings = openings(&world, BEN, None, 1);
    world.crash(BEN, DAY);
    [ANNA, CHRIS].into_iter().for_each(|to| world.hand(to, &old, &openings[0].1, world.now));
    world.run_for(2 * MINUTE);
    world.say(CHRIS, "in the new one");
    world.run_for(MINUTE);
    refresh(&mut world, ANNA);
    world.run_for(MINUTE);
    world.say(CHRIS, "and later");
    world.run_for(MINUTE);
    holds(
        world.texts(EVE) == ["say 00001 and later"],
        "the newcomer was to hear of the second epoch alone",
    )?;
    world.run_for(30 * MINUTE);
    holds(world.texts(EVE).len() == 2, "P1: what the newcomer says that it lacks is not said again")
}

/// Openings by somebody that follow the head, and more epochs that there are not than one ask names.
fn flood(world: &World, by: HostId) -> Vec<Vec<u8>> {
    let (by, mut chance) = (world.forger(by), Chance::new(42));
    let openings = (0..5).map(|number| {
        let cards = by.newest().header.cards.clone();
        let (header, secrets) = by.next(Secret::new(vec![100 + number; 32]), cards);
        let nowhere = (0..15).map(|place| {
            let mut id = EpochId([0; 32]);
            id.0[30..].copy_from_slice(&[number, place]);
            id
        });
        let supersedes = header.supersedes.iter().copied().chain(nowhere).collect();
        let opening = by.open(Header { supersedes, ..header }, &secrets, &[], chance.rng());
        board_text(OPENING, wire::encode(&opening))
    });
    openings.collect()
}

/// P1, R-29: Chris speaks in an epoch of which the newcomer hears only what follows it, and of many others that there
/// are not, with smaller ids.
pub(crate) fn what_is_lacking_behind_a_flood_is_asked_for(fault: Option<Planted>) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    world.plant(REPAIRS.into_iter().filter(|repair| *repair != Planted::NobodyAsks).chain(fault));
    let (aside, flood) = (openings(&world, BEN, None, 1), flood(&world, CHRIS));
    let shared = world.forger(EVE).board();
    world.crash(BEN, DAY);
    [ANNA, CHRIS].into_iter().for_each(|to| world.hand(to, &old, &aside[0].1, world.now));
    world.run_for(2 * MINUTE);
    world.say(CHRIS, "in the new one");
    world.run_for(MINUTE);
    flood.iter().for_each(|opening| world.hand(EVE, &shared, opening, world.now));
    refresh(&mut world, ANNA);
    world.run_for(SECOND);
    holds(world.texts(EVE).is_empty(), "the newcomer was not to hear of the new epoch")?;
    world.run_for(20 * MINUTE);
    holds(
        world.texts(EVE).len() == 1,
        "P1: what the newcomer lacks behind a flood is not asked for",
    )
}

/// P1, R-27: Chris speaks in an epoch that the newcomer never hears of, and that nothing follows.
pub(crate) fn what_was_said_last_beside_the_head_is_said_again(fault: Option<Planted>) -> Verdict {
    beside_the_head(fault, false)
}

/// P1, R-27: the same, where Chris knows of an epoch that follows it, and that the newcomer never hears of either.
pub(crate) fn what_was_said_beside_the_head_and_followed_there_is_said_again(
    fault: Option<Planted>,
) -> Verdict {
    beside_the_head(fault, true)
}

fn beside_the_head(fault: Option<Planted>, followed: bool) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    world.plant(REPAIRS.into_iter().chain(fault));
    let (aside, ahead) = (openings(&world, CHRIS, None, 20), openings(&world, BEN, None, 1));
    let shared = world.forger(EVE).board();
    let aside = aside.iter().find(|(id, _)| *id > ahead[0].0).expect("of so many one is greater");
    world.hand(CHRIS, &old, &aside.1, world.now);
    world.run_for(MINUTE);
    world.say(CHRIS, "aside");
    world.run_for(MINUTE);
    if followed {
        let follow = openings(&world, CHRIS, Some(std::slice::from_ref(aside)), 20);
        let follow = follow.iter().find(|(id, _)| *id > ahead[0].0);
        world.hand(CHRIS, &old, &follow.expect("of so many one is greater").1, world.now);
        world.run_for(MINUTE);
    }
    world.hand(EVE, &shared, &ahead[0].1, world.now);
    world.run_for(MINUTE);
    world.say(ANNA, "ahead");
    world.run_for(MINUTE);
    holds(world.texts(EVE) == ["say 00001 ahead"], "the newcomer was to hear of one epoch alone")?;
    world.run_for(30 * MINUTE);
    holds(world.texts(EVE).len() == 2, "P1: what was said beside the head is not said again")
}

/// Ben floods with openings. All but the newcomer know so many of them that one more counts for none of them, and is
/// let go of; it is the newcomer's head.
fn with_a_newcomer_apart(fault: Option<Planted>) -> World {
    let (mut world, old) = with_an_old_board(fault);
    // What counts instead would lead her back at once.
    world.plant(REPAIRS.into_iter().chain([Planted::SurplusUnshown]).chain(fault));
    let flood = openings(&world, BEN, None, 40);
    let shared = world.forger(EVE).board();
    world.crash(BEN, DAY);
    for (_, opening) in flood[..4].iter().chain(&flood[20..]) {
        [ANNA, CHRIS].into_iter().for_each(|to| world.hand(to, &old, opening, world.now));
    }
    world.run_for(MINUTE);
    let follows = openings(&world, CHRIS, Some(&flood[..4]), 40);
    let after = follows.iter().find(|(id, _)| *id > flood[4].0).expect("of so many one is greater");
    for opening in [after, &flood[4]] {
        world.hand(EVE, &shared, &opening.1, world.now);
        world.run_for(MINUTE);
    }
    world
}

/// P1, R-25: the newcomer hears that others speak where she does not.
pub(crate) fn who_speak_apart_are_brought_together(fault: Option<Planted>) -> Verdict {
    let mut world = with_a_newcomer_apart(fault);
    let head = |world: &World, host| world.forger(host).head().map(|head| head.id);
    holds(head(&world, EVE) != head(&world, ANNA), "the newcomer was to be apart")?;
    world.say(ANNA, "where are you?");
    world.run_for(10 * MINUTE);
    holds(head(&world, EVE) == head(&world, ANNA), "P1: two heads of one circle stay two")
}

/// P1, R-22: for the newcomer an opening counts that is one too many for the others, and follows their head. They hold
/// four that nothing names. She goes on in it, or in another beside their head; and nobody has anything to say.
pub(crate) fn who_counts_one_too_many_is_led_back(fault: Option<Planted>) -> Verdict {
    for siblings in [2, 1] {
        let (mut world, old) = with_an_old_board(fault);
        world.plant(REPAIRS.into_iter().chain(fault));
        let (behind, shared) = (world.forger(BEN), world.forger(EVE).board());
        role(&mut world, ANNA, behind.me, "chair");
        world.run_for(MINUTE);
        let after = openings(&world, CHRIS, None, siblings);
        // From before Ben had a role, and so closed.
        let four = openings_by(&world, &behind, Some(&after[..1]), 4);
        let follows = openings(&world, BEN, Some(&after[..1]), 40);
        let (head, last) = (after[0].0, after[after.len() - 1].0);
        let fifth = follows.iter().find(|(id, _)| *id > four[3].0 && *id > last);
        let fifth = fifth.expect("of so many one is greater");
        world.crash(BEN, DAY);
        for to in [ANNA, CHRIS] {
            four.iter().for_each(|(_, opening)| world.hand(to, &old, opening, world.now));
        }
        for (_, opening) in after.iter().chain([fifth]) {
            for to in [ANNA, CHRIS, EVE] {
                world.hand(to, &shared, opening, world.now);
            }
            world.run_for(SECOND);
        }
        let is_head =
            |world: &World, host, id| world.forger(host).head().is_some_and(|epoch| epoch.id == id);
        let apart = if siblings == 1 { fifth.0 } else { last };
        holds(is_head(&world, EVE, apart), "the newcomer was to be apart")?;
        holds(is_head(&world, ANNA, head), "the others were to stay")?;
        world.run_for(10 * MINUTE);
        holds(is_head(&world, EVE, head), "P1: two heads of one circle stay two")?;
    }
    Ok(())
}

///
pub(crate) fn a_week_later_the_old_secret_is_nowhere(fault: Option<Planted>) -> Verdict {
    let mut world = calm(32, 3, 1, fault);
    world.say(ANNA, "in the first week");
    world.run_for(MINUTE);
    let old = epochs(&world, ANNA);
    world.run_for(7 * DAY + HOUR);
    world.say(BEN, "in the second week");
    world.run_for(7 * DAY + 2 * HOUR);
    let kept = |host| epochs(&world, host).iter().any(|slot| old.contains(slot));
    holds(![ANNA, BEN, CHRIS].into_iter().any(kept), "P3: a recording of long ago can be opened")
}

///
pub(crate) fn a_device_that_speaks_makes_a_fresh_card_each_day(fault: Option<Planted>) -> Verdict {
    let mut world = calm(33, 2, 1, fault);
    speak_for_a_day(&mut world);
    let ben = world.forger(BEN).me;
    let fresh = world.cards_at(ANNA).iter().any(|(card, _)| card.member == ben);
    holds(fresh, "P3: what is sealed to Ben can be opened with a key of the day before")
}

/// P1, R-30, H-26: Ben's clock is a year ahead for a while, in which he speaks and opens an epoch for that.
pub(crate) fn what_a_clock_that_was_ahead_sealed_arrives(fault: Option<Planted>) -> Verdict {
    let mut world = calm(35, 3, 1, fault);
    world.hosts[BEN].skew_ms = YEAR_MS;
    world.say(BEN, "at what time is this");
    world.run_for(5 * MINUTE);
    world.hosts[BEN].skew_ms = 0;
    world.run_for(5 * MINUTE);
    holds(world.texts(CHRIS).len() == 1, "P1: what a clock that was ahead sealed does not arrive")
}

/// R-4, H-26: the same; and then he speaks each day.
pub(crate) fn a_device_whose_clock_was_ahead_keeps_its_card(fault: Option<Planted>) -> Verdict {
    let mut world = calm(36, 2, 1, fault);
    world.hosts[BEN].skew_ms = YEAR_MS;
    world.say(BEN, "at what time is this");
    world.run_for(5 * MINUTE);
    world.hosts[BEN].skew_ms = 0;
    speak_for_a_day(&mut world);
    let ben = world.forger(BEN).me;
    let fresh = world.cards_at(ANNA).iter().any(|(card, _)| card.member == ben);
    holds(fresh, "R-4: nobody takes another card of a device whose clock was ahead")
}

/// R-4, H-26
pub(crate) fn a_card_from_years_ahead_waits(fault: Option<Planted>) -> Verdict {
    const REV: u32 = u32::MAX - 1;
    let mut world = calm(34, 3, 1, fault);
    let ben = world.forger(BEN);
    let mut chance = Chance::new(34);
    let device = DeviceId([9; 16]);
    let (card, _) =
        VerifiedCard::make(&ben.pair, &ben.circle, Suite::Hybrid, device, REV, chance.rng());
    world.hand(ANNA, &ben.board(), &board_text(CARD, wire::encode(&card.signed)), world.now);
    world.run_for(10 * SECOND);
    let taken = world.cards_at(ANNA).iter().any(|(card, _)| card.rev == REV);
    holds(!taken, "R-4: no card that Ben's home makes counts for years")
}

fn refresh(world: &mut World, by: HostId) {
    let circle = world.circle.expect("it was founded");
    world.command(by, Command::Refresh { circle }).expect("a member refreshes");
}
