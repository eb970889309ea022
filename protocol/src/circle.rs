//! A circle on one device: the only place that knows charter, epochs and messages together.
//!
//! Everything that comes goes one way. An envelope is opened in its mailbox; what lies on a board goes
//! to the charter, the cards and the epochs; what lies in an epoch goes to the log. Then [`Circle::settle`]
//! draws all conclusions, until nothing changes: fold the roster, judge openings, take part in new
//! mailboxes, open what is due, answer who waits, seal what was said.

pub(crate) mod again;
pub(crate) mod board;
pub(crate) mod boards;
pub mod card;
pub mod charter;
mod coming;
mod copies;
mod duties;
pub mod epoch;
mod governing;
mod happened;
pub(crate) mod head;
mod hear;
pub mod help;
#[cfg(feature = "sim")]
pub(crate) mod inside;
mod kept;
pub(crate) mod log;
mod opening;
mod quota;
mod rates;
mod relays;
pub mod roster;
mod speak;
mod terms;
pub(crate) mod views;
pub mod votes;
mod voting;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use minicbor::{Decode, Encode};

use self::board::BoardItem;
use self::card::{CardSecrets, Cards, VerifiedCard, next_rev, tag_of};
use self::charter::{Act, Charter, FoundBody};
use self::copies::Copies;
use self::epoch::{Header, Opening, SealedBox};
use self::happened::Told;
use self::head::{Epoch, Epochs, State};
use self::help::Helping;
use self::log::Log;
use self::opening::{Follow, SavedOpening};
use self::roster::Roster;
use self::speak::Speaking;
pub(crate) use self::views::Reading;
use self::waiting::WaitingRoom;
use crate::admission::{Entering, Origin};
use crate::batch::{Batch, numbered, placed};
use crate::boundary::{
    Env, Event, Judgement, KeySlot, Link, Output, RelayAddress, RelayKey, Room, SlotKind,
    Timestamp, Topic,
};
use crate::crypto::{KeyPair, Secret, Suite, random, sha256};
use crate::envelope::{Envelope, TAKEN_AHEAD_H};
use crate::exchange::{Exchange, Keeping, Outcome};
use crate::identity::{
    BoardName, CardId, CircleId, DeviceId, Digest, EpochId, Identity, MailboxId, MemberId, Nonce,
    OperationId, Peer, PublicKey, RequestId,
};
use crate::invite::InviteCode;
use crate::mailbox::Refusal;
use crate::message::Run;
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::{self, Bytes};

/// Frames and cards that wait for an opening, an operation or a card.
const MAX_STUCK: usize = 1_024;
/// Openings that wait for their opener to be known; each may have 1 MiB.
const MAX_STUCK_OPENINGS: usize = 32;
/// How long an admission may not stand before what was entered by it is given up: operations come late.
const FALLEN_MS: u64 = 10 * 60_000;
/// Days for which relays keep things: what is older is not served.
const HORIZON_DAYS: u64 = 30;

/// A circle as its own record.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct Record {
    #[n(1)]
    label: String,
    #[n(2)]
    handle: String,
    #[n(3)]
    salt: Nonce,
    #[n(4)]
    device: DeviceId,
    #[n(5)]
    suite: u8,
    /// When this member was found to belong, ms since 1970.
    #[n(6)]
    joined: Option<u64>,
    /// What the welcome came from, until it is verified.
    #[n(7)]
    origin: Option<Origin>,
    /// Relays that this device uses by itself.
    #[n(8)]
    relays: Vec<OwnRelay>,
    /// Rows before this one were read.
    #[n(9)]
    read_row: u64,
    /// The name on the join card.
    #[n(10)]
    name: String,
    /// What a code of this circle is recognised by: the hash of its text.
    #[n(11)]
    code: Option<Digest>,
    /// Another copy of this home goes on, and this one says nothing.
    #[n(12)]
    silent: bool,
    /// More of this home's own was found than is here, and it is no new device yet.
    #[n(14)]
    #[cbor(default)]
    behind: bool,
    /// As which devices this home spoke before.
    #[n(13)]
    devices: Vec<DeviceId>,
    /// When a host was heard of last, days since 1970.
    #[n(15)]
    heard: Option<u32>,
    /// Relays of the code that was not reached before the welcome came: with them until this member is in.
    #[n(16)]
    #[cbor(default)]
    hints: Vec<RelayHint>,
    /// What was asked, until the welcome is verified.
    #[n(17)]
    request: Option<RequestId>,
    /// Why the inviter ended the asking, until the welcome is verified.
    #[n(18)]
    ended: Option<u8>,
}

