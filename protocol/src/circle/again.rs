//! What was said, said again to who cannot have it any more where it was said, and pair copies
//!

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::Circle;
use super::card::VerifiedCard;
use super::head::{Epoch, State};
use super::log::Line;
use crate::batch::Batch;
use crate::boundary::{DAY_MS, Env, HOUR_MS, Timestamp};
use crate::crypto::{Label, hash};
use crate::identity::{EpochId, MemberId, MessageId};
use crate::message::{Item, MAX_IN_FRAME, Message, Pair};
use crate::planted::{Planted, is_planted};
use crate::wire::{self, Bytes};

/// Relays may have forgotten what is older.
pub(super) const RELAYS_KEEP_H: u32 = 28 * 24;
const RELAYS_KEEP_MS: u64 = RELAYS_KEEP_H as u64 * HOUR_MS;
/// How long a hole among later words may be filled by what is on its way (a guess).
pub(super) const HOLE_MS: u64 = 10 * 60_000;
/// How far apart one message is said again to one member.
const APART_MS: u64 = 3 * DAY_MS;
/// Bytes that are said again to one member a day.
const MAX_BYTES: usize = 1 << 20;
/// Bytes of the messages in one pair copy, and the steps that it is padded to.
const PAIR_BYTES: usize = 16 << 10;
const PAIR_STEP: usize = 512;

/// What was said again to one member.
#[derive(Debug, Default)]
pub(super) struct Again {
    day: u32,
    bytes: usize,
    /// When, and in which epoch.
    pub(super) at: BTreeMap<MessageId, (Timestamp, EpochId)>,
}

/// What a pair copy holds.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(crate) struct PairText {
    /// The exact bytes of messages of its author.
    #[n(0)]
    messages: Vec<Bytes>,
    /// Zeros.
    #[n(1)]
    padding: Bytes,
}

impl PairText {
    /// Encoded, with as many zeros as bring it to a step.
    fn padded(mut self) -> Vec<u8> {
        let bare = wire::encode(&self).len();
        // What states the length of the zeros is one byte where there are none.
        let stated = |zeros: usize| match zeros {
            0..24 => 0,
            24..256 => 1,
            _ => 2,
        };
        let fits = |zeros: &usize| (bare + stated(*zeros) + zeros).is_multiple_of(PAIR_STEP);
        let zeros = (0..2 * PAIR_STEP + 2).find(fits).expect("one of two steps can be stated");
        self.padding = Bytes(vec![0; zeros]);
        wire::encode(&self)
    }
}

impl Circle {
    /// Says again to a member what it was entitled to and does not have, where the epoch of the first
    /// time cannot bring it any more. `lacks` are epochs that it says it cannot read.
    pub(super) fn say_again_to(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        who: &MemberId,
        lacks: &[EpochId],
    ) {
        let member = self.roster.members.contains_key(who) && *who != self.me;
        if is_planted(Planted::NothingAgain) {
            return;
        }
        if !member || !self.is_in() || !self.in_step() || self.is_due() {
            return;
        }
        let Some((head, _)) = self.head() else { return };
        let head = *head;
        let (mut there, mut apart) = (Vec::new(), Vec::new());
        for id in self.unheard(who, lacks, env.now) {
            let first = self.log.line(&id).and_then(|line| self.epochs.by_hint(line.epoch()));
            let Some((_, first)) = first else { continue };
            let inside = |who: &MemberId| {
                first.members.binary_search(who).is_ok() || is_planted(Planted::AgainToAllHere)
            };
            let all = self.head().is_some_and(|(_, epoch)| epoch.members.iter().all(inside));
            let Some(row) = self.log.line(&id).map(|line| line.row) else { continue };
            let Some(super::log::Row::Message { bytes, .. }) = self.log.row(env, batch, row) else {
                continue;
            };
            let again = self.speaking.again.entry(*who).or_default();
            if again.bytes + bytes.0.len() > MAX_BYTES {
                break;
            }
            again.bytes += bytes.0.len();
            again.at.insert(id, (env.now, head));
            if all { &mut there } else { &mut apart }.push((id, bytes));
        }
        let Some(card) = self.cards.newest(who).cloned() else { return };
        for (messages, pair) in [(there, false), (apart, true)] {
            let mut rest = &messages[..];
            while !rest.is_empty() {
                let mut bytes = 0;
                let fits = rest.iter().take(MAX_IN_FRAME).take_while(|(_, message)| {
                    bytes += message.0.len() + 8;
                    bytes <= PAIR_BYTES || bytes == message.0.len() + 8
                });
                let (now, later) = rest.split_at(fits.count());
                rest = later;
                let until = now
                    .iter()
                    .map(|(id, _)| self.log.times(id).and_then(|(_, expires)| expires))
                    .try_fold(Timestamp(0), |until, at| at.map(|at| until.max(at)));
                let exact = now.iter().map(|(_, bytes)| bytes.clone());
                let items: Vec<Item> = if pair {
                    self.pair_copy(env, &card, exact.collect()).into_iter().collect()
                } else {
                    exact.map(Item::Message).collect()
                };
                self.seal_items(env, batch, &head, &items, until);
            }
        }
    }

