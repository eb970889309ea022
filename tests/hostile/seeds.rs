//! Inputs to begin with, where the wire's vectors are none: made by hand, and taken from a run of the
//! simulator. `FUZZ_WRITE=1 cargo test -p hearthlight-tests --test hostile seeds` writes them.

use std::collections::BTreeMap;
use std::fs;

use harness::fuzzing::{Corpus, corpora, named};
use harness::{ANNA, BEN, World};
use hearthlight_protocol::boundary::{Room, SlotKind, Store};
use hearthlight_protocol::circle::charter::{Act, Operation};
use hearthlight_protocol::circle::epoch::{EpochSecrets, SealedBox};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{DeviceId, EpochId, OperationId};
use hearthlight_protocol::invite::{InviteCode, RelayEntry};
use hearthlight_protocol::mailbox::Packet;
use hearthlight_protocol::message::{Frame, Have, Item, Run, Seen};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

type Seeds = Vec<(&'static str, String, Vec<u8>)>;

/// Larger inputs make the fuzzer slow.
const LONGEST: usize = 3_000;

/// One of each that is made by hand lies in its corpus.
#[test]
fn seeds_made_by_hand_lie_in_the_corpora() {
    let mut seeds = by_hand();
    if std::env::var_os("FUZZ_WRITE").is_some() {
        seeds.extend(from_a_run());
        for (target, name, bytes) in &seeds {
            let folder = corpora().join(target);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(name), bytes).expect("a file");
        }
    }
    for (target, name, bytes) in by_hand() {
        let corpus = Corpus::in_folder(named(target));
        assert!(corpus.inputs.contains(&(name.clone(), bytes)), "{target}/{name} is not there");
    }
}

