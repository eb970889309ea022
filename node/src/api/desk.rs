//! What all requests share: the home, and its node while it is open.
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex as PlainMutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hearthlight_protocol::{
    boundary::{
        Answer, CircleRef, CircleView, Command, Event, InviteView, JoinView, MemberView,
        RequestView, Standing, Timestamp,
    },
    identity::CircleId,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, broadcast::error::RecvError, watch},
    time::Instant,
};
use zeroize::Zeroizing;

use super::{
    circles::is_of,
    find,
    idle::Attention,
    journal::Journal,
    once::Once,
    page::{Door, Sessions},
    problem::Problem,
    server::Options,
    socket::Serving,
    wait,
};
use crate::{
    Events, Failure, Handle, Node,
    error::NodeError,
    home::{Home, HomeLock},
};

/// What an answer of the machine holds; anything but the promised kind is a fault of ours.
macro_rules! answered {
    ($answer:expr, $kind:path) => {
        match $answer {
            $kind(held) => Ok(held),
            _ => Err($crate::api::problem::Problem::internal()),
        }
    };
}
pub(super) use answered;

/// The home and its node: open, or locked with every key dropped.
pub(super) struct Desk {
    pub(super) home: Home,
    pub(super) options: Options,
    pub(super) since: Timestamp,
    /// The port of the page.
    pub(super) door: Door,
    /// Who may use the page.
    pub(super) sessions: Sessions,
    /// When a person was last here (U-182).
    pub(super) attention: Attention,
    /// The latest that happened (U-103).
    pub(super) journal: Journal,
    /// Answers to idempotency keys, and keys of messages (U-104).
    pub(super) once: Once,
    /// Keys of what was said, whose answers the machine keeps.
    pub(super) said: Once,
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    page_streams: Arc<Semaphore>,
    /// Counts changes of settings.
    settings: watch::Sender<u64>,
    serving: PlainMutex<Option<Serving>>,
    lock: PlainMutex<Option<HomeLock>>,
    node: Mutex<Option<Node>>,
    open: watch::Sender<Option<Handle>>,
    ended: watch::Sender<bool>,
    /// Whether somebody asked for the end.
    stopped: AtomicBool,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("open", &self.is_open()).finish_non_exhaustive()
    }
}

impl Desk {
    /// A locked home, or one that is not set up and so has no lock to hold.
    pub(super) fn locked(home: Home, lock: Option<HomeLock>, options: Options) -> Self {
        Self {
            home,
            options,
            since: now(),
            door: Door::closed(),
            sessions: Sessions::new(),
            attention: Attention::new(),
            journal: Journal::new(),
            once: Once::new(MAX_KEPT),
            said: Once::new(MAX_SAID_KEYS),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            page_streams: Arc::new(Semaphore::new(MAX_PAGE_STREAMS)),
            settings: watch::Sender::new(0),
            serving: PlainMutex::new(None),
            lock: PlainMutex::new(lock),
            node: Mutex::new(None),
            open: watch::Sender::new(None),
            ended: watch::Sender::new(false),
            stopped: AtomicBool::new(false),
        }
    }

    /// The name that this home suggests for pseudonyms (U-20).
    ///
    /// # Errors
    /// `needs-input`, if it was taken out of the configuration.
    pub(super) fn own_name(&self) -> Result<String, Problem> {
        let name = self.home.config()?.name;
        name.map(String::from)
            .ok_or_else(|| Problem::of("needs-input").saying("A name is missing."))
    }

    /// Opens the home and starts its node; an open one stays as it is.
    ///
    /// # Errors
    /// `needs-passphrase`, `wrong-passphrase`, and what can be wrong with a store.
    pub(super) async fn unlock(
        self: &Arc<Self>,
        passphrase: Option<Zeroizing<String>>,
    ) -> Result<(), NodeError> {
        let mut node = self.node.lock().await;
        if node.is_some() {
            return Ok(());
        }
        let desk = Arc::clone(self);
        // The key of a passphrase takes a while to derive (U-183), and the disk too.
        let storage = tokio::task::spawn_blocking(move || {
            let lock = desk.lock.lock().expect("nothing panics while it holds the lock's place");
            let lock = lock.as_ref().ok_or_else(|| NodeError::Internal("ended".into()))?;
            desk.home.open(lock, passphrase.as_ref().map(|text| text.as_str()))
        })
        .await
        .map_err(|_| NodeError::Internal("opening the store panicked".into()))??;
        let started = Node::start(storage, self.options.network)?;
        let (of, events) = (Arc::clone(self), started.handle().events());
        tokio::spawn(async move { of.journal.write(events).await });
        self.open.send_replace(Some(started.handle()));
        *node = Some(started);
        Ok(())
    }

    /// Ends the node and drops every key; streams end with it.
    pub(super) async fn lock(&self) {
        let mut node = self.node.lock().await;
        self.open.send_replace(None);
        self.once.forget();
        self.said.forget();
        if let Some(node) = node.take() {
            node.shutdown().await;
        }
        self.journal.forget();
    }

