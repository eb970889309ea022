//! What can be typed after a slash (U-131): the verbs, without the circle.

use std::time::Duration;

use clap::ValueEnum;

use super::{aim::OFF, state::Circle};
use crate::{args::Wants, strings::Catalogue, values};

/// What a typed line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Say(String),
    /// Answers the message that is meant by this; without a word it is picked from a list.
    Reply(Option<String>),
    /// Wishes for such an answer, or for none.
    Wants(Option<String>),
    Invite,
    Members,
    Waiting,
    Admit(String),
    Decline(String),
    Role {
        who: String,
        role: String,
        grant: bool,
    },
    Remove(String),
    Verify(String),
    Block {
        who: String,
        undo: bool,
    },
    Hold {
        who: String,
        span: Duration,
    },
    Join(Option<String>),
    /// Shows what is voted on, or one vote.
    Votes(Option<String>),
    /// Asks the circle.
    Vote(String),
    Cast {
        vote: String,
        choice: String,
    },
    /// Shows all settings.
    Settings,
    /// Gives a setting a value, or its usual one.
    Set {
        key: String,
        value: Option<String>,
    },
    /// Is told of nothing new in this circle, or of it again.
    Mute(bool),
    Circle(String),
    Keys,
    HelpNow,
    Lock,
    Hide,
    Where,
    Next,
    Repeat,
    Quit,
}

