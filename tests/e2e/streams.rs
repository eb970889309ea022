//! Nonsense, and other versions, on the streams of real connections: to a relay, from a relay, and over circuits
//! (H-1, H-18, P7).

use std::{fs, time::Duration};

use harness::{
    process::{LONGEST, Process},
    stranger::{
        Conn, Impostor, Keypair, MAILBOX, Manner, PROTOCOLS, babble, babbling_relay, framed,
        greeting, say, say_all,
    },
};
use tokio::{
    runtime::Runtime,
    sync::mpsc,
    time::{interval, timeout},
};

use crate::{CIRCLE, Circle, program};

/// H-1: what lies in the fuzzer's corpora, and seeded chance, on each stream that a relay takes.
#[test]
fn nonsense_on_any_stream_of_a_relay_costs_only_that_connection() {
    let (circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let mut follower = ben.follow(CIRCLE);
    let hope = circle.hope.as_ref().expect("it runs");
    let (port, before) = (circle.relay.port(), memory(hope));
    let dial = async |manner| Conn::dial(port, &Keypair::generate_ed25519(), manner).await;
    let runtime = runtime();
    runtime.block_on(async {
        // What is no packet ends the connection at once, not only when its time is up (U-162).
        let idle = dial(Manner::default()).await.expect("it listens");
        let bad = dial(Manner::default()).await.expect("it listens");
        let ours = format!("{MAILBOX}1");
        let mut stream = bad.open(&ours).await.expect("it stands").expect("it is spoken");
        say(&mut stream, &framed(&[0xff; 9])).await.expect("it is read");
        tokio::select! {
            biased;
            () = idle.ended() => panic!("nonsense is waited for"),
            () = bad.ended() => {}
        }
        // Of that one most is said; on each of the others a fifth, which is as many streams.
        for (protocol, taken) in
            PROTOCOLS.iter().zip([true, true, true, true, true, false, false, false])
        {
            let share = if protocol.starts_with(MAILBOX) { 1.0 } else { 0.2 };
            let said = babble(&dial, protocol, share).await;
            assert_eq!(said > 100, taken, "{said} times on {protocol}");
            assert!(taken || said == 0, "{said} times on {protocol}");
        }
    });
    let lines = ["said after it all".to_owned()];
    anna.say(CIRCLE, &lines[0], &["--wait", "relayed"]);
    follower.until_said(&lines);
    assert_eq!(circle.relay.status()["state"], "ready");
    holds_little_more(hope, before);
    stands_by_its_log(hope, "nonsense");
}

/// H-1: the same from a relay that is in the charter, and from strangers over circuits.
#[test]
fn nonsense_on_any_stream_of_a_member_costs_only_that_connection() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    // Whoever dials the hostile relay is Anna then.
    circle.stop(&ben);
    circle.stop(&anna);
    let mut node = anna.begin(["start", "--log", "warn"]);
    node.hear();
    anna.say(CIRCLE, "she is back", &["--wait", "relayed"]);
    let (port, before) = (circle.relay.port(), memory(&node));
    let runtime = runtime();
    let (tell, mut told) = mpsc::channel(64);
    let impostor = runtime.block_on(Impostor::listen()).expect("a port");
    let address = impostor.address().expect("it listens");
    runtime.spawn(babbling_relay(impostor, tell));
    anna.ok(["circle", "relay", CIRCLE, "add", &address]);
    runtime.block_on(async {
        let (mut member, mut most) = (None, 0);
        for _ in 0..DIALED {
            let next = timeout(LONGEST, told.recv()).await.expect("it is dialed again and again");
            let (peer, said) = next.expect("it goes on");
            most = most.max(said);
            assert!(member.is_none_or(|known| known == peer), "one run of a member has one key");
            member = Some(peer);
        }
        assert_eq!(most, 5, "mailbox, identify both ways, ping, and circuits");
        let member = member.expect("somebody dialed");
        let circuit = async |manner| {
            let key = Keypair::generate_ed25519();
            let hope = Conn::dial(port, &key, Manner::default()).await?;
            hope.circuit(member, &key, manner).await
        };
        let taken = [true, false, false, true, false, false, true, false];
        for (protocol, taken) in PROTOCOLS.iter().zip(taken) {
            let said = babble(&circuit, protocol, 0.2).await;
            assert_eq!(said > 100, taken, "{said} times on {protocol}");
            assert!(taken || said == 0, "{said} times on {protocol}");
        }
    });
    circle.start(&ben);
    let lines = ["she is back", "said after it all"].map(str::to_owned);
    anna.say(CIRCLE, &lines[1], &["--wait", "relayed"]);
    ben.follow(CIRCLE).until_said(&lines);
    holds_little_more(&node, before);
    stands_by_its_log(&node, "nonsense");
}

