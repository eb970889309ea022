//! `join`: asks to be let into a circle, by an invite's code (U-36).
//!
//! Shows what the code leads to, asks for a yes, and only then asks the circle.

use std::time::Duration;

use serde_json::{Value, json};

use super::circle::millis;
use crate::{
    advice::Failure,
    args::Join,
    client::{Class, Client},
    context::Context,
    fields::{Fields, spaced},
    prompt, values,
};

pub(crate) async fn join(context: &Context, asked: Join) -> Result<(), Failure> {
    let code = code_from(context, asked.code).await?;
    let client = Client::open(context, Class::Network).await?;
    let body = json!({"code": code, "timeout_ms": millis(LOOK)});
    let preview = client.post_within("/v1/joins/preview", body, LOOK).await?;
    if asked.preview {
        return context.output.object(&preview, cards);
    }
    let name = match preview["state"].as_str() {
        // One invite never makes two members: who is in or waits already is asked nothing.
        Some("member" | "asked") => asked.name,
        _ => consent(context, &client, asked.name, &preview).await?,
    };
    let wait = asked.wait.unwrap_or(LOOK);
    let body =
        json!({"code": code, "name": name, "label": asked.label, "timeout_ms": millis(wait)});
    let joined = client.post_within("/v1/joins", body, wait).await?;
    context.output.object(&joined, plain_join)?;
    match joined["state"].as_str() {
        Some("declined") => Err(Failure::of("declined")),
        Some("member") => Ok(()),
        _ if asked.wait.is_some() => Err(Failure::of("timed-out")
            .saying("Nobody let you in yet. The asking goes on while Hearthlight runs.")),
        _ => {
            let words = context.output.fields(&joined).list("words").join(" ");
            if !words.is_empty() && !context.output.is_json() {
                context.output.hint(&format!(
                    "Whoever lets you in can compare these words with you: {words}"
                ));
            }
            Ok(())
        }
    }
}

async fn code_from(context: &Context, given: Option<String>) -> Result<String, Failure> {
    match given.as_deref() {
        Some("-") => prompt::stdin_text(LONGEST_CODE).await,
        Some(code) => {
            context
                .output
                .hint("This code is now in your shell's history. Next time, use: hearthlight join");
            Ok(code.to_owned())
        }
        None if prompt::can_ask() => prompt::line("The code of your invite:").await,
        None => Err(Failure::missing("The code", "hearthlight join -")),
    }
}

/// Shows both cards and asks for a yes; answers with the name to join under, if one was chosen.
async fn consent(
    context: &Context,
    client: &Client<'_>,
    name: Option<String>,
    preview: &Value,
) -> Result<Option<String>, Failure> {
    let shown = cards(context.output.fields(preview));
    if !prompt::can_ask() || context.yes {
        // A name given beforehand is the yes.
        if name.is_none() && !context.yes {
            return Err(Failure::missing("Your name in the circle", "--name NAME"));
        }
        context.output.hint(&shown);
        return Ok(name);
    }
    prompt::show(&shown);
    let name = match name {
        Some(name) => name,
        None => ask_name(client, preview).await?,
    };
    prompt::confirm(context, &format!("Ask to join as {name}?")).await?;
    Ok(Some(name))
}

/// Enter takes what is offered: the set-up name, and from the second circle on a made one, since
/// equal names link circles.
async fn ask_name(client: &Client<'_>, preview: &Value) -> Result<String, Failure> {
    let circles = client.get("/v1/circles").await?;
    let in_one = circles["items"].as_array().is_some_and(|circles| !circles.is_empty());
    let offered = match preview["name"].as_str().filter(|name| !in_one && !name.is_empty()) {
        Some(name) => crate::fields::one_line(name),
        None => made_name()?,
    };
    let typed = prompt::line(&format!("Your name there (Enter: {offered}):")).await?;
    values::name(if typed.is_empty() { &offered } else { &typed }).map_err(Failure::usage)
}

fn made_name() -> Result<String, Failure> {
    let mut draw = [0_u8; 1];
    getrandom::fill(&mut draw).map_err(|_| Failure::of("internal"))?;
    Ok(NAMES[usize::from(draw[0]) % NAMES.len()].to_owned())
}

