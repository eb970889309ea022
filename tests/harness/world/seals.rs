//! What members' machines seal, as it leaves their hands.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{Event, Output, Room, Store};
use hearthlight_protocol::identity::{EnvelopeId, EpochId, MailboxId, MemberId};
use hearthlight_protocol::mailbox::Packet;
use hearthlight_protocol::member::sim::Inside;
use hearthlight_protocol::wire;

use super::World;
use crate::HostId;
use crate::machine::Part;
use crate::secrecy::Saved;

impl World {
    /// What a host's machine holds of the circle.
    pub(crate) fn inside_of(&self, host: HostId) -> Option<Inside> {
        self.hosts[host].machine.as_ref()?.inside(&self.circle?)
    }

    /// All secrets of a store, one that was copied or whose circle has just got its name.
    pub(crate) fn learn_store(&mut self, host: HostId) {
        let Some(circle) = self.circle else { return };
        for (slot, secret) in self.hosts[host].store.secrets() {
            self.secrecy.held(host, &slot, &secret, &circle);
        }
    }

    /// What lies in a home that was just started.
    pub(crate) fn note_home(&mut self, host: HostId) {
        let Some(circle) = self.circle.filter(|_| self.hosts[host].part == Part::Member) else {
            return;
        };
        self.reference.started(host, &self.hosts[host].store, &circle);
        let gone = self.reference.gone(host);
        self.hosts[host].gone = (gone.clone(), gone);
    }

    /// Takes down which former members a machine knows of, before it handles anything.
    pub(super) fn note_known(&mut self, host: HostId) {
        let former = self.inside_of(host).map(|inside| inside.former);
        self.hosts[host].knew = former.unwrap_or_default().into_iter().collect();
    }

    /// A batch of a member's machine: new secrets, and what was sealed in it.
    pub(super) fn note_seals(&mut self, host: HostId, batch: &[Output], written: bool) {
        let Some(circle) = self.circle.filter(|_| self.hosts[host].part == Part::Member) else {
            return;
        };
        let gone = self.reference.gone(host);
        let before = std::mem::replace(&mut self.hosts[host].gone.1, gone);
        let back = before.difference(&self.hosts[host].gone.1).copied().collect();
        self.secrecy.came_back(&back);
        self.hosts[host].gone.0 = before;
        let saved = |room| {
            batch.iter().filter_map(move |output| match output {
                Output::Save(key, value) if key.room == room => Some(&value.bytes),
                _ => None,
            })
        };
        let rows = saved(Room::Envelopes).filter(|_| written);
        let rows: Vec<Saved> = rows.filter_map(|row| Saved::read(row)).collect();
        for row in &rows {
            self.note_forged(row);
            self.reference.came(host, row.sealing.id, &self.hosts[host].gone.0);
        }
        for output in batch {
            if let Output::MakeKey(slot, secret) = output {
                self.secrecy.held(host, slot, secret, &circle);
            }
        }
        // What a hostile member seals keeps no promise.
        if !written || self.forged.by.contains(&host) {
            return;
        }
        let sealings: Vec<_> = rows.iter().filter_map(|row| self.secrecy.sealing(row)).collect();
        let learned = saved(Room::Operations).next().is_some();
        if sealings.is_empty() && !learned {
            return;
        }
        let Some(inside) = self.inside_of(host) else { return };
        let before = std::mem::take(&mut self.hosts[host].knew);
        let after: BTreeSet<MemberId> = inside.former.iter().copied().collect();
        let late = if before == after { BTreeSet::new() } else { put_last(batch) };
        self.log(host, || {
            let head = inside.head.map(|id| id.hex()[..8].to_owned());
            let epochs = inside.epochs.iter().map(|(id, at, members)| {
                let at = at.map(|at| at.hex()[..6].to_owned()).unwrap_or_default();
                format!("{}@{at} of {}", &id.hex()[..8], members.len())
            });
            let epochs = epochs.collect::<Vec<_>>().join(", ");
            let boxes = sealings.iter().map(|sealing| sealing.mailbox.hex()[..6].to_owned());
            let boxes = boxes.collect::<Vec<_>>().join(" ");
            format!("seals for [{boxes}] with head {head:?} due {}; {epochs}", inside.due)
        });
        // Who had gone before and has come back with this batch may read what is sealed in it.
        let [gone, before_it] = [&self.hosts[host].gone.1, &self.hosts[host].gone.0];
        let gone: BTreeSet<MemberId> = before_it.intersection(gone).copied().collect();
        let stay: BTreeSet<MemberId> = before.intersection(&after).copied().collect();
        // of a board that was named by whoever has gone, and nothing of which opens here, nothing is known.
        let shows = |(id, at, _): &(EpochId, Option<MailboxId>, _)| {
            let of_member =
                self.reference.opener(id).is_some_and(|who| inside.roster.contains(&who));
            (*id, (at.is_some() || of_member) && self.reference.knows_members(host, id))
        };
        let held = inside.epochs.iter().map(shows).collect();
        let members: BTreeMap<_, _> =
            inside.epochs.into_iter().filter_map(|(_, at, members)| Some((at?, members))).collect();
        for sealing in sealings {
            let knew = if late.contains(&sealing.id) { &after } else { &stay };
            let knew = &knew.union(&gone).copied().collect();
            let items = self.secrecy.items(&sealing);
            self.reference.sealed(inside.me, &sealing, &items, &circle);
            let readers = members.get(&sealing.mailbox).cloned().unwrap_or_default();
            let envelope = sealing.id;
            match self.secrecy.sealed(host, sealing, knew, &held, &circle) {
                Ok(messages) => {
                    for (message, id) in messages {
                        self.oracle.sealed(&message.body.0, id, &readers, envelope);
                    }
                }
                Err(what) => self.oracle.broke("R-28", what),
            }
        }
        if before != after {
            let at = |member| self.oracle.members.get(member).copied();
            let gone: Vec<_> = after.difference(&before).filter_map(at).collect();
            self.log(host, || format!("knows that {gone:?} belong no more"));
            self.learned_of(host, &gone);
        }
        self.hosts[host].knew = after;
    }

