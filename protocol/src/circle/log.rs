//! The log: what was said in a circle, in the order in which it is shown, and what of it is
//! missing (P2).
//!
//! A message is *pending* until all that its author had seen is here, or until waiting has been long
//! enough; then it is *delivered* and gets its place. A place is `(time, depth, author, counter)`, with
//! a time that is never before that of a parent, so sorting by place keeps causes before effects, and
//! every node that has the same messages shows them in the same order.

mod forgetting;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use rows::{News, Row};

use crate::batch::{Batch, numbered};
use crate::boundary::{DAY_MS, Env, Room, Timestamp};
use crate::identity::{CircleId, MemberId, MessageId};
use crate::message::{Have, MAX_HOLES, MAX_PARENTS, Message, Parent, Run, newest};
use crate::planted::{Planted, is_planted};
use crate::wire::{self, Bytes};

/// How long a message waits for what its author had seen, while others are asked (a guess).
const PATIENCE_MS: u64 = 5_000;
/// Messages that wait; beyond it the oldest is shown with a gap. A catch-up comes in no order, so this
/// is more than most circles say in a month.
const MAX_PENDING: usize = 20_000;
/// Messages that one call shows because another came: a catch-up comes in no order, and its last piece
/// would otherwise show all of it in one batch. 10,000 took 250 MB, and more notices than may wait.
const MAX_AT_ONCE: usize = 256;
/// A time further ahead of a clock than this is not believed (D-17).
const MAX_AHEAD_MS: u64 = DAY_MS;

/// Where a line stands on the screen; sorts as lines do.
pub(crate) type Place = Vec<u8>;

/// What is held in memory of a delivered message.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) row: u64,
    pub(crate) author: MemberId,
    pub(crate) run: Run,
    pub(crate) counter: u64,
    pub(crate) place: Place,
    time: u64,
    depth: u32,
    /// Its parents, if it was from far ahead when it came.
    leans_on: Vec<MessageId>,
    epoch: u64,
    said: Timestamp,
    received: Timestamp,
    expires: Option<Timestamp>,
    /// Other members when it was said, for one's own.
    pub(crate) members: Option<u16>,
}

impl Line {
    fn is_ahead(&self, now: Timestamp) -> bool {
        is_ahead(self.time, now)
    }

    /// The epoch that it came in, or was sealed in; as parents name it.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When it was said, by its author's clock; never after it came.
    pub(crate) fn said_at(&self) -> Timestamp {
        self.said
    }
}

/// A message on its way in: verified, and not shown yet.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) id: MessageId,
    pub(crate) message: Message,
    pub(crate) bytes: Vec<u8>,
    /// The epoch that it came in, as parents name it.
    pub(crate) epoch: u64,
    pub(crate) received: Timestamp,
    pub(crate) members: Option<u16>,
}

/// Messages that a shown one leans on and that are not here.
#[derive(Debug)]
pub(crate) struct Gap {
    /// Each with the first 8 bytes of the epoch that it was heard in.
    pub(crate) missing: BTreeMap<MessageId, u64>,
    pub(crate) since: Timestamp,
}

/// What changed on the screen.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Messages that are shown now, in order.
    pub(crate) lines: Vec<MessageId>,
    /// Gaps that opened, before these messages.
    pub(crate) opened: Vec<MessageId>,
    /// Gaps that were filled: the message that leaned on them, and the gap.
    pub(crate) filled: Vec<(MessageId, Gap)>,
    /// Members who sent different messages for one place, and of whom that was not told yet.
    pub(crate) differ: BTreeSet<MemberId>,
}

/// Everything said in a circle that is kept here.
#[derive(Debug)]
pub(crate) struct Log {
    circle: CircleId,
    keep_ms: Option<u64>,
    lines: BTreeMap<MessageId, Line>,
    /// All rows on the screen, also those that are no messages.
    screen: BTreeMap<Place, u64>,
    pending: BTreeMap<MessageId, Incoming>,
    /// Pending ones that wait for nothing any more, the next one last.
    ready: Vec<MessageId>,
    /// Of what is not here: which pending messages lean on it.
    leaning: BTreeMap<MessageId, BTreeSet<MessageId>>,
    /// Said by who is outside the roster: shown once a member is known to have heard it.
    aside: BTreeMap<MessageId, Incoming>,
    gaps: BTreeMap<MessageId, Gap>,
    heads: BTreeSet<MessageId>,
    have: BTreeMap<Run, Ranges>,
    /// When what is forgotten, soonest first.
    expiries: BTreeSet<(Timestamp, MessageId)>,
    /// What ended here, and the row that says so.
    forgotten: BTreeMap<MessageId, (Timestamp, u64)>,
    days: BTreeSet<u32>,
    /// The latest time of each author's messages.
    newest: BTreeMap<MemberId, u64>,
    came: BTreeMap<MemberId, Timestamp>,
    /// Of whom it was told what breaks the rules ([`News::Differs`], [`News::Exceeds`]).
    told: BTreeSet<(MemberId, News)>,
    /// The roles of which it was told that they began, and not that they are over.
    roles: BTreeSet<(MemberId, String)>,
    next_row: u64,
}

