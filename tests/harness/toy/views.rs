//! What toys show to people.

use hearthlight_protocol::boundary::{
    Admit, CircleRef, CircleView, InviteState, InviteView, JoinState, JoinView, Mark, MemberView,
    RequestState, RequestView, Standing, Timestamp,
};
use hearthlight_protocol::crypto::sha256;
use hearthlight_protocol::identity::{OperationId, RequestId};
use hearthlight_protocol::invite::InviteCode;

use super::{CIRCLE, member_id};

pub(super) fn circle(me: &str) -> CircleView {
    CircleView {
        id: CircleRef::Circle(CIRCLE),
        label: "toy".into(),
        name: "toy".into(),
        template: "plain".into(),
        standing: Standing::Member,
        me: me.into(),
        member: Some(member_id(me)),
        roles: Vec::new(),
        members: 0,
        hosts: Vec::new(),
        unread: 0,
        queued: 0,
        posted: Mark::Relayed,
        muted: false,
        notices: None,
        other_copy: false,
        waiting_room: 0,
        relays: Vec::new(),
        joined_at: None,
        about: String::new(),
        rules: Vec::new(),
        admit: Admit::Ask,
        retention_s: None,
        direct: false,
        thin: false,
        epoch: None,
    }
}

pub(super) fn invite(code: InviteCode) -> InviteView {
    InviteView {
        id: OperationId([0; 32]),
        label: None,
        made_by: String::new(),
        made_at: Timestamp(0),
        uses: 1,
        used: 0,
        expires_at: Timestamp(u64::MAX),
        admit: Admit::Ask,
        state: InviteState::Live,
        registered: true,
        code: Some(code),
    }
}

pub(super) fn join(name: &str, inside: bool) -> JoinView {
    JoinView {
        id: request_id(name),
        state: if inside { JoinState::Member } else { JoinState::Asked },
        circle_id: Some(CIRCLE),
        member_id: inside.then(|| member_id(name)),
        label: None,
        handle: name.into(),
        circle_name: None,
        template: None,
        admit: None,
        words: Vec::new(),
        relay_card: None,
        rules: Vec::new(),
        reached: true,
    }
}

pub(super) fn request(name: &str, now: Timestamp, state: RequestState) -> RequestView {
    RequestView {
        id: request_id(name),
        name: name.into(),
        asked_at: now,
        invite: OperationId([0; 32]),
        invite_label: None,
        words: Vec::new(),
        state,
        member: (state == RequestState::Admitted).then(|| member_id(name)),
    }
}

pub(super) fn member(name: &str, me: &str) -> MemberView {
    MemberView {
        id: member_id(name),
        name: name.into(),
        me: name == me,
        roles: Vec::new(),
        terms: Vec::new(),
        joined_at: Timestamp(0),
        standing: Standing::Member,
        removal_by: Vec::new(),
        verified: false,
        blocked: false,
    }
}

pub(super) fn request_id(name: &str) -> RequestId {
    RequestId::from_slice(&sha256(name.as_bytes())[..16]).expect("16 of 32 bytes")
}
