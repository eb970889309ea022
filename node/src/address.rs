//! Relay addresses as people write them, and the names that libp2p gives to keys (U-147).
//!
//! `hl-relay:` and one to three multiaddrs joined by `,`, then `/p2p/` and the relay's PeerId, then, for
//! whom the operator lets open mailboxes, `/token/` and 28 symbols: the token's 128 bits in 26, and the
//! first 10 bits of the SHA-256 of all the text before in two.

use std::str::FromStr;

use hearthlight_protocol::boundary::RelayAddress;
use hearthlight_protocol::crypto::sha256;
use hearthlight_protocol::identity::Peer;
use hearthlight_protocol::invite::{bytes_of, read_symbols, symbols_of};
use libp2p::identity::ed25519;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// Which part of a relay address is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damaged {
    /// It does not start as it has to.
    #[error("This is not a relay address. One starts with {PREFIX}")]
    Prefix,
    /// A multiaddr cannot be read or does not fit an invite, or there are none or more than three.
    #[error("The address of this relay is damaged. Copy it again.")]
    Address,
    /// The key is missing or cannot be read.
    #[error("The key of this relay is damaged. Copy it again.")]
    Key,
    /// The token is not as the operator wrote it, or belongs to another address.
    #[error("The token of this relay is damaged. Copy it again.")]
    Token,
    /// It is longer than 400 bytes.
    #[error("This relay address is too long. It has at most {MOST_BYTES} bytes.")]
    Length,
}

impl Damaged {
    /// The kind of U-4, the same word in every interface.
    #[must_use]
    pub fn kind(self) -> &'static str {
        "relay-address-damaged"
    }

    /// The part, in a word.
    #[must_use]
    pub fn part(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Address => "address",
            Self::Key => "key",
            Self::Token => "token",
            Self::Length => "length",
        }
    }
}

/// Reads a relay address; only its token may be spaced and cased freely (U-144).
///
/// # Errors
///
/// [`Damaged`] names the part.
pub fn parse(text: &str) -> Result<RelayAddress, Damaged> {
    let text = text.trim();
    if text.len() > MOST_TYPED {
        return Err(Damaged::Length);
    }
    let rest = text.strip_prefix(PREFIX).ok_or(Damaged::Prefix)?;
    let (addresses, rest) = rest.split_once(KEY).ok_or(Damaged::Key)?;
    let (key, token) = match rest.split_once(TOKEN) {
        Some((key, token)) => (key, Some(token)),
        None => (rest, None),
    };
    let head = &text[..text.len() - token.map_or(0, str::len)];
    if head.len() + token.map_or(0, |_| TOKEN_SYMBOLS + CHECK_SYMBOLS) > MOST_BYTES {
        return Err(Damaged::Length);
    }
    let addresses: Vec<Vec<u8>> =
        addresses.split(',').map(read_multiaddr).collect::<Option<_>>().ok_or(Damaged::Address)?;
    if addresses.len() > MOST_ADDRESSES {
        return Err(Damaged::Address);
    }
    let key = PeerId::from_str(key).ok().and_then(|id| peer_of(&id)).ok_or(Damaged::Key)?;
    let token = token.map(|typed| read_token(head, typed).ok_or(Damaged::Token)).transpose()?;
    Ok(RelayAddress { addresses, key, token })
}

/// Writes a relay address with its token, if it has one; then it is a secret of the circle's hosts.
///
/// An address that is no multiaddr is left out; [`parse`] gives none.
#[must_use]
pub fn format(relay: &RelayAddress) -> String {
    let mut text = without_token(relay);
    if let Some(token) = &relay.token {
        text.push_str(TOKEN);
        text.push_str(&symbols_of(token));
        let check = check_symbols(&text);
        text.push_str(&check);
    }
    text
}

/// Writes a relay address as anybody may see it.
#[must_use]
pub fn without_token(relay: &RelayAddress) -> String {
    let addresses: Vec<String> =
        relay.addresses.iter().filter_map(|address| multiaddr_text(address)).collect();
    format!("{PREFIX}{}{KEY}{}", addresses.join(","), peer_text(&relay.key))
}

/// The text of a binary multiaddr.
#[must_use]
pub fn multiaddr_text(bytes: &[u8]) -> Option<String> {
    Multiaddr::try_from(bytes.to_vec()).ok().map(|address| address.to_string())
}

/// The PeerId of a raw key.
#[must_use]
pub fn peer_id(peer: &Peer) -> PeerId {
    PeerId::from_bytes(&[&PEER_ID_HEAD, peer.0.as_slice()].concat())
        .expect("an identity multihash of 36 bytes is a PeerId")
}

/// The raw key in a PeerId; `None` if it is not one of an Ed25519 key.
#[must_use]
pub fn peer_of(id: &PeerId) -> Option<Peer> {
    let bytes = id.to_bytes();
    let key = bytes.strip_prefix(&PEER_ID_HEAD)?;
    ed25519::PublicKey::try_from_bytes(key).ok()?;
    Peer::from_slice(key)
}

