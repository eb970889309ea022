//! `say`: one message (U-40).

use std::time::Duration;

use serde_json::{Value, json};

use super::circle::millis;
use crate::{
    advice::Failure,
    args::{Say, WaitFor, word},
    client::{Class, Client, circle as in_path},
    context::Context,
    fields::Fields,
    private::looks_private,
    prompt,
};

pub(crate) async fn say(context: &Context, said: Say) -> Result<(), Failure> {
    let text = match said.text.as_deref() {
        Some("-") => {
            prompt::stdin_text(LONGEST_TEXT + 2).await?.trim_end_matches(['\r', '\n']).to_owned()
        }
        Some(text) => text.to_owned(),
        None if prompt::can_ask() => prompt::line("Say:").await?,
        None => return Err(Failure::missing("The text", "hearthlight say CIRCLE -")),
    };
    check_text(&text)?;
    let by_hand = said.text.as_deref() != Some("-") && prompt::can_ask();
    if by_hand && looks_private(&text) {
        // U-45; a yes given beforehand asks nothing.
        prompt::confirm(context, PRIVATE).await?;
    }
    let client = Client::open(context, Class::Network).await?;
    let wait = patience(&said, context.is_node().await);
    let body = json!({
        "text": text, "reply_to": said.reply, "wants": said.wants.map(word),
        "note": said.note.as_ref().filter(|note| !note.trim().is_empty()),
        "wait": said.wait.map(word), "timeout_ms": millis(wait),
    });
    let path = format!("/v1/circles/{}/messages", in_path(&said.circle));
    let answer = client.post_within(&path, body, wait).await?;
    context.output.object(&answer, plain_said)?;
    match said.wait {
        Some(wanted) if !reached(&answer, wanted) => Err(not_in_time()),
        _ => Ok(()),
    }
}

/// How long the mark may take (U-40).
pub(super) fn patience(said: &Say, is_node: bool) -> Duration {
    said.timeout.unwrap_or(match said.wait {
        Some(WaitFor::Relayed) => Duration::from_secs(60),
        Some(WaitFor::Received) => Duration::from_secs(120),
        None => look_for(is_node),
    })
}

/// How long a relay is looked for where nobody said how long (U-40).
pub(super) fn look_for(is_node: bool) -> Duration {
    Duration::from_secs(if is_node { 20 } else { 5 })
}

/// Whether a mark is at least the one that is wanted.
pub(super) fn reached(said: &Value, wanted: WaitFor) -> bool {
    let mark = match said["mark"].as_str() {
        Some("received") => Some(WaitFor::Received),
        Some("relayed") => Some(WaitFor::Relayed),
        _ => None,
    };
    mark.is_some_and(|mark| mark >= wanted)
}

/// The message is stored, and its mark not there yet.
pub(super) fn not_in_time() -> Failure {
    Failure::of("timed-out")
        .saying("It is not that far yet. It is stored, and goes on while Hearthlight runs.")
        .advising("to see how far it is: hearthlight read C. It need not be said again.")
}

/// U-3: 1 to 8,192 bytes.
pub(super) fn check_text(text: &str) -> Result<(), Failure> {
    if text.trim().is_empty() {
        return Err(Failure::usage("There is no text."));
    }
    if text.len() > LONGEST_TEXT {
        return Err(Failure::of("too-large").saying("A message has at most 8,192 bytes."));
    }
    Ok(())
}

pub(super) fn plain_said(fields: Fields<'_>) -> String {
    match fields.text("mark").as_str() {
        "relayed" => "Relayed.".to_owned(),
        "received" => {
            format!("Received by {} of {}.", fields.count("received_by"), fields.count("members"))
        }
        _ => "Waiting. It goes out when a relay or a member can be reached.".to_owned(),
    }
}

/// U-45
const PRIVATE: &str = "This looks like a phone number, e-mail or street address. Anyone in the \
                       circle can copy it. Say it all the same?";
/// U-3 (shared with the protocol).
pub(super) const LONGEST_TEXT: usize = 8_192;

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn said(mark: &str) -> Value {
        json!({"v":1,"id":"9f2c","circle":"Test","circle_id":"41d0","mark":mark,"received_by":2,"members":5,
            "queued":mark == "waiting","said_at":"2026-11-23T18:02:11.204Z","waited_ms":212})
    }

    #[test]
    fn each_mark_has_its_sentence() {
        for (mark, sentence) in [
            ("waiting", "Waiting. It goes out when a relay or a member can be reached."),
            ("relayed", "Relayed."),
            ("received", "Received by 2 of 5."),
        ] {
            assert_eq!(plain_said(Fields::new(&said(mark), &TimeZone::UTC)), sentence);
        }
    }

    #[test]
    fn a_higher_mark_is_enough() {
        assert!(!reached(&said("waiting"), WaitFor::Relayed));
        assert!(reached(&said("relayed"), WaitFor::Relayed));
        assert!(reached(&said("received"), WaitFor::Relayed));
        assert!(!reached(&said("relayed"), WaitFor::Received));
    }

    #[test]
    fn text_has_a_length() {
        assert_eq!(check_text(" ").unwrap_err().kind(), "usage");
        assert!(check_text(&"a".repeat(8_192)).is_ok());
        assert_eq!(check_text(&"a".repeat(8_193)).unwrap_err().kind(), "too-large");
    }
}
