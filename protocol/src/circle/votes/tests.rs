//! One set of operations, one outcome; and what a vote may and may not do.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::circle::charter::tests::{
    ANNA, BEN, CHRIS, DANA, Story, cosign, holding, leaving, member, removal, role,
};
use crate::circle::charter::{CircleBody, RemovalBody, RoleBody, Taken};
use crate::circle::roster::tests::{below, has, in_all_orders, members, roster, shuffle};
use crate::circle::roster::{Roster, fold};

const EVE: u8 = 5;
const FINN: u8 = 6;
const GINA: u8 = 7;

/// What a plain circle asks for at least.
fn proposal(what: What, electorate: &[u8]) -> ProposalBody {
    let mut electorate: Vec<MemberId> = electorate.iter().map(|who| member(*who)).collect();
    electorate.sort_unstable();
    let pass = if what == What::Elect { ">1/2" } else { "2/3" };
    let threshold = Threshold::parse(pass, Of::Cast, "1/2").expect("a threshold");
    ProposalBody::new((what, "as we talked about".into()), electorate, &threshold, (1_000, 48))
}

fn removing(who: u8, electorate: &[u8]) -> Act {
    asked(ProposalBody { about: Some(member(who)), ..proposal(What::Remove, electorate) })
}

fn electing(who: u8, electorate: &[u8], lost: Option<OperationId>) -> Act {
    asked(ProposalBody {
        about: Some(member(who)),
        role: Some("host".into()),
        lost,
        ..proposal(What::Elect, electorate)
    })
}

fn asked(body: ProposalBody) -> Act {
    Act::Proposal(Box::new(body))
}

fn ballot(proposal: OperationId, choice: u8) -> Act {
    Act::Ballot(BallotBody { proposal, choice, why: None })
}

fn tally(proposal: OperationId, ballots: &[OperationId], result: Verdict) -> Act {
    let mut ballots = ballots.to_vec();
    ballots.sort_unstable();
    Act::Tally(TallyBody { proposal, ballots, result })
}

fn ack(tally: OperationId) -> Act {
    Act::TallyAck(TallyAckBody { tally })
}

fn removed_by_vote(who: u8, source: OperationId) -> Act {
    Act::Removal(RemovalBody { who: member(who), mode: 0, reason: None, source: Some(source) })
}

fn elected(who: u8, source: OperationId) -> Act {
    let (role, to) = ("host".into(), member(who));
    Act::Role(RoleBody { grant: true, role, to, end: None, source: Some(source) })
}

fn cast(story: &mut Story, of: OperationId, choices: &[(u8, u8)]) -> Vec<OperationId> {
    choices.iter().map(|(who, choice)| story.by(*who, &ballot(of, *choice))).collect()
}

/// All of a vote, each having seen all: asked, cast, counted and acknowledged by who cast. Gives proposal and tally.
fn vote(story: &mut Story, act: &Act, choices: &[(u8, u8)], result: Verdict) -> [OperationId; 2] {
    let of = story.by(choices[0].0, act);
    let ballots = cast(story, of, choices);
    let count = story.by(choices[0].0, &tally(of, &ballots, result));
    for (who, _) in choices {
        story.by(*who, &ack(count));
    }
    [of, count]
}

fn outcome(story: &Story, of: &OperationId) -> Option<Verdict> {
    roster(story).votes[of].decided
}

fn stands(story: &Story, id: &OperationId) -> bool {
    roster(story).standing.contains(id)
}

/// Anna, a host, and three others.
fn four() -> Story {
    Story::with(&[BEN, CHRIS, DANA])
}

/// whoever writes it.
#[test]
fn a_host_is_removed_by_a_final_tally() {
    let mut story = four();
    let of = story.by(BEN, &removing(ANNA, &[BEN, CHRIS, DANA]));
    let ballots = cast(&mut story, of, &[(BEN, YES), (CHRIS, YES), (DANA, NO)]);
    let base = story.all.len();
    let count = story.by(CHRIS, &tally(of, &ballots, Verdict::Carried));
    let early = story.by(BEN, &removed_by_vote(ANNA, count));
    assert!(!stands(&story, &early), "nobody acknowledged it");
    let seen = story.heads();
    let acks = [BEN, CHRIS].map(|who| story.at(&seen, who, &ack(count)));
    story.at(&acks, DANA, &removed_by_vote(ANNA, count));
    in_all_orders(&story, base, &[BEN, CHRIS, DANA]);
    assert!(roster(&story).former[&member(ANNA)].removed);
    assert_eq!(outcome(&story, &of), Some(Verdict::Carried));
}

