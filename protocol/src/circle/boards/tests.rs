//! What one home posts on boards, what it takes from them, and which of them it gives up.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::boundary::{Draft, HOUR_MS, Link, Output, RelayKey};
use crate::circle::Founding;
use crate::circle::card::{Card, next_rev};
use crate::circle::charter::tests::{ANNA, BEN, CHRIS, DANA, MALLORY, Someone, removal, with_card};
use crate::circle::charter::{Act, AdmitBody, InviteBody};
use crate::circle::copies::Copies;
use crate::circle::head::{Epoch, State};
use crate::circle::help::{Ask, Help};
use crate::circle::log::tests::Disk;
use crate::circle::opening::{Follow, MAX_SERVED};
use crate::crypto::{Label, Suite};
use crate::exchange::tests::{answers_of_an_empty_relay, greeting_of_a_relay};
use crate::identity::{
    DeviceId, Digest, Identity, InviteId, MailboxId, Peer, PublicKey, Signature,
};
use crate::mailbox::Packet;
use crate::template::Template;
use crate::wire;

const NOON: Timestamp = Timestamp(20_782 * DAY_MS + DAY_MS / 2);
const RELAY: Peer = Peer([8; 32]);

/// The home of Anna, who founded a circle.
struct Home {
    circle: Circle,
    disk: Disk,
    rng: ChaCha20Rng,
    now: Timestamp,
}

impl Home {
    fn founded() -> Self {
        let (mut disk, mut rng) = (Disk::default(), ChaCha20Rng::seed_from_u64(1));
        let founding = Founding {
            name: "Evening circle".into(),
            handle: "Anna".into(),
            template: Template::named("plain").expect("it is shipped"),
            relays: Vec::new(),
            open: false,
            retention_s: None,
            direct: false,
            thin: true,
        };
        let identity = Identity::new(Secret::new(vec![6; 32]));
        let mut batch = Batch::default();
        let mut env = Env { now: NOON, rng: &mut rng, store: &disk };
        let mut circle = Circle::found(&mut env, &mut batch, Link(1), &identity, founding, true);
        circle.charter.at(NOON);
        disk.write(batch);
        Self { circle, disk, rng, now: NOON }
    }

    /// Anna let Ben in and opened an epoch for both.
    fn of_two() -> Self {
        let mut home = Self::founded();
        home.lets_in(BEN);
        home.opens(Follow::Leaves);
        home
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Circle, &mut Env<'_>, &mut Batch) -> T) -> T {
        let mut batch = Batch::default();
        let mut env = Env { now: self.now, rng: &mut self.rng, store: &self.disk };
        let out = act(&mut self.circle, &mut env, &mut batch);
        self.disk.write(batch);
        out
    }

    /// Anna acts; it is posted nowhere.
    fn decides(&mut self, act: &Act) {
        let signed = self.circle.charter.sign(act, &self.circle.pair);
        self.act(|circle, _, batch| circle.take_operation(batch, signed))
            .expect("its past is here");
        self.circle.fold();
    }

    fn person(&self, who: u8, rev: u32) -> Someone {
        with_card(who, &self.circle.id, Suite::Thin, rev)
    }

    fn lets_in(&mut self, who: u8) {
        let person = self.person(who, 10);
        let (key, handle, card) = (person.key(), format!("person {who}"), person.card.signed);
        self.decides(&Act::Admit(Box::new(AdmitBody { key, handle, card, invite: None })));
    }

    fn invites(&mut self, number: u8) {
        let (id, expires) = (InviteId([number; 8]), self.now.0 + 60 * DAY_MS);
        let (mailbox, proof) = (PublicKey([1; 32]), PublicKey([2; 32]));
        let body = InviteBody { id, mailbox, proof, uses: 1, expires, open: false, made: 0 };
        self.decides(&Act::Invite(body));
        let (inviter, r, label) = (self.circle.me, Digest([number; 32]), None);
        let keys = InviteKeys { id, inviter, r, label };
        self.act(|circle, _, batch| circle.take_invite_keys(batch, keys));
    }

    /// Opens an epoch and gives its board.
    fn opens(&mut self, follow: Follow) -> BoardName {
        self.act(|circle, env, batch| circle.open_epoch(env, batch, follow)).expect("it may");
        self.board()
    }

    fn head(&self) -> EpochId {
        *self.circle.head().expect("it speaks somewhere").0
    }

    fn board(&self) -> BoardName {
        self.circle.head().expect("it speaks somewhere").1.header.board
    }

    /// What stands on a board.
    fn there(&mut self, board: &BoardName) -> Vec<BoardItem> {
        self.act(|circle, env, batch| circle.contents(env, batch, board, 0).collect())
    }

