//! What a conversation says in the language of the person: days, marks, gaps, comings and goings.

use jiff::{ZonedDateTime, civil::Weekday};

use crate::{fields::Fields, strings::Catalogue};

/// `Mon 23 Nov 2026`.
pub(crate) fn day(texts: &Catalogue, at: &ZonedDateTime) -> String {
    let month = MONTHS[usize::try_from(at.month() - 1).unwrap_or_default() % MONTHS.len()];
    texts.say(
        "day",
        &[
            ("weekday", weekday(texts, at.weekday()).into()),
            ("day", i64::from(at.day()).into()),
            ("month", texts.plain(month).into()),
            ("year", at.year().to_string().into()),
        ],
    )
}

/// `Wed 25 Nov 18:00`.
pub(crate) fn moment(texts: &Catalogue, at: &ZonedDateTime) -> String {
    let month = MONTHS[usize::try_from(at.month() - 1).unwrap_or_default() % MONTHS.len()];
    texts.say(
        "moment",
        &[
            ("weekday", weekday(texts, at.weekday()).into()),
            ("day", i64::from(at.day()).into()),
            ("month", texts.plain(month).into()),
            ("clock", at.strftime("%H:%M").to_string().into()),
        ],
    )
}

fn weekday(texts: &Catalogue, day: Weekday) -> String {
    texts.plain(WEEKDAYS[usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()])
}

/// How far a message of one's own came.
pub(crate) fn mark(texts: &Catalogue, fields: Fields<'_>) -> Option<String> {
    Some(match fields.maybe("mark")?.as_str() {
        "received" => texts.say(
            "mark-received",
            &[
                ("count", fields.count("received_by").into()),
                ("members", fields.count("members").into()),
            ],
        ),
        "relayed" => texts.plain("mark-relayed"),
        _ => texts.plain("mark-waiting"),
    })
}

/// How far that is, as a number that only grows.
pub(crate) fn mark_reach(fields: Fields<'_>) -> u64 {
    match fields.text("mark").as_str() {
        "received" => 2 + fields.count("received_by"),
        "relayed" => 1,
        _ => 0,
    }
}

/// What somebody who spoke wishes for.
pub(crate) fn wish(texts: &Catalogue, wants: &str) -> String {
    texts.plain(match wants {
        "listen" => "wants-listen",
        "experience" => "wants-experience",
        _ => "wants-advice",
    })
}

/// What happened in a circle, apart from talk and gaps.
pub(crate) fn event(texts: &Catalogue, fields: Fields<'_>) -> String {
    let data = |key: &str| fields.inner("data").and_then(|data| data.maybe(key));
    let name = data("name").unwrap_or_else(|| fields.text("author"));
    let mut told = vec![("name", name.into())];
    let id = match fields.text("kind").as_str() {
        "joined" => "event-joined",
        "left" => "event-left",
        "removed" => match data("reason") {
            Some(reason) => {
                told.push(("reason", reason.into()));
                "event-removed-why"
            }
            None => "event-removed",
        },
        "role" => {
            told.push(("role", role(texts, &data("role").unwrap_or_default()).into()));
            let given = fields.inner("data").is_some_and(|data| data.flag("given"));
            if given { "event-role-given" } else { "event-role-ended" }
        }
        "vote" => {
            told.push(("text", fields.text("text").into()));
            match data("result").as_deref() {
                None => "event-vote-asked",
                Some("carried") => "event-vote-carried",
                Some("no-quorum") => "event-vote-no-quorum",
                Some("blocked") => "event-vote-blocked",
                Some(_) => "event-vote-not-carried",
            }
        }
        "differs" => "event-differs",
        "exceeds" => "event-exceeds",
        _ => "event-newer",
    };
    texts.say(id, &told)
}

/// U-44: what is missing, and why.
pub(crate) fn gap(texts: &Catalogue, gap: Fields<'_>) -> String {
    let count = gap.maybe_count("count");
    if count == Some(0) {
        return texts.plain("gap-closed");
    }
    let (counted, some) = match gap.text("cause").as_str() {
        "key-coming" => ("gap-key-coming", "gap-some-key-coming"),
        "not-a-member-then" => ("gap-before", "gap-some-before"),
        "forgotten" => ("gap-forgotten", "gap-some-forgotten"),
        "damaged" => ("gap-damaged", "gap-some-damaged"),
        "newer-version" => ("gap-newer", "gap-some-newer"),
        _ => ("gap-asking", "gap-some-asking"),
    };
    let missing = match count {
        Some(count) => texts.say(counted, &[("count", count.into())]),
        None => texts.plain(some),
    };
    let asked = asked(texts, &gap.list("asking"));
    if counted != "gap-asking" || asked.is_empty() {
        return missing;
    }
    format!("{missing} {}", texts.say("gap-asked", &[("who", asked.into())]))
}

/// `the relay and Maple`; relays are told apart only where there are several.
fn asked(texts: &Catalogue, asking: &[String]) -> String {
    let relays = asking.iter().filter(|name| name.starts_with("relay ")).count();
    let names = asking.iter().map(|name| match name.strip_prefix("relay ") {
        Some(_) if relays == 1 => texts.plain("the-relay"),
        Some(number) => texts.say("relay-number", &[("number", number.into())]),
        None => name.clone(),
    });
    listed(texts, &names.collect::<Vec<_>>())
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(texts: &Catalogue, names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => texts
            .say("list-and", &[("first", first.join(", ").into()), ("last", last.as_str().into())]),
    }
}

