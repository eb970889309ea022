//! Errors as the API says them: problem details (U-105) with a kind of U-4 and words of U-5.
//!
//! Every interface takes code, status, title and advice of a kind from [`KINDS`], so that a kind
//! means the same in a terminal, on the page and in a script.
use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hearthlight_protocol::{boundary::JoinEnd, error::CommandError, invite::InviteFault};
use schemars::JsonSchema;
use serde::Serialize;

use super::views::V;
use crate::error::NodeError;

/// What is true of every error of one kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The word, the same in every interface.
    pub word: &'static str,
    /// The exit code.
    pub code: u8,
    /// The HTTP status.
    pub status: u16,
    /// One plain sentence.
    pub title: &'static str,
    /// What to do; empty where there is nothing to say.
    pub hint: &'static str,
}

/// The kind that goes by `word`; `internal`, if none does.
#[must_use]
pub fn kind(word: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.word == word).unwrap_or(&KINDS[0])
}

/// One error, as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    kind: &'static Kind,
    status: u16,
    detail: String,
    hint: Option<&'static str>,
    candidates: Vec<String>,
    damage: Option<Box<Damage>>,
}

/// Where an invite is damaged (U-145), for whoever says it in another language. Which fields are set says
/// what it is: one mistake, or an end that is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Damage {
    /// Which group of four to look at again, from 1.
    group: Option<usize>,
    /// What stands there, as it was typed.
    typed: Option<String>,
    /// Whole groups that are here, where the end is missing.
    have: Option<usize>,
    /// Groups of the whole code, where it says how many.
    of: Option<usize>,
}

/// The JSON of U-105.
#[derive(Serialize, JsonSchema)]
pub(super) struct Details<'a> {
    v: u8,
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    kind: &'a str,
    code: u8,
    hint: Option<&'a str>,
    candidates: &'a [String],
    damage: Option<&'a Damage>,
}

/// The `error` object of U-5.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ErrorObject {
    kind: &'static str,
    code: u8,
    title: &'static str,
    detail: String,
    hint: Option<&'static str>,
    candidates: Vec<String>,
}

impl Problem {
    /// A problem of a kind, in the kind's own words.
    pub(super) fn of(word: &str) -> Self {
        let kind = kind(word);
        Self {
            kind,
            status: kind.status,
            detail: kind.title.into(),
            hint: advice(kind),
            candidates: Vec::new(),
            damage: None,
        }
    }

