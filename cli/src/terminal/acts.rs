//! What commands and keys do to circles: going from one to another, reading back, governing.

use hyper::Method;
use serde_json::json;

use super::{
    aim::{self, Draft},
    commands::Command,
    effect::{Ask, Effect, What},
    feed::Feed,
    input::Input,
    layout, panel_keys, settings,
    state::{Circle, Consent, Join, Panel, Question, State},
    update::save_draft,
    votes, words,
};
use crate::client::{Asker, segment};

/// Carries out a command about circles and people.
pub(super) fn run(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Next => next_unread(state),
        Command::Circle(typed) => circle_named(state, &typed),
        Command::Join(code) => join(state, code),
        Command::Lock => {
            let mut effects = save_draft(state);
            effects.push(Effect::post(What::Locked, "/v1/lock".to_owned(), json!({})));
            effects
        }
        Command::Where => {
            state.open_panel(Panel::Where(None));
            vec![Effect::get(What::Status, "/v1/status".to_owned())]
        }
        Command::Settings => settings::open(state),
        Command::Set { key, value } => vec![settings::set(state, &key, value.as_deref())],
        Command::Repeat => newest(state),
        in_circle => {
            let Some(circle) = state.circle().map(|circle| circle.id.clone()) else {
                state.note("no-circle");
                return Vec::new();
            };
            run_in(state, &circle, in_circle)
        }
    }
}

fn run_in(state: &mut State, circle: &str, command: Command) -> Vec<Effect> {
    match command {
        Command::Members => {
            state.open_panel(Panel::Members(0));
            vec![Effect::members(circle)]
        }
        Command::Waiting => {
            state.open_panel(Panel::Waiting(0));
            vec![Effect::waiting(circle)]
        }
        Command::Reply(typed) => aim::reply(state, typed),
        Command::Wants(wants) => {
            state.wants = wants;
            Vec::new()
        }
        Command::Votes(typed) => votes::open(state, circle, typed.as_deref()),
        Command::Vote(text) => votes::make(state, circle, &text),
        Command::Cast { vote, choice } => votes::cast(state, circle, &vote, &choice),
        Command::Mute(muted) => vec![Effect::Ask(Ask {
            what: What::Muted(muted),
            method: Method::PATCH,
            path: format!("/v1/circles/{circle}"),
            body: json!({"muted": muted}),
            asker: Asker::Person,
        })],
        Command::Invite => {
            state.open_panel(Panel::Invite { made: None, qr: false });
            let body = json!({"uses": 1, "expires_s": DAY_S, "timeout_ms": LOOK_MS});
            vec![Effect::post(What::Invited, format!("/v1/circles/{circle}/invites"), body)]
        }
        Command::Admit(who) => vec![let_in(circle, &who)],
        Command::Decline(who) => ask_decline(state, circle, &who),
        Command::Verify(who) => {
            let path = format!("/v1/circles/{circle}/members/{}/verify", segment(&who));
            vec![Effect::post(What::Compare(who), path, json!({}))]
        }
        Command::Block { who, undo } => {
            // U-53: no byte of it leaves, and it can be undone: nothing is asked.
            let path = format!("/v1/circles/{circle}/members/{}/block", segment(&who));
            vec![Effect::post(What::Blocked, path, json!({"undo": undo}))]
        }
        Command::Role { who, role, grant } => ask_role(state, circle, &who, &role, grant),
        Command::Remove(who) => {
            let name = name_of(state, &who);
            let told = [("name", name.as_str().into())];
            let text = state.texts.say("ask-remove", &told);
            let done = state.texts.say("done-remove", &told);
            govern(state, circle, (&who, "remove"), json!({"reason": null}), text, done)
        }
        Command::Hold { who, span } => {
            let name = name_of(state, &who);
            let span = span.as_secs();
            let told = [("name", name.as_str().into()), ("span", crate::values::span(span).into())];
            let text = state.texts.say("ask-hold", &told);
            let done = state.texts.say("done-hold", &told);
            govern(state, circle, (&who, "hold"), json!({"for_s": span}), text, done)
        }
        // The others need no circle, and `run` took them.
        _ => Vec::new(),
    }
}

