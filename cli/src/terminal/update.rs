//! What each event changes, and what it asks for: `update` is the only place where that is decided.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    acts,
    aim::Draft,
    answers,
    commands::{self, Command},
    effect::{Effect, Event, What},
    input::Input,
    layout, panel_keys, settings,
    state::{Consent, Locked, MOST_HISTORY, Panel, Phase, Question, State},
    told,
};
use crate::private::looks_private;

/// Takes in what happened; answers what is to be done about it. What follows up what nobody here did is
/// no sign that somebody is here (U-182).
pub(crate) fn update(state: &mut State, event: Event) -> Vec<Effect> {
    let by_person = event.is_by_person();
    let effects = taken_in(state, event);
    if by_person { effects } else { effects.into_iter().map(Effect::unasked).collect() }
}

fn taken_in(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => pressed(state, key),
        Event::Paste(text) => {
            if let Some(input) = focused(state) {
                input.insert(&text);
            }
            Vec::new()
        }
        Event::Size(columns, rows) => {
            state.size = (columns, rows);
            state.scroll = state.scroll.min(layout::most_scroll(state));
            Vec::new()
        }
        Event::Line(line) => typed_line(state, line),
        Event::End => leave(state),
        Event::Pause => save_draft(state),
        Event::Reached { status, circle } => {
            state.phase = Phase::Open;
            state.wanted = circle.or_else(|| state.wanted.take());
            state.network = state.fields(&status).text("network");
            vec![Effect::circles(), settings::ask()]
        }
        Event::Closed { passphrase } => {
            let before = std::mem::take(&mut state.current);
            state.forget();
            // An id says nothing; whoever opens it again is where they were.
            state.wanted = state.wanted.take().or(Some(before)).filter(|id| !id.is_empty());
            let typed = Input::secret();
            state.phase = Phase::Locked(Locked { passphrase, typed, asked: false });
            Vec::new()
        }
        // What was on its way when the home was locked is not taken in any more (U-25).
        Event::Told(_) | Event::Behind if !matches!(state.phase, Phase::Open) => Vec::new(),
        Event::Answer(what, _)
            if !matches!(state.phase, Phase::Open) && !matches!(what, What::Opened) =>
        {
            Vec::new()
        }
        Event::Told(line) => told::told(state, &line),
        Event::Behind => {
            let mut effects = vec![Effect::circles()];
            effects.extend(again(state));
            effects
        }
        Event::Answer(what, outcome) => answers::answered(state, what, outcome),
    }
}

/// Fetches the newest page of the circle that is shown.
pub(super) fn again(state: &State) -> Option<Effect> {
    (!state.current.is_empty()).then(|| Effect::newest(&state.current))
}

/// Keeps what is typed as the circle's draft (U-132).
pub(super) fn save_draft(state: &mut State) -> Vec<Effect> {
    if !state.draft_differs() {
        return Vec::new();
    }
    state.saved_draft = state.draft();
    vec![Effect::save_draft(&state.current, &state.saved_draft)]
}

/// The box that typing goes to.
fn focused(state: &mut State) -> Option<&mut Input> {
    match (&mut state.panel, &mut state.phase) {
        (Some(Panel::Join(join)), Phase::Open) => panel_keys::join_input(join),
        (Some(_), _) => None,
        (None, Phase::Locked(locked)) => Some(&mut locked.typed),
        (None, Phase::Open) if !state.current.is_empty() => Some(&mut state.input),
        // Without a circle there are commands to type.
        (None, Phase::Open) => Some(&mut state.input),
        (None, Phase::Opening) => None,
    }
}

fn pressed(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    // Some terminals send Backspace for Ctrl-H.
    let hide = matches!(key.code, KeyCode::Char('h') if control) || key.code == KeyCode::Backspace;
    let begun = std::mem::take(&mut state.hide_begun);
    state.notice = None;
    match key.code {
        KeyCode::F(10) => return hide_now(state),
        _ if begun && hide => return hide_now(state),
        KeyCode::Char('x') if control => {
            state.hide_begun = true;
            return Vec::new();
        }
        KeyCode::Char('q' | 'c') if control => return leave(state),
        KeyCode::F(2) => {
            state.question = None;
            state.open_panel(Panel::Help(None));
            return Vec::new();
        }
        KeyCode::F(1) => {
            state.open_panel(Panel::Keys);
            return Vec::new();
        }
        _ => {}
    }
    if state.question.is_some() {
        return answer_key(state, key);
    }
    if state.panel.is_some() {
        return panel_keys::pressed(state, key);
    }
    match &mut state.phase {
        Phase::Opening => Vec::new(),
        Phase::Locked(locked) => locked_key(locked, key),
        Phase::Open => {
            let mut effects = talk_key(state, key);
            effects.extend(acts::read_all(state));
            effects
        }
    }
}

/// U-132: the draft first, then away.
fn hide_now(state: &mut State) -> Vec<Effect> {
    let mut effects = save_draft(state);
    effects.push(Effect::Hide);
    effects
}

fn leave(state: &mut State) -> Vec<Effect> {
    let mut effects = save_draft(state);
    effects.push(Effect::Leave);
    effects
}

fn locked_key(locked: &mut Locked, key: KeyEvent) -> Vec<Effect> {
    if locked.asked {
        return Vec::new();
    }
    if key.code == KeyCode::Enter {
        let typed = locked.typed.take();
        if locked.passphrase && typed.is_empty() {
            return Vec::new();
        }
        locked.asked = true;
        return vec![Effect::Open(locked.passphrase.then_some(typed))];
    }
    locked.typed.key(key);
    Vec::new()
}

