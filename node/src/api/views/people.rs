//! Invites, attempts to join, the waiting room and members (U-34 to U-38, U-50).
use fast_qr::{ECL, Mode, QRBuilder};
use hearthlight_protocol::{
    boundary::{
        InviteState, InviteView, JoinEnd, JoinState, JoinView, MemberView, RequestState,
        RequestView, Standing,
    },
    identity::CircleId,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Card, V, admit_word, date, time};
use crate::api::{find::Names, problem::end_word};

/// An invite that was just made, with its code (U-34).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct InviteMade {
    v: u8,
    id: String,
    circle: String,
    circle_id: String,
    code: String,
    grouped: Vec<String>,
    qr: Option<String>,
    uses: u8,
    used: u8,
    expires_at: String,
    admit: &'static str,
    label: Option<String>,
    registered: bool,
    /// The code to be drawn (U-142): rows of `0` for light and `1` for dark, without a quiet zone.
    modules: Vec<String>,
}

impl InviteMade {
    /// An invite as it came from the machine; `None` if it came without its code.
    pub(in crate::api) fn of(label: &str, circle: CircleId, invite: &InviteView) -> Option<Self> {
        let code = invite.code.as_ref()?;
        Some(Self {
            v: V,
            id: invite.id.hex(),
            circle: label.to_owned(),
            circle_id: circle.hex(),
            code: code.text(),
            grouped: code.grouped(),
            // Whoever shows the code draws it.
            qr: None,
            uses: invite.uses,
            used: invite.used,
            expires_at: time(invite.expires_at),
            admit: admit_word(invite.admit),
            label: invite.label.clone(),
            registered: invite.registered,
            modules: modules(&code.text()),
        })
    }
}

/// An invite in a list (U-35).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct InviteLine {
    v: u8,
    id: String,
    label: Option<String>,
    made_by: String,
    made_at: String,
    uses: u8,
    used: u8,
    expires_at: String,
    admit: &'static str,
    state: &'static str,
}

impl InviteLine {
    /// An invite without its code.
    pub(in crate::api) fn of(invite: &InviteView) -> Self {
        Self {
            v: V,
            id: invite.id.hex(),
            label: invite.label.clone(),
            made_by: invite.made_by.clone(),
            made_at: time(invite.made_at),
            uses: invite.uses,
            used: invite.used,
            expires_at: time(invite.expires_at),
            admit: admit_word(invite.admit),
            state: match invite.state {
                InviteState::Live => "live",
                InviteState::Used => "used",
                InviteState::Expired => "expired",
                InviteState::Revoked => "revoked",
            },
        }
    }
}

/// An attempt to join (U-36). `ended` is the kind of problem that an attempt which is over is.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct JoinShown {
    v: u8,
    id: String,
    state: &'static str,
    circle: Option<String>,
    circle_id: Option<String>,
    member_id: Option<String>,
    name: String,
    circle_name: Option<String>,
    template: Option<String>,
    admit: Option<&'static str>,
    words: Vec<String>,
    relay_card: Option<Card>,
    rules: Vec<String>,
    ended: Option<&'static str>,
}

impl JoinShown {
    /// An attempt as it stands.
    pub(in crate::api) fn of(join: &JoinView) -> Self {
        Self {
            v: V,
            id: join.id.hex(),
            state: match join.state {
                JoinState::Looking => "looking",
                JoinState::Previewed => "previewed",
                JoinState::Asked => "asked",
                JoinState::Member => "member",
                JoinState::Over(JoinEnd::Declined) => "declined",
                JoinState::Over(_) => "over",
            },
            circle: join.label.clone(),
            circle_id: join.circle_id.map(|id| id.hex()),
            member_id: join.member_id.map(|id| id.hex()),
            name: join.handle.clone(),
            circle_name: join.circle_name.clone(),
            template: join.template.clone(),
            admit: join.admit.map(admit_word),
            words: join.words.clone(),
            relay_card: join.relay_card.as_ref().map(Card::of),
            rules: join.rules.clone(),
            ended: match join.state {
                JoinState::Over(end) => Some(end_word(end)),
                _ => None,
            },
        }
    }
}