/// D-27
#[test]
pub(crate) fn a_tally_is_final_once_more_than_half_of_the_electorate_acknowledged_it() {
    let mut story = four();
    let everybody = [ANNA, BEN, CHRIS, DANA];
    let of = story.by(BEN, &asked(proposal(What::Ordinary, &everybody)));
    let ballots = cast(&mut story, of, &[(BEN, YES), (CHRIS, YES)]);
    let count = story.by(BEN, &tally(of, &ballots, Verdict::Carried));
    for who in [BEN, CHRIS] {
        story.by(who, &ack(count));
        story.by(who, &ack(count));
        assert_eq!(outcome(&story, &of), None, "two of four at most");
    }
    story.by(DANA, &ack(count));
    assert_eq!(outcome(&story, &of), Some(Verdict::Carried));
}

/// D-27
#[test]
pub(crate) fn a_tally_that_omits_or_adds_a_ballot_or_states_another_result_is_void() {
    let mut story = four();
    let of = story.by(BEN, &removing(ANNA, &[BEN, CHRIS, DANA]));
    let ballots = cast(&mut story, of, &[(BEN, YES), (CHRIS, YES), (DANA, NO), (DANA, YES)]);
    let whole = [ballots[0], ballots[1], ballots[3]];
    let wrong = [
        tally(of, &whole[..2], Verdict::Carried),
        tally(of, &ballots, Verdict::Carried),
        tally(of, &ballots[..3], Verdict::Carried),
        tally(of, &whole, Verdict::NotCarried),
        tally(of, &[whole[0], whole[0], whole[1]], Verdict::Carried),
    ];
    for act in &wrong {
        let count = story.by(CHRIS, act);
        let acks = [BEN, CHRIS, DANA].map(|who| story.by(who, &ack(count)));
        assert!(!stands(&story, &count) && !stands(&story, &acks[0]), "{act:?}");
    }
    assert_eq!(outcome(&story, &of), None);
    let right = story.by(CHRIS, &tally(of, &whole, Verdict::Carried));
    assert!(stands(&story, &right));
}

/// D-27: who has said which count is the one has voted.
#[test]
fn a_ballot_after_the_tally_or_after_its_authors_acknowledgement_is_late() {
    let mut story = four();
    let of = story.by(BEN, &removing(ANNA, &[BEN, CHRIS, DANA]));
    let ballots = cast(&mut story, of, &[(BEN, YES), (CHRIS, YES)]);
    let count = story.by(BEN, &tally(of, &ballots, Verdict::Carried));
    story.by(BEN, &ack(count));
    story.by(CHRIS, &ack(count));
    cast(&mut story, of, &[(BEN, NO), (CHRIS, NO), (DANA, NO)]);
    let vote = &roster(&story).votes[&of];
    assert_eq!((vote.decided, vote.ballots.len()), (Some(Verdict::Carried), 2));
    // Another count of all finds Dana's, and theirs as they were.
    let late = story.heads()[0];
    let all = [ballots[0], ballots[1], late];
    let fuller = story.by(DANA, &tally(of, &all, Verdict::Carried));
    assert!(stands(&story, &fuller));
}

