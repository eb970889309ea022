//! `demo`: a relay and three members on this computer, each a process of this program (U-74).
//!
//! Everything is done by the verbs that people use, with `--json`, in folders that are removed
//! afterwards. What is shown: joining by an invite, talking, being away and coming back, an honest
//! mark while the relay is away, a removal, and that the relay's files hold no word of what was said.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{advice::Failure, context::Context, fields::one_line};

/// Runs the demo, in at most [`LONGEST`].
pub(crate) async fn demo(context: &Context, keep: Option<PathBuf>) -> Result<(), Failure> {
    let begun = Instant::now();
    let stage = Stage::new(keep)?;
    let mut play = Play { context, stage: &stage, steps: 0, messages: 0, marker: marker()? };
    let end = timeout(LONGEST, play.perform()).await;
    let outcome = match end {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::of("timed-out").saying("The demo took longer than 30 s.")),
    };
    let (steps, messages) = (play.steps, play.messages);
    let object = json!({
        "v": 1, "ok": outcome.is_ok(), "steps": steps, "messages": messages, "ms": ms(begun),
    });
    // The last line says how it went, to people too.
    context.output.object(&object, |_| match &outcome {
        Ok(()) => "OK".to_owned(),
        Err(failure) => format!("Step {} did not go well: {}", steps + 1, failure.sentence()),
    })?;
    outcome.map_err(|failure| Failure::of("check-failed").saying(failure.sentence()))
}

/// The play, step by step.
struct Play<'a> {
    context: &'a Context,
    stage: &'a Stage,
    steps: u32,
    messages: u32,
    /// Stands in all that is said and in all names; the relay's files are searched for it.
    marker: String,
}

impl Play<'_> {
    async fn perform(&mut self) -> Result<(), Failure> {
        let stage = self.stage;
        let began = Instant::now();
        let address = stage.make_relay().await?;
        let relay = stage.run_relay().await?;
        self.done("A relay runs on this computer", began)?;

        let began = Instant::now();
        let mut running = Vec::new();
        for member in MEMBERS {
            stage.verb(member, &["setup", "--name", member, "--no-passphrase"]).await?;
            running.push(stage.start(member).await?);
        }
        self.done("Heron, Otter and Wren each have a home", began)?;

        let began = Instant::now();
        let circle = format!("Demo {}", self.marker);
        stage.verb(HERON, &["circle", "new", &circle, "--relay", &address]).await?;
        let invite = stage.verb(HERON, &["invite", "new", "Demo", "--uses", "2"]).await?;
        let code = invite["code"].as_str().unwrap_or_default().to_owned();
        self.done("Heron starts a circle and makes an invite", began)?;

        for guest in [OTTER, WREN] {
            let began = Instant::now();
            self.join(guest, &code).await?;
            self.done(&format!("{guest} joins with the invite; Heron says yes"), began)?;
        }

        let began = Instant::now();
        // A member acknowledges once a minute, so only the first is waited for.
        self.say(HERON, "good evening", "received").await?;
        for member in [OTTER, WREN] {
            self.say(member, "good evening", "relayed").await?;
        }
        self.all_read(&MEMBERS).await?;
        self.done("Each says something, and all read it", began)?;

        let began = Instant::now();
        stage.verb(WREN, &["stop"]).await?;
        self.say(HERON, "said while Wren was away", "relayed").await?;
        running.push(stage.start(WREN).await?);
        self.all_read(&MEMBERS).await?;
        self.done("Wren is away, comes back, and misses nothing", began)?;

        let began = Instant::now();
        end(relay).await;
        let said = self.say(HERON, "said without a relay", "").await?;
        if said["mark"] != "waiting" {
            return Err(trouble("Without a relay the mark is not `waiting`."));
        }
        self.done("The relay is away: Heron's message waits, and says so", began)?;

        let began = Instant::now();
        running.push(stage.run_relay().await?);
        self.all_read(&MEMBERS).await?;
        self.done("The relay is back: everybody reads what waited", began)?;

        let began = Instant::now();
        self.remove_wren().await?;
        self.done("Heron removes Wren, who reads nothing that is said afterwards", began)?;

        let began = Instant::now();
        let files = stage.search_relay(&[
            &self.marker,
            "good evening",
            "Heron",
            "Otter",
            "Wren",
            "Demo",
        ])?;
        self.done(&format!("The relay's {files} files hold no word of it"), began)?;
        self.show_transcript().await?;
        // Otherwise they are ended by force, and may still write into folders that go.
        for process in running {
            end(process).await;
        }
        Ok(())
    }

    /// A guest asks, Heron lets them in, the guest is a member.
    async fn join(&self, guest: &str, code: &str) -> Result<(), Failure> {
        let words = ["join", "-", "--name", guest, "--wait", "15s"];
        let asking = self.stage.verb_with(guest, &words, code);
        let welcoming = async {
            loop {
                let waiting = self.stage.lines(HERON, &["waiting", "Demo"]).await?;
                if waiting.iter().any(|request| request["name"] == guest) {
                    return self.stage.verb(HERON, &["admit", "Demo", guest]).await;
                }
                sleep(LOOK_AGAIN).await;
            }
        };
        let (joined, _) = tokio::try_join!(asking, welcoming)?;
        if joined["state"] == "member" { Ok(()) } else { Err(trouble("The guest is not in.")) }
    }

    /// Heron removes Wren; Otter reads on, and Wren is told and does not.
    async fn remove_wren(&mut self) -> Result<(), Failure> {
        let stage = self.stage;
        stage.verb(HERON, &["member", "remove", "Demo", WREN, "--yes"]).await?;
        while stage.verb(WREN, &["circle", "show", "Demo"]).await?["state"] != "removed" {
            sleep(LOOK_AGAIN).await;
        }
        self.say(HERON, "said without Wren", "relayed").await?;
        self.all_read(&[HERON, OTTER]).await?;
        let read = stage.lines(WREN, &["read", "Demo", "--limit", "0"]).await?;
        let holds = |entry: &Value| {
            entry["text"].as_str().is_some_and(|text| text.starts_with("said without Wren"))
        };
        if read.iter().any(holds) {
            return Err(trouble("Wren reads on after the removal."));
        }
        Ok(())
    }

    async fn say(&mut self, member: &str, text: &str, wait: &str) -> Result<Value, Failure> {
        let text = format!("{text} {}", self.marker);
        let mut words = vec!["say", "Demo", &text];
        if wait.is_empty() {
            words.extend(["--timeout", "1s"]);
        } else {
            words.extend(["--wait", wait, "--timeout", "10s"]);
        }
        let said = self.stage.verb(member, &words).await?;
        self.messages += 1;
        Ok(said)
    }

    /// Waits until each of `members` has all that was said.
    async fn all_read(&self, members: &[&str]) -> Result<(), Failure> {
        for member in members {
            loop {
                let read = self.stage.lines(member, &["read", "Demo", "--limit", "0"]).await?;
                let said = read.iter().filter(|entry| entry["kind"] == "said");
                let marked = said.filter(|entry| {
                    entry["text"].as_str().is_some_and(|text| text.ends_with(&self.marker))
                });
                if marked.count() == usize::try_from(self.messages).unwrap_or(usize::MAX) {
                    break;
                }
                sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }

    fn done(&mut self, name: &str, began: Instant) -> Result<(), Failure> {
        self.steps += 1;
        let object = json!({"v": 1, "step": self.steps, "name": name, "ok": true, "ms": ms(began)});
        self.context.output.object(&object, |fields| {
            format!(
                "{}  {}  ({} ms)",
                fields.count("step"),
                fields.text("name"),
                fields.count("ms")
            )
        })
    }

    /// What Otter reads in the end, as people see it.
    async fn show_transcript(&self) -> Result<(), Failure> {
        if self.context.output.is_json() {
            return Ok(());
        }
        let mut command = self.stage.command(OTTER);
        command.args(["read", "Demo", "--limit", "0"]);
        let output = command.output().await.map_err(|_| Failure::of("internal"))?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let text = one_line(line).replace(&format!(" {}", self.marker), "");
            self.context.output.line(&format!("   | {text}"))?;
        }
        Ok(())
    }
}

