//! Whom a swarm is to be connected with, and when to try again: nothing else reconnects.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use hearthlight_protocol::boundary::Contact;
use libp2p::swarm::ConnectionId;

/// All contacts of one swarm.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    all: BTreeMap<Contact, Attempt>,
}

/// How far a contact is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A connection stands.
    Held,
    /// It can be dialed.
    Open,
    /// It cannot be dialed now: the relay of a circuit is not connected.
    Shut,
}

#[derive(Debug)]
struct Attempt {
    next: Instant,
    /// Dials in a row that reached nobody.
    failures: u32,
    /// Connections in a row that ended before they were [`SETTLED`].
    drops: u32,
    dialing: Option<ConnectionId>,
    held_since: Option<Instant>,
    open: bool,
}

impl Contacts {
    /// Takes `wanted` as the contacts from now on, each new one to be dialed after `delay`; gives
    /// those that are not wanted any more.
    pub(super) fn set(
        &mut self,
        wanted: &BTreeSet<Contact>,
        now: Instant,
        delay: impl Fn(&Contact) -> Duration,
    ) -> Vec<Contact> {
        let left: Vec<_> = self.all.keys().filter(|c| !wanted.contains(*c)).cloned().collect();
        for contact in &left {
            self.all.remove(contact);
        }
        for contact in wanted {
            self.all.entry(contact.clone()).or_insert_with(|| Attempt {
                next: now + delay(contact),
                failures: 0,
                drops: 0,
                dialing: None,
                held_since: None,
                open: false,
            });
        }
        left
    }

    /// All contacts.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.all.keys()
    }

    /// Those to be dialed now, with the number of failures so far.
    pub(super) fn due(
        &mut self,
        now: Instant,
        reach: impl Fn(&Contact) -> Reach,
    ) -> Vec<(Contact, u32)> {
        let mut due = Vec::new();
        for (contact, attempt) in &mut self.all {
            let reach = reach(contact);
            attempt.open = reach == Reach::Open;
            if reach == Reach::Held {
                attempt.held_since.get_or_insert(now);
                continue;
            }
            if let Some(since) = attempt.held_since.take() {
                let settled = now.saturating_duration_since(since) >= SETTLED;
                attempt.failures = 0;
                attempt.drops = if settled { 0 } else { attempt.drops.saturating_add(1) };
                attempt.put_off(now);
            }
            if attempt.open && attempt.dialing.is_none() && attempt.next <= now {
                due.push((contact.clone(), attempt.failures));
            }
        }
        due
    }

    /// When something is due next, as far as [`Self::due`] saw.
    pub(super) fn next(&self) -> Option<Instant> {
        let idle = self.all.values().filter(|a| a.open && a.dialing.is_none());
        idle.map(|a| a.next).min()
    }

    /// A dial has begun.
    pub(super) fn dialing(&mut self, contact: &Contact, id: ConnectionId) {
        if let Some(attempt) = self.all.get_mut(contact) {
            attempt.dialing = Some(id);
        }
    }

    /// The contact that was dialed by this connection, which now stands or will not come.
    pub(super) fn dialed(&mut self, id: ConnectionId) -> Option<Contact> {
        let mut dialing = self.all.iter_mut().filter(|(_, a)| a.dialing == Some(id));
        let (contact, attempt) = dialing.next()?;
        attempt.dialing = None;
        Some(contact.clone())
    }

    /// A try failed: the next one comes later.
    pub(super) fn failed(&mut self, contact: &Contact, now: Instant) {
        if let Some(attempt) = self.all.get_mut(contact) {
            attempt.put_off(now);
            attempt.failures = attempt.failures.saturating_add(1);
        }
    }
}

impl Attempt {
    /// Whoever drops us, again and again, is redialed later and later, but not at once as late as
    /// whoever cannot be reached: a relay that was started again is up within a second.
    fn put_off(&mut self, now: Instant) {
        self.next = now + pause(self.failures.saturating_add(self.drops / DROPS));
    }
}

/// How long to wait after so many failures; by chance a quarter more or less, so that a relay that
/// comes back is not met by all at one moment.
pub(super) fn pause(failures: u32) -> Duration {
    let full = FIRST.saturating_mul(1 << failures.min(10)).min(LONGEST);
    let chance = getrandom::u32().unwrap_or_default() % 512;
    full * (768 + chance) / 1024
}

