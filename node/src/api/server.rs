//! The server of one home: its desk, its socket, its page, and their end.
use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{task::JoinHandle, time::sleep};
use zeroize::Zeroizing;

use super::{
    desk::Desk,
    idle,
    page::{self, Site},
};
use crate::{
    error::NodeError,
    home::{Home, HomeLock},
};

/// How a server is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether anything is dialed.
    pub network: bool,
    /// Whether it is there to be a node (`start`, `open`), rather than for one verb's duration.
    pub foreground: bool,
    /// What its page consists of, if it has one.
    pub site: Option<&'static Site>,
}

/// A node with its local API on the home's socket.
#[derive(Debug)]
pub struct Server {
    desk: Arc<Desk>,
    idle: JoinHandle<()>,
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
        check_proxy(&home, options)?;
        let desk = Arc::new(Desk::locked(home, Some(lock), options));
        let opened = desk.unlock(passphrase.map(Zeroizing::new)).await;
        match opened.and_then(|()| desk.serve_socket()) {
            Ok(()) => Ok(Self::over(desk)),
            Err(error) => {
                desk.lock().await;
                leave(&desk);
                Err(error)
            }
        }
    }

    /// Serves a home for its page (U-72): one that is not set up has no lock, and one with a passphrase
    /// stays locked, until the page asks for what is missing.
    ///
    /// # Errors
    /// Whatever keeps the home from being used or the socket from being bound.
    pub async fn start_for_page(
        home: Home,
        lock: Option<HomeLock>,
        options: Options,
    ) -> Result<Self, NodeError> {
        let Some(lock) = lock else {
            return Ok(Self::over(Arc::new(Desk::locked(home, None, options))));
        };
        if !home.has_passphrase()? {
            return Self::start(home, lock, None, options).await;
        }
        home.check()?;
        check_proxy(&home, options)?;
        let desk = Arc::new(Desk::locked(home, Some(lock), options));
        desk.serve_socket().inspect_err(|_| leave(&desk))?;
        Ok(Self::over(desk))
    }

    fn over(desk: Arc<Desk>) -> Self {
        let idle = tokio::spawn(idle::lock_when_idle(Arc::clone(&desk)));
        Self { desk, idle }
    }

    /// Where it listens, once its home is set up.
    #[must_use]
    pub fn socket(&self) -> Option<PathBuf> {
        self.desk.socket()
    }

    /// Whether the home is open, and its node runs.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.desk.is_open()
    }

    /// A link that opens the page once, as `POST /v1/page-keys` answers it.
    ///
    /// # Errors
    /// [`NodeError::PortInUse`], if no port can be bound.
    pub async fn page_link(&self) -> Result<Value, NodeError> {
        let link = page::link(&self.desk).await.map_err(|_| NodeError::PortInUse)?;
        Ok(link.json())
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
        let desk = Arc::clone(&self.desk);
        // Who needs relays looks again and again whether this one is gone: if it is found each time, it
        // never is.
        if !desk.options.network {
            let _ = fs::remove_file(desk.home.dir().join(ADDR_FILE));
        }
        let serving = desk.take_serving();
        let socket = serving.as_ref().map(|serving| serving.path().to_owned());
        if let Some(serving) = serving {
            let (mut ended, mut clients) = (desk.ended(), serving.clients());
            tokio::select! {
                _ = async { drop(ended.wait_for(|ended| *ended).await) } => {}
                _ = async { drop(clients.wait_for(|count| *count == 0).await) } => {}
                () = sleep(grace) => {}
            }
            desk.end();
            serving.end().await;
        }
        desk.end();
        desk.lock().await;
        if let Some(socket) = socket {
            let _ = fs::remove_file(socket);
        }
        leave(&desk);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.idle.abort();
    }
}

/// U-13: what the person wrote there is meant, so it is never passed over. Nothing is dialed around a
/// proxy, and as long as none can be dialed through, nothing is dialed at all.
fn check_proxy(home: &Home, options: Options) -> Result<(), NodeError> {
    if home.config()?.network.proxy.is_some() && options.network {
        return Err(NodeError::Config(NO_PROXY.into()));
    }
    Ok(())
}

/// Removes what leads here, then gives the home's lock back: whoever comes now finds no socket, and
/// takes the lock as soon as it is free.
fn leave(desk: &Desk) {
    if desk.home.is_set_up() {
        let _ = fs::remove_file(desk.home.dir().join(ADDR_FILE));
    }
    desk.give_back();
}

const NO_PROXY: &str = "a proxy cannot be used yet, and nothing goes around one: take network.proxy \
                        out of config.toml, or stay offline";
/// Where the socket's path stands (U-8).
const ADDR_FILE: &str = "node.addr";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::{Value, json};
    use tempfile::TempDir;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
        time::timeout,
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
        let options = Options { network: false, foreground: true, site: None };
        let desk = Arc::new(Desk::locked(home.clone(), home.lock().ok(), options));
        desk.serve_socket().unwrap();
        Server::over(desk)
    }

    /// Status, head and body of an answer.
    async fn ask(server: &Server, head: &str, body: &str) -> (u16, String, Value) {
        let mut stream = UnixStream::connect(server.socket().unwrap()).await.unwrap();
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
                "pid": std::process::id(), "socket": server.socket().unwrap().to_str().unwrap(),
                "since": null, "network": null, "proxy": false, "circles": null,
                "relays_up": null, "relays": null, "one_path": null, "queued": null, "waiting_room": null,
                "page_open": false, "passphrase": false, "temporary": false, "dials": false,
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
            "GET /v1/circles/~Test/messages?limit=1",
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
        let mode = fs::metadata(server.socket().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let addr = fs::read_to_string(dir.path().join(ADDR_FILE)).unwrap();
        assert_eq!(addr.trim(), server.socket().unwrap().to_str().unwrap());
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
            let options = Options { network, foreground: true, site: None };
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
        let socket = server.socket().unwrap();
        let began = std::time::Instant::now();
        server.finish(Duration::from_secs(60)).await;
        assert!(began.elapsed() < Duration::from_secs(10));
        assert!(!socket.exists() && !dir.path().join(ADDR_FILE).exists());
    }

    /// U-8
    #[tokio::test]
    async fn a_socket_left_behind_is_taken_over() {
        let (server, dir) = locked();
        std::mem::forget(server.desk.take_serving());
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
