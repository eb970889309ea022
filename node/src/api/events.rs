//! What happens, line by line (U-103).
use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use hearthlight_protocol::{
    boundary::{CircleRef, CircleView, Event, JoinState, JoinView},
    identity::CircleId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::to_value};
use tokio::{
    sync::{
        OwnedSemaphorePermit,
        broadcast::{self, error::RecvError},
        watch,
    },
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    asked::Asked,
    circles::member_lines,
    desk::{Desk, Open},
    find::{self, Names},
    idle::Hold,
    page::FromPage,
    problem::Problem,
    views::{
        CircleLine, JoinShown, Line, MarkLine, MemberLine, Network, RequestLine, V, VoteLine,
        network_of,
    },
    votes, waiting,
};
use crate::Handle;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Following {
    circle: Option<String>,
    /// Where it stopped before; without it: from now on.
    after: Option<String>,
    /// Whether a person is here as long as this is read (U-182); never for a page.
    #[serde(default = "yes")]
    hold: bool,
}

fn yes() -> bool {
    true
}

/// `GET /v1/events`: from now on; the first line is a ping, once nothing can be missed any more.
pub(super) async fn follow(
    State(desk): State<Arc<Desk>>,
    page: FromPage,
    Asked(following): Asked<Following>,
) -> Result<Response, Problem> {
    let room = desk.stream_room(page.is_some())?;
    let node = desk.node()?;
    let (missed, events) = desk.journal.follow(following.after.as_deref()).ok_or_else(too_old)?;
    let ended = desk.ended();
    let only = match following.circle {
        Some(segment) => Some(node.joined(&segment).await?.0),
        None => None,
    };
    let at = desk.journal.count() - missed.len() as u64;
    let mut teller = Teller::new(Arc::clone(&desk), node, only, at);
    teller.look_around().await?;
    let mut ping = interval(PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stream = Stream {
        teller,
        missed,
        events,
        opened: desk.opened(),
        ended,
        settings: desk.settings(),
        page: page.is_some().then(|| (Arc::clone(&desk), desk.sessions.locked())),
        ping,
        over: false,
        _room: room,
        _hold: (page.is_none() && following.hold).then(|| desk.attention.hold()),
    };
    let lines = futures::stream::unfold(stream, |mut stream| async move {
        stream.next().await.map(|line| (Ok::<_, Infallible>(line), stream))
    });
    let body = Body::from_stream(lines);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// One reader.
struct Stream {
    teller: Teller,
    /// What happened before it began to be read.
    missed: VecDeque<(u64, Event)>,
    events: broadcast::Receiver<(u64, Event)>,
    opened: watch::Receiver<Option<Handle>>,
    ended: watch::Receiver<bool>,
    settings: watch::Receiver<u64>,
    /// Where a page reads it: whether that may only unlock now.
    page: Option<(Arc<Desk>, watch::Receiver<bool>)>,
    ping: Interval,
    over: bool,
    _room: OwnedSemaphorePermit,
    _hold: Option<Hold>,
}

impl Stream {
    /// The next line, if there is to be one.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.teller.line() {
                return Some(line);
            }
            if let Some((at, event)) = self.missed.pop_front() {
                self.teller.take_in(at, event).await;
                continue;
            }
            if self.over {
                return None;
            }
            tokio::select! {
                biased;
                () = async { drop(self.ended.wait_for(|ended| *ended).await) } => {
                    match self.teller.desk.is_stopped() {
                        true => self.end("stop"),
                        false => self.over = true,
                    }
                }
                () = locked(&mut self.page) => self.end("lock"),
                _ = self.ping.tick() => {
                    if let Some((desk, _)) = &self.page {
                        desk.door.touch();
                    }
                    self.teller.say("ping", None, Value::Null);
                }
                Ok(()) = self.settings.changed() => self.teller.say("settings", None, Value::Null),
                _ = self.opened.changed() => self.end("lock"),
                event = self.events.recv() => match event {
                    Ok((at, event)) => self.teller.take_in(at, event).await,
                    Err(RecvError::Lagged(_) | RecvError::Closed) => self.end("behind"),
                },
            }
        }
    }

    fn end(&mut self, kind: &'static str) {
        self.teller.say(kind, None, Value::Null);
        self.over = true;
    }
}

/// Resolves once a page may only unlock.
async fn locked(page: &mut Option<(Arc<Desk>, watch::Receiver<bool>)>) {
    match page {
        Some((_, locked)) => drop(locked.wait_for(|locked| *locked).await),
        None => std::future::pending().await,
    }
}

