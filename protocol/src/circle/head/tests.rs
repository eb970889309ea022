//! What a node makes of openings, which epoch it speaks in, and when it opens another.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::boundary::DAY_MS;
use crate::circle::card::VerifiedCard;
use crate::circle::charter::tests::{
    ANNA, BEN, CHRIS, DANA, MALLORY, Someone, Story, member, removal, someone, with_card,
};
use crate::circle::epoch::{CardTag, Plan, board_name};
use crate::crypto::{KeyPair, Secret, Suite};
use crate::identity::{CircleId, OperationId, Signature};

const TODAY: u32 = 20_000;
const NOON: Timestamp = Timestamp(TODAY as u64 * DAY_MS + DAY_MS / 2);

/// One node's view, of Anna if not said otherwise.
struct Node {
    story: Story,
    epochs: Epochs,
    cards: Cards,
    me: u8,
    drawn: u64,
}

/// The card that somebody came with.
fn first_card(story: &Story, who: u8) -> Someone {
    someone(who, if who == ANNA { &CircleId::NONE } else { &story.circle })
}

impl Node {
    fn with(members: &[u8]) -> Self {
        let story = Story::with(members);
        let mut cards = Cards::default();
        for who in 1..10 {
            cards.insert(first_card(&story, who).card, None);
        }
        Self { story, epochs: Epochs::default(), cards, me: ANNA, drawn: 0 }
    }

    /// A node with the founder's first epoch and one for everybody that follows it.
    fn settled(members: &[u8]) -> (Self, EpochId) {
        let mut node = Self::with(members);
        let first = node.first();
        let heads = node.story.heads();
        let opening = node.opening(ANNA, &heads, &[first], TODAY, 1);
        let id = node.take(opening);
        assert_eq!(node.state(&id), State::Valid);
        (node, id)
    }

    fn first(&mut self) -> EpochId {
        let opening = self.opening(ANNA, &[self.story.root()], &[], TODAY, 1);
        let id = self.take(opening);
        assert_eq!(self.state(&id), State::Valid);
        id
    }

    fn roster(&self) -> Roster {
        fold(&self.story.whole, &self.story.whole.all())
    }

    /// An opening as its opener makes it, with the newest cards, and what this node takes out of it.
    fn opening(
        &mut self,
        by: u8,
        heads: &[OperationId],
        supersedes: &[EpochId],
        day: u32,
        board: u8,
    ) -> Epoch {
        let then = self.story.whole.covered(heads);
        let then = then.map(|places| fold(&self.story.whole, &places)).unwrap_or_default();
        let cards: Vec<&VerifiedCard> = then
            .members
            .keys()
            .map(|who| self.cards.newest(who).expect("everybody has a card"))
            .collect();
        let at = then.ids().iter().position(|who| *who == member(self.me));
        self.drawn += 1;
        let plan = Plan {
            circle: self.story.circle,
            suite: Suite::Thin,
            heads: heads.to_vec(),
            supersedes: supersedes.to_vec(),
            day,
            cards,
            board: Secret::new(vec![board; 32]),
        };
        let mut rng = ChaCha20Rng::seed_from_u64(self.drawn);
        let (opening, header, secrets) = plan.open(&KeyPair::from_seed(&[by; 32]), &mut rng);
        let sealed = SealedBox::of_epoch(&secrets.epoch, &self.story.circle);
        Epoch {
            header,
            signed: opening.header,
            entry: at.map(|at| opening.entries[at].clone()),
            state: State::Waits,
            members: Vec::new(),
            outside: BTreeSet::new(),
            strangers: BTreeSet::new(),
            secrets: at.map(|_| secrets),
            sealed: at.map(|_| sealed),
            mine: None,
            superseded: None,
            ended: false,
            surplus: false,
            row: 0,
        }
    }

    fn signed_by(&self, header: Header, by: u8) -> Epoch {
        let pair = KeyPair::from_seed(&[by; 32]);
        let signed = Signed::new(&header, &pair, Label::Opening, &self.story.circle);
        Epoch {
            header,
            signed,
            entry: None,
            state: State::Waits,
            members: Vec::new(),
            outside: BTreeSet::new(),
            strangers: BTreeSet::new(),
            secrets: None,
            sealed: None,
            mine: None,
            superseded: None,
            ended: false,
            surplus: false,
            row: 0,
        }
    }

    fn take(&mut self, epoch: Epoch) -> EpochId {
        let id = Header::id(&epoch.signed, &self.story.circle);
        self.epochs.insert(id, epoch);
        self.judge(NOON);
        id
    }

    fn judge(&mut self, now: Timestamp) {
        let roster = self.roster();
        self.epochs.judge(&self.story.whole, &roster, &self.cards, &member(self.me), now);
    }

    fn state(&self, id: &EpochId) -> State {
        self.epochs.get(id).expect("it was taken").state
    }

    fn device(&self) -> DeviceId {
        DeviceId([self.me; 16])
    }

    fn head(&self) -> Option<EpochId> {
        self.head_of(self.device())
    }

    fn head_of(&self, device: DeviceId) -> Option<EpochId> {
        self.epochs.head(&self.roster(), &self.cards, &device, |_| true).map(|(id, _)| *id)
    }

    fn is_due(&self) -> bool {
        self.is_due_at(self.me, self.device(), TODAY)
    }

    fn is_due_at(&self, who: u8, device: DeviceId, today: u32) -> bool {
        let roster = self.roster();
        let head = self.epochs.head(&roster, &self.cards, &device, |_| true);
        self.epochs.is_due(&roster, &self.cards, (&member(who), &device), head, today, false)
    }

    fn is_usable(&self, board: u8) -> bool {
        let name = board_name(&Secret::new(vec![board; 32]), &self.story.circle);
        self.epochs.is_board_usable(&name, &self.roster())
    }
}

