//! The relay host kit: `relay init`, `run`, `status`, `token`, `card`, `healthcheck`, `config`
//! (U-80 to U-84). Knows no home.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    advice::Failure,
    args::{Relay, RelayConfig, RelayFolder, RelayInit, RelayRun, RelayToken},
    context::{Context, data_home},
    fields::{Fields, spaced},
    node::relay::{
        CardSettings, Health, InitOptions, Initiated, Level, Overrides, Ready, RelayCard, RelayDir,
        RelayError, RelayNode, SEES, Shown, StatusReport, TokenOrder, TokenReport, look_at,
    },
    output, values,
};

pub(crate) async fn relay(context: &Context, verb: Relay) -> Result<(), Failure> {
    let output = &context.output;
    match verb {
        Relay::Init(asked) => init(context, asked),
        Relay::Run(asked) => run(context, asked).await,
        Relay::Status(folder) => {
            let status = dir_of(&folder)?.status().await?;
            output.object(&status_json(&status), plain_status)
        }
        Relay::Token(verb) => token(context, verb).await,
        Relay::Card { folder, set, address } => {
            let card = match address {
                Some(address) => look_at(&address).await?,
                None => own_card(&dir_of(&folder)?, set.as_deref()).await?,
            };
            output.object(&card_json(card), plain_card)
        }
        Relay::Healthcheck { folder, ready } => healthcheck(context, &folder, ready).await,
        Relay::Config(RelayConfig::Show(folder)) => {
            let values = dir_of(&folder)?.show_settings(&overrides(&[])?);
            let values = values.map_err(RelayError::from)?;
            let mut lines = values.iter().map(shown_json);
            lines.try_for_each(|value| output.object(&value, plain_value))
        }
    }
}

fn init(context: &Context, asked: RelayInit) -> Result<(), Failure> {
    let options = InitOptions {
        local: asked.local,
        listen: asked.listen,
        external: asked.external_address,
        operator: asked.operator,
        contact: asked.contact,
        country: asked.country,
    };
    let made = dir_of(&asked.folder)?.init(&options);
    let made = made.map_err(RelayError::from)?;
    context.output.object(&initiated_json(&made), |fields| fields.text("address"))?;
    if made.has_name {
        context.output.hint(
            "The address holds a name: whoever looks names up for members sees that they use it.",
        );
    }
    if made.token_id.is_some() {
        context.output.hint(
            "This address is the way in for circles, and is shown once. Give it only to who may \
             use this relay.",
        );
        let dir = asked.folder.dir.map(|dir| format!(" --dir {}", dir.display()));
        context.output.hint(&format!(
            "Start the relay with: hearthlight relay run{}",
            dir.unwrap_or_default()
        ));
    } else {
        context.output.hint(
            "Nothing says yet where members reach this relay. Write it into relay.toml as \
             listen.external,\nthen get a whole address with: hearthlight relay token add",
        );
    }
    Ok(())
}

async fn run(context: &Context, asked: RelayRun) -> Result<(), Failure> {
    let dir = RelayDir::at(&folder_of(&asked.folder)?, asked.config.as_deref());
    let mut overrides = overrides(&asked.option)?;
    for (key, values) in
        [("listen.tcp", &asked.listen), ("listen.external", &asked.external_address)]
    {
        if !values.is_empty() {
            overrides.set(key, values);
        }
    }
    if !context.logs {
        let settings = dir.settings(&overrides).map_err(RelayError::from)?;
        output::log_to_stderr(match settings.log.level {
            Level::Error => tracing::Level::ERROR,
            Level::Warn => tracing::Level::WARN,
            Level::Info => tracing::Level::INFO,
        });
    }
    let node = RelayNode::start(&dir, overrides).await;
    let node = node.map_err(RelayError::from)?;
    let ready = node.ready();
    // A closed stdout is no reason to end: nobody reads that it is ready.
    let _ = context.output.object(&ready_json(ready), |_| plain_ready(ready));
    node.run().await.map_err(RelayError::from)?;
    Ok(())
}

async fn token(context: &Context, verb: RelayToken) -> Result<(), Failure> {
    let output = &context.output;
    match verb {
        RelayToken::Add { folder, label, quota, expires } => {
            let order = TokenOrder {
                label: label.unwrap_or_default(),
                quota_bytes: quota,
                expires_s: expires.map(|span| span.as_secs()),
            };
            let added = dir_of(&folder)?.add_token(order).await?;
            output.object(&token_json(&added), |fields| fields.text("address"))
        }
        RelayToken::List(folder) => {
            let tokens = dir_of(&folder)?.tokens().await?;
            let mut lines = tokens.iter().map(token_json);
            lines.try_for_each(|token| output.object(&token, plain_token))
        }
        RelayToken::Revoke { folder, id } => {
            let revoked = dir_of(&folder)?.revoke_token(&id).await?;
            output.object(&token_json(&revoked), plain_token)
        }
    }
}

