//! Who could read what: every envelope from the moment on which it is sealed (P1, P3, P4, R-28).
//!
//! The oracle knows every secret that any store ever held, so it opens each new envelope as its sealer
//! could, and asks at the end who else can.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{KeySlot, SlotKind};
use hearthlight_protocol::circle::epoch::{EpochSecrets, SealedBox, board_name};
use hearthlight_protocol::crypto::Secret;
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{
    BoardName, CircleId, EnvelopeId, EpochId, MailboxId, MemberId, MessageId,
};
use hearthlight_protocol::message::{Frame, Item, Message, Run};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

use crate::HostId;
use crate::forge::{ASK, HELP, OPENING, OPERATION};

/// What may be posted on a board that a removed person can still open: openings, asks and
/// what answers them; of operations removals alone.
const TOLD_TO_ALL: [u8; 3] = [OPENING, ASK, HELP];
/// The kind of an operation that ends a membership.
const REMOVAL: u8 = 75;

/// Everything that was sealed, and who holds which secrets.
#[derive(Debug, Default)]
pub struct Secrecy {
    opens: BTreeMap<MailboxId, Opens>,
    /// Which mailboxes a host can open, and the epochs whose secrets did that.
    holds: BTreeMap<HostId, BTreeMap<MailboxId, BTreeSet<EpochId>>>,
    known: BTreeSet<EnvelopeId>,
    /// What was sealed by somebody who knew that others do not belong any more.
    guarded: Vec<Guarded>,
    places: BTreeMap<(MemberId, Run, u64), MessageId>,
}

#[derive(Debug)]
struct Opens {
    sealed: SealedBox,
    board: Option<BoardName>,
}

#[derive(Debug)]
struct Guarded {
    by: HostId,
    mailbox: MailboxId,
    envelope: Envelope,
    knew: BTreeSet<MemberId>,
    /// The openings that the sealer held, and whether it could know who is in each.
    held: BTreeMap<EpochId, bool>,
}

/// An envelope as a home saves it.
#[derive(Debug)]
pub struct Saved {
    own: bool,
    /// The envelope.
    pub sealing: Sealing,
}

impl Saved {
    /// Reads a row.
    #[must_use]
    pub fn read(row: &[u8]) -> Option<Self> {
        let (mailbox, own, bytes, _) = wire::decode::<(MailboxId, bool, Bytes, bool)>(row)?;
        let envelope = Envelope::parse(bytes.0)?;
        Some(Self { own, sealing: Sealing { mailbox, id: envelope.id(&mailbox), envelope } })
    }
}

/// An envelope that a member has sealed.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// In which mailbox.
    pub mailbox: MailboxId,
    /// Its number among all.
    pub id: EnvelopeId,
    /// The envelope.
    pub envelope: Envelope,
}

impl Secrecy {
    /// A host's key file holds this secret of the circle.
    pub fn held(&mut self, host: HostId, slot: &KeySlot, secret: &Secret, circle: &CircleId) {
        if slot.owner != circle.0 {
            return;
        }
        let mut found = Vec::new();
        match slot.kind {
            SlotKind::Epoch => {
                if let Some(both) = EpochSecrets::split(secret.bytes()) {
                    let board = board_name(&both.board, circle);
                    found.push((SealedBox::of_epoch(&both.epoch, circle), None));
                    found.push((SealedBox::of_board(&both.board, circle), Some(board)));
                }
            }
            SlotKind::Board => {
                let board = board_name(secret, circle);
                found.push((SealedBox::of_board(secret, circle), Some(board)));
            }
            _ => {}
        }
        for (sealed, board) in found {
            let mailbox = sealed.mailbox();
            let by = self.holds.entry(host).or_default().entry(mailbox).or_default();
            by.extend((slot.kind == SlotKind::Epoch).then_some(EpochId(slot.id)));
            self.opens.entry(mailbox).or_insert(Opens { sealed, board });
        }
    }

    /// Gives a saved envelope if it is one's own, of the circle, and new.
    pub fn sealing(&mut self, saved: &Saved) -> Option<Sealing> {
        let new = saved.own && self.opens(saved) && self.known.insert(saved.sealing.id);
        new.then(|| saved.sealing.clone())
    }

    /// An envelope was forged: whoever saves it did not seal it, though what lies in it may be its own once more.
    pub fn forged(&mut self, mailbox: &MailboxId, envelope: &Envelope) {
        self.known.insert(envelope.id(mailbox));
    }

