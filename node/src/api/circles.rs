//! Circles, their relays and members (U-30 to U-33, U-39, U-50, U-56).
use std::sync::Arc;

use axum::{Json, extract::State};
use hearthlight_protocol::boundary::{
    Admit, Answer, CircleRef, CircleView, Command, Event, MemberView, Notices, RelayAddress,
    RelayView,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    asked::{Named, Sent},
    desk::{Desk, answered},
    find::{self, Names},
    problem::{Problem, sentence},
    views::{
        self, CircleLine, CircleShown, Founded, Items, MemberLine, RelayChanged, RelayLine, V,
    },
    wait,
};
use crate::address;

/// How newcomers are let in, as a word.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AdmitWord {
    Ask,
    Open,
}

impl From<AdmitWord> for Admit {
    fn from(word: AdmitWord) -> Self {
        match word {
            AdmitWord::Ask => Self::Ask,
            AdmitWord::Open => Self::Open,
        }
    }
}

/// `GET /v1/circles`
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
) -> Result<Json<Items<CircleLine>>, Problem> {
    let mut circles = desk.node()?.circles().await?;
    circles.sort_by_cached_key(|circle| (find::fold(&circle.label), find::circle_id(circle.id)));
    Ok(Json(Items::all(circles.iter().map(CircleLine::of).collect())))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Founding {
    name: String,
    r#as: Option<String>,
    template: Option<String>,
    #[serde(default)]
    relays: Vec<String>,
    admit: Option<AdmitWord>,
    retention_s: Option<u64>,
    #[serde(default)]
    direct: bool,
    #[serde(default)]
    thin: bool,
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles`
pub(super) async fn found(
    State(desk): State<Arc<Desk>>,
    Sent(founding): Sent<Founding>,
) -> Result<Json<Founded>, Problem> {
    let node = desk.node()?;
    let until = wait::after_ms(founding.timeout_ms.unwrap_or(RELAY_WAIT_MS));
    let relays = founding.relays.iter().map(|text| parse_relay(text)).collect::<Result<_, _>>()?;
    let handle = match founding.r#as {
        Some(name) => name,
        None => desk.own_name()?,
    };
    node.check_label(&founding.name, None).await?;
    let mut events = node.events();
    let command = Command::CircleNew {
        name: founding.name,
        handle,
        template: founding.template.unwrap_or_else(|| "plain".into()),
        relays,
        admit: founding.admit.map_or(Admit::Ask, Admit::from),
        retention_s: founding.retention_s,
        direct: founding.direct,
        thin: founding.thin,
    };
    let circle = answered!(node.ask(command).await?, Answer::Circle)?;
    let id = circle.id;
    let circle = wait::until(
        &mut events,
        until,
        circle,
        |event| is_of(event, id),
        |circle| circle.relays.iter().all(|relay| relay.up),
        || node.circle_by_id(id),
    )
    .await?;
    let hints = founding_hints(&circle);
    Ok(Json(Founded::of(&circle, hints)))
}

/// What a founder ought to know about the relays of the new circle (U-30).
fn founding_hints(circle: &CircleView) -> Vec<String> {
    let mut hints = Vec::new();
    match circle.relays.len() {
        0 => hints.push(
            "Nobody can join before the circle has a relay. Add one with: hearthlight circle relay \
             C add ADDRESS"
                .into(),
        ),
        1 => hints.push(
            "The circle has one relay. With a second one it goes on when the first is away.".into(),
        ),
        _ => {}
    }
    for (at, _) in circle.relays.iter().enumerate().filter(|(_, relay)| !relay.up) {
        hints.push(unreached(at + 1));
    }
    hints
}

fn unreached(number: usize) -> String {
    format!("Relay {number} could not be reached yet. Hearthlight goes on trying while it runs.")
}

/// `GET /v1/circles/{c}`
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<CircleShown>, Problem> {
    Ok(Json(CircleShown::of(&desk.node()?.circle(&c).await?)))
}

/// A setting of a circle in this home: one at a time.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Setting {
    label: Option<String>,
    muted: Option<bool>,
    notify: Option<NotifyWord>,
}

/// How this home tells of something new in a circle, as a word (U-180); `default`: as everywhere.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum NotifyWord {
    Default,
    Off,
    Mark,
    Bell,
    Desktop,
}

impl From<NotifyWord> for Option<Notices> {
    fn from(word: NotifyWord) -> Self {
        match word {
            NotifyWord::Default => None,
            NotifyWord::Off => Some(Notices::Off),
            NotifyWord::Mark => Some(Notices::Mark),
            NotifyWord::Bell => Some(Notices::Bell),
            NotifyWord::Desktop => Some(Notices::Desktop),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SettingSaved {
    v: u8,
    id: String,
    key: &'static str,
    value: String,
}

/// `PATCH /v1/circles/{c}`
pub(super) async fn set(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Sent(setting): Sent<Setting>,
) -> Result<Json<SettingSaved>, Problem> {
    let node = desk.node()?;
    let (key, command) = match setting {
        Setting { label: Some(label), muted: None, notify: None } => {
            let circle = node.circle(&c).await?.id;
            node.check_label(&label, Some(circle)).await?;
            ("label", Command::Relabel { circle, label })
        }
        Setting { label: None, muted: Some(muted), notify: None } => {
            ("muted", Command::Mute { circle: node.joined(&c).await?.0, muted })
        }
        Setting { label: None, muted: None, notify: Some(word) } => {
            let circle = node.joined(&c).await?.0;
            ("notify", Command::Notify { circle, notices: word.into() })
        }
        _ => return Err(Problem::usage("One setting is changed at a time.")),
    };
    let circle = answered!(node.ask(command).await?, Answer::Circle)?;
    let value = match key {
        "label" => circle.label.clone(),
        "muted" => circle.muted.to_string(),
        _ => views::notify_word(circle.notices).to_owned(),
    };
    Ok(Json(SettingSaved { v: V, id: find::circle_id(circle.id), key, value }))
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Wiped {
    v: u8,
    wiped: Vec<String>,
}

impl Wiped {
    /// What is gone, by label.
    pub(super) fn of(labels: Vec<String>) -> Self {
        Self { v: V, wiped: labels }
    }
}

/// `POST /v1/circles/{c}/wipe`
pub(super) async fn wipe(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<Wiped>, Problem> {
    let node = desk.node()?;
    let circles = node.circles().await?;
    let circle = find::exactly_one(&circles, &c)?;
    node.ask(Command::Wipe { circle: circle.id }).await?;
    Ok(Json(Wiped::of(vec![circle.label.clone()])))
}

/// `GET /v1/circles/{c}/relays`
pub(super) async fn relays(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<Items<RelayLine>>, Problem> {
    let circle = desk.node()?.circle(&c).await?;
    Ok(Json(Items::all(circle.relays.iter().map(views::relay_line).collect())))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct AddingRelay {
    address: String,
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/relays`
pub(super) async fn add_relay(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Sent(adding): Sent<AddingRelay>,
) -> Result<Json<RelayChanged>, Problem> {
    let node = desk.node()?;
    let until = wait::after_ms(adding.timeout_ms.unwrap_or(RELAY_WAIT_MS));
    let relay = parse_relay(&adding.address)?;
    let key = relay.key;
    let (id, _) = node.joined(&c).await?;
    let mut events = node.events();
    let command = Command::RelayAdd { circle: id, relay };
    let circle = answered!(node.ask(command).await?, Answer::Circle)?;
    let added = |circle: &CircleView| {
        let mut all = circle.relays.iter().enumerate();
        all.find(|(_, relay)| relay.key == Some(key)).map(|(at, relay)| (at, relay.clone()))
    };
    let circle = wait::until(
        &mut events,
        until,
        circle,
        |event| is_of(event, CircleRef::Circle(id)),
        |circle| added(circle).is_none_or(|(_, relay)| relay.up),
        || node.circle_by_id(CircleRef::Circle(id)),
    )
    .await?;
    let (at, relay) = added(&circle).ok_or_else(|| Problem::of("no-match"))?;
    let mut hints = Vec::new();
    if relay.local {
        hints.push(
            "Only this computer uses the relay. For all, a host of the circle adds it.".into(),
        );
    }
    if !relay.up {
        hints.push(unreached(at + 1));
    }
    Ok(Json(RelayChanged::of(&relay, hints)))
}

/// `DELETE /v1/circles/{c}/relays/{key}`
pub(super) async fn remove_relay(
    State(desk): State<Arc<Desk>>,
    Named((c, key)): Named<(String, String)>,
) -> Result<Json<RelayChanged>, Problem> {
    let node = desk.node()?;
    let (id, circle) = node.joined(&c).await?;
    let relay = relay_by_key(&circle.relays, key.trim())?;
    let Some(key) = relay.key else {
        return Err(Problem::of("no-match"));
    };
    node.ask(Command::RelayRemove { circle: id, key }).await?;
    Ok(Json(RelayChanged::removed(relay)))
}

/// The relay whose key is written so, or starts so.
fn relay_by_key<'a>(relays: &'a [RelayView], typed: &str) -> Result<&'a RelayView, Problem> {
    let text = |relay: &RelayView| relay.key.as_ref().map(address::peer_text);
    if let Some(exact) = relays.iter().find(|relay| text(relay).as_deref() == Some(typed)) {
        return Ok(exact);
    }
    let starts = |relay: &&RelayView| text(relay).is_some_and(|key| key.starts_with(typed));
    let hits: Vec<&RelayView> = relays.iter().filter(starts).collect();
    match hits[..] {
        [one] if !typed.is_empty() => Ok(one),
        [_, _, ..] => {
            Err(Problem::of("ambiguous").or_meant(hits.into_iter().filter_map(text).collect()))
        }
        _ => Err(Problem::of("no-match").saying("The circle has no relay with that key.")),
    }
}