async fn own_card(dir: &RelayDir, set: Option<&Path>) -> Result<RelayCard, Failure> {
    if let Some(file) = set {
        let text = std::fs::read_to_string(file)
            .map_err(|_| Failure::usage("The file with the card cannot be read."))?;
        dir.set_card(&CardSettings::read(&text)?).await?;
    }
    Ok(dir.card().map_err(RelayError::from)?)
}

async fn healthcheck(context: &Context, folder: &RelayFolder, ready: bool) -> Result<(), Failure> {
    let health = match dir_of(folder)?.health().await {
        Err(RelayError::NotRunning) => {
            Health { ok: false, ready: false, reason: Some("not-running".to_owned()) }
        }
        health => health?,
    };
    let ok = health.ok && (health.ready || !ready);
    let reason = health.reason.filter(|_| !ok);
    let object = json!({"v": 1, "ok": ok, "reason": reason});
    context.output.object(&object, plain_health)?;
    match reason.as_deref() {
        _ if ok => Ok(()),
        Some("not-running") => Err(RelayError::NotRunning.into()),
        _ => Err(Failure::of("check-failed")),
    }
}

fn dir_of(folder: &RelayFolder) -> Result<RelayDir, Failure> {
    Ok(RelayDir::at(&folder_of(folder)?, None))
}

/// What stands above `relay.toml`: flags `-O`, and variables (U-161).
fn overrides(flags: &[String]) -> Result<Overrides, Failure> {
    let variables = std::env::vars_os();
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Ok(Overrides::new(flags, variables.filter_map(text))?)
}

/// `--dir`, else `/var/lib/hearthlight-relay` for root and under systemd, else among this
/// person's data.
fn folder_of(folder: &RelayFolder) -> Result<PathBuf, Failure> {
    if let Some(dir) = &folder.dir {
        return Ok(dir.clone());
    }
    let by_system = rustix::process::geteuid().is_root()
        || std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| !socket.is_empty());
    if by_system {
        return Ok(Path::new("/var/lib/hearthlight-relay").to_owned());
    }
    let data = data_home().ok_or_else(|| Failure::missing("The relay's folder", "--dir DIR"))?;
    Ok(data.join("hearthlight-relay"))
}

fn initiated_json(made: &Initiated) -> Value {
    json!({
        "v": 1, "dir": made.dir, "key": made.key, "config": made.config, "address": made.address,
        "token_id": made.token_id, "external": made.external,
    })
}

fn ready_json(ready: &Ready) -> Value {
    json!({
        "v": 1, "state": "ready", "key": ready.key, "addresses": ready.addresses,
        "observe": ready.observe,
    })
}

fn status_json(status: &StatusReport) -> Value {
    json!({
        "v": 1, "state": status.state, "up_s": status.up_s, "version": status.version,
        "key": status.key, "addresses": status.addresses, "connections": status.connections,
        "envelopes": status.envelopes, "stored_bytes": status.stored_bytes,
        "limit_bytes": status.limit_bytes, "oldest_s": status.oldest_s, "tokens": status.tokens,
        "refused_hour": status.refused_hour,
    })
}

fn card_json(card: RelayCard) -> Value {
    // U-9: what its operator did not write is not known.
    let given = |text: String| (!text.is_empty()).then_some(text);
    json!({
        "v": 1, "operator": given(card.operator), "contact": given(card.contact),
        "country": given(card.country), "hosting": given(card.hosting),
        "statement": given(card.statement), "mode": card.mode, "age_s": card.age_s,
        "quota_bytes": card.quota_bytes, "version": card.version,
        "made_at": values::utc(card.made_at), "sees": SEES,
    })
}

fn token_json(token: &TokenReport) -> Value {
    let mut object = json!({
        "v": 1, "id": token.id, "label": token.label, "made_at": values::utc(token.made_at_ms),
        "expires_at": token.expires_at_ms.map(values::utc), "quota_bytes": token.quota_bytes,
        "used_bytes": token.used_bytes, "state": token.state,
    });
    // Only at its making: the relay does not keep it.
    if let Some(address) = &token.address {
        object["address"] = json!(address);
    }
    object
}

fn shown_json(shown: &Shown) -> Value {
    json!({"v": 1, "key": shown.key, "value": shown.value, "origin": shown.origin})
}

