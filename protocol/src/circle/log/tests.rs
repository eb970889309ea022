//! Order, waiting, gaps and forgetting; and a disk in memory for tests of what is saved.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

use super::forgetting::FORGOTTEN_MS;
use super::*;
use crate::boundary::{HOUR_MS, Key, KeySlot, Output, SlotKind, Store, Value};
use crate::crypto::Secret;
use crate::identity::DeviceId;
use crate::message::{SHARE, Share};

/// A disk in memory.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) rows: BTreeMap<Key, Value>,
    pub(crate) keys: BTreeMap<KeySlot, Secret>,
    /// All else that came out, in order.
    pub(crate) sent: Vec<Output>,
}

impl Disk {
    pub(crate) fn write(&mut self, batch: Batch) {
        for output in batch.into_outputs() {
            match output {
                Output::MakeKey(slot, secret) => drop(self.keys.insert(slot, secret)),
                Output::DestroyKey(slot) => {
                    self.keys.remove(&slot);
                    self.rows.retain(|_, value| value.under != Some(slot));
                }
                Output::Save(key, value) => {
                    let known = |slot| self.keys.contains_key(&slot);
                    assert!(value.under.is_none_or(known), "R-80: its day key was made before");
                    self.rows.insert(key, value);
                }
                Output::Erase(key) => drop(self.rows.remove(&key)),
                other => self.sent.push(other),
            }
        }
    }
}

impl Store for Disk {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.rows.get(key).map(|value| value.bytes.clone())
    }

    fn scan(
        &self,
        room: Room,
        owner: &[u8; 32],
        from: &[u8],
        backwards: bool,
        limit: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        assert!(!backwards, "nothing reads backwards");
        let (owner, place) = (*owner, from.to_vec());
        let rows = self.rows.range(Key { room, owner, place }..);
        rows.take_while(|(key, _)| key.room == room && key.owner == owner)
            .take(limit)
            .map(|(key, value)| (key.place.clone(), value.bytes.clone()))
            .collect()
    }

    fn secrets(&self) -> Vec<(KeySlot, Secret)> {
        self.keys.iter().map(|(slot, secret)| (*slot, secret.clone())).collect()
    }
}

const CIRCLE: CircleId = CircleId([1; 32]);
const NOON: Timestamp = Timestamp(20_000 * DAY_MS + DAY_MS / 2);
const MINE: u64 = 5;

/// One node's log with its disk and clock.
struct Reader {
    log: Log,
    disk: Disk,
    rng: ChaCha20Rng,
    now: Timestamp,
}

impl Reader {
    fn new() -> Self {
        let rng = ChaCha20Rng::seed_from_u64(1);
        Self { log: Log::new(CIRCLE), disk: Disk::default(), rng, now: NOON }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Log, &mut Env<'_>, &mut Batch) -> T) -> T {
        let mut batch = Batch::default();
        let mut env = Env { now: self.now, rng: &mut self.rng, store: &self.disk };
        let out = act(&mut self.log, &mut env, &mut batch);
        self.disk.write(batch);
        out
    }

    fn take(&mut self, said: &Incoming) -> Shown {
        self.take_of(said, false)
    }

    fn take_of(&mut self, said: &Incoming, hold: bool) -> Shown {
        let said = Incoming { received: self.now, ..said.clone() };
        self.act(|log, env, batch| log.take(env, batch, said, hold, &|epoch| epoch == MINE))
    }

    fn tick(&mut self, ms: u64) -> Shown {
        self.now = self.now.plus(ms);
        self.act(|log, env, batch| log.tick(env, batch, &|epoch| epoch == MINE))
    }

    fn expire(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
        let now = self.now;
        self.act(|log, _, batch| log.expire(batch, now));
    }

    fn restart(&mut self) {
        self.log = Log::new(CIRCLE);
        self.act(|log, env, _| log.restore(env, &|epoch| epoch == MINE));
    }

    /// Ids of messages, as they stand on the screen.
    fn screen(&mut self) -> Vec<MessageId> {
        self.act(|log, env, batch| {
            let rows: Vec<u64> = log.between(None, None).map(|(_, row)| row).collect();
            let rows = rows.into_iter().filter_map(|row| log.row(env, batch, row));
            rows.filter_map(|row| log.incoming(row)).map(|said| said.id).collect()
        })
    }
}

