//! Answers to messages, and wishes (U-40).

use crossterm::event::{KeyCode, KeyModifiers};
use serde_json::{Value, json};

use super::{AT, Person, SMALL, WIDE, draft, said};
use crate::{
    advice::Failure,
    terminal::effect::{Effect, Event, What},
};

/// U-40, U-130
#[test]
fn a_reply_is_picked_from_what_was_said_last() {
    let mut person = Person::in_circle("en", WIDE);
    person.enter("/reply");
    let frame = person.frame();
    assert_eq!(frame[2], ">1 Tuesday group  | What do you answer?");
    assert_eq!(frame[4], "                  | > 1 Otter: yes. what's going on");
    assert_eq!(frame[5], "                  |   2 Heron: made it to day four");
    person.press(KeyCode::Down);
    person.press(KeyCode::Enter);
    let frame = person.frame();
    assert_eq!(frame[21], " Answer to Heron: made it to day four");
    assert_eq!(frame[22], " >");
    person.enter("/wants advice");
    assert!(person.frame()[21].ends_with("made it to day four  wants: advice"));
    let effects = person.enter("well done");
    let Effect::Ask(said) = &effects[0] else { panic!() };
    assert_eq!(
        said.body,
        json!({"text":"well done","reply_to":"a1","wants":"advice","timeout_ms":0})
    );
    assert!(!person.shows("Answer to"), "the next message answers nothing");
    let mut own = said_by_otter("a3", "well done");
    (own["reply_to"], own["wants"]) = (json!("a1"), json!("advice"));
    person.told("message", "41d0", own);
    assert!(person.shows("to Heron wants: advice 22:00 waiting"));
}

/// U-130
#[test]
fn a_reply_fits_a_small_window_and_goes_by_number_or_words() {
    let mut person = Person::in_circle("en", SMALL);
    for number in 0..12 {
        let text = format!("line {number} of a longer story than that");
        person.told("message", "41d0", said(&format!("b{number}"), "Heron", &text, AT));
    }
    person.enter("/reply");
    for _ in 0..8 {
        person.press(KeyCode::Down);
    }
    let frame = person.frame();
    assert!(frame.contains(&" > 9 Heron: line 3 of a longer story ..".to_owned()), "{frame:#?}");
    assert!(frame.iter().all(|row| !row.contains("What do you answer")));
    person.press(KeyCode::Char('2'));
    assert_eq!(
        person.frame()[9],
        " Answer to Heron: line 10 of a longer..",
        "{:#?}",
        person.frame()
    );
    person.enter("/reply story");
    assert_eq!(person.state.reply_to.as_deref(), Some("b11"));
    person.enter("/reply day four");
    assert_eq!(person.state.reply_to.as_deref(), Some("a1"));
    person.enter("/reply otter");
    assert_eq!(person.state.reply_to.as_deref(), Some("a2"));
    person.enter("/reply nobody");
    assert!(person.shows("Nothing like that is here"));
    person.enter("/reply off");
    assert_eq!(person.state.reply_to, None);
}

/// U-101, U-132
#[test]
fn a_draft_keeps_what_it_answers() {
    let mut person = Person::in_circle("es", WIDE);
    person.enter("/reply heron");
    person.write("bien");
    let saved = person.hear(Event::Pause);
    let Effect::Ask(ask) = &saved[0] else { panic!() };
    assert_eq!(ask.body, json!({"text":"bien","reply_to":"a1","wants":null}));
    person.with(KeyModifiers::ALT, '2');
    assert_eq!(person.state.reply_to, None, "it belongs to its circle");
    person.with(KeyModifiers::ALT, '1');
    let kept = json!({"v":1,"text":"bien","reply_to":"a1","wants":"listen"});
    person.answer(What::Draft("41d0".to_owned()), kept);
    assert!(person.hear(Event::Pause).is_empty(), "nothing differs from what is kept");
    let mut person = Person::in_circle("es", WIDE);
    person.answer(
        What::Draft("41d0".to_owned()),
        json!({"v":1,"text":"bien","reply_to":"a1","wants":"listen"}),
    );
    assert!(person.shows(" Respuesta a Heron: made it to day four"), "{:#?}", person.frame());
    let what = What::Said("41d0".to_owned(), draft("hola", Some("a1"), None));
    person.enter("");
    person.hear(Event::Answer(what, Err(Failure::of("disk-full"))));
    assert_eq!(person.state.reply_to.as_deref(), Some("a1"));
    person.press(KeyCode::Esc);
    assert!(!person.shows("Respuesta a"));
}

fn said_by_otter(id: &str, text: &str) -> Value {
    let mut own = said(id, "Otter", text, AT);
    own["own"] = json!(true);
    own
}
