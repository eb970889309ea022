//! The port of the page (U-100, U-110): bound when a page is wanted, closed when none is.
use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
    time::{Instant, sleep_until},
};

use crate::{
    api::{desk::Desk, problem::Problem, routes},
    error::NodeError,
};

/// Where a page can come in, if it can now.
#[derive(Debug)]
pub(in crate::api) struct Door {
    port: Mutex<Option<u16>>,
    closes_at: watch::Sender<Instant>,
    /// Whether the node ends once it is closed.
    for_good: AtomicBool,
}

impl Door {
    /// A closed one.
    pub(in crate::api) fn closed() -> Self {
        Self {
            port: Mutex::new(None),
            closes_at: watch::Sender::new(Instant::now()),
            for_good: AtomicBool::new(false),
        }
    }

    /// Opens the door, or leaves it open longer; its port.
    ///
    /// # Errors
    /// `port-in-use`, if nothing can be bound.
    pub(super) async fn open(&self, desk: &Arc<Desk>) -> Result<u16, Problem> {
        let mut port = self.port.lock().await;
        self.closes_at.send_replace(Instant::now() + QUIET_TIME);
        if let Some(port) = *port {
            return Ok(port);
        }
        let listeners = bind().await?;
        let bound = listeners[0].local_addr().map_err(NodeError::disk)?.port();
        let (close, closed) = watch::channel(());
        for listener in listeners {
            let mut closed = closed.clone();
            let table = routes::page_table(Arc::clone(desk), bound);
            tokio::spawn(async move {
                let end = async move { drop(closed.changed().await) };
                let serving = axum::serve(listener, table).with_graceful_shutdown(end);
                // Accepting goes on through every error, so there is none to tell.
                let _ = serving.await;
            });
        }
        let desk = Arc::clone(desk);
        tokio::spawn(async move {
            desk.door.shut(&desk).await;
            drop(close);
            if desk.door.for_good.load(Ordering::Relaxed) {
                desk.end();
            }
        });
        *port = Some(bound);
        Ok(bound)
    }

    /// Waits until nobody came for long, or the node ends; whoever opens it from then on gets another port.
    async fn shut(&self, desk: &Desk) {
        let mut ended = desk.ended();
        let mut closes_at = self.closes_at.subscribe();
        loop {
            let at = *closes_at.borrow_and_update();
            tokio::select! {
                _ = async { drop(ended.wait_for(|ended| *ended).await) } => break,
                () = sleep_until(at) => {}
                _ = closes_at.changed() => continue,
            }
            // Somebody may have opened it anew a moment ago.
            let mut port = self.port.lock().await;
            if *self.closes_at.borrow() <= Instant::now() {
                *port = None;
                return;
            }
        }
        *self.port.lock().await = None;
    }

    /// A page has called.
    pub(in crate::api) fn touch(&self) {
        let later = Instant::now() + QUIET_TIME;
        self.closes_at.send_if_modified(|at| {
            // One that is to close soon stays so.
            let open = *at > Instant::now() + HIDE_TIME;
            if open {
                *at = later;
            }
            open
        });
    }

    /// Closes in a moment, once the page that hides has gone.
    pub(super) fn close_soon(&self) {
        self.closes_at.send_replace(Instant::now() + HIDE_TIME);
    }

    /// Closes in a moment, and the node ends then: its home is gone.
    pub(in crate::api) fn close_for_good(&self) {
        self.for_good.store(true, Ordering::Relaxed);
        self.close_soon();
    }

    /// Where a page can come in now.
    pub(in crate::api) fn port(&self) -> Option<u16> {
        // While it is being opened nobody can.
        self.port.try_lock().ok().and_then(|port| *port)
    }

    /// Whether a page can come in.
    pub(in crate::api) fn is_open(&self) -> bool {
        self.port().is_some()
    }
}

/// A port of both loopback addresses, or of the first alone.
async fn bind() -> Result<Vec<TcpListener>, NodeError> {
    let taken = |_| NodeError::PortInUse;
    let first =
        TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.map_err(taken)?;
    let port = first.local_addr().map_err(taken)?.port();
    // Where there is no IPv6, nobody comes that way.
    let second = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await;
    Ok([Some(first), second.ok()].into_iter().flatten().collect())
}

/// How long the door stays open without a call (U-100).
const QUIET_TIME: Duration = Duration::from_secs(10 * 60);
/// How long after Hide it closes (U-100).
const HIDE_TIME: Duration = Duration::from_secs(10);