/// Something said; `parents` were seen in an epoch of everybody here.
fn said(author: u8, counter: u64, parents: &[MessageId], at: Timestamp) -> Incoming {
    let parents = parents.iter().map(|id| Parent { id: *id, epoch: MINE }).collect();
    let share =
        Share { text: format!("{author} {counter}"), reply_to: None, wish: None, note: None };
    let message = Message {
        author: MemberId([author; 32]),
        run: Run { device: DeviceId([author; 16]), run: 7 },
        counter,
        parents,
        said_at: at.0,
        kind: SHARE,
        rev: 1,
        body: Bytes(wire::encode(&share)),
    };
    let bytes = wire::encode(&message);
    Incoming {
        id: Message::id(&bytes, &CIRCLE),
        message,
        bytes,
        epoch: MINE,
        received: NOON,
        members: None,
    }
}

fn below(rng: &mut ChaCha20Rng, end: usize) -> usize {
    usize::try_from(rng.next_u32()).expect("32 bits") % end
}

/// A conversation of four, whose clocks differ by hours.
fn conversation(rng: &mut ChaCha20Rng, length: usize) -> Vec<Incoming> {
    let mut all: Vec<Incoming> = Vec::new();
    let mut counters = [0; 4];
    for at in 0..length {
        let author = below(rng, 4);
        let count = below(rng, 5).min(all.len());
        let from = all.len().saturating_sub(8);
        let mut parents: Vec<MessageId> =
            (0..count).map(|_| all[from + below(rng, all.len() - from)].id).collect();
        parents.sort();
        parents.dedup();
        let skew = [0, 20, 3, 9][author] * HOUR_MS;
        let time = NOON.plus(skew + 60_000 * u64::try_from(at).expect("few"));
        let number = u8::try_from(author).expect("four") + 1;
        all.push(said(number, counters[author], &parents, time));
        counters[author] += 1;
    }
    all
}

///
#[test]
fn what_is_there_of_a_run_is_told_with_its_holes() {
    let run = Run { device: DeviceId([1; 16]), run: 7 };
    let mut ranges = Ranges::default();
    for counter in [0, 1, 2, 5, 9, 8, 5] {
        ranges.insert(counter);
    }
    let have = ranges.have(run);
    assert_eq!(have.next, 10);
    assert_eq!(have.holes, vec![(3, 5), (6, 8)]);
    assert!(have.covers(2) && have.covers(9));
    assert!(!have.covers(4) && !have.covers(10));
    for counter in [3, 4, 6, 7] {
        ranges.insert(counter);
    }
    assert_eq!(ranges.have(run).holes, Vec::new());
}

/// R-40, P2: of more holes than may be told, the older ones are told as one larger hole.
#[test]
fn more_holes_than_may_be_told_are_never_told_as_there() {
    let run = Run { device: DeviceId([1; 16]), run: 7 };
    let mut ranges = Ranges::default();
    for counter in 0..200 {
        ranges.insert(counter * 2);
    }
    let have = ranges.have(run);
    assert_eq!(have.holes.len(), MAX_HOLES);
    for counter in 0..400 {
        assert!(!have.covers(counter) || counter % 2 == 0, "{counter}");
    }
    assert!(have.covers(398) && !have.covers(0));
}

/// 200 orders of arrival, some of them so slow that gaps are shown and filled.
#[test]
pub(crate) fn the_same_messages_stand_in_one_order_in_whatever_order_they_came() {
    for seed in 0..10 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let all = conversation(&mut rng, 40);
        let mut expected: Option<Vec<MessageId>> = None;
        for order in 0..20 {
            let mut arrival: Vec<&Incoming> = all.iter().collect();
            for at in (1..arrival.len()).rev() {
                arrival.swap(at, below(&mut rng, at + 1));
            }
            let mut reader = Reader::new();
            for message in arrival {
                reader.take(message);
                if order % 2 == 1 && below(&mut rng, 3) == 0 {
                    reader.tick(PATIENCE_MS);
                }
            }
            let screen = reader.screen();
            assert_eq!(screen.len(), all.len(), "SEED={seed}");
            for message in &all {
                let place = |id: &MessageId| screen.iter().position(|at| at == id);
                for parent in &message.message.parents {
                    assert!(place(&parent.id) < place(&message.id), "SEED={seed}: causal first");
                }
            }
            assert!(reader.log.gaps.is_empty() && reader.log.pending.is_empty());
            let first = expected.get_or_insert_with(|| screen.clone());
            assert_eq!(*first, screen, "SEED={seed} order {order}");
            reader.restart();
            assert_eq!(*first, reader.screen(), "SEED={seed} order {order}, restarted");
            assert!(reader.log.gaps.is_empty());
        }
    }
}

