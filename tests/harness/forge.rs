//! What somebody can make who changed the program: signed and sealed with what lies in a home, and
//! handed to others as if a relay gave it.

use std::collections::BTreeMap;

use hearthlight_protocol::boundary::{Input, Room, Timestamp};
use hearthlight_protocol::circle::card::{Card, CardSecrets, VerifiedCard};
use hearthlight_protocol::circle::charter::{Act, Operation};
use hearthlight_protocol::circle::epoch::{CardTag, EpochSecrets, Header, SealedBox};
use hearthlight_protocol::circle::help::Heads;
use hearthlight_protocol::crypto::{Label, Secret, Suite};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{CircleId, EpochId, MailboxId, MemberId, OperationId};
use hearthlight_protocol::mailbox::Packet;
use hearthlight_protocol::member::sim::{EpochKeys, Keys};
use hearthlight_protocol::message::{Frame, Item, Message, Run, SHARE, Share};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

use crate::HostId;
use crate::world::World;

/// Kinds of things on a board.
pub const OPERATION: u8 = 1;
/// See [`OPERATION`].
pub const CARD: u8 = 2;
/// See [`OPERATION`].
pub const OPENING: u8 = 3;
/// See [`OPERATION`].
pub const ASK: u8 = 5;
/// See [`OPERATION`].
pub const HEADS: u8 = 6;
/// See [`OPERATION`].
pub const HELP: u8 = 7;
/// See [`OPERATION`].
pub const ENTRY: u8 = 8;

/// All keys of one member, in the hands of somebody who changed the program. Scripted worlds, hostile storms and
/// the fuzzer forge with it; what they make of it is theirs.
#[derive(Clone, Debug)]
pub struct Forger(Keys);

impl std::ops::Deref for Forger {
    type Target = Keys;

    fn deref(&self) -> &Keys {
        &self.0
    }
}

impl Forger {
    /// Whoever has these.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self(keys)
    }

    /// The epoch that its machine speaks in, if there is one.
    #[must_use]
    pub fn head(&self) -> Option<&EpochKeys> {
        self.epochs.iter().find(|epoch| Some(epoch.id) == self.0.head)
    }

    /// The same where there has to be one.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn newest(&self) -> &EpochKeys {
        self.head().expect("it has a head")
    }

    /// The place of a member in the head.
    ///
    /// # Panics
    /// If that member is not in it.
    #[must_use]
    pub fn place(&self, who: &MemberId) -> u16 {
        let place = self.newest().members.binary_search(who).expect("a member of the head");
        u16::try_from(place).expect("few members")
    }

    /// What opens and signs for a card of this home.
    ///
    /// # Panics
    /// If it is no card of this home.
    #[must_use]
    pub fn card(&self, tag: &CardTag) -> &CardSecrets {
        &self.own.iter().find(|(of, _)| of == tag).expect("a card of this home").1
    }

    /// The mailbox of an epoch, if it was opened here.
    #[must_use]
    pub fn talk_of(&self, epoch: &EpochKeys) -> Option<SealedBox> {
        Some(SealedBox::of_epoch(&epoch.secrets.as_ref()?.epoch, &self.circle))
    }

    /// The mailbox of the head.
    ///
    /// # Panics
    /// If there is none, or it is closed.
    #[must_use]
    pub fn talk(&self) -> SealedBox {
        self.talk_of(self.newest()).expect("the head is open")
    }

    /// The mailbox of the head's board.
    ///
    /// # Panics
    /// If there is no head, or it is closed.
    #[must_use]
    pub fn board(&self) -> SealedBox {
        let secrets = self.newest().secrets.as_ref().expect("the head is open");
        SealedBox::of_board(&secrets.board, &self.circle)
    }

    /// Signs an operation in this member's name.
    #[must_use]
    pub fn operation(&self, seq: u32, parents: Vec<OperationId>, kind: u8, body: Bytes) -> Signed {
        let (circle, author) = (self.circle, self.me);
        let (rev, critical) = (1, false);
        let operation = Operation { circle, author, seq, parents, kind, rev, critical, body };
        self.sign(Label::Operation, &operation)
    }

    /// A note of heads.
    #[must_use]
    pub fn note(&self, heads: Vec<OperationId>, hour: u32) -> Vec<u8> {
        wire::encode(&self.sign(Label::Heads, &Heads { member: self.me, heads, hour }))
    }

    /// A frame of an epoch at this place, signed with the key that speaks there: the head's, in one that nobody
    /// knows yet. None without such a key.
    #[must_use]
    pub fn frame(&self, epoch: &EpochId, place: u16, items: &[Item]) -> Option<Vec<u8>> {
        let known = self.epochs.iter().find(|known| known.id == *epoch).or(self.head())?;
        let (_, speak) = known.speaks.as_ref()?;
        Some(wire::encode(&Frame::sign(items, place, speak, &self.circle, epoch)))
    }

    /// A frame of this member's in the head.
    ///
    /// # Panics
    /// If it cannot speak there.
    #[must_use]
    pub fn speech(&self, items: &[Item]) -> Vec<u8> {
        let frame = self.frame(&self.newest().id, self.place(&self.me), items);
        frame.expect("it has a card in the head")
    }

    /// A message in this member's name, without a past.
    #[must_use]
    pub fn message(&self, run: Run, counter: u64, text: &str, at: Timestamp) -> Message {
        let share = Share { text: text.into(), reply_to: None, wish: None, note: None };
        Message {
            author: self.me,
            run,
            counter,
            parents: Vec::new(),
            said_at: at.0,
            kind: SHARE,
            rev: 1,
            body: Bytes(wire::encode(&share)),
        }
    }

    /// What follows the head and has its board, with these cards.
    ///
    /// # Panics
    /// If there is no head, or it is closed.
    #[must_use]
    pub fn next(&self, epoch: Secret, cards: Vec<CardTag>) -> (Header, EpochSecrets) {
        let head = self.newest();
        let board = head.secrets.as_ref().expect("the head is open").board.clone();
        let (heads, supersedes) = (self.heads.clone(), vec![head.id]);
        let fields = Header { opener: self.me, heads, supersedes, cards, ..head.header.clone() };
        (fields, EpochSecrets { epoch, board })
    }
}

