//! The fields of an API object on their way to plain output.
//!
//! The one door from JSON to the screen: text that was read through [`Fields`] has lost
//! its control and direction characters (U-10), and its times are local.

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};
use serde_json::Value;

use crate::values::is_hidden;

/// An API object, to be shown to a person. Missing and `null` fields read as nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    value: &'a Value,
    zone: &'a TimeZone,
}

impl<'a> Fields<'a> {
    /// Shows `value` with times in `zone`.
    pub(crate) fn new(value: &'a Value, zone: &'a TimeZone) -> Self {
        Self { value, zone }
    }

    /// One line of text, empty where there is none.
    pub(crate) fn text(self, key: &str) -> String {
        self.maybe(key).unwrap_or_default()
    }

    /// One line of text.
    pub(crate) fn maybe(self, key: &str) -> Option<String> {
        self.value.get(key)?.as_str().map(one_line)
    }

    /// Text of several lines, all but the first indented by four.
    pub(crate) fn long(self, key: &str) -> String {
        self.value.get(key).and_then(Value::as_str).map(indented).unwrap_or_default()
    }

    /// A number; nothing counts as 0.
    pub(crate) fn count(self, key: &str) -> u64 {
        self.maybe_count(key).unwrap_or_default()
    }

    /// A number.
    pub(crate) fn maybe_count(self, key: &str) -> Option<u64> {
        self.value.get(key)?.as_u64()
    }

    /// Whether a field is true.
    pub(crate) fn flag(self, key: &str) -> bool {
        self.yes_or_no(key).unwrap_or_default()
    }

    /// A field that is true or false, where it is either.
    pub(crate) fn yes_or_no(self, key: &str) -> Option<bool> {
        self.value.get(key)?.as_bool()
    }

    /// A list of texts, each one line.
    pub(crate) fn list(self, key: &str) -> Vec<String> {
        let items = self.value.get(key).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(one_line).collect()
    }

    /// The object in a field.
    pub(crate) fn inner(self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| value.is_object())?;
        Some(Self { value, ..self })
    }

    /// The objects in a field.
    pub(crate) fn each(self, key: &str) -> Vec<Self> {
        let items = self.value.get(key).and_then(Value::as_array);
        items.into_iter().flatten().map(|value| Self { value, ..self }).collect()
    }

    /// The first `digits` of an id.
    pub(crate) fn short_id(self, key: &str, digits: usize) -> String {
        self.text(key).chars().take(digits).collect()
    }

    /// A time, here.
    pub(crate) fn time(self, key: &str) -> Option<ZonedDateTime> {
        let text = self.value.get(key)?.as_str()?;
        let time: Timestamp = text.parse().ok()?;
        Some(time.to_zoned_datetime(self.zone.clone()))
    }

    /// `19:02`, or nothing.
    pub(crate) fn clock(self, key: &str) -> Option<String> {
        self.time(key).map(|time| time.strftime("%H:%M").to_string())
    }

    /// `Wed 25 Nov 18:00`, or nothing.
    pub(crate) fn weekday_clock(self, key: &str) -> Option<String> {
        self.time(key).map(|time| time.strftime("%a %-d %b %H:%M").to_string())
    }

    /// `2 Nov`, from a time or a plain date, or nothing.
    pub(crate) fn day(self, key: &str) -> Option<String> {
        if let Some(time) = self.time(key) {
            return Some(time.strftime("%-d %b").to_string());
        }
        let date: jiff::civil::Date = self.value.get(key)?.as_str()?.parse().ok()?;
        Some(date.strftime("%-d %b").to_string())
    }

    /// How far a message came: `waiting`, `relayed` or `received by 2 of 5`.
    pub(crate) fn mark(self) -> Option<String> {
        let mark = self.maybe("mark")?;
        if mark != "received" {
            return Some(mark);
        }
        Some(format!("received by {} of {}", self.count("received_by"), self.count("members")))
    }
}

/// Text without what steers a terminal, on one line.
pub(crate) fn one_line(text: &str) -> String {
    let spaced = text
        .chars()
        .map(|c| if matches!(c, '\n' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c });
    spaced.filter(|c| !c.is_control() && !is_hidden(*c)).collect()
}

/// Text without what steers a terminal; each line after the first begins with four spaces,
/// so that no message can look like the next one's author.
pub(crate) fn indented(text: &str) -> String {
    let lines = text.split(['\n', '\u{2028}', '\u{2029}']).map(one_line);
    lines.collect::<Vec<_>>().join("\n    ")
}

/// `1 member`, `6 members`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Fields two spaces apart, without the empty ones.
pub(crate) fn spaced(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\u{1b}[2Jb\u{7}\u{9b}c\r\nd"), "a[2Jbc d");
        assert_eq!(one_line("\u{202e}abc\u{2066}\u{200f}"), "abc");
        assert_eq!(indented("one\r\ntwo\u{2028}Heron: three"), "one\n    two\n    Heron: three");
    }

    #[test]
    fn missing_fields_read_as_nothing() {
        let value = serde_json::json!({"v": 1, "a": null});
        let zone = TimeZone::UTC;
        let fields = Fields::new(&value, &zone);
        assert_eq!(fields.text("a"), "");
        assert_eq!(fields.count("b"), 0);
        assert!(fields.list("c").is_empty());
        assert_eq!(fields.clock("d"), None);
    }

    #[test]
    fn times_are_local() {
        let value = serde_json::json!({"at": "2026-11-25T17:00:00.000Z", "on": "2026-11-02"});
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let fields = Fields::new(&value, &zone);
        assert_eq!(fields.clock("at").unwrap(), "18:00");
        assert_eq!(fields.weekday_clock("at").unwrap(), "Wed 25 Nov 18:00");
        assert_eq!(fields.day("on").unwrap(), "2 Nov");
    }

    #[test]
    fn lists_read_as_people_say_them() {
        let names = |n: usize| ["a", "b", "c"].map(String::from)[..n].to_vec();
        assert_eq!(listed(&names(1)), "a");
        assert_eq!(listed(&names(2)), "a and b");
        assert_eq!(listed(&names(3)), "a, b and c");
        assert_eq!(counted(1, "member", "members"), "1 member");
        assert_eq!(spaced(&["a", "", "b"]), "a  b");
    }
}