/// A relay that this device uses by itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct OwnRelay {
    #[n(0)]
    addresses: Vec<Bytes>,
    #[n(1)]
    key: Peer,
}

/// A relay of which only what a code says is known.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(array)]
struct RelayHint {
    #[n(0)]
    addresses: Vec<Bytes>,
    /// See [`RelayKey::Tag`].
    #[cbor(n(1), with = "minicbor::bytes")]
    tag: [u8; 16],
}

/// A board whose secret is here.
#[derive(Debug)]
struct Board {
    secret: Secret,
    sealed: SealedBox,
}

/// Where a mailbox leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leads {
    Board(BoardName),
    Epoch(EpochId),
    Rendezvous(OperationId),
    /// Where this member was welcomed, until a welcome was borne out.
    Coming,
}

/// One membership.
#[derive(Debug)]
pub(crate) struct Circle {
    pub(crate) id: CircleId,
    pub(crate) exchange: Exchange,
    record: Record,
    suite: Suite,
    pair: KeyPair,
    me: MemberId,
    run: Run,
    charter: Charter,
    roster: Roster,
    terms: terms::Terms,
    duties: duties::Duties,
    cards: Cards,
    own_cards: BTreeMap<CardId, CardSecrets>,
    epochs: Epochs,
    boards: BTreeMap<BoardName, Board>,
    mailboxes: BTreeMap<MailboxId, Leads>,
    log: Log,
    kept: kept::Kept,
    speaking: Speaking,
    waiting: WaitingRoom,
    stuck_frames: VecDeque<(MailboxId, Envelope)>,
    stuck_cards: VecDeque<Signed>,
    stuck_openings: VecDeque<Opening>,
    tokens: BTreeMap<Peer, [u8; 16]>,
    open_at: Option<Timestamp>,
    /// What else could be the head.
    beside: BTreeSet<EpochId>,
    /// Since when the admission that this device came in by does not stand.
    fell_at: Option<Timestamp>,
    /// When boards are looked after next.
    look_at: Option<Timestamp>,
    helping: Helping,
    copies: Copies,
    /// Whether openings came since it was looked whether they are too many.
    crowded: bool,
    /// Whether a card came for which frames may wait.
    card_came: bool,
    /// When this run began.
    started: Timestamp,
    rows: [u64; 3],
    folded: usize,
    told: Told,
    /// While what was saved is read back.
    restoring: bool,
    /// The epoch to speak in, and whether a new one is due: drawn from charter, cards and epochs
    /// whenever one of these changed.
    head: Option<EpochId>,
    due: bool,
}

/// What a founder decides.
#[derive(Debug)]
pub(crate) struct Founding {
    pub(crate) name: String,
    pub(crate) handle: String,
    pub(crate) template: &'static crate::template::Template,
    pub(crate) relays: Vec<RelayAddress>,
    pub(crate) open: bool,
    pub(crate) retention_s: Option<u64>,
    pub(crate) direct: bool,
    pub(crate) thin: bool,
}

impl Circle {
    fn with(
        id: CircleId,
        link: Link,
        record: Record,
        identity: &Identity,
        env: &mut Env<'_>,
        mesh: bool,
    ) -> Self {
        let pair = identity.pseudonym(&record.salt);
        let suite = Suite::from_number(record.suite).unwrap_or(Suite::Hybrid);
        let run = Run { device: record.device, run: u64::from_be_bytes(random(env.rng)) };
        Self {
            id,
            exchange: Exchange::new(link, id.0, mesh),
            suite,
            me: MemberId::of(&PublicKey(pair.public())),
            pair,
            run,
            charter: Charter::new(id),
            roster: Roster::default(),
            terms: terms::Terms::default(),
            duties: duties::Duties::default(),
            cards: Cards::default(),
            own_cards: BTreeMap::new(),
            epochs: Epochs::default(),
            boards: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            log: Log::new(id),
            kept: kept::Kept::default(),
            speaking: Speaking::default(),
            waiting: WaitingRoom::default(),
            stuck_frames: VecDeque::new(),
            stuck_cards: VecDeque::new(),
            stuck_openings: VecDeque::new(),
            tokens: BTreeMap::new(),
            open_at: None,
            beside: BTreeSet::new(),
            fell_at: None,
            look_at: None,
            helping: Helping::default(),
            copies: Copies::default(),
            crowded: false,
            card_came: false,
            started: env.now,
            rows: [0; 3],
            folded: 0,
            told: Told::default(),
            restoring: false,
            head: None,
            due: false,
            record,
        }
    }

