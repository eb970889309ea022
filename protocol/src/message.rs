//! Messages: the typed plaintext that members say, and the frames that carry it.

use minicbor::{Decode, Encode};

use crate::boundary::Timestamp;
use crate::crypto::{KeyPair, Label, hash, verify};
use crate::identity::{
    CircleId, DeviceId, EpochId, MemberId, MessageId, OperationId, PublicKey, Signature,
};
use crate::planted::{Planted, is_planted};
use crate::wire::{self, Bytes};

/// Longest text of a `say` (U-3).
pub const MAX_TEXT: usize = 8_192;
/// Longest body (D-6).
pub const MAX_BODY: usize = 18 << 10;
/// Most parents of a message.
pub const MAX_PARENTS: usize = 4;
/// Most messages in one frame.
pub const MAX_IN_FRAME: usize = 64;
/// Most ranges that a `Seen` lists as holes of one device.
pub const MAX_HOLES: usize = 64;
/// Ranges of what somebody lacks that are kept of all that it told; of more the oldest count as one (a guess).
const MAX_KEPT_HOLES: usize = 256;
/// Most runs that one `Seen` tells of.
pub const MAX_RUNS: usize = 256;
/// Most charter heads that one `Seen` tells of.
pub const MAX_HEADS: usize = 200;
/// The kind of a share (2.2 of the domain).
pub const SHARE: u8 = 1;
/// The kind of a support.
pub const SUPPORT: u8 = 3;
/// What a support says, by number (D-20).
pub const SUPPORTS: [&str; 6] =
    ["with you", "heard", "thank you", "same here", "glad you came", "here if needed"];

/// One run of one device: messages are counted in it from 0, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(array)]
pub struct Run {
    /// The card's device.
    #[n(0)]
    pub device: DeviceId,
    /// Drawn at each start, so that a copy put back unseen never uses a place twice.
    #[n(1)]
    pub run: u64,
}

/// A message that the author had seen, and where it was sealed: who was not in that epoch need not
/// wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Parent {
    /// Which.
    #[n(0)]
    pub id: MessageId,
    /// First 8 bytes of the epoch in which the author had it, big-endian.
    #[n(1)]
    pub epoch: u64,
}

/// What a member said.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Message {
    /// Who.
    #[n(0)]
    pub author: MemberId,
    /// On which device and run.
    #[n(1)]
    pub run: Run,
    /// Its place in that run.
    #[n(2)]
    pub counter: u64,
    /// The heads that the author had seen.
    #[n(3)]
    pub parents: Vec<Parent>,
    /// By the author's clock.
    #[n(4)]
    pub said_at: u64,
    /// Its kind's number.
    #[n(5)]
    pub kind: u8,
    /// Version of the body.
    #[n(6)]
    pub rev: u8,
    /// The body, a map with integer keys.
    #[n(7)]
    pub body: Bytes,
}

impl Message {
    /// Reads exact bytes, if they are a message within its limits.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let message: Self = wire::decode(bytes)?;
        let fits = message.parents.len() <= MAX_PARENTS
            && message.body.0.len() <= MAX_BODY
            && message.counter < u64::MAX / 2
            && message.body().is_some();
        fits.then_some(message)
    }

    /// The id of exact bytes.
    #[must_use]
    pub fn id(bytes: &[u8], circle: &CircleId) -> MessageId {
        MessageId(hash(Label::Message, circle, &[bytes]))
    }

    /// The body by kind; `None` if it does not say what its kind has to.
    #[must_use]
    pub fn body(&self) -> Option<Body> {
        match (self.kind, self.rev) {
            (SHARE, 1) => {
                let share: Share = wire::decode(&self.body.0)?;
                let fits = (1..=MAX_TEXT).contains(&share.text.len())
                    && share.note.as_ref().is_none_or(|note| note.len() <= 128);
                fits.then_some(Body::Share(share))
            }
            (SUPPORT, 1) => {
                let support: Support = wire::decode(&self.body.0)?;
                (usize::from(support.word) < SUPPORTS.len()).then_some(Body::Support(support))
            }
            (kind, _) => Some(Body::Newer(kind)),
        }
    }

    /// When it was said, by its author's clock.
    #[must_use]
    pub fn said_at(&self) -> Timestamp {
        Timestamp(self.said_at)
    }
}

