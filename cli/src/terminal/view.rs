//! Draws a frame from the state, and from nothing else (U-130).

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    input::Input,
    layout::{self, Places},
    panels,
    state::{Panel, Phase, State},
    talk::{self, Row, Tone},
    text::{cut, width, wrap},
};
use crate::verbs::qr_rows;

/// How the terminal may be drawn on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looks {
    /// U-2: colors beside the words, never in place of them.
    pub(crate) colors: bool,
    /// Whether lines can be drawn with more than ASCII.
    pub(crate) lines: bool,
}

impl Looks {
    fn of(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().add_modifier(Modifier::BOLD),
            Tone::Faint if self.colors => Style::new().fg(Color::DarkGray),
            Tone::Faint => Style::new().add_modifier(Modifier::DIM),
            Tone::Picked => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    fn rule(self) -> &'static str {
        if self.lines { "─" } else { "-" }
    }

    fn bar(self) -> &'static str {
        if self.lines { "│" } else { "|" }
    }
}

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, state: &State, looks: Looks) {
    let area = frame.area();
    let mut view = View { frame, state, looks };
    match &state.panel {
        Some(Panel::Invite { made: Some(made), qr: true }) => view.qr(area, made),
        _ if layout::too_small(state.size) => view.too_small(area),
        _ => match state.phase {
            Phase::Open => view.chat(),
            _ => view.closed(),
        },
    }
}

struct View<'a, 'f> {
    frame: &'a mut Frame<'f>,
    state: &'a State,
    looks: Looks,
}

impl View<'_, '_> {
    fn chat(&mut self) {
        let places = layout::places(self.state);
        self.header(places.header);
        self.rules(&places);
        if let Some(side) = places.side {
            self.side(side);
        }
        match &self.state.panel {
            Some(panel) => self.panel(panel),
            None => self.talk(places.talk),
        }
        self.notice(places.notice);
        self.field(&places);
        let keys = match &self.state.panel {
            Some(panel) => panels::key_line(self.state, panel),
            None => self.state.texts.plain("keys-chat"),
        };
        self.keys(places.keys, &keys);
    }

    /// ` Tuesday group       connected through a relay       F1 help`
    fn header(&mut self, area: Rect) {
        let texts = &self.state.texts;
        let label = self.state.circle().map(|circle| circle.label.clone()).unwrap_or_default();
        let (link, help) = (panels::connection(self.state), texts.plain("header-help"));
        let room = usize::from(area.width);
        let left = cut(&format!(" {label}"), room / 2);
        self.put(area, 0, &left, self.looks.of(Tone::Strong));
        let right = room.saturating_sub(width(&help) + 1);
        let middle = room.saturating_sub(width(&link)) / 2;
        let at = middle.max(width(&left) + 2);
        let fits_help = at + width(&link) + 2 <= right;
        self.put(area, at, &link, self.looks.of(Tone::Faint));
        if fits_help {
            self.put(area, right, &help, Style::new());
        }
    }

    fn rules(&mut self, places: &Places) {
        let rule = self.looks.rule();
        let faint = self.looks.of(Tone::Faint);
        for y in [places.talk.y - 1, places.talk.y + places.talk.height] {
            let area = Rect { x: 0, y, width: places.header.width, height: 1 };
            self.put(area, 0, &rule.repeat(usize::from(area.width)), faint);
        }
        if let Some(side) = places.side {
            for y in side.y..side.y + side.height {
                let area = Rect { x: side.width, y, width: 1, height: 1 };
                self.put(area, 0, self.looks.bar(), faint);
            }
        }
    }

    fn side(&mut self, area: Rect) {
        let circles = self.state.circles.iter().take(usize::from(area.height)).enumerate();
        for (at, circle) in circles {
            let row = Rect { y: area.y + u16::try_from(at).unwrap_or(0), height: 1, ..area };
            let here = circle.id == self.state.current;
            let new = if circle.unread > 0 && !here {
                format!(" *{}", circle.unread)
            } else {
                String::new()
            };
            let room = usize::from(area.width).saturating_sub(4 + width(&new));
            let mark = if here { ">" } else { " " };
            let number = if at < 9 { (at + 1).to_string() } else { " ".to_owned() };
            let text = format!("{mark}{number} {}{new}", cut(&circle.label, room));
            let tone = if here || circle.unread > 0 { Tone::Strong } else { Tone::Plain };
            self.put(row, 0, &text, self.looks.of(tone));
        }
    }

