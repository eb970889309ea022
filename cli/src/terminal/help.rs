//! Help now (U-55, U-121): the numbers of one country, or the countries to choose from.
//!
//! From the shipped packs, as the page gets them: no node, no passphrase and no network.

use serde_json::Value;

use crate::{fields::Fields, strings::Catalogue, verbs::help_now};

/// What is shown under `help now`: the answer of `GET /v1/help`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card(Value);

impl Card {
    /// The card of a country; the choice of one where there is none, or no pack for it.
    pub(crate) fn of(country: Option<&str>) -> Self {
        Self(help_now::as_json(country).unwrap_or_default())
    }

    /// Whether a country has to be chosen first: nothing is guessed.
    pub(crate) fn asks_country(&self) -> bool {
        self.0["country"].is_null()
    }

    /// Whether a person has checked these numbers.
    pub(crate) fn is_checked(&self) -> bool {
        self.0["checked"] == true
    }

    /// How many digits choose something.
    pub(crate) fn choices(&self) -> usize {
        let items = self.0[if self.asks_country() { "countries" } else { "items" }].as_array();
        items.map_or(0, Vec::len).min(MOST)
    }

    /// The card of the country that digit `at` stands for.
    pub(crate) fn country(&self, at: usize) -> Self {
        Self::of(self.0["countries"][at].as_str())
    }

    /// One line a choice.
    pub(crate) fn lines(&self, texts: &Catalogue) -> Vec<String> {
        let numbered = |(at, line): (usize, String)| format!("{}  {line}", at + 1);
        let zone = jiff::tz::TimeZone::UTC;
        let card = Fields::new(&self.0, &zone);
        if self.asks_country() {
            let named = card.list("countries").into_iter().map(|code| country_name(texts, code));
            return named.take(MOST).enumerate().map(numbered).collect();
        }
        let line = |item: Fields<'_>| format!("{}  {}", reach(texts, item), item.text("service"));
        card.each("items").into_iter().take(MOST).map(line).enumerate().map(numbered).collect()
    }

    /// How to reach the line at `at`, and what is known of it.
    pub(crate) fn details(&self, texts: &Catalogue, at: usize) -> Option<(String, Vec<String>)> {
        let zone = jiff::tz::TimeZone::UTC;
        let item = Fields::new(self.0["items"].get(at)?, &zone);
        let mut lines = vec![item.text("service"), item.text("hours")];
        lines.extend(item.maybe("cost"));
        let date = [("date", item.text("checked_on").into())];
        lines.push(match item.flag("old") {
            true => texts.say("help-old", &date),
            false => texts.say("help-read-on", &date),
        });
        Some((reach(texts, item), lines))
    }
}

/// `call 988`, `text HOME to 741741`.
fn reach(texts: &Catalogue, item: Fields<'_>) -> String {
    let number = item.text("number");
    match (item.text("channel").as_str(), item.maybe("say")) {
        ("text", Some(word)) => {
            texts.say("help-text-word", &[("word", word.into()), ("number", number.into())])
        }
        ("text", None) => texts.say("help-text", &[("number", number.into())]),
        ("web", _) => number,
        _ => texts.say("help-call", &[("number", number.into())]),
    }
}

fn country_name(texts: &Catalogue, code: String) -> String {
    match code.as_str() {
        "AU" => texts.plain("country-au"),
        "US" => texts.plain("country-us"),
        _ => code,
    }
}

/// U-121
const MOST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_of_a_country_has_its_numbers_and_a_digit_each() {
        let texts = Catalogue::of(Some("en"));
        let card = Card::of(Some("US"));
        let lines = card.lines(&texts);
        assert_eq!(lines.len(), card.choices());
        assert_eq!(lines[0], "1  call 988  988 Suicide & Crisis Lifeline");
        assert!(lines.iter().any(|line| line.contains("text HOME to 741741")));
        let (reach, details) = card.details(&texts, 0).unwrap();
        assert_eq!((reach.as_str(), details[1].as_str()), ("call 988", "24 hours"));
        assert_eq!(card.details(&texts, 9), None);
    }

    #[test]
    fn without_a_country_nothing_is_guessed() {
        let texts = Catalogue::of(Some("en"));
        assert_eq!(Card::of(None).lines(&texts), ["1  Australia", "2  United States"]);
        assert!(Card::of(Some("XX")).asks_country());
        assert_eq!(Card::of(None).country(1), Card::of(Some("US")));
    }
}
