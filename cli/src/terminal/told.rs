//! What the node tells as it happens (U-103).

use serde_json::Value;

use super::{
    acts,
    effect::Effect,
    feed::{Entry, What},
    layout, settings,
    state::{Asking, Join, Panel, State},
    update::again,
    words,
};
use crate::{advice::Failure, fields::Fields};

/// Takes in one line of events.
pub(super) fn told(state: &mut State, line: &Value) -> Vec<Effect> {
    let data = &line["data"];
    let circle = line["circle_id"].as_str().unwrap_or_default().to_owned();
    match line["type"].as_str().unwrap_or_default() {
        "message" | "gap" => arrived(state, &circle, data),
        "mark" => {
            let fields = state.fields(data);
            let (mark, reach) = (words::mark(&state.texts, fields), words::mark_reach(fields));
            let id = fields.text("id");
            if let Some(circle) = state.circle_of(&circle) {
                circle.feed.mark(&id, mark, reach);
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
        "circle" => {
            let mut effects = circle_changed(state, &circle, data);
            // How far an operation on a vote came is told by its circle alone.
            let votes = matches!(state.panel, Some(Panel::Votes(_) | Panel::Vote(_)));
            effects.extend((votes && circle == state.current).then(|| Effect::votes(&circle)));
            effects
        }
        "join" => join_changed(state, data),
        "settings" => vec![settings::ask()],
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
        (said.mark, said.reach) = (Some(state.texts.plain("mark-waiting")), 0);
    }
    let gap = data["gap"].is_object();
    let here = id == state.current;
    let before = (here && state.scroll > 0).then(|| layout::rows(state));
    let news = !own && !gap;
    let heard = state.circles.iter().find(|circle| circle.id == id);
    state.rang |= news && heard.is_some_and(|circle| settings::rings(&state.notify, circle));
    let Some(circle) = state.circle_of(id) else { return vec![Effect::circles()] };
    circle.unread += u64::from(news);
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
        // Removed from this computer. What is being typed is for no other circle (U-73).
        state.circles.retain(|circle| circle.id != id);
        if state.current == id {
            state.current.clear();
            state.gone = true;
        }
        return Vec::new();
    }
    let zone = state.zone.clone();
    let fields = Fields::new(data, &zone);
    match state.circle_of(id) {
        Some(circle) => {
            circle.learn(fields);
            Vec::new()
        }
        None => vec![Effect::circles()],
    }
}

pub(super) fn first_circle(state: &mut State) -> Vec<Effect> {
    state.current.clear();
    let first = state.circles.first().map(|circle| circle.id.clone());
    first.map(|id| acts::open_circle(state, &id)).unwrap_or_default()
}

pub(super) fn join_changed(state: &mut State, data: &Value) -> Vec<Effect> {
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