/// Where it plays: the folders, and this program.
struct Stage {
    dir: PathBuf,
    /// Removes the folders when it goes.
    _temporary: Option<tempfile::TempDir>,
    program: PathBuf,
    port: u16,
}

impl Stage {
    fn new(keep: Option<PathBuf>) -> Result<Self, Failure> {
        let unwritable = |_| Failure::usage("The folder for the demo cannot be made.");
        let (dir, temporary) = match keep {
            Some(dir) => {
                fs::create_dir_all(&dir).map_err(unwritable)?;
                if fs::read_dir(&dir).map_err(unwritable)?.next().is_some() {
                    return Err(Failure::usage("The folder for the demo has to be empty."));
                }
                (std::path::absolute(&dir).map_err(unwritable)?, None)
            }
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("hearthlight-demo-")
                    .tempdir()
                    .map_err(unwritable)?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let program = std::env::current_exe().map_err(|_| Failure::of("internal"))?;
        // Free now, and again when the relay comes back, unless somebody is very quick.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.map_err(|_| Failure::of("port-in-use"))?.port();
        Ok(Self { dir, _temporary: temporary, program, port })
    }

    /// A verb of `member`, not yet said which. It ends with the demo.
    fn command(&self, member: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--home").arg(self.dir.join(member.to_lowercase()));
        command.kill_on_drop(true).stdin(Stdio::null());
        // Sockets then lie in the homes, and go with them.
        command.env_remove("XDG_RUNTIME_DIR");
        for variable in ["HEARTHLIGHT_HOME", "HEARTHLIGHT_PASSPHRASE_FILE", "HEARTHLIGHT_LANG"] {
            command.env_remove(variable);
        }
        command
    }

    /// What a verb answers: one object.
    async fn verb(&self, member: &str, words: &[&str]) -> Result<Value, Failure> {
        self.verb_with(member, words, "").await
    }

    async fn verb_with(&self, member: &str, words: &[&str], stdin: &str) -> Result<Value, Failure> {
        let mut lines = self.run(member, words, stdin).await?;
        Ok(lines.pop().unwrap_or_default())
    }

    /// What a list verb answers.
    async fn lines(&self, member: &str, words: &[&str]) -> Result<Vec<Value>, Failure> {
        self.run(member, words, "").await
    }

    async fn run(&self, member: &str, words: &[&str], stdin: &str) -> Result<Vec<Value>, Failure> {
        let mut command = self.command(member);
        command.args(["--json", "--quiet"]).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|_| Failure::of("internal"))?;
        if let Some(mut pipe) = child.stdin.take() {
            // A verb that does not read has closed it.
            let _ = pipe.write_all(stdin.as_bytes()).await;
        }
        let output = child.wait_with_output().await.map_err(|_| Failure::of("internal"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let error = said.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
            let why = error.map_or_else(
                || "it said nothing.".to_owned(),
                |line| Failure::from_problem(&line["error"]).sentence(),
            );
            let verb = words.first().copied().unwrap_or_default();
            return Err(trouble(&format!("{member}, {verb}: {why}")));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    async fn make_relay(&self) -> Result<String, Failure> {
        let (dir, port) = (self.relay_dir(), self.port.to_string());
        let words = ["relay", "init", "--dir", &dir.to_string_lossy(), "--local", &port];
        let made = self.verb(RELAY, &words).await?;
        let address = made["address"].as_str().map(str::to_owned);
        address.ok_or_else(|| trouble("The relay has no address."))
    }

    async fn run_relay(&self) -> Result<Child, Failure> {
        let mut command = self.command(RELAY);
        command.args(["--json", "relay", "run", "--dir"]).arg(self.relay_dir());
        ready(command).await
    }

    async fn start(&self, member: &str) -> Result<Child, Failure> {
        let mut command = self.command(member);
        command.args(["--json", "start"]);
        ready(command).await
    }

    fn relay_dir(&self) -> PathBuf {
        self.dir.join(RELAY)
    }

    /// Searches all that the relay has for `words`; answers how many files that were.
    fn search_relay(&self, words: &[&str]) -> Result<usize, Failure> {
        let files = files_in(&self.relay_dir())?;
        for file in &files {
            let bytes =
                fs::read(file).map_err(|_| trouble("A file of the relay cannot be read."))?;
            if words.iter().any(|word| holds(&bytes, word.as_bytes())) {
                return Err(trouble("A file of the relay holds a word that was said."));
            }
        }
        if files.is_empty() { Err(trouble("The relay has no files.")) } else { Ok(files.len()) }
    }
}

/// Starts what stays, and waits for the line that says that it is ready.
async fn ready(mut command: Command) -> Result<Child, Failure> {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|_| Failure::of("internal"))?;
    let stdout = child.stdout.take().ok_or_else(|| Failure::of("internal"))?;
    let mut lines = BufReader::new(stdout).lines();
    match timeout(READY, lines.next_line()).await {
        Ok(Ok(Some(_))) => {
            // Somebody has to go on listening, or its next line would find nobody.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            Ok(child)
        }
        _ => Err(trouble("What was started does not get ready.")),
    }
}

/// Ends a process as a person would, and waits until it has ended.
async fn end(mut child: Child) {
    let id =
        child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
    if timeout(READY, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

fn files_in(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |_| trouble("A folder of the relay cannot be read.");
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).map_err(unreadable)?.flatten() {
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// A word that stands nowhere else.
fn marker() -> Result<String, Failure> {
    let mut draw = [0_u8; 6];
    getrandom::fill(&mut draw).map_err(|_| Failure::of("internal"))?;
    Ok(draw.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn trouble(sentence: &str) -> Failure {
    Failure::of("check-failed").saying(sentence)
}

fn ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

const HERON: &str = "Heron";
const OTTER: &str = "Otter";
const WREN: &str = "Wren";
const MEMBERS: [&str; 3] = [HERON, OTTER, WREN];
const RELAY: &str = "relay";

/// U-74
const LONGEST: Duration = Duration::from_secs(30);
/// Opening a home and a port takes far less. A guess.
const READY: Duration = Duration::from_secs(10);
/// Between two looks at what takes its time.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("relay")).unwrap();
        fs::create_dir(folder.path().join("relay/store")).unwrap();
        fs::write(folder.path().join("relay/store/a"), b"\x00\x01good evening\x02").unwrap();
        let stage = Stage {
            dir: folder.path().to_owned(),
            _temporary: None,
            program: PathBuf::new(),
            port: 0,
        };
        assert_eq!(stage.search_relay(&["good morning"]).unwrap(), 1);
        assert!(stage.search_relay(&["evening"]).is_err());
    }

    #[test]
    fn a_folder_to_keep_has_to_be_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Stage::new(Some(folder.path().to_owned())).is_ok());
        fs::write(folder.path().join("a"), b"").unwrap();
        assert!(Stage::new(Some(folder.path().to_owned())).is_err());
    }
}
