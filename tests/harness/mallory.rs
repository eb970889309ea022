//! Hostile members (H-5 to H-10, H-14, H-26): beside their real machine they forge whatever its keys can sign
//! and seal, in floods, and go on after they were removed.
//!
//! What they do follows from the world's seed. The honest rest has to keep every promise.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{DAY_MS, Entry, EntryKind, Room, Timestamp};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{EpochId, MailboxId, MemberId, MessageId};
use hearthlight_protocol::member::sim::{Keys, Posting};
use hearthlight_protocol::message::Run;
use hearthlight_protocol::wire::{self, Bytes};

use crate::HostId;
use crate::chance::Chance;
use crate::forge::Forger;
use crate::world::{Happening, World};

mod boards;
mod talk;

/// How often each of them does something.
const EVERY_MS: (u64, u64) = (1_000, 9_000);
/// How long they go on once all others wish for calm.
const LONGER_MS: u64 = 60_000;
/// How long something may have waited for its past before it is shown.
const WAITED_MS: u64 = 30_000;
/// Envelopes of which a forger knows what is in them.
const NEWEST: usize = 40;
/// How far a hostile clock is off.
const CLOCK_MS: i64 = 3_650 * DAY_MS as i64;
/// Words by which what they say is known again.
const FORGED: &str = "forged ";
/// The same of what nobody may ever be shown.
const NEVER: &str = "never ";

/// How hostile a storm is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Malice {
    /// How many members, the last of those who are in from the beginning.
    pub members: usize,
    /// Openings, operations, frames made at once.
    pub flood: u64,
    /// Bytes of the largest thing posted.
    pub largest: usize,
    /// Probability that their clocks are ten years off.
    pub clocks: f64,
    /// Probability that a host removes them.
    pub removed: f64,
    /// Whether something of theirs that is shown late may have come by the other one, who still belongs.
    pub vouch: bool,
}

/// What hostile members did, and what became of it.
#[derive(Debug, Default)]
pub struct Forged {
    /// Who they are.
    pub by: BTreeSet<HostId>,
    /// Until when they go on.
    until: Option<Timestamp>,
    /// What each does.
    acts: BTreeMap<HostId, Vec<Act>>,
    malice: Option<Malice>,
    texts: u64,
    /// Shown to somebody who did not know that whoever said it belongs no more.
    heard: BTreeSet<String>,
    /// The places of these: whoever says two things for one place is heard with both (H-9).
    places: BTreeSet<(MemberId, Run, u64)>,
    /// When others learned that they belong no more.
    learned: BTreeMap<HostId, Timestamp>,
}

/// One way to be hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Openings beside the head.
    Siblings,
    /// Openings one after another.
    Chain,
    /// Openings that follow old epochs, or name old heads.
    OldOpenings,
    /// Openings of tomorrow, or of years to come.
    Tomorrow,
    /// Openings without somebody, or with entries that do not open.
    LeavesOut,
    /// Openings that name a board that there is not.
    DeadBoards,
    /// Operations that fork, contradict, and stand in nobody's right.
    Operations,
    /// Operations and heads that name a past that there is not.
    Orphans,
    /// Cards of new devices, and of others.
    Cards,
    /// Asks, and notes of heads.
    Asks,
    /// What is nothing at all, in every mailbox.
    Junk,
    /// Welcomes to nowhere, refusals and closing notes, to who asks to be let in.
    Answers,
    /// What was heard, in other mailboxes.
    Replays,
    /// Two messages for one place, one to each relay.
    Equivocates,
    /// Messages that are wrong in some way.
    Odd,
    /// Messages in another's name.
    InOtherNames,
    /// `Seen` that is not true.
    FalseSeen,
    /// Floods of good messages.
    Floods,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Siblings,
        Self::Chain,
        Self::OldOpenings,
        Self::Tomorrow,
        Self::LeavesOut,
        Self::DeadBoards,
        Self::Operations,
        Self::Orphans,
        Self::Cards,
        Self::Asks,
        Self::Junk,
        Self::Answers,
        Self::Replays,
        Self::Equivocates,
        Self::Odd,
        Self::InOtherNames,
        Self::FalseSeen,
        Self::Floods,
    ];
}