/// What people are called who carry a role.
pub(crate) fn role(texts: &Catalogue, role: &str) -> String {
    match role {
        "host" => texts.plain("role-host"),
        "steward" => texts.plain("role-steward"),
        "chair" => texts.plain("role-chair"),
        "greeter" => texts.plain("role-greeter"),
        "timekeeper" => texts.plain("role-timekeeper"),
        "treasurer" => texts.plain("role-treasurer"),
        "facilitator" => texts.plain("role-facilitator"),
        // One that a template brought: its own word.
        own => own.to_owned(),
    }
}

const WEEKDAYS: [&str; 7] = [
    "weekday-mon",
    "weekday-tue",
    "weekday-wed",
    "weekday-thu",
    "weekday-fri",
    "weekday-sat",
    "weekday-sun",
];

const MONTHS: [&str; 12] = [
    "month-jan",
    "month-feb",
    "month-mar",
    "month-apr",
    "month-may",
    "month-jun",
    "month-jul",
    "month-aug",
    "month-sep",
    "month-oct",
    "month-nov",
    "month-dec",
];

#[cfg(test)]
mod tests {
    use jiff::{civil::date, tz::TimeZone};
    use serde_json::{Value, json};

    use super::*;

    fn told(tag: &str, value: &Value, tell: fn(&Catalogue, Fields<'_>) -> String) -> String {
        tell(&Catalogue::of(Some(tag)), Fields::new(value, &TimeZone::UTC))
    }

    #[test]
    fn days_have_the_words_of_the_language() {
        let at = date(2026, 11, 23).at(19, 2, 0, 0).to_zoned_datetime(TimeZone::UTC).unwrap();
        let (en, es) = (Catalogue::of(Some("en")), Catalogue::of(Some("es")));
        assert_eq!(day(&en, &at), "Mon 23 Nov 2026");
        assert_eq!(day(&es, &at), "lun 23 nov 2026");
        assert_eq!(moment(&en, &at), "Mon 23 Nov 19:02");
    }

    /// U-44
    #[test]
    fn each_gap_has_its_sentence() {
        for (count, cause, asking, en, es) in [
            (
                json!(3),
                "asking",
                &["relay 1", "Maple"][..],
                "3 entries are missing. Asking the relay and Maple.",
                "Faltan 3 entradas. Se pregunta a: el relé y Maple.",
            ),
            (
                json!(1),
                "asking",
                &["relay 1", "relay 2"],
                "1 entry is missing. Asking relay 1 and relay 2.",
                "Falta 1 entrada. Se pregunta a: relé 1 y relé 2.",
            ),
            (json!(null), "asking", &[], "Some entries are missing.", "Faltan algunas entradas."),
            (
                json!(2),
                "key-coming",
                &[],
                "2 entries are here. The key to read them is still to come.",
                "Hay 2 entradas aquí. Falta la clave para leerlas.",
            ),
            (
                json!(2),
                "not-a-member-then",
                &[],
                "2 entries were said before you came.",
                "2 entradas se dijeron antes de que llegaras.",
            ),
            (
                json!(1),
                "forgotten",
                &[],
                "1 entry is not kept any more.",
                "1 entrada ya no se guarda.",
            ),
            (
                json!(1),
                "damaged",
                &[],
                "1 entry came damaged and cannot be read.",
                "1 entrada llegó dañada y no se puede leer.",
            ),
            (
                json!(1),
                "newer-version",
                &[],
                "1 entry was made with a newer version.",
                "1 entrada se hizo con una versión más nueva.",
            ),
            (
                json!(0),
                "asking",
                &[],
                "What was missing is here now.",
                "Lo que faltaba ya está aquí.",
            ),
        ] {
            let value = json!({"count": count, "cause": cause, "asking": asking});
            assert_eq!(told("en", &value, gap), en);
            assert_eq!(told("es", &value, gap), es);
        }
    }

    #[test]
    fn marks_and_comings_are_sentences() {
        let own = json!({"mark":"received","received_by":2,"members":5});
        let said = |tag, value: &Value| {
            mark(&Catalogue::of(Some(tag)), Fields::new(value, &TimeZone::UTC))
        };
        assert_eq!(said("en", &own).unwrap(), "received by 2 of 5");
        assert_eq!(said("es", &own).unwrap(), "recibido por 2 de 5");
        assert_eq!(said("en", &json!({"mark": null})), None);
        for (kind, sentence) in [
            ("joined", "Otter joined."),
            ("left", "Otter left."),
            ("removed", "Otter was removed."),
            ("hologram", "Made with a newer version."),
        ] {
            assert_eq!(told("en", &json!({"kind":kind,"data":{"name":"Otter"}}), event), sentence);
        }
        let role = json!({"kind":"role","data":{"name":"Otter","role":"steward","given":true}});
        assert_eq!(told("en", &role, event), "Otter is steward now.");
        let vote = json!({"kind":"vote","text":"Tea?","data":{"name":"Otter","result":null}});
        assert_eq!(told("en", &vote, event), "Otter asks the circle: Tea?");
    }
}
