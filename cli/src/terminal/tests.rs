//! The chat as people see it: keys in, frames and effects out.

mod replies;
mod settings;
mod votes;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};
use serde_json::{Value, json};

use super::{
    aim::Draft,
    effect::{Effect, Event, What},
    feed::tests::said,
    help::Card,
    state::{Consent, Panel, State},
    update::update,
    view::{Looks, draw},
};
use crate::{advice::Failure, client::Asker, strings::Catalogue};

/// One person in front of a screen.
struct Person {
    state: State,
    colors: bool,
}

impl Person {
    /// In Tuesday group, in which Heron spoke and one's own message waits.
    fn in_circle(language: &str, size: (u16, u16)) -> Self {
        let mut person = Self::before(language, size);
        let status = json!({"state":"open","network":"relay"});
        person.hear(Event::Reached { status, circle: None });
        let circles = json!({"v":1,"items":[circle("41d0", "Tuesday group", 1, 0), circle("52e1", "Night owls", 3, 1)]});
        person.answer(What::Circles, circles);
        let mut own = said("a2", "Otter", "yes. what's going on", "2026-11-23T21:41:00.000Z");
        own["own"] = json!(true);
        own["mark"] = json!("waiting");
        let items = [said("a1", "Heron", "made it to day four", "2026-11-23T19:02:00.000Z"), own];
        person.answer(
            What::Newest("41d0".to_owned()),
            json!({"v":1,"items":items,"before":"c1","after":"c2"}),
        );
        person.answer(What::Members("41d0".to_owned()), json!({"v":1,"items":[
            {"id":"c07a","name":"Heron","me":false,"roles":["host"],"state":"active","joined_on":"2026-11-02"},
            {"id":"d18b","name":"Otter","me":true,"roles":[],"state":"active","joined_on":"2026-11-03"}]}));
        person
    }

    fn before(language: &str, size: (u16, u16)) -> Self {
        let mut state = State::new(Catalogue::of(Some(language)), size);
        state.zone = TimeZone::UTC;
        state.help = Card::of(Some("US"));
        Self { state, colors: false }
    }

    fn hear(&mut self, event: Event) -> Vec<Effect> {
        update(&mut self.state, event)
    }

    fn answer(&mut self, what: What, answer: Value) -> Vec<Effect> {
        self.hear(Event::Answer(what, Ok(answer)))
    }

    fn told(&mut self, kind: &str, circle: &str, data: Value) -> Vec<Effect> {
        self.hear(Event::Told(json!({"v":1,"type":kind,"circle_id":circle,"data":data})))
    }

    fn press(&mut self, code: KeyCode) -> Vec<Effect> {
        self.hear(Event::Key(KeyEvent::from(code)))
    }

    fn with(&mut self, modifier: KeyModifiers, letter: char) -> Vec<Effect> {
        self.hear(Event::Key(KeyEvent::new(KeyCode::Char(letter), modifier)))
    }

    fn write(&mut self, text: &str) {
        for letter in text.chars() {
            self.press(KeyCode::Char(letter));
        }
    }

    fn enter(&mut self, text: &str) -> Vec<Effect> {
        self.write(text);
        self.press(KeyCode::Enter)
    }

