//! One set of operations, one roster; and who wins.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

use super::*;
use crate::circle::charter::InviteClosedBody;
use crate::circle::charter::tests::{
    ANNA, BEN, CHRIS, DANA, Story, cosign, holding, invite, lapsed, leaving, member, policy,
    removal, role, term,
};

const EVE: u8 = 5;

pub(crate) fn roster(story: &Story) -> Roster {
    assert_eq!(story.whole.held().len(), story.all.len(), "all of it was taken");
    fold(&story.whole, &story.whole.all())
}

pub(crate) fn members(story: &Story) -> Vec<u8> {
    let roster = roster(story);
    (0..=20).filter(|who| roster.members.contains_key(&member(*who))).collect()
}

pub(crate) fn has(story: &Story, who: u8, role: &str) -> bool {
    roster(story).members[&member(who)].roles.contains(role)
}

fn closed(story: &Story, invite: &OperationId) -> Option<InviteClosedWhy> {
    roster(story).invites[invite].closed
}

fn closing(invite: OperationId, why: InviteClosedWhy) -> Act {
    Act::InviteClosed(InviteClosedBody { invite, why })
}

pub(crate) fn shuffle<T>(things: &mut [T], rng: &mut ChaCha20Rng) {
    for at in (1..things.len()).rev() {
        things.swap(at, below(rng, at + 1));
    }
}

pub(crate) fn below(rng: &mut ChaCha20Rng, end: usize) -> usize {
    usize::try_from(rng.next_u32()).expect("32 bits") % end
}

/// A circle in which anybody does anything, each having seen any part of what happened.
pub(crate) fn turmoil(seed: u64) -> Story {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut story = Story::with(&[BEN, CHRIS, DANA]);
    story.by(ANNA, &role(BEN, "host", true));
    story.by(ANNA, &role(CHRIS, if seed.is_multiple_of(2) { "host" } else { "steward" }, true));
    let (mut invites, mut removals, mut grants) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..18 {
        // Of two numbers the smaller: those who may do most act most.
        let who = below(&mut rng, 6).min(below(&mut rng, 6));
        let who = u8::try_from(1 + who).expect("small");
        let ids: Vec<OperationId> = story.whole.held().iter().map(|held| held.id).collect();
        // Mostly of late, so that stories grow long and not only wide.
        let from = ids.len() - ids.len().min(1 + below(&mut rng, 8));
        let seen: Vec<OperationId> =
            (0..3).map(|_| ids[from + below(&mut rng, ids.len() - from)]).collect();
        let (to, kind) =
            (u8::try_from(1 + below(&mut rng, 6)).expect("small"), below(&mut rng, 16));
        let some = |invites: &[OperationId], rng: &mut ChaCha20Rng| {
            (!invites.is_empty()).then(|| invites[below(rng, invites.len())])
        };
        let act = match kind {
            0 | 1 => role(to, "host", true),
            2 => role(to, "steward", below(&mut rng, 3) > 0),
            3 => role(who, "host", false),
            4 | 5 => removal(to),
            6 => leaving(who),
            7 => story.admission(to, None),
            8 => story.admission(to, some(&invites, &mut rng)),
            9 => invite(to, 1, true),
            13 => term(to, if who % 2 == 0 { "host" } else { "steward" }, 1_000),
            14 => match some(&grants, &mut rng) {
                Some(grant) => lapsed(grant),
                None => Act::Join,
            },
            11 | 12 => match some(&removals, &mut rng) {
                Some(removal) => cosign(removal),
                None => Act::Join,
            },
            10 => policy(u32::try_from(below(&mut rng, 3)).expect("small"), 1 + u16::from(to)),
            _ => match some(&invites, &mut rng) {
                Some(invite) => {
                    let whys =
                        [InviteClosedWhy::Revoked, InviteClosedWhy::Used, InviteClosedWhy::Expired];
                    closing(invite, whys[below(&mut rng, 3)])
                }
                None => Act::Join,
            },
        };
        let before = story.all.len();
        let id = story.at(&seen, who, &act);
        // Of somebody who was not let in there nothing is taken.
        if story.whole.held().len() == before {
            story.all.truncate(before);
        } else if matches!(act, Act::Invite(_)) {
            invites.push(id);
        } else if matches!(act, Act::Removal(_)) {
            removals.push(id);
        } else if matches!(&act, Act::Role(body) if body.end.is_some()) {
            grants.push(id);
        }
    }
    story
}

