//! What is answered, as JSON: the field names here are a contract (U-9).
//!
//! Every field of the verb tables is always there; unknown is `null`, none is `[]`. Ids are
//! lower-case hex, times RFC 3339 UTC with milliseconds.
mod circles;
mod governing;
mod people;
#[cfg(test)]
pub(super) mod samples;
mod talk;
mod votes;

use hearthlight_protocol::boundary::{Admit, RelayCard, Standing, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::relay::SEES;

pub(super) use circles::{
    CircleLine, CircleShown, Founded, Network, RelayChanged, RelayLine, network_of, notify_word,
    only_path, relay_line,
};
pub(super) use governing::{Gone, Governed, Refreshed};
pub(super) use people::{Answered, InviteLine, InviteMade, JoinShown, MemberLine, RequestLine};
pub(super) use talk::{Line, MarkLine, Page, SaidShown};
pub(super) use votes::VoteLine;

/// The version of every object.
pub(super) const V: u8 = 1;

/// A list that fits one answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Items<T> {
    v: u8,
    /// The things.
    pub(super) items: Vec<T>,
    before: Option<String>,
    after: Option<String>,
}

impl<T> Items<T> {
    /// All of them.
    pub(super) fn all(items: Vec<T>) -> Self {
        Self { v: V, items, before: None, after: None }
    }
}

/// A relay's card (U-177).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Card {
    operator: Option<String>,
    contact: Option<String>,
    country: Option<String>,
    hosting: Option<String>,
    statement: Option<String>,
    mode: String,
    age_s: u64,
    quota_bytes: u64,
    version: String,
    made_at: String,
    /// What whoever runs it can see, and what not.
    sees: [&'static str; 2],
}

impl Card {
    fn of(card: &RelayCard) -> Self {
        Self {
            operator: given(&card.operator),
            contact: given(&card.contact),
            country: given(&card.country),
            hosting: given(&card.hosting),
            statement: given(&card.statement),
            mode: card.mode.clone(),
            age_s: card.age_s,
            quota_bytes: card.quota_bytes,
            version: card.version.clone(),
            made_at: time(Timestamp(card.made_at)),
            sees: SEES,
        }
    }
}

/// What a card's operator wrote there, if anything (U-9).
fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// RFC 3339 in UTC with milliseconds and `Z` (U-9).
pub(super) fn time(at: Timestamp) -> String {
    format!("{:.3}", moment(at))
}

/// `YYYY-MM-DD` in UTC (U-9).
pub(super) fn date(at: Timestamp) -> String {
    moment(at).strftime("%Y-%m-%d").to_string()
}

fn moment(at: Timestamp) -> jiff::Timestamp {
    // A member may claim any time; what no calendar holds is shown as its last day.
    i64::try_from(at.0)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or(jiff::Timestamp::MAX)
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// `ask` or `open`.
pub(super) fn admit_word(admit: Admit) -> &'static str {
    match admit {
        Admit::Ask => "ask",
        Admit::Open => "open",
    }
}

/// The `state` of a circle (U-31).
fn circle_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Asking => "asking",
        Standing::Member | Standing::Held => "member",
        Standing::Left => "left",
        Standing::Removed => "removed",
        Standing::Ended => "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// U-9
    #[test]
    fn times_have_milliseconds_and_z() {
        assert_eq!(time(Timestamp(1_795_456_931_204)), "2026-11-23T18:02:11.204Z");
        assert_eq!(time(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert!(time(Timestamp(u64::MAX)).starts_with("9999-12-30"));
        assert_eq!(date(Timestamp(1_795_456_931_204)), "2026-11-23");
    }

    /// U-102
    #[test]
    fn a_list_has_its_cursors() {
        let json = serde_json::to_value(Items::all(vec![1, 2])).unwrap();
        assert_eq!(json, serde_json::json!({"v":1,"items":[1,2],"before":null,"after":null}));
    }
}