fn talk_key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let (_, height) = layout::talk_size(state);
    match key.code {
        KeyCode::Char('?') if state.input.is_empty() => state.open_panel(Panel::Keys),
        KeyCode::Char('a') if alt => return acts::next_unread(state),
        KeyCode::Char(digit @ '1'..='9') if alt => {
            let place = digit.to_digit(10).map_or(0, |digit| digit as usize - 1);
            let id = state.circles.get(place).map(|circle| circle.id.clone());
            return id.map(|id| acts::open_circle(state, &id)).unwrap_or_default();
        }
        KeyCode::Enter if alt => state.input.new_line(),
        KeyCode::Enter => return submit(state),
        KeyCode::Tab => {
            if let Some(grown) = commands::complete(&state.input.text(), state.circle()) {
                state.input.set(&grown);
            }
        }
        KeyCode::PageUp => return acts::scroll_up(state, height.saturating_sub(2)),
        KeyCode::PageDown => return acts::scroll_down(state, height.saturating_sub(2)),
        KeyCode::Home if state.input.is_empty() => {
            return acts::scroll_up(state, usize::MAX);
        }
        KeyCode::End if state.input.is_empty() => return acts::newest(state),
        KeyCode::Up if state.input.at_first_line() => recall(state, true),
        KeyCode::Down if state.input.at_last_line() => recall(state, false),
        KeyCode::Esc => state.put_down(),
        _ => {
            state.input.key(key);
        }
    }
    Vec::new()
}

/// Goes through what was typed in this run.
fn recall(state: &mut State, back: bool) {
    let at = match (state.history_at, back) {
        (None, true) => state.history.len().checked_sub(1),
        (Some(at), true) => Some(at.saturating_sub(1)),
        (Some(at), false) => Some(at + 1).filter(|at| *at < state.history.len()),
        (None, false) => return,
    };
    if back && at.is_none() {
        return;
    }
    state.history_at = at;
    let text = at.and_then(|at| state.history.get(at)).cloned().unwrap_or_default();
    state.input.set(&text);
}

fn submit(state: &mut State) -> Vec<Effect> {
    let line = state.input.text();
    if line.trim().is_empty() {
        return Vec::new();
    }
    let command = match commands::read(&line, &state.texts) {
        Ok(command) => command,
        Err(sentence) => {
            state.notice = Some(sentence);
            return Vec::new();
        }
    };
    if matches!(&command, Command::Say(text) if text.len() > LONGEST_TEXT) {
        state.note("text-too-long");
        return Vec::new();
    }
    state.input.set("");
    state.history_at = None;
    if state.history.back() != Some(&line) {
        state.history.push_back(line);
        if state.history.len() > MOST_HISTORY {
            state.history.pop_front();
        }
    }
    run(state, command)
}

fn typed_line(state: &mut State, line: String) -> Vec<Effect> {
    state.notice = None;
    if state.question.is_some() {
        let yes = is_yes(state, line.trim());
        return answer(state, yes);
    }
    // A command is one, whatever is asked for.
    if !line.trim_start().starts_with('/')
        && let Some(Panel::Join(join)) = &mut state.panel
        && let Some(input) = panel_keys::join_input(join)
    {
        if !line.trim().is_empty() {
            input.set(line.trim());
        }
        return panel_keys::join_enter(state);
    }
    if let (
        Some(Panel::Help(_) | Panel::Reply(_) | Panel::Votes(_) | Panel::Vote(_)),
        Ok(digit @ 1..=9),
    ) = (&state.panel, line.trim().parse::<u32>())
    {
        // A choice, and nothing to be said.
        let digit = char::from_digit(digit, 10).unwrap_or('1');
        return panel_keys::pressed(state, KeyEvent::from(KeyCode::Char(digit)));
    }
    state.panel = None;
    state.input.set(&line);
    submit(state)
}

fn run(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Say(text) => say(state, text),
        Command::Hide => hide_now(state),
        Command::Quit => leave(state),
        Command::Keys => {
            state.open_panel(Panel::Keys);
            Vec::new()
        }
        Command::HelpNow => {
            state.open_panel(Panel::Help(None));
            Vec::new()
        }
        command => acts::run(state, command),
    }
}

fn say(state: &mut State, text: String) -> Vec<Effect> {
    let Some(circle) = state.circle().filter(|circle| circle.state == "member") else {
        state.note(if state.circles.is_empty() { "no-circle" } else { "not-in-circle" });
        state.input.set(&text);
        return Vec::new();
    };
    let draft = Draft { text, reply_to: state.reply_to.clone(), wants: state.wants.clone() };
    let said = Effect::say(&circle.id, draft.clone());
    if state.consent == Consent::Asked && looks_private(&draft.text) {
        // U-45: asked about once.
        state.question = Some(Question {
            text: state.texts.plain("ask-private"),
            yes: Box::new(said),
            back: Some(draft),
        });
        return Vec::new();
    }
    acts::send(state, said)
}

fn answer_key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Char(letter) => {
            let yes = is_yes(state, letter.encode_utf8(&mut [0; 4]));
            answer(state, yes)
        }
        KeyCode::Esc => answer(state, false),
        _ => Vec::new(),
    }
}

fn is_yes(state: &State, typed: &str) -> bool {
    let typed = typed.to_lowercase();
    [
        "y".to_owned(),
        "yes".to_owned(),
        state.texts.plain("yes-letter"),
        state.texts.plain("yes-word"),
    ]
    .contains(&typed)
}

fn answer(state: &mut State, yes: bool) -> Vec<Effect> {
    let Some(question) = state.question.take() else {
        return Vec::new();
    };
    if yes {
        return acts::send(state, *question.yes);
    }
    if let Some(draft) = question.back {
        state.take_up(draft);
    }
    state.note("nothing-done");
    Vec::new()
}

/// U-3 (shared with the protocol).
const LONGEST_TEXT: usize = 8_192;