    fn takes(&mut self, board: &BoardName, item: BoardItem) -> bool {
        self.act(|circle, env, batch| circle.take_board_item(env, batch, board, item))
    }

    fn takes_card(&mut self, signed: &Signed, row: Option<u64>) -> bool {
        let signed = signed.clone();
        self.act(|circle, env, batch| circle.take_card(env, batch, signed, row))
    }

    fn tends(&mut self, at: Timestamp) {
        self.now = at;
        self.act(Circle::tend_boards);
    }

    /// Everything that was posted is gone from here, and asks for no acknowledgement any more.
    fn forgets_what_stands(&mut self) {
        self.act(|circle, _, batch| circle.exchange.expire(batch, u32::MAX));
    }

    /// A relay is reached that has nothing.
    fn meets_a_relay(&mut self) {
        let mailboxes: Vec<_> = self.circle.mailboxes.keys().copied().collect();
        self.disk.sent.clear();
        self.act(|circle, env, batch| {
            let known = (vec![vec![4]], RelayKey::Known(RELAY), None);
            circle.exchange.use_relays(batch, vec![known]);
            circle.exchange.up(env, batch, RELAY, Peer([1; 32]), true);
        });
        let hear = |home: &mut Self, packet: &Packet| {
            let bytes = wire::encode(packet);
            home.act(|circle, env, batch| circle.exchange.frame(env, batch, RELAY, &bytes));
        };
        greeting_of_a_relay(&mailboxes).iter().for_each(|packet| hear(self, packet));
        let answers = answers_of_an_empty_relay(&std::mem::take(&mut self.disk.sent));
        answers.iter().for_each(|packet| hear(self, packet));
    }

    /// Holds a board with this number for its secret, and gives its name.
    fn holds(&mut self, number: u8) -> BoardName {
        let secret = Secret::new(vec![number; 32]);
        let name = board_name(&secret, &self.circle.id);
        self.act(|circle, env, batch| circle.hold_board(env, batch, secret, true));
        name
    }

    /// An epoch that counts, of that opener and day, that names a board.
    fn named(&mut self, opener: u8, day: u32, board: BoardName, supersedes: &[EpochId]) -> EpochId {
        let head = self.circle.head().expect("it speaks somewhere").1.clone();
        let row = head.row + self.circle.epochs.iter().count() as u64;
        let mut id = EpochId([0xff; 32]);
        id.0[..8].copy_from_slice(&row.to_be_bytes());
        let (opener, supersedes) = (self.person(opener, 10).id, supersedes.to_vec());
        let header = Header { opener, day, board, supersedes, ..head.header.clone() };
        let (state, secrets) = (State::Closed, None);
        self.circle.epochs.insert(id, Epoch { header, row, state, secrets, ..head });
        id
    }
}

/// R-17, P3
#[test]
fn what_is_posted_goes_to_the_heads_board_and_nowhere_once_a_reader_has_gone() {
    let mut home = Home::founded();
    let board = home.board();
    assert_eq!(home.circle.head_board(), [board].into());
    home.lets_in(BEN);
    assert_eq!(home.opens(Follow::Leaves), board, "it is usable, and stays");
    home.decides(&removal(BEN));
    assert_eq!(home.circle.head_board(), [].into(), "an opening goes first");
    assert_eq!(home.circle.leaf_boards(), [board].into());
    let next = home.opens(Follow::Leaves);
    assert_ne!(next, board);
    // Where there is no head, any board that can be used.
    home.circle.head = None;
    assert_eq!(home.circle.head_board(), [next].into());
}

/// of what this device cannot open, the boards of what that followed.
#[test]
fn an_opening_is_posted_where_others_read_on() {
    let mut home = Home::founded();
    let board = home.board();
    let next = home.opens(Follow::Refresh);
    assert_eq!(home.circle.leaf_boards(), [next].into());
    home.circle.boards.remove(&next);
    assert_eq!(home.circle.leaf_boards(), [board].into());
}

/// P2, R-28: what is said in an epoch reaches nobody before a relay has a board that leads there.
#[test]
fn an_own_opening_is_relayed_once_a_relay_has_all_that_was_posted_before_it() {
    let mut home = Home::founded();
    let relayed =
        |home: &Home, id: &EpochId| home.circle.is_opening_relayed(crate::message::epoch_hint(id));
    let first = home.head();
    assert!(relayed(&home, &first), "nothing leads to it");
    home.opens(Follow::Refresh);
    let own = home.head();
    assert!(!relayed(&home, &own));
    assert!(relayed(&home, &EpochId([7; 32])), "it is nobody's that is known");
    home.forgets_what_stands();
    assert!(relayed(&home, &own));
    home.opens(Follow::Leaves);
    let own = home.head();
    assert!(!relayed(&home, &own));
    home.circle.epochs.get_mut(&own).expect("the head").header.opener = MemberId([7; 32]);
    assert!(relayed(&home, &own), "that is its opener's concern");
}

