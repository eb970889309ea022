//! What the next message is about: whom it answers, and the answer that is wished for (U-40, D-19).

use super::{
    effect::Effect,
    feed::{Entry, Feed, Key, Said, What},
    state::{Panel, State},
    text::cut,
    words,
};

/// What is being written, as a draft keeps it (U-101).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) reply_to: Option<String>,
    /// `listen`, `experience` or `advice`.
    pub(crate) wants: Option<String>,
}

/// Something that can be answered.
pub(crate) struct Choice<'a> {
    pub(crate) id: &'a str,
    pub(crate) said: &'a Said,
}

/// What can be answered by its number, the newest first.
pub(crate) fn choices(feed: &Feed) -> Vec<Choice<'_>> {
    said(feed).take(MOST).collect()
}

fn said(feed: &Feed) -> impl Iterator<Item = Choice<'_>> {
    feed.entries().rev().filter_map(|entry| match entry {
        Entry { key: Key::Entry(id), what: What::Said(said), .. } => Some(Choice { id, said }),
        _ => None,
    })
}

/// The message that `typed` means: its number, or the newest by such a name or with such words.
fn meant(feed: &Feed, typed: &str) -> Option<String> {
    if let Ok(number) = typed.parse::<usize>()
        && (1..=MOST).contains(&number)
    {
        return choices(feed).get(number - 1).map(|choice| choice.id.to_owned());
    }
    let small = typed.to_lowercase();
    let by_name = |choice: &Choice<'_>| choice.said.author.to_lowercase().starts_with(&small);
    let by_words = |choice: &Choice<'_>| {
        choice.said.lines.iter().any(|line| line.to_lowercase().contains(&small))
    };
    let found = said(feed).find(by_name).or_else(|| said(feed).find(by_words));
    found.map(|choice| choice.id.to_owned())
}

/// Chooses what is answered; without a word it is picked from a list, and `off` answers nothing.
pub(super) fn reply(state: &mut State, typed: Option<String>) -> Vec<Effect> {
    let Some(typed) = typed else {
        let empty = state.circle().is_none_or(|circle| choices(&circle.feed).is_empty());
        if empty {
            state.note("reply-none");
        } else {
            state.open_panel(Panel::Reply(0));
        }
        return Vec::new();
    };
    if typed.eq_ignore_ascii_case(OFF) {
        state.reply_to = None;
        return Vec::new();
    }
    match state.circle().and_then(|circle| meant(&circle.feed, &typed)) {
        Some(id) => state.reply_to = Some(id),
        None => state.note("reply-none"),
    }
    Vec::new()
}

/// Answers the message that was picked in the list.
pub(super) fn pick(state: &mut State, at: usize) {
    let id = state
        .circle()
        .and_then(|circle| choices(&circle.feed).get(at).map(|choice| choice.id.to_owned()));
    if id.is_some() {
        (state.reply_to, state.panel) = (id, None);
    }
}

/// What the next message is about, in words; nothing where it simply says something.
pub(crate) fn line(state: &State) -> Option<String> {
    let answered = state.reply_to.as_deref().map(|id| {
        let mut all = state.circle().into_iter().flat_map(|circle| said(&circle.feed));
        match all.find(|choice| choice.id == id) {
            Some(Choice { said, .. }) => {
                let text = cut(said.lines.first().map_or("", String::as_str), SHOWN);
                let told = [("name", said.author.as_str().into()), ("text", text.into())];
                state.texts.say("replying", &told)
            }
            None => state.texts.plain("replying-to-earlier"),
        }
    });
    let wish = state.wants.as_deref().map(|wants| words::wish(&state.texts, wants));
    let parts: Vec<String> = [answered, wish].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("  "))
}

impl State {
    /// What is being written; without words there is nothing to keep.
    pub(crate) fn draft(&self) -> Draft {
        let text = self.input.text();
        match text.is_empty() {
            true => Draft::default(),
            false => Draft { text, reply_to: self.reply_to.clone(), wants: self.wants.clone() },
        }
    }

    /// Goes on with what was being written.
    pub(crate) fn take_up(&mut self, draft: Draft) {
        self.input.set(&draft.text);
        (self.reply_to, self.wants) = (draft.reply_to, draft.wants);
    }

    /// Nothing is being written.
    pub(crate) fn put_down(&mut self) {
        self.take_up(Draft::default());
    }
}

/// What takes a reply or a wish back.
pub(crate) const OFF: &str = "off";
/// One digit each.
pub(crate) const MOST: usize = 9;
/// Letters of what is answered. A guess: half a line.
const SHOWN: usize = 30;
