//! Invite codes as people copy, quote and mistype them (U-140 to U-146, U-206).
#![allow(missing_docs, clippy::unwrap_used)]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "what a code may cost to read is measured in time"
)]

use std::time::{Duration, Instant};

use hearthlight_protocol::boundary::Timestamp;
use hearthlight_protocol::identity::Peer;
use hearthlight_protocol::invite::{
    InviteCode, InviteFault, RelayEntry, bytes_of, end_hour_of, read_symbols, symbols_of,
};
use proptest::prelude::*;

const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BYTES: &str = "0000410a000102030405060708090a0b0c0d0e0f0800e988677eecf94c0bb9233371c7c0d604cb0071070610ae3a971c7d";
const ROWS: [&str; 3] = [
    "HL1 0004 22G0 0410 6105 0R3G G28A 1C60 T3GF",
    "100E K237 FVPF JK0B Q4HK 6WE7 R3B0 9JR0",
    "E43G C45E 7ABH RZ8",
];
/// `/ip4/203.0.113.7/tcp/4270`
const IPV4: [u8; 8] = [4, 203, 0, 113, 7, 6, 0x10, 0xae];

fn key() -> Peer {
    Peer(std::array::from_fn(|i| 0xa0 + i as u8))
}

fn relay(address_bytes: usize) -> RelayEntry {
    RelayEntry::new(&key(), vec![7; address_bytes])
}

fn vector() -> InviteCode {
    let secret = std::array::from_fn(|i| i as u8);
    let relays = [RelayEntry::new(&key(), IPV4.to_vec())];
    InviteCode::with_relays(false, 16650, secret, &relays).unwrap()
}

/// Any code that the layout allows.
fn any_code() -> impl Strategy<Value = InviteCode> {
    let relay = (any::<[u8; 16]>(), prop::collection::vec(any::<u8>(), 1..=96))
        .prop_map(|(key_tag, address)| RelayEntry { key_tag, address });
    let relays = prop::collection::vec(relay, 1..=4);
    (any::<bool>(), 0u32..1 << 24, any::<[u8; 16]>(), relays)
        .prop_map(|(open, end_hour, secret, relays)| InviteCode { open, end_hour, secret, relays })
}

/// A code with one relay, as this program makes most of them.
fn usual_code() -> impl Strategy<Value = InviteCode> {
    (any_code(), 1..=53usize).prop_map(|(mut code, len)| {
        code.relays.truncate(1);
        code.relays[0].address.resize(len, 9);
        code
    })
}

/// Reads bytes as if they were a code.
fn parse_bytes(bytes: &[u8]) -> Result<InviteCode, InviteFault> {
    InviteCode::parse(&format!("HL1{}", symbols_of(bytes)))
}

fn with_checksum(mut said: Vec<u8>) -> Vec<u8> {
    let label = b"hearthlight invite 1".as_slice();
    let hash = hearthlight_protocol::crypto::sha256(&[label, &said].concat());
    said.extend_from_slice(&hash[..4]);
    said
}

/// Shows a code in groups of four.
fn spaced(symbols: &[char]) -> String {
    symbols.chunks(4).map(|group| group.iter().collect::<String>() + " ").collect()
}

fn symbols() -> Vec<char> {
    vector().text()[3..].chars().collect()
}

/// U-143
#[test]
fn the_vector_has_these_bytes_and_rows() {
    let code = vector();
    assert_eq!(data_encoding::HEXLOWER.encode(&code.bytes()), BYTES);
    assert_eq!(code.grouped(), ROWS);
    assert_eq!(code.text(), ROWS.join("").replace(' ', ""));
    assert_eq!(code.text().len(), 82);
    assert!(InviteCode::parse(&ROWS.join("\n    ")) == Ok(code));
}

#[test]
fn an_end_is_rounded_up_to_the_hour() {
    let end = vector().ends_at();
    assert_eq!(end, Timestamp(1_795_629_600_000), "2026-11-25T18:00Z");
    assert_eq!(end_hour_of(end), 16650);
    assert_eq!(end_hour_of(end.plus(1)), 16651);
    assert_eq!(end_hour_of(Timestamp(end.0 - 1)), 16650);
    assert_eq!(end_hour_of(Timestamp(0)), 0);
    assert_eq!(end_hour_of(Timestamp(u64::MAX)), (1 << 24) - 1);
}

