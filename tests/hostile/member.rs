//! A member with all its keys, against another's machine.

use std::collections::BTreeSet;

use harness::fuzzing::Insider;
use hearthlight_protocol::boundary::Timestamp;
use hearthlight_protocol::circle::charter::Operation;
use hearthlight_protocol::circle::help::Ask;
use hearthlight_protocol::crypto::Label;
use hearthlight_protocol::identity::{CircleId, MessageId, OperationId};
use hearthlight_protocol::message::{Item, Message, Parent, SHARE, Share};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

fn share(text: &str) -> Vec<u8> {
    wire::encode(&Share { text: text.into(), reply_to: None, wish: None, note: None })
}

/// H-5, D-6: well sealed and well signed, and refused at the last step: once. A restart takes it up no
/// more, what is given again costs nothing, and its author is heard as before.
#[test]
fn what_is_rejected_at_the_last_step_is_rejected_once() {
    let mut anna = Insider::new();
    let lines = anna.lines();
    let bad = |message: Message| Item::Message(Bytes(wire::encode(&message)));
    let mut utf8 = share("good");
    let at = utf8.windows(4).position(|at| at == b"good").expect("it says so");
    utf8[at] = 0xff;
    let parent = Parent { id: MessageId([1; 32]), epoch: 0 };
    let other = anna.members().iter().find(|member| **member != anna.ben().me);
    let other = *other.expect("he is not alone");
    let poison = [
        bad(anna.by_ben(0, SHARE, share(&"t".repeat(8_193)))),
        bad(anna.by_ben(0, SHARE, utf8)),
        bad(anna.by_ben(0, SHARE, Vec::new())),
        bad(anna.by_ben(0, SHARE, vec![0xff; 18_433])),
        bad(anna.by_ben(u64::MAX, SHARE, share("last"))),
        bad(anna.by_ben(u64::MAX / 2, SHARE, share("last but one"))),
        bad(Message { parents: vec![parent; 5], ..anna.by_ben(0, SHARE, share("five")) }),
        bad(Message { author: other, ..anna.by_ben(0, SHARE, share("not mine")) }),
        Item::Message(Bytes(vec![0xff; 64])),
        Item::Message(Bytes(Vec::new())),
    ];
    for (number, item) in poison.iter().enumerate() {
        let (sealed, envelope) = anna.ben_says(std::slice::from_ref(item));
        assert_eq!(anna.lines(), lines, "poison {number} is shown");
        let rows = anna.rows();
        anna.is_given(sealed.mailbox(), &envelope);
        assert_eq!(anna.rows(), rows, "poison {number} is stored twice");
        anna.starts_again();
        assert_eq!((anna.lines(), anna.rows()), (lines, rows), "poison {number}, after a restart");
    }
    let good = wire::encode(&anna.by_ben(0, SHARE, share("and this is good")));
    anna.ben_says(&[Item::Message(Bytes(good))]);
    assert_eq!(anna.lines(), lines + 1);
    // what a newer version made is kept, and is one line.
    let newer = wire::encode(&anna.by_ben(1, 200, vec![0xff]));
    anna.ben_says(&[Item::Message(Bytes(newer))]);
    anna.starts_again();
    assert_eq!(anna.lines(), lines + 2);
}

/// H-7, H-6: what others said, sealed again or written otherwise around what is signed, is the same line
/// or nothing.
#[test]
fn what_was_said_is_one_line_however_it_is_wrapped() {
    let mut anna = Insider::new();
    let lines = anna.lines();
    let frames = anna.frames();
    assert!(frames.len() > 2, "others have spoken");
    for (sealed, envelope, frame) in frames {
        let text = wire::encode(&frame);
        assert!(text[0] == 0x83 && text[1] < 24);
        let endless = [&[0x9f], &text[1..], &[0xff]].concat();
        let long = [&[0x83, 0x18], &text[1..]].concat();
        let longer = [&[0x83, 0x1b, 0, 0, 0, 0, 0, 0, 0], &text[1..]].concat();
        let wider = [&[0x84], &text[1..], &[0xf6]].concat();
        for again in [text.clone(), endless, long, longer, wider] {
            anna.seals(&sealed, &again);
            assert_eq!(anna.lines(), lines);
        }
        // the second encoding of its signature, and others, are none.
        for at in [4, 40, 67] {
            let mut changed = text.clone();
            changed[at] ^= 1;
            anna.seals(&sealed, &changed);
        }
        let mut other = frame.clone();
        let carry = ORDER.iter().enumerate().fold(0_u16, |carry, (at, more)| {
            let sum = u16::from(other.signature.0[32 + at]) + u16::from(*more) + carry;
            other.signature.0[32 + at] = sum.to_le_bytes()[0];
            sum >> 8
        });
        assert_eq!(carry, 0);
        anna.seals(&sealed, &wire::encode(&other));
        anna.is_given(sealed.mailbox(), &envelope);
        assert_eq!(anna.lines(), lines);
    }
    anna.starts_again();
    assert_eq!(anna.lines(), lines);
}

