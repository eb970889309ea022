//! The chat in lines alone (U-133): nothing moves, nothing is drawn, nothing is taken back.
//!
//! What arrives while somebody types is held, and said at the next prompt.

use std::{
    collections::VecDeque,
    io::{IsTerminal, Read, Write, stdin, stdout},
    time::Duration,
};

use jiff::civil::Date;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{
    aim,
    effect::{Effect, Event},
    feed::{Entry, Key, Said, What},
    panels,
    state::{Consent, Panel, Phase, State},
    talk,
    text::width,
    update::update,
    wires::{self, Ended, Wires},
    words,
};
use crate::{advice::Failure, context::Context, output::Output, prompt};

/// Talks in lines until the end of input.
pub(crate) async fn chat(
    context: &Context,
    mut state: State,
    named: Option<String>,
) -> Result<(), Failure> {
    // Asked for here: nothing typed later is hidden.
    let given = match crate::client::Client::running(context, SILENCE).await? {
        Some(_) => None,
        None => context.passphrase().await?,
    };
    let terminal = stdin().is_terminal() && stdout().is_terminal();
    state.drafts = false;
    state.consent = match (context.yes, stdin().is_terminal()) {
        (true, _) => Consent::Given,
        (false, true) => Consent::Asked,
        (false, false) => Consent::Missing,
    };
    let _letters = terminal.then(Letters::begin).flatten();
    wires::run(context, given, named, async |wires| {
        Talk::new(&context.output, state, terminal).run(wires).await
    })
    .await
}

struct Talk<'a> {
    output: &'a Output,
    state: State,
    typed: Typed,
    /// Lines that were typed and not carried out yet.
    lines: VecDeque<String>,
    said: Spoken,
    locking: bool,
}

impl<'a> Talk<'a> {
    fn new(output: &'a Output, state: State, terminal: bool) -> Self {
        let typed = Typed { terminal, bytes: Vec::new() };
        Self {
            output,
            state,
            typed,
            lines: VecDeque::new(),
            said: Spoken::default(),
            locking: false,
        }
    }

    async fn run(mut self, wires: &mut Wires<'_>) -> Result<(), Failure> {
        let mut input = None;
        let mut over = false;
        loop {
            // Nothing is read before it is known which circle it goes to.
            if input.is_none() && self.is_ready(wires) {
                input = Some(hear_input());
            }
            while self.is_ready(wires) {
                let Some(line) = self.lines.pop_front() else { break };
                if self.carry_out(wires, line).await? {
                    return Ok(());
                }
            }
            if over && self.lines.is_empty() && self.is_ready(wires) {
                return Ok(());
            }
            let heard = self.lines.is_empty() && !over && input.is_some();
            tokio::select! {
                event = wires.next() => {
                    let event = event?;
                    if let (Event::Closed { .. }, false) = (&event, self.locking) {
                        return Err(Failure::of("locked"));
                    }
                    if matches!(event, Event::Closed { .. }) {
                        return self.output.line(&self.state.texts.plain("locked"));
                    }
                    let effects = update(&mut self.state, event);
                    if wires.perform(&mut self.state, effects) == Ended::Left {
                        return wires.finish(&mut self.state).await;
                    }
                    self.tell()?;
                }
                bytes = next(&mut input), if heard => match bytes {
                    Some(bytes) => self.take_in(&bytes)?,
                    None => over = true,
                }
            }
        }
    }

    /// Whether the next line can be carried out: what was asked before has its answer, and was shown.
    fn is_ready(&mut self, wires: &Wires<'_>) -> bool {
        matches!(self.state.phase, Phase::Open) && wires.is_idle() && self.state.shows_said()
    }

    /// Answers whether that was the end.
    async fn carry_out(&mut self, wires: &mut Wires<'_>, line: String) -> Result<bool, Failure> {
        if line.trim() == "/repeat" {
            let last = self.state.circle().and_then(|circle| circle.feed.entries().next_back());
            if let Some(last) = last {
                let line = entry_line(&self.state, last);
                self.output.line(&line)?;
            }
            return Ok(false);
        }
        self.locking = line.trim() == "/lock";
        let effects = match line.trim() {
            "" => Vec::new(),
            _ => update(&mut self.state, Event::Line(line)),
        };
        if effects.contains(&Effect::Hide) {
            wires.hide(effects).await?;
            return Ok(true);
        }
        if wires.perform(&mut self.state, effects) == Ended::Left {
            wires.finish(&mut self.state).await?;
            return Ok(true);
        }
        self.tell()?;
        Ok(false)
    }

