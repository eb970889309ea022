//! A relay's folder, from its making to its running.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hearthlight_protocol::{crypto::KeyPair, identity::Peer};
use tempfile::TempDir;

use super::*;
use crate::address;
use crate::error::NodeError;

fn local(port: u16) -> InitOptions {
    InitOptions { local: Some(port), operator: Some("Hope".to_owned()), ..InitOptions::default() }
}

/// A new relay in a folder of its own that listens at any free port.
fn relay() -> (TempDir, RelayDir) {
    let home = TempDir::new().expect("there is room");
    let folder = RelayDir::at(&home.path().join("relay"), None);
    folder.init(&local(0)).expect("the folder is new");
    (home, folder)
}

/// Any free port, and nothing observed.
fn quiet() -> Overrides {
    let flags = ["listen.tcp=/ip4/127.0.0.1/tcp/0", "observe.listen="].map(str::to_owned);
    Overrides::new(&flags, []).expect("each has a value")
}

fn mode(path: &Path) -> u32 {
    let found = std::fs::metadata(path).expect("it is there");
    found.permissions().mode() & 0o777
}

/// U-80
#[test]
fn a_new_relay_has_a_key_settings_and_an_address_with_its_first_token() {
    let home = TempDir::new().expect("there is room");
    let folder = RelayDir::at(&home.path().join("relay"), None);
    let made = folder.init(&local(0)).expect("the folder is new");
    assert_eq!(made.external, ["/ip4/127.0.0.1/tcp/4270"]);
    let address = address::parse(&made.address).expect("it reads as it was written");
    assert_eq!(address::peer_text(&address.key), made.key);
    assert!(address.token.is_some() && made.token_id.is_some());
    assert_eq!(mode(folder.dir()), 0o700);
    for name in ["relay.toml", "key", "keys", "lock"] {
        assert_eq!(mode(&folder.dir().join(name)), 0o600, "{name}");
    }
    assert_eq!(folder.card().expect("it is there").operator, "Hope");
    assert!(matches!(folder.init(&local(0)), Err(NodeError::AlreadySetUp)));
}

/// U-80
#[test]
fn without_an_address_that_can_be_dialed_there_is_a_gap_and_no_token() {
    let home = TempDir::new().expect("there is room");
    let folder = RelayDir::at(home.path(), None);
    let made = folder.init(&InitOptions::default()).expect("the folder is empty");
    assert_eq!((made.token_id, made.external), (None, Vec::new()));
    assert!(made.address.ends_with(&made.key) && made.address.contains("ADDRESS"));
}

/// U-80
#[test]
fn a_relay_is_not_made_where_other_things_are_and_leaves_nothing_behind() {
    let home = TempDir::new().expect("there is room");
    let dir = home.path().join("relay");
    let folder = RelayDir::at(&dir, None);
    let wrong = InitOptions { country: Some("Germany".to_owned()), ..local(0) };
    assert!(matches!(folder.init(&wrong), Err(NodeError::Config(_))));
    assert!(!dir.exists());
    std::fs::create_dir(&dir).expect("there is room");
    std::fs::write(dir.join("keys"), "somebody's home").expect("there is room");
    assert!(matches!(folder.init(&local(0)), Err(NodeError::Config(_))));
    assert_eq!(std::fs::read(dir.join("keys")).expect("it is there"), b"somebody's home");
}

/// U-83
#[tokio::test]
async fn tokens_are_made_listed_and_revoked_without_a_running_relay() {
    let (_home, folder) = relay();
    let order =
        TokenOrder { label: "Test".to_owned(), quota_bytes: Some(1 << 20), expires_s: Some(3_600) };
    let made = folder.add_token(order).await.expect("there is room");
    let address = made.address.clone().expect("shown once");
    assert!(address::parse(&address).expect("it reads").token.is_some());
    let listed = folder.tokens().await.expect("they can be read");
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[1].id, &listed[1].address), (&made.id, &None));
    assert_eq!(listed[1].quota_bytes, 1 << 20);
    let revoked = folder.revoke_token(&made.id[..6]).await.expect("there is one");
    assert_eq!(revoked.state, TokenStanding::Revoked);
    let again = folder.tokens().await.expect("they can be read");
    assert_eq!(again[1].state, TokenStanding::Revoked);
    assert!(matches!(folder.revoke_token("zzzzzz").await, Err(RelayError::NoToken)));
    for few in ["", &made.id[..5]] {
        assert!(matches!(folder.revoke_token(few).await, Err(RelayError::FewDigits)));
    }
}

