//! `help-now`: numbers to call or text right now (U-55, D-63 to D-67).
//!
//! Needs nothing: no home, no node, no passphrase, no network. Static text; nothing opens it
//! unasked, and nothing looks at what members write.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    advice::Failure,
    context::Context,
    fields::{Fields, spaced},
    values,
};

pub(crate) fn help_now(
    context: &Context,
    country: Option<&str>,
    circle: Option<&str>,
) -> Result<(), Failure> {
    let packs = packs()?;
    if circle.is_some() {
        context.output.hint(match context.home().is_ok_and(|home| home.is_set_up()) {
            true => "Circles cannot keep numbers of their own yet.",
            false => "There is no circle here yet. These numbers are for everybody.",
        });
    }
    let of = |country: &str| packs.iter().find(|pack| pack.country == country);
    let Some(country) = country else {
        let chosen = chosen_country(context);
        return match chosen.as_deref().map(of) {
            Some(Some(pack)) => show_card(context, pack),
            // Whoever asks for help is not sent away.
            _ => show_countries(context, &packs),
        };
    };
    let Some(pack) = of(country) else {
        let names = packs.iter().map(|pack| format!("{}  {}", pack.country, pack.name)).collect();
        return Err(Failure::of("no-match")
            .saying(format!("There are no numbers for {country} yet. {IN_DANGER}"))
            .advising("Choose one of these countries:")
            .offering(names));
    };
    show_card(context, pack)
}

/// The numbers of a country as the page gets them (U-121); of none, where there is no pack for it.
pub(crate) fn as_json(country: Option<&str>) -> Option<Value> {
    let packs = packs().ok()?;
    let wished = country.and_then(|country| values::country(country).ok());
    let pack = packs.iter().find(|pack| Some(&pack.country) == wished.as_ref());
    let today = today();
    let lines = pack.map(|pack| pack.line.iter().map(|line| line.object(pack, today)).collect());
    Some(json!({
        "v": 1,
        "country": pack.map(|pack| &pack.country),
        "countries": packs.iter().map(|pack| &pack.country).collect::<Vec<_>>(),
        "checked": pack.is_some_and(|pack| pack.status == "checked"),
        "items": lines.unwrap_or_else(Vec::new),
    }))
}

/// The countries that have a pack.
pub(super) fn countries() -> Result<Vec<String>, Failure> {
    Ok(packs()?.into_iter().map(|pack| pack.country).collect())
}

fn show_card(context: &Context, pack: &Pack) -> Result<(), Failure> {
    let output = &context.output;
    let today = today();
    if output.is_json() {
        return pack
            .line
            .iter()
            .try_for_each(|line| output.object(&line.object(pack, today), |_| String::new()));
    }
    output.line("You are not in the way. Choose one:")?;
    for (number, line) in pack.line.iter().take(PAGE).enumerate() {
        let object = line.object(pack, today);
        output.line(&format!("{}  {}", number + 1, plain(output.fields(&object), line)))?;
    }
    if pack.status != "checked" {
        output.line("A person has not checked these numbers yet.")?;
    }
    output.line(IN_DANGER)?;
    output.line("")?;
    output.line(CARD)
}

/// Without a country nothing is guessed: the member chooses.
fn show_countries(context: &Context, packs: &[Pack]) -> Result<(), Failure> {
    let output = &context.output;
    if output.is_json() {
        return packs.iter().try_for_each(|pack| show_card(context, pack));
    }
    output.line("Choose your country:")?;
    for pack in packs {
        output.line(&spaced(&[
            &pack.country,
            &pack.name,
            &format!("hearthlight help-now --country {}", pack.country),
        ]))?;
    }
    output.line(IN_DANGER)
}

fn plain(fields: Fields<'_>, line: &Line) -> String {
    let number = fields.text("number");
    let reach = match (fields.text("channel").as_str(), &line.say) {
        ("text", Some(say)) => format!("text {say} to {number}"),
        (channel, _) => format!("{channel} {number}"),
    };
    let checked = fields.day("checked_on").unwrap_or_default();
    let year = line.checked_on.date.map(|date| date.year).unwrap_or_default();
    let checked = if fields.flag("old") {
        format!("Checked on {checked} {year}. It may be out of date.")
    } else {
        format!("read {checked} {year}")
    };
    spaced(&[&fields.text("service"), &reach, &fields.text("hours"), &checked])
}

/// The country that was chosen at set-up. Read without the node, and whatever else stands there:
/// the card comes up all the same.
fn chosen_country(context: &Context) -> Option<String> {
    let text = std::fs::read_to_string(context.home_folder().ok()?.join("config.toml")).ok()?;
    let config: toml::Table = text.parse().ok()?;
    values::country(config.get("country")?.as_str()?).ok()
}