/// D-27: who should vote is in it, and nobody else, and not the one it is about.
#[test]
pub(crate) fn a_proposal_that_leaves_a_member_out_is_void() {
    let mut story = four();
    let electorates: [(&[u8], bool); 5] = [
        (&[BEN, CHRIS, DANA], true),
        (&[BEN, CHRIS], false),
        (&[], false),
        (&[ANNA, BEN, CHRIS, DANA], false),
        // Who is nobody cannot vote, and makes it only harder.
        (&[BEN, CHRIS, DANA, EVE], true),
    ];
    for (electorate, right) in electorates {
        let of = story.by(BEN, &removing(ANNA, electorate));
        assert_eq!(stands(&story, &of), right, "{electorate:?}");
    }
    // Ben and Chris alone decide nothing, however they agree.
    let choices = [(BEN, YES), (CHRIS, YES)];
    let act = removing(ANNA, &[BEN, CHRIS]);
    let [of, count] = vote(&mut story, &act, &choices, Verdict::Carried);
    story.by(BEN, &removed_by_vote(ANNA, count));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS, DANA]);
    assert!(!roster(&story).votes.contains_key(&of));
    // Where there are two, one alone does not remove the other.
    let mut story = Story::with(&[BEN]);
    let of = story.by(BEN, &removing(ANNA, &[BEN]));
    assert!(!stands(&story, &of));
}

/// D-27: a template's thresholds are a floor.
#[test]
fn a_proposal_that_asks_for_less_than_the_template_or_for_what_is_not_built_is_void() {
    let mut story = four();
    let right =
        ProposalBody { about: Some(member(ANNA)), ..proposal(What::Remove, &[BEN, CHRIS, DANA]) };
    let more = ProposalBody { pass: "consensus".into(), settle_h: 72, ..right.clone() };
    for body in [&right, &more] {
        let of = story.by(BEN, &asked(body.clone()));
        assert!(stands(&story, &of), "{body:?}");
    }
    let with = |change: &dyn Fn(&mut ProposalBody)| {
        let mut body = right.clone();
        change(&mut body);
        body
    };
    let wrong = [
        with(&|body| body.pass = ">1/2".into()),
        with(&|body| body.quorum = "1/3".into()),
        with(&|body| body.settle_h = 47),
        with(&|body| body.pass = "most".into()),
        with(&|body| body.about = None),
        with(&|body| body.secret = Some(true)),
        with(&|body| body.tellers = Some(vec![member(BEN)])),
        with(&|body| body.options = Some(vec!["yes".into(), "perhaps".into()])),
        with(&|body| body.restate = Some("but".into())),
        with(&|body| body.withdrawn = Some(true)),
        with(&|body| body.electorate.reverse()),
    ];
    for body in wrong {
        let of = story.by(BEN, &asked(body.clone()));
        assert!(!stands(&story, &of), "{body:?}");
    }
}

/// D-58, R-11: nine electors, cut four, four and one who tells both sides. Each side had seen its own count alone.
#[test]
fn of_two_counts_that_one_elector_made_final_both_the_ballots_of_both_are_counted() {
    let people: Vec<u8> = (BEN..BEN + 9).collect();
    let mut story = Story::with(&people);
    let of = story.by(BEN, &removing(ANNA, &people));
    let (left, right, both) = (&people[..4], &people[4..8], people[8]);
    let base = story.heads();
    let mut side = |who: &[u8], choice, result| {
        let ballots: Vec<OperationId> =
            who.iter().map(|who| story.at(&base, *who, &ballot(of, choice))).collect();
        let count = story.at(&ballots, who[0], &tally(of, &ballots, result));
        let acks: Vec<OperationId> =
            who.iter().map(|who| story.at(&[count], *who, &ack(count))).collect();
        (count, acks)
    };
    let (yes, mut left_acks) = side(left, YES, Verdict::NoQuorum);
    let (no, right_acks) = side(right, NO, Verdict::NoQuorum);
    assert_eq!(outcome(&story, &of), None, "no decision");
    left_acks.push(story.at(&[yes], both, &ack(yes)));
    assert_eq!(outcome(&story, &of), Some(Verdict::NoQuorum));
    story.at(&[no], both, &ack(no));
    let vote = roster(&story).votes.remove(&of).expect("it is asked");
    assert_eq!((vote.decided, vote.ballots.len()), (Some(Verdict::NotCarried), 8));
    let seen: Vec<OperationId> = left_acks.iter().chain(&right_acks).copied().collect();
    let act = story.at(&seen, BEN, &removed_by_vote(ANNA, yes));
    assert!(!stands(&story, &act));
}

