//! A repeat is not a second act (U-104): the first answer to a key, for a day.
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{desk::Desk, limits::MAX_BODY, problem::Problem};

/// Keys with what was asked under them, the oldest going first.
#[derive(Debug)]
pub(super) struct Once {
    capacity: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    slots: HashMap<String, Arc<Slot>>,
    order: VecDeque<String>,
}

/// One key: what was asked, and the answer once there is one.
#[derive(Debug)]
pub(super) struct Slot {
    body: [u8; 32],
    since: Instant,
    answer: OnceCell<Kept>,
}

/// An answer that is given again.
#[derive(Clone, Debug)]
struct Kept {
    status: StatusCode,
    body: Bytes,
}

impl Once {
    /// Room for so many keys.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, shelf: Mutex::default() }
    }

    /// The slot of a key, new or as it was left.
    ///
    /// # Errors
    /// If the key came with another body.
    pub(super) fn slot(
        &self,
        key: &str,
        body: [u8; 32],
        now: Instant,
    ) -> Result<Arc<Slot>, Problem> {
        let mut shelf = self.shelf.lock().expect("nothing panics while it holds the shelf");
        shelf.forget_before(now);
        if let Some(slot) = shelf.slots.get(key) {
            return if slot.body == body {
                Ok(Arc::clone(slot))
            } else {
                Err(Problem::key_reused())
            };
        }
        if shelf.order.len() >= self.capacity {
            shelf.forget_oldest();
        }
        let slot = Arc::new(Slot { body, since: now, answer: OnceCell::new() });
        shelf.slots.insert(key.to_owned(), Arc::clone(&slot));
        shelf.order.push_back(key.to_owned());
        Ok(slot)
    }

    /// Forgets every key and answer: answers hold codes and names.
    pub(super) fn forget(&self) {
        *self.shelf.lock().expect("nothing panics while it holds the shelf") = Shelf::default();
    }
}

impl Shelf {
    fn forget_before(&mut self, now: Instant) {
        while let Some(oldest) = self.order.front().and_then(|key| self.slots.get(key)) {
            if now.saturating_duration_since(oldest.since) < KEPT_FOR {
                break;
            }
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(key) = self.order.pop_front() {
            self.slots.remove(&key);
        }
    }
}

/// Gives the first answer again where a POST repeats a key; what was refused is tried again.
pub(super) async fn answer_once(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let key = match key(request.headers()) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Problem::of("too-large").into_response();
    };
    let asked = Sha256::new()
        .chain_update(parts.uri.path())
        .chain_update([0])
        .chain_update(&body)
        .finalize()
        .into();
    let slot = match desk.once.slot(&key, asked, Instant::now()) {
        Ok(slot) => slot,
        Err(problem) => return problem.into_response(),
    };
    // A task of its own: a client that goes away and asks again finds the answer to what it began.
    let run = tokio::spawn(async move {
        let first = || keep(next.run(Request::from_parts(parts, Body::from(body))));
        slot.answer.get_or_try_init(first).await.cloned()
    });
    match run.await {
        Ok(Ok(kept)) => kept.into_response(),
        Ok(Err(refused)) => *refused,
        Err(_) => Problem::internal().into_response(),
    }
}

/// An answer to be kept, or the response as it is where nothing was done.
async fn keep(answering: impl Future<Output = Response>) -> Result<Kept, Box<Response>> {
    let response = answering.await;
    let status = response.status();
    if !status.is_success() {
        return Err(Box::new(response));
    }
    match to_bytes(response.into_body(), usize::MAX).await {
        Ok(body) => Ok(Kept { status, body }),
        Err(_) => Err(Box::new(Problem::internal().into_response())),
    }
}

impl IntoResponse for Kept {
    fn into_response(self) -> Response {
        (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

/// The idempotency key of a request, if it has one.
///
/// # Errors
/// `usage`, unless it is 16 to 64 visible characters.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .filter(|key| is_key(key))
        .map(|key| Some(key.to_owned()))
        .ok_or_else(not_a_key)
}

/// Whether it can be an idempotency key.
pub(super) fn is_key(key: &str) -> bool {
    (16..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What is said about a key that is none.
pub(super) fn not_a_key() -> Problem {
    Problem::usage("An idempotency key is 16 to 64 visible characters.")
}

/// How long a key is remembered (U-104).
const KEPT_FOR: Duration = Duration::from_secs(24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef";

    /// U-104
    #[test]
    fn the_same_key_finds_its_slot_and_another_body_does_not() {
        let (once, now) = (Once::new(8), Instant::now());
        let first = once.slot(KEY, [1; 32], now).unwrap();
        let second = once.slot(KEY, [1; 32], now).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(once.slot(KEY, [2; 32], now).unwrap_err(), Problem::key_reused());
    }

    /// U-104
    #[test]
    fn a_key_is_forgotten_after_a_day() {
        let (once, now) = (Once::new(8), Instant::now());
        once.slot(KEY, [1; 32], now).unwrap();
        let almost = now + KEPT_FOR - Duration::from_secs(1);
        assert!(once.slot(KEY, [2; 32], almost).is_err());
        assert!(once.slot(KEY, [2; 32], now + KEPT_FOR).is_ok());
    }

    #[test]
    fn the_oldest_key_makes_room() {
        let (once, now) = (Once::new(2), Instant::now());
        for key in ["a", "b", "c"] {
            once.slot(key, [1; 32], now).unwrap();
        }
        assert_eq!(once.shelf.lock().unwrap().slots.len(), 2);
        assert!(once.slot("a", [2; 32], now).is_ok(), "forgotten");
        assert!(once.slot("c", [2; 32], now).is_err(), "remembered");
    }

    #[test]
    fn locking_forgets_all_answers() {
        let (once, now) = (Once::new(2), Instant::now());
        once.slot(KEY, [1; 32], now).unwrap();
        once.forget();
        assert!(once.slot(KEY, [2; 32], now).is_ok());
    }

    /// U-104
    #[test]
    fn a_key_has_sixteen_to_sixty_four_visible_characters() {
        assert!(is_key(KEY));
        assert!(is_key(&"k".repeat(64)));
        for wrong in ["", "short", "0123456789abcde\u{e9}", "0123456789 abcdef"] {
            assert!(!is_key(wrong), "{wrong}");
        }
        assert!(!is_key(&"k".repeat(65)));
    }

    /// U-104
    #[tokio::test]
    async fn only_what_was_done_is_kept() {
        let slot = Once::new(1).slot(KEY, [1; 32], Instant::now()).unwrap();
        let refused = slot
            .answer
            .get_or_try_init(|| keep(async { Problem::of("unreachable").into_response() }))
            .await;
        assert_eq!(refused.unwrap_err().status(), 503);
        for body in ["first", "second"] {
            let kept = slot.answer.get_or_try_init(|| keep(async move { body.into_response() }));
            assert_eq!(kept.await.unwrap().body, "first");
        }
    }
}