    /// With a more exact sentence than the kind's. It must hold no key, address or text.
    pub(super) fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With more useful advice than the kind's.
    pub(super) fn advising(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// With what could have been meant.
    pub(super) fn or_meant(mut self, candidates: Vec<String>) -> Self {
        self.candidates = candidates;
        self
    }

    /// With a status other than the kind's.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }

    /// The request does not fit its route.
    pub(super) fn usage(detail: impl Into<String>) -> Self {
        Self::of("usage").saying(detail)
    }

    /// The same key came with another body (U-104).
    pub(super) fn key_reused() -> Self {
        Self::usage("This idempotency key was used for something else.")
            .with_status(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// More at once than U-107 allows.
    pub(super) fn busy() -> Self {
        Self::of("quota").saying("Too many requests are under way at once.")
    }

    /// A promise of the machine's was not kept.
    pub(super) fn internal() -> Self {
        Self::of("internal")
    }

    /// The word of its kind.
    pub(super) fn word(&self) -> &'static str {
        self.kind.word
    }

    /// What could have been meant.
    #[cfg(test)]
    pub(super) fn meant(&self) -> Vec<String> {
        self.candidates.clone()
    }

    /// As it stands inside an answer about several things (U-5, U-41).
    pub(super) fn object(self) -> ErrorObject {
        ErrorObject {
            kind: self.kind.word,
            code: self.kind.code,
            title: self.kind.title,
            hint: self.hint,
            detail: self.detail,
            candidates: self.candidates,
        }
    }
}

/// What to do about a kind of problem, if there is anything to say.
pub(super) fn advice(kind: &'static Kind) -> Option<&'static str> {
    (!kind.hint.is_empty()).then_some(kind.hint)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = Details {
            v: V,
            r#type: format!("/v1/problems/{}", self.kind.word),
            title: self.kind.title,
            status: self.status,
            detail: &self.detail,
            kind: self.kind.word,
            code: self.kind.code,
            hint: self.hint,
            candidates: &self.candidates,
            damage: self.damage.as_deref(),
        };
        let body = serde_json::to_vec(&details).expect("problem details are plain JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

impl From<InviteFault> for Problem {
    fn from(fault: InviteFault) -> Self {
        let problem = Self::of(fault.kind()).saying(fault.to_string());
        let damage = match fault {
            InviteFault::OneMistake { group, typed } => {
                Damage { group: Some(group), typed: Some(typed), ..Damage::default() }
            }
            InviteFault::CutOff { have, of } => {
                Damage { have: Some(have), of, ..Damage::default() }
            }
            _ => return problem,
        };
        Self { damage: Some(Box::new(damage)), ..problem }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::KeyReused => Self::key_reused(),
            error => {
                let problem = Self::of(error.kind()).saying(sentence(&error.to_string()));
                match advice_on(error) {
                    Some(hint) => problem.advising(hint),
                    None => problem,
                }
            }
        }
    }
}

/// Advice that fits one error only; its kind has the rest.
fn advice_on(error: CommandError) -> Option<&'static str> {
    Some(match error {
        CommandError::UnknownRole => {
            "host, steward, chair, greeter, timekeeper, treasurer or facilitator"
        }
        CommandError::Oneself => "Choose somebody else. To go yourself: hearthlight circle leave C",
        CommandError::AnotherHost => {
            "Two hosts together remove a third, or the circle does: hearthlight vote new C TEXT \
             --remove WHO. A host gives the role back with: hearthlight member role C me --drop host"
        }
        CommandError::UnknownVote => "See what is voted on: hearthlight vote list C",
        CommandError::VoteClosed => "See what it came to: hearthlight vote show C ID",
        CommandError::ThresholdTooLow => {
            "Ask without --threshold, and what this circle's template asks for counts."
        }
        CommandError::TooFew => "One alone decides nothing about another.",
        CommandError::HostsHeard => {
            "Ask a host, or wait until no host was heard of for 30 days on this computer."
        }
        CommandError::OnlyHost => {
            "Make another member a host first: hearthlight member role C WHO --add host. To leave the \
             circle without a host: hearthlight circle leave C --end"
        }
        CommandError::OtherCopy => {
            "Stop Hearthlight there. To go on with this copy instead: hearthlight circle refresh C"
        }
        CommandError::NotReady => {
            "Do the same again once a relay can be reached. To see what stands in the way: \
             hearthlight doctor"
        }
        CommandError::Full => {
            "Take away what is not needed any more: a member, an invite, a circle."
        }
        CommandError::ManyRelays => "Remove one first: hearthlight circle relay C remove ADDRESS",
        CommandError::TooOften => {
            "Go on as it is: what was opened last counts. Refresh again tomorrow."
        }
        CommandError::HeldLately => "Talk about it in the circle, or wait until 14 days are over.",
        CommandError::NotYetAMember => "Somebody there lets you in. It can take a while.",
        CommandError::NotAMember => {
            "Read what is here still, or remove it from this computer: hearthlight wipe C"
        }
        _ => return None,
    })
}

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        let problem = Self::of(error.kind());
        match error {
            // What the disk or a library says may hold a path, and says nothing to a person.
            NodeError::Internal(_) => problem,
            error => problem.saying(sentence(&error.to_string())),
        }
    }
}

impl From<JoinEnd> for Problem {
    fn from(end: JoinEnd) -> Self {
        match end {
            JoinEnd::Full => Self::of("quota").saying("The circle has as many members as it may."),
            JoinEnd::NotGenuine => Self::of("relay-mismatch")
                .saying("What the relay holds does not belong to this invite. Do not go on."),
            end => Self::of(end_word(end)),
        }
    }
}

/// The kind of the error that an ended join attempt is.
pub(super) fn end_word(end: JoinEnd) -> &'static str {
    match end {
        JoinEnd::Declined => "declined",
        JoinEnd::Used => "invite-used",
        JoinEnd::Expired => "invite-expired",
        JoinEnd::Revoked => "invite-revoked",
        JoinEnd::Unknown => "invite-unknown",
        JoinEnd::Full => "quota",
        JoinEnd::RelayMismatch | JoinEnd::NotGenuine => "relay-mismatch",
    }
}

