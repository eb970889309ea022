//! Many verbs at once, readers that leave, and no stdin (U-6, U-7, U-8).

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use harness::process::{Done, Process, Stage};

use crate::{CIRCLE, Circle, kill::kills, numbered, program};

/// U-8
#[test]
fn twenty_verbs_at_once_on_a_home_without_a_node_all_go_well() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    circle.stop(&anna);
    let mut verbs = Vec::new();
    for number in 0..5 {
        for words in [
            vec!["say", CIRCLE, "said by one of many"],
            vec!["read", CIRCLE, "--limit", "0"],
            vec!["status"],
            vec![
                ["members", CIRCLE],
                ["waiting", CIRCLE],
                ["invite", CIRCLE],
                ["circle", CIRCLE],
                ["members", CIRCLE],
            ][number]
                .into_iter()
                .collect(),
        ] {
            let words = match words[..] {
                ["invite", circle] => vec!["invite", "list", circle],
                ["circle", circle] => vec!["circle", "show", circle],
                _ => words,
            };
            verbs.push(anna.command(words).spawn().expect("the program runs"));
        }
    }
    assert_eq!(verbs.len(), 20);
    for verb in verbs {
        let done = Done { output: verb.wait_with_output().expect("a child") };
        assert_eq!(done.code(), 0, "{}{}", done.stdout(), done.stderr());
        assert!(done.stderr().is_empty(), "{}", done.stderr());
        // Nobody is left to bring what was not brought by then.
        let said = done.stdout().contains("waited_ms");
        assert!(!said || !done.stdout().contains("\"waiting\""), "{}", done.stdout());
    }
    assert_eq!(anna.texts(CIRCLE).len(), 5);
    let mut follower = ben.follow(CIRCLE);
    while harness::process::texts_of(&follower.seen).len() < 5 {
        follower.hear();
    }
}

/// U-8, U-104: who serves loses its power under twenty clients; one of them takes over.
#[test]
fn twenty_verbs_outlive_the_process_that_serves_them() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let mut sentences = Vec::new();
    for run in 0..kills() {
        // A running node, or a verb that has become the node.
        let mut serving = None;
        if run % 2 == 1 {
            circle.stop(&anna);
            let mut command = anna.command(["say", CIRCLE, "-", "--lines"]);
            command.stdin(Stdio::piped());
            let mut saying = Process::of(command);
            let sentence = format!("said by who serves in run {run}");
            assert!(saying.tell(&format!("{sentence}\n")));
            assert_eq!(saying.hear()["mark"], "relayed");
            sentences.push(sentence);
            serving = Some(saying);
        }
        let mut verbs = Vec::new();
        for number in 0..10 {
            let sentence = format!("sentence {number} in run {run}");
            verbs.push(anna.command(["say", CIRCLE, &sentence]).spawn().expect("the program runs"));
            sentences.push(sentence);
            let reading = anna.command(["read", CIRCLE, "--limit", "0"]).spawn();
            verbs.push(reading.expect("the program runs"));
            if number == (run * 3) % 10 {
                match serving.take() {
                    Some(saying) => saying.kill(),
                    None if run % 2 == 0 => circle.kill(&anna),
                    None => {}
                }
            }
        }
        for verb in verbs {
            let done = Done { output: verb.wait_with_output().expect("a child") };
            assert_eq!(done.code(), 0, "run {run}: {}{}", done.stdout(), done.stderr());
        }
        circle.start(&anna);
    }
    ben.follow(CIRCLE).until_said(&sentences);
    sentences.sort();
    for home in [&anna, &ben] {
        let mut texts = home.texts(CIRCLE);
        texts.sort();
        assert_eq!(texts, sentences, "{}", home.name);
    }
}

/// U-6
#[test]
fn a_verb_whose_reader_leaves_says_what_it_read_and_ends_quietly() {
    let (_circle, [anna]) = Circle::of(["Anna"]);
    let lines = numbered("said into a closed pipe", 100);
    let mut command = anna.command(["say", CIRCLE, "-", "--lines"]);
    command.stdin(Stdio::piped());
    let mut saying = command.spawn().expect("the program runs");
    let mut stdin = saying.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, (lines.join("\n") + "\n").as_bytes()).expect("a pipe");
    let mut stdout = BufReader::new(saying.stdout.take().expect("a pipe"));
    let mut first = String::new();
    stdout.read_line(&mut first).expect("a line");
    drop(stdout);
    // Stdin stays open: it is the reader's leaving that ends the verb.
    let status = saying.wait().expect("a child");
    drop(stdin);
    let mut stderr = String::new();
    saying.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    let read = anna.texts(CIRCLE);
    assert_eq!(read, lines[..read.len()], "in order, and nothing left out");
    assert_eq!(read.len(), lines.len(), "all had been read from stdin");

    let printing = anna.command(["read", CIRCLE, "--limit", "0"]);
    let (code, stderr) = into_head(printing);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let following = anna.command(["read", CIRCLE, "--limit", "0", "--follow"]);
    let (code, stderr) = into_head(following);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

/// `| head -1`
fn into_head(mut command: Command) -> (Option<i32>, String) {
    let mut verb = command.spawn().expect("the program runs");
    let mut stdout = BufReader::new(verb.stdout.take().expect("a pipe"));
    stdout.read_line(&mut String::new()).expect("a line");
    drop(stdout);
    let done = verb.wait_with_output().expect("a child");
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

/// U-7
#[test]
fn with_stdin_closed_nothing_prompts_and_each_verb_names_what_is_missing() {
    let stage = Stage::new(&program());
    let anna = stage.home("Anna");
    assert_eq!(anna.refused(["setup"]), (2, "needs-input".into()));
    assert_eq!(anna.refused(["status"]), (3, "not-set-up".into()));
    let secret = stage.path("secret");
    std::fs::write(&secret, "correct horse\n").expect("a file");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&secret, private).expect("a file");
    let file = secret.to_str().expect("plain paths");
    anna.ok(["setup", "--name", "Anna", "--passphrase-file", file]);
    assert_eq!(anna.refused(["status"]), (4, "needs-passphrase".into()));
    std::fs::write(&secret, "battery staple\n").expect("a file");
    let wrong = anna.refused(["status", "--passphrase-file", file]);
    assert_eq!(wrong, (4, "wrong-passphrase".into()));
    std::fs::write(&secret, "correct horse\n").expect("a file");
    anna.ok(["circle", "new", CIRCLE, "--as", "Anna", "--passphrase-file", file]);
    let said = anna.refused(["say", CIRCLE, "--passphrase-file", file]);
    assert_eq!(said, (2, "needs-input".into()));
    assert_eq!(anna.refused(["join", "--passphrase-file", file]), (2, "needs-input".into()));
    // An unanswered confirmation names the flag that answers it.
    let wipe = anna.does(["wipe", CIRCLE, "--passphrase-file", file]);
    assert_eq!(wipe.refusal().0, 2);
    assert!(wipe.stderr().contains("--yes"), "{}", wipe.stderr());
    // And with no stdin at all, rather than an empty one.
    let mut closed = Command::new("sh");
    closed.args(["-c", "exec \"$0\" \"$@\" <&-"]).arg(program());
    closed.args(["say", CIRCLE, "--json", "--passphrase-file", file, "--home"]).arg(&anna.dir);
    closed.stdout(Stdio::piped()).stderr(Stdio::piped());
    assert_eq!(Done::of(closed, "").refusal(), (2, "needs-input".into()));
}