    fn take_in(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for byte in bytes {
            match self.typed.take(*byte) {
                Some(Act::Line(line)) => {
                    self.lines.push_back(line);
                    self.said.release(&self.state, self.output)?;
                }
                Some(Act::End) => self.lines.push_back("/quit".to_owned()),
                None => {}
            }
        }
        Ok(())
    }

    /// Says what is new, or holds it while somebody types.
    fn tell(&mut self) -> Result<(), Failure> {
        self.said.look(&self.state);
        if self.typed.bytes.is_empty() {
            self.said.flush(self.output)?;
        }
        Ok(())
    }
}

/// What was said so far, and what waits to be.
#[derive(Default)]
struct Spoken {
    circle: String,
    day: Option<Date>,
    /// The entries that were said, newest last, with the mark they had.
    entries: VecDeque<(Key, Option<String>)>,
    notice: Option<String>,
    aim: Option<String>,
    panel: Vec<String>,
    held: VecDeque<String>,
    held_entries: u64,
}

impl Spoken {
    /// Finds what was not said yet.
    fn look(&mut self, state: &State) {
        if let Some(circle) = state.circle().filter(|circle| circle.id != self.circle) {
            self.circle.clone_from(&circle.id);
            (self.day, self.entries) = (None, VecDeque::new());
            self.hold(format!("== {} ==", circle.label));
        }
        let entries = state.circle().into_iter().flat_map(|circle| circle.feed.entries());
        for entry in entries {
            self.look_at(state, entry);
        }
        let notice = notice_of(state);
        if notice != self.notice {
            notice.iter().for_each(|notice| self.hold(notice.clone()));
            self.notice = notice;
        }
        let aim = aim::line(state);
        if aim != self.aim {
            aim.iter().for_each(|aim| self.hold(aim.clone()));
            self.aim = aim;
        }
        let panel = state.panel.as_ref().map(|panel| panel_lines(state, panel)).unwrap_or_default();
        if panel != self.panel {
            // One that grew is not said from its beginning again.
            let known = if panel.starts_with(&self.panel) { self.panel.len() } else { 0 };
            panel[known..].iter().for_each(|line| self.hold(line.clone()));
            self.panel = panel;
        }
    }

    fn look_at(&mut self, state: &State, entry: &Entry) {
        let mark = match &entry.what {
            What::Said(Said { mark, .. }) => mark.clone(),
            // A gap is known by what it says.
            What::Note(sentence) => Some(sentence.clone()),
        };
        let known = self.entries.iter_mut().rev().find(|(key, _)| *key == entry.key);
        match known {
            Some((_, before)) if *before == mark => return,
            Some((_, before)) => {
                before.clone_from(&mark);
                if let What::Said(said) = &entry.what {
                    let text = super::text::cut(said.lines.first().map_or("", String::as_str), 30);
                    self.hold(format!("({}) {text}", mark.unwrap_or_default()));
                    return;
                }
            }
            None => {
                self.entries.push_back((entry.key.clone(), mark));
                if self.entries.len() > REMEMBERED {
                    self.entries.pop_front();
                }
            }
        }
        if let Some(at) = entry.at.as_ref().filter(|at| Some(at.date()) != self.day) {
            self.day = Some(at.date());
            self.hold(format!("-- {} --", words::day(&state.texts, at)));
        }
        self.held_entries += 1;
        self.hold(entry_line(state, entry));
    }

    fn hold(&mut self, line: String) {
        self.held.push_back(line);
        if self.held.len() > MOST_HELD {
            self.held.pop_front();
        }
    }

    /// Says what waits.
    fn flush(&mut self, output: &Output) -> Result<(), Failure> {
        self.held_entries = 0;
        self.held.drain(..).try_for_each(|line| output.line(&line))
    }

    /// Says what came while somebody typed, behind how many there are.
    fn release(&mut self, state: &State, output: &Output) -> Result<(), Failure> {
        if self.held_entries > 0 {
            output.line(&state.texts.say("entries-new", &[("count", self.held_entries.into())]))?;
        }
        self.flush(output)
    }
}

fn notice_of(state: &State) -> Option<String> {
    match &state.question {
        Some(question) => Some(format!("{} {}", question.text, state.texts.plain("yes-or-no"))),
        None => state.notice.clone(),
    }
}

