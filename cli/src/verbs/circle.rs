//! Circles, their relays and members (U-30, U-31, U-33, U-39, U-50).

use std::time::Duration;

use serde_json::{Value, json};

use super::{leave, member::NOT_YET, say::look_for};
use crate::{
    advice::Failure,
    args::{Circle, CircleKey, CircleNew, CircleRelay, word},
    client::{Class, Client, circle as in_path, segment},
    context::Context,
    fields::{Fields, counted, listed, spaced},
    prompt, values,
};

pub(crate) async fn circle(context: &Context, verb: Circle) -> Result<(), Failure> {
    match verb {
        Circle::New(new) => found(context, new).await,
        Circle::List => {
            let client = Client::open(context, Class::Local).await?;
            context.output.items(&client.get("/v1/circles").await?, plain_circle)
        }
        Circle::Show { circle } => {
            let client = Client::open(context, Class::Local).await?;
            let shown = client.get(&format!("/v1/circles/{}", in_path(&circle))).await?;
            context.output.object(&shown, plain_shown)
        }
        Circle::Leave(asked) => leave::leave(context, asked).await,
        Circle::Refresh { circle } => refresh(context, &circle).await,
        Circle::Relay { circle, action } => relay(context, &circle, action).await,
        Circle::Set { circle, key, value } => set(context, &circle, key, &value).await,
    }
}

/// Lists who belongs.
pub(crate) async fn members(context: &Context, circle: &str) -> Result<(), Failure> {
    let client = Client::open(context, Class::Local).await?;
    let members = client.get(&format!("/v1/circles/{}/members", in_path(circle))).await?;
    context.output.items(&members, plain_member)
}

/// A setting of a circle in this home (U-39); no byte of it leaves.
async fn set(context: &Context, circle: &str, key: CircleKey, value: &str) -> Result<(), Failure> {
    let setting = match key {
        CircleKey::Label => json!({"label": values::name(value).map_err(Failure::usage)?}),
        CircleKey::Muted => match value {
            "true" => json!({"muted": true}),
            "false" => json!({"muted": false}),
            _ => return Err(Failure::usage("A circle is muted or not: true or false.")),
        },
        CircleKey::Notify if NOTICES.contains(&value) => json!({"notify": value}),
        CircleKey::Notify => {
            let words = NOTICES.join(", ");
            return Err(Failure::usage(format!("`{value}` is not one of: {words}.")));
        }
    };
    let client = Client::open(context, Class::Local).await?;
    let saved = client.patch(&format!("/v1/circles/{}", in_path(circle)), setting).await?;
    context.output.object(&saved, |_| "Saved.".to_owned())
}

/// A fresh key for what is said from now on (U-39).
async fn refresh(context: &Context, circle: &str) -> Result<(), Failure> {
    let client = Client::open(context, Class::Network).await?;
    let wait = look_for(context.is_node().await);
    let path = format!("/v1/circles/{}/refresh", in_path(circle));
    let fresh = client.post_within(&path, json!({"timeout_ms": millis(wait)}), wait).await?;
    context.output.object(&fresh, |_| "Saved.".to_owned())?;
    context.output.hint("What you say from now on goes out under new keys.");
    if fresh["mark"] == "waiting" {
        context.output.hint(NOT_YET);
    }
    Ok(())
}

async fn found(context: &Context, new: CircleNew) -> Result<(), Failure> {
    if new.relay.len() > 4 {
        return Err(Failure::usage("A circle has at most 4 relays."));
    }
    let mut relays = Vec::new();
    for address in &new.relay {
        relays.push(address_from(address).await?);
    }
    let client = Client::open(context, Class::Network).await?;
    let body = json!({
        "name": new.name, "as": new.r#as, "template": word(new.template), "relays": relays,
        "admit": word(new.admit), "retention_s": new.retention.map(|span| span.as_secs()),
        "direct": new.direct, "thin": new.thin, "timeout_ms": millis(RELAY_WAIT),
    });
    let answer = client.post_within("/v1/circles", body, RELAY_WAIT).await?;
    let founded = hints_aside(context, answer);
    context.output.object(&founded, |_| "Started. You are its host.".to_owned())
}