///
#[test]
fn the_founders_first_epoch_and_what_follows_it_are_valid_and_the_last_is_the_head() {
    let (node, id) = Node::settled(&[BEN, CHRIS]);
    let epoch = node.epochs.get(&id).expect("taken");
    assert_eq!(epoch.members, node.roster().ids());
    assert_eq!(epoch.members[usize::from(epoch.mine.expect("in it"))], member(ANNA));
    assert_eq!(node.head(), Some(id));
    assert!(!node.is_due());
}

/// an opening that names no past is the founder's, with exactly `found`.
#[test]
pub(crate) fn an_opening_without_a_past_is_void() {
    let (mut node, _) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let opening = node.opening(ANNA, &heads, &[], TODAY, 2);
    let id = node.take(opening);
    assert_eq!(node.state(&id), State::Void);
}

/// R-22, H-14, H-16
#[test]
pub(crate) fn an_opening_by_nobody_of_its_members_is_void() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let opening = node.opening(MALLORY, &heads, &[before], TODAY, 2);
    let id = node.take(opening);
    assert_eq!(node.state(&id), State::Void);
    // Said to be Anna's, signed by another; and by Anna, for another use.
    let header = node.opening(ANNA, &heads, &[before], TODAY, 3).header;
    let id = node.take(node.signed_by(header.clone(), MALLORY));
    assert_eq!(node.state(&id), State::Void);
    let pair = KeyPair::from_seed(&[ANNA; 32]);
    let mut other = node.signed_by(Header { day: TODAY + 1, ..header.clone() }, ANNA);
    other.signed = Signed::new(&other.header, &pair, Label::Operation, &node.story.circle);
    let id = node.take(other);
    assert_eq!(node.state(&id), State::Void);
    // At heads from before Ben came he is nobody.
    let opening = node.opening(BEN, &[node.story.root()], &[before], TODAY, 4);
    let id = node.take(opening);
    assert_eq!(node.state(&id), State::Void);
}

///
#[test]
pub(crate) fn an_opening_with_too_few_cards_or_too_long_a_past_is_void() {
    let (mut node, before) = Node::settled(&[BEN, CHRIS]);
    let heads = node.story.heads();
    let good = node.opening(ANNA, &heads, &[before], TODAY, 2).header;
    let fewer = Header { cards: good.cards[1..].to_vec(), ..good.clone() };
    let mut more = good.clone();
    more.cards.push(good.cards[0]);
    let past = |n: u8| (0..n).map(|i| EpochId([i; 32])).collect::<Vec<_>>();
    let long = Header { supersedes: past(17), ..good.clone() };
    for bad in [fewer, more, long] {
        let id = node.take(node.signed_by(bad, ANNA));
        assert_eq!(node.state(&id), State::Void);
    }
    let id = node.take(node.signed_by(Header { supersedes: past(16), ..good }, ANNA));
    assert_eq!(node.state(&id), State::Valid, "what it supersedes is not waited for");
}

///
#[test]
fn an_opening_waits_for_the_operations_that_it_names() {
    let mut node = Node::with(&[BEN]);
    let first = node.first();
    let mut ahead = Node::with(&[BEN, CHRIS]);
    let heads = ahead.story.heads();
    let opening = ahead.opening(BEN, &heads, &[first], TODAY, 2);
    let id = node.take(opening);
    assert_eq!(node.state(&id), State::Waits);
    assert_eq!(node.head(), Some(first));
    node.story = ahead.story;
    node.judge(NOON);
    assert_eq!(node.state(&id), State::Valid);
    assert_eq!(node.head(), Some(id));
}

/// R-22, H-26
#[test]
pub(crate) fn an_opening_of_the_day_after_tomorrow_waits_for_its_day() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let tomorrow = node.opening(BEN, &heads, &[before], TODAY + 1, 2);
    let later = node.opening(BEN, &heads, &[before], TODAY + 2, 3);
    let never = node.opening(BEN, &heads, &[before], u32::MAX, 4);
    let ids = [tomorrow, later, never].map(|opening| node.take(opening));
    assert_eq!(ids.map(|id| node.state(&id)), [State::Valid, State::Waits, State::Waits]);
    node.judge(NOON.plus(DAY_MS));
    assert_eq!(ids.map(|id| node.state(&id)), [State::Valid, State::Valid, State::Waits]);
    node.judge(Timestamp(u64::MAX));
    assert_eq!(node.state(&ids[2]), State::Valid);
}

///
#[test]
pub(crate) fn an_opening_that_covers_less_than_what_it_supersedes_is_closed() {
    let (mut node, before) = Node::settled(&[BEN]);
    let past = node.opening(ANNA, &[node.story.root()], &[before], TODAY, 2);
    let heads = node.story.heads();
    let yesterday = node.opening(ANNA, &heads, &[before], TODAY - 1, 3);
    for opening in [past, yesterday] {
        let id = node.take(opening);
        assert_eq!(node.state(&id), State::Closed);
        assert_eq!(node.head(), Some(before));
    }
}

/// the same, where what it supersedes comes later.
#[test]
fn an_opening_is_closed_as_from_when_what_it_does_not_cover_comes() {
    let mut node = Node::with(&[BEN]);
    let first = node.first();
    let heads = node.story.heads();
    let good = node.opening(ANNA, &heads, &[first], TODAY, 1);
    let good_id = Header::id(&good.signed, &node.story.circle);
    let yesterday = node.opening(BEN, &heads, &[good_id], TODAY - 1, 3);
    let id = node.take(yesterday);
    assert_eq!(node.state(&id), State::Valid);
    node.take(good);
    assert_eq!((node.state(&good_id), node.state(&id)), (State::Valid, State::Closed));
    assert_eq!(node.head(), Some(good_id));
}

