//! Invites and the waiting room: what lies at a rendezvous, and the side of who comes with a code
//!

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use crate::batch::{Batch, placed};
use crate::boundary::{
    Admit, DAY_MS, Env, Event, JoinEnd, JoinState, JoinView, KeySlot, Link, RelayKey, Room,
    SlotKind, Timestamp,
};
use crate::circle::board::invite_secret;
use crate::circle::card::{CardSecrets, VerifiedCard, next_rev};
use crate::circle::epoch::{EpochSecrets, Header, SealedBox};
use crate::crypto::{KeyPair, Label, Suite, derive, hash, random, verify};
use crate::envelope::Envelope;
use crate::exchange::{Exchange, Keeping, Outcome};
use crate::identity::{
    CircleId, DeviceId, Digest, Identity, InviteId, MailboxId, MemberId, Nonce, PublicKey,
    RequestId, Signature,
};
use crate::invite::InviteCode;
use crate::mailbox::Refusal;
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::{self, Bytes};

/// Reasons of a closing note, as R-61 numbers them.
pub(crate) const USED: u8 = 1;
pub(crate) const EXPIRED: u8 = 2;
pub(crate) const DECLINED: u8 = 4;
pub(crate) const FULL: u8 = 5;
/// How long an answer may be on its way once an invite's time is over: members were away too.
const LATE_MS: u64 = 10 * 60_000;
/// Longest request (U-140).
const MAX_REQUEST: usize = 8 << 10;

/// What grows from an invite's secret.
#[derive(Clone, Debug)]
pub(crate) struct Rendezvous {
    /// The mailbox and the key that seals what is posted there.
    pub(crate) sealed: SealedBox,
    /// Proves that one knows the secret.
    pub(crate) proof: KeyPair,
}

impl Rendezvous {
    pub(crate) fn of(secret: &[u8; 16]) -> Self {
        let grown = |label| derive(secret, label, &CircleId::NONE, &[]);
        Self {
            sealed: SealedBox {
                pair: KeyPair::from_seed(&grown(Label::InviteMailbox)),
                key: grown(Label::InviteKey),
            },
            proof: KeyPair::from_seed(&grown(Label::InviteProof)),
        }
    }

    pub(crate) fn mailbox(&self) -> MailboxId {
        self.sealed.mailbox()
    }

    pub(crate) fn seal(
        &self,
        item: &RendezvousItem,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Envelope {
        Envelope::seal(&self.sealed.key, &self.mailbox(), now, &wire::encode(item), rng)
            .expect("what lies at a rendezvous is far smaller than an envelope")
    }
}

/// What the circle's side of an invite is recognised by: the code's secret follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Origin {
    #[n(0)]
    pub(crate) circle: CircleId,
    #[n(1)]
    pub(crate) invite: InviteId,
    #[n(2)]
    pub(crate) inviter: MemberId,
    #[n(3)]
    pub(crate) r: Digest,
}

impl Origin {
    /// The secret of the code.
    pub(crate) fn secret(&self) -> [u8; 16] {
        invite_secret(&self.circle, &self.invite, &self.inviter, &self.r)
    }

    pub(crate) fn fits(&self, secret: &[u8; 16]) -> bool {
        self.secret() == *secret || is_planted(Planted::CodeOfAnyCircle)
    }
}