    /// Founds a circle (walkthrough, 1).
    pub(crate) fn found(
        env: &mut Env<'_>,
        batch: &mut Batch,
        link: Link,
        identity: &Identity,
        founding: Founding,
        mesh: bool,
    ) -> Self {
        let suite = if founding.thin { Suite::Thin } else { Suite::Hybrid };
        let record = Record {
            label: founding.name.clone(),
            handle: founding.handle.clone(),
            salt: Nonce(random(env.rng)),
            device: DeviceId(random(env.rng)),
            suite: suite.number(),
            joined: Some(env.now.0),
            origin: None,
            relays: Vec::new(),
            read_row: 0,
            name: founding.name.clone(),
            code: None,
            silent: false,
            behind: false,
            devices: Vec::new(),
            hints: Vec::new(),
            heard: Some(env.now.day()),
            request: None,
            ended: None,
        };
        let pair = identity.pseudonym(&record.salt);
        let rev = next_rev(None, env.now);
        let (card, secrets) =
            VerifiedCard::make(&pair, &CircleId::NONE, suite, record.device, rev, env.rng);
        let body = FoundBody {
            nonce: Nonce(random(env.rng)),
            suite: suite.number(),
            handle: founding.handle,
            card: card.signed.clone(),
            key: PublicKey(pair.public()),
        };
        let (id, signed) = Charter::found(body, &pair);
        let mut circle = Self::with(id, link, record, identity, env, mesh);
        circle.save_record(batch);
        circle.hold_card_secrets(batch, card.id, secrets);
        let mut items = Vec::new();
        circle.take_operation(batch, signed.clone());
        items.push(BoardItem::Operation(signed));
        circle.fold();
        circle.open_epoch(env, batch, Follow::Nothing);
        let relays = circle.relay_bodies(env, batch, &founding.relays);
        let acts = [
            Act::Circle(charter::CircleBody {
                rev: 1,
                name: founding.name,
                template: founding.template.name.to_owned(),
                source: None,
            }),
            Act::Policy(charter::PolicyBody {
                rev: 1,
                open: founding.open,
                retention_s: founding.retention_s.or(Some(founding.template.keep_h * 3_600)),
                direct: founding.direct,
                epoch_days: if founding.thin { 30 } else { 7 },
                late_days: 7,
            }),
            Act::Relays(charter::RelaysBody { rev: 1, relays }),
        ];
        for act in acts {
            let signed = circle.charter.sign(&act, &circle.pair);
            circle.take_operation(batch, signed.clone());
            items.push(BoardItem::Operation(signed));
        }
        circle.fold();
        circle.copies = Copies::Alone;
        circle.post(env, batch, &circle.head_board(), &items);
        circle.settle(env, batch);
        circle
    }

    /// Begins as a newcomer whose welcome opened (walkthrough, 2). The board is still to be read.
    pub(crate) fn enter(
        env: &mut Env<'_>,
        batch: &mut Batch,
        identity: &Identity,
        entering: Entering,
        mut exchange: Exchange,
        mesh: bool,
    ) -> Self {
        let (mut relays, mut hints) = (Vec::new(), Vec::new());
        for (addresses, key) in entering.relays {
            let addresses = addresses.into_iter().map(Bytes).collect();
            match key {
                RelayKey::Known(key) => relays.push(OwnRelay { addresses, key }),
                RelayKey::Tag(tag) => hints.push(RelayHint { addresses, tag }),
            }
        }
        let record = Record {
            label: entering.label.unwrap_or_else(|| entering.name.clone()),
            handle: entering.handle,
            salt: entering.salt,
            device: entering.device,
            suite: entering.suite.number(),
            joined: None,
            origin: Some(entering.origin),
            relays,
            hints,
            read_row: 0,
            name: entering.name,
            code: Some(Digest(sha256(entering.code.as_bytes()))),
            silent: false,
            behind: false,
            devices: Vec::new(),
            heard: Some(env.now.day()),
            request: Some(entering.request),
            ended: entering.ended,
        };
        let link = exchange.link;
        let mut circle = Self::with(entering.circle, link, record, identity, env, mesh);
        exchange.hand_over(env, batch, circle.id.0, mesh);
        circle.exchange = exchange;
        circle.save_record(batch);
        circle.hold_card_secrets(batch, entering.card.id, entering.card_secrets);
        circle.keep_card(batch, entering.card);
        let header: Option<Header> = entering.header.decode();
        if let Some(header) = header {
            let entry = Some(entering.entry);
            circle.hold_epoch(env, batch, entering.header, header, entry, Some(entering.secrets));
        }
        circle.await_welcome(env, batch);
        circle.settle(env, batch);
        circle
    }