/// the same, though that waits for its day; what is void, which nobody keeps, is nothing to others.
#[test]
pub(crate) fn what_an_opening_supersedes_counts_before_its_day_and_not_if_it_is_void() {
    for (by, state) in [(ANNA, State::Waits), (MALLORY, State::Void)] {
        let (mut node, before) = Node::settled(&[BEN]);
        let heads = node.story.heads();
        let day = if state == State::Waits { u32::MAX } else { TODAY + 1 };
        let odd = node.opening(by, &heads, &[before], day, 1);
        let odd_id = Header::id(&odd.signed, &node.story.circle);
        let next = node.opening(BEN, &heads, &[odd_id], TODAY, 3);
        let id = node.take(next);
        assert_eq!(node.state(&id), State::Valid);
        node.take(odd);
        let is_void = state == State::Void;
        assert_eq!((node.state(&odd_id), node.state(&id) == State::Valid), (state, is_void));
        assert!(!node.epochs.superseded().contains(&before));
    }
}

/// R-22, P3, H-14
#[test]
pub(crate) fn an_opening_by_or_for_somebody_removed_is_closed() {
    let (mut node, before) = Node::settled(&[BEN, CHRIS]);
    let heads = node.story.heads();
    node.story.by(ANNA, &removal(BEN));
    let by_ben = node.opening(BEN, &heads, &[before], TODAY, 2);
    let with_ben = node.opening(CHRIS, &heads, &[before], TODAY, 3);
    for opening in [by_ben, with_ben] {
        let id = node.take(opening);
        assert_eq!(node.state(&id), State::Closed);
    }
    assert_eq!(node.head(), None, "the old epoch has Ben in it");
    assert!(node.is_due());
    let heads = node.story.heads();
    let supersedes: Vec<EpochId> = node.epochs.leaves().iter().map(|(id, _)| *id).collect();
    let opening = node.opening(CHRIS, &heads, &supersedes, TODAY, 4);
    let id = node.take(opening);
    assert_eq!(node.head(), Some(id));
    assert!(!node.is_due());
}

///
#[test]
pub(crate) fn the_head_has_most_members_and_of_equals_the_smallest_id() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let siblings: Vec<EpochId> = (2..6)
        .map(|board| {
            let opening = node.opening(BEN, &heads, &[before], TODAY, board);
            node.take(opening)
        })
        .collect();
    assert_eq!(node.head(), siblings.iter().min().copied());
    let act = node.story.admission(CHRIS, None);
    node.story.by(ANNA, &act);
    let heads = node.story.heads();
    let opening = node.opening(ANNA, &heads, &[before], TODAY, 7);
    let larger = node.take(opening);
    assert_eq!(node.head(), Some(larger));
}

/// superseded directly, or through a header that cannot itself be spoken in.
#[test]
pub(crate) fn what_is_superseded_is_never_the_head() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let middle = node.opening(BEN, &heads, &[before], TODAY, 1);
    let middle = Epoch { sealed: None, secrets: None, entry: None, ..middle };
    let middle = node.take(middle);
    assert_eq!(node.head(), None, "it supersedes the old one and cannot be opened here");
    let opening = node.opening(ANNA, &heads, &[middle], TODAY, 1);
    let last = node.take(opening);
    assert_eq!(node.head(), Some(last));
    assert!(node.epochs.superseded().is_superset(&[before, middle].into()));
    // A closed header alone supersedes nothing.
    let (mut node, before) = Node::settled(&[BEN]);
    let opening = node.opening(ANNA, &heads, &[before], TODAY - 1, 1);
    let closed = node.take(opening);
    assert_eq!((node.state(&closed), node.head()), (State::Closed, Some(before)));
}

/// the device that it names is this one.
#[test]
pub(crate) fn an_epoch_for_another_device_of_this_member_is_no_head() {
    let (node, _) = Node::settled(&[BEN]);
    assert!(node.head_of(DeviceId([77; 16])).is_none());
}

/// a card whose secrets have ended signs nothing, so the next best is the head, and others, who
/// speak in the best, are followed by an opening.
#[test]
fn an_epoch_in_which_this_device_cannot_sign_is_no_head_and_makes_an_opening_due() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let siblings = [2, 3].map(|board| {
        let opening = node.opening(BEN, &heads, &[before], TODAY, board);
        node.take(opening)
    });
    let (best, next) = (siblings.iter().min().copied(), siblings.iter().max().copied());
    assert_eq!((node.head(), node.is_due()), (best, false));
    let is_best = |epoch: &Epoch| best == Some(Header::id(&epoch.signed, &node.story.circle));
    let roster = node.roster();
    let head = node.epochs.head(&roster, &node.cards, &node.device(), |epoch| !is_best(epoch));
    assert_eq!(head.map(|(id, _)| *id), next);
    let me = (&member(ANNA), &node.device());
    assert!(node.epochs.is_due(&roster, &node.cards, me, head, TODAY, false));
}

/// R-25 a
#[test]
pub(crate) fn an_opening_is_due_as_soon_as_the_roster_differs() {
    let (mut node, before) = Node::settled(&[BEN]);
    let act = node.story.admission(CHRIS, None);
    node.story.by(ANNA, &act);
    assert_eq!(node.head(), Some(before), "meanwhile the old one serves");
    assert!(node.is_due());
    let heads = node.story.heads();
    let opening = node.opening(BEN, &heads, &[before], TODAY, 1);
    node.take(opening);
    assert!(!node.is_due());
}

/// who knows no leaf, or belongs no more, opens nothing.
#[test]
fn who_knows_no_epoch_or_was_removed_opens_nothing() {
    let node = Node::with(&[BEN]);
    assert!(!node.is_due());
    let (mut node, _) = Node::settled(&[BEN]);
    node.me = BEN;
    node.story.by(ANNA, &removal(BEN));
    assert!(!node.is_due());
}

