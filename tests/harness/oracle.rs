//! What must never be seen, derived from the promises to people (protocol.md, 1).
//!
//! Every text that a world lets somebody say holds its own number (`say 00012`), so the oracle finds
//! it again wherever it turns up: in answers, events, lists, and on disks.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{Delivery, Entry, EntryKind, Mark, Room, Timestamp};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{EnvelopeId, MailboxId, MemberId, MessageId};

use crate::HostId;
use crate::liar::Claims;
use crate::store::MemoryStore;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub promise: &'static str,
    /// How.
    pub what: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.promise, self.what)
    }
}

/// Something said, from the moment on which a person asked for it.
#[derive(Clone, Debug)]
pub struct Said {
    /// By whom.
    pub author: HostId,
    /// The words, number first.
    pub text: String,
    /// When the machine was first told to say it.
    pub asked_at: Timestamp,
    /// Its id, once answered: from then on it must not be lost.
    pub id: Option<MessageId>,
    /// What its author had been shown, or had said, before.
    pub saw: BTreeSet<usize>,
    /// Who surely was in the roster that its author knew.
    pub owed: BTreeSet<MemberId>,
    /// Who belonged to the epochs that it was sealed in.
    pub sealed: BTreeSet<MemberId>,
    /// The envelopes that it was sealed in.
    pub envelopes: BTreeSet<EnvelopeId>,
    /// Who was shown it before knowing that its author belongs no more.
    pub heard: BTreeSet<HostId>,
    /// Whether it surely was sealed: a mark rose, or another member was shown it.
    pub left: bool,
}

/// What a world has seen so far, and what follows from it.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Everything said, by number.
    pub said: Vec<Said>,
    /// Whether what one member heard in time of somebody removed has to reach all others.
    pub hearsay: bool,
    /// Members whose word is worth nothing.
    pub hostile: BTreeSet<HostId>,
    /// Marks that rose because a relay lied.
    pub lied_to: usize,
    /// Which host is which member.
    pub members: BTreeMap<MemberId, HostId>,
    ids: BTreeMap<MessageId, usize>,
    shown: BTreeMap<HostId, BTreeSet<usize>>,
    held: BTreeMap<HostId, BTreeSet<usize>>,
    forbidden: BTreeMap<HostId, BTreeSet<usize>>,
    /// Whose home went back to a backup, when, and on which computer it runs now.
    back: BTreeMap<HostId, (HostId, Timestamp)>,
    put: BTreeMap<EnvelopeId, Put>,
    broken: Option<Broken>,
}

/// What one person has been shown, and what of it lies on the disk.
#[derive(Clone, Debug)]
pub struct Memory {
    shown: BTreeSet<usize>,
    held: BTreeSet<usize>,
    own: BTreeSet<usize>,
}

#[derive(Debug)]
struct Put {
    bytes: Vec<u8>,
    by: BTreeMap<HostId, Timestamp>,
    kept_by: BTreeSet<HostId>,
}

impl Put {
    /// Whether one of these relays' disks holds it.
    fn is_kept(&self, id: &EnvelopeId, relays: &[&MemoryStore]) -> bool {
        let values = relays.iter().flat_map(|store| store.drawer(Room::Envelopes));
        let mut rows = values.filter(|(key, _)| key.place.ends_with(&id.0));
        rows.any(|(_, value)| holds(value, &self.bytes))
    }
}

impl Oracle {
    /// The first promise that was broken.
    #[must_use]
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// Takes down that a promise was broken; the first one stands.
    pub fn broke(&mut self, promise: &'static str, what: String) {
        self.broken.get_or_insert(Broken { promise, what });
    }