/// After the first failure (a guess; the spike's relay restarts took 0.1 s).
const FIRST: Duration = Duration::from_millis(200);
/// At most: who comes home is connected within a quarter of a minute.
const LONGEST: Duration = Duration::from_secs(15);
/// So many connections that were dropped count as one failure: at the twentieth restart in a row the first
/// dial comes after 0.8 s, and after a quarter of a minute from the 56th on.
const DROPS: u32 = 8;
/// A connection that stood so long was a good one.
const SETTLED: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use hearthlight_protocol::{boundary::RelayKey, identity::Peer};

    use super::*;

    fn relay() -> Contact {
        Contact::Relay { addresses: vec![], key: RelayKey::Known(Peer([1; 32])), reserve: false }
    }

    fn contacts(now: Instant) -> Contacts {
        let mut contacts = Contacts::default();
        contacts.set(&BTreeSet::from([relay()]), now, |_| Duration::ZERO);
        contacts
    }

    #[test]
    fn pauses_double_up_to_their_limit() {
        for (failures, ms) in [(0, 200), (1, 400), (4, 3200), (9, 15_000), (u32::MAX, 15_000)] {
            let full = Duration::from_millis(ms);
            for _ in 0..100 {
                assert!((full * 3 / 4..=full * 5 / 4).contains(&pause(failures)));
            }
        }
    }

    #[test]
    fn a_contact_is_dialed_at_once_and_again_after_a_failure() {
        let now = Instant::now();
        let mut contacts = contacts(now);
        assert_eq!(contacts.due(now, |_| Reach::Open), [(relay(), 0)]);
        let id = ConnectionId::new_unchecked(1);
        contacts.dialing(&relay(), id);
        assert!(contacts.due(now, |_| Reach::Open).is_empty());
        assert_eq!(contacts.dialed(id), Some(relay()));
        contacts.failed(&relay(), now);
        assert!(contacts.due(now, |_| Reach::Open).is_empty());
        let later = contacts.next().expect("to be tried again");
        assert_eq!(contacts.due(later, |_| Reach::Open), [(relay(), 1)]);
    }

    /// How long a contact waits that was just dropped after it had been held for `held`.
    fn dropped(contacts: &mut Contacts, now: &mut Instant, held: Duration) -> Duration {
        contacts.due(*now, |_| Reach::Held);
        *now += held;
        contacts.due(*now, |_| Reach::Open);
        let next = contacts.next().expect("to be tried again");
        let waits = next.saturating_duration_since(*now);
        *now = next;
        assert_eq!(contacts.due(*now, |_| Reach::Open).len(), 1);
        waits
    }

    #[test]
    fn a_relay_that_was_started_twenty_times_in_a_row_is_dialed_within_a_second_each_time() {
        let mut now = Instant::now();
        let mut contacts = contacts(now);
        for drop in 0..20 {
            let waits = dropped(&mut contacts, &mut now, Duration::from_millis(500));
            assert!(waits <= Duration::from_secs(1), "{waits:?} after {drop}");
            // It was away for a moment each time: these failures are forgotten once it is there.
            contacts.failed(&relay(), now);
        }
    }

    #[test]
    fn only_a_connection_that_stood_a_while_ends_the_growing_of_pauses() {
        let mut now = Instant::now();
        let mut contacts = contacts(now);
        for _ in 0..10 * DROPS {
            dropped(&mut contacts, &mut now, Duration::ZERO);
        }
        assert!(dropped(&mut contacts, &mut now, Duration::ZERO) > LONGEST / 2);
        assert!(dropped(&mut contacts, &mut now, SETTLED) <= FIRST * 5 / 4);
    }

    #[test]
    fn a_contact_that_is_given_up_is_not_dialed() {
        let now = Instant::now();
        let mut contacts = contacts(now);
        assert_eq!(contacts.set(&BTreeSet::new(), now, |_| Duration::ZERO), [relay()]);
        assert!(contacts.due(now, |_| Reach::Open).is_empty());
        assert_eq!(contacts.next(), None);
    }
}
