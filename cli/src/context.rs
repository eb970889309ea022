//! What every verb is given: the home, the writer, and what the global flags said.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, Notify};

use crate::{
    advice::Failure,
    args::{Color, Global},
    node::{
        api::{Server, kind},
        home::Home,
    },
    output::{Output, stdout_is_terminal},
    prompt,
};

/// The surroundings of one verb.
pub(crate) struct Context {
    /// The one writer.
    pub(crate) output: Output,
    /// Whether questions are answered with yes.
    pub(crate) yes: bool,
    /// Whether a log was asked for.
    pub(crate) logs: bool,
    home: Option<PathBuf>,
    color: Color,
    passphrase_file: Option<PathBuf>,
    /// The node that this verb became, if nobody served (U-8).
    node: Mutex<Option<Server>>,
    serves: Notify,
    /// Whether that node, or the one that was followed, was asked to end, by `start` or `stop`.
    gave_way: Arc<AtomicBool>,
}

impl Context {
    /// Reads the global flags; a flag beats its variable (U-2).
    pub(crate) fn new(global: &Global) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = global
            .home
            .clone()
            .or_else(|| variable("HEARTHLIGHT_HOME").map(PathBuf::from))
            .or_else(|| data_home().map(|data| data.join("hearthlight")));
        let passphrase_file = global
            .passphrase_file
            .clone()
            .or_else(|| variable("HEARTHLIGHT_PASSPHRASE_FILE").map(PathBuf::from));
        let color = match global.color {
            Color::Auto if variable("NO_COLOR").is_some() => Color::Never,
            chosen => chosen,
        };
        Self {
            output: Output::new(global.json, global.quiet),
            yes: global.yes,
            logs: global.log.is_some(),
            // A relative folder counts from where the verb was started.
            home: home.and_then(|home| std::path::absolute(home).ok()),
            color,
            passphrase_file,
            node: Mutex::new(None),
            serves: Notify::new(),
            gave_way: Arc::default(),
        }
    }

    /// The folder of this home.
    pub(crate) fn home_folder(&self) -> Result<&PathBuf, Failure> {
        self.home.as_ref().ok_or_else(|| Failure::missing("The home folder", "--home DIR"))
    }

    /// This home; nothing is read yet.
    pub(crate) fn home(&self) -> Result<Home, Failure> {
        Ok(Home::at(self.home_folder()?))
    }

    /// The same, with the command that closes this home to others where that is what it takes. The
    /// node leaves the path out, since what it answers may be shown to others.
    pub(crate) fn naming_home(&self, failure: Failure) -> Failure {
        let general = failure.hint() == Some(kind("home-open-to-others").hint);
        match &self.home {
            Some(home) if general => {
                let path = home.display().to_string().replace('\'', "'\\''");
                failure.advising(format!("chmod -R go= '{path}'"))
            }
            _ => failure,
        }
    }

    /// Whether to draw with colors.
    pub(crate) fn colors(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => stdout_is_terminal(),
        }
    }

    /// The passphrase that a flag or variable names.
    pub(crate) fn given_passphrase(&self) -> Result<Option<String>, Failure> {
        self.passphrase_file.as_deref().map(prompt::passphrase_from).transpose()
    }

    /// The passphrase of this home: none, the given one, or the one that a person types (U-8).
    pub(crate) async fn passphrase(&self) -> Result<Option<String>, Failure> {
        if !self.home()?.has_passphrase()? {
            return Ok(None);
        }
        if let Some(given) = self.given_passphrase()? {
            return Ok(Some(given));
        }
        if !prompt::can_ask() {
            return Err(Failure::of("needs-passphrase"));
        }
        prompt::secret("Passphrase:").await.map(Some)
    }

    /// Keeps the node that this verb has become.
    pub(crate) async fn serve(&self, server: Server) {
        *self.node.lock().await = Some(server);
        self.serves.notify_one();
    }

    /// Ends the node that this verb has become whenever another verb asks for that: `start`, which
    /// is the node from then on, or `stop`. Never answers.
    pub(crate) async fn give_way(&self) -> std::convert::Infallible {
        loop {
            self.serves.notified().await;
            let asked = self.node.lock().await.as_ref().map(Server::end_asked);
            if let Some(asked) = asked {
                asked.await;
                self.gave_way.store(true, Ordering::Relaxed);
                self.finish(Duration::ZERO).await;
            }
        }
    }

    /// Whether the node that this verb was, or followed, was asked to end: nobody goes on in its place but who
    /// asked for that.
    pub(crate) fn gave_way(&self) -> &Arc<AtomicBool> {
        &self.gave_way
    }

    /// Whether this verb has become the node.
    pub(crate) async fn is_node(&self) -> bool {
        self.node.lock().await.is_some()
    }

    /// Ends the node that this verb has become, after its other clients, at most `grace` later.
    pub(crate) async fn finish(&self, grace: Duration) {
        if let Some(server) = self.node.lock().await.take() {
            server.finish(grace).await;
        }
    }
}

/// Where programs keep a person's data: `$XDG_DATA_HOME`, else `~/.local/share`.
pub(crate) fn data_home() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
}
