//! Making a home from the page (U-20).
use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    asked::Sent,
    desk::Desk,
    problem::Problem,
    views::{V, time},
};

/// A passphrase to take, if one likes.
#[derive(Serialize, JsonSchema)]
pub(super) struct Offered {
    v: u8,
    passphrase: Option<String>,
}

/// `GET /v1/setup`
pub(super) async fn offer(State(desk): State<Arc<Desk>>) -> Json<Offered> {
    let site = desk.options.site;
    Json(Offered { v: V, passphrase: site.and_then(|site| (site.passphrase)()) })
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Making {
    name: String,
    passphrase: Option<String>,
    language: Option<String>,
    country: Option<String>,
}

/// The home that was made (U-20).
#[derive(Serialize, JsonSchema)]
pub(super) struct Made {
    v: u8,
    home: String,
    name: String,
    passphrase: bool,
    language: String,
    country: Option<String>,
    created_at: String,
}

/// `POST /v1/setup`: makes the home, and opens it.
pub(super) async fn make(
    State(desk): State<Arc<Desk>>,
    Sent(making): Sent<Making>,
) -> Result<Json<Made>, Problem> {
    let passphrase = making.passphrase.map(Zeroizing::new);
    let text = passphrase.as_ref().map(|text| text.as_str().to_owned());
    let of = Arc::clone(&desk);
    let made = tokio::task::spawn_blocking(move || {
        let text = text.map(Zeroizing::new);
        let text = text.as_ref().map(|text| text.as_str());
        of.home.set_up(&making.name, making.language.as_deref(), making.country.as_deref(), text)
    })
    .await
    .map_err(|_| Problem::internal())??;
    desk.move_in()?;
    desk.unlock(passphrase).await?;
    Ok(Json(Made {
        v: V,
        home: made.home.to_string_lossy().into_owned(),
        name: made.name,
        passphrase: made.passphrase,
        language: made.language,
        country: made.country,
        created_at: time(made.created_at),
    }))
}
