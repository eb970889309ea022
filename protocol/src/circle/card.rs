//! Cards: what a device is sealed to and speaks with.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use crate::boundary::{HOUR_MS, Timestamp};
use crate::crypto::{KeyPair, Label, Secret, Suite, random};
use crate::identity::{CardId, CircleId, DeviceId, MemberId, PublicKey};
use crate::planted::{Planted, is_planted};
use crate::signed::Signed;
use crate::wire::Bytes;

/// Hours from 1970 to 2025-01-01T00:00Z, from which revisions and invites count.
pub(crate) const HOUR_2025: u32 = 482_136;

/// What a card says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Card {
    /// Its circle; [`CircleId::NONE`] inside `found`.
    #[n(0)]
    pub circle: CircleId,
    /// Whose.
    #[n(1)]
    pub member: MemberId,
    /// Of which device.
    #[n(2)]
    pub device: DeviceId,
    /// The larger of the last one + 1 and the hours since 2025.
    #[n(3)]
    pub rev: u32,
    /// What openings and pair messages are sealed to.
    #[n(4)]
    pub seal_key: Bytes,
    /// What verifies this device's frames.
    #[n(5)]
    pub speak_key: PublicKey,
}

/// A card whose signature was verified, with the exact bytes that were signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCard {
    /// Its id.
    pub id: CardId,
    /// What it says.
    pub card: Card,
    /// As it came.
    pub signed: Signed,
}

/// The secret halves of a card of this device.
#[derive(Clone, Debug)]
pub struct CardSecrets {
    /// Opens entries and pair messages.
    pub seal: Secret,
    /// Signs frames.
    pub speak: KeyPair,
    both: Secret,
}

impl CardSecrets {
    /// As it lies in a slot of the key file: 64 bytes.
    #[must_use]
    pub fn secret(&self) -> Secret {
        self.both.clone()
    }

    /// Reads what [`Self::secret`] gave.
    #[must_use]
    pub fn from_secret(secret: &Secret) -> Option<Self> {
        let (seal, speak) = secret.bytes().split_at_checked(32)?;
        Some(Self {
            seal: Secret::new(seal.to_vec()),
            speak: KeyPair::from_seed(speak.try_into().ok()?),
            both: secret.clone(),
        })
    }
}

impl VerifiedCard {
    /// Verifies a card of the member who holds `key`.
    #[must_use]
    pub fn verify(
        signed: Signed,
        key: &PublicKey,
        circle: &CircleId,
        suite: Suite,
    ) -> Option<Self> {
        let card: Card = signed.decode()?;
        let fits = card.circle == *circle
            && card.member == MemberId::of(key)
            && suite.is_public(&card.seal_key.0)
            && (signed.is_by(key, Label::Card, circle) || is_planted(Planted::CardUnsigned));
        let id = CardId(signed.id(Label::Card, circle));
        fits.then_some(Self { id, card, signed })
    }

    /// Makes and signs a fresh card.
    pub fn make(
        pseudonym: &KeyPair,
        circle: &CircleId,
        suite: Suite,
        device: DeviceId,
        rev: u32,
        rng: &mut dyn CryptoRng,
    ) -> (Self, CardSecrets) {
        let (seal, seal_key) = suite.make_pair(rng);
        let speak_seed = random::<32>(rng);
        let both = Secret::new([seal.bytes(), &speak_seed].concat());
        let secrets = CardSecrets::from_secret(&both).expect("two halves of 32 bytes");
        let card = Card {
            circle: *circle,
            member: MemberId::of(&PublicKey(pseudonym.public())),
            device,
            rev,
            seal_key: Bytes(seal_key),
            speak_key: PublicKey(secrets.speak.public()),
        };
        let signed = Signed::new(&card, pseudonym, Label::Card, circle);
        let id = CardId(signed.id(Label::Card, circle));
        (Self { id, card, signed }, secrets)
    }

    /// Of a member's cards the least in this order counts.
    pub(crate) fn rank(&self) -> (std::cmp::Reverse<u32>, CardId) {
        let rev = self.card.rev;
        let rev = if is_planted(Planted::CardsUnranked) { !rev } else { rev };
        (std::cmp::Reverse(rev), self.id)
    }

    /// The first half of the id, by which headers name cards.
    #[must_use]
    pub fn tag(&self) -> [u8; 16] {
        tag_of(&self.id)
    }
}

/// See [`VerifiedCard::tag`].
pub(crate) fn tag_of(id: &CardId) -> [u8; 16] {
    id.0[..16].try_into().expect("half of 32 bytes")
}

