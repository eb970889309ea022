//! The terminal while it is drawn on: taken over, and given back whatever happens (U-132).

use std::io::{self, Stdout, Write};

use crossterm::{
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Terminal, backend::CrosstermBackend};

use super::{
    state::State,
    view::{Looks, draw},
};
use crate::{advice::Failure, prompt};

/// A terminal in our hands. Dropped, also by a panic, it is as it was.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    looks: Looks,
}

impl Screen {
    /// Takes the terminal over.
    pub(crate) fn take(colors: bool) -> Result<Self, Failure> {
        prompt::remember();
        let failed = |_| Failure::of("internal").saying("The terminal cannot be drawn on.");
        enable_raw_mode().map_err(failed)?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).map_err(failed);
        let screen = Self { terminal: terminal?, looks: Looks { colors, lines: speaks_utf8() } };
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste).map_err(failed)?;
        Ok(screen)
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u16, u16) {
        self.terminal.size().map_or((80, 24), |size| (size.width, size.height))
    }

    pub(crate) fn draw(&mut self, state: &State) {
        let looks = self.looks;
        // A terminal that cannot be written to ends by its signal.
        let _ = self.terminal.draw(|frame| draw(frame, state, looks));
    }

    /// One sound, which says nothing of what is new.
    #[allow(clippy::unused_self, reason = "whoever holds the screen rings")]
    pub(crate) fn ring(&self) {
        let mut stdout = io::stdout();
        let _ = stdout.write_all(b"\x07").and_then(|()| stdout.flush());
    }

    /// Hide: leaves nothing on the screen nor above it.
    pub(crate) fn clear(self) {
        drop(self);
        let mut stdout = io::stdout();
        // Home, the screen, the lines that were scrolled away.
        let _ = stdout.write_all(b"\x1b[H\x1b[2J\x1b[3J");
        let _ = stdout.flush();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.terminal.show_cursor();
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen);
        let _ = disable_raw_mode();
        prompt::restore();
    }
}

/// Whether lines can be drawn with letters beyond ASCII.
fn speaks_utf8() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    let named = locale.to_lowercase().replace('-', "").contains("utf8");
    named && !std::env::var("TERM").unwrap_or_default().starts_with("vt")
}
