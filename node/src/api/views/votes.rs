//! Votes as they are shown (U-67).
use hearthlight_protocol::{
    boundary::{VoteState, VoteView},
    circle::votes::What,
    identity::{CircleId, MemberId},
    threshold::{ABSTAIN, ASIDE, BLOCK, Of, Verdict, YES},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{V, talk::mark_word, time};
use crate::api::find::Names;

/// A vote. Who has threshold, quorum, electors and ballots can count again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::api) struct VoteLine {
    v: u8,
    id: String,
    circle: String,
    circle_id: String,
    made_at: Option<String>,
    text: String,
    by: String,
    what: &'static str,
    about: Option<String>,
    about_id: Option<String>,
    role: Option<String>,
    name: Option<String>,
    closes_at: String,
    settles_at: String,
    secret: bool,
    threshold: String,
    of: &'static str,
    quorum: String,
    electorate: usize,
    electors: Vec<String>,
    cast: usize,
    ballots: Vec<BallotLine>,
    state: &'static str,
    result: Option<&'static str>,
    mine: Option<&'static str>,
    mark: &'static str,
}

/// What one elector chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct BallotLine {
    name: String,
    id: String,
    choice: &'static str,
}

impl VoteLine {
    /// A vote in the circle that goes by `label` here.
    pub(in crate::api) fn of(
        label: &str,
        circle: CircleId,
        names: &Names,
        vote: &VoteView,
    ) -> Self {
        let about = vote.about.as_ref();
        let shown = |who: &MemberId, name: &str| names.shown(name, &who.hex());
        Self {
            v: V,
            id: vote.id.hex(),
            circle: label.to_owned(),
            circle_id: circle.hex(),
            text: vote.text.clone(),
            made_at: vote.made_at.map(time),
            by: shown(&vote.by.0, &vote.by.1),
            what: match vote.what {
                What::Ordinary => "ordinary",
                What::Format => "format",
                What::Rule => "rule",
                What::Elect => "elect",
                What::Admit => "admit",
                What::Remove => "remove",
                What::Template => "template",
            },
            about: about.map(|(who, name)| shown(who, name)),
            about_id: about.map(|(who, _)| who.hex()),
            role: vote.role.clone(),
            name: vote.name.clone(),
            closes_at: time(vote.closes_at),
            settles_at: time(vote.settles_at),
            secret: false,
            threshold: match vote.threshold.pass.to_string().as_str() {
                ">1/2" => "majority".to_owned(),
                "2/3" => "two-thirds".to_owned(),
                "4/5" => "80".to_owned(),
                other => other.to_owned(),
            },
            of: match vote.threshold.of {
                Of::Cast => "cast",
                Of::Electorate => "electorate",
            },
            quorum: vote.threshold.quorum.to_string(),
            electorate: vote.electorate.len(),
            electors: vote.electorate.iter().map(|(who, name)| shown(who, name)).collect(),
            cast: vote.ballots.len(),
            ballots: vote
                .ballots
                .iter()
                .map(|ballot| BallotLine {
                    name: shown(&ballot.who, &ballot.name),
                    id: ballot.who.hex(),
                    choice: choice_word(ballot.choice),
                })
                .collect(),
            state: match vote.state {
                VoteState::Open => "open",
                VoteState::Counting => "counting",
                VoteState::Decided(_) => "decided",
                VoteState::Lapsed => "lapsed",
            },
            result: match vote.state {
                VoteState::Decided(verdict) => Some(verdict_word(verdict)),
                _ => None,
            },
            mine: vote.mine.map(choice_word),
            mark: mark_word(vote.posted),
        }
    }
}

/// What a vote came to, as a word.
pub(super) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Carried => "carried",
        Verdict::NotCarried => "not-carried",
        Verdict::NoQuorum => "no-quorum",
        Verdict::Blocked => "blocked",
    }
}

fn choice_word(choice: u8) -> &'static str {
    match choice {
        YES => "yes",
        ABSTAIN => "abstain",
        ASIDE => "aside",
        BLOCK => "block",
        _ => "no",
    }
}

#[cfg(test)]
mod tests {
    use hearthlight_protocol::{
        boundary::{BallotView, Mark, Timestamp},
        identity::OperationId,
        threshold::{NO, Threshold},
    };
    use serde_json::{json, to_value};

    use super::*;
    use crate::api::find::Named;

    /// U-67
    #[test]
    fn a_vote_has_its_fields() {
        let ballot = |who: u8, name: &str, choice| BallotView {
            who: MemberId([who; 32]),
            name: name.into(),
            choice,
        };
        let vote = VoteView {
            id: OperationId([0xa1; 32]),
            text: "Change the hour".into(),
            by: (MemberId([1; 32]), "Anna".into()),
            made_at: Some(Timestamp(0)),
            what: What::Ordinary,
            about: None,
            role: None,
            name: None,
            closes_at: Timestamp(0),
            settles_at: Timestamp(0),
            threshold: Threshold::parse("2/3", Of::Cast, "1/2").unwrap(),
            electorate: vec![
                (MemberId([1; 32]), "Anna".into()),
                (MemberId([2; 32]), "Ben".into()),
                (MemberId([3; 32]), "Anna".into()),
            ],
            ballots: vec![ballot(1, "Anna", YES), ballot(2, "Ben", NO)],
            mine: Some(YES),
            state: VoteState::Decided(Verdict::NotCarried),
            posted: Mark::Relayed,
        };
        let people = vote.electorate.iter();
        let names =
            Names::of(people.map(|(who, name)| Named { id: who.hex(), name: name.clone() }));
        assert_eq!(
            to_value(VoteLine::of("Test", CircleId([0x41; 32]), &names, &vote)).unwrap(),
            json!({
                "v": 1, "id": "a1".repeat(32), "circle": "Test", "circle_id": "41".repeat(32),
                "made_at": "1970-01-01T00:00:00.000Z", "text": "Change the hour", "by": "Anna~0101",
                "what": "ordinary", "about": null,
                "about_id": null, "role": null, "name": null,
                "closes_at": "1970-01-01T00:00:00.000Z", "settles_at": "1970-01-01T00:00:00.000Z",
                "secret": false, "threshold": "two-thirds", "of": "cast", "quorum": "1/2",
                "electorate": 3, "electors": ["Anna~0101", "Ben", "Anna~0303"], "cast": 2,
                "ballots": [
                    {"name": "Anna~0101", "id": "01".repeat(32), "choice": "yes"},
                    {"name": "Ben", "id": "02".repeat(32), "choice": "no"},
                ],
                "state": "decided", "result": "not-carried", "mine": "yes", "mark": "relayed",
            })
        );
    }
}
