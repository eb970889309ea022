//! Invites, and the waiting room of who comes with one.

use std::collections::BTreeMap;

use super::board::{BoardItem, InviteKeys, closing_number};
use super::charter::{Act, AdmitBody, InviteBody, InviteClosedBody, InviteClosedWhy};
use super::epoch::Opening;
use super::opening::Follow;
use super::roster::{Invite, MAX_MEMBERS, Right};
use super::{Circle, Leads};
use crate::admission::{
    ClosingNote, DECLINED, EXPIRED, FULL, JoinCard, Origin, Rendezvous, RendezvousItem, Request,
    RequestBody, Welcome, sign_note,
};
use crate::batch::{Batch, placed};
use crate::boundary::{
    Admit, DAY_MS, Env, Event, InviteState, InviteView, RequestState, RequestView, Room, Timestamp,
};
use crate::crypto::{Label, random};
use crate::error::CommandError;
use crate::identity::{Digest, InviteId, MailboxId, MemberId, OperationId, PublicKey, RequestId};
use crate::invite::{InviteCode, RelayEntry, end_hour_of};
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire;

/// Live invites of one member.
const MAX_LIVE: usize = 64;
/// Requests that wait in a circle.
const MAX_REQUESTS: usize = 256;
/// The shortest and the longest life of an invite, in seconds (U-34).
const LIFE_S: std::ops::RangeInclusive<u64> = 300..=2_592_000;
/// How long after its end an invite's reason is brought to relays that could not be reached.
const TOLD_MS: u64 = 7 * DAY_MS;
/// Who made an open invite answers within this time, others after it, so that one answer stands.
const ANSWER_MS: u64 = 500;
const OTHERS_ANSWER_MS: u64 = 8_000;

/// Who waits, and what is needed to answer.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    pub(super) keys: BTreeMap<(MemberId, InviteId), InviteKeys>,
    /// What grows from the secrets of invites, made once: it takes five derivations.
    grown: BTreeMap<(MemberId, InviteId), Rendezvous>,
    pub(super) open: BTreeMap<OperationId, Rendezvous>,
    /// Invites that ended: the reason stands at the rendezvous, or also a relay has it.
    closed: BTreeMap<OperationId, Closing>,
    requests: BTreeMap<RequestId, Waiting>,
}

/// How far the end of an invite is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// The closing note was posted.
    Posted,
    /// A relay has it, and nobody waits there.
    Done,
}

/// Somebody who came with an invite.
#[derive(Debug)]
struct Waiting {
    request: Request,
    body: RequestBody,
    invite: OperationId,
    asked: Timestamp,
    state: RequestState,
    /// When this node answers by itself, for an open invite.
    answer: Option<Timestamp>,
}

impl WaitingRoom {
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.requests
            .values()
            .filter(|waiting| waiting.state == RequestState::Waiting)
            .filter_map(|waiting| waiting.answer)
            .min()
    }
}