/// The PeerId of a raw key as people see it, in base58.
#[must_use]
pub fn peer_text(peer: &Peer) -> String {
    peer_id(peer).to_base58()
}

/// The bytes of a multiaddr that fits an invite (U-140) and names no peer.
fn read_multiaddr(text: &str) -> Option<Vec<u8>> {
    let address = Multiaddr::from_str(text).ok()?;
    let names_peer = address.iter().any(|part| matches!(part, Protocol::P2p(_)));
    let bytes = address.to_vec();
    (!names_peer && (1..=MOST_ADDRESS_BYTES).contains(&bytes.len())).then_some(bytes)
}

/// The token that was typed after `head`.
fn read_token(head: &str, typed: &str) -> Option<[u8; 16]> {
    let symbols = read_symbols(typed, TOKEN_SYMBOLS + CHECK_SYMBOLS)?;
    let (token, check) = symbols.split_at(TOKEN_SYMBOLS);
    if check_symbols(&format!("{head}{token}")) != check {
        return None;
    }
    bytes_of(token)?.try_into().ok()
}

/// The first 10 bits of the SHA-256 of an address up to the end of its token.
fn check_symbols(text: &str) -> String {
    let mut symbols = symbols_of(&sha256(text.as_bytes())[..2]);
    symbols.truncate(CHECK_SYMBOLS);
    symbols
}

