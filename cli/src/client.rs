//! A client of the node of one home, over its Unix socket.
//!
//! Where a node runs, the verb asks it. Where none does, the verb takes the lock, becomes the
//! node for its own duration, and is then its own client (U-8). If a serving process vanishes
//! in the middle of a request, the request is made once more, with the same key (U-104), to
//! whoever serves then: perhaps this process itself.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::UnixStream,
    sync::Mutex,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    advice::Failure,
    context::Context,
    node::{
        NodeError,
        api::{Options, Server},
        home::Home,
    },
};

/// What a verb needs of a node that it becomes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The store alone.
    Local,
    /// Relays too.
    Network,
}

/// Who asks: what nobody asked for keeps no home open (U-182).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A person, by a verb or a key.
    Person,
    /// Nobody: an event is followed up.
    Nobody,
}

/// A connection to the node, kept between requests.
pub(crate) struct Client<'a> {
    context: &'a Context,
    /// `None`: never become the node.
    class: Option<Class>,
    link: Mutex<Option<Link>>,
}

impl<'a> Client<'a> {
    /// Connects to the running node, or becomes the node.
    ///
    /// # Errors
    /// `not-set-up`, what opening the home answers, and `home-busy` when the lock is held and
    /// the socket is silent for 5 s.
    pub(crate) async fn open(context: &'a Context, class: Class) -> Result<Client<'a>, Failure> {
        let client = Self { context, class: Some(class), link: Mutex::new(None) };
        *client.link.lock().await = Some(client.connect().await?);
        Ok(client)
    }

    /// Connects to the running node; `None` where none runs.
    ///
    /// # Errors
    /// `home-busy` when something runs and stays silent for `patience`.
    pub(crate) async fn running(
        context: &'a Context,
        patience: Duration,
    ) -> Result<Option<Client<'a>>, Failure> {
        let home = context.home()?;
        let deadline = Instant::now() + patience;
        loop {
            match timeout_at(deadline, Link::to_node_of(&home)).await {
                Err(_) => return Err(Failure::of("home-busy")),
                Ok(Ok(Some((link, _)))) => {
                    let link = Mutex::new(Some(link));
                    return Ok(Some(Self { context, class: None, link }));
                }
                Ok(Ok(None)) => {}
                Ok(Err(failure)) => return Err(failure),
            }
            // Nobody serves. Somebody may be about to, and holds the lock then.
            match home.lock() {
                Err(NodeError::HomeBusy) if Instant::now() < deadline => sleep(RETRY).await,
                Err(NodeError::HomeBusy) => return Err(Failure::of("home-busy")),
                _ => return Ok(None),
            }
        }
    }

    /// Whether somebody serves in place of a node that was asked to end: `start` does so in a moment, after `stop`
    /// nobody does.
    pub(crate) async fn has_successor(context: &'a Context) -> Result<bool, Failure> {
        let until = Instant::now() + SUCCESSOR;
        while Instant::now() < until {
            if Self::running(context, SILENCE).await?.is_some() {
                return Ok(true);
            }
            sleep(RETRY).await;
        }
        Ok(false)
    }