    /// Somebody is about to say something. Gives its number.
    pub fn will_say(&mut self, author: HostId, words: &str, at: Timestamp) -> usize {
        let number = self.said.len();
        let own = self.said.iter().enumerate();
        let own = own.filter(|(_, said)| said.author == author && said.id.is_some());
        let mut saw: BTreeSet<usize> = own.map(|(number, _)| number).collect();
        saw.extend(self.shown.get(&author).into_iter().flatten());
        let text = format!("say {number:05} {words}");
        self.said.push(Said {
            author,
            text,
            asked_at: at,
            id: None,
            saw,
            owed: BTreeSet::new(),
            sealed: BTreeSet::new(),
            envelopes: BTreeSet::new(),
            heard: BTreeSet::new(),
            left: false,
        });
        number
    }

    /// A `Say` was answered.
    pub fn was_said(&mut self, number: usize, id: MessageId) {
        self.tie(number, id);
        self.said[number].id = Some(id);
    }

    /// The message `id` with this body was sealed in an epoch of these members.
    pub fn sealed(
        &mut self,
        body: &[u8],
        id: MessageId,
        members: &[MemberId],
        envelope: EnvelopeId,
    ) {
        for number in
            numbers_in(body).filter(|number| *number < self.said.len()).collect::<Vec<_>>()
        {
            self.tie(number, id);
            self.said[number].sealed.extend(members);
            self.said[number].envelopes.insert(envelope);
        }
    }

    /// P4: whoever is being admitted may read nothing that surely was sealed before.
    pub fn admitting(&mut self, newcomer: HostId) {
        let before = self.said.iter().enumerate().filter(|(_, said)| said.left);
        let before = before.map(|(number, _)| number).collect();
        self.forbidden.entry(newcomer).or_insert(before);
    }

    /// A line was shown to the person at `host`, `as_said` by somebody who belongs.
    pub fn line_shown(&mut self, host: HostId, entry: &Entry, as_said: bool) {
        let Some((number, id)) = self.number_of(entry) else {
            return;
        };
        self.tie(number, id);
        self.may_read(host, number);
        if self.said[number].author != host {
            self.said[number].left = true;
        }
        if as_said {
            self.said[number].heard.insert(host);
        }
        if !self.shown.entry(host).or_default().insert(number) {
            self.broke("nothing is shown twice", format!("say {number:05} at host {host}"));
        }
    }

    /// Something was saved in `room` of `host`'s store.
    pub fn saved(&mut self, host: HostId, room: Room, bytes: &[u8]) {
        if room == Room::Messages {
            let numbers = numbers_in(bytes);
            self.held.entry(host).or_default().extend(numbers);
        }
    }

