//! Anna's device under a script: at a relay that lies, and in a circle with a member who does.
//!
//! The circle is a real one, made once by the simulator: Anna, Ben and Chris, who have talked. Each script
//! finds Anna's home as it was then, and starts her machine from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use hearthlight_protocol::boundary::{
    Answer, Command, Contact, Draft, Env, Input, Link, Output, Room, Ticket, Timestamp,
};
use hearthlight_protocol::circle::card::{Card, VerifiedCard};
use hearthlight_protocol::circle::charter::Operation;
use hearthlight_protocol::circle::epoch::{CardTag, EpochSecrets, Header, SealedBox, board_name};
use hearthlight_protocol::circle::help::{Ask, Help};
use hearthlight_protocol::crypto::{KeyPair, Label, Secret, Suite};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{
    CircleId, DeviceId, Digest, EnvelopeId, EpochId, MailboxId, MemberId, MessageId, Nonce,
    OperationId, Peer, PublicKey, Signature,
};
use hearthlight_protocol::mailbox::{MAX_FRAME, Packet, Refusal, Round};
use hearthlight_protocol::member::Member;
use hearthlight_protocol::member::sim::{EpochKeys, Inside};
use hearthlight_protocol::message::{Frame, Have, Item, Message, Parent, Run, Seen};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::script::Script;
use crate::bounds::LIMITS;
use crate::forge::{Forger, item};
use crate::machine::relay_peer;
use crate::store::MemoryStore;
use crate::world::World;
use crate::{ANNA, BEN};

const STEPS: usize = 48;
/// A step in time is at most so long: what was said is kept for longer than all of them.
const LONGEST_MS: u64 = 2 * 3_600_000;
const ME: Peer = Peer([0xa1; 32]);
const OTHER: Peer = Peer([0xb1; 32]);

/// A circle on a calm day, as homes and secrets.
struct Begin {
    now: Timestamp,
    circle: CircleId,
    anna: MemoryStore,
    relay: Peer,
    /// All mailboxes that Ben has the secrets of, boards and epochs.
    boxes: Vec<SealedBox>,
    /// The epochs among them.
    epochs: Vec<EpochKeys>,
    /// Everything that lies at the relay.
    envelopes: Vec<(MailboxId, Envelope)>,
    ben: Forger,
    members: Vec<MemberId>,
}

static BEGIN: LazyLock<Begin> = LazyLock::new(Begin::new);
/// How many lines of talk there are.
static TEXTS: LazyLock<usize> = LazyLock::new(|| Insider::at(&BEGIN).texts());

impl Begin {
    fn new() -> Self {
        let mut world = World::calm_circle(7, 3, 1);
        world.say(ANNA, "good evening");
        world.say(BEN, "hello");
        world.run_for(5 * 60_000);
        assert_eq!(world.verdict(), Ok(()));
        let circle = world.circle.expect("it was founded");
        let relay = &world.hosts[3];
        let ben = world.forger(BEN);
        let boxes = ben.boxes();
        let opened = ben.epochs.iter().filter(|it| it.secrets.is_some() && it.speaks.is_some());
        let begin = Self {
            now: world.now,
            circle,
            anna: world.hosts[ANNA].store.clone(),
            relay: relay_peer(&relay.root),
            envelopes: envelopes_of(&relay.store, &boxes),
            boxes,
            epochs: opened.cloned().collect(),
            members: ben.cards.keys().copied().collect(),
            ben,
        };
        assert!(
            begin.envelopes.len() > 5 && begin.epochs.len() > 1,
            "there is something to lie about"
        );
        begin
    }
}

/// What a relay has saved of these mailboxes.
fn envelopes_of(store: &MemoryStore, boxes: &[SealedBox]) -> Vec<(MailboxId, Envelope)> {
    let rows = store.drawer(Room::Envelopes).filter_map(|(key, row)| {
        let mailbox = boxes.iter().map(SealedBox::mailbox).find(|it| it.0 == key.owner)?;
        // How much a relay keeps before the envelope is its own matter.
        (0..row.len().min(64)).find_map(|at| {
            let envelope = Envelope::parse(row[at..].to_vec())?;
            let sealed = boxes.iter().find(|it| it.mailbox() == mailbox)?;
            envelope.open(&sealed.key, &mailbox).is_some().then_some((mailbox, envelope))
        })
    });
    rows.collect()
}