    /// Asks for something.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::GET, path, None, Duration::ZERO).await
    }

    /// Asks for something that the node may wait for, at most `wait`.
    pub(crate) async fn get_within(&self, path: &str, wait: Duration) -> Result<Value, Failure> {
        self.ask(Method::GET, path, None, wait).await
    }

    /// Does something.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.ask(Method::POST, path, Some(body), Duration::ZERO).await
    }

    /// Does something that the node may wait for, at most `wait`.
    pub(crate) async fn post_within(
        &self,
        path: &str,
        body: Value,
        wait: Duration,
    ) -> Result<Value, Failure> {
        self.ask(Method::POST, path, Some(body), wait).await
    }

    /// Changes something.
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.ask(Method::PATCH, path, Some(body), Duration::ZERO).await
    }

    /// Takes something away.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::DELETE, path, None, Duration::ZERO).await
    }

    /// Takes something away that the node may wait for, at most `wait`.
    pub(crate) async fn delete_within(&self, path: &str, wait: Duration) -> Result<Value, Failure> {
        self.ask(Method::DELETE, path, None, wait).await
    }

    /// Follows what happens in `circle` (as in a path). Answers once the subscription stands.
    pub(crate) async fn events(&self, circle: &str) -> Result<Events, Failure> {
        self.follow(Asker::Person, format!("/v1/events?circle={circle}")).await
    }

    /// Follows what happens in every circle. Answers once the subscription stands. Nobody has to be
    /// here for that, so it keeps no home open (U-182).
    pub(crate) async fn all_events(&self) -> Result<Events, Failure> {
        self.follow(Asker::Nobody, "/v1/events?hold=false".to_owned()).await
    }

    async fn follow(&self, asker: Asker, path: String) -> Result<Events, Failure> {
        match self.subscribe(asker, &path).await {
            Err(Broken::Vanished) => {
                self.reconnect().await?;
                self.subscribe(asker, &path).await.map_err(Failure::from)
            }
            other => other.map_err(Failure::from),
        }
    }

    /// Lets go of the connection, so that the node does not wait for it.
    pub(crate) async fn close(self) {
        self.link.lock().await.take();
    }

    /// Asks in whatever way, for something that the node may wait for at most `wait`.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        wait: Duration,
    ) -> Result<Value, Failure> {
        self.ask_for(Asker::Person, method, path, body, wait).await
    }

    /// As [`Self::ask`], for a person or by itself.
    pub(crate) async fn ask_for(
        &self,
        asker: Asker,
        method: Method,
        path: &str,
        body: Option<Value>,
        wait: Duration,
    ) -> Result<Value, Failure> {
        let key = once()?;
        // U-107: what is not a wait takes the node 30 s at most.
        let patience = wait + Duration::from_secs(35);
        let mut again = true;
        loop {
            let request = request(asker, &method, path, body.as_ref(), &key)?;
            match self.exchange(request, patience).await {
                Err(Broken::Vanished) if again => {
                    again = false;
                    self.reconnect().await?;
                }
                other => return other.map_err(Failure::from),
            }
        }
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<Value, Broken> {
        let mut link = self.link.lock().await;
        let link = link.as_mut().ok_or(Broken::Vanished)?;
        match timeout(patience, link.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Broken::Refused(Failure::of("home-busy"))),
        }
    }

    async fn reconnect(&self) -> Result<(), Failure> {
        // The old connection goes first: the node that this process may become waits for it.
        self.link.lock().await.take();
        let link = self.connect().await?;
        *self.link.lock().await = Some(link);
        Ok(())
    }

    async fn subscribe(&self, asker: Asker, path: &str) -> Result<Events, Broken> {
        let socket = self.link.lock().await.as_ref().map(|link| link.socket.clone());
        let mut link =
            Link::dial(&socket.ok_or(Broken::Vanished)?).await.ok_or(Broken::Vanished)?;
        let request = request(asker, &Method::GET, path, None, "").map_err(Broken::Refused)?;
        let sent = timeout(SILENCE, link.sender.send_request(request)).await;
        let response = sent.map_err(|_| Broken::Refused(Failure::of("home-busy")))?;
        let response = response.map_err(|_| Broken::Vanished)?;
        if !response.status().is_success() {
            return Err(read(response).await.err().unwrap_or(Broken::Vanished));
        }
        let mut events = Events {
            body: response.into_body(),
            rest: Vec::new(),
            lines: VecDeque::new(),
            stopped: Arc::clone(self.context.gave_way()),
            _link: link,
        };
        match timeout(SILENCE, events.next()).await {
            Ok(Some(_)) => {
                events.stopped.store(false, Ordering::Relaxed);
                Ok(events)
            }
            Ok(None) => Err(Broken::Vanished),
            Err(_) => Err(Broken::Refused(Failure::of("home-busy"))),
        }
    }

    /// The socket first, then the lock, for as long as somebody else may be on the way in or out.
    async fn connect(&self) -> Result<Link, Failure> {
        let home = self.context.home()?;
        let Some(class) = self.class else {
            let found = Link::to_node_of(&home).await?;
            return found.map(|(link, _)| link).ok_or_else(|| Failure::of("not-running"));
        };
        if !home.is_set_up() {
            return Err(Failure::of("not-set-up"));
        }
        home.check()?;
        let mut passphrase = None;
        let mut silent_until = Instant::now() + SILENCE;
        let dialing_until = Instant::now() + SILENCE;
        let successor = Instant::now() + SUCCESSOR;
        loop {
            match timeout_at(silent_until, Link::to_node_of(&home)).await {
                Err(_) => return Err(Failure::of("home-busy")),
                Ok(Err(failure)) => return Err(failure),
                // A verb that dials nothing serves for a moment: what needs relays waits for its
                // end, but not for ever.
                Ok(Ok(Some((_, status))))
                    if class == Class::Network
                        && status.get("dials") == Some(&Value::Bool(false))
                        && Instant::now() < dialing_until =>
                {
                    // It answered, so whoever comes after it has its own 5 s to be silent in.
                    silent_until = Instant::now() + SILENCE;
                    sleep(RETRY).await;
                    continue;
                }
                Ok(Ok(Some((link, _)))) => return Ok(link),
                Ok(Ok(None)) => {}
            }
            if self.context.gave_way().load(Ordering::Relaxed) {
                // `start` serves in a moment. After a `stop` nobody does.
                if Instant::now() < successor {
                    sleep(RETRY).await;
                    continue;
                }
                return Err(Failure::of("not-running").saying("Hearthlight was stopped."));
            }
            if passphrase.is_none() {
                passphrase = Some(self.context.passphrase().await?);
                // Typing took time that nobody was silent in.
                silent_until = Instant::now() + SILENCE;
            }
            match home.lock() {
                Ok(lock) => {
                    let options =
                        Options { network: class == Class::Network, foreground: false, site: None };
                    let passphrase = passphrase.flatten();
                    let server = Server::start(home, lock, passphrase, options).await?;
                    let socket = server.socket().ok_or_else(|| Failure::of("internal"))?;
                    self.context.serve(server).await;
                    return Link::dial(&socket).await.ok_or_else(|| Failure::of("internal"));
                }
                Err(NodeError::HomeBusy) if Instant::now() < silent_until => sleep(RETRY).await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What happens in a node, line by line.
pub(crate) struct Events {
    body: Incoming,
    rest: Vec<u8>,
    lines: VecDeque<Value>,
    /// Told when the node was asked to end.
    stopped: Arc<AtomicBool>,
    _link: Link,
}

impl Events {
    /// The next thing that happened; `None` when the stream ended. May be dropped and asked again.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                if line["type"] == "stop" {
                    self.stopped.store(true, Ordering::Relaxed);
                    return None;
                }
                return Some(line);
            }
            let frame = self.body.frame().await?.ok()?;
            self.rest.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                self.lines.extend(serde_json::from_slice::<Value>(&line));
            }
            if self.rest.len() > LONGEST_LINE {
                return None;
            }
        }
    }
}