    /// Reads back a circle that was saved.
    pub(crate) fn restore(
        env: &mut Env<'_>,
        batch: &mut Batch,
        link: Link,
        identity: &Identity,
        id: CircleId,
        saved: &[u8],
        mesh: bool,
    ) -> Option<Self> {
        let record: Record = wire::decode(saved)?;
        let mut circle = Self::with(id, link, record, identity, env, mesh);
        for (slot, secret) in env.store.secrets() {
            if slot.owner != id.0 {
                continue;
            }
            match slot.kind {
                SlotKind::Card => {
                    if let Some(secrets) = CardSecrets::from_secret(&secret) {
                        circle.own_cards.insert(CardId(slot.id), secrets);
                    }
                }
                SlotKind::Board => circle.hold_board(env, batch, secret, false),
                SlotKind::Token => {
                    if let Some(token) = secret.array() {
                        circle.tokens.insert(Peer(slot.id), token);
                    }
                }
                _ => {}
            }
        }
        let rows = |env: &Env<'_>, room| env.store.scan(room, &id.0, &[], false, usize::MAX);
        for (_, saved) in rows(env, Room::Operations) {
            circle.rows[0] += 1;
            if let Some(signed) = wire::decode(&saved) {
                circle.charter.take(signed);
            }
        }
        // Only now: what was taken in once is in, whatever the clock says today.
        circle.charter.at(env.now);
        circle.fold();
        for (place, saved) in rows(env, Room::Cards) {
            let row = place.as_slice().try_into().map_or(circle.rows[1], u64::from_be_bytes);
            circle.rows[1] = row.saturating_add(1);
            if let Some(signed) = wire::decode::<Signed>(&saved) {
                circle.take_card(env, batch, signed, Some(row));
            }
        }
        circle.cards_of_charter();
        circle.ignore_own_ahead(env);
        let secrets: BTreeMap<KeySlot, Secret> = env.store.secrets().into_iter().collect();
        for (place, saved) in rows(env, Room::Openings) {
            // Some were let go of, so that the rows are not numbered without holes.
            circle.rows[2] = place.as_slice().try_into().map_or(circle.rows[2], u64::from_be_bytes);
            if let Some(opening) = wire::decode::<SavedOpening>(&saved) {
                circle.restore_epoch(env, batch, opening, &secrets);
            }
            circle.rows[2] = circle.rows[2].saturating_add(1);
        }
        circle.destroy_left_keys(batch, &secrets);
        if env.store.is_behind() || circle.record.behind {
            circle.copies = Copies::Behind;
        }
        // A store from before this was kept.
        if circle.record.heard.is_none() {
            circle.record.heard = Some(env.now.day());
            circle.save_record(batch);
        }
        circle.restoring = true;
        circle.restore_kept(env);
        circle.restore_waiting(env, batch);
        circle.restore_help(env);
        circle.restore_speaking(env, batch);
        circle.reread_rendezvous(env, batch);
        circle.await_welcome(env, batch);
        circle.restoring = false;
        circle.told = Told::before(&circle.roster, &circle.log);
        circle.settle(env, batch);
        Some(circle)
    }

    // ---- what is saved ----

    fn slot(&self, kind: SlotKind, id: [u8; 32]) -> KeySlot {
        KeySlot { kind, owner: self.id.0, id }
    }

    fn save_record(&self, batch: &mut Batch) {
        let key = placed(Room::Circles, &[0; 32], &self.id.0);
        batch.save(key, wire::encode(&self.record));
    }