    /// A member hands envelopes to a relay.
    pub fn put<'a>(
        &mut self,
        host: HostId,
        mailbox: &MailboxId,
        envelopes: impl Iterator<Item = &'a [u8]>,
        at: Timestamp,
    ) {
        for bytes in envelopes {
            let Some(envelope) = Envelope::parse(bytes.to_vec()) else {
                self.broke("P1", format!("host {host} puts what is not an envelope"));
                continue;
            };
            let new =
                || Put { bytes: bytes.to_vec(), by: BTreeMap::new(), kept_by: BTreeSet::new() };
            let put = self.put.entry(envelope.id(mailbox)).or_insert_with(new);
            put.by.entry(host).or_insert(at);
        }
    }

    /// P2: a relay says that it stored these; it must have.
    pub fn stored(&mut self, relay: HostId, ids: &[EnvelopeId], store: &MemoryStore) {
        for id in ids {
            let Some(put) = self.put.get_mut(id) else {
                self.broke("P2", format!("relay {relay} stored what nobody put"));
                continue;
            };
            if put.kept_by.contains(&relay) {
                continue;
            }
            if put.is_kept(id, &[store]) {
                put.kept_by.insert(relay);
            } else {
                self.broke("P2", format!("relay {relay} says stored, and did not store"));
            }
        }
    }

    /// P2: a mark rose at `host`; others must have acknowledged.
    pub fn mark_rose(
        &mut self,
        host: HostId,
        id: &MessageId,
        delivery: &Delivery,
        relays: &[&MemoryStore],
        claims: Option<&Claims>,
    ) {
        let Some(number) = self.ids.get(id).copied() else {
            return;
        };
        let said = &mut self.said[number];
        said.left |= delivery.mark > Mark::Waiting;
        // Others may have brought them to a relay. Where a world does not look into what is sealed, anything
        // that went from here since is good enough.
        let known = said.envelopes.clone();
        let asked_at = said.asked_at;
        let holders = self.held.iter().filter(|(at, held)| **at != host && held.contains(&number));
        let holders = holders.count();
        let carries = |id: &EnvelopeId, put: &Put| match known.is_empty() {
            true => put.by.get(&host).is_some_and(|at| *at >= asked_at),
            false => known.contains(id),
        };
        let mut puts = self.put.iter().filter(|(id, put)| carries(id, put));
        // Acknowledged ones first: looking through disks takes time.
        let mut at_relay = || {
            puts.clone().any(|(_, put)| !put.kept_by.is_empty())
                || puts.any(|(id, put)| put.is_kept(id, relays))
        };
        let caused = match delivery.mark {
            Mark::Waiting => true,
            Mark::Relayed if holders > 0 || at_relay() => true,
            // it believed a relay that lied. Still it has to arrive.
            Mark::Relayed => {
                let covers = |claims: &Claims| {
                    known.iter().any(|envelope| claims.covers(host, envelope, asked_at))
                };
                let lied_to = claims.is_some_and(covers);
                self.lied_to += usize::from(lied_to);
                lied_to
            }
            Mark::Received => delivery.received_by > 0,
        };
        // A hostile member may say that it has what it has not.
        let claims = holders + self.hostile.len();
        let right = delivery.received_by <= claims.min(delivery.members);
        if !(caused && right) {
            self.broke("P2", format!("say {number:05}: {delivery:?}, held by {holders} others"));
        }
    }

    /// What is still missing in these lists of those who belong, in words; `None` once everybody has
    /// read everything. Of somebody who belongs no more that counts which one of them heard.
    #[must_use]
    pub fn missing(&self, lists: &BTreeMap<HostId, Vec<Entry>>) -> Option<String> {
        for (number, said) in self.said.iter().enumerate().filter(|(_, said)| said.id.is_some()) {
            let author = self.here(said.author);
            let belongs = lists.contains_key(&author);
            let mut owed = self.owed(said, lists);
            let heard = |host: &HostId| said.heard.contains(host);
            let counts = belongs || self.hearsay && lists.keys().any(heard);
            if !counts {
                owed.retain(heard);
            }
            for host in &owed {
                let read = |entry: &&Entry| entry.id == said.id.map(|id| id.0);
                let Some(entry) = lists[host].iter().find(read) else {
                    let heard = if belongs { "" } else { ", though it was heard in time" };
                    return Some(format!("say {number:05} is not read by host {host}{heard}"));
                };
                let counts = *host == author && !self.went_back(said);
                if counts && !all_received(entry, owed.len() - 1) {
                    let delivery = entry.delivery;
                    return Some(format!("say {number:05} is not marked received: {delivery:?}"));
                }
            }
        }
        None
    }

    /// How often somebody who was to read something has not.
    #[must_use]
    pub fn unread(&self, lists: &BTreeMap<HostId, Vec<Entry>>) -> usize {
        let said = self.said.iter().filter(|said| said.id.is_some());
        let said = said.filter(|said| lists.contains_key(&self.here(said.author)));
        said.map(|said| {
            let owed = self.owed(said, lists);
            let read = |host: &&HostId| {
                lists[*host].iter().any(|entry| entry.id == said.id.map(|id| id.0))
            };
            owed.iter().filter(|host| !read(host)).count()
        })
        .sum()
    }

    /// Who of those who belong has to read something.
    fn owed(&self, said: &Said, lists: &BTreeMap<HostId, Vec<Entry>>) -> BTreeSet<HostId> {
        let members = said.owed.union(&said.sealed);
        let hosts = members.filter_map(|member| self.members.get(member)).copied();
        hosts.chain([self.here(said.author)]).filter(|host| lists.contains_key(host)).collect()
    }

    /// Judges what everybody reads once all is calm. `first` has been in since the founding.
    pub fn judge(&mut self, first: HostId, lists: &BTreeMap<HostId, Vec<Entry>>) {
        let mut read: BTreeMap<HostId, Vec<usize>> = BTreeMap::new();
        for (host, list) in lists {
            let found: Vec<_> = list.iter().filter_map(|entry| self.number_of(entry)).collect();
            for (number, id) in &found {
                self.tie(*number, *id);
                self.may_read(*host, *number);
            }
            read.insert(*host, found.into_iter().map(|(number, _)| number).collect());
        }
        if let Some(missing) = self.missing(lists) {
            self.broke("P1", missing);
        }
        let whole = read.get(&first).cloned().unwrap_or_default();
        let rest: BTreeSet<HostId> = lists.keys().copied().collect();
        for (host, numbers) in &read {
            self.judge_list(*host, numbers, &whole, &rest);
        }
    }

    /// `rest` are those who belong; of what others said not everybody has to have heard the same.
    fn judge_list(
        &mut self,
        host: HostId,
        numbers: &[usize],
        whole: &[usize],
        rest: &BTreeSet<HostId>,
    ) {
        let place: BTreeMap<usize, usize> =
            numbers.iter().enumerate().map(|(place, number)| (*number, place)).collect();
        if place.len() != numbers.len() {
            self.broke("nothing is shown twice", format!("host {host} lists {numbers:?}"));
        }
        let by_rest =
            |number: &usize| self.hearsay || rest.contains(&self.here(self.said[*number].author));
        let mut odd = numbers.iter().filter(|number| !whole.contains(number));
        if let Some(number) = odd.find(|number| by_rest(number)) {
            let what = format!("host {host} reads {number:05}, which the first does not");
            self.broke("P1", what);
        }
        let inside: BTreeSet<&usize> = numbers.iter().collect();
        let common = numbers.iter().filter(|number| whole.contains(number));
        if !whole.iter().filter(|number| inside.contains(number)).eq(common) {
            self.broke("one order", format!("host {host} lists {numbers:?}, the first {whole:?}"));
        }
        for number in numbers {
            self.may_read_by_seal(host, *number);
            let after = |earlier: &&usize| place.get(earlier) > place.get(number);
            if let Some(earlier) = self.said[*number].saw.iter().find(after) {
                let what = format!("host {host} lists {number:05} before {earlier:05}, its cause");
                self.broke("causal order", what);
            }
        }
    }

    /// What the person at `host` has been shown so far.
    #[must_use]
    pub fn memory(&self, host: HostId) -> Memory {
        let set = |of: &BTreeMap<HostId, BTreeSet<usize>>| of.get(&host).cloned();
        let own = self.said.iter().enumerate();
        let own = own.filter(|(_, said)| said.author == host && said.id.is_some());
        Memory {
            shown: set(&self.shown).unwrap_or_default(),
            held: set(&self.held).unwrap_or_default(),
            own: own.map(|(number, _)| number).collect(),
        }
    }

    /// a home goes back to what it was, on computer `to`. What was said since, and neither is with
    /// others nor was marked as relayed, is lost, and nobody's fault.
    pub fn goes_back(&mut self, host: HostId, to: HostId, memory: Memory, at: Timestamp) {
        let elsewhere = |number: &usize, said: &Said| {
            let held = self.held.iter().any(|(by, held)| *by != host && held.contains(number));
            let kept = |id| self.put.get(id).is_some_and(|put| !put.kept_by.is_empty());
            held || said.left && said.envelopes.iter().any(kept)
        };
        let own = self.said.iter().enumerate().filter(|(_, said)| said.author == host);
        let lost =
            own.filter(|(number, said)| !memory.own.contains(number) && !elsewhere(number, said));
        for number in lost.map(|(number, _)| number).collect::<Vec<_>>() {
            self.said[number].id = None;
        }
        for (number, said) in self.said.iter_mut().enumerate() {
            if !memory.shown.contains(&number) {
                said.heard.remove(&to);
            }
        }
        self.shown.insert(to, memory.shown);
        // What one had once was acknowledged, and counts at others.
        self.held.entry(to).or_default().extend(memory.held);
        self.back.insert(host, (to, at));
    }

    /// The computer that somebody's home runs on now.
    fn here(&self, host: HostId) -> HostId {
        self.back.get(&host).map_or(host, |(to, _)| *to)
    }

    /// Whether the home of its author went back to a backup after something was said: then others'
    /// acknowledgements may be gone with it.
    fn went_back(&self, said: &Said) -> bool {
        self.back.get(&said.author).is_some_and(|(_, at)| said.asked_at <= *at)
    }

    /// Whether the words of a message lie in a home, or once did.
    #[must_use]
    pub fn holds(&self, host: HostId, id: &MessageId) -> bool {
        let held = self.held.get(&host).zip(self.ids.get(id));
        held.is_some_and(|(held, number)| held.contains(number))
    }

    /// The words of the message with this id.
    #[must_use]
    pub fn text(&self, id: &MessageId) -> Option<&str> {
        self.ids.get(id).map(|number| self.said[*number].text.as_str())
    }

    /// Whether somebody surely said this: it was answered, or sealed, and not lost with its home.
    #[must_use]
    pub fn is_certain(&self, id: &MessageId) -> bool {
        self.ids.get(id).is_some_and(|number| self.said[*number].id.is_some())
    }

    /// Whether what leans on this message has to show it: it was not lost, and its author belongs or others
    /// bring it. What nobody ever said may not be missing at all.
    #[must_use]
    pub fn is_owed(&self, id: &MessageId, lists: &BTreeMap<HostId, Vec<Entry>>) -> bool {
        let known = self.ids.get(id).map(|number| &self.said[*number]);
        // A hostile member may name what there never was.
        known.map_or(self.hostile.is_empty(), |said| {
            said.id.is_some() && (self.hearsay || lists.contains_key(&self.here(said.author)))
        })
    }

    /// One text has one id and one id one text, everywhere, across crashes.
    fn tie(&mut self, number: usize, id: MessageId) {
        let other = self.ids.iter().find(|(known, n)| **n == number && **known != id).is_some();
        let known = *self.ids.entry(id).or_insert(number);
        if other || known != number {
            self.broke("R-28", format!("say {number:05} has two ids, or its id two texts"));
        }
    }

    /// P4: who was in no epoch that something was sealed in does not read it.
    fn may_read_by_seal(&mut self, host: HostId, number: usize) {
        let said = &self.said[number];
        let mut inside = said.sealed.iter().filter_map(|member| self.members.get(member));
        if self.here(said.author) != host
            && !said.sealed.is_empty()
            && !inside.any(|of| *of == host)
        {
            self.broke("P4", format!("host {host} reads {number:05}, which was not for it"));
        }
    }

    fn may_read(&mut self, host: HostId, number: usize) {
        if self.forbidden.get(&host).is_some_and(|forbidden| forbidden.contains(&number)) {
            self.broke("P4", format!("host {host} reads {number:05}, from before its admission"));
        }
    }

    fn number_of(&self, entry: &Entry) -> Option<(usize, MessageId)> {
        let EntryKind::Said { text, .. } = &entry.kind else {
            return None;
        };
        let number = numbers_in(text.as_bytes()).next()?;
        (self.said.get(number)?.text == *text).then_some((number, MessageId(entry.id?)))
    }
}

