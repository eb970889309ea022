//! What went wrong, in words: a kind of U-4 with its exit code, a sentence, and what to do.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::node::{
    NodeError,
    api::{KINDS, Kind, kind},
    relay::RelayError,
};

/// Why a verb ends without having done what was asked (U-5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(Box<What>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct What {
    kind: Cow<'static, str>,
    code: u8,
    title: Cow<'static, str>,
    detail: Option<String>,
    hint: Option<Cow<'static, str>>,
    candidates: Vec<String>,
    damage: Option<Damage>,
}

/// Where an invite is damaged (U-145).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// This group of four looks wrong, from 1, and this stands there.
    Group(u64, String),
    /// The end is missing: so many whole groups are here, of so many where that is known.
    CutOff(u64, Option<u64>),
}

impl Failure {
    /// One of the kinds of U-4.
    pub(crate) fn of(word: &str) -> Self {
        let kind = kind(word);
        Self(Box::new(What {
            kind: Cow::Borrowed(kind.word),
            code: kind.code,
            title: Cow::Borrowed(kind.title),
            detail: None,
            hint: some(kind.hint),
            candidates: Vec::new(),
            damage: None,
        }))
    }

    /// The reader of stdout went away; ends the verb quietly and well (U-6).
    pub(crate) fn closed() -> Self {
        let mut failure = Self::of("internal");
        failure.0.kind = Cow::Borrowed(CLOSED);
        failure.0.code = 0;
        failure
    }

    /// A mistake in what was typed.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self::of("usage").saying(detail)
    }

    /// Something is missing, and the flag `flag` gives it (U-7).
    pub(crate) fn missing(what: &str, flag: &str) -> Self {
        Self::of("needs-input").saying(format!("{what} is missing.")).advising(flag.to_owned())
    }

    /// What a running node answered: `application/problem+json`, or the `error` of one line.
    pub(crate) fn from_problem(problem: &Value) -> Self {
        let text = |key: &str| {
            let text = problem.get(key).and_then(Value::as_str).map(str::trim);
            text.filter(|text| !text.is_empty()).map(crate::fields::one_line)
        };
        let word = text("kind").unwrap_or_else(|| "internal".to_owned());
        let ours = known(&word);
        let kind = kind(&word);
        let code = match problem.get("code").and_then(Value::as_u64) {
            Some(code) if ours.is_none() => u8::try_from(code).unwrap_or(1).max(1),
            _ => kind.code,
        };
        let candidates = problem.get("candidates").and_then(Value::as_array);
        Self(Box::new(What {
            kind: ours.map_or(Cow::Owned(word), |kind| Cow::Borrowed(kind.word)),
            code,
            title: text("title").map_or(Cow::Borrowed(kind.title), Cow::Owned),
            detail: text("detail"),
            hint: text("hint").map(Cow::Owned).or_else(|| some(kind.hint)),
            candidates: candidates.into_iter().flatten().filter_map(candidate).collect(),
            damage: problem.get("damage").and_then(damage),
        }))
    }

    /// The same with a sentence of its own.
    pub(crate) fn saying(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The same with other advice.
    pub(crate) fn advising(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same with names to choose from.
    pub(crate) fn offering(mut self, candidates: Vec<String>) -> Self {
        self.0.candidates = candidates;
        self
    }

    /// The word of U-4.
    pub(crate) fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.0.code
    }

    /// Where an invite is damaged, if that is known.
    pub(crate) fn damage(&self) -> Option<&Damage> {
        self.0.damage.as_ref()
    }

    /// Whether there is nothing to say about it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.kind == CLOSED
    }

    /// The sentence.
    pub(crate) fn sentence(&self) -> String {
        as_sentence(self.0.detail.as_deref().unwrap_or(&self.0.title))
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The sentence, the advice and the names, a line each.
    pub(crate) fn plain(&self) -> String {
        let mut lines = vec![self.sentence()];
        if let Some(hint) = &self.0.hint {
            lines.push(format!("Try: {}", hint.strip_prefix("Try: ").unwrap_or(hint)));
        }
        lines.extend(self.0.candidates.iter().map(|name| format!("  {name}")));
        lines.join("\n")
    }

    /// The object of U-5 without its wrapping.
    pub(crate) fn error_json(&self) -> Value {
        json!({
            "kind": self.0.kind, "code": self.0.code, "title": self.0.title,
            "detail": self.0.detail, "hint": self.0.hint, "candidates": self.0.candidates,
        })
    }

    /// The line of U-5.
    pub(crate) fn json(&self) -> Value {
        json!({"v": 1, "error": self.error_json()})
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        let failure = Self::of(error.kind());
        match error {
            // These know more than their kind does.
            NodeError::Config(_) | NodeError::ReadOnly | NodeError::StoreDamaged(_) => {
                failure.saying(error.to_string())
            }
            _ => failure,
        }
    }
}

