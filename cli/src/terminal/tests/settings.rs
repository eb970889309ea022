//! The screen of settings, and the bell (U-13, U-180).

use crossterm::event::KeyCode;
use serde_json::{Value, json};

use super::{AT, Person, SMALL, WIDE, asked, circle, said};
use crate::terminal::{
    effect::{Effect, What},
    text::width,
};

/// U-130, U-13
#[test]
fn settings_stand_on_a_screen_of_their_own_and_enter_goes_through_them() {
    let mut person = Person::in_circle("en", WIDE);
    assert_eq!(asked(&person.enter("/config")), ["GET /v1/config"]);
    person.answer(What::Settings, settings("15m", "mark"));
    assert_eq!(
        person.frame()[2..12],
        [
            ">1 Tuesday group  | Settings",
            " 2 Night owls *3  |",
            "                  | > Language: English",
            "                  |   Country for help lines: United States",
            "                  |   Lock by itself after: 15 minutes",
            "                  |   When something is new: a mark on the page",
            "                  |   Quiet hours: 23:00-06:00",
            "                  |   Shift three times hides the page: yes",
            "                  |",
            "                  | Here F10 hides, and so does Ctrl-X Ctrl-H.",
        ]
    );
    person.press(KeyCode::Down);
    person.press(KeyCode::Down);
    let effects = person.press(KeyCode::Enter);
    let Effect::Ask(ask) = &effects[0] else { panic!() };
    assert_eq!((ask.method.as_str(), &ask.body), ("PATCH", &json!({"lock.after": "1h"})));
    person.answer(What::SettingSaved, settings("1h", "bell"));
    assert!(person.shows("> Lock by itself after: 1 hour") && person.shows("Saved."));
    // What was typed is the next to be left.
    person.press(KeyCode::Down);
    person.press(KeyCode::Down);
    let effects = person.press(KeyCode::Enter);
    let Effect::Ask(ask) = &effects[0] else { panic!() };
    assert_eq!(ask.body, json!({"notify.quiet": null}));
    person.press(KeyCode::Esc);
    let effects = person.enter("/config set page.hide_keys false");
    let Effect::Ask(ask) = &effects[0] else { panic!() };
    assert_eq!(ask.body, json!({"page.hide_keys": false}));
    assert_eq!(asked(&person.told("settings", "", Value::Null)), ["GET /v1/config"]);
}

/// U-130
#[test]
fn settings_fit_a_small_window() {
    let mut person = Person::in_circle("es", SMALL);
    person.enter("/config");
    person.answer(What::Settings, settings("never", "off"));
    for _ in 0..5 {
        person.press(KeyCode::Down);
    }
    let frame = person.frame();
    assert_eq!(frame[8], " > Mayús tres veces oculta la página:", "{frame:#?}");
    assert!(frame.iter().all(|row| width(row) <= 40));
}

/// U-39, U-180
#[test]
fn a_bell_follows_the_home_and_each_circle() {
    let mut person = Person::in_circle("en", WIDE);
    let rings = |person: &mut Person, circle: &str, id: &str| {
        person.told("message", circle, said(id, "Heron", "x", AT));
        std::mem::take(&mut person.state.rang)
    };
    assert!(!rings(&mut person, "52e1", "c1"));
    person.answer(What::Settings, settings("15m", "bell"));
    assert!(rings(&mut person, "52e1", "c2"));
    let effects = person.enter("/mute");
    let Effect::Ask(ask) = &effects[0] else { panic!() };
    assert_eq!(
        (asked(&effects)[0].as_str(), &ask.body),
        ("PATCH /v1/circles/41d0", &json!({"muted": true}))
    );
    let mut muted = circle("41d0", "Tuesday group", 0, 0);
    muted["muted"] = json!(true);
    person.told("circle", "41d0", muted);
    person.answer(What::Muted(true), json!({"v":1}));
    assert!(person.shows("You are told of nothing new in Tuesday group."));
    assert!(!rings(&mut person, "41d0", "c3"));
    person.enter("/where");
    assert!(person.shows("You are told of nothing new here: /unmute"));
    person.press(KeyCode::Esc);
    let mut own = circle("41d0", "Tuesday group", 0, 0);
    own["notify"] = json!("bell");
    person.told("circle", "41d0", own);
    person.answer(What::Settings, settings("15m", "off"));
    assert!(rings(&mut person, "41d0", "c4"));
    assert!(!rings(&mut person, "52e1", "c5"));
}

fn settings(lock: &str, notify: &str) -> Value {
    let mut all = json!({"language":"en","country":"US","lock.after":lock,"notify.mode":notify,
        "notify.quiet":"23:00-06:00","page.hide_keys":true});
    if lock == "never" {
        all["language"] = json!("es");
    }
    let defaults = json!({"page.hide_keys": true});
    (all["v"], all["defaults"]) = (json!(1), defaults);
    all
}
