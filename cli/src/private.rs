//! Whether a text looks as if it told where somebody lives or can be reached (U-45).
//!
//! A look at the shape, on this computer alone. What it misses is said unasked, and what it takes
//! wrongly costs one question.

/// Whether there is something like a phone number, an e-mail or a street address in `text`.
pub(crate) fn looks_private(text: &str) -> bool {
    has_phone_number(text) || text.split_whitespace().any(is_email) || has_street(text)
}

/// At least [`PHONE_DIGITS`] digits with nothing but the usual signs between them.
fn has_phone_number(text: &str) -> bool {
    let mut digits = 0;
    for letter in text.chars() {
        match letter {
            '0'..='9' => digits += 1,
            ' ' | '-' | '.' | '/' | '(' | ')' | '+' => {}
            _ => digits = 0,
        }
        if digits >= PHONE_DIGITS {
            return true;
        }
    }
    false
}

fn is_email(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.split_once('@').is_some_and(|(name, host)| {
        let end = host.rsplit_once('.').map(|(_, end)| end);
        !name.is_empty() && end.is_some_and(|end| end.len() >= 2)
    })
}

/// A word for a street beside a house number: `12 Elm Street`, `Lindenstrasse 4`, `4 rue Haute`.
fn has_street(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &&str| {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
        (1..=5).contains(&digits.len())
            && word.len() - digits.len() <= 1
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    words.iter().enumerate().any(|(at, word)| {
        let street = STREETS.contains(word) || STREET_ENDS.iter().any(|end| word.ends_with(end));
        let near = &words[at.saturating_sub(3)..(at + 3).min(words.len())];
        street && near.iter().any(is_number)
    })
}

/// A local number has six or seven digits, a date eight at most; a guess between them.
const PHONE_DIGITS: usize = 7;
/// The usual words of streets. A guess at what is common.
const STREETS: [&str; 9] =
    ["street", "avenue", "road", "lane", "boulevard", "rue", "calle", "via", "allee"];
const STREET_ENDS: [&str; 3] = ["strasse", "straße", "weg"];

#[cfg(test)]
mod tests {
    use super::*;

    /// U-45
    #[test]
    fn private_details_are_noticed_and_talk_is_not() {
        for text in [
            "call me at +49 170 1234567",
            "555-010-9999",
            "write to heron@example.org.",
            "I live at 12 Elm Street",
            "Lindenstraße 4b, second floor",
            "4 rue Haute",
        ] {
            assert!(looks_private(text), "{text}");
        }
        for text in [
            "made it to day four",
            "9 months, 3 weeks and 2 days",
            "meet @ 7",
            "day 365",
            "room 101 at 19:30",
        ] {
            assert!(!looks_private(text), "{text}");
        }
    }
}
