//! `relay.toml`, and what stands above it (U-160, U-161).

use std::collections::BTreeMap;

use hearthlight_protocol::boundary::{HOUR_MS, RelayCard};
use hearthlight_protocol::crypto::KeyPair;
use hearthlight_protocol::envelope::MAX_ENVELOPE;
use hearthlight_protocol::relay::{Limits, RelayConfig};
use libp2p::multiaddr::{Multiaddr, Protocol};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::values::{Size, Span};
use crate::error::NodeError;

/// All settings of a relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Version of the file, 1.
    pub version: u16,
    /// Where it listens, and under which addresses it is reached.
    pub listen: Listen,
    /// Who may open mailboxes.
    pub admission: Admission,
    /// How much it takes.
    pub limits: LimitSettings,
    /// What it says about itself.
    pub card: CardSettings,
    /// Where it is observed.
    pub observe: Observe,
    /// What it logs.
    pub log: Log,
}

/// `listen.*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// TCP addresses, as multiaddrs.
    pub tcp: Vec<String>,
    /// QUIC addresses: none, as this version has no QUIC.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quic: Vec<String>,
    /// What addresses and the card name; at most three.
    pub external: Vec<String>,
}

/// `admission.*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admission {
    /// Who may open mailboxes.
    pub mode: Mode,
}

/// Who may open mailboxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Who shows a link of a token.
    #[default]
    Token,
    /// Everybody.
    Public,
}

/// `limits.*`; proposed in U-160, to be measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Connections at once.
    pub connections: u32,
    /// Connections that prove one mailbox.
    pub connections_per_mailbox: u32,
    /// Bytes a second in each direction, all peers together.
    pub bytes_per_second: Size,
    /// Bytes a second in each direction of one peer.
    pub bytes_per_second_peer: Size,
    /// Bytes of envelopes.
    pub store: Size,
    /// Bytes of envelopes of one token.
    pub store_per_token: Size,
    /// Mailboxes that one token holds open.
    pub mailboxes_per_token: u32,
    /// Bytes of one envelope.
    pub envelope: Size,
    /// Circuits at once.
    pub circuits: u32,
    /// Circuits of one connection.
    pub circuits_per_connection: u32,
    /// Bytes of one circuit.
    pub circuit_bytes: Size,
    /// How long one circuit lasts.
    pub circuit_time: Span,
    /// How long envelopes are kept.
    pub age: Span,
}

/// `card.*` (U-177).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CardSettings {
    /// Who runs the relay; at most 80 characters.
    pub operator: String,
    /// How to reach them; at most 120.
    pub contact: String,
    /// Two letters.
    pub country: String,
    /// Where the machine stands; at most 80.
    pub hosting: String,
    /// At most 500.
    pub statement: String,
}

/// `observe.*` (U-164).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Observe {
    /// Address and port; empty: nowhere.
    pub listen: String,
    /// Whether this may be seen from other computers.
    pub allow_remote: bool,
}

/// `log.*` (U-166).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What is logged at least.
    pub level: Level,
}

/// What is logged at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What needs its operator.
    Error,
    /// What may need them.
    Warn,
    /// What happens.
    #[default]
    Info,
}

/// What stands above the file: variables, then flags (U-161).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Keys and values of variables.
    pub variables: Vec<(String, String)>,
    /// Keys and values of flags.
    pub flags: Vec<(String, String)>,
}

/// What whoever runs a relay can see: the fixed text of every card (U-177).
pub const SEES: [&str; 2] = [
    "It can see internet addresses, times, sizes, and which mailboxes one token opened.",
    "It cannot see words, names, or who said what.",
];

/// One key as `config show` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The key.
    pub key: String,
    /// Its value: a text, a number, yes or no, or a list of texts.
    pub value: serde_json::Value,
    /// `default`, `relay.toml`, the name of a variable, or `flag`.
    pub origin: String,
}