/// One forging, with what it may use.
pub(crate) struct Forge<'a> {
    pub(crate) keys: &'a Forger,
    pub(crate) malice: Malice,
    pub(crate) chance: &'a mut Chance,
    pub(crate) now: Timestamp,
    /// What its machine holds, opened.
    pub(crate) overheard: Vec<(MailboxId, Vec<u8>)>,
    pub(crate) texts: &'a mut u64,
    pub(crate) out: Vec<Posting>,
}

impl World {
    /// From now on these members are hostile, for `lasts_ms` and a little longer.
    pub(crate) fn begin_malice(&mut self, malice: Malice, inside: usize, lasts_ms: u64) {
        self.forged.until = Some(self.now.plus(lasts_ms + LONGER_MS));
        self.forged.malice = Some(malice);
        let drawn = std::env::var("SIM_ACTS").ok();
        for host in inside - malice.members..inside {
            self.forged.by.insert(host);
            self.oracle.hostile.insert(host);
            // R-32 and the oracles: whatever becomes of their membership was wished for.
            self.leaving.insert(host);
            let few = self.chance.between((2, 5));
            let acts = (0..few).filter_map(|_| self.chance.one_of(&Act::ALL)).collect();
            let acts = match &drawn {
                Some(names) => named(names),
                None => acts,
            };
            self.log(host, || format!("is hostile: {acts:?}"));
            self.forged.acts.insert(host, acts);
            if self.chance.happens(malice.clocks) {
                let back = self.chance.happens(0.5);
                self.hosts[host].skew_ms = if back { -CLOCK_MS } else { CLOCK_MS };
            }
            let at = self.now.plus(self.chance.between(EVERY_MS));
            self.queue.plan(at, Happening::Mischief(host));
            if self.chance.happens(malice.removed) {
                let at = self.now.plus(self.chance.between((lasts_ms / 4, lasts_ms)));
                self.queue.plan(at, Happening::Expel(host));
            }
        }
    }

    /// A host ends a hostile membership.
    pub(crate) fn expel(&mut self, host: HostId) {
        use crate::governing::Govern;
        use crate::people::Wish;
        let hosts: Vec<HostId> = self.stewards.iter().copied().collect();
        if let Some(by) = self.chance.one_of(&hosts) {
            self.wish(by, Wish::Govern(Govern::Remove(host)));
        }
    }

    /// A hostile member does one thing, and will do another.
    pub(crate) fn mischief(&mut self, host: HostId) {
        if self.forged.until.is_none_or(|until| self.now > until) {
            return;
        }
        let next = self.now.plus(self.chance.between(EVERY_MS));
        self.queue.plan(next, Happening::Mischief(host));
        let (Some(circle), Some(malice)) = (self.circle, self.forged.malice) else { return };
        let Some(keys) = self.keys_of(host).map(Forger::new) else { return };
        let Some(act) = self.chance.one_of(&self.forged.acts[&host]) else { return };
        self.log(host, || format!("is hostile: {act:?}"));
        let mut chance = self.chance.child();
        let overheard = overheard(&self.hosts[host].store, &keys, NEWEST);
        let mut forge = Forge {
            keys: &keys,
            malice,
            chance: &mut chance,
            now: self.now,
            overheard,
            texts: &mut self.forged.texts,
            out: Vec::new(),
        };
        forge.act(act);
        let postings = std::mem::take(&mut forge.out);
        for posting in &postings {
            self.secrecy.forged(&posting.mailbox, &posting.envelope);
        }
        let machine = self.hosts[host].machine.as_mut().expect("it was there");
        let outputs = machine.post(&circle, postings);
        self.carry_out(host, outputs, None);
    }

