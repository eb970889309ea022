//! `config.toml` (U-13).
//!
//! What a person chose, in words that they can read and change. An unknown key or a value that cannot be
//! meant is an error that names its line; nothing is guessed.
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::NodeError;

/// The settings of a home.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The name given at set-up: only a suggestion for pseudonyms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The language of all texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The country whose help lines are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// The lock.
    #[serde(skip_serializing_if = "is_default")]
    pub lock: Lock,
    /// Notices.
    #[serde(skip_serializing_if = "is_default")]
    pub notify: Notify,
    /// The local page.
    #[serde(skip_serializing_if = "is_default")]
    pub page: Page,
    /// The network.
    #[serde(skip_serializing_if = "is_default")]
    pub network: Network,
}

/// `lock.*` (U-182).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lock {
    /// After how long without a person the home locks itself.
    pub after: LockAfter,
}

/// `notify.*` (U-180, U-181).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// How a person is told that something is new.
    pub mode: NotifyMode,
    /// When they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
}

/// How a person is told that something is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotifyMode {
    /// Not at all.
    Off,
    /// A mark on the page.
    #[default]
    Mark,
    /// The terminal's bell.
    Bell,
    /// A notice of the desktop.
    Desktop,
}

/// `page.*` (U-118, U-122, U-123).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    /// The title of the tab.
    pub title: Name,
    /// What Hide shows.
    pub away: Away,
    /// Whether Shift three times hides the page.
    pub hide_keys: bool,
    /// Whether the browser may check spelling, and so may send text elsewhere.
    pub spellcheck: bool,
}

/// What Hide shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Away {
    /// An unsaved text box.
    #[default]
    Notes,
    /// Nothing.
    Blank,
}

/// `network.*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// The SOCKS5 proxy that everything goes through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

impl Config {
    /// Reads the text of a `config.toml`.
    ///
    /// # Errors
    ///
    /// [`NodeError::Config`] with the line and what is wrong in it.
    pub fn parse(text: &str) -> Result<Self, NodeError> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
            NodeError::Config(format!("config.toml, line {line}: {}", error.message()))
        })
    }

    /// The text of a `config.toml`; what is as usual is left out.
    #[must_use]
    pub fn to_text(&self) -> String {
        toml::to_string(self).expect("a configuration has only tables, texts and flags")
    }
}

impl Default for Page {
    fn default() -> Self {
        Self {
            title: Name("Notes".into()),
            away: Away::default(),
            hide_keys: true,
            spellcheck: false,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                $check(text.trim()).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

text!(
    /// A name of 1 to 40 characters on one line (U-3).
    Name,
    name
);
text!(
    /// A language tag, such as `en` or `pt-BR`.
    Language,
    language
);
text!(
    /// A country by its two letters, such as `DE`.
    Country,
    country
);
text!(
    /// `HOST:PORT` of a SOCKS5 proxy.
    Proxy,
    proxy
);

fn name(text: &str) -> Result<String, &'static str> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !(1..=40).contains(&text.chars().count()) || text.len() > 128 || text.contains(hidden) {
        return Err("a name has 1 to 40 characters, on one line");
    }
    Ok(text.to_owned())
}

fn language(text: &str) -> Result<String, &'static str> {
    let fits = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let starts = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    if starts < 2 || text.len() > 35 || !text.split('-').all(fits) {
        return Err("a language is a tag like en or pt-BR");
    }
    Ok(text.to_owned())
}

fn country(text: &str) -> Result<String, &'static str> {
    if text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err("a country is two letters, like DE");
    }
    Ok(text.to_ascii_uppercase())
}

fn proxy(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "a proxy is HOST:PORT, like 127.0.0.1:9050";
    let (host, port) = text.rsplit_once(':').ok_or(WRONG)?;
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match inside {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    };
    match port.parse::<u16>() {
        Ok(1..) if host_fits => Ok(text.to_owned()),
        _ => Err(WRONG),
    }
}

/// After how long without a person the home locks itself: a duration of U-3, or `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LockAfter(pub Option<Duration>);

impl Default for LockAfter {
    /// 15 minutes, a guess (U-182).
    fn default() -> Self {
        Self(Some(Duration::from_secs(15 * 60)))
    }
}

