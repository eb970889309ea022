//! U-203: who gets in through the page's door, over every route of the table.
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{File, Site};
use crate::{
    api::{
        Options, Server,
        routes::{ROUTES, Side},
    },
    home::Home,
};

static SITE: Site = Site {
    files: &[
        File { path: "/", media_type: "text/html", bytes: b"<title>Notes</title>" },
        File { path: "/away", media_type: "text/html", bytes: b"" },
        File { path: "/shell.js", media_type: "text/javascript", bytes: b"" },
    ],
    strings: |lang| (lang == "en").then(|| serde_json::json!({"v": 1})),
    help: |_| Some(serde_json::json!({"v": 1, "items": []})),
    passphrase: || Some("lamp river".into()),
};

/// A page's door over a home in a folder of its own.
struct House {
    server: Server,
    port: u16,
    key: String,
    _dir: TempDir,
}

/// What came back.
#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl House {
    async fn new(passphrase: Option<&str>) -> Self {
        let dir = TempDir::new().unwrap();
        let home = Home::at(dir.path());
        home.set_up("Heron", None, None, passphrase).unwrap();
        let options = Options { network: false, foreground: true, site: Some(&SITE) };
        let server = Server::start_for_page(home.clone(), home.lock().ok(), options).await.unwrap();
        let (port, key) = link(&server).await;
        Self { server, port, key, _dir: dir }
    }

    async fn with_token() -> (Self, String) {
        let house = Self::new(None).await;
        let token = house.enter(&house.key).await;
        let token = token.json()["token"].as_str().unwrap().to_owned();
        (house, token)
    }

    /// Sends lines as they are.
    async fn raw(&self, request: &str) -> Got {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        timeout(Duration::from_secs(10), reading).await.unwrap().unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// A request as the page sends it, with these lines besides.
    async fn ask(&self, method: &str, path: &str, lines: &[String], body: &str) -> Got {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for line in lines {
            request.push_str(line);
            request.push_str("\r\n");
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.raw(&request).await
    }

    /// The lines of a good request.
    fn good(&self, token: Option<&str>) -> Vec<String> {
        let mut lines = vec![
            format!("Host: 127.0.0.1:{}", self.port),
            "Sec-Fetch-Site: same-origin".into(),
            "Content-Type: application/json".into(),
        ];
        lines.extend(token.map(|token| format!("Authorization: Bearer {token}")));
        lines
    }

    async fn enter(&self, key: &str) -> Got {
        let body = format!("{{\"key\":\"{key}\"}}");
        self.ask("POST", "/v1/session", &self.good(None), &body).await
    }
}

async fn link(server: &Server) -> (u16, String) {
    let link = server.page_link().await.unwrap();
    let key = link["url"].as_str().unwrap().split_once("#k=").unwrap().1.to_owned();
    (u16::try_from(link["port"].as_u64().unwrap()).unwrap(), key)
}

/// U-111
#[tokio::test]
async fn only_its_own_host_is_answered() {
    let house = House::new(None).await;
    let port = house.port;
    let status = async |hosts: &[String]| {
        let mut lines: Vec<String> = hosts.iter().map(|host| format!("Host: {host}")).collect();
        lines.push("Sec-Fetch-Site: same-origin".into());
        house.ask("GET", "/shell.js", &lines, "").await
    };
    for name in ["127.0.0.1", "[::1]", "localhost"] {
        assert_eq!(status(&[format!("{name}:{port}")]).await.status, 200, "{name}");
    }
    for host in [
        "127.0.0.1".into(),
        "localhost".into(),
        String::new(),
        format!("127.0.0.1:{}", port ^ 1),
        format!("127.0.0.1:{port} "),
        format!("127.0.0.1.:{port}"),
        format!("127.0.0.2:{port}"),
        format!("127.1:{port}"),
        format!("2130706433:{port}"),
        format!("0x7f000001:{port}"),
        format!("0:{port}"),
        format!("0.0.0.0:{port}"),
        format!("LOCALHOST:{port}"),
        format!("localhost.:{port}"),
        format!("localhost.localdomain:{port}"),
        format!("a.localhost:{port}"),
        format!("::1:{port}"),
        format!("[::]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("[0:0:0:0:0:0:0:1]:{port}"),
        format!("127.0.0.1:{port}@example.org"),
        format!("example.org@127.0.0.1:{port}"),
        format!("example.org:{port}"),
        format!("rebound.example.org:{port}"),
        format!("127.0.0.1:0{port}"),
        format!("127.0.0.1:+{port}"),
        format!("127.0.0.1:{port},127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("127.0.0.1:{port}/"),
        format!("127.0.0.1:{port}#"),
    ] {
        let got = status(std::slice::from_ref(&host)).await;
        // A trailing blank belongs to the line, not to the value (RFC 9112, 5).
        let fits = host.trim() == format!("127.0.0.1:{port}");
        assert!(if fits { got.status == 200 } else { matches!(got.status, 400 | 403) }, "{host}");
        if got.status == 403 {
            assert!(got.body.is_empty() && got.head.contains("connection: close"), "{host}");
        }
    }
    let own = format!("127.0.0.1:{port}");
    assert_eq!(status(&[own.clone(), own.clone()]).await.status, 403, "twice");
    assert_eq!(status(&[]).await.status, 403, "none");
    let absolute = format!("http://127.0.0.1:{port}/shell.js");
    let lines = [format!("Host: {own}"), "Sec-Fetch-Site: same-origin".into()];
    assert_eq!(house.ask("GET", &absolute, &lines, "").await.status, 403, "absolute form");
}

/// U-112
#[tokio::test]
async fn only_the_page_itself_and_who_goes_there_are_answered() {
    let house = House::new(None).await;
    let host = format!("Host: 127.0.0.1:{}", house.port);
    for (path, site, mode, dest, method, fits) in [
        ("/", Some("none"), "navigate", "document", "GET", true),
        ("/away", Some("none"), "navigate", "document", "GET", true),
        ("/", Some("same-origin"), "navigate", "document", "GET", true),
        ("/shell.js", Some("same-origin"), "cors", "script", "GET", true),
        ("/shell.js", Some("none"), "navigate", "document", "GET", false),
        ("/v1/help", Some("none"), "navigate", "document", "GET", false),
        ("/v1/help", Some("same-origin"), "cors", "empty", "GET", true),
        ("/", Some("none"), "no-cors", "document", "GET", false),
        ("/", Some("none"), "navigate", "iframe", "GET", false),
        ("/", Some("none"), "navigate", "document", "POST", false),
        ("/", Some("same-site"), "navigate", "document", "GET", false),
        ("/", Some("cross-site"), "navigate", "document", "GET", false),
        ("/shell.js", Some("same-site"), "cors", "script", "GET", false),
        ("/shell.js", Some("cross-site"), "no-cors", "script", "GET", false),
        ("/shell.js", Some("SAME-ORIGIN"), "cors", "script", "GET", false),
        ("/shell.js", Some(""), "cors", "script", "GET", false),
        ("/", None, "navigate", "document", "GET", false),
        ("/shell.js", None, "cors", "script", "GET", false),
    ] {
        let mut lines = vec![
            host.clone(),
            format!("Sec-Fetch-Mode: {mode}"),
            format!("Sec-Fetch-Dest: {dest}"),
        ];
        lines.extend(site.map(|site| format!("Sec-Fetch-Site: {site}")));
        let got = house.ask(method, path, &lines, "").await;
        assert_eq!(
            got.status,
            if fits { 200 } else { 403 },
            "{method} {path} {site:?} {mode} {dest}"
        );
    }
    let twice = [host, "Sec-Fetch-Site: same-origin".into(), "Sec-Fetch-Site: same-origin".into()];
    assert_eq!(house.ask("GET", "/shell.js", &twice, "").await.status, 403);
}

/// U-113
#[tokio::test]
async fn another_origin_or_another_kind_of_body_is_not_answered() {
    let (house, token) = House::with_token().await;
    let port = house.port;
    for (origin, fits) in [
        (format!("http://127.0.0.1:{port}"), true),
        (format!("http://localhost:{port}"), false),
        (format!("https://127.0.0.1:{port}"), false),
        (format!("http://127.0.0.1:{}", port ^ 1), false),
        ("http://127.0.0.1".into(), false),
        ("http://example.org".into(), false),
        ("null".into(), false),
        (String::new(), false),
    ] {
        let mut lines = house.good(Some(&token));
        lines.push(format!("Origin: {origin}"));
        let got = house.ask("GET", "/v1/status", &lines, "").await;
        assert_eq!(got.status, if fits { 200 } else { 403 }, "{origin}");
        assert!(!got.head.contains("access-control"), "{origin}");
    }
    for (kind, fits) in [
        ("application/json", true),
        ("application/json; charset=utf-8", true),
        ("Application/JSON", true),
        ("text/plain", false),
        ("application/x-www-form-urlencoded", false),
        ("multipart/form-data; boundary=x", false),
        ("text/plain; application/json", false),
        ("", false),
    ] {
        for method in ["POST", "PUT", "PATCH"] {
            let mut lines = house.good(Some(&token));
            lines[2] = format!("Content-Type: {kind}");
            let got = house.ask(method, "/v1/lock-not", &lines, "{}").await;
            assert_eq!(got.status, if fits { 405 } else { 415 }, "{method} {kind}");
            assert_eq!(got.json()["status"], if fits { 405 } else { 415 }, "{method} {kind}");
        }
    }
    let got = house.ask("OPTIONS", "/v1/status", &house.good(Some(&token)), "").await;
    assert_eq!((got.status, got.body.as_str()), (405, ""));
    assert!(!got.head.contains("access-control"));
}

fn example(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "en" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

/// U-114, U-116: the routes come from the table, so none can be forgotten.
#[tokio::test]
async fn every_route_asks_for_the_token_and_says_what_the_browser_may_not_do() {
    // Ten wrong tries in a minute, and each waits (U-115): so a few at each house.
    for routes in ROUTES.chunks(9) {
        let house = House::new(None).await;
        for route in routes {
            let path = format!("/v1{}", example(route.path));
            let method = route.method.to_uppercase();
            let bare = house.ask(&method, &path, &house.good(None), "{}").await;
            let open = matches!(route.side, Side::Anyone | Side::Arriving);
            assert_eq!(bare.status == 401, !open, "{method} {path}");
            says_what_the_browser_may_not_do(&bare);
        }
    }
}

fn says_what_the_browser_may_not_do(got: &Got) {
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src \
         'self' blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors \
         'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n",
        "x-content-type-options: nosniff\r\n",
        "referrer-policy: no-referrer\r\n",
        "cross-origin-opener-policy: same-origin\r\n",
        "cross-origin-resource-policy: same-origin\r\n",
        "permissions-policy: accelerometer=(), ",
        "cache-control: no-store\r\n",
    ] {
        assert!(format!("{}\r\n", got.head).contains(header), "{header}: {got:?}");
    }
    assert!(!got.head.contains("set-cookie") && !got.head.contains("access-control"), "{got:?}");
}

/// U-115
#[tokio::test]
async fn who_guesses_tokens_waits_and_who_has_one_does_not() {
    let (house, token) = House::with_token().await;
    let guess = house.good(Some(&"A".repeat(43)));
    for _ in 0..10 {
        assert_eq!(house.ask("GET", "/v1/status", &guess, "").await.status, 401);
    }
    let began = std::time::Instant::now();
    assert_eq!(house.ask("GET", "/v1/status", &guess, "").await.status, 401);
    assert!(began.elapsed() >= Duration::from_secs(1));
    let began = std::time::Instant::now();
    let right = house.ask("GET", "/v1/status", &house.good(Some(&token)), "").await;
    assert_eq!(right.status, 200);
    assert!(began.elapsed() < Duration::from_secs(1));
    for path in ["/v1/stop", "/v1/page-keys"] {
        let got = house.ask("POST", path, &house.good(Some(&token)), "{}").await;
        assert!(matches!(got.status, 404 | 405), "{path} is the socket's");
        says_what_the_browser_may_not_do(&got);
    }
}

/// U-115
#[tokio::test]
async fn a_link_opens_once() {
    let house = House::new(None).await;
    assert_eq!(house.enter("").await.status, 401);
    assert_eq!(house.enter(&house.key).await.status, 200);
    let again = house.enter(&house.key).await;
    assert_eq!((again.status, again.json()["hint"].as_str()), (401, Some("hearthlight open")));
    for (token, says) in [
        (None, "This page was not opened by a link of Hearthlight."),
        (Some("A".repeat(43)), "This page's time is over."),
    ] {
        let got = house.ask("GET", "/v1/status", &house.good(token.as_deref()), "").await;
        let (kind, says) = (&"not-allowed".into(), &says.into());
        assert_eq!((got.status, &got.json()["kind"], &got.json()["detail"]), (401, kind, says));
    }
    let (port, key) = link(&house.server).await;
    assert_eq!(port, house.port, "the door stays where it is");
    assert_eq!(house.enter(&key).await.status, 200, "another link");
}

/// U-115, U-182
#[tokio::test]
async fn a_locked_home_lets_its_page_unlock_and_no_more() {
    let house = House::new(Some("lamp river")).await;
    let token = house.enter(&house.key).await.json()["token"].as_str().unwrap().to_owned();
    let good = house.good(Some(&token));
    let status = house.ask("GET", "/v1/status", &good, "").await.json();
    assert_eq!((&status["state"], &status["passphrase"]), (&"locked".into(), &true.into()));
    for route in ROUTES.iter().filter(|route| matches!(route.side, Side::Both)) {
        let opens = matches!((route.method, route.path), ("get", "/status") | ("post", "/unlock"));
        let method = route.method.to_uppercase();
        let path = format!("/v1{}", example(route.path));
        if !opens {
            let got = house.ask(&method, &path, &good, "{}").await;
            assert_eq!(got.status, 423, "{method} {path}");
        }
    }
    let wrong = house.ask("POST", "/v1/unlock", &good, "{\"passphrase\":\"moon\"}").await;
    assert_eq!(wrong.status, 403);
    let right = house.ask("POST", "/v1/unlock", &good, "{\"passphrase\":\"lamp river\"}").await;
    assert_eq!((right.status, right.json()["state"].as_str()), (200, Some("open")));
    assert_eq!(house.ask("GET", "/v1/circles", &good, "").await.status, 200);
}

/// U-122: Hide ends the token, locks, and wipes what the browser keeps.
#[tokio::test]
async fn who_hides_leaves_nothing_to_come_back_with() {
    let house = House::new(Some("lamp river")).await;
    let token = house.enter(&house.key).await.json()["token"].as_str().unwrap().to_owned();
    let good = house.good(Some(&token));
    house.ask("POST", "/v1/unlock", &good, "{\"passphrase\":\"lamp river\"}").await;
    let hidden = house.ask("DELETE", "/v1/session", &good, "").await;
    assert_eq!(hidden.status, 200);
    assert!(hidden.head.contains("clear-site-data: \"cache\", \"storage\""));
    assert_eq!(house.ask("GET", "/v1/status", &good, "").await.status, 401);
    assert!(!house.server.is_open());
}

/// U-182: a home without a passphrase draws the locked screen only.
#[tokio::test]
async fn a_home_without_a_passphrase_is_closed_to_pages_alone() {
    let (house, token) = House::with_token().await;
    let good = house.good(Some(&token));
    let set = house.ask("PATCH", "/v1/config", &good, "{\"lock.after\":\"1s\"}").await;
    assert_eq!(set.status, 200);
    let began = std::time::Instant::now();
    while house.ask("GET", "/v1/circles", &good, "").await.status != 423 {
        assert!(began.elapsed() < Duration::from_secs(10), "it locks itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(began.elapsed() >= Duration::from_millis(900));
    assert!(house.server.is_open(), "the node goes on");
    assert_eq!(house.ask("GET", "/v1/status", &good, "").await.json()["state"], "locked");
    assert_eq!(house.ask("POST", "/v1/unlock", &good, "{}").await.status, 200);
    assert_eq!(house.ask("GET", "/v1/circles", &good, "").await.status, 200);
}

/// U-20, U-72: a page of a home that is not set up sets it up.
#[tokio::test]
async fn a_home_is_made_from_its_page() {
    let dir = TempDir::new().unwrap();
    let home = Home::at(&dir.path().join("home"));
    let options = Options { network: false, foreground: true, site: Some(&SITE) };
    let server = Server::start_for_page(home.clone(), None, options).await.unwrap();
    let (port, key) = link(&server).await;
    let house = House { server, port, key, _dir: dir };
    let token = house.enter(&house.key).await.json()["token"].as_str().unwrap().to_owned();
    let good = house.good(Some(&token));
    let status = house.ask("GET", "/v1/status", &good, "").await.json();
    assert_eq!((&status["state"], &status["passphrase"]), (&"not-set-up".into(), &Value::Null));
    assert_eq!(house.ask("GET", "/v1/circles", &good, "").await.status, 409);
    let offered = house.ask("GET", "/v1/setup", &good, "").await.json();
    assert_eq!(offered["passphrase"], "lamp river");
    let nobody = house.ask("POST", "/v1/setup", &good, "{\"name\":\"\"}").await;
    assert_eq!(nobody.status, 400);
    let body = "{\"name\":\"Heron\",\"passphrase\":\"lamp river\",\"country\":\"us\"}";
    let made = house.ask("POST", "/v1/setup", &good, body).await;
    assert_eq!((made.status, &made.json()["passphrase"]), (200, &true.into()), "{made:?}");
    assert!(home.is_set_up() && house.server.socket().is_some_and(|socket| socket.exists()));
    assert_eq!(house.ask("GET", "/v1/circles", &good, "").await.status, 200);
    assert_eq!(house.ask("POST", "/v1/setup", &good, body).await.status, 403);
    house.server.finish(Duration::ZERO).await;
}