    /// Closes the home to pages: locks it, where that protects anything (U-182).
    pub(super) async fn lock_for_page(&self) {
        self.sessions.set_locked(true);
        if self.home.has_passphrase().unwrap_or(true) {
            self.lock().await;
        }
    }

    /// Whether a page may do no more than unlock.
    pub(super) fn is_closed_to_pages(&self) -> bool {
        !self.is_open() || *self.sessions.locked().borrow()
    }

    /// Takes the lock and serves the socket of a home that was just set up.
    pub(super) fn move_in(self: &Arc<Self>) -> Result<(), NodeError> {
        let lock = self.home.lock()?;
        *self.lock.lock().expect("nothing panics while it holds the lock's place") = Some(lock);
        self.serve_socket()
    }

    /// Serves the socket from now on.
    pub(super) fn serve_socket(self: &Arc<Self>) -> Result<(), NodeError> {
        let serving = Serving::begin(self)?;
        *self.serving.lock().expect("nothing panics while it holds the socket") = Some(serving);
        Ok(())
    }

    /// What is served at the socket, to end it.
    pub(super) fn take_serving(&self) -> Option<Serving> {
        self.serving.lock().expect("nothing panics while it holds the socket").take()
    }

    /// Where it is served, once it is.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        let serving = self.serving.lock().expect("nothing panics while it holds the socket");
        serving.as_ref().map(|serving| serving.path().to_owned())
    }

    /// Says that settings were changed.
    pub(super) fn settings_changed(&self) {
        self.settings.send_modify(|count| *count += 1);
    }

    /// A count that rises with each change of settings.
    pub(super) fn settings(&self) -> watch::Receiver<u64> {
        self.settings.subscribe()
    }

    /// Gives the home's lock back, after [`Self::lock`].
    pub(super) fn give_back(&self) {
        drop(self.lock.lock().map(|mut lock| lock.take()));
    }

    /// Somebody asks for the end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.end();
    }

    /// Whether somebody asked for the end: then nobody is to go on in place of this node.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Says that the process is to end.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Whether [`Self::end`] was called, now and later.
    pub(super) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Whether the home is open.
    pub(super) fn is_open(&self) -> bool {
        self.open.borrow().is_some()
    }

    /// The node's handle, now and later.
    pub(super) fn opened(&self) -> watch::Receiver<Option<Handle>> {
        self.open.subscribe()
    }

    /// The node.
    ///
    /// # Errors
    /// `locked`, or `not-running` once it ends.
    pub(super) fn node(self: &Arc<Self>) -> Result<Open, Problem> {
        let opened = self.open.subscribe();
        let handle = opened.borrow().clone();
        let handle = handle.ok_or_else(|| self.closed())?;
        Ok(Open { desk: Arc::clone(self), handle, opened })
    }

    /// Why nothing is answered now.
    pub(super) fn closed(&self) -> Problem {
        if !self.home.is_set_up() {
            return Problem::of("not-set-up");
        }
        Problem::of(if *self.ended.borrow() { "not-running" } else { "locked" })
    }

    /// Room for one more request, if there is (U-107).
    pub(super) fn request_room(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.requests).try_acquire_owned().map_err(|_| Problem::busy())
    }

    /// Room for one more stream, if there is (U-107).
    pub(super) fn stream_room(&self, on_page: bool) -> Result<OwnedSemaphorePermit, Problem> {
        let streams = if on_page { &self.page_streams } else { &self.streams };
        Arc::clone(streams).try_acquire_owned().map_err(|_| Problem::busy())
    }
}

/// An open home.
#[derive(Clone)]
pub(super) struct Open {
    desk: Arc<Desk>,
    handle: Handle,
    opened: watch::Receiver<Option<Handle>>,
}

/// What happens in an open home, until it is locked.
pub(super) struct Feed {
    events: Events,
    opened: watch::Receiver<Option<Handle>>,
}

impl Feed {
    /// The events of a node, which `opened` was not changed since.
    pub(super) fn new(events: Events, opened: watch::Receiver<Option<Handle>>) -> Self {
        Self { events, opened }
    }

    /// The next event.
    ///
    /// # Errors
    /// `Lagged` where some were missed; `Closed` once the home was locked.
    pub(super) async fn recv(&mut self) -> Result<Event, RecvError> {
        tokio::select! {
            biased;
            _ = self.opened.changed() => Err(RecvError::Closed),
            event = self.events.recv() => event,
        }
    }
}

impl Open {
    /// What happens from now on. Subscribe before asking: then nothing falls between.
    pub(super) fn events(&self) -> Feed {
        Feed::new(self.handle.events(), self.opened.clone())
    }

