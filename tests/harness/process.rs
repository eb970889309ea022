//! Real people: every member and every relay is a process of the real program, in folders of its own.
//!
//! A [`Stage`] is a temporary folder with homes and relays. A [`Home`] does verbs, and is started, ended
//! and killed; a [`Process`] that is dropped is killed by its own id and waited for, so nothing outlives
//! a test. What has to happen is waited for by reading what the program prints, up to [`LONGEST`].

use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::netns::{Host, inside};

/// How long anything that is waited for may take. A guess, for a busy computer.
pub const LONGEST: Duration = Duration::from_secs(60);

/// A temporary folder in which people and relays live.
#[derive(Debug)]
pub struct Stage {
    program: PathBuf,
    dir: TempDir,
}

impl Stage {
    /// Where nobody is yet; everybody in it runs `program`.
    ///
    /// # Panics
    ///
    /// As everything here does when the computer does not do what a test needs of it.
    #[must_use]
    pub fn new(program: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("hearthlight-e2e-").tempdir();
        Self { program: program.to_owned(), dir: dir.expect("a temporary folder") }
    }

    /// The home of `name`, not set up yet.
    #[must_use]
    pub fn home(&self, name: &str) -> Home {
        Home {
            program: self.program.clone(),
            name: name.to_owned(),
            dir: self.path(&name.to_lowercase()),
            namespace: None,
        }
    }

    /// The home of `name`, set up without a passphrase.
    #[must_use]
    pub fn person(&self, name: &str) -> Home {
        let home = self.home(name);
        home.ok(["setup", "--name", name, "--no-passphrase"]);
        home
    }

    /// A relay's folder, made, with its address; it does not run yet.
    #[must_use]
    pub fn relay(&self, host: &str) -> Relay {
        let port = free_port().to_string();
        self.relay_with(host, &["--local", &port])
    }

    /// As [`Self::relay`], with other arguments of `relay init`.
    #[must_use]
    pub fn relay_with(&self, host: &str, arguments: &[&str]) -> Relay {
        let keeper = self.home(host);
        let dir = self.path(&format!("relay-{}", host.to_lowercase()));
        let mut words = vec!["relay", "init", "--dir", dir.to_str().expect("plain paths")];
        words.extend(arguments);
        let made = keeper.ok(words);
        Relay { address: text(&made["address"]), keeper, dir }
    }

    /// A path in this folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// One person's home.
#[derive(Clone, Debug)]
pub struct Home {
    program: PathBuf,
    /// The name at set-up, and in circles.
    pub name: String,
    /// The folder.
    pub dir: PathBuf,
    /// The network namespace in which verbs and nodes run, if it is not this computer's.
    namespace: Option<String>,
}

impl Home {
    /// The same home, on that computer.
    #[must_use]
    pub fn at(mut self, host: &Host) -> Self {
        self.namespace = Some(host.namespace.clone());
        self
    }

    /// A verb of this person, with `--json`, in surroundings that say nothing about this computer.
    #[must_use]
    pub fn command<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Command {
        let mut command = self.plain_command(words);
        command.arg("--json");
        command
    }

    /// As [`Self::command`], for people.
    #[must_use]
    pub fn plain_command<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Command {
        let mut command = match &self.namespace {
            Some(namespace) => inside(namespace, &self.program),
            None => Command::new(&self.program),
        };
        command.args(words).arg("--home").arg(&self.dir);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("HEARTHLIGHT_") {
                command.env_remove(variable);
            }
        }
        // Sockets then lie in the homes, and go with them.
        command.env_remove("XDG_RUNTIME_DIR").env("TZ", "UTC");
        command
    }

    /// Does a verb, whatever comes of it.
    pub fn does<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Done {
        Done::of(self.command(words), "")
    }

