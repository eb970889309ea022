//! Who asks to be let in, and who left.

use std::collections::{BTreeMap, BTreeSet};

use harness::chance::Chance;
use harness::governing::Govern;
use harness::{ANNA, BEN, CHRIS, DANA, World};
use hearthlight_protocol::boundary::{Answer, Command, JoinEnd, JoinState, JoinView, RequestState};
use hearthlight_protocol::circle::epoch::SealedBox;
use hearthlight_protocol::planted::Planted;

use super::{EVE, MINUTE, SECOND, Verdict, holds, remove, role};
use crate::invites::{invite, join, waiting};

/// Ben, who has no right to answer, welcomes a newcomer to an epoch and a board of his own, refuses it
/// and says that the invite is over. Anna, who lets it in, is off meanwhile.
pub(crate) fn what_others_answer_keeps_no_newcomer_out(fault: Option<Planted>) -> Verdict {
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
pub(crate) fn a_no_reaches_who_was_welcomed_to_nowhere(fault: Option<Planted>) -> Verdict {
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

/// P1, R-62: Chris is let in and leaves, and Anna answers what he had asked once more.
pub(crate) fn who_came_and_left_waits_no_more(fault: Option<Planted>) -> Verdict {
    let mut world = World::calm_circle_of(harness::Machines::Real, 64, 3, 2, 1);
    world.plant(fault);
    let circle = world.circle.expect("it was founded");
    let invite = invite(&mut world, 2);
    join(&mut world, CHRIS, &invite);
    world.run_for(10 * SECOND);
    let request = waiting(&mut world)[0].id;
    world.command(ANNA, Command::Admit { circle, request }).expect("it is there");
    world.run_for(10 * SECOND);
    holds(world.roster(ANNA).len() == 3, "P1: who was let in does not belong")?;
    world.command(CHRIS, Command::Leave { circle, end: false }).expect("anybody may");
    world.run_for(10 * SECOND);
    holds(waiting(&mut world).is_empty(), "R-62: who came and left seems to wait for an answer")?;
    let again = world.command(ANNA, Command::Admit { circle, request });
    holds(again.is_ok(), "R-62: a request that was answered has another answer")?;
    world.run_for(10 * SECOND);
    holds(world.roster(ANNA).len() == 2, "R-62: who left is let in by what they asked before")
}

/// a leaving falls with the admission that it had seen. Somebody else's stands, so it is written anew.
pub(crate) fn who_left_and_was_let_in_by_somebody_else_too_leaves_again(
    fault: Option<Planted>,
) -> Verdict {
    let mut world = World::calm_circle_of(harness::Machines::Real, 65, 4, 3, 1);
    world.plant(fault);
    let circle = world.circle.expect("it was founded");
    let [anna, ben, chris] = [ANNA, BEN, CHRIS].map(|host| world.forger(host).me);
    for steward in [ben, chris] {
        role(&mut world, ANNA, steward, "steward");
    }
    let invite = invite(&mut world, 2);
    join(&mut world, DANA, &invite);
    world.run_for(20 * SECOND);
    let request = waiting(&mut world)[0].id;
    // Anna and Chris are alone: neither hears that Ben lets Dana in, and she has gone.
    world.cut(BTreeMap::from([(ANNA, 1), (CHRIS, 2)]));
    for by in [BEN, CHRIS] {
        world.command(by, Command::Admit { circle, request }).expect("a steward may");
    }
    world.run_for(20 * SECOND);
    world.command(DANA, Command::Leave { circle, end: false }).expect("anybody may");
    remove(&mut world, ANNA, ben);
    world.run_for(20 * SECOND);
    world.cut(BTreeMap::new());
    world.run_for(2 * MINUTE);
    let mut stays = |host| world.roster(host) == BTreeSet::from([anna, chris]);
    holds(stays(ANNA) && stays(CHRIS), "R-12: who left is in again, against their will")
}