/// H-8, R-3: what Ben signed for one use, or for another circle, is nothing on the board in any place.
#[test]
fn what_was_signed_for_one_use_or_circle_is_nothing_elsewhere() {
    const USES: [Label; 10] = [
        Label::Operation,
        Label::Card,
        Label::Opening,
        Label::Ask,
        Label::Heads,
        Label::Frame,
        Label::Proof,
        Label::InviteNote,
        Label::Request,
        Label::RelayCard,
    ];
    let mut anna = Insider::new();
    let (here, elsewhere) = (anna.circle(), CircleId([9; 32]));
    let (heads, member) = (anna.inside().heads, anna.ben().me);
    let join = |circle| Operation {
        circle,
        author: member,
        seq: 1,
        parents: heads.iter().copied().collect::<Vec<OperationId>>(),
        kind: 89,
        rev: 1,
        critical: false,
        body: Bytes(Vec::new()),
    };
    let newest =
        |anna: &Insider| anna.cards().into_values().map(|card| card.id).collect::<Vec<_>>();
    let card = anna.cards()[&member].card.clone();
    let newer = |circle| hearthlight_protocol::circle::card::Card {
        circle,
        rev: card.rev + 1,
        ..card.clone()
    };
    let cards = newest(&anna);
    for (said, circle) in
        [(here, here), (here, elsewhere), (elsewhere, here), (elsewhere, elsewhere)]
    {
        for label in USES {
            let operation = Signed::new(&join(said), &anna.ben().pair, label, &circle);
            let shown = Signed::new(&newer(said), &anna.ben().pair, label, &circle);
            let whole = said == here && circle == here;
            for (kind, signed) in
                [1, 2, 5, 6].into_iter().flat_map(|k| [(k, &operation), (k, &shown)])
            {
                let good = match kind {
                    1 => label == Label::Operation && signed == &operation,
                    2 => label == Label::Card && signed == &shown,
                    _ => false,
                };
                if !(whole && good) {
                    anna.posts(kind, wire::encode(signed));
                }
            }
        }
    }
    assert_eq!(anna.inside().heads, heads, "something stands in the charter");
    assert_eq!(newest(&anna), cards, "a card is believed");
    // Asks, too, are for their own use: nobody is helped.
    let ask = Ask {
        member,
        card: anna.ben().sign(Label::Card, &newer(here)),
        heads: Vec::new(),
        lacks: Vec::new(),
        tries: 0,
        at: anna.now().0,
    };
    let ben = anna.ben().clone();
    let is_answered = |anna: &mut Insider, label, ask: &Ask| {
        anna.comes_in_step();
        anna.posts(5, wire::encode(&ben.sign(label, ask)));
        let rows = anna.rows();
        anna.waits(40_000);
        anna.rows() > rows
    };
    for label in USES.into_iter().filter(|label| *label != Label::Ask) {
        assert!(!is_answered(&mut anna, label, &ask), "an ask signed as {label:?} is answered");
    }
    assert_eq!(newest(&anna), cards);
    // And what is right is taken.
    let right = anna.ben().sign(Label::Operation, &join(here));
    anna.posts(1, wire::encode(&right));
    assert_ne!(anna.inside().heads, heads);
    let right = anna.ben().sign(Label::Card, &newer(here));
    anna.posts(2, wire::encode(&right));
    assert_ne!(newest(&anna), cards);
    let ask = Ask { at: anna.now().0, ..ask };
    assert!(is_answered(&mut anna, Label::Ask, &ask));
}

/// H-4, H-26: a clock at either end of time, with restarts there, and back.
#[test]
fn a_clock_at_an_end_of_time_breaks_nothing() {
    let ends = [0, 1, 59_999, u64::from(u32::MAX), 1 << 62, u64::MAX / 2, u64::MAX / 2 + 1];
    for at in ends.into_iter().chain([u64::MAX - 1, u64::MAX]) {
        let mut anna = Insider::new();
        let lines = anna.lines();
        let before: BTreeSet<_> = anna.inside().roster.into_iter().collect();
        let now = anna.clock_shows(Timestamp(at));
        anna.says("at what time is this");
        let late = anna.by_ben(0, SHARE, share("from another time"));
        anna.ben_says(&[Item::Message(Bytes(wire::encode(&Message { said_at: at, ..late })))]);
        anna.starts_again();
        anna.clock_shows(now);
        anna.says("and now");
        anna.starts_again();
        assert!(anna.lines() > lines, "at {at}: {} of {lines} lines and more", anna.lines());
        assert_eq!(anna.inside().roster.into_iter().collect::<BTreeSet<_>>(), before, "at {at}");
        harness::fuzzing::relay_at_an_end_of_time(Timestamp(at));
    }
}

/// The order of the group, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
