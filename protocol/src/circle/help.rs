//! Help among members: asks and answers, and notes of which operations are here.
//!
//! Nothing depends on what relays still keep, nor on having been there. Who lacks something asks on
//! every board that it reads; whoever has it answers there, sealed to the card of the ask.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use minicbor::{Decode, Encode};

use super::Circle;
use super::board::{self, BoardItem};
use super::card::VerifiedCard;
use super::epoch::{Header, Opening};
use super::head::State;
use crate::batch::{Batch, placed};
use crate::boundary::{DAY_MS, Env, HOUR_MS, Room, Timestamp};
use crate::crypto::{Label, hash, random};
use crate::envelope::TAKEN_AHEAD_H;
use crate::identity::{BoardName, EpochId, MemberId, OperationId};
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::{self, Bytes};

/// How long something may be lacking before others are asked: it may be on its way.
const PATIENCE_MS: u64 = 5_000;
/// How far apart asks are, then a day.
const APART_MS: [u64; 3] = [60_000, 10 * 60_000, HOUR_MS];
/// Who can help does so within this time, if nobody else has.
const HELP_MS: u64 = 8_000;
/// How far apart one node's answers to one member are.
const HELP_APART_MS: u64 = 20_000;
/// Asks that were made longer ago may be an old one that somebody posts again, or by a slow clock: one
/// node answers so many of them to one member.
const OLD_ASK_MS: u64 = DAY_MS;
const MAX_OLD_ASKS: u8 = 4;
/// How long what an opening names may be lacking before one is made without it: others were asked by then,
/// and had a minute.
const BEHIND_MS: u64 = PATIENCE_MS + APART_MS[0];
/// Days after its opening when nobody has an epoch's secret any more, unless it is the head.
const HELD_DAYS: u32 = 37;
/// Epochs that one ask names.
const MAX_LACKS: usize = 64;
/// Boards on which one ask is answered. A guess: who asks reads all of them, but not in step with each relay; somebody
/// else may have posted the ask where its author does not read.
const MAX_BOARDS: usize = 4;
/// What one member is given as help by this node in a day before it has to wait for the next (R-27's bound).
const MAX_GIVEN: usize = 1 << 20;
/// Bytes of an answer before it is sealed, and of all parts of one.
const PART_BYTES: usize = 24 << 10;
const MAX_PARTS: usize = 64;
/// Operations that come after a note are posted within this time.
const NOTE_MS: u64 = 30_000;

/// Who lacks something says what it has.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ask {
    /// Who.
    #[n(1)]
    pub member: MemberId,
    /// What the answer is sealed to.
    #[n(2)]
    pub card: Signed,
    /// The charter heads that are there.
    #[n(3)]
    pub heads: Vec<OperationId>,
    /// Epochs that it was in and cannot read; at most 64.
    #[n(4)]
    pub lacks: Vec<EpochId>,
    /// Which asking this is, from 0.
    #[n(5)]
    pub tries: u8,
    /// When, milliseconds since 1970.
    #[n(6)]
    pub at: u64,
}

/// A member says which operations are there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Heads {
    /// Who.
    #[n(1)]
    pub member: MemberId,
    /// The charter heads that are there; at most 200.
    #[n(2)]
    pub heads: Vec<OperationId>,
    /// When, hours since 1970.
    #[n(3)]
    pub hour: u32,
}

/// One part of an answer to an ask.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Help {
    /// The first half of the id of the card that it is sealed to.
    #[n(0)]
    pub to: Bytes,
    /// A board's text.
    #[n(1)]
    pub sealed: Bytes,
}