fn start(store: &MemoryStore, now: Timestamp) -> (Member, ChaCha20Rng) {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let member = Member::restore(&mut Env { now, rng: &mut rng, store });
    (member.expect("its own store is whole"), rng)
}

/// Anna's device, Ben's secrets, and a relay in Mallory's hand.
pub struct Insider {
    begin: &'static Begin,
    member: Member,
    rng: ChaCha20Rng,
    store: MemoryStore,
    now: Timestamp,
    link: Link,
    /// The step of reconciliation that was last asked for, in which mailbox.
    asked: (MailboxId, Round),
    /// All that were asked for in this run.
    rounds: Vec<(MailboxId, Round)>,
    revs: u64,
    answer: Option<Answer>,
}

/// P1, P7, H-1, H-13, R-52: a relay that says what it likes costs nobody's membership and not a line, and
/// no more memory than is stated; and the home starts again.
pub(super) fn relay_script(bytes: &[u8]) {
    let begin = &*BEGIN;
    let mut world = Insider::at(begin);
    let before = world.inside();
    world.run(&mut Script::new(bytes), Insider::lie);
    let after = world.judged();
    assert!(before.roster == after.roster && before.former == after.former);
    assert_eq!(before.heads, after.heads, "a relay made an operation");
    assert_eq!(world.texts(), *TEXTS, "a relay took a line away, or made one");
}

/// P7, H-4, H-5, H-9, H-10: a member with all its keys breaks no machine, holds no more room than is stated,
/// and throws out nobody; and the home starts again as it was.
pub(super) fn member_script(bytes: &[u8]) {
    let begin = &*BEGIN;
    let mut world = Insider::at(begin);
    world.run(&mut Script::new(bytes), Insider::abuse);
    let after = world.judged();
    for member in &begin.members {
        let left = *member == begin.ben.me;
        assert!(left || after.roster.contains(member), "somebody went by a word of Ben's alone");
    }
    assert!(world.texts() >= *TEXTS);
}

impl Insider {
    fn at(begin: &'static Begin) -> Self {
        let store = begin.anna.clone();
        let (member, rng) = start(&store, begin.now);
        let mut world = Self {
            begin,
            member,
            rng,
            store,
            now: begin.now,
            link: Link(1),
            asked: (begin.boxes[0].mailbox(), Round::default()),
            rounds: Vec::new(),
            revs: 0,
            answer: None,
        };
        world.meet();
        world
    }