/// 1,000 orders of arrival.
#[test]
fn the_same_set_gives_one_roster_in_whatever_order_it_came() {
    for seed in 0..100 {
        let story = turmoil(seed);
        let expected = roster(&story);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        for order in 0..10 {
            let mut operations = story.all.clone();
            shuffle(&mut operations, &mut rng);
            let charter = holding(story.circle, &operations);
            assert_eq!(charter.held().len(), operations.len(), "SEED={seed} order {order}");
            let found = fold(&charter, &charter.all());
            assert_eq!(found, expected, "SEED={seed} order {order}");
        }
    }
}

/// what counts is what stands on something that counts.
#[test]
fn in_every_turmoil_nobody_belongs_whom_nobody_who_belonged_let_in() {
    for seed in 0..200 {
        let story = turmoil(seed);
        let (charter, roster) = (&story.whole, roster(&story));
        for person in roster.members.values() {
            assert!(roster.standing.contains(&person.by), "SEED={seed}");
            let by = charter.get(&person.by).expect("held");
            let author = by.operation.author;
            let let_in = charter.held().iter().any(|held| {
                roster.standing.contains(&held.id)
                    && (held.id == by.id || by.saw(charter.place(&held.id).expect("held")))
                    && match &held.act {
                        Act::Found(body) => MemberId::of(&body.key) == author,
                        Act::Admit(body) => MemberId::of(&body.key) == author,
                        _ => false,
                    }
            });
            assert!(let_in, "SEED={seed}");
        }
        for who in roster.former.keys() {
            assert!(!roster.members.contains_key(who), "SEED={seed}");
        }
    }
}

/// also at any heads, as openings name them.
#[test]
fn a_part_of_the_charter_folds_as_if_nothing_else_were_there() {
    for seed in 0..40 {
        let story = turmoil(seed);
        let whole = &story.whole;
        for held in whole.held() {
            let places = whole.covered(&[held.id]).expect("held");
            let alone = story.before(&[held.id]);
            assert_eq!(fold(whole, &places), fold(&alone, &alone.all()), "SEED={seed}");
        }
    }
}

/// strong removal.
#[test]
pub(crate) fn a_removal_wins_over_all_that_the_removed_person_did_meanwhile() {
    let mut story = Story::with(&[BEN, CHRIS]);
    story.by(ANNA, &role(BEN, "host", true));
    story.by(BEN, &role(BEN, "host", false));
    story.by(ANNA, &role(BEN, "steward", true));
    let base = story.heads();
    let dana = story.admission(DANA, None);
    let dana = story.at(&base, BEN, &dana);
    let open = story.at(&[dana], BEN, &invite(1, 2, true));
    // Dana came by it, and lets Eve in: both lean on what Ben did.
    let eve = story.admission(EVE, Some(open));
    story.at(&[open], DANA, &eve);
    assert_eq!(members(&story), [ANNA, BEN, CHRIS, DANA, EVE]);
    story.at(&base, ANNA, &removal(BEN));
    assert_eq!(members(&story), [ANNA, CHRIS]);
    let roster = roster(&story);
    assert!(roster.former[&member(BEN)].removed);
    assert!(roster.invites.is_empty() && roster.removals == 1);
}

/// what it had seen stands.
#[test]
fn what_a_removal_had_seen_stays() {
    let mut story = Story::with(&[BEN]);
    story.by(ANNA, &role(BEN, "steward", true));
    let chris = story.admission(CHRIS, None);
    story.by(BEN, &chris);
    story.by(ANNA, &removal(BEN));
    assert_eq!(members(&story), [ANNA, CHRIS]);
}

