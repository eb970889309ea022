//! Real processes of the real program on this computer, and what they promise to people (U-201, U-202).
//!
//! `HEARTHLIGHT_BIN` names another program to test; `E2E_KILLS` says how often each kind of process is
//! killed (3; by hand 20 and more); `E2E_CUT` for how many seconds a cable is out (10; by hand 60).

mod api;
mod away;
mod bad;
mod canary;
mod copies;
mod governing;
mod halves;
mod hosts;
mod joining;
mod kill;
mod many;
mod many_members;
mod marks;
mod newcomer;
mod restart;
mod settings;
mod streams;
mod terminal;
mod two_relays;
mod votes;

use std::{net::Ipv4Addr, path::PathBuf, time::Duration};

use harness::{
    netns::Host,
    process::{Home, Process, Relay, Stage},
};

/// The program under test.
fn program() -> PathBuf {
    let named = std::env::var_os("HEARTHLIGHT_BIN").map(PathBuf::from);
    let built = option_env!("CARGO_BIN_EXE_hearthlight").map(PathBuf::from);
    named.or(built).expect("the program is built, or HEARTHLIGHT_BIN names it")
}

/// A circle at Hope's relay; everybody's node runs, and all of them are members.
struct Circle {
    // In this order, so that nodes end before their relay, and the folder goes last.
    nodes: Vec<Option<Process>>,
    hope: Option<Process>,
    relay: Relay,
    people: Vec<Home>,
    stage: Stage,
}

impl Circle {
    /// Anna founds it, and lets the others in.
    fn of<const N: usize>(names: [&str; N]) -> (Self, [Home; N]) {
        let stage = Stage::new(&program());
        let relay = stage.relay("Hope");
        let hope = relay.run();
        let people = names.map(|name| stage.person(name));
        let mut nodes: Vec<_> = people.iter().map(|home| Some(home.start())).collect();
        people[0].found(CIRCLE, &[&relay]);
        if N > 1 {
            let code = people[0].invite(CIRCLE, &["--uses", &(N - 1).to_string()]);
            for guest in &people[1..] {
                guest.join(&code, &people[0], CIRCLE);
            }
        }
        nodes.shrink_to_fit();
        let circle = Self { nodes, hope: Some(hope), relay, people: people.to_vec(), stage };
        (circle, people)
    }

    fn place(&self, home: &Home) -> usize {
        let mut people = self.people.iter();
        people.position(|other| other.name == home.name).expect("a member")
    }

    /// Ends somebody's node, as `stop` does.
    fn stop(&mut self, home: &Home) {
        assert_eq!(home.ok(["stop"])["was_running"], true);
        let place = self.place(home);
        let mut node = self.nodes[place].take().expect("it ran");
        assert!(node.wait().success(), "{}", node.stderr());
    }

    /// Starts somebody's node again.
    fn start(&mut self, home: &Home) {
        let place = self.place(home);
        self.nodes[place] = Some(home.start());
    }

    /// Takes the power from somebody's node.
    fn kill(&mut self, home: &Home) {
        let place = self.place(home);
        self.nodes[place].take().expect("it ran").kill();
    }

    /// Takes the relay away: drained and ended.
    fn stop_relay(&mut self) {
        let status = self.hope.take().expect("it ran").end();
        assert!(status.success(), "{status}");
    }

    /// Takes the power from the relay.
    fn kill_relay(&mut self) {
        self.hope.take().expect("it ran").kill();
    }

    /// The relay is back.
    fn start_relay(&mut self) {
        self.hope = Some(self.relay.run());
    }
}

/// For how long a cable is out.
fn cut() -> Duration {
    let named = std::env::var("E2E_CUT").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(named.unwrap_or(10))
}

/// A relay at a public address of a test's own net; it does not run yet.
fn relay_on(stage: &Stage, host: &str, computer: &Host, address: Ipv4Addr) -> Relay {
    let listen = format!("/ip4/{address}/tcp/4270");
    let words = ["--listen", &listen, "--external-address", &listen];
    stage.relay_with(host, &words).at(computer)
}

/// Fails unless somebody reads these texts, each once, and no others; in whatever order.
fn reads_exactly<'a>(home: &Home, texts: impl IntoIterator<Item = &'a String>) {
    let mut read = home.texts(CIRCLE);
    let mut all: Vec<String> = texts.into_iter().cloned().collect();
    read.sort();
    all.sort();
    assert_eq!(read, all, "{} reads", home.name);
}

/// `0001 word`, and so on.
fn numbered(word: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{number:05} {word}")).collect()
}

const CIRCLE: &str = "Tuesday group";