/// Counters that are here, as ranges with ends not included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    fn insert(&mut self, at: u64) {
        let (mut from, mut to) = (at, at + 1);
        if let Some((start, end)) = self.0.range(..=at).next_back().map(|(s, e)| (*s, *e)) {
            if end > at {
                return;
            }
            if end == at {
                from = start;
            }
        }
        if let Some(end) = self.0.remove(&to) {
            to = end;
        }
        self.0.insert(from, to);
    }

    fn contains(&self, at: u64) -> bool {
        self.0.range(..=at).next_back().is_some_and(|(_, end)| *end > at)
    }

    fn have(&self, run: Run) -> Have {
        let next = self.0.last_key_value().map_or(0, |(_, to)| *to);
        let mut holes = Vec::new();
        let mut at = 0;
        for (from, to) in &self.0 {
            if *from > at {
                holes.push((at, *from));
            }
            at = *to;
        }
        // The newest holes are told; older ones are told once these are filled.
        Have { run, next, holes: newest(holes, MAX_HOLES) }
    }
}

impl Log {
    pub(crate) fn new(circle: CircleId) -> Self {
        Self {
            circle,
            keep_ms: None,
            lines: BTreeMap::new(),
            screen: BTreeMap::new(),
            pending: BTreeMap::new(),
            ready: Vec::new(),
            leaning: BTreeMap::new(),
            aside: BTreeMap::new(),
            gaps: BTreeMap::new(),
            heads: BTreeSet::new(),
            have: BTreeMap::new(),
            expiries: BTreeSet::new(),
            forgotten: BTreeMap::new(),
            days: BTreeSet::new(),
            newest: BTreeMap::new(),
            told: BTreeSet::new(),
            roles: BTreeSet::new(),
            came: BTreeMap::new(),
            next_row: 0,
        }
    }

    /// How long talk is kept; holds for what comes from now on.
    pub(crate) fn keep_for(&mut self, keep_ms: Option<u64>) {
        self.keep_ms = keep_ms;
    }

    pub(crate) fn knows(&self, id: &MessageId) -> bool {
        self.lines.contains_key(id)
            || self.pending.contains_key(id)
            || self.forgotten.contains_key(id)
    }

    /// Whether a message is here, in memory only, and not shown.
    pub(crate) fn waits(&self, id: &MessageId) -> bool {
        self.pending.contains_key(id) || self.aside.contains_key(id)
    }

