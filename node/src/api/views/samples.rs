//! Views for tests of this room.
use hearthlight_protocol::{
    boundary::{
        Admit, CircleRef, CircleView, Delivery, Entry, EntryKind, GapCause, InviteState,
        InviteView, JoinState, JoinView, Mark, MemberView, RelayCard, RelayView, RequestState,
        RequestView, Standing, Timestamp,
    },
    identity::{CircleId, EpochId, MemberId, OperationId, Peer, RequestId},
    invite::{InviteCode, RelayEntry},
};

pub(in crate::api) const AT: Timestamp = Timestamp(1_795_456_931_204);

pub(in crate::api) fn relay() -> RelayView {
    RelayView {
        // /ip4/203.0.113.7/tcp/4270
        addresses: vec![vec![4, 203, 0, 113, 7, 6, 0x10, 0xae]],
        // The public key of the Ed25519 seed of zeros, so that it is a point of the curve.
        key: Some(Peer([
            0x3b, 0x6a, 0x27, 0xbc, 0xce, 0xb6, 0xa4, 0x2d, 0x62, 0xa3, 0xa8, 0xd0, 0x2a, 0x6f,
            0x0d, 0x73, 0x65, 0x32, 0x15, 0x77, 0x1d, 0xe2, 0x43, 0xa6, 0x3a, 0xc0, 0x48, 0xa1,
            0x8b, 0x59, 0xda, 0x29,
        ])),
        up: true,
        card: Some(RelayCard {
            operator: "Hope".into(),
            contact: "hope@relay.test".into(),
            country: "DE".into(),
            hosting: "home".into(),
            statement: "For friends.".into(),
            mode: "token".into(),
            age_s: 2_592_000,
            quota_bytes: 104_857_600,
            version: "0.1.0".into(),
            made_at: AT.0,
        }),
        local: false,
    }
}

pub(in crate::api) fn circle() -> CircleView {
    CircleView {
        id: CircleRef::Circle(CircleId([0x41; 32])),
        label: "Test".into(),
        name: "Test".into(),
        template: "plain".into(),
        standing: Standing::Member,
        me: "Heron".into(),
        member: Some(MemberId([0xc0; 32])),
        roles: vec!["host".into()],
        members: 6,
        hosts: vec!["Heron".into()],
        unread: 3,
        queued: 2,
        posted: Mark::Relayed,
        muted: false,
        notices: None,
        other_copy: false,
        waiting_room: 1,
        relays: vec![relay()],
        joined_at: Some(AT),
        about: "We meet on Tuesdays.".into(),
        rules: vec!["One speaks at a time.".into()],
        admit: Admit::Ask,
        retention_s: Some(2_592_000),
        direct: false,
        thin: false,
        epoch: Some(EpochId([0x0b; 32])),
    }
}

pub(in crate::api) fn code() -> InviteCode {
    InviteCode {
        open: false,
        end_hour: 16_650,
        secret: [1; 16],
        relays: vec![RelayEntry {
            key_tag: [2; 16],
            address: vec![4, 203, 0, 113, 7, 6, 0x10, 0xae],
        }],
    }
}

pub(in crate::api) fn invite() -> InviteView {
    InviteView {
        id: OperationId([0xa1; 32]),
        label: None,
        made_by: "Heron".into(),
        made_at: AT,
        uses: 1,
        used: 0,
        expires_at: AT,
        admit: Admit::Ask,
        state: InviteState::Live,
        registered: true,
        code: Some(code()),
    }
}

pub(in crate::api) fn join() -> JoinView {
    JoinView {
        id: RequestId([0x7c; 16]),
        state: JoinState::Asked,
        circle_id: None,
        member_id: None,
        label: None,
        handle: "Otter".into(),
        circle_name: Some("Tuesday group".into()),
        template: Some("plain".into()),
        admit: Some(Admit::Ask),
        words: vec!["lamp".into(), "river".into()],
        relay_card: relay().card,
        rules: vec!["One speaks at a time.".into()],
        reached: true,
    }
}

pub(in crate::api) fn request() -> RequestView {
    RequestView {
        id: RequestId([0x7c; 16]),
        name: "Otter".into(),
        asked_at: AT,
        invite: OperationId([0xa1; 32]),
        invite_label: Some("for Sam".into()),
        words: vec!["lamp".into()],
        state: RequestState::Waiting,
        member: None,
    }
}

pub(in crate::api) fn member() -> MemberView {
    MemberView {
        id: MemberId([0xc0; 32]),
        name: "Heron".into(),
        me: true,
        roles: vec!["host".into()],
        terms: Vec::new(),
        joined_at: AT,
        standing: Standing::Member,
        removal_by: Vec::new(),
        verified: false,
        blocked: false,
    }
}

pub(in crate::api) fn said() -> Entry {
    Entry {
        place: vec![1, 2, 0xff],
        id: Some([0x9f; 32]),
        kind: EntryKind::Said {
            text: "made it to day four".into(),
            reply_to: None,
            wants: None,
            note: None,
        },
        author: Some(MemberId([0xc0; 32])),
        author_name: Some("Heron".into()),
        own: true,
        said_at: Some(AT),
        received_at: AT,
        expires_at: None,
        delivery: Some(Delivery { mark: Mark::Received, received_by: 2, members: 5 }),
    }
}

pub(in crate::api) fn gap() -> Entry {
    Entry {
        place: vec![3],
        id: None,
        kind: EntryKind::Gap {
            id: [0x77; 16],
            count: Some(3),
            cause: GapCause::Asking,
            asking: vec!["relay 1".into(), "Maple".into()],
            since: AT,
        },
        author: None,
        author_name: None,
        own: false,
        said_at: None,
        received_at: AT,
        expires_at: None,
        delivery: None,
    }
}
