//! What the simulator sees of a circle. No program has this.

use std::collections::{BTreeMap, BTreeSet};

use super::speak::gap_id;
use super::{Circle, SealedBox};
use crate::crypto::KeyPair;
use crate::identity::{DeviceId, EpochId, MailboxId, MemberId, MessageId, OperationId};

/// What the simulator sees of a circle.
#[derive(Clone, Debug)]
pub struct Inside {
    /// This member's pseudonym key, with which a changed program signs what it likes.
    pub pair: KeyPair,
    /// The device that it speaks as.
    pub device: DeviceId,
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

impl Circle {
    pub(crate) fn inside(&self) -> Inside {
        let live = self.epochs.iter().filter(|(_, epoch)| epoch.secrets.is_some()).count();
        Inside {
            pair: self.pair.clone(),
            device: self.record.device,
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
                ("live epochs", live),
                ("boards", self.boards.len()),
                ("cards of one's own", self.own_cards.len()),
                ("mailboxes", self.mailboxes.len()),
                ("stuck frames", self.stuck_frames.len()),
                ("stuck cards", self.stuck_cards.len()),
                ("stuck openings", self.stuck_openings.len()),
            ],
        }
    }
}