/// The body of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Something said.
    Share(Share),
    /// One of six short sentences, as an answer.
    Support(Support),
    /// A kind or version that this program does not know.
    Newer(u8),
}

/// Body of kind 1.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Share {
    /// The words.
    #[n(1)]
    pub text: String,
    /// The message that is answered.
    #[n(2)]
    pub reply_to: Option<MessageId>,
    /// The answer wished for: listen 0, experience 1, advice 2.
    #[n(7)]
    pub wish: Option<u8>,
    /// What a reader may want to know beforehand.
    #[n(9)]
    pub note: Option<String>,
}

/// Body of kind 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Support {
    /// The message that is answered.
    #[n(1)]
    pub to: MessageId,
    /// Its number in [`SUPPORTS`].
    #[n(2)]
    pub word: u8,
}

/// What a device has of one run: all below `next` but the holes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Have {
    /// Which run.
    #[n(0)]
    pub run: Run,
    /// 1 + the highest that it has.
    #[n(1)]
    pub next: u64,
    /// Ranges that it lacks, ends not included, ascending.
    #[n(2)]
    pub holes: Vec<(u64, u64)>,
}

impl Have {
    /// Whether the message of this counter is there.
    #[must_use]
    pub fn covers(&self, counter: u64) -> bool {
        counter < self.next && !self.holes.iter().any(|(from, to)| (*from..*to).contains(&counter))
    }

    /// What is there by either of two tellings of one run, in whatever order they came.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        if is_planted(Planted::SeenReplaces) {
            return other.clone();
        }
        let next = self.next.max(other.next);
        let lacks = |have: &Self| {
            let mut holes = have.holes.clone();
            if have.next < next {
                holes.push((have.next, next));
            }
            holes
        };
        let (mine, theirs) = (lacks(self), lacks(other));
        let holes = mine
            .iter()
            .flat_map(|a| theirs.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))))
            .filter(|(from, to)| from < to)
            .collect();
        Self { run: self.run, next, holes: newest(holes, MAX_KEPT_HOLES) }
    }

    /// Whether its ranges are few, ascending and apart, as an author writes them. Of others a merge could make
    /// as many as the product of both.
    fn is_sound(&self) -> bool {
        let apart = self.holes.windows(2).all(|two| two[0].1 <= two[1].0);
        let whole = self.holes.iter().all(|(from, to)| from < to && *to <= self.next);
        self.holes.len() <= MAX_HOLES && apart && whole
    }
}

/// At most so many ranges, the newest: all before them counts as one.
pub(crate) fn newest(mut holes: Vec<(u64, u64)>, most: usize) -> Vec<(u64, u64)> {
    if holes.len() > most {
        let merged = holes.len() - most;
        let end = holes[merged].1;
        holes.drain(..merged);
        holes[0] = (0, end);
    }
    holes
}

/// What a member has, told by that member.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Seen {
    /// The epoch that its author speaks in.
    #[n(0)]
    pub epoch: EpochId,
    /// The charter heads that its author holds.
    #[n(1)]
    pub heads: Vec<OperationId>,
    /// What changed since its last one.
    #[n(2)]
    pub have: Vec<Have>,
}

impl Seen {
    fn is_within_limits(&self) -> bool {
        self.heads.len() <= MAX_HEADS
            && self.have.len() <= MAX_RUNS
            && self.have.iter().all(Have::is_sound)
    }
}