/// R-25 d
#[test]
pub(crate) fn an_opening_is_due_once_a_member_has_another_device_and_not_for_a_newer_card() {
    let (mut node, _) = Node::settled(&[BEN]);
    let newer = with_card(BEN, &node.story.circle, Suite::Thin, 11);
    node.cards.insert(newer.card, None);
    assert!(!node.is_due());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (circle, device) = (node.story.circle, DeviceId([88; 16]));
    let moved = VerifiedCard::make(&newer.pair, &circle, Suite::Thin, device, 12, &mut rng).0;
    node.cards.insert(moved, None);
    assert!(node.is_due());
}

impl Node {
    /// A card of this member on a new device, which is known here.
    fn moves(&mut self, who: u8, device: u8, rev: u32) {
        let mut rng = ChaCha20Rng::seed_from_u64(device.into());
        let (pair, circle) = (KeyPair::from_seed(&[who; 32]), self.story.circle);
        let device = DeviceId([device; 16]);
        let card = VerifiedCard::make(&pair, &circle, Suite::Thin, device, rev, &mut rng).0;
        self.cards.insert(card, None);
    }
}

/// R-25 d: whoever has many devices in a day opens for the rest of them itself.
#[test]
fn others_follow_a_member_to_another_device_once_a_day() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    node.moves(BEN, 88, 12);
    assert!(node.is_due());
    let opening = node.opening(ANNA, &heads, &[before], TODAY, 1);
    let head = node.take(opening);
    assert_eq!((node.head(), node.is_due()), (Some(head), false));
    node.moves(BEN, 89, 13);
    assert!(!node.is_due(), "it was followed today");
    assert!(node.is_due_at(ANNA, node.device(), TODAY + 1), "and is again tomorrow");
    // Ben's new device itself has no head until it opens one.
    assert!(node.is_due_at(BEN, DeviceId([89; 16]), TODAY));
}

/// R-25 b: an epoch that was never opened here is out of reach if it names another device; one for this device
/// will open once its entry comes.
#[test]
fn a_better_epoch_without_an_entry_makes_an_opening_due_only_for_another_device() {
    let mut found = [false; 2];
    for drawn in 1..40 {
        let (mut node, before) = Node::settled(&[BEN]);
        let heads = node.story.heads();
        node.drawn = 10 * drawn;
        let opening = node.opening(BEN, &heads, &[before], TODAY, 1);
        let unread = Epoch { secrets: None, sealed: None, entry: None, ..opening };
        let unread = node.take(unread);
        let moved = drawn % 2 == 0;
        if moved {
            node.moves(ANNA, 77, 12);
        }
        let device = if moved { DeviceId([77; 16]) } else { node.device() };
        let opening = node.opening(ANNA, &heads, &[before], TODAY, 1);
        let head = node.take(opening);
        assert_eq!(node.head_of(device), Some(head));
        let better = unread < head;
        found[usize::from(moved)] |= better;
        assert_eq!(node.is_due_at(ANNA, device, TODAY), better && moved);
    }
    assert_eq!(found, [true; 2]);
}

/// R-25 b: somebody who had not heard of this device opened beside it; who ranks so speaks there.
#[test]
fn an_epoch_of_another_device_that_ranks_before_the_head_makes_an_opening_due() {
    let mut seen = [0_u64, 0];
    for _ in 0..16 {
        let (mut node, before) = Node::settled(&[BEN]);
        let heads = node.story.heads();
        node.drawn = (seen[0] + seen[1]) * 10 + 10;
        let opening = node.opening(BEN, &heads, &[before], TODAY, 1);
        let old = node.take(opening);
        node.moves(ANNA, 77, 12);
        let opening = node.opening(ANNA, &heads, &[before], TODAY, 1);
        let new = node.take(opening);
        let device = DeviceId([77; 16]);
        assert_eq!(node.head_of(device), Some(new));
        assert_eq!(node.is_due_at(ANNA, device, TODAY), old < new);
        seen[usize::from(old < new)] += 1;
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}

/// it would name the other copy's card, and so be no head either.
#[test]
pub(crate) fn who_has_a_newer_card_of_a_copy_opens_nothing() {
    let (mut node, _) = Node::settled(&[BEN]);
    node.moves(ANNA, 77, 12);
    assert!(!node.is_due());
}

/// c
#[test]
pub(crate) fn a_board_is_usable_while_all_who_were_given_it_belong_and_nothing_replaced_it() {
    let (mut node, before) = Node::settled(&[BEN, CHRIS]);
    assert!(node.is_usable(1) && node.is_usable(2));
    let heads = node.story.heads();
    // Replaced: by one that supersedes it and names another.
    let opening = node.opening(ANNA, &heads, &[before], TODAY, 2);
    let last = node.take(opening);
    assert!(!node.is_usable(1) && node.is_usable(2));
    // A reader was removed: also of the board that an older epoch had shared.
    node.story.by(ANNA, &removal(BEN));
    assert!(!node.is_usable(2));
    let heads = node.story.heads();
    let opening = node.opening(ANNA, &heads, &[last], TODAY, 2);
    node.take(opening);
    assert!(!node.is_usable(2) && node.is_due(), "the new epoch names a board that Ben reads");
    let supersedes: Vec<EpochId> = node.epochs.leaves().iter().map(|(id, _)| *id).collect();
    let opening = node.opening(ANNA, &heads, &supersedes, TODAY, 3);
    node.take(opening);
    assert!(node.is_usable(3) && !node.is_due());
}

/// who read it keeps what it read.
#[test]
pub(crate) fn a_board_stays_unusable_after_the_epoch_ended_that_gave_it_to_somebody_removed() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let opening = node.opening(BEN, &heads, &[before], TODAY, 2);
    // Nothing but this epoch shows who has its board.
    let only = node.take(opening);
    node.story.by(ANNA, &removal(BEN));
    assert!(!node.is_usable(2));
    let epoch = node.epochs.get_mut(&only).expect("taken");
    (epoch.secrets, epoch.ended) = (None, true);
    assert!(!node.is_usable(2));
}

