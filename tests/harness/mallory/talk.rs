//! What hostile members say.

use hearthlight_protocol::crypto::{Label, hash};
use hearthlight_protocol::identity::{EpochId, MemberId, MessageId};
use hearthlight_protocol::member::sim::EpochKeys;
use hearthlight_protocol::message::{
    Frame, Have, Item, Message, Pair, Parent, Run, Seen, epoch_hint,
};
use hearthlight_protocol::wire::{self, Bytes};

use super::{FORGED, Forge, NEVER};
use crate::forge::item;

/// 2099-01-01T00:00Z.
const LATE_MS: u64 = 4_070_908_800_000;

impl Forge<'_> {
    /// An epoch that it can speak in: mostly the head, or an old one.
    fn epoch(&mut self) -> Option<EpochKeys> {
        let may_speak = |epoch: &&EpochKeys| epoch.secrets.is_some() && epoch.speaks.is_some();
        let may: Vec<&EpochKeys> = self.keys.epochs.iter().filter(may_speak).collect();
        let head = self.keys.head().filter(may_speak);
        let old = self.chance.happens(0.3);
        head.filter(|_| !old).or_else(|| self.chance.one_of(&may)).cloned()
    }

    fn frame(&mut self, epoch: &EpochKeys, items: &[Item], only: Option<usize>) {
        if let Some((at, _)) = &epoch.speaks {
            self.frame_at(epoch, *at, items, only);
        }
    }

    fn frame_at(&mut self, epoch: &EpochKeys, at: u16, items: &[Item], only: Option<usize>) {
        let frame = self.keys.frame(&epoch.id, at, items);
        if let (Some(frame), Some(sealed)) = (frame, self.keys.talk_of(epoch)) {
            self.post_at(sealed.mailbox(), &sealed.key, &frame, only);
        }
    }

    /// A message like one of its own, in a run that its machine does not use.
    fn message(&mut self, what: &str) -> Message {
        let text = self.text(what);
        let run = Run { device: self.keys.run.device, run: *self.texts << 20 };
        self.keys.message(run, 0, &text, self.now)
    }

    pub(super) fn equivocate(&mut self) {
        let Some(epoch) = self.epoch() else { return };
        let one = self.message(FORGED);
        let other = Message { run: one.run, ..self.message(FORGED) };
        for (relay, message) in [one, other].iter().enumerate() {
            self.frame(&epoch, &[item(message)], Some(relay));
        }
    }

    pub(super) fn flood(&mut self) {
        let Some(epoch) = self.epoch() else { return };
        let first = self.message(FORGED);
        let mut items = vec![item(&first)];
        for counter in 1..self.times() {
            let next = Message { run: first.run, counter, ..self.message(FORGED) };
            items.push(item(&next));
        }
        items.chunks(64).for_each(|some| self.frame(&epoch, some, None));
    }

    pub(super) fn odd(&mut self) {
        let Some(epoch) = self.epoch() else { return };
        for _ in 0..self.times() {
            let good = self.message(FORGED);
            let id = MessageId(self.chance.bytes());
            let parent = Parent { id, epoch: epoch_hint(&epoch.id) };
            let device = self.chance.bytes()[..16].try_into().expect("16 of 32 bytes");
            let run = Run { device: hearthlight_protocol::identity::DeviceId(device), run: 1 };
            let huge = vec![b'a'; self.malice.largest.min(100 << 10)];
            let odd = match self.chance.below(9) {
                0 => Message { said_at: LATE_MS, ..good },
                1 => Message { said_at: u64::MAX, ..good },
                2 => Message { counter: (1 << 63) - 2, ..good },
                3 => Message { counter: 1_000_000, ..good },
                4 => Message { parents: vec![parent; 4], ..good },
                5 => Message { parents: vec![parent; 5], ..good },
                6 => Message { body: Bytes(vec![0xff, 0xfe]), ..good },
                7 => Message { body: Bytes(huge), ..good },
                _ => Message { run, ..good },
            };
            self.frame(&epoch, &[item(&odd)], None);
        }
    }

    /// A message by another, in a frame and in a pair copy to each; and a frame with another's place.
    pub(super) fn in_other_names(&mut self) {
        let Some(epoch) = self.epoch() else { return };
        let others: Vec<MemberId> =
            epoch.members.iter().copied().filter(|member| *member != self.keys.me).collect();
        let Some(author) = self.chance.one_of(&others) else { return };
        let forged = Message { author, ..self.message(NEVER) };
        self.frame(&epoch, &[item(&forged)], None);
        let copies: Vec<Item> =
            others.iter().filter_map(|to| self.pair(to, &forged)).map(Item::Pair).collect();
        self.frame(&epoch, &copies, None);
        if let Ok(at) = epoch.members.binary_search(&author) {
            let at = u16::try_from(at).expect("few members");
            self.frame_at(&epoch, at, &[item(&forged)], None);
        }
    }

    fn pair(&mut self, to: &MemberId, message: &Message) -> Option<Pair> {
        let card = self.keys.cards.get(to)?;
        let plain = wire::encode(&(vec![Bytes(wire::encode(message))], Bytes(vec![0; 100])));
        let info = hash(Label::Pair, &self.keys.circle, &[&self.keys.me.0]);
        let rng = self.chance.rng();
        let key = &card.card.seal_key.0;
        let sealed = self.keys.suite.seal_to(rng, key, &info, &to.0, &plain)?;
        Some(Pair { to: Bytes(card.tag().to_vec()), sealed: Bytes(sealed) })
    }

    /// It has what it has not, and has not what it has.
    pub(super) fn false_seen(&mut self) {
        let Some(epoch) = self.epoch() else { return };
        let mut runs: Vec<Run> = self.overheard.iter().flat_map(|(_, plain)| runs(plain)).collect();
        for _ in 0..self.times() {
            let device = self.chance.bytes()[..16].try_into().expect("16 of 32 bytes");
            let run = self.chance.below(u64::MAX);
            runs.push(Run { device: hearthlight_protocol::identity::DeviceId(device), run });
        }
        let have = runs.into_iter().take(256).map(|run| self.false_have(run)).collect();
        let heads = self.keys.heads.iter().take(16).copied().collect();
        let claimed = match self.chance.below(2) {
            0 => epoch.id,
            _ => EpochId(self.chance.bytes()),
        };
        let seen = Seen { epoch: claimed, heads, have };
        self.frame(&epoch, &[Item::Seen(seen)], None);
    }

    fn false_have(&mut self, run: Run) -> Have {
        match self.chance.below(5) {
            0 => Have { run, next: 0, holes: Vec::new() },
            1 => Have { run, next: u64::MAX, holes: Vec::new() },
            2 => Have { run, next: u64::MAX, holes: vec![(0, u64::MAX)] },
            3 => {
                let holes = (0..64).map(|n| (3 * n, 3 * n + 1)).collect();
                Have { run, next: 500, holes }
            }
            _ => Have { run, next: 9, holes: vec![(8, 2), (5, 5), (0, u64::MAX)] },
        }
    }
}

/// The runs of whoever said something in a frame.
fn runs(plain: &[u8]) -> Vec<Run> {
    let frame = wire::decode::<Frame>(plain);
    let items = frame.and_then(|frame| wire::decode::<Vec<Item>>(&frame.payload.0));
    let messages = items.into_iter().flatten().filter_map(|item| match item {
        Item::Message(bytes) => Message::parse(&bytes.0),
        _ => None,
    });
    messages.map(|message| message.run).collect()
}
