//! The machine of one person's device: all circles of one home.
//!
//! [`Member::handle`] takes everything that came while the last batch was being flushed, hands each
//! input to the circle or join attempt on whose link it came, and gives back one atomic batch. So what
//! was said together leaves together: one seal, one signature, one flush.

use std::collections::BTreeMap;

use crate::admission::{Attempt, is_name};
use crate::batch::Batch;
use crate::boundary::{
    Answer, CircleRef, CircleView, Command, Env, Event, Input, JoinEnd, JoinState, JoinView,
    Judgement, Link, Output, Room, SlotKind, Standing, Ticket, Timestamp,
};
use crate::circle::{Circle, Founding, Reading};
use crate::error::{CommandError, RestoreError};
use crate::identity::{CircleId, Identity, RequestId};
use crate::template::Template;

#[cfg(feature = "sim")]
pub mod sim;

/// Most circles and join attempts of a home.
const MAX_CIRCLES: usize = 256;
/// A join attempt that had no answer for so long is given up (U-34: the longest life of an invite).
const ATTEMPT_MS: u64 = 31 * crate::boundary::DAY_MS;

/// All circles of one home.
#[derive(Debug)]
pub struct Member {
    identity: Identity,
    circles: BTreeMap<CircleId, Circle>,
    attempts: Vec<Attempt>,
    /// What became of attempts that are circles now.
    joined: BTreeMap<RequestId, (CircleId, JoinView)>,
    links: BTreeMap<Link, Whose>,
    next_link: u64,
    next_wake: Option<Timestamp>,
    first: Option<Batch>,
    mesh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Circle(CircleId),
    Attempt(RequestId),
}

impl Member {
    /// The machine as it was saved. Call [`Self::handle`] with no input at once afterwards.
    ///
    /// # Errors
    ///
    /// [`RestoreError::NotSetUp`] if the key file holds no root secret.
    pub fn restore(env: &mut Env<'_>) -> Result<Self, RestoreError> {
        let root = env
            .store
            .secrets()
            .into_iter()
            .find(|(slot, _)| slot.kind == SlotKind::Root)
            .ok_or(RestoreError::NotSetUp)?;
        let mut member = Self {
            identity: Identity::new(root.1),
            circles: BTreeMap::new(),
            attempts: Vec::new(),
            joined: BTreeMap::new(),
            links: BTreeMap::new(),
            next_link: 0,
            next_wake: Some(env.now),
            first: None,
            mesh: MESH,
        };
        let mut batch = Batch::default();
        let rows = env.store.scan(Room::Circles, &[0; 32], &[], false, usize::MAX);
        for (place, saved) in rows {
            let id = CircleId::from_slice(&place).ok_or(RestoreError::Damaged)?;
            let link = member.new_link();
            let identity = member.identity.clone();
            let circle = Circle::restore(env, &mut batch, link, &identity, id, &saved, member.mesh)
                .ok_or(RestoreError::Damaged)?;
            // Who waits for it to be borne out is told, after a restart too.
            if !circle.is_in() {
                let view = circle.join_view();
                member.joined.insert(view.id, (id, view));
            }
            member.links.insert(link, Whose::Circle(id));
            member.circles.insert(id, circle);
        }
        let mut next = member.next_link;
        let mut new_link = || {
            next += 1;
            Link(next)
        };
        member.attempts = Attempt::restore_all(env, &mut batch, &member.identity, &mut new_link);
        member.next_link = next;
        for attempt in &member.attempts {
            member.links.insert(attempt.exchange.link, Whose::Attempt(attempt.id));
        }
        member.first = Some(batch);
        Ok(member)
    }

    /// Takes all inputs that came, gives one atomic batch.
    pub fn handle(&mut self, env: &mut Env<'_>, inputs: Vec<Input>) -> Vec<Output> {
        let mut batch = self.first.take().unwrap_or_default();
        for circle in self.circles.values_mut() {
            circle.look_at_clock(env, &mut batch);
        }
        let mut spoke = Vec::new();
        for input in inputs {
            if let Input::Command { ticket, command } = input {
                let circle = self.command(env, &mut batch, ticket, command);
                spoke.extend(circle);
            } else {
                self.input(env, &mut batch, input);
            }
        }
        // What was said in this call is sealed together.
        for id in spoke {
            if let Some(circle) = self.circles.get_mut(&id) {
                circle.settle(env, &mut batch);
            }
        }
        if self.next_wake.is_some_and(|at| at <= env.now) {
            self.tick(env, &mut batch);
        }
        if env.store.is_behind() && self.circles.values().all(Circle::has_settled) {
            batch.push(Output::Renewed);
        }
        self.next_wake = self.earliest();
        batch.into_outputs()
    }