/// U-81, U-82, U-83
#[tokio::test(flavor = "multi_thread")]
async fn a_running_relay_answers_over_its_socket_and_gives_everything_back_at_its_end() {
    let (_home, folder) = relay();
    assert!(matches!(folder.status().await, Err(RelayError::NotRunning)));
    let node = RelayNode::start(&folder, quiet()).await.expect("the port is free");
    let ready = node.ready().clone();
    assert_eq!(ready.addresses.len(), 1);
    assert!(ready.address.expect("it can be dialed").contains(&ready.addresses[0]));
    assert_eq!(mode(&folder.dir().join("relay.sock")), 0o600);
    let status = folder.status().await.expect("it runs");
    assert_eq!((status.state, status.tokens, status.envelopes), (State::Ready, 1, 0));
    let health = folder.health().await.expect("it runs");
    assert!(health.ok);
    let made = folder.add_token(TokenOrder::default()).await.expect("there is room");
    assert!(made.address.expect("shown once").contains(&ready.addresses[0]));
    let again = RelayNode::start(&folder, quiet()).await;
    assert!(matches!(again, Err(NodeError::HomeBusy)));
    node.shutdown().await;
    assert!(!folder.dir().join("relay.sock").exists());
    assert_eq!(folder.tokens().await.expect("they can be read").len(), 2);
}

/// U-84: by whom, who else, and nobody.
#[tokio::test(flavor = "multi_thread")]
async fn another_relays_card_is_shown_if_that_relay_answers() {
    let (_home, folder) = relay();
    let node = RelayNode::start(&folder, quiet()).await.expect("the port is free");
    let address = node.ready().address.clone().expect("it can be dialed");
    assert_eq!(look_at(&address).await.expect("it answers").operator, "Hope");
    let (at, _) = address.split_once("/p2p/").expect("it names a key");
    let chris = Peer(KeyPair::from_seed(&[8; 32]).public());
    let stranger = format!("{at}/p2p/{}", address::peer_text(&chris));
    assert!(matches!(look_at(&stranger).await, Err(RelayError::Impostor)));
    assert!(matches!(look_at(&address[..20]).await, Err(RelayError::Address(_))));
    node.shutdown().await;
    assert!(matches!(look_at(&address).await, Err(RelayError::Unreachable)));
}

/// U-81
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_new_limits_and_a_new_card_and_refuses_what_is_wrong() {
    let (_home, folder) = relay();
    let node = RelayNode::start(&folder, quiet()).await.expect("the port is free");
    let path = folder.dir().join("relay.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    std::fs::write(&path, format!("{text}limits.store = \"1GiB\"\n")).expect("there is room");
    node.reload().await.expect("nothing is wrong");
    assert_eq!(folder.status().await.expect("it runs").limit_bytes, 1 << 30);
    std::fs::write(&path, format!("{text}limits.stor = \"1GiB\"\n")).expect("there is room");
    assert!(node.reload().await.is_err());
    assert_eq!(folder.status().await.expect("it runs").limit_bytes, 1 << 30);
    std::fs::write(&path, text).expect("there is room");
    let card = CardSettings { operator: "Chris".to_owned(), ..CardSettings::default() };
    folder.set_card(&card).await.expect("it can be changed");
    assert_eq!(folder.card().expect("it is there").operator, "Chris");
    node.shutdown().await;
}

/// U-164, U-165
#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_served_as_counts_only() {
    let (_home, folder) = relay();
    let flags = ["listen.tcp=/ip4/127.0.0.1/tcp/0", "observe.listen=127.0.0.1:0"];
    let overrides = Overrides::new(&flags.map(str::to_owned), []).expect("each has a value");
    let node = RelayNode::start(&folder, overrides).await.expect("the port is free");
    let place = node.ready().observe.clone().expect("it is observed");
    let fetch = async |path: &str| {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&place).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        answer
    };
    assert!(fetch("/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(fetch("/readyz").await.starts_with("HTTP/1.1 "));
    let metrics = fetch("/metrics").await;
    for line in [
        "hearthlight_relay_envelopes 0",
        "hearthlight_relay_tokens 1",
        "refused_total{reason=\"rate\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(!metrics.contains(&node.ready().key));
    node.shutdown().await;
}

/// U-8
#[tokio::test]
async fn a_folder_that_others_can_read_or_that_is_no_relay_is_refused() {
    let (_home, folder) = relay();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.dir(), open).expect("it is ours");
    let started = RelayNode::start(&folder, quiet()).await;
    assert!(matches!(started, Err(NodeError::HomeOpen)));
    let none = RelayDir::at(&folder.dir().join("none"), None);
    assert!(matches!(RelayNode::start(&none, quiet()).await, Err(NodeError::NotSetUp)));
    let tokens = none.tokens().await.expect_err("there is no relay");
    assert_eq!((tokens.kind(), tokens.hint()), ("not-set-up", Some("hearthlight relay init")));
}
