//! Epochs: one membership, one secret, one mailbox.
//!
//! An [`Opening`] is a signed [`Header`] and, for each member, an entry: the fresh secrets sealed to
//! that member's card. No epoch is computed from another one.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use super::card::{CardSecrets, VerifiedCard};
use crate::crypto::{KeyPair, Label, Secret, Suite, derive, hash};
use crate::identity::{
    BoardName, CircleId, Digest, EpochId, MailboxId, MemberId, OperationId, PublicKey,
};
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::{self, Bytes};

/// Most epochs that an opening supersedes.
pub const MAX_SUPERSEDED: usize = 16;

/// What an opening says to everybody who reads the board.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Header {
    /// Its circle.
    #[n(0)]
    pub circle: CircleId,
    /// Who opened.
    #[n(1)]
    pub opener: MemberId,
    /// The charter heads whose roster are its members.
    #[n(2)]
    pub heads: Vec<OperationId>,
    /// The epochs that it follows.
    #[n(3)]
    pub supersedes: Vec<EpochId>,
    /// Days since 1970.
    #[n(4)]
    pub day: u32,
    /// For each member, in order of member ids, the first half of the id of the card used.
    #[n(5)]
    pub cards: Vec<CardTag>,
    /// The board that goes with it.
    #[n(6)]
    pub board: BoardName,
    /// Its mailbox.
    #[n(7)]
    pub mailbox: MailboxId,
    /// Over both secrets and the fields above, `mailbox` aside.
    #[n(8)]
    pub commitment: Digest,
}

/// The first half of a card's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CardTag(pub [u8; 16]);

impl<C> Encode<C> for CardTag {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for CardTag {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        let tag = bytes.try_into();
        tag.map(Self).map_err(|_| minicbor::decode::Error::message("length of a card's tag"))
    }
}

/// A header with its entries, in order of member ids.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Opening {
    /// A signed [`Header`].
    #[n(0)]
    pub header: Signed,
    /// The secrets, sealed to each card.
    #[n(1)]
    pub entries: Vec<Bytes>,
}

impl Opening {
    /// The header alone: it leads nowhere, and shows what follows what and who is in it.
    pub(super) fn without_entries(header: &Signed) -> Self {
        Self { header: header.clone(), entries: Vec::new() }
    }
}

/// The two secrets that an entry holds.
#[derive(Clone, Debug)]
pub struct EpochSecrets {
    /// The epoch's own.
    pub epoch: Secret,
    /// The board's.
    pub board: Secret,
}

impl EpochSecrets {
    /// As it lies in an entry and in a slot: 64 bytes.
    #[must_use]
    pub fn joined(&self) -> Secret {
        Secret::new([self.epoch.bytes(), self.board.bytes()].concat())
    }

    /// Reads what [`Self::joined`] gave.
    #[must_use]
    pub fn split(both: &[u8]) -> Option<Self> {
        let both: &[u8; 64] = both.try_into().ok()?;
        Some(Self {
            epoch: Secret::new(both[..32].to_vec()),
            board: Secret::new(both[32..].to_vec()),
        })
    }
}

/// A mailbox with the key that seals what lies in it.
#[derive(Clone, Debug)]
pub struct SealedBox {
    /// Whose public key is the mailbox.
    pub pair: KeyPair,
    /// Seals its envelopes.
    pub key: [u8; 32],
}

impl SealedBox {
    /// The mailbox.
    #[must_use]
    pub fn mailbox(&self) -> MailboxId {
        MailboxId(self.pair.public())
    }

    /// What grows from an epoch's secret.
    #[must_use]
    pub fn of_epoch(secret: &Secret, circle: &CircleId) -> Self {
        Self {
            pair: KeyPair::from_seed(&Self::seed_of_epoch(secret, circle)),
            key: derive(secret.bytes(), Label::EpochKey, circle, &[]),
        }
    }

    /// What an epoch's mailbox pair grows from, and nothing else does.
    #[must_use]
    pub fn seed_of_epoch(secret: &Secret, circle: &CircleId) -> [u8; 32] {
        derive(secret.bytes(), Label::EpochMailbox, circle, &[])
    }

    /// A mailbox whose envelopes nobody here can open any more.
    #[must_use]
    pub fn of_seed(seed: &[u8; 32]) -> Self {
        Self { pair: KeyPair::from_seed(seed), key: [0; 32] }
    }

