//! everything that the nodes of a few members can come to, who decide, open and
//! hear of it in any order, or never.
//!
//! What was not delivered yet is also what is lost. Each node is the real charter, fold and epochs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use stateright::{Checker, HasDiscoveries, Model, Property};

use super::charters::{Deed, act, circle, is_allowed, is_removal};
use crate::boundary::{DAY_MS, Timestamp};
use crate::circle::card::{Cards, VerifiedCard};
use crate::circle::charter::tests::{ANNA, BEN, CHRIS, DANA, Story, member, someone};
use crate::circle::charter::{Charter, Places};
use crate::circle::epoch::{EpochSecrets, Header, Plan, SealedBox};
use crate::circle::head::{Epoch, Epochs, State};
use crate::circle::roster::{Roster, fold};
use crate::crypto::{KeyPair, Secret, Suite, sha256};
use crate::identity::{BoardName, CircleId, DeviceId, EpochId, MemberId, OperationId};
use crate::planted::{Planted, Planting, plant};
use crate::signed::Signed;
use crate::wire::Bytes;

/// The first day, and how late an epoch is read.
const FIRST_DAY: u32 = 20_000;
const LATE_DAYS: u64 = 7;
/// In how many rounds openings come to an end once everybody has everything. Found by the checker: with
/// one less it fails where epochs ended before they were judged.
const ROUNDS: u8 = 2;

/// What goes from one node to another.
#[derive(Clone)]
enum Item {
    Operation(OperationId, Signed),
    Opening(EpochId, Box<(Signed, Header, EpochSecrets)>),
}

/// One member's node.
#[derive(Clone)]
struct Node {
    who: u8,
    /// What came, by number.
    known: BTreeSet<u16>,
    charter: Charter,
    epochs: Epochs,
    roster: Arc<Roster>,
    head: Option<EpochId>,
    due: bool,
    day: u8,
    faults: BTreeSet<&'static str>,
}

/// What one node differs from another by.
type Key = (u8, u8, BTreeSet<u16>, Vec<(EpochId, u8, Option<u64>, bool)>, BTreeSet<&'static str>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    /// By number in [`Shared::nodes`].
    nodes: Vec<u32>,
    /// Operations and openings that may still be made.
    left: u8,
    ticks: u8,
    /// Rounds of openings since everybody had everything.
    rounds: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Act(usize, Deed),
    Open(usize),
    Deliver(usize, u16),
    /// Everybody has everything; these open at once, and everybody hears of it.
    Settle(Vec<usize>),
    Days(u8),
}

/// Everything that was ever made, once.
#[derive(Default)]
struct Shared {
    items: Vec<Item>,
    numbers: BTreeMap<[u8; 32], u16>,
    nodes: Vec<Arc<Node>>,
    by_key: BTreeMap<Key, u32>,
    taken: BTreeMap<(u32, u16), u32>,
    rosters: BTreeMap<Vec<OperationId>, Arc<Roster>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Plant(Planted),
    /// Nobody opens anything.
    NeverDue,
    /// Several leaves make an opening due.
    DueForLeaves,
}

struct Nodes {
    name: &'static str,
    circle: CircleId,
    begin: Story,
    people: Vec<u8>,
    /// Who opens epochs whether or not they are due, removed or not.
    hostile: Option<u8>,
    most: u8,
    ticks: u8,
    fault: Fault,
    cards: Cards,
    shared: Mutex<Shared>,
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn at(day: u8) -> Timestamp {
    Timestamp((u64::from(FIRST_DAY) + u64::from(day)) * DAY_MS)
}

fn device(who: u8) -> DeviceId {
    DeviceId([who; 16])
}

fn counts(epoch: &Epoch) -> bool {
    epoch.counts()
}

impl Nodes {
    fn new(name: &'static str, begin: Story, people: &[u8], most: u8) -> Self {
        let mut cards = Cards::default();
        for who in 1..10 {
            let of = if who == ANNA { CircleId::NONE } else { begin.circle };
            cards.insert(someone(who, &of).card, None);
        }
        Self {
            name,
            circle: begin.circle,
            begin,
            people: people.to_vec(),
            hostile: None,
            most,
            ticks: 0,
            fault: Fault::None,
            cards,
            shared: Mutex::default(),
        }
    }