/// what did not know of each other stands by time, author and counter.
#[test]
fn what_was_said_at_once_stands_by_time_then_author_then_counter() {
    let one = said(2, 0, &[], NOON);
    let same = said(1, 0, &[], NOON);
    let next = said(1, 1, &[], NOON);
    let early = said(3, 0, &[], Timestamp(NOON.0 - 1));
    let mut reader = Reader::new();
    for message in [&one, &next, &same, &early] {
        reader.take(message);
    }
    assert_eq!(reader.screen(), [early.id, same.id, next.id, one.id]);
}

/// R-41, D-17, H-26
#[test]
pub(crate) fn a_clock_of_2099_does_not_take_the_end_of_the_screen_for_ever() {
    let far = said(1, 0, &[], NOON.plus(70 * 365 * DAY_MS));
    let last = said(1, 1, &[], Timestamp(u64::MAX));
    let mut reader = Reader::new();
    reader.take(&far);
    reader.take(&last);
    reader.now = NOON.plus(1_000);
    let later = said(2, 0, &[], reader.now);
    reader.take(&later);
    assert_eq!(reader.screen().last(), Some(&later.id));
    assert_eq!(reader.log.line(&far.id).expect("shown").said_at(), NOON);
}

/// R-41, H-26: two who heard a lie about the time at different times read all others in one order.
#[test]
fn a_clock_of_2099_does_not_change_the_order_of_others() {
    let first = said(2, 0, &[], NOON);
    let far = said(1, 0, &[first.id], NOON.plus(70 * 365 * DAY_MS));
    let mut author = Reader::new();
    [&first, &far].into_iter().for_each(|message| _ = author.take(message));
    let named = author.log.parents(author.now);
    let time = author.log.time_after(&named, NOON.plus(1_000));
    let named: Vec<MessageId> = named.iter().map(|parent| parent.id).collect();
    let answers = said(2, 1, &named, Timestamp(time));
    let meanwhile = said(3, 0, &[], NOON.plus(5_000));
    let order = |late_ms| {
        let mut reader = Reader::new();
        reader.now = NOON.plus(late_ms);
        let all = [&first, &far, &answers, &meanwhile];
        all.into_iter().for_each(|message| _ = reader.take(message));
        reader.screen().into_iter().filter(|id| *id != far.id).collect::<Vec<_>>()
    };
    assert_eq!(order(0), order(3_600_000));
}

/// R-41, H-26: a time of 2099 does not come to others by the words of somebody with a late clock, whom they named
/// before they had what that one had named.
#[test]
fn a_clock_of_2099_passes_its_time_on_to_nobody() {
    let far = said(1, 0, &[], NOON.plus(70 * 365 * DAY_MS));
    let late = said(2, 0, &[far.id], Timestamp(NOON.0 - 365 * DAY_MS));
    let cause = said(3, 0, &[late.id], NOON.plus(1_000));
    let effect = said(3, 1, &[cause.id], NOON.plus(60_000));
    let mut reader = Reader::new();
    reader.now = NOON.plus(120_000);
    [&far, &late, &effect].into_iter().for_each(|message| _ = reader.take(message));
    assert_eq!(reader.tick(PATIENCE_MS).lines, [effect.id]);
    reader.take(&cause);
    let order: Vec<MessageId> = reader.screen().into_iter().filter(|id| *id != far.id).collect();
    assert_eq!(order, [late.id, cause.id, effect.id]);
}

/// R-41, H-26: nobody leans on what claims to be from years to come, but on what came before it; and where all
/// others are ahead, it is one's own clock.
#[test]
fn a_message_of_2099_is_named_by_nobody_but_a_late_clock() {
    let first = said(2, 0, &[], NOON);
    let far = said(1, 0, &[first.id], NOON.plus(70 * 365 * DAY_MS));
    let after = said(1, 1, &[far.id], NOON.plus(70 * 365 * DAY_MS));
    let mut reader = Reader::new();
    [&first, &far, &after].into_iter().for_each(|message| _ = reader.take(message));
    let named = |reader: &Reader, now| {
        let parents = reader.log.parents(now);
        assert!(reader.log.time_after(&parents, now) <= now.0 + MAX_AHEAD_MS + 1);
        parents.iter().map(|parent| parent.id).collect::<Vec<_>>()
    };
    assert_eq!(named(&reader, NOON), [first.id]);
    let late = Timestamp(NOON.0 - 3 * DAY_MS);
    assert_eq!(named(&reader, late), [after.id]);
}

/// R-40, H-6
#[test]
pub(crate) fn a_message_is_shown_once() {
    let one = said(1, 0, &[], NOON);
    let mut reader = Reader::new();
    assert_eq!(reader.take(&one).lines, [one.id]);
    let rows = reader.disk.rows.len();
    for _ in 0..100 {
        assert!(reader.take(&one).lines.is_empty());
    }
    assert_eq!(reader.disk.rows.len(), rows);
}

