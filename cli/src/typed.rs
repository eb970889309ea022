//! What a command line comes to: a verb to run, help to print, or a mistake in our own words (U-1,
//! U-5).

use std::{ffi::OsString, num::ParseIntError};

use clap::{
    Command, CommandFactory, FromArgMatches,
    builder::NonEmptyStringValueParser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{advice::Failure, args::CommandLine};

/// What the command line comes to.
#[derive(Debug)]
pub(crate) enum Typed {
    /// A verb to run.
    Run(Box<CommandLine>),
    /// Help or version, to be printed.
    Print(String),
    /// It cannot be understood.
    Refused(Failure),
}

/// Reads the command line.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Typed {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = with_names(CommandLine::command()).try_get_matches_from(&arguments);
    match matches.and_then(|matches| CommandLine::from_arg_matches(&matches)) {
        Ok(line) => Typed::Run(Box::new(line)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Typed::Print(error.render().to_string())
            }
            _ => Typed::Refused(refusal(&error, &arguments)),
        },
    }
}

/// Nothing names no circle, no member and no id: a variable of a script that was not set, say.
fn with_names(command: Command) -> Command {
    let named = command.mut_args(|arg| match arg.get_id().as_str() {
        "circle" | "who" | "id" => arg.value_parser(NonEmptyStringValueParser::new()),
        _ => arg,
    });
    named.mut_subcommands(with_names)
}

/// A mistake on the command line, in our words (U-1, U-5).
fn refusal(error: &clap::Error, arguments: &[OsString]) -> Failure {
    let (verbs, help) = asked(arguments);
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    // The nearest comes last.
    let near = |kind| match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.last().cloned(),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let typed = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            let near = nearest(&typed, &verbs);
            Failure::usage(format!("There is no verb `{typed}`.")).advising(near.unwrap_or(help))
        }
        ErrorKind::UnknownArgument => {
            let what = if argument.starts_with('-') {
                "There is no flag"
            } else {
                "This is one word too many:"
            };
            let failure = Failure::usage(format!("{what} `{argument}`."));
            match near(ContextKind::SuggestedArg).or_else(|| near(ContextKind::SuggestedSubcommand))
            {
                Some(near) => failure.advising(near),
                None => failure.advising(help),
            }
        }
        ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand => {
            Failure::of("needs-input").saying(format!("Missing: {argument}.")).advising(help)
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            Failure::of("needs-input").saying(format!("`{argument}` comes with a value."))
        }
        ErrorKind::InvalidValue => {
            let choices = context(ContextKind::ValidValue).unwrap_or_default();
            let failure = Failure::usage(format!("`{value}` is not one of: {choices}."));
            match near(ContextKind::SuggestedValue) {
                Some(near) => failure.advising(near),
                None => failure,
            }
        }
        ErrorKind::ValueValidation => {
            let source = std::error::Error::source(error);
            let why = match source.and_then(|source| source.downcast_ref::<ParseIntError>()) {
                Some(_) => "It takes a whole number.".to_owned(),
                None => source.map(ToString::to_string).unwrap_or_default(),
            };
            Failure::usage(format!("`{value}` does not fit here. {why}")).advising(help)
        }
        ErrorKind::ArgumentConflict => {
            let other = context(ContextKind::PriorArg).unwrap_or_default();
            Failure::usage(format!("`{argument}` and `{other}` do not go together."))
        }
        ErrorKind::InvalidUtf8 => Failure::usage("What was typed is not UTF-8 text."),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Failure::of("needs-input").saying("A verb is missing.").advising(help)
        }
        _ => Failure::of("usage").advising(help),
    }
}

/// The verbs that could have come next, and how to ask for the help of the one that was typed.
fn asked(arguments: &[OsString]) -> (Vec<String>, String) {
    let whole = CommandLine::command();
    let mut command = &whole;
    let mut help = "hearthlight help".to_owned();
    for word in arguments.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(verb) = command.find_subcommand(word) {
            command = verb;
            help = format!("{help} {word}");
        }
    }
    let verbs = command.get_subcommands().map(|verb| verb.get_name().to_owned());
    (verbs.collect(), help)
}