    /// The frame, without spaces at the ends of rows.
    fn frame(&self) -> Vec<String> {
        let (columns, rows) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let looks = Looks { colors: self.colors, lines: false };
        terminal.draw(|frame| draw(frame, &self.state, looks)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y: u16| {
            let cells = (0..columns).map(|x| buffer[(x, y)].symbol().to_owned());
            cells.collect::<String>().trim_end().to_owned()
        };
        (0..rows).map(row).collect()
    }

    fn shows(&self, text: &str) -> bool {
        self.frame().join("\n").contains(text)
    }
}

fn circle(id: &str, label: &str, unread: u64, waiting: u64) -> Value {
    json!({"v":1,"id":id,"label":label,"template":"plain","state":"member","roles":["host"],"members":6,
        "unread":unread,"waiting_room":waiting,"muted":false,"relays_up":1,"relays":1,"joined_on":"2026-11-02"})
}

fn draft(text: &str, reply_to: Option<&str>, wants: Option<&str>) -> Draft {
    let owned = |text: &str| text.to_owned();
    Draft { text: owned(text), reply_to: reply_to.map(owned), wants: wants.map(owned) }
}

/// The requests among effects, as `METHOD path`.
fn asked(effects: &[Effect]) -> Vec<String> {
    let name = |effect: &Effect| match effect {
        Effect::Ask(ask) => format!("{} {}", ask.method, ask.path),
        other => format!("{other:?}"),
    };
    effects.iter().map(name).collect()
}

const WIDE: (u16, u16) = (80, 24);
const SMALL: (u16, u16) = (40, 12);
const AT: &str = "2026-11-23T22:00:00.000Z";

/// U-130
#[test]
fn a_conversation_stands_beside_the_circles() {
    let person = Person::in_circle("en", WIDE);
    let frame = person.frame();
    assert_eq!(
        frame[0],
        " Tuesday group             connected through a relay                    F1 keys"
    );
    assert_eq!(frame[1], "-".repeat(80));
    assert_eq!(frame[2], ">1 Tuesday group  | -- Mon 23 Nov 2026 --");
    assert_eq!(frame[3], " 2 Night owls *3  | -- new --");
    assert_eq!(
        frame[4],
        "                  | Heron  made it to day four                            19:02"
    );
    assert_eq!(
        frame[5],
        "                  | You    yes. what's going on                   21:41 waiting"
    );
    assert_eq!(frame[22], " >");
    assert_eq!(frame[23], " F2 get help now   F10 hide   Ctrl-Q leave   Alt-a next unread");
}

/// U-130
#[test]
fn a_small_window_folds_the_circles() {
    let frame = Person::in_circle("en", SMALL).frame();
    assert_eq!(frame[2], " -- Mon 23 Nov 2026 --");
    assert_eq!(frame[4], " Heron  made it to day four       19:02");
    assert!(frame[11].starts_with(" F2 get help now"));
}

/// U-130, U-121
#[test]
fn a_window_that_is_too_small_still_reaches_help() {
    let mut person = Person::in_circle("en", (39, 11));
    assert_eq!(person.frame()[..2], ["This window is too small.", "F2 get help now"]);
    person.press(KeyCode::F(2));
    assert!(person.shows("1  call 988"));
}

/// U-121
#[test]
fn help_is_one_key_away_also_while_locked() {
    let mut person = Person::in_circle("en", WIDE);
    person.hear(Event::Closed { passphrase: true });
    person.press(KeyCode::F(2));
    assert!(person.shows("You are not in the way. Choose one:"));
    person.press(KeyCode::Char('3'));
    assert!(person.shows("text HOME to 741741"));
    person.press(KeyCode::Esc);
    person.press(KeyCode::Esc);
    assert!(person.shows("Type your passphrase to open it."));
}

/// U-25
#[test]
fn a_lock_leaves_no_word_in_memory() {
    let mut person = Person::in_circle("en", WIDE);
    person.enter("something private");
    person.write("half a sentence");
    person.press(KeyCode::F(1));
    person.hear(Event::Closed { passphrase: true });
    let held = format!("{:?}", person.state);
    for word in ["Heron", "Otter", "Tuesday", "day four", "private", "half a sentence"] {
        assert!(!held.contains(word), "{word}");
    }
    let circles = json!({"v":1,"items":[circle("41d0", "Tuesday group", 1, 0)]});
    person.answer(What::Circles, circles);
    person.told("message", "41d0", said("z1", "Heron", "late", "2026-11-23T22:00:00.000Z"));
    assert!(person.state.circles.is_empty(), "what comes too late is not taken in");
    assert!(person.shows("Nothing arrives while this is locked."));
    person.write("open sesame");
    assert!(!person.shows("sesame") && person.shows("Passphrase ***********"));
    assert_eq!(person.press(KeyCode::Enter), [Effect::Open(Some("open sesame".to_owned()))]);
}

/// U-182
#[test]
fn a_home_without_passphrase_says_that_a_lock_only_hides() {
    let mut person = Person::in_circle("en", WIDE);
    person.hear(Event::Closed { passphrase: false });
    assert!(person.shows("Locking hides what is here"));
    assert_eq!(person.press(KeyCode::Enter), [Effect::Open(None)]);
    let failure = Failure::of("wrong-passphrase");
    person.hear(Event::Answer(What::Opened, Err(failure)));
    assert!(person.shows("That is not the passphrase."));
}

/// P2, U-40
#[test]
fn a_mark_rises_where_the_message_stands() {
    let mut person = Person::in_circle("en", WIDE);
    let mark =
        |mark: &str| json!({"kind":"mark","id":"a2","mark":mark,"received_by":2,"members":5});
    person.told("mark", "41d0", mark("relayed"));
    assert!(person.shows("21:41 relayed"));
    person.told("mark", "41d0", mark("received"));
    assert!(person.shows("21:41 received by 2 of 5"));
    assert!(!person.shows("waiting"));
}

/// U-44
#[test]
fn a_gap_says_what_is_missing_until_it_is_filled() {
    let mut person = Person::in_circle("en", WIDE);
    let gap = |count: u64| json!({"kind":"gap","gap":{"id":"77ab","count":count,"cause":"asking","asking":["relay 1","Maple"]}});
    person.told("message", "41d0", gap(3));
    assert!(person.shows("3 entries are missing. Asking the relay and Maple."));
    person.told("message", "41d0", gap(0));
    assert!(person.shows("What was missing is here now."));
    assert!(!person.shows("are missing"));
}

/// U-10
#[test]
fn nothing_that_others_write_steers_the_screen() {
    let mut person = Person::in_circle("en", WIDE);
    let text = "a\u{1b}[2Jb\u{7}\u{9b}c\u{202e}d\nOtter  forged";
    person.told(
        "message",
        "41d0",
        said("a9", "Mal\u{202e}lory\u{1b}", text, "2026-11-23T22:00:00.000Z"),
    );
    let frame = person.frame();
    let all = frame.join("");
    assert!(!all.contains(|c: char| c.is_control() || crate::values::is_hidden(c)));
    let forged = frame.iter().find(|row| row.contains("forged")).unwrap();
    assert!(
        forged.contains("|          Otter  forged"),
        "a second line stands under its text: {forged}"
    );
}

/// U-132
#[test]
fn colors_change_no_letter() {
    let mut person = Person::in_circle("en", WIDE);
    let without = person.frame();
    person.colors = true;
    assert_eq!(person.frame(), without);
}

/// U-132
#[test]
fn what_is_typed_becomes_the_draft_of_its_circle() {
    let mut person = Person::in_circle("en", WIDE);
    person.write("I can talk");
    let saved = person.hear(Event::Pause);
    assert_eq!(asked(&saved), ["PUT /v1/circles/41d0/draft"]);
    assert!(person.hear(Event::Pause).is_empty(), "the same text is stored once");
    person.write(" now");
    let moved = person.with(KeyModifiers::ALT, '2');
    assert_eq!(
        asked(&moved),
        [
            "PUT /v1/circles/41d0/draft",
            "GET /v1/circles/52e1/messages?limit=50",
            "GET /v1/circles/52e1/members",
            "GET /v1/circles/52e1/waiting",
            "GET /v1/circles/52e1/draft",
        ]
    );
    let items = [said("n1", "Wren", "still up", "2026-11-23T23:00:00.000Z")];
    let read = person.answer(
        What::Newest("52e1".to_owned()),
        json!({"v":1,"items":items,"before":null,"after":"c9"}),
    );
    assert_eq!(asked(&read), ["PUT /v1/circles/52e1/place"], "it is read once it is shown");
    assert!(person.shows("-- new --"));
    assert!(person.state.input.is_empty());
    person.with(KeyModifiers::ALT, '1');
    person.answer(What::Draft("41d0".to_owned()), json!({"v":1,"text":"I can talk now"}));
    assert!(person.shows(" > I can talk now"));
}

/// U-73: what is being typed is for the circle that was on the screen.
#[test]
fn no_other_circle_opens_where_one_was_removed_meanwhile() {
    let mut person = Person::in_circle("en", (80, 24));
    let left = json!({"v":1,"items":[circle("52e1", "Night owls", 3, 1)]});
    assert_eq!(asked(&person.told("circle", "41d0", Value::Null)), [""; 0]);
    assert_eq!(asked(&person.answer(What::Circles, left)), [""; 0]);
    assert_eq!(person.state.current, "");
    assert_eq!(asked(&person.enter("for Tuesday alone")), [""; 0]);
}

#[test]
fn what_could_not_be_said_is_in_the_box_again() {
    let mut person = Person::in_circle("en", WIDE);
    let effects = person.enter("good evening");
    assert_eq!(asked(&effects)[0], "POST /v1/circles/41d0/messages");
    let what = What::Said("41d0".to_owned(), draft("good evening", None, None));
    person.hear(Event::Answer(what, Err(Failure::of("disk-full"))));
    assert!(person.shows(" > good evening") && person.shows("The disk is full"));
}

/// U-133: a chat in lines goes on, and ends, once one's own words stand there.
#[test]
fn what_was_said_is_awaited_until_it_stands_there() {
    let mut person = Person::in_circle("en", WIDE);
    assert!(person.state.shows_said());
    let words = draft("good evening", None, None);
    person.answer(What::Said("41d0".to_owned(), words.clone()), json!({"v":1,"id":"a3"}));
    assert!(!person.state.shows_said());
    let mut own = said("a3", "Otter", "good evening", AT);
    own["own"] = json!(true);
    person.told("message", "41d0", own);
    assert!(person.state.shows_said());
    person.answer(What::Said("52e1".to_owned(), words), json!({"v":1,"id":"b9"}));
    assert!(person.state.shows_said(), "it stands in another circle");
}

/// U-45
#[test]
fn private_details_are_asked_about_once() {
    let mut person = Person::in_circle("en", WIDE);
    assert!(person.enter("call me at 0171 2345678").is_empty());
    assert!(person.shows("Say it all the same? y yes, n no"));
    person.press(KeyCode::Char('n'));
    assert!(person.shows(" > call me at 0171 2345678"));
    person.press(KeyCode::Enter);
    let said = person.press(KeyCode::Char('y'));
    assert_eq!(asked(&said)[0], "POST /v1/circles/41d0/messages");
}

/// U-131, U-132
#[test]
fn both_ways_to_hide_keep_the_draft_first() {
    for keys in [
        &[KeyEvent::from(KeyCode::F(10))][..],
        &[
            KeyEvent::new(KeyCode::Char('x'), KeyModifiers::CONTROL),
            KeyEvent::new(KeyCode::Char('h'), KeyModifiers::CONTROL),
        ],
    ] {
        let mut person = Person::in_circle("en", WIDE);
        person.write("half");
        let effects: Vec<_> = keys.iter().flat_map(|key| person.hear(Event::Key(*key))).collect();
        assert_eq!(asked(&effects), ["PUT /v1/circles/41d0/draft", "Hide"]);
    }
}

/// U-4, U-132
#[test]
fn a_signal_keeps_the_draft_whatever_is_asked() {
    let mut person = Person::in_circle("en", WIDE);
    person.enter("/remove Heron");
    assert!(person.state.question.is_some());
    person.press(KeyCode::Esc);
    person.write("half a sentence");
    person.state.question = None;
    assert_eq!(asked(&person.hear(Event::End)), ["PUT /v1/circles/41d0/draft", "Leave"]);
    let mut plain = Person::in_circle("en", WIDE);
    plain.state.drafts = false;
    assert_eq!(asked(&plain.hear(Event::Line("/quit".to_owned()))), ["Leave"]);
}

/// U-11
#[test]
fn a_circle_is_meant_by_its_label_or_the_only_one_that_begins_so() {
    let mut person = Person::in_circle("en", WIDE);
    let named = |person: &Person, typed: &str| person.state.circle_named(typed);
    assert_eq!(named(&person, "night").as_deref(), Some("52e1"));
    assert_eq!(named(&person, "TUESDAY GROUP").as_deref(), Some("41d0"));
    let items = json!([circle("41d0", "Tuesday group", 0, 0), circle("52e1", "Tuesday", 0, 0)]);
    person.answer(What::Circles, json!({"v":1,"items":items}));
    assert_eq!(named(&person, "tuesday").as_deref(), Some("52e1"));
    assert_eq!(named(&person, "tues"), None);
    person.enter("/circle tues");
    assert!(person.shows("Nothing here goes by that name."));
}

/// U-131
#[test]
fn keys_do_what_the_list_of_keys_says() {
    let mut person = Person::in_circle("en", WIDE);
    person.press(KeyCode::Char('?'));
    assert!(person.shows("F10, or Ctrl-X Ctrl-H: hide."));
    person.press(KeyCode::Esc);
    person.write("really?");
    assert!(person.shows(" > really?"), "behind text it is a letter");
    person.hear(Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::ALT)));
    person.enter("yes");
    person.press(KeyCode::Up);
    assert_eq!(person.state.input.text(), "really?\nyes");
    person.press(KeyCode::Esc);
    let next = person.with(KeyModifiers::ALT, 'a');
    assert!(asked(&next).contains(&"GET /v1/circles/52e1/messages?limit=50".to_owned()));
    person.write("/wh");
    person.press(KeyCode::Tab);
    assert_eq!(person.state.input.text(), "/where ");
    assert_eq!(asked(&person.with(KeyModifiers::CONTROL, 'q')), ["Leave"]);
}

