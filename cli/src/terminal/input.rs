//! What a person is typing: a message, a passphrase, an answer.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

/// A box of text with a cursor.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    // Boxed: it is large, and stands within others.
    area: Box<TextArea<'static>>,
}

impl Input {
    pub(crate) fn new() -> Self {
        let mut area = Box::<TextArea<'_>>::default();
        area.set_wrap_mode(WrapMode::WordOrGlyph);
        area.set_cursor_line_style(ratatui::style::Style::default());
        // What was deleted is gone: a draft has no second copy in memory.
        area.set_max_histories(0);
        Self { area }
    }

    /// One whose text is not shown.
    pub(crate) fn secret() -> Self {
        let mut input = Self::new();
        input.area.set_mask_char('*');
        input
    }

    pub(crate) fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// The text, and an empty box.
    pub(crate) fn take(&mut self) -> String {
        let text = self.text();
        self.set("");
        text
    }

    pub(crate) fn set(&mut self, text: &str) {
        let mask = self.area.mask_char();
        *self = Self::new();
        if let Some(mask) = mask {
            self.area.set_mask_char(mask);
        }
        self.insert(text);
    }

    /// Puts text at the cursor, without what steers a terminal.
    pub(crate) fn insert(&mut self, text: &str) {
        let lines: Vec<String> =
            text.replace("\r\n", "\n").split(['\n', '\r']).map(crate::fields::one_line).collect();
        let text = lines.join("\n");
        let room = LONGEST.saturating_sub(self.text().len());
        let end = (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
        self.area.insert_str(&text[..end.unwrap_or_default()]);
    }

    pub(crate) fn new_line(&mut self) {
        self.insert("\n");
    }

    /// Whether the cursor stands in the first line.
    pub(crate) fn at_first_line(&self) -> bool {
        self.area.cursor().0 == 0
    }

    /// Whether the cursor stands in the last line.
    pub(crate) fn at_last_line(&self) -> bool {
        self.area.cursor().0 + 1 >= self.area.lines().len()
    }

    /// Takes a key that writes or moves; answers whether it did something.
    pub(crate) fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let step = match key.code {
            KeyCode::Char('a') if control => CursorMove::Head,
            KeyCode::Char('e') if control => CursorMove::End,
            KeyCode::Char('u') if control => return self.area.delete_line_by_head(),
            KeyCode::Char('w') if control => return self.area.delete_word(),
            KeyCode::Char(_) if control || alt => return false,
            KeyCode::Char(letter) => {
                self.insert(letter.encode_utf8(&mut [0; 4]));
                return true;
            }
            KeyCode::Backspace if alt => return self.area.delete_word(),
            KeyCode::Backspace => return self.area.delete_char(),
            KeyCode::Delete => return self.area.delete_next_char(),
            KeyCode::Left if control => CursorMove::WordBack,
            KeyCode::Right if control => CursorMove::WordForward,
            KeyCode::Left => CursorMove::Back,
            KeyCode::Right => CursorMove::Forward,
            KeyCode::Up => CursorMove::Up,
            KeyCode::Down => CursorMove::Down,
            KeyCode::Home => CursorMove::Head,
            KeyCode::End => CursorMove::End,
            _ => return false,
        };
        self.area.move_cursor(step);
        true
    }

    /// To be drawn.
    pub(crate) fn area(&self) -> &TextArea<'static> {
        &self.area
    }
}

/// More than a message may have (U-3), so that a refusal and not a cut says so.
const LONGEST: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_cannot_steer_the_terminal() {
        let mut input = Input::new();
        input.insert("one\u{1b}[2J\r\ntwo\u{202e}");
        assert_eq!(input.text(), "one[2J\ntwo");
        assert_eq!((input.take().as_str(), input.is_empty()), ("one[2J\ntwo", true));
    }

    #[test]
    fn an_input_has_a_longest_text() {
        let mut input = Input::new();
        input.insert(&"ä".repeat(20_000));
        assert_eq!(input.text().len(), LONGEST);
        input.key(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE));
        assert_eq!(input.text().len(), LONGEST);
    }
}
