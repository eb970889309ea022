//! Charters and what they fold to, for whoever folds them elsewhere.
//!
//! `charters.json` has some. `CHARTERS_TO=FILE CHARTERS=N` writes N of each kind of story, `CHARTERS_TO=FILE
//! CHARTERS_FROM=FILE` what others come to, one on each line.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;

use data_encoding::{BASE64, HEXLOWER};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::boundary::DAY_MS;
use crate::circle::charter::tests::{
    ANNA, BEN, CHRIS, DANA, Story, holding, member, policy, removal, role,
};
use crate::circle::charter::{Act, CircleBody, HoldBody, RelaysBody};
use crate::circle::roster::tests::{below, roster, turmoil};
use crate::circle::votes::tests::Turmoil;
use crate::crypto::Label;
use crate::identity::{CircleId, MemberId, OperationId};
use crate::signed::Signed;

/// A kind of story, and one of it by a number.
type Kind = (&'static str, fn(u64) -> Story);

/// People who set each other's talk aside, name the circle, say how it is kept and by which relays, and let
/// each other go, each having seen any part of it.
fn house(seed: u64) -> Story {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut story = Story::with(&[BEN, CHRIS, DANA]);
    story.by(ANNA, &role(BEN, "host", true));
    story.by(ANNA, &role(CHRIS, "steward", true));
    for _ in 0..16 {
        let who = u8::try_from(1 + below(&mut rng, 4).min(below(&mut rng, 4))).expect("small");
        let to = u8::try_from(1 + below(&mut rng, 4)).expect("small");
        let ids: Vec<OperationId> = story.whole.held().iter().map(|held| held.id).collect();
        let from = ids.len() - ids.len().min(1 + below(&mut rng, 6));
        let seen = [0, 1].map(|_| ids[from + below(&mut rng, ids.len() - from)]);
        let rev = u32::try_from(1 + below(&mut rng, 4)).expect("small");
        let day = u64::try_from(below(&mut rng, 40)).expect("small");
        let act = match below(&mut rng, 11) {
            0..4 => Act::Hold(HoldBody { who: member(to), place: rev > 1, until: day * DAY_MS }),
            4 | 5 => Act::Circle(CircleBody {
                rev,
                name: format!("house {day}"),
                template: "plain".into(),
                source: None,
            }),
            6 | 7 => policy(rev, 1 + u16::from(to)),
            8 => Act::Relays(RelaysBody { rev, relays: Vec::new() }),
            9 => role(to, "host", who != to),
            _ => removal(to),
        };
        let before = story.all.len();
        story.at(&seen, who, &act);
        if story.whole.held().len() == before {
            story.all.truncate(before);
        }
    }
    story
}

/// One line of JSON: the operations, and what they come to, operations by their number.
fn line(name: &str, story: &Story) -> String {
    let roster = roster(story);
    let numbers: BTreeMap<OperationId, usize> =
        story.all.iter().enumerate().map(|(at, signed)| (story.id(signed), at)).collect();
    let who = |id: &MemberId| HEXLOWER.encode(&id.0);
    let operations = story
        .all
        .iter()
        .map(|signed| format!("\"{}\"", BASE64.encode(&crate::wire::encode(signed))));
    let standing = {
        let mut all: Vec<usize> = roster.standing.iter().map(|id| numbers[id]).collect();
        all.sort_unstable();
        all
    };
    let members = roster.members.iter().map(|(id, person)| {
        let roles = person.roles.iter().map(|role| {
            let end = person.terms.get(role).map_or("null".into(), |(_, end)| end.to_string());
            (role.clone(), end)
        });
        let said = [
            ("by", numbers[&person.by].to_string()),
            ("age", person.age.to_string()),
            ("roles", object(roles)),
        ];
        (who(id), object(said))
    });
    let invites = roster.invites.iter().map(|(id, invite)| {
        let closed = invite.closed.map_or("null".into(), |why| (why as u8).to_string());
        (numbers[id], object([("used", invite.used.to_string()), ("closed", closed)]))
    });
    let words = roster.words.iter().map(|(about, by)| {
        (who(about), object(by.iter().map(|(author, id)| (who(author), numbers[id].to_string()))))
    });
    let votes = roster.votes.iter().map(|(id, vote)| {
        let decided = vote.decided.map_or("null".into(), |verdict| (verdict as u8).to_string());
        let ballots =
            vote.ballots.iter().map(|(elector, (id, _))| (who(elector), numbers[id].to_string()));
        (numbers[id], object([("decided", decided), ("ballots", object(ballots))]))
    });
    let lost = roster.lost.iter().map(|(id, lost)| {
        let list = |members: &mut dyn Iterator<Item = &MemberId>| {
            array(members.map(|id| format!("\"{}\"", who(id))))
        };
        (
            numbers[id],
            object([("those", list(&mut lost.those.iter())), ("by", list(&mut lost.by.iter()))]),
        )
    });
    let name_of =
        roster.circle.as_ref().map_or("null".into(), |circle| format!("\"{}\"", circle.name));
    let late = roster.policy.as_ref().map_or("null".into(), |policy| policy.late_days.to_string());
    object([
        ("story", format!("\"{name}\"")),
        ("operations", array(operations)),
        ("standing", array(standing.iter().map(usize::to_string))),
        ("members", object(members)),
        ("outside", array(roster.outside.iter().map(|id| format!("\"{}\"", who(id))))),
        ("removals", roster.removals.to_string()),
        ("circle_name", name_of),
        ("policy_late_days", late),
        ("relays_rev", roster.relays_rev.to_string()),
        ("invites", object(invites)),
        ("holds", object(roster.holds.iter().map(|(id, until)| (who(id), until.to_string())))),
        ("words", object(words)),
        ("votes", object(votes)),
        ("lost", object(lost)),
    ])
}

fn object<K: Display>(pairs: impl IntoIterator<Item = (K, String)>) -> String {
    let pairs = pairs.into_iter().map(|(key, value)| format!("\"{key}\":{value}"));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn array(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// A line as above, made anew from its name and its operations alone.
fn again(text: &str) -> String {
    let mut words = text.split('"').skip(1).step_by(2);
    assert_eq!(words.next(), Some("story"));
    let name = words.next().expect("a name");
    assert_eq!(words.next(), Some("operations"));
    let operations = words.map_while(|word| {
        let bytes = BASE64.decode(word.as_bytes()).ok()?;
        crate::wire::decode::<Signed>(&bytes)
    });
    let all: Vec<Signed> = operations.collect();
    let circle = CircleId(all[0].id(Label::Operation, &CircleId::NONE));
    line(name, &Story { circle, whole: holding(circle, &all), all })
}

fn list(lines: impl Iterator<Item = String>) -> String {
    format!("[\n{}\n]\n", lines.collect::<Vec<_>>().join(",\n"))
}

fn all_again(text: &str) -> String {
    list(text.lines().filter(|line| line.starts_with('{')).map(again))
}

///
#[test]
fn charters_come_to_what_was_committed() {
    let path = super::folder().join("charters.json");
    let committed = fs::read_to_string(&path).expect("it is committed");
    let made = all_again(&committed);
    if std::env::var_os("WIRE_WRITE").is_some() {
        fs::write(&path, &made).expect("the folder is there");
    } else {
        let mut lines = committed.lines().zip(made.lines());
        let odd = lines.find(|(committed, made)| committed != made);
        assert!(odd.is_none() && committed.len() == made.len(), "{odd:?}");
    }
}

/// Charters for a comparison with another fold: so many of each kind, or those of a file.
#[test]
fn charters_are_made_for_whoever_folds_them_elsewhere() {
    let kinds: [Kind; 3] = [("turmoil", turmoil), ("votes", Turmoil::of), ("house", house)];
    let many = std::env::var("CHARTERS").map_or(1, |many| many.parse().expect("a number"));
    let made = list(kinds.into_iter().flat_map(|(kind, of)| {
        (0..many).map(move |seed| line(&format!("{kind} {seed}"), &of(seed)))
    }));
    assert_eq!(made, all_again(&made), "what is read is what was written");
    let from =
        std::env::var_os("CHARTERS_FROM").map(|from| fs::read_to_string(from).expect("a file"));
    if let Some(to) = std::env::var_os("CHARTERS_TO") {
        fs::write(to, from.map_or(made, |from| all_again(&from))).expect("it can be written there");
    }
}