/// a removal takes what the removed person chose and it had not seen, and leaves what it had.
#[test]
fn what_an_elector_chose_falls_with_a_removal_that_had_not_seen_it() {
    for seen in [false, true] {
        let mut story = four();
        let of = story.by(BEN, &removing(DANA, &[ANNA, BEN, CHRIS]));
        let before = story.heads();
        let ballots = cast(&mut story, of, &[(BEN, YES), (CHRIS, YES)]);
        let after = story.heads();
        let (base, at) = (story.all.len(), if seen { &after } else { &before });
        let gone = story.at(at, ANNA, &removal(CHRIS));
        let count = story.by(BEN, &tally(of, &ballots, Verdict::Carried));
        story.at(&[count], BEN, &ack(count));
        story.at(&[count], ANNA, &ack(count));
        in_all_orders(&story, base, &[ANNA, BEN, DANA]);
        let vote = roster(&story).votes.remove(&of).expect("it is asked");
        assert!(stands(&story, &gone));
        assert_eq!(vote.ballots.len(), if seen { 2 } else { 1 }, "seen: {seen}");
        let result = if seen { Verdict::Carried } else { Verdict::NoQuorum };
        assert_eq!(vote.decided, Some(result), "seen: {seen}");
    }
}

///
#[test]
fn a_vote_falls_with_its_author_where_that_removal_had_not_seen_it() {
    let mut story = four();
    let base = story.heads();
    let [of, count] = vote(
        &mut story,
        &removing(DANA, &[ANNA, BEN, CHRIS]),
        &[(BEN, YES), (CHRIS, YES), (ANNA, YES)],
        Verdict::Carried,
    );
    let act = story.by(CHRIS, &removed_by_vote(DANA, count));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS]);
    story.at(&base, ANNA, &removal(BEN));
    assert!(!stands(&story, &of) && !stands(&story, &act));
    assert_eq!(members(&story), [ANNA, CHRIS, DANA]);
}

/// D-10: what a vote decided goes before what one host did meanwhile, also to those who voted.
#[test]
pub(crate) fn a_host_who_is_voted_out_removes_no_voter_with_an_old_date() {
    let mut story = four();
    let base = story.heads();
    let [_, count] = vote(
        &mut story,
        &removing(ANNA, &[BEN, CHRIS, DANA]),
        &[(BEN, YES), (CHRIS, YES), (DANA, YES)],
        Verdict::Carried,
    );
    let length = story.all.len();
    story.by(CHRIS, &removed_by_vote(ANNA, count));
    let first = story.at(&base, ANNA, &removal(BEN));
    story.at(&[first], ANNA, &removal(CHRIS));
    in_all_orders(&story, length, &[BEN, CHRIS, DANA]);
}

/// nor with voters of her own, let in with an old date.
#[test]
fn a_host_who_is_voted_out_does_not_outvote_the_others_with_strangers() {
    let mut story = four();
    let base = story.heads();
    let [_, count] = vote(
        &mut story,
        &removing(ANNA, &[BEN, CHRIS, DANA]),
        &[(BEN, YES), (CHRIS, YES), (DANA, YES)],
        Verdict::Carried,
    );
    story.by(CHRIS, &removed_by_vote(ANNA, count));
    let mut last = base;
    let mut then = |story: &mut Story, who, act: &Act| {
        let id = story.at(&last, who, act);
        last = vec![id];
        id
    };
    for who in EVE..EVE + 8 {
        let act = story.admission(who, None);
        then(&mut story, ANNA, &act);
    }
    let strangers: Vec<u8> = (EVE..EVE + 8).collect();
    let all: Vec<u8> = [ANNA, CHRIS, DANA].into_iter().chain(strangers.clone()).collect();
    let of = then(&mut story, ANNA, &removing(BEN, &all));
    let ballots: Vec<OperationId> =
        strangers.iter().map(|who| then(&mut story, *who, &ballot(of, YES))).collect();
    let count = then(&mut story, EVE, &tally(of, &ballots, Verdict::Carried));
    for who in &strangers {
        then(&mut story, *who, &ack(count));
    }
    then(&mut story, EVE, &removed_by_vote(BEN, count));
    assert_eq!(members(&story), [BEN, CHRIS, DANA]);
}