/// One HTTP connection.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    socket: PathBuf,
}

impl Link {
    /// Connects to the node that serves `home`, and hears it answer; `None` where none does.
    async fn to_node_of(home: &Home) -> Result<Option<(Self, Value)>, Failure> {
        let Some(socket) = home.socket_from_addr_file() else {
            return Ok(None);
        };
        let Some(mut link) = Self::dial(&socket).await else {
            return Ok(None);
        };
        match link.exchange(request(Asker::Nobody, &Method::GET, "/v1/status", None, "")?).await {
            Ok(status) => Ok(Some((link, status))),
            Err(Broken::Vanished) => Ok(None),
            Err(Broken::Refused(failure)) => Err(failure),
        }
    }

    async fn dial(socket: &Path) -> Option<Self> {
        let stream = UnixStream::connect(socket).await.ok()?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(Self { sender, socket: socket.to_owned() })
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Value, Broken> {
        self.sender.ready().await.map_err(|_| Broken::Vanished)?;
        let response = self.sender.send_request(request).await.map_err(|_| Broken::Vanished)?;
        read(response).await
    }
}

/// Why there is no answer.
enum Broken {
    /// The serving process is gone.
    Vanished,
    /// It answered, with a refusal.
    Refused(Failure),
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Refused(failure) => failure,
            Broken::Vanished => {
                Self::of("not-running").saying("Hearthlight ended in the middle of this.")
            }
        }
    }
}

/// Writes a piece of a path or query, percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Names a circle in a path as a person typed it (U-11).
pub(crate) fn circle(typed: &str) -> String {
    segment(&format!("~{typed}"))
}