/// Reads a typed line.
///
/// # Errors
/// The sentence that says what is not understood.
pub(crate) fn read(line: &str, texts: &Catalogue) -> Result<Command, String> {
    let Some(typed) = line.trim_start().strip_prefix('/') else {
        return Ok(Command::Say(line.to_owned()));
    };
    // Two slashes say one: a text may begin with it.
    if typed.starts_with('/') {
        return Ok(Command::Say(typed.to_owned()));
    }
    let (word, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let rest = rest.trim();
    let needs = |usage: &str| texts.say("command-needs", &[("usage", usage.into())]);
    let who = |usage: &str| if rest.is_empty() { Err(needs(usage)) } else { Ok(rest.to_owned()) };
    Ok(match word.to_lowercase().as_str() {
        "reply" => Command::Reply((!rest.is_empty()).then(|| rest.to_owned())),
        "wants" => wants(rest).ok_or_else(|| needs("/wants listen, experience, advice, off"))?,
        "invite" => Command::Invite,
        "members" => Command::Members,
        "waiting" => Command::Waiting,
        "admit" => Command::Admit(who("/admit WHO")?),
        "decline" => Command::Decline(who("/decline WHO")?),
        "role" => role(rest).ok_or_else(|| needs("/role WHO +ROLE, /role WHO -ROLE"))?,
        "remove" => Command::Remove(who("/remove WHO")?),
        "verify" => Command::Verify(who("/verify WHO")?),
        "block" => Command::Block { who: who("/block WHO")?, undo: false },
        "unblock" => Command::Block { who: who("/unblock WHO")?, undo: true },
        "hold" => hold(rest).ok_or_else(|| needs("/hold WHO 24h"))?,
        "join" => Command::Join((!rest.is_empty()).then(|| rest.to_owned())),
        "config" => config(rest).ok_or_else(|| {
            needs("/config, /config set notify.quiet 22:00-07:00, /config unset notify.quiet")
        })?,
        "votes" => Command::Votes((!rest.is_empty()).then(|| rest.to_owned())),
        "vote" => Command::Vote(who("/vote TEXT")?),
        "cast" => match rest.rsplit_once(char::is_whitespace) {
            Some((vote, choice)) => {
                Command::Cast { vote: vote.trim().to_owned(), choice: choice.to_owned() }
            }
            None => return Err(needs("/cast NUMBER yes, no, abstain, aside, block")),
        },
        "mute" => Command::Mute(true),
        "unmute" => Command::Mute(false),
        "circle" => Command::Circle(who("/circle NAME")?),
        "help" | "keys" => Command::Keys,
        "help-now" => Command::HelpNow,
        "lock" => Command::Lock,
        "hide" => Command::Hide,
        "where" | "status" => Command::Where,
        "next" => Command::Next,
        "repeat" => Command::Repeat,
        "quit" => Command::Quit,
        _ => return Err(texts.say("command-unknown", &[("word", format!("/{word}").into())])),
    })
}

fn config(rest: &str) -> Option<Command> {
    let mut words = rest.splitn(3, char::is_whitespace);
    match (words.next()?, words.next(), words.next()) {
        ("" | "list", None, None) => Some(Command::Settings),
        ("set", Some(key), Some(value)) => {
            let value = Some(value.trim().to_owned());
            Some(Command::Set { key: key.to_owned(), value })
        }
        ("unset", Some(key), None) => Some(Command::Set { key: key.to_owned(), value: None }),
        _ => None,
    }
}

fn wants(rest: &str) -> Option<Command> {
    match rest.to_lowercase().as_str() {
        OFF => Some(Command::Wants(None)),
        word => {
            let known = Wants::from_str(word, true).ok()?;
            Some(Command::Wants(Some(crate::args::word(known))))
        }
    }
}

fn role(rest: &str) -> Option<Command> {
    let (who, change) = rest.rsplit_once(char::is_whitespace)?;
    let (grant, role) = match (change.strip_prefix('+'), change.strip_prefix('-')) {
        (Some(role), _) => (true, role),
        (_, Some(role)) => (false, role),
        _ => return None,
    };
    let (who, role) = (who.trim().to_owned(), role.to_lowercase());
    (!role.is_empty() && !who.is_empty()).then_some(Command::Role { who, role, grant })
}

/// `WHO`, or `WHO 24h`; U-51: 72 hours where nothing is said.
fn hold(rest: &str) -> Option<Command> {
    let most = Duration::from_secs(72 * 3_600);
    if rest.is_empty() {
        return None;
    }
    let (who, span) = match rest.rsplit_once(char::is_whitespace) {
        Some((who, span)) => match values::duration(span) {
            Ok(span) => (who.trim(), span),
            Err(_) => (rest, most),
        },
        None => (rest, most),
    };
    Some(Command::Hold { who: who.to_owned(), span })
}

/// What `line` becomes when Tab is pressed: as much more as all that fits has in common.
pub(crate) fn complete(line: &str, circle: Option<&Circle>) -> Option<String> {
    let typed = line.strip_prefix('/')?;
    let Some((word, rest)) = typed.split_once(' ') else {
        return grown(typed, WORDS.iter().copied()).map(|word| format!("/{word}"));
    };
    let circle = circle?;
    let members = circle.members.iter().map(|member| member.name.as_str());
    let waiting = circle.waiting.iter().map(|asking| asking.name.as_str());
    let grown = match word {
        "role" | "remove" | "hold" | "verify" | "block" | "unblock" => grown(rest, members),
        "admit" | "decline" => grown(rest, waiting),
        "wants" => grown(rest, ["listen", "experience", "advice", OFF].into_iter()),
        _ => None,
    };
    grown.map(|name| format!("/{word} {name}"))
}

/// The one candidate with a space after it, or what all candidates have in common.
fn grown<'a>(typed: &str, all: impl Iterator<Item = &'a str>) -> Option<String> {
    let small = typed.to_lowercase();
    let fits: Vec<&str> = all.filter(|word| word.to_lowercase().starts_with(&small)).collect();
    let (first, others) = fits.split_first()?;
    if others.is_empty() {
        return Some(format!("{first} "));
    }
    let common = first
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| others.iter().all(|other| other.get(..*end) == first.get(..*end)));
    let common = &first[..common.last().unwrap_or_default()];
    (common.len() > typed.len()).then(|| common.to_owned())
}