/// what a vote decided is done once.
#[test]
pub(crate) fn a_vote_is_used_once() {
    let mut story = four();
    let [_, count] = vote(
        &mut story,
        &removing(DANA, &[ANNA, BEN, CHRIS]),
        &[(BEN, YES), (CHRIS, YES)],
        Verdict::Carried,
    );
    story.by(BEN, &removed_by_vote(DANA, count));
    let again = story.admission(DANA, None);
    story.by(ANNA, &again);
    story.by(BEN, &removed_by_vote(DANA, count));
    assert_eq!(members(&story), [ANNA, BEN, CHRIS, DANA]);

    let everybody = [ANNA, BEN, CHRIS, DANA];
    let choices = [(BEN, YES), (CHRIS, YES), (DANA, YES)];
    let [_, count] = vote(&mut story, &electing(BEN, &everybody, None), &choices, Verdict::Carried);
    story.by(CHRIS, &elected(BEN, count));
    assert!(has(&story, BEN, "host"));
    story.by(BEN, &role(BEN, "host", false));
    story.by(BEN, &elected(BEN, count));
    assert!(!has(&story, BEN, "host"));
}

/// nothing but what was asked, and only if it was carried.
#[test]
fn an_act_does_what_the_vote_was_on_and_nothing_else() {
    let mut story = four();
    let everybody = [ANNA, BEN, CHRIS, DANA];
    let choices = [(BEN, YES), (CHRIS, YES), (DANA, YES)];
    let [_, count] = vote(&mut story, &electing(BEN, &everybody, None), &choices, Verdict::Carried);
    let until = Act::Role(RoleBody {
        grant: true,
        role: "host".into(),
        to: member(BEN),
        end: Some(1),
        source: Some(count),
    });
    let wrong =
        [elected(CHRIS, count), removed_by_vote(BEN, count), removed_by_vote(ANNA, count), until];
    for act in wrong {
        let id = story.by(CHRIS, &act);
        assert!(!stands(&story, &id), "{act:?}");
    }
    let no = [(BEN, YES), (CHRIS, NO), (DANA, NO)];
    let act = removing(ANNA, &[BEN, CHRIS, DANA]);
    let [_, lost] = vote(&mut story, &act, &no, Verdict::NotCarried);
    let id = story.by(BEN, &removed_by_vote(ANNA, lost));
    assert!(!stands(&story, &id));
    // A host who says that a vote said so is no better off.
    let id = story.by(ANNA, &removed_by_vote(DANA, count));
    assert!(!stands(&story, &id));
}

/// D-10: of two words at once on one subject the circle's stands, and an end before a grant.
#[test]
fn what_the_circle_decided_stands_before_what_a_host_said_at_once() {
    let mut story = four();
    let everybody = [ANNA, BEN, CHRIS, DANA];
    let choices = [(BEN, YES), (CHRIS, YES), (DANA, YES)];
    let (name, template) = ("our own".to_owned(), "plain".to_owned());
    let asks = asked(ProposalBody {
        name: Some(name.clone()),
        template: Some(template.clone()),
        ..proposal(What::Rule, &everybody)
    });
    let [_, count] = vote(&mut story, &asks, &choices, Verdict::Carried);
    let (seen, base) = (story.heads(), story.all.len());
    let word = |rev, name: &str, source| {
        let (name, template) = (name.to_owned(), template.clone());
        Act::Circle(CircleBody { rev, name, template, source })
    };
    story.at(&seen, DANA, &word(1, &name, Some(count)));
    story.at(&seen, ANNA, &word(1, "Anna's", None));
    let far = story.at(&seen, DANA, &word(9, &name, Some(count)));
    in_all_orders(&story, base, &everybody);
    assert_eq!(roster(&story).circle.map(|circle| circle.name), Some(name));
    assert!(!stands(&story, &far), "as if nobody could say anything after it");

    let [_, count] = vote(&mut story, &electing(BEN, &everybody, None), &choices, Verdict::Carried);
    story.by(ANNA, &role(CHRIS, "host", true));
    let (seen, base) = (story.heads(), story.all.len());
    let term = crate::circle::charter::tests::term(BEN, "host", 5);
    story.at(&seen, ANNA, &term);
    story.at(&seen, DANA, &elected(BEN, count));
    in_all_orders(&story, base, &everybody);
    assert!(roster(&story).members[&member(BEN)].terms.is_empty(), "for good, as was decided");
}