impl Circle {
    /// Makes an invite; its code is in the answer, and nowhere else.
    pub(crate) fn invite_new(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        uses: u8,
        expires_s: u64,
        admit: Admit,
        label: Option<String>,
    ) -> Result<InviteView, CommandError> {
        if !self.may(Right::Admit) {
            return Err(CommandError::NotAllowed);
        }
        let open = admit == Admit::Open;
        if !(1..=if open { 5 } else { 50 }).contains(&uses) || !LIFE_S.contains(&expires_s) {
            return Err(CommandError::OutOfRange);
        }
        if label.as_deref().is_some_and(|label| !crate::admission::is_name(label)) {
            return Err(CommandError::BadName);
        }
        if self.roster.relays.is_empty() {
            return Err(CommandError::NoRelay);
        }
        let live = |invite: &&Invite| invite.author == self.me && self.is_live(invite, env.now);
        if self.roster.invites.values().filter(live).count() >= MAX_LIVE {
            return Err(CommandError::Full);
        }
        let keys = InviteKeys {
            id: InviteId(random(env.rng)),
            inviter: self.me,
            r: Digest(random(env.rng)),
            label,
        };
        let secret = keys.secret(&self.id);
        let rendezvous = Rendezvous::of(&secret);
        let expires = env.now.plus(expires_s * 1_000);
        let act = Act::Invite(InviteBody {
            id: keys.id,
            mailbox: PublicKey(rendezvous.sealed.pair.public()),
            proof: PublicKey(rendezvous.proof.public()),
            uses,
            expires: expires.0,
            open,
            made: env.now.0,
        });
        self.act(env, batch, &[act])?;
        let boards = self.head_board();
        self.post(env, batch, &boards, &[BoardItem::Invite(keys.clone())]);
        self.take_invite_keys(batch, keys.clone());
        self.settle(env, batch);
        let relays: Vec<RelayEntry> = self
            .roster
            .relays
            .iter()
            .flat_map(|relay| {
                let addresses = relay.addresses.iter();
                addresses.map(|address| RelayEntry::new(&relay.key, address.0.clone()))
            })
            .collect();
        let code = InviteCode::with_relays(open, end_hour_of(expires), secret, &relays)
            .ok_or(CommandError::BadRelay)?;
        let invite = self.roster.invite(&self.me, &keys.id).ok_or(CommandError::UnknownInvite)?;
        if let Some(rendezvous) = self.waiting.open.get(&invite.operation).cloned() {
            let card = self.join_card(invite, &keys);
            let item = RendezvousItem::Card(sign_note(&card, &self.pair, &self.id));
            let envelope = rendezvous.seal(&item, env.now, env.rng);
            self.exchange.offer(batch, rendezvous.mailbox(), envelope, None);
        }
        let mut view =
            self.invite_view(self.roster.invite(&self.me, &keys.id).expect("just made"), env.now);
        view.code = Some(code);
        Ok(view)
    }

    fn origin(&self, keys: &InviteKeys) -> Origin {
        Origin { circle: self.id, invite: keys.id, inviter: keys.inviter, r: keys.r }
    }

    fn join_card(&self, invite: &Invite, keys: &InviteKeys) -> JoinCard {
        let (name, template) = self
            .roster
            .circle
            .as_ref()
            .map(|circle| (circle.name.clone(), circle.template.clone()))
            .unwrap_or_default();
        let rules = crate::template::Template::named(&template)
            .map(crate::template::Template::all_rules)
            .unwrap_or_default();
        JoinCard {
            origin: self.origin(keys),
            key: PublicKey(self.pair.public()),
            name,
            template,
            rules,
            open: invite.body.open,
            expires: invite.body.expires,
            suite: self.suite.number(),
        }
    }

    /// Takes an invite back.
    pub(crate) fn invite_revoke(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        id: &OperationId,
    ) -> Result<InviteView, CommandError> {
        let invite = self.roster.invites.get(id).ok_or(CommandError::UnknownInvite)?.clone();
        if invite.author != self.me && !self.may(Right::Host) {
            return Err(CommandError::NotAllowed);
        }
        if invite.closed.is_none() {
            let act = Act::InviteClosed(InviteClosedBody {
                invite: invite.operation,
                why: InviteClosedWhy::Revoked,
            });
            self.act(env, batch, &[act])?;
            self.settle(env, batch);
        }
        let invite = &self.roster.invites[&invite.operation];
        Ok(self.invite_view(invite, env.now))
    }

    /// What members need to answer those who come with an invite that can be used.
    pub(super) fn live_keys(&self, now: Timestamp) -> Vec<InviteKeys> {
        let live = self.roster.invites.values().filter(|invite| self.is_live(invite, now));
        live.filter_map(|invite| self.waiting.keys.get(&(invite.author, invite.body.id)))
            .cloned()
            .collect()
    }

