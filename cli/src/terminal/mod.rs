//! The terminal chat (interfaces, section 4): a full screen, or lines alone with `--plain`.
//!
//! State, update and view are apart: [`update::update`] is given every event and answers with
//! effects, [`view::draw`] draws from the state alone, and [`wires`] carries the effects to the
//! node and its answers back. Nothing else waits or talks to anybody.

mod acts;
mod commands;
mod effect;
mod feed;
mod help;
mod input;
mod layout;
mod panels;
mod plain;
mod screen;
mod state;
mod talk;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod update;
mod view;
mod wires;
mod words;

use std::{
    io::{IsTerminal, stdin},
    time::Duration,
};

use crossterm::event::{Event as Pressed, KeyEventKind};
use tokio::{
    sync::mpsc::Sender,
    time::{Instant, sleep_until},
};

use self::{
    effect::{Effect, Event},
    screen::Screen,
    state::State,
    update::update,
    wires::{Ended, Wires},
};
use crate::{
    advice::Failure,
    args::Chat,
    context::Context,
    node::config::{Country, Language},
    output::stdout_is_terminal,
    strings::Catalogue,
};

/// Talks in circles until the person leaves.
pub(crate) async fn chat(context: &Context, asked: Chat) -> Result<(), Failure> {
    if context.output.is_json() {
        return Err(Failure::usage("A chat is for people, so there is no --json."));
    }
    let home = context.home()?;
    if !home.is_set_up() {
        return Err(Failure::of("not-set-up"));
    }
    home.check()?;
    let config = home.config()?;
    let texts = Catalogue::chosen(config.language.as_ref().map(Language::as_str));
    let mut state = State::new(texts, (80, 24), asked.circle);
    state.help = help::Card::of(config.country.as_ref().map(Country::as_str));
    if asked.plain {
        return plain::chat(context, state).await;
    }
    if !stdin().is_terminal() || !stdout_is_terminal() {
        return Err(Failure::usage("The full screen needs a terminal.")
            .advising("hearthlight chat --plain"));
    }
    let given = context.given_passphrase()?;
    let screen = Screen::take(context.colors())?;
    state.size = screen.size();
    wires::run(context, given, async |wires| full_screen(screen, state, wires).await).await
}

/// Draws, hears, and carries out, until the end.
async fn full_screen(
    mut screen: Screen,
    mut state: State,
    wires: &mut Wires<'_>,
) -> Result<(), Failure> {
    hear_keys(wires.teller());
    let mut saving: Option<(Instant, Instant)> = None;
    loop {
        screen.draw(&state);
        let next = saving.map(|(pause, latest)| pause.min(latest));
        let event = tokio::select! {
            event = wires.next() => event?,
            () = async { sleep_until(next.unwrap_or_else(Instant::now)).await }, if next.is_some() => {
                saving = None;
                Event::Pause
            }
        };
        let mut events = vec![event];
        // What came together is drawn together.
        while events.len() < TOGETHER
            && let Some(event) = wires.ready()
        {
            events.push(event);
        }
        for event in events {
            let effects = update(&mut state, event);
            if effects.contains(&Effect::Hide) {
                // U-132: first of all nothing is to be seen.
                screen.clear();
                return wires.hide(effects).await;
            }
            if wires.perform(&mut state, effects) == Ended::Left {
                drop(screen);
                return wires.finish(&mut state).await;
            }
        }
        let now = Instant::now();
        saving = state.draft_differs().then(|| {
            let latest = saving.map_or(now + DRAFT_LATEST, |(_, latest)| latest);
            (now + DRAFT_PAUSE, latest)
        });
    }
}

/// Keys come from a thread of their own: reading them waits.
fn hear_keys(tell: Sender<Event>) {
    std::thread::spawn(move || {
        while let Ok(pressed) = crossterm::event::read() {
            let event = match pressed {
                Pressed::Key(key) if key.kind == KeyEventKind::Press => Event::Key(key),
                Pressed::Paste(text) => Event::Paste(text),
                Pressed::Resize(columns, rows) => Event::Size(columns, rows),
                _ => continue,
            };
            if tell.blocking_send(event).is_err() {
                return;
            }
        }
    });
}

/// Events that are drawn together, at most.
const TOGETHER: usize = 64;
/// A draft is stored when nobody typed for so long. A guess: between two words.
const DRAFT_PAUSE: Duration = Duration::from_millis(400);
/// And so long after the first letter, if nobody ever pauses. A guess.
const DRAFT_LATEST: Duration = Duration::from_secs(2);
