//! Coming in: welcomes, and which of them the board bears out.

use super::charter::{self, Act, InviteClosedWhy};
use super::epoch::Header;
use super::head::State;
use super::{Circle, FALLEN_MS, Leads};
use crate::admission::{ClosingNote, Origin, Rendezvous, RendezvousItem, Welcome, end_of};
use crate::batch::Batch;
use crate::boundary::{Env, Event, JoinEnd, JoinState, Timestamp};
use crate::crypto::Label;
use crate::identity::{EpochId, MemberId};
use crate::planted::{Planted, is_planted};
use crate::wire;

impl Circle {
    /// The welcome that came may be somebody's who has the code and no circle: the others are read as well, until
    /// one is borne out.
    pub(super) fn await_welcome(&mut self, env: &Env<'_>, batch: &mut Batch) {
        let own = self.own_rendezvous().filter(|_| !is_planted(Planted::FirstWelcomeAlone));
        let Some(rendezvous) = own else { return };
        self.mailboxes.insert(rendezvous.mailbox(), Leads::Coming);
        self.exchange.open(env, batch, rendezvous.sealed.clone(), true);
        for plain in self.lies_at(env, batch, &rendezvous) {
            self.take_answer(env, batch, &plain);
        }
    }

    /// What lies at a rendezvous, opened.
    fn lies_at(&self, env: &Env<'_>, batch: &Batch, rendezvous: &Rendezvous) -> Vec<Vec<u8>> {
        let mailbox = rendezvous.mailbox();
        let held = self.exchange.contents(env, batch, &mailbox).into_iter();
        held.filter_map(|envelope| envelope.open(&rendezvous.sealed.key, &mailbox)).collect()
    }

    /// Where this member was welcomed, if no welcome was borne out yet.
    fn own_rendezvous(&self) -> Option<Rendezvous> {
        self.record.origin.as_ref().map(|origin| Rendezvous::of(&origin.secret()))
    }

    /// Another answer where this member was welcomed. The inviter's no is shown until a welcome is borne out: the one that
    /// came may be somebody's who has the code.
    pub(super) fn take_answer(&mut self, env: &Env<'_>, batch: &mut Batch, plain: &[u8]) {
        let item = wire::decode::<RendezvousItem>(plain);
        if let Some(RendezvousItem::Refusal(signed) | RendezvousItem::Closed(signed)) = item {
            let secret = self.record.origin.as_ref().map(Origin::secret);
            let no =
                secret.and_then(|secret| ClosingNote::ends(&signed, &secret, self.record.request));
            let ended = no.filter(|(_, inviter)| *inviter).map(|(why, _)| why);
            if ended.is_some() && ended != self.record.ended {
                self.record.ended = ended;
                self.save_record(batch);
                batch.notify(Event::Circle { circle: self.id });
            }
        }
        self.take_welcome(env, batch, plain);
    }

    /// Another welcome: it brings an epoch and a board more, and what lies on the boards tells which is the circle's.
    fn take_welcome(&mut self, env: &Env<'_>, batch: &mut Batch, plain: &[u8]) {
        if let Some(welcome) = self.welcome_in(plain)
            && let Some(header) = welcome.header.decode::<Header>()
        {
            self.hold_entry(env, batch, welcome.header, header, welcome.entry);
        }
    }

    fn welcome_in(&self, plain: &[u8]) -> Option<Welcome> {
        let RendezvousItem::Welcome(signed) = wire::decode(plain)? else { return None };
        let welcome: Welcome = signed.decode()?;
        let good = self.record.origin.as_ref() == Some(&welcome.origin)
            && signed.is_by(&welcome.key, Label::InviteNote, &self.id);
        good.then_some(welcome)
    }

    /// A welcome was borne out: the rendezvous is read no more for it, and what was brought there by openers of
    /// whom nothing is known is no circle's.
    fn leave_rendezvous(&mut self, env: &Env<'_>, batch: &mut Batch) {
        let Some(rendezvous) = self.own_rendezvous() else { return };
        let strange = |id: &EpochId| {
            self.epochs.get(id).is_some_and(|epoch| {
                epoch.state == State::Waits && self.charter.key(&epoch.header.opener).is_none()
            })
        };
        let texts = self.lies_at(env, batch, &rendezvous).into_iter();
        let welcomes = texts.filter_map(|plain| self.welcome_in(&plain));
        let brought = welcomes.map(|welcome| Header::id(&welcome.header, &self.id));
        let strange = brought.filter(strange).collect();
        self.exchange.close(batch, &rendezvous.mailbox());
        self.mailboxes.remove(&rendezvous.mailbox());
        self.let_go(batch, strange);
    }

    /// A welcome is believed once the board bears it out: it holds the admission, by that invite
    /// of that inviter, and an opening that counts with a card for each whom it names.
    pub(super) fn finish_entering(&mut self, env: &Env<'_>, batch: &mut Batch) {
        let Some(origin) = &self.record.origin else { return };
        let by_invite = |body: &charter::AdmitBody| {
            let invite = body.invite.and_then(|invite| self.charter.get(&invite));
            invite.is_some_and(|held| {
                held.operation.author == origin.inviter
                    && matches!(&held.act, Act::Invite(invite) if invite.id == origin.invite)
            })
        };
        let came =
            self.roster.members.contains_key(&self.me) || self.roster.former.contains_key(&self.me);
        let invited = self.charter.held().iter().any(|held| {
            matches!(&held.act, Act::Admit(body)
                if MemberId::of(&body.key) == self.me && by_invite(body))
        });
        let borne_out = self.epochs.iter().any(|(_, epoch)| {
            epoch.counts()
                && epoch.mine.is_some()
                && epoch.secrets.is_some()
                && epoch.header.cards.iter().all(|tag| self.cards.named(&tag.0).is_some())
        });
        self.fell_at = match self.fell_at {
            _ if came || !invited => None,
            fell => fell.or(Some(env.now)),
        };
        if came && invited && borne_out {
            self.leave_rendezvous(env, batch);
            self.record.origin = None;
            (self.record.request, self.record.ended) = (None, None);
            self.record.joined = Some(env.now.0);
            // Those of the code led here; which ones the circle has says the charter.
            if !self.roster.relays.is_empty() {
                self.record.relays.clear();
            }
            self.save_record(batch);
            batch.notify(Event::Circle { circle: self.id });
        }
    }

    /// How far the asking that led here has come.
    pub(crate) fn join_state(&self) -> JoinState {
        match self.record.ended {
            _ if self.is_in() => JoinState::Member,
            Some(why) if !is_planted(Planted::NoUnheard) => JoinState::Over(end_of(why)),
            _ => JoinState::Asked,
        }
    }

    /// Why what was entered is no membership, if that has been so for a while: the admission fell.
    pub(crate) fn has_fallen(&self, now: Timestamp) -> Option<JoinEnd> {
        let origin = self.record.origin.as_ref()?;
        self.fell_at.filter(|at| now.since(*at) >= FALLEN_MS)?;
        let invite = self.roster.invite(&origin.inviter, &origin.invite);
        Some(match invite.and_then(|invite| invite.closed) {
            Some(InviteClosedWhy::Used) => JoinEnd::Used,
            Some(InviteClosedWhy::Expired) => JoinEnd::Expired,
            Some(InviteClosedWhy::Revoked | InviteClosedWhy::Removal) | None => JoinEnd::Revoked,
        })
    }
}