    /// When the next invite at which this node listens ends, which is told there.
    pub(super) fn next_invite_end(&self) -> Option<Timestamp> {
        let tends = self.is_in() && self.roster.members.contains_key(&self.me);
        let listens = |invite: &&Invite| {
            let (open, closed) = (&self.waiting.open, &self.waiting.closed);
            tends && open.contains_key(&invite.operation) && !closed.contains_key(&invite.operation)
        };
        let ends = self.roster.invites.values().filter(listens);
        ends.map(|invite| Timestamp(invite.body.expires)).min()
    }

    pub(super) fn is_live(&self, invite: &Invite, now: Timestamp) -> bool {
        invite.closed.is_none() && now.0 < invite.body.expires
    }

    pub(crate) fn invites(&self, now: Timestamp) -> Vec<InviteView> {
        let invites = self.roster.invites.values();
        let mut views: Vec<InviteView> =
            invites.map(|invite| self.invite_view(invite, now)).collect();
        views.sort_by_key(|view| (view.made_at, view.id));
        views
    }

    fn invite_view(&self, invite: &Invite, now: Timestamp) -> InviteView {
        let keys = self.waiting.keys.get(&(invite.author, invite.body.id));
        let rendezvous = self.waiting.open.get(&invite.operation);
        InviteView {
            id: invite.operation,
            label: keys.and_then(|keys| keys.label.clone()),
            made_by: self.name_of(&invite.author),
            made_at: Timestamp(invite.body.made),
            uses: invite.body.uses,
            used: invite.used,
            expires_at: Timestamp(invite.body.expires),
            admit: if invite.body.open { Admit::Open } else { Admit::Ask },
            state: match invite.closed {
                Some(InviteClosedWhy::Used) => InviteState::Used,
                Some(InviteClosedWhy::Expired) => InviteState::Expired,
                Some(_) => InviteState::Revoked,
                None if now.0 >= invite.body.expires => InviteState::Expired,
                None => InviteState::Live,
            },
            registered: rendezvous
                .is_none_or(|rendezvous| self.exchange.is_acked(&rendezvous.mailbox())),
            code: None,
        }
    }

    /// Learns what an invite's secret follows from; believed if the invite's mailbox follows too.
    pub(super) fn take_invite_keys(&mut self, batch: &mut Batch, keys: InviteKeys) {
        let at = (keys.inviter, keys.id);
        if self.waiting.keys.contains_key(&at) || self.waiting.keys.len() >= MAX_KEYS {
            return;
        }
        let mut place = vec![b'i'];
        place.extend(&keys.inviter.0[..8]);
        place.extend(keys.id.0);
        batch.save(placed(Room::Local, &self.id.0, &place), wire::encode(&keys));
        self.waiting.keys.insert(at, keys);
    }

    /// Takes part in the rendezvous of live invites, says at those that ended that they did, and
    /// answers who comes with an open one.
    pub(super) fn tend_invites(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        if !self.is_in() || !self.roster.members.contains_key(&self.me) {
            return;
        }
        let invites: Vec<Invite> = self.roster.invites.values().cloned().collect();
        for invite in invites {
            let at = (invite.author, invite.body.id);
            let Some(keys) = self.waiting.keys.get(&at).cloned() else { continue };
            let circle = self.id;
            let grown = self.waiting.grown.entry(at);
            let rendezvous = grown.or_insert_with(|| Rendezvous::of(&keys.secret(&circle))).clone();
            if rendezvous.mailbox().0 != invite.body.mailbox.0 {
                continue;
            }
            let answers = invite.body.open || self.may(Right::Admit);
            let live = self.is_live(&invite, env.now);
            let mine = invite.author == self.me;
            let ending = match self.waiting.closed.get(&invite.operation) {
                None => mine,
                Some(closing) => *closing == Closing::Posted,
            };
            let open = self.waiting.open.contains_key(&invite.operation);
            if (live && answers || ending) && !open {
                self.mailboxes.insert(rendezvous.mailbox(), Leads::Rendezvous(invite.operation));
                self.exchange.open(env, batch, rendezvous.sealed.clone(), true);
                self.waiting.open.insert(invite.operation, rendezvous);
            } else if !live && open && !self.restoring {
                self.close_rendezvous(env, batch, &invite, &keys, &rendezvous);
            }
        }
        if self.may_speak() {
            self.answer_open(env, batch);
        }
    }