/// A key that names one act (U-104).
pub(crate) fn once() -> Result<String, Failure> {
    let mut key = [0_u8; 16];
    getrandom::fill(&mut key).map_err(|_| Failure::of("internal"))?;
    Ok(key.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn request(
    asker: Asker,
    method: &Method,
    path: &str,
    body: Option<&Value>,
    key: &str,
) -> Result<Request<Full<Bytes>>, Failure> {
    let mut request = Request::builder().method(method).uri(path).header(HOST, "localhost");
    if *method == Method::POST {
        request = request.header("Idempotency-Key", key);
    }
    if asker == Asker::Nobody {
        request = request.header("Hearthlight-Unasked", "1");
    }
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    request.body(Full::from(body)).map_err(|_| Failure::of("internal"))
}

async fn read(response: Response<Incoming>) -> Result<Value, Broken> {
    check_version(&response).map_err(Broken::Refused)?;
    let fine = response.status().is_success();
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    let body = body.map_err(|_| Broken::Vanished)?.to_bytes();
    let strange = || {
        Broken::Refused(Failure::of("internal").saying("The node answered with something else."))
    };
    let answer: Value = serde_json::from_slice(&body).map_err(|_| strange())?;
    if fine { Ok(answer) } else { Err(Broken::Refused(Failure::from_problem(&answer))) }
}

/// U-106: the header holds the version of the program; its first number has to be ours.
fn check_version(response: &Response<Incoming>) -> Result<(), Failure> {
    let version =
        response.headers().get("Hearthlight-Version").and_then(|value| value.to_str().ok());
    let major = version.and_then(|version| version.split('.').next());
    match major {
        Some(major) if major != env!("CARGO_PKG_VERSION_MAJOR") => {
            Err(Failure::of("version-mismatch"))
        }
        _ => Ok(()),
    }
}

/// U-8: how long a held lock may come with a silent socket.
const SILENCE: Duration = Duration::from_secs(5);

/// How long who asked this verb's node to end may take to open the home: as long as `start --detach`
/// waits for that (U-21), less what the end took.
const SUCCESSOR: Duration = Duration::from_secs(5);

/// Between two looks at socket and lock. A guess: short beside what a verb takes.
const RETRY: Duration = Duration::from_millis(50);

/// An answer holds at most all messages of a circle. A guess.
const LONGEST_ANSWER: usize = 256 << 20;

/// One event. A guess: far over the largest text (U-3).
const LONGEST_LINE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixListener,
    };

    use super::*;
    use crate::args::CommandLine;

    /// A home whose node is played by a test.
    struct Stage {
        folder: tempfile::TempDir,
        listener: UnixListener,
    }

    impl Stage {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let socket = folder.path().join("node.sock");
            std::fs::write(folder.path().join("node.addr"), socket.to_str().unwrap()).unwrap();
            let listener = UnixListener::bind(socket).unwrap();
            Self { folder, listener }
        }

        fn context(&self) -> Context {
            let home = self.folder.path().to_str().unwrap();
            Context::new(&CommandLine::parse_from(["hearthlight", "--home", home]).global)
        }

        async fn accept(&self) -> UnixStream {
            self.listener.accept().await.unwrap().0
        }
    }

    /// One request, as text.
    async fn hear(stream: &mut UnixStream) -> String {
        let mut text = String::new();
        loop {
            let mut piece = [0; 4_096];
            let length = stream.read(&mut piece).await.unwrap();
            text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
            let wanted = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let wanted: usize = wanted.map_or(0, |length| length.trim().parse().unwrap());
            if body.is_some_and(|body| body >= wanted) || length == 0 {
                return text;
            }
        }
    }

    async fn tell(stream: &mut UnixStream, status: &str, body: &Value) {
        let body = body.to_string();
        let version = env!("CARGO_PKG_VERSION");
        let head = format!(
            "HTTP/1.1 {status}\r\nhearthlight-version: {version}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    }

    fn key_of(request: &str) -> &str {
        request.lines().find_map(|line| line.strip_prefix("idempotency-key: ")).unwrap()
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_kind() {
        let stage = Stage::new();
        let context = stage.context();
        let node = async {
            let mut stream = stage.accept().await;
            assert!(hear(&mut stream).await.starts_with("GET /v1/status "));
            tell(&mut stream, "200 OK", &json!({"v": 1})).await;
            assert!(hear(&mut stream).await.starts_with("GET /v1/circles/~Tuesday%20group "));
            let problem = json!({"kind": "no-match", "code": 2, "detail": "Nothing here.", "candidates": ["A"]});
            tell(&mut stream, "404 Not Found", &problem).await;
        };
        let verb = async {
            let client = Client::running(&context, SILENCE).await.unwrap().unwrap();
            client.get(&format!("/v1/circles/{}", circle("Tuesday group"))).await.unwrap_err()
        };
        let ((), failure) = tokio::join!(node, verb);
        assert_eq!((failure.kind(), failure.code()), ("no-match", 2));
        assert_eq!(
            failure.plain(),
            "Nothing here.\nTry: Look at how it is written, or use its id.\n  A"
        );
    }

    /// U-8, U-104
    #[tokio::test]
    async fn a_request_is_repeated_with_its_key_when_the_node_vanishes() {
        let stage = Stage::new();
        let context = stage.context();
        let node = async {
            let mut stream = stage.accept().await;
            hear(&mut stream).await;
            tell(&mut stream, "200 OK", &json!({"v": 1})).await;
            let first = hear(&mut stream).await;
            drop(stream);
            let mut stream = stage.accept().await;
            hear(&mut stream).await;
            tell(&mut stream, "200 OK", &json!({"v": 1})).await;
            let second = hear(&mut stream).await;
            tell(&mut stream, "200 OK", &json!({"v": 1, "mark": "relayed"})).await;
            assert_eq!(key_of(&first), key_of(&second));
            assert!(key_of(&first).len() >= 16);
        };
        let verb = async {
            let client = Client::running(&context, SILENCE).await.unwrap().unwrap();
            client.post("/v1/circles/~Test/messages", json!({"text": "x"})).await.unwrap()
        };
        let ((), said) = tokio::join!(node, verb);
        assert_eq!(said["mark"], "relayed");
    }

    /// U-8
    #[tokio::test]
    async fn a_silent_node_is_busy() {
        let stage = Stage::new();
        let context = stage.context();
        let failure = Client::running(&context, Duration::from_millis(100)).await.err().unwrap();
        assert_eq!((failure.kind(), failure.code()), ("home-busy", 9));
    }

    /// U-106
    #[tokio::test]
    async fn another_major_version_is_not_talked_to() {
        let stage = Stage::new();
        let context = stage.context();
        let node = async {
            let mut stream = stage.accept().await;
            hear(&mut stream).await;
            let answer =
                "HTTP/1.1 200 OK\r\nhearthlight-version: 99.0.0\r\ncontent-length: 2\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let ((), client) = tokio::join!(node, Client::running(&context, SILENCE));
        assert_eq!(client.err().unwrap().kind(), "version-mismatch");
    }

    #[tokio::test]
    async fn events_come_once_the_subscription_stands() {
        let stage = Stage::new();
        let context = stage.context();
        let node = async {
            let mut stream = stage.accept().await;
            hear(&mut stream).await;
            tell(&mut stream, "200 OK", &json!({"v": 1})).await;
            let mut follower = stage.accept().await;
            assert!(hear(&mut follower).await.starts_with("GET /v1/events?circle=~Test "));
            let lines = "{\"type\":\"ping\"}\n{\"type\":\"mark\"}\n{\"type\":\"beh";
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n";
            follower.write_all(format!("{head}{lines}").as_bytes()).await.unwrap();
            follower.write_all(b"ind\"}\n").await.unwrap();
        };
        let verb = async {
            let client = Client::running(&context, SILENCE).await.unwrap().unwrap();
            let mut events = client.events(&circle("Test")).await.unwrap();
            assert_eq!(events.next().await.unwrap()["type"], "mark");
            assert_eq!(events.next().await.unwrap()["type"], "behind");
            assert_eq!(events.next().await, None);
        };
        tokio::join!(node, verb);
    }

    #[test]
    fn paths_hold_anything_that_people_type() {
        assert_eq!(circle("Tuesday group/x?~"), "~Tuesday%20group%2Fx%3F~");
        assert_eq!(segment("Zoë"), "Zo%C3%AB");
    }
}
