//! Waiting for something to happen, woken by the node's events and by nothing else.
use std::{future::poll_fn, task::Poll, time::Duration};

use futures::future::maybe_done;
use hearthlight_protocol::boundary::Event;
use tokio::{
    sync::broadcast::error::RecvError,
    task::unconstrained,
    time::{Instant, timeout_at},
};

use super::{desk::Feed, problem::Problem};

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woke {
    /// Something of interest happened, or so much that some of it was missed: ask again.
    Happened,
    /// The time is up.
    Late,
    /// The home was locked, or its node has ended.
    Ended,
}

/// Waits for an event that `touches` what is waited for.
pub(super) async fn next(
    events: &mut Feed,
    until: Instant,
    touches: impl Fn(&Event) -> bool,
) -> Woke {
    loop {
        match timeout_at(until, events.recv()).await {
            Err(_) => return Woke::Late,
            Ok(Ok(event)) if !touches(&event) => {}
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => return Woke::Happened,
            Ok(Err(RecvError::Closed)) => return Woke::Ended,
        }
    }
}

/// Asks again after each event that `touches`, until `done`, or the time is up, or the node ends; the last state.
/// Whoever calls this has subscribed before it asked for `first`.
///
/// # Errors
/// As `ask`.
pub(super) async fn until<T, F>(
    events: &mut Feed,
    until: Instant,
    first: T,
    touches: impl Fn(&Event) -> bool,
    done: impl Fn(&T) -> bool,
    mut ask: impl FnMut() -> F,
) -> Result<T, Problem>
where
    F: Future<Output = Result<T, Problem>>,
{
    let mut state = first;
    while !done(&state) {
        match next(events, until, &touches).await {
            // What was done stays done though the home is locked meanwhile.
            Woke::Late | Woke::Ended => break,
            Woke::Happened => state = ask().await?,
        }
    }
    Ok(state)
}

/// Awaits all at once, so that each takes its first step, and every later one, before those behind it:
/// what they ask is asked in their order. (`join_all` and `buffered` keep the order of results only.)
pub(super) async fn in_order<F: Future>(asking: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut asking: Vec<_> = asking.into_iter().map(|it| Box::pin(maybe_done(it))).collect();
    let all = poll_fn(|cx| {
        let waiting =
            asking.iter_mut().filter_map(|it| it.as_mut().poll(cx).is_pending().then_some(()));
        if waiting.count() == 0 { Poll::Ready(()) } else { Poll::Pending }
    });
    // A budget that ran out in the middle would let those in front wait and those behind go on.
    unconstrained(all).await;
    asking.iter_mut().filter_map(|it| it.as_mut().take_output()).collect()
}

/// The moment so many milliseconds from now; at most a week.
pub(super) fn after_ms(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms.min(MAX_WAIT_MS))
}

/// The longest wait of one request; a guess: longer ones ask again.
const MAX_WAIT_MS: u64 = 7 * 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use hearthlight_protocol::identity::CircleId;
    use tokio::sync::{broadcast, mpsc, watch};

    use super::*;
    use crate::Handle;

    fn circle(byte: u8) -> Event {
        Event::Circle { circle: CircleId([byte; 32]) }
    }

    fn is(byte: u8) -> impl Fn(&Event) -> bool {
        move |event| *event == circle(byte)
    }

    /// A feed that ends when the door is dropped, as a home that is locked.
    fn feed(capacity: usize) -> (broadcast::Sender<Event>, watch::Sender<Option<Handle>>, Feed) {
        let (send, events) = broadcast::channel(capacity);
        let (door, opened) = watch::channel(None);
        (send, door, Feed::new(events, opened))
    }

    #[tokio::test]
    async fn only_what_touches_wakes() {
        let (send, _door, mut feed) = feed(8);
        send.send(circle(1)).unwrap();
        send.send(circle(2)).unwrap();
        assert_eq!(next(&mut feed, after_ms(5_000), is(2)).await, Woke::Happened);
        assert_eq!(next(&mut feed, after_ms(0), is(2)).await, Woke::Late);
    }

    /// U-25: whoever holds a handle keeps the events open, so the lock has to end them.
    #[tokio::test]
    async fn a_lock_ends_the_wait() {
        let (_send, door, mut feed) = feed(8);
        door.send_replace(None);
        assert_eq!(next(&mut feed, after_ms(5_000), is(2)).await, Woke::Ended);
    }

    #[tokio::test]
    async fn who_missed_something_asks_again() {
        let (send, _door, mut feed) = feed(1);
        for _ in 0..3 {
            send.send(circle(1)).unwrap();
        }
        assert_eq!(next(&mut feed, after_ms(5_000), is(2)).await, Woke::Happened);
    }

    #[tokio::test]
    async fn a_wait_ends_when_it_is_done_or_late() {
        let (send, _door, mut feed) = feed(8);
        for _ in 0..3 {
            send.send(circle(1)).unwrap();
        }
        let mut asked = 0;
        let state = until(
            &mut feed,
            after_ms(5_000),
            0,
            is(1),
            |n| *n == 2,
            || {
                asked += 1;
                let n = asked;
                async move { Ok(n) }
            },
        );
        assert_eq!(state.await.unwrap(), 2);
        let late = until(&mut feed, after_ms(0), 7, is(9), |_| false, || async { Ok(8) });
        assert_eq!(late.await.unwrap(), 7);
    }

    /// U-40: what was done is told, though nobody can be asked how far it came.
    #[tokio::test]
    async fn a_wait_in_a_node_that_ends_gives_what_is_known() {
        let (send, _door, mut feed) = feed(8);
        drop(send);
        let over = until(
            &mut feed,
            after_ms(5_000),
            7,
            is(1),
            |_| false,
            || async { Err(Problem::of("locked")) },
        );
        assert_eq!(over.await.unwrap(), 7);
    }

    /// U-41: 500 sends need more than tokio's budget, and more than the channel holds.
    #[tokio::test]
    async fn what_is_asked_at_once_is_asked_in_order() {
        let (send, mut asked) = mpsc::channel(100);
        let said = tokio::spawn(async move {
            let mut said = Vec::new();
            while let Some(n) = asked.recv().await {
                said.push(n);
            }
            said
        });
        let asking = (0..500).map(|n| {
            let send = send.clone();
            async move {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                send.send(n).await.unwrap();
                n
            }
        });
        let all: Vec<usize> = (0..500).collect();
        assert_eq!(in_order(asking).await, all);
        drop(send);
        assert_eq!(said.await.unwrap(), all);
    }
}
