//! Locking by itself (U-182): when nobody was here for `lock.after`.
use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::desk::Desk;

/// When a person was last here, and how many streams say that one is.
#[derive(Debug)]
pub(super) struct Attention {
    here: watch::Sender<Here>,
}

#[derive(Clone, Copy, Debug)]
struct Here {
    last: Instant,
    holds: usize,
}

/// As long as this is held, a person is here.
#[derive(Debug)]
pub(super) struct Hold(watch::Sender<Here>);

impl Attention {
    /// Somebody is here now.
    pub(super) fn new() -> Self {
        Self { here: watch::Sender::new(Here { last: Instant::now(), holds: 0 }) }
    }

    /// Somebody did something.
    pub(super) fn touch(&self) {
        self.here.send_modify(|here| here.last = Instant::now());
    }

    /// Somebody is here until the hold is dropped.
    pub(super) fn hold(&self) -> Hold {
        self.here.send_modify(|here| here.holds += 1);
        Hold(self.here.clone())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.send_modify(|here| {
            here.holds -= 1;
            here.last = Instant::now();
        });
    }
}

/// Locks the home whenever nobody was here for long enough. Never ends.
pub(super) async fn lock_when_idle(desk: Arc<Desk>) {
    let mut here = desk.attention.here.subscribe();
    let mut settings = desk.settings();
    let mut open = desk.opened();
    loop {
        let now = *here.borrow_and_update();
        let after = desk.home.config().unwrap_or_default().lock.after.0;
        // What is closed already, or held open, waits for something to change.
        let due = match after {
            Some(after) if now.holds == 0 && !desk.is_closed_to_pages() => Some(now.last + after),
            _ => None,
        };
        let rest = due.map_or(LONG, |due| due.saturating_duration_since(Instant::now()));
        tokio::select! {
            _ = here.changed() => {}
            _ = settings.changed() => {}
            _ = open.changed() => desk.attention.touch(),
            () = tokio::time::sleep(rest) => {
                if due.is_some_and(|due| due <= Instant::now()) {
                    desk.lock_for_page().await;
                }
            }
        }
    }
}

/// How long to rest when nothing is due; anything that changes wakes earlier.
const LONG: Duration = Duration::from_secs(3_600);
