//! Small worlds, each of which keeps every promise unless a certain fault is planted in its machines.

use std::collections::BTreeMap;

use harness::chance::Chance;
use harness::forge::{ASK, CARD, ENTRY, Forger, HELP, OPENING, OPERATION, board_text, item};
use harness::governing::Govern;
use harness::{ANNA, BEN, CHRIS, DANA, HostId, World};
use hearthlight_protocol::boundary::{
    Answer, Command, EntryKind, JoinEnd, JoinState, JoinView, KeySlot, Mark, RequestState,
    SlotKind, Store,
};
use hearthlight_protocol::circle::card::VerifiedCard;
use hearthlight_protocol::circle::charter::{Act, HoldBody};
use hearthlight_protocol::circle::epoch::{CardTag, Header, Opening, SealedBox};
use hearthlight_protocol::circle::help::{Ask, Help};
use hearthlight_protocol::crypto::{Label, Secret, Suite, hash};
use hearthlight_protocol::identity::{DeviceId, EpochId, MemberId, OperationId};
use hearthlight_protocol::message::{Frame, Item, Message, Run, Seen};
use hearthlight_protocol::planted::Planted;
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

use super::REPAIRS;

/// The promise that was broken, in words.
pub(super) type Verdict = Result<(), String>;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR_MS: i64 = 365 * 86_400_000;
/// How long talk is kept where days pass, in seconds.
const KEEP_S: u64 = 120 * 86_400;
/// Who is not in at first, of five.
const EVE: HostId = 4;
/// The secret of an epoch that Ben makes.
const NEXT: [u8; 32] = [77; 32];

// ---- Boards, epochs, cards

