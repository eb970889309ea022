//! What the simulator sees of a circle, and lends to a hostile member. No program has this.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::Encode;
use rand_core::CryptoRng;

use super::board::InviteKeys;
use super::card::{CardSecrets, VerifiedCard};
use super::charter::Held;
use super::epoch::{CardTag, EpochSecrets, Header, Opening, board_name};
use super::head::{Epoch, State};
use super::hear::gap_id;
use super::{Circle, SealedBox};
use crate::admission::{
    ClosingNote, DECLINED, FULL, Origin, RendezvousItem, RequestBody, Welcome, sign_note,
};
use crate::batch::Batch;
use crate::crypto::{KeyPair, Label, Secret, Suite, random};
use crate::envelope::Envelope;
use crate::identity::{
    CardId, CircleId, EpochId, MailboxId, MemberId, MessageId, OperationId, PublicKey,
};
use crate::message::Run;
use crate::signed::Signed;
use crate::wire;

/// What the simulator sees of a circle.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Who.
    pub me: MemberId,
    /// Who belongs.
    pub roster: Vec<MemberId>,
    /// Who did.
    pub former: Vec<MemberId>,
    /// The charter's heads.
    pub heads: BTreeSet<OperationId>,
    /// The epoch to speak in.
    pub head: Option<EpochId>,
    /// Whether another one is due.
    pub due: bool,
    /// Each epoch with its mailbox, if it can be opened, and its members.
    pub epochs: Vec<(EpochId, Option<MailboxId>, Vec<MemberId>)>,
    /// What each gap, by its id, is about.
    pub gaps: BTreeMap<[u8; 16], Vec<MessageId>>,
    /// How much is held of what has a limit.
    pub sizes: Vec<(&'static str, usize)>,
}

/// Everything that a member's program could sign and seal with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Who.
    pub me: MemberId,
    /// The pseudonym.
    pub pair: KeyPair,
    /// The circle, and how it seals.
    pub circle: CircleId,
    /// See [`Self::circle`].
    pub suite: Suite,
    /// The device and its run.
    pub run: Run,
    /// The charter, in the order in which it came.
    pub charter: Vec<Held>,
    /// Its heads.
    pub heads: Vec<OperationId>,
    /// The newest card of each who belongs.
    pub cards: BTreeMap<MemberId, VerifiedCard>,
    /// What opens and signs for this device's own cards.
    pub own: Vec<(CardTag, CardSecrets)>,
    /// The epochs.
    pub epochs: Vec<EpochKeys>,
    /// The one to speak in.
    pub head: Option<EpochId>,
    /// The boards' secrets.
    pub boards: Vec<Secret>,
    /// Where newcomers are answered.
    pub rendezvous: Vec<SealedBox>,
    /// What the invites grow from.
    invites: Vec<InviteKeys>,
}

/// What it has of one epoch.
#[derive(Clone, Debug)]
pub struct EpochKeys {
    /// Which.
    pub id: EpochId,
    /// Its header.
    pub header: Header,
    /// Who is in it.
    pub members: Vec<MemberId>,
    /// Its secrets, if it was opened here.
    pub secrets: Option<EpochSecrets>,
    /// This member's place in it, and what signs its frames.
    pub speaks: Option<(u16, KeyPair)>,
}

/// An envelope, and where it goes.
#[derive(Clone, Debug)]
pub struct Posting {
    /// Into which mailbox.
    pub mailbox: MailboxId,
    /// What.
    pub envelope: Envelope,
    /// To one relay alone, by its place among those that stand; else to all, and it is kept.
    pub only: Option<usize>,
}

impl Keys {
    /// All mailboxes that it can open.
    #[must_use]
    pub fn boxes(&self) -> Vec<SealedBox> {
        let secrets = self.epochs.iter().filter_map(|epoch| epoch.secrets.as_ref());
        let epochs = secrets.map(|both| SealedBox::of_epoch(&both.epoch, &self.circle));
        let boards = self.boards.iter().map(|board| SealedBox::of_board(board, &self.circle));
        epochs.chain(boards).chain(self.rendezvous.iter().cloned()).collect()
    }

    /// Signs anything, for any use.
    pub fn sign<T: Encode<()>>(&self, label: Label, what: &T) -> Signed {
        Signed::new(what, &self.pair, label, &self.circle)
    }

    /// Finishes a header of whatever content over these secrets, with an entry for each card.
    pub fn open(
        &self,
        mut header: Header,
        secrets: &EpochSecrets,
        cards: &[&VerifiedCard],
        rng: &mut dyn CryptoRng,
    ) -> Opening {
        header.mailbox = SealedBox::of_epoch(&secrets.epoch, &self.circle).mailbox();
        header.seal(self.suite, cards, secrets, &self.pair, rng)
    }

