//! The charter at work: operations taken in and written, the roster folded from them.

use super::Circle;
use super::board::BoardItem;
use super::card::VerifiedCard;
use super::charter::{Act, Taken};
use super::roster::{Right, fold};
use crate::batch::{Batch, numbered};
use crate::boundary::{DAY_MS, Env, Event, Room, Timestamp};
use crate::error::CommandError;
use crate::identity::CircleId;
use crate::signed::Signed;
use crate::wire;

/// Half of what relays keep at least.
const REPOST_DAYS: u64 = 15;

impl Circle {
    /// Takes an operation that was signed here or came on a board; false if it waits for its past.
    pub(super) fn take_operation(&mut self, batch: &mut Batch, signed: Signed) -> bool {
        match self.charter.take(signed) {
            Taken::Waits => false,
            Taken::Known | Taken::Refused => true,
            Taken::In(ids) => {
                for id in ids {
                    let held = self.charter.get(&id).expect("it was just taken in");
                    let key = numbered(Room::Operations, &self.id.0, self.rows[0]);
                    self.rows[0] += 1;
                    batch.save(key, wire::encode(&held.signed));
                    batch.notify(Event::Operation { circle: self.id, id });
                }
                true
            }
        }
    }

    pub(super) fn fold(&mut self) {
        self.roster = fold(&self.charter, &self.charter.all());
        self.folded = self.charter.held().len();
        let keep = self.roster.policy.as_ref().and_then(|policy| policy.retention_s);
        self.log.keep_for(keep.map(|seconds| seconds.saturating_mul(1_000)));
        self.cards_of_charter();
        self.reckon();
    }

    /// Cards that came inside operations.
    pub(super) fn cards_of_charter(&mut self) {
        for held in self.charter.held() {
            let (signed, key, circle) = match &held.act {
                Act::Found(body) => (&body.card, &body.key, CircleId::NONE),
                Act::Admit(body) => (&body.card, &body.key, self.id),
                _ => continue,
            };
            if self.cards.contains(signed, &circle) {
                continue;
            }
            let card = VerifiedCard::verify(signed.clone(), key, &circle, self.suite);
            if let Some(card) = card {
                self.cards.insert(card);
            }
        }
    }

    pub(crate) fn may(&self, right: Right) -> bool {
        self.roster.members.get(&self.me).is_some_and(|person| person.may(right))
    }

    /// before a welcome, the board holds every operation and every card that counts. Relays forget
    /// what is older than a month, so an older circle posts them again.
    pub(super) fn repost_charter(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let joined = Timestamp(self.record.joined.unwrap_or(0));
        if env.now.since(joined) < REPOST_DAYS * DAY_MS {
            return;
        }
        let held = self.charter.held().iter();
        let operations = held.map(|held| BoardItem::Operation(held.signed.clone()));
        let members = self.roster.members.keys();
        let cards = members.filter_map(|member| self.cards.newest(member));
        let cards = cards.map(|held| BoardItem::Card(held.signed.clone()));
        let items: Vec<BoardItem> = operations.chain(cards).collect();
        let boards = self.head_board();
        self.post(env, batch, &boards, &items);
    }

    /// Writes operations of one's own, on a board that can be used.
    pub(super) fn act(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        acts: &[Act],
    ) -> Result<(), CommandError> {
        if !self.roster.members.contains_key(&self.me) {
            return Err(CommandError::NotAMember);
        }
        // on a usable board only, so an opening that is due goes first.
        if self.is_due() {
            self.open_epoch(env, batch, false);
        }
        let mut items = Vec::new();
        for act in acts {
            let signed = self.charter.sign(act, &self.pair);
            self.take_operation(batch, signed.clone());
            items.push(BoardItem::Operation(signed));
        }
        let boards = self.head_board();
        self.fold();
        self.post(env, batch, &boards, &items);
        Ok(())
    }
}
