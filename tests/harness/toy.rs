//! Machines so small that one sees that they are right, which test the world that runs them.
//!
//! A toy circle has one mailbox whose key everybody knows, so it protects nobody; but what it says it
//! keeps: nothing said is lost, marks are true, order is causal, and newcomers are shown nothing old.
//! Each record is an envelope; a member's state is the set of records, read again after a crash.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{
    Answer, Command, Contact, Delivery, Draft, Entry, EntryKind, Env, Event, Input, Judgement, Key,
    Link, Mark, Output, RelayKey, RequestState, Room, Ticket, Timestamp, Topic, Value,
};
use hearthlight_protocol::crypto::sha256;
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::error::CommandError;
use hearthlight_protocol::identity::{CircleId, EnvelopeId, MailboxId, MemberId, MessageId, Peer};
use hearthlight_protocol::invite::{InviteCode, RelayEntry};
use hearthlight_protocol::mailbox::Packet;
use hearthlight_protocol::wire::{self, Bytes};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

mod relay;
#[cfg(test)]
mod tests;
mod views;

pub use relay::ToyRelay;

/// The one mailbox of every toy circle.
pub const MAILBOX: MailboxId = MailboxId([7; 32]);
const KEY: [u8; 32] = [7; 32];
const CIRCLE: CircleId = CircleId([7; 32]);
const LINK: Link = Link(1);
const TOPIC: Topic = Topic([7; 32]);
const TICK_MS: u64 = 5_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Record {
    Asked {
        name: String,
    },
    /// Belongs, with all who did before.
    Belongs {
        name: String,
        with: Vec<String>,
    },
    Said(Words),
    Seen {
        name: String,
        read: BTreeSet<String>,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Words {
    /// Larger than that of everything its author had read.
    lamport: u64,
    author: String,
    to: Vec<String>,
    text: String,
    said_at: u64,
}

/// How this device came to the circle; the only thing saved beside records.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Home {
    name: String,
    relays: Vec<(Vec<Vec<u8>>, Vec<u8>)>,
}

/// A member's machine.
#[derive(Debug)]
pub struct ToyMember {
    home: Option<Home>,
    records: BTreeMap<EnvelopeId, (Vec<u8>, Record)>,
    at_relay: BTreeSet<EnvelopeId>,
    marks: BTreeMap<MessageId, Delivery>,
    peers: BTreeMap<Peer, bool>,
    tick: Timestamp,
    unseen: bool,
    acknowledged: bool,
}

impl ToyMember {
    /// As it was saved.
    pub fn restore(env: &mut Env<'_>) -> Self {
        let mut toy = Self {
            home: None,
            records: BTreeMap::new(),
            at_relay: BTreeSet::new(),
            marks: BTreeMap::new(),
            peers: BTreeMap::new(),
            tick: env.now,
            unseen: true,
            acknowledged: true,
        };
        let home = env.store.get(&key(Room::Circles, &[]));
        toy.home = home.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        for (_, bytes) in env.store.scan(Room::Envelopes, &MAILBOX.0, &[], false, usize::MAX) {
            if let Some((id, record)) = open(&bytes) {
                toy.records.insert(id, (bytes, record));
            }
        }
        toy
    }

    fn me(&self) -> &str {
        self.home.as_ref().map_or("", |home| &home.name)
    }

    fn members(&self) -> BTreeSet<String> {
        let belongs = self.records.values().filter_map(|(_, record)| match record {
            Record::Belongs { name, with } => Some([name].into_iter().chain(with).cloned()),
            _ => None,
        });
        belongs.flatten().collect()
    }

    fn words(&self) -> impl Iterator<Item = (&EnvelopeId, &Words)> {
        self.records.iter().filter_map(|(id, (_, record))| match record {
            Record::Said(words) => Some((id, words)),
            _ => None,
        })
    }

    fn reads(&self, words: &Words) -> bool {
        words.author == self.me() || words.to.iter().any(|name| name == self.me())
    }

    fn come_in(&mut self, home: Home, out: &mut Vec<Output>) {
        out.push(save(Room::Circles, Vec::new(), encode(&home)));
        self.home = Some(home);
        self.connect(out);
    }

    fn connect(&self, out: &mut Vec<Output>) {
        for (addresses, key) in self.home.iter().flat_map(|home| &home.relays) {
            let key = match Peer::from_slice(key) {
                Some(peer) => RelayKey::Known(peer),
                None => RelayKey::Tag(key.as_slice().try_into().expect("a tag of 16 bytes")),
            };
            let to = Contact::Relay { addresses: addresses.clone(), key, reserve: true };
            out.push(Output::Connect { link: LINK, to });
        }
        out.push(Output::Subscribe { link: LINK, topic: TOPIC });
    }

    /// Makes a record, saves it, and sends it to everybody there is.
    fn post(&mut self, record: &Record, env: &mut Env<'_>, out: &mut Vec<Output>) {
        let sealed = Envelope::seal(&KEY, &MAILBOX, env.now, &encode(record), env.rng);
        let bytes = sealed.expect("records are short").into_bytes();
        self.take_in(&bytes, env.now, out);
        out.push(Output::Publish { link: LINK, topic: TOPIC, bytes: bytes.clone() });
        let envelopes = vec![Bytes(bytes)];
        self.to_relays(&Packet::Put { mailbox: MAILBOX, envelopes }, out);
    }

    /// Takes a record in; `false` if it is known or none.
    fn take_in(&mut self, bytes: &[u8], now: Timestamp, out: &mut Vec<Output>) -> bool {
        let known = |envelope: Envelope| self.records.contains_key(&envelope.id(&MAILBOX));
        if Envelope::parse(bytes.to_vec()).is_none_or(known) {
            return false;
        }
        let Some((id, record)) = open(bytes) else {
            return false;
        };
        out.push(save(Room::Envelopes, id.0.to_vec(), bytes.to_vec()));
        let before = self.members();
        self.records.insert(id, (bytes.to_vec(), record.clone()));
        match record {
            Record::Said(words) if self.reads(&words) => {
                self.unseen = true;
                let place = place(&words);
                out.push(save(Room::Messages, place, encode(&words)));
                let entry = self.entry(&words, now);
                out.push(Output::Notify(Event::Message { circle: CIRCLE, entry }));
            }
            Record::Seen { .. } => self.acknowledged = true,
            Record::Asked { name } if !before.contains(&name) => {
                let request = views::request(&name, now, RequestState::Waiting);
                out.push(Output::Notify(Event::Waiting { circle: CIRCLE, request }));
            }
            Record::Belongs { name, .. } if name == self.me() => {
                out.push(Output::Notify(Event::Join(views::join(&name, true))));
            }
            _ => {}
        }
        true
    }

    fn entry(&self, words: &Words, now: Timestamp) -> Entry {
        let own = words.author == self.me();
        let kind =
            EntryKind::Said { text: words.text.clone(), reply_to: None, wants: None, note: None };
        Entry {
            place: place(words),
            id: Some(message_id(words).0),
            kind,
            author: Some(member_id(&words.author)),
            author_name: Some(words.author.clone()),
            own,
            said_at: Some(Timestamp(words.said_at)),
            received_at: now,
            expires_at: None,
            delivery: own.then(|| self.delivery(words)),
        }
    }

    fn delivery(&self, words: &Words) -> Delivery {
        let id = message_id(words).hex();
        let seen = self.records.values().filter_map(|(_, record)| match record {
            Record::Seen { name, read } if read.contains(&id) => Some(name.as_str()),
            _ => None,
        });
        let others = seen.filter(|name| *name != words.author).collect::<BTreeSet<_>>();
        let relayed = self.words().any(|(at, w)| w == words && self.at_relay.contains(at));
        let mark = match (others.len(), relayed) {
            (0, false) => Mark::Waiting,
            (0, true) => Mark::Relayed,
            _ => Mark::Received,
        };
        Delivery { mark, received_by: others.len(), members: words.to.len() }
    }

    fn raise_marks(&mut self, out: &mut Vec<Output>) {
        let own = self.words().filter(|(_, words)| words.author == self.me());
        let own: Vec<Words> = own.map(|(_, words)| words.clone()).collect();
        for words in own {
            let (id, delivery) = (message_id(&words), self.delivery(&words));
            if self.marks.insert(id, delivery) != Some(delivery) {
                out.push(Output::Notify(Event::Mark { circle: CIRCLE, id, delivery }));
            }
        }
    }

    fn say(&mut self, draft: Draft, env: &mut Env<'_>, out: &mut Vec<Output>) -> Answer {
        let me = self.me().to_owned();
        let same = |words: &&Words| words.author == me && words.text == draft.text;
        let known = self.words().map(|(_, words)| words).find(same).cloned();
        let words = known.unwrap_or_else(|| {
            let read = self.words().filter(|(_, words)| self.reads(words));
            let lamport = 1 + read.map(|(_, words)| words.lamport).max().unwrap_or(0);
            let to = self.members().into_iter().filter(|name| *name != me).collect();
            let (author, text, said_at) = (me.clone(), draft.text.clone(), env.now.0);
            let words = Words { lamport, author, to, text, said_at };
            self.post(&Record::Said(words.clone()), env, out);
            words
        });
        let (id, said_at) = (message_id(&words), Timestamp(words.said_at));
        Answer::Said { id, said_at, delivery: self.delivery(&words) }
    }

    fn command(
        &mut self,
        ticket: Ticket,
        command: Command,
        env: &mut Env<'_>,
        out: &mut Vec<Output>,
    ) {
        let answer = match command {
            Command::CircleNew { handle, relays, .. } => {
                let relays = relays.into_iter().map(|r| (r.addresses, r.key.0.to_vec())).collect();
                self.come_in(Home { name: handle.clone(), relays }, out);
                let with = Vec::new();
                self.post(&Record::Belongs { name: handle.clone(), with }, env, out);
                Ok(Answer::Circle(views::circle(&handle)))
            }
            Command::InviteNew { .. } => Ok(Answer::Invite(views::invite(self.code()))),
            Command::Join { code, handle, .. } => {
                if self.home.is_none() {
                    let relays = code.relays.into_iter();
                    let relays = relays.map(|r| (vec![r.address], r.key_tag.to_vec())).collect();
                    self.come_in(Home { name: handle.clone(), relays }, out);
                    self.post(&Record::Asked { name: handle.clone() }, env, out);
                }
                let inside = self.members().contains(&handle);
                Ok(Answer::Join(views::join(&handle, inside)))
            }
            Command::Circles => {
                let inside = self.members().contains(self.me());
                let circles = inside.then(|| views::circle(self.me()));
                Ok(Answer::Circles(circles.into_iter().collect()))
            }
            Command::Waiting { .. } => {
                let inside = self.members();
                let asked = self.records.values().filter_map(|(_, record)| match record {
                    Record::Asked { name } if !inside.contains(name) => Some(name),
                    _ => None,
                });
                let request = |name: &String| views::request(name, env.now, RequestState::Waiting);
                Ok(Answer::Waiting(asked.map(request).collect()))
            }
            Command::Admit { request, .. } => {
                let asked = self.records.values().find_map(|(_, record)| match record {
                    Record::Asked { name } if views::request_id(name) == request => Some(name),
                    _ => None,
                });
                match asked.cloned() {
                    Some(name) => {
                        let with = self.members();
                        if !with.contains(&name) {
                            let (name, with) = (name.clone(), with.into_iter().collect());
                            self.post(&Record::Belongs { name, with }, env, out);
                        }
                        let admitted = views::request(&name, env.now, RequestState::Admitted);
                        Ok(Answer::Waiting(vec![admitted]))
                    }
                    None => Err(CommandError::UnknownRequest),
                }
            }
            Command::Say { draft, .. } => Ok(self.say(draft, env, out)),
            Command::Members { .. } => {
                let me = self.me();
                Ok(Answer::Members(self.members().iter().map(|n| views::member(n, me)).collect()))
            }
            // From the disk, so that what was not saved is not read.
            Command::Read { .. } => {
                let saved = env.store.scan(Room::Messages, &MAILBOX.0, &[], false, usize::MAX);
                let words =
                    saved.iter().filter_map(|(_, bytes)| serde_json::from_slice(bytes).ok());
                Ok(Answer::Entries(words.map(|words| self.entry(&words, env.now)).collect()))
            }
            _ => Err(CommandError::NotAllowed),
        };
        out.push(Output::Answer { ticket, answer });
    }

    fn code(&self) -> InviteCode {
        let relays = self.home.iter().flat_map(|home| &home.relays);
        let entries = relays.map(|(addresses, key)| RelayEntry {
            key_tag: sha256(key)[..16].try_into().expect("16 of 32 bytes"),
            address: addresses[0].clone(),
        });
        InviteCode { open: false, end_hour: 0, secret: [0; 16], relays: entries.collect() }
    }

    fn packet(&mut self, from: Peer, packet: Packet, now: Timestamp, out: &mut Vec<Output>) {
        match packet {
            Packet::Announce { ids, .. } => {
                let ids: Vec<_> =
                    ids.into_iter().filter(|id| !self.records.contains_key(id)).collect();
                if !ids.is_empty() {
                    out.push(send(LINK, from, &Packet::Get { mailbox: MAILBOX, ids }));
                }
            }
            Packet::Get { ids, .. } => {
                let found = ids.iter().filter_map(|id| self.records.get(id));
                let envelopes: Vec<Bytes> = found.map(|(bytes, _)| Bytes(bytes.clone())).collect();
                out.push(send(LINK, from, &Packet::Put { mailbox: MAILBOX, envelopes }));
            }
            Packet::Give { envelopes, .. } => {
                for bytes in envelopes {
                    self.take_in(&bytes.0, now, out);
                }
            }
            Packet::Stored { ids, .. } => {
                self.acknowledged = true;
                self.at_relay.extend(ids);
            }
            Packet::Peers { peers, .. } => {
                for to in peers {
                    out.push(Output::Connect {
                        link: LINK,
                        to: Contact::Circuit { through: from, to },
                    });
                }
            }
            _ => {}
        }
    }

    fn to_relays(&self, packet: &Packet, out: &mut Vec<Output>) {
        let relays = self.peers.iter().filter(|(_, relay)| **relay);
        out.extend(relays.map(|(peer, _)| send(LINK, *peer, packet)));
    }

    fn ticked(&mut self, env: &mut Env<'_>, out: &mut Vec<Output>) {
        if self.unseen && self.members().contains(self.me()) {
            self.unseen = false;
            let read = self.words().filter(|(_, words)| self.reads(words));
            let read = read.map(|(_, words)| message_id(words).hex()).collect();
            self.post(&Record::Seen { name: self.me().to_owned(), read }, env, out);
        }
        let ids = self.records.keys().copied().collect();
        self.to_relays(&Packet::Announce { mailbox: MAILBOX, ids }, out);
    }
}

impl Machine for ToyMember {
    fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        let mut out = Vec::new();
        if inputs.is_empty() && self.home.is_some() && self.peers.is_empty() {
            self.connect(&mut out);
        }
        for input in inputs {
            match input {
                Input::Up { peer, relay, .. } => {
                    self.peers.insert(peer, relay);
                    self.tick = env.now;
                }
                Input::Down { peer, .. } => {
                    self.peers.remove(&peer);
                    let circuits = self.peers.keys().copied();
                    let leave = |through| Output::Leave {
                        link: LINK,
                        to: Contact::Circuit { through, to: peer },
                    };
                    out.extend(circuits.map(leave));
                }
                Input::Frame { peer, bytes, .. } => {
                    if let Some(packet) = wire::decode(&bytes) {
                        self.packet(peer, packet, env.now, &mut out);
                    }
                }
                Input::Gossip { link, id, bytes, .. } => {
                    let new = self.take_in(&bytes, env.now, &mut out);
                    let judgement = if new { Judgement::Accept } else { Judgement::Ignore };
                    out.push(Output::Verdict { link, id, judgement });
                }
                Input::Command { ticket, command } => self.command(ticket, command, env, &mut out),
                Input::Unreachable { .. } => {}
            }
        }
        if self.home.is_some() && env.now >= self.tick {
            self.tick = env.now.plus(TICK_MS);
            self.ticked(env, &mut out);
        }
        if std::mem::take(&mut self.acknowledged) {
            self.raise_marks(&mut out);
        }
        out
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.home.as_ref().map(|_| self.tick)
    }
}

fn open(bytes: &[u8]) -> Option<(EnvelopeId, Record)> {
    let envelope = Envelope::parse(bytes.to_vec())?;
    let record = serde_json::from_slice(&envelope.open(&KEY, &MAILBOX)?).ok()?;
    Some((envelope.id(&MAILBOX), record))
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("toys are always encodable")
}

fn place(words: &Words) -> Vec<u8> {
    [&words.lamport.to_be_bytes()[..], &message_id(words).0].concat()
}

fn message_id(words: &Words) -> MessageId {
    MessageId(sha256(format!("{} {} {}", words.author, words.said_at, words.text).as_bytes()))
}

fn member_id(name: &str) -> MemberId {
    MemberId(sha256(name.as_bytes()))
}

fn key(room: Room, place: &[u8]) -> Key {
    Key { room, owner: MAILBOX.0, place: place.to_vec() }
}

fn save(room: Room, place: Vec<u8>, bytes: Vec<u8>) -> Output {
    Output::Save(key(room, &place), Value { bytes, under: None })
}

fn send(link: Link, peer: Peer, packet: &Packet) -> Output {
    Output::Send { link, peer, bytes: wire::encode(packet) }
}