    fn hold_card_secrets(&mut self, batch: &mut Batch, id: CardId, secrets: CardSecrets) {
        batch.make_key(self.slot(SlotKind::Card, id.0), secrets.secret());
        self.own_cards.insert(id, secrets);
    }

    /// Takes a card that lies in this row.
    fn hold_card(&mut self, card: VerifiedCard, row: Option<u64>) {
        self.epochs.learn(&card);
        self.cards.insert(card, row);
    }

    /// Takes and saves a card that is not here yet, and lets go of its member's surplus.
    fn keep_card(&mut self, batch: &mut Batch, card: VerifiedCard) {
        let (member, row) = (card.card.member, self.rows[1]);
        self.rows[1] += 1;
        batch.save(numbered(Room::Cards, &self.id.0, row), wire::encode(&card.signed));
        self.hold_card(card, Some(row));
        let (epochs, own) = (&self.epochs, &self.own_cards);
        let is_needed = |tag: &[u8; 16]| {
            own.keys().any(|id| tag_of(id) == *tag)
                || epochs.iter().any(|(_, epoch)| epoch.header.cards.iter().any(|at| at.0 == *tag))
        };
        for row in self.cards.thin_out(&member, is_needed) {
            batch.erase(numbered(Room::Cards, &self.id.0, row));
        }
    }

    // ---- what follows ----

    fn head(&self) -> Option<(&EpochId, &Epoch)> {
        let head = self.head.as_ref()?;
        self.epochs.get(head).map(|epoch| (head, epoch))
    }

    /// Draws again what follows from charter, cards and epochs.
    fn reckon(&mut self) {
        let me = (&self.me, &self.record.device);
        // an epoch that came late may name a card whose secrets have ended.
        let signs = |epoch: &Epoch| epoch.mine.and_then(|at| self.speak_key(epoch, at)).is_some();
        let head = self.epochs.head(&self.roster, &self.cards, me.1, signs);
        self.head = head.map(|(id, _)| *id);
        let candidates = self.epochs.candidates(&self.roster).map(|(id, _)| *id);
        self.beside = candidates.filter(|id| Some(*id) != self.head).collect();
        let (me, head) = ((&self.me, &self.record.device), self.head());
        let (today, apart) = (self.charter.now().day(), self.is_apart());
        self.due = self.epochs.is_due(&self.roster, &self.cards, me, head, today, apart);
    }

    // ---- what comes ----

    pub(crate) fn up(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        peer: Peer,
        me: Peer,
        relay: bool,
    ) {
        self.exchange.up(env, batch, peer, me, relay);
    }

    pub(crate) fn down(&mut self, batch: &mut Batch, peer: &Peer) {
        self.exchange.down(batch, peer);
        batch.notify(Event::Circle { circle: self.id });
    }

    pub(crate) fn frame(&mut self, env: &mut Env<'_>, batch: &mut Batch, peer: Peer, bytes: &[u8]) {
        let outcome = self.exchange.frame(env, batch, peer, bytes);
        self.take(env, batch, outcome);
    }

    /// One gossiped envelope: passed on once it was found good.
    pub(crate) fn gossip(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        topic: &Topic,
        id: u64,
        bytes: Vec<u8>,
    ) {
        let judgement = match (self.exchange.mailbox_of(topic), Envelope::parse(bytes)) {
            (Some(mailbox), Some(envelope))
                if self.exchange.lacks(&mailbox, &envelope.id(&mailbox)) =>
            {
                self.take_envelope(env, batch, mailbox, envelope)
            }
            (Some(_), Some(_)) | (None, _) => Judgement::Ignore,
            (Some(_), None) => Judgement::Reject,
        };
        let link = self.exchange.link;
        batch.push(Output::Verdict { link, id, judgement });
        self.settle(env, batch);
    }

    fn take(&mut self, env: &mut Env<'_>, batch: &mut Batch, outcome: Outcome) {
        let news = !outcome.arrived.is_empty() || !outcome.synced.is_empty();
        for (mailbox, envelope) in outcome.arrived {
            self.take_envelope(env, batch, mailbox, envelope);
        }
        self.relayed(batch, &outcome.acked);
        if outcome.refused.iter().any(|(_, why)| *why == Refusal::Age) {
            self.speaking.off_hour = true;
        }
        for mailbox in &outcome.acked_in {
            self.tell_rendezvous(batch, mailbox);
            batch.notify(Event::Circle { circle: self.id });
        }
        if outcome.relays_changed || !outcome.proven.is_empty() {
            batch.notify(Event::Circle { circle: self.id });
        }
        if news || !outcome.proven.is_empty() {
            self.settle(env, batch);
        }
    }