/// U-102
#[test]
fn reading_back_asks_for_earlier_talk_and_stays_in_place() {
    let mut person = Person::in_circle("en", SMALL);
    for number in 0..30 {
        let id = format!("b{number}");
        person.told(
            "message",
            "41d0",
            said(&id, "Heron", &format!("line {number}"), "2026-11-23T22:00:00.000Z"),
        );
    }
    assert!(person.shows("line 29"));
    person.press(KeyCode::PageUp);
    let before = person.frame();
    person.told("message", "41d0", said("late", "Heron", "line 30", "2026-11-23T22:00:00.000Z"));
    assert_eq!(person.frame()[2..8], before[2..8], "what is read does not move");
    let earlier = person.press(KeyCode::Home);
    assert_eq!(asked(&earlier), ["GET /v1/circles/41d0/messages?limit=50&before=c1"]);
    person.press(KeyCode::End);
    assert!(person.shows("line 30"));
}

/// U-37, U-38
#[test]
fn the_waiting_room_shows_six_words_and_lets_in() {
    let mut person = Person::in_circle("en", WIDE);
    person.told("waiting", "41d0", json!({"id":"7c31","name":"Wren","state":"waiting","words":[]}));
    assert!(person.shows("Wren asks to be let in. Type /waiting"));
    person.enter("/waiting");
    person.answer(
        What::Waiting("41d0".to_owned()),
        json!({"v":1,"items":[{"id":"7c31","name":"Wren",
        "asked_at":"2026-11-23T19:04:00.000Z","words":["one","two","three","four","five","six"],
        "invite_label":"for Sam","state":"waiting"}]}),
    );
    assert!(person.shows("> Wren  asked 19:04") && person.shows("one two three four five six"));
    let admitted = person.press(KeyCode::Char('a'));
    assert_eq!(asked(&admitted), ["POST /v1/circles/41d0/waiting/7c31/admit"]);
    person.answer(What::Answered, json!({"id":"7c31","name":"Wren","state":"admitted"}));
    assert!(person.shows("Wren is in."));
    assert!(person.press(KeyCode::Char('d')).is_empty(), "turning away asks first");
    assert!(person.shows("Do not let Wren in? y yes, n no"));
}