/// nobody speaks in what was ended before the operations came by which it is judged.
#[test]
fn an_epoch_that_has_ended_is_no_head() {
    let (mut node, before) = Node::settled(&[BEN]);
    assert_eq!((node.head(), node.is_due()), (Some(before), false));
    let epoch = node.epochs.get_mut(&before).expect("taken");
    (epoch.secrets, epoch.ended) = (None, true);
    assert_eq!((node.head(), node.is_due()), (None, true));
}

///
#[test]
pub(crate) fn an_epoch_is_over_days_after_it_was_superseded_and_never_the_head() {
    let mut node = Node::with(&[BEN]);
    let first = node.first();
    let heads = node.story.heads();
    let opening = node.opening(ANNA, &heads, &[first], TODAY, 1);
    let head = node.take(opening);
    assert_eq!(node.epochs.mark_superseded(NOON), [first]);
    let over = |days| {
        let now = Timestamp(NOON.0 + days * DAY_MS);
        node.epochs.over(now, 7 * DAY_MS, Some(&head), |_| true).0
    };
    assert_eq!(over(6), []);
    assert_eq!(over(7), [first]);
    assert_eq!(over(40), [first]);
}

/// where its secret ends, and where nothing of it is kept any more, by days since it was opened and
/// since it was superseded; `late` is 7 days.
#[test]
fn an_epoch_ends_and_goes_by_its_age_and_once_it_was_read() {
    let (mut node, id) = Node::settled(&[BEN]);
    let (nothing, over, gone) = ((false, false), (true, false), (false, true));
    for (ended, age, superseded, read, expected) in [
        (false, 30, None, true, nothing),
        (false, 31, None, true, over),
        (false, 10, Some(6), true, nothing),
        (false, 10, Some(7), true, over),
        // What its mailbox holds was not read: for as long as that may be made good.
        (false, 40, Some(9), false, nothing),
        (false, 67, Some(60), false, nothing),
        (false, 68, Some(60), false, over),
        (true, 31, None, true, nothing),
        (true, 68, None, true, gone),
        (true, 67, Some(37), true, nothing),
        (true, 68, Some(36), true, nothing),
        (true, 68, Some(37), true, gone),
        (true, 90, Some(60), false, gone),
    ] {
        let now = Timestamp(NOON.0 + age * DAY_MS);
        let epoch = node.epochs.get_mut(&id).expect("taken");
        epoch.ended = ended;
        epoch.superseded = superseded.map(|days: u64| Timestamp(now.0 - days * DAY_MS));
        let found = |head| {
            let (over, gone) = node.epochs.over(now, 7 * DAY_MS, head, |_| read);
            (over.contains(&id), gone.contains(&id))
        };
        assert_eq!(found(None), expected, "{ended} {age} {superseded:?} {read}");
        assert_eq!(found(Some(&id)), nothing, "never the head");
    }
}

/// R-26, P7: of too many those go first that nobody speaks in, then those of who opened most; never the head.
#[test]
fn of_too_many_epochs_those_of_who_opened_most_end_first() {
    let mut node = Node::with(&[BEN]);
    let heads = node.story.heads();
    let first = node.first();
    let mut opened = |by, day| {
        let opening = node.opening(by, &heads, &[first], day, 1);
        let id = Header::id(&opening.signed, &node.story.circle);
        node.epochs.insert(id, Epoch { state: State::Valid, ..opening });
        id
    };
    let head = opened(BEN, TODAY - 9);
    let [newer, older] = [TODAY, TODAY - 1].map(|day| opened(BEN, day));
    let anna = opened(ANNA, TODAY - 5);
    let closed = opened(ANNA, TODAY + 1);
    node.epochs.get_mut(&closed).expect("taken").state = State::Closed;
    node.epochs.remove(&first).expect("it was here");
    assert!(!node.epochs.contains(&first) && node.epochs.contains(&anna));
    let order = [closed, older, newer, anna];
    let live = |epoch: &Epoch| epoch.secrets.is_some();
    for most in 1..6 {
        let over = &order[..5 - most];
        assert_eq!(node.epochs.beyond(most, Some(&head), live), over, "{most}");
    }
    assert_eq!(node.epochs.beyond(0, Some(&head), live), order);
    let ended = node.epochs.get_mut(&closed).expect("taken");
    (ended.secrets, ended.ended) = (None, true);
    assert_eq!(node.epochs.beyond(4, Some(&head), live), [], "what is not open here costs nothing");
    assert_eq!(node.epochs.beyond(0, None, |epoch| epoch.ended), [closed], "what is served still");
}

/// a message names an epoch by the first bytes of its id; who was in it has an entry.
#[test]
fn an_epoch_is_found_by_how_its_id_begins() {
    let (mut node, first) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let other = node.opening(BEN, &heads, &[first], TODAY, 1);
    let other = node.take(Epoch { entry: None, ..other });
    let [of_first, of_other] = [first, other].map(|id| epoch_hint(&id));
    let by_hint = |hint| node.epochs.by_hint(hint).map(|(id, _)| *id);
    assert_eq!([of_first, of_other].map(by_hint), [Some(first), Some(other)]);
    for absent in [0, u64::MAX, of_first - 1, of_first + 1] {
        assert_eq!(by_hint(absent), None);
        assert!(!node.epochs.is_mine(absent));
    }
    assert!(node.epochs.is_mine(of_first) && !node.epochs.is_mine(of_other));
}