/// What this node asks, and whom it is about to help.
#[derive(Debug, Default)]
pub(super) struct Helping {
    /// Since when something is lacking, and how often that was asked.
    asking: Option<Asking>,
    /// Until when others have time to bring the operations that an opening names, since that was found.
    behind_until: Option<Timestamp>,
    /// The last ask of each member with its newest card, and with an older one.
    asks: BTreeMap<(MemberId, Older), Asked>,
    /// Members that lack operations, and when to post these.
    notes: BTreeMap<MemberId, Timestamp>,
    /// How many bytes each member was given as help on that day.
    given: BTreeMap<MemberId, (u32, usize)>,
    /// Operations that came where not all members read, and when to post them where all do.
    strays: Option<(Timestamp, BTreeSet<OperationId>)>,
    /// What counts in place of openings that were one too many here, and when to show it.
    pub(super) instead: Option<(Timestamp, BTreeSet<EpochId>)>,
    /// The heads that were told last, and when.
    told: Option<(BTreeSet<OperationId>, Timestamp)>,
    /// Whether nothing was told since this run began.
    back: bool,
    /// Ended epochs in whose mailbox something lies that cannot be read any more.
    pub(super) unread: BTreeSet<EpochId>,
}

#[derive(Debug)]
struct Asking {
    at: Timestamp,
    tries: u8,
    /// What the last ask named last, of each kind.
    named: [EpochId; 4],
    /// When the last ask was made, and everything that was lacking then.
    last: (Timestamp, BTreeSet<EpochId>),
}

/// Epochs that are lacking, by kind: in whose mailbox something lies that cannot be read any more, whose headers are
/// here, that are known by a later one alone, and whose mailbox gave way to others.
type Lacking = [BTreeSet<EpochId>; 4];