impl From<RelayError> for Failure {
    fn from(error: RelayError) -> Self {
        let failure = match &error {
            // A home has words of its own for these.
            RelayError::Node(NodeError::NotSetUp) => {
                Self::of(error.kind()).saying("There is no relay in this folder yet.")
            }
            RelayError::Node(NodeError::AlreadySetUp) => Self::of(error.kind())
                .saying("There is a relay in this folder already.")
                .advising("hearthlight relay run"),
            RelayError::Node(NodeError::HomeOpen) => Self::of(error.kind())
                .saying("Others on this computer can read the relay's folder.")
                .advising("Take the rights of others away from that folder: chmod -R go= DIR"),
            RelayError::Node(NodeError::HomeBusy) => Self::of(error.kind())
                .saying("This relay runs already.")
                .advising("hearthlight relay status"),
            RelayError::Node(NodeError::Internal(_)) => Self::of(error.kind()),
            told => Self::of(told.kind()).saying(told.to_string()),
        };
        match error.hint() {
            Some(hint) => failure.advising(hint),
            None => failure,
        }
    }
}

/// A clause with a capital letter and a full stop.
fn as_sentence(clause: &str) -> String {
    // A key or a file keeps its spelling.
    let first = clause.split(' ').next().unwrap_or_default();
    let is_word = first.trim_end_matches(',').chars().all(char::is_alphabetic);
    let mut letters = clause.chars();
    let capital = letters.next().filter(|_| is_word);
    let mut sentence: String = match capital {
        Some(letter) => letter.to_uppercase().chain(letters).collect(),
        None => clause.to_owned(),
    };
    if !sentence.ends_with(['.', '?', ':', ')']) {
        sentence.push('.');
    }
    sentence
}

/// Candidates come as texts, or as a name with digits of an id.
fn candidate(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(crate::fields::one_line(text));
    }
    let name = ["label", "name"].iter().find_map(|key| value.get(key)?.as_str())?;
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
    Some(crate::fields::one_line(&format!("{name}  {id}")))
}

fn damage(value: &Value) -> Option<Damage> {
    let count = |key: &str| value.get(key).and_then(Value::as_u64);
    if let (Some(group), Some(typed)) = (count("group"), value.get("typed").and_then(Value::as_str))
    {
        return Some(Damage::Group(group, crate::fields::one_line(typed)));
    }
    Some(Damage::CutOff(count("have")?, count("of")))
}

/// The kind that goes by `word`, if it is not one of a newer node.
fn known(word: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.word == word)
}

fn some(text: &'static str) -> Option<Cow<'static, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

const CLOSED: &str = "closed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_sentence_then_advice_then_names() {
        let failure = Failure::of("ambiguous").offering(vec!["Tuesday group  41d09f2c".to_owned()]);
        assert_eq!(
            failure.plain(),
            "Several are meant.\nTry: Type more of it, or use its id.\n  Tuesday group  41d09f2c"
        );
        assert_eq!(failure.code(), 2);
    }

    #[test]
    fn a_problem_of_the_node_keeps_its_own_words() {
        let problem = json!({"type": "/v1/problems/no-match", "title": "Nothing here has that name.",
            "status": 404, "detail": "no circle here is called Tusday", "kind": "no-match", "code": 2,
            "hint": "Look at the list.", "candidates": ["Tuesday group"]});
        let failure = Failure::from_problem(&problem);
        assert_eq!(
            failure.plain(),
            "No circle here is called Tusday.\nTry: Look at the list.\n  Tuesday group"
        );
        assert_eq!(failure.json()["error"]["kind"], "no-match");
    }

    #[test]
    fn a_kind_of_a_newer_node_keeps_its_code() {
        let failure =
            Failure::from_problem(&json!({"kind": "tired", "code": 7, "title": "Not now."}));
        assert_eq!((failure.kind(), failure.code()), ("tired", 7));
        assert_eq!(failure.sentence(), "Not now.");
    }

    #[test]
    fn problems_cannot_steer_the_terminal() {
        let failure = Failure::from_problem(
            &json!({"kind": "no-match", "detail": "a\u{1b}[2Jb", "candidates": ["x\ny"]}),
        );
        assert!(!failure.plain().contains('\u{1b}'));
        assert!(failure.plain().ends_with("  x y"));
    }

    /// U-5, D-73
    #[test]
    fn sentences_hold_no_banned_word() {
        const BANNED: &[&str] = &[
            "invalid",
            "fatal",
            "abort",
            "kill",
            "illegal",
            "failed",
            "failure",
            "broke",
            "broken",
            "streak",
            "should",
            "must",
            "confidential",
            "anonymous",
            "treatment",
            "lost",
            "reset",
            "zero",
            "error",
            "hurry",
            "die",
            "clean",
            "excuse",
        ];
        for kind in KINDS {
            let text = format!("{} {}", kind.title, kind.hint).to_lowercase();
            for word in text.split(|c: char| !c.is_alphabetic()) {
                assert!(!BANNED.contains(&word), "{}: {word}", kind.word);
            }
        }
    }
}