/// The verb that was meant, if one is as near as a slip of a finger: one edit, or two in a long word
/// (U-1). Another first letter makes another word, unless it changed places.
fn nearest(typed: &str, verbs: &[String]) -> Option<String> {
    let typed = typed.to_lowercase();
    let length = typed.chars().count();
    let near = |verb: &&String| {
        let edits = strsim::osa_distance(&typed, verb);
        let [mut one, mut other] = [typed.chars(), verb.chars()];
        let [(a, b), (c, d)] = [(one.next()?, one.next()?), (other.next()?, other.next()?)];
        let begins = a == c || (a, b) == (d, c) || length != verb.chars().count();
        let longer = length.max(verb.chars().count());
        (begins && edits <= MOST_EDITS && 3 * edits <= longer).then_some(edits)
    };
    let near = verbs.iter().filter_map(|verb| Some((near(&verb)?, verb)));
    near.min_by_key(|(edits, _)| *edits).map(|(_, verb)| verb.clone())
}

/// U-1
const MOST_EDITS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Color;

    fn read_words(line: &str) -> Typed {
        read(line.split(' ').filter(|word| !word.is_empty()).map(OsString::from))
    }

    fn refused(line: &str) -> Failure {
        match read_words(line) {
            Typed::Refused(failure) => failure,
            other => panic!("{line}: {other:?}"),
        }
    }

    /// U-11: a variable that was not set is no circle, and not the only one either.
    #[test]
    fn nothing_names_nobody() {
        let lines: [&[&str]; 8] = [
            &["wipe", ""],
            &["say", "", "hello"],
            &["circle", "leave", ""],
            &["circle", "relay", "", "list"],
            &["member", "remove", "Test", ""],
            &["admit", "Test", "Otter", ""],
            &["vote", "show", "Test", ""],
            &["relay", "token", "revoke", ""],
        ];
        for line in lines {
            let words = ["hearthlight"].iter().chain(line).map(OsString::from);
            let Typed::Refused(failure) = read(words) else { panic!("{line:?}") };
            assert_eq!(failure.kind(), "needs-input", "{line:?}");
        }
    }

    const VERBS: &[&str] = &[
        "setup --name Heron --no-passphrase --language en --country au",
        "start",
        "start --detach",
        "stop",
        "status",
        "doctor --offline",
        "lock",
        "unlock",
        "circle new Test --template twelve-step --as Heron --relay @file --relay - --admit open --retention 30d --direct --thin",
        "circle list",
        "circle show Test",
        "circle relay Test list",
        "circle relay Test add hl-relay:x",
        "circle relay Test remove 12D3",
        "circle set Test label Tuesday",
        "circle set Test muted true",
        "circle set Test notify bell",
        "invite new Test --uses 2 --expires 7d --admit ask --label Sam --qr",
        "invite list Test",
        "invite revoke Test a1b2c3",
        "join",
        "join HL1 --as Heron",
        "join - --name Otter --label Tuesday --wait 5m",
        "join HL10 --preview",
        "waiting Test",
        "admit Test Otter Wren",
        "decline Test Otter --silent",
        "say Test hello --reply 9f2c12 --wants listen --note grief --wait received --timeout 0",
        "say Test - --lines",
        "say Test",
        "read Test --since 24h --limit 0 --follow --unread --marks",
        "members Test",
        "help-now --country us --circle Test",
        "config list",
        "config get lock.after",
        "config set notify.quiet 22:00-07:00",
        "config unset page.title",
        "config path",
        "wipe",
        "wipe Test",
        "open --no-browser",
        "demo --keep dir",
        "completions bash",
        "man dir",
        "version --verbose",
        "",
        "relay init --dir d --local --operator Hope --contact hope --country DE",
        "relay init --local 4271 --external-address /ip4/127.0.0.1/tcp/1",
        "relay init --listen /ip4/0.0.0.0/tcp/1",
        "relay run --dir d --listen /ip4/0.0.0.0/tcp/1 -O limits.store=1GiB",
        "relay run --config f",
        "relay status",
        "relay token add --label Test --quota 100MiB --expires 7d",
        "relay token list",
        "relay token revoke a1b2c3",
        "relay card",
        "relay card --set f",
        "relay card --address a",
        "relay healthcheck --ready",
        "relay config show",
    ];

    #[test]
    fn every_verb_is_read() {
        for verb in VERBS {
            let line = format!("hearthlight {verb}");
            assert!(matches!(read_words(&line), Typed::Run(_)), "{line}: {:?}", read_words(&line));
        }
    }

    /// U-2
    #[test]
    fn global_flags_stand_on_either_side() {
        let flags = "--home h --json --color never --quiet --yes --passphrase-file f";
        for verb in VERBS.iter().filter(|verb| !verb.is_empty() && !verb.contains("passphrase")) {
            for line in
                [format!("hearthlight {flags} {verb}"), format!("hearthlight {verb} {flags}")]
            {
                let Typed::Run(read) = read_words(&line) else { panic!("{line}") };
                assert!(read.global.json && read.global.quiet && read.global.yes, "{line}");
                assert_eq!(read.global.home.as_deref(), Some(std::path::Path::new("h")));
                assert_eq!(read.global.color, Color::Never);
            }
        }
    }

    /// U-1
    #[test]
    fn every_verb_has_help() {
        fn visit(command: &clap::Command, path: &str) {
            for flag in ["--help", "-h"] {
                assert!(matches!(read_words(&format!("{path} {flag}")), Typed::Print(_)), "{path}");
            }
            if path != "hearthlight" {
                let asked = path.replacen("hearthlight", "hearthlight help", 1);
                assert!(matches!(read_words(&asked), Typed::Print(_)), "{asked}");
            }
            for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
                assert!(verb.get_about().is_some(), "{path} {}", verb.get_name());
                visit(verb, &format!("{path} {}", verb.get_name()));
            }
        }
        CommandLine::command().debug_assert();
        visit(&CommandLine::command(), "hearthlight");
    }

    #[test]
    fn a_mistake_names_what_is_near() {
        let failure = refused("hearthlight statu");
        assert_eq!(failure.code(), 2);
        assert_eq!(failure.plain(), "There is no verb `statu`.\nTry: status");
        assert_eq!(
            refused("hearthlight status --jsno").plain(),
            "There is no flag `--jsno`.\nTry: --json"
        );
        assert_eq!(
            refused("hearthlight xyzzy").plain(),
            "There is no verb `xyzzy`.\nTry: hearthlight help"
        );
    }

    /// U-1
    #[test]
    fn only_a_slip_of_a_finger_is_near() {
        for (typed, verb) in [
            ("sya", "say"),
            ("asy", "say"),
            ("red", "read"),
            ("membres", "members"),
            ("opne", "open"),
            ("complations", "completions"),
            ("circle lsit", "list"),
            ("relay tokn", "token"),
        ] {
            let failure = refused(&format!("hearthlight {typed}"));
            assert_eq!(failure.hint(), Some(verb), "{typed}");
        }
        for typed in ["backup", "plan", "story", "counter", "note", "meeting", "x", "xx"] {
            let failure = refused(&format!("hearthlight {typed}"));
            assert_eq!(failure.hint(), Some("hearthlight help"), "{typed}");
        }
    }

    #[test]
    fn a_mistake_says_what_was_expected() {
        let failure = refused("hearthlight read Test --since 5");
        assert!(failure.plain().contains("`5` does not fit here. Give a time span"), "{failure:?}");
        let failure = refused("hearthlight invite new Test --uses 51");
        assert!(failure.plain().contains("1 to 50 uses"));
        let failure = refused("hearthlight say Test x --wants hugs");
        assert_eq!(failure.sentence(), "`hugs` is not one of: listen, experience, advice.");
        let failure = refused("hearthlight relay init --local 0");
        assert_eq!(
            failure.sentence(),
            "`0` does not fit here. A port is a number from 1 to 65535."
        );
        let failure = refused("hearthlight config get lock.aftr");
        assert_eq!((failure.kind(), failure.code()), ("usage", 2));
        assert!(failure.plain().ends_with("\nTry: lock.after"), "{}", failure.plain());
        let failure = refused("hearthlight say");
        assert_eq!(failure.kind(), "needs-input");
        assert_eq!(failure.plain(), "Missing: <CIRCLE>.\nTry: hearthlight help say");
        let failure = refused("hearthlight circle");
        assert_eq!(failure.code(), 2);
        assert_eq!(failure.plain(), "A verb is missing.\nTry: hearthlight help circle");
    }

    /// D-73
    #[test]
    fn help_holds_no_exclamation_mark_and_no_harsh_word() {
        fn visit(command: &mut clap::Command) {
            let help = command.render_long_help().to_string().to_lowercase();
            for word in ["!", "invalid", "failed", "error", "abort", "kill", "should", " must "] {
                assert!(!help.contains(word), "{}: {word}", command.get_name());
            }
            command.get_subcommands_mut().for_each(visit);
        }
        visit(&mut CommandLine::command());
    }
}