/// P2: what is missing is waited for, then said to be missing, then filled in.
#[test]
pub(crate) fn a_gap_opens_after_some_patience_and_closes_when_it_is_filled() {
    let first = said(1, 0, &[], NOON);
    let second = said(2, 0, &[first.id], NOON);
    let mut reader = Reader::new();
    assert!(reader.take(&second).lines.is_empty());
    assert_eq!(reader.log.next_wake(), Some(NOON.plus(PATIENCE_MS)));
    assert!(reader.tick(PATIENCE_MS - 1).lines.is_empty());
    let shown = reader.tick(1);
    assert_eq!((shown.lines, shown.opened), (vec![second.id], vec![second.id]));
    assert_eq!(reader.log.gap(&second.id).map(|gap| gap.missing.len()), Some(1));
    let place = reader.log.gap_place(&second.id).expect("shown");
    assert!(place < reader.log.line(&second.id).expect("shown").place);
    let filled = reader.take(&first).filled;
    assert_eq!(filled.len(), 1);
    assert_eq!(reader.screen(), [first.id, second.id]);
}

/// P4: what was said where this member was not is not missed.
#[test]
fn a_parent_of_an_epoch_of_others_is_not_waited_for() {
    let mut second = said(2, 0, &[MessageId([9; 32])], NOON);
    second.message.parents[0].epoch = MINE + 1;
    second.bytes = wire::encode(&second.message);
    second.id = Message::id(&second.bytes, &CIRCLE);
    let shown = Reader::new().take(&second);
    assert_eq!((shown.lines.len(), shown.opened.len()), (1, 0));
}

/// P2, R-32: it turns out that this member was not in an epoch of which it has an entry.
#[test]
fn what_is_missing_of_an_epoch_that_is_of_others_is_missed_no_more() {
    let mut reader = Reader::new();
    let child = said(2, 0, &[MessageId([9; 32])], NOON);
    reader.take(&child);
    assert_eq!(reader.tick(PATIENCE_MS).opened, [child.id]);
    assert!(reader.log.forgo(&[MINE + 1]).filled.is_empty() && reader.log.gap(&child.id).is_some());
    let filled = reader.log.forgo(&[MINE]).filled;
    assert_eq!(filled.iter().map(|(of, _)| *of).collect::<Vec<_>>(), [child.id]);
    assert!(reader.log.gap(&child.id).is_none());
}

/// of somebody outside the roster that counts which a member heard.
#[test]
fn what_a_removed_member_said_is_shown_once_a_member_is_known_to_have_heard_it() {
    let heard = said(1, 0, &[], NOON);
    let deeper = said(1, 1, &[heard.id], NOON);
    let unheard = said(1, 2, &[deeper.id], NOON);
    let answer = said(2, 0, &[deeper.id], NOON);
    let mut reader = Reader::new();
    for message in [&heard, &deeper, &unheard] {
        assert!(reader.take_of(message, true).lines.is_empty());
    }
    assert!(reader.screen().is_empty());
    reader.take(&answer);
    assert_eq!(reader.screen(), [heard.id, deeper.id, answer.id]);
    assert!(reader.log.waits(&unheard.id));
}

/// what it names counts with what is let go of later.
#[test]
fn what_a_removed_member_had_heard_is_shown_with_its_words() {
    let first = said(1, 0, &[], NOON);
    let answer = said(3, 0, &[first.id], NOON);
    let mut reader = Reader::new();
    for message in [&first, &answer] {
        assert!(reader.take_of(message, true).lines.is_empty());
    }
    let author = answer.message.author;
    reader.act(|log, env, batch| log.release(env, batch, &|it| it.author == author, &|_| true));
    assert_eq!(reader.screen(), [first.id, answer.id]);
}

/// at most four parents, the newest of what nothing names.
#[test]
fn a_new_message_names_the_newest_heads() {
    let mut reader = Reader::new();
    let all: Vec<Incoming> =
        (1..8).map(|author| said(author, 0, &[], NOON.plus(u64::from(author)))).collect();
    for message in &all {
        reader.take(message);
    }
    let parents: Vec<MessageId> =
        reader.log.parents(reader.now).iter().map(|parent| parent.id).collect();
    assert_eq!(parents, [all[6].id, all[5].id, all[4].id, all[3].id]);
    let next = said(1, 1, &parents, NOON.plus(100));
    reader.take(&next);
    assert_eq!(reader.log.parents(reader.now)[0].id, next.id);
    assert_eq!(reader.log.parents(reader.now).len(), 4);
}

