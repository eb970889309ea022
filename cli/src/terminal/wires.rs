//! Between the chat and the node: requests go out, answers and events come in.
//!
//! Everything arrives in one inbox with a bound. Talk has a lane of its own, so that it does not
//! wait behind what may take long.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel, error::TrySendError},
    time::{Instant, sleep, timeout},
};

use super::{
    effect::{Ask, Effect, Event, What},
    state::State,
    update::update,
};
use crate::{
    advice::Failure,
    client::{Client, circle},
    context::Context,
    node::{
        NodeError,
        api::{Options, Server},
    },
    page::SITE,
    verbs::Ends,
};

/// What the chat holds of its wires.
pub(crate) struct Wires<'a> {
    context: &'a Context,
    tell: Sender<Event>,
    inbox: Receiver<Event>,
    talk: Sender<Ask>,
    slow: Sender<Ask>,
    open: Sender<Option<String>>,
    ends: Ends,
    /// Requests whose answers are still to come.
    pending: usize,
}

/// Whether the chat goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Not,
    Left,
}

/// Connects, and lets `screen` talk with the node until it ends; first in the circle `named`.
pub(crate) async fn run(
    context: &Context,
    given: Option<String>,
    named: Option<String>,
    screen: impl AsyncFnOnce(&mut Wires<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (tell, inbox) = channel(INBOX);
    let (talk, talk_asks) = channel(LANE);
    let (slow, slow_asks) = channel(LANE);
    let (open, openings) = channel(1);
    let mut wires = Wires {
        context,
        tell: tell.clone(),
        inbox,
        talk,
        slow,
        open,
        ends: Ends::new()?,
        pending: 0,
    };
    let outcome = tokio::select! {
        outcome = screen(&mut wires) => outcome,
        failure = Line { context, tell: &tell, openings, given, named }.hold() => Err(failure),
        never = lane(context, talk_asks, &tell) => never,
        never = lane(context, slow_asks, &tell) => never,
    };
    context.finish(Duration::ZERO).await;
    outcome
}

impl Wires<'_> {
    /// For whoever hears keys.
    pub(crate) fn teller(&self) -> Sender<Event> {
        self.tell.clone()
    }

    /// The next thing that happens. A signal to end is heard as leaving (U-4).
    pub(crate) async fn next(&mut self) -> Result<Event, Failure> {
        tokio::select! {
            biased;
            () = self.ends.next() => Ok(Event::End),
            event = self.inbox.recv() => {
                let event = event.ok_or_else(|| Failure::of("internal"))?;
                Ok(self.counted(event))
            }
        }
    }

    /// Something that has happened already.
    pub(crate) fn ready(&mut self) -> Option<Event> {
        let event = self.inbox.try_recv().ok()?;
        Some(self.counted(event))
    }

    fn counted(&mut self, event: Event) -> Event {
        if matches!(event, Event::Answer(..)) {
            self.pending = self.pending.saturating_sub(1);
        }
        event
    }

    /// Whether every request was answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending == 0
    }

    /// Carries out what `update` asked for.
    pub(crate) fn perform(&mut self, state: &mut State, effects: Vec<Effect>) -> Ended {
        for effect in effects {
            match effect {
                Effect::Ask(ask) => self.ask(state, ask),
                Effect::Open(typed) => drop(self.open.try_send(typed)),
                Effect::Leave | Effect::Hide => return Ended::Left,
            }
        }
        Ended::Not
    }

    fn ask(&mut self, state: &mut State, ask: Ask) {
        let lane = if ask.what.may_take_long() { &self.slow } else { &self.talk };
        match lane.try_send(ask) {
            Ok(()) => self.pending += 1,
            Err(TrySendError::Full(ask) | TrySendError::Closed(ask)) => {
                update(state, Event::Answer(ask.what, Err(Failure::of("quota"))));
            }
        }
    }

    /// Waits for what is under way: nothing that was said is left behind.
    pub(crate) async fn finish(&mut self, state: &mut State) -> Result<(), Failure> {
        let until = Instant::now() + LAST_ANSWERS;
        while !self.is_idle() {
            let Ok(Some(event)) = tokio::time::timeout_at(until, self.inbox.recv()).await else {
                break;
            };
            let event = self.counted(event);
            update(state, event);
        }
        Ok(())
    }

    /// U-132: keeps the draft, locks the node, and ends.
    pub(crate) async fn hide(&self, effects: Vec<Effect>) -> Result<(), Failure> {
        let Some(client) = Client::running(self.context, SILENCE).await? else { return Ok(()) };
        for effect in effects {
            if let Effect::Ask(Ask { method, path, body, .. }) = effect {
                // A draft that cannot be kept holds up no lock.
                let _ = timeout(QUICK, client.ask(method, &path, Some(body), QUICK)).await;
            }
        }
        client.post("/v1/lock", json!({})).await.map(drop)
    }
}

/// Answers requests one after the other.
async fn lane(
    context: &Context,
    mut asks: Receiver<Ask>,
    tell: &Sender<Event>,
) -> Result<(), Failure> {
    let mut client: Option<Client<'_>> = None;
    while let Some(ask) = asks.recv().await {
        let answer = ask_once(context, &mut client, &ask).await;
        if answer.as_ref().is_err_and(|failure| failure.kind() == "not-running") {
            client = None;
        }
        if tell.send(Event::Answer(ask.what, answer)).await.is_err() {
            break;
        }
    }
    // The screen ended first.
    std::future::pending().await
}

