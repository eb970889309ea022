//! The terminal chat in a real terminal, played by tmux (U-130 to U-133, U-205).
//!
//! Where there is no tmux these tests say so and pass; under `CI` they do not.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use harness::process::{Done, Home, LONGEST, Stage};

use crate::{CIRCLE, Circle, program};

/// A terminal of its own, with a chat in it.
struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Opens a window of `columns` x `rows` in which `home` talks; `None` where tmux is missing.
    fn open(home: &Home, size: (u16, u16), words: &str) -> Option<Self> {
        Self::open_as(home, size, words, "xterm-256color")
    }

    /// As [`Self::open`], in a terminal of this `TERM`.
    fn open_as(home: &Home, (columns, rows): (u16, u16), words: &str, kind: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "tmux is missing");
            println!("skipped: no tmux");
            return None;
        }
        // Beside the home: a stage's folder is short enough for a socket. Each has its own, since a
        // server takes a moment to end.
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let terminal = Self { socket: home.dir.with_extension(format!("tmux{number}")) };
        let program = program();
        let chat = format!(
            "env -u XDG_RUNTIME_DIR TZ=UTC LANG=C.UTF-8 TERM={kind} '{}' chat {words} --home '{}'",
            program.display(),
            home.dir.display()
        );
        // The shell stays, so that what is left behind can be looked at.
        let shell = format!("{chat}; echo \"ended $?\"; stty -a; exec cat");
        let size = [columns.to_string(), rows.to_string()];
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &size[0],
            "-y",
            &size[1],
            &shell,
        ]);
        Some(terminal)
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("HEARTHLIGHT_") {
                tmux.env_remove(variable);
            }
        }
        tmux.arg("-S").arg(&self.socket).args(words).output().expect("tmux runs")
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn write(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    fn enter(&self, text: &str) {
        self.write(text);
        self.press("Enter");
    }

    /// What is on the screen now, with what was scrolled away.
    fn shown(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p", "-S", "-1000"]);
        String::from_utf8(output.stdout).expect("text")
    }

    /// Waits until the screen is as wanted. A terminal tells nobody that it changed.
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + LONGEST;
        loop {
            let shown = self.shown();
            if wanted(&shown) {
                return shown;
            }
            assert!(Instant::now() < until, "never: {what}\n{shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn until_shows(&self, text: &str) -> String {
        self.until(text, |shown| shown.contains(text))
    }

    /// The process of the chat: the only child of the shell.
    fn chat(&self) -> String {
        let output = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let shell = String::from_utf8(output.stdout).expect("a number");
        let shell = shell.trim();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        children.expect("the shell runs").trim().to_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // This one's own server, and so what runs in it.
        self.tmux(&["kill-server"]);
    }
}

/// The row that holds a text.
fn row<'a>(shown: &'a str, text: &str) -> &'a str {
    shown.lines().find(|row| row.contains(text)).unwrap_or_default()
}

const WIDE: (u16, u16) = (80, 24);
const SMALL: (u16, u16) = (40, 12);

/// P1, P2, U-130
#[test]
fn two_people_talk_and_marks_tell_the_truth() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let Some(hers) = Terminal::open(&anna, WIDE, "") else { return };
    let his = Terminal::open(&ben, SMALL, "").expect("tmux is there");
    hers.until_shows("connected through a relay");
    his.until_shows("F2 get help now");
    hers.enter("good evening");
    his.until_shows("Anna  good evening");
    hers.until("received", |shown| row(shown, "good evening").contains("received by 1 of 1"));
    his.enter("hello Anna");
    hers.until_shows("Ben  hello Anna");

    circle.stop_relay();
    hers.until_shows("no relay can be reached");
    hers.enter("while it is away");
    hers.until("waiting", |shown| row(shown, "while it is away").contains("waiting"));
    circle.start_relay();
    his.until_shows("while it is away");
    // Acknowledgements come once a minute; this one may still be on its way.
    let gone = |row: &str| row.contains("relayed") || row.contains("received by 1 of 1");
    hers.until("relayed", |shown| gone(row(shown, "while it is away")));
    let shown = hers.until_shows("connected through a relay");
    assert_eq!(shown.matches("good evening").count(), 1, "{shown}");
}