/// what came where not all read is carried on, once.
#[test]
fn a_new_operation_is_a_stray_on_any_board_but_the_heads() {
    for (old, known, stray) in [(true, false, true), (false, false, false), (true, true, false)] {
        let mut home = Home::of_two();
        let before = home.board();
        let board = home.opens(Follow::Refresh);
        let ben = home.person(BEN, 10).pair;
        let signed = home.circle.charter.sign(&Act::Join, &ben);
        if known {
            assert!(home.takes(&board, BoardItem::Operation(signed.clone())));
        }
        assert!(home.takes(if old { &before } else { &board }, BoardItem::Operation(signed)));
        assert_eq!(home.circle.next_help().is_some(), stray, "{old} {known}");
    }
    let (mut home, mut other) = (Home::of_two(), Home::of_two());
    let board = home.board();
    other.decides(&Act::Join);
    let ben = home.person(BEN, 10).pair;
    let late = other.circle.charter.sign(&Act::Join, &ben);
    assert!(!home.takes(&board, BoardItem::Operation(late)), "it waits for what was before it");
}

///
#[test]
fn a_card_is_taken_once_of_who_is_known_and_when_its_time_has_come() {
    let mut home = Home::of_two();
    let hours = next_rev(None, NOON);
    let [good, other, ahead] = [1, 2, 7 * 24 + 1].map(|more| home.person(BEN, hours + more));
    let [good, other, ahead] = [good, other, ahead].map(|person| person.card.signed);
    let forged = Signed { signature: Signature([1; 64]), ..good.clone() };
    let unknown = home.person(MALLORY, hours).card.signed;
    let nonsense = Signed { content: Bytes(vec![0x81]), ..good.clone() };
    for (signed, row, done, new, waits) in [
        (&nonsense, None, true, false, false),
        (&unknown, None, false, false, true),
        (&forged, None, true, false, false),
        (&ahead, None, false, false, true),
        (&good, None, true, true, false),
        (&good, None, true, false, false),
        // What is read back was saved, and was judged by the clock when it came.
        (&other, Some(98), true, true, false),
        (&ahead, Some(99), true, true, true),
    ] {
        home.circle.card_came = false;
        let (rows, here) =
            (home.circle.rows[1], home.circle.cards.contains(signed, &home.circle.id));
        assert_eq!(home.act(|circle, env, _| circle.card_waits(env, signed)), waits, "{signed:?}");
        assert_eq!(home.takes_card(signed, row), done, "{signed:?}");
        assert_eq!(home.circle.card_came, new);
        assert_eq!(home.circle.rows[1] - rows, u64::from(new && row.is_none()));
        assert_eq!(home.circle.cards.contains(signed, &home.circle.id), here || new);
    }
    // On a board, what is not done yet waits.
    let (board, fresh) = (home.board(), home.person(BEN, hours + 3).card.signed);
    for (signed, done) in [(unknown, false), (fresh, true)] {
        assert_eq!(home.takes(&board, BoardItem::Card(signed.clone())), done);
        assert_eq!(home.circle.stuck_cards.contains(&signed), !done);
    }
}

/// R-4, H-26: a week, since clocks are off.
#[test]
fn a_card_is_ahead_by_more_than_a_week() {
    let home = Home::founded();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let env = Env { now: NOON, rng: &mut rng, store: &home.disk };
    let hours = next_rev(None, NOON);
    for (rev, ahead) in [(0, false), (hours + 168, false), (hours + 169, true), (u32::MAX, true)] {
        assert_eq!(is_ahead(&home.person(BEN, rev).card.card, &env), ahead, "{rev}");
    }
}

/// H-26: one's own from further ahead than others take it counts no more.
#[test]
fn a_card_of_ones_own_from_ahead_is_left_out() {
    let hours = next_rev(None, NOON);
    for (rev, stays) in [(hours + 168, true), (hours + 169, false)] {
        let mut home = Home::of_two();
        let newest = home.act(|circle, env, _| {
            let (id, device) = (circle.id, circle.record.device);
            let (card, _) =
                VerifiedCard::make(&circle.pair, &id, Suite::Thin, device, rev, env.rng);
            circle.cards.insert(card, None);
            circle.ignore_own_ahead(env);
            circle.cards.newest(&circle.me).map(|card| card.card.rev)
        });
        assert_eq!(newest == Some(rev), stays, "{newest:?}");
    }
}

