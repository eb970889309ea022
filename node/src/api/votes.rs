//! Votes of a circle (U-67).
use std::sync::Arc;

use axum::{Json, extract::State};
use hearthlight_protocol::{
    boundary::{Answer, Asked, CircleRef, Command, Mark, NewVote, VoteView},
    identity::{CircleId, OperationId},
    threshold::{ABSTAIN, ASIDE, BLOCK, NO, Pass, Share, YES},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    asked::{Named, Sent},
    circles::is_of,
    desk::{Desk, Open, answered},
    find::{self, Names},
    governing::{Act, meant, moment},
    problem::Problem,
    views::{Governed, Items, VoteLine},
    wait,
};

/// `GET /v1/circles/{c}/votes`
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<Items<VoteLine>>, Problem> {
    let node = desk.node()?;
    let (circle, view) = node.joined(&c).await?;
    Ok(Json(Items::all(lines(&node, circle, &view.label).await?)))
}

/// `GET /v1/votes`
pub(super) async fn list_all(
    State(desk): State<Arc<Desk>>,
) -> Result<Json<Items<VoteLine>>, Problem> {
    let node = desk.node()?;
    let mut all = Vec::new();
    for view in node.circles().await? {
        if let CircleRef::Circle(circle) = view.id {
            all.extend(lines(&node, circle, &view.label).await?);
        }
    }
    Ok(Json(Items::all(all)))
}

/// `GET /v1/circles/{c}/votes/{id}`
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Named((c, id)): Named<(String, String)>,
) -> Result<Json<VoteLine>, Problem> {
    let node = desk.node()?;
    let (circle, view) = node.joined(&c).await?;
    let vote = find_vote(&node, circle, &id).await?;
    let names = names(&node, circle).await?;
    Ok(Json(VoteLine::of(&view.label, circle, &names, &vote)))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct New {
    text: String,
    closes_s: Option<u64>,
    #[serde(default)]
    secret: bool,
    threshold: Option<String>,
    /// Who is removed.
    remove: Option<String>,
    /// Who is given the role.
    elect: Option<String>,
    role: Option<String>,
    /// When that ends by itself, RFC 3339.
    until: Option<String>,
    /// The circle's name from then on.
    name: Option<String>,
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/votes`
pub(super) async fn make(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Sent(new): Sent<New>,
) -> Result<Json<VoteLine>, Problem> {
    if new.secret {
        return Err(Problem::usage(
            "Secret votes are not built yet. Everybody sees who chose what.",
        ));
    }
    let pass = new.threshold.as_deref().map(pass).transpose()?;
    let end = new.until.as_deref().map(moment).transpose()?;
    let act = Act::begin(&desk, &c, new.timeout_ms).await?;
    let members = act.node.members(act.circle).await?;
    let whom = |typed: &str| meant(&members, typed).map(|member| member.id);
    let asked = match (new.remove, new.elect, new.name) {
        (None, None, None) => Asked::Ordinary,
        (Some(who), None, None) => Asked::Remove { who: whom(&who)? },
        (None, Some(who), None) => {
            let role = new.role.unwrap_or_else(|| "host".to_owned()).to_lowercase();
            Asked::Elect { who: whom(&who)?, role, end }
        }
        (None, None, Some(name)) => Asked::Rename { name },
        _ => return Err(Problem::usage("A vote is on one thing.")),
    };
    let closes_s = new.closes_s.unwrap_or(CLOSES_S);
    let vote = NewVote { text: new.text, closes_s, pass, asked };
    let command = Command::VoteNew { circle: act.circle, vote };
    done(act, command).await
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Ballot {
    choice: String,
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/votes/{id}/cast`
pub(super) async fn cast(
    State(desk): State<Arc<Desk>>,
    Named((c, id)): Named<(String, String)>,
    Sent(asked): Sent<Ballot>,
) -> Result<Json<VoteLine>, Problem> {
    let choice = match asked.choice.as_str() {
        "yes" => YES,
        "no" => NO,
        "abstain" => ABSTAIN,
        "aside" => ASIDE,
        "block" => BLOCK,
        _ => return Err(Problem::usage("A choice is yes, no, abstain, aside or block.")),
    };
    let act = Act::begin(&desk, &c, asked.timeout_ms).await?;
    let (circle, proposal) = (act.circle, find_vote(&act.node, act.circle, &id).await?.id);
    done(act, Command::VoteCast { circle, proposal, choice }).await
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct HostLost {
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/host-lost`
pub(super) async fn host_lost(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Sent(asked): Sent<HostLost>,
) -> Result<Json<Governed>, Problem> {
    let mut act = Act::begin(&desk, &c, asked.timeout_ms).await?;
    let circle = act.circle;
    let done = act.done(Command::HostLost { circle }).await?;
    Ok(Json(Governed::of(&act.view.label, circle, "host-lost", &done)))
}

/// Gives the command, and waits a while until a relay has what came of it.
async fn done(mut act: Act, command: Command) -> Result<Json<VoteLine>, Problem> {
    let (node, circle) = (&act.node, act.circle);
    let answer = answered!(node.act(circle, command, act.until).await?, Answer::Votes)?;
    let first = answer.into_iter().next().ok_or_else(Problem::internal)?;
    let id = first.id;
    let vote = wait::until(
        &mut act.events,
        act.until,
        first,
        |event| is_of(event, CircleRef::Circle(circle)),
        |vote| vote.posted >= Mark::Relayed,
        || one(node, circle, id),
    )
    .await?;
    let names = names(node, circle).await?;
    Ok(Json(VoteLine::of(&act.view.label, circle, &names, &vote)))
}

/// All votes of the circle that goes by `label` here, as they are shown.
pub(super) async fn lines(
    node: &Open,
    circle: CircleId,
    label: &str,
) -> Result<Vec<VoteLine>, Problem> {
    let (votes, names) = (votes(node, circle).await?, names(node, circle).await?);
    Ok(votes.iter().map(|vote| VoteLine::of(label, circle, &names, vote)).collect())
}

async fn names(node: &Open, circle: CircleId) -> Result<Names, Problem> {
    let members = node.members(circle).await?;
    Ok(Names::among(&members))
}

async fn votes(node: &Open, circle: CircleId) -> Result<Vec<VoteView>, Problem> {
    let mut votes = answered!(node.ask(Command::Votes { circle }).await?, Answer::Votes)?;
    votes.sort_by_key(|vote| (vote.closes_at, vote.id));
    Ok(votes)
}

async fn one(node: &Open, circle: CircleId, id: OperationId) -> Result<VoteView, Problem> {
    let mut votes = votes(node, circle).await?.into_iter();
    votes.find(|vote| vote.id == id).ok_or_else(|| Problem::of("no-match"))
}

async fn find_vote(node: &Open, circle: CircleId, typed: &str) -> Result<VoteView, Problem> {
    let votes = votes(node, circle).await?;
    let ids: Vec<String> = votes.iter().map(|vote| vote.id.hex()).collect();
    let at = find::id(&ids, typed)?;
    votes.into_iter().nth(at).ok_or_else(Problem::internal)
}

fn pass(word: &str) -> Result<Pass, Problem> {
    Ok(match word {
        "majority" => Pass::MoreThan(Share::new(1, 2)),
        "two-thirds" => Pass::AtLeast(Share::new(2, 3)),
        "80" => Pass::AtLeast(Share::new(4, 5)),
        "consensus" => Pass::Consensus,
        _ => return Err(Problem::usage("A threshold is majority, two-thirds, 80 or consensus.")),
    })
}

/// How long ballots are cast, where nothing else is said (U-67).
const CLOSES_S: u64 = 48 * 3_600;