/// The port of relays, proposed.
pub const PORT: u16 = 4270;
/// Addresses in a relay address (U-147).
const MAX_EXTERNAL: usize = 3;
/// Bytes of an address in an invite (U-140).
const MAX_ADDRESS_BYTES: usize = 96;
/// Before a variable that sets a key.
const PREFIX: &str = "HEARTHLIGHT_RELAY_";

impl Overrides {
    /// From the flags `-O key=value` and the variables `HEARTHLIGHT_RELAY_SECTION__KEY`.
    ///
    /// Variables without `__` are for others.
    ///
    /// # Errors
    ///
    /// [`NodeError::Config`] for a flag without `=`.
    pub fn new(
        flags: &[String],
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, NodeError> {
        let split = |flag: &String| {
            let (key, value) = flag
                .split_once('=')
                .ok_or_else(|| NodeError::Config(format!("-O takes key=value, not {flag}")))?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        };
        let flags = flags.iter().map(split).collect::<Result<_, NodeError>>()?;
        let variables = variables.into_iter().filter_map(|(name, value)| {
            let key = name.strip_prefix(PREFIX)?;
            let (section, key) = key.split_once("__")?;
            let key = format!("{section}.{key}").to_lowercase();
            Some((key, value))
        });
        let mut variables: Vec<_> = variables.collect();
        variables.sort();
        Ok(Self { variables, flags })
    }

    /// Sets a key above all others, as a flag of its own does.
    pub fn set(&mut self, key: &str, values: &[String]) {
        let list = values.iter().cloned().map(Value::String).collect();
        let list = Value::Array(list).to_string();
        self.flags.push((key.to_owned(), list));
    }
}

impl Settings {
    /// The settings of a file's text and what stands above it.
    ///
    /// # Errors
    ///
    /// [`NodeError::Config`] with the line of the file, or the variable or flag, that is meant.
    pub fn read(text: &str, overrides: &Overrides) -> Result<Self, NodeError> {
        Ok(layers(text, overrides)?.0)
    }

    /// Every key with its value and where it comes from.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn show(text: &str, overrides: &Overrides) -> Result<Vec<Shown>, NodeError> {
        let (settings, origins) = layers(text, overrides)?;
        let shown = leaves(&table_of(&settings)).into_iter().map(|(key, value)| {
            let origin = origins.get(&key).cloned();
            Shown {
                origin: origin.unwrap_or_else(|| "default".to_owned()),
                value: serde_json::to_value(value).unwrap_or_default(),
                key,
            }
        });
        Ok(shown.collect())
    }

    /// What the machine is set to, for the key that grows from `seed`.
    #[must_use]
    pub fn relay_config(&self, seed: &[u8; 32], made_at_ms: u64) -> RelayConfig {
        let limits = &self.limits;
        RelayConfig {
            key: KeyPair::from_seed(seed),
            card: self.card(made_at_ms),
            limits: Limits {
                connections: limits.connections as usize,
                connections_per_mailbox: limits.connections_per_mailbox as usize,
                bytes_per_second: limits.bytes_per_second.0,
                bytes_per_second_peer: limits.bytes_per_second_peer.0,
                store: limits.store.0,
                store_per_token: limits.store_per_token.0,
                mailboxes_per_token: limits.mailboxes_per_token as usize,
                envelope: usize::try_from(limits.envelope.0).unwrap_or(MAX_ENVELOPE),
                age_ms: limits.age.ms(),
            },
            public: self.admission.mode == Mode::Public,
        }
    }

    /// The card that members are shown.
    #[must_use]
    pub fn card(&self, made_at: u64) -> RelayCard {
        let card = self.card.clone();
        RelayCard {
            operator: card.operator,
            contact: card.contact,
            country: card.country,
            hosting: card.hosting,
            statement: card.statement,
            mode: match self.admission.mode {
                Mode::Token => "token".to_owned(),
                Mode::Public => "public".to_owned(),
            },
            age_s: self.limits.age.0,
            quota_bytes: self.limits.store_per_token.0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made_at,
        }
    }

