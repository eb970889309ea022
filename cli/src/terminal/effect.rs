//! What the chat asks the driver to do, and what it is told in return.

use crossterm::event::KeyEvent;
use hyper::Method;
use serde_json::{Value, json};

use super::aim::Draft;
use crate::{
    advice::Failure,
    client::{Asker, segment},
};

/// Something for the driver to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    Ask(Ask),
    /// Open the home with what was typed.
    Open(Option<String>),
    Leave,
    Hide,
}

/// A request to the node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) what: What,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) asker: Asker,
}

/// What a request is about, so that its answer finds its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Circles,
    Newest(String),
    Earlier(String),
    Later(String),
    Members(String),
    Waiting(String),
    Draft(String),
    DraftSaved(String),
    Read(String),
    /// The circle and what was said, which goes back into the box should it not be taken.
    Said(String, Draft),
    Status,
    Settings,
    SettingSaved,
    /// A circle tells of nothing new, or does again.
    Muted(bool),
    Locked,
    Opened,
    Invited,
    Previewed(String),
    Joined,
    /// Somebody was let in or not.
    Answered,
    /// Six words to compare, and by what the member was called.
    Compare(String),
    Compared,
    Blocked,
    Votes(String),
    /// The circle was asked, or somebody here chose so.
    Voted(Option<String>),
    /// A role was given or taken, somebody held or removed: the sentence that says so.
    Governed(String),
}

impl What {
    /// Whether the node may wait for a relay meanwhile: such requests go a way of their own, so
    /// that talk need not wait behind them.
    pub(crate) fn may_take_long(&self) -> bool {
        matches!(
            self,
            Self::Invited
                | Self::Previewed(_)
                | Self::Joined
                | Self::Answered
                | Self::Voted(_)
                | Self::Governed(_)
        )
    }
}

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    Key(KeyEvent),
    Paste(String),
    Size(u16, u16),
    /// A whole line was typed (`--plain`).
    Line(String),
    /// A signal asks for the end (U-4).
    End,
    /// Nothing was typed for a moment.
    Pause,
    /// The node is there, and as `status` says; with the circle to show first, by id.
    Reached {
        status: Value,
        circle: Option<String>,
    },
    /// The home has to be opened first; whether that takes a passphrase.
    Closed {
        passphrase: bool,
    },
    /// A line of the node's events (U-103).
    Told(Value),
    /// Events were missed.
    Behind,
    Answer(What, Result<Value, Failure>),
}

impl Event {
    /// Whether a person did something.
    pub(crate) fn is_by_person(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Paste(_) | Self::Line(_) | Self::Pause | Self::End)
    }
}

impl Effect {
    /// The same, as a program asks for it by itself.
    pub(crate) fn unasked(self) -> Self {
        match self {
            Self::Ask(ask) => Self::Ask(Ask { asker: Asker::Nobody, ..ask }),
            other => other,
        }
    }

    pub(crate) fn get(what: What, path: String) -> Self {
        Self::Ask(Ask { what, method: Method::GET, path, body: Value::Null, asker: Asker::Person })
    }

    pub(crate) fn post(what: What, path: String, body: Value) -> Self {
        Self::Ask(Ask { what, method: Method::POST, path, body, asker: Asker::Person })
    }

    fn put(what: What, path: String, body: Value) -> Self {
        Self::Ask(Ask { what, method: Method::PUT, path, body, asker: Asker::Person })
    }

    pub(crate) fn circles() -> Self {
        Self::get(What::Circles, "/v1/circles".to_owned())
    }

    pub(crate) fn newest(circle: &str) -> Self {
        let path = format!("/v1/circles/{circle}/messages?limit={}", super::feed::PAGE);
        Self::get(What::Newest(circle.to_owned()), path)
    }

    pub(crate) fn earlier(circle: &str, cursor: &str) -> Self {
        let limit = super::feed::PAGE;
        let path =
            format!("/v1/circles/{circle}/messages?limit={limit}&before={}", segment(cursor));
        Self::get(What::Earlier(circle.to_owned()), path)
    }

    pub(crate) fn later(circle: &str, cursor: &str) -> Self {
        let limit = super::feed::PAGE;
        let path = format!("/v1/circles/{circle}/messages?limit={limit}&after={}", segment(cursor));
        Self::get(What::Later(circle.to_owned()), path)
    }

    /// All that is there was read.
    pub(crate) fn read(circle: &str) -> Self {
        Self::put(What::Read(circle.to_owned()), format!("/v1/circles/{circle}/place"), json!({}))
    }

    pub(crate) fn members(circle: &str) -> Self {
        Self::get(What::Members(circle.to_owned()), format!("/v1/circles/{circle}/members"))
    }

    pub(crate) fn waiting(circle: &str) -> Self {
        Self::get(What::Waiting(circle.to_owned()), format!("/v1/circles/{circle}/waiting"))
    }

    pub(crate) fn votes(circle: &str) -> Self {
        Self::get(What::Votes(circle.to_owned()), format!("/v1/circles/{circle}/votes"))
    }

    pub(crate) fn draft(circle: &str) -> Self {
        Self::get(What::Draft(circle.to_owned()), format!("/v1/circles/{circle}/draft"))
    }

    pub(crate) fn save_draft(circle: &str, draft: &Draft) -> Self {
        let path = format!("/v1/circles/{circle}/draft");
        let body = json!({"text": draft.text, "reply_to": draft.reply_to, "wants": draft.wants});
        Self::put(What::DraftSaved(circle.to_owned()), path, body)
    }

    pub(crate) fn say(circle: &str, said: Draft) -> Self {
        let path = format!("/v1/circles/{circle}/messages");
        // Its mark comes as an event.
        let body = json!({
            "text": said.text, "reply_to": said.reply_to, "wants": said.wants, "timeout_ms": 0,
        });
        Self::post(What::Said(circle.to_owned(), said), path, body)
    }
}