/// Somebody in the waiting room (U-37).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct RequestLine {
    v: u8,
    id: String,
    name: String,
    asked_at: String,
    invite_id: String,
    invite_label: Option<String>,
    words: Vec<String>,
    state: &'static str,
}

impl RequestLine {
    /// Whoever asks, as they look among the others.
    pub(in crate::api) fn of(request: &RequestView, names: &Names) -> Self {
        Self {
            v: V,
            id: request.id.hex(),
            name: names.shown(&request.name, &request.id.hex()),
            asked_at: time(request.asked_at),
            invite_id: request.invite.hex(),
            invite_label: request.invite_label.clone(),
            words: request.words.clone(),
            state: request_word(request.state),
        }
    }
}

/// Somebody who was let in or not (U-38).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct Answered {
    v: u8,
    id: String,
    name: String,
    member_id: Option<String>,
    state: &'static str,
}

impl Answered {
    /// A request with the answer that it got.
    pub(in crate::api) fn of(request: &RequestView) -> Self {
        Self {
            v: V,
            id: request.id.hex(),
            name: request.name.clone(),
            member_id: request.member.map(|id| id.hex()),
            state: request_word(request.state),
        }
    }

    /// Somebody who is in already.
    pub(in crate::api) fn member(member: &MemberView) -> Self {
        let id = member.id.hex();
        Self { v: V, name: member.name.clone(), member_id: Some(id.clone()), id, state: "admitted" }
    }
}

/// A member (U-50).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(in crate::api) struct MemberLine {
    v: u8,
    id: String,
    name: String,
    me: bool,
    roles: Vec<String>,
    joined_on: String,
    state: &'static str,
    verified: bool,
    mentor_volunteer: bool,
    languages: Vec<String>,
    blocked: bool,
    removal_by: Vec<String>,
    terms: Vec<Term>,
}

/// Until when a role was given.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
struct Term {
    role: String,
    until: String,
}

impl MemberLine {
    /// A member as they look among the others.
    pub(in crate::api) fn of(member: &MemberView, names: &Names) -> Self {
        Self {
            v: V,
            id: member.id.hex(),
            name: names.shown(&member.name, &member.id.hex()),
            me: member.me,
            roles: member.roles.clone(),
            joined_on: date(member.joined_at),
            state: match member.standing {
                Standing::Asking | Standing::Member => "active",
                Standing::Held => "held",
                Standing::Left | Standing::Ended => "left",
                Standing::Removed => "removed",
            },
            verified: member.verified,
            mentor_volunteer: false,
            languages: Vec::new(),
            blocked: member.blocked,
            removal_by: member.removal_by.clone(),
            terms: member
                .terms
                .iter()
                .map(|(role, end)| Term { role: role.clone(), until: time(*end) })
                .collect(),
        }
    }
}

/// U-142: upper case without separators, the lowest correction level.
fn modules(code: &str) -> Vec<String> {
    let drawn = QRBuilder::new(code).mode(Mode::Alphanumeric).ecl(ECL::L).build();
    // A code has at most 154 characters; the largest drawing takes 4,296.
    let Ok(drawn) = drawn else { return Vec::new() };
    let row =
        |row| (0..drawn.size).map(|at| if drawn[row][at].value() { '1' } else { '0' }).collect();
    (0..drawn.size).map(row).collect()
}

fn request_word(state: RequestState) -> &'static str {
    match state {
        RequestState::Waiting => "waiting",
        RequestState::Admitting => "admitting",
        RequestState::Admitted => "admitted",
        RequestState::Declined => "declined",
    }
}

#[cfg(test)]
mod tests {
    use hearthlight_protocol::identity::MemberId;
    use serde_json::json;

    use super::*;
    use crate::api::views::samples;

