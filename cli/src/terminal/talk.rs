//! A conversation as rows of a screen: days, names, texts, times and marks.

use jiff::civil::Date;

use super::{
    feed::{Entry, Said, What},
    state::State,
    text::{width, wrap},
    words,
};

/// One row: pieces from the left, and one piece at the right edge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) left: Vec<(String, Tone)>,
    pub(crate) right: String,
}

/// How a piece looks. No meaning is in it alone (U-132).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Strong,
    Faint,
    Picked,
}

/// The rows of what is in memory of the circle that is shown.
pub(crate) fn rows(state: &State, columns: usize) -> Vec<Row> {
    let Some(circle) = state.circle() else { return Vec::new() };
    let mut rows = Vec::new();
    let mut day: Option<Date> = None;
    let names = name_columns(state, columns);
    for entry in circle.feed.entries() {
        if let Some(at) = entry.at.as_ref().filter(|at| Some(at.date()) != day) {
            day = Some(at.date());
            rows.push(line(format!("-- {} --", words::day(&state.texts, at)), Tone::Faint));
        }
        if circle.new_from() == Some(&entry.key) {
            rows.push(line(format!("-- {} --", state.texts.plain("line-new")), Tone::Strong));
        }
        match &entry.what {
            What::Note(sentence) => note(&mut rows, sentence, &clock(entry), columns),
            What::Said(said) => {
                let aside = aside(state, said, &clock(entry));
                spoken(&mut rows, state, said, &aside, names, columns);
            }
        }
    }
    rows
}

fn line(text: String, tone: Tone) -> Row {
    Row { left: vec![(text, tone)], right: String::new() }
}

fn clock(entry: &Entry) -> String {
    entry.at.as_ref().map(|at| at.strftime("%H:%M").to_string()).unwrap_or_default()
}

fn note(rows: &mut Vec<Row>, sentence: &str, clock: &str, columns: usize) {
    let room = columns.saturating_sub(width(clock) + 2).max(1);
    for (number, text) in wrap(sentence, room).into_iter().enumerate() {
        let right = if number == 0 { clock.to_owned() } else { String::new() };
        rows.push(Row { left: vec![(text, Tone::Faint)], right });
    }
}

/// `to Heron`, where it answers something.
pub(crate) fn answered(state: &State, said: &Said) -> Option<String> {
    let author = state.circle().and_then(|circle| circle.feed.author(said.reply_to.as_deref()?));
    said.reply_to.as_ref()?;
    Some(match author {
        Some(author) => state.texts.say("answer-to", &[("name", author.into())]),
        None => state.texts.plain("an-answer"),
    })
}

/// `21:41 received by 2 of 5`
fn aside(state: &State, said: &Said, clock: &str) -> String {
    let answers = answered(state, said);
    let parts = [answers, said.wish.clone(), Some(clock.to_owned()), said.mark.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn spoken(
    rows: &mut Vec<Row>,
    state: &State,
    said: &Said,
    aside: &str,
    names: usize,
    columns: usize,
) {
    let name = if said.own { state.texts.plain("you") } else { said.author.clone() };
    let name_width = width(&name);
    let indent = " ".repeat(names + 2);
    let room = columns.saturating_sub(names + 2).max(1);
    let mut first = Row { left: vec![(name, Tone::Strong)], right: String::new() };
    if name_width > names {
        rows.push(std::mem::take(&mut first));
        first.left.push((indent.clone(), Tone::Plain));
    } else {
        first.left.push((" ".repeat(names + 2 - name_width), Tone::Plain));
    }
    let mut next = Some(first);
    for text in said.lines.iter().flat_map(|line| wrap(line, room)) {
        let mut row = next.take().unwrap_or_else(|| line(indent.clone(), Tone::Plain));
        row.left.push((text, Tone::Plain));
        rows.push(row);
    }
    // Beside the last words where there is room.
    let taken = |row: &Row| row.left.iter().map(|(piece, _)| width(piece)).sum::<usize>();
    match rows.last_mut().filter(|row| taken(row) + width(aside) + 2 <= columns) {
        Some(last) => aside.clone_into(&mut last.right),
        None => rows.push(Row { left: Vec::new(), right: aside.to_owned() }),
    }
}

/// As wide as the longest name that is shown, within limits.
fn name_columns(state: &State, columns: usize) -> usize {
    let names = state.circle().into_iter().flat_map(|circle| circle.feed.entries());
    let widths = names.filter_map(|entry| match &entry.what {
        What::Said(said) if said.own => Some(width(&state.texts.plain("you"))),
        What::Said(said) => Some(width(&said.author)),
        What::Note(_) => None,
    });
    let most = if columns < 50 { 8 } else { 14 };
    widths.filter(|width| *width <= most).max().unwrap_or(0)
}
