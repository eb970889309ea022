//! Lengths that are stated and not there, and what is nested without end (H-2, H-24).

use std::fs;

use harness::fuzzing::{Corpus, named};
use hearthlight_protocol::boundary::RelayCard;
use hearthlight_protocol::circle::card::Card;
use hearthlight_protocol::circle::charter::{Act, Operation};
use hearthlight_protocol::circle::epoch::{Header, Opening};
use hearthlight_protocol::circle::help::{Ask, Heads, Help};
use hearthlight_protocol::fuzz::{Again, BOARD, RENDEZVOUS, again};
use hearthlight_protocol::mailbox::Packet;
use hearthlight_protocol::message::{Frame, Item, Message};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

/// H-2: what reading may take from the system, whatever the bytes say.
const ROOM: u64 = 64 << 10;

/// A good form, and who reads it.
struct Form {
    name: String,
    bytes: Vec<u8>,
    reads: Again,
    /// Bytes before the CBOR: the kind of a body.
    skip: usize,
}

/// Every wire vector that is good, and what is signed or packed inside it.
fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    let readers: [(&str, Again, Option<Again>); 10] = [
        ("packet", again::<Packet>, None),
        ("frame", again::<Frame>, None),
        ("message", again::<Message>, None),
        ("board", BOARD[0], None),
        ("operation", again::<Signed>, Some(again::<Operation>)),
        ("opening", again::<Opening>, None),
        ("card", again::<Signed>, Some(again::<Card>)),
        ("helping", again::<Signed>, None),
        ("rendezvous", RENDEZVOUS[0], None),
        ("seen", again::<hearthlight_protocol::message::Seen>, None),
    ];
    for (target, reads, inside) in readers {
        for (name, bytes) in Corpus::of(named(target)).inputs {
            if name.contains("--") || reads(&bytes).is_none() {
                continue;
            }
            let mut add_at = |skip, bytes: Vec<u8>, reads: Again| {
                // Only as it is written: heads of other widths are what the fuzzer tries.
                if reads(&bytes).is_some_and(|again| again == bytes[skip..]) {
                    let name = format!("{name} {}", forms.len());
                    forms.push(Form { name, bytes, reads, skip });
                }
            };
            let mut add = |bytes, reads| add_at(0, bytes, reads);
            if let (Some(inside), Some(signed)) = (inside, wire::decode::<Signed>(&bytes)) {
                add(signed.content.0, inside);
            }
            if let Some(frame) = wire::decode::<Frame>(&bytes) {
                add(frame.payload.0, again::<Vec<Item>>);
            }
            if let Some(opening) = wire::decode::<Opening>(&bytes) {
                add(opening.header.content.0, again::<Header>);
            }
            if let Some(Packet::Card { card, .. }) = wire::decode::<Packet>(&bytes) {
                add(card.0, again::<RelayCard>);
            }
            let asked = wire::decode::<Signed>(&bytes).filter(|_| target == "helping");
            if let Some(signed) = asked {
                for inside in [again::<Ask>, again::<Heads>] {
                    if inside(&signed.content.0).is_some() {
                        add(signed.content.0.clone(), inside);
                    }
                }
            }
            add(bytes.clone(), reads);
            if let Some(operation) = wire::decode::<Signed>(&bytes)
                .and_then(|signed| signed.decode::<Operation>())
                .filter(|_| target == "operation")
            {
                add_at(1, [&[operation.kind], &operation.body.0[..]].concat(), body);
            }
        }
    }
    assert!(forms.len() > 80, "{} forms", forms.len());
    forms
}

/// The first byte is the kind of an operation, the rest its body.
fn body(bytes: &[u8]) -> Option<Vec<u8>> {
    let (kind, body) = bytes.split_first()?;
    Act::parse(*kind, 1, body).map(|act| act.body().0)
}