    /// Gives a saved envelope if it is somebody else's, of the circle.
    #[must_use]
    pub fn received<'a>(&self, saved: &'a Saved) -> Option<&'a Sealing> {
        (!saved.own && self.opens(saved)).then_some(&saved.sealing)
    }

    fn opens(&self, saved: &Saved) -> bool {
        self.opens.contains_key(&saved.sealing.mailbox)
    }

    /// The frame in an envelope of talk.
    #[must_use]
    pub fn frame(&self, sealing: &Sealing) -> Option<Frame> {
        let Sealing { mailbox, envelope, .. } = sealing;
        let opens = self.opens.get(mailbox).filter(|opens| opens.board.is_none())?;
        wire::decode(&envelope.open(&opens.sealed.key, mailbox)?)
    }

    /// What lies in an envelope of talk.
    #[must_use]
    pub fn items(&self, sealing: &Sealing) -> Vec<Item> {
        let frame = self.frame(sealing);
        frame.and_then(|frame| wire::decode(&frame.payload.0)).unwrap_or_default()
    }

    /// Something was sealed by `host`, whose machine knew of these former members, and held these openings. Gives the messages
    /// in it; or how it breaks R-28.
    ///
    /// # Errors
    /// What was sealed twice for one place.
    pub fn sealed(
        &mut self,
        host: HostId,
        sealing: Sealing,
        knew: &BTreeSet<MemberId>,
        held: &BTreeMap<EpochId, bool>,
        circle: &CircleId,
    ) -> Result<Vec<(Message, MessageId)>, String> {
        let items = self.items(&sealing);
        let Sealing { mailbox, envelope, .. } = sealing;
        let mut messages = Vec::new();
        for item in items {
            let Item::Message(bytes) = item else { continue };
            let Some(message) = Message::parse(&bytes.0) else { continue };
            let id = Message::id(&bytes.0, circle);
            let place = (message.author, message.run, message.counter);
            if *self.places.entry(place).or_insert(id) != id {
                return Err(format!("host {host} used counter {} twice", message.counter));
            }
            messages.push((message, id));
        }
        if !knew.is_empty() {
            let (knew, held) = (knew.clone(), held.clone());
            self.guarded.push(Guarded { by: host, mailbox, envelope, knew, held });
        }
        Ok(messages)
    }

    /// Admissions that fell were given anew. Who is in again reads the whole charter, as each newcomer does, also what
    /// was posted while it was out, though no talk.
    pub fn came_back(&mut self, members: &BTreeSet<MemberId>) {
        let Self { guarded, opens, .. } = self;
        for guarded in guarded.iter_mut().filter(|guarded| opens[&guarded.mailbox].board.is_some())
        {
            guarded.knew.retain(|member| !members.contains(member));
        }
    }

    /// P3: what a former member can open although whoever sealed it knew; unless a member has `given` the board to
    /// it, by openings that the sealer did not hold: that member could hand on what is posted there as well. The last
    /// it is asked with are the epochs by which the former member has the board.
    #[must_use]
    pub fn leak(
        &self,
        members: &BTreeMap<MemberId, Vec<HostId>>,
        given: impl Fn(&BoardName, &MemberId, &BTreeMap<EpochId, bool>, &BTreeSet<EpochId>) -> bool,
    ) -> Option<String> {
        self.guarded.iter().find_map(|guarded| {
            let opens = &self.opens[&guarded.mailbox];
            let has = |host: &HostId| self.holds.get(host)?.get(&guarded.mailbox);
            let given = |member: &MemberId, by: &BTreeSet<EpochId>| {
                opens.board.is_some_and(|board| given(&board, member, &guarded.held, by))
            };
            let hosts =
                guarded.knew.iter().filter_map(|member| Some((member, members.get(member)?)));
            let readers = hosts.filter_map(|(member, hosts)| {
                let readers = hosts.iter().filter_map(|host| Some((*host, has(host)?)));
                let (reader, by) = readers.min_by_key(|(host, _)| *host)?;
                (!given(member, by)).then_some(reader)
            });
            let reader = readers.min()?;
            let plain = guarded.envelope.open(&opens.sealed.key, &guarded.mailbox)?;
            let what =
                if opens.board.is_some() { told_to_some(&plain)? } else { "talk".to_owned() };
            let by = guarded.by;
            let at = &guarded.mailbox.hex()[..6];
            Some(format!(
                "host {reader}, which belongs no more, can open {what} by host {by} in {at}"
            ))
        })
    }
}

/// What of a board's envelope is not for somebody outside, if anything.
fn told_to_some(plain: &[u8]) -> Option<String> {
    let posted = wire::decode::<Vec<(u8, Bytes)>>(plain)?;
    posted.into_iter().find_map(|(kind, content)| match kind {
        OPERATION => {
            let signed: Signed = wire::decode(&content.0)?;
            let kind = signed.decode::<hearthlight_protocol::circle::charter::Operation>()?.kind;
            (kind != REMOVAL).then(|| format!("an operation of kind {kind} on a board"))
        }
        kind if TOLD_TO_ALL.contains(&kind) => None,
        kind => Some(format!("an item of kind {kind} on a board")),
    })
}