    /// Plants the fault in what this thread of the checker runs.
    fn plant(&self) -> Planting {
        plant(match self.fault {
            Fault::Plant(fault) => Some(fault),
            _ => None,
        })
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    fn node(&self, number: u32) -> Arc<Node> {
        self.shared().nodes[number as usize].clone()
    }

    fn item(&self, number: u16) -> Item {
        self.shared().items[usize::from(number)].clone()
    }

    fn number(&self, item: Item) -> u16 {
        let id = match &item {
            Item::Operation(id, _) => id.0,
            Item::Opening(id, ..) => id.0,
        };
        let mut shared = self.shared();
        let next = u16::try_from(shared.items.len()).expect("few");
        let number = *shared.numbers.entry(id).or_insert(next);
        if number == next {
            shared.items.push(item);
        }
        number
    }

    /// Draws all conclusions, and looks at what must hold at one node.
    fn settle(&self, mut node: Node) -> u32 {
        let me = member(node.who);
        let mut ids: Vec<OperationId> = node.charter.held().iter().map(|held| held.id).collect();
        ids.sort_unstable();
        let roster = fold(&node.charter, &node.charter.all());
        let first =
            self.shared().rosters.entry(ids).or_insert_with(|| Arc::new(roster.clone())).clone();
        if *first != roster {
            node.faults.insert("one roster");
        }
        node.roster = Arc::new(roster);
        node.epochs.judge(&node.charter, &node.roster, &self.cards, &me, at(node.day));
        node.epochs.mark_superseded(at(node.day));
        self.reckon(&mut node);
        self.look_at(&mut node);
        let epochs = node.epochs.iter().map(|(id, epoch)| {
            (*id, epoch.state as u8, epoch.superseded.map(|at| at.0), epoch.ended)
        });
        let key: Key =
            (node.who, node.day, node.known.clone(), epochs.collect(), node.faults.clone());
        let mut shared = self.shared();
        let next = u32::try_from(shared.nodes.len()).expect("few");
        let number = *shared.by_key.entry(key).or_insert(next);
        if number == next {
            shared.nodes.push(Arc::new(node));
        }
        number
    }

    /// Head and whether an opening is due, as `Circle` reckons them.
    fn reckon(&self, node: &mut Node) {
        let (me, device) = (member(node.who), device(node.who));
        let head = node.epochs.head(&node.roster, &self.cards, &device, |_| true);
        let day = at(node.day).day();
        let due = node.epochs.is_due(&node.roster, &self.cards, (&me, &device), head, day, false);
        node.due = match self.fault {
            Fault::NeverDue => false,
            Fault::DueForLeaves => due || node.epochs.leaves().len() > 1,
            _ => due,
        };
        node.head = head.map(|(id, _)| *id);
    }

    fn look_at(&self, node: &mut Node) {
        let inside = |who: &MemberId| node.roster.members.contains_key(who);
        if let Some(head) = node.head.and_then(|id| node.epochs.get(&id)) {
            let good = head.members.iter().all(inside)
                && head.members.contains(&member(node.who))
                && head.secrets.is_some();
            if !good {
                node.faults.insert("head");
            }
        }
        let leaks = node.epochs.iter().any(|(_, epoch)| {
            counts(epoch)
                && epoch.entry.is_some()
                && !epoch.members.iter().all(inside)
                && node.epochs.is_board_usable(&epoch.header.board, &node.roster)
        });
        if leaks {
            node.faults.insert("board");
        }
    }

    /// What a node becomes when something comes.
    fn take(&self, number: u32, item: u16) -> u32 {
        if let Some(known) = self.shared().taken.get(&(number, item)) {
            return *known;
        }
        let mut node = Node::clone(&self.node(number));
        node.known.insert(item);
        match self.item(item) {
            Item::Operation(_, signed) => drop(node.charter.take(signed)),
            Item::Opening(id, made) => {
                let (signed, header, secrets) = *made;
                let card = self.cards.newest(&member(node.who)).expect("a card").tag();
                let mine = header.cards.iter().any(|tag| tag.0 == card);
                let secrets = mine.then_some(secrets);
                let sealed =
                    |secrets: &EpochSecrets| SealedBox::of_epoch(&secrets.epoch, &self.circle);
                let epoch = Epoch {
                    header,
                    signed,
                    entry: mine.then(|| Bytes(Vec::new())),
                    state: State::Waits,
                    members: Vec::new(),
                    outside: BTreeSet::new(),
                    strangers: BTreeSet::new(),
                    sealed: secrets.as_ref().map(sealed),
                    secrets,
                    mine: None,
                    superseded: None,
                    ended: false,
                    surplus: false,
                    row: 0,
                };
                node.epochs.insert(id, epoch);
            }
        }
        let next = self.settle(node);
        self.shared().taken.insert((number, item), next);
        next
    }

    /// The boards whose secrets a node has.
    fn boards(node: &Node) -> BTreeMap<BoardName, Secret> {
        let opened = node.epochs.iter().filter_map(|(_, epoch)| {
            Some((epoch.header.board, epoch.secrets.as_ref()?.board.clone()))
        });
        opened.collect()
    }

    /// An opening of a node, as `Circle::open_epoch` makes it.
    fn opening(&self, node: &Node) -> Option<u16> {
        let boards = Self::boards(node);
        let has = |name: &BoardName| boards.contains_key(name);
        let next = node.epochs.next(&node.roster, has, at(node.day).day());
        let heads: Vec<OperationId> = node.charter.heads().iter().copied().collect();
        let drawn = format!(
            "{} {:?} {:?}",
            node.who,
            bytes(&next.supersedes),
            heads.iter().map(|id| id.0).collect::<Vec<_>>()
        );
        let seed = sha256(drawn.as_bytes());
        let board = match next.board {
            Some(name) => boards[&name].clone(),
            None => Secret::new(seed.to_vec()),
        };
        if next.supersedes.is_empty() {
            return None;
        }
        Some(self.plan(node.who, heads, next.supersedes, next.day, &node.roster, board, seed))
    }

    #[expect(clippy::too_many_arguments, reason = "what an opening says")]
    fn plan(
        &self,
        who: u8,
        heads: Vec<OperationId>,
        supersedes: Vec<EpochId>,
        day: u32,
        roster: &Roster,
        board: Secret,
        seed: [u8; 32],
    ) -> u16 {
        let cards: Vec<&VerifiedCard> =
            roster.members.keys().map(|who| self.cards.newest(who).expect("a card")).collect();
        let plan =
            Plan { circle: self.circle, suite: Suite::Thin, heads, supersedes, day, cards, board };
        let pair = KeyPair::from_seed(&[who; 32]);
        let (opening, header, secrets) = plan.open(&pair, &mut ChaCha20Rng::from_seed(seed));
        let id = Header::id(&opening.header, &self.circle);
        self.number(Item::Opening(id, Box::new((opening.header, header, secrets))))
    }

    fn deeds(&self, node: &Node) -> Vec<Deed> {
        let mut deeds = vec![Deed::Leave, Deed::Admit(DANA)];
        deeds.extend(self.people.iter().map(|who| Deed::Remove(*who)));
        let words = node.charter.held().iter().filter(|held| is_removal(held));
        deeds.extend(words.map(|held| Deed::Cosign(held.id)));
        deeds.retain(|deed| is_allowed(&node.charter, &node.roster, node.who, *deed));
        deeds
    }

    fn nodes(&self, world: &World) -> Vec<Arc<Node>> {
        world.nodes.iter().map(|number| self.node(*number)).collect()
    }

    /// What there is, and whether everybody has it.
    fn made(nodes: &[Arc<Node>]) -> (BTreeSet<u16>, bool) {
        let all: BTreeSet<u16> = nodes.iter().flat_map(|node| node.known.iter().copied()).collect();
        let everywhere = nodes.iter().all(|node| node.known.len() == all.len());
        (all, everywhere)
    }

    /// Days pass at one node: what is over ends.
    fn pass(&self, number: u32, days: u8) -> u32 {
        let mut node = Node::clone(&self.node(number));
        node.day += days;
        let now = at(node.day);
        let (over, _) = node.epochs.over(now, LATE_DAYS * DAY_MS, node.head.as_ref(), |_| true);
        for id in over {
            let epoch = node.epochs.get_mut(&id).expect("listed");
            let since = epoch.superseded.map(|at| now.since(at));
            let old = now.day() - epoch.header.day > 30;
            if node.head == Some(id) || !old && since.is_none_or(|since| since < LATE_DAYS * DAY_MS)
            {
                node.faults.insert("erased");
            }
            epoch.secrets = None;
            epoch.ended = true;
        }
        self.settle(node)
    }
}

fn bytes(ids: &[EpochId]) -> Vec<[u8; 32]> {
    ids.iter().map(|id| id.0).collect()
}

impl Model for Nodes {
    type State = World;
    type Action = Step;