async fn ask_once<'a>(
    context: &'a Context,
    client: &mut Option<Client<'a>>,
    ask: &Ask,
) -> Result<Value, Failure> {
    let there = match client.take() {
        Some(there) => there,
        None => {
            Client::running(context, SILENCE).await?.ok_or_else(|| Failure::of("not-running"))?
        }
    };
    let there = client.insert(there);
    let body = Some(ask.body.clone()).filter(|body| !body.is_null());
    let wait = if ask.what.may_take_long() { LONG } else { Duration::ZERO };
    there.ask_for(ask.asker, ask.method.clone(), &ask.path, body, wait).await
}

/// Holds on to a node: the one that runs, or the one that this process becomes.
struct Line<'a> {
    context: &'a Context,
    tell: &'a Sender<Event>,
    openings: Receiver<Option<String>>,
    given: Option<String>,
    /// The circle that was named on the command line, until its id is known.
    named: Option<String>,
}

impl Line<'_> {
    /// Answers only with what cannot be gone on with.
    async fn hold(mut self) -> Failure {
        loop {
            if let Err(failure) = self.once().await {
                return failure;
            }
        }
    }

    /// Reaches the node, opens it where it is locked, and tells what happens until it is gone.
    async fn once(&mut self) -> Result<(), Failure> {
        let Some(client) = Client::running(self.context, SILENCE).await? else {
            let asked = self.context.gave_way().load(Ordering::Relaxed);
            if asked && Client::has_successor(self.context).await? {
                return Ok(());
            }
            if asked || self.context.is_node().await {
                // Somebody ended the node that this is, or follows.
                return Err(Failure::of("not-running").saying("Hearthlight was stopped."));
            }
            return self.become_node().await;
        };
        let status = client.get("/v1/status").await?;
        if status["state"] == "locked" {
            return self.unlock(&client).await;
        }
        let circle = match self.named(&client).await {
            Err(failure) if is_passing(&failure) => return Ok(()),
            named => named?,
        };
        let mut events = match client.all_events().await {
            Ok(events) => events,
            Err(failure) if is_passing(&failure) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        self.say(Event::Reached { status, circle }).await?;
        self.named = None;
        while let Some(line) = events.next().await {
            match line["type"].as_str() {
                Some("lock") => return Ok(()),
                Some("behind") => break,
                _ => self.say(Event::Told(line)).await?,
            }
        }
        self.say(Event::Behind).await
    }

    /// The id of the circle that was named. What is not found, or could be several, ends the chat
    /// (U-11): what is typed is never said in another circle.
    async fn named(&self, client: &Client<'_>) -> Result<Option<String>, Failure> {
        let Some(named) = &self.named else { return Ok(None) };
        let found = client.get(&format!("/v1/circles/{}", circle(named))).await?;
        Ok(found["id"].as_str().map(str::to_owned))
    }

    async fn unlock(&mut self, client: &Client<'_>) -> Result<(), Failure> {
        let passphrase = self.has_passphrase()?;
        self.say(Event::Closed { passphrase }).await?;
        loop {
            let typed = self.opening().await?;
            let body = typed.map_or_else(|| json!({}), |typed| json!({"passphrase": typed}));
            match client.post_within("/v1/unlock", body, LONG).await {
                Ok(_) => return Ok(()),
                Err(failure) if failure.kind() == "not-running" => return Ok(()),
                Err(failure) => self.say(Event::Answer(What::Opened, Err(failure))).await?,
            }
        }
    }

    async fn become_node(&mut self) -> Result<(), Failure> {
        let mut passphrase = self.given.take();
        if passphrase.is_none() && self.has_passphrase()? {
            self.say(Event::Closed { passphrase: true }).await?;
            passphrase = self.opening().await?;
        }
        loop {
            let home = self.context.home()?;
            let lock = match home.lock() {
                Ok(lock) => lock,
                Err(NodeError::HomeBusy) => {
                    // Somebody is on the way in or out; what was typed opens what comes then.
                    self.given = passphrase;
                    sleep(STEP).await;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            let options = Options { network: true, foreground: true, site: Some(&SITE) };
            match Server::start(home, lock, passphrase, options).await.map_err(Failure::from) {
                Ok(server) => {
                    self.context.serve(server).await;
                    return Ok(());
                }
                Err(failure) if failure.kind() != "wrong-passphrase" => return Err(failure),
                Err(failure) => self.say(Event::Answer(What::Opened, Err(failure))).await?,
            }
            passphrase = self.opening().await?;
        }
    }

    fn has_passphrase(&self) -> Result<bool, Failure> {
        Ok(self.context.home()?.has_passphrase()?)
    }

    async fn opening(&mut self) -> Result<Option<String>, Failure> {
        self.openings.recv().await.ok_or_else(|| Failure::of("internal"))
    }

    async fn say(&self, event: Event) -> Result<(), Failure> {
        self.tell.send(event).await.map_err(|_| Failure::of("internal"))
    }
}

/// Whether the node was locked or went away, which is looked at anew.
fn is_passing(failure: &Failure) -> bool {
    matches!(failure.kind(), "locked" | "not-running")
}

/// Events and answers that wait to be taken in. A guess: more than a screen shows.
const INBOX: usize = 256;
/// Requests that wait for those before them. A guess: more than a person types.
const LANE: usize = 64;
/// U-8: how long a held lock may come with a silent socket.
const SILENCE: Duration = Duration::from_secs(5);
/// U-132: hiding takes 200 ms in all.
const QUICK: Duration = Duration::from_millis(100);
/// What waits for a relay, or for a slow board that opens a home (U-183).
const LONG: Duration = Duration::from_secs(30);
/// How long the end waits for answers. A guess: a slow disk.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// Between two looks at a held lock.
const STEP: Duration = Duration::from_millis(50);