/// The relay card and the join card (U-36, U-177, D-68).
fn cards(fields: Fields<'_>) -> String {
    let mut lines = Vec::new();
    if let Some(card) = fields.inner("relay_card") {
        let operator = card.maybe("operator").filter(|operator| !operator.is_empty());
        let operator = operator
            .map_or("This relay does not say who runs it.".to_owned(), |operator| {
                format!("This relay is run by {operator}.")
            });
        let keeps = card
            .maybe_count("age_s")
            .map(|age| format!("It keeps things for {}.", values::span(age)));
        lines.push(spaced(&[
            &operator,
            &card.text("country"),
            &card.text("contact"),
            &keeps.unwrap_or_default(),
        ]));
        lines.extend(card.maybe("statement").filter(|statement| !statement.is_empty()));
    }
    lines.push(
        "The relay sees internet addresses, times and sizes. It sees no words and no names."
            .to_owned(),
    );
    lines.push(String::new());
    lines.push(format!("Circle: {}", fields.text("circle_name")));
    lines.extend(fields.list("rules").iter().map(|rule| format!("Rule: {rule}")));
    lines.push(match fields.text("admit").as_str() {
        "open" => "You come in right away. You see what is said from then on.".to_owned(),
        _ => "Someone there lets you in. You see what is said from then on.".to_owned(),
    });
    lines.extend(LIMITS.iter().map(|&limit| limit.to_owned()));
    lines.join("\n")
}

fn plain_join(fields: Fields<'_>) -> String {
    let circle = fields.maybe("circle").or_else(|| fields.maybe("circle_name")).unwrap_or_default();
    match fields.text("state").as_str() {
        "member" => format!("You are in \"{circle}\"."),
        "declined" => String::new(),
        _ => format!("You asked to join \"{circle}\". Someone there will let you in."),
    }
}

/// D-68: what nobody can promise, in four sentences.
const LIMITS: [&str; 4] = [
    "Members have no legal right to keep secret what they hear, and some may have to report it.",
    "Anyone can copy what is on a screen.",
    "Programs that spy on a computer see everything, so do not use a work laptop.",
    "Nobody here is your doctor, and nobody watches this circle day and night.",
];

/// Names that are offered: birds and trees, none of them a word of recovery (D-72).
const NAMES: &[&str] = &[
    "Alder", "Aspen", "Avocet", "Birch", "Cedar", "Crane", "Curlew", "Dunlin", "Elm", "Finch",
    "Gannet", "Hazel", "Heron", "Juniper", "Kestrel", "Lapwing", "Larch", "Linden", "Linnet",
    "Maple", "Merlin", "Osprey", "Plover", "Poplar", "Robin", "Rowan", "Siskin", "Sparrow",
    "Swift", "Teal", "Willow", "Wren",
];

/// U-36: how long is looked without `--wait`.
const LOOK: Duration = Duration::from_secs(10);

/// U-144: 4 KiB of any input are judged.
const LONGEST_CODE: usize = 4_096;

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn shown() -> Value {
        json!({"v":1,"id":"7c31","state":"asked","circle":null,"circle_id":null,"member_id":null,"name":"Otter",
            "circle_name":"Tuesday group","template":"plain","admit":"ask","words":["a","b"],
            "relay_card":{"operator":"R. Lind","country":"DE","contact":"","statement":"","age_s":2_592_000},
            "rules":["Listen first."]})
    }

    #[test]
    fn asking_and_being_in_are_a_sentence() {
        let mut object = shown();
        let said = |object: &Value| plain_join(Fields::new(object, &TimeZone::UTC));
        assert_eq!(
            said(&object),
            "You asked to join \"Tuesday group\". Someone there will let you in."
        );
        object["state"] = json!("member");
        assert_eq!(said(&object), "You are in \"Tuesday group\".");
    }

    #[test]
    fn the_cards_say_who_sees_what() {
        let object = shown();
        let text = cards(Fields::new(&object, &TimeZone::UTC));
        assert!(text.starts_with("This relay is run by R. Lind.  DE  It keeps things for 30d.\n"));
        assert!(text.contains("Circle: Tuesday group\nRule: Listen first.\n"));
        assert_eq!(LIMITS.iter().filter(|limit| text.contains(*limit)).count(), 4);
    }

    #[test]
    fn names_that_are_offered_can_be_used() {
        assert!(NAMES.iter().all(|name| values::name(name).is_ok()));
        assert_eq!(NAMES.len(), 32, "a power of two, so that draws are even");
    }
}