    fn talk(&mut self, area: Rect) {
        let rows = talk::rows(self.state, usize::from(area.width));
        let height = usize::from(area.height);
        if rows.is_empty() {
            let id = match self.state.circle() {
                None => "empty-no-circle",
                Some(circle) if circle.state == "asking" => "empty-asking",
                Some(circle) if !circle.feed.loaded => return,
                Some(_) => "empty-circle",
            };
            let sentence = self.state.texts.plain(id);
            let lines = wrap(&sentence, usize::from(area.width)).into_iter();
            self.lines(area, lines.map(|line| (line, Tone::Faint)), 0);
            return;
        }
        let scroll = self.state.scroll.min(rows.len().saturating_sub(height));
        let from = rows.len().saturating_sub(height + scroll);
        for (at, row) in rows[from..].iter().take(height).enumerate() {
            let place = Rect { y: area.y + u16::try_from(at).unwrap_or(0), height: 1, ..area };
            self.row(place, row);
        }
        if scroll > 0 {
            // The last row says that there is more below.
            let below = self.state.texts.say("rows-below", &[("count", scroll.into())]);
            let place = Rect { y: area.y + area.height - 1, height: 1, ..area };
            self.put(place, 0, &" ".repeat(usize::from(area.width)), Style::new());
            self.put(place, 0, &below, self.looks.of(Tone::Faint));
        }
    }

    fn row(&mut self, area: Rect, row: &Row) {
        let mut at = 0;
        for (text, tone) in &row.left {
            self.put(area, at, text, self.looks.of(*tone));
            at += width(text);
        }
        let right = usize::from(area.width).saturating_sub(width(&row.right));
        self.put(area, right, &row.right, self.looks.of(Tone::Faint));
    }

    fn panel(&mut self, panel: &Panel) {
        let area = layout::panel_place(self.state);
        let room = usize::from(area.width);
        let all = panels::rows(self.state, panel, room);
        let most = all.len().saturating_sub(usize::from(area.height));
        self.lines(area, all.into_iter(), self.state.panel_scroll.min(most));
        if self.state.panel_scroll < most {
            // On the rule below, so that it hides no line.
            let more = format!(" {} ", self.state.texts.plain("keys-more"));
            let right = room.saturating_sub(width(&more));
            let rule = Rect { y: area.y + area.height, height: 1, ..area };
            self.put(rule, right, &more, self.looks.of(Tone::Strong));
        }
    }

    fn lines(&mut self, area: Rect, lines: impl Iterator<Item = (String, Tone)>, skip: usize) {
        for (at, (line, tone)) in lines.skip(skip).take(usize::from(area.height)).enumerate() {
            let place = Rect { y: area.y + u16::try_from(at).unwrap_or(0), height: 1, ..area };
            self.put(place, 0, &line, self.looks.of(tone));
        }
    }

    fn notice(&mut self, area: Rect) {
        let lines = layout::notice_lines(self.state);
        let inner = Rect { x: 1, width: area.width.saturating_sub(2), ..area };
        let lines = lines.into_iter().map(|line| (line, Tone::Strong));
        self.lines(inner, lines, 0);
    }

    /// ` > I can talk for a bit_`
    fn field(&mut self, places: &Places) {
        let field = match &self.state.panel {
            Some(Panel::Join(join)) => panels::join_field(join),
            Some(_) => None,
            None => Some(("", &self.state.input)),
        };
        if let (Some((label, input)), true) = (field, self.state.question.is_none()) {
            let label =
                if label.is_empty() { String::new() } else { self.state.texts.plain(label) };
            self.input(places.input, &label, input);
        }
    }

    fn input(&mut self, area: Rect, label: &str, input: &Input) {
        let before = if label.is_empty() { " > ".to_owned() } else { format!(" {label} ") };
        self.put(area, 0, &before, Style::new());
        let x = u16::try_from(width(&before)).unwrap_or(0);
        let inner = Rect { x, width: area.width.saturating_sub(x + 1), ..area };
        if inner.width > 0 && inner.height > 0 {
            self.frame.render_widget(input.area(), inner);
        }
    }

