//! Does what README.md says, and sees what it says one sees (U-192).
//!
//! The quickstart is typed into three real terminals. A fence ```` ```sh A ```` is typed into terminal A,
//! line by line; ```` ```text A ```` is what A shows afterwards, in this order, with `…` for whatever
//! differs. In it, a line that ends with `↵` is a question and what is typed; `^C` is pressed. ADDRESS and
//! CODE are copied from what another terminal showed, as a person copies them.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

const README: &str = include_str!("../../README.md");
const PROGRAM: &str = env!("CARGO_BIN_EXE_hearthlight");

/// U-192
#[test]
fn the_quickstart_does_what_it_says() {
    let begun = Instant::now();
    let Some(mut desk) = Desk::new() else { return };
    for block in blocks(README) {
        for terminal in block.terminals.chars() {
            match block.kind {
                "sh" => desk.types(terminal, &block.lines),
                _ => desk.sees(terminal, &block.lines),
            }
        }
    }
    desk.terminals.values_mut().for_each(Terminal::wait_for_prompt);
    let left: Vec<_> = desk.nodes.iter().filter(|&&pid| alive(pid)).collect();
    assert!(left.is_empty(), "nodes run after `wipe`: {left:?}");
    for folder in ["r", "a", "b"] {
        assert!(!desk.folder.path().join(folder).exists(), "{folder} is left");
    }
    // Guess, from U-192: what a newcomer gives a quickstart.
    assert!(begun.elapsed() < Duration::from_secs(300), "took {:?}", begun.elapsed());
    println!("the quickstart took {:?}", begun.elapsed());
}

