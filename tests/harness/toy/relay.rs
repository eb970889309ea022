//! The toy circle's relay: it keeps envelopes and says which it has.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{Env, Input, Output, Room, Timestamp};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{EnvelopeId, Peer};
use hearthlight_protocol::mailbox::Packet;
use hearthlight_protocol::wire::{self, Bytes};

use super::{MAILBOX, save, send};
use crate::link::RELAY_LINK;
use crate::machine::Machine;

/// A relay's machine.
#[derive(Debug)]
pub struct ToyRelay {
    envelopes: BTreeMap<EnvelopeId, Vec<u8>>,
    peers: BTreeSet<Peer>,
}

impl ToyRelay {
    /// As it was saved.
    pub fn restore(env: &mut Env<'_>) -> Self {
        let saved = env.store.scan(Room::Envelopes, &MAILBOX.0, &[], false, usize::MAX);
        let envelopes = saved
            .into_iter()
            .filter_map(|(place, bytes)| Some((EnvelopeId::from_slice(&place)?, bytes)));
        Self { envelopes: envelopes.collect(), peers: BTreeSet::new() }
    }

    fn packet(&mut self, from: Peer, packet: Packet, out: &mut Vec<Output>) {
        let mailbox = MAILBOX;
        match packet {
            Packet::Put { envelopes, .. } => {
                let mut ids = Vec::new();
                for Bytes(bytes) in envelopes {
                    let Some(envelope) = Envelope::parse(bytes.clone()) else {
                        continue;
                    };
                    let id = envelope.id(&MAILBOX);
                    ids.push(id);
                    if self.envelopes.insert(id, bytes.clone()).is_none() {
                        out.push(save(Room::Envelopes, id.0.to_vec(), bytes));
                    }
                }
                let ids_too = ids.clone();
                out.push(send(RELAY_LINK, from, &Packet::Stored { mailbox, ids: ids_too }));
                for peer in self.peers.iter().filter(|peer| **peer != from) {
                    let ids = ids.clone();
                    out.push(send(RELAY_LINK, *peer, &Packet::Announce { mailbox, ids }));
                }
            }
            Packet::Announce { ids, .. } => {
                let known = self.envelopes.keys().copied().collect();
                out.push(send(RELAY_LINK, from, &Packet::Announce { mailbox, ids: known }));
                let (held, ids): (Vec<_>, Vec<_>) =
                    ids.into_iter().partition(|id| self.envelopes.contains_key(id));
                out.push(send(RELAY_LINK, from, &Packet::Stored { mailbox, ids: held }));
                out.push(send(RELAY_LINK, from, &Packet::Get { mailbox, ids }));
            }
            Packet::Get { ids, .. } => {
                let found = ids.iter().filter_map(|id| self.envelopes.get(id));
                let envelopes = found.cloned().map(Bytes).collect();
                out.push(send(RELAY_LINK, from, &Packet::Give { mailbox, envelopes }));
            }
            _ => {}
        }
    }

    fn tell_peers(&self, out: &mut Vec<Output>) {
        for peer in &self.peers {
            let peers = self.peers.iter().copied().filter(|other| other < peer).collect();
            let packet = Packet::Peers { mailbox: MAILBOX, peers };
            out.push(send(RELAY_LINK, *peer, &packet));
        }
    }
}

impl Machine for ToyRelay {
    fn handle(&mut self, _env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        let mut out = Vec::new();
        for input in inputs {
            match input {
                Input::Up { peer, .. } => {
                    self.peers.insert(peer);
                    self.tell_peers(&mut out);
                }
                Input::Down { peer, .. } => {
                    self.peers.remove(&peer);
                }
                Input::Frame { peer, bytes, .. } => {
                    if let Some(packet) = wire::decode(&bytes) {
                        self.packet(peer, packet, &mut out);
                    }
                }
                _ => {}
            }
        }
        out
    }

    fn next_wake(&self) -> Option<Timestamp> {
        None
    }
}
