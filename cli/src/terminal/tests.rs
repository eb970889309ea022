//! The chat as people see it: keys in, frames and effects out.

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
        person.hear(Event::Reached(json!({"state":"open","network":"relay"})));
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
        let mut state = State::new(Catalogue::of(Some(language)), size, None);
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

#[test]
fn what_could_not_be_said_is_in_the_box_again() {
    let mut person = Person::in_circle("en", WIDE);
    let effects = person.enter("good evening");
    assert_eq!(asked(&effects)[0], "POST /v1/circles/41d0/messages");
    let what = What::Said("41d0".to_owned(), draft("good evening", None, None));
    person.hear(Event::Answer(what, Err(Failure::of("disk-full"))));
    assert!(person.shows(" > good evening") && person.shows("The disk is full"));
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
                "/bogus",
                "/admit",
            ];
            for command in panels {
                person.press(KeyCode::Esc);
                person.enter(command);
                person.frame();
            }
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
    assert!(frame.iter().all(|row| super::text::width(row) <= 40));
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

/// U-67, U-130
#[test]
fn decisions_are_listed_and_a_digit_chooses() {
    let mut person = Person::in_circle("en", WIDE);
    assert_eq!(asked(&person.enter("/votes")), ["GET /v1/circles/41d0/votes"]);
    assert!(person.shows("Nothing was voted on here yet."));
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

fn said_by_otter(id: &str, text: &str) -> Value {
    let mut own = said(id, "Otter", text, AT);
    own["own"] = json!(true);
    own
}

const AT: &str = "2026-11-23T22:00:00.000Z";