    /// A member posts anew what its store holds of others' envelopes, each in the mailbox in which it was.
    pub fn post_again(&mut self, host: HostId) {
        let circle = self.circle.expect("it was founded");
        let Some(keys) = self.keys_of(host).map(Forger::new) else { return };
        let boxes = keys.boxes();
        let mut postings = Vec::new();
        for (mailbox, plain) in overheard(&self.hosts[host].store, &keys, usize::MAX) {
            let sealed = boxes.iter().find(|sealed| sealed.mailbox() == mailbox);
            let key = sealed.expect("it was opened with it").key;
            let envelope = Envelope::seal(&key, &mailbox, self.now, &plain, self.chance.rng());
            postings.extend(envelope.map(|envelope| Posting { mailbox, envelope, only: None }));
        }
        let machine = self.hosts[host].machine.as_mut().expect("it was there");
        let outputs = machine.post(&circle, postings);
        self.carry_out(host, outputs, None);
    }

    /// A member posts openings that name operations that there are not.
    pub fn post_waiting(&mut self, host: HostId, count: usize) {
        let circle = self.circle.expect("it was founded");
        let Some(keys) = self.keys_of(host).map(Forger::new) else { return };
        let mut chance = self.chance.child();
        let mut texts = 0;
        let mut forge = Forge {
            keys: &keys,
            malice: Malice::default(),
            chance: &mut chance,
            now: self.now,
            overheard: Vec::new(),
            texts: &mut texts,
            out: Vec::new(),
        };
        (0..count).for_each(|_| forge.waiting());
        let postings = std::mem::take(&mut forge.out);
        let machine = self.hosts[host].machine.as_mut().expect("it was there");
        let outputs = machine.post(&circle, postings);
        self.carry_out(host, outputs, None);
    }

    /// What hostile members said is shown by the rules: R-32.
    pub(crate) fn forged_shown(&mut self, host: HostId, entry: &Entry, as_said: bool) {
        let Some(text) = forged_text(entry).filter(|_| !self.forged.by.contains(&host)) else {
            return;
        };
        if text.starts_with(NEVER) {
            self.oracle.broke("R-32", format!("host {host} shows {text:?}"));
        }
        // What waited for its past came in time.
        let learned = self.forged.learned.get(&host);
        let waited = learned.is_some_and(|at| self.now.since(*at) < WAITED_MS);
        let place = entry.id.and_then(|id| self.reference.place_of(&MessageId(id)));
        if as_said || waited {
            self.forged.heard.insert(text.clone());
            self.forged.places.extend(place);
        }
        let vouched = self.forged.malice.is_some_and(|malice| malice.vouch);
        let heard = self.forged.heard.contains(&text)
            || place.is_some_and(|place| self.forged.places.contains(&place));
        if !vouched && !heard {
            let what = format!("host {host} shows {text:?}, which nobody had heard in time");
            self.oracle.broke("R-32", what);
        }
    }

    /// What a host had heard in time, and saved, and told nobody before it went down.
    pub(crate) fn note_heard(&mut self, host: HostId) {
        if self.forged.by.is_empty() || self.inside_of(host).is_none() {
            return;
        }
        for entry in self.read(host) {
            let knew = entry.author.is_some_and(|who| self.hosts[host].knew.contains(&who));
            if !knew {
                self.forged_shown(host, &entry, true);
            }
        }
    }

    /// A node has learned that somebody belongs no more.
    pub(crate) fn learned_of(&mut self, host: HostId, gone: &[HostId]) {
        if gone.iter().any(|who| self.forged.by.contains(who)) {
            self.forged.learned.insert(host, self.now);
        }
    }

    /// H-9, R-32: what a hostile member says is shown by all for whom it was sealed or by none, unless whoever
    /// said it is gone.
    pub(crate) fn other_forged(&self, lists: &BTreeMap<HostId, Vec<Entry>>) -> Option<String> {
        if self.forged.by.is_empty() || !self.gone.is_disjoint(&self.forged.by) {
            return None;
        }
        let read: BTreeMap<HostId, BTreeSet<MessageId>> = lists
            .iter()
            .map(|(host, list)| {
                (*host, list.iter().filter_map(|it| it.id.map(MessageId)).collect())
            })
            .collect();
        let hostile = self.hostile();
        self.reference.sealed_by(&hostile).find_map(|(id, mailbox, members)| {
            let (epoch, opener) = self.reference.epoch(&mailbox)?;
            let hosts = members.iter().filter_map(|member| self.oracle.members.get(member));
            let (reads, lacks): (Vec<HostId>, Vec<HostId>) = hosts
                .filter(|host| read.contains_key(host))
                .partition(|host| read[host].contains(id));
            // where one opens more than a node keeps, it is its own that give way, sooner or later.
            let kept = |host: &&HostId| !hostile.contains(&opener) || self.reads(**host, &epoch);
            let (first, other) = (reads.first()?, lacks.iter().find(kept)?);
            let entry = lists[first].iter().find(|entry| entry.id == Some(id.0))?;
            let text = forged_text(entry);
            Some(format!("host {first} is shown {text:?}, and host {other} is not"))
        })
    }