/// also what the removed person writes after having seen the removal.
#[test]
pub(crate) fn a_removed_person_does_nothing_more() {
    let mut story = Story::with(&[BEN]);
    story.by(ANNA, &role(BEN, "steward", true));
    story.by(ANNA, &removal(BEN));
    let (again, chris) = (story.admission(BEN, None), story.admission(CHRIS, None));
    story.by(BEN, &again);
    story.by(BEN, &chris);
    assert_eq!(members(&story), [ANNA]);
    story.by(ANNA, &again);
    assert_eq!(members(&story), [ANNA, BEN]);
    assert_eq!(roster(&story).former.len(), 0);
    assert!(!has(&story, BEN, "steward"), "what was held before is gone");
}

/// a second removal, which the new admission had not seen, wins over it.
#[test]
pub(crate) fn an_admission_does_not_undo_a_removal_that_it_had_not_seen() {
    let mut story = Story::with(&[BEN, CHRIS]);
    story.by(ANNA, &role(CHRIS, "host", true));
    let base = story.heads();
    let one = story.at(&base, ANNA, &removal(BEN));
    story.at(&base, CHRIS, &removal(BEN));
    let again = story.admission(BEN, None);
    story.at(&[one], ANNA, &again);
    assert_eq!(members(&story), [ANNA, CHRIS]);
}

/// somebody who is in already is not let in again, whoever says so; nothing is lost by it.
#[test]
fn an_admission_of_a_member_takes_no_role() {
    for by in [ANNA, BEN] {
        let mut story = Story::with(&[BEN]);
        let again = story.admission(ANNA, None);
        story.by(by, &again);
        assert!(has(&story, ANNA, "host"));
        let chris = story.admission(CHRIS, None);
        story.by(ANNA, &chris);
        assert_eq!(members(&story), [ANNA, BEN, CHRIS]);
    }
}

/// of two who remove each other the older one's removal stands; who of equal age has the smaller
/// id is older.
#[test]
pub(crate) fn mutual_removals_are_decided_by_age() {
    for (one, other) in [(BEN, CHRIS), (CHRIS, BEN)] {
        let mut story = Story::with(&[one]);
        let later = story.admission(other, None);
        story.by(ANNA, &later);
        let base = story.heads();
        let first = story.at(&base, ANNA, &role(one, "host", true));
        let second = story.at(&base, ANNA, &role(other, "host", true));
        story.at(&[first], one, &removal(other));
        story.at(&[second], other, &removal(one));
        assert!(members(&story).contains(&one) && !members(&story).contains(&other));
    }
    let mut story = Story::new();
    let root = [story.root()];
    let (ben, chris) = (story.admission(BEN, None), story.admission(CHRIS, None));
    let ben = story.at(&root, ANNA, &ben);
    let chris = story.at(&root, ANNA, &chris);
    let first = story.at(&[ben, chris], ANNA, &role(BEN, "host", true));
    let second = story.at(&[ben, chris], ANNA, &role(CHRIS, "host", true));
    story.at(&[first], BEN, &removal(CHRIS));
    story.at(&[second], CHRIS, &removal(BEN));
    let older = if member(BEN) < member(CHRIS) { BEN } else { CHRIS };
    assert_eq!(members(&story), [ANNA, older]);
}

/// Ben is made a host and removed at once. What he and another host decide goes before what the
/// founder decides alone, though she is older.
#[test]
pub(crate) fn a_removal_by_two_goes_before_one_by_one_in_a_ring() {
    let mut story = Story::with(&[BEN, CHRIS]);
    story.by(ANNA, &role(CHRIS, "host", true));
    let base = story.heads();
    let grant = story.at(&base, CHRIS, &role(BEN, "host", true));
    let word = story.at(&[grant], BEN, &removal(ANNA));
    story.at(&[word], CHRIS, &cosign(word));
    story.at(&base, ANNA, &removal(BEN));
    assert_eq!(members(&story), [BEN, CHRIS]);
}

/// what somebody does by a role falls with whoever gave the role.
#[test]
fn a_removal_falls_with_the_role_that_it_was_made_by() {
    let mut story = Story::with(&[BEN, CHRIS, DANA]);
    let base = story.heads();
    let host = story.at(&base, ANNA, &role(BEN, "host", true));
    // Ben, who is being removed by one who does not know that he is a host, makes Chris one.
    let given = story.at(&[host], BEN, &role(CHRIS, "host", true));
    story.at(&[given], CHRIS, &removal(DANA));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS]);
    story.at(&base, ANNA, &removal(BEN));
    assert_eq!(members(&story), [ANNA, CHRIS, DANA]);
    assert!(!has(&story, CHRIS, "host"));
}

