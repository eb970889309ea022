//! What somebody can make who changed the program: signed and sealed with what lies in a home, and
//! handed to others as if a relay gave it.

use std::collections::BTreeMap;

use hearthlight_protocol::boundary::{Input, Room, SlotKind, Store, Timestamp};
use hearthlight_protocol::circle::card::{Card, CardSecrets, VerifiedCard};
use hearthlight_protocol::circle::charter::{Act, Operation};
use hearthlight_protocol::circle::epoch::{CardTag, EpochSecrets, Header, SealedBox};
use hearthlight_protocol::crypto::{KeyPair, Label, Secret, Suite, hash};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{
    CircleId, DeviceId, Digest, EpochId, MailboxId, MemberId, OperationId, PublicKey,
};
use hearthlight_protocol::mailbox::Packet;
use hearthlight_protocol::message::{Frame, Item, Message, Run, SHARE, Share};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

use crate::HostId;
use crate::world::World;

/// What lies in a home, for whoever changed the program.
#[derive(Clone, Debug)]
pub struct Forger {
    /// The circle.
    pub circle: CircleId,
    /// Who.
    pub me: MemberId,
    /// This member's pseudonym key.
    pub pair: KeyPair,
    /// The device that this home speaks as.
    pub device: DeviceId,
    /// The charter's heads.
    pub heads: Vec<OperationId>,
    /// The epoch to speak in.
    pub epoch: EpochId,
    /// Its header.
    pub header: Header,
    /// Its secrets.
    pub secrets: EpochSecrets,
    /// Who is in it.
    pub members: Vec<MemberId>,
    cards: Vec<([u8; 16], CardSecrets)>,
}

impl Forger {
    /// The place of a member in the head.
    ///
    /// # Panics
    /// If that member is not in it.
    #[must_use]
    pub fn place(&self, who: &MemberId) -> usize {
        self.members.binary_search(who).expect("a member of the head")
    }

    /// The tag of a member's card in the head.
    #[must_use]
    pub fn tag(&self, who: &MemberId) -> CardTag {
        self.header.cards[self.place(who)]
    }

    /// What opens and signs for a card of this home.
    ///
    /// # Panics
    /// If it is no card of this home.
    #[must_use]
    pub fn card(&self, tag: &CardTag) -> &CardSecrets {
        let mut cards = self.cards.iter();
        &cards.find(|(of, _)| *of == tag.0).expect("a card of this home").1
    }

    /// The mailbox of the head's board.
    #[must_use]
    pub fn board(&self) -> SealedBox {
        SealedBox::of_board(&self.secrets.board, &self.circle)
    }

    /// The mailbox of the head.
    #[must_use]
    pub fn talk(&self) -> SealedBox {
        SealedBox::of_epoch(&self.secrets.epoch, &self.circle)
    }

    /// A frame of an epoch at this place, signed with the key of this home's card in the head.
    #[must_use]
    pub fn frame(&self, epoch: &EpochId, place: usize, item: Item) -> Vec<u8> {
        let speak = &self.card(&self.tag(&self.me)).speak;
        let place = u16::try_from(place).expect("few members");
        wire::encode(&Frame::sign(&[item], place, speak, &self.circle, epoch))
    }

    /// A header over other fields than this one's, as its opener would commit to them.
    #[must_use]
    pub fn header(&self, fields: Header, secrets: &EpochSecrets) -> Header {
        let mailbox = MailboxId([0; 32]);
        let bound = Header { mailbox, commitment: Digest([0; 32]), ..fields };
        let parts = [secrets.epoch.bytes(), secrets.board.bytes(), &wire::encode(&bound)];
        let commitment = Digest(hash(Label::Commitment, &self.circle, &parts));
        let mailbox = SealedBox::of_epoch(&secrets.epoch, &self.circle).mailbox();
        Header { mailbox, commitment, ..bound }
    }

    /// What follows the head and has its board, with these cards.
    #[must_use]
    pub fn next(&self, cards: Vec<CardTag>) -> (Header, EpochSecrets) {
        let epoch = Secret::new(vec![77; 32]);
        let secrets = EpochSecrets { epoch, board: self.secrets.board.clone() };
        let heads = self.heads.clone();
        let supersedes = vec![self.epoch];
        let fields = Header { opener: self.me, heads, supersedes, cards, ..self.header.clone() };
        (self.header(fields, &secrets), secrets)
    }
}

/// Something said, with its exact bytes, as anybody can write it down.
#[must_use]
pub fn message(author: MemberId, device: DeviceId, text: &str, at: Timestamp) -> Item {
    let share = Share { text: text.into(), reply_to: None, wish: None, note: None };
    Item::Message(Bytes(wire::encode(&Message {
        author,
        run: Run { device, run: 7 },
        counter: 0,
        parents: Vec::new(),
        said_at: at.0,
        kind: SHARE,
        rev: 1,
        body: Bytes(wire::encode(&share)),
    })))
}

/// What one envelope of a board holds.
#[must_use]
pub fn board_text(kind: u8, content: Vec<u8>) -> Vec<u8> {
    wire::encode(&vec![(kind, Bytes(content))])
}

impl World {
    /// What lies in a home.
    ///
    /// # Panics
    /// If its node is off, or has no head.
    #[must_use]
    pub fn forger(&self, host: HostId) -> Forger {
        let circle = self.circle.expect("it was founded");
        let inside = self.inside_of(host).expect("it is on");
        let epoch = inside.head.expect("it has a head");
        let (_, _, members) =
            inside.epochs.into_iter().find(|(id, ..)| *id == epoch).expect("the head is held");
        let (header, _) = self.header_at(host, &epoch).expect("the head is saved");
        let slots = self.hosts[host].store.secrets();
        let own = slots.iter().filter(|(slot, _)| slot.owner == circle.0);
        let secret =
            own.clone().find(|(slot, _)| slot.kind == SlotKind::Epoch && slot.id == epoch.0);
        let secrets = secret.and_then(|(_, both)| EpochSecrets::split(both.bytes()));
        let cards =
            own.filter(|(slot, _)| slot.kind == SlotKind::Card).filter_map(|(slot, both)| {
                Some((slot.id[..16].try_into().ok()?, CardSecrets::from_secret(both)?))
            });
        Forger {
            circle,
            me: MemberId::of(&PublicKey(inside.pair.public())),
            pair: inside.pair,
            device: inside.device,
            heads: inside.heads.into_iter().collect(),
            epoch,
            header,
            secrets: secrets.expect("the head is open"),
            members,
            cards: cards.collect(),
        }
    }

    /// A header that a home holds, with its opener's signature.
    #[must_use]
    pub fn header_at(&self, host: HostId, id: &EpochId) -> Option<(Header, Signed)> {
        let circle = self.circle?;
        let rows = self.hosts[host].store.drawer(Room::Openings);
        let saved = rows.filter_map(|(_, row)| {
            let saved: (Signed, Option<Bytes>, Option<u64>, bool) = wire::decode(row)?;
            Some(saved.0)
        });
        let mut of = saved.filter(|signed| Header::id(signed, &circle) == *id);
        of.find_map(|signed| Some((signed.decode()?, signed)))
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
