//! The settings of a home (U-13, U-71). The node reads and writes them, and says what it does not take.

use serde_json::{Value, json};

use crate::{
    advice::Failure,
    args::{Config, ConfigKey, word},
    client::{Class, Client},
    context::Context,
    fields::{Fields, spaced},
};

pub(crate) async fn config(context: &Context, verb: Config) -> Result<(), Failure> {
    match verb {
        Config::List => {
            let settings = Client::open(context, Class::Local).await?.get(PATH).await?;
            let keys: Vec<_> = settings["defaults"].as_object().into_iter().flatten().collect();
            keys.into_iter().try_for_each(|(key, _)| show(context, &settings, key))
        }
        Config::Get { key } => {
            let settings = Client::open(context, Class::Local).await?.get(PATH).await?;
            show(context, &settings, &word(key))
        }
        Config::Set { key, value } => change(context, key, Some(value)).await,
        Config::Unset { key } => change(context, key, None).await,
        Config::Path => path(context),
    }
}

/// Without a value it is as usual again.
async fn change(context: &Context, key: ConfigKey, value: Option<String>) -> Result<(), Failure> {
    let key = word(key);
    let client = Client::open(context, Class::Local).await?;
    let usual = client.get(PATH).await?["defaults"][&key].take();
    let value = value.map(|text| typed(text, &usual));
    let settings = client.patch(PATH, json!({&key: value})).await?;
    show(context, &settings, &key)
}

/// What was typed, as the kind of value that the setting has.
fn typed(text: String, usual: &Value) -> Value {
    match text.as_str() {
        "true" if usual.is_boolean() => true.into(),
        "false" if usual.is_boolean() => false.into(),
        _ => text.into(),
    }
}

fn path(context: &Context) -> Result<(), Failure> {
    if !context.home()?.is_set_up() {
        return Err(Failure::of("not-set-up"));
    }
    let path = context.home_folder()?.join("config.toml");
    context
        .output
        .object(&json!({"v": 1, "path": path.display().to_string()}), |fields| fields.text("path"))
}

fn show(context: &Context, settings: &Value, key: &str) -> Result<(), Failure> {
    context.output.object(&setting(settings, key), plain_setting)
}

/// One setting: what a file says that is as usual anyway counts as usual.
fn setting(settings: &Value, key: &str) -> Value {
    let (value, default) = (&settings[key], &settings["defaults"][key]);
    let origin = if value == default { "default" } else { "config.toml" };
    json!({"v": 1, "key": key, "value": value, "default": default, "origin": origin})
}

fn plain_setting(fields: Fields<'_>) -> String {
    let value = match fields.yes_or_no("value") {
        Some(yes) => yes.to_string(),
        None => fields.maybe("value").unwrap_or_else(|| "not chosen".to_owned()),
    };
    let origin = match fields.text("origin").as_str() {
        "default" => "(as usual)",
        _ => "(from config.toml)",
    };
    spaced(&[&fields.text("key"), &value, origin])
}

const PATH: &str = "/v1/config";

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn settings() -> Value {
        json!({
            "v": 1, "country": null, "lock.after": "5m", "page.hide_keys": true,
            "defaults": {"country": null, "lock.after": "15m", "page.hide_keys": true},
        })
    }

    fn plain(key: &str) -> String {
        plain_setting(Fields::new(&setting(&settings(), key), &TimeZone::UTC))
    }

    /// U-71
    #[test]
    fn a_setting_says_where_it_comes_from() {
        assert_eq!(
            setting(&settings(), "lock.after"),
            json!({"v": 1, "key": "lock.after", "value": "5m", "default": "15m", "origin": "config.toml"})
        );
        assert_eq!(plain("lock.after"), "lock.after  5m  (from config.toml)");
        assert_eq!(plain("page.hide_keys"), "page.hide_keys  true  (as usual)");
        assert_eq!(plain("country"), "country  not chosen  (as usual)");
    }

    /// U-13: a title may be the word `true`.
    #[test]
    fn what_is_typed_has_the_kind_of_the_setting() {
        assert_eq!(typed("false".to_owned(), &json!(true)), json!(false));
        assert_eq!(typed("no".to_owned(), &json!(true)), json!("no"));
        assert_eq!(typed("true".to_owned(), &json!("Notes")), json!("true"));
    }
}