    /// Messages of one's own that a member was entitled to, does not have and cannot fetch, newest
    /// first; none that was said again to it lately.
    fn unheard(&mut self, who: &MemberId, lacks: &[EpochId], now: Timestamp) -> Vec<MessageId> {
        let again = self.speaking.again.entry(*who).or_default();
        if again.day != now.day() {
            again.day = now.day();
            again.bytes = 0;
            again.at.retain(|_, (at, _)| now.since(*at) < APART_MS);
        }
        let heard = self.speaking.heard.get(who);
        let again = &self.speaking.again[who];
        let lost = |epoch: &EpochId, at| lacks.contains(epoch) || self.was_over(epoch, at);
        let own = self.speaking.own.iter().filter(|((run, counter), id)| {
            let has = heard.and_then(|runs| runs.get(run));
            !has.is_some_and(|have| have.covers(*counter))
                && again.at.get(*id).is_none_or(|(at, epoch)| {
                    lost(epoch, *at) || is_planted(Planted::AgainWithoutEnd)
                })
        });
        let forsaken = self.forsaken();
        // It says so having asked for all that it knows of, so it does not know that epoch. One to which nothing
        // leads from the head it need never hear of.
        let known = match self.head {
            Some(head) if !is_planted(Planted::AsideFollowedLeft) => self.epochs.before(&head),
            _ => self.epochs.superseded(),
        };
        let passed_over = |line: &Line, epoch: &EpochId| {
            let later = heard.and_then(|runs| runs.get(&line.run));
            let hole = later.is_some_and(|have| line.counter < have.next);
            hole && !is_planted(Planted::HoleLeft)
                || !known.contains(epoch) && !is_planted(Planted::AsideLeft)
        };
        let off_hour = self.off_hour(now);
        let off_hour = off_hour.iter().flat_map(|envelope| &self.speaking.carried[envelope]);
        let off_hour: BTreeSet<&MessageId> = off_hour.collect();
        let mut unheard: Vec<(&super::log::Place, MessageId)> = own
            .filter_map(|(_, id)| {
                let line = self.log.line(id)?;
                let (epoch_id, epoch) = self.epochs.by_hint(line.epoch())?;
                let entitled =
                    epoch.members.binary_search(who).is_ok() || is_planted(Planted::AgainToAnybody);
                let age = now.since(line.said_at());
                let gone = |epoch: &Epoch| {
                    epoch.ended
                        || lost(epoch_id, line.said_at())
                        || age > RELAYS_KEEP_MS
                        || off_hour.contains(id)
                        || forsaken.contains(epoch_id)
                        || self.head != Some(*epoch_id)
                            && age >= HOLE_MS
                            && passed_over(line, epoch_id)
                };
                let sealed = !self.speaking.is_queued(line.row);
                (entitled && sealed && gone(epoch)).then_some((&line.place, *id))
            })
            .collect();
        unheard.sort_unstable_by(|a, b| b.cmp(a));
        unheard.into_iter().map(|(_, id)| id).collect()
    }

    /// Epochs that others may have let go of, with what was said in them.
    pub(super) fn forsaken(&self) -> BTreeSet<EpochId> {
        self.epochs.forsaken(|who| self.roster.members.contains_key(who))
    }

    /// Whether an epoch had been over for others when something was sealed in it: who comes back after a
    /// while learns late what superseded it.
    pub(super) fn was_over(&self, id: &EpochId, at: Timestamp) -> bool {
        let late = self.roster.policy.as_ref().map_or(7, |policy| policy.late_days);
        self.epochs.iter().any(|(_, next)| {
            next.state == State::Valid
                && next.header.supersedes.contains(id)
                && next.header.day.saturating_add(u32::from(late)) <= at.day()
        })
    }

    fn pair_info(&self, author: &MemberId) -> Vec<u8> {
        hash(Label::Pair, &self.id, &[&author.0]).to_vec()
    }

    fn pair_copy(
        &self,
        env: &mut Env<'_>,
        card: &VerifiedCard,
        messages: Vec<Bytes>,
    ) -> Option<Item> {
        let text = PairText { messages, padding: Bytes(Vec::new()) }.padded();
        let (key, info) = (&card.card.seal_key.0, self.pair_info(&self.me));
        let sealed = self.suite.seal_to(env.rng, key, &info, &card.card.member.0, &text)?;
        Some(Item::Pair(Pair { to: Bytes(card.tag().to_vec()), sealed: Bytes(sealed) }))
    }

    /// The messages of a pair copy, if it is for this device.
    pub(super) fn open_pair(&self, author: &MemberId, pair: &Pair) -> Vec<(Message, Vec<u8>)> {
        let own = self.own_cards.iter().find(|(id, _)| id.0[..16] == pair.to.0[..]);
        let info = self.pair_info(author);
        let text = own.and_then(|(_, own)| {
            self.suite.open_with(&own.seal, &info, &self.me.0, &pair.sealed.0)
        });
        let text: Option<PairText> = text.and_then(|text| wire::decode(&text));
        let messages = text.map(|text| text.messages).unwrap_or_default();
        messages
            .into_iter()
            .take(MAX_IN_FRAME)
            .filter_map(|bytes| Some((Message::parse(&bytes.0)?, bytes.0)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// its length tells steps, and nothing else of what is inside.
    #[test]
    fn a_pair_copy_has_a_multiple_of_its_step() {
        for len in 0..1_600 {
            for count in [1, 2, 64] {
                let messages = vec![Bytes(vec![7; len / count]); count];
                let text = PairText { messages: messages.clone(), padding: Bytes(Vec::new()) };
                let bare = wire::encode(&text).len();
                let padded = text.padded();
                assert_eq!(padded.len() % PAIR_STEP, 0, "{len} {count}");
                assert!(padded.len() < bare + 2 * PAIR_STEP, "{len} {count}");
                let read: PairText = wire::decode(&padded).expect("it is one");
                assert_eq!(read.messages, messages);
            }
        }
    }
}