    fn take_envelope(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        mailbox: MailboxId,
        envelope: Envelope,
    ) -> Judgement {
        // not from the future; it comes again once its hour has come.
        let latest = env.now.hour().saturating_add(TAKEN_AHEAD_H);
        if envelope.hour() > latest && !is_planted(Planted::HourUnchecked) {
            return Judgement::Ignore;
        }
        let id = envelope.id(&mailbox);
        let sealed = self.exchange.sealed(&mailbox);
        let plain = sealed.and_then(|sealed| envelope.open(&sealed.key, &mailbox));
        if let (Some(Leads::Epoch(epoch)), None) = (self.mailboxes.get(&mailbox), &plain)
            && self.epochs.get(epoch).is_some_and(|epoch| epoch.ended)
        {
            self.helping.unread.insert(*epoch);
            self.exchange.reject(mailbox, id);
            return Judgement::Ignore;
        }
        let (Some(leads), Some(plain)) = (self.mailboxes.get(&mailbox).copied(), plain) else {
            self.exchange.reject(mailbox, id);
            return Judgement::Reject;
        };
        match leads {
            Leads::Board(board) => {
                let Some(items) = board::decode(&plain) else {
                    self.exchange.reject(mailbox, id);
                    return Judgement::Reject;
                };
                let mut later = false;
                for item in items {
                    later |= !self.take_board_item(env, batch, &board, item);
                }
                let keeping = Keeping { later, ..Keeping::default() };
                self.exchange.keep(batch, mailbox, &envelope, keeping);
                Judgement::Accept
            }
            Leads::Epoch(epoch) => self.take_frame(env, batch, epoch, mailbox, envelope, &plain),
            Leads::Rendezvous(invite) => {
                self.exchange.keep(batch, mailbox, &envelope, Keeping::default());
                self.take_rendezvous(env, batch, invite, &plain);
                Judgement::Accept
            }
            Leads::Coming => {
                self.exchange.keep(batch, mailbox, &envelope, Keeping::default());
                self.take_answer(env, batch, &plain);
                Judgement::Accept
            }
        }
    }

    /// Draws all conclusions from what is on hand.
    pub(crate) fn settle(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let mut turned = false;
        loop {
            let mut changed = std::mem::take(&mut self.card_came) && !self.stuck_frames.is_empty();
            let waits = self.epochs.iter().filter(|(_, epoch)| epoch.state == State::Waits);
            let named = waits.map(|(_, epoch)| (&epoch.header.opener, &epoch.header.heads[..]));
            let ids = self.charter.call(named);
            self.keep_operations(batch, &ids);
            self.find_waited(env, ids);
            if self.folded != self.charter.held().len() {
                self.fold();
                changed = true;
            }
            for signed in std::mem::take(&mut self.stuck_cards) {
                if !self.card_waits(env, &signed)
                    && self.take_card(env, batch, signed.clone(), None)
                {
                    changed = true;
                } else {
                    self.stuck_cards.push_back(signed);
                }
            }
            for opening in std::mem::take(&mut self.stuck_openings) {
                if self.take_opening(env, batch, &opening) {
                    changed = true;
                } else {
                    self.stuck_openings.push_back(opening);
                }
            }
            changed |= self.judge(env, batch);
            if !changed {
                break;
            }
            turned = true;
            for (mailbox, envelope) in std::mem::take(&mut self.stuck_frames) {
                self.take_envelope(env, batch, mailbox, envelope);
            }
        }
        self.finish_entering(env, batch);
        self.tell_what_happened(env, batch);
        self.use_relays(batch);
        turned |= self.read_head_board(env, batch);
        self.crowded |= turned;
        if self.crowded && !self.exchange.is_busy() {
            self.crowded = false;
            self.thin_out(batch);
        }
        // What only waits has secrets as well.
        self.keep_within_limits(env, batch);
        if turned {
            self.keep_quiet(env, batch);
        }
        self.release_held(env, batch);
        self.settle_copies(env, batch);
        self.tend_invites(env, batch);
        if self.may_act() {
            self.ask_for_help(env, batch);
        }
        if self.may_speak() {
            if !self.due && self.next_apart().is_some_and(|at| at <= env.now) {
                self.reckon();
            }
            self.open_when_due(env, batch);
            self.tend_boards(env, batch);
            self.help(env, batch);
            if turned {
                self.tell_again(batch);
            }
            self.say_again(env, batch);
            self.speak(env, batch);
        }
    }