    /// Posts the reason where the code leads, and leaves once a relay has it.
    fn close_rendezvous(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        invite: &Invite,
        keys: &InviteKeys,
        rendezvous: &Rendezvous,
    ) {
        let mailbox = rendezvous.mailbox();
        let why = closing_number(invite.closed.unwrap_or(InviteClosedWhy::Expired));
        let mine = invite.author == self.me || self.may(Right::Host);
        if !self.waiting.closed.contains_key(&invite.operation) {
            self.set_closing(batch, &invite.operation, Closing::Posted);
            if mine {
                self.say_no(env, batch, keys, rendezvous, why, None);
                let waiting: Vec<RequestId> = self
                    .waiting
                    .requests
                    .iter()
                    .filter(|(_, held)| {
                        let who = MemberId::of(&held.body.key);
                        held.invite == invite.operation
                            && held.state == RequestState::Waiting
                            // Somebody else may have let them in.
                            && !self.roster.members.contains_key(&who)
                    })
                    .map(|(id, _)| *id)
                    .collect();
                // Whoever waits at an invite that was used up or taken back is told so by name.
                for id in waiting.into_iter().filter(|_| why != EXPIRED) {
                    self.say_no(env, batch, keys, rendezvous, why, Some(id));
                    self.set_request(batch, &id, RequestState::Declined);
                }
            }
        }
        let waits = self.waiting.requests.values().any(|held| {
            held.invite == invite.operation
                && held.state == RequestState::Waiting
                && !self.roster.members.contains_key(&MemberId::of(&held.body.key))
        });
        let told = self.exchange.is_told_everywhere(&mailbox)
            || env.now.0 > invite.body.expires.saturating_add(TOLD_MS);
        if self.exchange.is_acked(&mailbox) && told && !waits {
            self.set_closing(batch, &invite.operation, Closing::Done);
            self.exchange.close(batch, &mailbox);
            self.mailboxes.remove(&mailbox);
            self.waiting.open.remove(&invite.operation);
        }
    }

    fn set_closing(&mut self, batch: &mut Batch, invite: &OperationId, closing: Closing) {
        self.waiting.closed.insert(*invite, closing);
        let mut place = vec![b'n'];
        place.extend(&invite.0[..16]);
        let saved = (*invite, closing == Closing::Done);
        batch.save(placed(Room::Local, &self.id.0, &place), wire::encode(&saved));
    }

    fn say_no(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        keys: &InviteKeys,
        rendezvous: &Rendezvous,
        why: u8,
        to: Option<RequestId>,
    ) {
        let note =
            ClosingNote { origin: self.origin(keys), key: PublicKey(self.pair.public()), why, to };
        let signed = sign_note(&note, &self.pair, &self.id);
        let item = match to {
            None => RendezvousItem::Closed(signed),
            Some(_) => RendezvousItem::Refusal(signed),
        };
        let envelope = rendezvous.seal(&item, env.now, env.rng);
        self.exchange.offer(batch, rendezvous.mailbox(), envelope, None);
    }

    /// Something lies at a rendezvous.
    pub(super) fn take_rendezvous(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        invite: OperationId,
        plain: &[u8],
    ) {
        match wire::decode::<RendezvousItem>(plain) {
            Some(RendezvousItem::Request(request)) => {
                self.take_request(env, batch, invite, request);
            }
            Some(RendezvousItem::Refusal(signed)) => {
                if let Some(note) = signed.decode::<ClosingNote>()
                    && let Some(to) = note.to
                    && self.may_refuse(&invite, &signed, &note.key)
                {
                    self.set_request(batch, &to, RequestState::Declined);
                }
            }
            // Who is let in stands in the charter.
            Some(
                RendezvousItem::Welcome(_) | RendezvousItem::Card(_) | RendezvousItem::Closed(_),
            )
            | None => {}
        }
    }

