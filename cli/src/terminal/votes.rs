//! What a circle decides together, as the chat shows it (U-67).

use serde_json::{Value, json};

use super::{
    effect::{Effect, What},
    panels::{Line, picked_line, plain},
    state::{Panel, State},
    talk::Tone,
    words,
};
use crate::{client::segment, fields::Fields};

/// Shows what is, or was, voted on; with a word the vote that it means.
pub(super) fn open(state: &mut State, circle: &str, typed: Option<&str>) -> Vec<Effect> {
    if let Some(circle) = state.circle_of(circle) {
        // Somebody can have asked since: nothing says that there are none but what is fetched now.
        circle.votes_known &= !circle.votes.is_empty();
    }
    match typed {
        None => state.open_panel(Panel::Votes(0)),
        Some(_) if !is_known(state) => return first_all(state, circle),
        Some(typed) => match meant(state, typed) {
            Some(id) => state.open_panel(Panel::Vote(id)),
            None => state.note("vote-none"),
        },
    }
    vec![Effect::votes(circle)]
}

/// Shows all votes, since which of them is meant cannot be said before they are known.
fn first_all(state: &mut State, circle: &str) -> Vec<Effect> {
    state.open_panel(Panel::Votes(0));
    state.note("votes-first");
    vec![Effect::votes(circle)]
}

fn is_known(state: &State) -> bool {
    state.circle().is_some_and(|circle| circle.votes_known)
}

/// Asks the circle; it decides nothing by itself.
pub(super) fn make(state: &mut State, circle: &str, text: &str) -> Vec<Effect> {
    state.open_panel(Panel::Votes(0));
    let body = json!({"text": text, "timeout_ms": LOOK_MS});
    vec![Effect::post(What::Voted(None), format!("/v1/circles/{circle}/votes"), body)]
}

/// Casts a ballot, or another one: a choice by its word or number.
pub(super) fn cast(state: &mut State, circle: &str, typed: &str, choice: &str) -> Vec<Effect> {
    if !is_known(state) {
        return first_all(state, circle);
    }
    let number = choice.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let named = CHOICES.iter().position(|(word, _)| *word == choice.to_lowercase());
    match (meant(state, typed), number.or(named).and_then(|at| CHOICES.get(at))) {
        (Some(id), Some((word, _))) => vec![ballot(circle, &id, word)],
        (None, _) => {
            state.note("vote-none");
            Vec::new()
        }
        (_, None) => {
            state.note("vote-choose");
            Vec::new()
        }
    }
}

/// Chooses by a digit in the vote that is shown.
pub(super) fn digit(state: &State, id: &str, digit: usize) -> Vec<Effect> {
    let is_open = vote(state, id).is_some_and(|vote| vote["state"] == "open");
    match (state.circle(), digit.checked_sub(1).and_then(|at| CHOICES.get(at))) {
        (Some(circle), Some((word, _))) if is_open => vec![ballot(&circle.id, id, word)],
        _ => Vec::new(),
    }
}

fn ballot(circle: &str, id: &str, word: &str) -> Effect {
    let path = format!("/v1/circles/{circle}/votes/{}/cast", segment(id));
    let body = json!({"choice": word, "timeout_ms": LOOK_MS});
    Effect::post(What::Voted(Some(word.to_owned())), path, body)
}

/// Takes in a vote that was made, or in which somebody here chose.
pub(super) fn voted(state: &mut State, choice: Option<&str>, answer: &Value) -> Vec<Effect> {
    let sentence = match choice {
        Some(word) => {
            let told = [("choice", called(state, word).into())];
            state.texts.say("vote-chosen", &told)
        }
        None => state.texts.plain("vote-asked"),
    };
    let waits = answer["mark"] == "waiting";
    let later = waits.then(|| state.texts.plain("vote-waits"));
    state.notice =
        Some([Some(sentence), later].into_iter().flatten().collect::<Vec<_>>().join(" "));
    let id = answer["circle_id"].as_str().unwrap_or_default().to_owned();
    let Some(circle) = state.circle_of(&id) else { return Vec::new() };
    if !circle.votes_known {
        return vec![Effect::votes(&id)];
    }
    match circle.votes.iter_mut().find(|vote| vote["id"] == answer["id"]) {
        Some(vote) => *vote = answer.clone(),
        None => circle.votes.insert(0, answer.clone()),
    }
    Vec::new()
}