    /// Everybody is in the epoch that Anna opened for them.
    fn init_states(&self) -> Vec<World> {
        let _planting = self.plant();
        let whole = &self.begin.whole;
        let root = whole.covered(&[self.begin.root()]).expect("held");
        let roster = |places: &Places| fold(whole, places);
        let board = Secret::new(vec![1; 32]);
        let first = self.plan(
            ANNA,
            vec![self.begin.root()],
            Vec::new(),
            FIRST_DAY,
            &roster(&root),
            board.clone(),
            [1; 32],
        );
        let Item::Opening(first_id, ..) = self.item(first) else { panic!("an opening") };
        let all = roster(&whole.all());
        let second =
            self.plan(ANNA, self.begin.heads(), vec![first_id], FIRST_DAY, &all, board, [2; 32]);
        let nodes = self.people.iter().map(|who| {
            let epochs = Epochs::default();
            let node = Node {
                who: *who,
                known: BTreeSet::new(),
                charter: whole.clone(),
                epochs,
                roster: Arc::default(),
                head: None,
                due: false,
                day: 0,
                faults: BTreeSet::new(),
            };
            [first, second].into_iter().fold(self.settle(node), |node, item| self.take(node, item))
        });
        vec![World { nodes: nodes.collect(), left: self.most, ticks: self.ticks, rounds: 0 }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let nodes = self.nodes(world);
        let (all, everywhere) = Self::made(&nodes);
        for (place, node) in nodes.iter().enumerate() {
            if world.left > 0 {
                steps.extend(self.deeds(node).into_iter().map(|deed| Step::Act(place, deed)));
                if node.due || self.hostile == Some(node.who) {
                    steps.push(Step::Open(place));
                }
            }
            let lacks = all.difference(&node.known);
            steps.extend(lacks.map(|item| Step::Deliver(place, *item)));
        }
        if everywhere && world.rounds <= ROUNDS {
            let due: Vec<usize> = (0..nodes.len()).filter(|place| nodes[*place].due).collect();
            for some in 1..1_u32 << due.len() {
                let who = due.iter().enumerate().filter(|(at, _)| some >> at & 1 == 1);
                steps.push(Step::Settle(who.map(|(_, place)| *place).collect()));
            }
        }
        if world.ticks > 0 {
            steps.extend([4, 31].map(Step::Days));
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let _planting = self.plant();
        let mut next = world.clone();
        match step {
            Step::Act(place, deed) => {
                let node = self.node(world.nodes[place]);
                let mut story =
                    Story { circle: self.circle, all: Vec::new(), whole: node.charter.clone() };
                let id = story.by(node.who, &act(&self.begin, deed, node.who));
                let item = self.number(Item::Operation(id, story.all.pop().expect("made")));
                next.nodes[place] = self.take(world.nodes[place], item);
                (next.left, next.rounds) = (world.left - 1, 0);
            }
            Step::Open(place) => {
                let item = self.opening(&self.node(world.nodes[place]))?;
                next.nodes[place] = self.take(world.nodes[place], item);
                (next.left, next.rounds) = (world.left - 1, 0);
            }
            Step::Deliver(place, item) => {
                next.nodes[place] = self.take(world.nodes[place], item);
                next.rounds = 0;
            }
            Step::Settle(who) => {
                let items: Option<Vec<u16>> =
                    who.iter().map(|place| self.opening(&self.node(world.nodes[*place]))).collect();
                for item in items? {
                    for node in &mut next.nodes {
                        *node = self.take(*node, item);
                    }
                }
                next.rounds += 1;
            }
            Step::Days(days) => {
                for node in &mut next.nodes {
                    *node = self.pass(*node, days);
                }
                next.ticks -= 1;
            }
        }
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn no(model: &Nodes, world: &World, fault: &str) -> bool {
            !model.nodes(world).iter().any(|node| node.faults.contains(fault))
        }
        vec![
            Property::always("one set, one roster", |model: &Self, world| {
                no(model, world, "one roster")
            }),
            Property::always("nobody speaks where somebody is who has gone", |model, world| {
                no(model, world, "head")
            }),
            Property::always(
                "no board is used that somebody reads who has gone",
                |model: &Self, world| no(model, world, "board"),
            ),
            Property::always(
                "only what is superseded or old ends, never the head",
                |model: &Self, world| no(model, world, "erased"),
            ),
            Property::always("who has everything speaks in one place", one_head),
            Property::always("openings come to an end", |_, world: &World| world.rounds <= ROUNDS),
        ]
    }
}

/// where everything has come to everybody and no opening is due.
fn one_head(model: &Nodes, world: &World) -> bool {
    let nodes = model.nodes(world);
    let (_, everywhere) = Nodes::made(&nodes);
    let inside: Vec<&Arc<Node>> =
        nodes.iter().filter(|node| node.roster.members.contains_key(&member(node.who))).collect();
    if !everywhere || inside.iter().any(|node| node.due) {
        return true;
    }
    inside.iter().all(|node| {
        node.head.is_some()
            && node.head == inside[0].head
            && node
                .head
                .and_then(|id| node.epochs.get(&id))
                .is_some_and(|head| head.members == node.roster.ids())
    })
}

/// How many operations and openings: as the gate has time for, or as `MODEL_EPOCHS` says.
fn most(gate: u8) -> u8 {
    super::most("MODEL_EPOCHS", gate)
}

fn check(model: Nodes) {
    let (name, most) = (model.name, model.most);
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    println!("{name}, {most} made: {} states", checker.unique_state_count());
    checker.assert_properties();
}

fn three(name: &'static str, hosts: &[u8], most: u8) -> Nodes {
    Nodes::new(name, circle(&[BEN, CHRIS], hosts, &[]), &[ANNA, BEN, CHRIS], most)
}

///
#[test]
fn whatever_three_nodes_hear_they_come_to_speak_in_one_place_without_who_has_gone() {
    check(three("one host", &[], most(3)));
    check(three("two hosts", &[BEN], most(2)));
}

/// also beside openings of somebody who makes them at any time, removed or not.
#[test]
fn whatever_one_opens_out_of_turn_the_others_come_to_speak_in_one_place() {
    check(Nodes { hostile: Some(BEN), ..three("Ben opens", &[], most(2)) });
}

///
#[test]
fn an_epoch_ends_only_superseded_or_old_and_never_the_head() {
    check(Nodes { ticks: 2, ..three("days pass", &[], most(2)) });
}

///
#[test]
fn faults_of_heads_boards_and_ends_are_found() {
    finds(Fault::Plant(Planted::SpokenInOn), "nobody speaks where somebody is who has gone");
    finds(Fault::Plant(Planted::BoardUsedOn), "no board is used that somebody reads who has gone");
    finds(Fault::NeverDue, "who has everything speaks in one place");
    finds(Fault::DueForLeaves, "openings come to an end");
}

///
#[test]
fn an_epoch_that_ends_at_once_is_found() {
    finds(Fault::Plant(Planted::EpochsEndAtOnce), ENDS);
}

///
#[test]
fn a_head_that_ends_is_found() {
    finds(Fault::Plant(Planted::HeadEnds), ENDS);
}

const ENDS: &str = "only what is superseded or old ends, never the head";

fn finds(fault: Fault, promise: &'static str) {
    let until = HasDiscoveries::AllOf([promise].into());
    let ticks = 2 * u8::from(promise == ENDS);
    let model = Nodes { fault, ticks, ..three("", &[], 3 - ticks / 2) };
    let checker = model.checker().threads(2).finish_when(until).spawn_bfs().join();
    let path = checker.discovery(promise).unwrap_or_else(|| panic!("not found: {fault:?}"));
    println!("{fault:?}: broken in {} steps", path.into_actions().len());
}