/// One thing at a rendezvous.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum RendezvousItem {
    /// What the circle says to who holds the code: a signed [`JoinCard`].
    #[n(0)]
    Card(#[n(0)] Signed),
    /// The invite is closed: a signed [`ClosingNote`].
    #[n(1)]
    Closed(#[n(0)] Signed),
    /// Somebody asks to be let in.
    #[n(2)]
    Request(#[n(0)] Request),
    /// Somebody is in: a signed [`Welcome`].
    #[n(3)]
    Welcome(#[n(0)] Signed),
    /// Somebody is not let in: a signed [`ClosingNote`] with a name.
    #[n(4)]
    Refusal(#[n(0)] Signed),
}

/// What the circle says to who holds the code.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct JoinCard {
    #[n(1)]
    pub(crate) origin: Origin,
    /// The pseudonym key of who signed.
    #[n(2)]
    pub(crate) key: PublicKey,
    #[n(3)]
    pub(crate) name: String,
    #[n(4)]
    pub(crate) template: String,
    #[n(5)]
    pub(crate) rules: Vec<String>,
    #[n(6)]
    pub(crate) open: bool,
    /// When the invite ends, ms since 1970.
    #[n(7)]
    pub(crate) expires: u64,
    /// The suite's number: the joiner's card is made for it.
    #[n(8)]
    pub(crate) suite: u8,
}

/// The invite is closed, or somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ClosingNote {
    #[n(1)]
    pub(crate) origin: Origin,
    #[n(2)]
    pub(crate) key: PublicKey,
    /// Revoked 0, used 1, expired 2, removal 3, declined 4, full 5.
    #[n(3)]
    pub(crate) why: u8,
    /// Whom it is for; nobody: all who hold the code.
    #[n(4)]
    pub(crate) to: Option<RequestId>,
}

/// Somebody asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Request {
    /// A signed [`RequestBody`], by the new pseudonym key.
    #[n(0)]
    pub(crate) body: Signed,
    /// Over the same bytes, by the invite's proof key.
    #[n(1)]
    pub(crate) proof: Signature,
}

/// What a request says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RequestBody {
    #[n(1)]
    pub(crate) circle: CircleId,
    #[n(2)]
    pub(crate) invite: InviteId,
    /// The new pseudonym key.
    #[n(3)]
    pub(crate) key: PublicKey,
    /// Its first card.
    #[n(4)]
    pub(crate) card: Signed,
    #[n(5)]
    pub(crate) handle: String,
}

/// Somebody is in: what opens the first epoch.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Welcome {
    #[n(1)]
    pub(crate) origin: Origin,
    /// The pseudonym key of who let in.
    #[n(2)]
    pub(crate) key: PublicKey,
    /// Whom it is for.
    #[n(3)]
    pub(crate) to: RequestId,
    /// A signed [`Header`].
    #[n(4)]
    pub(crate) header: Signed,
    /// The newcomer's entry.
    #[n(5)]
    pub(crate) entry: Bytes,
}

impl ClosingNote {
    /// Why a signed note ends the asking `own` by the code with this secret, and whether the inviter says so.
    pub(crate) fn ends(
        signed: &Signed,
        secret: &[u8; 16],
        own: Option<RequestId>,
    ) -> Option<(u8, bool)> {
        let note: Self = signed.decode()?;
        let by = signed.is_by(&note.key, Label::InviteNote, &note.origin.circle);
        // Who asked in time is answered by name: "used" or "ended" for all may speak of who came first.
        let for_all = note.to.is_none() && (own.is_none() || !matches!(note.why, USED | EXPIRED));
        let mine = for_all || note.to.is_some() && note.to == own;
        // Everybody who has the code can write a note: only the inviter's word ends the wait.
        let inviter = MemberId::of(&note.key) == note.origin.inviter
            || is_planted(Planted::AnybodyEndsInvites);
        (by && mine && note.origin.fits(secret)).then_some((note.why, inviter))
    }
}

impl Request {
    pub(crate) fn id(&self, circle: &CircleId) -> RequestId {
        RequestId(self.body.id(Label::Request, circle)[..16].try_into().expect("half of 32 bytes"))
    }

    /// The body and the verified card, if everything about it is right.
    pub(crate) fn verify(
        &self,
        circle: &CircleId,
        proof: &PublicKey,
        suite: Suite,
    ) -> Option<(RequestBody, VerifiedCard)> {
        if self.body.content.0.len() > MAX_REQUEST {
            return None;
        }
        let body: RequestBody = self.body.decode()?;
        let good = body.circle == *circle
            && is_name(&body.handle)
            && self.body.is_by(&body.key, Label::Request, circle)
            && (verify(&proof.0, &self.proof.0, Label::Request, circle, &[&self.body.content.0])
                || is_planted(Planted::RequestUnproven));
        let card = VerifiedCard::verify(body.card.clone(), &body.key, circle, suite)?;
        good.then_some((body, card))
    }

    /// Six words of it, to be compared by who asks and who admits.
    pub(crate) fn words(&self, circle: &CircleId) -> Vec<String> {
        crate::words::six_words(&hash(Label::Words, circle, &[&self.body.content.0]))
    }
}