    /// Whether a note is by somebody who may answer at this invite: any member knows what it takes to write one.
    fn may_refuse(&self, invite: &OperationId, signed: &Signed, key: &PublicKey) -> bool {
        let who = MemberId::of(key);
        let made = self.roster.invites.get(invite).is_some_and(|invite| invite.author == who);
        let person = self.roster.members.get(&who);
        person.is_some_and(|person| {
            made || person.may(Right::Admit) || is_planted(Planted::AnybodyRefuses)
        }) && signed.is_by(key, Label::InviteNote, &self.id)
    }

    fn take_request(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        invite: OperationId,
        request: Request,
    ) {
        let Some(held) = self.roster.invites.get(&invite) else { return };
        let verified = request.verify(&self.id, &held.body.proof, self.suite);
        let Some((body, _)) = verified else { return };
        let id = request.id(&self.id);
        if body.invite != held.body.id
            || self.waiting.requests.contains_key(&id)
            || self.waiting.requests.len() >= MAX_REQUESTS
        {
            return;
        }
        let who = MemberId::of(&body.key);
        let known = self.ever_came(&who);
        let answer = held.body.open.then(|| {
            let mine = held.author == self.me;
            let wait = u64::from_be_bytes(random(env.rng)) % OTHERS_ANSWER_MS;
            env.now.plus(if mine { 0 } else { ANSWER_MS + wait })
        });
        let saved = env.store.get(&self.request_key(&id));
        let asked =
            saved.as_deref().and_then(wire::decode::<(u64, bool)>).unwrap_or((env.now.0, false));
        let state = match (known, asked.1) {
            (true, _) => RequestState::Admitted,
            (false, true) => RequestState::Declined,
            (false, false) => RequestState::Waiting,
        };
        let waiting = Waiting { request, body, invite, asked: Timestamp(asked.0), state, answer };
        self.waiting.requests.insert(id, waiting);
        batch.save(self.request_key(&id), wire::encode(&asked));
        self.tell_request(batch, &id);
    }

    /// Whether somebody belongs or did: their request has had its answer.
    fn ever_came(&self, who: &MemberId) -> bool {
        self.roster.members.contains_key(who)
            || self.roster.former.contains_key(who) && !is_planted(Planted::AskedForEver)
    }

    fn request_key(&self, id: &RequestId) -> crate::boundary::Key {
        let mut place = vec![b'r'];
        place.extend(id.0);
        placed(Room::Local, &self.id.0, &place)
    }

    fn set_request(&mut self, batch: &mut Batch, id: &RequestId, state: RequestState) {
        let Some(held) = self.waiting.requests.get_mut(id) else { return };
        if held.state == state {
            return;
        }
        held.state = state;
        let saved = (held.asked.0, state == RequestState::Declined);
        batch.save(self.request_key(id), wire::encode(&saved));
        self.tell_request(batch, id);
    }

    fn tell_request(&self, batch: &mut Batch, id: &RequestId) {
        if let Some(request) = self.request_view(id) {
            let circle = self.id;
            batch.notify(Event::Waiting { circle, request });
        }
    }

