//! The server of one home: its desk, its socket, and their end.
use std::{fs, io, path::Path, sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use zeroize::Zeroizing;

use super::{desk::Desk, routes, socket::OwnSocket};
use crate::{
    error::NodeError,
    home::{Home, HomeLock},
};

/// How a server is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether anything is dialed.
    pub network: bool,
    /// Whether it is there to be a node (`start`, `open`), rather than for one verb's duration.
    pub foreground: bool,
}

/// A node with its local API on the home's socket.
#[derive(Debug)]
pub struct Server {
    desk: Arc<Desk>,
    clients: watch::Receiver<usize>,
    close: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Opens a home that is set up, starts its node, and serves its socket.
    ///
    /// # Errors
    /// [`NodeError::NeedsPassphrase`], [`NodeError::WrongPassphrase`], and whatever keeps the home
    /// from being opened or the socket from being bound.
    pub async fn start(
        home: Home,
        lock: HomeLock,
        passphrase: Option<String>,
        options: Options,
    ) -> Result<Self, NodeError> {
        home.check()?;
        // U-13: what the person wrote there is meant, so it is never passed over. Nothing is dialed
        // around a proxy, and as long as none can be dialed through, nothing is dialed at all.
        if home.config()?.network.proxy.is_some() && options.network {
            return Err(NodeError::Config(NO_PROXY.into()));
        }
        let socket = home.prepare_socket()?;
        let desk = Arc::new(Desk::locked(home, lock, socket, options));
        let opened = desk.unlock(passphrase.map(Zeroizing::new)).await;
        match opened.and_then(|()| Self::serve(Arc::clone(&desk))) {
            Ok(server) => Ok(server),
            Err(error) => {
                desk.lock().await;
                leave(&desk);
                Err(error)
            }
        }
    }

    /// Serves a desk, open or locked.
    fn serve(desk: Arc<Desk>) -> Result<Self, NodeError> {
        let socket = OwnSocket::bind(&desk.socket).map_err(|error| unwritable(&error))?;
        let clients = socket.clients();
        let (close, closed) = oneshot::channel::<()>();
        let serving = axum::serve(socket, routes::table(Arc::clone(&desk)))
            .with_graceful_shutdown(async move { drop(closed.await) });
        let serving = tokio::spawn(async move {
            // Accepting goes on through every error, so there is none to tell.
            let _ = serving.await;
        });
        Ok(Self { desk, clients, close, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.desk.socket
    }

    /// Resolves once somebody asked for the end (`stop`, `wipe`).
    pub async fn ended(&self) {
        self.end_asked().await;
    }

    /// The same for who does not hold the server while waiting.
    pub fn end_asked(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut ended = self.desk.ended();
        async move { drop(ended.wait_for(|ended| *ended).await) }
    }

    /// Ends: lets other processes finish for at most `grace`, unless the end was asked for, then
    /// closes every connection, shuts the node down, and removes the socket.
    pub async fn finish(self, grace: Duration) {
        let Self { desk, mut clients, close, mut serving } = self;
        // Who needs relays looks again and again whether this one is gone: if it is found each time, it
        // never is.
        if !desk.options.network {
            let _ = fs::remove_file(desk.home.dir().join(ADDR_FILE));
        }
        let mut ended = desk.ended();
        tokio::select! {
            _ = async { drop(ended.wait_for(|ended| *ended).await) } => {}
            _ = async { drop(clients.wait_for(|count| *count == 0).await) } => {}
            () = sleep(grace) => {}
        }
        desk.end();
        drop(close);
        if timeout(LAST_WORDS, &mut serving).await.is_err() {
            serving.abort();
        }
        desk.lock().await;
        leave(&desk);
    }
}

/// Removes what leads here, then gives the home's lock back: whoever comes now finds no socket, and
/// takes the lock as soon as it is free.
fn leave(desk: &Desk) {
    for file in [&desk.socket, &desk.home.dir().join(ADDR_FILE)] {
        let _ = fs::remove_file(file);
    }
    desk.give_back();
}

fn unwritable(error: &io::Error) -> NodeError {
    match error.kind() {
        io::ErrorKind::StorageFull => NodeError::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => NodeError::ReadOnly,
        // The path may tell a name, so only the kind of error is told.
        kind => NodeError::Internal(format!("the socket cannot be made: {kind}")),
    }
}

const NO_PROXY: &str = "a proxy cannot be used yet, and nothing goes around one: take network.proxy \
                        out of config.toml, or stay offline";
/// Where the socket's path stands (U-8).
const ADDR_FILE: &str = "node.addr";
/// How long answers under way may take once the server ends; within the 10 s of `stop` (U-22).
const LAST_WORDS: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::{Value, json};
    use tempfile::TempDir;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
    };

    use super::*;

    /// A server over a locked home in a folder of its own.
    fn locked() -> (Server, TempDir) {
        let dir = TempDir::new().unwrap();
        let home = Home::at(dir.path());
        home.set_up("Heron", None, None, None).unwrap();
        (serve(&home), dir)
    }

    fn serve(home: &Home) -> Server {
        let (lock, socket) = (home.lock().unwrap(), home.prepare_socket().unwrap());
        let options = Options { network: false, foreground: true };
        let desk = Desk::locked(home.clone(), lock, socket, options);
        Server::serve(Arc::new(desk)).unwrap()
    }

