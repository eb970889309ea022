//! What is asked of every sentence of every language (U-5, U-206, D-73): these tests read them all.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use fluent_syntax::{
    ast::{Expression, InlineExpression, Pattern, PatternElement},
    parser,
};

use super::{
    readability::{ease, grade, sentences, words},
    source::{Dressed, LANGUAGES, Look},
};
use crate::node::api::KINDS;

/// One sentence: its forms as they are read, and the names that it tells.
#[derive(Default)]
struct Sentence {
    forms: Vec<String>,
    names: BTreeSet<String>,
}

/// Every sentence of a written language, by id; those of the page as `page/ID`.
fn catalogue(tag: &str) -> BTreeMap<String, Sentence> {
    let language = LANGUAGES.iter().find(|language| language.tag == tag).unwrap();
    let mut found = BTreeMap::new();
    let terminal = language.terminal.map(|file| ("", file));
    for (before, file) in terminal.into_iter().chain([("page/", language.page)]) {
        assert!(parser::parse(file).is_ok(), "{tag}: {:?}", parser::parse(file).err().unwrap().1);
        for (id, pattern) in Dressed::of(file, Look::AsWritten).sentences() {
            let mut sentence = Sentence { forms: vec![String::new()], ..Sentence::default() };
            read(pattern, &mut sentence);
            let twice = found.insert(format!("{before}{id}"), sentence).is_some();
            assert!(!twice, "{tag}: {id} stands twice");
        }
    }
    found
}

/// Goes on with each form; where there is a choice, with one more for each.
fn read(pattern: &Pattern<String>, sentence: &mut Sentence) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => {
                sentence.forms.iter_mut().for_each(|form| form.push_str(value));
            }
            PatternElement::Placeable { expression: Expression::Inline(told) } => {
                // Whatever it will be, it is one word.
                sentence.forms.iter_mut().for_each(|form| form.push_str("Otter"));
                name(told, sentence);
            }
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                name(selector, sentence);
                let before = std::mem::take(&mut sentence.forms);
                for variant in variants {
                    let mut form = Sentence { forms: before.clone(), names: BTreeSet::new() };
                    read(&variant.value, &mut form);
                    sentence.forms.extend(form.forms);
                    sentence.names.extend(form.names);
                }
            }
        }
    }
}

fn name(told: &InlineExpression<String>, sentence: &mut Sentence) {
    if let InlineExpression::VariableReference { id } = told {
        sentence.names.insert(id.name.clone());
    }
}

/// U-126
#[test]
fn every_language_has_the_same_sentences_that_tell_the_same() {
    let (en, es) = (catalogue("en"), catalogue("es"));
    let ids = |of: &BTreeMap<String, Sentence>| of.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(ids(&en), ids(&es));
    for (id, sentence) in &en {
        assert_eq!(sentence.names, es[id].names, "{id}");
    }
}

/// U-5, D-73
#[test]
fn no_sentence_holds_a_banned_word() {
    for (tag, banned) in [("en", BANNED_EN), ("es", BANNED_ES)] {
        for (id, sentence) in catalogue(tag) {
            for form in &sentence.forms {
                assert!(!form.contains(['!', '¡']), "{tag}: {id}");
                for word in banned {
                    let exempt = EXEMPT.iter().any(|(of, at, _)| (*of, *at) == (&*id, word));
                    assert!(exempt || !holds(form, word), "{tag}: {id}: {word}");
                }
            }
        }
    }
    for (id, word, reason) in EXEMPT {
        let all = [catalogue("en"), catalogue("es")];
        let said = |of: &BTreeMap<String, Sentence>| {
            of.get(*id).is_some_and(|sentence| sentence.forms.iter().any(|form| holds(form, word)))
        };
        assert!(all.iter().any(said) && !reason.is_empty(), "{id} needs no exception for {word}");
    }
}

/// Whether `text` holds `word`; one that ends in a dash is the start of a word.
fn holds(text: &str, word: &str) -> bool {
    let letters = text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " ");
    let text = format!(" {} ", letters.split_whitespace().collect::<Vec<_>>().join(" "));
    match word.strip_suffix('-') {
        Some(stem) => text.contains(&format!(" {stem}")),
        None => text.contains(&format!(" {word} ")),
    }
}

/// U-206
#[test]
fn no_sentence_has_more_than_twenty_words() {
    for tag in ["en", "es"] {
        for (id, sentence) in catalogue(tag) {
            for one in sentence.forms.iter().flat_map(|form| sentences(form)) {
                assert!(words(one) <= 20, "{tag}: {id}: {} words", words(one));
            }
        }
    }
}

/// U-206; shorter texts are too few words for either formula.
#[test]
fn long_texts_are_easy_to_read() {
    for tag in ["en", "es"] {
        for (id, sentence) in catalogue(tag) {
            for form in sentence.forms.iter().filter(|form| words(form) >= 30) {
                let easy = if tag == "en" { grade(form) <= 8.0 } else { ease(form) >= 65.0 };
                assert!(easy, "{tag}: {id}: {} or {}", grade(form), ease(form));
            }
        }
    }
}

