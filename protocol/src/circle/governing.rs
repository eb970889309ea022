//! The charter at work: operations taken in and written, the roster folded from them.

use super::board::BoardItem;
use super::card::VerifiedCard;
use super::charter::{Act, CosignBody, Held, HoldBody, MAX_PARENTS, RemovalBody, RoleBody, Taken};
use super::opening::Follow;
use super::roster::{HELD_AGAIN_MS, HOLD_MS, Person, Right, fold};
use super::{Board, Circle};
use crate::batch::{Batch, numbered};
use crate::boundary::{ActView, Env, Event, Mark, Room};
use crate::crypto::Label;
use crate::error::CommandError;
use crate::identity::{CircleId, MemberId, OperationId};
use crate::signed::Signed;
use crate::wire;

/// Roles that can be given (U-51).
pub(super) const ROLES: [&str; 7] =
    ["host", "steward", "chair", "greeter", "timekeeper", "treasurer", "facilitator"];
/// Bytes of what the record says of a removal.
const MAX_REASON: usize = 200;

/// A member goes by its own word.
pub(super) fn leaving(who: MemberId) -> Act {
    Act::Removal(RemovalBody { who, mode: 2, reason: None, source: None })
}

impl Circle {
    /// Takes an operation that was signed here or came on a board; gives which came in by that, `None` if it
    /// waits for its past.
    pub(super) fn take_operation(
        &mut self,
        batch: &mut Batch,
        signed: Signed,
    ) -> Option<Vec<OperationId>> {
        match self.charter.take(signed) {
            Taken::Waits => None,
            Taken::Known | Taken::Refused => Some(Vec::new()),
            Taken::In(ids) => {
                self.keep_operations(batch, &ids);
                Some(ids)
            }
        }
    }

    pub(super) fn keep_operations(&mut self, batch: &mut Batch, ids: &[OperationId]) {
        for id in ids {
            let held = self.charter.get(id).expect("it was just taken in");
            let key = numbered(Room::Operations, &self.id.0, self.rows[0]);
            self.rows[0] += 1;
            batch.save(key, wire::encode(&held.signed));
            let votes = matches!(
                held.act,
                Act::Proposal(_) | Act::Ballot(_) | Act::Tally(_) | Act::TallyAck(_)
            );
            batch.notify(Event::Operation { circle: self.id, id: *id, votes });
        }
    }

    pub(super) fn fold(&mut self) {
        self.roster = fold(&self.charter, &self.charter.all());
        self.roster.end_terms(self.charter.now());
        self.find_terms();
        self.find_duties();
        self.folded = self.charter.held().len();
        let keep = self.roster.policy.as_ref().and_then(|policy| policy.retention_s);
        self.log.keep_for(keep.map(|seconds| seconds.saturating_mul(1_000)));
        self.cards_of_charter();
        self.reckon();
    }

    /// Cards that came inside operations.
    pub(super) fn cards_of_charter(&mut self) {
        let came = self.charter.held().iter().filter_map(|held| {
            let (signed, key, circle) = match &held.act {
                Act::Found(body) => (&body.card, &body.key, CircleId::NONE),
                Act::Admit(body) => (&body.card, &body.key, self.id),
                _ => return None,
            };
            let is_new = !self.cards.contains(signed, &circle);
            is_new.then(|| VerifiedCard::verify(signed.clone(), key, &circle, self.suite))?
        });
        let came: Vec<VerifiedCard> = came.collect();
        came.into_iter().for_each(|card| self.hold_card(card, None));
    }

    pub(crate) fn may(&self, right: Right) -> bool {
        self.roster.members.get(&self.me).is_some_and(|person| person.may(right))
    }

    /// Gives a role, for good or until then, or takes it back.
    pub(crate) fn set_role(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        who: MemberId,
        role: String,
        (grant, end): (bool, Option<u64>),
    ) -> Result<ActView, CommandError> {
        if !ROLES.contains(&role.as_str()) {
            return Err(CommandError::UnknownRole);
        }
        let person = self.roster.members.get(&who).ok_or(CommandError::UnknownMember)?;
        let own = who == self.me && !grant;
        if !own && !self.may(Right::Host) {
            return Err(CommandError::NotAllowed);
        }
        if end.is_some_and(|end| !grant || end <= env.now.0) {
            return Err(CommandError::OutOfRange);
        }
        if role == "host" && person.may(Right::Host) {
            let term = person.terms.get("host").map(|(_, end)| *end);
            let shorter = end.is_some_and(|end| term.is_none_or(|term| end < term));
            if who != self.me && (!grant || shorter) {
                return Err(CommandError::AnotherHost);
            }
            if who == self.me && (!grant || shorter) && !self.another_host_stays() {
                return Err(CommandError::OnlyHost);
            }
        }
        self.govern(env, batch, Act::Role(RoleBody { grant, role, to: who, end, source: None }))
    }