    pub(crate) fn line(&self, id: &MessageId) -> Option<&Line> {
        self.lines.get(id)
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = (&MessageId, &Line)> {
        self.lines.iter()
    }

    /// What a new message names as its past: the newest of what nothing else names. In place of what claims to
    /// be from far ahead it names what that leans on: a time that passes from message to message would make
    /// nonsense of all later ones (R-41, H-26).
    pub(crate) fn parents(&self, now: Timestamp) -> Vec<Parent> {
        let trusts_clock = !self.is_behind(now);
        let (mut todo, mut seen) = (self.heads.clone(), BTreeSet::new());
        let mut heads: Vec<(&Place, Parent)> = Vec::new();
        while let Some(id) = todo.pop_first() {
            let Some(line) = self.lines.get(&id).filter(|_| seen.insert(id)) else { continue };
            if trusts_clock && line.is_ahead(now) {
                todo.extend(&line.leans_on);
            } else {
                heads.push((&line.place, Parent { id, epoch: line.epoch }));
            }
        }
        heads.sort_by(|a, b| b.0.cmp(a.0));
        heads.truncate(MAX_PARENTS);
        heads.into_iter().map(|(_, parent)| parent).collect()
    }

    /// Whether most of those who said something are far ahead: then it is the clock here that is wrong.
    fn is_behind(&self, now: Timestamp) -> bool {
        let ahead = self.newest.values().filter(|time| is_ahead(**time, now)).count();
        2 * ahead > self.newest.len()
    }

    /// When something that is said now was said: after all that it names, whatever the clocks of others
    /// say, so that who has not read those puts it in the same place.
    pub(crate) fn time_after(&self, parents: &[Parent], now: Timestamp) -> u64 {
        let named = parents.iter().filter_map(|parent| self.lines.get(&parent.id));
        let named = named.filter(|line| !line.is_ahead(now));
        named.map(|line| line.time.saturating_add(1)).max().unwrap_or(0).max(now.0)
    }

    /// The epoch that a message of one's own was sealed in, and how many others read it there.
    pub(crate) fn set_sealed(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        id: &MessageId,
        (epoch, of): (u64, u16),
    ) {
        let line = self.lines.get_mut(id);
        let Some(line) = line.filter(|line| line.members != Some(of) || line.epoch != epoch) else {
            return;
        };
        line.members = Some(of);
        line.epoch = epoch;
        let (row, expires) = (line.row, line.expires);
        let Some(Row::Message { bytes, received, .. }) = self.row(env, batch, row) else {
            return;
        };
        let saved = Row::Message { bytes, received, epoch, members: Some(of) };
        let key = numbered(Room::Messages, &self.circle.0, row);
        let slot = expires.map(|expires| self.day_slot(expires.day()));
        batch.save_until(key, wire::encode(&saved), slot);
    }

    /// What is here of a run.
    pub(crate) fn have(&self, run: &Run) -> Option<Have> {
        self.have.get(run).map(|ranges| ranges.have(*run))
    }

    /// Takes a verified message. `mine` says of an epoch whether this member was in it: what was said
    /// elsewhere is not waited for. `hold`: its author is outside the roster.
    pub(crate) fn take(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        incoming: Incoming,
        hold: bool,
        mine: &dyn Fn(u64) -> bool,
    ) -> Shown {
        let mut shown = Shown::default();
        let known = self.knows(&incoming.id) && !is_planted(Planted::ShownTwice);
        if known || self.is_expired(&incoming, env.now) {
            return shown;
        }
        if hold && !self.is_named(&incoming.id) {
            if self.aside.len() < MAX_PENDING {
                self.aside.insert(incoming.id, incoming);
            }
            return shown;
        }
        self.aside.remove(&incoming.id);
        let ready = self.count(incoming, mine);
        let goes_on = !self.ready.is_empty();
        self.deliver_now(env, batch, ready, mine, &mut shown);
        while self.pending.len() > MAX_PENDING {
            let oldest = self.pending.iter().min_by_key(|(id, held)| (held.received, **id));
            let id = *oldest.expect("more than none").0;
            self.deliver_now(env, batch, vec![id], mine, &mut shown);
        }
        // What is left of an earlier call is shown by the ones that follow.
        if !goes_on {
            self.deliver_some(env, batch, mine, &mut shown);
        }
        shown
    }

    /// Whether a message that is shown, or waits to be, names this one, which is not here.
    fn is_named(&self, id: &MessageId) -> bool {
        self.leaning.get(id).is_some_and(|children| !children.is_empty())
            || self.gaps.values().any(|gap| gap.missing.contains_key(id))
    }

    /// Whose words are set aside.
    pub(crate) fn set_aside(&self) -> BTreeSet<MemberId> {
        self.aside.values().map(|incoming| incoming.message.author).collect()
    }

    /// Shows of what was set aside all that `counts` now.
    pub(crate) fn release(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        counts: &dyn Fn(&Message) -> bool,
        mine: &dyn Fn(u64) -> bool,
    ) -> Shown {
        let (mut shown, mut ready) = (Shown::default(), Vec::new());
        let theirs = self.aside.extract_if(.., |_, it| counts(&it.message));
        for (id, incoming) in theirs.collect::<Vec<_>>() {
            if self.knows(&id) {
                continue;
            }
            ready.extend(self.count(incoming, mine));
        }
        self.deliver_now(env, batch, ready, mine, &mut shown);
        self.deliver_some(env, batch, mine, &mut shown);
        shown
    }

    /// Lets a message wait that counts, and with it what it names of what was set aside: whoever said it
    /// had heard that. Gives what need not wait.
    fn count(&mut self, incoming: Incoming, mine: &dyn Fn(u64) -> bool) -> Vec<MessageId> {
        let mut heard: Vec<MessageId> = incoming.message.parents.iter().map(|p| p.id).collect();
        let mut ready = self.wait(incoming, mine);
        while let Some(id) = heard.pop() {
            if let Some(aside) = self.aside.remove(&id) {
                heard.extend(aside.message.parents.iter().map(|parent| parent.id));
                ready.extend(self.wait(aside, mine));
            }
        }
        ready
    }

    /// Makes a message wait for its parents; gives it back if it need not.
    fn wait(&mut self, incoming: Incoming, mine: &dyn Fn(u64) -> bool) -> Vec<MessageId> {
        let id = incoming.id;
        let missing = self.missing(&incoming.message, mine);
        let ready = missing.is_empty();
        for parent in missing.into_keys() {
            self.leaning.entry(parent).or_default().insert(id);
        }
        self.pending.insert(id, incoming);
        if ready { vec![id] } else { Vec::new() }
    }

    /// Goes on showing what waits for nothing any more.
    pub(crate) fn go_on(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        mine: &dyn Fn(u64) -> bool,
    ) -> Shown {
        let mut shown = Shown::default();
        self.deliver_some(env, batch, mine, &mut shown);
        shown
    }

    /// Whether [`Self::go_on`] has something to do.
    pub(crate) fn goes_on(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Shows what has waited long enough.
    pub(crate) fn tick(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        mine: &dyn Fn(u64) -> bool,
    ) -> Shown {
        let mut shown = Shown::default();
        while !self.goes_on() {
            // Of several, first what no other waiting message comes before.
            let mut first = self.pending.values().filter(|held| self.is_first(held));
            let due = first.find(|held| env.now.since(held.received) >= PATIENCE_MS);
            let due = due.map(|held| held.id);
            let Some(id) = due else { break };
            self.deliver_now(env, batch, vec![id], mine, &mut shown);
            self.deliver_some(env, batch, mine, &mut shown);
        }
        shown
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let first = self.pending.values().filter(|held| self.is_first(held));
        first.map(|held| held.received.plus(PATIENCE_MS)).min()
    }

    /// Whether no other waiting message comes before this one.
    fn is_first(&self, held: &Incoming) -> bool {
        held.message.parents.iter().all(|parent| !self.pending.contains_key(&parent.id))
    }

    /// Shows these; what had waited for them is ready then.
    fn deliver_now(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        ids: Vec<MessageId>,
        mine: &dyn Fn(u64) -> bool,
        shown: &mut Shown,
    ) {
        for id in ids.into_iter().rev() {
            self.deliver(env, batch, &id, mine, shown);
            for child in self.leaning.remove(&id).unwrap_or_default() {
                let waits = self.pending.get(&child);
                if waits.is_some_and(|held| self.missing(&held.message, mine).is_empty()) {
                    self.ready.push(child);
                }
            }
        }
    }

    /// Shows some of what is ready, and what becomes ready by it.
    fn deliver_some(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        mine: &dyn Fn(u64) -> bool,
        shown: &mut Shown,
    ) {
        for _ in 0..MAX_AT_ONCE {
            let Some(id) = self.ready.pop() else { break };
            self.deliver_now(env, batch, vec![id], mine, shown);
        }
    }

    /// Parents that are not here and could be.
    fn missing(&self, message: &Message, mine: &dyn Fn(u64) -> bool) -> BTreeMap<MessageId, u64> {
        let here = |id| self.lines.contains_key(id) || self.forgotten.contains_key(id);
        let parents = message.parents.iter().filter(|parent| !here(&parent.id));
        let awaited =
            |parent: &&Parent| mine(parent.epoch) && !is_planted(Planted::ParentsNotAwaited);
        parents.filter(awaited).map(|it| (it.id, it.epoch)).collect()
    }

    fn deliver(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        id: &MessageId,
        mine: &dyn Fn(u64) -> bool,
        shown: &mut Shown,
    ) {
        let Some(incoming) = self.pending.remove(id) else { return };
        let missing = self.missing(&incoming.message, mine);
        for parent in missing.keys() {
            if let Some(children) = self.leaning.get_mut(parent) {
                children.remove(id);
            }
        }
        let row = self.next_row;
        self.next_row += 1;
        let until = self.expiry(&incoming);
        let slot = until.map(|until| self.day(env, batch, until));
        let saved = Row::Message {
            bytes: Bytes(incoming.bytes.clone()),
            received: incoming.received.0,
            epoch: incoming.epoch,
            members: incoming.members,
        };
        let key = numbered(Room::Messages, &self.circle.0, row);
        batch.save_until(key, wire::encode(&saved), slot);
        let Message { author, run, counter, .. } = &incoming.message;
        let taken = self.have.get(run).is_some_and(|ranges| ranges.contains(*counter));
        if taken && !self.is_told(author, News::Differs) && !is_planted(Planted::DifferentUntold) {
            shown.differ.insert(*author);
        }
        self.show(&incoming, row);
        shown.lines.push(*id);
        if !missing.is_empty() {
            let gap = Gap { missing, since: env.now };
            self.gaps.insert(*id, gap);
            shown.opened.push(*id);
        }
        self.fill(env, batch, id, shown);
    }

    /// Places a message on the screen.
    fn show(&mut self, incoming: &Incoming, row: u64) {
        let (time, depth, place) = self.place(incoming);
        let message = &incoming.message;
        for parent in &message.parents {
            self.heads.remove(&parent.id);
        }
        self.heads.insert(incoming.id);
        self.have.entry(message.run).or_default().insert(message.counter);
        self.screen.insert(place.clone(), row);
        let newest = self.newest.entry(message.author).or_default();
        *newest = time.max(*newest);
        let leans_on = message.parents.iter().map(|parent| parent.id);
        let leans_on = leans_on.filter(|_| is_ahead(time, incoming.received)).collect();
        let line = Line {
            row,
            leans_on,
            author: message.author,
            run: message.run,
            counter: message.counter,
            place,
            time,
            depth,
            epoch: incoming.epoch,
            said: message.said_at().min(incoming.received),
            received: incoming.received,
            expires: self.expiry(incoming),
            members: incoming.members,
        };
        self.expiries.extend(line.expires.map(|expires| (expires, incoming.id)));
        self.lines.insert(incoming.id, line);
    }

    /// Its time and depth, which are the same at everybody who has its past, and where it stands here. What is
    /// from far ahead stands where it came; it is not to stand below all others for years. Nor does it pass that
    /// time on: whoever named it may have had it without its past, or have a late clock.
    fn place(&self, incoming: &Incoming) -> (u64, u32, Place) {
        let message = &incoming.message;
        let said = message.said_at;
        let named = |_: &&Parent| !is_planted(Planted::ParentsUnordered);
        let parents = || message.parents.iter().filter(named).filter_map(|p| self.lines.get(&p.id));
        let parents = || parents().filter(|line| !is_ahead(line.time, incoming.received));
        let time = parents().map(|line| line.time).max().unwrap_or(0).max(said);
        let depth = parents()
            .filter(|line| line.time == time)
            .map(|line| line.depth.saturating_add(1))
            .max()
            .unwrap_or(0);
        let mut place = Vec::with_capacity(34);
        let stands = if is_ahead(time, incoming.received) { incoming.received.0 } else { time };
        place.extend(stands.to_be_bytes());
        place.extend(depth.to_be_bytes());
        place.extend(&message.author.0[..8]);
        place.extend(message.counter.to_be_bytes());
        place.extend(&incoming.id.0[..4]);
        place.push(LINE);
        (time, depth, place)
    }

    /// What was said in these epochs is missed no more: this member was not there.
    pub(crate) fn forgo(&mut self, epochs: &[u64]) -> Shown {
        for gap in self.gaps.values_mut() {
            gap.missing.retain(|_, epoch| !epochs.contains(epoch));
        }
        let filled = self.gaps.extract_if(.., |_, gap| gap.missing.is_empty()).collect();
        Shown { filled, ..Shown::default() }
    }

    /// A message came that others had leaned on: their gaps close, and whoever stood before it moves.
    fn fill(&mut self, env: &Env<'_>, batch: &Batch, id: &MessageId, shown: &mut Shown) {
        let leaning: Vec<MessageId> = self
            .gaps
            .iter()
            .filter(|(_, gap)| gap.missing.contains_key(id))
            .map(|(child, _)| *child)
            .collect();
        for child in leaning {
            let gap = self.gaps.get_mut(&child).expect("listed just now");
            gap.missing.remove(id);
            if gap.missing.is_empty() {
                let gap = self.gaps.remove(&child).expect("listed just now");
                shown.filled.push((child, gap));
            }
            self.move_from(env, batch, &child);
        }
    }

    /// Gives a message, and all that stand after it, the places that its parents now ask for.
    fn move_from(&mut self, env: &Env<'_>, batch: &Batch, id: &MessageId) {
        let Some(from) = self.lines.get(id).map(|line| line.place.clone()) else { return };
        let mut behind: Vec<(Place, MessageId)> = self
            .lines
            .iter()
            .filter(|(_, line)| line.place >= from)
            .map(|(id, line)| (line.place.clone(), *id))
            .collect();
        behind.sort();
        for (old, id) in behind {
            let Some(incoming) = self.reread(env, batch, &id) else { continue };
            let (time, depth, place) = self.place(&incoming);
            if place == old {
                continue;
            }
            let row = self.screen.remove(&old).expect("every line is on the screen");
            self.screen.insert(place.clone(), row);
            let line = self.lines.get_mut(&id).expect("listed just now");
            (line.time, line.depth, line.place) = (time, depth, place);
        }
    }

    /// The roles of which it was told that they began, and not that they are over.
    pub(crate) fn roles(&self) -> impl Iterator<Item = &(MemberId, String)> {
        self.roles.iter()
    }

    /// Whether it was told of a member that it breaks the rules like this.
    pub(crate) fn is_told(&self, who: &MemberId, what: News) -> bool {
        self.told.contains(&(*who, what))
    }

    /// When this node learned that a member had come.
    pub(crate) fn came(&self, who: &MemberId) -> Option<Timestamp> {
        self.came.get(who).copied()
    }

    /// Rows between two places (ends not included), oldest first.
    pub(crate) fn between(
        &self,
        after: Option<&Place>,
        before: Option<&Place>,
    ) -> impl DoubleEndedIterator<Item = (&Place, u64)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let low = after.map_or(Unbounded, Excluded);
        // A range that ends before it begins is empty, where BTreeMap would panic.
        let crossed = matches!((after, before), (Some(after), Some(before)) if after >= before);
        let high = if crossed { None } else { Some(before.map_or(Unbounded, Excluded)) };
        high.into_iter()
            .flat_map(move |high| self.screen.range::<Place, _>((low, high)))
            .map(|(place, row)| (place, *row))
    }

    /// Gaps, each before the message that leans on it.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (Place, &MessageId, &Gap)> {
        self.gaps.iter().filter_map(|(child, gap)| {
            let place = self.gap_place(child)?;
            Some((place, child, gap))
        })
    }