/// Whether a name can be shown (U-3): 1 to 40 characters, at most 128 bytes, trimmed, in NFC, on one
/// line, without control and bidi-control characters.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let bidi = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (1..=40).contains(&name.chars().count())
        && name.len() <= 128
        && name.trim() == name
        && unicode_normalization::is_nfc(name)
        && !name.chars().any(|c| c.is_control() || bidi(c) || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// An attempt to join by a code, until there is a circle or a reason why not.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) id: RequestId,
    pub(crate) exchange: Exchange,
    record: AttemptRecord,
    rendezvous: Rendezvous,
    pair: KeyPair,
    end: Option<JoinEnd>,
    /// Whether the end is the word of somebody who knows the code, and no more.
    soft: bool,
    secrets: Option<CardSecrets>,
    /// Since when nothing is heard though the invite's time is over.
    late_since: Option<Timestamp>,
}

/// An attempt as it is saved.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct AttemptRecord {
    /// The code's bytes.
    #[n(1)]
    code: String,
    #[n(2)]
    handle: Option<String>,
    #[n(3)]
    label: Option<String>,
    #[n(4)]
    salt: Nonce,
    #[n(5)]
    device: DeviceId,
    /// The request, once the join card was read and consent given.
    #[n(6)]
    request: Option<Request>,
    #[n(7)]
    made: u64,
    /// When the invite ends by its code, ms since 1970.
    #[n(10)]
    expires: u64,
    /// What the code leads to, once it was read.
    #[n(8)]
    card: Option<JoinCard>,
    /// Why the inviter, or the invite's own time, ended it.
    #[n(9)]
    ended: Option<u8>,
}

/// A welcome that opens: all that a circle begins with on a newcomer's device.
#[derive(Debug)]
pub(crate) struct Entering {
    pub(crate) circle: CircleId,
    pub(crate) suite: Suite,
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    pub(crate) handle: String,
    pub(crate) salt: Nonce,
    pub(crate) device: DeviceId,
    pub(crate) card: VerifiedCard,
    pub(crate) card_secrets: CardSecrets,
    pub(crate) origin: Origin,
    pub(crate) request: RequestId,
    /// Why the inviter ended the asking, if that came first.
    pub(crate) ended: Option<u8>,
    pub(crate) header: Signed,
    pub(crate) entry: Bytes,
    pub(crate) secrets: EpochSecrets,
    pub(crate) relays: Vec<(Vec<Vec<u8>>, RelayKey)>,
    pub(crate) code: String,
}

impl Attempt {
    /// Begins to look at what a code leads to; asks to be let in once there is a handle.
    pub(crate) fn begin(
        env: &mut Env<'_>,
        batch: &mut Batch,
        link: Link,
        identity: &Identity,
        code: &InviteCode,
    ) -> Self {
        let record = AttemptRecord {
            code: code.text(),
            handle: None,
            label: None,
            salt: Nonce(random(env.rng)),
            device: DeviceId(random(env.rng)),
            request: None,
            made: env.now.0,
            expires: code.ends_at().0,
            card: None,
            ended: None,
        };
        let id = RequestId(random(env.rng));
        Self::with(env, batch, link, identity, code, id, record)
    }

    fn with(
        env: &Env<'_>,
        batch: &mut Batch,
        link: Link,
        identity: &Identity,
        code: &InviteCode,
        id: RequestId,
        record: AttemptRecord,
    ) -> Self {
        let rendezvous = Rendezvous::of(&code.secret);
        let mut exchange = Exchange::new(link, owner_of(&id), false);
        let relays = code
            .relays
            .iter()
            .map(|relay| (vec![relay.address.clone()], RelayKey::Tag(relay.key_tag), None))
            .collect();
        exchange.use_relays(batch, relays);
        exchange.open(env, batch, rendezvous.sealed.clone(), true);
        Self {
            id,
            exchange,
            pair: identity.pseudonym(&record.salt),
            end: record.ended.map(end_of),
            record,
            rendezvous,
            soft: false,
            secrets: None,
            late_since: None,
        }
    }

