//! Invites of a circle (U-34, U-35).
use std::sync::Arc;

use axum::{Json, extract::State};
use hearthlight_protocol::{
    boundary::{Answer, CircleRef, Command, InviteView},
    identity::{CircleId, OperationId},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    asked::{Asked, Named, Sent},
    circles::{AdmitWord, is_of},
    desk::{Desk, Open, answered},
    find,
    problem::Problem,
    views::{InviteLine, InviteMade, Items},
    wait,
};

/// `GET /v1/circles/{c}/invites`
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<Items<InviteLine>>, Problem> {
    let node = desk.node()?;
    let (id, _) = node.joined(&c).await?;
    Ok(Json(Items::all(node.invites(id).await?.iter().map(InviteLine::of).collect())))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Inviting {
    uses: Option<u64>,
    expires_s: Option<u64>,
    admit: Option<AdmitWord>,
    label: Option<String>,
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/invites`: waits until a relay knows the invite.
pub(super) async fn make(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Sent(inviting): Sent<Inviting>,
) -> Result<Json<InviteMade>, Problem> {
    let node = desk.node()?;
    let until = wait::after_ms(inviting.timeout_ms.unwrap_or(REGISTER_WAIT_MS));
    let (circle, view) = node.joined(&c).await?;
    let uses = u8::try_from(inviting.uses.unwrap_or(1))
        .map_err(|_| Problem::usage("An invite has 1 to 50 uses."))?;
    let mut events = node.events();
    let command = Command::InviteNew {
        circle,
        uses,
        expires_s: inviting.expires_s.unwrap_or(DAY_S),
        admit: inviting.admit.map_or(view.admit, Into::into),
        label: inviting.label,
    };
    let mut invite = answered!(node.act(circle, command, until).await?, Answer::Invite)?;
    // The code comes once, so it is kept aside while the rest is asked again.
    let (id, code) = (invite.id, invite.code.take());
    let mut invite = wait::until(
        &mut events,
        until,
        invite,
        |event| is_of(event, CircleRef::Circle(circle)),
        |invite| invite.registered,
        || one(&node, circle, id),
    )
    .await?;
    invite.code = code;
    InviteMade::of(&view.label, circle, &invite).map(Json).ok_or_else(Problem::internal)
}

async fn one(node: &Open, circle: CircleId, id: OperationId) -> Result<InviteView, Problem> {
    let mut invites = node.invites(circle).await?.into_iter();
    invites.find(|invite| invite.id == id).ok_or_else(|| Problem::of("no-match"))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Revoking {
    timeout_ms: Option<u64>,
}

/// `DELETE /v1/circles/{c}/invites/{id}`
pub(super) async fn revoke(
    State(desk): State<Arc<Desk>>,
    Named((c, id)): Named<(String, String)>,
    Asked(revoking): Asked<Revoking>,
) -> Result<Json<InviteLine>, Problem> {
    let node = desk.node()?;
    let (circle, _) = node.joined(&c).await?;
    let invites = node.invites(circle).await?;
    let ids: Vec<String> = invites.iter().map(|invite| invite.id.hex()).collect();
    let invite = invites[find::id(&ids, &id)?].id;
    let command = Command::InviteRevoke { circle, invite };
    let until = wait::after_ms(revoking.timeout_ms.unwrap_or(REGISTER_WAIT_MS));
    let invite = answered!(node.act(circle, command, until).await?, Answer::Invite)?;
    Ok(Json(InviteLine::of(&invite)))
}

/// How long a new invite waits for a relay to know it, where nothing else is said.
const REGISTER_WAIT_MS: u64 = 5_000;
/// How long an invite lasts, where nothing else is said (U-34).
const DAY_S: u64 = 86_400;