    fn run(&mut self, script: &mut Script<'_>, step: fn(&mut Self, &mut Script<'_>)) {
        for _ in 0..STEPS {
            if script.is_over() {
                break;
            }
            step(self, script);
        }
    }

    /// What is there at last, in this run and after a restart from the disk.
    fn judged(&mut self) -> Inside {
        self.handle(Vec::new());
        let running = self.inside();
        for (name, size) in &running.sizes {
            let limit = LIMITS.iter().find(|(of, _)| of == name).map(|(_, limit)| *limit);
            assert!(limit.is_none_or(|limit| *size <= limit), "{size} {name}");
        }
        self.restart();
        let restored = self.inside();
        assert_eq!(running.roster, restored.roster);
        assert_eq!(running.heads, restored.heads);
        restored
    }

    fn restart(&mut self) {
        (self.member, self.rng) = start(&self.store, self.now);
        self.rounds.clear();
        self.meet();
    }

    /// The machine's first call, and a relay that is there and has been greeted.
    fn meet(&mut self) {
        self.handle(Vec::new());
        let (link, relay) = (self.link, self.begin.relay);
        self.handle(vec![Input::Up { link, peer: relay, me: ME, relay: true }]);
        self.hear(&Packet::Hello { version: 1, nonce: Nonce([2; 16]), relay: true, heard: true });
        let all = self.begin.boxes.iter().map(SealedBox::mailbox).collect();
        self.hear(&Packet::Proven(all));
    }

    fn hear(&mut self, packet: &Packet) {
        self.frame(self.begin.relay, wire::encode(packet));
    }

    fn frame(&mut self, peer: Peer, bytes: Vec<u8>) {
        self.handle(vec![Input::Frame { link: self.link, peer, bytes }]);
    }

    fn handle(&mut self, inputs: Vec<Input>) {
        let mut env = Env { now: self.now, rng: &mut self.rng, store: &self.store };
        let outputs = self.member.handle(&mut env, inputs);
        self.store.apply(&outputs);
        for output in outputs {
            match output {
                Output::Connect { link, to: Contact::Relay { .. } } => self.link = link,
                Output::Send { bytes, .. } => {
                    assert!(bytes.len() <= MAX_FRAME);
                    let packet = wire::decode(&bytes).expect("a member speaks well");
                    if let Packet::Reconcile { mailbox, round, .. } = packet {
                        self.asked = (mailbox, round);
                        self.rounds.push(self.asked);
                    }
                }
                Output::Answer { answer, .. } => self.answer = answer.ok(),
                // P5: a subscription would tell the relay which mailboxes this device has.
                Output::Subscribe { .. } | Output::Publish { .. } => panic!("the mesh is off"),
                _ => {}
            }
        }
    }

    /// How many lines of talk Anna reads.
    fn texts(&mut self) -> usize {
        let command = Command::Read {
            circle: self.begin.circle,
            since: None,
            unread: false,
            before: None,
            after: None,
            limit: 0,
            mark_read: false,
        };
        self.handle(vec![Input::Command { ticket: Ticket(1), command }]);
        let Some(Answer::Entries(entries)) = self.answer.take() else { panic!("no answer") };
        let said: Vec<[u8; 32]> = entries.iter().filter_map(|entry| entry.id).collect();
        let ids: BTreeSet<_> = said.iter().collect();
        assert_eq!(ids.len(), said.len(), "a line is shown twice");
        ids.len()
    }

    fn mailbox(&self, script: &mut Script<'_>) -> MailboxId {
        script.one_of(&self.begin.boxes).expect("there are some").mailbox()
    }

    fn ids(&self, script: &mut Script<'_>) -> Vec<EnvelopeId> {
        let real = |script: &mut Script<'_>| {
            let (mailbox, envelope) = script.one_of(&self.begin.envelopes).expect("there are some");
            envelope.id(&mailbox)
        };
        let one = |script: &mut Script<'_>| {
            if script.flag() { real(script) } else { EnvelopeId([script.byte(); 32]) }
        };
        (0..script.below(9)).map(|_| one(script)).collect()
    }

    /// What a relay can do.
    fn lie(&mut self, script: &mut Script<'_>) {
        let (link, relay) = (self.link, self.begin.relay);
        let mailbox = self.mailbox(script);
        match script.byte() % 18 {
            0 => {
                let version = u16::from(script.byte() % 3);
                let (relay, heard) = (script.flag(), script.flag());
                self.hear(&Packet::Hello { version, nonce: Nonce([3; 16]), relay, heard });
            }
            1 => self.hear(&Packet::Proven(vec![mailbox])),
            2 => {
                let id = self.ids(script).pop();
                let why = script.one_of(&REFUSALS).expect("there are eight");
                self.hear(&Packet::Refused { mailbox, id, why });
            }
            3 | 4 => {
                let many = 1 + script.below(8);
                let chosen = (0..many).filter_map(|_| script.one_of(&self.begin.envelopes));
                let chosen: Vec<_> = chosen.collect();
                let given = chosen.iter().map(|(_, it)| {
                    let mut bytes = it.bytes().to_vec();
                    if script.byte() % 4 == 1 {
                        let at = usize::from(script.byte()) % bytes.len();
                        bytes[at] ^= 1;
                    }
                    Bytes(bytes)
                });
                let envelopes = given.collect();
                let right = script.byte() % 4 != 1;
                let mailbox = if right { chosen[0].0 } else { mailbox };
                self.hear(&Packet::Give { mailbox, envelopes });
            }
            5 => self
                .hear(&Packet::Give { mailbox, envelopes: vec![Bytes(script.chunk().to_vec())] }),
            6 => self.hear(&Packet::Announce { mailbox, ids: self.ids(script) }),
            7 => self.hear(&Packet::Stored { mailbox, ids: self.ids(script) }),
            8 => self.hear(&Packet::Gone { mailbox, ids: self.ids(script) }),
            9 | 10 => {
                let (mailbox, round) = self.asked;
                let bytes = Bytes([&[0x61], script.chunk()].concat());
                self.hear(&Packet::Reconciled { mailbox, round, bytes });
            }
            11 => {
                let round = Round { attempt: u32::from(script.byte()), number: u32::MAX };
                let bytes = Bytes(script.chunk().to_vec());
                self.hear(&Packet::Reconcile { mailbox, round, bytes });
            }
            12 => self.frame(relay, script.chunk().to_vec()),
            13 => {
                let peers = (0..script.below(8)).map(|_| Peer([script.byte(); 32])).collect();
                self.hear(&Packet::Peers { mailbox, peers });
            }
            14 => {
                let down = Input::Down { link, peer: relay };
                self.handle(vec![down]);
                self.meet();
            }
            15 => self.wait(script),
            16 => {
                let packet = Packet::Hello {
                    version: 1,
                    nonce: Nonce([4; 16]),
                    relay: script.flag(),
                    heard: script.flag(),
                };
                let up = Input::Up { link, peer: OTHER, me: ME, relay: false };
                let bytes = wire::encode(&packet);
                self.handle(vec![up, Input::Frame { link, peer: OTHER, bytes }]);
                self.frame(OTHER, script.chunk().to_vec());
            }
            _ => self.restart(),
        }
    }

    fn wait(&mut self, script: &mut Script<'_>) {
        self.now = self.now.plus((1 << (script.byte() % 24)).min(LONGEST_MS));
        self.handle(Vec::new());
    }

    /// What a member can do who has the circle's secrets, and a relay.
    fn abuse(&mut self, script: &mut Script<'_>) {
        match script.byte() % 12 {
            0 => self.lie(script),
            1 => {
                let sealed = script.one_of(&self.begin.boxes).expect("there are some");
                self.give(&sealed, script.chunk());
            }
            2 => self.speak_bytes(script),
            3 | 4 => self.speak(script),
            5 | 6 => self.govern(script),
            7 => self.show_card(script),
            8 => self.open(script),
            9 => self.ask(script),
            10 => self.wait(script),
            _ => self.restart(),
        }
    }

    fn give(&mut self, sealed: &SealedBox, text: &[u8]) {
        let mailbox = sealed.mailbox();
        let envelope = Envelope::seal(&sealed.key, &mailbox, self.now, text, &mut self.rng);
        let envelopes = vec![Bytes(envelope.expect("inputs are short").into_bytes())];
        self.hear(&Packet::Give { mailbox, envelopes });
    }

    fn post(&mut self, kind: u8, content: Vec<u8>, script: &mut Script<'_>) {
        let text = wire::encode(&vec![(kind, Bytes(content))]);
        let board = script.one_of(&self.begin.ben.boards).expect("there is one");
        self.give(&SealedBox::of_board(&board, &self.begin.circle), &text);
    }

    /// A frame that is well signed, around any payload.
    fn speak_bytes(&mut self, script: &mut Script<'_>) {
        let (epoch, place, speak) = self.epoch(script);
        let payload = script.chunk();
        let parts: [&[u8]; 3] = [&epoch.id.0, &place.to_be_bytes(), payload];
        let signature = Signature(speak.sign(Label::Frame, &self.begin.circle, &parts));
        let frame = Frame { member: place, signature, payload: Bytes(payload.to_vec()) };
        self.talk(&epoch, &wire::encode(&frame));
    }

    /// An epoch, Ben's place in it, and what signs there.
    fn epoch(&self, script: &mut Script<'_>) -> (EpochKeys, u16, KeyPair) {
        let epoch = script.one_of(&self.begin.epochs).expect("there are some");
        let (place, speak) = epoch.speaks.clone().expect("he has a card in each");
        (epoch, place, speak)
    }

    fn talk(&mut self, epoch: &EpochKeys, text: &[u8]) {
        let sealed = self.begin.ben.talk_of(epoch).expect("he has its secrets");
        self.give(&sealed, text);
    }

    /// Messages and tellings, with numbers at their ends.
    fn speak(&mut self, script: &mut Script<'_>) {
        let (epoch, place, _) = self.epoch(script);
        let begin = self.begin;
        let run = |script: &mut Script<'_>| {
            let device =
                if script.flag() { begin.ben.run.device } else { DeviceId([script.byte(); 16]) };
            Run { device, run: u64::from(script.byte() % 3) }
        };
        let items: Vec<Item> = (0..=script.below(4))
            .map(|_| {
                if script.byte() % 3 == 1 {
                    let have = |script: &mut Script<'_>| Have {
                        run: run(script),
                        next: script.number(),
                        holes: (0..script.below(4))
                            .map(|_| (script.number(), script.number()))
                            .collect(),
                    };
                    let have = (0..script.below(4)).map(|_| have(script)).collect();
                    return Item::Seen(Seen { epoch: epoch.id, heads: Vec::new(), have });
                }
                let parent = |script: &mut Script<'_>| Parent {
                    id: MessageId([script.byte() % 4; 32]),
                    epoch: script.number(),
                };
                let message = Message {
                    author: script.one_of(&begin.members).expect("three"),
                    run: run(script),
                    counter: script.number(),
                    parents: (0..script.below(5)).map(|_| parent(script)).collect(),
                    said_at: script.number(),
                    kind: script.byte() % 4,
                    rev: script.byte() % 3,
                    body: Bytes(script.chunk().to_vec()),
                };
                item(&message)
            })
            .collect();
        let frame = begin.ben.frame(&epoch.id, place, &items).expect("he has a card in each");
        self.talk(&epoch, &frame);
    }

    /// An operation of Ben's over Anna's heads.
    fn govern(&mut self, script: &mut Script<'_>) {
        let heads = self.inside().heads;
        self.revs += 1;
        // Ben has signed nothing before, so that what he signs now is counted from 1.
        let seq = if script.byte() % 8 == 1 { script.number() } else { self.revs };
        let operation = Operation {
            circle: self.begin.circle,
            author: self.begin.ben.me,
            seq: u32::try_from(seq).unwrap_or(u32::MAX),
            parents: heads.into_iter().collect(),
            kind: 64 + script.byte() % 28,
            rev: script.byte() % 3,
            critical: script.flag(),
            body: Bytes(script.chunk().to_vec()),
        };
        let signed = self.begin.ben.sign(Label::Operation, &operation);
        self.post(1, wire::encode(&signed), script);
    }

    fn show_card(&mut self, script: &mut Script<'_>) {
        let card = self.card(script);
        self.post(2, wire::encode(&card), script);
    }

    fn card(&mut self, script: &mut Script<'_>) -> Signed {
        let (_, mut seal_key) = Suite::Hybrid.make_pair(&mut self.rng);
        if script.byte() % 4 == 1 {
            seal_key = script.chunk().to_vec();
        }
        let device =
            if script.flag() { self.begin.ben.run.device } else { DeviceId([script.byte(); 16]) };
        let card = Card {
            circle: self.begin.circle,
            member: self.begin.ben.me,
            device,
            rev: u32::try_from(script.number()).unwrap_or(u32::MAX),
            seal_key: Bytes(seal_key),
            speak_key: PublicKey(self.speak_key().public()),
        };
        self.begin.ben.sign(Label::Card, &card)
    }

    /// An opening by Ben, over any past and day.
    fn open(&mut self, script: &mut Script<'_>) {
        let inside = self.inside();
        let day = match script.byte() % 4 {
            0 => u32::try_from(script.number()).unwrap_or(u32::MAX),
            _ => self.now.day(),
        };
        let heads = if script.byte() % 4 == 1 {
            vec![OperationId([script.byte(); 32])]
        } else {
            inside.heads.iter().copied().collect()
        };
        let known: Vec<EpochId> = inside.epochs.iter().map(|(id, ..)| *id).collect();
        let supersedes = (0..script.below(4)).filter_map(|_| script.one_of(&known)).collect();
        let board = script.one_of(&self.begin.ben.boards).expect("there is one");
        let keys = self.member.keys(&self.begin.circle).expect("the circle is there");
        let mut cards: Vec<&VerifiedCard> = keys.cards.values().collect();
        if script.byte() % 4 == 1 {
            cards.truncate(script.below(3));
        }
        let header = Header {
            circle: self.begin.circle,
            opener: self.begin.ben.me,
            heads,
            supersedes,
            day,
            cards: cards.iter().map(|card| CardTag(card.tag())).collect(),
            board: board_name(&board, &self.begin.circle),
            mailbox: MailboxId([0; 32]),
            commitment: Digest([0; 32]),
        };
        let secrets = EpochSecrets { epoch: Secret::random(&mut self.rng), board };
        let mut opening = self.begin.ben.open(header, &secrets, &cards, &mut self.rng);
        if script.byte() % 4 == 1 {
            opening.entries.truncate(script.below(3));
        }
        self.post(3, wire::encode(&opening), script);
    }

    /// Asks for help, notes of heads, and answers that nobody asked for.
    fn ask(&mut self, script: &mut Script<'_>) {
        let member = self.begin.ben.me;
        match script.byte() % 3 {
            0 => {
                let ask = Ask {
                    member,
                    card: self.card(script),
                    heads: vec![OperationId([script.byte(); 32]); script.below(3)],
                    lacks: vec![EpochId([script.byte(); 32]); script.below(80)],
                    tries: script.byte(),
                    at: if script.flag() { self.now.0 } else { script.number() },
                };
                let signed = self.begin.ben.sign(Label::Ask, &ask);
                self.post(5, wire::encode(&signed), script);
            }
            1 => {
                let heads = vec![OperationId([script.byte(); 32]); script.below(3)];
                let hour = if script.flag() { self.now.hour() } else { u32::MAX };
                self.post(6, self.begin.ben.note(heads, hour), script);
            }
            _ => {
                let (to, sealed) =
                    (Bytes(script.array::<16>().to_vec()), Bytes(script.chunk().to_vec()));
                self.post(7, wire::encode(&Help { to, sealed }), script);
            }
        }
    }
}

