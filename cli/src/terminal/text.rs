//! Text as wide as it is on a screen.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A text in lines of at most `columns`; words stay whole where they can.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        // A space at the end of a line is not seen, so it needs no room.
        if width(&line) + width(word.trim_end()) <= columns {
            line.push_str(word);
            continue;
        }
        if width(word.trim_end()) <= columns {
            lines.push(std::mem::replace(&mut line, word.to_owned()));
            continue;
        }
        for letter in word.graphemes(true) {
            if width(&line) + width(letter) > columns && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(letter);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A text of at most `columns`; what is cut off shows as dots.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.graphemes(true) {
        if width(&short) + width(letter) + 2 > columns {
            break;
        }
        short.push_str(letter);
    }
    format!("{short}..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("made it to day four", 10), ["made it to", "day four"]);
        assert_eq!(wrap("a  b", 10), ["a  b"]);
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn a_word_wider_than_the_screen_is_cut_into_pieces() {
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"], "wide letters take two columns");
        assert!(wrap("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 2).iter().all(|line| width(line) <= 2));
    }

    #[test]
    fn what_is_cut_off_shows() {
        assert_eq!(cut("Tuesday group", 13), "Tuesday group");
        assert_eq!(cut("Tuesday group", 9), "Tuesday..");
    }
}