    /// Answers to a request that lies at a rendezvous: a welcome to an epoch and a board that nobody else has, and
    /// notes that end the wait. None, where the text is no request.
    pub fn answers(&self, text: &[u8], rng: &mut dyn CryptoRng) -> Option<Vec<Vec<u8>>> {
        let RendezvousItem::Request(request) = wire::decode(text)? else { return None };
        let body: RequestBody = request.body.decode()?;
        let card = VerifiedCard::verify(body.card, &body.key, &self.circle, self.suite)?;
        let invite = self.invites.iter().find(|keys| keys.id == body.invite)?;
        let head = self.epochs.iter().find(|epoch| Some(epoch.id) == self.head)?;
        let mut draw = || Secret::new(random::<32>(rng).to_vec());
        let secrets = EpochSecrets { epoch: draw(), board: draw() };
        let header = Header {
            opener: self.me,
            heads: self.heads.clone(),
            supersedes: vec![head.id],
            cards: vec![CardTag(card.tag())],
            board: board_name(&secrets.board, &self.circle),
            ..head.header.clone()
        };
        let opening = self.open(header, &secrets, &[&card], rng);
        let (circle, key) = (self.circle, PublicKey(self.pair.public()));
        let (inviter, r) = (invite.inviter, invite.r);
        let origin = Origin { circle, invite: invite.id, inviter, r };
        let to = request.id(&circle);
        let note = |why, to| {
            let note = ClosingNote { origin: origin.clone(), key, why, to };
            sign_note(&note, &self.pair, &circle)
        };
        let entry = opening.entries.first()?.clone();
        let welcome = Welcome { origin: origin.clone(), key, to, header: opening.header, entry };
        let answers = [
            RendezvousItem::Welcome(sign_note(&welcome, &self.pair, &circle)),
            RendezvousItem::Refusal(note(DECLINED, Some(to))),
            RendezvousItem::Closed(note(FULL, None)),
        ];
        Some(answers.iter().map(wire::encode).collect())
    }
}

impl Circle {
    pub(crate) fn keys(&self) -> Keys {
        let newest = |member: &MemberId| Some((*member, self.cards.newest(member)?.clone()));
        let own = |(id, secrets): (&CardId, &CardSecrets)| {
            let (tag, _) = id.0.split_first_chunk().expect("an id has 32 bytes");
            (CardTag(*tag), secrets.clone())
        };
        let epochs = self.epochs.iter().map(|(id, epoch)| EpochKeys {
            id: *id,
            header: epoch.header.clone(),
            members: epoch.members.clone(),
            secrets: epoch.secrets.clone(),
            speaks: epoch.mine.and_then(|mine| Some((mine, self.speak_key(epoch, mine)?))),
        });
        Keys {
            me: self.me,
            pair: self.pair.clone(),
            circle: self.id,
            suite: self.suite,
            run: self.run,
            charter: self.charter.held().to_vec(),
            heads: self.charter.heads().iter().copied().collect(),
            cards: self.roster.members.keys().filter_map(newest).collect(),
            own: self.own_cards.iter().map(own).collect(),
            epochs: epochs.collect(),
            head: self.head,
            boards: self.boards.values().map(|board| board.secret.clone()).collect(),
            rendezvous: self.waiting.open.values().map(|at| at.sealed.clone()).collect(),
            invites: self.waiting.keys.values().cloned().collect(),
        }
    }

    pub(crate) fn post_forged(&mut self, batch: &mut Batch, postings: Vec<Posting>) {
        for Posting { mailbox, envelope, only } in postings {
            match only {
                None => _ = self.exchange.offer(batch, mailbox, envelope, None),
                Some(relay) => self.exchange.put_at(batch, relay, mailbox, envelope),
            }
        }
    }

    pub(crate) fn inside(&self) -> Inside {
        let count =
            |is: fn(&Epoch) -> bool| self.epochs.iter().filter(|(_, epoch)| is(epoch)).count();
        Inside {
            me: self.me,
            roster: self.roster.ids(),
            former: self.roster.former.keys().copied().collect(),
            heads: self.charter.heads().clone(),
            head: self.head,
            due: self.due,
            epochs: self
                .epochs
                .iter()
                .map(|(id, epoch)| {
                    let mailbox = epoch.sealed.as_ref().map(SealedBox::mailbox);
                    (*id, mailbox, epoch.members.clone())
                })
                .collect(),
            gaps: self
                .log
                .gaps()
                .map(|(_, child, gap)| (gap_id(child), gap.missing.keys().copied().collect()))
                .collect(),
            sizes: vec![
                ("live epochs", count(|epoch| epoch.secrets.is_some())),
                ("waiting openings", count(|epoch| epoch.state == State::Waits)),
                ("boards", self.boards.len()),
                ("cards of one's own", self.own_cards.len()),
                ("mailboxes", self.mailboxes.len()),
                ("stuck frames", self.stuck_frames.len()),
                ("stuck cards", self.stuck_cards.len()),
                ("stuck openings", self.stuck_openings.len()),
                ("runs heard of", self.speaking.heard_of.len()),
                ("epochs", self.epochs.iter().count()),
                ("operations", self.charter.held().len()),
            ],
        }
    }
}
