//! The local page on loopback TCP (U-100, U-110 to U-119).
//!
//! `door` is the port, open only while a page is wanted; `guard` is who may ask through it and what every
//! answer says; `session` is the one-time link and the token that it is swapped for. What is served
//! besides the API comes from whoever starts the server: a [`Site`].
mod door;
mod guard;
mod session;
#[cfg(test)]
mod tests;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

pub(super) use door::Door;
pub(super) use guard::{Gate, OnPage, guarded};
pub(super) use session::Sessions;

use super::{
    asked::Sent,
    desk::Desk,
    problem::Problem,
    views::{V, time},
};

/// What a page consists of, besides the API.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Files by their path, such as `/style.css`; `/` and `/away` are documents.
    pub files: &'static [File],
    /// The texts of a language, in the shape of `GET /v1/strings/{lang}`.
    pub strings: fn(&str) -> Option<Value>,
    /// Numbers to call or text (U-55), in the shape of `GET /v1/help`, for a country or for none.
    pub help: fn(Option<&str>) -> Option<Value>,
    /// A made passphrase.
    pub passphrase: fn() -> Option<String>,
}

/// One file of a page.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Where it is served.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

/// Serves a file of the site, or says that there is none.
pub(super) async fn file(State(desk): State<Arc<Desk>>, Path(path): Path<String>) -> Response {
    serve(&desk, &format!("/{path}"))
}

/// `GET /`
pub(super) async fn front(State(desk): State<Arc<Desk>>) -> Response {
    serve(&desk, "/")
}

fn serve(desk: &Desk, path: &str) -> Response {
    let files = desk.options.site.map_or(&[][..], |site| site.files);
    match files.iter().find(|file| file.path == path) {
        Some(file) => ([(header::CONTENT_TYPE, file.media_type)], file.bytes).into_response(),
        None => Problem::of("no-match").saying("There is nothing at this path.").into_response(),
    }
}

/// A link that opens the page once (U-72).
#[derive(Serialize, JsonSchema)]
pub(super) struct Link {
    v: u8,
    url: String,
    port: u16,
    expires_at: String,
}

/// `POST /v1/page-keys`, on the socket only.
pub(super) async fn make_link(State(desk): State<Arc<Desk>>) -> Result<Json<Link>, Problem> {
    link(&desk).await.map(Json)
}

/// Opens the door if it is closed, and makes a link for it.
pub(super) async fn link(desk: &Arc<Desk>) -> Result<Link, Problem> {
    if desk.options.site.is_none() {
        return Err(Problem::of("not-running"));
    }
    let port = desk.door.open(desk).await?;
    let (key, expires_at) = desk.sessions.new_key();
    let url = format!("http://127.0.0.1:{port}/#k={key}");
    Ok(Link { v: V, url, port, expires_at: time(expires_at) })
}

impl Link {
    /// The whole, as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Entering {
    key: String,
}

/// A token for a page.
#[derive(Serialize, JsonSchema)]
pub(super) struct Entered {
    v: u8,
    token: String,
}

/// `POST /v1/session`, on the page only: swaps the key of a link for a token.
pub(super) async fn enter(
    State(desk): State<Arc<Desk>>,
    Sent(entering): Sent<Entering>,
) -> Result<Json<Entered>, Problem> {
    match desk.sessions.enter(&entering.key) {
        Some(token) => {
            desk.sessions.set_locked(false);
            Ok(Json(Entered { v: V, token }))
        }
        None => {
            desk.sessions.slow_down().await;
            Err(not_let_in("This link was used already, or its time is over."))
        }
    }
}

/// The page is hidden (U-122).
#[derive(Serialize, JsonSchema)]
pub(super) struct Hidden {
    v: u8,
    state: &'static str,
}

/// `DELETE /v1/session`, on the page only: Hide (U-122). The home is locked, and the door closes soon.
pub(super) async fn hide(State(desk): State<Arc<Desk>>) -> Response {
    desk.sessions.end_all();
    desk.lock_for_page().await;
    desk.door.close_soon();
    let gone = [("clear-site-data", "\"cache\", \"storage\"")];
    (gone, Json(Hidden { v: V, state: "locked" })).into_response()
}

/// What a page without a token is told. The home is not locked: another link opens it.
fn not_let_in(why: &str) -> Problem {
    Problem::of("not-allowed")
        .saying(why)
        .advising("hearthlight open")
        .with_status(StatusCode::UNAUTHORIZED)
}

/// `GET /v1/strings/{lang}`
pub(super) async fn strings(
    State(desk): State<Arc<Desk>>,
    Path(lang): Path<String>,
) -> Result<Json<Value>, Problem> {
    let found = desk.options.site.and_then(|site| (site.strings)(&lang));
    found
        .map(Json)
        .ok_or_else(|| Problem::of("no-match").saying("There are no texts in that language."))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Country {
    country: Option<String>,
}

/// `GET /v1/help`: for the country asked for, else the one chosen, else none.
pub(super) async fn help(
    State(desk): State<Arc<Desk>>,
    Query(Country { country }): Query<Country>,
) -> Result<Json<Value>, Problem> {
    let chosen = || desk.home.config().ok()?.country.map(String::from);
    let country = country.or_else(chosen);
    let found = desk.options.site.and_then(|site| (site.help)(country.as_deref()));
    found
        .map(Json)
        .ok_or_else(|| Problem::of("no-match").saying("There are no numbers for that country yet."))
}

/// The texts of a language: its tag, its direction, and each text or its forms by number.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "the site hands it over as JSON")]
pub(super) struct Strings {
    v: u8,
    lang: String,
    dir: String,
    strings: BTreeMap<String, Value>,
}

/// Numbers to call or text: for which country, for which there are any, and the lines (U-55).
#[derive(JsonSchema)]
#[allow(dead_code, reason = "the site hands it over as JSON")]
pub(super) struct Help {
    v: u8,
    country: Option<String>,
    countries: Vec<String>,
    checked: bool,
    items: Vec<Value>,
}

/// Whether a request came through the door.
pub(super) type FromPage = Option<Extension<OnPage>>;