///
#[test]
pub(crate) fn a_host_is_not_removed_by_another_host_alone() {
    let mut story = Story::with(&[BEN, CHRIS]);
    story.by(ANNA, &role(BEN, "host", true));
    story.by(ANNA, &removal(BEN));
    story.by(BEN, &removal(ANNA));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS]);
    // Nor by taking the role first.
    story.by(ANNA, &role(BEN, "host", false));
    assert!(has(&story, BEN, "host"));
    story.by(ANNA, &removal(BEN));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS]);
    story.by(BEN, &leaving(BEN));
    assert_eq!(members(&story), [ANNA, CHRIS]);
    assert!(!roster(&story).former[&member(BEN)].removed);
}

/// a role given for a time is held until an operation says that the time is over.
#[test]
pub(crate) fn a_term_ends_by_an_operation_and_not_by_a_clock() {
    let mut story = Story::with(&[BEN, CHRIS]);
    let grant = story.by(ANNA, &term(BEN, "steward", 1_000));
    let open = story.by(BEN, &invite(1, 5, false));
    assert!(has(&story, BEN, "steward"));
    assert_eq!(roster(&story).members[&member(BEN)].terms["steward"], (grant, 1_000));
    story.by(BEN, &lapsed(grant));
    assert!(has(&story, BEN, "steward"), "the holder's own word ends nothing");
    story.by(CHRIS, &lapsed(grant));
    assert!(!has(&story, BEN, "steward"));
    let (invites, dana) = (roster(&story).invites, story.admission(DANA, None));
    assert!(invites.contains_key(&open), "what was done in time stays");
    story.by(BEN, &dana);
    assert_eq!(members(&story), [ANNA, BEN, CHRIS]);
    story.by(ANNA, &term(BEN, "steward", 2_000));
    story.by(BEN, &dana);
    assert_eq!(members(&story), [ANNA, BEN, CHRIS, DANA], "a new term is a new one");
}

/// R-12, D-26: whoever was away acts in a role that is over to no effect.
#[test]
fn what_no_word_of_the_end_had_seen_is_void() {
    let mut story = Story::with(&[BEN, CHRIS]);
    let grant = story.by(ANNA, &term(BEN, "host", 1_000));
    let (base, heads) = (story.all.len(), story.heads());
    story.at(&heads, CHRIS, &lapsed(grant));
    let dana = story.admission(DANA, None);
    let dana = story.at(&heads, BEN, &dana);
    let eve = story.at(&[dana], BEN, &role(DANA, "host", true));
    story.at(&[eve], DANA, &removal(CHRIS));
    in_all_orders(&story, base, &[ANNA, BEN, CHRIS]);
}

/// one member alone, with an old date, undoes nothing that the others had seen in time.
#[test]
pub(crate) fn a_word_of_the_end_with_an_old_date_undoes_nothing_that_another_had_seen() {
    let mut story = Story::with(&[BEN, CHRIS]);
    let grant = story.by(ANNA, &term(BEN, "steward", 1_000));
    let (base, heads) = (story.all.len(), story.heads());
    let dana = story.admission(DANA, None);
    let dana = story.at(&heads, BEN, &dana);
    story.at(&heads, CHRIS, &lapsed(grant));
    story.at(&[dana], ANNA, &lapsed(grant));
    in_all_orders(&story, base, &[ANNA, BEN, CHRIS, DANA]);
}

/// a host is not made to end by another host who gives the role again for a short time.
#[test]
fn no_host_shortens_the_term_of_another() {
    let mut story = Story::with(&[BEN]);
    story.by(ANNA, &role(BEN, "host", true));
    let short = story.by(ANNA, &term(BEN, "host", 1_000));
    assert!(!roster(&story).standing.contains(&short));
    let own = story.by(BEN, &term(BEN, "host", 2_000));
    assert!(roster(&story).standing.contains(&own));
    let shorter = story.by(ANNA, &term(BEN, "host", 1_000));
    assert!(!roster(&story).standing.contains(&shorter));
    let longer = story.by(ANNA, &term(BEN, "host", 3_000));
    assert!(roster(&story).standing.contains(&longer));
    assert_eq!(roster(&story).members[&member(BEN)].terms["host"], (longer, 3_000));
}

