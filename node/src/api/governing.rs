//! Roles, removals and holds, leaving, and a fresh key (U-32, U-39, U-51).
//!
//! Each is done when the machine has stored it. The answer waits until a relay has it, and says how
//! far it came.
use std::sync::Arc;

use axum::{Json, extract::State};
use hearthlight_protocol::{
    boundary::{
        ActView, Answer, CircleRef, CircleView, Command, Entry, EntryKind, Event, Mark, MemberView,
        Standing, Timestamp,
    },
    identity::{CircleId, MemberId},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use super::{
    asked::{Asked, Named, Sent},
    circles::{is_of, member_lines},
    desk::{self, Desk, Feed, Open, answered},
    find::{self, Names},
    problem::Problem,
    views::{Gone, Governed, MemberLine, Refreshed},
    wait,
};

/// `GET /v1/circles/{c}/members/{who}`
pub(super) async fn member(
    State(desk): State<Arc<Desk>>,
    Named((c, who)): Named<(String, String)>,
) -> Result<Json<MemberLine>, Problem> {
    let node = desk.node()?;
    let (circle, _) = node.joined(&c).await?;
    let members = node.members(circle).await?;
    let one = meant(&members, &who)?;
    let names = Names::among(&members);
    let line = member_lines(std::slice::from_ref(one), &names).pop();
    line.map(Json).ok_or_else(Problem::internal)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Role {
    role: String,
    grant: bool,
    /// When it ends by itself, RFC 3339.
    until: Option<String>,
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/members/{who}/role`
pub(super) async fn role(
    State(desk): State<Arc<Desk>>,
    Named((c, who)): Named<(String, String)>,
    Sent(asked): Sent<Role>,
) -> Result<Json<Governed>, Problem> {
    let (role, grant) = (asked.role.to_lowercase(), asked.grant);
    let end = asked.until.as_deref().map(moment).transpose()?;
    let to = |circle, who| Command::Role { circle, who, role, grant, end };
    Act::begin(&desk, &c, asked.timeout_ms).await?.on(&who, "role", to).await
}

/// A moment as the API takes it, RFC 3339.
pub(super) fn moment(text: &str) -> Result<Timestamp, Problem> {
    let ms = text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    let ms = ms.and_then(|ms| u64::try_from(ms).ok());
    ms.map(Timestamp).ok_or_else(|| Problem::usage("until is no moment in RFC 3339."))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Removal {
    reason: Option<String>,
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/members/{who}/remove`
pub(super) async fn remove(
    State(desk): State<Arc<Desk>>,
    Named((c, who)): Named<(String, String)>,
    Sent(asked): Sent<Removal>,
) -> Result<Json<Governed>, Problem> {
    let reason = asked.reason.filter(|reason| !reason.trim().is_empty());
    let to = |circle, who| Command::Remove { circle, who, reason };
    Act::begin(&desk, &c, asked.timeout_ms).await?.on(&who, "remove", to).await
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Hold {
    for_s: Option<u64>,
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/members/{who}/hold`; `for_s` 0 lifts a hold.
pub(super) async fn hold(
    State(desk): State<Arc<Desk>>,
    Named((c, who)): Named<(String, String)>,
    Sent(asked): Sent<Hold>,
) -> Result<Json<Governed>, Problem> {
    let for_s = asked.for_s.unwrap_or(HOLD_S);
    let to = |circle, who| Command::Hold { circle, who, for_s };
    Act::begin(&desk, &c, asked.timeout_ms).await?.on(&who, "hold", to).await
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Leaving {
    #[serde(default)]
    end: bool,
    timeout_ms: Option<u64>,
}

/// `DELETE /v1/circles/{c}`: leaves it. Who has left is answered the same again.
pub(super) async fn leave(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Asked(leaving): Asked<Leaving>,
) -> Result<Json<Gone>, Problem> {
    let mut act = Act::begin(&desk, &c, leaving.timeout_ms).await?;
    let unsent = act.send_first().await?;
    let done = act.done(Command::Leave { circle: act.circle, end: leaving.end }).await;
    // Nobody has to stay because of a relay that is gone for good.
    let done = done.map_err(|problem| match problem.word() {
        "unreachable" => problem.advising(UNTOLD),
        "no-relay" => {
            problem.advising("To remove the circle from this computer: hearthlight wipe C")
        }
        _ => problem,
    })?;
    let at = left_at(&act.node, act.circle).await?;
    Ok(Json(Gone::of(&act.view.label, act.circle, &done, at, unsent)))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Refreshing {
    timeout_ms: Option<u64>,
}

/// `POST /v1/circles/{c}/refresh`
pub(super) async fn refresh(
    State(desk): State<Arc<Desk>>,
    Named(c): Named<String>,
    Sent(asked): Sent<Refreshing>,
) -> Result<Json<Refreshed>, Problem> {
    let mut act = Act::begin(&desk, &c, asked.timeout_ms).await?;
    let circle = act.circle;
    let fresh = answered!(
        act.node.act(circle, Command::Refresh { circle }, act.until).await?,
        Answer::Circle
    )?;
    let id = CircleRef::Circle(circle);
    let view: CircleView = wait::until(
        &mut act.events,
        act.until,
        fresh,
        |event| is_of(event, id),
        |view| view.posted >= Mark::Relayed,
        || act.node.circle_by_id(id),
    )
    .await?;
    Ok(Json(Refreshed::of(circle, &view)))
}

/// A governing act in a circle, under way.
pub(super) struct Act {
    pub(super) node: Open,
    pub(super) circle: CircleId,
    pub(super) view: CircleView,
    pub(super) events: Feed,
    pub(super) until: Instant,
}

impl Act {
    pub(super) async fn begin(
        desk: &Arc<Desk>,
        c: &str,
        timeout_ms: Option<u64>,
    ) -> Result<Self, Problem> {
        let node = desk.node()?;
        let until = wait::after_ms(timeout_ms.unwrap_or(ACT_WAIT_MS));
        let (circle, view) = node.joined(c).await?;
        let events = node.events();
        Ok(Self { node, circle, view, events, until })
    }

    /// What is done to a member.
    async fn on(
        mut self,
        who: &str,
        action: &'static str,
        command: impl FnOnce(CircleId, MemberId) -> Command,
    ) -> Result<Json<Governed>, Problem> {
        let members = self.node.members(self.circle).await?;
        let whom = meant(&members, who)?;
        // Who has gone cannot be governed; who oneself has gone learns that first.
        if is_former(whom) && is_in(&self.view) {
            return Err(
                Problem::of("no-match").saying("This member is not in the circle any more.")
            );
        }
        let done = self.done(command(self.circle, whom.id)).await?;
        Ok(Json(Governed::of(&self.view.label, self.circle, action, &done)))
    }

    /// Waits until what this member said is with a relay, for half of the time at most: nothing goes out once one has
    /// left. Gives how many messages are not.
    async fn send_first(&mut self) -> Result<usize, Problem> {
        let now = Instant::now();
        let until = now + self.until.saturating_duration_since(now) / 2;
        let (node, id) = (&self.node, CircleRef::Circle(self.circle));
        let view: CircleView = wait::until(
            &mut self.events,
            until,
            self.view.clone(),
            |event| is_of(event, id) || matches!(event, Event::Mark { .. }),
            |view| view.queued == 0,
            || node.circle_by_id(id),
        )
        .await?;
        Ok(view.queued)
    }

    /// Gives the command, and waits until a relay has what came of it.
    pub(super) async fn done(&mut self, command: Command) -> Result<ActView, Problem> {
        let (node, circle) = (&self.node, self.circle);
        let first = answered!(node.act(circle, command, self.until).await?, Answer::Governed)?;
        let (operation, invites_closed) = (first.id, first.invites_closed);
        let again = || async move {
            let command = Command::Governed { circle, operation };
            answered!(node.ask(command).await?, Answer::Governed)
        };
        let act = wait::until(
            &mut self.events,
            self.until,
            first,
            |event| is_of(event, CircleRef::Circle(circle)),
            |act| act.mark >= Mark::Relayed,
            again,
        )
        .await?;
        // Only the first answer counts what the act closed.
        Ok(ActView { invites_closed, ..act })
    }
}

fn is_in(circle: &CircleView) -> bool {
    circle.standing == Standing::Member
}

fn is_former(member: &MemberView) -> bool {
    matches!(member.standing, Standing::Left | Standing::Removed | Standing::Ended)
}

/// Who is meant: somebody by the whole id, else a member, else somebody who was one.
pub(super) fn meant<'a>(members: &'a [MemberView], typed: &str) -> Result<&'a MemberView, Problem> {
    let exact = MemberId::from_hex(typed);
    if let Some(one) = members.iter().find(|member| Some(member.id) == exact) {
        return Ok(one);
    }
    let (former, now): (Vec<_>, Vec<_>) = members.iter().partition(|member| is_former(member));
    let pick = |among: &[&'a MemberView]| {
        let named: Vec<_> = among.iter().map(|member| find::Named::member(member)).collect();
        let me = among.iter().position(|member| member.me);
        find::who(&named, me, typed).map(|at| among[at])
    };
    match pick(&now) {
        Err(nobody) if nobody.word() == "no-match" => pick(&former).map_err(|_| nobody),
        found => found,
    }
}

/// When this member left, as the conversation has it.
async fn left_at(node: &Open, circle: CircleId) -> Result<Timestamp, Problem> {
    let command = Command::Read {
        circle,
        since: None,
        unread: false,
        before: None,
        after: None,
        limit: 0,
        mark_read: false,
    };
    let entries = answered!(node.ask(command).await?, Answer::Entries)?;
    let left = |entry: &&Entry| entry.own && matches!(entry.kind, EntryKind::Left { .. });
    let last = entries.iter().rfind(left).map(|entry| entry.received_at);
    Ok(last.unwrap_or_else(desk::now))
}

/// What is left to who cannot tell the others.
const UNTOLD: &str = "Do the same again once a relay can be reached. To remove the circle from this \
                      computer without telling the others: hearthlight wipe C";
/// How long an act waits for a relay, where nothing else is said.
const ACT_WAIT_MS: u64 = 5_000;
/// How long a hold lasts, where nothing else is said (U-51).
const HOLD_S: u64 = 72 * 3_600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::views::samples;

    fn member(byte: u8, name: &str, standing: Standing) -> MemberView {
        MemberView {
            id: MemberId([byte; 32]),
            name: name.into(),
            me: false,
            standing,
            ..samples::member()
        }
    }

    /// U-11, U-51
    #[test]
    fn who_is_in_is_meant_before_who_was() {
        let members = [
            member(0x0a, "Otter", Standing::Removed),
            member(0x0b, "Otter", Standing::Held),
            member(0x0c, "Maple", Standing::Left),
            samples::member(),
        ];
        assert_eq!(meant(&members, "otter").unwrap().id, members[1].id);
        assert_eq!(meant(&members, "Maple").unwrap().id, members[2].id);
        assert_eq!(meant(&members, "me").unwrap().id, members[3].id);
        assert_eq!(meant(&members, &members[0].id.hex()).unwrap().id, members[0].id);
        assert_eq!(meant(&members, "Ben").unwrap_err().word(), "no-match");
    }

    #[test]
    fn two_members_of_one_name_are_told_apart() {
        let members =
            [member(0x0a, "Otter", Standing::Member), member(0x0b, "Otter", Standing::Member)];
        assert_eq!(meant(&members, "Otter").unwrap_err().word(), "ambiguous");
        assert_eq!(meant(&members, "Otter~0b0b").unwrap().id, members[1].id);
    }
}
