//! The node itself: how it is, locked and open, its end (U-22, U-23, U-25, U-56).
use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use hearthlight_protocol::boundary::{CircleView, Standing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    asked::{Named, Sent},
    circles::Wiped,
    desk::Desk,
    limits::VERSION,
    page::FromPage,
    problem::{KINDS, Problem, advice},
    views::{V, network_of, time},
};
use crate::error::NodeError;

/// How the node is (U-23).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    v: u8,
    running: bool,
    state: &'static str,
    version: &'static str,
    pid: Option<u32>,
    socket: Option<String>,
    since: Option<String>,
    network: Option<&'static str>,
    proxy: bool,
    circles: Option<usize>,
    relays_up: Option<usize>,
    relays: Option<usize>,
    /// Circles that a single relay connects now (H-25).
    one_path: Option<usize>,
    queued: Option<usize>,
    waiting_room: Option<usize>,
    page_open: bool,
    /// Whether opening it takes a passphrase.
    passphrase: Option<bool>,
    /// Whether it ends with the verb that it serves.
    temporary: bool,
    /// Whether it reaches relays at all.
    dials: bool,
}

impl Status {
    fn of(desk: &Desk, circles: Option<&[CircleView]>) -> Self {
        // A verb that is its own node is no running node (U-8).
        let running = desk.options.foreground;
        let network = circles.map(network_of);
        let sum = |of: fn(&CircleView) -> usize| circles.map(|all| all.iter().map(of).sum());
        Self {
            v: V,
            running,
            state: match circles {
                Some(_) => "open",
                None if !desk.home.is_set_up() => "not-set-up",
                None => "locked",
            },
            version: VERSION,
            pid: running.then(std::process::id),
            socket: desk
                .socket()
                .filter(|_| running)
                .map(|path| path.to_string_lossy().into_owned()),
            since: running.then(|| time(desk.since)),
            network: network.map(|network| network.network),
            proxy: desk.home.config().is_ok_and(|config| config.network.proxy.is_some()),
            circles: sum(|circle| usize::from(circle.standing == Standing::Member)),
            relays_up: network.map(|network| network.relays_up),
            relays: network.map(|network| network.relays),
            one_path: network.map(|network| network.one_path),
            queued: sum(|circle| circle.queued),
            waiting_room: sum(|circle| circle.waiting_room),
            page_open: desk.door.is_open(),
            passphrase: desk.home.has_passphrase().ok(),
            temporary: !running,
            dials: desk.options.network,
        }
    }
}

/// `GET /v1/status`
pub(super) async fn status(
    State(desk): State<Arc<Desk>>,
    page: FromPage,
) -> Result<Json<Status>, Problem> {
    let circles = match desk.node() {
        Ok(_) if page.is_some() && desk.is_closed_to_pages() => None,
        Ok(node) => match node.circles().await {
            // Locked in the meantime.
            Err(_) if !desk.is_open() => None,
            circles => Some(circles?),
        },
        Err(_) => None,
    };
    Ok(Json(Status::of(&desk, circles.as_deref())))
}

/// Open or locked (U-25).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LockState {
    v: u8,
    state: &'static str,
    note: Option<&'static str>,
}

impl LockState {
    fn of(desk: &Desk) -> Result<Self, Problem> {
        let bare = !desk.home.has_passphrase()?;
        Ok(Self {
            v: V,
            state: if desk.is_open() { "open" } else { "locked" },
            note: bare.then_some(NO_PASSPHRASE),
        })
    }
}

/// `POST /v1/lock`
pub(super) async fn lock(State(desk): State<Arc<Desk>>) -> Result<Json<LockState>, Problem> {
    desk.lock().await;
    LockState::of(&desk).map(Json)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Unlocking {
    passphrase: Option<String>,
}

/// `POST /v1/unlock`
pub(super) async fn unlock(
    State(desk): State<Arc<Desk>>,
    Sent(unlocking): Sent<Unlocking>,
) -> Result<Json<LockState>, Problem> {
    desk.unlock(unlocking.passphrase.map(Zeroizing::new)).await?;
    desk.sessions.set_locked(false);
    LockState::of(&desk).map(Json)
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Stopped {
    v: u8,
    was_running: bool,
}

/// `POST /v1/stop`: whoever runs the server ends it.
pub(super) async fn stop(State(desk): State<Arc<Desk>>) -> Json<Stopped> {
    desk.stop();
    Json(Stopped { v: V, was_running: true })
}

/// `POST /v1/wipe`: keys first, then all that lies in the home; works locked.
pub(super) async fn wipe(
    State(desk): State<Arc<Desk>>,
    page: FromPage,
) -> Result<Json<Wiped>, Problem> {
    let circles = match desk.node() {
        Ok(node) => node.circles().await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    // A node that does not end must not keep the keys alive.
    let _ = tokio::time::timeout(SHUTDOWN_TIME, desk.lock()).await;
    let of = Arc::clone(&desk);
    tokio::task::spawn_blocking(move || of.home.wipe())
        .await
        .unwrap_or_else(|_| Err(NodeError::Internal("wiping panicked".into())))?;
    match page {
        // U-122: the page that erased everything has to come to `/away` yet.
        Some(_) => {
            desk.sessions.end_all();
            if let Some(serving) = desk.take_serving() {
                serving.end().await;
            }
            desk.door.close_for_good();
        }
        None => desk.stop(),
    }
    Ok(Json(Wiped::of(circles.into_iter().map(|circle| circle.label).collect())))
}

/// What a kind of problem means (U-105).
#[derive(Serialize, JsonSchema)]
pub(super) struct Explained {
    v: u8,
    kind: &'static str,
    code: u8,
    status: u16,
    title: &'static str,
    hint: Option<&'static str>,
}

/// `GET /v1/problems/{kind}`
pub(super) async fn explain(Named(word): Named<String>) -> Result<Json<Explained>, Problem> {
    let kind =
        KINDS.iter().find(|kind| kind.word == word).ok_or_else(|| Problem::of("no-match"))?;
    Ok(Json(Explained {
        v: V,
        kind: kind.word,
        code: kind.code,
        status: kind.status,
        title: kind.title,
        hint: advice(kind),
    }))
}

/// U-25
const NO_PASSPHRASE: &str =
    "This home has no passphrase, so locking hides it but does not protect it.";
/// How long the node may take to end before its home is wiped; a guess.
const SHUTDOWN_TIME: Duration = Duration::from_secs(5);