/// Whether all who have it have said so: `others` of them surely.
fn all_received(own: &Entry, others: usize) -> bool {
    own.delivery.is_some_and(|delivery| {
        let mark = if others == 0 { delivery.mark } else { Mark::Received };
        delivery.mark == mark && (others..=delivery.members).contains(&delivery.received_by)
    })
}

/// The numbers of all texts in `bytes`.
fn numbers_in(bytes: &[u8]) -> impl Iterator<Item = usize> {
    const WORD: &[u8] = b"say ";
    bytes.windows(WORD.len() + 5).filter_map(|window| {
        let digits = window.strip_prefix(WORD)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
    })
}

/// Whether a saved value has these bytes, behind the little that a relay writes before them.
fn holds(value: &[u8], part: &[u8]) -> bool {
    const BEFORE: usize = 128;
    let room = value.len().checked_sub(part.len());
    room.is_some_and(|room| (0..=room.min(BEFORE)).any(|at| value[at..].starts_with(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str, id: u8) -> Entry {
        let kind = EntryKind::Said { text: text.into(), reply_to: None, wants: None, note: None };
        Entry {
            place: vec![id],
            id: Some([id; 32]),
            kind,
            author: None,
            author_name: None,
            own: true,
            said_at: None,
            received_at: Timestamp(0),
            expires_at: None,
            delivery: Some(Delivery { mark: Mark::Received, received_by: 1, members: 1 }),
        }
    }

    /// Anna (0) and Ben (1); Anna has said two things, the second after the first.
    fn two_said() -> (Oracle, [Entry; 2]) {
        let mut oracle = Oracle::default();
        oracle.members.insert(MemberId([1; 32]), 1);
        for id in [1, 2] {
            let number = oracle.will_say(0, "hello", Timestamp(0));
            oracle.said[number].owed.insert(MemberId([1; 32]));
            oracle.was_said(number, MessageId([id; 32]));
        }
        let entries = [1, 2].map(|id| entry(&oracle.said[usize::from(id) - 1].text, id));
        (oracle, entries)
    }

    fn verdict(mut oracle: Oracle, anna: &[&Entry], ben: &[&Entry]) -> Option<&'static str> {
        let list = |entries: &[&Entry]| entries.iter().map(|entry| (*entry).clone()).collect();
        oracle.judge(0, &BTreeMap::from([(0, list(anna)), (1, list(ben))]));
        oracle.broken.map(|broken| broken.promise)
    }

    #[test]
    fn each_oracle_sees_its_own_fault() {
        let case = |anna: [usize; 2], ben: &[usize]| {
            let (oracle, entries) = two_said();
            let ben: Vec<_> = ben.iter().map(|at| &entries[*at]).collect();
            verdict(oracle, &anna.map(|at| &entries[at]), &ben)
        };
        assert_eq!(case([0, 1], &[0, 1]), None);
        assert_eq!(case([0, 1], &[1]), Some("P1"));
        assert_eq!(case([0, 1], &[0, 1, 1]), Some("nothing is shown twice"));
        assert_eq!(case([0, 1], &[1, 0]), Some("one order"));
        assert_eq!(case([1, 0], &[1, 0]), Some("causal order"));
    }

    #[test]
    fn a_newcomer_who_reads_earlier_talk_is_seen() {
        let (mut oracle, [first, second]) = two_said();
        oracle.line_shown(1, &first, true);
        oracle.admitting(2);
        oracle.line_shown(2, &second, true);
        assert_eq!(oracle.broken(), None);
        oracle.line_shown(2, &first, true);
        assert_eq!(oracle.broken().map(|broken| broken.promise), Some("P4"));
    }

    #[test]
    fn a_mark_without_a_holder_is_seen() {
        let (mut oracle, [first, _]) = two_said();
        let received = Delivery { mark: Mark::Received, received_by: 1, members: 1 };
        oracle.saved(1, Room::Messages, b"..say 00000 hello..");
        oracle.mark_rose(0, &MessageId([1; 32]), &received, &[], None);
        assert_eq!(oracle.broken(), None);
        oracle.line_shown(1, &first, true);
        oracle.mark_rose(0, &MessageId([2; 32]), &received, &[], None);
        assert_eq!(oracle.broken().map(|broken| broken.promise), Some("P2"));
    }

    #[test]
    fn one_text_under_two_ids_is_seen() {
        let (mut oracle, _) = two_said();
        oracle.was_said(0, MessageId([9; 32]));
        assert_eq!(oracle.broken().map(|broken| broken.promise), Some("R-28"));
    }
}