    fn answer_open(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let due: Vec<RequestId> = self
            .waiting
            .requests
            .iter()
            .filter(|(_, held)| {
                held.state == RequestState::Waiting && held.answer.is_some_and(|at| at <= env.now)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            // Somebody else may have been quicker, or the invite be used up: then that is the answer.
            let done = self.admit(env, batch, &id);
            if let Some(held) = self.waiting.requests.get_mut(&id) {
                let again = matches!(done, Err(CommandError::NotReady));
                held.answer = again.then(|| env.now.plus(OTHERS_ANSWER_MS));
            }
        }
    }

    /// Lets somebody in: the operation, the opening that follows from it, the welcome.
    pub(crate) fn admit(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        id: &RequestId,
    ) -> Result<RequestView, CommandError> {
        let held = self.waiting.requests.get(id).ok_or(CommandError::UnknownRequest)?;
        let invite = self.roster.invites.get(&held.invite).ok_or(CommandError::UnknownInvite)?;
        let who = MemberId::of(&held.body.key);
        // Whoever came has had an answer, also who has gone since.
        if self.ever_came(&who) {
            return self.request_view(id).ok_or(CommandError::UnknownRequest);
        }
        if !self.may(Right::Admit) && !invite.body.open {
            return Err(CommandError::NotAllowed);
        }
        let keys = self.waiting.keys.get(&(invite.author, invite.body.id)).cloned();
        let keys = keys.ok_or(CommandError::UnknownInvite)?;
        let rendezvous = Rendezvous::of(&keys.secret(&self.id));
        let refusal = match invite.closed {
            _ if self.roster.members.len() >= MAX_MEMBERS => Some((FULL, CommandError::Full)),
            Some(why) => Some((closing_number(why), ended_by(why))),
            None => None,
        };
        if let Some((why, refusal)) = refusal {
            self.say_no(env, batch, &keys, &rendezvous, why, Some(*id));
            self.set_request(batch, id, RequestState::Declined);
            return Err(refusal);
        }
        let act = Act::Admit(Box::new(AdmitBody {
            key: held.body.key,
            handle: held.body.handle.clone(),
            card: held.body.card.clone(),
            invite: Some(held.invite),
        }));
        self.act(env, batch, &[act])?;
        let opening = self.open_epoch(env, batch, Follow::Leaves);
        self.repost_charter(env, batch);
        self.welcome(env, batch, id, &keys, &rendezvous, who, opening);
        self.set_request(batch, id, RequestState::Admitting);
        self.settle(env, batch);
        self.request_view(id).ok_or(CommandError::UnknownRequest)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a welcome")]
    fn welcome(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        id: &RequestId,
        keys: &InviteKeys,
        rendezvous: &Rendezvous,
        who: MemberId,
        opening: Option<Opening>,
    ) {
        let entry = self.roster.ids().binary_search(&who).ok();
        let Some((opening, at)) = opening.zip(entry) else { return };
        let welcome = Welcome {
            origin: self.origin(keys),
            key: PublicKey(self.pair.public()),
            to: *id,
            header: opening.header,
            entry: opening.entries[at].clone(),
        };
        let item = RendezvousItem::Welcome(sign_note(&welcome, &self.pair, &self.id));
        let envelope = rendezvous.seal(&item, env.now, env.rng);
        self.exchange.offer(batch, rendezvous.mailbox(), envelope, None);
    }

    /// Does not let somebody in.
    pub(crate) fn decline(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        id: &RequestId,
        silent: bool,
    ) -> Result<RequestView, CommandError> {
        if !self.may(Right::Admit) {
            return Err(CommandError::NotAllowed);
        }
        let held = self.waiting.requests.get(id).ok_or(CommandError::UnknownRequest)?;
        let invite = self.roster.invites.get(&held.invite);
        let keys = invite
            .and_then(|invite| self.waiting.keys.get(&(invite.author, invite.body.id)))
            .cloned();
        if held.state == RequestState::Waiting {
            if let (Some(keys), false) = (keys, silent) {
                let rendezvous = Rendezvous::of(&keys.secret(&self.id));
                self.say_no(env, batch, &keys, &rendezvous, DECLINED, Some(*id));
            }
            self.set_request(batch, id, RequestState::Declined);
        }
        self.request_view(id).ok_or(CommandError::UnknownRequest)
    }

    /// Who waits, in the order of asking; also who was answered since this node started.
    pub(crate) fn requests(&self) -> Vec<RequestView> {
        let ids = self.waiting.requests.keys();
        let mut views: Vec<RequestView> = ids.filter_map(|id| self.request_view(id)).collect();
        views.sort_by_key(|view| (view.asked_at, view.id));
        views
    }

    pub(super) fn count_waiting(&self) -> usize {
        let requests = self.waiting.requests.values();
        let waits = |held: &&Waiting| {
            held.state == RequestState::Waiting && !self.ever_came(&MemberId::of(&held.body.key))
        };
        requests.filter(waits).count()
    }

    pub(crate) fn request_view(&self, id: &RequestId) -> Option<RequestView> {
        let held = self.waiting.requests.get(id)?;
        let invite = self.roster.invites.get(&held.invite);
        let keys =
            invite.and_then(|invite| self.waiting.keys.get(&(invite.author, invite.body.id)));
        let who = MemberId::of(&held.body.key);
        let rendezvous = self.waiting.open.get(&held.invite);
        let told = rendezvous.is_none_or(|at| self.exchange.is_acked(&at.mailbox()));
        let member = self.roster.members.contains_key(&who);
        let gone = self.roster.former.contains_key(&who);
        Some(RequestView {
            id: *id,
            name: held.body.handle.clone(),
            asked_at: held.asked,
            invite: held.invite,
            invite_label: keys.and_then(|keys| keys.label.clone()),
            words: held.request.words(&self.id),
            state: match held.state {
                RequestState::Admitting if member && told => RequestState::Admitted,
                RequestState::Waiting if member => RequestState::Admitted,
                RequestState::Admitting | RequestState::Waiting if gone => RequestState::Admitted,
                state => state,
            },
            member: member.then_some(who),
        })
    }

    /// A relay has something of a rendezvous: whoever waited for that is told.
    pub(super) fn tell_rendezvous(&self, batch: &mut Batch, mailbox: &MailboxId) {
        let at = self.waiting.open.iter().find(|(_, held)| held.mailbox() == *mailbox);
        let Some((invite, _)) = at else { return };
        for (id, held) in &self.waiting.requests {
            if held.invite == *invite && held.state == RequestState::Admitting {
                self.tell_request(batch, id);
            }
        }
    }

    /// Reads back the keys of invites, so that their mailboxes are open again.
    pub(super) fn restore_waiting(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let rows = env.store.scan(Room::Local, &self.id.0, &[], false, usize::MAX);
        for (place, saved) in rows {
            match place.first() {
                Some(b'i') => {
                    if let Some(keys) = wire::decode::<InviteKeys>(&saved) {
                        self.waiting.keys.insert((keys.inviter, keys.id), keys);
                    }
                }
                Some(b'n') => {
                    if let Some((invite, done)) = wire::decode::<(OperationId, bool)>(&saved) {
                        let closing = if done { Closing::Done } else { Closing::Posted };
                        self.waiting.closed.insert(invite, closing);
                    }
                }
                _ => {}
            }
        }
        self.tend_invites(env, batch);
    }

    /// Reads again what lies at the rendezvous of live invites.
    pub(super) fn reread_rendezvous(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let open: Vec<(OperationId, Rendezvous)> =
            self.waiting.open.iter().map(|(id, rendezvous)| (*id, rendezvous.clone())).collect();
        for (invite, rendezvous) in open {
            let mailbox = rendezvous.mailbox();
            for envelope in self.exchange.contents(env, batch, &mailbox) {
                if let Some(plain) = envelope.open(&rendezvous.sealed.key, &mailbox) {
                    self.take_rendezvous(env, batch, invite, &plain);
                }
            }
        }
    }
}

/// Keys of invites that are remembered.
const MAX_KEYS: usize = 4_096;

/// What whoever would let somebody in is told of an invite that is closed.
fn ended_by(why: InviteClosedWhy) -> CommandError {
    match why {
        InviteClosedWhy::Used => CommandError::InviteUsed,
        InviteClosedWhy::Expired => CommandError::InviteExpired,
        InviteClosedWhy::Revoked | InviteClosedWhy::Removal => CommandError::InviteRevoked,
    }
}
