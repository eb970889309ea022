//! What is held of one circle's conversation: a window of pages that moves over all of it.
//!
//! At most [`MOST_PAGES`] pages of [`PAGE`] entries are in memory; earlier and later ones are
//! fetched from the node when somebody reads there (U-102).

use std::collections::VecDeque;

use jiff::ZonedDateTime;

use super::words;
use crate::{fields::Fields, strings::Catalogue};

/// One entry, in the words of this person's language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) at: Option<ZonedDateTime>,
    pub(crate) what: What,
}

/// By what an entry is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Entry(String),
    Gap(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Said(Said),
    /// Somebody came or left, or something is missing.
    Note(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) author: String,
    pub(crate) own: bool,
    pub(crate) lines: Vec<String>,
    /// How far one's own came, in words, and as a number that only grows.
    pub(crate) mark: Option<String>,
    pub(crate) reach: u64,
    /// What was wished for.
    pub(crate) wish: Option<String>,
    /// Whom it answers, by id.
    pub(crate) reply_to: Option<String>,
}

impl Entry {
    /// Reads a line of a conversation (U-42).
    pub(crate) fn of(texts: &Catalogue, fields: Fields<'_>) -> Self {
        if let Some(gap) = fields.inner("gap") {
            let what = What::Note(words::gap(texts, gap));
            return Self { key: Key::Gap(gap.text("id")), at: None, what };
        }
        let what = match fields.text("kind").as_str() {
            "said" | "share" | "support" => What::Said(Said {
                author: fields.text("author"),
                own: fields.flag("own"),
                lines: lines_of(fields),
                mark: fields.flag("own").then(|| words::mark(texts, fields)).flatten(),
                reach: words::mark_reach(fields),
                wish: fields.maybe("wants").map(|wants| words::wish(texts, &wants)),
                reply_to: fields.maybe("reply_to"),
            }),
            _ => What::Note(words::event(texts, fields)),
        };
        let at = fields.time("said_at").or_else(|| fields.time("received_at"));
        Self { key: Key::Entry(fields.text("id")), at, what }
    }

    fn is_news(&self) -> bool {
        !matches!(&self.what, What::Said(said) if said.own)
    }
}

impl Said {
    /// Takes a mark in that reaches further. None goes back (P2).
    fn rise(&mut self, mark: Option<String>, reach: u64) {
        if mark.is_some() && reach > self.reach {
            (self.mark, self.reach) = (mark, reach);
        }
    }
}

/// The lines of a text behind its note; no line can pass for an entry of its own.
fn lines_of(fields: Fields<'_>) -> Vec<String> {
    let note = fields.maybe("note").map(|note| format!("[{note}] ")).unwrap_or_default();
    // Fields indents what follows by four spaces (U-10); a screen has a column for it.
    format!("{note}{}", fields.long("text")).split("\n    ").map(str::to_owned).collect()
}

/// A page as it was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// The window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    pages: VecDeque<Page>,
    /// Whether later entries are not in memory.
    detached: bool,
    /// Whether something came while they were not.
    missed: bool,
    /// The first entry that was not read yet when the circle was opened.
    pub(crate) new_from: Option<Key>,
    pub(crate) loaded: bool,
}