    /// Addresses under which members reach it: those that its operator named, else those that it
    /// listens on and that are of one computer.
    #[must_use]
    pub fn external(&self) -> Vec<Multiaddr> {
        let named = parse_all(&self.listen.external);
        let mut found = match named.is_empty() {
            true => parse_all(&self.listen.tcp).into_iter().filter(can_be_dialed).collect(),
            false => named,
        };
        found.truncate(MAX_EXTERNAL);
        found
    }

    /// Whether it fits together, beyond what each key says by itself.
    fn check(&self) -> Result<(), String> {
        if self.version != 1 {
            return Err("version is 1 in this version of Hearthlight".to_owned());
        }
        if self.listen.tcp.is_empty() {
            return Err("listen.tcp names no address".to_owned());
        }
        if !self.listen.quic.is_empty() {
            return Err("listen.quic: this version has no QUIC yet; leave it empty".to_owned());
        }
        if let Some(text) = self.listen.tcp.iter().find(|text| !can_be_listened_on(text)) {
            return Err(format!("listen.tcp: {text} is not like /ip4/0.0.0.0/tcp/4270"));
        }
        self.check_external()?;
        self.check_limits()?;
        self.card.check()?;
        self.observe.check()
    }

    /// U-80: what does not fit into an invite is refused before anybody was given it.
    fn check_external(&self) -> Result<(), String> {
        if self.listen.external.len() > MAX_EXTERNAL {
            return Err(format!("listen.external names more than {MAX_EXTERNAL} addresses"));
        }
        for text in &self.listen.external {
            let address = text.parse::<Multiaddr>().ok();
            let Some(address) = address.filter(can_be_dialed) else {
                return Err(format!(
                    "listen.external: {text} cannot be dialed; one reads like /ip4/203.0.113.7/tcp/4270"
                ));
            };
            if address.len() > MAX_ADDRESS_BYTES {
                return Err(format!("listen.external: {text} is too long to fit into an invite"));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), String> {
        let limits = &self.limits;
        let envelope = usize::try_from(limits.envelope.0).unwrap_or(usize::MAX);
        if !(512..=MAX_ENVELOPE).contains(&envelope) {
            return Err("limits.envelope is from 512B to 1MiB".to_owned());
        }
        if limits.age.ms() < HOUR_MS {
            return Err("limits.age is at least 1h".to_owned());
        }
        let counts = [
            ("connections", u64::from(limits.connections)),
            ("connections_per_mailbox", u64::from(limits.connections_per_mailbox)),
            ("bytes_per_second", limits.bytes_per_second.0),
            ("bytes_per_second_peer", limits.bytes_per_second_peer.0),
            ("mailboxes_per_token", u64::from(limits.mailboxes_per_token)),
        ];
        match counts.iter().find(|(_, count)| *count == 0) {
            Some((key, _)) => Err(format!("limits.{key} is more than 0")),
            None => Ok(()),
        }
    }
}

impl CardSettings {
    /// Reads the text of a card's file.
    ///
    /// # Errors
    ///
    /// [`NodeError::Config`] with the line.
    pub fn read(text: &str) -> Result<Self, NodeError> {
        let card: Self = toml::from_str(text).map_err(|error| located("card", text, &error))?;
        card.check().map_err(NodeError::Config)?;
        Ok(card)
    }

    fn check(&self) -> Result<(), String> {
        let texts = [
            ("operator", &self.operator, 80),
            ("contact", &self.contact, 120),
            ("hosting", &self.hosting, 80),
            ("statement", &self.statement, 500),
        ];
        for (key, text, most) in texts {
            if text.chars().count() > most {
                return Err(format!("card.{key} has at most {most} characters"));
            }
            if text.chars().any(|c| c.is_control() && c != '\n') {
                return Err(format!("card.{key} holds a control character"));
            }
        }
        let country = self.country.as_bytes();
        let two = country.len() == 2 && country.iter().all(u8::is_ascii_uppercase);
        match two || country.is_empty() {
            true => Ok(()),
            false => Err("card.country is two capital letters, like DE".to_owned()),
        }
    }
}

impl Observe {
    fn check(&self) -> Result<(), String> {
        if self.listen.is_empty() {
            return Ok(());
        }
        let address: std::net::SocketAddr = self.listen.parse().map_err(|_| {
            "observe.listen is an address and a port, like 127.0.0.1:4271, or empty".to_owned()
        })?;
        match address.ip().is_loopback() || self.allow_remote {
            true => Ok(()),
            false => Err(
                "observe.listen can be seen from other computers; observe.allow_remote says that it may"
                    .to_owned(),
            ),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: 1,
            listen: Listen::default(),
            admission: Admission::default(),
            limits: LimitSettings::default(),
            card: CardSettings::default(),
            observe: Observe::default(),
            log: Log::default(),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        let tcp = ["/ip4/0.0.0.0", "/ip6/::"].map(|host| format!("{host}/tcp/{PORT}"));
        Self { tcp: tcp.to_vec(), quic: Vec::new(), external: Vec::new() }
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        let machine = Limits::default();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            connections: count(machine.connections),
            connections_per_mailbox: count(machine.connections_per_mailbox),
            bytes_per_second: Size(machine.bytes_per_second),
            bytes_per_second_peer: Size(machine.bytes_per_second_peer),
            store: Size(machine.store),
            store_per_token: Size(machine.store_per_token),
            mailboxes_per_token: count(machine.mailboxes_per_token),
            envelope: Size(machine.envelope as u64),
            circuits: 4096,
            circuits_per_connection: 64,
            circuit_bytes: Size(256 << 20),
            circuit_time: Span(12 * 3_600),
            age: Span(machine.age_ms / 1000),
        }
    }
}

impl Default for Observe {
    fn default() -> Self {
        Self { listen: "127.0.0.1:4271".to_owned(), allow_remote: false }
    }
}

/// The text of a relay.toml whose card is `card` and which is otherwise as it was.
///
/// # Errors
///
/// [`NodeError::Config`] where the file is written in a way that only a person can change.
pub(super) fn with_card(text: &str, card: &CardSettings) -> Result<String, NodeError> {
    let none = Overrides::default();
    let mut wanted = Settings::read(text, &none)?;
    wanted.card = card.clone();
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let start = line.trim_start();
        if start.starts_with('[') {
            inside = start.starts_with("[card]");
        }
        let key = start.strip_prefix("card").map(str::trim_start);
        let is_card = key.is_some_and(|rest| rest.starts_with(['=', '.']));
        if !inside && !is_card {
            lines.push(line);
        }
    }
    let table = Value::Table(Table::try_from(card).map_err(internal)?);
    let line = format!("card = {table}");
    let first = lines.iter().position(|line| line.trim_start().starts_with("version"));
    lines.insert(first.map_or(0, |at| at + 1), &line);
    let changed = lines.join("\n") + "\n";
    match Settings::read(&changed, &none) {
        Ok(settings) if settings == wanted => Ok(changed),
        _ => Err(NodeError::Config("write the card into relay.toml by hand".to_owned())),
    }
}

/// The text of a new relay.toml: what was chosen, and what else there is as a comment.
pub(super) fn new_text(settings: &Settings) -> String {
    let usual = leaves(&table_of(&Settings::default()));
    let chosen = leaves(&table_of(settings));
    let mut text = String::from(
        "# A Hearthlight relay. What stands behind a # is as usual; take the # away to change it.\n",
    );
    for ((key, value), (_, usual)) in chosen.iter().zip(&usual) {
        let shown =
            ["version", "listen.external"].contains(&key.as_str()) || key.starts_with("card.");
        let comment = if shown || value != usual { "" } else { "# " };
        text.push_str(&format!("{comment}{key} = {value}\n"));
    }
    text
}

/// The settings, and where each key that is not as usual comes from.
fn layers(
    text: &str,
    overrides: &Overrides,
) -> Result<(Settings, BTreeMap<String, String>), NodeError> {
    let in_file = |error: toml::de::Error| located("relay.toml", text, &error);
    let settings: Settings = toml::from_str(text).map_err(in_file)?;
    let mut table: Table = toml::from_str(text).map_err(in_file)?;
    let mut origins = BTreeMap::new();
    for (key, _) in leaves(&table) {
        origins.insert(key, "relay.toml".to_owned());
    }
    let usual = leaves(&table_of(&settings)).into_iter().collect::<BTreeMap<_, _>>();
    let variables = overrides.variables.iter().map(|(key, value)| {
        let name = format!("{PREFIX}{}", key.to_uppercase().replacen('.', "__", 1));
        (name, key, value)
    });
    let flags = overrides.flags.iter().map(|(key, value)| ("flag".to_owned(), key, value));
    for (origin, key, value) in variables.chain(flags) {
        let wrong = |what: &str| NodeError::Config(format!("{key} ({origin}): {what}"));
        let like = usual.get(key).filter(|_| key != "version");
        let value = value_like(like.ok_or_else(|| wrong("there is no such key"))?, value);
        set(&mut table, key, value.ok_or_else(|| wrong("the value cannot be read"))?);
        let read: Result<Settings, _> = table.clone().try_into();
        read.map_err(|error| wrong(error.message()))?;
        origins.insert(key.clone(), origin);
    }
    let settings: Settings = table.try_into().map_err(internal)?;
    settings.check().map_err(NodeError::Config)?;
    Ok((settings, origins))
}

/// Reads text as a value of the same type as `like`.
fn value_like(like: &Value, text: &str) -> Option<Value> {
    match like {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        Value::Array(_) if text.trim_start().starts_with('[') => {
            let table: Table = toml::from_str(&format!("list = {text}")).ok()?;
            table.get("list").cloned()
        }
        Value::Array(_) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        _ => None,
    }
}

fn set(table: &mut Table, key: &str, value: Value) {
    let (section, rest) = key.split_once('.').unwrap_or((key, ""));
    if rest.is_empty() {
        table.insert(section.to_owned(), value);
        return;
    }
    let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        inner.insert(rest.to_owned(), value);
    }
}

