//! The mailbox protocol `/hearthlight/mailbox/1`: frames between a member and a relay,
//! and between two members.
//!
//! Both sides say [`Packet::Hello`] with a fresh nonce. Who holds a mailbox's key proves it over both
//! nonces and both peers; from then on it may put, get and reconcile there, and is told what is new.
//! Any frame may be lost with its connection; all of them can be said again.

use minicbor::{Decode, Encode};

use crate::crypto::{KeyPair, Label, verify};
use crate::identity::{CircleId, EnvelopeId, MailboxId, Nonce, Peer, Signature, TokenLink};
use crate::wire::Bytes;

/// The protocol's name on a connection.
pub const PROTOCOL: &str = "/hearthlight/mailbox/1";
/// Longest frame: the largest envelope and room for what is around it.
pub const MAX_FRAME: usize = (1 << 20) + (1 << 16);
/// About as many bytes of envelopes go into one frame.
pub const BATCH_BYTES: usize = 256 << 10;
/// Ids in one frame.
pub const MAX_IDS: usize = 8_000;
/// Mailboxes proven in one frame.
pub const MAX_PROOFS: usize = 128;
/// Largest reconciliation message; `negentropy` splits what is larger (network.md, 5).
pub const RECONCILE_BYTES: u64 = 60 << 10;
/// Rounds of one reconciliation before it is given up (H-13).
pub const MAX_ROUNDS: u32 = 200;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Packet {
    /// The first frame of each side.
    #[n(0)]
    Hello {
        /// Version of the protocol, 1.
        #[n(0)]
        version: u16,
        /// What proofs of the other side have to sign.
        #[n(1)]
        nonce: Nonce,
        /// Whether a relay speaks.
        #[n(2)]
        relay: bool,
        /// Whether the other side's `Hello` was heard; if not, it is to be said again.
        #[n(3)]
        heard: bool,
    },
    /// Proofs of mailbox keys.
    #[n(1)]
    Prove(#[n(0)] Vec<Proof>),
    /// These proofs were good, and the mailboxes are served here.
    #[n(2)]
    Proven(#[n(0)] Vec<MailboxId>),
    /// Open a proven mailbox at a relay, by a link of its token's chain.
    #[n(3)]
    Open {
        /// Which.
        #[n(0)]
        mailbox: MailboxId,
        /// Removals since the token was given.
        #[n(1)]
        number: u16,
        /// The link.
        #[n(2)]
        link: TokenLink,
    },
    /// What was asked for this mailbox is refused.
    #[n(4)]
    Refused {
        /// Which.
        #[n(0)]
        mailbox: MailboxId,
        /// Which envelope, if one was meant.
        #[n(1)]
        id: Option<EnvelopeId>,
        /// Why.
        #[n(2)]
        why: Refusal,
    },
    /// Store these.
    #[n(5)]
    Put {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// Envelopes.
        #[n(1)]
        envelopes: Vec<Bytes>,
    },
    /// These are stored durably.
    #[n(6)]
    Stored {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// Which.
        #[n(1)]
        ids: Vec<EnvelopeId>,
    },
    /// These are new.
    #[n(7)]
    Announce {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// Which.
        #[n(1)]
        ids: Vec<EnvelopeId>,
    },
    /// Send these.
    #[n(8)]
    Get {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// Which.
        #[n(1)]
        ids: Vec<EnvelopeId>,
    },
    /// Here they are; also unasked, to who asked for pushes.
    #[n(9)]
    Give {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// Envelopes.
        #[n(1)]
        envelopes: Vec<Bytes>,
    },
    /// These are not here.
    #[n(10)]
    Gone {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// Which.
        #[n(1)]
        ids: Vec<EnvelopeId>,
    },
    /// A step of range-based set reconciliation by who began it.
    #[n(11)]
    Reconcile {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// Which step of which attempt.
        #[n(1)]
        round: Round,
        /// The message of `negentropy`.
        #[n(2)]
        bytes: Bytes,
    },
    /// The answer to such a step.
    #[n(12)]
    Reconciled {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// The step that is answered.
        #[n(1)]
        round: Round,
        /// The message of `negentropy`.
        #[n(2)]
        bytes: Bytes,
    },
    /// By a relay: who else proved this mailbox and asked to be listed.
    #[n(13)]
    Peers {
        /// Where.
        #[n(0)]
        mailbox: MailboxId,
        /// Who.
        #[n(1)]
        peers: Vec<Peer>,
    },
    /// Send the relay's card.
    #[n(14)]
    CardAsk,
    /// A relay's card, signed by its key.
    #[n(15)]
    Card {
        /// Encoded [`crate::boundary::RelayCard`].
        #[n(0)]
        card: Bytes,
        /// By the relay's key.
        #[n(1)]
        signature: Signature,
    },
}

/// A step of a reconciliation. The attempt tells a late answer to an earlier one from the answer that is
/// waited for: taken for it, it would acknowledge what the other side never had (simulator, seed 1638).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Round {
    /// Counts reconciliations of who began, on one connection.
    #[n(0)]
    pub attempt: u32,
    /// Counts steps of this one.
    #[n(1)]
    pub number: u32,
}

/// Why a relay does not do what it is asked (U-163).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Refusal {
    /// The mailbox is not open here.
    #[n(0)]
    Closed,
    /// The envelope is too large or not one.
    #[n(1)]
    Size,
    /// Too much in too short a time.
    #[n(2)]
    Rate,
    /// The token is not known, ended, or was replaced.
    #[n(3)]
    Token,
    /// The token's share of the store is used up.
    #[n(4)]
    Store,
    /// The relay has no room at all.
    #[n(5)]
    Full,
    /// The envelope is older than what is kept, or from the future.
    #[n(6)]
    Age,
    /// The proof was not good.
    #[n(7)]
    Proof,
}

/// Proof of a mailbox's key on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Proof {
    /// Which.
    #[n(0)]
    pub mailbox: MailboxId,
    /// Over mailbox, both peers and both nonces.
    #[n(1)]
    pub signature: Signature,
    /// Whether to push whole envelopes as they come, rather than to announce their ids.
    #[n(2)]
    pub push: bool,
    /// Whether others who proved it may learn of this connection; never for quiet ones.
    #[n(3)]
    pub listed: bool,
}

/// The two ends and nonces of a connection, as one side sees them.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Who proves.
    pub prover: Peer,
    /// Who is to be convinced.
    pub verifier: Peer,
    /// The prover's nonce.
    pub prover_nonce: Nonce,
    /// The verifier's nonce.
    pub verifier_nonce: Nonce,
}

impl Ends {
    fn parts(&self) -> [&[u8]; 4] {
        [&self.prover.0, &self.verifier.0, &self.prover_nonce.0, &self.verifier_nonce.0]
    }

    /// Proves the mailbox of `pair`.
    #[must_use]
    pub fn prove(&self, pair: &KeyPair, push: bool, listed: bool) -> Proof {
        let mailbox = MailboxId(pair.public());
        let [a, b, c, d] = self.parts();
        let signature = pair.sign(Label::Proof, &CircleId::NONE, &[&mailbox.0, a, b, c, d]);
        Proof { mailbox, signature: Signature(signature), push, listed }
    }

    /// Whether `proof` holds on this connection.
    #[must_use]
    pub fn verify(&self, proof: &Proof) -> bool {
        let [a, b, c, d] = self.parts();
        verify(
            &proof.mailbox.0,
            &proof.signature.0,
            Label::Proof,
            &CircleId::NONE,
            &[&proof.mailbox.0, a, b, c, d],
        )
    }
}
