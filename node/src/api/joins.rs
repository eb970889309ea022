//! Joining a circle by an invite's code (U-36).
use std::sync::Arc;

use axum::{Json, extract::State};
use hearthlight_protocol::{
    boundary::{Answer, CircleRef, Command, Event, JoinEnd, JoinState, JoinView, Timestamp},
    identity::RequestId,
    invite::InviteCode,
};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};

use super::{
    asked::{Asked, Named, Sent},
    desk::{Desk, Feed, Open, answered, now},
    find,
    problem::Problem,
    views::{Items, JoinShown},
    wait,
};

#[derive(Deserialize, JsonSchema)]
pub(super) struct Previewing {
    code: String,
    timeout_ms: Option<u64>,
}

/// `POST /v1/joins/preview`: waits for the join card.
pub(super) async fn preview(
    State(desk): State<Arc<Desk>>,
    Sent(previewing): Sent<Previewing>,
) -> Result<Json<JoinShown>, Problem> {
    let node = desk.node()?;
    let until = wait::after_ms(previewing.timeout_ms.unwrap_or(JOIN_WAIT_MS));
    let code = parse_code(&previewing.code)?;
    let mut events = node.events();
    let command = Command::JoinPreview { code: code.clone() };
    let join = answered!(ask_with(&node, command.clone(), &code).await?, Answer::Join)?;
    still_lasts(&code, &join.state, now())?;
    let looked = |state: &JoinState| *state != JoinState::Looking;
    let again = || Some(command.clone());
    let mut join = follow(&node, &mut events, until, join, again(), looked).await?;
    if join.state == JoinState::Previewed {
        // The card may lead to a circle that one is in already, by another invite.
        join = answered!(node.ask(command.clone()).await?, Answer::Join)?;
        // Another program of this person may have begun to ask with the code meanwhile.
        join = follow(&node, &mut events, until, join, again(), looked).await?;
    }
    if join.handle.is_empty() {
        // What one would be called by there, unless another name is given.
        join.handle = desk.own_name().unwrap_or_default();
    }
    answer(&join, &code)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Joining {
    code: String,
    name: Option<String>,
    label: Option<String>,
    timeout_ms: Option<u64>,
}

/// `POST /v1/joins`: waits until the relay has the request, and then for the circle's answer.
pub(super) async fn join(
    State(desk): State<Arc<Desk>>,
    Sent(joining): Sent<Joining>,
) -> Result<Json<JoinShown>, Problem> {
    let node = desk.node()?;
    let until = wait::after_ms(joining.timeout_ms.unwrap_or(JOIN_WAIT_MS));
    let code = parse_code(&joining.code)?;
    let handle = match joining.name {
        Some(name) => name,
        None => desk.own_name()?,
    };
    let mut events = node.events();
    if let Some(label) = &joining.label {
        node.check_label(label, None).await?;
    }
    let command = Command::Join { code: code.clone(), handle, label: joining.label };
    // Looked at first, so that nothing is asked with a code that has ended.
    let look = Command::JoinPreview { code: code.clone() };
    let known = answered!(ask_with(&node, look, &code).await?, Answer::Join)?;
    still_lasts(&code, &known.state, now())?;
    let join = answered!(ask_with(&node, command.clone(), &code).await?, Answer::Join)?;
    let join = follow(&node, &mut events, until, join, Some(command), is_settled).await?;
    answer(&join, &code)
}

/// `GET /v1/joins`
pub(super) async fn list(State(desk): State<Arc<Desk>>) -> Result<Json<Items<JoinShown>>, Problem> {
    let joins = desk.node()?.joins().await?;
    Ok(Json(Items::all(joins.iter().map(JoinShown::of).collect())))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Waiting {
    #[serde(default)]
    timeout_ms: u64,
}

/// `GET /v1/joins/{id}`: waits for the circle's answer, which stands in `state`, a no too.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Named(id): Named<String>,
    Asked(waiting): Asked<Waiting>,
) -> Result<Json<JoinShown>, Problem> {
    let node = desk.node()?;
    let until = wait::after_ms(waiting.timeout_ms);
    let mut events = node.events();
    let joins = node.joins().await?;
    let ids: Vec<String> = joins.iter().map(|join| join.id.hex()).collect();
    let join = joins[find::id(&ids, &id)?].clone();
    let join = follow(&node, &mut events, until, join, None, is_settled).await?;
    match join.state {
        JoinState::Over(end) if end != JoinEnd::Declined => Err(end.into()),
        _ => Ok(Json(JoinShown::of(&join))),
    }
}

fn is_settled(state: &JoinState) -> bool {
    matches!(state, JoinState::Member | JoinState::Over(_))
}

/// What a command with a code led to; a code that is not usable is a problem of its own (U-146).
fn answer(join: &JoinView, code: &InviteCode) -> Result<Json<JoinShown>, Problem> {
    match join.state {
        JoinState::Over(JoinEnd::Expired) => Err(expired(code, now())),
        JoinState::Over(end) => Err(end.into()),
        JoinState::Looking if join.reached => Err(Problem::of("timed-out")),
        JoinState::Looking => {
            Err(Problem::of("unreachable")
                .saying("The relay could not be reached. Your code is fine."))
        }
        _ => Ok(Json(JoinShown::of(join))),
    }
}

/// The attempt as it stands once `done`, or when the time is up. Events carry the whole attempt; one
/// that has become a circle is not listed any more, so after a miss the command is given again.
async fn follow(
    node: &Open,
    events: &mut Feed,
    until: Instant,
    first: JoinView,
    again: Option<Command>,
    done: impl Fn(&JoinState) -> bool,
) -> Result<JoinView, Problem> {
    let mut join = first;
    while !done(&join.state) {
        match timeout_at(until, events.recv()).await {
            Err(_) => break,
            Ok(Ok(Event::Join(moved))) if moved.id == join.id => join = moved,
            Ok(Ok(_)) => {}
            Ok(Err(RecvError::Lagged(_))) => join = ask_again(node, join, again.as_ref()).await?,
            // The node has ended; its answer says why.
            Ok(Err(RecvError::Closed)) => return ask_again(node, join, again.as_ref()).await,
        }
    }
    Ok(join)
}

async fn ask_again(
    node: &Open,
    join: JoinView,
    again: Option<&Command>,
) -> Result<JoinView, Problem> {
    if let Some(listed) = by_id(node.joins().await?, join.id) {
        return Ok(listed);
    }
    match again {
        Some(command) => answered!(node.ask(command.clone()).await?, Answer::Join),
        None => Ok(join),
    }
}

fn by_id(joins: Vec<JoinView>, id: RequestId) -> Option<JoinView> {
    joins.into_iter().find(|join| join.id == id)
}

async fn ask_with(node: &Open, command: Command, code: &InviteCode) -> Result<Answer, Problem> {
    node.ask(command).await.map_err(|problem| match problem.word() {
        "invite-expired" => expired(code, now()),
        _ => problem,
    })
}

fn parse_code(text: &str) -> Result<InviteCode, Problem> {
    InviteCode::parse(text).map_err(Problem::from)
}

/// Refuses a code whose end is past to who has not asked yet.
///
/// Only a member that is there then can tell the relay that an invite has ended; without this, who
/// comes later would ask, and wait for nobody. Who asked in time is answered by the circle.
fn still_lasts(code: &InviteCode, state: &JoinState, now: Timestamp) -> Result<(), Problem> {
    let asks = matches!(state, JoinState::Looking | JoinState::Previewed);
    if asks && code.ends_at() <= now {
        return Err(expired(code, now));
    }
    Ok(())
}

/// The code tells the hour in which it ends, rounded up: before that the circle knows better.
fn expired(code: &InviteCode, now: Timestamp) -> Problem {
    let ended = Problem::of("invite-expired");
    match code.ends_at() <= now {
        true => ended.saying(ended_on(code.ends_at(), TimeZone::system())),
        false => ended,
    }
}

/// The sentence of U-146, in the time of this computer.
fn ended_on(end: Timestamp, zone: TimeZone) -> String {
    let end = i64::try_from(end.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let end = end.unwrap_or(jiff::Timestamp::MAX).to_zoned_datetime(zone);
    format!("This invite ended on {}.", end.strftime("%a %-d %b at %H:%M"))
}

/// `DELETE /v1/joins/{id}`: gives an attempt up, or clears one that is over.
pub(super) async fn forget(
    State(desk): State<Arc<Desk>>,
    Named(id): Named<String>,
) -> Result<Json<JoinShown>, Problem> {
    let node = desk.node()?;
    let joins = node.joins().await?;
    let ids: Vec<String> = joins.iter().map(|join| join.id.hex()).collect();
    let join = &joins[find::id(&ids, &id)?];
    node.ask(Command::Wipe { circle: CircleRef::Join(join.id) }).await?;
    Ok(Json(JoinShown::of(join)))
}

/// How long joining waits, where nothing else is said.
const JOIN_WAIT_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::views::samples;

    fn outcome(state: JoinState, reached: bool) -> Result<(), &'static str> {
        let join = JoinView { state, reached, ..samples::join() };
        answer(&join, &samples::code()).map(|_| ()).map_err(|problem| problem.word())
    }

    /// U-36
    #[test]
    fn an_attempt_that_is_over_answers_as_its_problem() {
        assert_eq!(outcome(JoinState::Asked, true), Ok(()));
        assert_eq!(outcome(JoinState::Member, true), Ok(()));
        assert_eq!(outcome(JoinState::Previewed, true), Ok(()));
        assert_eq!(outcome(JoinState::Looking, false), Err("unreachable"));
        assert_eq!(outcome(JoinState::Looking, true), Err("timed-out"));
        for (end, kind) in [
            (JoinEnd::Declined, "declined"),
            (JoinEnd::Used, "invite-used"),
            (JoinEnd::Expired, "invite-expired"),
            (JoinEnd::Revoked, "invite-revoked"),
            (JoinEnd::Unknown, "invite-unknown"),
            (JoinEnd::Full, "quota"),
            (JoinEnd::RelayMismatch, "relay-mismatch"),
            (JoinEnd::NotGenuine, "relay-mismatch"),
        ] {
            assert_eq!(outcome(JoinState::Over(end), true), Err(kind));
        }
    }

    /// U-146
    #[test]
    fn who_asks_with_a_code_that_has_ended_is_told_at_once() {
        let code = samples::code();
        let (end, before) = (code.ends_at(), Timestamp(code.ends_at().0 - 1));
        for state in [JoinState::Looking, JoinState::Previewed] {
            assert_eq!(still_lasts(&code, &state, before), Ok(()));
            let told = still_lasts(&code, &state, end).map_err(|problem| problem.word());
            assert_eq!(told, Err("invite-expired"));
        }
        for state in [JoinState::Asked, JoinState::Member] {
            assert_eq!(still_lasts(&code, &state, end), Ok(()));
        }
    }

    /// U-143, U-146
    #[test]
    fn an_invite_that_has_ended_says_when() {
        let end = samples::code().ends_at();
        assert_eq!(ended_on(end, TimeZone::UTC), "This invite ended on Wed 25 Nov at 18:00.");
    }
}