fn plain_ready(ready: &Ready) -> String {
    match &ready.address {
        Some(address) => format!("Ready on {address}"),
        None => format!("Ready on {}", ready.addresses.join(", ")),
    }
}

fn plain_status(fields: Fields<'_>) -> String {
    let state = match fields.text("state").as_str() {
        "full" => "The store is full. Nothing new is taken.".to_owned(),
        "draining" => "Ending.".to_owned(),
        _ => format!("Ready, for {}.", values::span(fields.count("up_s"))),
    };
    let connections = format!("Connections now: {}.", fields.count("connections"));
    let store = format!(
        "Kept: {} envelopes, {} of {}.",
        fields.count("envelopes"),
        values::bytes(fields.count("stored_bytes")),
        values::bytes(fields.count("limit_bytes")),
    );
    let refused = format!("Refused in the last hour: {}.", fields.count("refused_hour"));
    let tokens = format!("Tokens: {}.", fields.count("tokens"));
    [state, connections, store, tokens, refused].join("\n")
}

fn plain_token(fields: Fields<'_>) -> String {
    let until = fields.weekday_clock("expires_at").map(|time| format!("until {time}"));
    let mebibytes = |key| fields.count(key) >> 20;
    spaced(&[
        &fields.short_id("id", 6),
        &fields.text("label"),
        &format!("{} of {} MiB", mebibytes("used_bytes"), mebibytes("quota_bytes")),
        &until.unwrap_or_default(),
        &fields.text("state"),
    ])
}

fn plain_card(fields: Fields<'_>) -> String {
    let mut lines = Vec::new();
    for (name, key) in [
        ("Operator", "operator"),
        ("Contact", "contact"),
        ("Country", "country"),
        ("Hosting", "hosting"),
        ("Statement", "statement"),
        ("Mode", "mode"),
    ] {
        let value = fields.long(key);
        if !value.is_empty() {
            lines.push(spaced(&[name, &value]));
        }
    }
    if let Some(age) = fields.maybe_count("age_s") {
        lines.push(spaced(&["Keeps things for", &values::span(age)]));
    }
    if let Some(quota) = fields.maybe_count("quota_bytes") {
        lines.push(spaced(&["Room for a token", &values::bytes(quota)]));
    }
    lines.extend(fields.list("sees"));
    lines.join("\n")
}

fn plain_health(fields: Fields<'_>) -> String {
    if fields.flag("ok") { "ok".to_owned() } else { spaced(&["not well", &fields.text("reason")]) }
}

fn plain_value(fields: Fields<'_>) -> String {
    let value = match fields.maybe_count("value") {
        Some(number) => number.to_string(),
        None if fields.yes_or_no("value").is_some() => fields.flag("value").to_string(),
        None => fields.maybe("value").unwrap_or_else(|| fields.list("value").join(", ")),
    };
    spaced(&[&fields.text("key"), &value, &format!("({})", fields.text("origin"))])
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;

    fn plain(show: fn(Fields<'_>) -> String, object: Value) -> String {
        show(Fields::new(&object, &TimeZone::UTC))
    }

    #[test]
    fn the_relay_speaks_plainly() {
        let token = json!({"v":1,"id":"a1b2c3d4","label":"Test","made_at":"2026-11-23T18:02:00.000Z","expires_at":null,
            "quota_bytes":104_857_600,"used_bytes":12_582_912,"state":"active"});
        assert_eq!(plain(plain_token, token), "a1b2c3  Test  12 of 100 MiB  active");
        let ready = Ready {
            address: None,
            key: "12D3".to_owned(),
            addresses: vec!["/ip4/127.0.0.1/tcp/4270".to_owned()],
            observe: None,
        };
        assert_eq!(plain_ready(&ready), "Ready on /ip4/127.0.0.1/tcp/4270");
        let value = json!({"v":1,"key":"limits.store","value":"2GiB","origin":"default"});
        assert_eq!(plain(plain_value, value), "limits.store  2GiB  (default)");
        let value = json!({"v":1,"key":"listen.tcp","value":["a","b"],"origin":"relay.toml"});
        assert_eq!(plain(plain_value, value), "listen.tcp  a, b  (relay.toml)");
        assert_eq!(plain(plain_health, json!({"ok":true})), "ok");
        let card = plain(
            plain_card,
            json!({"operator":"Hope","contact":null,"age_s":2_592_000,"sees":SEES}),
        );
        assert!(
            card.starts_with(
                "Operator  Hope\nKeeps things for  30d\nIt can see internet addresses"
            )
        );
    }
}