async fn relay(context: &Context, circle: &str, action: CircleRelay) -> Result<(), Failure> {
    let path = format!("/v1/circles/{}/relays", in_path(circle));
    match action {
        CircleRelay::List => {
            let client = Client::open(context, Class::Local).await?;
            context.output.items(&client.get(&path).await?, plain_relay)
        }
        CircleRelay::Add { address } => {
            let address = address_from(&address).await?;
            let client = Client::open(context, Class::Network).await?;
            let body = json!({"address": address, "timeout_ms": millis(RELAY_WAIT)});
            let added = hints_aside(context, client.post_within(&path, body, RELAY_WAIT).await?);
            context.output.object(&added, plain_relay)
        }
        CircleRelay::Remove { key } => {
            let client = Client::open(context, Class::Network).await?;
            let removed = client.delete(&format!("{path}/{}", segment(&key))).await?;
            let removed = hints_aside(context, removed);
            context.output.object(&removed, |fields| format!("{}  removed", fields.text("key")))
        }
    }
}

/// A relay's address as U-12 allows it: the text, `@FILE`, or `-`.
async fn address_from(given: &str) -> Result<String, Failure> {
    let text = match given.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|_| Failure::usage("The file with the relay address cannot be read."))?,
        None if given == "-" => prompt::stdin_text(LONGEST_ADDRESS).await?,
        None => given.to_owned(),
    };
    Ok(text.trim().to_owned())
}

/// Says an answer's `hints` on stderr, and gives it back without them.
pub(super) fn hints_aside(context: &Context, mut answer: Value) -> Value {
    let hints = answer.as_object_mut().and_then(|fields| fields.remove("hints"));
    let aside = json!({"hints": hints});
    for hint in context.output.fields(&aside).list("hints") {
        context.output.hint(&hint);
    }
    answer
}

fn plain_circle(fields: Fields<'_>) -> String {
    let state = fields.text("state");
    if state != "member" {
        let state = match state.as_str() {
            "asking" => "asked to be let in",
            "left" => "you left",
            "removed" => "you were removed",
            _ => "ended",
        };
        return spaced(&[&fields.text("label"), state]);
    }
    let unread = match fields.count("unread") {
        0 => String::new(),
        count => format!("{count} new"),
    };
    let room = match fields.count("waiting_room") {
        0 => String::new(),
        count => format!("{count} waiting"),
    };
    let members = counted(fields.count("members"), "member", "members");
    let muted = if fields.flag("muted") { "muted" } else { "" };
    spaced(&[&fields.text("label"), &members, &unread, &room, reach(fields), muted])
}

