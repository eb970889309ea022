//! What is posted on a board: operations, cards, openings, and what an invite needs.

use minicbor::{Decode, Encode};

use super::charter::InviteClosedWhy;
use super::epoch::Opening;
use super::help::Help;
use crate::crypto::{Label, hash};
use crate::identity::{CircleId, Digest, InviteId, MemberId};
use crate::signed::Signed;
use crate::wire::{self, Bytes};

/// One thing on a board: its kind's number and its encoded content, so that what a newer version
/// posts is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Posted {
    #[n(0)]
    kind: u8,
    #[n(1)]
    content: Bytes,
}

/// One thing on a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BoardItem {
    /// A charter operation.
    Operation(Signed),
    /// A card of a member.
    Card(Signed),
    /// An opening with all its entries.
    Opening(Opening),
    /// What members need to answer those who come with an invite.
    Invite(InviteKeys),
    /// Somebody lacks something: a signed [`super::help::Ask`].
    Ask(Signed),
    /// Which operations a member has: a signed [`super::help::Heads`].
    Heads(Signed),
    /// A part of an answer, sealed to who asked.
    Help(Help),
    /// An entry made anew; inside an answer only.
    Entry(Entry),
}

/// An entry made anew for one member, with its header.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Entry {
    /// A signed [`super::epoch::Header`].
    #[n(0)]
    pub(crate) header: Signed,
    /// For whom.
    #[n(1)]
    pub(crate) member: MemberId,
    /// The secrets, sealed to that member's card.
    #[n(2)]
    pub(crate) entry: Bytes,
}

/// What an invite's secret follows from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct InviteKeys {
    /// Which.
    #[n(0)]
    pub(crate) id: InviteId,
    /// Its maker.
    #[n(1)]
    pub(crate) inviter: MemberId,
    /// 32 random bytes.
    #[n(2)]
    pub(crate) r: Digest,
    /// For the waiting room.
    #[n(3)]
    pub(crate) label: Option<String>,
}

impl InviteKeys {
    /// The secret of the code, which commits to the circle.
    pub(crate) fn secret(&self, circle: &CircleId) -> [u8; 16] {
        invite_secret(circle, &self.id, &self.inviter, &self.r)
    }
}

/// The secret of an invite's code.
pub(crate) fn invite_secret(
    circle: &CircleId,
    id: &InviteId,
    inviter: &MemberId,
    r: &Digest,
) -> [u8; 16] {
    hash(Label::Invite, circle, &[&id.0, &inviter.0, &r.0])[..16]
        .try_into()
        .expect("half of 32 bytes")
}

/// Encodes what one envelope of a board holds.
pub(crate) fn encode(items: &[BoardItem]) -> Vec<u8> {
    let posted: Vec<Posted> = items.iter().map(BoardItem::posted).collect();
    wire::encode(&posted)
}

/// Encodes things for as few envelopes as hold `limit` bytes each; one that is larger is alone.
pub(crate) fn texts(items: &[BoardItem], limit: usize) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let mut rest = items;
    while let Some(first) = rest.first() {
        let (mut bytes, mut fits) = (first.size(), 1);
        while let Some(size) = rest.get(fits).map(BoardItem::size)
            && bytes + size <= limit
        {
            bytes += size;
            fits += 1;
        }
        let (now, later) = rest.split_at(fits);
        texts.push(encode(now));
        rest = later;
    }
    texts
}

/// Reads what one envelope of a board holds; kinds that are not known are passed over.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<BoardItem>> {
    let posted: Vec<Posted> = wire::decode(bytes)?;
    posted
        .into_iter()
        .map(BoardItem::read)
        .collect::<Option<Vec<_>>>()
        .map(|items| items.into_iter().flatten().collect())
}

impl BoardItem {
    /// Bytes that it takes on a board, at most.
    pub(super) fn size(&self) -> usize {
        self.posted().content.0.len() + 16
    }

    fn posted(&self) -> Posted {
        let (kind, content) = match self {
            Self::Operation(signed) => (1, wire::encode(signed)),
            Self::Card(signed) => (2, wire::encode(signed)),
            Self::Opening(opening) => (3, wire::encode(opening)),
            Self::Invite(keys) => (4, wire::encode(keys)),
            Self::Ask(signed) => (5, wire::encode(signed)),
            Self::Heads(signed) => (6, wire::encode(signed)),
            Self::Help(help) => (7, wire::encode(help)),
            Self::Entry(entry) => (8, wire::encode(entry)),
        };
        Posted { kind, content: Bytes(content) }
    }

    fn read(posted: Posted) -> Option<Option<Self>> {
        let content = &posted.content.0;
        Some(Some(match posted.kind {
            1 => Self::Operation(wire::decode(content)?),
            2 => Self::Card(wire::decode(content)?),
            3 => Self::Opening(wire::decode(content)?),
            4 => Self::Invite(wire::decode(content)?),
            5 => Self::Ask(wire::decode(content)?),
            6 => Self::Heads(wire::decode(content)?),
            7 => Self::Help(wire::decode(content)?),
            8 => Self::Entry(wire::decode(content)?),
            _ => return Some(None),
        }))
    }
}

