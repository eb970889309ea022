//! What a person keeps for themselves: drafts, the reading place, whom they verified and whom they do not
//! want to read (U-52, U-53, U-101). No byte of it leaves.
use std::sync::Arc;

use axum::{Json, extract::State};
use hearthlight_protocol::{
    boundary::{Answer, Command, Draft, MemberView},
    identity::CircleId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    asked::{Named, Sent},
    desk::{Desk, Open, answered},
    find::Names,
    governing::meant,
    messages::{WantsWord, message},
    problem::Problem,
    views::V,
};

/// Nothing more to say.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Done {
    v: u8,
}

/// What was typed and not said.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Typed {
    v: u8,
    text: String,
    reply_to: Option<String>,
    wants: Option<WantsWord>,
    note: Option<String>,
}

/// `GET /v1/circles/{c}/draft`
pub(super) async fn draft(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<Typed>, Problem> {
    let node = desk.node()?;
    let (circle, _) = node.joined(&c).await?;
    let draft = answered!(node.ask(Command::Draft { circle }).await?, Answer::Draft)?;
    Ok(Json(match draft {
        None => Typed { v: V, ..Typed::default() },
        Some(draft) => Typed {
            v: V,
            text: draft.text,
            reply_to: draft.reply_to.map(|id| id.hex()),
            wants: draft.wants.map(WantsWord::from),
            note: draft.note,
        },
    }))
}

/// `PUT /v1/circles/{c}/draft`
pub(super) async fn keep_draft(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Sent(typed): Sent<Typed>,
) -> Result<Json<Done>, Problem> {
    let node = desk.node()?;
    let (circle, _) = node.joined(&c).await?;
    let reply_to = match &typed.reply_to {
        Some(id) => Some(message(&node, circle, id, |_| true).await?),
        None => None,
    };
    let draft = Draft {
        text: typed.text,
        reply_to,
        wants: typed.wants.map(Into::into),
        note: typed.note,
        once: None,
    };
    node.ask(Command::KeepDraft { circle, draft }).await?;
    Ok(Json(Done { v: V }))
}

/// `PUT /v1/circles/{c}/place`: what is there now has been read.
pub(super) async fn move_place(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<Done>, Problem> {
    let node = desk.node()?;
    let (circle, _) = node.joined(&c).await?;
    let command = Command::Read {
        circle,
        since: None,
        unread: false,
        before: None,
        after: None,
        limit: 1,
        mark_read: true,
    };
    node.ask(command).await?;
    Ok(Json(Done { v: V }))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Comparing {
    same: Option<bool>,
}

/// Six words, and whether they were found the same (U-52).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Compared {
    v: u8,
    id: String,
    name: String,
    words: Vec<String>,
    verified: bool,
}

/// `POST /v1/circles/{c}/members/{who}/verify`; without `same` it only tells the words.
pub(super) async fn verify(
    State(desk): State<Arc<Desk>>,
    Named((c, who)): Named<(String, String)>,
    Sent(comparing): Sent<Comparing>,
) -> Result<Json<Compared>, Problem> {
    let node = desk.node()?;
    let (circle, member, name) = one(&node, &c, &who).await?;
    let command = Command::Verify { circle, who: member.id, same: comparing.same };
    let Answer::Words(words, verified) = node.ask(command).await? else {
        return Err(Problem::internal());
    };
    Ok(Json(Compared { v: V, id: member.id.hex(), name, words, verified }))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Blocking {
    #[serde(default)]
    undo: bool,
}

/// Whether a member is read here (U-53).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Blocked {
    v: u8,
    id: String,
    name: String,
    blocked: bool,
}

/// `POST /v1/circles/{c}/members/{who}/block`
pub(super) async fn block(
    State(desk): State<Arc<Desk>>,
    Named((c, who)): Named<(String, String)>,
    Sent(blocking): Sent<Blocking>,
) -> Result<Json<Blocked>, Problem> {
    let node = desk.node()?;
    let (circle, member, name) = one(&node, &c, &who).await?;
    let blocked = !blocking.undo;
    node.ask(Command::Block { circle, who: member.id, blocked }).await?;
    Ok(Json(Blocked { v: V, id: member.id.hex(), name, blocked }))
}

/// The member that `{who}` means, and how the name is shown.
async fn one(node: &Open, c: &str, who: &str) -> Result<(CircleId, MemberView, String), Problem> {
    let (circle, _) = node.joined(c).await?;
    let members = node.members(circle).await?;
    let member = meant(&members, who)?.clone();
    let names = Names::among(&members);
    let name = names.shown(&member.name, &member.id.hex());
    Ok((circle, member, name))
}
