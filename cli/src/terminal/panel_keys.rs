//! The keys of what can stand in place of the conversation.

use crossterm::event::{KeyCode, KeyEvent};
use serde_json::{Value, json};

use super::{
    acts, aim,
    effect::{Effect, What},
    input::Input,
    layout, panels, settings,
    state::{Join, Panel, State},
    talk::Tone,
    votes,
};
use crate::values;

/// The box of the joining panel, where it asks for something.
pub(super) fn join_input(join: &mut Join) -> Option<&mut Input> {
    match join {
        Join::Code(input) => Some(input),
        Join::Cards { name, .. } => Some(name),
        _ => None,
    }
}

/// Goes on with what was typed in the joining panel.
pub(super) fn join_enter(state: &mut State) -> Vec<Effect> {
    match &mut state.panel {
        Some(Panel::Join(join @ Join::Code(_))) => {
            let code = join_input(join).map(Input::take).unwrap_or_default();
            if code.trim().is_empty() {
                return Vec::new();
            }
            *join = Join::Looking;
            let body = json!({"code": code, "timeout_ms": LOOK_MS});
            vec![Effect::post(What::Previewed(code), "/v1/joins/preview".to_owned(), body)]
        }
        Some(Panel::Join(join @ Join::Cards { .. })) => {
            let Join::Cards { code, name, .. } = join else { return Vec::new() };
            let Ok(name) = values::name(&name.text()) else {
                state.note("name-wanted");
                return Vec::new();
            };
            let body = json!({"code": code, "name": name, "label": null, "timeout_ms": LOOK_MS});
            *join = Join::Asking;
            vec![Effect::post(What::Joined, "/v1/joins".to_owned(), body)]
        }
        _ => Vec::new(),
    }
}

/// Shows what a code leads to.
pub(super) fn previewed(state: &mut State, code: String, answer: &Value) {
    if !matches!(state.panel, Some(Panel::Join(Join::Looking))) {
        return;
    }
    let fields = state.fields(answer);
    if matches!(fields.text("state").as_str(), "asked" | "member") {
        // One invite never makes two members.
        state.open_panel(Panel::Join(Join::Asked(answer.clone())));
        return;
    }
    let mut name = Input::new();
    if state.circles.is_empty() {
        // From the second circle on none is offered: equal names link circles (U-36).
        name.set(&fields.text("name"));
    }
    state.open_panel(Panel::Join(Join::Cards { code, shown: answer.clone(), name }));
}

/// Takes a key where a panel is open.
pub(super) fn pressed(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => {
            close(state);
            return acts::read_all(state);
        }
        KeyCode::PageDown => {
            state.panel_scroll =
                (state.panel_scroll + SCROLL).min(layout::most_panel_scroll(state));
        }
        KeyCode::PageUp => state.panel_scroll = state.panel_scroll.saturating_sub(SCROLL),
        _ => {
            let effects = panel_key(state, key);
            keep_in_sight(state);
            return effects;
        }
    }
    Vec::new()
}

/// Scrolls to the line that is picked, where one is.
fn keep_in_sight(state: &mut State) {
    let Some(panel) = &state.panel else { return };
    let place = layout::panel_place(state);
    let rows = panels::rows(state, panel, usize::from(place.width));
    let Some(picked) = rows.iter().position(|(_, tone)| *tone == Tone::Picked) else { return };
    let height = usize::from(place.height).max(1);
    let first = rows.iter().take(picked).all(|(row, _)| !row.starts_with(' '));
    let top = if first { 0 } else { picked };
    state.panel_scroll = state.panel_scroll.clamp((picked + 1).saturating_sub(height), top);
}

fn close(state: &mut State) {
    state.panel = match state.panel.take() {
        Some(Panel::Help(Some(_))) => Some(Panel::Help(None)),
        Some(Panel::Member(id)) => {
            let members =
                state.circle().map(|circle| circle.members.as_slice()).unwrap_or_default();
            let at = members.iter().position(|member| member.id == id);
            Some(Panel::Members(at.unwrap_or_default()))
        }
        Some(Panel::Vote(id)) => {
            let votes = state.circle().map(|circle| circle.votes.as_slice()).unwrap_or_default();
            let at = votes.iter().position(|vote| vote["id"] == *id);
            Some(Panel::Votes(at.unwrap_or_default()))
        }
        Some(Panel::Invite { made, qr: true }) => Some(Panel::Invite { made, qr: false }),
        _ => None,
    };
    state.panel_scroll = 0;
}