#[test]
fn problems_say_in_english_what_their_kinds_say() {
    let en = catalogue("en");
    let said = |id: &str| en.get(id).map(|sentence| sentence.forms.join("")).unwrap_or_default();
    for kind in KINDS {
        assert_eq!(said(&format!("problem-{}", kind.word)), kind.title);
        assert_eq!(said(&format!("problem-{}-hint", kind.word)), kind.hint);
    }
    let rows = KINDS.len() + KINDS.iter().filter(|kind| !kind.hint.is_empty()).count();
    assert_eq!(en.keys().filter(|id| id.starts_with("problem-")).count(), rows);
}

/// The ids of the page are looked for in its own files.
#[test]
fn every_id_is_used_and_every_used_id_is_there() {
    let known = catalogue("en");
    let code = text_of("src", "rs");
    let page = text_of("page", "js") + &text_of("page", "html");
    for key in known.keys().filter(|id| !id.starts_with("problem-")) {
        let (id, text) = match key.strip_prefix("page/") {
            Some(id) => (id, &page),
            None => (key.as_str(), &code),
        };
        let quoted = |mark: &char| text.contains(&format!("{mark}{id}{mark}"));
        let used = ['"', '\'', '`'].iter().any(quoted) || key != id && is_made(&page, id);
        assert!(used, "{key} is not used");
    }
    for call in [".say(", ".plain(", ".note("] {
        for after in code.split(call).skip(1) {
            let Some(id) = after.trim_start().strip_prefix('"') else { continue };
            let id = id.split('"').next().unwrap_or_default();
            assert!(known.contains_key(id), "{id} is not in the catalogue");
        }
    }
}

/// Whether the page's script makes such ids of a piece and a word, `relay-${state}`, or counts
/// them, `points('limit', 4)`.
fn is_made(script: &str, id: &str) -> bool {
    if let Some((list, number)) = id.rsplit_once('-')
        && number.parse::<u8>().is_ok()
        && script.contains(&format!("'{list}'"))
    {
        return true;
    }
    let template = |text: &str| {
        let (before, rest) = text.split_once("${")?;
        let (_, after) = rest.rsplit_once('}')?;
        let pieces = before.len() + after.len() > 1;
        Some(pieces && id.starts_with(before) && id.ends_with(after))
    };
    script.split('`').any(|text| template(text).unwrap_or_default())
}

/// The text of every such file of a folder, without its tests.
fn text_of(folder: &str, ending: &str) -> String {
    let mut text = String::new();
    for path in files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
        // This file names what it looks for.
        if path.extension().is_some_and(|found| found == ending) && !path.ends_with("lints.rs") {
            let all = std::fs::read_to_string(path).unwrap();
            text.push_str(all.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default());
        }
    }
    text
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn the_lints_find_what_they_look_for() {
    assert!(holds("It failed.", "failed") && !holds("Nothing is unfailed.", "failed"));
    assert!(holds("Your therapist", "therap-") && holds("At  least, one", "at least"));
    assert!(!holds("The last circle", "last chance"));
}

/// U-5 and D-73; a stem ends in a dash.
const BANNED_EN: &[&str] = &[
    "addict",
    "addicted",
    "addiction",
    "alcoholic",
    "junkie",
    "abuser",
    "drunk",
    "dirty",
    "clean",
    "relapse",
    "habit",
    "failed",
    "failure",
    "broke",
    "broken",
    "lost",
    "reset",
    "streak",
    "zero",
    "should",
    "must",
    "excuse",
    "willpower",
    "at least",
    "confidential",
    "anonymous",
    "treatment",
    "therap-",
    "clinical",
    "proven",
    "cure",
    "prevents",
    "guarantee-",
    "fatal",
    "abort",
    "kill",
    "die",
    "invalid",
    "illegal",
    "error",
    "hurry",
    "last chance",
    "we miss you",
];

/// The same in Spanish.
const BANNED_ES: &[&str] = &[
    "adicto",
    "adicta",
    "adicción",
    "alcohólico",
    "alcohólica",
    "yonqui",
    "maltratador",
    "borracho",
    "borracha",
    "sucio",
    "sucia",
    "limpio",
    "limpia",
    "recaída",
    "recaer",
    "hábito",
    "falló",
    "fallo",
    "fracas-",
    "rompió",
    "roto",
    "rota",
    "perdió",
    "perdido",
    "perdida",
    "reinici-",
    "racha",
    "cero",
    "debe",
    "debes",
    "deberí-",
    "deberá-",
    "excusa",
    "fuerza de voluntad",
    "al menos",
    "por lo menos",
    "confidencial-",
    "anónimo",
    "anónima",
    "tratamiento",
    "terap-",
    "clínic-",
    "comprobado",
    "demostrado",
    "cura",
    "previene",
    "garanti-",
    "fatal",
    "abort-",
    "mata",
    "matar",
    "muere",
    "morir",
    "inválid-",
    "ilegal",
    "error",
    "prisa",
    "última oportunidad",
    "te echamos de menos",
    "te extrañamos",
];

/// A sentence, the word that it may hold, and why.
const EXEMPT: &[(&str, &str, &str)] =
    &[("page/help-card", "morir", "the card of D-67 names what it is about")];
