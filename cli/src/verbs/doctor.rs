//! `doctor`: looks for what stands in the way (U-24). Names no key, address or person.

use std::time::Duration;

use serde_json::{Value, json};

use super::help_now;
use crate::{
    advice::Failure,
    client::{Class, Client},
    context::Context,
    fields::{Fields, spaced},
    node,
};

pub(crate) async fn doctor(context: &Context, offline: bool) -> Result<(), Failure> {
    let class = if offline { Class::Local } else { Class::Network };
    let mut items = match examine(context, class, offline).await {
        Ok(items) => items,
        Err(failure) => without_node(context, &failure)?,
    };
    // The numbers come with the command line; the node has none.
    items.retain(|item| item["check"] != "help-pack");
    let version = items.iter().position(|item| item["check"] == "version");
    items.insert(version.unwrap_or(items.len()), help_pack());
    for item in &items {
        context.output.object(item, plain)?;
    }
    if items.iter().any(|item| item["result"] == "fix") {
        return Err(Failure::of("check-failed"));
    }
    Ok(())
}

async fn examine(context: &Context, class: Class, offline: bool) -> Result<Vec<Value>, Failure> {
    let client = Client::open(context, class).await?;
    let answer = client.get_within(&format!("/v1/doctor?offline={offline}"), RELAY_WAIT).await?;
    match answer.get("items") {
        Some(Value::Array(items)) => Ok(items.clone()),
        _ => Ok(Vec::new()),
    }
}

/// What can be said when the home cannot be opened: which check that is, and what needs no open home.
fn without_node(context: &Context, failure: &Failure) -> Result<Vec<Value>, Failure> {
    let culprit = match failure.kind() {
        "not-set-up" => None,
        // What the configuration says cannot be meant.
        "usage" => Some("home"),
        "home-open-to-others" => Some("permissions"),
        "home-busy" | "locked" | "needs-passphrase" | "wrong-passphrase" => Some("lock"),
        "store-damaged" | "store-newer" => Some("store"),
        "disk-full" => Some("disk"),
        "version-mismatch" => Some("version"),
        _ => return Err(failure.clone()),
    };
    let result = match failure.kind() {
        // Nothing is wrong with these.
        "locked" | "needs-passphrase" => "look",
        _ => "fix",
    };
    let checks = node::api::without_node(&context.home()?);
    let told = checks.iter().map(|check| match culprit {
        // What the check itself says is as exact.
        Some(culprit) if check.check == culprit && check.fix.is_none() => {
            line(culprit, result, &failure.sentence(), failure.hint())
        }
        _ => json!(check),
    });
    Ok(told.collect())
}

fn help_pack() -> Value {
    match help_now::countries() {
        Ok(countries) => {
            let detail = format!("It has numbers for {}.", countries.join(", "));
            line("help-pack", "ok", &detail, None)
        }
        Err(_) => {
            let fix = "Install Hearthlight again.";
            line("help-pack", "fix", "It cannot be read.", Some(fix))
        }
    }
}

fn line(check: &str, result: &str, detail: &str, fix: Option<&str>) -> Value {
    json!({"v": 1, "check": check, "result": result, "detail": detail, "fix": fix})
}

fn plain(fields: Fields<'_>) -> String {
    let fix = fields.maybe("fix").map(|fix| format!("Try: {fix}")).unwrap_or_default();
    spaced(&[&fields.text("result"), &fields.text("check"), &fields.text("detail"), &fix])
}

/// Relays are asked one after another. A guess.
const RELAY_WAIT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_check_is_a_line() {
        let object = line("clock", "ok", "within 2 s of the relay", None);
        let plain_line = plain(Fields::new(&object, &TimeZone::UTC));
        assert_eq!(plain_line, "ok  clock  within 2 s of the relay");
        let object = line("permissions", "fix", "others can read", Some("chmod -R go-rwx"));
        let plain_line = plain(Fields::new(&object, &TimeZone::UTC));
        assert_eq!(plain_line, "fix  permissions  others can read  Try: chmod -R go-rwx");
    }
}