/// U-40, U-131: an answer says what it answers, here and there.
#[test]
fn a_reply_is_picked_and_shown_as_one() {
    let (_circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let Some(hers) = Terminal::open(&anna, WIDE, "") else { return };
    hers.until_shows("connected through a relay");
    let asked = ben.say(CIRCLE, "anyone up?", &["--wait", "relayed"]);
    hers.until_shows("Ben  anyone up?");
    hers.enter("/reply");
    hers.until_shows("> 1 Ben: anyone up?");
    hers.press("Enter");
    hers.until_shows("Answer to Ben: anyone up?");
    hers.enter("/wants listen");
    hers.until_shows("wants: to be heard");
    hers.enter("yes, I am");
    hers.until_shows("to Ben wants: to be heard");
    ben.follow(CIRCLE).until(|line| {
        line["text"] == "yes, I am" && line["reply_to"] == asked["id"] && line["wants"] == "listen"
    });
    let mut plain = ben.plain_command(["chat", "--plain"]);
    plain.env("TERM", "dumb").env("LANG", "C.UTF-8");
    let done = Done::of(plain, "/reply yes\nand more\n/reply anyone\nwell then\n");
    let said = done.stdout();
    assert_eq!(done.code(), 0, "{said}");
    for text in [
        "Answer to Anna: yes, I am\n",
        "Whoever wrote this wants to be heard",
        "Answer to Ben: anyone up?\n",
    ] {
        assert!(said.contains(text), "{text}:\n{said}");
    }
    hers.until("said", |shown| row(shown, "well then").contains("to Ben"));
    assert!(!ben.texts(CIRCLE).contains(&"and more".to_owned()));
}

/// U-121, U-25
#[test]
fn help_is_one_key_away_at_any_size_and_also_locked() {
    let stage = Stage::new(&program());
    let anna = stage.home("Anna");
    anna.ok(["setup", "--name", "Anna", "--no-passphrase", "--country", "US"]);
    let _node = anna.start();
    for size in [WIDE, SMALL, (30, 8)] {
        let Some(terminal) = Terminal::open(&anna, size, "") else { return };
        terminal.until("drawn", |shown| shown.contains("get help now"));
        terminal.press("F2");
        terminal.until_shows("call 988");
        terminal.press("C-q");
        terminal.until_shows("ended 0");
    }
    let Some(terminal) = Terminal::open(&anna, SMALL, "") else { return };
    terminal.until_shows("no circle");
    anna.ok(["lock"]);
    terminal.until_shows("Locked.");
    terminal.press("F2");
    terminal.until_shows("call 988");
    terminal.press("Escape");
    terminal.until_shows("does not protect it");
    terminal.press("Enter");
    terminal.until_shows("no circle");
    assert_eq!(anna.ok(["status"])["state"], "open");
}

/// U-132
#[test]
fn hide_leaves_nothing_on_the_screen_and_locks() {
    let (_circle, [anna, _ben]) = Circle::of(["Anna", "Ben"]);
    let Some(terminal) = Terminal::open(&anna, WIDE, "") else { return };
    terminal.until_shows("Ben joined.");
    terminal.enter("something private");
    terminal.until_shows("something private");
    terminal.write("half a sentence");
    terminal.until_shows("half a sentence");
    let pressed = Instant::now();
    terminal.press("F10");
    terminal.until_shows("ended 0");
    // The promise is 200 ms; a test of a busy computer allows more, and most of it is tmux.
    assert!(pressed.elapsed() < Duration::from_secs(2), "{:?}", pressed.elapsed());
    let sane = |shown: &str| shown.contains(" icanon") && shown.contains(" echo ");
    let shown = terminal.until("stty", sane);
    for word in ["private", "half", "Ben", "Tuesday", "chat", "help"] {
        assert!(!shown.contains(word), "{word} is left behind:\n{shown}");
    }
    assert_eq!(anna.ok(["status"])["state"], "locked");
    anna.ok(["unlock"]);
    // What was typed is still there, and was not said.
    let again = Terminal::open(&anna, SMALL, "").expect("tmux is there");
    again.until_shows("> half a sentence");
    assert_eq!(anna.texts(CIRCLE), ["something private"]);
}

/// U-132, U-4
#[test]
fn a_chat_that_is_ended_leaves_a_sane_terminal() {
    let stage = Stage::new(&program());
    let anna = stage.person("Anna");
    let _node = anna.start();
    for (signal, kind) in [("-TERM", "xterm-256color"), ("-HUP", "vt100"), ("-INT", "vt100")] {
        let Some(terminal) = Terminal::open_as(&anna, SMALL, "", kind) else { return };
        terminal.until_shows("no circle");
        let chat = terminal.chat();
        assert!(chat.parse::<u32>().is_ok(), "one process: {chat}");
        let told = Command::new("kill").args([signal, &chat]).status().expect("kill runs");
        assert!(told.success());
        let shown = terminal.until_shows("ended 0");
        terminal.until("stty", |shown| shown.contains(" icanon") && shown.contains(" echo "));
        assert!(!shown.contains("no circle"), "the first screen is back:\n{shown}");
    }
}

/// U-8, U-182
#[test]
fn a_chat_becomes_the_node_where_none_runs() {
    let stage = Stage::new(&program());
    let anna = stage.home("Anna");
    let words = stage.path("words");
    fs::write(&words, "six words here\n").expect("a file");
    fs::set_permissions(&words, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("ours");
    anna.ok(["setup", "--name", "Anna", "--passphrase-file", words.to_str().expect("plain")]);
    let Some(terminal) = Terminal::open(&anna, WIDE, "") else { return };
    terminal.until_shows("Type your passphrase to open it.");
    terminal.enter("not these");
    terminal.until_shows("That is not the passphrase.");
    terminal.enter("six words here");
    let shown = terminal.until_shows("You are in no circle yet.");
    assert!(!shown.contains("six words"), "{shown}");
    assert_eq!(anna.ok(["status"])["running"], true);
    terminal.press("C-q");
    terminal.until_shows("ended 0");
    assert_eq!(anna.refused(["unlock"]).1, "not-running");
}

/// U-133
#[test]
fn plain_lines_hold_no_escape_and_end_with_the_input() {
    let (_circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    anna.say(CIRCLE, "good evening", &["--wait", "received"]);
    let mut plain = ben.plain_command(["chat", "--plain"]);
    plain.env("TERM", "dumb").env("LANG", "C.UTF-8");
    let done = Done::of(plain, "hello Anna\n/where\n/help-now\n/bogus\n/repeat\n");
    assert_eq!(done.code(), 0);
    let said = done.stdout();
    assert!(!said.contains('\u{1b}'), "{said}");
    for text in [
        "== Tuesday group ==",
        "Anna: good evening  (",
        "Ben: hello Anna  (",
        "2 members",
        "There is no /bogus.",
    ] {
        assert!(said.contains(text), "{text}:\n{said}");
    }
    assert!(anna.texts(CIRCLE).contains(&"hello Anna".to_owned()));
}

/// U-130, U-133, U-71
#[test]
fn settings_are_changed_in_the_chat_and_followed_at_once() {
    let stage = Stage::new(&program());
    let anna = stage.person("Anna");
    let _node = anna.start();
    let mut plain = anna.plain_command(["chat", "--plain"]);
    plain.env("TERM", "dumb").env("LANG", "C.UTF-8");
    let typed =
        "/config set lock.after 1h\n/config set lock.after 1\n/config set language es\n/config\n";
    let done = Done::of(plain, typed);
    let said = done.stdout();
    assert_eq!(done.code(), 0, "{said}");
    for text in
        ["Saved.", "lock.after is a duration", "Guardado.", "Se cierra sin más tras: 1 hora"]
    {
        assert!(said.contains(text), "{text}:\n{said}");
    }
    assert_eq!(anna.ok(["config", "get", "lock.after"])["value"], "1h");
    let Some(terminal) = Terminal::open(&anna, SMALL, "") else { return };
    terminal.until_shows("sin círculo");
    terminal.enter("/config");
    terminal.until_shows("> Idioma: Español");
    anna.ok(["config", "set", "language", "en"]);
    terminal.until_shows("> Language: English");
    terminal.press("Enter");
    terminal.until_shows("> Idioma: Español");
    assert_eq!(anna.ok(["config", "get", "language"])["value"], "es");
}

/// U-67, U-130, U-133
#[test]
fn a_circle_decides_from_the_chat() {
    let (_circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let mut plain = anna.plain_command(["chat", "--plain"]);
    plain.env("TERM", "dumb").env("LANG", "C.UTF-8");
    let done = Done::of(plain, "/vote Change the hour\n/cast 1 yes\n/votes 1\n");
    let said = done.stdout();
    assert_eq!(done.code(), 0, "{said}");
    for text in ["The circle is asked.", "You chose: yes.", "Asked by Anna.", "Anna  yes"] {
        assert!(said.contains(text), "{text}:\n{said}");
    }
    let Some(his) = Terminal::open(&ben, WIDE, "") else { return };
    his.until_shows("connected through a relay");
    crate::governing::until(&ben, &["vote", "list", CIRCLE], |vote| vote["cast"] == 1);
    his.enter("/votes");
    his.until_shows("1 of 2 chose");
    his.press("Enter");
    his.until_shows("Asked by Anna.");
    his.press("2");
    his.until_shows("You chose: no.");
    his.until_shows("2 of 2 chose, you: no");
    crate::governing::until(&anna, &["vote", "list", CIRCLE], |vote| vote["cast"] == 2);
}

/// U-11, U-73, U-133
#[test]
fn a_chat_in_no_circle_of_that_name_says_nothing_anywhere() {
    let (_circle, [anna]) = Circle::of(["Anna"]);
    anna.ok(["circle", "new", "Tuesday night"]);
    for (typed, code, says) in
        [("Nope", 2, "There is no circle here by that name."), ("Tues", 2, "Several are meant.")]
    {
        let done = Done::of(anna.plain_command(["chat", typed, "--plain"]), "for nobody else\n");
        assert_eq!((done.code(), done.stdout().as_str()), (code, ""), "{typed}");
        assert!(done.stderr().contains(says), "{}", done.stderr());
        let Some(terminal) = Terminal::open(&anna, WIDE, typed) else { continue };
        terminal.until_shows("ended 2");
        terminal.until_shows(says);
    }
    for circle in [CIRCLE, "Tuesday night"] {
        assert!(!anna.texts(circle).contains(&"for nobody else".to_owned()), "{circle}");
    }
    let done = Done::of(anna.plain_command(["chat", "Tuesday n", "--plain"]), "/votes\n");
    assert!(done.stdout().starts_with("== Tuesday night ==\n"), "{}", done.stdout());
    assert_eq!(done.stdout().matches("Decisions").count(), 1, "{}", done.stdout());
}

/// U-133
#[test]
fn plain_lines_hold_back_what_arrives_while_somebody_types() {
    let (_circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let Some(terminal) = Terminal::open(&anna, WIDE, "--plain") else { return };
    terminal.until_shows("== Tuesday group ==");
    ben.say(CIRCLE, "first", &["--wait", "relayed"]);
    terminal.until_shows("Ben: first");
    terminal.write("I can tal");
    terminal.until_shows("> I can tal");
    ben.say(CIRCLE, "second", &["--wait", "relayed"]);
    let until = Instant::now() + LONGEST;
    while !anna.texts(CIRCLE).contains(&"second".to_owned()) {
        assert!(Instant::now() < until, "it does not arrive");
    }
    assert!(!terminal.shown().contains("second"));
    terminal.enter("k");
    let shown = terminal.until("said", |shown| shown.contains("Anna: I can talk"));
    let lines: Vec<&str> = shown.lines().collect();
    let typed = lines.iter().position(|line| *line == "> I can talk").expect("the line");
    assert_eq!(lines[typed + 1], "1 new:", "{shown}");
    assert!(lines[typed + 2].starts_with("Ben: second"), "{shown}");
    terminal.press("C-d");
    terminal.until_shows("ended 0");
}

/// U-4, U-73
#[test]
fn a_full_screen_without_a_terminal_names_the_plain_one() {
    let stage = Stage::new(&program());
    let anna = stage.person("Anna");
    let done = Done::of(anna.plain_command(["chat"]), "");
    assert_eq!(done.code(), 2);
    assert!(done.stderr().contains("hearthlight chat --plain"), "{}", done.stderr());
    assert_eq!(anna.refused(["chat"]), (2, "usage".to_owned()));
    let nobody = stage.home("Nobody");
    assert_eq!(Done::of(nobody.plain_command(["chat", "--plain"]), "").code(), 3);
}
