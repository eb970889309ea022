//! What the node tells: events as they happen (U-103), and the answers to what was asked.

use serde_json::{Value, json};

use super::{
    acts,
    effect::{Effect, What as Asked},
    feed::{Entry, Page, What},
    layout, panels,
    state::{Asking, Circle, Join, Member, Panel, Phase, State},
    update::again,
    words,
};
use crate::{advice::Failure, client::segment};

/// Takes in one line of events.
pub(super) fn told(state: &mut State, line: &Value) -> Vec<Effect> {
    let data = &line["data"];
    let circle = line["circle_id"].as_str().unwrap_or_default().to_owned();
    match line["type"].as_str().unwrap_or_default() {
        "message" | "gap" => arrived(state, &circle, data),
        "mark" => {
            let mark = words::mark(&state.texts, state.fields(data));
            let id = state.fields(data).text("id");
            if let Some(circle) = state.circle_of(&circle) {
                circle.feed.mark(&id, mark);
            }
            Vec::new()
        }
        "waiting" => {
            let asking = Asking::of(state.fields(data));
            if data["state"] == "waiting" {
                state.notice =
                    Some(state.texts.say("somebody-asks", &[("name", asking.name.into())]));
            }
            vec![Effect::circles(), Effect::waiting(&circle)]
        }
        "member" if circle == state.current => vec![Effect::members(&circle)],
        "circle" => circle_changed(state, &circle, data),
        "join" => join_changed(state, data),
        "network" => {
            state.network = state.fields(data).text("network");
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn arrived(state: &mut State, id: &str, data: &Value) -> Vec<Effect> {
    let mut entry = Entry::of(&state.texts, state.fields(data));
    let own = data["own"] == true;
    if let (true, What::Said(said)) = (own, &mut entry.what) {
        // It is told as it is stored, and no relay can have it yet (P2); every further mark has an
        // event of its own.
        said.mark = Some(state.texts.plain("mark-waiting"));
    }
    let gap = data["gap"].is_object();
    let here = id == state.current;
    let before = (here && state.scroll > 0).then(|| layout::rows(state));
    let Some(circle) = state.circle_of(id) else { return vec![Effect::circles()] };
    let news = !own && !gap;
    circle.unread += u64::from(news);
    state.rang |= news;
    let Some(circle) = state.circle_of(id) else { return Vec::new() };
    if !here {
        return Vec::new();
    }
    circle.feed.arrive(entry);
    let long = circle.feed.is_long() && before.is_none();
    if let Some(before) = before {
        // Whoever reads further up stays where they are.
        state.scroll += layout::rows(state).saturating_sub(before);
        return Vec::new();
    }
    // It counts as read with the next key: nobody may be here (U-182).
    again(state).filter(|_| long).into_iter().collect()
}

fn circle_changed(state: &mut State, id: &str, data: &Value) -> Vec<Effect> {
    if data.is_null() {
        // Removed from this computer.
        state.circles.retain(|circle| circle.id != id);
        return if state.current == id { first_circle(state) } else { Vec::new() };
    }
    let zone = state.zone.clone();
    let fields = crate::fields::Fields::new(data, &zone);
    match state.circle_of(id) {
        Some(circle) => {
            circle.learn(fields);
            Vec::new()
        }
        None => vec![Effect::circles()],
    }
}

fn first_circle(state: &mut State) -> Vec<Effect> {
    state.current.clear();
    let first = state.circles.first().map(|circle| circle.id.clone());
    first.map(|id| acts::open_circle(state, &id)).unwrap_or_default()
}

fn join_changed(state: &mut State, data: &Value) -> Vec<Effect> {
    let fields = state.fields(data);
    let circle = fields.maybe("circle").or_else(|| fields.maybe("circle_name")).unwrap_or_default();
    let ended = fields.maybe("ended");
    match fields.text("state").as_str() {
        "member" => {
            state.notice = Some(state.texts.say("joined-in", &[("circle", circle.into())]));
            if matches!(state.panel, Some(Panel::Join(_))) {
                state.panel = None;
                state.wanted = fields_id(data);
            }
        }
        "asked" if matches!(state.panel, Some(Panel::Join(Join::Asking | Join::Asked(_)))) => {
            state.panel = Some(Panel::Join(Join::Asked(data.clone())));
        }
        "declined" | "over" => {
            let failure = Failure::of(ended.as_deref().unwrap_or("declined"));
            complain(state, &failure);
            if matches!(state.panel, Some(Panel::Join(_))) {
                state.panel = None;
            }
        }
        _ => {}
    }
    vec![Effect::circles()]
}

fn fields_id(data: &Value) -> Option<String> {
    data["circle_id"].as_str().map(str::to_owned)
}

/// Says what went wrong, in the line below.
pub(super) fn complain(state: &mut State, failure: &Failure) {
    let (sentence, hint) = state.texts.problem(failure);
    state.notice = Some(match hint {
        Some(hint) => format!("{sentence} {hint}"),
        None => sentence,
    });
}

/// Takes in an answer.
pub(super) fn answered(
    state: &mut State,
    what: Asked,
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

fn went_well(state: &mut State, what: Asked, answer: &Value) -> Vec<Effect> {
    match what {
        Asked::Circles => return circles(state, answer),
        Asked::Newest(id) => return newest(state, &id, answer),
        Asked::Earlier(id) => return paged(state, &id, answer, true),
        Asked::Later(id) => return paged(state, &id, answer, false),
        Asked::Members(id) => {
            let zone = state.zone.clone();
            let fields = crate::fields::Fields::new(answer, &zone);
            if let Some(circle) = state.circle_of(&id) {
                circle.members = fields.each("items").into_iter().map(Member::of).collect();
            }
        }
        Asked::Waiting(id) => {
            let zone = state.zone.clone();
            let fields = crate::fields::Fields::new(answer, &zone);
            if let Some(circle) = state.circle_of(&id) {
                circle.waiting = fields.each("items").into_iter().map(Asking::of).collect();
                circle.waiting_room = circle.waiting.len() as u64;
            }
        }
        Asked::Draft(id) if id == state.current && state.input.is_empty() => {
            let text = answer["text"].as_str().unwrap_or_default();
            state.input.insert(text);
            state.saved_draft = state.input.text();
        }
        Asked::Status => {
            if let Some(Panel::Where(shown)) = &mut state.panel {
                *shown = Some(answer.clone());
            }
        }
        Asked::Invited => {
            if let Some(Panel::Invite { made, .. }) = &mut state.panel {
                *made = Some(answer.clone());
            }
        }
        Asked::Previewed(code) => panels::previewed(state, code, answer),
        Asked::Joined => return join_changed(state, answer),
        Asked::Answered => {
            let fields = state.fields(answer);
            let told = [("name", fields.text("name").into())];
            let id = match fields.text("state").as_str() {
                "declined" => "was-declined",
                "admitting" => "is-admitted",
                _ => "is-in",
            };
            state.notice = Some(match id {
                "was-declined" => state.texts.say("was-declined", &told),
                "is-admitted" => state.texts.say("is-admitted", &told),
                _ => state.texts.say("is-in", &told),
            });
            return vec![Effect::waiting(&state.current), Effect::circles()];
        }
        Asked::Compare(who) => {
            let fields = state.fields(answer);
            let told = [
                ("name", fields.text("name").into()),
                ("words", fields.list("words").join(" ").into()),
            ];
            let text = state.texts.say("ask-same-words", &told);
            let path = format!("/v1/circles/{}/members/{}/verify", state.current, segment(&who));
            let yes = Effect::post(Asked::Compared, path, json!({"same": true}));
            return acts::ask(state, text, yes);
        }
        Asked::Compared => {
            let told = [("name", state.fields(answer).text("name").into())];
            state.notice = Some(state.texts.say("is-verified", &told));
            return vec![Effect::members(&state.current)];
        }
        Asked::Blocked => {
            let told = [("name", state.fields(answer).text("name").into())];
            state.notice = Some(match answer["blocked"] == true {
                true => state.texts.say("is-blocked", &told),
                false => state.texts.say("is-unblocked", &told),
            });
            return vec![Effect::members(&state.current), Effect::newest(&state.current)];
        }
        Asked::Governed(sentence) => {
            state.notice = Some(match answer["state"].as_str() {
                Some("needs-second") => state.texts.plain("needs-second"),
                Some("needs-vote") => state.texts.plain("needs-vote"),
                _ => sentence,
            });
            return vec![Effect::members(&state.current)];
        }
        Asked::Draft(_)
        | Asked::DraftSaved(_)
        | Asked::Read(_)
        | Asked::Said(..)
        | Asked::Locked
        | Asked::Opened => {}
    }
    Vec::new()
}

fn refused(state: &mut State, what: Asked, failure: &Failure) {
    match what {
        Asked::Said(circle, text) => {
            complain(state, failure);
            // U-132: what was typed is never lost.
            if circle == state.current && state.input.is_empty() {
                state.input.insert(&text);
            }
        }
        Asked::Opened => {
            complain(state, failure);
            if let Phase::Locked(locked) = &mut state.phase {
                locked.asked = false;
            }
        }
        Asked::Invited | Asked::Previewed(_) | Asked::Joined => {
            complain(state, failure);
            state.panel = None;
        }
        Asked::Compare(_) | Asked::Compared | Asked::Blocked => complain(state, failure),
        Asked::Answered | Asked::Governed(_) | Asked::Locked | Asked::Status => {
            complain(state, failure)
        }
        // What is fetched in passing is fetched again with the next event.
        _ => {}
    }
}

/// The circles as they are now, in the node's order; what is held of them stays.
fn circles(state: &mut State, answer: &Value) -> Vec<Effect> {
    let zone = state.zone.clone();
    let fields = crate::fields::Fields::new(answer, &zone);
    let mut known = std::mem::take(&mut state.circles);
    for line in fields.each("items") {
        let id = line.text("id");
        let place = known.iter().position(|circle| circle.id == id);
        let mut circle = place.map_or_else(Circle::default, |place| known.swap_remove(place));
        circle.learn(line);
        state.circles.push(circle);
    }
    let wanted = state.wanted.take().map(|wanted| wanted.to_lowercase());
    let found = wanted.and_then(|wanted| {
        let named = |circle: &&Circle| {
            circle.id == wanted || circle.label.to_lowercase().starts_with(&wanted)
        };
        state.circles.iter().find(named).map(|circle| circle.id.clone())
    });
    if let Some(id) = found {
        return acts::open_circle(state, &id);
    }
    if state.circle().is_none() { first_circle(state) } else { Vec::new() }
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