    /// The place of the gap before a message.
    pub(crate) fn gap_place(&self, child: &MessageId) -> Option<Place> {
        let mut place = self.lines.get(child)?.place.clone();
        *place.last_mut().expect("places are never empty") = GAP;
        Some(place)
    }

    pub(crate) fn gap(&self, child: &MessageId) -> Option<&Gap> {
        self.gaps.get(child)
    }

    /// How many rows from `row` on are messages of those who count.
    pub(crate) fn count_from(&self, row: u64, counts: impl Fn(&MemberId) -> bool) -> usize {
        self.lines.values().filter(|line| line.row >= row && counts(&line.author)).count()
    }

    pub(crate) fn next_row(&self) -> u64 {
        self.next_row
    }

    /// When a line came, and when it is forgotten.
    pub(crate) fn times(&self, id: &MessageId) -> Option<(Timestamp, Option<Timestamp>)> {
        let line = self.lines.get(id)?;
        Some((line.received, line.expires))
    }
}

/// The last byte of a place: a gap stands right before the line that leans on it.
const GAP: u8 = 0;
const LINE: u8 = 1;

/// Whether a message's time is far ahead of a clock (D-17).
fn is_ahead(time: u64, now: Timestamp) -> bool {
    time > now.0.saturating_add(MAX_AHEAD_MS) && !is_planted(Planted::FutureBelieved)
}

fn circle_place(at: u64, who: &MemberId, row: u64) -> Place {
    let mut place = Vec::with_capacity(34);
    place.extend(at.to_be_bytes());
    place.extend(0u32.to_be_bytes());
    place.extend(&who.0[..8]);
    place.extend(row.to_be_bytes());
    place.extend([0; 4]);
    place.push(LINE);
    place
}

#[cfg(test)]
pub(crate) mod tests;