    /// Does a verb that reads `stdin`.
    pub fn does_with<W: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = W>,
        stdin: &str,
    ) -> Done {
        Done::of(self.command(words), stdin)
    }

    /// Does a verb that has to go well, and answers its last object.
    pub fn ok<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Value {
        self.does(words).well().pop().unwrap_or_default()
    }

    /// Does a verb that has to go well, and answers all its objects.
    pub fn lines<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Vec<Value> {
        self.does(words).well()
    }

    /// Does a verb that has to be refused, and answers exit code and kind.
    pub fn refused<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> (i32, String) {
        self.does(words).refusal()
    }

    /// Starts this person's node.
    #[must_use]
    pub fn start(&self) -> Process {
        let mut node = Process::of(self.command(["start"]));
        node.hear();
        node
    }

    /// Begins a verb that goes on.
    #[must_use]
    pub fn begin<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Process {
        Process::of(self.command(words))
    }

    /// Follows everything that is said and marked in `circle`.
    #[must_use]
    pub fn follow(&self, circle: &str) -> Process {
        self.begin(["read", circle, "--follow", "--marks", "--limit", "0"])
    }

    /// Says something, with more flags; it has to go well.
    pub fn say(&self, circle: &str, text: &str, flags: &[&str]) -> Value {
        let mut words = vec!["say", circle, text];
        words.extend(flags);
        self.ok(words)
    }

    /// The texts that this person reads in `circle`, in order.
    #[must_use]
    pub fn texts(&self, circle: &str) -> Vec<String> {
        texts_of(&self.lines(["read", circle, "--limit", "0"]))
    }

    /// A new circle at these relays.
    pub fn found(&self, circle: &str, relays: &[&Relay]) -> Value {
        let mut words = vec!["circle", "new", circle, "--as", &self.name];
        for relay in relays {
            words.extend(["--relay", &relay.address]);
        }
        self.ok(words)
    }

    /// The code of a new invite.
    #[must_use]
    pub fn invite(&self, circle: &str, flags: &[&str]) -> String {
        let mut words = vec!["invite", "new", circle];
        words.extend(flags);
        let invite = self.ok(words);
        assert_eq!(invite["registered"], true, "{invite}");
        text(&invite["code"])
    }

    /// Asks to join with a code; a host, whose node runs, lets them in.
    pub fn join(&self, code: &str, host: &Home, circle: &str) -> Value {
        let mut asking = self.command(["join", code, "--name", &self.name, "--wait", "60s"]);
        let mut asking = asking.spawn().expect("the program runs");
        let until = Instant::now() + LONGEST;
        // A request is a change of state, and no event tells it to a script yet.
        while !host.lines(["waiting", circle]).iter().any(|request| request["name"] == *self.name) {
            assert!(Instant::now() < until, "nobody asks");
            if asking.try_wait().expect("a child").is_some() {
                break;
            }
        }
        if asking.try_wait().expect("a child").is_none() {
            host.ok(["admit", circle, &self.name]);
        }
        let output = asking.wait_with_output().expect("a child");
        let joined = Done { output }.well().pop().unwrap_or_default();
        assert_eq!(joined["state"], "member", "{joined}");
        joined
    }
}

/// A relay with its host.
#[derive(Debug)]
pub struct Relay {
    keeper: Home,
    /// The folder.
    pub dir: PathBuf,
    /// The address with its token.
    pub address: String,
}

impl Relay {
    /// The same relay, on that computer.
    #[must_use]
    pub fn at(mut self, host: &Host) -> Self {
        self.keeper = self.keeper.at(host);
        self
    }

    /// Runs it, until it is ready.
    #[must_use]
    pub fn run(&self) -> Process {
        self.run_with(&[])
    }

    /// As [`Self::run`], with more arguments.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str]) -> Process {
        let mut command = self.keeper.command(["relay", "run", "-O", "observe.listen="]);
        command.arg("--dir").arg(&self.dir).args(arguments);
        let mut relay = Process::of(command);
        relay.hear();
        relay
    }

    /// How it says that it is.
    #[must_use]
    pub fn status(&self) -> Value {
        let dir = self.dir.to_str().expect("plain paths");
        self.keeper.ok(["relay", "status", "--dir", dir])
    }

    /// The port that its address names.
    #[must_use]
    pub fn port(&self) -> u16 {
        let after = self.address.split("/tcp/").nth(1).unwrap_or_default();
        let port = after.split('/').next().and_then(|port| port.parse().ok());
        port.expect("a port in the address")
    }
}

/// What came of a verb.
#[derive(Debug)]
pub struct Done {
    /// As the system tells it.
    pub output: Output,
}

