//! What can go wrong with a relay; each has a kind of U-4.

use crate::{address::Damaged, error::NodeError};

/// Why something cannot be done with a relay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// As for a home.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Nobody answers at `relay.sock` (`not-running`).
    #[error("this relay is not running")]
    NotRunning,
    /// No token's id starts so (`no-match`).
    #[error("no token has that id")]
    NoToken,
    /// Several tokens' ids start so (`ambiguous`).
    #[error("several tokens have ids that start so")]
    SeveralTokens,
    /// So few digits that another token could be meant (`usage`).
    #[error("a token's id is typed with at least six digits")]
    FewDigits,
    /// As many tokens as there may be (`quota`).
    #[error("this relay has as many tokens as it may")]
    TooManyTokens,
    /// A token's address would have a gap (`usage`).
    #[error("listen.external in relay.toml does not say yet where members reach this relay")]
    NoAddress,
    /// What was given is no relay's address (`relay-address-damaged`).
    #[error(transparent)]
    Address(#[from] Damaged),
    /// Nobody answers at another relay's address (`unreachable`).
    #[error("The relay could not be reached.")]
    Unreachable,
    /// Somebody answers there who is not that relay (`unreachable`).
    #[error("Somebody else answers at the address of this relay.")]
    Impostor,
    /// The running relay said so, in its own words.
    #[error("{title}")]
    Told {
        /// The kind of U-4.
        kind: String,
        /// One sentence.
        title: String,
    },
}

impl RelayError {
    /// The kind of U-4.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Node(error) => error.kind(),
            Self::NotRunning => "not-running",
            Self::NoToken => "no-match",
            Self::SeveralTokens => "ambiguous",
            Self::FewDigits => "usage",
            Self::TooManyTokens => "quota",
            Self::NoAddress => "usage",
            Self::Address(damaged) => damaged.kind(),
            Self::Unreachable | Self::Impostor => "unreachable",
            Self::Told { kind, .. } => kind,
        }
    }

    /// What to do, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotRunning => Some("hearthlight relay run"),
            Self::Node(NodeError::NotSetUp) => Some("hearthlight relay init"),
            Self::NoToken | Self::SeveralTokens | Self::FewDigits => {
                Some("hearthlight relay token list")
            }
            Self::NoAddress => Some("set listen.external, like [\"/ip4/203.0.113.7/tcp/4270\"]"),
            Self::Unreachable => {
                Some("Do the same again later, or ask its operator whether it runs.")
            }
            Self::Impostor => Some("Ask its operator for the address again."),
            _ => None,
        }
    }
}
