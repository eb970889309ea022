//! A home that was put back from a backup, or runs twice.
//!
//! Whoever starts reads board and head before it speaks. What it finds there of its own and does not
//! hold shows that it was put back: it goes on as a new device. Found later, it is another copy that
//! goes on, and this one is silent until its person decides.

use super::Circle;
use super::board::BoardItem;
use super::card::VerifiedCard;
use super::opening::Follow;
use crate::batch::Batch;
use crate::boundary::{Env, Event, HOUR_MS, Timestamp};
use crate::crypto::random;
use crate::identity::DeviceId;
use crate::message::{Message, Run};
use crate::planted::{Planted, is_planted};

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
/// A person's word ranks so far ahead of what copies do by themselves who have not heard it.
const WORD_MS: u64 = 12 * HOUR_MS;

/// What a card of one's own shows that is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Nothing.
    Nothing,
    /// This home was put back: it made that card itself, and forgot.
    Lost,
    /// Another copy goes on.
    Copy,
}

/// A device that this home never was is another copy's, which took over, by itself or because its
/// person said so: that lasts, or two copies that are started in turn would take over from each other
/// for ever. A device that it had shows that it was put back, as long as things from before its start
/// may come; later, that another copy speaks as the same device.
fn found(copies: Copies, current: bool, had: bool, better: bool, late: bool) -> Found {
    match copies {
        _ if !had => {
            if better {
                Found::Copy
            } else {
                Found::Nothing
            }
        }
        Copies::Behind => Found::Nothing,
        Copies::Unread if current || better => Found::Lost,
        Copies::Alone if better && !late => Found::Copy,
        Copies::Alone if current || better => Found::Lost,
        Copies::Unread | Copies::Alone => Found::Nothing,
    }
}

impl Circle {
    /// A message of one's own came that is not here.
    pub(super) fn found_own_message(&mut self, batch: &mut Batch, message: &Message) {
        let run = message.run;
        // What an earlier device said may come late, and what another copy says follows its card.
        if run.device != self.record.device {
            return;
        }
        match self.copies {
            Copies::Unread => self.fall_behind(batch),
            Copies::Alone if message.said_at() < self.started => self.fall_behind(batch),
            // Of two that run at once with one device, the one with the smaller run goes on.
            Copies::Alone if run.run < self.run.run => self.fall_silent(batch),
            Copies::Behind | Copies::Alone => {}
        }
    }

    /// A card of one's own came that is not here.
    pub(super) fn found_own_card(&mut self, env: &Env<'_>, batch: &mut Batch, card: &VerifiedCard) {
        let own = self.own_cards.keys().filter_map(|id| {
            let tag = id.0[..16].try_into().expect("half of 32 bytes");
            self.cards.named(&tag).map(VerifiedCard::rank)
        });
        // Others go by the card that ranks first, so of two copies exactly one finds a better one.
        let better = own.min().is_none_or(|own| card.rank() < own);
        let device = card.card.device;
        let late = env.now.since(self.started) < LATE_MS;
        match found(self.copies, device == self.record.device, self.had(&device), better, late) {
            Found::Nothing => {}
            Found::Lost => self.fall_behind(batch),
            // What is known to be put back need not ask who goes on.
            Found::Copy if env.store.is_behind() => self.fall_behind(batch),
            Found::Copy => self.fall_silent(batch),
        }
    }

    /// Whether this home speaks, or ever spoke, as this device.
    fn had(&self, device: &DeviceId) -> bool {
        *device == self.record.device || self.record.devices.contains(device)
    }

    /// What was found is kept, and not found again after a crash.
    fn fall_behind(&mut self, batch: &mut Batch) {
        if is_planted(Planted::RestoredGoesOn) {
            return;
        }
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
        if self.knows_copies() || !self.is_in() || !self.has_read() {
            return;
        }
        let behind = self.copies == Copies::Behind && self.may_act();
        self.copies = Copies::Alone;
        if behind {
            self.become_new_device(env, batch, env.now);
            // It has no head now, so that one is due: once others have brought what it follows from.
            if !self.is_behind_openings() {
                self.open_as_new_device(env, batch, Follow::Leaves);
            }
        }
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

    /// The person says that this is the home to use: it goes on as a device that others never were, so
    /// that they are silent. What was missed is read first: it was sealed to another's card.
    pub(super) fn is_the_one(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let silent = self.is_silent();
        self.become_new_device(env, batch, env.now.plus(WORD_MS));
        if silent {
            self.copies = Copies::Unread;
        } else {
            self.open_as_new_device(env, batch, Follow::Refresh);
        }
    }

    /// A new device, with a card of its own. What is here of others is told anew, in place of what the
    /// old device said.
    fn become_new_device(&mut self, env: &mut Env<'_>, batch: &mut Batch, at: Timestamp) {
        let boards = self.head_board();
        self.record.devices.push(self.record.device);
        self.record.device = DeviceId(random(env.rng));
        self.record.silent = false;
        self.record.behind = false;
        self.run = Run { device: self.record.device, run: self.run.run };
        self.save_record(batch);
        self.new_card_at(env, batch, at, &boards);
        self.speaking.next_counter = 0;
        self.tell_everything(batch);
        self.reckon();
        batch.notify(Event::Circle { circle: self.id });
    }

    /// The opening that names the new device (R-25 a, d), and its card on the board of it.
    fn open_as_new_device(&mut self, env: &mut Env<'_>, batch: &mut Batch, follow: Follow) {
        let before = self.head_board();
        self.open_epoch(env, batch, follow);
        let after = self.head_board();
        let card = self.cards.newest(&self.me).map(|held| BoardItem::Card(held.signed.clone()));
        if after != before {
            self.post(env, batch, &after, card.as_slice());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: [Copies; 3] = [Copies::Unread, Copies::Behind, Copies::Alone];

    /// whoever started last does not take over from a copy that took over before.
    #[test]
    fn a_device_that_this_home_never_was_goes_on_whenever_its_card_is_found() {
        for copies in SEEN {
            for late in [false, true] {
                assert_eq!(found(copies, false, false, true, late), Found::Copy);
                // Of two such cards one ranks first, and its home does not give way.
                assert_eq!(found(copies, false, false, false, late), Found::Nothing);
            }
        }
    }

    /// a home put back knows the devices that it was before.
    #[test]
    fn a_forgotten_card_of_a_device_that_this_home_was_shows_that_it_was_put_back() {
        for current in [false, true] {
            assert_eq!(found(Copies::Unread, current, true, true, true), Found::Lost);
            assert_eq!(found(Copies::Alone, current, true, true, true), Found::Lost);
            assert_eq!(found(Copies::Alone, current, true, true, false), Found::Copy);
        }
        // An earlier device's old card, which says nothing new.
        for copies in SEEN {
            assert_eq!(found(copies, false, true, false, true), Found::Nothing);
        }
        assert_eq!(found(Copies::Alone, true, true, false, false), Found::Lost);
    }
}