impl Done {
    /// Runs a command that reads `stdin`, to its end.
    #[must_use]
    pub fn of(mut command: Command, stdin: &str) -> Self {
        let shown = format!("{command:?}");
        if !stdin.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().expect("the program runs");
        let writer = child.stdin.take().map(|mut pipe| {
            let stdin = stdin.to_owned();
            // A verb that does not read has closed it.
            thread::spawn(move || drop(pipe.write_all(stdin.as_bytes())))
        });
        let ended = Watch::over(&child, &shown);
        let output = child.wait_with_output().expect("a child");
        ended.stand_down();
        drop(writer.map(thread::JoinHandle::join));
        Self { output }
    }

    /// The exit code; -1 if a signal ended it.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.output.status.code().unwrap_or(-1)
    }

    /// What it printed.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// What it said beside that.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The objects that it printed.
    #[must_use]
    pub fn objects(&self) -> Vec<Value> {
        let stdout = self.stdout();
        let object = |line| serde_json::from_str(line).expect("each line is an object");
        stdout.lines().map(object).collect()
    }

    /// The objects, of a verb that has to go well.
    #[must_use]
    pub fn well(&self) -> Vec<Value> {
        assert_eq!(self.code(), 0, "{}{}", self.stdout(), self.stderr());
        self.objects()
    }

    /// Exit code and kind, of a verb that has to be refused.
    #[must_use]
    pub fn refusal(&self) -> (i32, String) {
        let stderr = self.stderr();
        let mut errors = stderr.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["error"]["kind"].as_str().map(str::to_owned)
        });
        let kind = errors.next();
        (
            self.code(),
            kind.unwrap_or_else(|| format!("no error line, but: {stderr}{}", self.stdout())),
        )
    }
}

/// A process that goes on; it is killed, by its own id, when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Lines that were looked over by [`Self::until`].
    pub seen: Vec<Value>,
    stderr: Arc<Mutex<Vec<u8>>>,
    shown: String,
    began: Instant,
}

impl Process {
    /// Starts it.
    #[must_use]
    pub fn of(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        let mut child = command.spawn().expect("the program runs");
        let (tell, lines) = channel();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr: Arc<Mutex<Vec<u8>>> = Arc::default();
        let mut pipe = child.stderr.take().expect("stderr is a pipe");
        let kept = Arc::clone(&stderr);
        thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(read @ 1..) = pipe.read(&mut piece) {
                kept.lock().expect("no panics").extend_from_slice(&piece[..read]);
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
            seen: Vec::new(),
            stderr,
            shown,
            began: Instant::now(),
        }
    }

    /// Writes to its stdin; answers whether it still reads.
    pub fn tell(&mut self, words: &str) -> bool {
        let stdin = self.stdin.as_mut().expect("its stdin is a pipe");
        stdin.write_all(words.as_bytes()).is_ok()
    }