/// The revision that follows `last` at this time.
#[must_use]
pub(crate) fn next_rev(last: Option<u32>, now: Timestamp) -> u32 {
    let hours = u32::try_from(now.0 / HOUR_MS).unwrap_or(u32::MAX).saturating_sub(HOUR_2025);
    last.map_or(hours, |last| hours.max(last.saturating_add(1)))
}

/// Cards of one member that are kept beside those that are needed. Whoever speaks each day makes one a day.
const MAX_OF_ONE: usize = 64;

/// Every card of a circle that is on hand.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    by_tag: BTreeMap<[u8; 16], Kept>,
}

#[derive(Debug)]
struct Kept {
    card: VerifiedCard,
    /// Its place in the store; none, if it came inside an operation.
    row: Option<u64>,
}

impl Cards {
    /// Takes a verified card that lies in this row; false if it is here already.
    pub(crate) fn insert(&mut self, card: VerifiedCard, row: Option<u64>) -> bool {
        self.by_tag.insert(card.tag(), Kept { card, row }).is_none()
    }

    /// Lets go of the cards of a member that are too many: of those that are not needed the lowest. Gives the
    /// rows where they lie.
    pub(crate) fn thin_out(
        &mut self,
        member: &MemberId,
        is_needed: impl Fn(&[u8; 16]) -> bool,
    ) -> Vec<u64> {
        let theirs = self.by_tag.iter().filter(|(_, kept)| kept.card.card.member == *member);
        if theirs.clone().count() <= MAX_OF_ONE || is_planted(Planted::CardsStay) {
            return Vec::new();
        }
        let mut free: Vec<_> = theirs
            .filter(|(tag, kept)| kept.row.is_some() && !is_needed(tag))
            .map(|(tag, kept)| (kept.card.rank(), *tag))
            .collect();
        free.sort_unstable();
        let gone = free.into_iter().skip(MAX_OF_ONE);
        gone.filter_map(|(_, tag)| self.by_tag.remove(&tag)?.row).collect()
    }

    /// Does as if those of a member were not there that are from ahead, unless others' are too: then the clock is
    /// behind.
    pub(crate) fn ignore_ahead(&mut self, member: &MemberId, is_ahead: impl Fn(&Card) -> bool) {
        let ahead = |held: &VerifiedCard| is_ahead(&held.card);
        if self.all().any(|held| held.card.member != *member && ahead(held)) {
            return;
        }
        self.by_tag.retain(|_, kept| kept.card.card.member != *member || !ahead(&kept.card));
    }

    /// Whether a card is here, verified.
    pub(crate) fn contains(&self, signed: &Signed, circle: &CircleId) -> bool {
        let id = CardId(signed.id(Label::Card, circle));
        self.named(&tag_of(&id)).is_some_and(|held| held.id == id)
    }

    /// The card that a header names.
    pub(crate) fn named(&self, tag: &[u8; 16]) -> Option<&VerifiedCard> {
        self.by_tag.get(tag).map(|kept| &kept.card)
    }

    fn all(&self) -> impl Iterator<Item = &VerifiedCard> {
        self.by_tag.values().map(|kept| &kept.card)
    }

    /// Whose device this is, by the cards that are known.
    pub(crate) fn member_of(&self, device: &DeviceId) -> Option<MemberId> {
        self.all().find(|held| held.card.device == *device).map(|held| held.card.member)
    }

    /// Whether a card of this member names this device.
    pub(crate) fn is_device_of(&self, member: &MemberId, device: &DeviceId) -> bool {
        self.all().any(|held| held.card.member == *member && held.card.device == *device)
    }