/// a card of one's own that is not here shows that the home was put back; one of somebody else's, or that is
/// here, shows nothing.
#[test]
fn a_card_of_ones_own_that_is_not_here_is_found() {
    let rev = next_rev(None, NOON) + 5;
    for (own, here, copies) in
        [(true, false, Copies::Behind), (true, true, Copies::Alone), (false, false, Copies::Alone)]
    {
        let mut home = Home::of_two();
        let signed = home.act(|circle, env, batch| {
            let (id, device) = (circle.id, circle.record.device);
            let (card, secrets) =
                VerifiedCard::make(&circle.pair, &id, Suite::Thin, device, rev, env.rng);
            if here {
                circle.hold_card_secrets(batch, card.id, secrets);
            }
            card.signed
        });
        let signed = if own { signed } else { home.person(BEN, rev).card.signed };
        assert!(home.takes_card(&signed, None));
        assert_eq!((home.circle.copies, home.circle.is_silent()), (copies, false));
    }
}

/// A card as it waits: nobody has looked at its signature.
fn card_of(member: u8, rev: u32) -> Signed {
    let card = Card {
        circle: crate::identity::CircleId([1; 32]),
        member: MemberId([member; 32]),
        device: DeviceId([1; 16]),
        rev,
        seal_key: Bytes(vec![1; 32]),
        speak_key: PublicKey([1; 32]),
    };
    Signed { content: Bytes(wire::encode(&card)), signature: Signature([0; 64]) }
}

/// P7: few of one member, so that nobody takes the places of others, and so many of all.
#[test]
fn cards_that_wait_are_few_of_each_member_and_bounded() {
    let mut home = Home::founded();
    let waits = |home: &mut Home, member, cards: std::ops::Range<u32>| {
        cards.for_each(|rev| home.circle.let_card_wait(card_of(member, rev)));
        home.circle.stuck_cards.len()
    };
    assert_eq!(waits(&mut home, BEN, 0..1), 1);
    assert_eq!(waits(&mut home, BEN, 0..1), 1, "it waits already");
    assert_eq!(waits(&mut home, BEN, 0..100), 64);
    assert_eq!(waits(&mut home, CHRIS, 0..3), 67);
    assert_eq!(waits(&mut home, CHRIS, 0..3), 67);
    for member in 10..30 {
        waits(&mut home, member, 0..64);
    }
    assert_eq!(home.circle.stuck_cards.len(), MAX_STUCK);
}

/// P7: each may have 1 MiB.
#[test]
fn openings_that_wait_for_their_opener_are_bounded() {
    let mut home = Home::founded();
    let (board, header) = (home.board(), home.circle.head().expect("founded").1.header.clone());
    let signed = home.circle.head().expect("founded").1.signed.clone();
    let own = Opening::without_entries(&signed);
    assert!(home.takes(&board, BoardItem::Opening(own)));
    assert!(home.circle.stuck_openings.is_empty());
    let dana = home.person(DANA, 10);
    let cards = Vec::new();
    let unknown = Header { opener: dana.id, cards, ..header };
    for day in 0..50 {
        let header = Header { day, ..unknown.clone() };
        let header = Signed::new(&header, &dana.pair, Label::Opening, &home.circle.id);
        assert!(!home.takes(&board, BoardItem::Opening(Opening::without_entries(&header))));
        assert_eq!(home.circle.stuck_openings.len(), MAX_STUCK_OPENINGS.min(day as usize + 1));
    }
}

/// How many operations, cards and invites are among these.
fn kinds(items: &[BoardItem]) -> [usize; 3] {
    let count = |is: fn(&BoardItem) -> bool| items.iter().filter(|item| is(item)).count();
    [
        count(|item| matches!(item, BoardItem::Operation(_))),
        count(|item| matches!(item, BoardItem::Card(_))),
        count(|item| matches!(item, BoardItem::Invite(_))),
    ]
}

///
#[test]
fn what_does_not_stand_on_the_heads_board_is_posted_and_again_after_half_of_what_relays_keep() {
    let mut home = Home::of_two();
    let board = home.board();
    let repost = |home: &mut Home| {
        home.act(Circle::repost_charter);
        kinds(&home.there(&board))
    };
    let founding = kinds(&home.there(&board));
    assert_eq!(founding, [4, 0, 0]);
    home.invites(1);
    // The founder's first card stands in its operation.
    assert_eq!(repost(&mut home), [6, 1, 1]);
    home.invites(2);
    assert_eq!(repost(&mut home), [7, 1, 2]);
    let mailbox = home.circle.boards[&board].sealed.mailbox();
    let lies = |home: &mut Home| {
        home.act(|circle, env, batch| circle.exchange.contents(env, batch, &mailbox).len())
    };
    let envelopes = lies(&mut home);
    home.now = NOON.plus(15 * DAY_MS);
    assert_eq!(repost(&mut home), [7, 1, 2]);
    assert_eq!(lies(&mut home), envelopes);
    home.now = NOON.plus(15 * DAY_MS + HOUR_MS);
    assert_eq!(repost(&mut home), [14, 2, 4]);
    assert_eq!(lies(&mut home), envelopes + 1, "what is small goes together");
}

