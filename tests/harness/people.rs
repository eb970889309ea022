//! What people do in a world: found, invite, join, admit, say, read. Whoever asked for something and
//! got no answer because the computer died asks again when it is back.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{
    Admit, Answer, CircleRef, Command, DAY_MS, Draft, Entry, EntryKind, Event, Input, JoinEnd,
    JoinState, JoinView, MemberView, RequestState, RequestView, Standing, Ticket,
};
use hearthlight_protocol::crypto::sha256;
use hearthlight_protocol::error::CommandError;
use hearthlight_protocol::identity::{CircleId, MemberId, RequestId};
use hearthlight_protocol::invite::InviteCode;
use hearthlight_protocol::planted::Planted;

use crate::governing::Govern;
use crate::liar::{Liar, Lies};
use crate::machine::{Machines, Part, relay_address, relay_peer};
use crate::world::{BEGINNING, Happening, World};
use crate::{ANNA, HostId};

/// How long founding and joining may take on a calm day.
const JOIN_MS: u64 = 10 * 60_000;
/// How many are asked in at once on a calm day.
const INVITES: usize = 49;
/// How long any command may go unanswered.
const ANSWER_MS: u64 = 2 * 60_000;
/// How often people look whether a newcomer waits, or is in.
const LOOK_MS: u64 = 10_000;
/// When is asked again what could not be done yet.
const AGAIN_MS: u64 = 5_000;
/// How long a newcomer waits at an invite that has ended: the answer may have been another one.
const GIVE_UP_MS: u64 = 90_000;

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
    /// To know what became of asking to be let in.
    Joins,
    /// To know who belongs.
    Members,
    /// To change something about the circle.
    Govern(Govern),
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
        let world = Self::new(machines, seed, members, relays);
        world.with_circle(inside)
    }

    /// A calm circle of real machines with one relay that keeps talk for so long, in which `fault` is planted.
    #[must_use]
    pub fn keeping_circle(
        seed: u64,
        (members, inside): (usize, usize),
        keep_s: u64,
        fault: Option<Planted>,
    ) -> Self {
        Self::keeping_circle_at(seed, (members, inside, 1), keep_s, fault)
    }

    /// The same with so many members, so many of them in the circle, and so many relays.
    #[must_use]
    pub fn keeping_circle_at(
        seed: u64,
        (members, inside, relays): (usize, usize, usize),
        keep_s: u64,
        fault: Option<Planted>,
    ) -> Self {
        let mut world = Self::new(Machines::Real, seed, members, relays);
        world.customs.keep_s = Some(keep_s);
        let mut world = world.with_circle(inside);
        world.plant(fault);
        world
    }

    /// A calm circle of real machines with two relays, the first of which tells these lies once all are in.
    #[must_use]
    pub fn calm_circle_with_liar(seed: u64, members: usize, lies: Lies) -> Self {
        let mut world = Self::new(Machines::Real, seed, members, 2);
        let mut liar = Liar::new(world.chance.child(), members);
        liar.lies = lies;
        world.network.liar = Some((members, liar));
        let mut world = world.with_circle(members);
        if let Some((_, liar)) = &mut world.network.liar {
            liar.begin();
        }
        world
    }

    /// How often a relay that lies kept an envelope from somebody.
    #[must_use]
    pub fn hidden(&self) -> u64 {
        self.network.liar.as_ref().map_or(0, |(_, liar)| liar.hidden.get())
    }

    /// The same of a world that is there already.
    #[must_use]
    pub fn with_members(self, inside: usize) -> Self {
        self.with_circle(inside)
    }

    pub(crate) fn with_circle(self, inside: usize) -> Self {
        let mut world = self;
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
            retention_s: self.customs.keep_s,
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
        self.learn_store(ANNA);
        self.note_home(ANNA);
        self.entered(ANNA);
        for first in (1..inside).step_by(INVITES) {
            let last = inside.min(first + INVITES);
            (first..last).for_each(|newcomer| self.begin_join(newcomer));
            let limit = self.now.plus(JOIN_MS);
            while self.inside.len() < last && self.step(limit) {}
            if self.inside.len() < last {
                return Err(format!("only {:?} are in on a calm day", self.inside));
            }
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

    /// Everybody who was in, as a member's node sees them.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn members(&mut self, host: HostId) -> Vec<MemberView> {
        let circle = self.circle.expect("it was founded");
        match self.command(host, Command::Members { circle }) {
            Ok(Answer::Members(members)) => members,
            other => panic!("{other:?}"),
        }
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

    /// A host who can be reached, else Anna, invites somebody, who joins and is admitted; all of it goes
    /// on by itself.
    pub fn begin_join(&mut self, newcomer: HostId) {
        if self.inside.contains(&newcomer) {
            return;
        }
        let near = |host: &HostId| !self.network.apart(*host, newcomer);
        let inviter = self.stewards.iter().copied().find(near).unwrap_or(ANNA);
        self.again.remove(&newcomer);
        self.coming.insert(newcomer);
        if self.chance.happens(self.customs.open) {
            self.opened.insert(newcomer);
        }
        self.wish(inviter, Wish::Invite(newcomer));
        if self.coming.len() == 1 {
            self.queue.plan(self.now.plus(LOOK_MS), Happening::Look);
        }
    }

    /// People look whether somebody waits, or is in: notices are lost when a computer dies.
    pub(crate) fn look(&mut self) {
        if self.coming.is_empty() {
            return;
        }
        for host in self.stewards.clone() {
            self.wish(host, Wish::Waiting);
        }
        for newcomer in self.coming.clone() {
            self.wish(newcomer, Wish::Circles);
            self.wish(newcomer, Wish::Joins);
        }
        self.queue.plan(self.now.plus(LOOK_MS), Happening::Look);
    }

    /// Somebody who can says something.
    pub(crate) fn talk(&mut self) {
        let up = self.inside.iter().copied().filter(|host| self.hosts[*host].is_up());
        let up: Vec<HostId> = up.filter(|host| !self.forged.by.contains(host)).collect();
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
        let coming = self.coming.iter().chain(&self.again).next();
        coming.map(|newcomer| format!("host {newcomer} has not come in"))
    }

    // Wishes and their answers

    pub(crate) fn wish(&mut self, host: HostId, wish: Wish) -> Ticket {
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
                admit: if self.opened.contains(&newcomer) { Admit::Open } else { Admit::Ask },
                label: Some(self.hosts[newcomer].name.clone()),
            },
            Wish::Join(code) => {
                Command::Join { code, handle: self.hosts[host].name.clone(), label: None }
            }
            Wish::Waiting => Command::Waiting { circle },
            Wish::Admit(request) => Command::Admit { circle, request },
            Wish::Circles => Command::Circles,
            Wish::Joins => Command::Joins,
            Wish::Govern(what) => match self.govern_command(&what) {
                Some(command) => command,
                // It is about somebody who came in just now, and has not said so yet.
                None => {
                    self.wishes.remove(&ticket);
                    let again = Happening::Wish(host, Wish::Govern(what));
                    self.queue.plan(self.now.plus(AGAIN_MS), again);
                    return;
                }
            },
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
        if matches!(wish, Wish::Admit(_)) || !wish.is_passing() && !matches!(wish, Wish::Plain(_)) {
            self.log(host, || format!("{wish:?}: {answer:.200?}"));
        }
        match (wish, answer) {
            (Wish::Plain(_), answer) => {
                self.answers.insert(ticket, answer);
            }
            (Wish::Say(number), Ok(Answer::Said { id, .. })) => self.oracle.was_said(number, id),
            // The home that its person uses is told that it is the one.
            (wish @ (Wish::Say(_) | Wish::Govern(_)), Err(CommandError::OtherCopy))
                if self.may_be_asked(host) =>
            {
                self.wish(host, Wish::Govern(Govern::Refresh));
                self.wish(host, wish);
            }
            // Whoever belongs no more says nothing.
            (Wish::Say(_), Err(CommandError::NotAMember | CommandError::NotYetAMember))
                if self.may_be_outside(host) => {}
            // The board was not read yet, or is not whole: asked for again a little later.
            (wish @ (Wish::Govern(_) | Wish::Invite(_)), Err(CommandError::NotReady)) => {
                self.queue.plan(self.now.plus(AGAIN_MS), Happening::Wish(host, wish));
            }
            (Wish::Govern(what), answer) => self.governed(host, what, &answer),
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
                let states = || requests.iter().map(|it| (&it.name, it.state)).collect::<Vec<_>>();
                self.log(host, || format!("sees who waits: {:?}", states()));
                requests.iter().for_each(|request| self.admit(host, request));
            }
            (Wish::Circles, Ok(Answer::Circles(circles))) => {
                let here = self.circle.map(CircleRef::Circle);
                let circle = circles.iter().find(|view| Some(view.id) == here);
                if circle.is_some_and(|view| view.standing == Standing::Member) {
                    self.entered(host);
                }
            }
            (Wish::Joins, Ok(Answer::Joins(joins))) => {
                self.joins_seen(host, &joins);
            }
            // Another admission, or one's own of before the crash, was faster; looking tells.
            (Wish::Admit(_) | Wish::Joins, _) => {}
            (wish, other) => {
                self.oracle.broke("P1", format!("host {host}: {wish:?} is answered {other:?}"));
            }
        }
    }

    pub(crate) fn person_told(&mut self, host: HostId, event: &Event) {
        match event {
            Event::Waiting { request, .. } if self.stewards.contains(&host) => {
                self.admit(host, request);
            }
            Event::Join(view) => self.join_moved(host, view),
            _ => {}
        }
    }

    fn admit(&mut self, host: HostId, request: &RequestView) {
        let named = |host: &HostId| self.hosts[*host].name == request.name;
        let newcomer = self.coming.iter().copied().find(named);
        let asked = |wish: &Wish| matches!(wish, Wish::Admit(id) if *id == request.id);
        let already = self.wishes.values().any(|(of, wish)| *of == host && asked(wish));
        if let Some(newcomer) = newcomer
            && request.state == RequestState::Waiting
            && !already
        {
            if !self.opened.contains(&newcomer) {
                self.oracle.admitting(newcomer);
            }
            self.wish(host, Wish::Admit(request.id));
        }
    }

    fn join_moved(&mut self, host: HostId, view: &JoinView) {
        match &view.state {
            JoinState::Member => self.entered(host),
            // A relay's word that it does not know a code ends nothing.
            JoinState::Over(end) if *end != JoinEnd::Unknown && self.coming.contains(&host) => {
                // Then it is looked at again, and asked for another one.
                if end_passes(*end) && self.may_end_invites() {
                    return;
                }
                // Everybody who has the code can write a no, which ends nothing.
                if !self.forged.by.is_empty() && matches!(end, JoinEnd::Declined | JoinEnd::Full) {
                    return;
                }
                self.oracle.broke("P1", format!("host {host} was turned away: {end:?}"));
            }
            _ => {}
        }
    }

    /// Whether invites end by something that people do: a removal closes all, and a day passes.
    fn may_end_invites(&self) -> bool {
        !self.leaving.is_empty() || self.now.since(BEGINNING) > DAY_MS / 2
    }

    /// A newcomer whose invites have all ended for a while gives them up, and is asked in once more.
    fn joins_seen(&mut self, host: HostId, joins: &[JoinView]) {
        let ended = |join: &JoinView| matches!(join.state, JoinState::Over(end) if end_passes(end));
        self.log(host, || format!("asks to be let in: {:?}", states(joins)));
        if joins.is_empty() || !joins.iter().all(ended) || !self.may_end_invites() {
            self.ended.remove(&host);
            return;
        }
        let since = *self.ended.entry(host).or_insert(self.now);
        if self.now.since(since) < GIVE_UP_MS || !self.coming.remove(&host) {
            return;
        }
        self.ended.remove(&host);
        self.given_up += joins.len();
        for join in joins {
            let circle = CircleRef::Join(join.id);
            self.wish(host, Wish::Plain(Command::Wipe { circle }));
        }
        self.again.insert(host);
        self.queue.plan(self.now.plus(LOOK_MS), Happening::Join(host));
    }

    fn entered(&mut self, host: HostId) {
        self.coming.remove(&host);
        // Who gave up may have been let in meanwhile by somebody who did not know of the invite's end.
        self.again.remove(&host);
        if self.inside.insert(host) {
            self.wish(host, Wish::Members);
        }
    }

    fn learn_members(&mut self, host: HostId, members: &[MemberView]) {
        if self.copied.iter().any(|(_, of)| *of == host) {
            return;
        }
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
        let honest = self.honest();
        honest.into_iter().map(|host| (host, self.read(host))).collect()
    }
}

fn states(joins: &[JoinView]) -> Vec<&JoinState> {
    joins.iter().map(|join| &join.state).collect()
}

/// Whether an invite's end is one that people bring about by other things that they do.
fn end_passes(end: JoinEnd) -> bool {
    matches!(end, JoinEnd::Revoked | JoinEnd::Expired)
}

impl Wish {
    /// Whether it only counted when it was asked.
    fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Roster(_) | Self::Waiting | Self::Circles | Self::Joins | Self::Admit(_)
        )
    }
}

fn members_of(members: &[MemberView]) -> impl Iterator<Item = &MemberView> {
    members.iter().filter(|member| member.standing == Standing::Member)
}
