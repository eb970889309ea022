//! Forgetting: when a line ends, and with which key (D-16, R-27, R-80).

use super::{Incoming, Log, Row};
use crate::batch::{Batch, numbered};
use crate::boundary::{DAY_MS, Env, KeySlot, Room, SlotKind, Timestamp};
use crate::crypto::Secret;
use crate::wire;

impl Log {
    pub(crate) fn expiry(&self, incoming: &Incoming) -> Option<Timestamp> {
        self.expiry_of(incoming.message.said_at().min(incoming.received))
    }

    /// When what was said then is forgotten.
    pub(crate) fn expiry_of(&self, said: Timestamp) -> Option<Timestamp> {
        // At the end of time nothing more ends (H-4).
        self.keep_ms.and_then(|keep| said.0.checked_add(keep)).map(Timestamp)
    }

    pub(super) fn is_expired(&self, incoming: &Incoming, now: Timestamp) -> bool {
        self.expiry(incoming).is_some_and(|expiry| expiry <= now)
    }

    /// The slot of the day key for what expires at this time; made when it is first needed.
    pub(crate) fn day(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        until: Timestamp,
    ) -> KeySlot {
        let day = until.day();
        let slot = self.day_slot(day);
        if self.days.insert(day) {
            batch.make_key(slot, Secret::random(env.rng));
        }
        slot
    }

    pub(super) fn day_slot(&self, day: u32) -> KeySlot {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&day.to_be_bytes());
        KeySlot { kind: SlotKind::Day, owner: self.circle.0, id }
    }

    /// When the oldest line ends, or a day whose key is to be destroyed is over.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        let line = self.expiries.first().map(|(expires, _)| *expires);
        let day = self.days.first().map(|day| Timestamp((u64::from(*day) + 1) * DAY_MS));
        line.into_iter().chain(day).min()
    }

    /// Hides what has run out, and destroys the keys of days that are over (D-16).
    pub(crate) fn expire(&mut self, batch: &mut Batch, now: Timestamp) {
        while let Some((at, id)) = self.expiries.first().copied().filter(|(at, _)| *at <= now) {
            self.expiries.pop_first();
            let line = self.lines.remove(&id).expect("what expires is shown");
            self.screen.remove(&line.place);
            self.heads.remove(&id);
            self.gaps.remove(&id);
            let row = wire::encode(&Row::Forgotten { id, at: at.0 });
            batch.save(numbered(Room::Messages, &self.circle.0, line.row), row);
            self.forgotten.insert(id, (at, line.row));
        }
        for (_, (_, row)) in
            self.forgotten.extract_if(.., |_, (at, _)| now.since(*at) >= FORGOTTEN_MS)
        {
            batch.erase(numbered(Room::Messages, &self.circle.0, row));
        }
        while let Some(day) = self.days.first().copied().filter(|day| *day < now.day()) {
            self.days.remove(&day);
            batch.destroy_key(self.day_slot(day));
        }
    }
}

/// How long ids of what was forgotten are kept.
pub(super) const FORGOTTEN_MS: u64 = 90 * DAY_MS;