/// who answers who comes sees to it that what an opening covers stands there.
#[test]
fn of_these_operations_those_are_posted_that_do_not_stand() {
    let mut home = Home::of_two();
    let board = home.opens(Follow::Refresh);
    let ids: BTreeSet<OperationId> =
        home.circle.charter.held()[..2].iter().map(|held| held.id).collect();
    for _ in 0..2 {
        home.act(|circle, env, batch| circle.post_missing(env, batch, &ids));
        assert_eq!(kinds(&home.there(&board)), [2, 0, 0]);
    }
}

/// who lacks it learns of it by its header, and comes nowhere by that.
#[test]
fn a_header_is_shown_where_its_opening_does_not_stand_and_leads_nowhere() {
    let mut home = Home::founded();
    let (board, head) = (home.board(), home.head());
    let alone = |item: &BoardItem| matches!(item, BoardItem::Opening(it) if it.entries.is_empty());
    let show = |home: &mut Home| {
        home.act(|circle, env, batch| circle.post_headers(env, batch, &BTreeSet::from([head])));
        home.there(&board).into_iter().filter(alone).count()
    };
    assert_eq!(show(&mut home), 0, "its opening stands there");
    home.forgets_what_stands();
    assert_eq!([show(&mut home), show(&mut home)], [1, 1], "once is enough");
    let since = NOON.hour();
    let found = home.act(|circle, env, batch| circle.dead_ends(env, batch, (&head, since)));
    assert_eq!(found, [board]);
}

/// also when it came before, where who lacks the four may not have read.
#[test]
fn what_counts_in_place_of_one_too_many_is_shown_whenever_that_comes() {
    let mut home = Home::of_two();
    let (board, ben) = (home.board(), home.person(BEN, 10));
    let (id, head) = home.circle.head().expect("it was opened");
    let next = Header { opener: ben.id, supersedes: vec![*id], ..head.header.clone() };
    let circle = home.circle.id;
    let openings = (1..=5).map(|number| {
        let header = Header { mailbox: MailboxId([number; 32]), ..next.clone() };
        let header = Signed::new(&header, &ben.pair, Label::Opening, &circle);
        (Header::id(&header, &circle), Opening::without_entries(&header))
    });
    let five: BTreeMap<EpochId, Opening> = openings.collect();
    let mut comes = |opening: &Opening| {
        home.circle.helping.instead = None;
        assert!(home.takes(&board, BoardItem::Opening(opening.clone())));
        home.act(Circle::judge);
        home.circle.helping.instead.take().map(|(_, ids)| ids)
    };
    let four: BTreeSet<EpochId> = five.keys().take(4).copied().collect();
    for _ in 0..2 {
        let shown: Vec<_> = five.values().map(&mut comes).collect();
        assert_eq!(shown, [None, None, None, None, Some(four.clone())]);
    }
}

/// two invites of one maker, or one number of two makers, are two.
#[test]
fn an_invite_is_its_maker_and_its_number() {
    let keys = |inviter: u8, id: u8| InviteKeys {
        id: InviteId([id; 8]),
        inviter: MemberId([inviter; 32]),
        r: Digest([1; 32]),
        label: None,
    };
    let ids: BTreeSet<[u8; 32]> =
        [(ANNA, 1), (ANNA, 2), (BEN, 1)].map(|(by, id)| keys_id(&keys(by, id))).into();
    assert_eq!(ids.len(), 3);
}

/// the head's own opening, or one that names another board from which something leads to the head.
#[test]
fn a_board_leads_to_the_head_at_once_or_by_way_of_others() {
    let mut home = Home::founded();
    let first = home.board();
    let [second, third] = [home.opens(Follow::Refresh), home.opens(Follow::Refresh)];
    let (head, nobody) = (home.head(), EpochId([7; 32]));
    let (now, later) = (NOON.hour(), NOON.hour() + 1);
    let all = BTreeSet::from([first, second, third]);
    let none = BTreeSet::new();
    for (to, since, expected) in [(head, now, &none), (head, later, &all), (nobody, now, &all)] {
        let found = home.act(|circle, env, batch| circle.dead_ends(env, batch, (&to, since)));
        assert_eq!(&BTreeSet::from_iter(found), expected);
    }
    home.act(|circle, _, batch| circle.give_up_board(batch, &second));
    let found = home.act(|circle, env, batch| circle.dead_ends(env, batch, (&head, now)));
    assert_eq!(found, [first], "the way on is gone");
}