/// An error's words as a sentence: a capital first, a full stop last. A setting keeps its spelling.
pub(super) fn sentence(words: &str) -> String {
    let first = words.split(' ').next().unwrap_or_default();
    let mut letters = words.chars();
    let mut out: String = match first.trim_end_matches([',', '.']).contains('.') {
        true => String::new(),
        false => letters.next().into_iter().flat_map(char::to_uppercase).collect(),
    };
    out.push_str(letters.as_str());
    if !out.ends_with(['.', '?']) {
        out.push('.');
    }
    out
}

const fn row(
    word: &'static str,
    code: u8,
    status: u16,
    title: &'static str,
    hint: &'static str,
) -> Kind {
    Kind { word, code, status, title, hint }
}

const INVITE_NEW: &str = "Ask for a new one.";
const DOCTOR: &str = "hearthlight doctor";
const BEGIN_ANEW: &str = "Keep that folder as it is, and begin in another one with --home.";
const UPDATE: &str = "Update Hearthlight on this computer.";

/// Every kind of U-4: exit code, status of U-105, sentence, advice. The first stands in for a word
/// that is none.
#[rustfmt::skip]
pub static KINDS: &[Kind] = &[
    row("internal", 1, 500, "Something in Hearthlight went wrong.", DOCTOR),
    row("disk-full", 1, 500, "The disk is full, so nothing was changed.", "Make room on the disk, then do it again."),
    row("home-open-to-others", 1, 500, "Others on this computer can read the home folder.", "Take the rights of others away: chmod -R go= FOLDER"),
    row("not-running", 1, 503, "Hearthlight is not running.", "hearthlight start"),
    row("version-mismatch", 1, 409, "Another version of Hearthlight is running.", "hearthlight stop"),
    row("port-in-use", 1, 500, "The port is in use.", "Use another port, or stop what uses it."),
    row("check-failed", 1, 500, "A check found something to mend.", ""),
    row("line-refused", 1, 400, "Some lines were not taken.", "Each of them says why. Mend those, and send them again."),
    row("usage", 2, 400, "The request cannot be understood.", ""),
    row("no-match", 2, 404, "Nothing here goes by that name.", "Look at how it is written, or use its id."),
    row("ambiguous", 2, 409, "Several are meant.", "Type more of it, or use its id."),
    row("needs-input", 2, 400, "Something is missing.", ""),
    row("too-large", 2, 413, "It is too long.", "Make it shorter, or send it in parts."),
    row("cursor-too-old", 2, 410, "That is too long ago.", "Read again, and follow from there."),
    row("label-taken", 2, 409, "Another circle here has that label.", "Choose another label."),
    row("relay-address-damaged", 2, 400, "The relay address cannot be read.", "Copy the address again from the relay."),
    row("not-set-up", 3, 409, "Hearthlight is not set up here.", "hearthlight setup"),
    row("locked", 4, 423, "Hearthlight is locked.", "hearthlight unlock"),
    row("wrong-passphrase", 4, 403, "That is not the passphrase.", "Type it again. Nothing is counted."),
    row("needs-passphrase", 4, 403, "The passphrase is needed.", "Use --passphrase-file FILE, or a terminal."),
    row("not-an-invite", 5, 422, "This is not an invite. An invite starts with HL1.", ""),
    row("invite-damaged", 5, 422, "The invite has a typing mistake.", "Copy the invite again from the start."),
    row("invite-newer", 5, 422, "A newer Hearthlight made this invite. Update this one, then try again.", ""),
    row("invite-expired", 5, 410, "This invite has ended.", "Ask for a new one. If it is not over yet, check this computer's clock."),
    row("invite-used", 5, 410, "This invite was used already.", "Ask for a new one; each works once."),
    row("invite-revoked", 5, 410, "This invite was taken back.", INVITE_NEW),
    row("invite-unknown", 5, 422, "The relay does not know this invite. It may have ended.", INVITE_NEW),
    row("unreachable", 6, 503, "The relay could not be reached.", "Do the same again later, or run: hearthlight doctor"),
    row("timed-out", 6, 504, "No answer came in time.", "Do the same again later."),
    row("no-relay", 6, 503, "This circle has no relay.", "hearthlight circle relay C add ADDRESS"),
    row("already-set-up", 7, 403, "Hearthlight is set up here already.", "Use it as it is, or choose another folder with --home DIR."),
    row("declined", 7, 403, "The circle did not let you in this time.", "Talk with the person who gave you the code."),
    row("removed", 7, 403, "You are not in this circle any more.", ""),
    row("not-allowed", 7, 403, "This needs a right that you do not have in this circle.", "Ask a host of the circle."),
    row("banned", 7, 403, "The relay does not serve this connection.", "Ask who runs the relay."),
    row("quota", 7, 429, "There is no room for more now.", "Wait a little, then try again."),
    row("floor-closed", 7, 403, "Somebody else has the floor.", "Your text is kept."),
    row("listen-only", 7, 403, "Whoever wrote this wants to be heard, not answered.", "Say something of your own instead."),
    row("newcomer-shield", 7, 403, "Newcomers are not written to unasked.", "Say it in the circle."),
    row("relay-mismatch", 7, 403, "Another relay answers at this address. Do not go on.", "Ask the person who gave you the code."),
    row("not-confirmed", 7, 403, "Nothing was changed.", ""),
    row("store-damaged", 8, 500, "The store on this computer is damaged.", BEGIN_ANEW),
    row("store-newer", 8, 500, "A newer version wrote this store.", UPDATE),
    row("backup-damaged", 8, 500, "The backup is damaged.", "Use another copy of it."),
    row("home-busy", 9, 503, "Another copy uses this home and does not answer.", "hearthlight stop"),
    row("interrupted", 130, 503, "It was interrupted.", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of U-4 as it stands in the document, and the one kind that U-103 adds.
    const U4: &[(u8, &str)] = &[
        (
            1,
            "internal disk-full home-open-to-others not-running version-mismatch port-in-use \
             check-failed line-refused",
        ),
        (
            2,
            "usage no-match ambiguous needs-input too-large label-taken relay-address-damaged \
             cursor-too-old",
        ),
        (3, "not-set-up"),
        (4, "locked wrong-passphrase needs-passphrase"),
        (
            5,
            "not-an-invite invite-damaged invite-newer invite-expired invite-used invite-revoked \
             invite-unknown",
        ),
        (6, "unreachable timed-out no-relay"),
        (
            7,
            "already-set-up declined removed not-allowed banned quota floor-closed listen-only \
             newcomer-shield relay-mismatch not-confirmed",
        ),
        (8, "store-damaged store-newer backup-damaged"),
        (9, "home-busy"),
        (130, "interrupted"),
    ];

    /// U-4
    #[test]
    fn every_kind_has_one_row_with_its_code() {
        let mut count = 0;
        for (code, words) in U4 {
            for word in words.split(' ') {
                let rows: Vec<_> = KINDS.iter().filter(|kind| kind.word == word).collect();
                assert_eq!(rows.len(), 1, "{word}");
                assert_eq!(rows[0].code, *code, "{word}");
                count += 1;
            }
        }
        assert_eq!(count, KINDS.len());
    }

    /// U-105
    #[test]
    fn each_kind_has_its_status() {
        for (word, status) in [
            ("usage", 400),
            ("too-large", 413),
            ("no-match", 404),
            ("ambiguous", 409),
            ("label-taken", 409),
            ("not-set-up", 409),
            ("locked", 423),
            ("wrong-passphrase", 403),
            ("invite-expired", 410),
            ("invite-used", 410),
            ("invite-revoked", 410),
            ("invite-damaged", 422),
            ("invite-unknown", 422),
            ("unreachable", 503),
            ("no-relay", 503),
            ("timed-out", 504),
            ("quota", 429),
            ("declined", 403),
            ("store-damaged", 500),
            ("internal", 500),
        ] {
            assert_eq!(kind(word).status, status, "{word}");
        }
        for kind in KINDS {
            assert!(StatusCode::from_u16(kind.status).is_ok());
        }
    }

    #[test]
    fn a_sentence_begins_with_a_capital_unless_a_setting_stands_there() {
        assert_eq!(sentence("a name has 1 letter"), "A name has 1 letter.");
        assert_eq!(sentence("nobody."), "Nobody.");
        assert_eq!(sentence("lock.after is a duration"), "lock.after is a duration.");
    }

    /// U-5, U-206
    #[test]
    fn sentences_are_plain_and_short() {
        const BANNED: &str = "invalid fatal abort kill illegal failed broke streak should \
                              confidential treatment";
        for kind in KINDS {
            for text in [kind.title, kind.hint] {
                let lower = text.to_lowercase();
                assert!(!text.contains('!'), "{}", kind.word);
                for word in BANNED.split_whitespace() {
                    assert!(!lower.contains(word), "{}: {word}", kind.word);
                }
                for sentence in text.split(['.', ';']) {
                    assert!(sentence.split_whitespace().count() <= 20, "{}", kind.word);
                }
            }
            assert!(kind.title.ends_with('.'), "{}", kind.word);
        }
    }

    /// U-105
    #[tokio::test]
    async fn a_problem_is_problem_json_with_every_field() {
        let problem = Problem::of("ambiguous")
            .or_meant(vec!["Heron 1a2b3c4d".into(), "Heron 9f000000".into()]);
        let response = problem.into_response();
        assert_eq!(response.status(), 409);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "v": 1, "type": "/v1/problems/ambiguous", "title": "Several are meant.",
                "status": 409, "detail": "Several are meant.", "kind": "ambiguous", "code": 2,
                "hint": "Type more of it, or use its id.",
                "candidates": ["Heron 1a2b3c4d", "Heron 9f000000"], "damage": null,
            })
        );
    }

    #[test]
    fn errors_of_machine_and_node_keep_their_kind() {
        for error in [CommandError::NoText, CommandError::Full, CommandError::ListenOnly] {
            assert_eq!(Problem::from(error).word(), error.kind());
        }
        assert_eq!(Problem::from(CommandError::KeyReused).status, 422);
        assert_eq!(Problem::from(CommandError::NoText).detail, "There is no text.");
        let inside = Problem::from(NodeError::Internal("/home/anna".into()));
        assert_eq!(inside.detail, kind("internal").title);
    }

    /// U-32, U-51
    #[test]
    fn errors_of_governing_have_a_sentence_and_advice() {
        for (error, word, detail, hint) in [
            (CommandError::UnknownRole, "no-match", "No such role.", "steward"),
            (CommandError::Oneself, "usage", "That is not done to oneself.", "circle leave"),
            (
                CommandError::AnotherHost,
                "not-allowed",
                "One host cannot do this to another host.",
                "--drop host",
            ),
            (
                CommandError::OnlyHost,
                "not-allowed",
                "You are the only host of this circle.",
                "hearthlight member role C WHO --add host",
            ),
            (
                CommandError::OtherCopy,
                "not-allowed",
                "Another copy of this home is in use in this circle.",
                "circle refresh C",
            ),
            (
                CommandError::NotReady,
                "unreachable",
                "What is new in this circle could not be read, so nothing was changed.",
                "once a relay can be reached",
            ),
            (
                CommandError::TooOften,
                "quota",
                "This circle was refreshed as often as it may be in one day.",
                "Refresh again tomorrow",
            ),
            (
                CommandError::HeldLately,
                "not-allowed",
                "This member was held in the last 14 days.",
                "14 days",
            ),
            (
                CommandError::NotYetAMember,
                "not-allowed",
                "You are not in this circle yet.",
                "lets you in",
            ),
            (
                CommandError::NotAMember,
                "removed",
                "You are not in this circle any more.",
                "hearthlight wipe C",
            ),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.word(), problem.detail.as_str()), (word, detail));
            let advice = problem.hint.unwrap_or_default();
            assert!(advice.contains(hint), "{word}: {advice}");
            for sentence in advice.split(['.', ';', ':']) {
                assert!(sentence.split_whitespace().count() <= 20, "{advice}");
            }
        }
    }

    #[test]
    fn an_error_object_has_the_fields_of_the_command_line() {
        let json = serde_json::to_value(Problem::of("too-large").object()).unwrap();
        let mut fields: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        assert_eq!(fields, ["candidates", "code", "detail", "hint", "kind", "title"]);
    }

    /// U-145
    #[tokio::test]
    async fn a_damaged_invite_says_where_in_fields_too() {
        let told = |fault: InviteFault| async {
            let response = Problem::from(fault).into_response();
            let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            (json["detail"].clone(), json["damage"].clone())
        };
        let (detail, damage) =
            told(InviteFault::OneMistake { group: 5, typed: "7G0X".into() }).await;
        assert_eq!(detail, "Check group 5 (7G0X, as typed).");
        assert_eq!(
            damage,
            serde_json::json!({"group": 5, "typed": "7G0X", "have": null, "of": null})
        );
        let (_, damage) = told(InviteFault::CutOff { have: 3, of: Some(12) }).await;
        assert_eq!(damage, serde_json::json!({"group": null, "typed": null, "have": 3, "of": 12}));
        assert!(told(InviteFault::SeveralMistakes).await.1.is_null());
    }
}
