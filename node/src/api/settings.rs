//! The settings of a home (U-13, U-71), by their dotted keys.
use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{asked::Sent, desk::Desk, problem::Problem, views::V};
use crate::{
    config::{Away, Config, NotifyMode},
    error::NodeError,
};

/// All settings, and what each is where nothing was chosen.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Settings {
    v: u8,
    #[serde(flatten)]
    chosen: Values,
    defaults: Values,
}

/// All settings but the proxy, which cannot be used yet.
#[derive(Debug, Serialize, JsonSchema)]
struct Values {
    name: Option<String>,
    language: Option<String>,
    country: Option<String>,
    #[serde(rename = "lock.after")]
    lock_after: String,
    #[serde(rename = "notify.mode")]
    notify_mode: NotifyMode,
    #[serde(rename = "notify.quiet")]
    notify_quiet: Option<String>,
    #[serde(rename = "page.title")]
    page_title: String,
    #[serde(rename = "page.away")]
    page_away: Away,
    #[serde(rename = "page.hide_keys")]
    page_hide_keys: bool,
    #[serde(rename = "page.spellcheck")]
    page_spellcheck: bool,
}

/// New values by key; `null` makes one as usual again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Wishes(BTreeMap<String, Value>);

/// `GET /v1/config`: every setting, as usual where nothing was chosen. A name may be in it, so a closed
/// home tells nothing.
pub(super) async fn list(State(desk): State<Arc<Desk>>) -> Result<Json<Settings>, Problem> {
    desk.node()?;
    Ok(Json(Settings::of(&desk.home.config()?)))
}

/// `PATCH /v1/config`
pub(super) async fn set(
    State(desk): State<Arc<Desk>>,
    Sent(wishes): Sent<Wishes>,
) -> Result<Json<Settings>, Problem> {
    desk.node()?;
    let config = desk.home.change_config(|config| changed(config, &wishes))?;
    desk.settings_changed();
    Ok(Json(Settings::of(&config)))
}

impl Settings {
    fn of(config: &Config) -> Self {
        Self { v: V, chosen: Values::of(config), defaults: Values::of(&Config::default()) }
    }
}

impl Values {
    fn of(config: &Config) -> Self {
        Self {
            name: config.name.clone().map(Into::into),
            language: config.language.clone().map(Into::into),
            country: config.country.clone().map(Into::into),
            lock_after: config.lock.after.into(),
            notify_mode: config.notify.mode,
            notify_quiet: config.notify.quiet.map(Into::into),
            page_title: config.page.title.clone().into(),
            page_away: config.page.away,
            page_hide_keys: config.page.hide_keys,
            page_spellcheck: config.page.spellcheck,
        }
    }
}

fn changed(config: &Config, Wishes(wishes): &Wishes) -> Result<Config, NodeError> {
    let known = serde_json::to_value(Values::of(config)).unwrap_or_default();
    let mut all = serde_json::to_value(config).unwrap_or_default();
    for (key, value) in wishes.iter().filter(|(key, _)| *key != "v") {
        if known.get(key).is_none() {
            return Err(NodeError::Config("there is no setting of that name".into()));
        }
        let tables = all.as_object_mut().expect("a configuration is a table");
        let (table, name) = match key.split_once('.') {
            None => (tables, key.as_str()),
            Some((table, name)) => {
                let table = tables.entry(table).or_insert_with(|| Map::new().into());
                (table.as_object_mut().expect("a dotted key lies in a table"), name)
            }
        };
        match value {
            Value::Null => table.remove(name),
            value => table.insert(name.to_owned(), value.clone()),
        };
    }
    serde_json::from_value(all).map_err(|error| NodeError::Config(without_values(&error)))
}

/// What is wrong with a setting. Serde repeats what was sent and ends with what is taken; our own sentences
/// repeat nothing.
fn without_values(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match said.rsplit_once(", expected ") {
        Some((_, "a boolean")) => "this setting takes true or false".into(),
        Some((_, "a string")) => "this setting takes a text".into(),
        Some((_, taken)) => format!("this setting takes {taken}"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(config: &Config, key: &str, value: Value) -> Result<Config, String> {
        let wishes = Wishes(BTreeMap::from([(key.to_owned(), value)]));
        changed(config, &wishes).map_err(|error| error.to_string())
    }

    /// U-13
    #[test]
    fn a_setting_is_set_and_brought_back() {
        let usual = Config::default();
        let locked = set(&usual, "lock.after", json!("5m")).unwrap();
        assert_eq!(Values::of(&locked).lock_after, "5m");
        assert_eq!(set(&locked, "lock.after", Value::Null).unwrap(), usual);
        assert_eq!(Values::of(&usual).lock_after, "15m");
        assert_eq!(Values::of(&usual).page_title, "Notes");
        let named = set(&usual, "name", json!("Heron")).unwrap();
        assert_eq!(Values::of(&named).name.as_deref(), Some("Heron"));
    }

    /// U-13, U-105
    #[test]
    fn what_a_setting_does_not_take_is_said_without_it() {
        let usual = Config::default();
        for (key, value) in [
            ("lock.after", json!("my secret")),
            ("lock.after", json!(7)),
            ("notify.mode", json!("my secret")),
            ("notify.quiet", json!("25:00-07:00")),
            ("page.hide_keys", json!("my secret")),
            ("network.proxy", json!("127.0.0.1:9050")),
            ("colour", json!("red")),
        ] {
            let said = set(&usual, key, value).unwrap_err();
            assert!(!said.contains("secret"), "{key}: {said}");
        }
        let said = |key, value| set(&usual, key, value).unwrap_err();
        let taken = "this setting takes one of `off`, `mark`, `bell`, `desktop`";
        assert_eq!(said("notify.mode", json!("a, expected secret")), taken);
        assert_eq!(said("page.away", json!("all")), "this setting takes `notes` or `blank`");
        assert_eq!(said("page.hide_keys", json!("maybe")), "this setting takes true or false");
        assert_eq!(said("page.title", json!(7)), "this setting takes a text");
    }
}
