//! The files of the catalogue, and the two languages that are made of English for tests.
//!
//! `qps-ploc` is about 40 % longer, accented, and in brackets, so that a cut or a sentence glued
//! together shows; `qps-plocm` runs from right to left.

use fluent_syntax::{
    ast::{Entry, Expression, Message, Pattern, PatternElement, Resource},
    parser, serializer,
};

/// One language and its files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Language {
    pub(super) tag: &'static str,
    /// Whose plural forms it has.
    pub(super) plural: &'static str,
    pub(super) dir: &'static str,
    pub(super) look: Look,
    /// What the terminal says, problems among it.
    pub(super) terminal: [&'static str; 2],
    pub(super) page: &'static str,
}

impl Language {
    /// The language of a tag: as it is, else without its region, else English.
    pub(super) fn of(tag: Option<&str>) -> &'static Self {
        let tag = tag.unwrap_or_default().to_lowercase().replace('_', "-");
        let named = |tag: &str| LANGUAGES.iter().find(|language| language.tag == tag);
        let language = tag.split(['-', '.', '@']).next().unwrap_or_default();
        named(&tag).or_else(|| named(language)).unwrap_or(&LANGUAGES[0])
    }

    /// The sentences of the page.
    pub(super) fn for_page(&self) -> Dressed {
        Dressed::of(self.page, self.look)
    }
}

/// How English is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    AsWritten,
    Long,
    Mirrored,
}

/// One file, read, and changed as its language wants it.
pub(super) struct Dressed(Resource<String>);

impl Dressed {
    pub(super) fn of(file: &str, look: Look) -> Self {
        // What cannot be read is left out here; a test reads every file.
        let mut resource = parser::parse(file.to_owned()).unwrap_or_else(|(readable, _)| readable);
        for entry in &mut resource.body {
            if let Entry::Message(Message { value: Some(pattern), .. }) = entry {
                dress(pattern, look);
            }
        }
        Self(resource)
    }

    /// As Fluent text again.
    pub(super) fn text(&self) -> String {
        serializer::serialize(&self.0)
    }

    /// Every sentence with its id.
    pub(super) fn sentences(&self) -> impl Iterator<Item = (&str, &Pattern<String>)> {
        self.0.body.iter().filter_map(|entry| match entry {
            Entry::Message(message) => Some((message.id.name.as_str(), message.value.as_ref()?)),
            _ => None,
        })
    }
}

fn dress(pattern: &mut Pattern<String>, look: Look) {
    if look == Look::AsWritten {
        return;
    }
    let mut whole = true;
    for element in &mut pattern.elements {
        match element {
            PatternElement::TextElement { value } if look == Look::Long => {
                *value = lengthened(value)
            }
            PatternElement::TextElement { value } => *value = format!("{RLO}{value}{PDF}"),
            PatternElement::Placeable { expression: Expression::Select { variants, .. } } => {
                variants.iter_mut().for_each(|variant| dress(&mut variant.value, look));
                // Each of its forms has brackets already.
                whole = false;
            }
            PatternElement::Placeable { .. } => {}
        }
    }
    if whole && look == Look::Long {
        let text = |value: &str| PatternElement::TextElement { value: value.to_owned() };
        pattern.elements.insert(0, text("⟦"));
        pattern.elements.push(text("⟧"));
    }
}

/// Accents every vowel and says it twice: vowels are four letters in ten.
fn lengthened(text: &str) -> String {
    let mut long = String::new();
    for letter in text.chars() {
        let accented = "aáeéiíoóuúAÁEÉIÍOÓUÚyý".chars().collect::<Vec<_>>();
        match accented.chunks(2).find(|pair| pair[0] == letter) {
            Some(pair) => long.extend([pair[1], pair[1]]),
            None => long.push(letter),
        }
    }
    long
}

const RLO: char = '\u{202e}';
const PDF: char = '\u{202c}';

const EN: [&str; 2] =
    [include_str!("../../strings/en/terminal.ftl"), include_str!("../../strings/en/problems.ftl")];
const EN_PAGE: &str = include_str!("../../strings/en/page.ftl");

const ES: [&str; 2] =
    [include_str!("../../strings/es/terminal.ftl"), include_str!("../../strings/es/problems.ftl")];
const ES_PAGE: &str = include_str!("../../strings/es/page.ftl");

/// The first stands in for every other.
pub(super) const LANGUAGES: [Language; 4] = [
    Language {
        tag: "en",
        plural: "en",
        dir: "ltr",
        look: Look::AsWritten,
        terminal: EN,
        page: EN_PAGE,
    },
    Language {
        tag: "es",
        plural: "es",
        dir: "ltr",
        look: Look::AsWritten,
        terminal: ES,
        page: ES_PAGE,
    },
    Language {
        tag: "qps-ploc",
        plural: "en",
        dir: "ltr",
        look: Look::Long,
        terminal: EN,
        page: EN_PAGE,
    },
    Language {
        tag: "qps-plocm",
        plural: "en",
        dir: "rtl",
        look: Look::Mirrored,
        terminal: EN,
        page: EN_PAGE,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudo_language_is_about_forty_percent_longer() {
        let text = "Nobody asks to be let in. What was missing is here now.";
        let file = Dressed::of(&format!("a = {text}\n"), Look::Long).text();
        let long = file.trim().trim_start_matches("a = ").chars().count();
        let percent = 100 * long / text.chars().count();
        assert!((130..=150).contains(&percent), "{percent}");
    }

    #[test]
    fn brackets_stand_around_each_form() {
        let file = "a = { $count ->\n    [one] { $count } day\n   *[other] { $count } days\n}\n";
        let text = Dressed::of(file, Look::Long).text();
        assert!(text.contains("[one] ⟦{ $count } dááýý⟧"), "{text}");
        assert_eq!(text.matches('⟦').count(), 2);
    }
}