    fn keys(&mut self, area: Rect, keys: &str) {
        // Whole keys only: what does not fit is left out from the end.
        let mut shown = String::new();
        for key in keys.split("   ") {
            let next = format!("{shown}   {key}");
            if width(&next) > usize::from(area.width) + 2 {
                break;
            }
            shown = next;
        }
        self.put(area, 1, shown.trim_start(), self.looks.of(Tone::Faint));
    }

    /// Locked, or not open yet.
    fn closed(&mut self) {
        let places = layout::places(self.state);
        let texts = &self.state.texts;
        let wide = layout::panel_place(self.state);
        self.rules(&Places { side: None, ..places });
        let Phase::Locked(locked) = &self.state.phase else {
            self.put(places.header, 1, &texts.plain("opening"), Style::new());
            return self.keys(places.keys, &texts.plain("keys-locked"));
        };
        self.put(places.header, 1, &texts.plain("locked"), self.looks.of(Tone::Strong));
        if let Some(panel) = &self.state.panel {
            self.panel(panel);
        } else {
            let ids: [&str; 2] = match locked.passphrase {
                true => ["locked-nothing-arrives", "locked-type"],
                false => ["locked-nothing-arrives", "locked-no-passphrase"],
            };
            let room = usize::from(wide.width);
            let lines: Vec<String> =
                ids.iter().flat_map(|id| wrap(&texts.plain(id), room)).collect();
            self.lines(wide, lines.into_iter().map(|line| (line, Tone::Plain)), 0);
            let label = texts.plain("field-passphrase");
            if locked.asked {
                self.put(places.input, 1, &texts.plain("opening"), Style::new());
            } else if locked.passphrase {
                self.input(places.input, &label, &locked.typed);
            }
        }
        self.notice(places.notice);
        self.keys(places.keys, &texts.plain("keys-locked"));
    }

    /// U-130: no room for talk, and room for help.
    fn too_small(&mut self, area: Rect) {
        let texts = &self.state.texts;
        if let Some(panel @ Panel::Help(_)) = &self.state.panel {
            return self.panel(panel);
        }
        let room = usize::from(area.width);
        let strong =
            wrap(&texts.plain("too-small"), room).into_iter().map(|line| (line, Tone::Strong));
        let plain =
            wrap(&texts.plain("too-small-help"), room).into_iter().map(|line| (line, Tone::Plain));
        self.lines(area, strong.chain(plain), 0);
    }

    fn qr(&mut self, area: Rect, made: &serde_json::Value) {
        let rows = qr_rows(self.state.fields(made));
        let tall = rows.len() + 1 > usize::from(area.height);
        let wide = rows.first().is_some_and(|row| width(row) > usize::from(area.width));
        let style = match self.looks.colors {
            // White on black, whatever the terminal's own colors are.
            true => Style::new().fg(Color::Indexed(231)).bg(Color::Indexed(16)),
            false => Style::new(),
        };
        if tall || wide || rows.is_empty() {
            let sentence = self.state.texts.plain("qr-no-room");
            let lines = wrap(&sentence, usize::from(area.width)).into_iter();
            return self.lines(area, lines.map(|line| (line, Tone::Plain)), 0);
        }
        for (at, row) in rows.iter().enumerate() {
            let y = area.y + u16::try_from(at).unwrap_or(0);
            self.put(Rect { y, height: 1, ..area }, 0, row, style);
        }
        let last = Rect { y: area.y + area.height - 1, height: 1, ..area };
        self.keys(last, &self.state.texts.plain("keys-close"));
    }

    /// Puts text into one row, as far as there is room.
    fn put(&mut self, area: Rect, at: usize, text: &str, style: Style) {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        if at >= area.width || area.height == 0 || area.y >= self.frame.area().height {
            return;
        }
        let place = Rect { x: area.x + at, width: area.width - at, height: 1, y: area.y };
        let buffer: &mut Buffer = self.frame.buffer_mut();
        Line::from(Span::styled(text.to_owned(), style)).render(place, buffer);
    }
}