fn lost(who: &[u8]) -> Act {
    let mut who: Vec<MemberId> = who.iter().map(|who| member(*who)).collect();
    who.sort_unstable();
    Act::HostLost(HostLostBody { who, heard: 1, days: 30 })
}

///
#[test]
fn where_the_hosts_are_lost_those_who_are_left_choose_another() {
    let mut story = four();
    let gone = story.by(BEN, &lost(&[ANNA]));
    let those = [BEN, CHRIS, DANA];
    let early = story.by(BEN, &electing(BEN, &those, Some(gone)));
    assert!(!stands(&story, &early), "one of three says so");
    story.by(CHRIS, &cosign(gone));
    let base = story.all.len();
    let of = story.by(BEN, &electing(BEN, &those, Some(gone)));
    let ballots = cast(&mut story, of, &[(BEN, YES), (CHRIS, YES)]);
    let count = story.by(BEN, &tally(of, &ballots, Verdict::Carried));
    let seen = story.heads();
    let acks = [BEN, CHRIS].map(|who| story.at(&seen, who, &ack(count)));
    story.at(&acks, CHRIS, &elected(BEN, count));
    in_all_orders(&story, base, &[ANNA, BEN, CHRIS, DANA]);
    assert!(has(&story, BEN, "host"));
    // She comes home to a circle that has two hosts.
    story.by(ANNA, &Act::Join);
    assert!(has(&story, BEN, "host") && has(&story, ANNA, "host"));
    // Who says so has to name all of them, and to wait.
    let few = story.by(CHRIS, &lost(&[ANNA]));
    let soon = story.by(CHRIS, &Act::HostLost(HostLostBody { days: 29, ..named(&[ANNA, BEN]) }));
    let own = story.by(ANNA, &lost(&[ANNA, BEN]));
    assert!([few, soon, own].iter().all(|id| !stands(&story, id)));
}

fn named(who: &[u8]) -> HostLostBody {
    match lost(who) {
        Act::HostLost(body) => body,
        other => panic!("{other:?}"),
    }
}

/// she did something that saw it, before the vote was over.
#[test]
pub(crate) fn a_host_who_came_back_is_not_lost() {
    let mut story = four();
    let gone = story.by(BEN, &lost(&[ANNA]));
    story.by(CHRIS, &cosign(gone));
    let those = [BEN, CHRIS, DANA];
    let choices = [(BEN, YES), (CHRIS, YES), (DANA, YES)];
    let [_, count] =
        vote(&mut story, &electing(BEN, &those, Some(gone)), &choices, Verdict::Carried);
    let before = story.heads();
    story.by(ANNA, &Act::Join);
    story.by(CHRIS, &elected(BEN, count));
    assert!(!has(&story, BEN, "host"));
    let late = story.by(BEN, &electing(BEN, &those, Some(gone)));
    assert!(!stands(&story, &late));
    story.at(&before, CHRIS, &elected(BEN, count));
    assert!(has(&story, BEN, "host"), "who had not heard of it yet");
}

/// a steward lets in as many as may outvote the others, once no host is there.
#[test]
pub(crate) fn who_was_let_in_since_no_host_was_there_takes_nothing_over() {
    let mut story = four();
    story.by(ANNA, &role(BEN, "steward", true));
    for who in [EVE, FINN, GINA] {
        let act = story.admission(who, None);
        story.by(BEN, &act);
    }
    let gone = story.by(EVE, &lost(&[ANNA]));
    for who in [BEN, FINN, GINA] {
        story.by(who, &cosign(gone));
    }
    let everybody = [BEN, CHRIS, DANA, EVE, FINN, GINA];
    let those = [BEN, CHRIS, DANA];
    for electorate in [&everybody[..], &those] {
        let of = story.by(EVE, &electing(EVE, electorate, Some(gone)));
        assert!(!stands(&story, &of), "one of three who count says so");
    }
    story.by(CHRIS, &cosign(gone));
    let of = story.by(EVE, &electing(EVE, &everybody, Some(gone)));
    assert!(!stands(&story, &of), "with strangers");
    let of = story.by(CHRIS, &electing(CHRIS, &those, Some(gone)));
    assert!(stands(&story, &of));
}

