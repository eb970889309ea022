//! `circle leave`: ends one's own membership, and with `--forget` removes the circle from this computer
//! once the others can know (U-32).

use serde_json::json;

use super::{
    circle::millis,
    member::{NOT_YET, closed},
    say::look_for,
    wipe,
};
use crate::{
    advice::Failure,
    args::CircleLeave,
    client::{Class, Client, circle as in_path},
    context::Context,
    fields::Fields,
    prompt,
};

pub(crate) async fn leave(context: &Context, asked: CircleLeave) -> Result<(), Failure> {
    let client = Client::open(context, Class::Network).await?;
    let found = client.get(&format!("/v1/circles/{}", in_path(&asked.circle))).await?;
    let circle = context.output.fields(&found);
    let (id, label) = (circle.text("id"), circle.text("label"));
    let has_left = circle.text("state") == "left";
    confirm(context, &asked, &label, has_left).await?;
    let path = format!("/v1/circles/{id}");
    let wait = look_for(context.is_node().await);
    let query = format!("?end={}&timeout_ms={}", asked.end, millis(wait));
    let gone = client.delete_within(&format!("{path}{query}"), wait).await?;
    let told = gone["told"] != "waiting";
    // Whoever has left before and asks again was told what is at stake.
    let forgets = asked.forget && (told || has_left);
    if forgets {
        client.post(&format!("{path}/wipe"), json!({})).await?;
    }
    context
        .output
        .object(&gone, |fields| sentence(&label, forgets) + &unsent(fields) + &closed(fields))?;
    if !told && forgets {
        context.output.hint("The others were not told.");
    } else if !told {
        context.output.hint(NOT_YET);
    }
    if asked.forget && !forgets { Err(nothing_forgotten()) } else { Ok(()) }
}

async fn confirm(
    context: &Context,
    asked: &CircleLeave,
    label: &str,
    has_left: bool,
) -> Result<(), Failure> {
    match (asked.forget, has_left) {
        (true, true) => wipe::confirm(context, &wipe::all_of(label)).await,
        (true, false) => {
            let what = format!("you from \"{label}\", and all that was said there from here");
            wipe::confirm(context, &what).await
        }
        (false, true) => Ok(()),
        (false, false) => {
            let question = format!(
                "Leave \"{label}\"? You come back only if somebody invites you again. What was said \
                 stays on this computer."
            );
            prompt::confirm(context, &question).await
        }
    }
}

fn sentence(label: &str, forgotten: bool) -> String {
    if forgotten {
        format!("You left. {label} is gone from this computer.")
    } else {
        "You left.".to_owned()
    }
}

fn unsent(fields: Fields<'_>) -> String {
    match fields.count("unsent") {
        0 => String::new(),
        1 => " One message of yours had not gone out; it goes to nobody now.".to_owned(),
        count => format!(" {count} messages of yours had not gone out; they go to nobody now."),
    }
}

/// Forgetting now would take the only word of it along.
fn nothing_forgotten() -> Failure {
    Failure::of("timed-out")
        .saying("The others have not heard of it yet, so nothing was removed from this computer.")
        .advising("in a while: hearthlight circle leave C --forget")
}
