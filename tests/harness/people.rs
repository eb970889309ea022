//! What people do in a world: found, invite, join, admit, say, read. Whoever asked for something and
//! got no answer because the computer died asks again when it is back.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{
    Admit, Answer, CircleRef, Command, Draft, Entry, EntryKind, Event, Input, JoinEnd, JoinState,
    JoinView, MemberView, RequestState, RequestView, Standing, Ticket,
};
use hearthlight_protocol::crypto::sha256;
use hearthlight_protocol::error::CommandError;
use hearthlight_protocol::identity::{CircleId, MemberId, RequestId};
use hearthlight_protocol::invite::InviteCode;

use crate::machine::{Machines, Part, relay_address, relay_peer};
use crate::world::{Happening, World};
use crate::{ANNA, HostId};

/// How long founding and joining may take on a calm day.
const JOIN_MS: u64 = 10 * 60_000;
/// How long any command may go unanswered.
const ANSWER_MS: u64 = 2 * 60_000;
/// How often people look whether a newcomer waits, or is in.
const LOOK_MS: u64 = 10_000;

/// Something that a person wants and has no answer to yet.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// For a test, which waits for the answer.
    Plain(Command),
    /// To say what has this number.
    Say(usize),
    /// To know who belongs, just before saying what has this number.
    Roster(usize),
    /// An invite for this newcomer.
    Invite(HostId),
    /// To join.
    Join(InviteCode),
    /// To know who waits.
    Waiting,
    /// To admit somebody.
    Admit(RequestId),
    /// To know whether one is in.
    Circles,
    /// To know who belongs.
    Members,
}

impl World {
    /// A circle on a calm day: Anna has founded it, and all others have joined.
    ///
    /// If that fails, [`World::verdict`] says so.
    #[must_use]
    pub fn calm_circle(seed: u64, members: usize, relays: usize) -> Self {
        Self::calm_circle_of(Machines::Real, seed, members, members, relays)
    }

    /// The same with these machines, and only `inside` of the `members` in the circle.
    #[must_use]
    pub fn calm_circle_of(
        machines: Machines,
        seed: u64,
        members: usize,
        inside: usize,
        relays: usize,
    ) -> Self {
        let mut world = Self::new(machines, seed, members, relays);
        if let Err(what) = world.found(inside) {
            world.oracle.broke("P1", what);
        }
        world
    }

    fn found(&mut self, inside: usize) -> Result<(), String> {
        self.run_for(100);
        let relays = self.relay_addresses();
        let command = Command::CircleNew {
            name: "Evening circle".into(),
            handle: self.hosts[ANNA].name.clone(),
            template: "plain".into(),
            relays,
            admit: Admit::Ask,
            retention_s: None,
            direct: false,
            thin: false,
        };
        let answer = self.try_command(ANNA, command).ok_or("founding is not answered")?;
        let Ok(Answer::Circle(view)) = answer else {
            return Err(format!("{answer:?}"));
        };
        let CircleRef::Circle(circle) = view.id else {
            return Err("founded no circle".into());
        };
        self.circle = Some(circle);
        self.entered(ANNA);
        for newcomer in 1..inside {
            self.begin_join(newcomer);
        }
        let limit = self.now.plus(JOIN_MS);
        while self.inside.len() < inside && self.step(limit) {}
        if self.inside.len() < inside {
            return Err(format!("only {:?} are in on a calm day", self.inside));
        }
        self.run_for(30_000);
        Ok(())
    }

    /// Tells each relay's operator to add a token, and gives what a host of the circle is told.
    fn relay_addresses(&mut self) -> Vec<hearthlight_protocol::boundary::RelayAddress> {
        let hosts = 0..self.hosts.len();
        let relays: Vec<HostId> = hosts.filter(|h| self.hosts[*h].part == Part::Relay).collect();
        let mut addresses = Vec::new();
        for (number, relay) in (1..).zip(relays) {
            let token = self.chance.bytes()[..16].try_into().expect("16 of 32 bytes");
            self.add_token(relay, token);
            addresses.push(relay_address(number, relay_peer(&self.hosts[relay].root), token));
        }
        addresses
    }

    /// Carries a command out and gives its answer; asks again if the host dies over it.
    ///
    /// # Panics
    /// If there is no answer in two minutes, or a promise is broken meanwhile.
    pub fn command(&mut self, host: HostId, command: Command) -> Result<Answer, CommandError> {
        let answer = self.try_command(host, command);
        answer.unwrap_or_else(|| panic!("SEED={} no answer: {:?}", self.seed, self.verdict()))
    }

    pub(crate) fn try_command(
        &mut self,
        host: HostId,
        command: Command,
    ) -> Option<Result<Answer, CommandError>> {
        let ticket = self.wish(host, Wish::Plain(command));
        let limit = self.now.plus(ANSWER_MS);
        while !self.answers.contains_key(&ticket) && self.step(limit) {}
        self.answers.remove(&ticket)
    }