const WORDS: &[&str] = &[
    "admit", "block", "cast", "circle", "config", "decline", "help", "help-now", "hide", "hold",
    "invite", "join", "lock", "members", "mute", "next", "quit", "remove", "repeat", "reply",
    "role", "unblock", "unmute", "verify", "vote", "votes", "waiting", "wants", "where",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::state::Member;

    fn command(line: &str) -> Result<Command, String> {
        read(line, &Catalogue::of(Some("en")))
    }

    #[test]
    fn a_line_without_a_slash_is_said() {
        assert_eq!(command("hello"), Ok(Command::Say("hello".to_owned())));
        assert_eq!(command("//etc"), Ok(Command::Say("/etc".to_owned())));
    }

    #[test]
    fn verbs_are_read_without_the_circle() {
        assert_eq!(command("/Members"), Ok(Command::Members));
        let host =
            |grant| Command::Role { who: "Otter B".to_owned(), role: "host".to_owned(), grant };
        assert_eq!(command("/role Otter B +host"), Ok(host(true)));
        assert_eq!(command("/role Otter B -HOST"), Ok(host(false)));
        let hold = |hours: u64| Command::Hold {
            who: "Otter".to_owned(),
            span: Duration::from_secs(hours * 3_600),
        };
        assert_eq!(command("/hold Otter 24h"), Ok(hold(24)));
        assert_eq!(command("/hold Otter"), Ok(hold(72)));
        assert_eq!(command("/join"), Ok(Command::Join(None)));
        assert_eq!(command("/reply 2"), Ok(Command::Reply(Some("2".to_owned()))));
        assert_eq!(command("/wants Listen"), Ok(Command::Wants(Some("listen".to_owned()))));
        assert_eq!(command("/wants off"), Ok(Command::Wants(None)));
        assert!(command("/wants hugs").is_err());
        let set = |value: Option<&str>| Command::Set {
            key: "notify.quiet".to_owned(),
            value: value.map(str::to_owned),
        };
        assert_eq!(command("/config"), Ok(Command::Settings));
        let cast = Command::Cast { vote: "2".to_owned(), choice: "aside".to_owned() };
        assert_eq!(command("/cast 2 aside"), Ok(cast));
        assert_eq!(command("/votes"), Ok(Command::Votes(None)));
        assert_eq!(
            command("/vote Change the hour"),
            Ok(Command::Vote("Change the hour".to_owned()))
        );
        assert!(command("/cast 2").is_err() && command("/vote").is_err());
        assert_eq!(command("/config set notify.quiet 22:00-07:00"), Ok(set(Some("22:00-07:00"))));
        assert_eq!(command("/config unset notify.quiet"), Ok(set(None)));
        assert!(command("/config set notify.quiet").is_err());
    }

    #[test]
    fn what_is_not_understood_is_said_and_never_sent() {
        assert_eq!(command("/amdit Otter"), Err("There is no /amdit. See /help.".to_owned()));
        assert_eq!(command("/admit"), Err("It goes like this: /admit WHO".to_owned()));
        assert!(command("/role Otter host").is_err());
    }

    #[test]
    fn tab_completes_verbs_and_names() {
        let named = |name: &str| Member { name: name.to_owned(), ..Member::default() };
        let circle = Circle { members: vec![named("Heron"), named("Otter")], ..Circle::default() };
        let grown = |line: &str| complete(line, Some(&circle));
        assert_eq!(grown("/adm").as_deref(), Some("/admit "));
        assert_eq!(grown("/h"), None, "help, hide and hold have no more in common");
        assert_eq!(grown("/he").as_deref(), Some("/help"));
        assert_eq!(grown("/remove ot").as_deref(), Some("/remove Otter "));
        assert_eq!(grown("hello"), None);
    }

    #[test]
    fn every_completed_word_is_a_command() {
        for word in WORDS {
            let unknown =
                matches!(command(&format!("/{word}")), Err(told) if told.contains("no /"));
            assert!(!unknown, "{word}");
        }
    }
}