    /// When to call [`Self::handle`] again at the latest.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.next_wake
    }

    fn earliest(&self) -> Option<Timestamp> {
        let circles = self.circles.values().filter_map(Circle::next_wake);
        let attempts = self.attempts.iter().filter_map(Attempt::next_wake);
        circles.chain(attempts).min()
    }

    fn tick(&mut self, env: &mut Env<'_>, batch: &mut Batch) {
        for circle in self.circles.values_mut() {
            if circle.next_wake().is_some_and(|at| at <= env.now) {
                circle.tick(env, batch);
            }
        }
        for attempt in &mut self.attempts {
            attempt.tick(env, batch);
        }
        self.end_fallen(env, batch);
    }

    /// Ends what was entered by an admission that fell: the asking is over, with a reason.
    fn end_fallen(&mut self, env: &Env<'_>, batch: &mut Batch) {
        let ids: Vec<CircleId> = self.circles.keys().copied().collect();
        for id in ids {
            let Some(end) = self.circles[&id].has_fallen(env.now) else { continue };
            let Some(circle) = self.circles.remove(&id) else { continue };
            self.links.remove(&circle.exchange.link);
            circle.wipe(env, batch);
            for (_, view) in self.joined.values_mut().filter(|(of, _)| *of == id) {
                view.state = JoinState::Over(end);
                batch.notify(Event::Join(view.clone()));
            }
        }
    }

    fn new_link(&mut self) -> Link {
        self.next_link += 1;
        Link(self.next_link)
    }

    fn input(&mut self, env: &mut Env<'_>, batch: &mut Batch, input: Input) {
        let link = match &input {
            Input::Up { link, .. }
            | Input::Down { link, .. }
            | Input::Unreachable { link, .. }
            | Input::Frame { link, .. }
            | Input::Gossip { link, .. } => *link,
            Input::Command { .. } => return,
        };
        match self.links.get(&link).copied() {
            Some(Whose::Circle(id)) => {
                if let Some(circle) = self.circles.get_mut(&id) {
                    to_circle(circle, env, batch, input);
                    self.finish_joins(batch, id);
                }
            }
            Some(Whose::Attempt(id)) => self.attempt_input(env, batch, id, input),
            None => {
                if let Input::Gossip { id, .. } = input {
                    batch.push(Output::Verdict { link, id, judgement: Judgement::Ignore });
                }
            }
        }
    }

    fn attempt_input(&mut self, env: &mut Env<'_>, batch: &mut Batch, id: RequestId, input: Input) {
        let Some(at) = self.attempts.iter().position(|attempt| attempt.id == id) else {
            return;
        };
        let attempt = &mut self.attempts[at];
        let entering = match input {
            Input::Up { peer, me, relay, .. } => {
                attempt.exchange.up(env, batch, peer, me, relay);
                None
            }
            Input::Down { peer, .. } => {
                attempt.exchange.down(batch, &peer);
                None
            }
            Input::Unreachable { impostor, .. } => {
                attempt.unreachable(batch, impostor);
                None
            }
            Input::Frame { peer, bytes, .. } => {
                let outcome = attempt.exchange.frame(env, batch, peer, &bytes);
                attempt.take(env, batch, outcome)
            }
            Input::Gossip { .. } | Input::Command { .. } => None,
        };
        let Some(entering) = entering else { return };
        let attempt = self.attempts.swap_remove(at);
        attempt.forget(batch);
        let view = JoinView { state: JoinState::Asked, ..attempt.view() };
        let link = attempt.exchange.link;
        let circle_id = entering.circle;
        // Whoever asked twice and is in already stays who that is.
        if self.circles.get(&circle_id).is_some_and(|held| held.is_in() && held.belongs()) {
            self.links.remove(&link);
            batch.push(Output::Forget { link });
            self.joined.insert(id, (circle_id, view));
            self.finish_joins(batch, circle_id);
            return;
        }
        // Whoever comes again begins anew: rows of two memberships do not go into one drawer.
        if let Some(ended) = self.circles.remove(&circle_id) {
            self.links.remove(&ended.exchange.link);
            ended.wipe(env, batch);
        }
        self.joined.retain(|_, (of, _)| *of != circle_id);
        let circle =
            Circle::enter(env, batch, &self.identity, entering, attempt.exchange, self.mesh);
        self.links.insert(link, Whose::Circle(circle_id));
        self.circles.insert(circle_id, circle);
        self.joined.insert(id, (circle_id, view));
        self.finish_joins(batch, circle_id);
    }

    /// Tells of attempts whose circle bore the welcome out, and of a no beside it.
    fn finish_joins(&mut self, batch: &mut Batch, id: CircleId) {
        let Some(circle) = self.circles.get(&id) else { return };
        for (of, view) in self.joined.values_mut() {
            if *of == id && view.state != circle.join_state() {
                view.state = circle.join_state();
                view.member_id = circle.is_in().then(|| circle.member_id());
                view.label = Some(circle.label().to_owned());
                batch.notify(Event::Join(view.clone()));
            }
        }
    }

    /// Answers a command; gives the circle in which something was said.
    fn command(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        ticket: Ticket,
        command: Command,
    ) -> Option<CircleId> {
        let said = match &command {
            Command::Say { circle, .. } => Some(*circle),
            _ => None,
        };
        let answer = self.answer(env, batch, command);
        let said = said.filter(|_| answer.is_ok());
        batch.push(Output::Answer { ticket, answer });
        said
    }

    fn answer(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        command: Command,
    ) -> Result<Answer, CommandError> {
        match command {
            Command::CircleNew { .. } => self.circle_new(env, batch, command),
            Command::Circles => Ok(Answer::Circles(self.views())),
            Command::RelayAdd { circle, relay } => {
                let circle = self.own(&circle)?;
                circle.add_relay(env, batch, &relay)?;
                Ok(Answer::Circle(circle.view()))
            }
            Command::RelayRemove { circle, key } => {
                let circle = self.own(&circle)?;
                circle.remove_relay(env, batch, &key)?;
                Ok(Answer::Circle(circle.view()))
            }
            Command::Relabel { circle, label } => self.relabel(batch, circle, label),
            Command::Mute { circle, muted } => {
                let circle = self.circle(&circle)?;
                circle.mute(batch, muted);
                Ok(Answer::Circle(circle.view()))
            }
            Command::Notify { circle, notices } => {
                let circle = self.circle(&circle)?;
                circle.tell_by(batch, notices);
                Ok(Answer::Circle(circle.view()))
            }
            Command::Wipe { circle } => self.wipe(env, batch, circle),
            Command::InviteNew { circle, uses, expires_s, admit, label } => {
                let circle = self.own(&circle)?;
                circle.invite_new(env, batch, uses, expires_s, admit, label).map(Answer::Invite)
            }
            Command::Invites { circle } => {
                Ok(Answer::Invites(self.circle(&circle)?.invites(env.now)))
            }
            Command::InviteRevoke { circle, invite } => {
                let circle = self.own(&circle)?;
                circle.invite_revoke(env, batch, &invite).map(Answer::Invite)
            }
            Command::JoinPreview { code } => {
                if let Some(view) = self.joined_by(&code) {
                    return Ok(Answer::Join(view));
                }
                let at = self.attempt(env, batch, &code)?;
                Ok(Answer::Join(self.attempts[at].view()))
            }
            Command::Join { code, handle, label } => self.join(env, batch, &code, handle, label),
            Command::Joins => {
                let open = self.attempts.iter().map(|attempt| attempt.view());
                let done = self.joined.values().map(|(_, view)| view.clone());
                Ok(Answer::Joins(open.chain(done).collect()))
            }
            Command::Waiting { circle } => Ok(Answer::Waiting(self.circle(&circle)?.requests())),
            Command::Admit { circle, request } => {
                let circle = self.own(&circle)?;
                let view = circle.admit(env, batch, &request)?;
                Ok(Answer::Waiting(vec![view]))
            }
            Command::Decline { circle, request, silent } => {
                let circle = self.own(&circle)?;
                let view = circle.decline(env, batch, &request, silent)?;
                Ok(Answer::Waiting(vec![view]))
            }
            Command::Say { circle, draft } => self.circle(&circle)?.say(env, batch, draft),
            Command::Read { circle, since, unread, before, after, limit, mark_read } => {
                let reading = Reading { since, unread, before, after, limit };
                let circle = self.circle(&circle)?;
                Ok(Answer::Entries(circle.read(env, batch, &reading, mark_read)))
            }
            Command::Mark { circle, message } => {
                self.circle(&circle)?.said(&message).ok_or(CommandError::UnknownMessage)
            }
            Command::Members { circle } => {
                Ok(Answer::Members(self.circle(&circle)?.members(env.now)))
            }
            Command::Verify { circle, who, same } => {
                let (words, verified) = self.circle(&circle)?.verify(batch, who, same)?;
                Ok(Answer::Words(words, verified))
            }
            Command::Block { circle, who, blocked } => {
                self.circle(&circle)?.block(batch, who, blocked).map(|()| Answer::Done)
            }
            Command::Draft { circle } => Ok(Answer::Draft(self.circle(&circle)?.draft())),
            Command::KeepDraft { circle, draft } => {
                self.circle(&circle)?.keep_draft(batch, draft).map(|()| Answer::Done)
            }
            Command::Role { circle, who, role, grant, end } => {
                let circle = self.own(&circle)?;
                circle
                    .set_role(env, batch, who, role, (grant, end.map(|end| end.0)))
                    .map(Answer::Governed)
            }
            Command::Remove { circle, who, reason } => {
                self.own(&circle)?.remove(env, batch, who, reason).map(Answer::Governed)
            }
            Command::Hold { circle, who, for_s } => {
                self.own(&circle)?.set_hold(env, batch, who, for_s).map(Answer::Governed)
            }
            Command::VoteNew { circle, vote } => {
                let vote = self.own(&circle)?.propose(env, batch, vote)?;
                Ok(Answer::Votes(vec![vote]))
            }
            Command::VoteCast { circle, proposal, choice } => {
                let vote = self.own(&circle)?.cast(env, batch, proposal, choice)?;
                Ok(Answer::Votes(vec![vote]))
            }
            Command::Votes { circle } => Ok(Answer::Votes(self.circle(&circle)?.votes(env.now))),
            Command::HostLost { circle } => {
                self.own(&circle)?.say_hosts_lost(env, batch).map(Answer::Governed)
            }
            Command::Leave { circle, end } => {
                self.circle(&circle)?.leave(env, batch, end).map(Answer::Governed)
            }
            Command::Refresh { circle } => {
                let circle = self.own(&circle)?;
                circle.refresh(env, batch)?;
                Ok(Answer::Circle(circle.view()))
            }
            Command::Governed { circle, operation } => {
                let act = self.circle(&circle)?.governed(&operation);
                act.map(Answer::Governed).ok_or(CommandError::UnknownMessage)
            }
        }
    }

    /// The circle, for what only its members do.
    fn own(&mut self, id: &CircleId) -> Result<&mut Circle, CommandError> {
        let circle = self.circle(id)?;
        if circle.belongs() { Ok(circle) } else { Err(CommandError::NotAMember) }
    }

    fn circle(&mut self, id: &CircleId) -> Result<&mut Circle, CommandError> {
        self.circles.get_mut(id).ok_or(CommandError::UnknownCircle)
    }

    fn is_label_taken(&self, label: &str) -> bool {
        let circles = self.circles.values().any(|circle| circle.label() == label);
        let mut attempts = self.attempts.iter().filter(|attempt| !attempt.is_over());
        circles || attempts.any(|attempt| attempt.label().is_some_and(|held| held == label))
    }

    fn check_label(&self, label: &str) -> Result<(), CommandError> {
        if !is_name(label) {
            return Err(CommandError::BadName);
        }
        if self.is_label_taken(label) {
            return Err(CommandError::LabelTaken);
        }
        Ok(())
    }

    fn circle_new(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        command: Command,
    ) -> Result<Answer, CommandError> {
        let Command::CircleNew { name, handle, template, relays, admit, retention_s, direct, thin } =
            command
        else {
            return Err(CommandError::UnknownCircle);
        };
        self.check_label(&name)?;
        if !is_name(&handle) {
            return Err(CommandError::BadName);
        }
        let template = Template::named(&template).ok_or(CommandError::UnknownTemplate)?;
        if retention_s.is_some_and(|seconds| !KEPT_S.contains(&seconds)) {
            return Err(CommandError::OutOfRange);
        }
        if relays.len() > 4 || self.circles.len() >= MAX_CIRCLES {
            return Err(CommandError::Full);
        }
        if relays.iter().any(|relay| !(1..=3).contains(&relay.addresses.len())) {
            return Err(CommandError::BadRelay);
        }
        let founding = Founding {
            name,
            handle,
            template,
            relays,
            open: admit == crate::boundary::Admit::Open,
            retention_s,
            direct,
            thin,
        };
        let link = self.new_link();
        let circle = Circle::found(env, batch, link, &self.identity, founding, self.mesh);
        let view = circle.view();
        self.links.insert(link, Whose::Circle(circle.id));
        self.circles.insert(circle.id, circle);
        Ok(Answer::Circle(view))
    }

    /// The attempt of a code: the one that goes on, or was declined, or a new one. Who was declined asks again when
    /// the old attempt was cleared away, not without knowing it.
    fn attempt(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        code: &crate::invite::InviteCode,
    ) -> Result<usize, CommandError> {
        self.give_up(env, batch);
        let going = self.attempts.iter().position(|attempt| attempt.is_by(code));
        if let Some(at) = going {
            return Ok(at);
        }
        if self.attempts.len() >= MAX_CIRCLES {
            return Err(CommandError::Full);
        }
        let link = self.new_link();
        let attempt = Attempt::begin(env, batch, link, &self.identity, code);
        self.links.insert(link, Whose::Attempt(attempt.id));
        self.attempts.push(attempt);
        Ok(self.attempts.len() - 1)
    }

    /// Drops attempts that are over and were not declined, are too old, or were only looked at.
    fn give_up(&mut self, env: &Env<'_>, batch: &mut Batch) {
        let old = |attempt: &Attempt| env.now.since(attempt.made()) > ATTEMPT_MS;
        let looked = |attempt: &Attempt| {
            !attempt.is_asked() && env.now.since(attempt.made()) > crate::boundary::HOUR_MS
        };
        let over = |attempt: &Attempt| {
            attempt.is_over() && attempt.view().state != JoinState::Over(JoinEnd::Declined)
        };
        let over = self
            .attempts
            .extract_if(.., |attempt| over(attempt) || old(attempt) || looked(attempt))
            .collect::<Vec<_>>();
        for attempt in over {
            attempt.forget(batch);
            attempt.exchange.forget(env, batch);
            self.links.remove(&attempt.exchange.link);
        }
    }

    fn join(
        &mut self,
        env: &mut Env<'_>,
        batch: &mut Batch,
        code: &crate::invite::InviteCode,
        handle: String,
        label: Option<String>,
    ) -> Result<Answer, CommandError> {
        if !is_name(&handle) {
            return Err(CommandError::BadName);
        }
        if let Some(view) = self.joined_by(code) {
            return Ok(Answer::Join(view));
        }
        let known = self.attempts.iter().any(|attempt| attempt.is_by(code));
        if let Some(label) = label.as_deref().filter(|_| !known) {
            self.check_label(label)?;
        }
        let at = self.attempt(env, batch, code)?;
        // What is left of an ended membership is not to go unasked.
        let of = self.attempts[at].view().circle_id;
        if of.is_some_and(|id| self.circles.get(&id).is_some_and(|held| !held.belongs())) {
            return Err(CommandError::NotAMember);
        }
        self.attempts[at].consent(env, batch, handle, label);
        Ok(Answer::Join(self.attempts[at].view()))
    }

    /// The membership that a code leads to, where there is one: by that code, or by another one of a
    /// circle that is known from the join card.
    fn joined_by(&self, code: &crate::invite::InviteCode) -> Option<JoinView> {
        let by_it = |held: &Circle| held.belongs() && held.came_by(code);
        let done =
            self.joined.values().find(|(circle, _)| self.circles.get(circle).is_some_and(by_it));
        if let Some((_, view)) = done {
            return Some(view.clone());
        }
        let held = self.circles.values().find(|circle| by_it(circle));
        let known = || {
            let attempt = self.attempts.iter().find(|attempt| attempt.is_by(code))?;
            let circle = self.circles.get(&attempt.view().circle_id?)?;
            (circle.is_in() && circle.belongs()).then_some(circle)
        };
        held.or_else(known).map(Circle::join_view)
    }

    fn relabel(
        &mut self,
        batch: &mut Batch,
        circle: CircleRef,
        label: String,
    ) -> Result<Answer, CommandError> {
        let CircleRef::Circle(id) = circle else {
            return Err(CommandError::UnknownCircle);
        };
        if self.circle(&id)?.label() != label {
            self.check_label(&label)?;
        }
        let circle = self.circle(&id)?;
        circle.relabel(batch, label);
        Ok(Answer::Circle(circle.view()))
    }

    fn wipe(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        circle: CircleRef,
    ) -> Result<Answer, CommandError> {
        match circle {
            CircleRef::Circle(id) => {
                let circle = self.circles.remove(&id).ok_or(CommandError::UnknownCircle)?;
                self.links.remove(&circle.exchange.link);
                self.joined.retain(|_, (of, _)| *of != id);
                circle.wipe(env, batch);
            }
            CircleRef::Join(id) => {
                let at = self.attempts.iter().position(|attempt| attempt.id == id);
                let attempt = self.attempts.swap_remove(at.ok_or(CommandError::UnknownCircle)?);
                self.links.remove(&attempt.exchange.link);
                attempt.forget(batch);
                attempt.exchange.forget(env, batch);
            }
        }
        Ok(Answer::Done)
    }

    fn views(&self) -> Vec<CircleView> {
        let circles = self.circles.values().map(Circle::view);
        let asked = self.attempts.iter().filter(|attempt| attempt.is_asked());
        let attempts = asked.map(attempt_view);
        circles.chain(attempts).collect()
    }
}