/// `GET /v1/circles/{c}/members`
pub(super) async fn members(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<Items<MemberLine>>, Problem> {
    let node = desk.node()?;
    let (id, _) = node.joined(&c).await?;
    let members = node.members(id).await?;
    let names = Names::among(&members);
    Ok(Json(Items::all(member_lines(&members, &names))))
}

/// The members of a circle as they look among each other.
pub(super) fn member_lines(members: &[MemberView], names: &Names) -> Vec<MemberLine> {
    members.iter().map(|member| MemberLine::of(member, names)).collect()
}

/// Whether an event says that this circle changed.
pub(super) fn is_of(event: &Event, id: CircleRef) -> bool {
    matches!((event, id), (Event::Circle { circle }, CircleRef::Circle(id)) if *circle == id)
}

/// Reads a relay's address, naming the part that is damaged (U-147).
fn parse_relay(text: &str) -> Result<RelayAddress, Problem> {
    address::parse(text).map_err(|damaged| {
        Problem::of("relay-address-damaged").saying(sentence(&damaged.to_string()))
    })
}

/// How long a new circle or relay waits for its relays, where nothing else is said.
const RELAY_WAIT_MS: u64 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::views::samples;

    /// U-30
    #[test]
    fn a_founder_is_told_about_relays() {
        let mut circle = samples::circle();
        assert_eq!(founding_hints(&circle).len(), 1, "a second relay is advised");
        circle.relays[0].up = false;
        assert!(founding_hints(&circle)[1].starts_with("Relay 1 could not be reached"));
        circle.relays.push(samples::relay());
        assert_eq!(founding_hints(&circle).len(), 1);
        circle.relays.clear();
        assert!(founding_hints(&circle)[0].starts_with("Nobody can join"));
    }

    /// U-33
    #[test]
    fn a_relay_is_found_by_its_key() {
        let relays = [samples::relay()];
        let key = address::peer_text(&relays[0].key.unwrap());
        assert!(relay_by_key(&relays, &key).is_ok());
        assert!(relay_by_key(&relays, &key[..key.len() - 1]).is_ok());
        assert_eq!(relay_by_key(&relays, "").unwrap_err().word(), "no-match");
        assert_eq!(relay_by_key(&relays, "nobody").unwrap_err().word(), "no-match");
    }
}