    /// Its stdin, to be written by somebody else.
    pub fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("its stdin is a pipe")
    }

    /// Ends its stdin.
    pub fn hush(&mut self) {
        self.stdin = None;
    }

    /// The next object that it prints.
    pub fn hear(&mut self) -> Value {
        self.next_before(Instant::now() + LONGEST)
            .unwrap_or_else(|| panic!("{} ended: {}", self.shown, self.stderr()))
    }

    /// The next object; `None` once it prints no more.
    pub fn next_or_end(&mut self) -> Option<Value> {
        self.next_before(Instant::now() + LONGEST)
    }

    fn next_before(&mut self, until: Instant) -> Option<Value> {
        match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                let object: Value = serde_json::from_str(&line).expect("each line is an object");
                self.seen.push(object.clone());
                Some(object)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{} prints nothing more: {}", self.shown, self.stderr())
            }
        }
    }

    /// Reads on until `is_it` says so of an object, and answers that.
    pub fn until(&mut self, mut is_it: impl FnMut(&Value) -> bool) -> Value {
        let until = Instant::now() + LONGEST;
        loop {
            let Some(object) = self.next_before(until) else {
                panic!("{} ended: {}", self.shown, self.stderr());
            };
            if is_it(&object) {
                return object;
            }
        }
    }

    /// Reads on until all of `texts` were said, in whatever order.
    pub fn until_said(&mut self, texts: &[String]) {
        let mut open: std::collections::HashSet<&str> = texts.iter().map(String::as_str).collect();
        for object in &self.seen {
            open.remove(object["text"].as_str().unwrap_or_default());
        }
        let began = Instant::now();
        while !open.is_empty() {
            // Each line may take as long as anything; all together take five times that at most.
            assert!(began.elapsed() < 5 * LONGEST, "{} of {} are missing", open.len(), texts.len());
            let object = self.hear();
            open.remove(object["text"].as_str().unwrap_or_default());
        }
    }

    /// What it said on stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().expect("no panics")).into_owned()
    }

    /// How long ago it was started.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Takes its power away (`kill -9`), and waits until it is gone.
    pub fn kill(mut self) {
        self.cut();
    }

    /// As [`Self::kill`], and what it printed up to then can still be read.
    pub fn cut(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends it as the system would (SIGTERM), and answers how it ended.
    pub fn end(mut self) -> ExitStatus {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = kill_process(id.expect("an id"), Signal::TERM);
        self.wait()
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let watch = Watch::over(&self.child, &self.shown);
        let status = self.child.wait().expect("a child");
        watch.stand_down();
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Kills a child that takes longer than twice [`LONGEST`], so that a test ends.
struct Watch {
    over: std::sync::mpsc::Sender<()>,
    shown: String,
    guard: thread::JoinHandle<bool>,
}

impl Watch {
    fn over(child: &Child, shown: &str) -> Self {
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("an id");
        let (over, told) = channel();
        let guard = thread::spawn(move || {
            // Nobody reaps the child before this thread was told, so the id is still the child's.
            let late = told.recv_timeout(2 * LONGEST) == Err(RecvTimeoutError::Timeout);
            if late {
                let _ = kill_process(id, Signal::KILL);
            }
            late
        });
        Self { over, shown: shown.to_owned(), guard }
    }

    fn stand_down(self) {
        let _ = self.over.send(());
        assert!(!self.guard.join().expect("no panics"), "{} does not end", self.shown);
    }
}

/// A wire between members and a relay that keeps all that passes.
#[derive(Debug)]
pub struct Wire {
    /// Where members have to dial.
    pub port: u16,
    passed: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Wire {
    /// A wire to a relay that listens, or will, at `to` on this computer.
    #[must_use]
    pub fn to(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let passed: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = Arc::clone(&passed);
        // Ends with the process: a listener cannot be told to stop, and costs nothing.
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if let Ok(far) = TcpStream::connect(("127.0.0.1", to)) {
                    carry(&near, &far, &kept);
                    carry(&far, &near, &kept);
                }
            }
        });
        Self { port, passed }
    }

    /// Everything that passed so far, one direction of one connection each.
    #[must_use]
    pub fn passed(&self) -> Vec<Vec<u8>> {
        self.passed.lock().expect("no panics").clone()
    }
}

fn carry(from: &TcpStream, to: &TcpStream, kept: &Arc<Mutex<Vec<Vec<u8>>>>) {
    let clones = (from.try_clone(), to.try_clone());
    let (Ok(mut from), Ok(mut to)) = clones else { return };
    let kept = Arc::clone(kept);
    let number = {
        let mut kept = kept.lock().expect("no panics");
        kept.push(Vec::new());
        kept.len() - 1
    };
    thread::spawn(move || {
        let mut piece = [0; 16_384];
        while let Ok(read @ 1..) = from.read(&mut piece) {
            kept.lock().expect("no panics")[number].extend_from_slice(&piece[..read]);
            if to.write_all(&piece[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        let _ = from.shutdown(Shutdown::Read);
    });
}

/// A port that is free now.
#[must_use]
pub fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a free port").port()
}

/// The texts of what was said, in order.
#[must_use]
pub fn texts_of(entries: &[Value]) -> Vec<String> {
    let said = entries.iter().filter(|entry| entry["kind"] == "said");
    said.map(|entry| text(&entry["text"])).collect()
}

/// A text of an object.
///
/// # Panics
///
/// If it is none.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Every file below `dir` with its bytes; sockets and what goes while this looks are left out.
#[must_use]
pub fn files_below(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut folders = VecDeque::from([dir.to_owned()]);
    let mut files = Vec::new();
    while let Some(folder) = folders.pop_front() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push_back(entry.path()),
                Ok(kind) if kind.is_file() => {
                    if let Ok(bytes) = fs::read(entry.path()) {
                        files.push((entry.path(), bytes));
                    }
                }
                _ => {}
            }
        }
    }
    files
}

/// Whether `bytes` hold `word`.
#[must_use]
pub fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
