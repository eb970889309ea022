//! A look at another relay's card, as everybody may take who has its address (U-84, U-177).

use std::time::Duration;

use hearthlight_protocol::{
    boundary::{Contact, Input, Link, Output, RelayCard, RelayKey},
    mailbox::Packet,
    relay::read_card,
    wire,
};
use tokio::time::timeout;

use super::RelayError;
use crate::{
    address,
    network::{Inbox, Network, inbox},
};

/// The card that the relay at `address` shows, signed by the key in it. A token in the address is not used.
///
/// # Errors
///
/// [`RelayError::Address`]; [`RelayError::Unreachable`] and [`RelayError::Impostor`] after at most ten seconds.
pub async fn look_at(address: &str) -> Result<RelayCard, RelayError> {
    let relay = address::parse(address)?;
    let (inputs, mut inbox) = inbox();
    let mut network = Network::start(inputs);
    let key = RelayKey::Known(relay.key);
    let to = Contact::Relay { addresses: relay.addresses, key, reserve: false };
    network.carry_out(Output::Connect { link: LINK, to });
    let shown = timeout(PATIENCE, card(&mut network, &mut inbox)).await;
    network.shutdown().await;
    shown.unwrap_or(Err(RelayError::Unreachable))
}

async fn card(network: &mut Network, inbox: &mut Inbox) -> Result<RelayCard, RelayError> {
    loop {
        match inbox.recv().await.ok_or(RelayError::Unreachable)? {
            Input::Up { peer, .. } => {
                let bytes = wire::encode(&Packet::CardAsk);
                network.carry_out(Output::Send { link: LINK, peer, bytes });
            }
            Input::Frame { peer, bytes, .. } => {
                if let Some(Packet::Card { card, signature }) = wire::decode(&bytes) {
                    return read_card(&peer, &card.0, &signature).ok_or(RelayError::Impostor);
                }
            }
            Input::Unreachable { impostor: true, .. } => return Err(RelayError::Impostor),
            Input::Unreachable { .. } | Input::Down { .. } => return Err(RelayError::Unreachable),
            _ => {}
        }
    }
}

/// The only link.
const LINK: Link = Link(0);
/// How long the whole look may take: as long as one dial of libp2p.
const PATIENCE: Duration = Duration::from_secs(10);