    /// Whether a host has an epoch's secrets.
    fn reads(&self, host: HostId, epoch: &EpochId) -> bool {
        let machine = self.hosts[host].machine.as_ref();
        let keys = machine.zip(self.circle).and_then(|(machine, circle)| machine.keys(&circle));
        keys.is_some_and(|it| it.epochs.iter().any(|it| it.id == *epoch && it.secrets.is_some()))
    }
}

impl Forge<'_> {
    fn act(&mut self, act: Act) {
        match act {
            Act::Siblings
            | Act::Chain
            | Act::OldOpenings
            | Act::Tomorrow
            | Act::LeavesOut
            | Act::DeadBoards => self.openings(act),
            Act::Operations => self.operations(),
            Act::Orphans => self.orphans(),
            Act::Cards => self.cards(),
            Act::Asks => self.asks(),
            Act::Junk => self.junk(),
            Act::Answers => self.answers(),
            Act::Replays => self.replays(),
            Act::Equivocates => self.equivocate(),
            Act::Odd => self.odd(),
            Act::InOtherNames => self.in_other_names(),
            Act::FalseSeen => self.false_seen(),
            Act::Floods => self.flood(),
        }
    }

    pub(crate) fn times(&mut self) -> u64 {
        self.chance.between((1, self.malice.flood))
    }

    /// Seals for a mailbox and posts everywhere.
    pub(crate) fn post(&mut self, mailbox: MailboxId, key: &[u8; 32], plain: &[u8]) {
        self.post_at(mailbox, key, plain, None);
    }

    pub(crate) fn post_at(
        &mut self,
        mailbox: MailboxId,
        key: &[u8; 32],
        plain: &[u8],
        only: Option<usize>,
    ) {
        let sealed = Envelope::seal(key, &mailbox, self.now, plain, self.chance.rng());
        self.out.extend(sealed.map(|envelope| Posting { mailbox, envelope, only }));
    }

    /// Words that are known again.
    pub(crate) fn text(&mut self, what: &str) -> String {
        *self.texts += 1;
        format!("{what}{:05}", self.texts)
    }
}

fn named(names: &str) -> Vec<Act> {
    let named = |name: &str| Act::ALL.into_iter().find(|act| format!("{act:?}") == name);
    names.split(',').filter_map(named).collect()
}

fn forged_text(entry: &Entry) -> Option<String> {
    match &entry.kind {
        EntryKind::Said { text, .. } if text.starts_with(FORGED) || text.starts_with(NEVER) => {
            Some(text.clone())
        }
        _ => None,
    }
}

/// What a member's store holds of others' envelopes, as far as its keys open them.
fn overheard(
    store: &crate::store::MemoryStore,
    keys: &Keys,
    most: usize,
) -> Vec<(MailboxId, Vec<u8>)> {
    let boxes = keys.boxes();
    let mut out = Vec::new();
    let rows: Vec<_> = store.drawer(Room::Envelopes).collect();
    for (_, row) in rows.iter().rev().take(most) {
        let Some((mailbox, _, bytes, _)) = wire::decode::<(MailboxId, bool, Bytes, bool)>(row)
        else {
            continue;
        };
        let sealed = boxes.iter().find(|sealed| sealed.mailbox() == mailbox);
        let envelope = Envelope::parse(bytes.0);
        if let (Some(sealed), Some(envelope)) = (sealed, envelope)
            && let Some(plain) = envelope.open(&sealed.key, &mailbox)
        {
            out.push((mailbox, plain));
        }
    }
    out
}