impl Feed {
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.pages.iter().flat_map(|page| &page.entries)
    }

    /// The cursor of what stands before the window; `None` where nothing does.
    pub(crate) fn earlier(&self) -> Option<&str> {
        self.pages.front()?.before.as_deref()
    }

    /// The cursor of what stands after the window, where it is not at its end.
    pub(crate) fn later(&self) -> Option<&str> {
        self.pages.back()?.after.as_deref().filter(|_| self.detached)
    }

    /// Begins anew with the newest page, of which the last `unread` are new.
    pub(crate) fn begin(&mut self, mut page: Page, unread: usize) {
        for entry in &mut page.entries {
            // The page may have been on its way when a mark rose.
            if let Some(Entry { what: What::Said(known), .. }) = self.find(&entry.key)
                && let What::Said(said) = &mut entry.what
            {
                said.rise(known.mark.take(), known.reach);
            }
        }
        let news = page.entries.iter().rev().filter(|entry| entry.is_news());
        let new_from = match unread {
            0 => None,
            unread => news.take(unread).last().map(|entry| entry.key.clone()),
        };
        *self = Self { pages: VecDeque::from([page]), new_from, loaded: true, ..Self::default() };
    }

    /// Puts an earlier page before the window; [`Self::let_go`] has to follow.
    pub(crate) fn earlier_came(&mut self, page: Page) {
        self.pages.push_front(page);
    }

    /// Lets go of the latest page where too many are in memory.
    pub(crate) fn let_go(&mut self) {
        if self.pages.len() > MOST_PAGES {
            self.pages.pop_back();
            self.detached = true;
        }
    }

    /// Puts a later page after the window; a short one is the last.
    pub(crate) fn later_came(&mut self, mut page: Page) {
        self.detached = page.entries.len() >= PAGE || self.missed;
        self.missed = false;
        page.entries.retain(|entry| !self.holds(&entry.key));
        self.pages.push_back(page);
        if self.pages.len() > MOST_PAGES {
            self.pages.pop_front();
        }
    }

    /// Takes in what just came; answers whether it is in the window now.
    pub(crate) fn arrive(&mut self, entry: Entry) -> bool {
        if let Some(known) = self.find(&entry.key) {
            // A gap says something new as it closes; what was said stays as it is.
            if matches!(entry.key, Key::Gap(_)) {
                *known = entry;
            }
            return true;
        }
        let Some(last) = self.pages.back_mut().filter(|_| !self.detached) else {
            self.missed = true;
            return false;
        };
        if last.entries.len() >= 4 * PAGE {
            (self.detached, self.missed) = (true, true);
            return false;
        }
        last.entries.push(entry);
        true
    }

    /// Whether the newest page grew so long that it is better fetched anew.
    pub(crate) fn is_long(&self) -> bool {
        self.pages.back().is_some_and(|page| page.entries.len() > 2 * PAGE)
    }

    /// A message of one's own came further.
    pub(crate) fn mark(&mut self, id: &str, mark: Option<String>, reach: u64) {
        if let Some(Entry { what: What::Said(said), .. }) = self.find(&Key::Entry(id.to_owned())) {
            said.rise(mark, reach);
        }
    }

    /// Who said the entry `id`, if it is in the window.
    pub(crate) fn author(&self, id: &str) -> Option<&str> {
        self.entries().find_map(|entry| match (&entry.key, &entry.what) {
            (Key::Entry(of), What::Said(said)) if of == id => Some(said.author.as_str()),
            _ => None,
        })
    }

    pub(crate) fn holds(&self, key: &Key) -> bool {
        self.entries().any(|entry| entry.key == *key)
    }

    fn find(&mut self, key: &Key) -> Option<&mut Entry> {
        let entries = self.pages.iter_mut().flat_map(|page| &mut page.entries);
        entries.rev().find(|entry| entry.key == *key)
    }
}

/// Entries a page. The node's own default.
pub(crate) const PAGE: usize = 50;

/// Pages in memory. A guess: several screens each way.
const MOST_PAGES: usize = 6;

#[cfg(test)]
pub(crate) mod tests {
    use jiff::tz::TimeZone;
    use serde_json::{Value, json};

    use super::*;

    pub(crate) fn said(id: &str, author: &str, text: &str, at: &str) -> Value {
        json!({"v":1,"id":id,"circle":"Tuesday group","circle_id":"41d0","kind":"said","author":author,
            "author_id":"c07a","own":false,"text":text,"note":null,"wants":null,"reply_to":null,
            "said_at":at,"received_at":at,"expires_at":null,"mark":null,"received_by":null,
            "members":null,"gap":null,"data":null})
    }

    fn entry(value: &Value) -> Entry {
        Entry::of(&Catalogue::of(Some("en")), Fields::new(value, &TimeZone::UTC))
    }

    fn numbered(numbers: std::ops::Range<usize>) -> Page {
        let one = |number: usize| {
            entry(&said(&format!("{number:04}"), "Heron", "x", "2026-11-23T18:02:00.000Z"))
        };
        let cursor = |number: usize| Some(format!("c{number}"));
        Page {
            before: cursor(numbers.start).filter(|_| numbers.len() >= PAGE),
            after: cursor(numbers.end),
            entries: numbers.map(one).collect(),
        }
    }