    /// A member's card that counts: the highest `rev`, of several the smallest hash.
    pub(crate) fn newest(&self, member: &MemberId) -> Option<&VerifiedCard> {
        self.all().filter(|held| held.card.member == *member).min_by_key(|held| held.rank())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::circle::charter::tests::{ANNA, BEN, someone, with_card};
    use crate::identity::Signature;
    use crate::wire;

    const HERE: CircleId = CircleId([1; 32]);

    fn verified(signed: &Signed, key: &PublicKey, circle: &CircleId, suite: Suite) -> bool {
        VerifiedCard::verify(signed.clone(), key, circle, suite).is_some()
    }

    /// R-4, H-8
    #[test]
    pub(crate) fn a_card_counts_for_its_member_circle_and_suite_alone() {
        for suite in [Suite::Hybrid, Suite::Thin] {
            let anna = with_card(ANNA, &HERE, suite, 10);
            let signed = &anna.card.signed;
            assert!(verified(signed, &anna.key(), &HERE, suite));
            let other = if suite == Suite::Thin { Suite::Hybrid } else { Suite::Thin };
            assert!(!verified(signed, &anna.key(), &HERE, other));
            assert!(!verified(signed, &someone(BEN, &HERE).key(), &HERE, suite));
            assert!(!verified(signed, &anna.key(), &CircleId([2; 32]), suite));
            assert!(!verified(signed, &anna.key(), &CircleId::NONE, suite));
            // The same content, signed for another use.
            let card = &anna.card.card;
            let note = Signed::new(card, &anna.pair, Label::InviteNote, &HERE);
            assert!(!verified(&note, &anna.key(), &HERE, suite));
            // Her own word about somebody else.
            let of_ben = Card { member: someone(BEN, &HERE).id, ..card.clone() };
            let of_ben = Signed::new(&of_ben, &anna.pair, Label::Card, &HERE);
            assert!(!verified(&of_ben, &anna.key(), &HERE, suite));
        }
    }

    /// R-4, H-3, H-7
    #[test]
    fn a_changed_or_cut_card_is_refused() {
        let anna = someone(ANNA, &HERE);
        let whole = &anna.card.signed;
        for at in 0..whole.content.0.len() {
            let mut changed = whole.clone();
            changed.content.0[at] ^= 1;
            assert!(!verified(&changed, &anna.key(), &HERE, Suite::Thin), "{at}");
            changed.content.0.truncate(at);
            assert!(!verified(&changed, &anna.key(), &HERE, Suite::Thin), "{at}");
        }
        let unsigned = Signed { signature: Signature([0; 64]), ..whole.clone() };
        assert!(!verified(&unsigned, &anna.key(), &HERE, Suite::Thin));
        // One byte more, signed by the member itself.
        let content = Bytes([&whole.content.0[..], &[0]].concat());
        let signature = anna.pair.sign(Label::Card, &HERE, &[&content.0]);
        let longer = Signed { content, signature: Signature(signature) };
        assert!(!verified(&longer, &anna.key(), &HERE, Suite::Thin));
    }

    /// H-17: whoever opened an epoch with such a card would fall over.
    #[test]
    fn a_card_that_cannot_be_sealed_to_is_refused() {
        for suite in [Suite::Hybrid, Suite::Thin] {
            let anna = with_card(ANNA, &HERE, suite, 10);
            for key in [vec![0xff; suite.public_len()], vec![0; suite.public_len() - 1], Vec::new()]
            {
                let mut card = anna.card.card.clone();
                card.seal_key = Bytes(key);
                if suite == Suite::Thin && card.seal_key.0.len() == 32 {
                    card.seal_key.0.fill(0);
                }
                let signed = Signed::new(&card, &anna.pair, Label::Card, &HERE);
                assert!(!verified(&signed, &anna.key(), &HERE, suite));
            }
        }
    }

    ///
    #[test]
    pub(crate) fn the_highest_revision_counts_and_of_equals_the_smallest_hash() {
        let mut cards = Cards::default();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let anna = someone(ANNA, &HERE);
        let mut made = Vec::new();
        for rev in [5, 9, 9, 9, 2] {
            let device = DeviceId([rev; 16]);
            let card =
                VerifiedCard::make(&anna.pair, &HERE, Suite::Thin, device, rev.into(), &mut rng).0;
            assert!(!cards.contains(&card.signed, &HERE));
            assert!(cards.insert(card.clone(), None) && !cards.insert(card.clone(), None));
            made.push(card);
        }
        cards.insert(with_card(BEN, &HERE, Suite::Thin, 50).card, None);
        let best = made[1..4].iter().map(|card| card.id).min();
        assert_eq!(cards.newest(&anna.id).map(|card| card.id), best);
        for card in &made {
            assert_eq!(cards.named(&card.tag()), Some(card));
            assert!(cards.contains(&card.signed, &HERE));
        }
        assert_eq!(cards.newest(&MemberId([0; 32])), None);
    }

    /// R-4, P7: of a flood of cards the highest stay, and what an epoch names.
    #[test]
    pub(crate) fn a_flood_of_cards_takes_the_place_of_nothing_but_itself() {
        let mut cards = Cards::default();
        let card = |who, rev| with_card(who, &HERE, Suite::Thin, rev).card;
        let (anna, named) = (card(ANNA, 1), card(BEN, 0));
        cards.insert(anna.clone(), Some(0));
        let most = u32::try_from(MAX_OF_ONE).expect("few") + 10;
        for rev in 0..most {
            cards.insert(card(BEN, rev), Some(u64::from(rev) + 1));
        }
        let ben = named.card.member;
        let mut gone = cards.thin_out(&ben, |tag| *tag == named.tag());
        gone.sort_unstable();
        assert_eq!(gone, (2..=10).collect::<Vec<u64>>());
        for (card, stays) in [(&anna, true), (&named, true), (&card(BEN, 9), false)] {
            assert_eq!(cards.named(&card.tag()).is_some(), stays, "{}", card.card.rev);
        }
        assert_eq!(cards.newest(&ben).map(|card| card.card.rev), Some(most - 1));
        assert!(cards.thin_out(&ben, |tag| *tag == named.tag()).is_empty());
    }

    /// H-26: a clock that was ahead made it; where others' cards are ahead too, it is this clock that is behind.
    #[test]
    fn a_card_from_ahead_is_left_out_unless_somebody_elses_is_ahead_too() {
        for (bens, annas) in [(5, 4), (100, 90)] {
            let mut cards = Cards::default();
            let [anna, ben] = [ANNA, BEN].map(|who| someone(who, &HERE).id);
            for (who, rev) in [(ANNA, 4), (ANNA, 90), (BEN, bens)] {
                cards.insert(with_card(who, &HERE, Suite::Thin, rev).card, None);
            }
            cards.ignore_ahead(&anna, |card| card.rev > 50);
            let newest = |who| cards.newest(who).map(|card| card.card.rev);
            assert_eq!((newest(&anna), newest(&ben)), (Some(annas), Some(bens)));
        }
    }

    /// a device is somebody's by any of that member's cards, old ones too, and nobody else's.
    #[test]
    fn a_device_is_of_the_member_whose_card_names_it() {
        let mut cards = Cards::default();
        let [anna, ben] = [ANNA, BEN].map(|who| someone(who, &HERE));
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let newer = DeviceId([77; 16]);
        let second = VerifiedCard::make(&anna.pair, &HERE, Suite::Thin, newer, 11, &mut rng).0;
        for card in [&anna.card, &second, &ben.card] {
            cards.insert(card.clone(), None);
        }
        for (device, owner) in [
            (anna.card.card.device, Some(anna.id)),
            (newer, Some(anna.id)),
            (ben.card.card.device, Some(ben.id)),
            (DeviceId([0; 16]), None),
        ] {
            assert_eq!(cards.member_of(&device), owner);
            for who in [anna.id, ben.id] {
                assert_eq!(cards.is_device_of(&who, &device), owner == Some(who));
            }
        }
    }

    /// R-4, H-26: the larger of the last + 1 and the hours since 2025.
    #[test]
    fn a_revision_rises_whatever_the_clock_says() {
        let at = |hours: u64| Timestamp((u64::from(HOUR_2025) + hours) * HOUR_MS);
        assert_eq!(next_rev(None, at(7)), 7);
        assert_eq!(next_rev(Some(3), at(7)), 7);
        assert_eq!(next_rev(Some(7), at(7)), 8);
        assert_eq!(next_rev(Some(90), at(7)), 91);
        assert_eq!(next_rev(None, Timestamp(0)), 0);
        assert_eq!(next_rev(Some(u32::MAX), Timestamp(u64::MAX)), u32::MAX);
    }

    ///
    #[test]
    fn the_secrets_of_a_card_come_back_from_their_slot() {
        let anna = someone(ANNA, &HERE);
        let back = CardSecrets::from_secret(&anna.secrets.secret()).expect("64 bytes");
        assert_eq!(back.speak.public(), anna.card.card.speak_key.0);
        assert_eq!(back.seal, anna.secrets.seal);
        for len in [0, 31, 32, 63, 65] {
            assert!(CardSecrets::from_secret(&Secret::new(vec![1; len])).is_none(), "{len}");
        }
    }

    /// of an unknown length of array nothing is read.
    #[test]
    fn a_card_of_more_or_fewer_fields_is_no_card() {
        let anna = someone(ANNA, &HERE);
        let mut bytes = wire::encode(&anna.card.card);
        assert_eq!(bytes[0], 0x86);
        bytes[0] = 0x85;
        assert_eq!(wire::decode::<Card>(&bytes), None);
    }
}