/// H-18: at a relay, who offers only an older version of the protocol, or greets in one.
#[test]
fn a_relay_refuses_an_older_version_and_its_log_names_that_once() {
    let (circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let hope = circle.hope.as_ref().expect("it runs");
    let port = circle.relay.port();
    runtime().block_on(async {
        let older = Manner { mailbox: "0", ..Manner::default() };
        let greets = Manner::default();
        for turn in 0..4 {
            let manner = if turn % 2 == 0 { &older } else { &greets };
            let key = Keypair::generate_ed25519();
            let idle = Conn::dial(port, &Keypair::generate_ed25519(), greets.clone()).await;
            let idle = idle.expect("it listens");
            let old = Conn::dial(port, &key, manner.clone()).await.expect("it listens");
            if turn % 2 == 0 {
                let opened = old.open(&format!("{MAILBOX}0")).await;
                assert!(!matches!(opened, Ok(Some(_))), "it is not spoken here");
            } else if let Ok(Some(mut stream)) = old.open(&format!("{MAILBOX}1")).await {
                let _ = say_all(&mut stream, &greeting(0, false)).await;
            }
            tokio::select! {
                biased;
                () = idle.ended() => panic!("it is refused by its time alone (U-162)"),
                () = old.ended() => {}
            }
        }
        named(hope, "version").await;
    });
    stands_by_its_log(hope, "version");
    let lines = ["nobody minds".to_owned()];
    anna.say(CIRCLE, &lines[0], &["--wait", "relayed"]);
    ben.follow(CIRCLE).until_said(&lines);
}

/// H-18: at a member, of a relay that offers only an older version, or greets in one.
#[test]
fn a_member_refuses_a_relay_of_an_older_version_and_its_log_names_that_once() {
    let stage = harness::process::Stage::new(&program());
    let runtime = runtime();
    let old = |mailbox, greets: u8| Manner {
        mailbox,
        first: greeting(greets, true).repeat(9),
        ..Manner::default()
    };
    for (name, manner) in [("Anna", old("0", 1)), ("Ben", old("1", 0))] {
        let home = stage.person(name);
        let mut node = home.begin(["start", "--log", "warn"]);
        node.hear();
        let relay = runtime.block_on(Impostor::listen()).expect("a port");
        let address = relay.address().expect("it listens");
        let (tell, mut told) = mpsc::channel(64);
        runtime.spawn(async move {
            while let Ok(conn) = relay.next(manner.clone()).await {
                let first = manner.first.clone();
                let tell = tell.clone();
                tokio::spawn(async move {
                    if let Ok(Some(mut stream)) = conn.open(&format!("{MAILBOX}1")).await {
                        let _ = say_all(&mut stream, &first).await;
                    }
                    conn.ended().await;
                    let _ = tell.send(()).await;
                });
            }
        });
        let founded = home.ok(["circle", "new", CIRCLE, "--as", name, "--relay", &address]);
        assert_eq!(founded["relays"][0]["state"], "down", "{founded}");
        runtime.block_on(async {
            for _ in 0..4 {
                timeout(LONGEST, told.recv()).await.expect("it is shut out, and tried again");
            }
            named(&node, "version").await;
        });
        stands_by_its_log(&node, "version");
        assert_eq!(home.ok(["status"])["relays_up"], 0);
    }
}

fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().expect("threads")
}

/// Bytes of memory that a process holds.
fn memory(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has some");
    let kib: String = line.chars().filter(char::is_ascii_digit).collect();
    kib.parse::<u64>().expect("digits") << 10
}

fn holds_little_more(process: &Process, before: u64) {
    let now = memory(process);
    println!("{} KiB before, and then {} KiB", before >> 10, now >> 10);
    assert!(now < before + ROOM);
}

/// Waits until a log names a cause.
async fn named(process: &Process, cause: &str) {
    let mut look = interval(Duration::from_millis(20));
    let names = async {
        while times_named(process, cause) == 0 {
            look.tick().await;
        }
    };
    let named = timeout(LONGEST, names).await;
    assert!(named.is_ok(), "{cause} is not named: {}", process.stderr());
}

fn times_named(process: &Process, cause: &str) -> usize {
    process.stderr().matches(&format!("refused cause=\"{cause}\"")).count()
}

/// Nothing broke on the way, and the cause is named, once a minute at most.
fn stands_by_its_log(process: &Process, cause: &str) {
    let log = process.stderr();
    assert!(!log.contains("broke") && !log.contains("promise"), "{log}");
    let most = 1 + usize::try_from(process.age().as_secs() / 60).expect("few");
    assert!((1..=most).contains(&times_named(process, cause)), "{cause}: {log}");
}

/// What a process may hold more after nonsense: it was 2 MiB when this was written, for either.
const ROOM: u64 = 24 << 20;
/// How often members dial the relay that talks nonsense, before strangers do as well.
const DIALED: usize = 12;
