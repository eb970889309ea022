//! All that the terminal chat knows: what is drawn is drawn from here alone.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    aim::Draft,
    effect::Effect,
    feed::{Feed, Key},
    help::Card,
    input::Input,
};
use crate::{fields::Fields, node::config::Notify, strings::Catalogue};

/// The whole chat.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) texts: Catalogue,
    pub(crate) zone: TimeZone,
    /// Columns and rows.
    pub(crate) size: (u16, u16),
    pub(crate) phase: Phase,
    /// How the node reaches others: `offline`, `relay` or `direct`.
    pub(crate) network: String,
    pub(crate) circles: Vec<Circle>,
    /// The circle that is shown, by id.
    pub(crate) current: String,
    /// Whether the circle that was shown is gone from this computer, so that none opens by itself.
    pub(crate) gone: bool,
    /// The circle to show next, by id, until circles are known.
    pub(crate) wanted: Option<String>,
    pub(crate) panel: Option<Panel>,
    /// How far a panel is scrolled down, in lines.
    pub(crate) panel_scroll: usize,
    /// How far the conversation is scrolled up, in lines.
    pub(crate) scroll: usize,
    /// The message that is being written.
    pub(crate) input: Input,
    /// What was sent or typed in this run, newest last.
    pub(crate) history: VecDeque<String>,
    pub(crate) history_at: Option<usize>,
    /// The message that it answers, by id.
    pub(crate) reply_to: Option<String>,
    /// The answer that is wished for.
    pub(crate) wants: Option<String>,
    /// What was said last, by id, until it stands in the feed: its event may come after the answer.
    pub(crate) said: Option<String>,
    /// The draft as the node has it.
    pub(crate) saved_draft: Draft,
    /// Whether drafts are kept: where there is no box, nothing is left in it.
    pub(crate) drafts: bool,
    /// One sentence about what just happened.
    pub(crate) notice: Option<String>,
    pub(crate) question: Option<Question>,
    /// A first key of two was pressed: Ctrl-X.
    pub(crate) hide_begun: bool,
    pub(crate) help: Card,
    pub(crate) consent: Consent,
    /// All settings as the node told them last; nothing before.
    pub(crate) settings: Value,
    pub(crate) notify: Notify,
    /// Whether somebody said something to be heard since this was looked at (U-180).
    pub(crate) rang: bool,
}

/// How a yes comes about (U-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// A person is asked.
    Asked,
    /// `--yes` said it beforehand.
    Given,
    /// Nobody is there to be asked.
    Missing,
}

/// Whether the home is open.
#[derive(Debug)]
pub(crate) enum Phase {
    /// The node was not heard yet.
    Opening,
    Locked(Locked),
    Open,
}

#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) passphrase: bool,
    pub(crate) typed: Input,
    /// Whether an answer is on its way.
    pub(crate) asked: bool,
}

/// A circle, as far as it is shown.
#[derive(Debug, Default)]
pub(crate) struct Circle {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) state: String,
    pub(crate) roles: Vec<String>,
    pub(crate) count: u64,
    pub(crate) unread: u64,
    pub(crate) waiting_room: u64,
    pub(crate) muted: bool,
    /// How something new is told of here; `default`: as everywhere.
    pub(crate) notify: String,
    pub(crate) relays_up: u64,
    pub(crate) relays: u64,
    pub(crate) feed: Feed,
    pub(crate) members: Vec<Member>,
    pub(crate) waiting: Vec<Asking>,
    /// What is voted on here, as it was told last; what closes last stands first.
    pub(crate) votes: Vec<Value>,
    /// Whether the node told all of them: before, it is not known that there are none.
    pub(crate) votes_known: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) me: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) state: String,
    pub(crate) verified: bool,
    pub(crate) blocked: bool,
    pub(crate) since: String,
}

/// Somebody in the waiting room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asking {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) at: String,
    pub(crate) words: String,
    pub(crate) invite: Option<String>,
    pub(crate) admitting: bool,
}

/// What stands in place of the conversation.
#[derive(Debug)]
pub(crate) enum Panel {
    Keys,
    /// The line that was chosen, if one was.
    Help(Option<usize>),
    Where(Option<Value>),
    Members(usize),
    /// What is answered, by its place.
    Reply(usize),
    /// One member, by id.
    Member(String),
    Waiting(usize),
    Invite {
        made: Option<Value>,
        qr: bool,
    },
    Join(Join),
    /// What is voted on, of which one is picked.
    Votes(usize),
    /// One vote, by id.
    Vote(String),
    /// All settings, of which one is picked.
    Settings(usize),
}

/// How far somebody came in joining.
#[derive(Debug)]
pub(crate) enum Join {
    Code(Input),
    Looking,
    /// The cards, and the name to join under.
    Cards {
        code: String,
        shown: Value,
        name: Input,
    },
    Asking,
    Asked(Value),
}

/// Something that is done after a yes.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) yes: Box<Effect>,
    /// What goes back into the box after a no.
    pub(crate) back: Option<Draft>,
}