/// One thing in a frame.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Item {
    /// The exact bytes of a [`Message`].
    #[n(0)]
    Message(#[n(0)] Bytes),
    /// What the sender has.
    #[n(1)]
    Seen(#[n(0)] Seen),
    /// For one member alone.
    #[n(2)]
    Pair(#[n(0)] Pair),
}

/// Messages that are sealed to one member's card, in a frame that everybody in the epoch reads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Pair {
    /// The first half of the id of the card that it is sealed to.
    #[n(0)]
    pub to: Bytes,
    /// HPKE: exact bytes of messages of its author, padded.
    #[n(1)]
    pub sealed: Bytes,
}

/// What an epoch's envelope holds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Frame {
    /// The sender's place among the epoch's members, in order of member ids.
    #[n(0)]
    pub member: u16,
    /// By the speak key of the card that the header names.
    #[n(1)]
    pub signature: Signature,
    /// Encoded items.
    #[n(2)]
    pub payload: Bytes,
}

impl Frame {
    /// Signs items as the member at this place of an epoch.
    #[must_use]
    pub fn sign(
        items: &[Item],
        member: u16,
        speak: &KeyPair,
        circle: &CircleId,
        epoch: &EpochId,
    ) -> Self {
        let payload = wire::encode(&items.to_vec());
        let parts: [&[u8]; 3] = [&epoch.0, &member.to_be_bytes(), &payload];
        Self {
            member,
            signature: Signature(speak.sign(Label::Frame, circle, &parts)),
            payload: Bytes(payload),
        }
    }

    /// The items, if the holder of this speak key signed them in this epoch.
    #[must_use]
    pub fn verify(
        &self,
        speak: &PublicKey,
        circle: &CircleId,
        epoch: &EpochId,
    ) -> Option<Vec<Item>> {
        let parts: [&[u8]; 3] = [&epoch.0, &self.member.to_be_bytes(), &self.payload.0];
        let signs = verify(&speak.0, &self.signature.0, Label::Frame, circle, &parts);
        if !signs && !is_planted(Planted::FrameUnsigned) {
            return None;
        }
        let items: Vec<Item> = wire::decode(&self.payload.0)?;
        let fits = |item: &Item| match item {
            Item::Message(_) | Item::Pair(_) => true,
            Item::Seen(seen) => seen.is_within_limits(),
        };
        (items.len() <= MAX_IN_FRAME + 1 && items.iter().all(fits)).then_some(items)
    }
}