    /// Status, head and body of an answer.
    async fn ask(server: &Server, head: &str, body: &str) -> (u16, String, Value) {
        let mut stream = UnixStream::connect(server.socket()).await.unwrap();
        let request = format!(
            "{head} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), serde_json::from_str(body).unwrap())
    }

    /// U-23
    #[tokio::test]
    async fn a_locked_home_tells_its_status_and_no_counts() {
        let (server, _dir) = locked();
        let (status, head, mut json) = ask(&server, "GET /v1/status", "").await;
        assert_eq!(status, 200);
        assert!(head.contains("hearthlight-version: "));
        assert!(json["since"].as_str().unwrap().ends_with('Z'));
        json["since"] = Value::Null;
        assert_eq!(
            json,
            json!({
                "v": 1, "running": true, "state": "locked", "version": env!("CARGO_PKG_VERSION"),
                "pid": std::process::id(), "socket": server.socket().to_str().unwrap(),
                "since": null, "network": null, "proxy": false, "circles": null,
                "relays_up": null, "relays": null, "one_path": null, "queued": null, "waiting_room": null,
                "page_open": false, "temporary": false, "dials": false,
            })
        );
    }

    /// U-25
    #[tokio::test]
    async fn everything_else_of_a_locked_home_is_locked() {
        let (server, _dir) = locked();
        for head in [
            "GET /v1/circles",
            "POST /v1/circles/~Test/invites",
            "GET /v1/circles/~Test/messages?limit=0",
            "GET /v1/doctor",
            "GET /v1/events",
            "GET /v1/joins",
        ] {
            let (status, kind, json) = ask(&server, head, "").await;
            assert_eq!(status, 423, "{head}");
            assert!(kind.contains("application/problem+json"), "{head}");
            assert_eq!((&json["kind"], &json["code"]), (&json!("locked"), &json!(4)), "{head}");
        }
    }

    /// U-105
    #[tokio::test]
    async fn what_is_not_a_route_is_a_problem_too() {
        let (server, _dir) = locked();
        let long = format!("GET /v1/status?x={}", "x".repeat(9_000));
        let fat = "x".repeat(70_000);
        for (head, body, status, kind) in [
            ("GET /nowhere", "", 404, "no-match"),
            ("GET /v1/nowhere", "", 404, "no-match"),
            ("DELETE /v1/status", "", 405, "usage"),
            ("GET /v1/doctor?offline=perhaps", "", 400, "usage"),
            ("POST /v1/unlock", "{", 400, "usage"),
            ("GET /v1/joins/%ff", "", 400, "usage"),
            (&long, "", 431, "too-large"),
            ("POST /v1/joins", &fat, 413, "too-large"),
        ] {
            let (got, head_lines, json) = ask(&server, head, body).await;
            assert_eq!((got, json["kind"].as_str()), (status, Some(kind)), "{head:.40}");
            assert!(head_lines.contains("application/problem+json"), "{head:.40}");
        }
        let (_, _, json) = ask(&server, "GET /v1/problems/quota", "").await;
        assert_eq!((&json["code"], &json["status"]), (&json!(7), &json!(429)));
    }

    /// U-100
    #[tokio::test]
    async fn the_socket_and_its_address_are_for_this_user_alone() {
        let (server, dir) = locked();
        let mode = fs::metadata(server.socket()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let addr = fs::read_to_string(dir.path().join(ADDR_FILE)).unwrap();
        assert_eq!(addr.trim(), server.socket().to_str().unwrap());
    }

    /// U-13
    #[tokio::test]
    async fn what_the_configuration_says_is_never_passed_over() {
        for (text, network, starts) in [
            ("colour = \"red\"\n", false, false),
            ("[network]\nproxy = \"127.0.0.1:9050\"\n", true, false),
            ("[network]\nproxy = \"127.0.0.1:9050\"\n", false, true),
        ] {
            let dir = TempDir::new().unwrap();
            let home = Home::at(dir.path());
            home.set_up("Heron", None, None, None).unwrap();
            fs::write(dir.path().join("config.toml"), text).unwrap();
            let options = Options { network, foreground: true };
            let lock = home.lock().unwrap();
            match Server::start(home, lock, None, options).await {
                Ok(server) => {
                    assert!(starts, "{text}");
                    server.finish(Duration::ZERO).await;
                }
                Err(error) => assert_eq!((error.kind(), starts), ("usage", false), "{text}"),
            }
        }
    }

    /// U-22
    #[tokio::test]
    async fn stop_answers_and_then_the_server_is_gone() {
        let (server, dir) = locked();
        let (status, _, json) = ask(&server, "POST /v1/stop", "").await;
        assert_eq!((status, json), (200, json!({"v": 1, "was_running": true})));
        timeout(Duration::from_secs(5), server.ended()).await.unwrap();
        let socket = server.socket().to_path_buf();
        let began = std::time::Instant::now();
        server.finish(Duration::from_secs(60)).await;
        assert!(began.elapsed() < Duration::from_secs(10));
        assert!(!socket.exists() && !dir.path().join(ADDR_FILE).exists());
    }

    /// U-8
    #[tokio::test]
    async fn a_socket_left_behind_is_taken_over() {
        let (server, dir) = locked();
        server.serving.abort();
        server.desk.give_back();
        let again = serve(&Home::at(dir.path()));
        assert_eq!(ask(&again, "GET /v1/status", "").await.0, 200);
    }

    /// U-56
    #[tokio::test]
    async fn a_locked_home_can_be_wiped() {
        let (server, dir) = locked();
        let (status, _, json) = ask(&server, "POST /v1/wipe", "").await;
        assert_eq!((status, json), (200, json!({"v": 1, "wiped": []})));
        timeout(Duration::from_secs(5), server.ended()).await.unwrap();
        server.finish(Duration::from_secs(60)).await;
        assert!(!Home::at(dir.path()).is_set_up());
    }
}