    /// Reads back all attempts that were asked for.
    pub(crate) fn restore_all(
        env: &Env<'_>,
        batch: &mut Batch,
        identity: &Identity,
        links: &mut impl FnMut() -> Link,
    ) -> Vec<Self> {
        let rows = env.store.scan(Room::Circles, &[1; 32], &[], false, usize::MAX);
        let mut attempts = Vec::new();
        for (place, saved) in rows {
            let (Some(id), Some(record)) =
                (RequestId::from_slice(&place), wire::decode::<AttemptRecord>(&saved))
            else {
                continue;
            };
            let Ok(code) = InviteCode::parse(&record.code) else { continue };
            let mut attempt = Self::with(env, batch, links(), identity, &code, id, record);
            attempt.secrets = env
                .store
                .secrets()
                .into_iter()
                .find(|(slot, _)| *slot == attempt.slot())
                .and_then(|(_, secret)| CardSecrets::from_secret(&secret));
            attempts.push(attempt);
        }
        attempts
    }

    /// The person said yes, under this name.
    pub(crate) fn consent(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        handle: String,
        label: Option<String>,
    ) {
        if self.record.handle.is_none() {
            self.record.handle = Some(handle);
            self.record.label = label;
            self.save(batch);
            self.ask(env, batch);
        }
    }

    /// The time has come for something. A day beyond the end of its invite, if the relays have had no
    /// answer for a while or have forgotten it, it is over.
    pub(crate) fn tick(&mut self, env: &Env<'_>, batch: &mut Batch) {
        self.exchange.tick(env, batch);
        let read = self.exchange.is_in_step(&self.rendezvous.mailbox());
        let nothing = self.end.is_none() && read || self.end == Some(JoinEnd::Unknown);
        let late = self.record.expires.saturating_add(DAY_MS) <= env.now.0;
        if !late || !self.is_asked() || !nothing {
            self.late_since = None;
        } else if env.now.since(*self.late_since.get_or_insert(env.now)) >= LATE_MS {
            self.finish(batch, EXPIRED);
            batch.notify(Event::Join(self.view()));
        }
    }

    fn save(&self, batch: &mut Batch) {
        let key = placed(Room::Circles, &[1; 32], &self.id.0);
        batch.save(key, wire::encode(&self.record));
    }

    /// It is over for good. Relays forget why, so it is kept here.
    fn finish(&mut self, batch: &mut Batch, why: u8) {
        (self.end, self.soft) = (Some(end_of(why)), false);
        self.record.ended = Some(why);
        if self.is_asked() {
            self.save(batch);
        }
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let late = self.late_since.filter(|_| !self.is_over());
        self.exchange.next_wake().into_iter().chain(late.map(|at| at.plus(LATE_MS))).min()
    }

    /// Forgets the attempt. The link goes on if a circle took it over.
    pub(crate) fn forget(&self, batch: &mut Batch) {
        batch.erase(placed(Room::Circles, &[1; 32], &self.id.0));
        batch.destroy_key(self.slot());
    }

    fn slot(&self) -> KeySlot {
        KeySlot { kind: SlotKind::Card, owner: owner_of(&self.id), id: [0; 32] }
    }

    pub(crate) fn is_by(&self, code: &InviteCode) -> bool {
        self.record.code == code.text()
    }

    /// Whether somebody who may say so ended it. That a relay does not know the code is nobody's word
    /// the attempt goes on, and the person may ask for a new one.
    pub(crate) fn is_over(&self) -> bool {
        !self.soft && self.end.is_some_and(|end| end != JoinEnd::Unknown)
    }

    /// Whether nobody of the circle was heard yet.
    fn knows_nothing(&self) -> bool {
        self.record.card.is_none() && self.record.ended.is_none()
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.record.handle.is_some()
    }

    pub(crate) fn label(&self) -> Option<&String> {
        self.record.label.as_ref()
    }

    pub(crate) fn made(&self) -> Timestamp {
        Timestamp(self.record.made)
    }

    /// Posts the request, once the join card is here and the person said yes.
    fn ask(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        let (Some(card), Some(handle)) = (&self.record.card, &self.record.handle) else {
            return;
        };
        if self.record.request.is_some() || self.record.ended.is_some() {
            return;
        }
        let Some(suite) = Suite::from_number(card.suite) else { return };
        let circle = card.origin.circle;
        let rev = next_rev(None, env.now);
        let device = self.record.device;
        let (own, secrets) = VerifiedCard::make(&self.pair, &circle, suite, device, rev, env.rng);
        batch.make_key(self.slot(), secrets.secret());
        self.secrets = Some(secrets);
        let body = RequestBody {
            circle,
            invite: card.origin.invite,
            key: PublicKey(self.pair.public()),
            card: own.signed,
            handle: handle.clone(),
        };
        let body = Signed::new(&body, &self.pair, Label::Request, &circle);
        let proof = self.rendezvous.proof.sign(Label::Request, &circle, &[&body.content.0]);
        let request = Request { body, proof: Signature(proof) };
        self.record.request = Some(request.clone());
        self.save(batch);
        self.post(env, batch, request);
    }