impl TryFrom<String> for LockAfter {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "lock.after is a duration like 90s, 15m or 24h, or never";
        match text.as_str() {
            "never" => return Ok(Self(None)),
            "0" => return Ok(Self(Some(Duration::ZERO))),
            _ => {}
        }
        let seconds = UNITS
            .iter()
            .find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, seconds)))
            .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|(number, seconds)| number.parse::<u64>().ok()?.checked_mul(*seconds));
        Ok(Self(Some(Duration::from_secs(seconds.ok_or(WRONG)?))))
    }
}

impl From<LockAfter> for String {
    fn from(LockAfter(after): LockAfter) -> Self {
        let Some(seconds) = after.map(|after| after.as_secs()) else {
            return "never".into();
        };
        UNITS
            .iter()
            .find(|(_, unit)| seconds > 0 && seconds % unit == 0)
            .map_or_else(|| "0".into(), |(name, unit)| format!("{}{name}", seconds / unit))
    }
}

/// Longest first, as they are written.
const UNITS: [(char, u64); 5] =
    [('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Hours of the local day without notices, across midnight if they end before they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QuietHours {
    /// The first minute of the day that is quiet.
    pub from: u16,
    /// The first that is not any more.
    pub to: u16,
}

impl TryFrom<String> for QuietHours {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "notify.quiet is a span like 22:00-07:00";
        let minutes = |time: &str| -> Option<u16> {
            let (hours, minutes) = time.split_once(':')?;
            if hours.len() != 2 || minutes.len() != 2 {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let (from, to) = text.split_once('-').ok_or(WRONG)?;
        minutes(from).zip(minutes(to)).map(|(from, to)| Self { from, to }).ok_or(WRONG)
    }
}

impl From<QuietHours> for String {
    fn from(hours: QuietHours) -> Self {
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        format!("{}-{}", clock(hours.from), clock(hours.to))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const ALL: &str = r#"
name = "Anna"
language = "pt-BR"
country = "de"

[lock]
after = "24h"

[notify]
mode = "bell"
quiet = "22:00-07:00"

[page]
title = "Lists"
away = "blank"
hide_keys = false
spellcheck = true

[network]
proxy = "[::1]:9050"
"#;

    #[test]
    fn every_key_is_read_and_written_back() {
        let config = Config::parse(ALL).unwrap();
        assert_eq!(config.lock.after, LockAfter(Some(Duration::from_secs(86_400))));
        assert_eq!(config.notify.quiet, Some(QuietHours { from: 22 * 60, to: 7 * 60 }));
        assert_eq!(config.country.as_ref().map(Country::as_str), Some("DE"));
        assert_eq!(Config::parse(&config.to_text()).unwrap(), config);
        assert!(config.to_text().contains("after = \"1d\""));
    }

    #[test]
    fn nothing_chosen_is_an_empty_file() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        assert_eq!(Config::default().to_text(), "");
        assert_eq!(Config::default().page.title.as_str(), "Notes");
    }

    #[test]
    fn dotted_keys_do_as_well_as_tables() {
        let config = Config::parse("lock.after = \"never\"").unwrap();
        assert_eq!(config.lock.after, LockAfter(None));
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_without_the_rest_of_the_file() {
        for (text, line) in [
            ("name = \"Anna\"\ncolour = 1\n", 2),
            ("name = \"Anna\"\n\n[lock]\nafter = \"15\"\n", 4),
            ("[lock]\nbefore = \"15m\"\n", 2),
            ("[notify]\nmode = \"loud\"\n", 2),
            ("[notify]\nquiet = \"22:00-24:30\"\n", 2),
            ("[page]\nspellcheck = \"no\"\n", 2),
            ("[network]\nproxy = \"localhost\"\n", 2),
            ("country = \"Germany\"\n", 1),
            ("language = \"\"\n", 1),
            ("name = \"two\\nlines\"\n", 1),
            ("name = \"Anna\"\n = \n", 2),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.kind(), "usage");
            let said = error.to_string();
            assert!(said.starts_with(&format!("config.toml, line {line}: ")), "{said}");
            assert!(!said.contains("Anna"), "{said}");
        }
    }
}