/// U-141
#[test]
fn relays_are_added_while_the_code_stays_within_154_characters() {
    let make = |relays: &[RelayEntry]| InviteCode::with_relays(true, 1, [5; 16], relays);
    let lengths =
        |code: &InviteCode| code.relays.iter().map(|relay| relay.address.len()).collect::<Vec<_>>();
    let length = |relays: &[RelayEntry]| make(relays).unwrap().text().len();
    assert_eq!(length(&[relay(8), relay(8)]), 122);
    assert_eq!(length(&[relay(39)]), 131, "an onion address");
    assert_eq!(length(&[relay(53)]), 154);
    assert_eq!(lengths(&make(&[relay(18), relay(18), relay(1)]).unwrap()), [18, 18]);
    assert_eq!(lengths(&make(&[relay(18), relay(19), relay(1)]).unwrap()), [18]);
    assert_eq!(lengths(&make(&[relay(1), relay(1), relay(1), relay(1)]).unwrap()), [1, 1, 1]);
    assert_eq!(lengths(&make(&[relay(96), relay(8)]).unwrap()), [96]);
    assert_eq!(lengths(&make(&[relay(97), relay(0), relay(8)]).unwrap()), [8]);
    assert!(make(&[relay(97)]).is_none());
    assert!(make(&[]).is_none());
}

#[test]
fn an_entry_names_its_relay_only() {
    assert!(relay(8).names(&key()));
    assert!(!relay(8).names(&Peer([1; 32])));
}

#[test]
fn no_log_shows_what_a_code_says() {
    assert_eq!(format!("{:?}", vector()), "InviteCode(..)");
    assert_eq!(format!("{:?}", vector().relays), "[RelayEntry(..)]");
}

/// U-146
#[test]
fn each_fault_has_its_sentence_and_kind() {
    let cases = [
        (
            InviteFault::NotAnInvite,
            "not-an-invite",
            "This is not an invite. An invite starts with HL1.",
        ),
        (
            InviteFault::RelayAddress,
            "not-an-invite",
            "This is a relay address. Use it when you start a circle.",
        ),
        (
            InviteFault::OneMistake { group: 9, typed: "100E".into() },
            "invite-damaged",
            "Check group 9 (100E, as typed).",
        ),
        (
            InviteFault::SeveralMistakes,
            "invite-damaged",
            "There is more than one typing mistake. Copy it again from the start.",
        ),
        (
            InviteFault::CutOff { have: 12, of: Some(20) },
            "invite-damaged",
            "The end is missing: 12 of 20 groups are here.",
        ),
        (
            InviteFault::CutOff { have: 5, of: None },
            "invite-damaged",
            "The end is missing. Groups that are here: 5.",
        ),
        (
            InviteFault::Newer,
            "invite-newer",
            "A newer Hearthlight made this invite. Update this one, then try again.",
        ),
    ];
    for (fault, kind, sentence) in cases {
        assert_eq!(fault.kind(), kind);
        assert_eq!(fault.to_string(), sentence);
    }
}

#[test]
fn a_code_is_found_in_what_people_send() {
    let text = vector().text();
    let rows = ROWS.join("\n");
    let dashes = ROWS.join(" ").replace(' ', "\u{2013}");
    let wide: String = text.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
    let quoted = ROWS.map(|row| format!("> > {row}\r\n")).concat();
    let hidden: String = text.chars().flat_map(|c| [c, '\u{ad}', '\u{200b}']).collect();
    for sent in [
        format!("Hi Ben, I wrote about the hill house. Here: {text}. See you"),
        format!("An invite starts with HL1, like this one: {text}!"),
        format!("24HL1 is not it, (hl1) is not it\n{rows}\nThank you, Anna"),
        format!("On Monday Anna wrote:\n{quoted}> bye"),
        text.to_lowercase().replace('0', "o").replace('1', "l"),
        text.replace('0', "O").replace('1', "I"),
        format!("{text}EXTRA"),
        format!("hl-relay:/ip4/1.2.3.4 and {text}"),
        format!("**{text}**, _{dashes}_"),
        dashes,
        wide,
        hidden,
    ] {
        assert!(InviteCode::parse(&sent) == Ok(vector()), "{sent}");
    }
}

#[test]
fn what_holds_no_code_is_not_an_invite() {
    for text in [
        "",
        "hello",
        "Hi I am Ben. The hill is high; I like it here very much and I hope that you will come to see \
         it with me one of these days, before the winter comes and the road is closed.",
        "HL2 0004 22G0",
        "XHL1 0004 22G0",
        "7HL1 0004 22G0",
        "\u{e9}HL1 0004 22G0",
    ] {
        assert_eq!(InviteCode::parse(text), Err(InviteFault::NotAnInvite), "{text}");
    }
}