const PREFIX: &str = "hl-relay:";
const KEY: &str = "/p2p/";
const TOKEN: &str = "/token/";
const TOKEN_SYMBOLS: usize = 26;
const CHECK_SYMBOLS: usize = 2;
const MOST_ADDRESSES: usize = 3;
/// As many as an entry of an invite holds (U-140).
const MOST_ADDRESS_BYTES: usize = 96;
/// An address as it is written.
const MOST_BYTES: usize = 400;
/// An address as it is typed, with a freely spaced token; a guess.
const MOST_TYPED: usize = 1024;
/// Identity multihash of 36 bytes; protobuf of a key: type Ed25519, 32 bytes.
const PEER_ID_HEAD: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use libp2p::identity::Keypair;

    use super::*;

    const IPV4: &str = "/ip4/203.0.113.7/tcp/4270";
    const QUIC: &str = "/ip6/2001:db8::7/udp/4270/quic-v1";
    const DNS: &str = "/dns4/relay.example.org/tcp/443/wss";

    fn keypair() -> Keypair {
        Keypair::ed25519_from_bytes([7; 32]).unwrap()
    }

    fn key() -> String {
        keypair().public().to_peer_id().to_base58()
    }

    fn public() -> String {
        format!("hl-relay:{IPV4},{QUIC},{DNS}/p2p/{}", key())
    }

    fn with_token() -> String {
        format(&RelayAddress { token: Some([0xab; 16]), ..parse(&public()).unwrap() })
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let relay = parse(&public()).unwrap();
        assert_eq!(relay.addresses.len(), 3);
        assert_eq!(relay.addresses[0], [4, 203, 0, 113, 7, 6, 0x10, 0xae]);
        assert_eq!(relay.token, None);
        assert_eq!(format(&relay), public());

        let relay = parse(&with_token()).unwrap();
        assert_eq!(relay.token, Some([0xab; 16]));
        assert_eq!(format(&relay), with_token());
        assert_eq!(without_token(&relay), public());
        assert_eq!(parse(&format!("  {}\n", with_token())), Ok(relay));
    }

    #[test]
    fn a_token_is_26_symbols_and_two_that_check_all_before_them() {
        let text = with_token();
        let (before, check) = text.split_at(text.len() - 2);
        assert_eq!(before.split_once("/token/").unwrap().1, "NENTQAXBNENTQAXBNENTQAXBNC");
        let hash = sha256(before.as_bytes());
        let alphabet = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bits = usize::from(hash[0]) << 2 | usize::from(hash[1] >> 6);
        assert_eq!(check.as_bytes(), [alphabet[bits >> 5], alphabet[bits & 31]]);
    }

    #[test]
    fn only_the_token_is_read_with_tolerance() {
        let text = with_token();
        let (head, token) = text.split_at(text.len() - 28);
        let spaced: String = token.chars().flat_map(|c| [c.to_ascii_lowercase(), ' ']).collect();
        for token in [spaced.clone(), format!("{spaced}, thank you"), token.replace('0', "o")] {
            assert_eq!(parse(&format!("{head}{token}")), parse(&text));
        }
        assert_eq!(parse(&text.replace("hl-relay:", "HL-RELAY:")), Err(Damaged::Prefix));
        assert_eq!(parse(&text.replace(",/ip6", ", /ip6")), Err(Damaged::Address));
        assert_eq!(parse(&text.replace("/p2p/", "/p2p/ ")), Err(Damaged::Key));
    }

    #[test]
    fn a_damaged_prefix_is_named() {
        for text in ["", "HL1 0004", &public()[1..], &format!("see {}", public())] {
            assert_eq!(parse(text), Err(Damaged::Prefix));
        }
    }

    #[test]
    fn a_damaged_address_is_named() {
        let onion = format!("/onion3/{}:4270", "a".repeat(56));
        let name = "n".repeat(60);
        for (addresses, read) in [
            (IPV4.into(), true),
            (onion, true),
            (String::new(), false),
            (format!("{IPV4},"), false),
            (format!("{IPV4},{IPV4},{IPV4},{IPV4}"), false),
            ("/ip4/203.0.113/tcp/4270".into(), false),
            ("/ip4/203.0.113.7/tcp/70000".into(), false),
            ("203.0.113.7:4270".into(), false),
            (format!("{IPV4}/ipfs/{}", key()), false),
            // One byte of protocol, one or two of length, the name, three of a port.
            (format!("/dns4/{}/tcp/1", &format!("{name}.{name}")[..91]), true),
            (format!("/dns4/{}/tcp/1", &format!("{name}.{name}")[..92]), false),
        ] {
            let text = format!("hl-relay:{addresses}/p2p/{}", key());
            assert_eq!(parse(&text).err(), (!read).then_some(Damaged::Address), "{text}");
        }
    }

    #[test]
    fn a_damaged_key_is_named() {
        let text = public();
        let hashed = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        let no_point = peer_text(&Peer([2; 32]));
        for damaged in [
            text.replace("/p2p/", "/"),
            text[..text.len() - 1].into(),
            text.replace(&key(), ""),
            text.replace(&key(), hashed),
            text.replace(&key(), &no_point),
            format!("{text} thanks"),
        ] {
            assert_eq!(parse(&damaged), Err(Damaged::Key), "{damaged}");
        }
    }

    #[test]
    fn a_damaged_token_is_named() {
        let text = with_token();
        let (head, token) = text.split_at(text.len() - 28);
        for damaged in [
            head.into(),
            text[..text.len() - 1].into(),
            format!("{head}U{}", &token[1..]),
            format!("{head}M{}", &token[1..]),
            text.replace("4270", "4271"),
        ] {
            assert_eq!(parse(&damaged), Err(Damaged::Token), "{damaged}");
        }
        // The last symbol of the token holds two bits of fill, which are zero.
        let filled = format!("{head}{}D", &token[..25]);
        let filled = format!("{filled}{}", check_symbols(&filled));
        assert_eq!(parse(&filled), Err(Damaged::Token));
    }

    #[test]
    fn an_address_has_at_most_400_bytes() {
        let text = |letters: [usize; 3]| {
            let names = letters.map(|letters| {
                format!("/dns4/{}/udp/4270/quic-v1/webtransport", "n".repeat(letters))
            });
            format!("hl-relay:{}/p2p/{}", names.join(","), key())
        };
        let rest = text([80, 80, 0]).len();
        let longest = text([80, 80, 400 - rest]);
        assert_eq!(longest.len(), 400);
        let relay = parse(&longest).unwrap();
        assert_eq!(parse(&text([80, 80, 401 - rest])), Err(Damaged::Length));
        let token = format(&RelayAddress { token: Some([1; 16]), ..relay });
        assert_eq!(parse(&token), Err(Damaged::Length));
        assert_eq!(parse(&format!("{}{}", with_token(), " ".repeat(4096))), parse(&with_token()));
        assert_eq!(parse(&format!("{}{}", with_token(), "x".repeat(4096))), Err(Damaged::Length));
    }

    #[test]
    fn a_fault_says_its_part_and_kind() {
        for (fault, part) in [
            (Damaged::Prefix, "prefix"),
            (Damaged::Address, "address"),
            (Damaged::Key, "key"),
            (Damaged::Token, "token"),
            (Damaged::Length, "length"),
        ] {
            assert_eq!(fault.part(), part);
            assert_eq!(fault.kind(), "relay-address-damaged");
        }
        assert_eq!(Damaged::Key.to_string(), "The key of this relay is damaged. Copy it again.");
    }

    #[test]
    fn a_key_and_its_peer_id_name_each_other() {
        let id = keypair().public().to_peer_id();
        let raw = keypair().try_into_ed25519().unwrap().public().to_bytes();
        assert_eq!(peer_of(&id), Some(Peer(raw)));
        assert_eq!(peer_id(&Peer(raw)), id);
        assert_eq!(peer_text(&Peer(raw)), id.to_string());
        let hashed = PeerId::from_str("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N").unwrap();
        assert_eq!(peer_of(&hashed), None);
    }

    /// H-2: lengths in it are varints, of eleven bytes too.
    #[test]
    fn bytes_that_are_no_multiaddr_have_no_text() {
        for length in [&[0xff; 10][..], &[0xff; 9], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0x7f]] {
            // A name, by a length that is not there.
            assert_eq!(multiaddr_text(&[&[0x36], length, &[1, b'n']].concat()), None);
            assert_eq!(multiaddr_text(&[length, &[1]].concat()), None);
        }
        assert_eq!(multiaddr_text(&[4, 203, 0, 113, 7, 6, 0x10, 0xae]).as_deref(), Some(IPV4));
        assert_eq!(multiaddr_text(&[4, 203]), None);
        assert_eq!(multiaddr_text(&[0xff; 9]), None);
    }
}