    fn post(&mut self, env: &mut Env<'_>, batch: &mut Batch, request: Request) {
        let item = RendezvousItem::Request(request);
        let envelope = self.rendezvous.seal(&item, env.now, env.rng);
        let mailbox = self.rendezvous.mailbox();
        self.exchange.offer(batch, mailbox, envelope, None);
    }

    /// What came of a frame; a circle, if it was the welcome.
    pub(crate) fn take(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        outcome: Outcome,
    ) -> Option<Entering> {
        let mut entering = None;
        let mut items = Vec::new();
        for (mailbox, envelope) in outcome.arrived {
            // what a relay damages is handed on to no other one, which takes little from a newcomer.
            let Some(plain) = envelope.open(&self.rendezvous.sealed.key, &mailbox) else {
                self.exchange.reject(mailbox, envelope.id(&mailbox));
                continue;
            };
            items.extend(wire::decode::<RendezvousItem>(&plain));
            self.exchange.keep(batch, mailbox, &envelope, Keeping::default());
        }
        for item in &items {
            match item {
                RendezvousItem::Card(signed) => self.take_card(signed),
                RendezvousItem::Closed(signed) | RendezvousItem::Refusal(signed) => {
                    self.take_no(batch, signed);
                }
                RendezvousItem::Welcome(signed) if entering.is_none() => {
                    entering = self.take_welcome(signed);
                }
                _ => {}
            }
        }
        self.ask(env, batch);
        // After a restart the request may stand nowhere: the relay lost it, or it never got there.
        if outcome.synced.contains(&self.rendezvous.mailbox())
            && !self.stands(env, batch)
            && let Some(request) = self.record.request.clone()
        {
            self.post(env, batch, request);
        }
        let unknown = outcome.refused.iter().any(|(_, why)| matches!(why, Refusal::Closed));
        if unknown && self.knows_nothing() {
            self.end = Some(JoinEnd::Unknown);
        }
        if entering.is_none() {
            batch.notify(Event::Join(self.view()));
        }
        entering
    }

    /// Whether this attempt's request lies at the rendezvous.
    fn stands(&self, env: &Env<'_>, batch: &Batch) -> bool {
        let mailbox = self.rendezvous.mailbox();
        let held = self.exchange.contents(env, batch, &mailbox);
        held.iter().any(|envelope| {
            let plain = envelope.open(&self.rendezvous.sealed.key, &mailbox);
            let item = plain.and_then(|plain| wire::decode::<RendezvousItem>(&plain));
            matches!((item, &self.record.request), (Some(RendezvousItem::Request(there)), Some(own)) if there == *own)
        })
    }

    pub(crate) fn unreachable(&mut self, batch: &mut Batch, impostor: bool) {
        if impostor && self.knows_nothing() {
            self.end = Some(JoinEnd::RelayMismatch);
        }
        batch.notify(Event::Join(self.view()));
    }

    fn take_card(&mut self, signed: &Signed) {
        let Some(card) = signed.decode::<JoinCard>() else { return };
        // the inviter's own; all who hold the code know its r, so that alone proves nothing.
        let by = MemberId::of(&card.key) == card.origin.inviter
            && signed.is_by(&card.key, Label::InviteNote, &card.origin.circle);
        if by && card.origin.fits(&self.secret()) && self.record.card.is_none() {
            self.record.card = Some(card);
            if self.end == Some(JoinEnd::Unknown) {
                self.end = None;
            }
        }
    }

    fn take_no(&mut self, batch: &mut Batch, signed: &Signed) {
        match ClosingNote::ends(signed, &self.secret(), self.request_id()) {
            Some((why, true)) => self.finish(batch, why),
            Some((why, false)) if self.record.ended.is_none() => {
                (self.end, self.soft) = (Some(end_of(why)), true);
            }
            _ => {}
        }
    }