fn panel_key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let digit = match key.code {
        KeyCode::Char(digit @ '1'..='9') => digit.to_digit(10).map(|digit| digit as usize),
        _ => None,
    };
    if let Some(picked) = picked(state) {
        if let Some(next) = step(picked, key.code, count(state)) {
            pick(state, next);
            return Vec::new();
        }
        return list_key(state, key.code, picked, digit);
    }
    match (&mut state.panel, key.code) {
        (Some(Panel::Help(chosen)), KeyCode::Char(_)) => {
            if let Some(at) = digit.map(|digit| digit - 1).filter(|at| *at < state.help.choices()) {
                match state.help.asks_country() {
                    true => state.help = state.help.country(at),
                    false => *chosen = Some(at),
                }
                state.panel_scroll = 0;
            }
        }
        (Some(Panel::Vote(id)), KeyCode::Char(_)) => {
            let id = id.clone();
            return votes::digit(state, &id, digit.unwrap_or_default());
        }
        (Some(Panel::Invite { made: Some(_), qr }), KeyCode::Char('q')) => *qr = !*qr,
        (Some(Panel::Join(_)), KeyCode::Enter) => return join_enter(state),
        (Some(Panel::Join(join)), _) => {
            if let Some(input) = join_input(join) {
                input.key(key);
            }
        }
        (_, KeyCode::Down) => {
            state.panel_scroll = (state.panel_scroll + 1).min(layout::most_panel_scroll(state));
        }
        (_, KeyCode::Up) => state.panel_scroll = state.panel_scroll.saturating_sub(1),
        _ => {}
    }
    Vec::new()
}

/// The place that is picked, in a panel that is a list.
fn picked(state: &State) -> Option<usize> {
    match state.panel.as_ref()? {
        Panel::Members(at)
        | Panel::Reply(at)
        | Panel::Waiting(at)
        | Panel::Votes(at)
        | Panel::Settings(at) => Some(*at),
        _ => None,
    }
}

fn pick(state: &mut State, next: usize) {
    if let Some(
        Panel::Members(at)
        | Panel::Reply(at)
        | Panel::Waiting(at)
        | Panel::Votes(at)
        | Panel::Settings(at),
    ) = &mut state.panel
    {
        *at = next;
    }
}

/// How many there are to be picked.
fn count(state: &State) -> usize {
    let Some(circle) = state.circle() else { return settings::count() };
    match &state.panel {
        Some(Panel::Members(_)) => circle.members.len(),
        Some(Panel::Reply(_)) => aim::choices(&circle.feed).len(),
        Some(Panel::Waiting(_)) => circle.waiting.len(),
        Some(Panel::Votes(_)) => circle.votes.len(),
        _ => settings::count(),
    }
}

/// What is done with the line that is picked; where lines are numbered, a digit names one.
fn list_key(state: &mut State, code: KeyCode, picked: usize, digit: Option<usize>) -> Vec<Effect> {
    let entered = (code == KeyCode::Enter).then_some(picked);
    let numbered = matches!(state.panel, Some(Panel::Reply(_) | Panel::Votes(_)));
    let named = digit.filter(|_| numbered).map(|digit| digit - 1);
    match (&state.panel, named.or(entered)) {
        (Some(Panel::Members(_)), Some(at)) => {
            let member = state.circle().and_then(|circle| circle.members.get(at));
            if let Some(id) = member.map(|member| member.id.clone()) {
                state.open_panel(Panel::Member(id));
            }
        }
        (Some(Panel::Reply(_)), Some(at)) => aim::pick(state, at),
        (Some(Panel::Votes(_)), Some(at)) => {
            let vote = state.circle().and_then(|circle| circle.votes.get(at)?["id"].as_str());
            if let Some(id) = vote.map(str::to_owned) {
                state.open_panel(Panel::Vote(id));
            }
        }
        (Some(Panel::Settings(_)), Some(at)) => return settings::next(state, at),
        (Some(Panel::Waiting(_)), _) => return waiting_key(state, code, picked),
        _ => {}
    }
    Vec::new()
}

fn waiting_key(state: &mut State, code: KeyCode, picked: usize) -> Vec<Effect> {
    let Some(circle) = state.circle() else { return Vec::new() };
    let Some(asking) = circle.waiting.get(picked).map(|asking| asking.id.clone()) else {
        return Vec::new();
    };
    let circle = circle.id.clone();
    match code {
        KeyCode::Char('a') => vec![acts::let_in(&circle, &asking)],
        KeyCode::Char('d') => acts::ask_decline(state, &circle, &asking),
        _ => Vec::new(),
    }
}

/// The next choice among `count`.
fn step(picked: usize, code: KeyCode, count: usize) -> Option<usize> {
    match code {
        KeyCode::Down => Some((picked + 1).min(count.saturating_sub(1))),
        KeyCode::Up => Some(picked.saturating_sub(1)),
        _ => None,
    }
}

/// Rows a key goes. A guess: half a small window.
const SCROLL: usize = 6;
/// U-36: how long is looked.
const LOOK_MS: u64 = 10_000;