/// a count before the close waits for it, unless all have voted.
#[test]
fn a_tally_waits_for_the_close_unless_all_voted() {
    let mut story = four();
    let of = story.by(BEN, &removing(ANNA, &[BEN, CHRIS, DANA]));
    let ballots = cast(&mut story, of, &[(BEN, YES), (CHRIS, YES)]);
    story.by(BEN, &tally(of, &ballots, Verdict::Carried));
    let settles = 1_000 + 48 * HOUR_MS;
    let last = story.all.pop().expect("the tally");
    let mut charter = story.charter();
    charter.at(crate::boundary::Timestamp(settles - 1));
    assert_eq!(charter.take(last), Taken::Waits);
    assert_eq!(charter.at(crate::boundary::Timestamp(settles)).len(), 1);

    let dana = story.at(&ballots, DANA, &ballot(of, NO));
    let all = [ballots[0], ballots[1], dana];
    story.at(&[dana], BEN, &tally(of, &all, Verdict::Carried));
    let last = story.all.pop().expect("the tally");
    let mut charter = holding(story.circle, &story.all);
    charter.at(crate::boundary::Timestamp(0));
    assert!(matches!(charter.take(last), Taken::In(_)));
}

/// A circle in which people vote on one another and do other things meanwhile, each having seen any part of it.
pub(crate) struct Turmoil {
    story: Story,
    rng: ChaCha20Rng,
    lost: Vec<OperationId>,
}

impl Turmoil {
    pub(crate) fn of(seed: u64) -> Story {
        let mut story = Story::with(&[BEN, CHRIS, DANA]);
        story.by(ANNA, &role(BEN, "host", true));
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let mut turmoil = Self { story, rng, lost: Vec::new() };
        for _ in 0..2 {
            turmoil.deed();
            turmoil.poll();
        }
        turmoil.deed();
        turmoil.story
    }

    fn below(&mut self, end: usize) -> usize {
        below(&mut self.rng, end)
    }

    fn somebody(&mut self) -> u8 {
        u8::try_from(1 + self.below(4)).expect("small")
    }

    /// Some of the last so many.
    fn recent(&mut self, last: usize) -> Vec<OperationId> {
        let ids: Vec<OperationId> = self.story.whole.held().iter().map(|held| held.id).collect();
        let from = ids.len() - ids.len().min(last);
        (0..3).map(|_| ids[from + self.below(ids.len() - from)]).collect()
    }

    fn here(&self, seen: &[OperationId]) -> Roster {
        fold(&self.story.whole, &self.story.whole.covered(seen).expect("held"))
    }

    /// Of somebody who was not let in there nothing is taken.
    fn act(&mut self, seen: &[OperationId], who: u8, act: &Act) -> Option<OperationId> {
        let before = self.story.all.len();
        let id = self.story.at(seen, who, act);
        if self.story.whole.held().len() == before {
            self.story.all.truncate(before);
            return None;
        }
        Some(id)
    }

    fn deed(&mut self) {
        let (seen, who, to) = (self.recent(12), self.somebody(), self.somebody());
        let here = self.here(&seen);
        let hosts: Vec<u8> = (ANNA..=DANA).filter(|who| has_host(&here, *who)).collect();
        let act = match self.below(6) {
            0 => removal(to),
            1 => role(to, "host", who != to),
            2 => leaving(who),
            3 => self.story.admission(to, None),
            4 => Act::Join,
            _ if hosts.is_empty() => Act::Join,
            _ => lost(&hosts),
        };
        let Some(id) = self.act(&seen, who, &act) else { return };
        if matches!(act, Act::HostLost(_)) {
            self.lost.push(id);
            for who in ANNA..=DANA {
                self.act(&[id], who, &cosign(id));
            }
        }
    }