    /// Ends somebody else's membership: the epoch, the board and every open invite end with it,
    /// and the relays are shown a new link. Of another host it is one's word, until a second host
    /// says the same.
    pub(crate) fn remove(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        who: MemberId,
        reason: Option<String>,
    ) -> Result<ActView, CommandError> {
        if who == self.me {
            return Err(CommandError::Oneself);
        }
        if reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON) {
            return Err(CommandError::TooLarge { limit: MAX_REASON });
        }
        let person = self.roster.members.get(&who).ok_or(CommandError::UnknownMember)?;
        if !self.may(Right::Host) {
            return Err(CommandError::NotAllowed);
        }
        let first = self.roster.words.get(&who).and_then(|words| {
            let others = words.iter().filter(|(host, _)| **host != self.me);
            others.map(|(_, word)| *word).next()
        });
        let own = self.roster.words.get(&who).and_then(|words| words.get(&self.me));
        match (first, own) {
            (Some(of), _) => self.govern(env, batch, Act::Cosign(CosignBody { of })),
            (None, Some(word)) => self.governed(word).ok_or(CommandError::NotAMember),
            (None, None) if person.may(Right::Host) && self.hosts() < 3 => {
                Err(CommandError::AnotherHost)
            }
            _ => self.govern(
                env,
                batch,
                Act::Removal(RemovalBody { who, mode: 0, reason, source: None }),
            ),
        }
    }

    /// Sets aside what somebody says, for so many seconds; 0 lifts a hold (D-37).
    pub(crate) fn set_hold(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        who: MemberId,
        for_s: u64,
    ) -> Result<ActView, CommandError> {
        if who == self.me {
            return Err(CommandError::Oneself);
        }
        if for_s != 0 && !(60..=HOLD_MS / 1_000).contains(&for_s) {
            return Err(CommandError::OutOfRange);
        }
        if !self.roster.members.contains_key(&who) {
            return Err(CommandError::UnknownMember);
        }
        if !self.may(Right::Hold) {
            return Err(CommandError::NotAllowed);
        }
        let until = env.now.plus(for_s * 1_000).0;
        let lately = |body: &HoldBody| {
            body.place && body.who == who && until < body.until.saturating_add(HELD_AGAIN_MS)
        };
        let mut holds = self.charter.held().iter().filter(|held| {
            matches!(&held.act, Act::Hold(body) if lately(body))
                && self.roster.standing.contains(&held.id)
        });
        if for_s != 0 && holds.next().is_some() {
            return Err(CommandError::HeldLately);
        }
        self.govern(env, batch, Act::Hold(HoldBody { who, place: for_s != 0, until }))
    }

    /// Ends one's own membership. What was said and heard stays here until it expires or is wiped.
    /// Who has left gets the same answer again.
    pub(crate) fn leave(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        end: bool,
    ) -> Result<ActView, CommandError> {
        if !self.belongs() {
            return self.departure().ok_or(CommandError::NotAMember);
        }
        if self.may(Right::Host)
            && !self.another_host_stays()
            && self.roster.members.len() > 1
            && !end
        {
            return Err(CommandError::OnlyHost);
        }
        self.govern(env, batch, leaving(self.me))
    }

    /// The act by which this member left.
    fn departure(&self) -> Option<ActView> {
        let mut stand = self.leavings().filter(|(_, held)| self.roster.standing.contains(&held.id));
        stand.next_back().and_then(|(_, held)| self.governed(&held.id))
    }

    /// Where this member wrote that it goes, whatever came of it.
    pub(super) fn leavings(&self) -> impl DoubleEndedIterator<Item = (usize, &Held)> {
        self.charter.held().iter().enumerate().filter(|(_, held)| {
            matches!(&held.act, Act::Removal(body) if body.mode == 2 && body.who == self.me)
                && held.operation.author == self.me
        })
    }

    /// Whether somebody else is a host for at least as long as this member.
    fn another_host_stays(&self) -> bool {
        let end = |person: &Person| person.terms.get("host").map_or(u64::MAX, |(_, end)| *end);
        let own = self.roster.members.get(&self.me).map_or(0, end);
        let others = self.roster.members.iter().filter(|(who, _)| **who != self.me);
        others.into_iter().any(|(_, person)| person.may(Right::Host) && end(person) >= own)
    }

    fn hosts(&self) -> usize {
        self.roster.members.values().filter(|person| person.may(Right::Host)).count()
    }

    /// Writes one operation, and does at once what follows from it.
    pub(super) fn govern(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        act: Act,
    ) -> Result<ActView, CommandError> {
        let now = env.now;
        let live = |circle: &Self| {
            let invites = circle.roster.invites.values();
            invites.filter(|invite| circle.is_live(invite, now)).count()
        };
        let before = live(self);
        let id = *self.act(env, batch, &[act])?.first().expect("one for each act");
        let invites_closed = before.saturating_sub(live(self));
        // P3: nothing more is said where somebody listens who belongs no more.
        if self.is_due() {
            self.open_epoch(env, batch, Follow::Leaves);
        }
        // Where it cannot be now, it is once more is removed, or a relay is added.
        let _ = self.renew_links(env, batch);
        self.settle(env, batch);
        Ok(ActView { invites_closed, ..self.governed(&id).ok_or(CommandError::NotAMember)? })
    }

    /// An operation of one's own, and how far it came.
    pub(crate) fn governed(&self, id: &OperationId) -> Option<ActView> {
        self.charter.get(id).filter(|held| held.operation.author == self.me)?;
        let needs_second =
            self.roster.words.values().any(|words| words.values().any(|word| word == id));
        Some(ActView { id: *id, mark: self.posted(), invites_closed: 0, needs_second })
    }

    /// How far came what lies on the boards from here.
    pub(super) fn posted(&self) -> Mark {
        let acked = |board: &Board| self.exchange.is_acked(&board.sealed.mailbox());
        if !self.boards.is_empty() && self.boards.values().all(acked) {
            Mark::Relayed
        } else {
            Mark::Waiting
        }
    }

    /// joins heads of which there are more than one operation names, so that what comes next covers all.
    /// Gives what is to be posted.
    pub(super) fn join_heads(&mut self, batch: &mut Batch) -> Vec<BoardItem> {
        let mut joins = Vec::new();
        let mut before = usize::MAX;
        while self.charter.heads().len() > MAX_PARENTS && self.charter.heads().len() < before {
            before = self.charter.heads().len();
            let signed = self.charter.sign(&Act::Join, &self.pair);
            self.take_operation(batch, signed.clone());
            joins.push(BoardItem::Operation(signed));
        }
        joins
    }

    /// Writes operations of one's own, on a board that can be used; gives their ids.
    pub(super) fn act(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        acts: &[Act],
    ) -> Result<Vec<OperationId>, CommandError> {
        if !self.roster.members.contains_key(&self.me) {
            return Err(CommandError::NotAMember);
        }
        if self.is_silent() {
            return Err(CommandError::OtherCopy);
        }
        // What was known when this node stopped may be long past, and what is posted on a board that
        // nobody reads any more is lost. Only how others can be reached cannot wait for them.
        let reaches = |act: &Act| matches!(act, Act::Relays(_));
        if !self.may_speak() && !acts.iter().all(reaches) {
            return Err(CommandError::NotReady);
        }
        if !self.charter.allows(&self.me, acts) {
            return Err(CommandError::Quota);
        }
        // on a usable board only, so an opening that is due goes first.
        if self.is_due() && self.may_speak() {
            self.open_epoch(env, batch, Follow::Leaves);
        }
        let mut boards = self.head_board();
        if boards.is_empty() {
            return Err(CommandError::NotReady);
        }
        if acts.iter().any(|act| matches!(act, Act::Removal(_) | Act::Cosign(_))) {
            boards.extend(self.epochs.leaves().iter().map(|(_, epoch)| epoch.header.board));
        }
        let (mut items, mut ids) = (self.join_heads(batch), Vec::new());
        for act in acts {
            let signed = self.charter.sign(act, &self.pair);
            ids.push(OperationId(signed.id(Label::Operation, &self.id)));
            self.take_operation(batch, signed.clone());
            items.push(BoardItem::Operation(signed));
        }
        self.fold();
        self.post(env, batch, &boards, &items);
        Ok(ids)
    }
}
