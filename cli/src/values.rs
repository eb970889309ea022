//! Values as people write them on the command line (U-3).
//!
//! Each reader answers with one sentence that says what was expected.

use std::time::Duration;

use jiff::{Timestamp, ZonedDateTime, civil, tz::TimeZone};

/// Reads `90s`, `15m`, `24h`, `7d` or `2w`; `0` alone is allowed.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const WANTED: &str = "A time span looks like 90s, 15m, 24h, 7d or 2w.";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let Some(unit) = text.chars().last() else {
        return Err(WANTED.to_owned());
    };
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        '0'..='9' => return Err(format!("It has no unit. {WANTED}")),
        _ => return Err(WANTED.to_owned()),
    };
    let digits = &text[..text.len() - unit.len_utf8()];
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(WANTED.to_owned());
    }
    digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(seconds))
        .filter(|seconds| *seconds <= LONGEST_SPAN_S)
        .map(Duration::from_secs)
        .ok_or_else(|| WANTED.to_owned())
}

/// Reads RFC 3339, `YYYY-MM-DD` (its first moment here), or `HH:MM` (today, here).
pub(crate) fn moment(text: &str, now: &ZonedDateTime) -> Result<Timestamp, String> {
    const WANTED: &str = "A time looks like 2026-11-23T18:02:00Z, 2026-11-23 or 18:02.";
    let zone: TimeZone = now.time_zone().clone();
    if text.len() > 10 {
        return text.parse().map_err(|_| WANTED.to_owned());
    }
    let local = if let Some((hour, minute)) = text.split_once(':') {
        let clock = two_digits(hour).zip(two_digits(minute));
        clock
            .and_then(|(hour, minute)| civil::Time::new(hour, minute, 0, 0).ok())
            .map(|time| now.date().to_datetime(time))
    } else {
        let date: Option<civil::Date> = text.parse().ok().filter(|_| text.len() == 10);
        date.map(|date| date.to_datetime(civil::Time::midnight()))
    };
    local
        .and_then(|local| local.to_zoned_datetime(zone).ok())
        .map(|zoned| zoned.timestamp())
        .ok_or_else(|| WANTED.to_owned())
}

/// Reads a moment in the past: a span before now, or a time.
pub(crate) fn since(text: &str) -> Result<Timestamp, String> {
    const WANTED: &str =
        "Give a time span such as 24h, or a time such as 2026-11-23, 18:02 or RFC 3339.";
    let now = ZonedDateTime::now();
    if let Ok(span) = duration(text) {
        let ms = i64::try_from(span.as_millis()).map_err(|_| WANTED.to_owned())?;
        let from = now.timestamp().as_millisecond().saturating_sub(ms).max(0);
        return Timestamp::from_millisecond(from).map_err(|_| WANTED.to_owned());
    }
    moment(text, &now).map_err(|_| WANTED.to_owned())
}

/// Reads a day.
pub(crate) fn day(text: &str) -> Result<civil::Date, String> {
    text.parse().map_err(|_| "A day looks like 2027-03-31.".to_owned())
}

/// Milliseconds since 1970 as U-9 writes times.
pub(crate) fn utc(ms: u64) -> String {
    let time = i64::try_from(ms).ok();
    let time = time.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

/// Reads `50MB` (10^6), `50MiB` (2^20) and the like into bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    const WANTED: &str = "A size looks like 50MB or 50MiB.";
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let unit: u64 = match &text[digits..] {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "" if digits > 0 => return Err(format!("It has no unit. {WANTED}")),
        _ => return Err(WANTED.to_owned()),
    };
    text[..digits]
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .ok_or_else(|| WANTED.to_owned())
}

/// Reads a pseudonym or label: 1 to 40 characters after trimming, one line.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    let shown = trimmed.chars().all(|c| !c.is_control() && !is_hidden(c));
    if trimmed.is_empty() || trimmed.chars().count() > 40 || trimmed.len() > 128 || !shown {
        return Err("A name has 1 to 40 characters, on one line.".to_owned());
    }
    Ok(trimmed.to_owned())
}

/// A port that others can be told: 0 names none (U-80).
pub(crate) fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| "A port is a number from 1 to 65535.".to_owned())
}

/// Reads a country by its two letters, as upper case.
pub(crate) fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("A country has two letters, such as US or AU.".to_owned())
    }
}

/// Whether a character steers the direction or breaks of lines without being seen itself.
pub(crate) fn is_hidden(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A span as people write it, in the largest unit that fits: `24h`, `30d`.
pub(crate) fn span(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    units
        .into_iter()
        // Up to two days people count hours.
        .find(|(unit, length)| {
            seconds > 0 && seconds.is_multiple_of(*length) && (*unit != "d" || seconds > 2 * length)
        })
        .map_or_else(
            || format!("{seconds}s"),
            |(unit, length)| format!("{}{unit}", seconds / length),
        )
}

/// Bytes as people write them: `12 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{} KiB", count >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", count >> 20),
        _ => format!("{} GiB", count >> 30),
    }
}

fn two_digits(text: &str) -> Option<i8> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// A hundred years; a longer span is a slip of the finger.
const LONGEST_SPAN_S: u64 = 100 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> ZonedDateTime {
        "2026-11-23T12:00:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("2w"), Ok(Duration::from_secs(1_209_600)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "5", "m", "-5m", "5 m", "1.5h", "5x", "+5m", "99999999999999w", "5µ"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(duration("5").unwrap_err().contains("no unit"));
    }

    #[test]
    fn times_are_read_in_three_forms() {
        let at = |text| moment(text, &noon()).map(|t| t.to_string());
        assert_eq!(at("2026-11-23T18:02:11.204Z").unwrap(), "2026-11-23T18:02:11.204Z");
        assert_eq!(at("2026-11-23").unwrap(), "2026-11-22T23:00:00Z");
        assert_eq!(at("18:02").unwrap(), "2026-11-23T17:02:00Z");
        for wrong in ["", "25:00", "18", "18:2x", "2026-13-01", "2026-11", "yesterday at noon"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_count_in_tens_or_in_twos() {
        assert_eq!(size("50MB"), Ok(50_000_000));
        assert_eq!(size("50MiB"), Ok(52_428_800));
        for wrong in ["", "50", "MB", "5mb", "-5MB", "99999999999GiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_short_and_can_be_seen() {
        assert_eq!(name("  Heron "), Ok("Heron".to_owned()));
        assert!(name(&"a".repeat(40)).is_ok());
        for wrong in ["", "   ", "a\nb", "a\u{202e}b", "a\u{1b}[2Jb"] {
            assert!(name(wrong).is_err());
        }
        assert!(name(&"a".repeat(41)).is_err());
    }

    #[test]
    fn spans_and_bytes_are_written_shortly() {
        assert_eq!(span(86_400), "24h");
        assert_eq!(span(2_592_000), "30d");
        assert_eq!(span(90), "90s");
        assert_eq!(bytes(12 << 20), "12 MiB");
    }
}
