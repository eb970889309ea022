//! Decisions (U-67).

use crossterm::event::KeyCode;
use serde_json::{Value, json};

use super::{Person, SMALL, WIDE, asked, circle};
use crate::terminal::effect::{Effect, What};

/// U-67, U-130
#[test]
fn decisions_are_listed_and_a_digit_chooses() {
    let mut person = Person::in_circle("en", WIDE);
    assert_eq!(asked(&person.enter("/votes")), ["GET /v1/circles/41d0/votes"]);
    assert!(!person.shows("Nothing was voted on here yet."), "nobody knows that before the answer");
    person.answer(What::Votes("41d0".to_owned()), json!({"v":1,"items":[]}));
    assert!(person.shows("Nothing was voted on here yet."));
    person.press(KeyCode::Esc);
    let first = person.enter("/cast 1 yes");
    assert!(asked(&first).is_empty() && person.shows("No vote here goes by that."));
    person.enter("/votes");
    let items = [vote("aa0001", "Change the hour", "carried"), vote("bb0002", "Meet outside", "")];
    person.answer(What::Votes("41d0".to_owned()), json!({"v":1,"items":items}));
    assert_eq!(
        person.frame()[2..10],
        [
            ">1 Tuesday group  | Decisions",
            " 2 Night owls *3  |",
            "                  | > 1 Meet outside",
            "                  |     open until Wed 25 Nov 18:00, 1 of 6 chose",
            "                  |   2 Change the hour",
            "                  |     carried, 1 of 6 chose, you: stand aside",
            "                  |",
            "                  | To ask the circle: /vote TEXT",
        ]
    );
    person.press(KeyCode::Enter);
    assert!(person.shows("Asked by Heron.") && person.shows("Heron  yes"));
    assert!(person.shows("Choose: 1 yes, 2 no"));
    let effects = person.press(KeyCode::Char('4'));
    let Effect::Ask(ask) = &effects[0] else { panic!() };
    assert_eq!(ask.path, "/v1/circles/41d0/votes/bb0002/cast");
    assert_eq!(ask.body["choice"], "aside");
    let mut mine = vote("bb0002", "Meet outside", "");
    (mine["mine"], mine["cast"]) = (json!("aside"), json!(2));
    person.answer(What::Voted(Some("aside".to_owned())), mine);
    assert!(person.shows("2 of 6 chose, you: stand aside"));
    assert!(person.shows("You chose: stand aside. You can choose anew until it closes."));
    let told = person.told("circle", "41d0", circle("41d0", "Tuesday group", 0, 0));
    assert_eq!(asked(&told), ["GET /v1/circles/41d0/votes"], "a ballot is told by its circle");
    person.press(KeyCode::Esc);
    person.press(KeyCode::Char('2'));
    assert!(person.press(KeyCode::Char('1')).is_empty(), "what is over takes no ballot");
    person.press(KeyCode::Esc);
    person.press(KeyCode::Esc);
    let effects = person.enter("/cast 1 block");
    assert_eq!(asked(&effects), ["POST /v1/circles/41d0/votes/bb0002/cast"]);
    assert!(person.enter("/cast 7 yes").is_empty() && person.shows("No vote here goes by that."));
    assert!(person.enter("/cast 1 maybe").is_empty() && person.shows("Choose: 1 yes"));
    let effects = person.enter("/vote Bring tea");
    let Effect::Ask(ask) = &effects[0] else { panic!() };
    assert_eq!(
        (ask.path.as_str(), &ask.body["text"]),
        ("/v1/circles/41d0/votes", &json!("Bring tea"))
    );
}

/// U-130
#[test]
fn a_decision_fits_a_small_window() {
    let mut person = Person::in_circle("es", SMALL);
    let mut one = vote("aa0001", "Otter as a host", "");
    (one["what"], one["about"], one["role"]) = (json!("elect"), json!("Otter"), json!("host"));
    person.answer(What::Votes("41d0".to_owned()), json!({"v":1,"items":[one]}));
    person.enter("/votes 1");
    let frame = person.frame();
    assert_eq!(frame[2..5], [" Una decisión", "", " Otter as a host"]);
    assert_eq!(frame[5], " abierta hasta mié 25 nov 18:00, 1 de 6");
    for _ in 0..6 {
        person.press(KeyCode::Down);
    }
    assert!(person.shows(" ven quién eligió qué."), "{:#?}", person.frame());
}

fn vote(id: &str, text: &str, result: &str) -> Value {
    let over = !result.is_empty();
    json!({"v":1,"id":id,"circle":"Tuesday group","circle_id":"41d0","text":text,"by":"Heron",
        "what":"ordinary","about":null,"role":null,"name":null,"closes_at":"2026-11-25T18:00:00.000Z",
        "settles_at":"2026-11-27T18:00:00.000Z","electorate":6,"cast":1,
        "ballots":[{"name":"Heron","id":"c07a","choice":"yes"}],
        "state":if over { "decided" } else { "open" },"result":over.then_some(result),
        "mine":over.then_some("aside"),"mark":"relayed"})
}