/// The first 8 bytes of an epoch's id, by which parents name it.
#[must_use]
pub fn epoch_hint(epoch: &EpochId) -> u64 {
    u64::from_be_bytes(epoch.0[..8].try_into().expect("8 of 32 bytes"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    ///
    #[test]
    pub(crate) fn an_older_seen_takes_nothing_back() {
        let run = Run { device: DeviceId([1; 16]), run: 7 };
        let old = Have { run, next: 5, holes: vec![(0, 1), (2, 4)] };
        let new = Have { run, next: 9, holes: vec![(3, 4), (6, 7)] };
        for merged in [old.merge(&new), new.merge(&old)] {
            assert_eq!(merged, Have { run, next: 9, holes: vec![(3, 4), (6, 7)] });
        }
        let early = Have { run, next: 3, holes: Vec::new() };
        assert_eq!(early.merge(&new).holes, vec![(3, 4), (6, 7)]);
    }

    /// P7, H-9: a member may tell of whatever holes it likes, as often as it likes.
    #[test]
    fn what_many_tellings_add_up_to_is_bounded() {
        let run = Run { device: DeviceId([1; 16]), run: 7 };
        let mut all = Have { run, next: 0, holes: Vec::new() };
        // Each has 63 others, one at a time, and lacks what lies between.
        let tellings = 50;
        for telling in 0..tellings {
            let at = |n: u64| 4 * (tellings * n + telling);
            let holes = (0..63).map(|n| (at(n) + 1, at(n + 1))).collect();
            all = all.merge(&Have { run, next: at(63) + 1, holes });
        }
        assert_eq!(all.holes.len(), MAX_KEPT_HOLES);
        assert!(all.covers(all.next - 1) && !all.covers(201));
    }

    /// R-40, P7: merged with itself, what overlaps would grow to its square.
    #[test]
    fn a_seen_whose_holes_overlap_or_are_none_is_refused() {
        let run = Run { device: DeviceId([1; 16]), run: 7 };
        let frame_of = |next, holes: Vec<(u64, u64)>| {
            let have = vec![Have { run, next, holes }];
            let (frame, key) = frame(&[Item::Seen(Seen { epoch: EPOCH, heads: vec![], have })]);
            frame.verify(&key, &HERE, &EPOCH)
        };
        for good in [vec![], vec![(0, 1)], vec![(0, 1), (1, 2), (4, 9)]] {
            assert!(frame_of(9, good).is_some());
        }
        for bad in
            [vec![(0, 5), (4, 9)], vec![(3, 3)], vec![(5, 4)], vec![(0, 10)], vec![(0, 9); 64]]
        {
            assert!(frame_of(9, bad.clone()).is_none(), "{bad:?}");
        }
    }

    const HERE: CircleId = CircleId([1; 32]);
    const EPOCH: EpochId = EpochId([2; 32]);

    fn message() -> Message {
        let share = Share { text: "hello".into(), reply_to: None, wish: None, note: None };
        Message {
            author: MemberId([3; 32]),
            run: Run { device: DeviceId([4; 16]), run: 5 },
            counter: 6,
            parents: vec![Parent { id: MessageId([7; 32]), epoch: 8 }],
            said_at: 9,
            kind: SHARE,
            rev: 1,
            body: Bytes(wire::encode(&share)),
        }
    }

    fn parsed(message: &Message) -> Option<Message> {
        Message::parse(&wire::encode(message))
    }

    fn share(text: usize, note: Option<usize>) -> Message {
        let (text, note) = ("t".repeat(text), note.map(|len| "n".repeat(len)));
        let share = Share { text, reply_to: None, wish: None, note };
        Message { body: Bytes(wire::encode(&share)), ..message() }
    }

    /// R-40, U-3, D-6
    #[test]
    fn a_message_within_its_limits_is_read_and_any_other_is_not() {
        let good = message();
        assert_eq!(parsed(&good), Some(good.clone()));
        let parents = |n: usize| Message { parents: vec![good.parents[0]; n], ..good.clone() };
        let body = |n: usize| Message { kind: 200, body: Bytes(vec![0; n]), ..good.clone() };
        let counter = |counter| Message { counter, ..good.clone() };
        for fits in [
            parents(0),
            parents(MAX_PARENTS),
            body(MAX_BODY),
            counter(u64::MAX / 2 - 1),
            share(1, Some(0)),
            share(MAX_TEXT, Some(128)),
        ] {
            assert!(parsed(&fits).is_some());
        }
        for not in [
            parents(MAX_PARENTS + 1),
            body(MAX_BODY + 1),
            counter(u64::MAX / 2),
            counter(u64::MAX),
            share(0, None),
            share(MAX_TEXT + 1, None),
            share(1, Some(129)),
            Message { body: Bytes(vec![0xff]), ..good.clone() },
            Message { body: Bytes(Vec::new()), ..good.clone() },
        ] {
            assert_eq!(parsed(&not), None);
        }
    }

    /// H-5, D-6
    #[test]
    fn text_that_is_no_utf8_is_malformed() {
        let mut bad = message();
        let at = bad.body.0.windows(5).position(|at| at == b"hello").expect("there");
        bad.body.0[at] = 0xff;
        assert_eq!(parsed(&bad), None);
    }

    ///
    #[test]
    fn kinds_and_revisions_of_newer_versions_pass_with_their_exact_bytes() {
        for (kind, rev) in [(200, 1), (SHARE, 2), (0, 0)] {
            let newer = Message { kind, rev, body: Bytes(vec![0xff, 1]), ..message() };
            let read = parsed(&newer).expect("it is counted and passed on");
            assert_eq!((read.body(), read), (Some(Body::Newer(kind)), newer));
        }
        // Keys of a body that are not known here are ignored, and change the id like all bytes do.
        let mut more = message();
        more.body.0[0] += 1;
        more.body.0.extend([0x18, 99, 0x01]);
        assert_eq!(parsed(&more).and_then(|more| more.body()), message().body());
        let id = |message: &Message| Message::id(&wire::encode(message), &HERE);
        assert_ne!(id(&more), id(&message()));
        assert_ne!(id(&more), Message::id(&wire::encode(&more), &CircleId([2; 32])));
    }

    /// H-3, H-7
    #[test]
    fn a_message_cut_or_followed_by_anything_is_none() {
        let bytes = wire::encode(&message());
        for len in 0..bytes.len() {
            assert_eq!(Message::parse(&bytes[..len]), None, "{len}");
        }
        assert_eq!(Message::parse(&[&bytes[..], &[0]].concat()), None);
    }

    fn frame(items: &[Item]) -> (Frame, PublicKey) {
        let speak = KeyPair::from_seed(&[9; 32]);
        (Frame::sign(items, 3, &speak, &HERE, &EPOCH), PublicKey(speak.public()))
    }

    fn item() -> Item {
        Item::Message(Bytes(wire::encode(&message())))
    }

    /// R-32, H-8
    #[test]
    pub(crate) fn a_frame_counts_for_its_speaker_place_epoch_and_circle_alone() {
        let (good, key) = frame(&[item()]);
        assert_eq!(good.verify(&key, &HERE, &EPOCH), Some(vec![item()]));
        let other = PublicKey(KeyPair::from_seed(&[8; 32]).public());
        assert_eq!(good.verify(&other, &HERE, &EPOCH), None);
        assert_eq!(good.verify(&key, &CircleId([2; 32]), &EPOCH), None);
        assert_eq!(good.verify(&key, &HERE, &EpochId([9; 32])), None);
        for member in [0, 2, 4, u16::MAX] {
            let moved = Frame { member, ..good.clone() };
            assert_eq!(moved.verify(&key, &HERE, &EPOCH), None);
        }
        for at in 0..good.payload.0.len() {
            let mut changed = good.clone();
            changed.payload.0[at] ^= 1;
            assert_eq!(changed.verify(&key, &HERE, &EPOCH), None, "{at}");
        }
    }

    /// R-40, P7
    #[test]
    fn a_frame_holds_64_messages_and_what_was_seen() {
        let full = vec![item(); MAX_IN_FRAME + 1];
        let (frame_, key) = frame(&full);
        assert!(frame_.verify(&key, &HERE, &EPOCH).is_some());
        let (frame_, key) = frame(&vec![item(); MAX_IN_FRAME + 2]);
        assert_eq!(frame_.verify(&key, &HERE, &EPOCH), None);
    }

    /// R-40, P7: what others tell of what they have is bounded.
    #[test]
    fn a_frame_with_more_than_64_holes_of_a_run_is_refused() {
        let seen = |holes: u64| {
            let holes = (0..holes).map(|n| (n * 2, n * 2 + 1)).collect();
            let have = Have { run: message().run, next: 1_000, holes };
            Item::Seen(Seen { epoch: EPOCH, heads: Vec::new(), have: vec![have] })
        };
        let (good, key) = frame(&[seen(64)]);
        assert!(good.verify(&key, &HERE, &EPOCH).is_some());
        let (bad, key) = frame(&[item(), seen(65)]);
        assert_eq!(bad.verify(&key, &HERE, &EPOCH), None);
    }

    /// R-40, P2: holes that lie, cross or reach beyond the end make nothing heard.
    #[test]
    fn strange_holes_mark_nothing_as_heard() {
        let run = message().run;
        for holes in [vec![(5, 2)], vec![(0, u64::MAX)], vec![(9, 9)], vec![(3, 4), (1, 2)]] {
            let have = Have { run, next: 6, holes };
            for other in [have.clone(), Have { run, next: 0, holes: Vec::new() }] {
                let merged = have.merge(&other);
                assert!((0..10).all(|at| merged.covers(at) == have.covers(at)));
            }
            assert!(!have.covers(6) && !have.covers(u64::MAX));
        }
    }
}