/// U-34, U-142, U-143
#[test]
fn an_invite_is_shown_in_groups_and_drawn() {
    let mut person = Person::in_circle("en", WIDE);
    assert_eq!(asked(&person.enter("/invite"))[0], "POST /v1/circles/41d0/invites");
    // As many modules as a code for one relay has: 41 x 21 cells with the quiet zone.
    let modules = vec!["10".repeat(16) + "1"; 33];
    person.answer(
        What::Invited,
        json!({"v":1,"code":"HL1","modules":modules,"grouped":["HL1 0004 22G0 0410 6105"],"uses":1,
        "expires_at":"2026-11-24T18:00:00.000Z","registered":true}),
    );
    assert!(person.shows("HL1 0004 22G0 0410 6105"));
    assert!(person.shows("Until Tue 24 Nov 18:00 1 person can ask with it to be let"));
    person.press(KeyCode::Char('q'));
    let frame = person.frame();
    assert!(frame[0].chars().all(|cell| cell == '█') && frame[0].chars().count() == 41);
    assert_eq!(frame[2], format!("████{}████", " █".repeat(16) + " "));
    assert!(frame[20].starts_with("▀▀▀▀"), "an odd row has nothing below it");
    person.press(KeyCode::Esc);
    assert!(person.shows("Pass this code on to one person:"));
}