impl State {
    pub(crate) fn new(texts: Catalogue, size: (u16, u16)) -> Self {
        Self {
            texts,
            zone: TimeZone::system(),
            size,
            phase: Phase::Opening,
            network: String::new(),
            circles: Vec::new(),
            current: String::new(),
            gone: false,
            wanted: None,
            panel: None,
            panel_scroll: 0,
            scroll: 0,
            input: Input::new(),
            history: VecDeque::new(),
            history_at: None,
            reply_to: None,
            wants: None,
            said: None,
            saved_draft: Draft::default(),
            drafts: true,
            notice: None,
            question: None,
            hide_begun: false,
            help: Card::of(None),
            consent: Consent::Asked,
            settings: Value::Null,
            notify: Notify::default(),
            rang: false,
        }
    }

    pub(crate) fn fields<'a>(&'a self, value: &'a Value) -> Fields<'a> {
        Fields::new(value, &self.zone)
    }

    pub(crate) fn circle(&self) -> Option<&Circle> {
        self.circles.iter().find(|circle| circle.id == self.current)
    }

    /// Whether what was said last stands in the feed, or will not.
    pub(crate) fn shows_said(&mut self) -> bool {
        let shows = |id: &String| {
            let feed = self.circle().map(|circle| &circle.feed);
            feed.is_none_or(|feed| feed.later().is_some() || feed.holds(&Key::Entry(id.clone())))
        };
        if self.said.as_ref().is_some_and(shows) {
            self.said = None;
        }
        self.said.is_none()
    }

    pub(crate) fn circle_of(&mut self, id: &str) -> Option<&mut Circle> {
        self.circles.iter_mut().find(|circle| circle.id == id)
    }

    /// The circle that `typed` means: its exact label, its id, or the only label that begins so
    /// (U-11).
    pub(crate) fn circle_named(&self, typed: &str) -> Option<String> {
        let typed = typed.trim().to_lowercase();
        let exact = |circle: &&Circle| circle.label.to_lowercase() == typed || circle.id == typed;
        let begins = |circle: &&Circle| circle.label.to_lowercase().starts_with(&typed);
        let mut starts = self.circles.iter().filter(begins);
        let only = starts.next().filter(|_| starts.next().is_none());
        self.circles.iter().find(exact).or(only).map(|circle| circle.id.clone())
    }

    /// Says `id` in the line below.
    pub(crate) fn note(&mut self, id: &str) {
        self.notice = Some(self.texts.plain(id));
    }

    pub(crate) fn open_panel(&mut self, panel: Panel) {
        self.panel = Some(panel);
        self.panel_scroll = 0;
    }

    /// Whether what is typed differs from the stored draft.
    pub(crate) fn draft_differs(&self) -> bool {
        self.drafts
            && matches!(self.phase, Phase::Open)
            && !self.current.is_empty()
            && !self.input.text().starts_with('/')
            && self.draft() != self.saved_draft
    }

    /// Forgets everything that was said, typed or shown: the home is locked (U-25).
    pub(crate) fn forget(&mut self) {
        self.circles.clear();
        self.current.clear();
        self.put_down();
        self.history.clear();
        self.history_at = None;
        self.saved_draft = Draft::default();
        self.notice = None;
        self.question = None;
        self.network.clear();
        self.settings = Value::Null;
        self.scroll = 0;
        if !matches!(self.panel, Some(Panel::Help(_))) {
            self.panel = None;
        }
    }
}

impl Circle {
    /// What is known of a circle from its line (U-31).
    pub(crate) fn learn(&mut self, fields: Fields<'_>) {
        self.id = fields.text("id");
        self.label = fields.text("label");
        self.state = fields.text("state");
        self.roles = fields.list("roles");
        self.count = fields.count("members");
        self.unread = fields.count("unread");
        self.waiting_room = fields.count("waiting_room");
        self.muted = fields.flag("muted");
        self.notify = fields.text("notify");
        self.relays_up = fields.count("relays_up");
        self.relays = fields.count("relays");
    }

    /// Whether there is a conversation to read.
    pub(crate) fn has_talk(&self) -> bool {
        self.state != "asking"
    }

    pub(crate) fn new_from(&self) -> Option<&Key> {
        self.feed.new_from.as_ref()
    }
}

impl Member {
    pub(crate) fn of(fields: Fields<'_>) -> Self {
        Self {
            id: fields.text("id"),
            name: fields.text("name"),
            me: fields.flag("me"),
            roles: fields.list("roles"),
            state: fields.text("state"),
            verified: fields.flag("verified"),
            blocked: fields.flag("blocked"),
            since: fields.text("joined_on"),
        }
    }
}

impl Asking {
    pub(crate) fn of(fields: Fields<'_>) -> Self {
        Self {
            id: fields.text("id"),
            name: fields.text("name"),
            at: fields.clock("asked_at").unwrap_or_default(),
            words: fields.list("words").join(" "),
            invite: fields.maybe("invite_label"),
            admitting: fields.text("state") == "admitting",
        }
    }
}

/// Lines of history in memory. A guess.
pub(crate) const MOST_HISTORY: usize = 50;
