//! Exact bytes with a signature over them: what governs a circle is verified and passed on as it came.

use minicbor::{Decode, Encode};

use crate::crypto::{KeyPair, Label, hash, verify};
use crate::identity::{CircleId, PublicKey, Signature};
use crate::wire::{self, Bytes};

/// Content as it was encoded by its author, and the author's signature.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Signed {
    /// The exact bytes.
    #[n(0)]
    pub content: Bytes,
    /// Over label, circle and these bytes.
    #[n(1)]
    pub signature: Signature,
}

impl Signed {
    /// Encodes and signs.
    #[must_use]
    pub fn new<T: Encode<()>>(
        content: &T,
        pair: &KeyPair,
        label: Label,
        circle: &CircleId,
    ) -> Self {
        let content = wire::encode(content);
        let signature = Signature(pair.sign(label, circle, &[&content]));
        Self { content: Bytes(content), signature }
    }

    /// Whether `key` signed it for this use in this circle.
    #[must_use]
    pub fn is_by(&self, key: &PublicKey, label: Label, circle: &CircleId) -> bool {
        verify(&key.0, &self.signature.0, label, circle, &[&self.content.0])
    }

    /// The labelled hash of the exact bytes.
    #[must_use]
    pub fn id(&self, label: Label, circle: &CircleId) -> [u8; 32] {
        hash(label, circle, &[&self.content.0])
    }

    /// The content, if it is one of this type.
    #[must_use]
    pub fn decode<'b, T: Decode<'b, ()>>(&'b self) -> Option<T> {
        wire::decode(&self.content.0)
    }
}
