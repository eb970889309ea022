//! Relays and their members, each a process of the binary under test, and their local API.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{feed::Feed, proxy::Proxy, trouble};

/// Where it plays.
#[derive(Debug)]
pub(crate) struct Stage {
    binary: PathBuf,
    dir: TempDir,
    relays: Vec<Process>,
    /// In the order in which they joined; the first is the host.
    pub(crate) members: Vec<Member>,
    pub(crate) circle: String,
    /// From the code to the first readable message, of each who joined.
    pub(crate) joins: Vec<Duration>,
    /// What counts the bytes at each relay, if that was asked for.
    pub(crate) proxies: Vec<Proxy>,
}

/// One member and its process.
#[derive(Debug)]
pub(crate) struct Member {
    home: PathBuf,
    process: Option<Process>,
}

/// A process that ends with its owner.
#[derive(Debug)]
struct Process(Child);

impl Stage {
    /// Sets up relays, a host and all other members; `counted` puts a counting proxy before each relay.
    pub(crate) fn new(
        binary: &Path,
        members: usize,
        relays: usize,
        counted: bool,
    ) -> io::Result<Self> {
        let mut stage = Self {
            binary: binary.to_owned(),
            dir: tempfile::Builder::new().prefix("hearthlight-bench-").tempdir()?,
            relays: Vec::new(),
            members: Vec::new(),
            circle: String::new(),
            joins: Vec::new(),
            proxies: Vec::new(),
        };
        let addresses = (0..relays).map(|_| stage.add_relay(counted));
        let addresses = addresses.collect::<io::Result<Vec<_>>>()?;
        stage.add_home()?;
        let made = stage.members[0].post(
            "/v1/circles",
            &json!({"name": "Bench", "relays": addresses, "direct": false, "thin": false}),
        )?;
        stage.circle = text(&made, "id")?;
        for number in 1..members {
            stage.add_member(number)?;
        }
        Ok(stage)
    }

    /// One more relay; gives the address of it that members are told.
    fn add_relay(&mut self, counted: bool) -> io::Result<String> {
        let number = self.relays.len();
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let proxy = if counted { Some(Proxy::start(port)?) } else { None };
        // Members are told of the proxy alone.
        let told = proxy.as_ref().map_or(port, Proxy::port);
        let operator = self.dir.path().join(format!("operator-{number}"));
        let folder = self.dir.path().join(format!("relay-{number}"));
        let folder = folder.to_string_lossy();
        let init = ["relay", "init", "--dir", &folder, "--local", &told.to_string()];
        let address = text(&verb(&self.binary, &operator, &init)?, "address")?;
        let [listen, external] = [port, told].map(|port| format!("/ip4/127.0.0.1/tcp/{port}"));
        let run = [
            "relay",
            "run",
            "--dir",
            &folder,
            "--listen",
            &listen,
            "--external-address",
            &external,
        ];
        self.relays.push(Process::start(&self.binary, &operator, &run)?);
        self.proxies.extend(proxy);
        Ok(address)
    }

    fn add_home(&mut self) -> io::Result<()> {
        let number = self.members.len();
        let home = self.dir.path().join(format!("member-{number}"));
        let name = format!("Member {number}");
        verb(&self.binary, &home, &["setup", "--name", &name, "--no-passphrase"])?;
        let mut member = Member { home, process: None };
        member.start(&self.binary)?;
        self.members.push(member);
        Ok(())
    }

    /// One more home joins by a code of the host, who lets it in and welcomes it; the time of that is
    /// noted.
    fn add_member(&mut self, number: usize) -> io::Result<()> {
        self.add_home()?;
        let (host, guest) = (&self.members[0], &self.members[number]);
        let path = format!("/v1/circles/{}/invites", self.circle);
        let code = text(&host.post(&path, &json!({"uses": 1}))?, "code")?;
        let asks = host.events()?;
        let hears = guest.events()?;
        let began = Instant::now();
        let took = thread::scope(|scope| {
            let joining = scope.spawn(|| {
                guest.post("/v1/joins", &json!({"code": code, "name": format!("Member {number}"), "timeout_ms": 30_000}))
            });
            let asked = asks.wait_for(|event| {
                event["type"] == "waiting" && event["data"]["state"] == "waiting"
            })?;
            let who = text(&asked["data"], "id")?;
            host.post(&format!("/v1/circles/{}/waiting/{who}/admit", self.circle), &json!({}))?;
            let welcome = format!("welcome {number}");
            self.say(host, &json!({"text": welcome, "timeout_ms": 0}))?;
            hears.wait_for(|event| event["data"]["text"] == welcome.as_str())?;
            let took = began.elapsed();
            joining.join().map_err(|_| trouble("a thread broke"))??;
            Ok::<_, io::Error>(took)
        })?;
        self.joins.push(took);
        Ok(())
    }

    /// Says something as one of them.
    pub(crate) fn say(&self, member: &Member, body: &Value) -> io::Result<Value> {
        member.post(&self.messages(), body)
    }

    /// The path of the circle's messages.
    pub(crate) fn messages(&self) -> String {
        format!("/v1/circles/{}/messages", self.circle)
    }

    /// Starts a member that was stopped.
    pub(crate) fn restart(&mut self, number: usize) -> io::Result<()> {
        self.members[number].start(&self.binary)
    }