fn reach(fields: Fields<'_>) -> &'static str {
    match (fields.count("relays_up"), fields.count("relays")) {
        (0, 0) => "no relay",
        (0, _) => "not connected",
        _ => "relay",
    }
}

fn plain_shown(fields: Fields<'_>) -> String {
    let mut lines = vec![fields.text("label")];
    let mut line = |key: &str, value: String| {
        if !value.is_empty() {
            lines.push(spaced(&[key, &value]));
        }
    };
    line("about", fields.long("about"));
    line("template", fields.text("template"));
    line("state", fields.text("state"));
    if fields.flag("other_copy") {
        line("silent", "Another copy of this home is in use.".to_owned());
    }
    line("roles", fields.list("roles").join(", "));
    line("members", fields.count("members").to_string());
    line("hosts", listed(&fields.list("hosts")));
    let admit = match fields.text("admit").as_str() {
        "open" => "whoever has an invite comes in",
        _ => "somebody lets newcomers in",
    };
    line("newcomers", admit.to_owned());
    if fields.flag("muted") {
        line("notices", "none, it is muted".to_owned());
    } else {
        line("notices", fields.maybe("notify").filter(|how| how != "default").unwrap_or_default());
    }
    line("kept", fields.maybe_count("retention_s").map(values::span).unwrap_or_default());
    line("joined", fields.day("joined_on").unwrap_or_default());
    for rule in fields.list("rules") {
        line("rule", rule);
    }
    for relay in fields.each("relays") {
        line("relay", plain_relay(relay));
    }
    lines.join("\n")
}

fn plain_relay(fields: Fields<'_>) -> String {
    let card = fields.inner("card");
    let card = card.map(|card| {
        let parts = [card.text("operator"), card.text("country")];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    });
    let key = fields.maybe("key").unwrap_or_else(|| "key not seen yet".to_owned());
    spaced(&[&key, &fields.text("state"), &card.unwrap_or_default()])
}

fn plain_member(fields: Fields<'_>) -> String {
    let state = match fields.text("state").as_str() {
        "active" => String::new(),
        other => other.to_owned(),
    };
    let since = fields.day("joined_on").map(|day| format!("since {day}")).unwrap_or_default();
    spaced(&[
        &fields.text("name"),
        if fields.flag("me") { "you" } else { "" },
        &fields.list("roles").join(", "),
        &state,
        if fields.flag("verified") { "verified" } else { "" },
        if fields.flag("blocked") { "blocked" } else { "" },
        &since,
        &match fields.list("removal_by").join(", ") {
            by if by.is_empty() => by,
            by => format!("removal waits for a second host, after {by}"),
        },
    ])
}

/// A span as the API takes it.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// How a person is told of something new in a circle.
const NOTICES: [&str; 5] = ["default", "off", "mark", "bell", "desktop"];

/// How long a new relay may take to answer. A guess.
const RELAY_WAIT: Duration = Duration::from_secs(5);

/// U-147 allows 400 bytes; room for line ends and comments.
const LONGEST_ADDRESS: usize = 4_096;

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn plain(show: fn(Fields<'_>) -> String, object: Value) -> String {
        show(Fields::new(&object, &TimeZone::UTC))
    }

    /// U-31
    #[test]
    fn a_circle_is_a_line() {
        let mut circle = json!({"v":1,"id":"41d0","label":"Tuesday group","template":"plain","state":"member",
            "roles":["host"],"members":6,"unread":3,"waiting_room":0,"muted":false,"relays_up":1,"relays":1,
            "joined_on":"2026-11-02"});
        assert_eq!(plain(plain_circle, circle.clone()), "Tuesday group  6 members  3 new  relay");
        circle["members"] = json!(1);
        circle["unread"] = json!(0);
        circle["relays_up"] = json!(0);
        circle["waiting_room"] = json!(2);
        assert_eq!(
            plain(plain_circle, circle.clone()),
            "Tuesday group  1 member  2 waiting  not connected"
        );
        circle["muted"] = json!(true);
        assert!(plain(plain_circle, circle.clone()).ends_with("  not connected  muted"));
        circle["state"] = json!("asking");
        assert_eq!(plain(plain_circle, circle), "Tuesday group  asked to be let in");
    }

    #[test]
    fn a_shown_circle_is_a_line_a_field() {
        let mut circle = json!({"v":1,"label":"Tuesday group","template":"plain","state":"member","roles":["host"],
            "muted":false,"notify":"bell","members":2,"hosts":["Heron"],"admit":"ask","retention_s":2_592_000,"joined_on":"2026-11-02",
            "about":"","rules":["Listen first."],"relays":[{"key":"12D3","address":"/ip4/127.0.0.1/tcp/1","state":"up","card":null}]});
        assert_eq!(
            plain(plain_shown, circle.clone()),
            "Tuesday group\ntemplate  plain\nstate  member\nroles  host\nmembers  2\nhosts  Heron\n\
             newcomers  somebody lets newcomers in\nnotices  bell\nkept  30d\njoined  2 Nov\nrule  Listen first.\nrelay  12D3  up"
        );
        circle["notify"] = json!("default");
        assert!(!plain(plain_shown, circle.clone()).contains("notices"));
        circle["muted"] = json!(true);
        assert!(plain(plain_shown, circle).contains("\nnotices  none, it is muted\n"));
    }

    /// U-33
    #[test]
    fn a_relay_is_its_key_state_and_card() {
        let relay = json!({"v":1,"key":"12D3KooW","state":"up","address":"a","card":{"operator":"Hope","country":"DE"}});
        assert_eq!(plain(plain_relay, relay), "12D3KooW  up  Hope, DE");
    }

    /// U-50
    #[test]
    fn a_member_is_a_line_without_last_seen() {
        let member = json!({"v":1,"id":"c0","name":"Heron","me":false,"roles":["host"],"joined_on":"2026-11-02",
            "state":"active","verified":true,"mentor_volunteer":false,"languages":[],"blocked":false});
        assert_eq!(plain(plain_member, member), "Heron  host  verified  since 2 Nov");
        let host = json!({"name":"Otter","roles":["host"],"joined_on":"2026-11-02","state":"active",
            "removal_by":["Heron"]});
        assert_eq!(
            plain(plain_member, host),
            "Otter  host  since 2 Nov  removal waits for a second host, after Heron"
        );
    }
}