/// Where in `bytes` heads stand that state a length, with the length of each head.
fn heads(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(head) = bytes.get(at) {
        let (major, minor) = (head >> 5, head & 0x1f);
        let size = if minor < 24 { 1 } else { 1 + (1 << (minor - 24)) };
        let number = match minor {
            0..24 => u64::from(minor),
            _ => bytes[at + 1..at + size].iter().fold(0, |a, b| a << 8 | u64::from(*b)),
        };
        if (2..=5).contains(&major) {
            found.push((at, size));
        }
        at += size;
        if matches!(major, 2 | 3) {
            at += usize::try_from(number).expect("it was read");
        }
    }
    found
}

/// H-2: in every length of every form; refused, and no room was taken for what is not there.
#[test]
fn a_length_that_is_only_stated_takes_no_room() {
    let most = [1 << 16, (1 << 32) - 1, 1 << 32, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX];
    for Form { name, bytes, reads, skip } in forms() {
        for (at, size) in heads(&bytes[skip..]) {
            let at = at + skip;
            let (before, rest) = (&bytes[..at], &bytes[at + size..]);
            let major = bytes[at] & 0xe0;
            let with = |head: &[u8]| [before, head, rest].concat();
            let wide = |len: u64| with(&[&[major | 27], &len.to_be_bytes()[..]].concat());
            let mut cases: Vec<Vec<u8>> = most.map(wide).into();
            // Eleven bytes of a number; numbers that no head may have.
            cases.push(with(&[&[major | 27], &[0xff; 10][..]].concat()));
            cases.extend([28, 29, 30].map(|minor| with(&[major | minor])));
            for case in cases {
                let mut read = None;
                let taken = allocation_counter::measure(|| read = reads(&case));
                assert_eq!(read, None, "{name} at {at}");
                assert!(taken.bytes_max <= ROOM, "{name} at {at}: {} bytes", taken.bytes_max);
            }
            // Nothing, one more, and without an end: read or not, and no more room.
            for case in [wide(0), with(&[major | 31]), with(&[bytes[at].wrapping_add(1)])] {
                let taken = allocation_counter::measure(|| drop(reads(&case)));
                assert!(taken.bytes_max <= ROOM, "{name} at {at}: {} bytes", taken.bytes_max);
            }
        }
    }
}

/// H-24: nothing is compressed, so nothing expands; and nesting is walked, not climbed.
#[test]
fn what_is_nested_without_end_is_passed_over_or_refused() {
    const DEEP: usize = 300_000;
    let nests: [Vec<u8>; 5] = [
        vec![0x81; DEEP],
        vec![0x9f; DEEP],
        vec![0xc1; DEEP],
        [0xa1, 0x01].repeat(DEEP),
        [&vec![0x81; DEEP][..], &[0x80]].concat(),
    ];
    for Form { name, bytes, reads, .. } in forms().into_iter().filter(|form| form.skip == 0) {
        // As one more element than is known, and in the place of everything.
        let wider = |nest: &[u8]| match bytes[0] {
            head @ (0x80..0x97 | 0xa0..0xb6) => {
                let key: &[u8] = if head < 0xa0 { &[] } else { &[0x18, 0xf0] };
                [&[head + 1], &bytes[1..], key, nest].concat()
            }
            _ => nest.to_vec(),
        };
        for nest in &nests {
            for case in [wider(nest), nest.clone()] {
                let taken = allocation_counter::measure(|| drop(reads(&case)));
                let allowed = ROOM + 64 * case.len() as u64;
                assert!(taken.bytes_max <= allowed, "{name}: {} bytes", taken.bytes_max);
            }
        }
    }
    // What nobody knows is passed over, so it was walked indeed.
    let help = Help { to: Bytes(vec![1]), sealed: Bytes(vec![2]) };
    let mut wider = wire::encode(&help);
    wider[0] += 1;
    wider.extend(&nests[4]);
    assert_eq!(wire::decode::<Help>(&wider), Some(help));
}

/// H-4: what overflows is a fault in release builds too, and ends a task rather than counting on.
#[test]
fn release_builds_check_arithmetic() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("the workspace has one");
    let release = manifest.split("[profile.release]").nth(1).expect("it is stated");
    let release = release.split("\n[").next().expect("the section");
    assert!(release.lines().any(|line| line.trim() == "overflow-checks = true"), "{release}");
}