/// A message as it stands in a frame, with its exact bytes.
#[must_use]
pub fn item(message: &Message) -> Item {
    Item::Message(Bytes(wire::encode(message)))
}

/// What one envelope of a board holds.
#[must_use]
pub fn board_text(kind: u8, content: Vec<u8>) -> Vec<u8> {
    wire::encode(&vec![(kind, Bytes(content))])
}

impl World {
    /// What somebody could forge with the keys of this home.
    ///
    /// # Panics
    /// If its node is off, or is in no circle.
    #[must_use]
    pub fn forger(&self, host: HostId) -> Forger {
        self.keys_of(host).map(Forger::new).expect("it is on, and in the circle")
    }

    pub(crate) fn keys_of(&self, host: HostId) -> Option<Keys> {
        self.hosts[host].machine.as_ref()?.keys(&self.circle?)
    }

    /// The cards that a home holds, but for those that came inside operations.
    #[must_use]
    pub fn cards_at(&self, host: HostId) -> Vec<(Card, Signed)> {
        let rows = self.hosts[host].store.drawer(Room::Cards);
        let cards = rows.filter_map(|(_, row)| {
            let signed: Signed = wire::decode(row)?;
            Some((signed.decode()?, signed))
        });
        cards.collect()
    }

    /// The card that each member came with, as a home holds them.
    #[must_use]
    pub fn first_cards(&self, host: HostId) -> BTreeMap<MemberId, VerifiedCard> {
        let here = self.circle.unwrap_or(CircleId::NONE);
        let rows = self.hosts[host].store.drawer(Room::Operations);
        let cards = rows.filter_map(|(_, row)| {
            let operation: Operation = wire::decode::<Signed>(row)?.decode()?;
            let (card, key, circle) =
                match Act::parse(operation.kind, operation.rev, &operation.body.0)? {
                    Act::Found(body) => (body.card, body.key, CircleId::NONE),
                    Act::Admit(body) => (body.card, body.key, here),
                    _ => return None,
                };
            let card = VerifiedCard::verify(card, &key, &circle, Suite::Hybrid)?;
            Some((card.card.member, card))
        });
        cards.collect()
    }

    /// Everything that a home holds of a mailbox, opened.
    #[must_use]
    pub fn texts_in(&self, host: HostId, sealed: &SealedBox) -> Vec<Vec<u8>> {
        self.envelopes_in(host, sealed).into_iter().map(|(text, _)| text).collect()
    }

    /// Everything that a home holds of a mailbox, opened and as it is.
    #[must_use]
    pub fn envelopes_in(&self, host: HostId, sealed: &SealedBox) -> Vec<(Vec<u8>, Envelope)> {
        let rows = self.hosts[host].store.drawer(Room::Envelopes);
        let opened = rows.filter_map(|(_, row)| {
            let (mailbox, _, bytes, _): (MailboxId, bool, Bytes, bool) = wire::decode(row)?;
            let envelope = Envelope::parse(bytes.0).filter(|_| mailbox == sealed.mailbox())?;
            Some((envelope.open(&sealed.key, &mailbox)?, envelope))
        });
        opened.collect()
    }

    /// The things of this kind on a board, as a home holds them.
    #[must_use]
    pub fn items_on(&self, host: HostId, board: &SealedBox, kind: u8) -> Vec<Vec<u8>> {
        let texts = self.texts_in(host, board).into_iter();
        let items = texts.filter_map(|text| wire::decode::<Vec<(u8, Bytes)>>(&text)).flatten();
        items.filter(|(of, _)| *of == kind).map(|(_, content)| content.0).collect()
    }

    /// Seals a text at this time and hands it to a host, as if a relay gave it.
    ///
    /// # Panics
    /// If the host reaches no relay.
    pub fn hand(&mut self, to: HostId, sealed: &SealedBox, text: &[u8], at: Timestamp) {
        let (mailbox, mut chance) = (sealed.mailbox(), self.chance.child());
        let envelope = Envelope::seal(&sealed.key, &mailbox, at, text, chance.rng());
        self.hand_again(to, sealed, envelope.expect("it fits"));
    }

    /// Hands an envelope to a host, as if a relay gave it.
    ///
    /// # Panics
    /// If the host reaches no relay.
    pub fn hand_again(&mut self, to: HostId, sealed: &SealedBox, envelope: Envelope) {
        let (link, peer) = self.network.relay_of(to).expect("it reaches a relay");
        let mailbox = sealed.mailbox();
        let envelopes = vec![Bytes(envelope.into_bytes())];
        let bytes = wire::encode(&Packet::Give { mailbox, envelopes });
        self.give(to, Input::Frame { link, peer, bytes });
    }
}
