//! The waiting room (U-37, U-38).
use std::sync::Arc;

use axum::{Json, extract::State};
use hearthlight_protocol::{
    boundary::{Answer, Command, Event, MemberView, RequestState, RequestView, Standing},
    identity::CircleId,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    asked::{Named, Sent},
    desk::{Desk, Open, answered},
    find::{self, Names},
    problem::Problem,
    views::{Answered, Items, RequestLine},
    wait,
};

/// `GET /v1/circles/{c}/waiting`
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
) -> Result<Json<Items<RequestLine>>, Problem> {
    let node = desk.node()?;
    let (circle, _) = node.joined(&c).await?;
    let (requests, names) = room(&node, circle).await?;
    let open = requests.iter().filter(|request| is_open(request));
    Ok(Json(Items::all(open.map(|request| RequestLine::of(request, &names)).collect())))
}

/// Who asks, and how they look beside the members.
pub(super) async fn room(
    node: &Open,
    circle: CircleId,
) -> Result<(Vec<RequestView>, Names), Problem> {
    let requests = node.waiting(circle).await?;
    let members = node.members(circle).await?;
    let open = requests.iter().filter(|request| is_open(request)).map(find::Named::request);
    let names = Names::of(members.iter().map(find::Named::member).chain(open));
    Ok((requests, names))
}

fn is_open(request: &RequestView) -> bool {
    matches!(request.state, RequestState::Waiting | RequestState::Admitting)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Admitting {
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/waiting/{who}/admit`: waits until the welcome is at a relay.
pub(super) async fn admit(
    State(desk): State<Arc<Desk>>,
    Named((c, who)): Named<(String, String)>,
    Sent(admitting): Sent<Admitting>,
) -> Result<Json<Answered>, Problem> {
    let node = desk.node()?;
    let until = wait::after_ms(admitting.timeout_ms.unwrap_or(ADMIT_WAIT_MS));
    let (circle, _) = node.joined(&c).await?;
    let request = match asker(&node.waiting(circle).await?, &node.members(circle).await?, &who)? {
        Asker::Request(request) if request.state == RequestState::Admitted => {
            return Ok(Json(Answered::of(&request)));
        }
        Asker::Request(request) => request.id,
        Asker::Member(member) => return Ok(Json(Answered::member(&member))),
    };
    let mut events = node.events();
    let answer = node.act(circle, Command::Admit { circle, request }, until).await?;
    let first = only(answered!(answer, Answer::Waiting)?)?;
    let answer = wait::until(
        &mut events,
        until,
        first.clone(),
        |event| {
            matches!(event, Event::Waiting { circle: at, request: moved }
                if *at == circle && moved.id == request)
        },
        |answer| matches!(answer.state, RequestState::Admitted | RequestState::Declined),
        || asked_again(&node, circle, &first),
    )
    .await?;
    match answer.state {
        // Somebody else said no in the meantime.
        RequestState::Declined => Err(Problem::of("no-match").saying("Somebody else said no.")),
        _ => Ok(Json(Answered::of(&answer))),
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Declining {
    #[serde(default)]
    silent: bool,
}

/// `POST /v1/circles/{c}/waiting/{who}/decline`
pub(super) async fn decline(
    State(desk): State<Arc<Desk>>,
    Named((c, who)): Named<(String, String)>,
    Sent(declining): Sent<Declining>,
) -> Result<Json<Answered>, Problem> {
    let node = desk.node()?;
    let (circle, _) = node.joined(&c).await?;
    let request = match asker(&node.waiting(circle).await?, &[], &who)? {
        Asker::Request(request) => request.id,
        Asker::Member(_) => return Err(Problem::of("no-match")),
    };
    let command = Command::Decline { circle, request, silent: declining.silent };
    let answer = only(answered!(node.ask(command).await?, Answer::Waiting)?)?;
    Ok(Json(Answered::of(&answer)))
}

/// Whom somebody with the right means.
#[derive(Debug, PartialEq)]
enum Asker {
    Request(RequestView),
    Member(MemberView),
}

/// First who waits, then who is a member (U-38: saying yes to somebody who is in does nothing, and
/// is no error), then whose request has had an answer.
fn asker(requests: &[RequestView], members: &[MemberView], typed: &str) -> Result<Asker, Problem> {
    let (open, answered): (Vec<_>, Vec<_>) = requests.iter().partition(|request| is_open(request));
    let named = |all: &[&RequestView]| -> Vec<_> {
        all.iter().map(|request| find::Named::request(request)).collect()
    };
    let nobody = match find::who(&named(&open), None, typed) {
        Ok(at) => return Ok(Asker::Request(open[at].clone())),
        Err(problem) if problem.word() == "ambiguous" => return Err(problem),
        Err(problem) => problem,
    };
    let members: Vec<_> =
        members.iter().filter(|member| member.standing == Standing::Member).collect();
    let people: Vec<_> = members.iter().map(|member| find::Named::member(member)).collect();
    let me = members.iter().position(|member| member.me);
    if let Ok(at) = find::who(&people, me, typed) {
        return Ok(Asker::Member(members[at].clone()));
    }
    // Who came in and has gone is not in.
    let is_so = |it: &&&RequestView| it.state != RequestState::Admitted || it.member.is_some();
    let answered: Vec<_> = answered.iter().filter(is_so).copied().collect();
    match find::who(&named(&answered), None, typed) {
        Ok(at) => Ok(Asker::Request(answered[at].clone())),
        Err(_) => Err(nobody),
    }
}

/// A request as it stands now. One that is not in the waiting room any more was answered, and the
/// list of members says how.
async fn asked_again(
    node: &Open,
    circle: CircleId,
    before: &RequestView,
) -> Result<RequestView, Problem> {
    let mut requests = node.waiting(circle).await?.into_iter();
    if let Some(request) = requests.find(|request| request.id == before.id) {
        return Ok(request);
    }
    let is_in = |member: &MemberView| {
        Some(member.id) == before.member && member.standing == Standing::Member
    };
    let state = match node.members(circle).await?.iter().any(is_in) {
        true => RequestState::Admitted,
        false => RequestState::Declined,
    };
    Ok(RequestView { state, ..before.clone() })
}

fn only(requests: Vec<RequestView>) -> Result<RequestView, Problem> {
    requests.into_iter().next().ok_or_else(Problem::internal)
}

/// How long a welcome waits for a relay, where nothing else is said.
const ADMIT_WAIT_MS: u64 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::views::samples;

    /// U-38
    #[test]
    fn who_waits_is_meant_before_who_is_in() {
        let request = samples::request();
        let mut twin = samples::member();
        twin.name = "Otter".into();
        let members = [samples::member(), twin];
        let found = asker(std::slice::from_ref(&request), &members, "otter").unwrap();
        assert_eq!(found, Asker::Request(request.clone()));
        assert_eq!(
            asker(&[request], &members, "heron").unwrap(),
            Asker::Member(members[0].clone())
        );
        assert_eq!(asker(&[], &members, "Ben").unwrap_err().word(), "no-match");
    }

    /// U-38
    #[test]
    fn an_answered_request_is_found_last() {
        let mut request = samples::request();
        request.state = RequestState::Admitted;
        let gone = asker(&[request.clone()], &[samples::member()], "7c7c7c7c");
        assert_eq!(gone.unwrap_err().word(), "no-match", "came in, and has gone");
        request.member = Some(samples::member().id);
        assert_eq!(
            asker(&[request.clone()], &[samples::member()], "7c7c7c7c").unwrap(),
            Asker::Request(request)
        );
    }
}