    /// U-34
    #[test]
    fn a_made_invite_has_its_fields() {
        let (invite, code) = (samples::invite(), samples::code());
        let made = InviteMade::of("Test", CircleId([0x41; 32]), &invite).unwrap();
        assert_eq!(
            serde_json::to_value(made).unwrap(),
            json!({
                "v": 1, "id": "a1".repeat(32), "circle": "Test", "circle_id": "41".repeat(32),
                "code": code.text(), "grouped": code.grouped(), "qr": null, "uses": 1, "used": 0,
                "expires_at": "2026-11-23T18:02:11.204Z", "admit": "ask", "label": null,
                "registered": true, "modules": modules(&code.text()),
            })
        );
    }

    /// U-35
    #[test]
    fn an_invite_in_a_list_has_no_code() {
        assert_eq!(
            serde_json::to_value(InviteLine::of(&samples::invite())).unwrap(),
            json!({
                "v": 1, "id": "a1".repeat(32), "label": null, "made_by": "Heron",
                "made_at": "2026-11-23T18:02:11.204Z", "uses": 1, "used": 0,
                "expires_at": "2026-11-23T18:02:11.204Z", "admit": "ask", "state": "live",
            })
        );
    }

    /// U-36
    #[test]
    fn an_attempt_to_join_has_its_fields() {
        let json = serde_json::to_value(JoinShown::of(&samples::join())).unwrap();
        assert_eq!(json["relay_card"]["operator"], "Hope");
        let mut json = json;
        json["relay_card"] = json!(null);
        assert_eq!(
            json,
            json!({
                "v": 1, "id": "7c".repeat(16), "state": "asked", "circle": null, "circle_id": null,
                "member_id": null, "name": "Otter", "circle_name": "Tuesday group",
                "template": "plain", "admit": "ask", "words": ["lamp", "river"],
                "relay_card": null, "rules": ["One speaks at a time."], "ended": null,
            })
        );
    }

    /// U-36
    #[test]
    fn an_attempt_that_is_over_says_why() {
        let mut join = samples::join();
        for (end, state, kind) in [
            (JoinEnd::Declined, "declined", "declined"),
            (JoinEnd::Used, "over", "invite-used"),
            (JoinEnd::RelayMismatch, "over", "relay-mismatch"),
        ] {
            join.state = JoinState::Over(end);
            let json = serde_json::to_value(JoinShown::of(&join)).unwrap();
            assert_eq!((&json["state"], &json["ended"]), (&json!(state), &json!(kind)));
        }
    }

    /// U-37, U-38
    #[test]
    fn requests_and_answers_have_their_fields() {
        let mut request = samples::request();
        assert_eq!(
            serde_json::to_value(RequestLine::of(&request, &Names::default())).unwrap(),
            json!({
                "v": 1, "id": "7c".repeat(16), "name": "Otter",
                "asked_at": "2026-11-23T18:02:11.204Z", "invite_id": "a1".repeat(32),
                "invite_label": "for Sam", "words": ["lamp"], "state": "waiting",
            })
        );
        request.state = RequestState::Admitted;
        request.member = Some(MemberId([0x0b; 32]));
        assert_eq!(
            serde_json::to_value(Answered::of(&request)).unwrap(),
            json!({
                "v": 1, "id": "7c".repeat(16), "name": "Otter", "member_id": "0b".repeat(32),
                "state": "admitted",
            })
        );
        let member = serde_json::to_value(Answered::member(&samples::member())).unwrap();
        assert_eq!(member["member_id"], member["id"]);
    }

    /// U-50
    #[test]
    fn a_member_has_its_fields() {
        assert_eq!(
            serde_json::to_value(MemberLine::of(&samples::member(), &Names::default())).unwrap(),
            json!({
                "v": 1, "id": "c0".repeat(32), "name": "Heron", "me": true, "roles": ["host"],
                "joined_on": "2026-11-23", "state": "active", "verified": false,
                "mentor_volunteer": false, "languages": [], "blocked": false, "removal_by": [], "terms": [],
            })
        );
    }
}