    /// Takes down what a hostile member sealed, which no machine saved as its own.
    fn note_forged(&mut self, saved: &Saved) {
        let Some(circle) = self.circle.filter(|_| !self.forged.by.is_empty()) else { return };
        let received = self.secrecy.received(saved);
        let Some(sealing) = received.filter(|sealing| !self.reference.knows(&sealing.id)) else {
            return;
        };
        if let Some(frame) = self.secrecy.frame(sealing) {
            self.reference.forged(&self.hostile(), sealing, &frame, &circle);
        }
    }

    /// P3, of everything so far.
    pub(crate) fn judge_secrecy(&mut self) {
        let mut hosts: BTreeMap<MemberId, Vec<HostId>> = BTreeMap::new();
        for (member, host) in &self.oracle.members {
            hosts.entry(*member).or_default().push(*host);
        }
        for (member, host) in &self.copied {
            hosts.entry(*member).or_default().push(*host);
        }
        let hostile = self.hostile();
        let given = |board: &_, to: &_, held: &_, by: &BTreeSet<EpochId>| {
            // What no home ever saved was let go of at once: whoever made it would have kept it.
            let unsaved = !by.is_empty() && !by.iter().any(|id| self.reference.has_opening(id));
            unsaved || self.reference.is_given_by(&hostile, board, to, held)
        };
        if let Some(leak) = self.secrecy.leak(&hosts, given) {
            self.oracle.broke("P3", leak);
        }
    }
}

/// What a batch sends after the last operation that was taken in in it.
fn put_last(batch: &[Output]) -> BTreeSet<EnvelopeId> {
    let taken = |output: &Output| matches!(output, Output::Notify(Event::Operation { .. }));
    let last = batch.iter().rposition(taken).unwrap_or(batch.len());
    let mut ids = BTreeSet::new();
    for output in &batch[last.min(batch.len())..] {
        if let Output::Send { bytes, .. } = output
            && let Some(Packet::Put { mailbox, envelopes }) = wire::decode(bytes)
        {
            let parsed = envelopes.into_iter().map(|bytes| bytes.0);
            let parsed = parsed.filter_map(hearthlight_protocol::envelope::Envelope::parse);
            ids.extend(parsed.map(|envelope| envelope.id(&mailbox)));
        }
    }
    ids
}
