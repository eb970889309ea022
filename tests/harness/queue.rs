//! What will happen, in order, and the hash of what did.

use std::collections::BTreeMap;

use hearthlight_protocol::boundary::Timestamp;
use sha2::{Digest, Sha256};

/// Happenings ordered by (time, sequence): what was planned first for one instant happens first.
#[derive(Debug)]
pub struct Queue<T> {
    next: u64,
    planned: BTreeMap<(Timestamp, u64), T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { next: 0, planned: BTreeMap::new() }
    }
}

impl<T> Queue<T> {
    /// Plans `what` for `at`.
    pub fn plan(&mut self, at: Timestamp, what: T) {
        self.planned.insert((at, self.next), what);
        self.next += 1;
    }

    /// Takes what comes next, if it comes at `end` or earlier.
    pub fn take(&mut self, end: Timestamp) -> Option<(Timestamp, T)> {
        let first = self.planned.first_entry()?;
        (first.key().0 <= end).then(|| {
            let ((at, _), what) = first.remove_entry();
            (at, what)
        })
    }

    /// How much is planned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.planned.len()
    }

    /// Whether nothing is planned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.planned.is_empty()
    }
}

/// A running SHA-256 over everything that happened.
#[derive(Clone, Default)]
pub struct Trace(Sha256);

impl Trace {
    /// Takes one happening in; `tag` tells its kind, and its length with the other lengths where it ends.
    pub fn note(&mut self, at: Timestamp, tag: &str, host: usize, bytes: &[u8]) {
        let numbers = [at.0, host as u64, tag.len() as u64, bytes.len() as u64];
        for number in numbers {
            self.0.update(number.to_be_bytes());
        }
        self.0.update(tag);
        self.0.update(bytes);
    }

    /// Its first eight bytes in hex.
    #[must_use]
    pub fn short(&self) -> String {
        let hash = self.0.clone().finalize();
        hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.0.clone().finalize() == other.0.clone().finalize()
    }
}

impl Eq for Trace {}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({})", self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planned_first_for_one_instant_happens_first() {
        let mut queue = Queue::default();
        for (at, what) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b')] {
            queue.plan(Timestamp(at), what);
        }
        let mut seen = String::new();
        while let Some((_, what)) = queue.take(Timestamp(4)) {
            seen.push(what);
        }
        assert_eq!((seen.as_str(), queue.len()), ("ab", 2));
        while let Some((_, what)) = queue.take(Timestamp(5)) {
            seen.push(what);
        }
        assert_eq!(seen, "abcd");
    }

    #[test]
    fn a_trace_tells_order_and_lengths_apart() {
        let trace = |parts: &[&[u8]]| {
            let mut trace = Trace::default();
            parts.iter().for_each(|part| trace.note(Timestamp(1), "x", 0, part));
            trace
        };
        assert_eq!(trace(&[b"a", b"b"]), trace(&[b"a", b"b"]));
        assert_ne!(trace(&[b"a", b"b"]), trace(&[b"b", b"a"]));
        assert_ne!(trace(&[b"ab"]), trace(&[b"a", b"b"]));
    }
}