    /// Lets somebody say something, now or, if the computer is down, when it is back. The number is
    /// part of the text, and names it to the oracle.
    pub fn say(&mut self, host: HostId, words: &str) -> usize {
        let number = self.oracle.will_say(host, words, self.now);
        self.oracle.said[number].owed = self.rosters.get(&host).cloned().unwrap_or_default();
        if self.hosts[host].is_up() {
            self.wish(host, Wish::Roster(number));
        }
        self.wish(host, Wish::Say(number));
        number
    }

    /// Everything that a member can read, oldest first.
    pub fn read(&mut self, host: HostId) -> Vec<Entry> {
        let Some(circle) = self.circle else {
            return Vec::new();
        };
        let read = Command::Read {
            circle,
            since: None,
            unread: false,
            before: None,
            after: None,
            limit: 0,
            mark_read: false,
        };
        match self.try_command(host, read) {
            Some(Ok(Answer::Entries(entries))) => entries,
            other => {
                self.oracle.broke("P1", format!("host {host} cannot read: {other:?}"));
                Vec::new()
            }
        }
    }

    /// The texts among what a member can read.
    pub fn texts(&mut self, host: HostId) -> Vec<String> {
        let entries = self.read(host).into_iter();
        let texts = entries.filter_map(|entry| match entry.kind {
            EntryKind::Said { text, .. } => Some(text),
            _ => None,
        });
        texts.collect()
    }

    /// Who belongs, as a member's node sees it.
    pub fn roster(&mut self, host: HostId) -> BTreeSet<MemberId> {
        let Some(circle) = self.circle else {
            return BTreeSet::new();
        };
        match self.try_command(host, Command::Members { circle }) {
            Some(Ok(Answer::Members(members))) => members_of(&members).map(|m| m.id).collect(),
            _ => BTreeSet::new(),
        }
    }

    /// Anna invites somebody, who joins and is admitted; all of it goes on by itself.
    pub fn begin_join(&mut self, newcomer: HostId) {
        self.coming.insert(newcomer);
        self.wish(ANNA, Wish::Invite(newcomer));
        if self.coming.len() == 1 {
            self.queue.plan(self.now.plus(LOOK_MS), Happening::Look);
        }
    }

    /// People look whether somebody waits, or is in: notices are lost when a computer dies.
    pub(crate) fn look(&mut self) {
        if self.coming.is_empty() {
            return;
        }
        self.wish(ANNA, Wish::Waiting);
        for newcomer in self.coming.clone() {
            self.wish(newcomer, Wish::Circles);
        }
        self.queue.plan(self.now.plus(LOOK_MS), Happening::Look);
    }

    /// Somebody who can says something.
    pub(crate) fn talk(&mut self) {
        let up = self.inside.iter().copied().filter(|host| self.hosts[*host].is_up());
        let up: Vec<HostId> = up.collect();
        if let Some(host) = self.chance.one_of(&up) {
            let words = format!("by {}", self.hosts[host].name);
            self.say(host, &words);
        }
    }

    /// What people still wait for, in words.
    pub(crate) fn unanswered(&self) -> Option<String> {
        let lasting = |wish: &Wish| !wish.is_passing();
        if let Some((host, wish)) = self.wishes.values().find(|(_, wish)| lasting(wish)) {
            return Some(format!("host {host} has no answer to {wish:?}"));
        }
        let coming = self.coming.first();
        coming.map(|newcomer| format!("host {newcomer} has not come in"))
    }

    // Wishes and their answers

