//! How hard a text is to read: Flesch-Kincaid for English, Fernández-Huerta for Spanish.

/// The school grade that an English text asks for (Kincaid and others, 1975).
pub(super) fn grade(text: &str) -> f64 {
    let count = Count::of(text, english_syllables);
    0.39 * count.words_a_sentence() + 11.8 * count.syllables_a_word() - 15.59
}

/// The ease of a Spanish text, 0 to 100 and more (Fernández Huerta, 1959).
pub(super) fn ease(text: &str) -> f64 {
    let count = Count::of(text, spanish_syllables);
    206.84 - 60.0 * count.syllables_a_word() - 1.02 * count.words_a_sentence()
}

/// The sentences of a text.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let ends = |(at, c): (usize, char)| {
        let next = text[at + c.len_utf8()..].chars().next();
        (matches!(c, '.' | '?' | ':') && next.is_none_or(char::is_whitespace)).then_some(at + 1)
    };
    let mut from = 0;
    let mut found = Vec::new();
    for end in text.char_indices().filter_map(ends).chain([text.len()]) {
        let sentence = text[from..end].trim();
        if words(sentence) > 0 {
            found.push(sentence);
        }
        from = end;
    }
    found
}

/// How many words a text has.
pub(super) fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

struct Count {
    sentences: usize,
    words: usize,
    syllables: usize,
}

impl Count {
    fn of(text: &str, syllables: fn(&str) -> usize) -> Self {
        let spoken = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
        let spoken = spoken.filter(|word| word.chars().any(char::is_alphanumeric));
        Self {
            sentences: sentences(text).len().max(1),
            words: words(text).max(1),
            syllables: spoken.map(|word| syllables(&word.to_lowercase())).sum(),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a text has few words")]
    fn words_a_sentence(&self) -> f64 {
        self.words as f64 / self.sentences as f64
    }

    #[allow(clippy::cast_precision_loss, reason = "a text has few words")]
    fn syllables_a_word(&self) -> f64 {
        self.syllables as f64 / self.words as f64
    }
}

/// Groups of vowels, without a silent e.
fn english_syllables(word: &str) -> usize {
    let groups = groups(word, |c| "aeiouy".contains(c), |_, _| false);
    let silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    (groups - usize::from(silent)).max(1)
}

/// Groups of vowels; two strong ones, or one with an accent beside another, are two.
fn spanish_syllables(word: &str) -> usize {
    let strong = |c: char| "aeoáéóíú".contains(c);
    groups(word, |c| "aeiouáéíóúü".contains(c), |one, two| strong(one) && strong(two)).max(1)
}

fn groups(word: &str, vowel: fn(char) -> bool, apart: impl Fn(char, char) -> bool) -> usize {
    let letters: Vec<char> = word.chars().collect();
    let begins = |(at, c): (usize, &char)| {
        let before = at.checked_sub(1).map(|at| letters[at]).filter(|c| vowel(*c));
        vowel(*c) && before.is_none_or(|before| apart(before, *c))
    };
    letters.iter().enumerate().filter(|found| begins(*found)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 13 words, 24 syllables, one sentence: 0.39 * 13 + 11.8 * 24 / 13 - 15.59.
    #[test]
    fn english_is_graded_as_the_formula_says() {
        let text =
            "The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.";
        assert!((grade(text) - 11.264).abs() < 0.01, "{}", grade(text));
        assert!((grade("The cat sat on the mat.") - -1.45).abs() < 0.01);
    }

    /// 6 words, 8 syllables, one sentence: 206.84 - 60 * 8 / 6 - 1.02 * 6.
    #[test]
    fn spanish_is_eased_as_the_formula_says() {
        assert!((ease("La casa es de mi madre.") - 120.72).abs() < 0.01);
        for (word, syllables) in
            [("país", 2), ("aire", 2), ("relevo", 3), ("teatro", 3), ("queda", 2), ("día", 2)]
        {
            assert_eq!(spanish_syllables(word), syllables, "{word}");
        }
    }

    #[test]
    fn sentences_end_where_a_space_follows() {
        assert_eq!(
            sentences("One 1.5 two. Three? Four: five"),
            ["One 1.5 two.", "Three?", "Four:", "five"]
        );
        assert_eq!(words("It's 3 o'clock - now."), 4);
    }
}