/// Lets somebody in; `who` is a name or an id.
pub(super) fn let_in(circle: &str, who: &str) -> Effect {
    let path = format!("/v1/circles/{circle}/waiting/{}/admit", segment(who));
    Effect::post(What::Answered, path, json!({"timeout_ms": WELCOME_MS}))
}

/// Asks before somebody is turned away.
pub(super) fn ask_decline(state: &mut State, circle: &str, who: &str) -> Vec<Effect> {
    let waiting = state.circle().map(|circle| circle.waiting.as_slice()).unwrap_or_default();
    let name = waiting.iter().find(|asking| asking.id == who).map(|asking| asking.name.clone());
    let name = name.unwrap_or_else(|| who.to_owned());
    let path = format!("/v1/circles/{circle}/waiting/{}/decline", segment(who));
    let yes = Effect::post(What::Answered, path, json!({}));
    let text = state.texts.say("ask-decline", &[("name", name.into())]);
    ask(state, text, yes)
}

fn ask_role(state: &mut State, circle: &str, who: &str, role: &str, grant: bool) -> Vec<Effect> {
    let name = name_of(state, who);
    let word = words::role(&state.texts, role);
    let told = [("name", name.as_str().into()), ("role", word.as_str().into())];
    let (text, done) = match grant {
        true if role == "host" => ("ask-host", "done-role"),
        true => ("ask-role", "done-role"),
        false => ("ask-role-off", "done-role-off"),
    };
    let (text, done) = (state.texts.say(text, &told), state.texts.say(done, &told));
    let body = json!({"role": role, "grant": grant, "until": null});
    govern(state, circle, (who, "role"), body, text, done)
}

fn govern(
    state: &mut State,
    circle: &str,
    (who, verb): (&str, &str),
    mut body: serde_json::Value,
    text: String,
    done: String,
) -> Vec<Effect> {
    body["timeout_ms"] = json!(LOOK_MS);
    let path = format!("/v1/circles/{circle}/members/{}/{verb}", segment(who));
    ask(state, text, Effect::post(What::Governed(done), path, body))
}

/// Asks for a yes, where somebody is there to give it (U-7).
pub(super) fn ask(state: &mut State, text: String, yes: Effect) -> Vec<Effect> {
    match state.consent {
        Consent::Asked => {
            state.question = Some(Question { text, yes: Box::new(yes), back: None });
            Vec::new()
        }
        Consent::Given => vec![yes],
        Consent::Missing => {
            state.note("yes-missing");
            Vec::new()
        }
    }
}

/// The member whom `who` means, as they are called; what was typed where that is not known.
fn name_of(state: &State, who: &str) -> String {
    let members = state.circle().map(|circle| circle.members.as_slice()).unwrap_or_default();
    let small = who.to_lowercase();
    let exact =
        members.iter().find(|member| member.name.to_lowercase() == small || member.id == who);
    let mut starts = members.iter().filter(|member| member.name.to_lowercase().starts_with(&small));
    let only = starts.next().filter(|_| starts.next().is_none());
    exact.or(only).map_or_else(|| who.to_owned(), |member| member.name.clone())
}

/// Sends what needs no further question; what was said leaves the draft.
pub(super) fn send(state: &mut State, effect: Effect) -> Vec<Effect> {
    let mut effects = vec![effect];
    if let Effect::Ask(Ask { what: What::Said(circle, _), method: Method::POST, .. }) = &effects[0]
    {
        let circle = circle.clone();
        if let Some(spoken_in) = state.circle_of(&circle) {
            // Who answers has read what was new.
            spoken_in.feed.new_from = None;
        }
        if circle == state.current {
            (state.reply_to, state.wants) = (None, None);
            if std::mem::take(&mut state.saved_draft) != Draft::default() {
                effects.push(Effect::save_draft(&circle, &Draft::default()));
            }
        }
        effects.extend(newest(state));
    }
    effects
}