/// P2, P4, R-32: somebody seals an entry to this member, in place of one who was in at the heads that it names. It is
/// taken for this member's own until it is judged.
#[test]
fn an_epoch_is_of_others_whoever_gives_an_entry_of_it() {
    let mut node = Node::with(&[BEN, CHRIS]);
    let first = node.first();
    let given = node.opening(BEN, &[node.story.root()], &[first], TODAY, 1);
    node.me = CHRIS;
    let given = Epoch { entry: Some(Bytes(vec![1])), ..given };
    let id = Header::id(&given.signed, &node.story.circle);
    node.epochs.insert(id, given);
    assert!(node.epochs.is_mine(epoch_hint(&id)) && !node.epochs.all[&id].is_of_others());
    node.judge(NOON);
    assert!(!node.epochs.is_mine(epoch_hint(&id)) && node.epochs.all[&id].is_of_others());
}

/// P3, R-17, R-24: by heads it has the right members; who holds the card that it names sees who reads it.
#[test]
pub(crate) fn an_epoch_that_names_a_card_of_somebody_removed_is_not_spoken_in() {
    let (mut node, before) = Node::settled(&[BEN, CHRIS, DANA]);
    node.story.by(ANNA, &removal(DANA));
    let heads = node.story.heads();
    let honest = node.opening(ANNA, &heads, &[before], TODAY, 2);
    let honest = node.take(honest);
    let removed = first_card(&node.story, DANA).card;
    let place = node.roster().ids().binary_search(&member(CHRIS)).expect("a member");
    // The card is here before the opening, or comes later.
    for (board, known) in [(3, true), (4, false)] {
        let opened = node.opening(BEN, &heads, &[honest], TODAY, board);
        let mut header = opened.header.clone();
        header.cards[place] = CardTag(removed.tag());
        node.cards = Cards::default();
        for who in (1..10).filter(|who| known || *who != DANA) {
            node.cards.insert(first_card(&node.story, who).card, None);
        }
        let (signed, secrets) = (node.signed_by(header, BEN), opened.secrets);
        let id = node.take(Epoch { secrets, ..signed });
        assert_eq!(node.state(&id), State::Valid);
        if !known {
            assert!(node.head() == Some(id) && node.is_usable(board));
            node.epochs.learn(&removed);
        }
        assert!(node.head() != Some(id) && node.is_due() && !node.is_usable(board));
    }
}

///
#[test]
fn what_an_opening_follows_is_before_it_directly_or_not() {
    let (mut node, second) = Node::settled(&[BEN]);
    let first = node.epochs.get(&second).expect("taken").header.supersedes[0];
    let heads = node.story.heads();
    let [third, beside] = [ANNA, BEN].map(|by| {
        let opening = node.opening(by, &heads, &[second], TODAY, 1);
        node.take(opening)
    });
    assert_eq!(node.epochs.before(&third), BTreeSet::from([first, second]));
    assert_eq!(node.epochs.before(&beside), BTreeSet::from([first, second]));
    assert!(node.epochs.before(&first).is_empty());
}

///
#[test]
fn an_opening_leads_from_a_board_to_its_own_if_it_has_all_who_read_there_and_belong() {
    let (mut node, before) = Node::settled(&[BEN, CHRIS]);
    let circle = node.story.circle;
    let name = |board: u8| board_name(&Secret::new(vec![board; 32]), &circle);
    let opens = |node: &mut Node, after: EpochId, board: u8| {
        let heads = node.story.heads();
        let opening = node.opening(ANNA, &heads, &[after], TODAY, board);
        node.take(opening)
    };
    let leads = |node: &Node, board: u8, opening: &EpochId| {
        node.epochs.next_board(&name(board), opening, &node.roster())
    };
    let all = opens(&mut node, before, 2);
    assert_eq!(leads(&node, 1, &all), Some(name(2)));
    assert_eq!(leads(&node, 2, &all), None, "it is there");
    node.story.by(ANNA, &removal(CHRIS));
    let without = opens(&mut node, all, 3);
    assert_eq!(leads(&node, 2, &without), Some(name(3)), "who has gone is not waited for");
    let admission = node.story.admission(DANA, None);
    node.story.by(ANNA, &admission);
    opens(&mut node, without, 4);
    assert_eq!(leads(&node, 4, &without), None, "Dana would stay behind");
}

/// what waits may name a reader who was removed.
#[test]
fn readers_of_a_board_are_unknown_while_an_opening_that_brought_it_waits() {
    let (mut node, before) = Node::settled(&[BEN]);
    let board = board_name(&Secret::new(vec![1; 32]), &node.story.circle);
    assert!(node.epochs.are_readers_known(&board));
    let heads = node.story.heads();
    let whole = node.opening(BEN, &heads, &[before], TODAY, 1);
    let not_here = vec![OperationId([9; 32])];
    let waits = node.signed_by(Header { heads: not_here, ..whole.header.clone() }, BEN);
    let id = node.take(Epoch { secrets: whole.secrets.clone(), ..waits });
    assert_eq!(node.state(&id), State::Waits);
    assert!(node.is_usable(1) && !node.epochs.are_readers_known(&board));
    node.take(whole);
    assert!(!node.epochs.are_readers_known(&board), "though another one of it was judged");
}

/// P1, R-17: what a hostile member opens on the board for a later day keeps nothing back until then.
#[test]
pub(crate) fn readers_of_a_board_are_known_though_an_opening_of_a_later_day_names_it() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let today = node.opening(BEN, &heads, &[before], TODAY, 6);
    let board = today.header.board;
    let first = node.take(today);
    let later = node.opening(BEN, &heads, &[first], TODAY + 2, 6);
    let id = node.take(later);
    assert_eq!((node.state(&id), node.epochs.all[&id].header.board), (State::Waits, board));
    assert!(node.epochs.are_readers_known(&board));
}