/// at the end by the clock, whether somebody said so or not.
#[test]
fn a_roster_at_a_clock_holds_no_term_that_is_over() {
    let mut story = Story::with(&[BEN]);
    story.by(ANNA, &term(BEN, "host", 1_000));
    let mut roster = roster(&story);
    assert!(!roster.end_terms(Timestamp(999)));
    assert!(roster.members[&member(BEN)].may(Right::Host));
    assert!(roster.end_terms(Timestamp(1_000)));
    assert!(!roster.members[&member(BEN)].may(Right::Admit));
    assert!(roster.members[&member(ANNA)].may(Right::Host), "for good");
}

/// Anna, Ben, Chris and Dana, all of them hosts, let in and made so by Anna one after another.
fn four_hosts() -> Story {
    let mut story = Story::with(&[BEN, CHRIS, DANA]);
    for who in [BEN, CHRIS, DANA] {
        story.by(ANNA, &role(who, "host", true));
    }
    story
}

/// Two hosts remove a third, having seen no more than this.
fn pair(story: &mut Story, seen: &[OperationId], [first, second]: [u8; 2], who: u8) -> OperationId {
    let word = story.at(seen, first, &removal(who));
    story.at(&[word], second, &cosign(word))
}

/// Folds the story in every order of arrival of what came after `base`; all give this membership.
pub(crate) fn in_all_orders(story: &Story, base: usize, wanted: &[u8]) {
    assert_eq!(members(story), wanted);
    let expected = roster(story);
    let (before, after) = story.all.split_at(base);
    let mut orders = vec![Vec::new()];
    for at in 0..after.len() {
        let with = |order: &Vec<usize>| {
            let order = order.clone();
            (0..=order.len()).map(move |to| {
                let mut order = order.clone();
                order.insert(to, at);
                order
            })
        };
        orders = orders.iter().flat_map(with).collect();
    }
    for order in orders {
        let mut operations = before.to_vec();
        operations.extend(order.iter().map(|at| after[*at].clone()));
        let charter = holding(story.circle, &operations);
        assert_eq!(charter.held().len(), operations.len(), "{order:?}");
        assert_eq!(fold(&charter, &charter.all()), expected, "{order:?}");
    }
}

///
#[test]
fn a_host_is_removed_once_a_second_host_backs_the_first() {
    let mut story = four_hosts();
    let base = story.all.len();
    let word = story.by(ANNA, &removal(BEN));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS, DANA]);
    assert_eq!(roster(&story).words[&member(BEN)][&member(ANNA)], word);
    assert_eq!(roster(&story).removals, 0);
    // What Ben did before the second word stays.
    story.by(BEN, &role(DANA, "steward", true));
    story.by(CHRIS, &cosign(word));
    in_all_orders(&story, base, &[ANNA, CHRIS, DANA]);
    assert!(has(&story, DANA, "steward"));
    let roster = roster(&story);
    assert!(roster.former[&member(BEN)].removed && roster.words.is_empty());
    assert_eq!(roster.removals, 1);
}

/// nobody backs himself, nor does who is no host, or no host any more, or the one it is about.
#[test]
pub(crate) fn a_word_is_backed_by_another_host_only() {
    let mut story = four_hosts();
    story.by(DANA, &role(DANA, "host", false));
    let word = story.by(ANNA, &removal(BEN));
    for who in [ANNA, BEN, DANA] {
        let id = story.by(who, &cosign(word));
        assert!(!roster(&story).standing.contains(&id), "{who}");
    }
    story.by(ANNA, &role(ANNA, "host", false));
    story.by(CHRIS, &cosign(word));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS, DANA], "who began it is a host no more");
    let leaves = story.by(CHRIS, &leaving(CHRIS));
    story.by(BEN, &cosign(leaves));
    assert_eq!(members(&story), [ANNA, BEN, DANA]);
    assert!(!roster(&story).former[&member(CHRIS)].removed);
}