#[test]
fn a_relay_address_is_told_apart() {
    for text in ["hl-relay:/ip4/203.0.113.7/tcp/4270/p2p/12D3KooW", "Use HL-Relay:/dns4/x/tcp/1"] {
        assert_eq!(InviteCode::parse(text), Err(InviteFault::RelayAddress));
    }
}

#[test]
fn a_newer_code_is_newer_only_if_it_is_undamaged() {
    let mut said = vector().bytes()[..45].to_vec();
    for bit in 3..8 {
        said[0] = 1 << bit;
        let mut bytes = with_checksum(said.clone());
        assert_eq!(parse_bytes(&bytes), Err(InviteFault::Newer));
        bytes[10] ^= 1;
        assert!(matches!(parse_bytes(&bytes), Err(InviteFault::OneMistake { .. })));
        bytes[20] ^= 1;
        assert_eq!(parse_bytes(&bytes).unwrap_err().kind(), "invite-damaged");
    }
}

#[test]
fn lengths_outside_the_layout_are_damage_even_with_a_checksum() {
    let head = vector().bytes()[..20].to_vec();
    for len in [0, 97, 128, 255] {
        let mut said = head.clone();
        said.push(len);
        said.extend(vec![1; 16 + usize::from(len)]);
        assert_eq!(parse_bytes(&with_checksum(said)).unwrap_err().kind(), "invite-damaged");
    }
}

#[test]
fn the_last_symbol_is_filled_with_zeros() {
    let text = vector().text();
    // 49 bytes are 392 bits, and 79 symbols are 395: three of the last symbol's bits are fill.
    assert!(text.ends_with('8'));
    for other in "9ABCDEF".chars() {
        let filled = format!("{}{other}", &text[..81]);
        let fault = InviteFault::OneMistake { group: 20, typed: format!("RZ{other}") };
        assert_eq!(InviteCode::parse(&filled), Err(fault));
    }
}

/// U-145
#[test]
fn every_wrong_symbol_is_located() {
    let right = symbols();
    for at in 0..right.len() {
        let others = ALPHABET.chars().chain(['U', '/', '\u{e9}']);
        for wrong in others.filter(|c| *c != right[at]) {
            let mut typed = right.clone();
            typed[at] = wrong;
            let group = typed.chunks(4).nth(at / 4).unwrap().iter().collect();
            let fault = InviteFault::OneMistake { group: at / 4 + 1, typed: group };
            let text = if wrong.is_ascii_digit() {
                format!("HL1{}", typed.iter().collect::<String>())
            } else {
                format!("HL1 {} bye", spaced(&typed))
            };
            assert_eq!(InviteCode::parse(&text), Err(fault), "{text}");
        }
    }
}