/// an opening that leaves somebody out is void, so that nothing tells who was given its board.
#[test]
pub(crate) fn readers_of_a_board_in_a_void_opening_are_never_known() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let whole = node.opening(BEN, &heads, &[before], TODAY, 6);
    let board = whole.header.board;
    let mut header = whole.header.clone();
    header.cards.pop();
    let void = node.signed_by(header, BEN);
    let id = node.take(Epoch { secrets: whole.secrets.clone(), ..void });
    assert_eq!(node.state(&id), State::Void);
    assert!(!node.epochs.are_readers_known(&board));
    node.take(whole);
    assert!(node.epochs.are_readers_known(&board));
}

/// R-17, P3: an epoch from before Chris came has the very members that are left when he has gone. Others, who have not
/// heard of that, may have given its board to him since.
#[test]
pub(crate) fn a_board_from_before_somebody_came_and_went_is_not_used() {
    let (mut node, _) = Node::settled(&[BEN]);
    let before = node.head().expect("it was opened");
    let admission = node.story.admission(CHRIS, None);
    node.story.by(ANNA, &admission);
    node.judge(NOON);
    assert!(node.is_usable(1), "somebody came");
    node.story.by(ANNA, &removal(CHRIS));
    node.judge(NOON);
    assert!(!node.is_usable(1));
    assert_eq!(node.head(), Some(before));
    assert!(node.is_due());
    let heads = node.story.heads();
    let opening = node.opening(ANNA, &heads, &[before], TODAY, 2);
    node.take(opening);
    assert!(node.is_usable(2) && !node.is_due());
}

/// one who was removed names somebody's board and gives nothing of it. A member who leaves this one out
/// may have given it to whoever was removed.
#[test]
pub(crate) fn a_board_is_spoiled_unseen_by_a_member_and_by_nobody_who_has_gone() {
    let (mut node, before) = Node::settled(&[BEN, CHRIS]);
    let heads = node.story.heads();
    node.story.by(ANNA, &removal(BEN));
    let after = node.story.heads();
    let opening = node.opening(ANNA, &after, &[before], TODAY, 5);
    let head = node.take(opening);
    let names = |node: &mut Node, by| {
        let named = node.opening(by, &heads, &[before], TODAY, 5);
        node.take(Epoch { secrets: None, sealed: None, entry: None, ..named });
    };
    names(&mut node, BEN);
    assert!(node.is_usable(5));
    assert_eq!(node.head(), Some(head));
    names(&mut node, CHRIS);
    assert!(!node.is_usable(5));
}

/// what waits for its day names readers already, if it names operations that are here.
#[test]
pub(crate) fn a_board_is_spoiled_by_an_opening_whose_day_has_not_come() {
    let (mut node, before) = Node::settled(&[BEN, CHRIS]);
    let heads = node.story.heads();
    node.story.by(ANNA, &removal(BEN));
    let after = node.story.heads();
    let opening = node.opening(ANNA, &after, &[before], TODAY, 5);
    let head = node.take(opening);
    let waiting = node.opening(CHRIS, &after, &[head], TODAY + 2, 5);
    node.take(waiting);
    assert!(node.is_usable(5));
    let given = node.opening(CHRIS, &heads, &[before], TODAY + 2, 5);
    let given = node.take(given);
    assert_eq!(node.state(&given), State::Waits);
    assert!(!node.is_usable(5) && node.is_due());
}

/// somebody is let in by two at once, or another opens an epoch while it comes in: what that one
/// supersedes was never sent to where the newcomer reads. What came before it is nothing to it.
#[test]
pub(crate) fn a_newcomer_asks_for_what_was_opened_while_it_came_in() {
    const CAME: u32 = TODAY + 1;
    let mut node = Node { me: DANA, ..Node::with(&[BEN]) };
    let admission = node.story.admission(DANA, None);
    let heads = [node.story.by(ANNA, &admission)];
    let [long_ago, meanwhile, before_that] = [1, 2, 3].map(|id| EpochId([id; 32]));
    let unknown = |node: &Node| {
        let lacks = node.epochs.unknown(&node.story.whole, &member(DANA), CAME, TODAY);
        lacks.into_iter().collect::<Vec<_>>()
    };
    let brought = node.opening(ANNA, &heads, &[long_ago], TODAY, 1);
    node.take(brought);
    assert_eq!(unknown(&node), []);
    let by_another = node.opening(BEN, &heads, &[meanwhile], TODAY, 2);
    node.take(by_another);
    assert_eq!(unknown(&node), [meanwhile]);
    let again = node.opening(ANNA, &heads, &[before_that], TODAY, 3);
    node.take(again);
    assert_eq!(unknown(&node), [long_ago, meanwhile, before_that]);
    let of_yesterday = node.opening(BEN, &heads, &[EpochId([4; 32])], TODAY - 1, 4);
    node.take(of_yesterday);
    assert_eq!(unknown(&node), [long_ago, meanwhile, before_that]);
}

/// what was opened on a later day than it came, and so what that one follows, this member may have been in.
#[test]
fn who_came_asks_for_what_later_openings_follow() {
    let mut node = Node { me: DANA, ..Node::with(&[BEN]) };
    let heads = node.story.heads();
    let admission = node.story.admission(DANA, None);
    node.story.by(ANNA, &admission);
    let [before, after] = [1, 2].map(|id| EpochId([id; 32]));
    for (supersedes, day) in [(before, TODAY), (after, TODAY + 1)] {
        let without = node.opening(BEN, &heads, &[supersedes], day, 1);
        node.take(without);
    }
    let lacks = node.epochs.unknown(&node.story.whole, &member(DANA), TODAY, 0);
    assert_eq!(lacks, [after].into());
}

