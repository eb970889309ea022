//! What hostile members post on boards.

use hearthlight_protocol::boundary::DAY_MS;
use hearthlight_protocol::circle::card::VerifiedCard;
use hearthlight_protocol::circle::charter::{
    Act as Deed, CosignBody, HoldBody, InviteClosedBody, InviteClosedWhy, RemovalBody, RoleBody,
    RoleLapsedBody,
};
use hearthlight_protocol::circle::epoch::{CardTag, EpochSecrets, Header, SealedBox, board_name};
use hearthlight_protocol::circle::help::Ask;
use hearthlight_protocol::crypto::{Label, Secret};
use hearthlight_protocol::identity::{DeviceId, Digest, EpochId, MailboxId, OperationId};
use hearthlight_protocol::wire::{self, Bytes};

use super::{Act, Forge};
use crate::forge::{ASK, CARD, HEADS, OPENING, OPERATION};

/// Boards that one thing is posted on.
const MOST_BOARDS: usize = 3;

impl Forge<'_> {
    fn on_boards(&mut self, items: Vec<(u8, Vec<u8>)>) {
        let items: Vec<(u8, Bytes)> =
            items.into_iter().map(|(kind, content)| (kind, Bytes(content))).collect();
        let plain = wire::encode(&items);
        // Everybody reads what stands on one; all at once would only take time.
        let first = self.chance.below(self.keys.boards.len().max(1) as u64) as usize;
        for secret in self.keys.boards.iter().cycle().skip(first).take(MOST_BOARDS) {
            let sealed = SealedBox::of_board(secret, &self.keys.circle);
            self.post(sealed.mailbox(), &sealed.key, &plain);
        }
    }

    pub(super) fn openings(&mut self, act: Act) {
        let keys = self.keys;
        let opened = keys.epochs.iter().filter(|epoch| epoch.secrets.is_some());
        let opened: Vec<_> = opened.collect();
        let Some(mut after) = keys.head().or(opened.last().copied()).map(|epoch| epoch.id) else {
            return;
        };
        for _ in 0..self.times() {
            let Some(&some) = self.chance.one_of(&opened.iter().collect::<Vec<_>>()) else {
                return;
            };
            let mut cards: Vec<&VerifiedCard> = keys.cards.values().collect();
            let board = some.secrets.as_ref().map(|both| both.board.clone());
            let new = self.chance.happens(0.5);
            let fresh = Secret::random(self.chance.rng());
            let board = board.filter(|_| !new).unwrap_or(fresh);
            let secrets = EpochSecrets { epoch: Secret::random(self.chance.rng()), board };
            let mut header = Header {
                circle: keys.circle,
                opener: keys.me,
                heads: keys.heads.clone(),
                supersedes: vec![after],
                day: self.now.day().max(some.header.day),
                cards: Vec::new(),
                board: board_name(&secrets.board, &keys.circle),
                mailbox: MailboxId([0; 32]),
                commitment: Digest([0; 32]),
            };
            match act {
                Act::OldOpenings => {
                    header.supersedes = vec![some.id];
                    header.heads = some.header.heads.clone();
                }
                Act::Tomorrow => {
                    let days = self.chance.one_of(&[1, 2, 30, 3_650, u32::MAX / 2]);
                    header.day = header.day.saturating_add(days.unwrap_or(1));
                }
                Act::LeavesOut if cards.len() > 2 => {
                    let at = self.chance.below(cards.len() as u64) as usize;
                    cards.remove(at);
                }
                Act::DeadBoards => header.board.0 = self.chance.bytes(),
                _ => {}
            }
            header.cards = cards.iter().map(|card| CardTag(card.tag())).collect();
            let mut opening = keys.open(header, &secrets, &cards, self.chance.rng());
            if act == Act::LeavesOut && self.chance.happens(0.7) {
                let at = self.chance.below(opening.entries.len() as u64) as usize;
                if let Some(entry) = opening.entries.get_mut(at) {
                    entry.0.iter_mut().for_each(|byte| *byte ^= 1);
                }
            }
            if act == Act::Chain {
                after = EpochId(opening.header.id(Label::Epoch, &keys.circle));
            }
            self.on_boards(vec![(OPENING, wire::encode(&opening))]);
        }
    }

    /// An opening beside the head, by a charter that there is not.
    pub(super) fn waiting(&mut self) {
        let keys = self.keys;
        if keys.head().is_none_or(|head| head.secrets.is_none()) {
            return;
        }
        let epoch = Secret::random(self.chance.rng());
        let (header, secrets) = keys.next(epoch, keys.newest().header.cards.clone());
        let header = Header { heads: vec![OperationId(self.chance.bytes())], ..header };
        let cards: Vec<&VerifiedCard> = keys.cards.values().collect();
        let opening = keys.open(header, &secrets, &cards, self.chance.rng());
        self.on_boards(vec![(OPENING, wire::encode(&opening))]);
    }

    fn last_seq(&self) -> u32 {
        let own = self.keys.charter.iter().filter(|held| held.operation.author == self.keys.me);
        own.map(|held| held.operation.seq).max().unwrap_or(0)
    }

    /// Something that it may not do, or that means nothing.
    fn deed(&mut self) -> (u8, Bytes) {
        let keys = self.keys;
        let members: Vec<_> = keys.cards.keys().copied().collect();
        let who = self.chance.one_of(&members).unwrap_or(keys.me);
        let ids: Vec<OperationId> = keys.charter.iter().map(|held| held.id).collect();
        let of = self.chance.one_of(&ids).unwrap_or(OperationId([0; 32]));
        let invites = keys.charter.iter().filter(|held| matches!(held.act, Deed::Invite(_)));
        let invites: Vec<OperationId> = invites.map(|held| held.id).collect();
        let deed = match self.chance.below(8) {
            0 => Deed::Removal(RemovalBody { who, mode: 0, reason: None, source: None }),
            1 => Deed::Removal(RemovalBody {
                who,
                mode: 1,
                reason: Some("x".repeat(200)),
                source: None,
            }),
            2 => Deed::Role(RoleBody {
                grant: true,
                role: "host".into(),
                to: keys.me,
                end: None,
                source: None,
            }),
            3 => Deed::Hold(HoldBody { who, place: true, until: self.now.0 + 2 * DAY_MS }),
            4 => Deed::Cosign(CosignBody { of }),
            5 => Deed::RoleLapsed(RoleLapsedBody { grant: of }),
            6 => {
                let invite = self.chance.one_of(&invites).unwrap_or(of);
                let why = InviteClosedWhy::Expired;
                Deed::InviteClosed(InviteClosedBody { invite, why })
            }
            _ => {
                let size = self.chance.below(self.malice.largest.min(47 << 10) as u64) as usize;
                return (200, Bytes(vec![7; size]));
            }
        };
        (deed.kind(), deed.body())
    }

    pub(super) fn operations(&mut self) {
        let (mut seq, mut parents) = (self.last_seq() + 1, self.keys.heads.clone());
        parents.sort_unstable();
        parents.truncate(200);
        for _ in 0..self.times() {
            let (kind, body) = self.deed();
            let signed = self.keys.operation(seq, parents.clone(), kind, body);
            let id = OperationId(signed.id(Label::Operation, &self.keys.circle));
            self.on_boards(vec![(OPERATION, wire::encode(&signed))]);
            // Now and then two for one place.
            if self.chance.happens(0.7) {
                (seq, parents) = (seq + 1, vec![id]);
            }
        }
    }

    pub(super) fn orphans(&mut self) {
        for _ in 0..self.times() {
            let (kind, body) = self.deed();
            let seq = self.chance.one_of(&[1, 2, 1_000, u32::MAX]).unwrap_or(1);
            let parents = vec![OperationId(self.chance.bytes())];
            let signed = self.keys.operation(seq, parents, kind, body);
            let note = self.note(1);
            self.on_boards(vec![(OPERATION, wire::encode(&signed)), (HEADS, note)]);
        }
    }

    fn note(&mut self, count: u64) -> Vec<u8> {
        let heads = (0..count).map(|_| OperationId(self.chance.bytes())).collect();
        self.keys.note(heads, self.now.hour())
    }

    pub(super) fn cards(&mut self) {
        for _ in 0..self.times() {
            let device = DeviceId(self.chance.bytes()[..16].try_into().expect("16 of 32 bytes"));
            let rev = self.chance.one_of(&[0, 9_000, 500_000, u32::MAX]).unwrap_or(0);
            let keys = self.keys;
            let rng = self.chance.rng();
            let (card, _) =
                VerifiedCard::make(&keys.pair, &keys.circle, keys.suite, device, rev, rng);
            self.on_boards(vec![(CARD, wire::encode(&card.signed))]);
        }
    }

    pub(super) fn asks(&mut self) {
        let Some(card) = self.keys.cards.get(&self.keys.me) else { return };
        for _ in 0..self.times() {
            let back = self.chance.below(40) * DAY_MS / 4;
            let lacks: Vec<EpochId> = match self.chance.below(2) {
                0 => self.keys.epochs.iter().take(64).map(|epoch| epoch.id).collect(),
                _ => (0..64).map(|_| EpochId(self.chance.bytes())).collect(),
            };
            let ask = Ask {
                member: self.keys.me,
                card: card.signed.clone(),
                heads: Vec::new(),
                lacks,
                tries: self.chance.below(256) as u8,
                at: self.now.0.saturating_sub(back),
            };
            let ask = self.keys.sign(Label::Ask, &ask);
            let count = self.chance.below(200);
            let note = self.note(count);
            self.on_boards(vec![(ASK, wire::encode(&ask)), (HEADS, note)]);
        }
    }

    pub(super) fn junk(&mut self) {
        let boxes = self.keys.boxes();
        for _ in 0..self.times() {
            let refs: Vec<&SealedBox> = boxes.iter().collect();
            let Some(sealed) = self.chance.one_of(&refs) else { return };
            let size = self.chance.below(self.malice.largest as u64) as usize;
            let plain = match self.chance.below(3) {
                0 => vec![self.chance.below(256) as u8; size],
                1 => wire::encode(&vec![(self.chance.below(9) as u8, Bytes(vec![0x80; size]))]),
                _ => self.chance.bytes()[..self.chance.below(33) as usize].to_vec(),
            };
            self.post(sealed.mailbox(), &sealed.key, &plain);
        }
    }

    ///
    pub(super) fn answers(&mut self) {
        let asked: Vec<(MailboxId, Vec<u8>)> = self.overheard.clone();
        for sealed in self.keys.rendezvous.clone() {
            let mailbox = sealed.mailbox();
            for (_, text) in asked.iter().filter(|(at, _)| *at == mailbox) {
                for answer in self.keys.answers(text, self.chance.rng()).unwrap_or_default() {
                    self.post(mailbox, &sealed.key, &answer);
                }
            }
        }
    }

    pub(super) fn replays(&mut self) {
        let boxes = self.keys.boxes();
        for _ in 0..self.times() {
            let refs: Vec<&SealedBox> = boxes.iter().collect();
            let Some(sealed) = self.chance.one_of(&refs) else { return };
            let end = self.overheard.len() as u64;
            let at = self.chance.below(end) as usize;
            let Some((_, plain)) = self.overheard.get(at).cloned() else { return };
            self.post(sealed.mailbox(), &sealed.key, &plain);
        }
    }
}