    /// KiB that the largest relay has in memory.
    pub(crate) fn relay_kib(&self) -> io::Result<u64> {
        let kib = self.relays.iter().map(|relay| resident_kib(&relay.0));
        let kib = kib.collect::<io::Result<Vec<u64>>>()?;
        kib.into_iter().max().ok_or_else(|| trouble("there is no relay"))
    }
}

impl Member {
    fn start(&mut self, binary: &Path) -> io::Result<()> {
        self.process = Some(Process::start(binary, &self.home, &["start"])?);
        Ok(())
    }

    /// Ends it, and waits until it has ended.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        if let Some(mut process) = self.process.take() {
            self.post("/v1/stop", &json!({}))?;
            process.0.wait()?;
        }
        Ok(())
    }

    /// KiB that it has in memory.
    pub(crate) fn kib(&self) -> io::Result<u64> {
        let process = self.process.as_ref().ok_or_else(|| trouble("it does not run"))?;
        resident_kib(&process.0)
    }

    /// The socket of its local API.
    pub(crate) fn socket(&self) -> io::Result<PathBuf> {
        let path = fs::read_to_string(self.home.join("node.addr"))?;
        Ok(PathBuf::from(path.trim()))
    }

    /// A new connection to its local API.
    pub(crate) fn connect(&self) -> io::Result<Api> {
        Api::at(&self.socket()?)
    }

    /// What happens there from now on.
    fn events(&self) -> io::Result<Feed> {
        Feed::open(self.connect()?)
    }

    fn post(&self, path: &str, body: &Value) -> io::Result<Value> {
        self.connect()?.ask("POST", path, Some(body))
    }
}

/// A connection to a local API (HTTP/1.1, kept alive).
#[derive(Debug)]
pub(crate) struct Api(BufReader<UnixStream>);

impl Api {
    /// A new connection to the API at a socket.
    pub(crate) fn at(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks, and reads the whole answer.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<Value> {
        let length = self.request(method, path, body)?;
        let mut answer = vec![0; length.ok_or_else(|| trouble("an answer has no length"))?];
        self.0.read_exact(&mut answer)?;
        let answer: Value = serde_json::from_slice(&answer)?;
        match answer["kind"].as_str() {
            Some(kind) if answer["type"].is_string() => Err(trouble(&format!("{path}: {kind}"))),
            _ => Ok(answer),
        }
    }

    /// All lines of a circle, the newest page first, so that no answer is large.
    pub(crate) fn read_all(&mut self, messages: &str) -> io::Result<Vec<Value>> {
        let (mut pages, mut path) = (Vec::new(), format!("{messages}?limit=500"));
        loop {
            let mut page = self.ask("GET", &path, None)?;
            let Value::Array(items) = page["items"].take() else { break };
            pages.push(items);
            let Some(before) = page["before"].as_str() else { break };
            path = format!("{messages}?limit=500&before={before}");
        }
        Ok(pages.into_iter().rev().flatten().collect())
    }

    /// Asks for events, which then come as chunks.
    pub(crate) fn follow(mut self) -> io::Result<BufReader<UnixStream>> {
        self.request("GET", "/v1/events", None)?;
        Ok(self.0)
    }

    /// Writes a request, reads the head of its answer, gives the length of the rest.
    fn request(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<Option<usize>> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut length = None;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_lowercase();
            if line.is_empty() {
                return Ok(length);
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
    }
}

impl Process {
    /// Starts what stays, and waits for the line that says that it is ready.
    fn start(binary: &Path, home: &Path, words: &[&str]) -> io::Result<Self> {
        let mut command = command(binary, home, words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| trouble("no output"))?;
        let started = Self(child);
        let mut stdout = BufReader::new(stdout);
        if stdout.read_line(&mut String::new())? == 0 {
            return Err(trouble("what was started does not get ready"));
        }
        // Somebody has to go on listening, or its next line would find nobody.
        thread::spawn(move || io::copy(&mut stdout, &mut io::sink()));
        Ok(started)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(binary: &Path, home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.arg("--home").arg(home).args(["--json", "--quiet"]).args(words).stdin(Stdio::null());
    // Sockets then lie in the homes, and go with them.
    for variable in
        ["XDG_RUNTIME_DIR", "HEARTHLIGHT_HOME", "HEARTHLIGHT_PASSPHRASE_FILE", "HEARTHLIGHT_LANG"]
    {
        command.env_remove(variable);
    }
    command
}

/// What a verb answers: its last line.
fn verb(binary: &Path, home: &Path, words: &[&str]) -> io::Result<Value> {
    let output = command(binary, home, words).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(trouble(&format!("{}: {}", words[0], said.trim())));
    }
    let last =
        String::from_utf8_lossy(&output.stdout).lines().next_back().map(serde_json::from_str);
    Ok(last.transpose()?.unwrap_or_default())
}

/// A field that is text.
pub(crate) fn text(object: &Value, field: &str) -> io::Result<String> {
    let value = object[field].as_str().map(str::to_owned);
    value.ok_or_else(|| trouble(&format!("an answer lacks {field}")))
}

fn resident_kib(process: &Child) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    number.ok_or_else(|| trouble("no VmRSS"))
}

/// How long anything may take: a catch-up on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);
