//! The node as a person sees it: `start`, `stop`, `status`, `lock`, `unlock` (U-21 to U-25).

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep, timeout},
};

use crate::{
    advice::Failure,
    args::Start,
    client::{Class, Client},
    context::Context,
    fields::{Fields, counted},
    node::{
        NodeError,
        api::{Options, Server},
    },
    page::SITE,
    prompt,
};

/// Becomes the node until it is told to end; one that runs already is enough.
pub(crate) async fn start(context: &Context, how: &Start) -> Result<(), Failure> {
    let home = context.home()?;
    if !home.is_set_up() {
        return Err(Failure::of("not-set-up"));
    }
    if how.detached {
        // A session of its own: no terminal's end is its end. It may have one already.
        let _ = rustix::process::setsid();
    }
    let mut passphrase = None;
    let mut before = Predecessor::new();
    let lock = loop {
        if let Some((_, status)) = before.gone(context).await? {
            return show_running(context, &status, true);
        }
        if how.detach {
            return detach(context).await;
        }
        if passphrase.is_none() {
            home.check()?;
            passphrase = Some(context.passphrase().await?);
        }
        match home.lock() {
            Ok(lock) => break lock,
            Err(NodeError::HomeBusy) if before.may_still_end() => before.wait().await,
            Err(error) => return Err(error.into()),
        }
    };
    let mut ends = Ends::new()?;
    let options = Options { network: true, foreground: true, site: Some(&SITE) };
    let server = Server::start(home, lock, passphrase.flatten(), options).await?;
    let state = json!({
        "state": "open", "pid": std::process::id(), "socket": server.socket(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    match show_running(context, &state, false) {
        Err(failure) if !failure.is_quiet() => return Err(failure),
        // Nobody reads that it runs: it runs all the same.
        _ => {}
    }
    tokio::select! {
        () = server.ended() => {}
        () = ends.next() => {}
    }
    server.finish(GRACE).await;
    Ok(())
}

/// Who serves the home now, for whoever wants to be its node.
pub(super) struct Predecessor {
    deadline: Instant,
    yield_at: Instant,
    asked: bool,
}

impl Predecessor {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { deadline: now + VERB_END, yield_at: now + SHORT_VERB, asked: false }
    }

    /// Waits until nobody serves; or the node that goes on, with its status.
    pub(super) async fn gone<'a>(
        &mut self,
        context: &'a Context,
    ) -> Result<Option<(Client<'a>, Value)>, Failure> {
        while let Some(client) = Client::running(context, SILENCE).await? {
            let status = client.get("/v1/status").await?;
            // A verb that serves for its own duration ends soon, or gives way.
            if status.get("temporary") != Some(&Value::Bool(true)) || !self.may_still_end() {
                return Ok(Some((client, status)));
            }
            if Instant::now() > self.yield_at && !self.asked {
                self.asked = true;
                let _ = client.post("/v1/stop", json!({})).await;
            }
            client.close().await;
            self.wait().await;
        }
        Ok(None)
    }

    /// Whether it can be expected to end.
    pub(super) fn may_still_end(&self) -> bool {
        Instant::now() < self.deadline
    }

    /// Waits a moment.
    pub(super) async fn wait(&self) {
        sleep(STEP).await;
    }
}

fn show_running(context: &Context, status: &Value, already: bool) -> Result<(), Failure> {
    let object = json!({
        "v": 1, "state": status["state"], "already": already, "pid": status["pid"],
        "socket": status["socket"], "version": status["version"],
    });
    context.output.object(&object, |fields| match fields.text("state").as_str() {
        "locked" => "Running, and locked.".to_owned(),
        _ => "Running.".to_owned(),
    })
}

/// Starts this program once more, in the background, and waits until it answers.
async fn detach(context: &Context) -> Result<(), Failure> {
    context.home()?.check()?;
    let passphrase = context.passphrase().await?;
    let mut child = spawn_background(context.home_folder()?, passphrase).await?;
    let deadline = Instant::now() + DETACH_WAIT;
    loop {
        if let Some(ended) = child.try_wait().map_err(|_| Failure::of("internal"))? {
            let mut said = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                let _ = stderr.read_to_string(&mut said).await;
            }
            // Another one was faster, and goes on.
            if ended.success()
                && let Some(client) = Client::running(context, SILENCE).await?
            {
                return show_running(context, &client.get("/v1/status").await?, true);
            }
            let line: Option<Value> = said.lines().find_map(|line| serde_json::from_str(line).ok());
            let error = line.as_ref().and_then(|line| line.get("error"));
            return Err(match error {
                Some(error) => Failure::from_problem(error),
                None if ended.success() => Failure::of("not-running"),
                None => Failure::of("internal"),
            });
        }
        // Its lock is held while it starts, so this waits for its socket.
        if let Ok(Ok(Some(client))) = timeout(STEP * 10, Client::running(context, STEP)).await {
            let status = client.get("/v1/status").await?;
            if status["pid"].as_u64() == child.id().map(u64::from) {
                return show_running(context, &status, false);
            }
        }
        if Instant::now() > deadline {
            let _ = child.start_kill();
            return Err(Failure::of("timed-out"));
        }
        sleep(STEP).await;
    }
}

