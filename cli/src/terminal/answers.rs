//! What the node answered to what was asked.

use serde_json::{Value, json};

use super::{
    acts,
    aim::Draft,
    effect::{Effect, What},
    feed::{Entry, Page},
    layout, panel_keys, settings,
    state::{Asking, Circle, Member, Panel, Phase, State},
    told::{complain, first_circle, join_changed},
    votes,
};
use crate::{advice::Failure, client::segment, fields::Fields};

/// Takes in an answer.
pub(super) fn answered(
    state: &mut State,
    what: What,
    outcome: Result<Value, Failure>,
) -> Vec<Effect> {
    match outcome {
        Ok(answer) => went_well(state, what, &answer),
        Err(failure) => {
            refused(state, what, &failure);
            Vec::new()
        }
    }
}

fn went_well(state: &mut State, what: What, answer: &Value) -> Vec<Effect> {
    match what {
        What::Circles => return circles(state, answer),
        What::Newest(id) => return newest(state, &id, answer),
        What::Earlier(id) => return paged(state, &id, answer, true),
        What::Later(id) => return paged(state, &id, answer, false),
        What::Members(id) => {
            let zone = state.zone.clone();
            let fields = Fields::new(answer, &zone);
            if let Some(circle) = state.circle_of(&id) {
                circle.members = fields.each("items").into_iter().map(Member::of).collect();
            }
        }
        What::Waiting(id) => {
            let zone = state.zone.clone();
            let fields = Fields::new(answer, &zone);
            if let Some(circle) = state.circle_of(&id) {
                circle.waiting = fields.each("items").into_iter().map(Asking::of).collect();
                circle.waiting_room = circle.waiting.len() as u64;
            }
        }
        What::Votes(id) => {
            if let Some(circle) = state.circle_of(&id) {
                let items = answer["items"].as_array().into_iter().flatten();
                circle.votes = items.rev().cloned().collect();
                circle.votes_known = true;
            }
        }
        What::Draft(id) if id == state.current && state.input.is_empty() => {
            let kept = state.fields(answer);
            let (reply_to, wants) = (kept.maybe("reply_to"), kept.maybe("wants"));
            let text = answer["text"].as_str().unwrap_or_default().to_owned();
            if !text.is_empty() {
                state.take_up(Draft { text, reply_to, wants });
            }
            state.saved_draft = state.draft();
        }
        What::Said(id, _) if id == state.current => {
            state.said = state.fields(answer).maybe("id");
        }
        What::Draft(_) | What::DraftSaved(_) | What::Read(_) | What::Said(..) => {}
        what => return done(state, what, answer),
    }
    Vec::new()
}

/// Something was looked up or done for somebody: a panel shows it, or a sentence says it.
fn done(state: &mut State, what: What, answer: &Value) -> Vec<Effect> {
    let name = state.fields(answer).text("name");
    let told = [("name", name.into())];
    match what {
        What::Status => {
            if let Some(Panel::Where(shown)) = &mut state.panel {
                *shown = Some(answer.clone());
            }
        }
        What::Settings => settings::learn(state, answer),
        What::Voted(choice) => return votes::voted(state, choice.as_deref(), answer),
        What::SettingSaved => {
            settings::learn(state, answer);
            state.note("setting-saved");
        }
        What::Muted(muted) => {
            let label = state.circle().map(|circle| circle.label.clone()).unwrap_or_default();
            state.notice = Some(match muted {
                true => state.texts.say("is-muted", &[("circle", label.into())]),
                false => state.texts.say("is-unmuted", &[("circle", label.into())]),
            });
        }
        What::Invited => {
            if let Some(Panel::Invite { made, .. }) = &mut state.panel {
                *made = Some(answer.clone());
            }
        }
        What::Previewed(code) => panel_keys::previewed(state, code, answer),
        What::Joined => return join_changed(state, answer),
        What::Answered => {
            state.notice = Some(match answer["state"].as_str() {
                Some("declined") => state.texts.say("was-declined", &told),
                Some("admitting") => state.texts.say("is-admitted", &told),
                _ => state.texts.say("is-in", &told),
            });
            return vec![Effect::waiting(&state.current), Effect::circles()];
        }
        What::Compare(who) => {
            let words = state.fields(answer).list("words").join(" ");
            let [name] = told;
            let text = state.texts.say("ask-same-words", &[name, ("words", words.into())]);
            let path = format!("/v1/circles/{}/members/{}/verify", state.current, segment(&who));
            let yes = Effect::post(What::Compared, path, json!({"same": true}));
            return acts::ask(state, text, yes);
        }
        What::Compared => {
            state.notice = Some(state.texts.say("is-verified", &told));
            return vec![Effect::members(&state.current)];
        }
        What::Blocked => {
            state.notice = Some(match answer["blocked"] == true {
                true => state.texts.say("is-blocked", &told),
                false => state.texts.say("is-unblocked", &told),
            });
            return vec![Effect::members(&state.current), Effect::newest(&state.current)];
        }
        What::Governed(sentence) => {
            state.notice = Some(match answer["state"].as_str() {
                Some("needs-second") => state.texts.plain("needs-second"),
                Some("needs-vote") => state.texts.plain("needs-vote"),
                _ => sentence,
            });
            return vec![Effect::members(&state.current)];
        }
        _ => {}
    }
    Vec::new()
}

