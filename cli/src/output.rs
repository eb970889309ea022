//! The one writer: every result goes to stdout here, and everything else to stderr.
//!
//! Plain or JSON Lines, flushed line by line. When the reader of stdout goes away, writing
//! answers with [`Failure::closed`], which ends a verb quietly (U-6).

use std::io::{self, IsTerminal, Write};

use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, poll};
use serde_json::Value;
use tokio::sync::oneshot;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{advice::Failure, fields::Fields};

/// How results are shown.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    zone: TimeZone,
}

impl Output {
    /// Writes plain lines or JSON; `quiet` keeps hints off stderr.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet, zone: TimeZone::system() }
    }

    /// Whether output is for a machine.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints one object: as it is, or as `plain` says it. An empty text prints nothing.
    pub(crate) fn object(
        &self,
        object: &Value,
        plain: impl FnOnce(Fields<'_>) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return self.line(&object.to_string());
        }
        let text = plain(self.fields(object));
        if text.is_empty() { Ok(()) } else { self.line(&text) }
    }

    /// Prints the `items` of a list answer, a line each.
    pub(crate) fn items(
        &self,
        answer: &Value,
        plain: impl Fn(Fields<'_>) -> String,
    ) -> Result<(), Failure> {
        let items = answer.get("items").and_then(Value::as_array);
        items.into_iter().flatten().try_for_each(|item| self.object(item, &plain))
    }

    /// The fields of an object as this output shows them.
    pub(crate) fn fields<'a>(&'a self, object: &'a Value) -> Fields<'a> {
        Fields::new(object, &self.zone)
    }

    /// Prints a line as it is.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Prints bytes as they are.
    #[allow(clippy::unused_self, reason = "whoever writes holds the writer")]
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::closed(),
            // What was asked for was done; only the word of it has no room.
            _ => Failure::of("internal")
                .saying("It was done, and what came of it could not be written.")
                .advising("Look with another command whether it is there, before you do it again."),
        })
    }

    /// Says something beside the result, on stderr.
    pub(crate) fn hint(&self, sentence: &str) {
        if !self.quiet {
            stderr_line(sentence);
        }
    }

    /// Says what went wrong, on stderr.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.is_quiet() {
            return;
        }
        if self.json {
            stderr_line(&failure.json().to_string());
        } else {
            stderr_line(&failure.plain());
        }
    }
}

/// Writes a line to stderr; one that is closed keeps nobody from going on.
pub(crate) fn stderr_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A log for who runs a relay (U-166), or looks for a mistake in the program itself; only ours, and
/// no person in it.
pub(crate) fn log_to_stderr(level: tracing::Level) {
    let ours = Targets::new().with_target("hearthlight", level);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .with_writer(io::stderr);
    tracing_subscriber::registry().with(layer.with_filter(ours)).init();
}

/// Whether results go to a person's screen.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Waits until the reader of stdout has gone away, even while nothing is printed.
pub(crate) async fn stdout_closed() {
    let (tell, told) = oneshot::channel();
    // A thread of its own: the wait has no end when the reader stays.
    std::thread::spawn(move || {
        let _ = tell.send(wait_for_reader_to_leave());
    });
    if told.await != Ok(true) {
        std::future::pending::<()>().await;
    }
}

/// Answers `false` where stdout is nothing that can be left.
fn wait_for_reader_to_leave() -> bool {
    let stdout = rustix::stdio::stdout();
    loop {
        // No flag asked for: only the other end's leaving is reported.
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        match poll(&mut watched, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
            Ok(_) => {
                return watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP);
            }
        }
    }
}
