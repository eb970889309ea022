//! Who may use the page (U-115): a key that opens it once, and the token that the key is swapped for.
use std::{
    collections::VecDeque,
    sync::Mutex,
    time::{Duration, Instant},
};

use hearthlight_protocol::boundary::Timestamp;
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::api::desk::now;

/// Keys that were given out, tokens in use, and tries that were wrong.
#[derive(Debug)]
pub(in crate::api) struct Sessions {
    held: Mutex<Held>,
    /// Whether a page may only unlock, though the home is open: one without a passphrase (U-182).
    locked: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Held {
    keys: VecDeque<(Secret, Instant)>,
    tokens: VecDeque<(Secret, Instant)>,
    wrong: VecDeque<Instant>,
}

/// 256 random bits as text.
type Secret = Zeroizing<String>;

impl Sessions {
    pub(in crate::api) fn new() -> Self {
        Self { held: Mutex::default(), locked: watch::Sender::new(false) }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().expect("nothing panics while it holds the sessions")
    }

    /// A key that opens the page once, and until when.
    pub(in crate::api) fn new_key(&self) -> (String, Timestamp) {
        let key = secret();
        let mut held = self.held();
        push(&mut held.keys, key.clone(), MAX_KEYS);
        let expires_at = now().plus(u64::try_from(KEY_TIME.as_millis()).unwrap_or(0));
        (key.to_string(), expires_at)
    }

    /// Swaps a key for a token.
    pub(super) fn enter(&self, key: &str) -> Option<String> {
        let mut held = self.held();
        held.keys.retain(|(_, since)| since.elapsed() < KEY_TIME);
        let at = position(&held.keys, key)?;
        held.keys.remove(at);
        let token = secret();
        push(&mut held.tokens, token.clone(), MAX_TOKENS);
        Some(token.to_string())
    }

    /// Whether a token is good.
    pub(super) fn knows(&self, token: &str) -> bool {
        let mut held = self.held();
        held.tokens.retain(|(_, since)| since.elapsed() < TOKEN_TIME);
        position(&held.tokens, token).is_some()
    }

    /// Ends all tokens and keys.
    pub(in crate::api) fn end_all(&self) {
        *self.held() = Held::default();
    }

    /// Counts a wrong try; after ten in a minute, each waits a second.
    pub(super) async fn slow_down(&self) {
        let pause = self.wrong_try();
        tokio::time::sleep(pause).await;
    }

    fn wrong_try(&self) -> Duration {
        let wrong = &mut self.held().wrong;
        wrong.retain(|at| at.elapsed() < WRONG_TIME);
        let many = wrong.len() >= MAX_WRONG;
        if many {
            wrong.pop_front();
        }
        wrong.push_back(Instant::now());
        if many { WRONG_PAUSE } else { Duration::ZERO }
    }

    /// Lets pages unlock and no more, or everything again.
    pub(in crate::api) fn set_locked(&self, locked: bool) {
        self.locked.send_replace(locked);
    }

    /// Whether pages may only unlock, now and later.
    pub(in crate::api) fn locked(&self) -> watch::Receiver<bool> {
        self.locked.subscribe()
    }
}

fn push(all: &mut VecDeque<(Secret, Instant)>, new: Secret, most: usize) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back((new, Instant::now()));
}

/// Looks at every one, so that the time does not tell which, or how much of it.
fn position(all: &VecDeque<(Secret, Instant)>, asked: &str) -> Option<usize> {
    let mut found = None;
    for (at, (held, _)) in all.iter().enumerate() {
        if bool::from(held.as_bytes().ct_eq(asked.as_bytes())) {
            found = Some(at);
        }
    }
    found
}

fn secret() -> Secret {
    let mut bytes = Zeroizing::new([0; 32]);
    crate::vault::random(&mut *bytes);
    Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(&*bytes))
}

/// How long a link is good (U-115).
const KEY_TIME: Duration = Duration::from_secs(60);
/// How long a token is good (U-115).
const TOKEN_TIME: Duration = Duration::from_secs(12 * 3_600);
/// Links at once; a guess: a person opens one, maybe another.
const MAX_KEYS: usize = 8;
/// Pages at once; a guess.
const MAX_TOKENS: usize = 8;
/// Wrong tries in a minute before each waits (U-115).
const MAX_WRONG: usize = 10;
const WRONG_TIME: Duration = Duration::from_secs(60);
const WRONG_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// U-115
    #[test]
    fn a_key_opens_once_and_gives_a_token() {
        let sessions = Sessions::new();
        let (key, _) = sessions.new_key();
        assert_eq!(key.len(), 43, "256 bits");
        let token = sessions.enter(&key).unwrap();
        assert_eq!(sessions.enter(&key), None, "used");
        assert_eq!(sessions.enter(""), None);
        assert!(sessions.knows(&token) && !sessions.knows(&key) && !sessions.knows(""));
        sessions.end_all();
        assert!(!sessions.knows(&token));
    }

    /// U-115
    #[test]
    fn a_key_is_good_for_a_minute_and_a_token_for_a_day_of_work() {
        let sessions = Sessions::new();
        let (old, _) = sessions.new_key();
        let before = Instant::now().checked_sub(KEY_TIME).unwrap();
        sessions.held().keys[0].1 = before;
        assert_eq!(sessions.enter(&old), None);
        let (key, _) = sessions.new_key();
        let token = sessions.enter(&key).unwrap();
        let before = Instant::now().checked_sub(TOKEN_TIME).unwrap();
        sessions.held().tokens[0].1 = before;
        assert!(!sessions.knows(&token));
    }

    /// U-107
    #[test]
    fn keys_and_tokens_are_few() {
        let sessions = Sessions::new();
        let keys: Vec<_> = (0..2 * MAX_KEYS).map(|_| sessions.new_key().0).collect();
        assert_eq!(sessions.enter(&keys[0]), None);
        let tokens: Vec<_> = keys.iter().rev().filter_map(|key| sessions.enter(key)).collect();
        assert_eq!(tokens.len(), MAX_KEYS);
        assert_eq!(sessions.held().tokens.len(), MAX_TOKENS);
    }

    /// U-115
    #[test]
    fn who_guesses_waits() {
        let sessions = Sessions::new();
        for _ in 0..MAX_WRONG {
            assert_eq!(sessions.wrong_try(), Duration::ZERO);
        }
        assert_eq!(sessions.wrong_try(), WRONG_PAUSE);
        assert!(sessions.held().wrong.len() <= MAX_WRONG);
    }
}
