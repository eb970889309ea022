//! A home that was put back from a backup, or runs twice.
//!
//! Whoever starts reads board and head before it speaks. What it finds there of its own and does not
//! hold shows that it was put back: it goes on as a new device. Found later, it is another copy that
//! goes on, and this one is silent until its person decides.

use super::Circle;
use super::card::Card;
use crate::batch::Batch;
use crate::boundary::{Env, Event};
use crate::crypto::random;
use crate::identity::DeviceId;
use crate::message::{Message, Run};

/// What this node knows of other copies of its home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Copies {
    /// Board and head are still to be read.
    #[default]
    Unread,
    /// More of its own was found there than is here.
    Behind,
    /// It has spoken, or may.
    Alone,
}

/// For so long after a start it may not be known what some relay has.
const LATE_MS: u64 = 10 * 60_000;

impl Circle {
    /// A message of one's own came that is not here.
    pub(super) fn found_own_message(&mut self, batch: &mut Batch, message: &Message) {
        let run = message.run;
        match self.copies {
            Copies::Unread => self.fall_behind(batch),
            Copies::Alone if run.device == self.record.device => {
                if message.said_at() < self.started {
                    self.fall_behind(batch);
                } else if run.run < self.run.run {
                    // Of two that run at once with one card, the one with the smaller run goes on.
                    self.fall_silent(batch);
                }
            }
            Copies::Behind | Copies::Alone => {}
        }
    }

    /// A card of one's own came that is not here.
    pub(super) fn found_own_card(&mut self, env: &Env<'_>, batch: &mut Batch, card: &Card) {
        let own = self.own_cards.keys().filter_map(|id| {
            let tag = id.0[..16].try_into().expect("half of 32 bytes");
            self.cards.named(&tag).map(|held| held.card.rev)
        });
        let newer = own.max().is_none_or(|rev| card.rev > rev);
        // What a relay brings late, because it could not be reached before, is from before the start.
        let earlier = [self.run.device, card.device].contains(&self.started_as);
        let late = earlier && env.now.since(self.started) < LATE_MS;
        match self.copies {
            Copies::Unread => self.fall_behind(batch),
            Copies::Alone if newer && late => self.fall_behind(batch),
            Copies::Alone if newer => self.fall_silent(batch),
            Copies::Alone if card.device == self.record.device => self.fall_behind(batch),
            Copies::Behind | Copies::Alone => {}
        }
    }

    /// What was found is kept, and not found again after a crash.
    fn fall_behind(&mut self, batch: &mut Batch) {
        self.copies = Copies::Behind;
        self.record.behind = true;
        self.save_record(batch);
    }

    fn fall_silent(&mut self, batch: &mut Batch) {
        if !self.record.silent {
            self.record.silent = true;
            self.save_record(batch);
            batch.notify(Event::Circle { circle: self.id });
        }
    }

    /// Whether this node may say anything, on a board or in an epoch.
    pub(super) fn may_act(&self) -> bool {
        !self.record.silent && self.is_in() && self.roster.members.contains_key(&self.me)
    }

    /// Whether board and head were read since this node started, and so what was said in its name.
    pub(super) fn knows_copies(&self) -> bool {
        self.copies == Copies::Alone
    }

    /// Whether this node may say what others go by.
    pub(super) fn may_speak(&self) -> bool {
        self.may_act() && self.knows_copies()
    }

    /// Whether another copy of this home goes on in this circle's stead.
    pub(crate) fn is_silent(&self) -> bool {
        self.record.silent
    }

    /// Once board and head were read: goes on, as a new device if the home was put back.
    pub(super) fn settle_copies(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        if self.copies == Copies::Alone || !self.is_in() || !self.has_read() {
            return;
        }
        if self.copies == Copies::Behind && self.may_act() {
            self.become_new_device(env, batch);
        }
        self.copies = Copies::Alone;
        batch.notify(Event::Circle { circle: self.id });
    }

    /// Whether nothing is left to be done about a home that was put back.
    pub(crate) fn has_settled(&self) -> bool {
        self.knows_copies() || !self.may_act()
    }

    fn has_read(&self) -> bool {
        let head = self.head().and_then(|(_, epoch)| epoch.sealed.as_ref());
        self.in_step() && head.is_none_or(|sealed| self.exchange.is_in_step(&sealed.mailbox()))
    }

    /// A new device, with a card of its own; the opening that names it follows (R-25 d). What is here of
    /// others is told anew, in place of what the old device said.
    pub(super) fn become_new_device(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        self.record.device = DeviceId(random(env.rng));
        self.record.silent = false;
        self.record.behind = false;
        self.run = Run { device: self.record.device, run: self.run.run };
        self.save_record(batch);
        self.new_card(env, batch);
        self.tell_everything(batch);
        self.reckon();
        batch.notify(Event::Circle { circle: self.id });
    }
}