/// Shows another circle; the draft of the one before is kept.
pub(super) fn open_circle(state: &mut State, id: &str) -> Vec<Effect> {
    let mut effects = save_draft(state);
    if let Some(before) = state.circle_of(&state.current.clone()) {
        // Only the circle that is shown holds talk in memory.
        before.feed = Feed::default();
    }
    id.clone_into(&mut state.current);
    state.gone = false;
    state.scroll = 0;
    state.put_down();
    state.saved_draft = Draft::default();
    state.history_at = None;
    let Some(circle) = state.circle() else { return effects };
    if circle.has_talk() {
        effects.extend([Effect::newest(id), Effect::members(id)]);
        if circle.waiting_room > 0 {
            effects.push(Effect::waiting(id));
        }
        effects.extend(state.drafts.then(|| Effect::draft(id)));
    }
    effects
}

fn circle_named(state: &mut State, typed: &str) -> Vec<Effect> {
    match state.circle_named(typed) {
        Some(id) => open_circle(state, &id),
        None => {
            state.note("problem-no-match");
            Vec::new()
        }
    }
}

/// The next circle after this one in which something is new.
pub(super) fn next_unread(state: &mut State) -> Vec<Effect> {
    let here = state.circles.iter().position(|circle| circle.id == state.current);
    let start = here.map_or(0, |here| here + 1);
    let count = state.circles.len();
    let order = (0..count).map(|step| &state.circles[(start + step) % count]);
    let next = order.filter(|circle| circle.unread > 0 && circle.id != state.current);
    match next.map(|circle| circle.id.clone()).next() {
        Some(id) => open_circle(state, &id),
        None => {
            state.note("next-none");
            Vec::new()
        }
    }
}

fn join(state: &mut State, code: Option<String>) -> Vec<Effect> {
    let mut input = Input::new();
    input.set(code.as_deref().unwrap_or_default());
    state.open_panel(Panel::Join(Join::Code(input)));
    if code.is_some() { panel_keys::join_enter(state) } else { Vec::new() }
}

/// Reads further back; at the start of what is in memory, earlier talk is asked for.
pub(super) fn scroll_up(state: &mut State, lines: usize) -> Vec<Effect> {
    let most = layout::most_scroll(state);
    let at = state.scroll.saturating_add(lines);
    state.scroll = at.min(most);
    let earlier = state.circle().and_then(|circle| circle.feed.earlier());
    match earlier {
        Some(cursor) if at >= most => vec![Effect::earlier(&state.current, cursor)],
        _ => Vec::new(),
    }
}

/// Reads on; at the end of what is in memory, later talk is asked for.
pub(super) fn scroll_down(state: &mut State, lines: usize) -> Vec<Effect> {
    let reached = state.scroll <= lines;
    state.scroll = state.scroll.saturating_sub(lines);
    if !reached {
        return Vec::new();
    }
    match state.circle().and_then(|circle| circle.feed.later()) {
        Some(cursor) => vec![Effect::later(&state.current, cursor)],
        None => read_all(state),
    }
}

/// The newest end of the conversation.
pub(super) fn newest(state: &mut State) -> Vec<Effect> {
    state.scroll = 0;
    match state.circle() {
        Some(circle) if circle.feed.later().is_some() => vec![Effect::newest(&circle.id)],
        _ => read_all(state),
    }
}

/// What is on the screen has been read, where it is the newest.
pub(super) fn read_all(state: &mut State) -> Vec<Effect> {
    let id = state.current.clone();
    let at_end = state.scroll == 0 && state.panel.is_none();
    let shown = |circle: &Circle| at_end && circle.feed.loaded && circle.feed.later().is_none();
    match state.circle_of(&id) {
        Some(circle) if circle.unread > 0 && shown(circle) => {
            circle.unread = 0;
            vec![Effect::read(&id)]
        }
        _ => Vec::new(),
    }
}

/// An invite lasts a day (U-34).
const DAY_S: u64 = 86_400;
/// How long a relay is looked for (U-40).
const LOOK_MS: u64 = 5_000;
/// How long the welcome may take to reach a relay. A guess, as for the verb.
const WELCOME_MS: u64 = 20_000;