fn refused(state: &mut State, what: What, failure: &Failure) {
    match what {
        What::Said(circle, draft) => {
            complain(state, failure);
            // U-132: what was typed is never lost.
            if circle == state.current && state.input.is_empty() {
                state.take_up(draft);
            }
        }
        What::Opened => {
            complain(state, failure);
            if let Phase::Locked(locked) = &mut state.phase {
                locked.asked = false;
            }
        }
        What::Invited | What::Previewed(_) | What::Joined => {
            complain(state, failure);
            state.panel = None;
        }
        // What is fetched in passing is fetched again with the next event.
        What::Circles | What::Newest(_) | What::Earlier(_) | What::Later(_) => {}
        What::Members(_) | What::Waiting(_) | What::Draft(_) | What::DraftSaved(_) => {}
        What::Read(_) | What::Votes(_) | What::Settings => {}
        _ => complain(state, failure),
    }
}

/// The circles as they are now, in the node's order; what is held of them stays.
fn circles(state: &mut State, answer: &Value) -> Vec<Effect> {
    let zone = state.zone.clone();
    let fields = Fields::new(answer, &zone);
    let mut known = std::mem::take(&mut state.circles);
    for line in fields.each("items") {
        let id = line.text("id");
        let place = known.iter().position(|circle| circle.id == id);
        let mut circle = place.map_or_else(Circle::default, |place| known.swap_remove(place));
        circle.learn(line);
        state.circles.push(circle);
    }
    let wanted = state.wanted.take();
    if let Some(id) = wanted.filter(|id| state.circles.iter().any(|circle| circle.id == *id)) {
        return acts::open_circle(state, &id);
    }
    if state.circle().is_none() && !state.gone { first_circle(state) } else { Vec::new() }
}

fn page(state: &State, answer: &Value) -> Page {
    let fields = state.fields(answer);
    Page {
        entries: fields
            .each("items")
            .into_iter()
            .map(|line| Entry::of(&state.texts, line))
            .collect(),
        before: fields.maybe("before"),
        after: fields.maybe("after"),
    }
}

fn newest(state: &mut State, id: &str, answer: &Value) -> Vec<Effect> {
    let page = page(state, answer);
    if id != state.current {
        return Vec::new();
    }
    let Some(circle) = state.circle_of(id) else { return Vec::new() };
    // The line for what is new stays while the circle is open.
    let new_from = circle.feed.new_from.take();
    circle.feed.begin(page, usize::try_from(circle.unread).unwrap_or(usize::MAX));
    if circle.feed.new_from.is_none() {
        circle.feed.new_from = new_from;
    }
    acts::read_all(state)
}

fn paged(state: &mut State, id: &str, answer: &Value, earlier: bool) -> Vec<Effect> {
    let page = page(state, answer);
    if id != state.current {
        return Vec::new();
    }
    let before = layout::rows(state);
    let Some(circle) = state.circle_of(id) else { return Vec::new() };
    if earlier {
        circle.feed.earlier_came(page);
        let all = layout::rows(state);
        if let Some(circle) = state.circle_of(id) {
            circle.feed.let_go();
        }
        // What goes stood below what is read.
        state.scroll = state.scroll.saturating_sub(all - layout::rows(state).min(all));
        return Vec::new();
    }
    circle.feed.later_came(page);
    // What came stands below what was read.
    state.scroll += layout::rows(state).saturating_sub(before);
    if state.scroll == 0 { acts::read_all(state) } else { Vec::new() }
}