    /// What grows from a board's secret.
    #[must_use]
    pub fn of_board(secret: &Secret, circle: &CircleId) -> Self {
        Self {
            pair: KeyPair::from_seed(&derive(secret.bytes(), Label::BoardMailbox, circle, &[])),
            key: derive(secret.bytes(), Label::BoardKey, circle, &[]),
        }
    }
}

/// The name of a board's secret.
#[must_use]
pub fn board_name(secret: &Secret, circle: &CircleId) -> BoardName {
    BoardName(hash(Label::BoardName, circle, &[secret.bytes()]))
}

impl Header {
    /// The fields that info and commitment cover: all but mailbox and commitment.
    fn bound(&self) -> Vec<u8> {
        wire::encode(&Self {
            mailbox: MailboxId([0; 32]),
            commitment: Digest([0; 32]),
            ..self.clone()
        })
    }

    fn commitment_to(&self, secrets: &EpochSecrets) -> Digest {
        Digest(hash(
            Label::Commitment,
            &self.circle,
            &[secrets.epoch.bytes(), secrets.board.bytes(), &self.bound()],
        ))
    }

    fn info(&self) -> Vec<u8> {
        hash(Label::Entry, &self.circle, &[&self.bound()]).to_vec()
    }

    /// The epoch that this header begins.
    #[must_use]
    pub fn id(signed: &Signed, circle: &CircleId) -> EpochId {
        EpochId(signed.id(Label::Epoch, circle))
    }

    /// Takes out the secrets of an entry, if they are what the header commits to.
    #[must_use]
    pub fn open_entry(
        &self,
        suite: Suite,
        member: &MemberId,
        card: &CardSecrets,
        entry: &[u8],
    ) -> Option<EpochSecrets> {
        let both = suite.open_with(&card.seal, &self.info(), &member.0, entry)?;
        let secrets = EpochSecrets::split(&both)?;
        let mailbox = SealedBox::of_epoch(&secrets.epoch, &self.circle).mailbox();
        let board = board_name(&secrets.board, &self.circle);
        let fits = (self.commitment == self.commitment_to(&secrets)
            || is_planted(Planted::CommitmentUnchecked))
            && (self.mailbox == mailbox || is_planted(Planted::MailboxUnchecked))
            && (self.board == board || is_planted(Planted::BoardUnchecked));
        fits.then_some(secrets)
    }

    /// Seals this epoch's secrets to a card, as an entry.
    pub fn seal_entry(
        &self,
        suite: Suite,
        card: &VerifiedCard,
        secrets: &EpochSecrets,
        rng: &mut dyn CryptoRng,
    ) -> Option<Bytes> {
        self.seal_entry_for(suite, &card.card.member, card, secrets, rng)
    }

    /// Commits to the secrets, signs, and seals them to each card.
    pub(crate) fn seal(
        &mut self,
        suite: Suite,
        cards: &[&VerifiedCard],
        secrets: &EpochSecrets,
        pair: &KeyPair,
        rng: &mut dyn CryptoRng,
    ) -> Opening {
        self.commitment = self.commitment_to(secrets);
        let entry = |card: &&VerifiedCard| {
            self.seal_entry(suite, card, secrets, rng)
                .expect("a verified card has a key of its suite")
        };
        let entries = cards.iter().map(entry).collect();
        Opening { header: Signed::new(self, pair, Label::Opening, &self.circle), entries }
    }

    /// Seals this epoch's secrets to any card of a member, as an entry made anew.
    pub(crate) fn seal_entry_for(
        &self,
        suite: Suite,
        member: &MemberId,
        card: &VerifiedCard,
        secrets: &EpochSecrets,
        rng: &mut dyn CryptoRng,
    ) -> Option<Bytes> {
        let (plain, key) = (secrets.joined(), &card.card.seal_key.0);
        suite.seal_to(rng, key, &self.info(), &member.0, plain.bytes()).map(Bytes)
    }
}

/// What an opener decides, before secrets are drawn.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) circle: CircleId,
    pub(crate) suite: Suite,
    pub(crate) heads: Vec<OperationId>,
    pub(crate) supersedes: Vec<EpochId>,
    pub(crate) day: u32,
    /// One for each member, in order of member ids.
    pub(crate) cards: Vec<&'a VerifiedCard>,
    /// The board's secret.
    pub(crate) board: Secret,
}