    /// Asks the machine, for at most [`ASK_TIME`].
    ///
    /// # Errors
    /// As the machine answers; `locked` and `not-running`, if the home was closed meanwhile.
    pub(super) async fn ask(&self, command: Command) -> Result<Answer, Problem> {
        let asked = tokio::time::timeout(ASK_TIME, self.handle.ask(command));
        match asked.await.map_err(|_| Problem::of("timed-out"))? {
            Ok(answer) => Ok(answer),
            Err(Failure::Refused(error)) => Err(error.into()),
            Err(Failure::Node(_)) if !self.desk.is_open() => Err(self.desk.closed()),
            Err(Failure::Node(error)) => Err(error.into()),
        }
    }

    /// Asks for what can be done only once the circle's board was read in this run: as soon as it was.
    ///
    /// # Errors
    /// As [`Open::ask`]; `unreachable`, if nobody who has the board was reached by `until`, and `no-relay`,
    /// if nobody can be.
    pub(super) async fn act(
        &self,
        circle: CircleId,
        command: Command,
        until: Instant,
    ) -> Result<Answer, Problem> {
        let mut events = self.events();
        let touches = |event: &Event| is_of(event, CircleRef::Circle(circle));
        let early = |answer: &Result<Answer, Problem>| matches!(answer, Err(problem) if problem.word() == "unreachable");
        let again = || async { Ok(self.ask(command.clone()).await) };
        let first = again().await?;
        let last = wait::until(&mut events, until, first, touches, |answer| !early(answer), again);
        let last = last.await?;
        if early(&last) && self.circle_by_id(CircleRef::Circle(circle)).await?.relays.is_empty() {
            return Err(
                Problem::of("no-relay").saying("This circle has no relay, so nothing was changed.")
            );
        }
        last
    }

    /// All circles and join attempts.
    pub(super) async fn circles(&self) -> Result<Vec<CircleView>, Problem> {
        answered!(self.ask(Command::Circles).await?, Answer::Circles)
    }

    /// Refuses a label that is told from another one here by case or Unicode form alone: whoever types one would
    /// mean both (U-11).
    pub(super) async fn check_label(
        &self,
        label: &str,
        of: Option<CircleRef>,
    ) -> Result<(), Problem> {
        let is_over = |circle: &CircleView| {
            matches!(circle.id, CircleRef::Join(_)) && circle.standing != Standing::Asking
        };
        let taken = |circle: &CircleView| {
            Some(circle.id) != of
                && !is_over(circle)
                && find::fold(&circle.label) == find::fold(label)
        };
        let taken = self.circles().await?.iter().any(taken);
        if taken { Err(Problem::of("label-taken")) } else { Ok(()) }
    }

    /// The circle or attempt that `{c}` of a path means (U-11).
    pub(super) async fn circle(&self, segment: &str) -> Result<CircleView, Problem> {
        let circles = self.circles().await?;
        find::circle(&circles, segment).cloned()
    }

    /// The circle that `{c}` of a path means, where an attempt to join is none yet.
    pub(super) async fn joined(&self, segment: &str) -> Result<(CircleId, CircleView), Problem> {
        let circle = self.circle(segment).await?;
        match circle.id {
            CircleRef::Circle(id) => Ok((id, circle)),
            CircleRef::Join(_) => {
                Err(Problem::of("not-allowed").saying("You are not in this circle yet."))
            }
        }
    }

    /// A circle by its exact id.
    pub(super) async fn circle_by_id(&self, id: CircleRef) -> Result<CircleView, Problem> {
        let mut circles = self.circles().await?.into_iter();
        circles.find(|circle| circle.id == id).ok_or_else(|| Problem::of("no-match"))
    }

    /// Who belongs to a circle, and who did.
    pub(super) async fn members(&self, circle: CircleId) -> Result<Vec<MemberView>, Problem> {
        answered!(self.ask(Command::Members { circle }).await?, Answer::Members)
    }

    /// Who asks to be let in.
    pub(super) async fn waiting(&self, circle: CircleId) -> Result<Vec<RequestView>, Problem> {
        answered!(self.ask(Command::Waiting { circle }).await?, Answer::Waiting)
    }

    /// The invites of a circle.
    pub(super) async fn invites(&self, circle: CircleId) -> Result<Vec<InviteView>, Problem> {
        answered!(self.ask(Command::Invites { circle }).await?, Answer::Invites)
    }

    /// All attempts to join.
    pub(super) async fn joins(&self) -> Result<Vec<JoinView>, Problem> {
        answered!(self.ask(Command::Joins).await?, Answer::Joins)
    }
}

/// This computer's clock.
pub(super) fn now() -> Timestamp {
    Timestamp(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0))
}

/// The longest that the machine may take for an answer (U-107).
const ASK_TIME: Duration = Duration::from_secs(30);
/// Requests in flight (U-107).
const MAX_REQUESTS: usize = 256;
/// Streams on the socket (U-107).
const MAX_STREAMS: usize = 16;
/// Streams of pages (U-107).
const MAX_PAGE_STREAMS: usize = 8;
/// Answers kept for idempotency keys; a guess: a person's acts of a day.
const MAX_KEPT: usize = 1_024;
/// Keys kept of what was said; a guess: some runs of `say --lines`.
const MAX_SAID_KEYS: usize = 8_192;
