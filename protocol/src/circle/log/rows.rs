//! Rows: a log as it is saved, written down and read back.

use minicbor::{Decode, Encode};

use super::{Gap, Incoming, Log, Place, circle_place};
use crate::batch::{Batch, numbered};
use crate::boundary::{Env, Room, SlotKind, Timestamp};
use crate::identity::{MemberId, MessageId, OperationId};
use crate::message::Message;
use crate::wire::{self, Bytes};

/// A line as it is saved.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) enum Row {
    /// Something said.
    #[n(0)]
    Message {
        /// The exact bytes.
        #[n(0)]
        bytes: Bytes,
        /// When it came, ms since 1970.
        #[n(1)]
        received: u64,
        /// The epoch that it came in.
        #[n(2)]
        epoch: u64,
        /// How many other members there were, for one's own.
        #[n(3)]
        members: Option<u16>,
    },
    /// A membership began or ended, or there is something to know of a member.
    #[n(1)]
    Membership {
        /// Who.
        #[n(0)]
        who: MemberId,
        /// The name then.
        #[n(1)]
        name: String,
        /// When this was learned, ms since 1970.
        #[n(2)]
        at: u64,
        #[n(3)]
        what: News,
        /// Of a role, which.
        #[n(4)]
        role: Option<String>,
    },
    /// What stood here was forgotten: what leans on it lacks nothing.
    #[n(2)]
    Forgotten {
        /// Which.
        #[n(0)]
        id: MessageId,
        /// When it ended, ms since 1970.
        #[n(1)]
        at: u64,
    },
    /// The circle was asked, or has decided.
    #[n(3)]
    Vote {
        /// By which proposal.
        #[n(0)]
        id: OperationId,
        /// Whose.
        #[n(1)]
        by: MemberId,
        /// When this was learned, ms since 1970.
        #[n(2)]
        at: u64,
        /// Whether it is decided.
        #[n(3)]
        decided: bool,
    },
}

impl Row {
    /// Of a line that nobody said: when it was learned, and of whom it is.
    fn of_circle(&self) -> Option<(u64, MemberId)> {
        match self {
            Self::Membership { who, at, .. } => Some((*at, *who)),
            Self::Vote { by, at, .. } => Some((*at, *by)),
            Self::Message { .. } | Self::Forgotten { .. } => None,
        }
    }
}

/// What a row says of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum News {
    /// It belongs from then on.
    #[n(0)]
    Joined,
    /// It went.
    #[n(1)]
    Left,
    /// It was removed.
    #[n(2)]
    Removed,
    /// It sent different messages for one place.
    #[n(3)]
    Differs,
    /// It opened more epochs than R-22 allows.
    #[n(4)]
    Exceeds,
    /// It has a role from then on.
    #[n(5)]
    Given,
    /// It has a role no more.
    #[n(6)]
    Ended,
}

impl Log {
    pub(super) fn reread(&self, env: &Env<'_>, batch: &Batch, id: &MessageId) -> Option<Incoming> {
        let row = self.row(env, batch, self.lines.get(id)?.row)?;
        self.incoming(row)
    }

    /// A row of the screen as it was saved.
    pub(crate) fn row(&self, env: &Env<'_>, batch: &Batch, row: u64) -> Option<Row> {
        let saved = batch.read(env, &numbered(Room::Messages, &self.circle.0, row))?;
        wire::decode(&saved)
    }

    /// The message of a row, if it is one.
    pub(crate) fn said(&self, row: &Row) -> Option<Message> {
        match row {
            Row::Message { bytes, .. } => Message::parse(&bytes.0),
            _ => None,
        }
    }

    pub(super) fn incoming(&self, row: Row) -> Option<Incoming> {
        let Row::Message { bytes, received, epoch, members } = row else {
            return None;
        };
        Some(Incoming {
            id: Message::id(&bytes.0, &self.circle),
            message: Message::parse(&bytes.0)?,
            bytes: bytes.0,
            epoch,
            received: Timestamp(received),
            members,
        })
    }

    /// Writes down what happened in the circle.
    pub(crate) fn note(&mut self, batch: &mut Batch, row: &Row) -> Option<Place> {
        let (at, who) = row.of_circle()?;
        self.remember(row);
        let place = circle_place(at, &who, self.next_row);
        let key = numbered(Room::Messages, &self.circle.0, self.next_row);
        batch.save(key, wire::encode(row));
        self.screen.insert(place.clone(), self.next_row);
        self.next_row += 1;
        Some(place)
    }

    fn remember(&mut self, row: &Row) {
        let Row::Membership { who, at, what, role, .. } = row else { return };
        let role = || (*who, role.clone().unwrap_or_default());
        match what {
            News::Joined => _ = self.came.insert(*who, Timestamp(*at)),
            News::Differs | News::Exceeds => _ = self.told.insert((*who, *what)),
            News::Given => _ = self.roles.insert(role()),
            News::Ended => _ = self.roles.remove(&role()),
            News::Left | News::Removed => {}
        }
    }

    /// Reads back what was saved.
    pub(crate) fn restore(&mut self, env: &Env<'_>, mine: &dyn Fn(u64) -> bool) {
        for (slot, _) in env.store.secrets() {
            if slot.kind == SlotKind::Day && slot.owner == self.circle.0 {
                let day = slot.id[..4].try_into().expect("4 of 32 bytes");
                self.days.insert(u32::from_be_bytes(day));
            }
        }
        let (mut from, mut late) = (Vec::new(), Vec::new());
        loop {
            let rows = env.store.scan(Room::Messages, &self.circle.0, &from, false, RESTORE_ROWS);
            let Some((last, _)) = rows.last() else { break };
            from = [last.as_slice(), &[0]].concat();
            for (place, saved) in &rows {
                let row = u64::from_be_bytes(place.as_slice().try_into().unwrap_or([0; 8]));
                self.next_row = self.next_row.max(row.saturating_add(1));
                let Some(saved) = wire::decode::<Row>(saved) else { continue };
                if let Some((at, who)) = saved.of_circle() {
                    self.remember(&saved);
                    self.screen.insert(circle_place(at, &who, row), row);
                } else if let Row::Forgotten { id, at } = saved {
                    self.forgotten.insert(id, (Timestamp(at), row));
                    // A row of a later arrival may lean on it and have been read already.
                    late.extend(self.fill_restored(&id));
                } else if let Some(incoming) = self.incoming(saved) {
                    let missing = self.missing(&incoming.message, mine);
                    self.show(&incoming, row);
                    if !missing.is_empty() {
                        self.gaps.insert(incoming.id, Gap { missing, since: env.now });
                    }
                    late.extend(self.fill_restored(&incoming.id));
                }
            }
        }
        for child in late {
            self.move_from(env, &Batch::default(), &child);
        }
    }

    /// Rows are in order of arrival, so a late parent stands after the messages that lean on it: these
    /// are given back, to be placed anew.
    fn fill_restored(&mut self, id: &MessageId) -> Vec<MessageId> {
        let mut late = Vec::new();
        self.gaps.retain(|child, gap| {
            if gap.missing.remove(id).is_some() {
                late.push(*child);
            }
            !gap.missing.is_empty()
        });
        late
    }
}

/// Rows read at once when a store is read back; a message may have 64 KiB.
const RESTORE_ROWS: usize = 128;