    fn wish(&mut self, host: HostId, wish: Wish) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.wishes.insert(ticket, (host, wish));
        self.ask(ticket);
        ticket
    }

    /// A host is back: what has no answer is asked again, but for what only counted then.
    pub(crate) fn wish_again(&mut self, host: HostId) {
        self.wishes.retain(|_, (of, wish)| *of != host || !wish.is_passing());
        let mine = self.wishes.iter().filter(|(_, (of, _))| *of == host);
        let again: Vec<Ticket> = mine.map(|(ticket, _)| *ticket).collect();
        for ticket in again {
            self.ask(ticket);
        }
    }

    fn ask(&mut self, ticket: Ticket) {
        let Some((host, wish)) = self.wishes.get(&ticket) else {
            return;
        };
        let host = *host;
        let circle = self.circle.unwrap_or(CircleId::NONE);
        let command = match wish.clone() {
            Wish::Plain(command) => command,
            Wish::Say(number) => Command::Say { circle, draft: self.draft(number) },
            Wish::Roster(_) | Wish::Members => Command::Members { circle },
            Wish::Invite(newcomer) => Command::InviteNew {
                circle,
                uses: 1,
                expires_s: 86_400,
                admit: Admit::Ask,
                label: Some(self.hosts[newcomer].name.clone()),
            },
            Wish::Join(code) => {
                Command::Join { code, handle: self.hosts[host].name.clone(), label: None }
            }
            Wish::Waiting => Command::Waiting { circle },
            Wish::Admit(request) => Command::Admit { circle, request },
            Wish::Circles => Command::Circles,
        };
        self.give(host, Input::Command { ticket, command });
    }

    fn draft(&self, number: usize) -> Draft {
        let text = self.oracle.said[number].text.clone();
        // The same act however often it is asked for (U-104).
        let once = Some(sha256(text.as_bytes()));
        Draft { text, reply_to: None, wants: None, note: None, once }
    }

    pub(crate) fn answered(
        &mut self,
        host: HostId,
        ticket: Ticket,
        answer: Result<Answer, CommandError>,
    ) {
        let Some((_, wish)) = self.wishes.remove(&ticket) else {
            self.oracle.broke("one answer", format!("host {host} answers what nobody asked"));
            return;
        };
        match (wish, answer) {
            (Wish::Plain(_), answer) => {
                self.answers.insert(ticket, answer);
            }
            (Wish::Say(number), Ok(Answer::Said { id, .. })) => self.oracle.was_said(number, id),
            (Wish::Roster(number), Ok(Answer::Members(members))) => {
                self.learn_members(host, &members);
                let others = members_of(&members).filter(|member| !member.me);
                self.oracle.said[number].owed = others.map(|member| member.id).collect();
            }
            (Wish::Members, Ok(Answer::Members(members))) => self.learn_members(host, &members),
            (Wish::Invite(newcomer), Ok(Answer::Invite(view))) => match view.code {
                Some(code) => {
                    self.wish(newcomer, Wish::Join(code));
                }
                None => self.oracle.broke("P1", "an invite has no code".into()),
            },
            (Wish::Join(_), Ok(Answer::Join(view))) => self.join_moved(host, &view),
            (Wish::Waiting, Ok(Answer::Waiting(requests))) => {
                requests.iter().for_each(|request| self.admit(request));
            }
            (Wish::Circles, Ok(Answer::Circles(circles))) => {
                let here = self.circle.map(CircleRef::Circle);
                let circle = circles.iter().find(|view| Some(view.id) == here);
                if circle.is_some_and(|view| view.standing == Standing::Member) {
                    self.entered(host);
                }
            }
            // Another admission, or one's own of before the crash, was faster; looking tells.
            (Wish::Admit(_), _) => {}
            (wish, other) => {
                self.oracle.broke("P1", format!("host {host}: {wish:?} is answered {other:?}"));
            }
        }
    }

    pub(crate) fn person_told(&mut self, host: HostId, event: &Event) {
        match event {
            Event::Waiting { request, .. } if host == ANNA => self.admit(request),
            Event::Join(view) => self.join_moved(host, view),
            _ => {}
        }
    }

    fn admit(&mut self, request: &RequestView) {
        let named = |host: &HostId| self.hosts[*host].name == request.name;
        let newcomer = self.coming.iter().copied().find(named);
        let asked = |wish: &Wish| matches!(wish, Wish::Admit(id) if *id == request.id);
        let already = self.wishes.values().any(|(_, wish)| asked(wish));
        if let Some(newcomer) = newcomer
            && request.state == RequestState::Waiting
            && !already
        {
            self.oracle.admitting(newcomer);
            self.wish(ANNA, Wish::Admit(request.id));
        }
    }

    fn join_moved(&mut self, host: HostId, view: &JoinView) {
        match &view.state {
            JoinState::Member => self.entered(host),
            // A relay's word that it does not know a code ends nothing.
            JoinState::Over(end) if *end != JoinEnd::Unknown && self.coming.contains(&host) => {
                self.oracle.broke("P1", format!("host {host} was turned away: {end:?}"));
            }
            _ => {}
        }
    }

    fn entered(&mut self, host: HostId) {
        self.coming.remove(&host);
        if self.inside.insert(host) {
            self.wish(host, Wish::Members);
        }
    }

    fn learn_members(&mut self, host: HostId, members: &[MemberView]) {
        for member in members_of(members) {
            if member.me {
                self.oracle.members.insert(member.id, host);
            } else {
                self.rosters.entry(host).or_default().insert(member.id);
            }
        }
    }

    /// What each member reads, by host.
    pub(crate) fn lists(&mut self) -> BTreeMap<HostId, Vec<Entry>> {
        let inside = self.inside.clone();
        inside.into_iter().map(|host| (host, self.read(host))).collect()
    }
}

impl Wish {
    /// Whether it only counted when it was asked.
    fn is_passing(&self) -> bool {
        matches!(self, Self::Roster(_) | Self::Waiting | Self::Circles | Self::Admit(_))
    }
}

fn members_of(members: &[MemberView]) -> impl Iterator<Item = &MemberView> {
    members.iter().filter(|member| member.standing == Standing::Member)
}
