//! The relays of a circle: what the charter says of them, and those of this device alone.

use std::collections::BTreeSet;

use super::card::VerifiedCard;
use super::charter::{Act, RelayBody, RelaysBody};
use super::roster::Right;
use super::{Circle, OwnRelay};
use crate::batch::Batch;
use crate::boundary::{Admission, Env, RelayAddress, RelayKey, SlotKind};
use crate::crypto::{Label, Secret, hash};
use crate::error::CommandError;
use crate::identity::Peer;
use crate::invite::MOST_RELAYS;
use crate::relay::token;
use crate::wire::Bytes;

impl Circle {
    /// What the charter says of relays: addresses, the link of the day, the token sealed to hosts.
    pub(super) fn relay_bodies(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        relays: &[RelayAddress],
    ) -> Vec<RelayBody> {
        let hosts: Vec<VerifiedCard> = self
            .roster
            .members
            .iter()
            .filter(|(_, person)| person.may(Right::Host))
            .filter_map(|(id, _)| self.cards.newest(id).cloned())
            .take(8)
            .collect();
        let number = self.link_number();
        let mut bodies = Vec::new();
        for relay in relays {
            if let Some(token) = relay.token {
                let slot = self.slot(SlotKind::Token, relay.key.0);
                batch.make_key(slot, Secret::new(token.to_vec()));
                self.tokens.insert(relay.key, token);
            }
            let info = hash(Label::TokenSeal, &self.id, &[]);
            let sealed = |card: &VerifiedCard| {
                let token = relay.token?;
                let to = &card.card.seal_key.0;
                self.suite.seal_to(env.rng, to, &info, &card.card.member.0, &token).map(Bytes)
            };
            bodies.push(RelayBody {
                addresses: relay.addresses.iter().cloned().map(Bytes).collect(),
                key: relay.key,
                link: relay.token.map(|token| token::chain(&token, number)),
                number,
                tokens: hosts.iter().filter_map(sealed).collect(),
            });
        }
        bodies
    }

    /// Which link of a token's chain follows so many removals: the last one, once there are more than it has.
    fn link_number(&self) -> u16 {
        self.roster.removals.min(token::CHAIN)
    }

    /// after a removal a host that holds a relay's token publishes the link with the new number.
    pub(super) fn renew_links(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
    ) -> Result<(), CommandError> {
        let number = self.link_number();
        let old = |relay: &RelayBody| {
            relay.link.is_some() && relay.number < number && self.tokens.contains_key(&relay.key)
        };
        if !self.may(Right::Host) || !self.roster.relays.iter().any(old) {
            return Ok(());
        }
        let renewed: Vec<RelayAddress> = self
            .roster
            .relays
            .iter()
            .filter(|relay| old(relay))
            .map(|relay| RelayAddress {
                addresses: relay.addresses.iter().map(|address| address.0.clone()).collect(),
                key: relay.key,
                token: self.tokens.get(&relay.key).copied(),
            })
            .collect();
        let mut bodies = self.relay_bodies(env, batch, &renewed);
        let mut relays = self.roster.relays.clone();
        for relay in &mut relays {
            if let Some(at) = bodies.iter().position(|body| body.key == relay.key) {
                *relay = bodies.swap_remove(at);
            }
        }
        let rev = self.roster.relays_rev + 1;
        self.act(env, batch, &[Act::Relays(RelaysBody { rev, relays })])?;
        Ok(())
    }

    /// Keeps contact with the relays of the charter and with those of this device alone.
    pub(super) fn use_relays(&mut self, batch: &mut Batch) {
        // what the circle took on it can give up again, for everybody.
        let own = self.record.relays.len();
        let listed = |relay: &OwnRelay| self.roster.relays.iter().any(|of| of.key == relay.key);
        self.record.relays.retain(|relay| !listed(relay));
        if self.record.relays.len() < own {
            self.save_record(batch);
        }
        let mut relays: Vec<(Vec<Vec<u8>>, RelayKey, Option<Admission>)> = self
            .roster
            .relays
            .iter()
            .map(|relay| {
                let addresses = relay.addresses.iter().map(|a| a.0.clone()).collect();
                let admission = relay.link.map(|link| Admission { number: relay.number, link });
                (addresses, RelayKey::Known(relay.key), admission)
            })
            .collect();
        for own in &self.record.relays {
            if !self.roster.relays.iter().any(|relay| relay.key == own.key) {
                let addresses = own.addresses.iter().map(|a| a.0.clone()).collect();
                relays.push((addresses, RelayKey::Known(own.key), None));
            }
        }
        // A relay that lies may be the only one that was reached so far.
        for hint in self.record.hints.iter().filter(|_| self.record.joined.is_none()) {
            let key = RelayKey::Tag(hint.tag);
            let known = relays.iter().any(|(_, known, _)| match known {
                RelayKey::Known(peer) => key.fits(peer),
                RelayKey::Tag(_) => false,
            });
            if !known {
                let addresses = hint.addresses.iter().map(|a| a.0.clone()).collect();
                relays.push((addresses, key, None));
            }
        }
        self.exchange.use_relays(batch, relays);
    }

    /// Adds a relay: as the circle's, where this member is a host; else for this device alone.
    pub(crate) fn add_relay(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        relay: &RelayAddress,
    ) -> Result<(), CommandError> {
        let listed = self.roster.relays.iter().map(|relay| relay.key);
        let own = self.record.relays.iter().map(|relay| relay.key);
        let others: BTreeSet<Peer> = listed.chain(own).filter(|key| *key != relay.key).collect();
        if others.len() >= MOST_RELAYS {
            return Err(CommandError::ManyRelays);
        }
        if self.may(Right::Host) {
            let mut relays = self.roster.relays.clone();
            relays.retain(|old| old.key != relay.key);
            relays.extend(self.relay_bodies(env, batch, std::slice::from_ref(relay)));
            let rev = self.roster.relays_rev + 1;
            self.act(env, batch, &[Act::Relays(RelaysBody { rev, relays })])?;
        } else {
            self.record.relays.retain(|old| old.key != relay.key);
            self.record.relays.push(OwnRelay {
                addresses: relay.addresses.iter().cloned().map(Bytes).collect(),
                key: relay.key,
            });
            self.save_record(batch);
        }
        self.settle(env, batch);
        Ok(())
    }

    /// Removes a relay, where this member may.
    pub(crate) fn remove_relay(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        key: &Peer,
    ) -> Result<(), CommandError> {
        let own = self.record.relays.len();
        self.record.relays.retain(|relay| relay.key != *key);
        let listed = self.roster.relays.iter().any(|relay| relay.key == *key);
        if self.record.relays.len() < own {
            self.save_record(batch);
        } else if !listed {
            return Err(CommandError::BadRelay);
        }
        if listed {
            if !self.may(Right::Host) {
                return Err(CommandError::NotAllowed);
            }
            let mut relays = self.roster.relays.clone();
            relays.retain(|relay| relay.key != *key);
            let rev = self.roster.relays_rev + 1;
            self.act(env, batch, &[Act::Relays(RelaysBody { rev, relays })])?;
        }
        self.settle(env, batch);
        Ok(())
    }
}