/// who reads any board comes to the head, whatever relays keep; others are told which operations are here.
#[test]
fn where_the_heads_opening_stands_no_more_it_is_posted_again_when_it_is_time_to_look() {
    let seen = |home: &mut Home, board: &BoardName| {
        let items = home.there(board);
        let openings = items.iter().filter(|item| matches!(item, BoardItem::Opening(_))).count();
        let heads = items.iter().filter(|item| matches!(item, BoardItem::Heads(_))).count();
        (openings, heads)
    };
    for (in_step, stands, expected) in
        [(true, false, (1, 1)), (false, false, (0, 1)), (true, true, (1, 1))]
    {
        let mut home = Home::founded();
        let board = home.board();
        if !stands {
            home.forgets_what_stands();
        }
        if in_step {
            home.meets_a_relay();
        }
        let before = seen(&mut home, &board);
        let at = home.circle.next_look().expect("boards are looked after");
        assert!((NOON.plus(10_000)..NOON.plus(20_000)).contains(&at), "its head is new: {at:?}");
        home.tends(Timestamp(at.0 - 1));
        assert_eq!((seen(&mut home, &board), home.circle.next_look()), (before, Some(at)));
        home.tends(at);
        assert_eq!(seen(&mut home, &board), expected, "{in_step} {stands}");
        let next = home.circle.next_look().expect("and again");
        assert!((at.plus(DAY_MS / 2)..at.plus(DAY_MS)).contains(&next), "{next:?}");
    }
}

