//! Which relays this side keeps contact with, and the members it meets through them.

use std::collections::BTreeSet;

use super::Exchange;
use super::session::open;
use crate::batch::Batch;
use crate::boundary::{Admission, Contact, Output, RelayCard, RelayKey, RelayView};
use crate::identity::Peer;

/// Circuits that this node opens: to the members 1, 2, 4 and 8 places on in the order of keys.
pub(super) const CIRCUITS: u32 = 4;

#[derive(Debug)]
pub(super) struct KnownRelay {
    pub(super) addresses: Vec<Vec<u8>>,
    pub(super) key: RelayKey,
    pub(super) admission: Option<Admission>,
    pub(super) peer: Option<Peer>,
    pub(super) card: Option<RelayCard>,
}

/// How a relay looks from here.
#[derive(Debug)]
pub(crate) struct RelayStatus<'a> {
    pub(crate) addresses: &'a [Vec<u8>],
    pub(crate) key: RelayKey,
    pub(crate) up: bool,
    pub(crate) card: Option<&'a RelayCard>,
}

impl Exchange {
    /// Keeps contact with these relays, and no others.
    pub(crate) fn use_relays(
        &mut self,
        batch: &mut Batch,
        relays: Vec<(Vec<Vec<u8>>, RelayKey, Option<Admission>)>,
    ) {
        let gone: Vec<KnownRelay> = self
            .relays
            .extract_if(.., |old| {
                !relays.iter().any(|(addresses, key, _)| {
                    old.addresses == *addresses
                        && (old.key == *key || old.peer.is_some_and(|peer| key.fits(&peer)))
                })
            })
            .collect();
        for old in gone {
            batch.push(Output::Leave { link: self.link, to: self.contact(&old) });
        }
        for (addresses, key, admission) in relays {
            let known = self.relays.iter_mut().find(|old| {
                old.addresses == addresses
                    && (old.key == key || old.peer.is_some_and(|peer| key.fits(&peer)))
            });
            if let Some(known) = known {
                // a newcomer learns the link only after its proofs. Without it, it would stay a
                // stranger to the relay until the next epoch, with 60 envelopes an hour (U-140).
                let session = known.peer.and_then(|peer| Some((peer, self.sessions.get(&peer)?)));
                if let (None, Some(link), Some((peer, session))) =
                    (known.admission, admission, session)
                    && let Some(mailbox) = session.a_proven()
                {
                    batch.send(self.link, peer, &open(mailbox, &link));
                }
                known.admission = admission.or(known.admission);
                continue;
            }
            let relay = KnownRelay { addresses, key, admission, peer: None, card: None };
            batch.push(Output::Connect { link: self.link, to: self.contact(&relay) });
            self.relays.push(relay);
        }
    }

    pub(super) fn contact(&self, relay: &KnownRelay) -> Contact {
        Contact::Relay { addresses: relay.addresses.clone(), key: relay.key, reserve: true }
    }

    pub(crate) fn relays(&self) -> impl Iterator<Item = RelayStatus<'_>> {
        self.relays.iter().map(|relay| RelayStatus {
            addresses: &relay.addresses,
            key: relay.peer.map_or(relay.key, RelayKey::Known),
            up: self.is_up(relay),
            card: relay.card.as_ref(),
        })
    }

    /// Its relays, as a person sees them.
    pub(crate) fn relay_views(&self) -> Vec<RelayView> {
        self.relays()
            .map(|relay| RelayView {
                addresses: relay.addresses.to_vec(),
                key: match relay.key {
                    RelayKey::Known(peer) => Some(peer),
                    RelayKey::Tag(_) => None,
                },
                up: relay.up,
                card: relay.card.cloned(),
                local: false,
            })
            .collect()
    }

    pub(super) fn is_up(&self, relay: &KnownRelay) -> bool {
        relay
            .peer
            .and_then(|peer| self.sessions.get(&peer))
            .is_some_and(|session| session.their_nonce.is_some())
    }

    /// Opens circuits to some of the members that a relay knows, so that all hang together: to the
    /// neighbors in the order of keys.
    pub(super) fn meet(&mut self, batch: &mut Batch, relay: Peer, peers: &[Peer]) {
        let Some(me) = self.sessions.get(&relay).map(|session| session.me) else { return };
        let mut ring: BTreeSet<Peer> = peers.iter().copied().collect();
        ring.insert(me);
        let ring: Vec<Peer> = ring.into_iter().collect();
        let at = ring.iter().position(|peer| *peer == me).expect("inserted");
        let wanted: BTreeSet<Contact> = (0..CIRCUITS)
            .map(|power| ring[(at + (1 << power)) % ring.len()])
            .filter(|to| *to != me)
            .map(|to| Contact::Circuit { through: relay, to })
            .collect();
        let link = self.link;
        let through = |contact: &Contact| matches!(contact, Contact::Circuit { through, .. } if *through == relay);
        let old: Vec<Contact> = self.circuits.iter().filter(|c| through(c)).cloned().collect();
        for to in old.into_iter().filter(|to| !wanted.contains(to)) {
            self.circuits.remove(&to);
            batch.push(Output::Leave { link, to });
        }
        for to in wanted {
            if self.circuits.insert(to.clone()) {
                batch.push(Output::Connect { link, to });
            }
        }
    }
}