/// What closed an invite, as its closing note says it.
pub(crate) fn closing_number(why: InviteClosedWhy) -> u8 {
    match why {
        InviteClosedWhy::Revoked => 0,
        InviteClosedWhy::Used => 1,
        InviteClosedWhy::Expired => 2,
        InviteClosedWhy::Removal => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circle::charter::tests::{ANNA, BEN, Story, member, someone};
    use crate::circle::epoch::Header;
    use crate::identity::Signature;

    fn items() -> Vec<BoardItem> {
        let story = Story::with(&[BEN]);
        let keys = InviteKeys {
            id: InviteId([1; 8]),
            inviter: member(ANNA),
            r: Digest([2; 32]),
            label: Some("for Ben".into()),
        };
        let header = Signed { content: Bytes(vec![1, 2]), signature: Signature([3; 64]) };
        vec![
            BoardItem::Operation(story.all[1].clone()),
            BoardItem::Card(someone(BEN, &story.circle).card.signed),
            BoardItem::Opening(Opening { header, entries: vec![Bytes(vec![4; 80]); 3] }),
            BoardItem::Invite(keys),
        ]
    }

    /// What is posted about somebody who lacks something.
    fn about_help() -> [BoardItem; 4] {
        let signed = Signed { content: Bytes(vec![1, 2]), signature: Signature([3; 64]) };
        let help = Help { to: Bytes(vec![5; 16]), sealed: Bytes(vec![6; 40]) };
        [
            BoardItem::Ask(signed.clone()),
            BoardItem::Heads(signed.clone()),
            BoardItem::Help(help),
            BoardItem::Entry(entry(300)),
        ]
    }

    fn entry(len: usize) -> Entry {
        let header = Signed { content: Bytes(Vec::new()), signature: Signature([3; 64]) };
        Entry { header, member: member(BEN), entry: Bytes(vec![4; len]) }
    }

    ///
    #[test]
    fn what_is_posted_together_is_read_together() {
        let all = [items(), about_help().to_vec()].concat();
        assert_eq!(decode(&encode(&all)), Some(all));
        assert_eq!(decode(&encode(&[])), Some(Vec::new()));
    }

    /// R-17, P7: what one envelope holds is reckoned before it is encoded, a little too high at most.
    #[test]
    fn a_thing_takes_no_more_than_its_size_and_hardly_less() {
        for item in items().iter().chain(&about_help()) {
            let taken = encode(std::slice::from_ref(item)).len();
            assert!((taken..taken + 16).contains(&item.size()), "{item:?}");
        }
    }

    ///
    #[test]
    fn things_go_into_as_few_envelopes_as_hold_them_in_their_order() {
        let size = BoardItem::Entry(entry(300)).size();
        for (limit, texts_of) in [
            (3 * size, vec![3, 3, 1, 1]),
            (3 * size - 1, vec![2, 2, 2, 1, 1]),
            (size, vec![1; 8]),
            (0, vec![1; 8]),
            // The last one is as large as five others.
            (12 * size, vec![8]),
            (8 * size, vec![7, 1]),
        ] {
            let mut items = vec![BoardItem::Entry(entry(300)); 7];
            items.push(BoardItem::Entry(entry(300 + 4 * size)));
            items[3] = BoardItem::Entry(Entry { member: member(ANNA), ..entry(300) });
            let texts = texts(&items, limit);
            let read: Vec<_> = texts.iter().map(|text| decode(text).expect("a text")).collect();
            assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), texts_of, "{limit}");
            assert_eq!(read.concat(), items);
        }
        assert!(texts(&[], 100).is_empty());
    }

    ///
    #[test]
    fn a_closing_note_has_a_number_for_each_reason() {
        use InviteClosedWhy::{Expired, Removal, Revoked, Used};
        assert_eq!([Revoked, Used, Expired, Removal].map(closing_number), [0, 1, 2, 3]);
    }

    ///
    #[test]
    fn what_a_newer_version_posts_is_passed_over() {
        let mut posted: Vec<Posted> = items().iter().map(BoardItem::posted).collect();
        for kind in [0, 9, 255] {
            posted.insert(2, Posted { kind, content: Bytes(vec![0xff; 4]) });
        }
        assert_eq!(decode(&wire::encode(&posted)), Some(items()));
    }

    /// R-17, H-3
    #[test]
    fn a_post_cut_or_followed_by_anything_is_none() {
        let bytes = encode(&items());
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), None, "{len}");
        }
        assert_eq!(decode(&[&bytes[..], &[0x80]].concat()), None);
    }

    /// H-8: an item of one kind says nothing as another.
    #[test]
    fn an_item_under_the_number_of_another_is_refused_or_judged_as_that() {
        for item in items() {
            let own = item.posted();
            for kind in (1..=4).filter(|kind| *kind != own.kind) {
                let moved = Posted { kind, content: own.content.clone() };
                match decode(&wire::encode(&vec![moved])).as_deref() {
                    None => {}
                    // Both are signed bytes; the label of the signature tells them apart.
                    Some([BoardItem::Operation(signed)]) => {
                        assert!(signed.decode::<crate::circle::charter::Operation>().is_none());
                    }
                    Some([BoardItem::Card(signed)]) => {
                        assert!(signed.decode::<crate::circle::card::Card>().is_none());
                        assert!(signed.decode::<Header>().is_none());
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    /// the secret commits to circle, invite, inviter and r.
    #[test]
    fn the_secret_of_a_code_follows_from_everything_that_it_names() {
        let (circle, id, by, r) =
            (CircleId([1; 32]), InviteId([2; 8]), MemberId([3; 32]), Digest([4; 32]));
        let secret = invite_secret(&circle, &id, &by, &r);
        assert_eq!(secret, invite_secret(&circle, &id, &by, &r));
        assert_eq!(secret, InviteKeys { id, inviter: by, r, label: None }.secret(&circle));
        assert_ne!(secret, invite_secret(&CircleId([9; 32]), &id, &by, &r));
        assert_ne!(secret, invite_secret(&circle, &InviteId([9; 8]), &by, &r));
        assert_ne!(secret, invite_secret(&circle, &id, &MemberId([9; 32]), &r));
        assert_ne!(secret, invite_secret(&circle, &id, &by, &Digest([9; 32])));
    }
}
