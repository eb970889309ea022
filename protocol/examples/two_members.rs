//! Anna founds a circle, Ben joins by a code, both talk. Two machines and a relay in one thread: no
//! socket, no disk, no clock. Run it with `cargo run -p hearthlight-protocol --example two_members`.

use std::collections::{BTreeMap, VecDeque};

use hearthlight_protocol::boundary::{
    Admit, Answer, Command, Contact, Draft, Env, Event, Input, Key, KeySlot, Link, Output,
    RelayAddress, Room, SlotKind, Store, Ticket, Timestamp,
};
use hearthlight_protocol::crypto::Secret;
use hearthlight_protocol::identity::Peer;
use hearthlight_protocol::member::Member;
use hearthlight_protocol::relay::{Grant, Relay, RelayConfig, token};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// A store that lives in memory.
#[derive(Default)]
struct Memory {
    rows: BTreeMap<Key, Vec<u8>>,
    secrets: BTreeMap<KeySlot, Secret>,
}

impl Store for Memory {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.rows.get(key).cloned()
    }

    fn scan(
        &self,
        room: Room,
        owner: &[u8; 32],
        from: &[u8],
        backwards: bool,
        limit: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        assert!(!backwards, "nothing here reads backwards");
        self.rows
            .iter()
            .filter(|(key, _)| key.room == room && key.owner == *owner && *key.place >= *from)
            .take(limit)
            .map(|(key, value)| (key.place.clone(), value.clone()))
            .collect()
    }

    fn secrets(&self) -> Vec<(KeySlot, Secret)> {
        self.secrets.iter().map(|(slot, secret)| (*slot, secret.clone())).collect()
    }
}

/// A machine with its store.
enum Machine {
    Member(Box<Member>),
    Relay(Box<Relay>),
}

struct Host {
    name: &'static str,
    peer: Peer,
    machine: Machine,
    store: Memory,
    rng: ChaCha20Rng,
}

/// Everybody, and what is on its way.
struct World {
    now: Timestamp,
    hosts: Vec<Host>,
    on_the_way: VecDeque<(usize, Input)>,
    answers: Vec<Answer>,
    waiting: Vec<Event>,
}

const RELAY: usize = 0;

impl World {
    fn give(&mut self, to: usize, input: Option<Input>) {
        let host = &mut self.hosts[to];
        let mut env = Env { now: self.now, rng: &mut host.rng, store: &host.store };
        let inputs = input.into_iter().collect();
        let outputs = match &mut host.machine {
            Machine::Member(member) => member.handle(&mut env, inputs),
            Machine::Relay(relay) => relay.handle(&mut env, inputs),
        };
        for output in outputs {
            self.carry_out(to, output);
        }
    }

    fn carry_out(&mut self, from: usize, output: Output) {
        match output {
            Output::MakeKey(slot, secret) => {
                drop(self.hosts[from].store.secrets.insert(slot, secret))
            }
            Output::DestroyKey(slot) => drop(self.hosts[from].store.secrets.remove(&slot)),
            Output::Save(key, value) => drop(self.hosts[from].store.rows.insert(key, value.bytes)),
            Output::Erase(key) => drop(self.hosts[from].store.rows.remove(&key)),
            Output::Connect { link, to: Contact::Relay { .. } } => {
                let (me, relay) = (self.hosts[from].peer, self.hosts[RELAY].peer);
                let up = |link, peer, me, relay| Input::Up { link, peer, me, relay };
                self.on_the_way.push_back((from, up(link, relay, me, true)));
                self.on_the_way.push_back((RELAY, up(Link(0), me, relay, false)));
            }
            Output::Send { peer, bytes, .. } => {
                let to = self.hosts.iter().position(|host| host.peer == peer);
                let peer = self.hosts[from].peer;
                // Every member here has one link at a time: its newest.
                let link = if from == RELAY { Link(1) } else { Link(0) };
                let to = to.expect("a host has this peer");
                self.on_the_way.push_back((to, Input::Frame { link, peer, bytes }));
            }
            Output::Answer { answer, .. } => {
                self.answers.push(answer.expect("every command here is a right one"));
            }
            Output::Notify(event) => {
                if let Event::Message { entry, .. } = &event {
                    println!("{}: {:?} {:?}", self.hosts[from].name, entry.author_name, entry.kind);
                }
                self.waiting.push(event);
            }
            _ => {}
        }
    }