/// For tests that do one thing after another.
impl Insider {
    /// Anna's home as it is after a calm day, started, at a relay.
    #[must_use]
    pub fn new() -> Self {
        Self::at(&BEGIN)
    }

    /// The circle.
    #[must_use]
    pub fn circle(&self) -> CircleId {
        self.begin.circle
    }

    /// What Anna's machine holds of it.
    #[must_use]
    pub fn inside(&self) -> Inside {
        self.member.inside(&self.begin.circle).expect("the circle is there")
    }

    /// How many lines Anna reads; each is there once.
    #[must_use]
    pub fn lines(&mut self) -> usize {
        self.texts()
    }

    /// How many values Anna's disk holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.store.len()
    }

    /// Anna's computer dies and starts again.
    pub fn starts_again(&mut self) {
        self.restart();
    }

    /// Her clock shows this, and her machine is called.
    pub fn clock_shows(&mut self, now: Timestamp) -> Timestamp {
        let before = std::mem::replace(&mut self.now, now);
        self.handle(Vec::new());
        before
    }

    /// The relay says that it has what she has: she is in step, and does what members do then.
    pub fn comes_in_step(&mut self) {
        const SAME: u8 = 0x61;
        for (mailbox, round) in std::mem::take(&mut self.rounds) {
            self.hear(&Packet::Reconciled { mailbox, round, bytes: Bytes(vec![SAME]) });
        }
    }

    /// What her clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// So much time passes, and her machine is called.
    pub fn waits(&mut self, ms: u64) {
        self.clock_shows(self.now.plus(ms));
    }

    /// Anna says something.
    pub fn says(&mut self, text: &str) {
        let text = text.to_owned();
        let draft = Draft { text, reply_to: None, wants: None, note: None, once: None };
        let command = Command::Say { circle: self.begin.circle, draft };
        self.handle(vec![Input::Command { ticket: Ticket(2), command }]);
        assert!(self.answer.take().is_some(), "what she says is taken");
    }

    /// The relay gives this envelope.
    pub fn is_given(&mut self, mailbox: MailboxId, envelope: &Envelope) {
        let envelopes = vec![Bytes(envelope.bytes().to_vec())];
        self.hear(&Packet::Give { mailbox, envelopes });
    }

    /// What lies in epochs, opened as any member can: each with its mailbox.
    #[must_use]
    pub fn frames(&self) -> Vec<(SealedBox, Envelope, Frame)> {
        let opened = self.begin.envelopes.iter().filter_map(|(mailbox, envelope)| {
            let mut sealed = self.begin.epochs.iter().filter_map(|it| self.begin.ben.talk_of(it));
            let sealed = sealed.find(|sealed| sealed.mailbox() == *mailbox)?;
            let frame = wire::decode(&envelope.open(&sealed.key, mailbox)?)?;
            Some((sealed, envelope.clone(), frame))
        });
        opened.collect()
    }

    /// Ben seals a text in a mailbox of the circle; it is given to Anna.
    pub fn seals(&mut self, sealed: &SealedBox, text: &[u8]) -> Envelope {
        let mailbox = sealed.mailbox();
        let envelope = Envelope::seal(&sealed.key, &mailbox, self.now, text, &mut self.rng);
        let envelope = envelope.expect("it is short");
        self.is_given(mailbox, &envelope);
        envelope
    }

    /// Ben says these in the newest epoch, by his own key.
    pub fn ben_says(&mut self, items: &[Item]) -> (SealedBox, Envelope) {
        let (sealed, frame) = (self.begin.ben.talk(), self.begin.ben.speech(items));
        let envelope = self.seals(&sealed, &frame);
        (sealed, envelope)
    }

    /// A message by Ben with this kind and body, as the `counter`th of a run of its own.
    #[must_use]
    pub fn by_ben(&self, counter: u64, kind: u8, body: Vec<u8>) -> Message {
        let run = Run { device: self.begin.ben.run.device, run: 0x6265_6e00 };
        let message = self.begin.ben.message(run, counter, "", self.now);
        Message { kind, body: Bytes(body), ..message }
    }

    /// All of Ben's keys.
    #[must_use]
    pub fn ben(&self) -> &Forger {
        &self.begin.ben
    }

    /// The newest cards, as Anna has them.
    #[must_use]
    pub fn cards(&self) -> BTreeMap<MemberId, VerifiedCard> {
        self.member.keys(&self.begin.circle).expect("the circle is there").cards
    }

    fn speak_key(&self) -> KeyPair {
        let speaks = self.begin.ben.newest().speaks.clone();
        speaks.expect("he has a card in the head").1
    }

    /// Ben posts an item on the board.
    pub fn posts(&mut self, kind: u8, content: Vec<u8>) {
        self.post(kind, content, &mut Script::new(&[]));
    }

    /// The names of all who belong, that no other circle's members have.
    #[must_use]
    pub fn members(&self) -> &[MemberId] {
        &self.begin.members
    }
}

impl Default for Insider {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Insider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Insider").field("now", &self.now).finish_non_exhaustive()
    }
}

const REFUSALS: [Refusal; 8] = [
    Refusal::Closed,
    Refusal::Size,
    Refusal::Rate,
    Refusal::Token,
    Refusal::Store,
    Refusal::Full,
    Refusal::Age,
    Refusal::Proof,
];