/// two who said the same at once said it each alone, until one of them has read the other.
#[test]
fn two_words_at_once_wait_until_one_is_backed() {
    let mut story = four_hosts();
    let (base, heads) = (story.all.len(), story.heads());
    story.at(&heads, ANNA, &removal(BEN));
    let other = story.at(&heads, CHRIS, &removal(BEN));
    in_all_orders(&story, base, &[ANNA, BEN, CHRIS, DANA]);
    assert_eq!(roster(&story).words[&member(BEN)].len(), 2);
    story.by(ANNA, &cosign(other));
    in_all_orders(&story, base, &[ANNA, CHRIS, DANA]);
}

/// the pair wins over what the removed host did without having seen it.
#[test]
fn a_removal_by_two_wins_over_all_that_the_host_did_meanwhile() {
    let mut story = four_hosts();
    let (base, heads) = (story.all.len(), story.heads());
    let eve = story.admission(EVE, None);
    let eve = story.at(&heads, BEN, &eve);
    story.at(&[eve], BEN, &role(EVE, "host", true));
    pair(&mut story, &heads, [ANNA, CHRIS], BEN);
    in_all_orders(&story, base, &[ANNA, CHRIS, DANA]);
}

/// not even with somebody made a host for it, by the oldest of all.
#[test]
fn a_removed_host_does_not_strike_back_with_an_old_date() {
    let mut story = four_hosts();
    let eve = story.admission(EVE, None);
    story.by(ANNA, &eve);
    let (base, heads) = (story.all.len(), story.heads());
    pair(&mut story, &heads, [BEN, CHRIS], ANNA);
    let host = story.at(&heads, ANNA, &role(EVE, "host", true));
    let word = story.at(&[host], ANNA, &removal(BEN));
    in_all_orders(&story, base, &[BEN, CHRIS, DANA, EVE]);
    story.at(&[word], EVE, &cosign(word));
    in_all_orders(&story, base, &[BEN, CHRIS, DANA, EVE]);
    assert!(!has(&story, EVE, "host"));
}

/// R-11, D-10: of two pairs against each other the one with the oldest signer stands.
#[test]
fn of_two_pairs_that_remove_each_other_that_of_the_older_stands() {
    let mut story = four_hosts();
    let (base, heads) = (story.all.len(), story.heads());
    pair(&mut story, &heads, [CHRIS, BEN], DANA);
    pair(&mut story, &heads, [DANA, ANNA], BEN);
    in_all_orders(&story, base, &[ANNA, CHRIS, DANA]);
    let mut story = four_hosts();
    let heads = story.heads();
    pair(&mut story, &heads, [ANNA, BEN], CHRIS);
    pair(&mut story, &heads, [CHRIS, DANA], ANNA);
    in_all_orders(&story, base, &[ANNA, BEN, DANA]);
}

/// a word falls with who gave it, if that one was removed by others who had not seen it.
#[test]
fn a_word_of_who_was_removed_meanwhile_is_none() {
    let mut story = four_hosts();
    let eve = story.admission(EVE, None);
    story.by(ANNA, &eve);
    story.by(ANNA, &role(EVE, "host", true));
    let (base, heads) = (story.all.len(), story.heads());
    let word = story.at(&heads, BEN, &removal(CHRIS));
    let gone = pair(&mut story, &heads, [ANNA, DANA], BEN);
    story.at(&[word, gone], EVE, &cosign(word));
    in_all_orders(&story, base, &[ANNA, CHRIS, DANA, EVE]);
}

/// a word closes no invite, the pair does.
#[test]
fn invites_close_with_the_second_word() {
    let mut story = four_hosts();
    let open = story.by(ANNA, &invite(1, 5, true));
    let word = story.by(ANNA, &removal(BEN));
    assert_eq!(closed(&story, &open), None);
    story.by(CHRIS, &cosign(word));
    assert_eq!(closed(&story, &open), Some(InviteClosedWhy::Removal));
    let eve = story.admission(EVE, Some(open));
    story.by(DANA, &eve);
    assert_eq!(members(&story), [ANNA, CHRIS, DANA]);
}