    /// U-102
    #[test]
    fn a_window_over_a_long_conversation_stays_small() {
        let mut feed = Feed::default();
        feed.begin(numbered(950..1_000), 0);
        for page in (0..19).rev() {
            assert!(feed.earlier().is_some());
            feed.earlier_came(numbered(page * PAGE..(page + 1) * PAGE));
            feed.let_go();
            assert!(feed.entries().count() <= MOST_PAGES * PAGE);
        }
        let new = numbered(1_000..1_001).entries.remove(0);
        assert!(!feed.arrive(new.clone()), "what is not next to the window is not put there");
        for page in MOST_PAGES..20 {
            assert!(feed.later().is_some());
            feed.later_came(numbered(page * PAGE..(page + 1) * PAGE));
            assert!(feed.entries().count() <= MOST_PAGES * PAGE);
        }
        feed.later_came(numbered(1_000..1_001));
        assert_eq!(feed.later(), None);
        let keys: Vec<_> = feed.entries().map(|entry| entry.key.clone()).collect();
        assert_eq!(keys.last(), Some(&new.key));
        assert!(feed.arrive(new), "nothing is shown twice");
        assert_eq!(feed.entries().count(), keys.len());
    }

    #[test]
    fn arrivals_that_nobody_reads_do_not_pile_up() {
        let mut feed = Feed::default();
        feed.begin(numbered(0..50), 0);
        for entry in numbered(50..10_000).entries {
            feed.arrive(entry);
        }
        assert!(feed.entries().count() <= 4 * PAGE);
        assert!(feed.later().is_some());
    }

    #[test]
    fn the_new_line_stands_before_what_others_said_unread() {
        let mut page = numbered(0..10);
        let What::Said(own) = &mut page.entries[9].what else { panic!() };
        own.own = true;
        let mut feed = Feed::default();
        feed.begin(page, 2);
        assert_eq!(feed.new_from, Some(Key::Entry("0007".to_owned())));
    }

    /// P2
    #[test]
    fn a_mark_never_goes_back_not_even_by_a_page_that_comes_late() {
        let own = |mark: &str| {
            let mut own = said("a", "Otter", "x", "2026-11-23T18:02:00.000Z");
            (own["own"], own["mark"]) = (json!(true), json!(mark));
            (own["received_by"], own["members"]) = (json!(1), json!(5));
            Page { entries: vec![entry(&own)], ..Page::default() }
        };
        let mut feed = Feed::default();
        let shown = |feed: &Feed| match feed.entries().next().map(|entry| entry.what.clone()) {
            Some(What::Said(said)) => said.mark.unwrap_or_default(),
            _ => String::new(),
        };
        feed.begin(own("waiting"), 0);
        feed.mark("a", Some("relayed".to_owned()), 1);
        feed.begin(own("waiting"), 0);
        assert_eq!(shown(&feed), "relayed");
        feed.begin(own("received"), 0);
        feed.mark("a", Some("relayed".to_owned()), 1);
        assert_eq!(shown(&feed), "received by 1 of 5");
    }

    #[test]
    fn a_gap_is_told_once_and_then_anew() {
        let gap = |count: u64| {
            entry(
                &json!({"kind":"gap","gap":{"id":"77ab","count":count,"cause":"asking","asking":[]}}),
            )
        };
        let mut feed = Feed::default();
        feed.begin(Page { entries: vec![gap(3)], ..Page::default() }, 0);
        assert!(feed.arrive(gap(0)));
        let notes: Vec<_> = feed.entries().map(|entry| entry.what.clone()).collect();
        assert_eq!(notes, [What::Note("What was missing is here now.".to_owned())]);
    }

    #[test]
    fn a_text_of_several_lines_keeps_them_and_loses_what_steers() {
        let Entry { what: What::Said(said), .. } = entry(&said(
            "a",
            "Mal\u{202e}lory",
            "x\nHeron: y\u{1b}[2J",
            "2026-11-23T18:02:00.000Z",
        )) else {
            panic!()
        };
        assert_eq!(
            (said.author.as_str(), said.lines),
            ("Mallory", vec!["x".to_owned(), "Heron: y[2J".to_owned()])
        );
    }
}
