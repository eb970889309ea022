//! The waiting room (U-37, U-38).

use std::time::Duration;

use serde_json::{Value, json};

use super::circle::millis;
use crate::{
    advice::Failure,
    args::{Admit, Decline},
    client::{Class, Client, circle as in_path, segment},
    context::Context,
    fields::{Fields, spaced},
};

pub(crate) async fn waiting(context: &Context, circle: &str) -> Result<(), Failure> {
    let client = Client::open(context, Class::Local).await?;
    let waiting = client.get(&format!("/v1/circles/{}/waiting", in_path(circle))).await?;
    context.output.items(&waiting, plain_request)
}

pub(crate) async fn admit(context: &Context, asked: &Admit) -> Result<(), Failure> {
    let body = json!({"timeout_ms": millis(WELCOME_WAIT)});
    answer(context, &asked.circle, &asked.who, "admit", &body).await
}

pub(crate) async fn decline(context: &Context, asked: &Decline) -> Result<(), Failure> {
    let body = json!({"silent": asked.silent});
    answer(context, &asked.circle, &asked.who, "decline", &body).await
}

async fn answer(
    context: &Context,
    circle: &str,
    who: &[String],
    verb: &str,
    body: &Value,
) -> Result<(), Failure> {
    let client = Client::open(context, Class::Network).await?;
    for who in who {
        let path = format!("/v1/circles/{}/waiting/{}/{verb}", in_path(circle), segment(who));
        let answered = client.post_within(&path, body.clone(), WELCOME_WAIT).await?;
        context.output.object(&answered, plain_answer)?;
    }
    Ok(())
}

fn plain_request(fields: Fields<'_>) -> String {
    let asked = fields.clock("asked_at").map(|clock| format!("asked {clock}")).unwrap_or_default();
    let invite = match fields.maybe("invite_label") {
        Some(label) => format!("invite for {}", label.strip_prefix("for ").unwrap_or(&label)),
        None => format!("invite {}", fields.short_id("invite_id", 6)),
    };
    let state = if fields.text("state") == "admitting" { "on the way in" } else { "" };
    let words = fields.list("words").join(" ");
    spaced(&[&fields.short_id("id", 4), &fields.text("name"), &asked, &invite, &words, state])
}

fn plain_answer(fields: Fields<'_>) -> String {
    let name = fields.text("name");
    match fields.text("state").as_str() {
        "declined" => format!("{name} was not let in."),
        "admitting" => {
            format!("{name} is let in. The welcome goes out when a relay can be reached.")
        }
        _ => format!("{name} is in."),
    }
}

/// How long the welcome may take to reach a relay. A guess.
const WELCOME_WAIT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    /// U-37
    #[test]
    fn a_request_is_a_line() {
        let object = json!({"v":1,"id":"7c31aa","name":"Otter","asked_at":"2026-11-23T19:04:00.000Z",
            "invite_id":"a1b2c3","invite_label":"Sam","words":["one","two","three","four","five","six"],
            "state":"waiting"});
        assert_eq!(
            plain_request(Fields::new(&object, &TimeZone::UTC)),
            "7c31  Otter  asked 19:04  invite for Sam  one two three four five six"
        );
    }

    /// U-38
    #[test]
    fn an_answer_is_a_sentence() {
        for (state, sentence) in
            [("admitted", "Otter is in."), ("declined", "Otter was not let in.")]
        {
            let object = json!({"v":1,"id":"7c31","name":"Otter","member_id":null,"state":state});
            assert_eq!(plain_answer(Fields::new(&object, &TimeZone::UTC)), sentence);
        }
    }
}