/// U-145
#[test]
fn every_swap_of_neighbors_is_located() {
    let right = symbols();
    for at in (0..right.len() - 1).filter(|at| right[*at] != right[at + 1]) {
        let mut typed = right.clone();
        typed.swap(at, at + 1);
        for text in
            [format!("HL1{}", typed.iter().collect::<String>()), format!("HL1 {}", spaced(&typed))]
        {
            match InviteCode::parse(&text) {
                Err(InviteFault::OneMistake { group, .. }) => {
                    assert_eq!(group, at / 4 + 1, "{text}")
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}

/// U-145
#[test]
fn every_omission_is_located_in_the_group_that_is_short() {
    let right = symbols();
    for at in 0..right.len() {
        let mut groups: Vec<Vec<char>> = right.chunks(4).map(<[char]>::to_vec).collect();
        groups[at / 4].remove(at % 4);
        let shown: Vec<String> = groups.iter().map(|group| group.iter().collect()).collect();
        let fault = InviteFault::OneMistake { group: at / 4 + 1, typed: shown[at / 4].clone() };
        for end in ["", " thanks"] {
            let text = format!("HL1 {}{end}", shown.join(" "));
            assert_eq!(InviteCode::parse(&text), Err(fault.clone()), "{text}");
        }
        // Without groups nobody can tell which of two equal neighbors is missing.
        match InviteCode::parse(&format!("HL1{}", shown.concat())) {
            Err(InviteFault::OneMistake { group, .. }) => assert!(at / 4 + 1 - group <= 1),
            other => panic!("{at}: {other:?}"),
        }
    }
}

/// U-145
#[test]
fn every_insertion_is_located_in_the_group_that_is_long() {
    let right = symbols();
    for at in 0..right.len() {
        for extra in ALPHABET.chars().chain(['U']) {
            let mut groups: Vec<Vec<char>> = right.chunks(4).map(<[char]>::to_vec).collect();
            groups[at / 4].insert(at % 4, extra);
            let shown: Vec<String> = groups.iter().map(|group| group.iter().collect()).collect();
            let text = format!("HL1 {}", shown.join(" "));
            let fault = InviteFault::OneMistake { group: at / 4 + 1, typed: shown[at / 4].clone() };
            match InviteCode::parse(&text) {
                // One more of the last symbol is text after the code.
                Ok(code) => assert!(code == vector() && at == 78 && extra == right[78]),
                Err(found) => assert_eq!(found, fault, "{text}"),
            }
        }
    }
}

#[test]
fn two_mistakes_are_several() {
    let right = symbols();
    for (one, other) in [(0, 1), (0, 78), (30, 40), (33, 34), (35, 70), (77, 78)] {
        let mut typed = right.clone();
        for at in [one, other] {
            typed[at] = if typed[at] == 'Z' { '7' } else { 'Z' };
        }
        let fault = InviteCode::parse(&format!("HL1 {}", spaced(&typed))).unwrap_err();
        assert_eq!(fault.kind(), "invite-damaged");
        assert!(!matches!(fault, InviteFault::OneMistake { .. }), "{one} {other}: {fault}");
    }
}

#[test]
fn a_code_that_is_cut_off_says_how_much_is_here() {
    let right = symbols();
    for len in 0..right.len() - 1 {
        let text = format!("HL1 {}", spaced(&right[..len]));
        // The length of the only address is the 21st byte, which ends in the 34th symbol.
        let of = (len >= 34).then_some(20);
        assert_eq!(
            InviteCode::parse(&text),
            Err(InviteFault::CutOff { have: len / 4, of }),
            "{text}"
        );
        let note = format!("{text}(the rest is on the other page)");
        assert_eq!(InviteCode::parse(&note).unwrap_err().kind(), "invite-damaged");
    }
    let twelve = format!("HL1 {} (more later)", spaced(&right[..48]));
    assert_eq!(InviteCode::parse(&twelve), Err(InviteFault::CutOff { have: 12, of: Some(20) }));
}

#[test]
fn a_lost_group_of_one_symbol_is_a_missing_end() {
    // 41 bytes and 12 of address are 85 symbols.
    let code = InviteCode::with_relays(false, 9, [3; 16], &[relay(12)]).unwrap();
    let text = code.text();
    assert_eq!((text.len() - 3) % 4, 1);
    let cut = &text[..text.len() - 1];
    assert_eq!(InviteCode::parse(cut), Err(InviteFault::CutOff { have: 21, of: Some(22) }));
}

/// U-144
#[test]
fn the_worst_4_kib_are_judged_in_50_ms() {
    let text = InviteCode::with_relays(false, 9, [3; 16], &[relay(96)]).unwrap().text();
    let wrong = format!("{}ZZ{}", &text[..60], &text[62..]);
    let four: Vec<RelayEntry> = vec![relay(96); 4];
    let most = InviteCode { open: false, end_hour: 9, secret: [3; 16], relays: four }.text();
    let bad_most = format!("{}ZZ{}", &most[..700], &most[702..]);
    for (name, piece) in [
        ("one long code", format!("{wrong} ")),
        ("the longest code", format!("{bad_most} ")),
        ("prefixes", "HL1 ".into()),
        ("prefixes before zeros", "HL10".to_string() + &"0".repeat(33) + "01 "),
        ("misread prefixes", "Hi I ".into()),
        ("many starts", "HL1 0004 22G0 0410 6105 0R3G G28A 1C60 T3GF 1\n".into()),
        ("ligatures", "\u{fdfa}".into()),
        ("combining marks", "e\u{301}\u{327}\u{345}".into()),
        ("spaces", " ".into()),
    ] {
        let mut worst: String = piece.chars().cycle().take(4096).collect();
        while worst.len() > 4096 {
            worst.pop();
        }
        // The best of five, since other work on the machine is not meant.
        let spent = (0..5)
            .map(|_| {
                let begin = Instant::now();
                assert!(InviteCode::parse(&worst).is_err());
                begin.elapsed()
            })
            .min()
            .unwrap();
        println!("{name}: {spent:?}");
        assert!(spent < Duration::from_millis(50), "{name}: {spent:?}");
    }
}

#[test]
fn text_far_behind_a_code_costs_nothing_much() {
    let long = vector().text() + &" HL1 0004".repeat(1 << 18);
    let begin = Instant::now();
    assert!(InviteCode::parse(&long) == Ok(vector()));
    assert!(begin.elapsed() < Duration::from_secs(2));
}

/// U-147
#[test]
fn symbols_are_read_with_the_same_tolerance() {
    assert_eq!(read_symbols("ab-Cd ol\u{200b}i9, more", 8).as_deref(), Some("ABCD0119"));
    assert_eq!(read_symbols("abcd", 5), None);
    assert_eq!(read_symbols("abuc", 4), None);
    assert_eq!(bytes_of("ZZ"), None, "fill that is not zero");
    assert_eq!(bytes_of("ZW").as_deref(), Some([0xff].as_slice()));
    assert_eq!(symbols_of(&[0xff]), "ZW");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read(code in any_code()) {
        prop_assert!(InviteCode::parse(&code.text()) == Ok(code.clone()));
        prop_assert!(InviteCode::parse(&code.grouped().join("\n    ")) == Ok(code));
    }

    /// U-144
    #[test]
    fn spacing_case_and_quoting_change_nothing(
        code in any_code(),
        choices in prop::collection::vec((any::<bool>(), 0..40usize, 0..3usize), 1..800),
    ) {
        let separators = [" ", "\n", "\r\n> ", "-", "\u{2013}", " \u{2014} ", ".", "_", ",", ":", "*",
            "\u{200b}", "\u{ad}", "\u{feff}", "\t", "\u{a0}", "\n> > ", "\u{2060}"];
        let mut sent = String::new();
        for (c, (lower, separator, fold)) in code.text().chars().zip(choices.iter().cycle()) {
            let c = match (c, fold) {
                ('0', 1) => 'O',
                ('1', 1) => 'I',
                ('1', 2) => 'L',
                (c, _) => c,
            };
            sent.push(if *lower { c.to_ascii_lowercase() } else { c });
            sent.push_str(separators.get(*separator).unwrap_or(&""));
        }
        prop_assert!(InviteCode::parse(&sent) == Ok(code), "{}", sent);
    }

    /// U-144
    #[test]
    fn sentences_around_a_code_change_nothing(
        code in any_code(),
        before in "[a-zA-Z0-9 ,.!?\n]{0,200}",
        after in "[ .,!\"/)\n]\\PC{0,200}",
    ) {
        let rows = code.grouped().join("\n");
        let sent = format!("{before}\n{rows}{after}");
        prop_assert!(InviteCode::parse(&sent) == Ok(code), "{}", sent);
    }

    /// U-145
    #[test]
    fn one_slip_in_any_usual_code_is_located_or_reported(
        code in usual_code(), kind in 0..4, at in any::<prop::sample::Index>(), with in 0..32usize,
    ) {
        let mut typed: Vec<char> = code.text().chars().skip(3).collect();
        let at = at.index(typed.len() - 1);
        let with = ALPHABET.chars().nth(with).unwrap();
        match kind {
            0 => typed[at] = with,
            1 => typed.swap(at, at + 1),
            2 => typed.insert(at, with),
            _ => drop(typed.remove(at)),
        }
        let typed = format!("HL1 {}", spaced(&typed));
        match InviteCode::parse(&typed) {
            Ok(read) => prop_assert!(read == code),
            Err(InviteFault::OneMistake { group, .. }) => {
                // Among equal neighbors another place explains the slip as well.
                prop_assert!(group.abs_diff(at / 4 + 1) <= 2, "{} {}", group, at);
            }
            Err(fault) => prop_assert_eq!(fault.kind(), "invite-damaged"),
        }
    }

    #[test]
    fn anything_is_judged_without_panic(text in "\\PC{0,400}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = InviteCode::parse(&text);
        let _ = InviteCode::parse(&format!("HL1{text}"));
        let _ = InviteCode::parse(&String::from_utf8_lossy(&bytes));
        let _ = parse_bytes(&bytes);
        let _ = parse_bytes(&with_checksum(bytes));
    }

    #[test]
    fn a_cut_is_never_a_code(code in any_code(), keep in any::<prop::sample::Index>()) {
        let text = code.text();
        prop_assert!(InviteCode::parse(&text[..keep.index(text.len())]).is_err());
    }
}
