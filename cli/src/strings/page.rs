//! The page's sentences as plain JSON (U-126), for a reader of a few lines of script.
//!
//! A sentence is text with `{$name}` in it, or one choice among plural forms of one number; the
//! page's file may hold nothing else.

use fluent_syntax::ast::{
    Expression, InlineExpression, Pattern, PatternElement, Variant, VariantKey,
};
use serde_json::{Map, Value, json};

use super::source::Language;

/// The page's sentences in the language of `tag`, as `GET /v1/strings/{lang}` answers them.
pub(crate) fn page_strings(tag: &str) -> Value {
    let language = Language::of(Some(tag));
    let page = language.for_page();
    // A test reads every one; a sentence that could not be told would show its id.
    let strings: Map<String, Value> = page
        .sentences()
        .filter_map(|(id, pattern)| Some((id.to_owned(), sentence(pattern).ok()?)))
        .collect();
    json!({"v": 1, "lang": language.tag, "dir": language.dir, "strings": strings})
}

/// A sentence as JSON.
///
/// # Errors
/// What stands in it that the page cannot read.
pub(super) fn sentence(pattern: &Pattern<String>) -> Result<Value, &'static str> {
    let mut forms: Option<(&str, &[Variant<String>])> = None;
    let (mut before, mut after) = (String::new(), String::new());
    for element in &pattern.elements {
        let PatternElement::Placeable { expression: Expression::Select { selector, variants } } =
            element
        else {
            let part = if forms.is_some() { &mut after } else { &mut before };
            part.push_str(&told(element)?);
            continue;
        };
        let InlineExpression::VariableReference { id } = selector else {
            return Err("a choice that is not by a number");
        };
        if forms.replace((&id.name, variants)).is_some() {
            return Err("two choices");
        }
    }
    let Some((of, variants)) = forms else {
        return Ok(Value::String(before));
    };
    let mut shown = Map::new();
    for variant in variants {
        let VariantKey::Identifier { name } = &variant.key else {
            return Err("a form for one number alone");
        };
        if !PLURALS.contains(&name.as_str()) {
            return Err("a form that is no plural form");
        }
        let inner: Result<String, _> = variant.value.elements.iter().map(told).collect();
        shown.insert(name.clone(), Value::String(format!("{before}{}{after}", inner?)));
    }
    match shown.contains_key("other") {
        true => Ok(json!({"of": of, "forms": shown})),
        false => Err("no form for other numbers"),
    }
}

/// A piece of a sentence without choices.
fn told(element: &PatternElement<String>) -> Result<String, &'static str> {
    match element {
        PatternElement::TextElement { value } => Ok(value.clone()),
        PatternElement::Placeable {
            expression: Expression::Inline(InlineExpression::VariableReference { id }),
        } => Ok(format!("{{${}}}", id.name)),
        PatternElement::Placeable { expression: Expression::Select { .. } } => {
            Err("a choice within a choice")
        }
        PatternElement::Placeable { .. } => Err("more than text and names"),
    }
}

/// What `Intl.PluralRules` answers.
const PLURALS: &[&str] = &["zero", "one", "two", "few", "many", "other"];

#[cfg(test)]
mod tests {
    use super::{
        super::source::{Dressed, LANGUAGES, Look},
        *,
    };

    fn read(value: &str) -> Result<Value, &'static str> {
        let file = Dressed::of(&format!("a = {value}\n"), Look::AsWritten);
        let (_, pattern) = file.sentences().next().expect("this is one sentence");
        sentence(pattern)
    }

    #[test]
    fn text_keeps_its_names_and_numbers_choose_a_form() {
        assert_eq!(read("Ask { $name }.").unwrap(), json!("Ask {$name}."));
        assert_eq!(
            read("Now { $count ->\n    [one] { $count } day\n   *[other] { $count } days\n } in { $place }.")
                .unwrap(),
            json!({"of": "count", "forms": {
                "one": "Now {$count} day in {$place}.", "other": "Now {$count} days in {$place}."}})
        );
    }

    #[test]
    fn anything_more_is_refused() {
        for value in [
            "{ NUMBER($count) }",
            "{ \"text\" }",
            "{ other-message }",
            "{ -term }",
            "{ $a ->\n    [0] none\n   *[other] some\n }",
            "{ $a ->\n    [one] { $b ->\n        [one] x\n       *[other] y\n     }\n   *[other] z\n }",
            "{ $a ->\n   *[male] x\n }",
            "{ NUMBER($a) ->\n   *[other] x\n }",
        ] {
            assert!(read(value).is_err(), "{value}");
        }
    }

    /// U-126
    #[test]
    fn the_page_can_read_every_sentence_of_its_file() {
        for language in LANGUAGES {
            for (id, pattern) in language.for_page().sentences() {
                assert!(
                    sentence(pattern).is_ok(),
                    "{}: {id}: {:?}",
                    language.tag,
                    sentence(pattern)
                );
            }
            let answer = page_strings(language.tag);
            assert_eq!(
                answer["strings"].as_object().unwrap().len(),
                language.for_page().sentences().count()
            );
            assert_eq!(
                (&answer["lang"], &answer["dir"]),
                (&json!(language.tag), &json!(language.dir))
            );
        }
        assert_eq!(page_strings("qps-plocm")["dir"], "rtl");
        assert_eq!(page_strings("es-MX")["lang"], "es");
    }
}
