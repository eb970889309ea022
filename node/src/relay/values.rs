//! Spans and sizes as people write them (U-3).

use serde::{Deserialize, Serialize};

/// A span of time in seconds: `90s 15m 24h 7d 2w`, or `0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub u64);

/// A number of bytes: `50MB` (10^6) or `50MiB` (2^20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(pub u64);

impl Span {
    /// Reads a span; `None` for a bare number or an unknown unit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self(0));
        }
        read(text, SPANS).map(Self)
    }

    /// Milliseconds.
    #[must_use]
    pub fn ms(self) -> u64 {
        self.0.saturating_mul(1000)
    }
}

impl Size {
    /// Reads a size; `None` for a bare number or an unknown unit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        read(text, SIZES).map(Self)
    }
}

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a span reads like 90s, 15m, 24h, 7d or 2w")
    }
}

impl TryFrom<String> for Size {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a size reads like 50MB or 50MiB")
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            seconds => write(f, seconds, SPANS),
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write(f, self.0, SIZES)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

/// A unit's letters and how many of the smallest it holds.
type Units = &'static [(&'static str, u64)];

const SPANS: Units = &[("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

const SIZES: Units = &[
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

fn read(text: &str, units: Units) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, each) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*each)
}

/// In the largest unit that leaves nothing over; weeks only where they were meant.
fn write(f: &mut std::fmt::Formatter<'_>, number: u64, units: Units) -> std::fmt::Result {
    let whole = units.iter().filter(|(name, _)| *name != "w");
    let mut fitting = whole.filter(|(_, each)| number.is_multiple_of(*each));
    let (name, each) = fitting.next().copied().unwrap_or(("", 1));
    write!(f, "{}{name}", number / each)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// U-3
    #[test]
    fn spans_and_sizes_need_a_unit() {
        let spans = [("90s", 90), ("15m", 900), ("24h", 86_400), ("2w", 1_209_600), ("0", 0)];
        for (text, seconds) in spans {
            assert_eq!(Span::parse(text), Some(Span(seconds)));
        }
        for (text, bytes) in [("50MB", 50_000_000), ("50MiB", 50 << 20), ("2GiB", 2 << 30)] {
            assert_eq!(Size::parse(text), Some(Size(bytes)));
        }
        for text in ["90", "", "s", "-1s", "1.5h", "1 h", "99999999999999999999s", "1y"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
        for text in ["50", "MB", "50mb", "18446744073709551615KB"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }

    /// U-3
    #[test]
    fn what_is_written_reads_as_it_was() {
        for seconds in [0, 1, 90, 3_600, 86_400, 2_592_000, 604_801] {
            assert_eq!(Span::parse(&Span(seconds).to_string()), Some(Span(seconds)));
        }
        for bytes in [1, 1000, 1 << 20, 2 << 30, 100 << 20, 123_456_789] {
            assert_eq!(Size::parse(&Size(bytes).to_string()), Some(Size(bytes)));
        }
        assert_eq!(
            (Span(2_592_000).to_string(), Size(2 << 30).to_string()),
            ("30d".into(), "2GiB".into())
        );
    }
}
