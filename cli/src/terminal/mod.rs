//! The terminal chat (interfaces, section 4): a full screen, or lines alone with `--plain`.
//!
//! State, update and view are apart: [`update::update`] is given every event and answers with
//! effects, [`view::draw`] draws from the state alone, and [`wires`] carries the effects to the
//! node and its answers back. Nothing else waits or talks to anybody.

mod acts;
mod aim;
mod answers;
mod commands;
mod effect;
mod feed;
mod help;
mod input;
mod layout;
mod panel_keys;
mod panels;
mod plain;
mod screen;
mod settings;
mod state;
mod talk;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod update;
mod view;
mod votes;
mod wires;
mod words;

use std::{
    io::{IsTerminal, stdin},
    time::Duration,
};

use crossterm::event::{Event as Pressed, KeyEventKind};
use jiff::ZonedDateTime as Zoned;
use tokio::{
    sync::mpsc::Sender,
    time::{Instant, sleep_until},
};

use self::{
    effect::{Effect, Event},
    screen::Screen,
    state::{Consent, State},
    update::update,
    wires::{Ended, Wires},
};
use crate::{
    advice::Failure,
    args::{Chat, Setup},
    context::Context,
    node::config::{Country, Language},
    output::stdout_is_terminal,
    prompt,
    strings::Catalogue,
    verbs::setup,
};

/// Talks in circles until the person leaves.
pub(crate) async fn chat(context: &Context, asked: Chat) -> Result<(), Failure> {
    if context.output.is_json() {
        return Err(Failure::usage("A chat is for people, so there is no --json."));
    }
    let home = context.home()?;
    if !home.is_set_up() {
        // The same few questions as `setup`; without a terminal nobody can be asked.
        if !prompt::can_ask() {
            return Err(Failure::of("not-set-up"));
        }
        setup(context, Setup::default()).await?;
    }
    home.check()?;
    let config = home.config()?;
    let texts = Catalogue::chosen(config.language.as_ref().map(Language::as_str));
    let mut state = State::new(texts, (80, 24));
    state.notify = config.notify;
    state.help = help::Card::of(config.country.as_ref().map(Country::as_str));
    if context.yes {
        state.consent = Consent::Given;
    }
    if asked.plain {
        return plain::chat(context, state, asked.circle).await;
    }
    if !stdin().is_terminal() || !stdout_is_terminal() {
        return Err(Failure::usage("The full screen needs a terminal.")
            .advising("hearthlight chat --plain"));
    }
    let given = context.given_passphrase()?;
    let screen = Screen::take(context.colors())?;
    state.size = screen.size();
    let talk = async |wires: &mut Wires<'_>| full_screen(screen, state, wires).await;
    wires::run(context, given, asked.circle, talk).await
}

/// Draws, hears, and carries out, until the end.
async fn full_screen(
    mut screen: Screen,
    mut state: State,
    wires: &mut Wires<'_>,
) -> Result<(), Failure> {
    hear_keys(wires.teller());
    let mut here = Instant::now();
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
            let pressed = matches!(event, Event::Key(_) | Event::Paste(_));
            let mut effects = update(&mut state, event);
            if pressed && here.elapsed() > HERE {
                // U-182: whoever only reads is here, too, and nothing else would tell the node.
                here = Instant::now();
                effects.push(Effect::circles());
            }
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
        if std::mem::take(&mut state.rang) && !settings::is_quiet(&state.notify, &Zoned::now()) {
            screen.ring();
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

/// Between two signs that somebody is here. A guess: well under any `lock.after` that people choose.
const HERE: Duration = Duration::from_secs(30);
/// Events that are drawn together, at most.
const TOGETHER: usize = 64;
/// A draft is stored when nobody typed for so long. A guess: between two words.
const DRAFT_PAUSE: Duration = Duration::from_millis(400);
/// And so long after the first letter, if nobody ever pauses. A guess.
const DRAFT_LATEST: Duration = Duration::from_secs(2);