fn by_hand() -> Seeds {
    let mut seeds = Seeds::new();
    let mut add = |target, name: &str, bytes: Vec<u8>| seeds.push((target, name.to_owned(), bytes));
    let run = Run { device: DeviceId([0xd1; 16]), run: 77 };
    let have = |next, holes: &[(u64, u64)]| Have { run, next, holes: holes.to_vec() };
    let seen = Seen {
        epoch: EpochId([0xe1; 32]),
        heads: vec![OperationId([0x84; 32])],
        have: vec![have(9, &[(1, 2), (5, 8)]), have(u64::MAX, &[(0, 3), (4, u64::MAX)])],
    };
    add("seen", "two", wire::encode(&seen));
    add("sealed-frame", "seen", wire::encode(&vec![Item::Seen(seen)]));
    let relay =
        |n: u8| RelayEntry { key_tag: [n; 16], address: vec![4, 203, 0, 113, n, 6, 16, 174] };
    for many in 1..=4 {
        let relays: Vec<_> = (0..many).map(relay).collect();
        let code = InviteCode::with_relays(many == 2, 16_650, [0x5c; 16], &relays).expect("a code");
        let grouped = format!("Hello,\n> {}\nsee you", code.grouped().join("\n>     "));
        let mistyped = code.text().replacen(&code.text()[9..10], "U", 1);
        add("code", &format!("{many}"), code.text().into_bytes());
        add("code", &format!("{many}-quoted"), grouped.into_bytes());
        add("code", &format!("{many}-mistyped"), mistyped.into_bytes());
    }
    let key = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo";
    for (name, text) in [
        ("ip4", format!("hl-relay:/ip4/203.0.113.7/tcp/4270/p2p/{key}")),
        (
            "several",
            format!(
                "hl-relay:/ip4/203.0.113.7/tcp/4270,/ip6/2001:db8::7/udp/4270/quic-v1,/dns4/relay.example.org/tcp/443/wss/p2p/{key}"
            ),
        ),
        (
            "token",
            format!(
                "hl-relay:/ip4/203.0.113.7/tcp/4270/p2p/{key}/token/nent qaxb NENTQAXBNENTQAXBNC00"
            ),
        ),
    ] {
        add("address", name, text.into_bytes());
    }
    // Who, which verb; Anna founds at 0, admits, gives roles; all hear; one removes.
    let admit = |who: u8| vec![0, 3, who, 1, 5, 0, 0, 0, 0];
    let host = |who: u8| vec![0, 3, who, 1, 5, 0, 1, 3, 1, 0];
    let hear = |who: u8| vec![who, 0, 0];
    let removal = |by: u8, who: u8| vec![by, 3, who, 1, 5, 0, 0, 1, 0];
    let three = [admit(1), admit(2), host(1), hear(1), hear(2)].concat();
    add("charter", "three", three.clone());
    add(
        "charter",
        "removals",
        [&three[..], &removal(0, 2), &removal(1, 2), &removal(2, 1)].concat(),
    );
    // Up, hello, proof, open, put, get, reconcile, a day, restart.
    let begun: &[&[u8]] = &[&[0, 0, 0], &[0, 0, 2, 1, 0, 1], &[0, 0, 3, 1, 1, 0], &[0, 0, 4, 3, 0]];
    let served: &[&[u8]] = &[
        &[0, 0, 5, 2, 8, 128],
        &[0, 0, 7, 3, 1, 2, 1],
        &[0, 0, 9, 0, 3, 0, 0, 0, 2],
        &[0, 0, 11, 27],
        &[0, 0, 13],
    ];
    add("relay", "begun", begun.concat());
    add("relay", "served", [begun, served].concat().concat());
    add("hostile-relay", "gives", vec![0, 3, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    add(
        "hostile-relay",
        "reconciles",
        vec![0, 9, 3, 0, 0, 0, 2, 0, 6, 4, 1, 0, 1, 1, 1, 2, 0, 7, 2, 1, 1],
    );
    add("hostile-relay", "begins-anew", vec![0, 14, 0, 15, 20, 0, 17, 0, 2, 1, 0, 0, 0]);
    add("hostile-member", "speaks", vec![3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 1, 1, 0, 0, 0]);
    add("hostile-member", "governs", vec![5, 0, 25, 1, 0, 0, 0, 0, 8, 2, 2, 2, 0, 2, 2, 0, 10, 12]);
    add("hostile-member", "asks", vec![9, 0, 2, 0, 0, 1, 1, 1, 1, 1, 0, 10, 13, 9, 1, 1, 1, 1, 11]);
    seeds
}

/// What went over the wire, and lay in the mailboxes, while three people met and talked.
fn from_a_run() -> Seeds {
    let mut world = World::calm_circle(11, 3, 1);
    world.network.tap = Some(Vec::new());
    for text in ["good evening", "hello"] {
        world.say(ANNA, text);
        world.say(BEN, text);
    }
    world.crash(BEN, 5_000);
    world.run_for(15 * 60_000);
    let mut sized: BTreeMap<(&str, Vec<u8>, usize), Vec<u8>> = BTreeMap::new();
    let mut add = |target: &'static str, kind: &[u8], bytes: Vec<u8>| {
        if bytes.len() <= LONGEST {
            sized.insert((target, kind.to_vec(), bytes.len().ilog2() as usize), bytes);
        }
    };
    for frame in world.network.tap.take().unwrap_or_default() {
        if wire::decode::<Packet>(&frame).is_some() {
            add("packet", &frame[..2], frame.clone());
        }
    }
    let circle = world.circle.expect("founded");
    for (slot, secret) in world.hosts[BEN].store.secrets() {
        let boxes = match (slot.kind, EpochSecrets::split(secret.bytes())) {
            (SlotKind::Epoch, Some(both)) => {
                vec![
                    SealedBox::of_epoch(&both.epoch, &circle),
                    SealedBox::of_board(&both.board, &circle),
                ]
            }
            _ => continue,
        };
        for (_, row) in world.hosts[3].store.drawer(Room::Envelopes) {
            let whole = (0..row.len().min(64)).filter_map(|at| Envelope::parse(row[at..].to_vec()));
            for (sealed, envelope) in boxes.iter().flat_map(|b| whole.clone().map(move |e| (b, e)))
            {
                let Some(text) = envelope.open(&sealed.key, &sealed.mailbox()) else { continue };
                if let Some(frame) = wire::decode::<Frame>(&text) {
                    for item in wire::decode::<Vec<Item>>(&frame.payload.0).unwrap_or_default() {
                        match item {
                            Item::Message(bytes) => add("message", &[], bytes.0),
                            Item::Seen(seen) => add("seen", &[], wire::encode(&seen)),
                            Item::Pair(_) => {}
                        }
                    }
                    add("sealed-frame", &[], frame.payload.0);
                    add("frame", &[], text);
                } else if let Some(posted) = wire::decode::<Vec<(u8, Bytes)>>(&text) {
                    for (kind, content) in posted {
                        let signed = wire::decode::<Signed>(&content.0);
                        let operation = signed.and_then(|signed| signed.decode::<Operation>());
                        if let (1, Some(operation)) = (kind, operation) {
                            let act = Act::parse(operation.kind, 1, &operation.body.0);
                            let kind = act.map_or(0, |act| act.kind());
                            add("body", &[kind], [&[kind], &operation.body.0[..]].concat());
                            add("operation", &[kind], content.0);
                        }
                    }
                    add("board", &[], text);
                }
            }
        }
    }
    let named = sized.into_iter().map(|((target, kind, size), bytes)| {
        let kind: String = kind.iter().map(|byte| format!("-{byte:02x}")).collect();
        (target, format!("run{kind}-{size}"), bytes)
    });
    named.collect()
}