/// U-36
#[test]
fn joining_shows_both_cards_before_anybody_is_asked() {
    let mut person = Person::in_circle("en", WIDE);
    assert_eq!(asked(&person.enter("/join HL1 0004")), ["POST /v1/joins/preview"]);
    person.answer(
        What::Previewed("HL1 0004".to_owned()),
        json!({"state":"previewed","name":"Otter",
        "circle_name":"Dawn","admit":"ask","rules":["Listen first."],
        "relay_card":{"operator":"R. Lind","country":"DE","age_s":2_592_000}}),
    );
    for text in
        ["This relay is run by R. Lind.", "Circle: Dawn", "Rule: Listen first.", "Anyone can copy"]
    {
        assert!(person.shows(text), "{text}");
    }
    person.press(KeyCode::Enter);
    assert!(
        person.shows("Type a name of 1 to 40 letters."),
        "from the second circle on no name is offered"
    );
    let joined = person.enter("Wren");
    assert_eq!(asked(&joined), ["POST /v1/joins"]);
    person
        .answer(What::Joined, json!({"state":"asked","circle_name":"Dawn","words":["one","two"]}));
    assert!(person.shows("You asked to join Dawn."));
    let member = json!({"state":"member","circle":"Dawn","circle_id":"99"});
    person.told("join", "99", member);
    assert!(person.shows("You are in Dawn.") && person.state.panel.is_none());
}