/// The vote that is meant: by its number in the list, or by how its id begins.
fn meant(state: &State, typed: &str) -> Option<String> {
    let votes = &state.circle()?.votes;
    let number = typed.parse::<usize>().ok().filter(|number| (1..=votes.len()).contains(number));
    let id = |vote: &Value| vote["id"].as_str().map(str::to_owned);
    if let Some(number) = number {
        return votes.get(number - 1).and_then(id);
    }
    let mut starts = votes.iter().filter_map(id).filter(|id| id.starts_with(typed));
    starts.next().filter(|_| typed.len() >= SHORT_ID && starts.next().is_none())
}

fn vote<'a>(state: &'a State, id: &str) -> Option<&'a Value> {
    state.circle()?.votes.iter().find(|vote| vote["id"] == id)
}

/// The list of votes.
pub(super) fn list(state: &State, picked: usize) -> Vec<Line> {
    let votes = state.circle().map(|circle| circle.votes.as_slice()).unwrap_or_default();
    let line = |(at, vote): (usize, &Value)| {
        let fields = state.fields(vote);
        let text = format!("{} {}", at + 1, fields.text("text"));
        [picked_line(&text, at == picked), plain(format!("    {}", standing(state, fields)))]
    };
    let mut lines: Vec<Line> = votes.iter().enumerate().flat_map(line).collect();
    if votes.is_empty() && !is_known(state) {
        // What was said in plain lines is not taken back (U-133).
        return lines;
    }
    if votes.is_empty() {
        lines.push(plain(state.texts.plain("votes-none")));
    }
    lines.extend([(String::new(), Tone::Plain), plain(state.texts.plain("votes-ask"))]);
    lines
}

/// `open until Wed 25 Nov 18:00, 4 of 6 chose, you: yes`
fn standing(state: &State, fields: Fields<'_>) -> String {
    let texts = &state.texts;
    let until = |key: &str| {
        let at = fields.time(key).map(|at| words::moment(texts, &at)).unwrap_or_default();
        [("until", at.into())]
    };
    let now = match (fields.text("state").as_str(), fields.maybe("result").as_deref()) {
        ("open", _) => texts.say("vote-open", &until("closes_at")),
        ("counting", _) => texts.say("vote-counting", &until("settles_at")),
        (_, Some("carried")) => texts.plain("vote-carried"),
        (_, Some("not-carried")) => texts.plain("vote-not-carried"),
        (_, Some("no-quorum")) => texts.plain("vote-no-quorum"),
        (_, Some("blocked")) => texts.plain("vote-blocked"),
        _ => texts.plain("vote-lapsed"),
    };
    let told = [("cast", fields.count("cast").into()), ("all", fields.count("electorate").into())];
    let mine = fields
        .maybe("mine")
        .map(|word| texts.say("vote-mine", &[("choice", called(state, &word).into())]));
    let parts = [Some(now), Some(texts.say("vote-cast", &told)), mine];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// One vote with what hangs on it, who chose what, and how to choose.
pub(super) fn lines(state: &State, id: &str) -> Vec<Line> {
    let Some(vote) = vote(state, id) else { return Vec::new() };
    let (texts, fields) = (&state.texts, state.fields(vote));
    let mut lines = vec![(fields.text("text"), Tone::Strong), plain(standing(state, fields))];
    let about = || ("name", fields.text("about").into());
    lines.extend(match fields.text("what").as_str() {
        "remove" => Some(plain(texts.say("vote-remove", &[about()]))),
        "elect" => {
            let role = words::role(texts, &fields.text("role"));
            Some(plain(texts.say("vote-elect", &[about(), ("role", role.into())])))
        }
        "rule" | "template" => {
            Some(plain(texts.say("vote-rename", &[("circle", fields.text("name").into())])))
        }
        _ => None,
    });
    lines.push(plain(texts.say("vote-by", &[("name", fields.text("by").into())])));
    for ballot in fields.each("ballots") {
        let choice = called(state, &ballot.text("choice"));
        lines.push(plain(format!("  {}  {choice}", ballot.text("name"))));
    }
    if fields.text("state") == "open" {
        lines.extend([(String::new(), Tone::Plain), plain(texts.plain("vote-choose"))]);
    }
    lines
}

/// What a choice is called.
fn called(state: &State, word: &str) -> String {
    let known = CHOICES.iter().find(|(known, _)| *known == word);
    known.map_or_else(|| word.to_owned(), |(_, id)| state.texts.plain(id))
}

/// In the order of their digits.
const CHOICES: &[(&str, &str)] = &[
    ("yes", "choice-yes"),
    ("no", "choice-no"),
    ("abstain", "choice-abstain"),
    ("aside", "choice-aside"),
    ("block", "choice-block"),
];
/// Digits of an id that name a vote (U-11).
const SHORT_ID: usize = 6;
/// How long a relay is looked for (U-40).
const LOOK_MS: u64 = 5_000;
