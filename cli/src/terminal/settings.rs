//! What a person chose for this computer (U-13), as far as the chat shows and follows it.

use hyper::Method;
use jiff::ZonedDateTime as Zoned;
use serde_json::{Value, json};

use super::{
    effect::{Ask, Effect, What},
    help::Card,
    panels::{Line, picked_line, plain},
    state::{Circle, Panel, State},
    talk::Tone,
};
use crate::{
    client::Asker,
    node::config::{Notify, NotifyMode},
    strings::Catalogue,
};

/// A setting that is shown, and what Enter goes through.
struct Row {
    key: &'static str,
    text: &'static str,
    choices: &'static [Choice],
}

/// A value, and how it is called.
struct Choice {
    value: Option<&'static str>,
    text: &'static str,
}

/// Opens the screen of all settings.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    state.open_panel(Panel::Settings(0));
    vec![ask()]
}

/// Fetches all settings.
pub(super) fn ask() -> Effect {
    Effect::get(What::Settings, PATH.to_owned())
}

/// Gives a setting another value; none: as usual again.
pub(super) fn set(state: &State, key: &str, value: Option<&str>) -> Effect {
    let yes_or_no = state.settings["defaults"][key].is_boolean();
    let value = match value {
        Some("true") if yes_or_no => json!(true),
        Some("false") if yes_or_no => json!(false),
        other => json!(other),
    };
    Effect::Ask(Ask {
        what: What::SettingSaved,
        method: Method::PATCH,
        path: PATH.to_owned(),
        body: json!({key: value}),
        asker: Asker::Person,
    })
}

/// Follows what the settings are now.
pub(super) fn learn(state: &mut State, answer: &Value) {
    let text = |key: &str| answer[key].as_str();
    let changed = |key: &str| state.settings[key] != answer[key];
    let (country, language) = (changed("country"), changed("language"));
    if country {
        state.help = Card::of(text("country"));
    }
    if language {
        state.texts = Catalogue::chosen(text("language"));
    }
    let mode = serde_json::from_value(answer["notify.mode"].clone()).unwrap_or_default();
    let quiet = text("notify.quiet").and_then(|hours| hours.to_owned().try_into().ok());
    state.notify = Notify { mode, quiet };
    state.settings = answer.clone();
}

/// Whether something new in a circle may be heard (U-180).
pub(super) fn rings(notify: &Notify, circle: &Circle) -> bool {
    let bell = match circle.notify.as_str() {
        "bell" => true,
        "default" | "" => notify.mode == NotifyMode::Bell,
        _ => false,
    };
    bell && !circle.muted
}

/// Whether no notice is given now (U-181).
pub(super) fn is_quiet(notify: &Notify, now: &Zoned) -> bool {
    notify.quiet.as_ref().is_some_and(|quiet| {
        let hour = u16::try_from(now.hour()).unwrap_or_default();
        let minute = hour * 60 + u16::try_from(now.minute()).unwrap_or_default();
        match quiet.from <= quiet.to {
            true => (quiet.from..quiet.to).contains(&minute),
            // Across midnight.
            false => minute >= quiet.from || minute < quiet.to,
        }
    })
}

/// The screen of settings.
pub(super) fn lines(state: &State, picked: usize) -> Vec<Line> {
    if state.settings.is_null() {
        return Vec::new();
    }
    let line = |(at, row): (usize, &Row)| {
        let told = [("value", shown(state, row).into())];
        picked_line(&state.texts.say(row.text, &told), at == picked)
    };
    let mut lines: Vec<Line> = ROWS.iter().enumerate().map(line).collect();
    lines.push((String::new(), Tone::Plain));
    lines.push(plain(state.texts.plain("settings-keys")));
    lines.push(plain(state.texts.plain("settings-other")));
    lines
}

/// The value of a row, as it is called; one that was typed stands for itself.
fn shown(state: &State, row: &Row) -> String {
    let value = current(state, row.key);
    match row.choices.iter().find(|choice| choice.value == value.as_deref()) {
        Some(choice) => state.texts.plain(choice.text),
        None => state.fields(&state.settings).text(row.key),
    }
}