    /// Carries everything to its end.
    fn settle(&mut self) {
        while let Some((to, input)) = self.on_the_way.pop_front() {
            self.give(to, Some(input));
        }
    }

    fn ask(&mut self, whom: usize, command: Command) -> Answer {
        let ticket = Ticket(0);
        self.give(whom, Some(Input::Command { ticket, command }));
        self.settle();
        self.answers.pop().expect("every command is answered")
    }
}

fn main() {
    let now = Timestamp(1_767_600_000_000);
    let config = RelayConfig::new(&[9; 32]);
    let relay_peer = Peer(config.key.public());
    let mut hosts = Vec::new();
    for (at, name) in ["Hope", "Anna", "Ben"].into_iter().enumerate() {
        let seed = u8::try_from(at).expect("three");
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(seed));
        let mut store = Memory::default();
        let root = KeySlot { kind: SlotKind::Root, owner: [0; 32], id: [0; 32] };
        store.secrets.insert(root, Secret::new(vec![seed; 32]));
        let mut env = Env { now, rng: &mut rng, store: &store };
        let machine = if at == RELAY {
            let relay = Relay::restore(&mut env, config.clone());
            Machine::Relay(Box::new(relay.expect("an empty store is readable")))
        } else {
            let member = Member::restore(&mut env);
            Machine::Member(Box::new(member.expect("the home is set up")))
        };
        let peer = if at == RELAY { relay_peer } else { Peer([seed; 32]) };
        hosts.push(Host { name, peer, machine, store, rng });
    }
    let mut world =
        World { now, hosts, on_the_way: VecDeque::new(), answers: Vec::new(), waiting: Vec::new() };

    // The operator of the relay gives Anna a token.
    let secret = [7; 16];
    let Machine::Relay(relay) = &mut world.hosts[RELAY].machine else {
        unreachable!("the first host is the relay")
    };
    let grant = Grant {
        link: token::chain(&secret, 0),
        label: String::new(),
        quota: Some(100 << 20),
        expires: None,
    };
    let (_, outputs) = relay.add_token(grant, now).expect("there is room for a token");
    for output in outputs {
        world.carry_out(RELAY, output);
    }

    let founded = world.ask(
        1,
        Command::CircleNew {
            name: "Tuesday group".to_owned(),
            handle: "Heron".to_owned(),
            template: "plain".to_owned(),
            relays: vec![RelayAddress {
                addresses: vec![vec![4, 127, 0, 0, 1, 6, 16, 174]],
                key: relay_peer,
                token: Some(secret),
            }],
            admit: Admit::Ask,
            retention_s: None,
            direct: false,
            thin: false,
        },
    );
    let Answer::Circle(circle) = founded else { unreachable!("founding gives a circle") };
    let hearthlight_protocol::boundary::CircleRef::Circle(id) = circle.id else {
        unreachable!("a founded circle has an id")
    };
    let invite = world.ask(
        1,
        Command::InviteNew {
            circle: id,
            uses: 1,
            expires_s: 3_600,
            admit: Admit::Ask,
            label: None,
        },
    );
    let Answer::Invite(invite) = invite else { unreachable!("an invite was asked for") };
    let code = invite.code.expect("a new invite has its code");
    println!("The code:\n{}", code.grouped().join("\n"));
    world.ask(2, Command::Join { code, handle: "Otter".to_owned(), label: None });
    let request = world.waiting.iter().find_map(|event| match event {
        Event::Waiting { request, .. } => Some(request.id),
        _ => None,
    });
    let request = request.expect("Otter asks to be let in");
    world.ask(1, Command::Admit { circle: id, request });
    for (who, text) in [(1, "welcome, Otter"), (2, "glad to be here")] {
        let draft =
            Draft { text: text.to_owned(), reply_to: None, wants: None, note: None, once: None };
        world.ask(who, Command::Say { circle: id, draft });
    }
    let heard = world
        .waiting
        .iter()
        .filter(|event| matches!(event, Event::Mark { delivery, .. } if delivery.received_by == 1))
        .count();
    assert_eq!(heard, 2, "each was heard by the other");
    println!("Both were heard.");
}