/// somebody comes in in one half while the other removes somebody and has a new board. What is
/// decided there stands on that board alone, which the newcomer has from one opening only.
pub(super) fn a_newcomer_follows_two_halves(fault: Option<Planted>) -> Verdict {
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

/// Ben, who has no right to answer, welcomes a newcomer to an epoch and a board of his own, refuses it
/// and says that the invite is over. Anna, who lets it in, is off meanwhile.
pub(super) fn what_others_answer_keeps_no_newcomer_out(fault: Option<Planted>) -> Verdict {
    let mut world = World::calm_circle_of(harness::Machines::Real, 51, 5, 4, 1);
    world.plant(fault);
    let (chris, circle) = (world.forger(CHRIS).me, world.circle.expect("it was founded"));
    role(&mut world, ANNA, chris, "steward");
    world.run_for(MINUTE);
    world.begin_join(EVE);
    let (at, answers) = answers_of_ben(&mut world);
    world.crash(ANNA, 2 * MINUTE);
    world.run_for(10 * SECOND);
    for to in [EVE, CHRIS] {
        for answer in &answers {
            let now = world.now;
            world.hand(to, &at, answer, now);
        }
    }
    world.run_for(10 * SECOND);
    let Ok(Answer::Waiting(waiting)) = world.command(CHRIS, Command::Waiting { circle }) else {
        return Err("P1: a steward sees nobody".into());
    };
    let waits = waiting.iter().any(|request| request.state == RequestState::Waiting);
    holds(waits, "R-61: a steward does not see who waits")?;
    world.run_for(5 * MINUTE);
    world.say(ANNA, "to all");
    world.run_for(MINUTE);
    holds(world.texts(EVE).len() == 1, "P1: a newcomer reads nothing")
}

/// Ben welcomes a newcomer to an epoch and a board of his own, and Anna, whose invite ends
/// with a removal, says no before it or after.
pub(super) fn a_no_reaches_who_was_welcomed_to_nowhere(fault: Option<Planted>) -> Verdict {
    for first in [false, true] {
        let mut world = World::calm_circle_of(harness::Machines::Real, 51, 5, 4, 1);
        world.plant(fault);
        world.begin_join(EVE);
        let (at, answers) = answers_of_ben(&mut world);
        if first {
            world.govern(ANNA, Govern::Remove(DANA));
            world.run_for(MINUTE);
        }
        world.hand(EVE, &at, &answers[0], world.now);
        world.run_for(1);
        if !first {
            world.govern(ANNA, Govern::Remove(DANA));
        }
        world.run_for(MINUTE);
        let Ok(Answer::Joins(joins)) = world.command(EVE, Command::Joins) else {
            return Err("P1: a newcomer sees not how far it is".into());
        };
        let told = |join: &JoinView| join.state == JoinState::Over(JoinEnd::Revoked);
        holds(joins.iter().any(told), "R-61: a newcomer is not told the inviter's no")?;
    }
    Ok(())
}

/// What Ben can answer to Eve, who asks to be let in, and where.
fn answers_of_ben(world: &mut World) -> (SealedBox, Vec<Vec<u8>>) {
    let mut chance = Chance::new(51);
    let mut asked = |world: &mut World| {
        world.run_for(SECOND / 100);
        let (ben, open) = (world.forger(BEN), world.forger(ANNA).rendezvous.clone());
        open.into_iter().find_map(|at| {
            let mut texts = world.texts_in(EVE, &at).into_iter();
            texts.find_map(|text| Some((at.clone(), ben.answers(&text, chance.rng())?)))
        })
    };
    (0..1_000).find_map(|_| asked(world)).expect("a newcomer asks")
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
pub(super) fn an_operation_on_an_old_board_reaches_the_newcomer(fault: Option<Planted>) -> Verdict {
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
pub(super) fn what_had_waited_on_an_old_board_reaches_the_newcomer(
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
pub(super) fn a_head_on_an_old_board_reaches_the_newcomer(fault: Option<Planted>) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    let openings = openings(&world, BEN, None, 1);
    world.crash(BEN, DAY);
    world.hand(CHRIS, &old, &openings[0].1, world.now);
    world.run_for(2 * MINUTE);
    world.say(CHRIS, "in the new one");
    world.run_for(MINUTE);
    holds(world.texts(EVE).len() == 1, "P1: a newcomer does not read what is said in the head")
}

/// the same, though the opening names a card of Ben's that nobody else has, so that nobody can seal for it.
pub(super) fn a_head_that_names_a_card_nobody_has_reaches_the_newcomer(
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
    world.hand(CHRIS, &old, &board_text(OPENING, wire::encode(&opening)), world.now);
    world.run_for(2 * MINUTE);
    world.say(CHRIS, "in the new one");
    world.run_for(MINUTE);
    holds(world.texts(EVE).len() == 1, "P1: a newcomer does not read what is said in the head")
}

/// the same, though an opening from before she came, which names the old board, stands on the newcomer's too.
pub(super) fn a_head_reaches_a_newcomer_past_openings_without_her(
    fault: Option<Planted>,
) -> Verdict {
    let (mut world, old) = with_an_old_board(fault);
    let before = world.items_on(CHRIS, &old, OPENING).remove(0);
    let (openings, new) = (openings(&world, BEN, None, 1), world.forger(BEN).board());
    world.crash(BEN, DAY);
    for to in [ANNA, CHRIS, EVE] {
        world.hand(to, &new, &board_text(OPENING, before.clone()), world.now);
    }
    world.hand(CHRIS, &old, &openings[0].1, world.now);
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
pub(super) fn what_is_lacking_among_later_words_is_said_again(fault: Option<Planted>) -> Verdict {
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
pub(super) fn what_is_lacking_behind_a_flood_is_asked_for(fault: Option<Planted>) -> Verdict {
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
pub(super) fn what_was_said_last_beside_the_head_is_said_again(fault: Option<Planted>) -> Verdict {
    beside_the_head(fault, false)
}

/// P1, R-27: the same, where Chris knows of an epoch that follows it, and that the newcomer never hears of either.
pub(super) fn what_was_said_beside_the_head_and_followed_there_is_said_again(
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
pub(super) fn who_speak_apart_are_brought_together(fault: Option<Planted>) -> Verdict {
    let mut world = with_a_newcomer_apart(fault);
    let head = |world: &World, host| world.forger(host).head().map(|head| head.id);
    holds(head(&world, EVE) != head(&world, ANNA), "the newcomer was to be apart")?;
    world.say(ANNA, "where are you?");
    world.run_for(10 * MINUTE);
    holds(head(&world, EVE) == head(&world, ANNA), "P1: two heads of one circle stay two")
}

/// P1, R-22: for the newcomer an opening counts that is one too many for the others, and follows their head. They hold
/// four that nothing names. She goes on in it, or in another beside their head; and nobody has anything to say.
pub(super) fn who_counts_one_too_many_is_led_back(fault: Option<Planted>) -> Verdict {
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
pub(super) fn a_week_later_the_old_secret_is_nowhere(fault: Option<Planted>) -> Verdict {
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
pub(super) fn a_device_that_speaks_makes_a_fresh_card_each_day(fault: Option<Planted>) -> Verdict {
    let mut world = calm(33, 2, 1, fault);
    speak_for_a_day(&mut world);
    let ben = world.forger(BEN).me;
    let fresh = world.cards_at(ANNA).iter().any(|(card, _)| card.member == ben);
    holds(fresh, "P3: what is sealed to Ben can be opened with a key of the day before")
}

/// P1, R-30, H-26: Ben's clock is a year ahead for a while, in which he speaks and opens an epoch for that.
pub(super) fn what_a_clock_that_was_ahead_sealed_arrives(fault: Option<Planted>) -> Verdict {
    let mut world = calm(35, 3, 1, fault);
    world.hosts[BEN].skew_ms = YEAR_MS;
    world.say(BEN, "at what time is this");
    world.run_for(5 * MINUTE);
    world.hosts[BEN].skew_ms = 0;
    world.run_for(5 * MINUTE);
    holds(world.texts(CHRIS).len() == 1, "P1: what a clock that was ahead sealed does not arrive")
}

/// R-4, H-26: the same; and then he speaks each day.
pub(super) fn a_device_whose_clock_was_ahead_keeps_its_card(fault: Option<Planted>) -> Verdict {
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
pub(super) fn a_card_from_years_ahead_waits(fault: Option<Planted>) -> Verdict {
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

// ---- Envelopes and frames

///
pub(super) fn an_envelope_from_ahead_is_not_taken(fault: Option<Planted>) -> Verdict {
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
pub(super) fn who_opens_too_much_is_shown_to_hosts(fault: Option<Planted>) -> Verdict {
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
pub(super) fn two_messages_for_one_place_are_told_of(fault: Option<Planted>) -> Verdict {
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
pub(super) fn nobody_speaks_for_another(fault: Option<Planted>) -> Verdict {
    says(fault, |good, chris| Message { author: chris, ..good })
}

///
pub(super) fn nobody_speaks_on_a_device_of_nobody(fault: Option<Planted>) -> Verdict {
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
pub(super) fn nobody_speaks_at_the_place_of_another(fault: Option<Planted>) -> Verdict {
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

// ---- Talk

/// R-32, H-14
pub(super) fn what_somebody_removed_says_on_is_not_shown(fault: Option<Planted>) -> Verdict {
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
pub(super) fn what_was_heard_in_time_reaches_all(fault: Option<Planted>) -> Verdict {
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
pub(super) fn a_mark_counts_who_said_so(fault: Option<Planted>) -> Verdict {
    let mut world = calm(40, 3, 1, fault);
    world.crash(CHRIS, HOUR);
    world.say(ANNA, "to two, of whom one is there");
    world.run_for(5 * MINUTE);
    kept(&world)
}

/// P2
pub(super) fn a_mark_waits_for_a_relay(fault: Option<Planted>) -> Verdict {
    let mut world = calm(41, 2, 1, fault);
    world.crash(2, HOUR);
    world.say(ANNA, "to nobody yet");
    world.run_for(MINUTE);
    let marks = world.read(ANNA).into_iter().filter_map(|entry| entry.delivery);
    let marks: Vec<Mark> = marks.map(|delivery| delivery.mark).collect();
    holds(marks == [Mark::Waiting], "P2: a mark says relayed, and no relay is there")
}

///
pub(super) fn what_was_said_outlasts_a_crash(fault: Option<Planted>) -> Verdict {
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
pub(super) fn what_a_relay_acknowledged_it_has(fault: Option<Planted>) -> Verdict {
    let mut world = calm(43, 2, 1, fault);
    world.say(ANNA, "to be kept");
    world.run_for(10 * SECOND);
    kept(&world)
}

// ---- Said again, help, homes that were put back

///
pub(super) fn what_relays_forgot_is_said_again(fault: Option<Planted>) -> Verdict {
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
pub(super) fn a_newcomer_reads_nothing_that_somebody_gives_it_a_key_of(
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
pub(super) fn a_newcomer_is_said_nothing_again(fault: Option<Planted>) -> Verdict {
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
pub(super) fn what_was_said_again_is_not_said_each_time(fault: Option<Planted>) -> Verdict {
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
pub(super) fn what_is_said_again_is_for_who_was_there(fault: Option<Planted>) -> Verdict {
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
pub(super) fn a_home_from_an_old_backup_comes_back(fault: Option<Planted>) -> Verdict {
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
pub(super) fn a_home_that_was_put_back_is_a_new_device(fault: Option<Planted>) -> Verdict {
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
pub(super) fn who_was_removed_is_not_helped(fault: Option<Planted>) -> Verdict {
    let mut world = calm(49, 3, 1, fault);
    let ben = world.forger(BEN);
    remove(&mut world, ANNA, ben.me);
    world.run_for(MINUTE);
    let card = world.first_cards(ANNA)[&ben.me].clone();
    let answers = ask(&mut world, &ben, &card);
    holds(answers.is_empty(), "P3: somebody removed is told how the circle went on")
}

/// R-29, P3: an old card may be a copy's that its person gave up.
pub(super) fn an_old_card_is_told_the_newer_one_and_nothing_else(
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
pub(super) fn an_entry_under_a_forged_header_is_nothing(fault: Option<Planted>) -> Verdict {
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
    let held: Vec<[u8; 32]> = self::epochs(&world, CHRIS).iter().map(|slot| slot.id).collect();
    holds(held.contains(&epochs[0]), "P1: what its opener signed is not taken")?;
    holds(!held.contains(&epochs[1]), "R-21: what nobody opened is held as an epoch")
}

/// P7, R-29: an ask is short, and what answers it is long, on each board on which the ask stands.
pub(super) fn who_asks_all_day_fills_no_home(fault: Option<Planted>) -> Verdict {
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

/// What lies in an epoch's envelope.
fn items(text: &[u8]) -> Vec<Item> {
    let frame: Option<Frame> = wire::decode(text);
    frame.and_then(|frame| wire::decode(&frame.payload.0)).unwrap_or_default()
}

fn speak_for_a_day(world: &mut World) {
    for _ in 0..2 {
        world.say(BEN, "once a day");
        world.run_for(30 * HOUR);
    }
}

/// A calm circle in whose machines a fault is planted from now on.
fn calm(seed: u64, members: usize, relays: usize, fault: Option<Planted>) -> World {
    let mut world = World::calm_circle(seed, members, relays);
    world.plant(fault);
    world
}

/// The same, in which talk is kept for months.
fn keeping(seed: u64, members: usize, inside: usize, fault: Option<Planted>) -> World {
    World::keeping_circle(seed, (members, inside), KEEP_S, fault)
}

fn holds(so: bool, promise: &str) -> Verdict {
    if so { Ok(()) } else { Err(promise.to_owned()) }
}

/// Whether the oracles of the world have seen nothing.
fn kept(world: &World) -> Verdict {
    world.verdict().map_err(|broken| broken.to_string())
}

fn epochs(world: &World, host: HostId) -> Vec<KeySlot> {
    let slots = world.hosts[host].store.secrets().into_iter();
    slots.map(|(slot, _)| slot).filter(|slot| slot.kind == SlotKind::Epoch).collect()
}

fn role(world: &mut World, by: HostId, who: MemberId, role: &str) {
    let circle = world.circle.expect("it was founded");
    let command = Command::Role { circle, who, role: role.into(), grant: true, end: None };
    world.command(by, command).expect("a host gives roles");
}

fn refresh(world: &mut World, by: HostId) {
    let circle = world.circle.expect("it was founded");
    world.command(by, Command::Refresh { circle }).expect("a member refreshes");
}

fn remove(world: &mut World, by: HostId, who: MemberId) {
    let circle = world.circle.expect("it was founded");
    let command = Command::Remove { circle, who, reason: None };
    world.command(by, command).expect("a host removes");
}
