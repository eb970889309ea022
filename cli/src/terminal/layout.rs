//! Where everything stands, from the size of the window alone (U-130).

use ratatui::layout::Rect;

use super::{
    aim, panels,
    state::{Phase, State},
    talk,
    text::{cut, wrap},
};

/// The places of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) header: Rect,
    pub(crate) side: Option<Rect>,
    pub(crate) talk: Rect,
    pub(crate) notice: Rect,
    pub(crate) input: Rect,
    pub(crate) keys: Rect,
}

/// Whether there is no room for a conversation.
pub(crate) fn too_small((columns, rows): (u16, u16)) -> bool {
    columns < 40 || rows < 12
}

/// Divides the window: a line of header, a rule, talk beside circles, a rule, what is said about
/// it, what is typed, and the keys.
pub(crate) fn places(state: &State) -> Places {
    let (columns, rows) = state.size;
    let full = |y: u16, height: u16| Rect { x: 0, y, width: columns, height };
    let notice = u16::try_from(notice_lines(state).len()).unwrap_or(0).min(MOST_NOTICE);
    let typed = input_rows(state);
    let fixed = 4 + notice + typed;
    let height = rows.saturating_sub(fixed);
    // U-130: under 60 columns the side column folds.
    let side = (columns >= 60).then_some(Rect { x: 0, y: 2, width: SIDE, height });
    let left = side.map_or(1, |side| side.width + 2);
    let talk = Rect { x: left, y: 2, width: columns.saturating_sub(left + 1), height };
    Places {
        header: full(0, 1),
        side,
        talk,
        notice: full(3 + height, notice),
        input: full(3 + height + notice, typed),
        keys: full(3 + height + notice + typed, 1),
    }
}

/// Columns and rows of the conversation.
pub(crate) fn talk_size(state: &State) -> (usize, usize) {
    let talk = places(state).talk;
    (usize::from(talk.width), usize::from(talk.height))
}

/// How many rows the conversation has that is in memory.
pub(crate) fn rows(state: &State) -> usize {
    talk::rows(state, talk_size(state).0).len()
}

/// How far up it can be scrolled.
pub(crate) fn most_scroll(state: &State) -> usize {
    rows(state).saturating_sub(talk_size(state).1)
}

/// Where a panel stands; a window that is too small for talk is all panel.
pub(crate) fn panel_place(state: &State) -> Rect {
    let (columns, rows) = state.size;
    if too_small(state.size) {
        return Rect { x: 0, y: 0, width: columns, height: rows };
    }
    let places = places(state);
    match state.phase {
        Phase::Open => places.talk,
        _ => Rect { x: 2, width: columns.saturating_sub(4), ..places.talk },
    }
}

/// How far down the open panel can be scrolled.
pub(crate) fn most_panel_scroll(state: &State) -> usize {
    let place = panel_place(state);
    let Some(panel) = &state.panel else { return 0 };
    let rows = panels::rows(state, panel, usize::from(place.width)).len();
    rows.saturating_sub(usize::from(place.height))
}

/// What stands above the box: a question, or what just happened, or who waits.
pub(crate) fn notice_lines(state: &State) -> Vec<String> {
    let width = usize::from(state.size.0.saturating_sub(2)).max(1);
    let waiting = || {
        let circle = state.circle().filter(|circle| circle.waiting_room > 0)?;
        Some(state.texts.say("room-asks", &[("count", circle.waiting_room.into())]))
    };
    let aim = aim::line(state).filter(|_| state.panel.is_none() && state.question.is_none());
    let text = match (&state.question, &state.notice) {
        (Some(question), _) => {
            Some(format!("{} {}", question.text, state.texts.plain("yes-or-no")))
        }
        (None, Some(notice)) => Some(notice.clone()),
        (None, None) => waiting().filter(|_| state.panel.is_none()),
    };
    let text = text.map(|text| wrap(&text, width)).unwrap_or_default();
    // Beside the box, and never pushed away by what happened.
    let room = usize::from(MOST_NOTICE) - usize::from(aim.is_some());
    text.into_iter().take(room).chain(aim.map(|aim| cut(&aim, width))).collect()
}

/// The box grows with what is typed.
fn input_rows(state: &State) -> u16 {
    let width = usize::from(state.size.0.saturating_sub(4)).max(1);
    let rows: usize =
        state.input.text().split('\n').map(|line| wrap(line, width).len().max(1)).sum();
    u16::try_from(rows).unwrap_or(u16::MAX).clamp(1, MOST_INPUT)
}

/// Columns of circles: 13 letters of a label, its number, and what is new.
const SIDE: u16 = 18;
/// A guess: a problem with its advice.
const MOST_NOTICE: u16 = 3;
/// A guess: a short message whole, and most of the conversation besides.
const MOST_INPUT: u16 = 4;