///
#[test]
pub(crate) fn each_role_has_its_rights() {
    let mut story = Story::with(&[BEN, CHRIS]);
    story.by(ANNA, &role(BEN, "steward", true));
    let dana = story.admission(DANA, None);
    for act in [
        dana.clone(),
        removal(BEN),
        role(CHRIS, "host", true),
        policy(5, 3),
        invite(1, 1, false),
        Act::Circle(CircleBody {
            rev: 9,
            name: "mine".into(),
            template: "plain".into(),
            source: None,
        }),
    ] {
        let id = story.by(CHRIS, &act);
        assert!(!roster(&story).standing.contains(&id), "a member: {act:?}");
    }
    for act in [removal(CHRIS), role(BEN, "host", true), role(CHRIS, "steward", true), policy(5, 3)]
    {
        let id = story.by(BEN, &act);
        assert!(!roster(&story).standing.contains(&id), "a steward: {act:?}");
    }
    for act in [invite(2, 1, false), dana] {
        let id = story.by(BEN, &act);
        assert!(roster(&story).standing.contains(&id), "a steward: {act:?}");
    }
    story.by(CHRIS, &leaving(BEN));
    story.by(ANNA, &role(BEN, "steward", false));
    assert!(!has(&story, BEN, "steward"));
    let id = story.by(BEN, &invite(3, 1, false));
    assert!(!roster(&story).standing.contains(&id));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS, DANA]);
}

/// R-11, D-10: of two policies of one `rev` that of the older author counts, whichever came last.
#[test]
fn what_two_hosts_agree_on_at_once_is_that_of_the_older() {
    let mut story = Story::with(&[BEN]);
    story.by(ANNA, &role(BEN, "host", true));
    let base = story.heads();
    story.at(&base, BEN, &policy(2, 3));
    story.at(&base, ANNA, &policy(2, 4));
    assert_eq!(roster(&story).policy.map(|policy| policy.late_days), Some(4));
    story.by(BEN, &policy(2, 5));
    assert_eq!(roster(&story).policy.map(|policy| policy.late_days), Some(5));
    story.by(BEN, &policy(1, 6));
    assert_eq!(roster(&story).policy.map(|policy| policy.late_days), Some(5));
}

///
#[test]
pub(crate) fn an_invite_lets_in_so_many_and_who_lost_the_race_falls_with_all_that_leans_on_it() {
    let mut story = Story::with(&[BEN]);
    let one = story.by(ANNA, &invite(1, 1, true));
    let other = story.by(ANNA, &invite(2, 5, true));
    let base = story.heads();
    let (chris, dana) = (story.admission(CHRIS, Some(one)), story.admission(DANA, Some(one)));
    story.at(&base, ANNA, &chris);
    let lost = story.at(&base, BEN, &dana);
    assert_eq!(members(&story), [ANNA, BEN, CHRIS], "Anna is older");
    assert_eq!(closed(&story, &one), Some(InviteClosedWhy::Used));
    // Dana thinks to be in, and lets Eve in.
    let eve = story.admission(EVE, Some(other));
    story.at(&[lost], DANA, &eve);
    assert_eq!(members(&story), [ANNA, BEN, CHRIS]);
    assert_eq!(roster(&story).invites[&other].used, 0);
}

///
#[test]
fn two_admissions_of_one_key_are_one() {
    let mut story = Story::with(&[BEN]);
    let open = story.by(ANNA, &invite(1, 2, true));
    let base = story.heads();
    let chris = story.admission(CHRIS, Some(open));
    story.at(&base, ANNA, &chris);
    story.at(&base, BEN, &chris);
    assert_eq!(roster(&story).invites[&open].used, 1);
    let dana = story.admission(DANA, Some(open));
    story.by(BEN, &dana);
    assert_eq!(members(&story), [ANNA, BEN, CHRIS, DANA]);
    assert_eq!(roster(&story).invites[&open].used, 2);
}