/// Whether gossip runs over circuits too. R-34 lets measuring decide.
const MESH: bool = false;
/// How long talk may be kept, in seconds: an hour to ten years.
const KEPT_S: std::ops::RangeInclusive<u64> = 3_600..=315_360_000;

fn to_circle(circle: &mut Circle, env: &mut Env<'_>, batch: &mut Batch, input: Input) {
    match input {
        Input::Up { peer, me, relay, .. } => circle.up(env, batch, peer, me, relay),
        Input::Down { peer, .. } => circle.down(batch, &peer),
        Input::Unreachable { .. } => circle.unreachable(batch),
        Input::Frame { peer, bytes, .. } => circle.frame(env, batch, peer, &bytes),
        Input::Gossip { topic, id, bytes, .. } => circle.gossip(env, batch, &topic, id, bytes),
        Input::Command { .. } => {}
    }
}

/// An attempt in the list of circles (U-31: `asking`).
fn attempt_view(attempt: &Attempt) -> CircleView {
    let join = attempt.view();
    let name = join.circle_name.clone().unwrap_or_default();
    CircleView {
        id: CircleRef::Join(join.id),
        label: join.label.clone().unwrap_or_else(|| name.clone()),
        name,
        template: join.template.unwrap_or_default(),
        standing: match join.state {
            JoinState::Over(_) => Standing::Ended,
            _ => Standing::Asking,
        },
        me: join.handle,
        member: None,
        roles: Vec::new(),
        members: 0,
        hosts: Vec::new(),
        unread: 0,
        queued: 0,
        posted: crate::boundary::Mark::Relayed,
        waiting_room: 0,
        relays: attempt.exchange.relay_views(),
        joined_at: None,
        about: String::new(),
        rules: join.rules,
        admit: join.admit.unwrap_or(crate::boundary::Admit::Ask),
        retention_s: None,
        direct: false,
        thin: false,
        epoch: None,
        muted: false,
        notices: None,
        other_copy: false,
    }
}