/// U-51
#[test]
fn a_removal_is_asked_about_and_says_what_follows() {
    let mut person = Person::in_circle("en", WIDE);
    assert!(person.enter("/remove her").is_empty());
    assert!(person.shows("Remove Heron? What Heron has heard so far stays there. y yes, n no"));
    let removed = person.press(KeyCode::Char('y'));
    assert_eq!(asked(&removed), ["POST /v1/circles/41d0/members/her/remove"]);
    let Some(Effect::Ask(ask)) = removed.first() else { panic!() };
    person.answer(ask.what.clone(), json!({"state":"done"}));
    assert!(person.shows("What you say from now on cannot be read by Heron."));
}

/// U-7, U-45
#[test]
fn where_nobody_can_be_asked_nothing_is_asked_and_nothing_is_done() {
    let mut person = Person::in_circle("en", WIDE);
    person.state.consent = Consent::Missing;
    assert!(person.enter("/remove Heron").is_empty());
    assert!(person.state.question.is_none() && person.shows("Start with --yes to say it."));
    let said = person.enter("call me at 0171 2345678");
    assert_eq!(asked(&said)[0], "POST /v1/circles/41d0/messages");
    person.state.consent = Consent::Given;
    let removed = person.enter("/remove Heron");
    assert_eq!(asked(&removed), ["POST /v1/circles/41d0/members/Heron/remove"]);
}

