//! What works on this computer and what does not (U-24). No key, address or name is told.
use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{Json, extract::State};
use hearthlight_protocol::boundary::{CircleView, DAY_MS, Event, RelayView, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    asked::Asked,
    desk::{Desk, Open, now},
    limits::VERSION,
    problem::Problem,
    views::{Items, V, only_path},
    wait,
};
use crate::{error::NodeError, home::Home};

/// One check and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// The version of this object.
    pub v: u8,
    /// What was looked at.
    pub check: String,
    /// `ok`, `look`, `fix` or `skipped`.
    pub result: &'static str,
    /// One sentence.
    pub detail: String,
    /// What to do.
    pub fix: Option<String>,
}

impl Check {
    fn of(check: &str, result: &'static str, detail: impl Into<String>) -> Self {
        Self { v: V, check: check.into(), result, detail: detail.into(), fix: None }
    }

    fn ok(check: &str, detail: impl Into<String>) -> Self {
        Self::of(check, "ok", detail)
    }

    fn skipped(check: &str, detail: &str) -> Self {
        Self::of(check, "skipped", detail)
    }

    fn with_fix(mut self, fix: &str) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Looking {
    #[serde(default)]
    offline: bool,
}

/// `GET /v1/doctor`
pub(super) async fn look(
    State(desk): State<Arc<Desk>>,
    Asked(looking): Asked<Looking>,
) -> Result<Json<Items<Check>>, Problem> {
    let node = desk.node()?;
    let offline = looking.offline || !desk.options.network;
    let circles = circles(&node, offline).await?;
    let relays = distinct_relays(&circles);
    let mut checks = vec![
        Check::ok("home", "It is set up."),
        permissions(desk.home.check()),
        Check::ok("lock", "This process holds it, and nobody else."),
        Check::ok("store", "It opens and can be read."),
        disk(&desk.home),
        clock(now(), &relays),
    ];
    checks.extend(relay_checks(&relays, &circles, offline));
    checks.extend(rest(page(desk.door.port()).await));
    Ok(Json(Items::all(checks)))
}

/// The checks of a home that no node opened: not set up, locked, in use, or damaged.
#[must_use]
pub fn without_node(home: &Home) -> Vec<Check> {
    let set_up = home.is_set_up();
    let unopened = |check: &str, nothing_yet: &str| {
        Check::skipped(check, if set_up { "The home is not open." } else { nothing_yet })
    };
    let mut checks = vec![
        place(home),
        if home.dir().exists() {
            permissions(home.check())
        } else {
            Check::skipped("permissions", "There is no folder yet.")
        },
        unopened("lock", "There is nothing to hold yet."),
        unopened("store", "There is no store yet."),
        disk(home),
        clock(now(), &[]),
        unopened("relay", "No circle has a relay."),
    ];
    checks.extend(rest(unopened("page", "There is no home to open it for yet.")));
    checks
}

fn place(home: &Home) -> Check {
    if home.is_set_up() {
        return Check::ok("home", "It is set up.");
    }
    if home.dir().exists() && !home.dir().is_dir() {
        return Check::of("home", "fix", "It is a file, and not a folder.").with_fix(ANOTHER_HOME);
    }
    Check::of("home", "look", "It is not set up yet.").with_fix("hearthlight setup")
}

/// Circles once every relay had time to answer.
async fn circles(node: &Open, offline: bool) -> Result<Vec<CircleView>, Problem> {
    let mut events = node.events();
    let first = node.circles().await?;
    let until = wait::after_ms(if offline { 0 } else { RELAY_WAIT_MS });
    wait::until(
        &mut events,
        until,
        first,
        |event| matches!(event, Event::Circle { .. }),
        |circles| circles.iter().flat_map(|circle| &circle.relays).all(|relay| relay.up),
        || node.circles(),
    )
    .await
}

/// Each relay once, up if it serves any circle. In the order of circles, so numbers stay as they are.
fn distinct_relays(circles: &[CircleView]) -> Vec<RelayView> {
    let mut relays: Vec<RelayView> = Vec::new();
    for relay in circles.iter().flat_map(|circle| &circle.relays) {
        match relays.iter_mut().find(|known| is_same(known, relay)) {
            Some(known) => known.up |= relay.up,
            None => relays.push(relay.clone()),
        }
    }
    relays
}

fn is_same(one: &RelayView, other: &RelayView) -> bool {
    one.key == other.key && one.addresses == other.addresses
}

fn relay_checks(relays: &[RelayView], circles: &[CircleView], offline: bool) -> Vec<Check> {
    if relays.is_empty() {
        return vec![Check::skipped("relay", "No circle has a relay.")];
    }
    let numbered =
        relays.iter().enumerate().map(|(at, relay)| (format!("relay {}", at + 1), relay));
    numbered
        .map(|(check, relay)| match (relay.up, offline) {
            (true, _) => answering(&check, relay, circles),
            (false, true) => Check::skipped(&check, "It was not asked."),
            (false, false) => Check::of(&check, "look", "It does not answer now.")
                .with_fix("Check the internet connection, or ask who runs the relay."),
        })
        .collect()
}

/// H-25: a relay that alone leads to a circle can hold back what it likes, and nothing here would show it.
fn answering(check: &str, relay: &RelayView, circles: &[CircleView]) -> Check {
    let alone = circles.iter().filter_map(only_path).filter(|path| is_same(path, relay)).count();
    let of = match alone {
        0 => return Check::ok(check, "It answers."),
        1 => "1 circle".to_owned(),
        many => format!("{many} circles"),
    };
    let detail = format!(
        "It answers, and is the only way to {of} now. Whoever runs it can hold back what is said there."
    );
    Check::of(check, "look", detail).with_fix(
        "Ask a host of the circle for a second relay, run by somebody else: hearthlight circle relay add",
    )
}

fn permissions(checked: Result<(), NodeError>) -> Check {
    match checked {
        Ok(()) => Check::ok("permissions", "Only you can read the home folder."),
        Err(NodeError::HomeOpen) => {
            Check::of("permissions", "fix", "Others on this computer can read the home folder.")
                // It is shown to others: no path stands here.
                .with_fix("hearthlight status, which names the command for it.")
        }
        Err(NodeError::NotSetUp) => Check::skipped("permissions", "It holds no home yet."),
        Err(_) => Check::of("permissions", "fix", "The home folder cannot be checked.")
            .with_fix(ANOTHER_HOME),
    }
}

fn disk(home: &Home) -> Check {
    let existing = home.dir().ancestors().find(|dir| dir.exists());
    let Some(room) = existing.and_then(|dir| rustix::fs::statvfs(dir).ok()) else {
        return Check::of("disk", "look", "Its free room cannot be told.");
    };
    disk_of(room.f_bavail.saturating_mul(room.f_frsize))
}

fn disk_of(free: u64) -> Check {
    let detail = format!("{} MB are free.", free / 1_000_000);
    let more = "Make room on the disk.";
    match free {
        0..DISK_FIX => Check::of("disk", "fix", detail).with_fix(more),
        DISK_FIX..DISK_LOOK => Check::of("disk", "look", detail).with_fix(more),
        _ => Check::ok("disk", detail),
    }
}

/// A relay's card was made in the past, so a clock before that is behind.
fn clock(now: Timestamp, relays: &[RelayView]) -> Check {
    let newest =
        relays.iter().filter_map(|relay| relay.card.as_ref()).map(|card| card.made_at).max();
    let fix = "Set this computer's clock.";
    if now < CLOCK_FLOOR {
        return Check::of("clock", "fix", "It is years behind.").with_fix(fix);
    }
    match newest {
        Some(made) if now.plus(DAY_MS) < Timestamp(made) => {
            Check::of("clock", "look", "It is behind a relay's.").with_fix(fix)
        }
        Some(_) => Check::ok("clock", "It is not behind a relay's card."),
        None => Check::ok("clock", "It can be right. No relay was there to compare with."),
    }
}

/// Whether the page's port is open, and answers.
async fn page(port: Option<u16>) -> Check {
    let Some(port) = port else {
        return Check::skipped("page", "It is closed. To open it: hearthlight open");
    };
    match tokio::time::timeout(PAGE_WAIT, answers(port)).await {
        Ok(Ok(true)) => Check::ok("page", "It is open, and answers."),
        _ => Check::of("page", "look", "It is open, but does not answer.")
            .with_fix("hearthlight stop, and then: hearthlight open"),
    }
}

/// Whether HTTP is spoken there. Nobody is let in by this: it names no Host (U-111).
async fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await?;
    let mut begin = [0; HTTP.len()];
    stream.read_exact(&mut begin).await?;
    Ok(begin == *HTTP)
}