    /// Whether this member came in by this code.
    pub(crate) fn came_by(&self, code: &InviteCode) -> bool {
        self.record.code == Some(Digest(sha256(code.text().as_bytes())))
    }

    /// A relay could not be reached this time.
    pub(crate) fn unreachable(&self, batch: &mut Batch) {
        batch.notify(Event::Circle { circle: self.id });
    }

    /// Whether the welcome was borne out.
    pub(crate) fn is_in(&self) -> bool {
        self.record.origin.is_none()
    }

    /// Whether this member's place in the circle has not ended.
    pub(crate) fn belongs(&self) -> bool {
        !self.is_in() || self.roster.members.contains_key(&self.me)
    }

    /// Whether everything that some peer has on the board of the head is here; where there is no head, on a board where
    /// the next opening would be read. What nothing supersedes may all be somebody's whose boards nobody has (H-10).
    fn in_step(&self) -> bool {
        let read = |name: &BoardName| {
            let board = self.boards.get(name);
            board.is_some_and(|board| self.exchange.is_in_step(&board.sealed.mailbox()))
        };
        match self.head() {
            Some((_, epoch)) => read(&epoch.header.board),
            None => self.leaf_boards().iter().chain(&self.head_board()).any(read),
        }
    }

    /// The time has come for something.
    pub(crate) fn tick(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        self.exchange.tick(env, batch);
        self.tick_log(env, batch);
        if self.log.next_expiry().is_some_and(|at| at <= env.now) {
            self.log.expire(batch, env.now);
        }
        let horizon = HORIZON_DAYS * 24;
        let before = u64::from(env.now.hour()).saturating_sub(horizon);
        self.exchange.expire(batch, u32::try_from(before).unwrap_or(0));
        self.end_epochs(env, batch);
        self.end_cards(env, batch);
        if self.may_act() && self.in_step() {
            self.say_what_ended(env, batch);
            self.do_duties(env, batch);
        }
        self.settle(env, batch);
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let log = match self.exchange.is_busy() {
            _ if self.log.goes_on() => Some(Timestamp(0)),
            true => None,
            false => self.log.next_wake(),
        };
        // What cannot be done now is done by the input that makes it possible.
        let able = self.may_speak();
        let speaks =
            able && !self.due && self.head.is_some() && self.in_step() && !self.holds_back();
        [
            self.exchange.next_wake(),
            log,
            self.log.next_expiry(),
            self.next_release(),
            self.next_term(able && self.in_step()),
            self.next_duty(able && self.in_step()),
            self.fell_at.map(|at| at.plus(FALLEN_MS)),
            self.open_at.filter(|_| able && self.in_step()),
            self.next_apart().filter(|at| able && !self.due && *at > self.charter.now()),
            self.waiting.next_wake().filter(|_| able),
            self.next_invite_end(),
            self.next_seen().filter(|_| speaks),
            self.speaking.look_at.map(|(at, _)| at).filter(|_| speaks),
            self.next_look().filter(|_| able),
            self.next_ask().filter(|_| self.may_act()),
            self.next_help().filter(|_| able),
            self.next_behind().filter(|_| able),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Forgets everything of this circle on this device.
    pub(crate) fn wipe(&self, env: &Env<'_>, batch: &mut Batch) {
        for (slot, _) in env.store.secrets() {
            if slot.owner == self.id.0 {
                batch.destroy_key(slot);
            }
        }
        for room in [
            Room::Operations,
            Room::Openings,
            Room::Cards,
            Room::Messages,
            Room::Devices,
            Room::Local,
            Room::Once,
        ] {
            for (place, _) in env.store.scan(room, &self.id.0, &[], false, usize::MAX) {
                batch.erase(placed(room, &self.id.0, &place));
            }
        }
        self.exchange.forget(env, batch);
        batch.erase(placed(Room::Circles, &[0; 32], &self.id.0));
    }
}

#[cfg(test)]
mod tests;