impl Plan<'_> {
    /// Draws the epoch's secret, signs the header, seals the entries.
    pub(crate) fn open(
        self,
        pair: &KeyPair,
        rng: &mut dyn CryptoRng,
    ) -> (Opening, Header, EpochSecrets) {
        let secrets = EpochSecrets { epoch: Secret::random(rng), board: self.board };
        let mut header = Header {
            circle: self.circle,
            opener: MemberId::of(&PublicKey(pair.public())),
            heads: self.heads,
            supersedes: self.supersedes,
            day: self.day,
            cards: self.cards.iter().map(|card| CardTag(card.tag())).collect(),
            board: board_name(&secrets.board, &self.circle),
            mailbox: SealedBox::of_epoch(&secrets.epoch, &self.circle).mailbox(),
            commitment: Digest([0; 32]),
        };
        let opening = header.seal(self.suite, &self.cards, &secrets, pair, rng);
        (opening, header, secrets)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::circle::charter::tests::{ANNA, BEN, CHRIS, MALLORY, Someone, with_card};

    const HERE: CircleId = CircleId([1; 32]);

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(4)
    }

    fn three(suite: Suite) -> Vec<Someone> {
        let mut three = [ANNA, BEN, CHRIS].map(|who| with_card(who, &HERE, suite, 10));
        three.sort_by_key(|who| who.id);
        three.into()
    }

    fn opened(suite: Suite) -> (Vec<Someone>, Opening, Header, EpochSecrets) {
        let members = three(suite);
        let plan = Plan {
            circle: HERE,
            suite,
            heads: vec![OperationId([2; 32])],
            supersedes: vec![EpochId([3; 32])],
            day: 20_000,
            cards: members.iter().map(|who| &who.card).collect(),
            board: Secret::new(vec![5; 32]),
        };
        let (opening, header, secrets) = plan.open(&members[0].pair, &mut rng());
        (members, opening, header, secrets)
    }

    ///
    #[test]
    fn every_member_takes_the_same_secrets_out_of_an_opening_in_both_suites() {
        for suite in [Suite::Hybrid, Suite::Thin] {
            let (members, opening, header, secrets) = opened(suite);
            assert_eq!(opening.header.decode::<Header>(), Some(header.clone()));
            assert!(opening.header.is_by(&members[0].key(), Label::Opening, &HERE));
            for (who, entry) in members.iter().zip(&opening.entries) {
                let taken = header.open_entry(suite, &who.id, &who.secrets, &entry.0);
                let taken = taken.expect("it is sealed to this card");
                assert_eq!(taken.joined(), secrets.joined());
                // Anew from anybody in the epoch.
                let anew = header.seal_entry(suite, &who.card, &taken, &mut rng());
                let anew = anew.expect("a good card");
                assert!(header.open_entry(suite, &who.id, &who.secrets, &anew.0).is_some());
            }
            assert_eq!(header.board, board_name(&secrets.board, &HERE));
            assert_eq!(header.mailbox, SealedBox::of_epoch(&secrets.epoch, &HERE).mailbox());
        }
    }

    ///
    #[test]
    fn an_entry_opens_with_its_own_card_and_for_its_own_member_alone() {
        for suite in [Suite::Hybrid, Suite::Thin] {
            let (members, opening, header, _) = opened(suite);
            let mallory = with_card(MALLORY, &HERE, suite, 10);
            let newer = with_card(ANNA, &HERE, suite, 11);
            for (at, entry) in opening.entries.iter().enumerate() {
                for (other, who) in members.iter().chain([&mallory, &newer]).enumerate() {
                    let taken = header.open_entry(suite, &who.id, &who.secrets, &entry.0);
                    assert_eq!(taken.is_some(), at == other);
                    let id = &members[at].id;
                    let taken = header.open_entry(suite, id, &who.secrets, &entry.0);
                    assert_eq!(taken.is_some(), at == other);
                }
            }
        }
    }

    /// info, commitment and mailbox bind every field.
    #[test]
    pub(crate) fn an_entry_does_not_open_under_a_header_with_any_other_field() {
        for suite in [Suite::Hybrid, Suite::Thin] {
            let (members, opening, header, secrets) = opened(suite);
            let (who, entry) = (&members[1], &opening.entries[1].0);
            let good = header.clone();
            let other = SealedBox::of_epoch(&secrets.board, &HERE).mailbox();
            let changed = [
                Header { circle: CircleId([9; 32]), ..good.clone() },
                Header { opener: members[2].id, ..good.clone() },
                Header { heads: Vec::new(), ..good.clone() },
                Header { heads: vec![OperationId([9; 32])], ..good.clone() },
                Header { supersedes: vec![EpochId([9; 32])], ..good.clone() },
                Header { day: 20_001, ..good.clone() },
                Header { cards: header.cards[1..].to_vec(), ..good.clone() },
                Header { cards: header.cards.iter().rev().copied().collect(), ..good.clone() },
                Header { board: BoardName([9; 32]), ..good.clone() },
                Header { mailbox: other, ..good.clone() },
                Header { commitment: Digest([9; 32]), ..good.clone() },
            ];
            for header in changed {
                assert!(
                    header.open_entry(suite, &who.id, &who.secrets, entry).is_none(),
                    "{header:?}"
                );
                let id = |header: &Header| {
                    Header::id(&Signed::new(header, &who.pair, Label::Opening, &HERE), &HERE)
                };
                assert_ne!(id(&header), id(&good));
            }
        }
    }

    /// R-21, H-3
    #[test]
    fn a_changed_or_cut_entry_does_not_open() {
        let (members, opening, header, _) = opened(Suite::Thin);
        let entry = &opening.entries[0].0;
        for at in 0..entry.len() {
            let mut changed = entry.clone();
            changed[at] ^= 1;
            let open =
                |entry| header.open_entry(Suite::Thin, &members[0].id, &members[0].secrets, entry);
            assert!(open(&changed).is_none(), "{at}");
            assert!(open(&entry[..at]).is_none(), "{at}");
        }
    }

    /// nor where an opener commits to secrets that belong to another mailbox or board than the
    /// header names.
    #[test]
    pub(crate) fn an_entry_is_not_for_another_mailbox_or_board_whatever_the_opener_commits_to() {
        let (members, _, header, secrets) = opened(Suite::Thin);
        let who = &members[1];
        let opens = |mut header: Header| {
            header.commitment = header.commitment_to(&secrets);
            let entry = header.seal_entry(Suite::Thin, &who.card, &secrets, &mut rng());
            let entry = entry.expect("a good card");
            header.open_entry(Suite::Thin, &who.id, &who.secrets, &entry.0).is_some()
        };
        assert!(opens(header.clone()));
        let mailbox = SealedBox::of_epoch(&secrets.board, &HERE).mailbox();
        assert!(!opens(Header { mailbox, ..header.clone() }));
        assert!(!opens(Header { board: BoardName([9; 32]), ..header }));
    }

    /// an opener who gives somebody other secrets is found out by the commitment.
    #[test]
    fn an_entry_of_other_secrets_fails_against_the_commitment() {
        let (members, _, header, secrets) = opened(Suite::Thin);
        let who = &members[1];
        let other = Secret::new(vec![8; 32]);
        for bad in [
            EpochSecrets { epoch: other.clone(), ..secrets.clone() },
            EpochSecrets { board: other.clone(), ..secrets.clone() },
            EpochSecrets { epoch: secrets.board.clone(), board: secrets.epoch.clone() },
        ] {
            let entry = header.seal_entry(Suite::Thin, &who.card, &bad, &mut rng()).expect("good");
            assert!(header.open_entry(Suite::Thin, &who.id, &who.secrets, &entry.0).is_none());
        }
    }

    /// H-8: of one secret, epoch and board, and two circles, share nothing.
    #[test]
    fn mailboxes_and_keys_follow_from_secret_use_and_circle() {
        let secret = Secret::new(vec![6; 32]);
        let grown = [
            SealedBox::of_epoch(&secret, &HERE),
            SealedBox::of_board(&secret, &HERE),
            SealedBox::of_epoch(&secret, &CircleId([2; 32])),
            SealedBox::of_board(&secret, &CircleId([2; 32])),
            SealedBox::of_epoch(&Secret::new(vec![7; 32]), &HERE),
        ];
        for (at, one) in grown.iter().enumerate() {
            for other in &grown[at + 1..] {
                assert!(one.mailbox() != other.mailbox() && one.key != other.key);
            }
        }
        assert_eq!(SealedBox::of_epoch(&secret, &HERE).mailbox(), grown[0].mailbox());
    }

    ///
    #[test]
    fn secrets_come_back_from_their_slot() {
        let (.., secrets) = opened(Suite::Thin);
        let back = EpochSecrets::split(secrets.joined().bytes()).expect("64 bytes");
        assert_eq!((back.epoch, back.board), (secrets.epoch, secrets.board));
        assert!([0, 32, 63, 65].iter().all(|len| EpochSecrets::split(&vec![0; *len]).is_none()));
    }
}