fn current(state: &State, key: &str) -> Option<String> {
    match &state.settings[key] {
        Value::Bool(yes) => Some(yes.to_string()),
        other => other.as_str().map(str::to_owned),
    }
}

/// The next choice of a row.
pub(super) fn next(state: &State, at: usize) -> Vec<Effect> {
    let Some(row) = ROWS.get(at) else { return Vec::new() };
    if state.settings.is_null() {
        return Vec::new();
    }
    let value = current(state, row.key);
    let at = row.choices.iter().position(|choice| choice.value == value.as_deref());
    let next = at.map_or(0, |at| (at + 1) % row.choices.len());
    vec![set(state, row.key, row.choices[next].value)]
}

/// How many rows can be picked.
pub(super) fn count() -> usize {
    ROWS.len()
}

const fn is(value: &'static str, text: &'static str) -> Choice {
    Choice { value: Some(value), text }
}

const fn none(text: &'static str) -> Choice {
    Choice { value: None, text }
}

const ROWS: &[Row] = &[
    Row {
        key: "language",
        text: "setting-language",
        choices: &[none("language-terminal"), is("en", "language-en"), is("es", "language-es")],
    },
    Row {
        key: "country",
        text: "setting-country",
        choices: &[none("country-none"), is("AU", "country-au"), is("US", "country-us")],
    },
    Row {
        key: "lock.after",
        text: "setting-lock",
        choices: &[
            is("5m", "lock-5m"),
            is("15m", "lock-15m"),
            is("1h", "lock-1h"),
            is("4h", "lock-4h"),
            is("never", "lock-never"),
        ],
    },
    Row {
        key: "notify.mode",
        text: "setting-notify",
        choices: &[is("mark", "notify-mark"), is("bell", "notify-bell"), is("off", "notify-off")],
    },
    Row {
        key: "notify.quiet",
        text: "setting-quiet",
        choices: &[none("quiet-none"), is("22:00-07:00", "quiet-night")],
    },
    Row {
        key: "page.hide_keys",
        text: "setting-hide-keys",
        choices: &[is("true", "hide-keys-on"), is("false", "hide-keys-off")],
    },
];

const PATH: &str = "/v1/config";

#[cfg(test)]
mod tests {
    use jiff::{civil::date, tz::TimeZone};

    use super::*;

    fn notify(mode: NotifyMode, quiet: Option<&str>) -> Notify {
        Notify { mode, quiet: quiet.map(|span| span.to_owned().try_into().unwrap()) }
    }

    /// U-180, U-39
    #[test]
    fn a_bell_rings_only_where_it_is_wanted() {
        let circle =
            |notify: &str, muted| Circle { notify: notify.to_owned(), muted, ..Circle::default() };
        let (bell, mark) = (notify(NotifyMode::Bell, None), notify(NotifyMode::Mark, None));
        for (home, own, muted, heard) in [
            (&mark, "default", false, false),
            (&bell, "default", false, true),
            (&bell, "default", true, false),
            (&bell, "off", false, false),
            (&bell, "mark", false, false),
            (&mark, "bell", false, true),
            (&mark, "bell", true, false),
        ] {
            assert_eq!(rings(home, &circle(own, muted)), heard, "{home:?} {own} {muted}");
        }
    }

    /// U-181
    #[test]
    fn quiet_hours_go_across_midnight() {
        let at = |hour: i8, minute: i8| {
            date(2026, 11, 23).at(hour, minute, 0, 0).to_zoned_datetime(TimeZone::UTC).unwrap()
        };
        let night = notify(NotifyMode::Bell, Some("22:00-07:00"));
        for (hour, minute, quiet) in [(21, 59, false), (22, 0, true), (3, 0, true), (7, 0, false)] {
            assert_eq!(is_quiet(&night, &at(hour, minute)), quiet, "{hour}:{minute}");
        }
        let noon = notify(NotifyMode::Bell, Some("12:00-13:00"));
        assert!(is_quiet(&noon, &at(12, 30)) && !is_quiet(&noon, &at(13, 0)));
    }
}
