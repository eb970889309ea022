//! What can go wrong with a relay; each has a kind of U-4.

use crate::error::NodeError;

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
    /// As many tokens as there may be (`quota`).
    #[error("this relay has as many tokens as it may")]
    TooManyTokens,
    /// A token's address would have a gap (`usage`).
    #[error("listen.external in relay.toml does not say yet where members reach this relay")]
    NoAddress,
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
            Self::TooManyTokens => "quota",
            Self::NoAddress => "usage",
            Self::Told { kind, .. } => kind,
        }
    }

    /// What to do, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotRunning => Some("hearthlight relay run"),
            Self::Node(NodeError::NotSetUp) => Some("hearthlight relay init"),
            Self::NoToken | Self::SeveralTokens => Some("hearthlight relay token list"),
            Self::NoAddress => Some("set listen.external, like [\"/ip4/203.0.113.7/tcp/4270\"]"),
            _ => None,
        }
    }
}
