//! Votes (U-67), and hosts whom nobody has heard of.

use serde_json::{Value, json};

use super::{
    circle::millis,
    member::{NOT_YET, begin_of},
    say::look_for,
};
use crate::{
    advice::Failure,
    args::{Vote, VoteNew, word},
    client::{Class, Client, circle as in_path, segment},
    context::Context,
    fields::{Fields, listed, spaced},
    prompt,
};

pub(crate) async fn vote(context: &Context, verb: Vote) -> Result<(), Failure> {
    match verb {
        Vote::New(new) => make(context, new).await,
        Vote::Cast { circle, id, choice } => {
            let path = format!("/v1/circles/{}/votes/{}/cast", in_path(&circle), segment(&id));
            let vote = post(context, &path, json!({"choice": word(choice)})).await?;
            show(context, &vote)
        }
        Vote::List { circle } => {
            let client = Client::open(context, Class::Local).await?;
            let path = circle.map(|circle| format!("/v1/circles/{}/votes", in_path(&circle)));
            let votes = client.get(path.as_deref().unwrap_or("/v1/votes")).await?;
            context.output.items(&votes, plain_vote)
        }
        Vote::Show { circle, id } => {
            let client = Client::open(context, Class::Local).await?;
            let path = format!("/v1/circles/{}/votes/{}", in_path(&circle), segment(&id));
            context.output.object(&client.get(&path).await?, whole_vote)
        }
        Vote::HostLost { circle } => {
            let question =
                "Say that no host was heard of for 30 days? Everybody can see that you did.";
            prompt::confirm(context, question).await?;
            let path = format!("/v1/circles/{}/host-lost", in_path(&circle));
            let done = post(context, &path, json!({})).await?;
            context.output.object(&done, |_| HOST_LOST.to_owned())?;
            hint(context, &done);
            Ok(())
        }
    }
}

async fn make(context: &Context, new: VoteNew) -> Result<(), Failure> {
    if new.remove.is_some() || new.elect.is_some() || new.name.is_some() {
        let question = "Ask the circle? What it decides is done by itself.";
        prompt::confirm(context, question).await?;
    }
    let until = new.until.map(begin_of).transpose()?;
    let body = json!({
        "text": new.text, "closes_s": new.closes.as_secs(), "secret": new.secret,
        "threshold": new.threshold.map(word), "remove": new.remove, "elect": new.elect,
        "role": new.role, "until": until, "name": new.name,
    });
    let path = format!("/v1/circles/{}/votes", in_path(&new.circle));
    let vote = post(context, &path, body).await?;
    show(context, &vote)
}

/// Does it, and waits a while for a relay to have it.
async fn post(context: &Context, path: &str, mut body: Value) -> Result<Value, Failure> {
    let client = Client::open(context, Class::Network).await?;
    let wait = look_for(context.is_node().await);
    body["timeout_ms"] = json!(millis(wait));
    client.post_within(path, body, wait).await
}

fn show(context: &Context, vote: &Value) -> Result<(), Failure> {
    context.output.object(vote, plain_vote)?;
    hint(context, vote);
    Ok(())
}

fn hint(context: &Context, done: &Value) {
    if done["mark"] == "waiting" {
        context.output.hint(NOT_YET);
    }
}

/// `a1b2c3  open until Wed 25 Nov 18:00  4 of 6 cast  Change the hour`
fn plain_vote(fields: Fields<'_>) -> String {
    let time = |key| fields.weekday_clock(key).unwrap_or_default();
    let state = match (fields.text("state").as_str(), fields.maybe("result").as_deref()) {
        ("open", _) => format!("open until {}", time("closes_at")),
        ("counting", _) => format!("counted by {}", time("settles_at")),
        (_, Some("carried")) => "carried".to_owned(),
        (_, Some("not-carried")) => "not carried".to_owned(),
        (_, Some("no-quorum")) => "too few took part".to_owned(),
        (_, Some("blocked")) => "blocked".to_owned(),
        _ => "no decision, ask again".to_owned(),
    };
    let cast = format!("{} of {} cast", fields.count("cast"), fields.count("electorate"));
    spaced(&[&fields.short_id("id", 6), &state, &cast, &fields.text("text")])
}

fn whole_vote(fields: Fields<'_>) -> String {
    let mut lines = vec![plain_vote(fields)];
    let about = fields.maybe("about").unwrap_or_default();
    match fields.text("what").as_str() {
        "remove" => lines.push(format!("If it is carried, {about} is removed.")),
        "elect" => {
            lines.push(format!("If it is carried, {about} is a {} then.", fields.text("role")));
        }
        "rule" | "template" => {
            lines.push(format!("If it is carried, the circle is named {}.", fields.text("name")));
        }
        _ => {}
    }
    let of = if fields.text("of") == "cast" { "of those who choose" } else { "of all" };
    lines.push(format!(
        "Asked by {}. It needs {} {of}, and {} have to take part.",
        fields.text("by"),
        fields.text("threshold"),
        fields.text("quorum")
    ));
    lines.push(format!("May vote: {}.", listed(&fields.list("electors"))));
    let ballots = fields.each("ballots").into_iter();
    lines.extend(ballots.map(|ballot| spaced(&[&ballot.text("name"), &ballot.text("choice")])));
    lines.join("\n")
}

const HOST_LOST: &str = "You said that no host was heard of. Once more than half of you say so: \
                         hearthlight vote new C TEXT --elect WHO";

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn says(change: &[(&str, Value)]) -> String {
        let mut object = json!({"id":"a1b2c3d4","state":"open","closes_at":"2026-11-25T18:00:00.000Z",
            "settles_at":"2026-11-27T18:00:00.000Z","cast":4,"electorate":6,"text":"Change the hour",
            "result":null});
        for (key, value) in change {
            object[*key] = value.clone();
        }
        plain_vote(Fields::new(&object, &TimeZone::UTC))
    }

    /// U-67
    #[test]
    fn a_vote_is_one_line() {
        assert_eq!(says(&[]), "a1b2c3  open until Wed 25 Nov 18:00  4 of 6 cast  Change the hour");
        assert!(says(&[("state", json!("counting"))]).contains("counted by Fri 27 Nov 18:00"));
        assert!(says(&[("state", json!("lapsed"))]).contains("no decision, ask again"));
        let decided =
            |result: &str| says(&[("state", json!("decided")), ("result", json!(result))]);
        assert!(decided("carried").starts_with("a1b2c3  carried  4 of 6 cast"));
        assert!(decided("no-quorum").contains("too few took part"));
    }
}