/// What an ask names: of each kind in turn, and from behind what the last ask named. So what nobody can answer, be it a
/// flood, keeps nothing else back.
fn in_turn(lacking: &Lacking, named: &mut [EpochId; 4]) -> Vec<EpochId> {
    let kinds = lacking.iter().zip(named.iter());
    let mut rings = Vec::from_iter(kinds.map(|(kind, last)| {
        let behind = kind.range((Bound::Excluded(*last), Bound::Unbounded));
        behind.chain(kind.range(..=*last))
    }));
    let mut all = Vec::new();
    loop {
        let before = all.len();
        for (ring, last) in rings.iter_mut().zip(named.iter_mut()) {
            let Some(id) = ring.next().filter(|_| all.len() < MAX_LACKS) else { continue };
            all.push(*id);
            if !is_planted(Planted::AsksTheSame) {
                *last = *id;
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

/// Whether a card is not the newest one of its member.
type Older = bool;

#[derive(Debug)]
struct Asked {
    ask: Ask,
    card: VerifiedCard,
    /// Where it was seen, in that order; at most [`MAX_BOARDS`].
    boards: Vec<BoardName>,
    at: Timestamp,
    /// Whether somebody else's answer stands there.
    helped: bool,
    /// Whether this node has had its turn.
    answered: bool,
    /// How many old ones were taken on this day.
    old: (u32, u8),
}

impl Asked {
    fn seen_on(&mut self, board: &BoardName) {
        let all = self.boards.len() >= MAX_BOARDS && !is_planted(Planted::HelpUnbounded);
        if !all && !self.boards.contains(board) {
            self.boards.push(*board);
        }
    }
}

impl Helping {
    fn gave(&mut self, who: MemberId, day: u32, bytes: usize) {
        let given = self.given.entry(who).or_default();
        *given = (day, bytes + if given.0 == day { given.1 } else { 0 });
    }

    /// Whether who asks has to wait for tomorrow: an ask costs its author little, and an answer much.
    fn has_enough(&self, who: &MemberId, day: u32) -> bool {
        let given = self.given.get(who);
        given.is_some_and(|given| given.0 == day && given.1 >= MAX_GIVEN)
            && !is_planted(Planted::HelpUnbounded)
    }
}

impl Circle {
    /// Asks others for what is lacking here, again and again until it is not.
    pub(super) fn ask_for_help(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let lacking = self.lacking(env.now);
        let behind = self.waits_for_operations();
        if !behind {
            self.helping.behind_until = None;
        } else if self.may_ask() {
            self.helping.behind_until.get_or_insert(env.now.plus(BEHIND_MS));
        }
        let lacks = lacking.iter().any(|kind| !kind.is_empty());
        let short = lacks || self.charter.is_waiting() || behind;
        if !self.may_ask() || !short {
            self.helping.asking = None;
            return;
        }
        let asking = self.helping.asking.get_or_insert(Asking {
            at: env.now.plus(PATIENCE_MS),
            tries: 0,
            named: [EpochId([0; 32]); 4],
            last: (env.now, BTreeSet::new()),
        });
        let all = || lacking.iter().flatten();
        if all().any(|id| !asking.last.1.contains(id)) && !is_planted(Planted::NewlyLackingWaits) {
            let soon = asking.last.0.plus(HOUR_MS).max(env.now.plus(PATIENCE_MS));
            asking.at = asking.at.min(soon);
        }
        if asking.at > env.now {
            return;
        }
        let tries = asking.tries;
        let apart = APART_MS.get(usize::from(tries)).copied().unwrap_or(DAY_MS);
        asking.at = env.now.plus(apart);
        asking.tries = tries.saturating_add(1);
        asking.last = (env.now, all().copied().collect());
        let lacks = in_turn(&lacking, &mut asking.named);
        let usable = |held: &&VerifiedCard| self.own_cards.contains_key(&held.id);
        if self.cards.newest(&self.me).filter(usable).is_none_or(|held| held.card.circle != self.id)
        {
            self.new_card(env, batch);
        }
        let Some(card) = self.cards.newest(&self.me) else { return };
        let ask = Ask {
            member: self.me,
            card: card.signed.clone(),
            heads: self.charter.heads().iter().copied().collect(),
            lacks,
            tries,
            at: env.now.0,
        };
        let signed = Signed::new(&ask, &self.pair, Label::Ask, &self.id);
        let boards: BTreeSet<BoardName> = self.boards.keys().copied().collect();
        self.post(env, batch, &boards, &[BoardItem::Ask(signed)]);
    }

    /// Whether this member is one by all that is known here, and has read some board.
    fn may_ask(&self) -> bool {
        let read = self.boards.values().any(|b| self.exchange.is_in_step(&b.sealed.mailbox()));
        read && self.may_act() && !is_planted(Planted::NobodyAsks)
    }

    /// Epochs that have ended, where something came since; those that this member was in and cannot read, though they
    /// have not ended here, or not all of whose cards are here; those of which it knows by a later one alone; and those
    /// that ended and are served no more, so that nobody here sees what comes.
    pub(super) fn lacking(&self, now: Timestamp) -> Lacking {
        let since = now.day().saturating_sub(HELD_DAYS);
        let mine = self.epochs.iter().filter(|(_, epoch)| {
            let named = epoch.mine.is_some()
                || epoch.header.cards.iter().any(|tag| {
                    self.cards.named(&tag.0).is_some_and(|held| held.card.member == self.me)
                });
            named
                && epoch.secrets.is_none()
                && epoch.state != State::Void
                && !epoch.ended
                && epoch.header.day >= since
        });
        // What somebody says there waits for the card; an answer brings those that the epoch names.
        let faceless = self.epochs.iter().filter(|(_, epoch)| {
            epoch.secrets.is_some()
                && epoch.counts()
                && epoch.header.cards.iter().any(|tag| self.cards.named(&tag.0).is_none())
        });
        // Who was away may never see the openings in between, once relays have forgotten them.
        let came = Timestamp(self.record.joined.unwrap_or(u64::MAX)).day();
        let unknown = self.epochs.unknown(&self.charter, &self.me, came, since);
        let known = mine.chain(faceless).map(|(id, _)| *id).collect();
        // by its time alone a mailbox is closed long after this, so these were too many.
        let gave_way = self.epochs.counts().filter(|(id, epoch)| {
            epoch.ended
                && epoch.sealed.is_none()
                && epoch.mine.is_some()
                && epoch.header.day >= since
                && !self.helping.unread.contains(*id)
                && !is_planted(Planted::GaveWayUnasked)
        });
        let gave_way = gave_way.map(|(id, _)| *id).collect();
        [self.helping.unread.clone(), known, unknown, gave_way]
    }

    /// These epochs, and those before them that can be answered with: the nearest first.
    fn with_ancestors(&self, ids: &[EpochId], asker: &MemberId) -> BTreeSet<EpochId> {
        let mut all: BTreeSet<EpochId> = ids.iter().copied().collect();
        let mut todo: VecDeque<EpochId> = ids.iter().copied().collect();
        while let Some(id) = todo.pop_front() {
            let header = self.epochs.get(&id).map(|epoch| &epoch.header);
            for id in header.iter().flat_map(|header| &header.supersedes) {
                let helps = self.epochs.get(id).is_some_and(|before| {
                    before.secrets.is_some() && before.members.binary_search(asker).is_ok()
                });
                if helps && all.len() < 2 * MAX_LACKS && all.insert(*id) {
                    todo.push_back(*id);
                }
            }
        }
        all
    }

    /// Whether an opening names operations that are not here, by somebody who has not gone.
    fn waits_for_operations(&self) -> bool {
        self.epochs.iter().any(|(_, epoch)| {
            epoch.state == State::Waits
                && !self.roster.former.contains_key(&epoch.header.opener)
                && self.charter.covered(&epoch.header.heads).is_none()
        })
    }

    /// whether an opening known here names operations that are not, and others have not had a minute
    /// to bring them: what this node would open now follows from a charter that is long past.
    pub(super) fn is_behind_openings(&self) -> bool {
        let over = self.helping.behind_until.is_some_and(|until| until <= self.charter.now());
        !over && self.waits_for_operations()
    }

    /// When that is over.
    pub(super) fn next_behind(&self) -> Option<Timestamp> {
        self.helping.behind_until.filter(|until| *until > self.charter.now())
    }

    pub(super) fn next_ask(&self) -> Option<Timestamp> {
        self.helping.asking.as_ref().map(|asking| asking.at)
    }

    pub(super) fn next_help(&self) -> Option<Timestamp> {
        let asks = self.helping.asks.values().filter(|asked| !asked.answered);
        let notes = self.helping.notes.values().copied().filter(|_| self.has_board());
        let strays = self.helping.strays.iter().map(|(at, _)| *at);
        let instead = self.helping.instead.iter().map(|(at, _)| *at);
        let posts = strays.chain(instead).filter(|_| self.knows_readers());
        asks.map(|asked| asked.at).chain(notes).chain(posts).min()
    }

    /// Whether who asks belongs.
    fn is_helped(&self, who: &MemberId) -> bool {
        self.roster.members.contains_key(who) || is_planted(Planted::HelpOutside)
    }

    fn has_board(&self) -> bool {
        !self.head_board().is_empty()
    }

    /// Whether no opening that brought the board to post on waits: it may name a reader who has gone, and what
    /// can be posted later is.
    fn knows_readers(&self) -> bool {
        self.has_board() && self.head_board().iter().all(|name| self.epochs.are_readers_known(name))
    }

    /// Somebody asks: helped after a random delay, unless a good answer stands there by then.
    pub(super) fn take_ask(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        board: &BoardName,
        signed: &Signed,
    ) {
        let Some(ask) = signed.decode::<Ask>() else { return };
        let Some(key) = self.charter.key(&ask.member).copied() else { return };
        if ask.member == self.me
            || ask.lacks.len() > MAX_LACKS
            || !self.is_helped(&ask.member)
            || !signed.is_by(&key, Label::Ask, &self.id)
        {
            return;
        }
        let card = VerifiedCard::verify(ask.card.clone(), &key, &self.id, self.suite);
        let Some(card) = card else { return };
        // As envelopes are: what is further ahead comes again.
        if Timestamp(ask.at).hour() > env.now.hour().saturating_add(TAKEN_AHEAD_H) {
            return;
        }
        let newest = self.cards.newest(&ask.member).map_or(0, |held| held.card.rev);
        let by = (ask.member, card.card.rev < newest);
        let last = self.helping.asks.get_mut(&by);
        if let Some(last) = last.filter(|last| last.ask.at >= ask.at) {
            if last.ask == ask {
                last.seen_on(board);
            }
            return;
        }
        let last = self.helping.asks.get(&by);
        let today = env.now.day();
        let mut old =
            last.map(|last| last.old).filter(|(day, _)| *day == today).unwrap_or((today, 0));
        if env.now.since(Timestamp(ask.at)) > OLD_ASK_MS {
            if old.1 >= MAX_OLD_ASKS {
                return;
            }
            old.1 += 1;
        }
        // One answer in a while: asks cost their author little.
        let answered = last.filter(|last| last.answered);
        let earliest = answered.map_or(env.now, |last| last.at.plus(HELP_APART_MS));
        let wait = u64::from_be_bytes(random(env.rng)) % HELP_MS;
        self.take_card(env, batch, ask.card.clone(), None);
        let at = env.now.plus(wait).max(earliest);
        if !ask.lacks.is_empty() {
            self.tell_author(&ask.member);
        }
        let boards = vec![*board];
        let asked = Asked { ask, card, boards, at, helped: false, answered: false, old };
        self.helping.asks.insert(by, asked);
    }

    /// who lacks the four that count in place of what is one too many here takes that for one of them, and does
    /// not know what it lacks: nothing need name them. By chance one node shows their headers.
    pub(super) fn find_instead(&mut self, env: &mut Env<'_>, came: &[EpochId]) {
        if self.restoring || is_planted(Planted::SurplusUnshown) {
            return;
        }
        // With somebody in it who has gone it is closed for all.
        let inside = |who: &MemberId| self.roster.members.contains_key(who);
        let surplus = came.iter().filter(|id| {
            let epoch = self.epochs.get(id);
            epoch.is_some_and(|epoch| epoch.surplus && epoch.members.iter().all(inside))
        });
        let ids: BTreeSet<EpochId> =
            surplus.flat_map(|id| self.epochs.instead_of(id)).copied().collect();
        if !ids.is_empty() {
            let at = env.now.plus(u64::from_be_bytes(random(env.rng)) % NOTE_MS);
            self.helping.instead.get_or_insert_with(|| (at, BTreeSet::new())).1.extend(ids);
        }
    }

    /// Answers who asked some time ago, and posts what others were found to lack.
    pub(super) fn help(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        self.answer_asks(env, batch);
        self.post_what_is_due(env, batch);
    }

    /// Answers who has no answer yet, and says again what nobody else can.
    fn answer_asks(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let due: Vec<(MemberId, Older)> = self
            .helping
            .asks
            .iter()
            .filter(|(_, asked)| !asked.answered && asked.at <= env.now)
            .map(|(by, _)| *by)
            .collect();
        for by in due {
            let Some(asked) = self.helping.asks.get_mut(&by) else { continue };
            let who = by.0;
            asked.answered = true;
            let helped = asked.helped;
            let (ask, card, boards) = (asked.ask.clone(), asked.card.clone(), asked.boards.clone());
            if !self.is_helped(&who)
                || helped && is_planted(Planted::NotAgainOnceHelped)
                || self.helping.has_enough(&who, env.now.day())
                || is_planted(Planted::NobodyHelps)
            {
                continue;
            }
            // Who asks with an older card may be a copy that its person gave up. It is told the newer one and
            // nothing else: where no board that it reads has that, a home that was put back cannot find
            // out by itself that it was, or that another copy goes on.
            let newer = self.cards.newest(&who).filter(|held| {
                held.card.rev > card.card.rev && !is_planted(Planted::HelpToOldCard)
            });
            if let Some(newer) = newer.map(|held| BoardItem::Card(held.signed.clone())) {
                if !helped {
                    self.answer_with(env, batch, &[newer], &card, &boards);
                }
            } else {
                if !helped {
                    self.answer(env, batch, &ask, &card, &boards);
                }
                self.say_again_to(env, batch, &who, &ask.lacks);
            }
        }
    }

    fn post_what_is_due(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let notes: Vec<MemberId> = self
            .helping
            .notes
            .iter()
            .filter(|(_, at)| **at <= env.now)
            .map(|(who, _)| *who)
            .collect();
        if !notes.is_empty() && self.has_board() {
            for who in notes {
                self.helping.notes.remove(&who);
            }
            self.repost_charter(env, batch);
        }
        if self.helping.strays.as_ref().is_some_and(|(at, _)| *at <= env.now)
            && self.knows_readers()
            && let Some((_, ids)) = self.helping.strays.take()
        {
            self.post_missing(env, batch, &ids);
        }
        if self.helping.instead.as_ref().is_some_and(|(at, _)| *at <= env.now)
            && self.knows_readers()
            && let Some((_, ids)) = self.helping.instead.take()
        {
            self.post_headers(env, batch, &ids);
        }
    }

    /// operations came on another board than the head's, where a newcomer may not read: by chance one
    /// node posts them there too.
    pub(super) fn find_strays(&mut self, env: &mut Env<'_>, ids: Vec<OperationId>) {
        if ids.is_empty() || is_planted(Planted::StraysStay) {
            return;
        }
        let at = env.now.plus(u64::from_be_bytes(random(env.rng)) % NOTE_MS);
        self.helping.strays.get_or_insert_with(|| (at, BTreeSet::new())).1.extend(ids);
    }

    /// The same for what had waited: where it came is not known any more.
    pub(super) fn find_waited(&mut self, env: &mut Env<'_>, ids: Vec<OperationId>) {
        if !is_planted(Planted::WaitedStay) {
            self.find_strays(env, ids);
        }
    }

    fn answer(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        ask: &Ask,
        card: &VerifiedCard,
        boards: &[BoardName],
    ) {
        let has = self.charter.covered_by_known(&ask.heads);
        let held = self.charter.held().iter().enumerate();
        let operations = held
            .filter(|(place, _)| !has.contains(*place))
            .map(|(_, held)| BoardItem::Operation(held.signed.clone()));
        let mut items: Vec<BoardItem> = operations.collect();
        let head = self.head().map(|(id, _)| *id);
        let mut epochs = self.with_ancestors(&ask.lacks, &ask.member);
        epochs.extend(head);
        let mut tags = BTreeSet::new();
        let mut entries = Vec::new();
        for id in epochs {
            let Some(epoch) = self.epochs.get(&id) else { continue };
            if epoch.members.binary_search(&ask.member).is_err() {
                // That it was not in it is what it needs to know.
                if ask.lacks.contains(&id) {
                    items.push(BoardItem::Opening(Opening::without_entries(&epoch.signed)));
                }
                continue;
            }
            // Cards also of what has ended here: what was said there may lie with relays still.
            tags.extend(epoch.header.cards.iter().map(|tag| tag.0));
            let Some(secrets) = &epoch.secrets else { continue };
            let header = &epoch.header;
            let entry = header.seal_entry_for(self.suite, &ask.member, card, secrets, env.rng);
            entries.extend(entry.map(|entry| board::Entry {
                header: epoch.signed.clone(),
                member: ask.member,
                entry,
            }));
        }
        let newest = self.roster.members.keys().filter_map(|who| self.cards.newest(who));
        let named = tags.iter().filter_map(|tag| self.cards.named(tag));
        let cards: BTreeMap<_, _> = newest
            .chain(named)
            .filter(|held| held.card.circle == self.id)
            .map(|held| (held.id, held.signed.clone()))
            .collect();
        items.extend(cards.into_values().map(BoardItem::Card));
        // What is sealed to the asker alone comes last: it counts once the others are known.
        items.extend(entries.into_iter().map(BoardItem::Entry));
        self.answer_with(env, batch, &items, card, boards);
    }

    /// Posts what answers an ask, sealed to its card.
    fn answer_with(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        items: &[BoardItem],
        card: &VerifiedCard,
        boards: &[BoardName],
    ) {
        let (key, info) = (&card.card.seal_key.0, self.help_info());
        let sealed = board::texts(items, PART_BYTES)
            .into_iter()
            .take(MAX_PARTS)
            .filter_map(|text| self.suite.seal_to(env.rng, key, &info, &card.card.member.0, &text));
        let to = Bytes(card.tag().to_vec());
        let parts: Vec<BoardItem> = sealed
            .map(|sealed| BoardItem::Help(Help { to: to.clone(), sealed: Bytes(sealed) }))
            .collect();
        let bytes: usize = parts.iter().map(BoardItem::size).sum();
        self.helping.gave(card.card.member, env.now.day(), bytes * boards.len());
        self.post(env, batch, boards, &parts);
    }

    fn help_info(&self) -> Vec<u8> {
        hash(Label::Help, &self.id, &[]).to_vec()
    }

    /// An answer: opened if it is for this device; otherwise it says that somebody else was quicker.
    pub(super) fn take_help(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        board: &BoardName,
        help: &Help,
    ) {
        let own = self.own_cards.iter().find(|(id, _)| id.0[..16] == help.to.0[..]);
        let Some(seal) = own.map(|(_, secrets)| secrets.seal.clone()) else {
            // Who asks a second time was not helped by what stands there.
            let asked = self
                .helping
                .asks
                .values_mut()
                .find(|asked| asked.card.tag()[..] == help.to.0[..] && asked.ask.tries == 0);
            if let Some(asked) = asked {
                asked.helped = true;
            }
            return;
        };
        let opened = self.suite.open_with(&seal, &self.help_info(), &self.me.0, &help.sealed.0);
        for item in opened.and_then(|text| board::decode(&text)).unwrap_or_default() {
            match item {
                BoardItem::Operation(_) | BoardItem::Card(_) | BoardItem::Opening(_) => {
                    self.take_board_item(env, batch, board, item);
                }
                BoardItem::Entry(entry) => self.take_entry(env, batch, entry),
                _ => {}
            }
        }
    }

    /// An entry made anew for this member: it counts if it opens to the header's commitment.
    pub(super) fn take_entry(&mut self, env: &Env<'_>, batch: &mut Batch, entry: board::Entry) {
        let Some(header) = entry.header.decode::<Header>() else { return };
        let key = self.charter.key(&header.opener);
        let signed = key.is_some_and(|key| entry.header.is_by(key, Label::Opening, &self.id));
        if entry.member == self.me && signed {
            self.hold_entry(env, batch, entry.header, header, entry.entry);
        }
    }

    /// Holds the epoch of an entry that this device can open. What ended here is not begun again: its words are
    /// said again instead.
    pub(super) fn hold_entry(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        signed: Signed,
        header: Header,
        entry: Bytes,
    ) {
        let known = self.epochs.get(&Header::id(&signed, &self.id));
        if header.circle != self.id
            || known.is_some_and(|epoch| epoch.secrets.is_some() || epoch.ended)
        {
            return;
        }
        let opened = self
            .own_cards
            .values()
            .find_map(|own| header.open_entry(self.suite, &self.me, own, &entry.0));
        if let Some(secrets) = opened {
            self.hold_epoch(env, batch, signed, header, Some(entry), Some(secrets));
        }
    }

    /// Reads back when heads were told last.
    pub(super) fn restore_help(&mut self, env: &Env<'_>) {
        let saved = env.store.get(&placed(Room::Local, &self.id.0, b"h"));
        let saved = saved.and_then(|saved| wire::decode::<(Vec<OperationId>, u64)>(&saved));
        self.helping.told = saved.map(|(heads, at)| (heads.into_iter().collect(), Timestamp(at)));
        self.helping.back = true;
    }

    /// Tells which operations are here, where that changed or after a start, at most daily.
    pub(super) fn tell_heads(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let heads = self.charter.heads().clone();
        let told = self.helping.told.as_ref();
        let daily = |at: &Timestamp| env.now.since(*at) < DAY_MS;
        let back = self.helping.back;
        if told.is_some_and(|(old, at)| daily(at) || *old == heads && !back) {
            return;
        }
        let note = Heads {
            member: self.me,
            heads: heads.iter().take(MAX_HEADS).copied().collect(),
            hour: env.now.hour(),
        };
        let saved: (Vec<OperationId>, u64) = (heads.iter().copied().collect(), env.now.0);
        batch.save(placed(Room::Local, &self.id.0, b"h"), wire::encode(&saved));
        self.helping.told = Some((heads, env.now));
        self.helping.back = false;
        let signed = Signed::new(&note, &self.pair, Label::Heads, &self.id);
        let boards = self.head_board();
        self.post(env, batch, &boards, &[BoardItem::Heads(signed)]);
    }

    /// A member says which operations it has: others that are here, and stand nowhere, are posted again.
    pub(super) fn take_heads(&mut self, env: &mut Env<'_>, signed: &Signed) {
        let Some(note) = signed.decode::<Heads>() else { return };
        let Some(key) = self.charter.key(&note.member) else { return };
        if note.member == self.me
            || note.heads.len() > MAX_HEADS
            || !self.roster.members.contains_key(&note.member)
            || !signed.is_by(key, Label::Heads, &self.id)
        {
            return;
        }
        // whoever comes back is heard of, though it has nothing to say.
        self.speaking.present.insert(note.member);
        // Who has what is not here learns by this node's own note that it is lacking.
        self.helping.back |= note.heads.iter().any(|id| self.charter.get(id).is_none());
        let has = self.charter.covered_by_known(&note.heads);
        if (0..self.charter.held().len()).all(|place| has.contains(place)) {
            self.helping.notes.remove(&note.member);
            return;
        }
        let wait = u64::from_be_bytes(random(env.rng)) % NOTE_MS;
        let at = env.now.plus(wait);
        self.helping.notes.entry(note.member).or_insert(at);
    }
}

/// Charter heads that a note tells.
const MAX_HEADS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(kind: u8, count: u8) -> BTreeSet<EpochId> {
        let id = |number| {
            let mut id = [0; 32];
            id[..2].copy_from_slice(&[kind, number]);
            EpochId(id)
        };
        (0..count).map(id).collect()
    }

    #[test]
    fn a_flood_of_what_is_lacking_keeps_nothing_back() {
        let lacking = [ids(0, 2), ids(1, 200), ids(2, 20), BTreeSet::new()];
        let mut named = [EpochId([0; 32]); 4];
        let mut flood = BTreeSet::new();
        for _ in 0..5 {
            let ask = in_turn(&lacking, &mut named);
            let ask: BTreeSet<EpochId> = ask.into_iter().collect();
            assert_eq!(ask.len(), MAX_LACKS, "nothing is named twice");
            assert!(lacking[0].is_subset(&ask) && lacking[2].is_subset(&ask));
            flood.extend(ask.intersection(&lacking[1]).copied());
        }
        assert_eq!(flood, lacking[1], "42 of it have a place in each of five asks");
    }

    #[test]
    fn what_fits_into_an_ask_is_in_each() {
        let lacking = [ids(0, 20), ids(1, 40), ids(2, 2), ids(3, 2)];
        let all: BTreeSet<EpochId> = lacking.iter().flatten().copied().collect();
        let mut named = [EpochId([0; 32]); 4];
        for _ in 0..3 {
            let ask: BTreeSet<EpochId> = in_turn(&lacking, &mut named).into_iter().collect();
            assert_eq!(ask, all);
        }
    }
}