    fn take_welcome(&self, signed: &Signed) -> Option<Entering> {
        let welcome: Welcome = signed.decode()?;
        let circle = welcome.origin.circle;
        let good = signed.is_by(&welcome.key, Label::InviteNote, &circle)
            && welcome.origin.fits(&self.secret())
            && (Some(welcome.to) == self.request_id() || is_planted(Planted::WelcomeToAnybody));
        let (card, secrets) = (self.record.card.as_ref()?, self.secrets.clone()?);
        let suite = Suite::from_number(card.suite)?;
        let header: Header = welcome.header.decode()?;
        let key = PublicKey(self.pair.public());
        let me = MemberId::of(&key);
        let own = self.record.request.as_ref()?.body.decode::<RequestBody>()?;
        let own = VerifiedCard::verify(own.card, &key, &circle, suite)?;
        let opened = header.open_entry(suite, &me, &secrets, &welcome.entry.0)?;
        if !good || header.circle != circle {
            return None;
        }
        Some(Entering {
            circle,
            suite,
            name: card.name.clone(),
            label: self.record.label.clone(),
            handle: self.record.handle.clone()?,
            salt: self.record.salt,
            device: self.record.device,
            card: own,
            card_secrets: secrets,
            origin: welcome.origin,
            request: self.request_id()?,
            ended: self.record.ended,
            header: welcome.header,
            entry: welcome.entry,
            secrets: opened,
            code: self.record.code.clone(),
            relays: self
                .exchange
                .relays()
                .map(|relay| (relay.addresses.to_vec(), relay.key))
                .collect(),
        })
    }

    fn secret(&self) -> [u8; 16] {
        InviteCode::parse(&self.record.code).expect("it was read from this text before").secret
    }

    fn request_id(&self) -> Option<RequestId> {
        let circle = self.record.card.as_ref()?.origin.circle;
        Some(self.record.request.as_ref()?.id(&circle))
    }

    /// The attempt as a person sees it.
    pub(crate) fn view(&self) -> JoinView {
        let request = self.record.request.as_ref();
        let card = self.record.card.as_ref();
        let circle = card.map(|card| card.origin.circle);
        let mailbox = self.rendezvous.mailbox();
        let at_relay = request.is_some()
            && self.exchange.is_acked(&mailbox)
            && self.exchange.is_in_step(&mailbox);
        let state = match self.end {
            Some(end) => JoinState::Over(end),
            None if at_relay => JoinState::Asked,
            None if card.is_some() && self.record.handle.is_none() => JoinState::Previewed,
            None => JoinState::Looking,
        };
        JoinView {
            id: self.id,
            state,
            circle_id: circle,
            member_id: None,
            label: self.record.label.clone(),
            handle: self.record.handle.clone().unwrap_or_default(),
            circle_name: card.map(|card| card.name.clone()),
            template: card.map(|card| card.template.clone()),
            admit: card.map(|card| if card.open { Admit::Open } else { Admit::Ask }),
            words: match (request, circle) {
                (Some(request), Some(circle)) => request.words(&circle),
                _ => Vec::new(),
            },
            relay_card: self.exchange.relays().find_map(|relay| relay.card.cloned()),
            rules: card.map(|card| card.rules.clone()).unwrap_or_default(),
            reached: self.exchange.relays().any(|relay| relay.up),
        }
    }
}

/// What a closing note says to who reads it.
pub(crate) fn end_of(why: u8) -> JoinEnd {
    match why {
        0 | 3 => JoinEnd::Revoked,
        USED => JoinEnd::Used,
        EXPIRED => JoinEnd::Expired,
        FULL => JoinEnd::Full,
        _ => JoinEnd::Declined,
    }
}

/// Owner of what an attempt saves.
fn owner_of(id: &RequestId) -> [u8; 32] {
    let mut owner = [0; 32];
    owner[..16].copy_from_slice(&id.0);
    owner
}

/// A key pair's holder says something about an invite.
pub(crate) fn sign_note<T: Encode<()>>(note: &T, pair: &KeyPair, circle: &CircleId) -> Signed {
    Signed::new(note, pair, Label::InviteNote, circle)
}

#[cfg(test)]
pub(crate) mod tests;