fn packs() -> Result<Vec<Pack>, Failure> {
    let read = |text: &&str| toml::from_str(text);
    PACKS
        .iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::of("internal").saying("The help lines cannot be read."))
}

fn today() -> Date {
    Timestamp::now().to_zoned_datetime(TimeZone::system()).date()
}

/// The help lines of one country (D-64).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    #[allow(dead_code, reason = "for readers of other versions")]
    format: u8,
    country: String,
    name: String,
    status: String,
    line: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    service: String,
    scope: String,
    channel: String,
    number: String,
    /// What to write, for a text.
    say: Option<String>,
    hours: String,
    languages: Vec<String>,
    cost: Option<String>,
    source: String,
    checked_on: toml::value::Datetime,
    #[cfg_attr(not(test), allow(dead_code, reason = "the release gate reads it"))]
    checked_by: String,
}

impl Line {
    fn object(&self, pack: &Pack, today: Date) -> Value {
        let age = self.checked().and_then(|checked| today.since(checked).ok());
        json!({
            "v": 1, "country": pack.country, "service": self.service, "scope": self.scope,
            "channel": self.channel, "number": self.number, "say": self.say, "hours": self.hours,
            "languages": self.languages, "cost": self.cost, "checked_on": self.checked_on.to_string(),
            "old": age.is_none_or(|age| age.get_days() > OLD_DAYS), "source": self.source,
        })
    }

    fn checked(&self) -> Option<Date> {
        let date = self.checked_on.date?;
        Date::new(
            i16::try_from(date.year).ok()?,
            i8::try_from(date.month).ok()?,
            i8::try_from(date.day).ok()?,
        )
        .ok()
    }
}

const PACKS: &[&str] = &[include_str!("../../help/au.toml"), include_str!("../../help/us.toml")];

/// U-55
const PAGE: usize = 5;

/// D-64: from then on the card says so.
const OLD_DAYS: i32 = 180;

const IN_DANGER: &str = "In danger, call your local emergency number.";

/// D-63, D-67.
const CARD: &str = "\
When someone speaks of dying: Ask them directly. Stay with them. Bring in a help line.
Tell a steward. Look after yourself.
Stopping alcohol or some pills at once can harm you. Call a doctor or your emergency number.
Nobody watches this circle day and night.";

#[cfg(test)]
mod tests {
    use super::*;

    /// D-64: a line without source or date fails the build here.
    #[test]
    fn every_line_has_a_source_and_a_date() {
        for pack in packs().unwrap() {
            assert!(!pack.line.is_empty() && pack.line.len() <= PAGE, "{}", pack.country);
            assert!(values::country(&pack.country).unwrap() == pack.country);
            assert!(matches!(pack.status.as_str(), "needs-check" | "checked"));
            for line in &pack.line {
                assert!(!line.source.is_empty(), "{}", line.service);
                assert!(line.checked().is_some(), "{}", line.service);
                assert!(
                    pack.status != "checked" || !line.checked_by.is_empty(),
                    "{}",
                    line.service
                );
                assert!(
                    ["emergency", "crisis", "substance", "partner-violence", "general"]
                        .contains(&line.scope.as_str())
                );
                assert!(["call", "text", "web"].contains(&line.channel.as_str()));
            }
        }
        let unsourced = PACKS[0].replace("source =", "sauce =");
        assert!(toml::from_str::<Pack>(&unsourced).is_err());
        let undated = PACKS[0].replace("checked_on = 2026-11-01\n", "");
        assert!(toml::from_str::<Pack>(&undated).is_err());
    }

    /// D-65
    #[test]
    fn the_numbers_are_those_of_the_list() {
        let numbers: Vec<String> = packs()
            .unwrap()
            .into_iter()
            .flat_map(|pack| pack.line)
            .map(|line| line.number)
            .collect();
        assert_eq!(
            numbers,
            ["13 11 14", "988", "988", "741741", "1-800-662-4357", "1-800-799-7233"]
        );
    }

    #[test]
    fn a_line_says_how_to_reach_and_how_old_it_is() {
        let packs = packs().unwrap();
        let pack = &packs[1];
        let line = |number: usize, today: Date| {
            let object = pack.line[number].object(pack, today);
            plain(Fields::new(&object, &TimeZone::UTC), &pack.line[number])
        };
        let soon = jiff::civil::date(2026, 11, 23);
        assert_eq!(
            line(2, soon),
            "Crisis Text Line  text HOME to 741741  24 hours  read 1 Nov 2026"
        );
        let later = jiff::civil::date(2027, 6, 1);
        assert!(line(0, later).ends_with("Checked on 1 Nov 2026. It may be out of date."));
    }
}
