//! What a relay is asked by its operator, and what it answers; nothing here names a peer or mailbox.

use hearthlight_protocol::boundary::{Env, Output, Timestamp};
use hearthlight_protocol::crypto::random;
use hearthlight_protocol::relay::{Grant, Relay, TokenState, TokenView, token};
use serde::{Deserialize, Serialize};

use super::error::RelayError;
use super::folder::address_text;

/// A question, as it goes over `relay.sock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Ask {
    /// How it stands.
    Status,
    /// Whether it works.
    Health,
    /// Make a token.
    TokenAdd(TokenOrder),
    /// All tokens.
    Tokens,
    /// Take a token back.
    TokenRevoke {
        /// Its id, or the start of it.
        id: String,
    },
    /// Read the settings again.
    Reload,
}

/// An answer, as it goes over `relay.sock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// To [`Ask::Status`].
    Status(StatusReport),
    /// To [`Ask::Health`].
    Health(Health),
    /// To [`Ask::TokenAdd`] and [`Ask::TokenRevoke`].
    Token(TokenReport),
    /// To [`Ask::Tokens`].
    Tokens {
        /// The oldest first.
        tokens: Vec<TokenReport>,
    },
    /// To [`Ask::Reload`].
    Done,
    /// It was not done.
    Refused {
        /// The kind of U-4.
        kind: String,
        /// One sentence.
        title: String,
    },
}

/// What a new token is to be (U-83).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenOrder {
    /// The operator's own note; may be empty.
    pub label: String,
    /// Bytes it may store; `None`: as the settings say.
    pub quota_bytes: Option<u64>,
    /// Seconds until it ends.
    pub expires_s: Option<u64>,
}

/// A token as its operator sees it (U-83).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenReport {
    /// Its id.
    pub id: String,
    /// The operator's own note.
    pub label: Option<String>,
    /// The address that holds it: only at its making, since the relay does not keep it.
    pub address: Option<String>,
    /// Milliseconds since 1970.
    pub made_at_ms: u64,
    /// Milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
    /// Bytes it may store.
    pub quota_bytes: u64,
    /// Bytes it stores.
    pub used_bytes: u64,
    /// Where it stands.
    pub state: TokenStanding,
}

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenStanding {
    /// It opens mailboxes.
    Active,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

/// How a relay stands (U-82); counts only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Whether it takes more.
    pub state: State,
    /// Seconds since its start.
    pub up_s: u64,
    /// Its program's version.
    pub version: String,
    /// Its key as a PeerId.
    pub key: String,
    /// Where members reach it.
    pub addresses: Vec<String>,
    /// Connections that stand.
    pub connections: usize,
    /// Circuits that it carries.
    pub circuits: usize,
    /// Open mailboxes.
    pub mailboxes: usize,
    /// Envelopes that it keeps.
    pub envelopes: usize,
    /// Bytes of them.
    pub stored_bytes: u64,
    /// Bytes that there is room for.
    pub limit_bytes: u64,
    /// Age of the oldest in seconds, to the hour.
    pub oldest_s: Option<u64>,
    /// Active tokens.
    pub tokens: usize,
    /// Refusals within the last hour.
    pub refused_hour: u64,
}

/// Whether a relay takes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    Ready,
    /// Its store is full.
    Full,
    /// It is ending.
    Draining,
}

/// Whether a relay works (U-164).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether its loop turns.
    pub ok: bool,
    /// Whether it can take more.
    pub ready: bool,
    /// Why not, in one word.
    pub reason: Option<String>,
}

impl TokenOrder {
    /// The token that a new relay comes with.
    pub(super) fn first() -> Self {
        Self { label: "first".to_owned(), ..Self::default() }
    }
}

/// Makes a token. It is in the answer's address and nowhere else.
pub(super) fn add_token(
    relay: &mut Relay,
    env: &mut Env<'_>,
    order: &TokenOrder,
    addresses: &[Vec<u8>],
) -> (Result<TokenReport, RelayError>, Vec<Output>) {
    let secret: [u8; 16] = random(env.rng);
    let Some(address) = address_text(addresses, relay.peer(), Some(secret)) else {
        return (Err(RelayError::NoAddress), Vec::new());
    };
    let seconds = order.expires_s.map(|seconds| seconds.saturating_mul(1000));
    let grant = Grant {
        link: token::chain(&secret, 0),
        label: order.label.clone(),
        quota: order.quota_bytes,
        expires: seconds.map(|ms| env.now.plus(ms)),
    };
    let Some((id, outputs)) = relay.add_token(grant, env.now) else {
        return (Err(RelayError::TooManyTokens), Vec::new());
    };
    let made = relay.tokens(env.now).into_iter().find(|view| view.id == id);
    let report = made.map(|view| TokenReport { address: Some(address), ..report(&view) });
    (report.ok_or(RelayError::NoToken), outputs)
}

/// All tokens, the oldest first.
pub(super) fn tokens(relay: &Relay, now: Timestamp) -> Vec<TokenReport> {
    relay.tokens(now).iter().map(report).collect()
}

/// Takes back the one token whose id starts with `id`.
pub(super) fn revoke_token(
    relay: &mut Relay,
    now: Timestamp,
    id: &str,
) -> (Result<TokenReport, RelayError>, Vec<Output>) {
    if id.len() < ID_START {
        return (Err(RelayError::FewDigits), Vec::new());
    }
    let views = relay.tokens(now);
    let mut found = views.iter().filter(|view| view.id.hex().starts_with(id));
    let view = match (found.next(), found.next()) {
        (Some(view), None) => view,
        (Some(_), _) => return (Err(RelayError::SeveralTokens), Vec::new()),
        (None, _) => return (Err(RelayError::NoToken), Vec::new()),
    };
    let outputs = relay.revoke_token(view.id, now).unwrap_or_default();
    let state = TokenStanding::Revoked;
    let report = TokenReport { state, ..report(view) };
    (Ok(report), outputs)
}

/// Digits of an id that U-11 asks for.
const ID_START: usize = 6;

fn report(view: &TokenView) -> TokenReport {
    TokenReport {
        id: view.id.hex(),
        label: Some(view.label.clone()).filter(|label| !label.is_empty()),
        address: None,
        made_at_ms: view.made_at.0,
        expires_at_ms: view.expires_at.map(|end| end.0),
        quota_bytes: view.quota_bytes,
        used_bytes: view.used_bytes,
        state: match view.state {
            TokenState::Active => TokenStanding::Active,
            TokenState::Expired => TokenStanding::Expired,
            TokenState::Revoked => TokenStanding::Revoked,
        },
    }
}

impl From<RelayError> for Answer {
    fn from(error: RelayError) -> Self {
        Self::Refused { kind: error.kind().to_owned(), title: error.to_string() }
    }
}