/// What a node can say nothing new of, around the page.
fn rest(page: Check) -> [Check; 4] {
    [
        Check::skipped("nat", "Members reach you through relays. Nothing else is tried yet."),
        page,
        Check::skipped("help-pack", "It comes with the command line, which looks at it."),
        Check::ok("version", format!("hearthlight {VERSION}")),
    ]
}

const ANOTHER_HOME: &str = "Choose a folder of your own with --home DIR.";
/// How an answer begins.
const HTTP: &[u8; 5] = b"HTTP/";
/// How long the page has to answer on this computer. A guess: a slow board.
const PAGE_WAIT: Duration = Duration::from_secs(2);
/// How long relays have to answer.
const RELAY_WAIT_MS: u64 = 5_000;
/// Below this much free room nothing works soon; a guess.
const DISK_FIX: u64 = 50_000_000;
/// Below this much free room it is time to look; a guess.
const DISK_LOOK: u64 = 500_000_000;
/// 2026-01-01T00:00Z: this program is younger.
const CLOCK_FLOOR: Timestamp = Timestamp(1_767_225_600_000);

#[cfg(test)]
mod tests {
    use hearthlight_protocol::identity::Peer;

    use super::*;
    use crate::api::views::samples;

    #[test]
    fn a_check_has_the_fields_of_the_command_line() {
        let json = serde_json::to_value(Check::ok("home", "It is set up.")).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "v": 1, "check": "home", "result": "ok", "detail": "It is set up.", "fix": null,
            })
        );
    }

    /// U-24
    #[test]
    fn each_relay_is_told_by_its_number() {
        let mut down = samples::relay();
        down.key = None;
        down.up = false;
        let circle = CircleView { relays: vec![samples::relay(), down], ..samples::circle() };
        let circles = [circle.clone(), circle];
        let relays = distinct_relays(&circles);
        let checks = relay_checks(&relays, &[], false);
        let told: Vec<_> = checks.iter().map(|it| (it.check.as_str(), it.result)).collect();
        assert_eq!(told, [("relay 1", "ok"), ("relay 2", "look")]);
        assert_eq!(relay_checks(&relays, &circles, true)[1].result, "skipped");
        assert_eq!(relay_checks(&[], &[], false)[0].result, "skipped");
    }

    /// H-25
    #[test]
    fn a_relay_that_is_the_only_way_to_a_circle_is_told() {
        let mut second = samples::relay();
        second.key = Some(Peer([9; 32]));
        let two =
            CircleView { relays: vec![samples::relay(), second.clone()], ..samples::circle() };
        let told = |circles: &[CircleView]| {
            let checks = relay_checks(&distinct_relays(circles), circles, false);
            checks.into_iter().map(|check| (check.result, check.detail)).collect::<Vec<_>>()
        };
        let good = ("ok", "It answers.".to_owned());
        assert_eq!(told(std::slice::from_ref(&two)), [good.clone(), good.clone()]);
        let one = CircleView { relays: vec![second.clone()], ..samples::circle() };
        let both = told(&[two.clone(), one.clone()]);
        assert_eq!(both[0], good);
        assert!(both[1].0 == "look" && both[1].1.contains("the only way to 1 circle now"));
        let mut left = two;
        left.relays[0].up = false;
        let left = told(&[left, one]);
        assert!(left[1].0 == "look" && left[1].1.contains("the only way to 2 circles now"));
    }

    #[test]
    fn a_clock_before_a_relays_card_is_behind() {
        let relays = [samples::relay()];
        assert_eq!(clock(samples::AT, &relays).result, "ok");
        assert_eq!(clock(Timestamp(samples::AT.0 - 2 * DAY_MS), &relays).result, "look");
        assert_eq!(clock(Timestamp(0), &relays).result, "fix");
        assert_eq!(clock(samples::AT, &[]).result, "ok");
    }

    #[test]
    fn little_room_is_told() {
        assert_eq!(disk_of(1_000).result, "fix");
        assert_eq!(disk_of(100_000_000).result, "look");
        assert_eq!(disk_of(u64::MAX).result, "ok");
    }

    /// U-24: works not set up, and every check is there.
    #[test]
    fn a_home_that_is_not_set_up_has_all_checks() {
        let home = Home::at(std::path::Path::new("/nowhere/at/all"));
        let checks = without_node(&home);
        let names: Vec<_> = checks.iter().map(|check| check.check.as_str()).collect();
        assert_eq!(
            names,
            [
                "home",
                "permissions",
                "lock",
                "store",
                "disk",
                "clock",
                "relay",
                "nat",
                "page",
                "help-pack",
                "version"
            ]
        );
    }

    /// U-24
    #[tokio::test]
    async fn a_page_is_looked_at_where_one_is_open() {
        assert_eq!(page(None).await.result, "skipped");
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = async |says: &'static [u8]| {
            let (check, ()) = tokio::join!(page(Some(port)), async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(says).await.unwrap();
            });
            check.result
        };
        assert_eq!(told(b"HTTP/1.1 403 Forbidden\r\n\r\n").await, "ok");
        assert_eq!(told(b"").await, "look");
    }

    /// U-24
    #[test]
    fn a_file_is_no_home() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let checks = without_node(&Home::at(&file));
        assert_eq!((checks[0].result, checks[0].fix.as_deref()), ("fix", Some(ANOTHER_HOME)));
        assert_eq!(without_node(&Home::at(dir.path()))[1].result, "skipped", "an empty folder");
    }
}