/// R-80, D-16, P9
#[test]
fn what_expires_is_hidden_at_its_end_and_its_key_dies_with_the_day() {
    let mut reader = Reader::new();
    reader.log.keep_for(Some(6 * HOUR_MS));
    let one = said(1, 0, &[], NOON);
    reader.take(&one);
    let slots: Vec<KeySlot> = reader.disk.keys.keys().copied().collect();
    assert_eq!(slots.len(), 1);
    assert_eq!(slots[0].kind, SlotKind::Day);
    assert_eq!(slots[0].id[..4], 20_000_u32.to_be_bytes());
    assert_eq!(reader.log.next_expiry(), Some(NOON.plus(6 * HOUR_MS)));
    let text = |disk: &Disk| {
        let words = wire::encode(&"1 0");
        disk.rows.values().any(|value| value.bytes.windows(4).any(|at| at == words))
    };
    assert!(text(&reader.disk));
    reader.expire(6 * HOUR_MS - 1);
    assert_eq!(reader.screen(), [one.id]);
    reader.expire(1);
    assert!(reader.screen().is_empty() && !text(&reader.disk));
    assert_eq!(reader.disk.keys.len(), 1);
    reader.expire(6 * HOUR_MS - 1);
    assert_eq!(reader.disk.keys.len(), 1);
    reader.expire(1);
    assert!(reader.disk.keys.is_empty());
    assert!(reader.take(&one).lines.is_empty(), "late copies are not taken again");
    reader.restart();
    assert!(reader.take(&one).lines.is_empty());
}

/// D-16: whichever was first, saying or hearing.
#[test]
fn a_clock_ahead_keeps_nothing_longer() {
    let mut reader = Reader::new();
    reader.log.keep_for(Some(HOUR_MS));
    reader.take(&said(1, 0, &[], NOON.plus(20 * HOUR_MS)));
    assert_eq!(reader.log.next_expiry(), Some(NOON.plus(HOUR_MS)));
    let old = said(2, 0, &[], Timestamp(NOON.0 - HOUR_MS));
    assert!(reader.take(&old).lines.is_empty(), "it came too late");
    let zero = said(3, 0, &[], Timestamp(0));
    assert!(reader.take(&zero).lines.is_empty());
}

/// a node that was off forgets by itself when it comes back.
#[test]
fn what_ended_while_the_node_was_off_goes_first() {
    let mut reader = Reader::new();
    reader.log.keep_for(Some(6 * HOUR_MS));
    reader.take(&said(1, 0, &[], NOON));
    reader.now = NOON.plus(30 * DAY_MS);
    reader.log = Log::new(CIRCLE);
    reader.log.keep_for(Some(6 * HOUR_MS));
    reader.act(|log, env, _| log.restore(env, &|epoch| epoch == MINE));
    assert!(reader.log.next_expiry().is_some_and(|at| at < reader.now));
    reader.expire(0);
    assert!(reader.screen().is_empty() && reader.disk.keys.is_empty());
}

/// P2, R-27: nothing is said to be missing that was here and ended.
#[test]
fn what_leans_on_something_forgotten_has_no_gap() {
    let mut reader = Reader::new();
    reader.log.keep_for(Some(DAY_MS));
    let first = said(1, 0, &[], NOON);
    reader.take(&first);
    reader.now = NOON.plus(HOUR_MS);
    let second = said(2, 0, &[first.id], reader.now);
    reader.take(&second);
    reader.expire(DAY_MS - HOUR_MS);
    assert_eq!(reader.screen(), [second.id]);
    for _ in 0..2 {
        let third = said(3, 0, &[first.id, second.id], reader.now);
        assert!(reader.take(&third).opened.is_empty());
        reader.restart();
        assert_eq!(reader.log.gaps().count(), 0);
        assert_eq!(reader.tick(PATIENCE_MS).opened.len(), 0);
    }
    let rows = |disk: &Disk| disk.rows.len();
    let before = rows(&reader.disk);
    reader.expire(FORGOTTEN_MS);
    assert!(rows(&reader.disk) < before, "its id is kept for 90 days");
}

/// P7
#[test]
fn ranges_that_cross_are_empty() {
    let mut reader = Reader::new();
    reader.take(&said(1, 0, &[], NOON));
    let place = reader.log.between(None, None).next().map(|(place, _)| place.clone());
    let place = place.expect("one line");
    let log = &reader.log;
    assert_eq!(log.between(Some(&place), Some(&place)).count(), 0);
    assert_eq!(log.between(Some(&vec![0xff; 40]), Some(&vec![0])).count(), 0);
    assert_eq!(log.between(None, Some(&vec![0xff])).count(), 1);
}