/// whose card is not here finds an empty entry, and asks.
#[test]
fn an_opening_made_again_has_an_empty_entry_for_a_card_that_is_not_here() {
    let mut home = Home::of_two();
    let head = home.head();
    let empty = |home: &mut Home| {
        let again = home.act(|circle, env, _| circle.opening_again(env, &head));
        let entries = again.expect("its secrets are here").entries;
        entries.iter().map(|entry| entry.0.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(empty(&mut home), [false, false]);
    home.circle.epochs.get_mut(&head).expect("the head").header.cards[1].0 = [9; 16];
    assert_eq!(empty(&mut home), [false, true]);
}

/// the opener of an epoch over several may not reach every board of these.
#[test]
fn boards_are_looked_after_soon_once_an_opening_joined_several_epochs() {
    let mut home = Home::founded();
    let soon = NOON.plus(10_000)..NOON.plus(20_000);
    for (planned, stays) in [(None, false), (Some(5_000), true), (Some(DAY_MS), false)] {
        home.circle.look_at = planned.map(|ms| NOON.plus(ms));
        home.act(|circle, env, _| circle.look_soon(env));
        let at = home.circle.next_look().expect("planned");
        assert_eq!(planned.is_some_and(|ms| at == NOON.plus(ms)), stays);
        assert!(stays || soon.contains(&at), "{at:?}");
    }
}

/// from the first opening that followed one that named it and named another.
#[test]
fn a_board_is_read_for_400_days_after_it_was_replaced() {
    let today = NOON.day();
    for (day, stays) in [(today - 400, true), (today - 401, false)] {
        let mut home = Home::founded();
        let (a, b, current) = (home.holds(1), home.holds(2), home.board());
        let first = home.named(ANNA, 10, a, &[]);
        home.named(ANNA, 9, a, &[first]);
        home.named(ANNA, today, b, &[first]);
        let second = home.named(BEN, day, b, &[first]);
        home.named(ANNA, 5, current, &[EpochId([3; 32])]);
        home.named(ANNA, today - 1, current, &[second]);
        let replaced = [a, b, current].map(|board| home.circle.replaced_on(&board));
        assert_eq!(replaced, [Some(day), Some(today - 1), None]);
        let slot = home.circle.slot(SlotKind::Board, a.0);
        let mailbox = home.circle.boards[&a].sealed.mailbox();
        home.act(|circle, env, batch| circle.give_up_boards(env, batch));
        assert!([b, current].iter().all(|board| home.circle.boards.contains_key(board)));
        let kept = [
            home.circle.boards.contains_key(&a),
            home.circle.mailboxes.contains_key(&mailbox),
            home.circle.exchange.sealed(&mailbox).is_some(),
            home.disk.keys.contains_key(&slot),
        ];
        assert_eq!(kept, [stays; 4], "nothing of it, or all");
    }
}

/// R-17, P7: of too many the oldest of who made most of them; who floods makes room for itself only.
#[test]
fn of_too_many_boards_those_of_who_made_most_are_given_up() {
    let today = NOON.day();
    let mut home = Home::founded();
    let current = home.board();
    let mut replaced = |number: u8, maker: u8, day: u32| {
        let board = home.holds(number);
        let first = home.named(maker, 1, board, &[]);
        // Whoever names it later did not make it.
        let again = home.named(if maker == ANNA { BEN } else { ANNA }, 2, board, &[first]);
        home.named(ANNA, day, current, &[first, again]);
        board
    };
    let old = replaced(1, ANNA, today - 401);
    let of_anna: Vec<BoardName> = (2..18).map(|n| replaced(n, ANNA, today - 300)).collect();
    let of_ben: Vec<BoardName> =
        (20..70).map(|n| replaced(n, BEN, today - 200 + u32::from(n))).collect();
    home.act(|circle, env, batch| circle.give_up_boards(env, batch));
    assert_eq!(home.circle.boards.len(), 64);
    let has = |board: &BoardName| home.circle.boards.contains_key(board);
    assert!(!has(&old) && has(&current) && of_anna.iter().all(has));
    assert!(!of_ben[..3].iter().any(has) && of_ben[3..].iter().all(has));
}

/// P1, R-17, R-25, H-10: whoever floods with openings may go back to a board that was replaced, and keep all others from
/// reading it.
#[test]
pub(crate) fn the_heads_board_is_never_given_up() {
    let today = NOON.day();
    for (day, others) in [(today - 401, 1), (today - 300, 70)] {
        let mut home = Home::founded();
        let current = home.board();
        let before = home.named(ANNA, 1, current, &[]);
        for number in 1..=others {
            let other = home.holds(number);
            let follows = home.named(ANNA, day, other, &[before]);
            home.named(ANNA, today, current, &[follows]);
        }
        assert_eq!(home.circle.replaced_on(&current), Some(day));
        home.act(|circle, env, batch| circle.give_up_boards(env, batch));
        assert!(home.circle.boards.contains_key(&current));
        assert!(home.circle.boards.len() <= 64);
    }
}

/// P1, R-17, R-25
#[test]
pub(crate) fn a_board_that_was_given_up_is_read_again_once_it_is_the_heads() {
    let mut home = Home::founded();
    let board = home.board();
    let slot = home.circle.slot(SlotKind::Board, board.0);
    let mailbox = home.circle.boards[&board].sealed.mailbox();
    let read = |home: &Home| {
        [
            home.circle.boards.contains_key(&board),
            home.circle.mailboxes.contains_key(&mailbox),
            home.circle.exchange.sealed(&mailbox).is_some(),
            home.disk.keys.contains_key(&slot),
        ]
    };
    home.act(|circle, _, batch| circle.give_up_board(batch, &board));
    assert_eq!(read(&home), [false; 4]);
    home.act(Circle::settle);
    assert_eq!(read(&home), [true; 4]);
}

/// who has gone can prove these mailboxes, and sees there who comes by.
#[test]
fn a_mailbox_is_quiet_once_somebody_who_can_prove_it_has_gone() {
    let mut home = Home::of_two();
    let quiet = |home: &mut Home| {
        home.disk.sent.clear();
        home.act(|circle, env, batch| circle.keep_quiet(env, batch));
        let left = |output: &&Output| matches!(output, Output::Unsubscribe { .. });
        home.disk.sent.iter().filter(left).count()
    };
    assert_eq!(quiet(&mut home), 0);
    home.decides(&removal(BEN));
    assert_eq!(quiet(&mut home), 2, "the board, and the epoch that Ben is in");
    assert_eq!(quiet(&mut home), 0, "and so they stay");
}

/// One ended epoch more than are served: the first gives way, the second stays.
fn with_too_many_ended(home: &mut Home) -> [EpochId; 2] {
    let (circle, head) = (home.circle.id, home.head());
    let open = home.circle.epochs.get(&head).expect("it is here").clone();
    for number in 0..=u8::try_from(MAX_SERVED).expect("few") {
        // The oldest goes first.
        let day = open.header.day - u32::from(number == 0);
        let header = Header { day, ..open.header.clone() };
        let sealed = Some(SealedBox::of_epoch(&Secret::new(vec![number; 32]), &circle));
        let ended = Epoch { header, sealed, secrets: None, ended: true, ..open.clone() };
        home.circle.epochs.insert(EpochId([number; 32]), ended);
    }
    [0, 1].map(|number| EpochId([number; 32]))
}

/// of too many ended epochs some are served no more; what came there is asked for all the same.
#[test]
fn what_came_unread_is_lacking_served_or_not() {
    let mut home = Home::of_two();
    let [unread, served] = with_too_many_ended(&mut home);
    home.circle.helping.unread.insert(unread);
    home.act(|circle, env, batch| circle.keep_within_limits(env, batch));
    let is_served = |id| home.circle.epochs.get(&id).expect("its header stays").sealed.is_some();
    assert!(!is_served(unread) && is_served(served));
    assert!(home.circle.helping.unread.contains(&unread));
}

/// P1, R-26, R-29: what comes in the mailbox of an epoch that is served no more nobody sees here, so it is asked for;
/// once, and as long as others may have it.
#[test]
pub(crate) fn what_is_served_no_more_is_asked_for() {
    let mut home = Home::of_two();
    let [gave_way, served] = with_too_many_ended(&mut home);
    let asks = |home: &Home, id, at| {
        let kinds = home.circle.lacking(at);
        kinds.iter().filter(|kind| kind.contains(&id)).count()
    };
    assert_eq!([gave_way, served].map(|id| asks(&home, id, NOON)), [0, 0]);
    home.act(|circle, env, batch| circle.keep_within_limits(env, batch));
    assert_eq!([gave_way, served].map(|id| asks(&home, id, NOON)), [1, 0]);
    home.circle.helping.unread.insert(gave_way);
    assert_eq!(asks(&home, gave_way, NOON), 1);
    home.circle.helping.unread.clear();
    // It is of the day before.
    let after = |days| NOON.plus(days * DAY_MS);
    assert_eq!([36, 37].map(|days| asks(&home, gave_way, after(days))), [1, 0]);
}

/// P1, R-29: what nobody can answer is asked for daily in the end; what comes to be lacking meanwhile does not wait so long.
#[test]
pub(crate) fn what_is_newly_lacking_is_asked_for_within_an_hour() {
    const MINUTE: u64 = 60_000;
    let mut home = Home::of_two();
    home.meets_a_relay();
    home.circle.helping.unread.insert(EpochId([1; 32]));
    home.act(Circle::ask_for_help);
    let apart = |home: &mut Home| {
        home.now = home.circle.next_ask().expect("something is lacking");
        home.act(Circle::ask_for_help);
        home.circle.next_ask().expect("it still is").since(home.now)
    };
    let often = [(); 5].map(|()| apart(&mut home));
    assert_eq!(often, [MINUTE, 10 * MINUTE, 60 * MINUTE, DAY_MS, DAY_MS]);
    home.now = home.now.plus(10 * MINUTE);
    home.circle.helping.unread.insert(EpochId([2; 32]));
    home.act(Circle::ask_for_help);
    assert_eq!(home.circle.next_ask(), Some(home.now.plus(50 * MINUTE)));
    assert_eq!(apart(&mut home), DAY_MS);
    // Later than that it has the time in which it may still come.
    home.now = home.now.plus(2 * 60 * MINUTE);
    home.circle.helping.unread.insert(EpochId([3; 32]));
    home.act(Circle::ask_for_help);
    home.now = home.now.plus(1_000);
    home.act(Circle::ask_for_help);
    assert_eq!(home.circle.next_ask(), Some(home.now.plus(4_000)));
}

/// an answer of somebody else is help enough, but what one said only oneself can say again.
#[test]
pub(crate) fn who_is_answered_by_somebody_else_is_said_again_what_its_author_alone_can() {
    for (helped, answers) in [(false, 1), (true, 0)] {
        let mut home = Home::of_two();
        home.meets_a_relay();
        let (head, board, ben) = (home.head(), home.board(), home.person(BEN, 10));
        let draft =
            Draft { text: "here".into(), reply_to: None, wants: None, note: None, once: None };
        home.act(|circle, env, batch| circle.say(env, batch, draft)).expect("it may");
        home.act(Circle::speak);
        let ask = Ask {
            member: ben.id,
            card: ben.card.signed.clone(),
            heads: home.circle.charter.heads().iter().copied().collect(),
            lacks: vec![head],
            tries: 0,
            at: NOON.0,
        };
        let signed = Signed::new(&ask, &ben.pair, Label::Ask, &home.circle.id);
        home.takes(&board, BoardItem::Ask(signed));
        if helped {
            let to = Bytes(ben.card.tag().to_vec());
            home.takes(&board, BoardItem::Help(Help { to, sealed: Bytes(Vec::new()) }));
        }
        home.now = home.circle.next_help().expect("somebody asks");
        home.act(Circle::help);
        let there = home.there(&board);
        let stand = there.iter().filter(|item| matches!(item, BoardItem::Help(_))).count();
        let again = home.circle.speaking.again.get(&ben.id).map_or(0, |again| again.at.len());
        assert_eq!((stand, again), (answers, 1), "{helped}");
    }
}