/// One line of the stream.
#[derive(Serialize, JsonSchema)]
pub(super) struct Told<'a> {
    v: u8,
    cursor: String,
    r#type: &'static str,
    /// The id by which `/circles` lists it: an attempt to join goes by its own until it is a membership.
    circle_id: Option<&'a str>,
    data: Value,
}

/// Turns events into lines.
struct Teller {
    desk: Arc<Desk>,
    node: Open,
    only: Option<CircleId>,
    /// The last event that was told whole.
    at: u64,
    ready: VecDeque<Ready>,
    known: BTreeMap<CircleId, Known>,
    network: Option<Network>,
}

/// A line to be told; the last one of an event has that event's place.
struct Ready {
    at: Option<u64>,
    kind: &'static str,
    circle: Option<CircleRef>,
    data: Value,
}

/// What a reader was told of a circle.
struct Known {
    label: String,
    members: Vec<MemberLine>,
    names: Names,
    votes: Vec<VoteLine>,
}

impl Teller {
    fn new(desk: Arc<Desk>, node: Open, only: Option<CircleId>, at: u64) -> Self {
        let (ready, known) = (VecDeque::new(), BTreeMap::new());
        Self { desk, node, only, at, ready, known, network: None }
    }

    /// The next line that is ready. Who comes back to a cursor hears of an event again of which it has
    /// not heard all.
    fn line(&mut self) -> Option<String> {
        let ready = self.ready.pop_front()?;
        self.at = ready.at.unwrap_or(self.at);
        Some(told(self.desk.journal.cursor(self.at), ready.kind, ready.circle, ready.data))
    }

    async fn take_in(&mut self, at: u64, event: Event) {
        // A circle that cannot be asked about is one of a home that was just locked.
        self.turn_into_lines(event).await.unwrap_or_default();
        match self.ready.back_mut() {
            Some(last) => last.at = Some(at),
            None => self.at = at,
        }
    }

    /// Learns how things stand, so that changes can be told.
    async fn look_around(&mut self) -> Result<(), Problem> {
        let circles = self.node.circles().await?;
        self.network = Some(network_of(&circles));
        for circle in &circles {
            if let CircleRef::Circle(id) = circle.id
                && self.only.is_none_or(|only| only == id)
            {
                self.learn(id, circle).await?;
            }
        }
        Ok(())
    }

    /// Learns who belongs to a circle; the members that are other than before.
    async fn learn(
        &mut self,
        id: CircleId,
        circle: &CircleView,
    ) -> Result<Vec<MemberLine>, Problem> {
        let members = self.node.members(id).await?;
        let names = Names::among(&members);
        let members = member_lines(&members, &names);
        let before = self.known.get(&id).map_or(&[][..], |known| &known.members);
        let changed = members.iter().filter(|line| !before.contains(line)).cloned().collect();
        let votes = match self.known.remove(&id) {
            Some(known) => known.votes,
            None => votes::lines(&self.node, id, &circle.label).await?,
        };
        self.known.insert(id, Known { label: circle.label.clone(), members, names, votes });
        Ok(changed)
    }

    async fn turn_into_lines(&mut self, event: Event) -> Result<(), Problem> {
        if !self.concerns(&event) {
            return Ok(());
        }
        match event {
            Event::Message { circle, entry } => {
                if !self.known.contains_key(&circle) {
                    self.changed(circle).await?;
                }
                if let Some(known) = self.known.get(&circle) {
                    let line = Line::of(&known.label, circle, &known.names, &entry);
                    self.tell("message", Some(circle), &line);
                }
            }
            Event::Mark { circle, id, delivery } => {
                self.tell("mark", Some(circle), &MarkLine::of(id, delivery));
            }
            Event::Waiting { circle, request } => {
                let (_, names) = waiting::room(&self.node, circle).await?;
                self.tell("waiting", Some(circle), &RequestLine::of(&request, &names));
            }
            Event::Circle { circle } => self.changed(circle).await?,
            Event::Join(join) => {
                let data = to_value(JoinShown::of(&join)).expect("views are plain JSON");
                self.say("join", Some(listed_as(&join)), data);
            }
            // What else an operation changes is told by the circle's own event.
            Event::Operation { circle, votes: true, .. } => self.voted(circle).await?,
            Event::Operation { .. } => {}
        }
        Ok(())
    }

