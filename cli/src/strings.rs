//! The words of the screens, in the person's language (U-126).
//!
//! Every sentence of the terminal chat and of the page stands in `cli/strings/LANGUAGE/*.ftl`
//! (Fluent). Code names a sentence by its id and hands over what it tells; the catalogue knows
//! plural forms and order. The tests in [`lints`] read every sentence of every language.

mod page;
mod source;

#[cfg(test)]
mod lints;
#[cfg(test)]
mod readability;

pub(crate) use fluent_bundle::FluentValue;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, concurrent::FluentBundle};

use self::source::{Dressed, Language};
use crate::advice::{Damage, Failure};
pub(crate) use page::page_strings;

/// All sentences of one language.
pub(crate) struct Catalogue {
    bundle: FluentBundle<FluentResource>,
    tag: &'static str,
}

/// What a sentence tells, by name.
pub(crate) type Told<'a> = [(&'static str, FluentValue<'a>)];

impl Catalogue {
    /// The catalogue for a language tag such as `es-MX` or `es_MX.UTF-8`: its language, else English.
    pub(crate) fn of(tag: Option<&str>) -> Self {
        let language = Language::of(tag);
        let plural = language.plural.parse().expect("the tags of our languages are tags");
        let mut bundle = FluentBundle::new_concurrent(vec![plural]);
        // U-133: isolation marks are bidi controls, and terminals do not hide them.
        bundle.set_use_isolating(false);
        for file in language.terminal {
            let resource = FluentResource::try_new(Dressed::of(file, language.look).text());
            let resource = resource.unwrap_or_else(|(whole_messages, _)| whole_messages);
            bundle.add_resource_overriding(resource);
        }
        Self { bundle, tag: language.tag }
    }

    /// The catalogue that this person chose: `HEARTHLIGHT_LANG`, else the home's `language`, else
    /// the one of the terminal.
    pub(crate) fn chosen(configured: Option<&str>) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|tag| !tag.is_empty());
        let own = variable("HEARTHLIGHT_LANG").or_else(|| configured.map(str::to_owned));
        let tag = own.or_else(|| ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable));
        Self::of(tag.as_deref())
    }

    /// The sentence `id`, which tells nothing of its own.
    pub(crate) fn plain(&self, id: &str) -> String {
        self.say(id, &[])
    }

    /// The sentence `id` with what it tells.
    pub(crate) fn say(&self, id: &str, told: &Told<'_>) -> String {
        // A test looks each id up that code names; should one be missing all the same, it shows.
        self.maybe(id, told).unwrap_or_else(|| id.to_owned())
    }

    /// The sentence and the advice of a problem: in English as exact as they came, in other
    /// languages as its kind says it.
    pub(crate) fn problem(&self, failure: &Failure) -> (String, Option<String>) {
        let own = failure.sentence();
        let title = self.maybe(&format!("problem-{}", failure.kind()), &[]);
        let hint = self.maybe(&format!("problem-{}-hint", failure.kind()), &[]);
        match title {
            Some(title) if self.tag != "en" => (self.damage(failure).unwrap_or(title), hint),
            _ => (own, failure.hint().map(str::to_owned).or(hint)),
        }
    }

    /// Where an invite is damaged (U-145).
    fn damage(&self, failure: &Failure) -> Option<String> {
        Some(match failure.damage()? {
            Damage::Group(group, typed) => self.say(
                "invite-check-group",
                &[("group", (*group).into()), ("typed", typed.as_str().into())],
            ),
            Damage::CutOff(have, Some(of)) => {
                self.say("invite-cut-off", &[("have", (*have).into()), ("of", (*of).into())])
            }
            Damage::CutOff(have, None) => {
                self.say("invite-cut-off-somewhere", &[("have", (*have).into())])
            }
        })
    }

    fn maybe(&self, id: &str, told: &Told<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let told: FluentArgs<'_> =
            told.iter().map(|(name, value)| (*name, value.clone())).collect();
        let mut wrong: Vec<FluentError> = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&told), &mut wrong);
        debug_assert!(wrong.is_empty(), "{id}: {wrong:?}");
        Some(text.into_owned())
    }
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Catalogue").field(&self.tag).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tag_leads_to_its_language_and_else_to_english() {
        for (tag, language) in [
            (Some("es"), "es"),
            (Some("es-MX"), "es"),
            (Some("es_AR.UTF-8"), "es"),
            (Some("ES"), "es"),
            (Some("en-GB"), "en"),
            (Some("C.UTF-8"), "en"),
            (Some("fr-FR"), "en"),
            (Some("qps-ploc"), "qps-ploc"),
            (Some("qps-plocm"), "qps-plocm"),
            (None, "en"),
        ] {
            assert_eq!(Catalogue::of(tag).tag, language, "{tag:?}");
        }
    }

    #[test]
    fn sentences_have_plural_forms_and_no_isolation_marks() {
        let said = |tag: &str, count: i32| {
            Catalogue::of(Some(tag)).say("gap-asking", &[("count", count.into())])
        };
        assert_eq!(said("en", 1), "1 entry is missing.");
        assert_eq!(said("en", 3), "3 entries are missing.");
        assert_eq!(said("es", 1), "Falta 1 entrada.");
        assert_eq!(said("es", 3), "Faltan 3 entradas.");
    }

    #[test]
    fn a_problem_is_told_in_the_language_of_the_person() {
        let failure = Failure::of("no-match").saying("no circle here is called Tusday");
        let (title, hint) = Catalogue::of(Some("en")).problem(&failure);
        let advice = failure.hint().map(str::to_owned);
        assert_eq!((title.as_str(), hint), ("No circle here is called Tusday.", advice));
        let (title, _) = Catalogue::of(Some("es")).problem(&failure);
        assert_eq!(title, "Aquí no hay nada con ese nombre.");
        for (damage, es) in [
            (json!({"group": 5, "typed": "7G0X"}), "Mira el grupo 5 (7G0X, como está escrito)."),
            (json!({"have": 3, "of": 12}), "Falta el final: aquí hay 3 de 12 grupos."),
            (json!({"have": 3, "of": null}), "Falta el final. Grupos que hay aquí: 3."),
        ] {
            let problem = json!({"kind": "invite-damaged", "detail": "x", "damage": damage});
            let (said, _) = Catalogue::of(Some("es")).problem(&Failure::from_problem(&problem));
            assert_eq!(said, es);
        }
        let (_, hint) = Catalogue::of(Some("es")).problem(&Failure::of("too-large"));
        assert_eq!(hint.unwrap(), "Acórtalo, o envíalo en partes.");
    }

    #[test]
    fn a_pseudo_language_is_longer_and_leaves_what_is_told_alone() {
        let long = Catalogue::of(Some("qps-ploc")).say("gap-asking", &[("count", 3.into())]);
        assert!(long.starts_with("⟦3 ") && long.ends_with('⟧'), "{long}");
        let mirrored = Catalogue::of(Some("qps-plocm")).say("gap-asking", &[("count", 3.into())]);
        assert!(
            mirrored.starts_with("3\u{202e}") && mirrored.ends_with('\u{202c}'),
            "{mirrored:?}"
        );
    }
}