    /// Asked, cast, counted, acknowledged and done, by most.
    fn poll(&mut self) {
        let (mut seen, who, to) = (self.recent(4), self.somebody(), self.somebody());
        let lost = self.lost.last().copied().filter(|_| to % 2 == 0);
        seen.extend(lost);
        let here = self.here(&seen);
        let remove = self.below(2) == 0;
        let present: Vec<u8> = (ANNA..=DANA)
            .filter(|who| here.members.contains_key(&member(*who)))
            .filter(|who| !(remove && *who == to || lost.is_some() && has_host(&here, *who)))
            .collect();
        let asks = if remove { removing(to, &present) } else { electing(to, &present, lost) };
        let Some(of) = self.act(&seen, who, &asks) else { return };
        let mut last = vec![of];
        for who in present.iter().copied() {
            if self.below(5) > 0 {
                let choice = if self.below(5) == 0 { NO } else { YES };
                let at = if self.below(3) > 0 { last.clone() } else { vec![of] };
                last.extend(self.act(&at, who, &ballot(of, choice)));
            }
        }
        for round in 0..2 {
            let by = present.get(self.below(4)).copied().unwrap_or(who);
            let at = if round == 0 { last.clone() } else { self.recent(6) };
            let at: Vec<OperationId> = at.into_iter().chain([of]).collect();
            let count = counting(&self.story, &at, of);
            let Some(count) = self.act(&at, by, &count) else { continue };
            let mut acks = vec![count];
            for who in present.iter().copied() {
                if self.below(4) > 0 {
                    acks.extend(self.act(&[count], who, &ack(count)));
                }
            }
            let done = if remove { removed_by_vote(to, count) } else { elected(to, count) };
            let who = self.somebody();
            if self.below(4) > 0 {
                self.act(&acks, who, &done);
            }
            if self.below(2) == 0 {
                self.deed();
            }
        }
    }
}

fn has_host(roster: &Roster, who: u8) -> bool {
    roster.members.get(&member(who)).is_some_and(|person| person.roles.contains("host"))
}

/// What an honest node would count of what it has seen.
fn counting(story: &Story, seen: &[OperationId], of: OperationId) -> Act {
    let places = story.whole.covered(seen).expect("held");
    let here = fold(&story.whole, &places);
    let vote = here.votes.get(&of);
    let ballots: Vec<OperationId> =
        vote.iter().flat_map(|vote| vote.ballots.values().map(|(id, _)| *id)).collect();
    let choices: Vec<u8> =
        vote.iter().flat_map(|vote| vote.ballots.values().map(|(_, choice)| *choice)).collect();
    let result = vote.and_then(|vote| {
        Some(vote.body.threshold()?.verdict(&choices, vote.body.electorate.len()))
    });
    tally(of, &ballots, result.unwrap_or(Verdict::NoQuorum))
}

/// R-11, D-10: 1,000 orders of arrival.
#[test]
fn the_same_votes_give_one_state_in_whatever_order_they_came() {
    let (mut decided, mut done) = (0, 0);
    for seed in 0..100 {
        let story = Turmoil::of(seed);
        let expected = roster(&story);
        decided += expected.votes.values().filter(|vote| vote.decided.is_some()).count();
        done += usize::from(story.whole.held().iter().any(|held| {
            let source = match &held.act {
                Act::Removal(body) => body.source,
                Act::Role(body) => body.source,
                _ => None,
            };
            source.is_some() && expected.standing.contains(&held.id)
        }));
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        for order in 0..10 {
            let mut operations = story.all.clone();
            shuffle(&mut operations, &mut rng);
            let charter = holding(story.circle, &operations);
            assert_eq!(charter.held().len(), operations.len(), "SEED={seed} order {order}");
            assert_eq!(fold(&charter, &charter.all()), expected, "SEED={seed} order {order}");
        }
    }
    assert!(decided > 10 && done > 3, "{decided} decided, {done} acted on");
}