    fn concerns(&self, event: &Event) -> bool {
        let circle = match event {
            Event::Message { circle, .. }
            | Event::Mark { circle, .. }
            | Event::Waiting { circle, .. }
            | Event::Circle { circle }
            | Event::Operation { circle, .. } => Some(*circle),
            Event::Join(join) => join.circle_id,
        };
        self.only.is_none_or(|only| circle == Some(only))
    }

    /// Tells how a circle stands now, which of its members changed, and the network if it did.
    async fn changed(&mut self, id: CircleId) -> Result<(), Problem> {
        let circles = self.node.circles().await?;
        match circles.iter().find(|circle| circle.id == CircleRef::Circle(id)) {
            Some(circle) => {
                let members = self.learn(id, circle).await?;
                self.tell("circle", Some(id), &CircleLine::of(circle));
                for member in members {
                    self.tell("member", Some(id), &member);
                }
            }
            // Wiped here.
            None => {
                self.known.remove(&id);
                self.say("circle", Some(CircleRef::Circle(id)), Value::Null);
            }
        }
        let network = network_of(&circles);
        if self.network.replace(network) != Some(network) {
            self.tell("network", None, &network);
        }
        Ok(())
    }

    /// Tells which votes changed.
    async fn voted(&mut self, id: CircleId) -> Result<(), Problem> {
        if !self.known.contains_key(&id) {
            self.changed(id).await?;
        }
        let Some(known) = self.known.get_mut(&id) else { return Ok(()) };
        let now = votes::lines(&self.node, id, &known.label).await?;
        let before = std::mem::replace(&mut known.votes, now.clone());
        for vote in now.iter().filter(|vote| !before.contains(vote)) {
            self.tell("vote", Some(id), vote);
        }
        Ok(())
    }

    fn tell(&mut self, kind: &'static str, circle: Option<CircleId>, data: &impl Serialize) {
        let data = to_value(data).expect("views are plain JSON");
        self.say(kind, circle.map(CircleRef::Circle), data);
    }

    fn say(&mut self, kind: &'static str, circle: Option<CircleRef>, data: Value) {
        self.ready.push_back(Ready { at: None, kind, circle, data });
    }
}

/// What a cursor is told that leads to nothing that is kept.
fn too_old() -> Problem {
    Problem::of("cursor-too-old")
}

/// By which id the list of circles has an attempt to join.
fn listed_as(join: &JoinView) -> CircleRef {
    match join.circle_id {
        Some(circle) if join.state == JoinState::Member => CircleRef::Circle(circle),
        _ => CircleRef::Join(join.id),
    }
}

fn told(cursor: String, kind: &'static str, circle: Option<CircleRef>, data: Value) -> String {
    let circle = circle.map(find::circle_id);
    let told = Told { v: V, cursor, r#type: kind, circle_id: circle.as_deref(), data };
    let mut line = serde_json::to_string(&told).expect("events are plain JSON");
    line.push('\n');
    line
}

/// How often a line goes out in any case (U-103).
const PING: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use hearthlight_protocol::boundary::JoinEnd;
    use serde_json::json;

    use super::*;
    use crate::api::views::samples;

    /// U-103
    #[test]
    fn a_line_has_its_fields_and_its_end() {
        let line = told(
            "0a".into(),
            "message",
            Some(CircleRef::Circle(CircleId([0x41; 32]))),
            json!({"v": 1}),
        );
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.ends_with('\n'));
        let json: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            json,
            json!({
                "v": 1, "cursor": "0a", "type": "message",
                "circle_id": "41".repeat(32), "data": {"v": 1},
            })
        );
        let ping: Value =
            serde_json::from_str(&told("01".into(), "ping", None, Value::Null)).unwrap();
        assert_eq!((&ping["circle_id"], &ping["data"]), (&Value::Null, &Value::Null));
    }

    /// U-31, U-103
    #[test]
    fn an_attempt_to_join_is_told_by_the_id_that_the_list_of_circles_has() {
        let circle = CircleId([0x41; 32]);
        let mut join = JoinView { circle_id: Some(circle), ..samples::join() };
        for state in [JoinState::Looking, JoinState::Asked, JoinState::Over(JoinEnd::Declined)] {
            join.state = state;
            assert_eq!(listed_as(&join), CircleRef::Join(join.id));
        }
        join.state = JoinState::Member;
        assert_eq!(listed_as(&join), CircleRef::Circle(circle));
    }
}