///
#[test]
pub(crate) fn a_removal_closes_every_invite_that_had_not_seen_it() {
    let mut story = Story::with(&[BEN, CHRIS]);
    let before = story.by(ANNA, &invite(1, 5, true));
    let base = story.heads();
    let removed = story.at(&base, ANNA, &removal(BEN));
    let beside = story.at(&base, ANNA, &invite(2, 5, true));
    let after = story.by(ANNA, &invite(3, 5, true));
    assert_eq!(closed(&story, &before), Some(InviteClosedWhy::Removal));
    assert_eq!(closed(&story, &beside), Some(InviteClosedWhy::Removal));
    assert_eq!(closed(&story, &after), None);
    // An admission that had not seen the removal stands, one that had falls.
    let (dana, eve) = (story.admission(DANA, Some(before)), story.admission(EVE, Some(before)));
    story.at(&base, CHRIS, &dana);
    story.at(&[removed], CHRIS, &eve);
    assert_eq!(members(&story), [ANNA, CHRIS, DANA]);
}

/// R-60, H-15: nobody is let in by somebody already removed.
#[test]
fn an_open_invite_lets_nobody_in_by_a_removed_member() {
    let mut story = Story::with(&[BEN]);
    let open = story.by(ANNA, &invite(1, 5, true));
    let base = story.heads();
    let chris = story.admission(CHRIS, Some(open));
    story.at(&base, BEN, &chris);
    assert_eq!(members(&story), [ANNA, BEN, CHRIS]);
    story.at(&base, ANNA, &removal(BEN));
    assert_eq!(members(&story), [ANNA]);
}

/// an invite that is not open needs the right.
#[test]
fn who_lacks_the_right_lets_in_by_open_invites_only() {
    let mut story = Story::with(&[BEN]);
    let ask = story.by(ANNA, &invite(1, 5, false));
    let chris = story.admission(CHRIS, Some(ask));
    story.by(BEN, &chris);
    assert_eq!(members(&story), [ANNA, BEN]);
    let made_up = story.admission(DANA, Some(OperationId([3; 32])));
    story.by(ANNA, &made_up);
    let no_invite = story.admission(DANA, Some(story.root()));
    story.by(ANNA, &no_invite);
    assert_eq!(members(&story), [ANNA, BEN]);
}

/// the invite of these stories ended in 1970, and the fold does not know.
#[test]
fn an_invite_ends_by_an_operation_and_not_by_a_clock() {
    let mut story = Story::with(&[BEN]);
    let open = story.by(ANNA, &invite(1, 5, true));
    assert_eq!(closed(&story, &open), None);
    story.by(BEN, &closing(open, InviteClosedWhy::Revoked));
    assert_eq!(closed(&story, &open), None, "it is not his to revoke");
    story.by(BEN, &closing(open, InviteClosedWhy::Expired));
    assert_eq!(closed(&story, &open), None, "nobody else's word ends it");
    story.by(ANNA, &closing(open, InviteClosedWhy::Expired));
    assert_eq!(closed(&story, &open), Some(InviteClosedWhy::Expired));
    let chris = story.admission(CHRIS, Some(open));
    story.by(BEN, &chris);
    assert_eq!(members(&story), [ANNA, BEN]);
}

/// D-4
#[test]
fn a_circle_has_at_most_200_members() {
    let mut story = Story::new();
    let mut charter = story.charter();
    let anna = crate::crypto::KeyPair::from_seed(&[ANNA; 32]);
    for who in 2..=202 {
        let signed = charter.sign(&story.admission(who, None), &anna);
        charter.take(signed.clone());
        story.all.push(signed);
    }
    assert_eq!(fold(&charter, &charter.all()).members.len(), MAX_MEMBERS);
    let signed = charter.sign(&removal(7), &anna);
    charter.take(signed);
    let signed = charter.sign(&story.admission(203, None), &anna);
    charter.take(signed);
    let roster = fold(&charter, &charter.all());
    assert_eq!(roster.members.len(), MAX_MEMBERS);
    assert!(roster.members.contains_key(&member(203)));
}

/// what counts for nothing gives no right, so nobody takes a right away by taking it back.
#[test]
fn a_removal_does_not_lean_on_what_the_removed_person_only_pretended_to_give() {
    let mut story = Story::with(&[BEN]);
    let base = story.heads();
    let pretended = story.at(&base, BEN, &role(ANNA, "steward", false));
    let left = story.at(&base, BEN, &leaving(BEN));
    let removed = story.at(&[pretended], ANNA, &removal(BEN));
    let standing = roster(&story).standing;
    assert!(standing.contains(&removed) && !standing.contains(&left));
}