/// A panel as lines; what has to be typed comes last.
fn panel_lines(state: &State, panel: &Panel) -> Vec<String> {
    let (title, lines) = panels::lines(state, panel);
    let mut all = vec![title];
    all.extend(lines.into_iter().map(|(line, _)| line).filter(|line| !line.is_empty()));
    if let Panel::Join(join) = panel
        && let Some((label, input)) = panels::join_field(join)
    {
        all.push(format!("{} {}", state.texts.plain(label), input.text()).trim_end().to_owned());
    }
    all
}

/// `Heron: made it to day four  (19:02)` (U-10)
fn entry_line(state: &State, entry: &Entry) -> String {
    let clock = entry.at.as_ref().map(|at| at.strftime("%H:%M").to_string()).unwrap_or_default();
    match &entry.what {
        What::Note(sentence) if clock.is_empty() => sentence.clone(),
        What::Note(sentence) => format!("{sentence}  ({clock})"),
        What::Said(said) => {
            let mut aside = vec![clock];
            aside.extend(talk::answered(state, said));
            aside.extend(said.mark.clone());
            aside.extend(said.wish.clone());
            let text = said.lines.join("\n    ");
            format!("{}: {text}  ({})", said.author, aside.join(", "))
        }
    }
}

/// What is typed, letter by letter on a terminal, else as it comes.
struct Typed {
    terminal: bool,
    bytes: Vec<u8>,
}

/// What came of a byte.
enum Act {
    Line(String),
    End,
}

impl Typed {
    fn take(&mut self, byte: u8) -> Option<Act> {
        match byte {
            b'\n' | b'\r' => {
                self.echo(b"\r\n");
                let bytes = std::mem::take(&mut self.bytes);
                let line = String::from_utf8_lossy(&bytes).into_owned();
                return Some(Act::Line(crate::fields::one_line(&line)));
            }
            // Ctrl-D on an empty line.
            4 if self.terminal && self.bytes.is_empty() => return Some(Act::End),
            8 | 127 if self.terminal => self.rub_out(),
            // Ctrl-U
            21 if self.terminal => {
                while !self.bytes.is_empty() {
                    self.rub_out();
                }
            }
            // Other control keys write nothing.
            0..=31 if self.terminal && byte != b'\t' => {}
            _ if self.bytes.len() < LONGEST_LINE => {
                if self.bytes.is_empty() {
                    self.echo(b"> ");
                }
                self.bytes.push(byte);
                self.echo(&[byte]);
            }
            _ => {}
        }
        None
    }

    /// Takes the last letter back, as terminals do it themselves.
    fn rub_out(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        let Some(last) = text.chars().next_back() else { return };
        let kept = text.len() - last.len_utf8();
        self.bytes.truncate(kept);
        let columns = width(last.encode_utf8(&mut [0; 4]));
        for _ in 0..columns {
            self.echo(b"\x08 \x08");
        }
        if self.bytes.is_empty() {
            self.echo(b"\x08 \x08\x08 \x08");
        }
    }

    fn echo(&self, bytes: &[u8]) {
        if self.terminal {
            let mut stdout = stdout().lock();
            let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
        }
    }
}

/// The terminal handing out letters one by one, without showing them; given back when dropped.
struct Letters(Termios);

impl Letters {
    fn begin() -> Option<Self> {
        prompt::remember();
        let before = tcgetattr(stdin()).ok()?;
        let mut letters = before.clone();
        letters.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        letters.input_modes.remove(InputModes::IXON);
        letters.special_codes[SpecialCodeIndex::VMIN] = 1;
        letters.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin(), OptionalActions::Now, &letters).ok()?;
        Some(Self(before))
    }
}

impl Drop for Letters {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

/// Input comes from a thread of its own: reading it waits.
fn hear_input() -> Receiver<Vec<u8>> {
    let (tell, told): (Sender<Vec<u8>>, _) = channel(CHUNKS);
    std::thread::spawn(move || {
        let mut chunk = [0; 1_024];
        while let Ok(length @ 1..) = stdin().lock().read(&mut chunk) {
            if tell.blocking_send(chunk[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    told
}

/// The next chunk, once input is heard.
async fn next(input: &mut Option<Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    input.as_mut()?.recv().await
}

/// U-8: how long a held lock may come with a silent socket.
const SILENCE: Duration = Duration::from_secs(5);
/// Lines held while somebody types. A guess: several screens.
const MOST_HELD: usize = 500;
/// Entries known as said. More than a feed holds.
const REMEMBERED: usize = 1_000;
/// A line of input: a message (U-3) and a command before it.
const LONGEST_LINE: usize = 16_384;
/// Chunks of input that wait.
const CHUNKS: usize = 4;