/// U-74, U-190
#[test]
fn the_demo_prints_what_is_shown() {
    let folder = tempfile::tempdir().expect("a folder for the demo");
    let output =
        Command::new(PROGRAM).arg("demo").env("TMPDIR", folder.path()).output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let mut lines = printed.lines();
    for wanted in fenced(README, "text demo").into_iter().flat_map(|block| block.lines) {
        assert!(
            lines.any(|line| like(line.trim(), wanted.trim())),
            "{wanted:?} is not in\n{printed}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).expect("it can be listed").count(), 0, "files are left");
}

/// U-190
#[test]
fn the_table_of_verbs_is_what_the_program_lists() {
    let output = Command::new(PROGRAM).arg("--help").output().expect("it starts");
    let help = String::from_utf8_lossy(&output.stdout);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed: Vec<_> = listed
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.trim().split_once(' '))
        .filter(|(verb, _)| *verb != "help")
        .map(|(verb, about)| format!("| `{verb}` | {} |", about.trim()))
        .collect();
    let shown = README.lines().skip_while(|line| *line != "| verb | what it does |").skip(2);
    let shown: Vec<_> = shown.take_while(|line| line.starts_with('|')).collect();
    assert!(!listed.is_empty());
    assert_eq!(shown, listed, "the table in README.md wants to be:\n{}", listed.join("\n"));
}

/// A fenced block of the quickstart.
struct Block {
    /// `sh` or `text`.
    kind: &'static str,
    /// A letter each.
    terminals: String,
    lines: Vec<String>,
}

/// All blocks that belong to terminals.
fn blocks(page: &str) -> Vec<Block> {
    let mut all = fenced(page, "");
    all.retain(|block| {
        !block.terminals.is_empty() && block.terminals.chars().all(|name| "RAB".contains(name))
    });
    assert!(all.len() > 10, "README.md has lost its quickstart");
    all
}

/// The blocks whose fence begins with `start`.
fn fenced(page: &str, start: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else { continue };
        let inside: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let (kind, terminals) = fence.split_once(' ').unwrap_or((fence, ""));
        if fence.starts_with(start) {
            found.push(Block {
                kind: if kind == "sh" { "sh" } else { "text" },
                terminals: terminals.replace(' ', ""),
                lines: inside.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    found
}

/// Whether `line` is `wanted`, where `…` stands for anything.
fn like(line: &str, wanted: &str) -> bool {
    let Some((start, after)) = wanted.split_once('…') else { return line == wanted };
    line.strip_prefix(start).is_some_and(|rest| {
        let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        ends.any(|at| like(&rest[at..], after))
    })
}

/// Three terminals in one folder, and what was copied from them.
struct Desk {
    terminals: BTreeMap<char, Terminal>,
    /// The processes of `start --detach`.
    nodes: BTreeSet<i32>,
    /// Another port for the relay, where something else has the usual one.
    port: Option<u16>,
    /// Removed last.
    folder: tempfile::TempDir,
}

impl Desk {
    /// Nothing where this computer has no `script`, which lends a terminal (util-linux).
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the quickstart");
        let release = folder.path().join("target/release");
        fs::create_dir_all(&release).expect("the folder is ours");
        symlink(PROGRAM, release.join("hearthlight")).expect("the folder is ours");
        let mut terminals = BTreeMap::new();
        for name in ['R', 'A', 'B'] {
            terminals.insert(name, Terminal::open(name, folder.path())?);
        }
        let port = TcpListener::bind(("127.0.0.1", RELAY_PORT)).is_err().then(|| {
            let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
            free.local_addr().expect("it has an address").port()
        });
        Some(Self { terminals, nodes: BTreeSet::new(), port, folder })
    }

    /// Types lines as a person does: each once the one before has ended.
    fn types(&mut self, name: char, lines: &[String]) {
        for (number, line) in lines.iter().enumerate() {
            let line = self.filled_in(line);
            let terminal = self.terminal(name);
            terminal.wait_for_prompt();
            if number == 0 {
                // What a block shows may come from any of its lines.
                terminal.place = terminal.shown.len();
            }
            terminal.send(&format!("{line}\n"));
            terminal.last = line;
        }
    }

    /// Waits until the lines stand there, in this order.
    fn sees(&mut self, name: char, lines: &[String]) {
        for line in lines {
            let (question, typed) = match line.strip_suffix('↵') {
                Some(asked) => {
                    let cut = asked.rfind([':', ']']).map_or(0, |at| at + 1);
                    (&asked[..cut], Some(self.filled_in(asked[cut..].trim())))
                }
                None => (line.as_str(), None),
            };
            let terminal = self.terminal(name);
            match typed {
                _ if line == "^C" => {
                    terminal.send("\u{3}");
                    terminal.wait_for_prompt();
                }
                Some(typed) => {
                    terminal.wait_for(question, true);
                    terminal.send(&format!("{typed}\n"));
                }
                None => terminal.wait_for(question, false),
            }
        }
        self.note_nodes();
    }

    /// ADDRESS and CODE are what terminals R and A showed.
    fn filled_in(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (word, name, start) in [("ADDRESS", 'R', "hl-relay:"), ("CODE", 'A', "HL1")] {
            if line.contains(word) {
                let shown = &self.terminals[&name].shown;
                let copied = shown
                    .lines()
                    .map(str::trim)
                    .find(|shown| shown.starts_with(start) && !shown.contains(' '));
                line = line.replace(word, copied.unwrap_or_else(|| panic!("no {word} in {name}")));
            }
        }
        match self.port {
            Some(port) => line.replace("--local", &format!("--local {port}")),
            None => line,
        }
    }

    fn terminal(&mut self, name: char) -> &mut Terminal {
        self.terminals.get_mut(&name).expect("R, A and B are open")
    }

    fn homes(&self) -> impl Iterator<Item = PathBuf> {
        let folder = self.folder.path().to_owned();
        ["a", "b"].into_iter().map(move |home| folder.join(home)).filter(|home| home.exists())
    }

    fn note_nodes(&mut self) {
        for home in self.homes().collect::<Vec<_>>() {
            let status = program(&home, self.folder.path(), &["status", "--json"]);
            let status: serde_json::Value = serde_json::from_str(&status).unwrap_or_default();
            let pid = status["pid"].as_i64().filter(|_| status["running"] == true);
            self.nodes.extend(pid.and_then(|pid| i32::try_from(pid).ok()));
        }
    }
}

impl Drop for Desk {
    /// Ends what a test that went wrong left running, by its process id.
    fn drop(&mut self) {
        for home in self.homes().collect::<Vec<_>>() {
            program(&home, self.folder.path(), &["stop"]);
        }
        for &pid in &self.nodes {
            end(pid);
        }
    }
}

/// A shell at a terminal of its own.
struct Terminal {
    name: char,
    child: Child,
    keys: ChildStdin,
    screen: Receiver<String>,
    /// All that it showed so far.
    shown: String,
    /// What was looked at already.
    place: usize,
    /// Where it was when something was typed last.
    typed_at: usize,
    /// The last line that was typed.
    last: String,
}

impl Terminal {
    fn open(name: char, folder: &Path) -> Option<Self> {
        let shell = "bash --norc --noprofile --noediting -i";
        let child = Command::new("script")
            .args(["-q", "-f", "-c", shell, "/dev/null"])
            .current_dir(folder)
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .envs([("HOME", folder.as_os_str()), ("XDG_RUNTIME_DIR", folder.as_os_str())])
            .envs([("PS1", PROMPT), ("TERM", "dumb"), ("SHELL", "/bin/sh"), ("HISTFILE", "")])
            .envs([("LC_ALL", "C.UTF-8"), ("HEARTHLIGHT_BROWSER", "none")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(missing) if missing.kind() == ErrorKind::NotFound => {
                assert!(env::var_os("CI").is_none(), "the gate needs `script` (util-linux)");
                println!("skipped: no `script` (util-linux) to lend a terminal");
                return None;
            }
            Err(other) => panic!("script does not start: {other}"),
        };
        let keys = child.stdin.take().expect("it is piped");
        let mut output = child.stdout.take().expect("it is piped");
        let (tell, screen) = sync_channel(64);
        thread::spawn(move || {
            let (mut bytes, mut rest) = ([0; 4096], Vec::new());
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                rest.extend_from_slice(&bytes[..read]);
                // A letter of several bytes may come in two pieces.
                let whole = match str::from_utf8(&rest) {
                    Ok(_) => rest.len(),
                    Err(cut) if cut.error_len().is_none() => cut.valid_up_to(),
                    Err(_) => rest.len(),
                };
                let text: Vec<u8> = rest.drain(..whole).collect();
                let text = String::from_utf8_lossy(&text).replace('\r', "");
                if tell.send(text).is_err() {
                    break;
                }
            }
        });
        Some(Self {
            name,
            child,
            keys,
            screen,
            shown: String::new(),
            place: 0,
            typed_at: 0,
            last: String::new(),
        })
    }

    fn send(&mut self, keys: &str) {
        self.typed_at = self.shown.len();
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("it is open");
    }

    /// Whether the shell asks again since something was typed.
    fn at_prompt(&self) -> bool {
        let last = self.shown.rfind('\n').map_or(0, |end| end + 1);
        last >= self.typed_at && &self.shown[last..] == PROMPT
    }

    fn wait_for_prompt(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.at_prompt() {
            self.look(deadline, "its prompt");
        }
    }

    /// Waits for a line, or for a question that has no line's end yet. What only looks is typed again
    /// where it came too early, as the text says.
    fn wait_for(&mut self, wanted: &str, question: bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(end) = self.find(wanted, question) {
                self.place += end;
                return;
            }
            let looks = LOOKING.iter().any(|verb| self.last.starts_with(verb));
            if looks && self.at_prompt() {
                let again = format!("{}\n", self.last);
                self.wait_a_moment();
                self.place = self.shown.len();
                self.send(&again);
            }
            self.look(deadline, wanted);
        }
    }

    fn find(&self, wanted: &str, question: bool) -> Option<usize> {
        let mut end = 0;
        for line in self.shown[self.place..].split_inclusive('\n') {
            end += line.len();
            let found = match question {
                true => line.contains(wanted),
                false => line.ends_with('\n') && shows(line.trim(), wanted.trim()),
            };
            if found {
                return Some(end);
            }
        }
        None
    }

    fn look(&mut self, deadline: Instant, wanted: &str) {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.screen.recv_timeout(left) {
            Ok(text) => self.shown.push_str(&text),
            Err(_) => {
                panic!("terminal {} does not show {wanted:?}:\n{}", self.name, self.shown)
            }
        }
    }

    /// Between two looks at something that only another process can bring about.
    fn wait_a_moment(&mut self) {
        match self.screen.recv_timeout(BETWEEN_LOOKS) {
            Ok(text) => self.shown.push_str(&text),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("terminal {} is gone", self.name),
        }
    }
}

impl Drop for Terminal {
    /// A terminal's end is not a relay's end, which takes the hang-up for a reload: so by id.
    fn drop(&mut self) {
        let script = i32::try_from(self.child.id()).expect("a process id");
        descendants(script).into_iter().for_each(end);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a line shows what is wanted. Who reads may be quicker than the relay.
fn shows(line: &str, wanted: &str) -> bool {
    like(line, wanted) || wanted == "Relayed." && like(line, "Received by …")
}

/// Runs a verb and waits for it; what it printed.
fn program(home: &Path, runtime: &Path, arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env("HEARTHLIGHT_HOME", home)
        .env("XDG_RUNTIME_DIR", runtime)
        .stdin(Stdio::null())
        .output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// All processes below `pid`, the nearest first.
fn descendants(pid: i32) -> Vec<i32> {
    let mut found = vec![pid];
    for at in 0.. {
        let Some(pid) = found.get(at) else { break };
        let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let listed = listed.unwrap_or_default();
        found.extend(listed.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    found.split_off(1)
}

fn alive(pid: i32) -> bool {
    // One that ended, and that nobody waited for, is not alive.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let ended = stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
    !ended && Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

fn end(pid: i32) {
    if alive(pid)
        && let Some(pid) = Pid::from_raw(pid)
    {
        let _ = kill_process(pid, Signal::KILL);
    }
}

const PROMPT: &str = "hl> ";

/// Verbs that change nothing: what they show may not have come yet.
const LOOKING: [&str; 2] = ["$H read ", "$H waiting "];

/// Members acknowledge once a minute (R-40), and a relay that is away is dialed again ever more rarely.
const PATIENCE: Duration = Duration::from_secs(150);

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// What `--local` takes (U-80).
const RELAY_PORT: u16 = 4270;
