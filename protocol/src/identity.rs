//! Names of things as newtypes, and the root secret from which a person's pseudonyms grow.

use crate::crypto::{KeyPair, Label, Secret, derive, hash};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub [u8; $len]);

        impl Ord for $name {
            /// As the bytes are ordered.
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                // Nearly all ids are random, so that eight bytes tell, in one step and without a call.
                let start = |id: &Self| id.0.first_chunk().map(|start| u64::from_be_bytes(*start));
                start(self).cmp(&start(other)).then_with(|| self.0.cmp(&other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// The bytes, where there are exactly as many as needed.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Lower-case hex.
            #[must_use]
            pub fn hex(&self) -> String {
                data_encoding::HEXLOWER.encode(&self.0)
            }

            /// Reads what [`Self::hex`] wrote.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                Self::from_slice(&data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // Ids name people and mailboxes, so a log shows only what they are.
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                Self::from_slice(d.bytes()?)
                    .ok_or_else(|| minicbor::decode::Error::message("length of an id"))
            }
        }
    };
}

id!(
    /// A circle: the labelled hash of its `found` operation.
    CircleId, 32
);
id!(
    /// A member of one circle: the labelled hash of the pseudonym key.
    MemberId, 32
);
id!(
    /// One device of a member: random.
    DeviceId, 16
);
id!(
    /// A message: the labelled hash of circle and exact bytes.
    MessageId, 32
);
id!(
    /// An epoch: the labelled hash of its header.
    EpochId, 32
);
id!(
    /// A mailbox: the public key of its pair.
    MailboxId, 32
);
id!(
    /// An envelope: the labelled hash of mailbox and exact bytes.
    EnvelopeId, 32
);
id!(
    /// A charter operation: the labelled hash of its exact bytes.
    OperationId, 32
);
id!(
    /// A board: the labelled hash of its secret.
    BoardName, 32
);
id!(
    /// A card: the labelled hash of its exact bytes.
    CardId, 32
);
id!(
    /// An invite: eight random bytes of its maker.
    InviteId, 8
);
id!(
    /// A join attempt on this device, or a request as a circle's members name it.
    RequestId, 16
);
id!(
    /// The far end of a connection: the raw Ed25519 key behind its libp2p PeerId. Fresh for each
    /// circle and run of a member, lasting for a relay.
    Peer, 32
);
id!(
    /// A public Ed25519 key.
    PublicKey, 32
);
id!(
    /// An Ed25519 signature.
    Signature, 64
);
id!(
    /// A link of the hash chain over a relay's admission token.
    TokenLink, 32
);
id!(
    /// 16 random bytes: a nonce or a salt.
    Nonce, 16
);
id!(
    /// 32 bytes of a hash, a commitment or a random opener.
    Digest, 32
);

impl CircleId {
    /// Stands where no circle is meant or its id does not exist yet: in `found` and its card.
    pub const NONE: Self = Self([0; 32]);
}

impl MemberId {
    /// The member who holds `key`.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self(hash(Label::Member, &CircleId::NONE, &[&key.0]))
    }
}

/// One person on one computer: the root secret, from which each circle's pseudonym grows.
#[derive(Clone, Debug)]
pub struct Identity(Secret);

impl Identity {
    /// The identity of a root secret.
    #[must_use]
    pub fn new(root: Secret) -> Self {
        Self(root)
    }

    /// The pseudonym key of the circle with this salt; nothing ties two of them together.
    #[must_use]
    pub fn pseudonym(&self, salt: &Nonce) -> KeyPair {
        KeyPair::from_seed(&derive(self.0.bytes(), Label::Pseudonym, &CircleId::NONE, &[&salt.0]))
    }
}

#[cfg(test)]
mod tests;