async fn spawn_background(home: &Path, passphrase: Option<String>) -> Result<Child, Failure> {
    let program = std::env::current_exe().map_err(|_| Failure::of("internal"))?;
    let mut command = Command::new(program);
    command.arg("--json").arg("--home").arg(home).args(["start", "--detached"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    if passphrase.is_some() {
        // Through a pipe: not in its arguments, which others can read, nor in a file.
        command.args(["--passphrase-file", "/dev/fd/0"]).stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(|_| Failure::of("internal"))?;
    if let (Some(passphrase), Some(mut stdin)) = (passphrase, child.stdin.take()) {
        let _ = stdin.write_all(format!("{passphrase}\n").as_bytes()).await;
    }
    Ok(child)
}

/// Ends the running node.
pub(crate) async fn stop(context: &Context) -> Result<(), Failure> {
    let stopped = timeout(STOP_WAIT, stop_running(context)).await;
    let stopped = stopped.unwrap_or_else(|_| Err(Failure::of("home-busy")));
    let was_running = stopped.map_err(|failure| match failure.kind() {
        "home-busy" => failure.advising("End the other program by hand, or restart this computer."),
        _ => failure,
    })?;
    let object = json!({"v": 1, "was_running": was_running});
    context.output.object(&object, |_| "Stopped.".to_owned())
}

/// Answers whether a node ran, once it has ended.
async fn stop_running(context: &Context) -> Result<bool, Failure> {
    let Some(client) = Client::running(context, STOP_WAIT).await? else {
        return Ok(false);
    };
    match client.post("/v1/stop", json!({})).await {
        // It was ending by itself.
        Err(failure) if failure.kind() != "not-running" => return Err(failure),
        _ => client.close().await,
    }
    let home = context.home()?;
    while matches!(home.lock(), Err(NodeError::HomeBusy)) {
        sleep(STEP).await;
    }
    Ok(true)
}

/// Says how things are, in one sentence each.
pub(crate) async fn status(context: &Context) -> Result<(), Failure> {
    let client = Client::open(context, Class::Local).await?;
    let mut status = client.get("/v1/status").await?;
    if context.is_node().await {
        // What answers is this verb itself: nothing runs.
        for (key, value) in [
            ("running", json!(false)),
            ("pid", Value::Null),
            ("socket", Value::Null),
            ("since", Value::Null),
        ] {
            status[key] = value;
        }
    }
    if let Some(fields) = status.as_object_mut() {
        // These are for other verbs.
        fields.retain(|key, _| key != "temporary" && key != "dials");
    }
    context.output.object(&status, plain_status)
}

fn plain_status(fields: Fields<'_>) -> String {
    if fields.text("state") == "locked" {
        return "Locked. Nothing arrives until: hearthlight unlock".to_owned();
    }
    let network = match fields.text("network").as_str() {
        _ if !fields.flag("running") => "Not running. Messages arrive after: hearthlight start",
        "direct" => "Connected to members directly.",
        "relay" => "Connected through a relay.",
        _ if fields.count("circles") == 0 => "Running. There is no circle yet.",
        _ if fields.count("relays") == 0 => "Not connected. No circle has a relay.",
        _ => "Not connected. No relay can be reached.",
    };
    let queue = match fields.count("queued") {
        0 => "Nothing waits to go out.".to_owned(),
        1 => "1 message waits to go out.".to_owned(),
        many => format!("{many} messages wait to go out."),
    };
    let room = match fields.count("waiting_room") {
        0 => "Nobody asks to be let in.".to_owned(),
        1 => "1 person asks to be let in.".to_owned(),
        many => format!("{} ask to be let in.", counted(many, "person", "people")),
    };
    let path = match fields.count("one_path") {
        _ if !fields.flag("running") => String::new(),
        0 => String::new(),
        // H-25: nothing else would show what is held back there.
        1 => " 1 circle has no second way.".to_owned(),
        many => format!(" {many} circles have no second way."),
    };
    [&format!("{network}{path}"), &queue, &room].map(String::as_str).join("\n")
}

/// Closes the home until it is unlocked.
pub(crate) async fn lock(context: &Context) -> Result<(), Failure> {
    let answer = match Client::running(context, SILENCE).await? {
        Some(client) => client.post("/v1/lock", json!({})).await?,
        None => json!({"state": "locked"}),
    };
    let answer = json!({"v": 1, "state": answer["state"]});
    if !has_passphrase(context) {
        context.output.hint("This home has no passphrase, so anyone at this computer can open it.");
    }
    context.output.object(&answer, |_| "Locked.".to_owned())
}

/// Opens the home again.
pub(crate) async fn unlock(context: &Context) -> Result<(), Failure> {
    let Some(client) = Client::running(context, SILENCE).await? else {
        return Err(Failure::of("not-running"));
    };
    let status = client.get("/v1/status").await?;
    let body = if !has_passphrase(context) || status["state"] == "open" {
        json!({})
    } else if let Some(given) = context.given_passphrase()? {
        json!({"passphrase": given})
    } else if prompt::can_ask() {
        json!({"passphrase": prompt::secret("Passphrase:").await?})
    } else {
        return Err(Failure::of("needs-passphrase"));
    };
    let answer = match status["state"].as_str() {
        Some("open") => json!({"v": 1, "state": "open"}),
        _ => client.post_within("/v1/unlock", body, UNLOCK_WAIT).await?,
    };
    let answer = json!({"v": 1, "state": answer["state"]});
    if !has_passphrase(context) {
        context.output.hint("This home has no passphrase, so anyone at this computer can open it.");
    }
    context.output.object(&answer, |_| "Open.".to_owned())
}

fn has_passphrase(context: &Context) -> bool {
    // Where that cannot be read there is nothing to say about it.
    context.home().ok().and_then(|home| home.has_passphrase().ok()).unwrap_or(true)
}

/// The signals that end what runs in the foreground: Ctrl-C, SIGTERM, a closed terminal.
pub(crate) struct Ends([Signal; 3]);

impl Ends {
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|_| Failure::of("internal"));
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    pub(crate) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// U-8: how long a held lock may come with a silent socket.
const SILENCE: Duration = Duration::from_secs(5);
/// U-22
const STOP_WAIT: Duration = Duration::from_secs(10);
/// U-21
const DETACH_WAIT: Duration = Duration::from_secs(10);
/// Most verbs have ended by then by themselves; the others are asked to go on as clients. A guess.
const SHORT_VERB: Duration = Duration::from_millis(500);
/// U-8: a verb that serves stays at most this long after its own work; with a margin.
const VERB_END: Duration = Duration::from_secs(65);
/// How long other clients may take when the node ends. A guess.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// A slow board takes seconds to open a home (U-183).
const UNLOCK_WAIT: Duration = Duration::from_secs(30);
/// Between two looks.
const STEP: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn plain(object: Value) -> String {
        plain_status(Fields::new(&object, &TimeZone::UTC))
    }

    #[test]
    fn status_is_a_sentence_each() {
        let running = json!({"v":1,"running":true,"state":"open","network":"relay","circles":1,"relays":1,
            "relays_up":1,"queued":0,"waiting_room":1});
        assert_eq!(
            plain(running),
            "Connected through a relay.\nNothing waits to go out.\n1 person asks to be let in."
        );
        let alone = json!({"v":1,"running":true,"state":"open","network":"relay","circles":3,"relays":4,
            "relays_up":3,"one_path":1,"queued":0,"waiting_room":0});
        assert!(
            plain(alone.clone())
                .starts_with("Connected through a relay. 1 circle has no second way.\n")
        );
        let mut more = alone;
        more["one_path"] = json!(2);
        assert!(plain(more).contains(" 2 circles have no second way.\n"));
        let offline = json!({"v":1,"running":true,"state":"open","network":"offline","circles":1,
            "relays":2,"queued":3,"waiting_room":0});
        assert!(
            plain(offline).starts_with("Not connected. No relay can be reached.\n3 messages wait")
        );
        let alone = json!({"v":1,"running":false,"state":"open","queued":1,"waiting_room":2});
        assert_eq!(
            plain(alone),
            "Not running. Messages arrive after: hearthlight start\n1 message waits to go out.\n\
             2 people ask to be let in."
        );
    }

    #[test]
    fn a_locked_node_says_only_that() {
        let locked = json!({"v":1,"running":true,"state":"locked","network":null,"queued":null});
        assert_eq!(plain(locked), "Locked. Nothing arrives until: hearthlight unlock");
    }
}