/// U-52, U-53
#[test]
fn six_words_are_compared_and_a_member_can_be_left_unread() {
    let mut person = Person::in_circle("en", WIDE);
    let told = person.enter("/verify Heron");
    assert_eq!(asked(&told), ["POST /v1/circles/41d0/members/Heron/verify"]);
    let words = json!({"name":"Heron","words":["a","b","c","d","e","f"],"verified":false});
    person.answer(What::Compare("Heron".to_owned()), words);
    assert!(person.shows("Heron: a b c d e f.") && person.shows("y yes, n no"));
    let Some(Effect::Ask(same)) = person.press(KeyCode::Char('y')).pop() else { panic!() };
    assert_eq!(same.body, json!({"same": true}));
    person.answer(same.what, json!({"name":"Heron","verified":true}));
    assert!(person.shows("Heron is verified."));
    let blocked = person.enter("/block Heron");
    assert_eq!(asked(&blocked), ["POST /v1/circles/41d0/members/Heron/block"]);
    let again = person.answer(What::Blocked, json!({"name":"Heron","blocked":true}));
    assert!(person.shows("You no longer see Heron here.") && !again.is_empty());
}

/// U-131
#[test]
fn a_member_has_a_card() {
    let mut person = Person::in_circle("en", WIDE);
    person.enter("/members");
    assert!(person.shows("> Heron  host") && person.shows("  Otter  you"));
    person.press(KeyCode::Enter);
    assert!(person.shows("here since 2026-11-02") && person.shows("/hold Heron 24h"));
}

/// U-5, U-126
#[test]
fn every_screen_fits_in_every_language() {
    for language in ["en", "es", "qps-ploc", "qps-plocm"] {
        for size in [WIDE, SMALL, (20, 6), (1, 1)] {
            let mut person = Person::in_circle(language, size);
            let panels = [
                "/help",
                "/help-now",
                "/where",
                "/members",
                "/waiting",
                "/invite",
                "/join",
                "/reply",
                "/config",
                "/votes",
                "/bogus",
                "/admit",
            ];
            for command in panels {
                person.press(KeyCode::Esc);
                person.enter(command);
                person.frame();
            }
            let settings = json!({"language": language, "country": "US", "notify.mode": "bell"});
            person.state.settings = settings;
            person.state.open_panel(Panel::Settings(1));
            person.frame();
            person.answer(What::Status, json!({"version":"0.1.0","queued":0,"waiting_room":2}));
            person.state.open_panel(Panel::Where(Some(json!({"queued":1,"waiting_room":0}))));
            person.frame();
            person.hear(Event::Closed { passphrase: true });
            person.frame();
        }
    }
}

/// U-182
#[test]
fn what_follows_an_event_is_no_sign_that_somebody_is_here() {
    let mut person = Person::in_circle("en", WIDE);
    let by = |effects: &[Effect], asker: Asker| {
        assert!(!effects.is_empty());
        effects.iter().all(|effect| matches!(effect, Effect::Ask(ask) if ask.asker == asker))
    };
    let asking = json!({"id":"b7","name":"Maple","state":"waiting","words":[]});
    for (kind, data) in [
        ("waiting", asking),
        ("member", json!({"id":"c07a"})),
        ("join", json!({"id":"aa","state":"asked"})),
    ] {
        assert!(by(&person.told(kind, "41d0", data), Asker::Nobody), "{kind}");
    }
    assert!(by(&person.hear(Event::Behind), Asker::Nobody));
    assert!(by(&person.enter("/members"), Asker::Person));
    person.press(KeyCode::Esc);
    assert!(by(&person.with(KeyModifiers::ALT, '2'), Asker::Person));
}