/// the board stays if this node has it and it is usable.
#[test]
fn the_next_opening_keeps_a_board_that_is_here_and_usable() {
    let (mut node, _) = Node::settled(&[BEN]);
    let board = board_name(&Secret::new(vec![1; 32]), &node.story.circle);
    let kept = |node: &Node, has| node.epochs.next(&node.roster(), |_| has, TODAY).board;
    assert_eq!((kept(&node, true), kept(&node, false)), (Some(board), None));
    node.story.by(ANNA, &removal(BEN));
    assert_eq!(kept(&node, true), None);
}

/// every leaf, the best 16.
#[test]
fn the_next_opening_follows_all_leaves_the_best_first() {
    let (mut node, before) = Node::settled(&[BEN, DANA]);
    let heads = node.story.heads();
    assert_eq!(node.epochs.leaves().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [before]);
    for board in 2..22 {
        let opening = node.opening(BEN, &heads, &[before], TODAY, board);
        node.take(opening);
    }
    let leaves: Vec<EpochId> = node.epochs.leaves().iter().map(|(id, _)| *id).collect();
    assert_eq!(leaves.len(), MAX_SUPERSEDED);
    assert!(leaves.is_sorted() && leaves[0] == node.head().expect("one of them"));
}

/// H-7: what is judged is the signature over the exact bytes.
#[test]
fn a_header_with_a_damaged_signature_is_void() {
    let (mut node, before) = Node::settled(&[BEN]);
    let heads = node.story.heads();
    let mut opening = node.opening(ANNA, &heads, &[before], TODAY, 2);
    opening.signed.signature = Signature([3; 64]);
    let id = node.take(opening);
    assert_eq!(node.state(&id), State::Void);
    assert_eq!(node.head(), Some(before));
}

/// R-22, H-10: of one opener, set of members and day four openings count, the same ones whatever came first.
#[test]
pub(crate) fn what_exceeds_four_openings_of_a_day_is_closed_the_same_everywhere() {
    let (mut one, head) = Node::settled(&[BEN]);
    let (mut other, _) = Node::settled(&[BEN]);
    let heads = one.story.heads();
    let made: Vec<Epoch> = (0..7).map(|_| one.opening(BEN, &heads, &[head], TODAY, 1)).collect();
    let ids: Vec<EpochId> = made.iter().cloned().map(|epoch| one.take(epoch)).collect();
    for epoch in made.into_iter().rev() {
        other.take(epoch);
    }
    let counts = |node: &Node| -> BTreeSet<EpochId> {
        ids.iter().copied().filter(|id| node.state(id) == State::Valid).collect()
    };
    let mut least = ids.clone();
    least.sort_unstable();
    assert_eq!(counts(&one), least[..4].iter().copied().collect());
    assert_eq!(counts(&one), counts(&other));
    assert!(one.epochs.is_spent(&member(BEN), &one.roster().ids(), TODAY));
    // Another day, another opener, or other members are counted anew.
    assert!(!one.epochs.is_spent(&member(BEN), &one.roster().ids(), TODAY + 1));
    assert!(!one.epochs.is_spent(&member(ANNA), &one.roster().ids(), TODAY));
    let next = one.opening(BEN, &heads, &[head], TODAY + 1, 1);
    let next = one.take(next);
    assert_eq!(one.state(&next), State::Valid);
}

/// R-22, P7, H-10: of what does not count a node holds little of each opener, and nothing of others' goes for it.
#[test]
pub(crate) fn a_flood_of_openings_takes_the_place_of_nothing_but_itself() {
    let (mut node, head) = Node::settled(&[BEN, CHRIS]);
    let heads = node.story.heads();
    let chris = node.opening(CHRIS, &heads, &[head], TODAY, 1);
    let chris = node.take(chris);
    for row in 1..=30 {
        let flood = Epoch { row, ..node.opening(BEN, &heads, &[head], TODAY, 1) };
        node.take(flood);
    }
    let belongs = |_: &MemberId| true;
    let over = node.epochs.crowd(belongs, |_| false, Some(&head));
    // Four count, eight are read on.
    assert_eq!(over.len(), 30 - 4 - 8);
    assert!(over.iter().all(|id| node.epochs.get(id).unwrap().header.opener == member(BEN)));
    assert!(!over.contains(&chris));
    // What was said in one is said again by who said it, who holds it for that.
    let spoken = over[1];
    assert!(!node.epochs.crowd(belongs, |id| *id == spoken, Some(&head)).contains(&spoken));
    assert!(node.epochs.forsaken(belongs).contains(&spoken));
    assert!(!node.epochs.forsaken(belongs).contains(&chris));
    assert!(node.epochs.forsaken(|who| *who != member(CHRIS)).contains(&chris));
    // What others went on from is no flood.
    let last = over[0];
    let next = node.opening(CHRIS, &heads, &[last], TODAY, 1);
    node.take(next);
    assert!(!node.epochs.crowd(belongs, |_| false, Some(&head)).contains(&last));
    assert!(!node.epochs.forsaken(belongs).contains(&last));
}

/// R-22, P7: openings that name what is not here wait, and of one opener only so many.
#[test]
pub(crate) fn openings_that_wait_are_few_of_each_opener() {
    let (mut node, head) = Node::settled(&[BEN]);
    for row in 1..=100 {
        let flood = Epoch { row, ..node.opening(BEN, &[OperationId([7; 32])], &[head], TODAY, 1) };
        node.take(flood);
    }
    let over = node.epochs.crowd(|_| true, |_| false, Some(&head));
    assert_eq!(over.len(), 100 - 64);
    assert!(over.iter().all(|id| node.epochs.get(id).unwrap().row > 64));
    // What follows one of them may not count, and whoever let go of it would not know.
    let next = node.opening(BEN, &node.story.heads(), &[over[0]], TODAY, 1);
    node.epochs.insert(EpochId([1; 32]), Epoch { state: State::Valid, ..next });
    assert!(!node.epochs.crowd(|_| true, |_| false, Some(&head)).contains(&over[0]));
}