/// All keys of a table that hold no table themselves.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                let inner = leaves(inner).into_iter();
                found.extend(inner.map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => found.push((key.clone(), value.clone())),
        }
    }
    found
}

fn table_of(settings: &Settings) -> Table {
    Table::try_from(settings).expect("settings are tables of texts, numbers, flags and lists")
}

fn located(file: &str, text: &str, error: &toml::de::Error) -> NodeError {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    NodeError::Config(format!("{file}, line {line}: {}", error.message()))
}

fn internal(error: impl std::fmt::Display) -> NodeError {
    NodeError::Internal(error.to_string())
}

fn parse_all(texts: &[String]) -> Vec<Multiaddr> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn can_be_listened_on(text: &str) -> bool {
    let parsed = text.parse::<Multiaddr>();
    parsed.is_ok_and(|address| {
        let parts: Vec<Protocol<'_>> = address.iter().collect();
        matches!(parts[..], [Protocol::Ip4(_) | Protocol::Ip6(_), Protocol::Tcp(_)])
    })
}

/// Whether an address is one host and its TCP port, or an onion service.
fn can_be_dialed(address: &Multiaddr) -> bool {
    use Protocol::{Dns, Dns4, Dns6, Ip4, Ip6, Onion3, Tcp};
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match parts[..] {
        [Ip4(ip), Tcp(port)] => !ip.is_unspecified() && port != 0,
        [Ip6(ip), Tcp(port)] => !ip.is_unspecified() && port != 0,
        [Dns(_) | Dns4(_) | Dns6(_), Tcp(port)] => port != 0,
        [Onion3(_)] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(flags: &[&str]) -> Overrides {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Overrides::new(&flags, []).expect("each has a key and a value")
    }

    fn wrong(text: &str, overrides: &Overrides) -> String {
        Settings::read(text, overrides).expect_err("it is wrong").to_string()
    }

    /// U-160
    #[test]
    fn an_empty_file_gives_the_documented_defaults() {
        let settings = Settings::read("", &Overrides::default()).expect("nothing is wrong");
        assert_eq!(settings, Settings::default());
        let shown = Settings::show("", &Overrides::default()).expect("nothing is wrong");
        let value = |key: &str| {
            let found = shown.iter().find(|shown| shown.key == key);
            found.map(|shown| shown.value.to_string()).expect("it is shown")
        };
        assert_eq!(value("listen.tcp"), r#"["/ip4/0.0.0.0/tcp/4270","/ip6/::/tcp/4270"]"#);
        for (key, text) in [
            ("admission.mode", r#""token""#),
            ("limits.connections", "1024"),
            ("limits.bytes_per_second", r#""32MiB""#),
            ("limits.store", r#""2GiB""#),
            ("limits.store_per_token", r#""100MiB""#),
            ("limits.envelope", r#""1MiB""#),
            ("limits.circuit_time", r#""12h""#),
            ("limits.age", r#""30d""#),
            ("observe.listen", r#""127.0.0.1:4271""#),
            ("log.level", r#""info""#),
        ] {
            assert_eq!(value(key), text);
        }
        assert!(shown.iter().all(|shown| shown.origin == "default"));
    }

    /// U-160
    #[test]
    fn the_file_of_the_documentation_can_be_read() {
        let text = r#"
            version = 1
            listen.tcp = ["/ip4/0.0.0.0/tcp/4270", "/ip6/::/tcp/4270"]
            listen.external = ["/dns4/relay.example.org/tcp/4270"]
            limits.store = "1GiB"
            card = { operator = "Hope", contact = "", country = "DE", hosting = "", statement = "" }
            observe = { listen = "", allow_remote = false }
        "#;
        let settings = Settings::read(text, &Overrides::default()).expect("nothing is wrong");
        assert_eq!(settings.limits.store, Size(1 << 30));
        assert_eq!(settings.external().len(), 1);
        assert_eq!(settings.card(5).operator, "Hope");
    }

    /// U-160
    #[test]
    fn an_unknown_key_or_a_value_that_cannot_be_meant_names_its_line() {
        for (text, said) in [
            ("version = 1\nlimits.stor = \"1GiB\"\n", "line 2"),
            ("\n\nlimits.store = \"many\"\n", "line 3"),
            ("limits.age = 30\n", "line 1"),
            ("admission.mode = \"secret\"\n", "line 1"),
            ("version = 2\n", "version"),
            ("listen.quic = [\"/ip4/0.0.0.0/udp/4270/quic-v1\"]\n", "QUIC"),
            ("listen.external = [\"203.0.113.7:4270\"]\n", "203.0.113.7:4270"),
            ("listen.external = [\"/ip4/0.0.0.0/tcp/4270\"]\n", "cannot be dialed"),
            ("listen.tcp = [\"/dns4/relay.example.org/tcp/4270\"]\n", "listen.tcp"),
            ("observe.listen = \"0.0.0.0:4271\"\n", "allow_remote"),
            ("limits.envelope = \"2MiB\"\n", "limits.envelope"),
            ("card.country = \"Germany\"\n", "country"),
        ] {
            let error = wrong(text, &Overrides::default());
            assert!(error.contains(said), "{error}");
        }
        assert!(Settings::read("listen.quic = []\n", &Overrides::default()).is_ok());
    }

    /// U-161
    #[test]
    fn flags_beat_variables_and_both_beat_the_file() {
        let text = "limits.store = \"1GiB\"\nlimits.age = \"7d\"\nlimits.circuits = 7\n";
        let mut overrides = flags(&["limits.store=3GiB", "listen.external=/ip4/127.0.0.1/tcp/1"]);
        let variables = [
            ("HEARTHLIGHT_RELAY_LIMITS__STORE", "2GiB"),
            ("HEARTHLIGHT_RELAY_LIMITS__AGE", "8d"),
            ("HEARTHLIGHT_RELAY_DIR", "not a key"),
            ("HEARTHLIGHT_HOME", "not of a relay"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        overrides.variables = Overrides::new(&[], variables).expect("each is a key").variables;
        let shown = Settings::show(text, &overrides).expect("nothing is wrong");
        let of = |key: &str| {
            let found = shown.iter().find(|shown| shown.key == key).expect("it is shown");
            (found.value.to_string(), found.origin.clone())
        };
        assert_eq!(of("limits.store"), ("\"3GiB\"".into(), "flag".into()));
        let variable = "HEARTHLIGHT_RELAY_LIMITS__AGE";
        assert_eq!(of("limits.age"), ("\"8d\"".into(), variable.into()));
        assert_eq!(of("limits.circuits"), ("7".into(), "relay.toml".into()));
        assert_eq!(of("limits.connections").1, "default");
        assert_eq!(of("listen.external").0, r#"["/ip4/127.0.0.1/tcp/1"]"#);
    }

    /// U-161
    #[test]
    fn a_flag_that_is_wrong_is_named() {
        for flag in ["limits.stor=1GiB", "limits.store=1", "limits.circuits=x", "version=1"] {
            let error = wrong("", &flags(&[flag]));
            assert!(error.contains("flag"), "{error}");
        }
        assert!(Overrides::new(&["limits.store".to_owned()], []).is_err());
    }

    /// U-80
    #[test]
    fn only_addresses_that_can_be_dialed_are_shown_to_members() {
        let external = |text: &str| {
            let settings = Settings::read(text, &Overrides::default()).expect("nothing is wrong");
            settings.external().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(external(""), [""; 0]);
        let local = "/ip4/127.0.0.1/tcp/4270";
        assert_eq!(external(&format!("listen.tcp = [\"{local}\"]")), [local]);
        let named = "/dns4/relay.example.org/tcp/443";
        let text = format!("listen.tcp = [\"{local}\"]\nlisten.external = [\"{named}\"]");
        assert_eq!(external(&text), [named]);
    }

    /// U-84
    #[test]
    fn a_new_card_leaves_the_rest_of_the_file_as_it_was() {
        let card = CardSettings {
            operator: "Hope \"and\" friends".to_owned(),
            statement: "Two\nlines".to_owned(),
            ..CardSettings::default()
        };
        let files = [
            "",
            "# mine\nversion = 1\ncard = { operator = \"Old\" }\nlimits.store = \"1GiB\"\n",
            "card.operator = \"Old\"\ncard.contact = \"x\"\n[limits]\nstore = \"1GiB\" # big\n",
            "version = 1\n[card]\noperator = \"Old\"\n\n[limits]\nstore = \"1GiB\"\n",
        ];
        for text in files {
            let changed = with_card(text, &card).expect("it can be changed");
            let settings = Settings::read(&changed, &Overrides::default()).expect("well-formed");
            assert_eq!(settings.card, card);
            assert_eq!(changed.contains("1GiB"), text.contains("1GiB"));
            assert_eq!(changed.contains('#'), text.contains('#'));
        }
        let odd = "card = { operator = \"\"\"a\nlimits.store = 1\n\"\"\" }\n";
        assert!(with_card(odd, &card).is_err());
    }

    /// U-80
    #[test]
    fn a_new_file_says_what_was_chosen_and_reads_as_that() {
        let mut settings = Settings::default();
        settings.listen.tcp = vec!["/ip4/127.0.0.1/tcp/4270".to_owned()];
        settings.card.operator = "Hope".to_owned();
        let text = new_text(&settings);
        let read = Settings::read(&text, &Overrides::default()).expect("well-formed");
        assert_eq!(read, settings);
        assert!(text.contains("# limits.store = \"2GiB\""));
    }
}
