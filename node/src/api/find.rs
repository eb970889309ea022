//! Finding what a person means by what they typed (U-11).
//!
//! Steps are tried one after the other; the first that matches anything decides. Comparison ignores
//! case and Unicode form. What looks equal to the eye is told apart by digits of its id.
use hearthlight_protocol::boundary::{CircleRef, CircleView, MemberView, RequestView, Standing};
use unicode_normalization::UnicodeNormalization;

use super::problem::Problem;

/// Something that has a name and an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Label or pseudonym.
    pub(super) name: String,
    /// Lower-case hex.
    pub(super) id: String,
}

impl Named {
    /// A circle or join attempt by its label.
    pub(super) fn circle(circle: &CircleView) -> Self {
        Self { name: circle.label.clone(), id: circle_id(circle.id) }
    }

    /// A member by pseudonym.
    pub(super) fn member(member: &MemberView) -> Self {
        Self { name: member.name.clone(), id: member.id.hex() }
    }

    /// Whoever asks to be let in, by pseudonym.
    pub(super) fn request(request: &RequestView) -> Self {
        Self { name: request.name.clone(), id: request.id.hex() }
    }

    fn candidate(&self) -> String {
        format!("{} {}", self.name, &self.id[..self.id.len().min(8)])
    }
}

/// The id of a circle or join attempt in hex.
pub(super) fn circle_id(id: CircleRef) -> String {
    match id {
        CircleRef::Circle(id) => id.hex(),
        CircleRef::Join(id) => id.hex(),
    }
}

/// The circle that `{c}` of a path means: an exact id, or `~` and what a person typed; `~` alone is
/// the only one there is.
///
/// # Errors
/// `no-match`, `ambiguous`, or `needs-input` where `~` alone could be several.
pub(super) fn circle<'a>(
    circles: &'a [CircleView],
    segment: &str,
) -> Result<&'a CircleView, Problem> {
    let nothing = || no_circle(circles, segment);
    let Some(typed) = segment.strip_prefix('~') else {
        return circles.iter().find(|circle| circle_id(circle.id) == segment).ok_or_else(nothing);
    };
    if typed.is_empty() {
        return only(circles);
    }
    let named: Vec<Named> = circles.iter().map(Named::circle).collect();
    let mut found = pick(&named, typed, Ids::ExactOrStart);
    if let Err(Miss::Several(hits)) = &found {
        // An attempt to join goes by its circle's name: the circle that one is in is meant.
        let in_it = |at: &&usize| circles[**at].standing == Standing::Member;
        if let [one] = hits.iter().filter(in_it).collect::<Vec<_>>()[..] {
            found = Ok(*one);
        }
    }
    found.map(|index| &circles[index]).map_err(|miss| miss.problem(&named, nothing))
}

/// The same for what cannot be undone: of several that are meant none goes before the others, and `~` alone means
/// none.
///
/// # Errors
/// As [`circle`].
pub(super) fn exactly_one<'a>(
    circles: &'a [CircleView],
    segment: &str,
) -> Result<&'a CircleView, Problem> {
    let typed = segment.strip_prefix('~');
    if typed.is_some_and(|typed| fold(typed).is_empty()) {
        return Err(Problem::of("needs-input")
            .saying("Say which circle.")
            .or_meant(circles.iter().map(|circle| circle.label.clone()).collect()));
    }
    let Some(typed) = typed else { return circle(circles, segment) };
    let named: Vec<Named> = circles.iter().map(Named::circle).collect();
    let found = pick(&named, typed, Ids::ExactOrStart).map(|index| &circles[index]);
    found.map_err(|miss| miss.problem(&named, || no_circle(circles, segment)))
}

fn no_circle(circles: &[CircleView], segment: &str) -> Problem {
    Problem::of("no-match")
        .saying("There is no circle here by that name.")
        .or_meant(near(circles.iter().map(|circle| circle.label.as_str()), segment))
}

/// The only circle that one is a member of; without any, the only one there is.
fn only(circles: &[CircleView]) -> Result<&CircleView, Problem> {
    let mut meant = circles.iter().filter(|circle| circle.standing == Standing::Member);
    match (meant.next(), meant.next(), circles) {
        (Some(only), None, _) | (None, _, [only]) => Ok(only),
        (None, _, []) => Err(Problem::of("no-match").saying("There is no circle here yet.")),
        _ => Err(Problem::of("needs-input")
            .saying("There are several circles here. Say which one.")
            .or_meant(circles.iter().map(|circle| circle.label.clone()).collect())),
    }
}

/// Which of `people` is meant by `typed`; `me` is the index of oneself among them.
///
/// # Errors
/// `no-match`, `ambiguous`.
pub(super) fn who(people: &[Named], me: Option<usize>, typed: &str) -> Result<usize, Problem> {
    if let Some(me) = me
        && fold(typed) == "me"
    {
        return Ok(me);
    }
    pick(people, typed, Ids::Start).map_err(|miss| {
        miss.problem(people, || {
            Problem::of("no-match")
                .saying("Nobody here goes by that name.")
                .or_meant(near(people.iter().map(|named| named.name.as_str()), typed))
        })
    })
}

/// Which of `ids` (lower-case hex) starts with `typed`, of which at least six digits are asked.
///
/// # Errors
/// `no-match`, `ambiguous`, `usage`.
pub(super) fn id(ids: &[String], typed: &str) -> Result<usize, Problem> {
    let typed = typed.trim().to_lowercase();
    if !is_hex(&typed) || typed.len() < ID_START {
        return Err(Problem::usage("An id is at least 6 digits of 0 to 9 and a to f."));
    }
    let hits: Vec<usize> = matching(ids, |id| id.starts_with(&typed));
    match hits[..] {
        [one] => Ok(one),
        [] => Err(Problem::of("no-match").saying("Nothing here has that id.")),
        _ => Err(Problem::of("ambiguous")
            .or_meant(hits.iter().map(|at| ids[*at][..ids[*at].len().min(12)].into()).collect())),
    }
}

/// Names as they are shown: those that look equal get four digits of their id.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    looks: Vec<(String, String)>,
}

impl Names {
    /// The names of these people.
    pub(super) fn of(people: impl IntoIterator<Item = Named>) -> Self {
        let looks = people.into_iter().map(|named| (look(&named.name), named.id)).collect();
        Self { looks }
    }

    /// The names of these members.
    pub(super) fn among(members: &[MemberView]) -> Self {
        Self::of(members.iter().map(Named::member))
    }

    /// How `name` of the one with this id is shown among the others.
    pub(super) fn shown(&self, name: &str, id: &str) -> String {
        let same = look(name);
        if self.looks.iter().any(|(other, owner)| *other == same && owner != id) {
            format!("{name}~{}", &id[..id.len().min(LOOK_DIGITS)])
        } else {
            name.to_owned()
        }
    }
}

/// How ids take part in finding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ids {
    /// A step for the whole id before starts of names.
    ExactOrStart,
    /// Starts only, after names.
    Start,
}

/// Why nothing was picked.
enum Miss {
    Several(Vec<usize>),
    None,
}

impl Miss {
    fn problem(self, among: &[Named], nothing: impl FnOnce() -> Problem) -> Problem {
        match self {
            Self::Several(hits) => {
                let hits = hits.iter().take(MAX_CANDIDATES);
                Problem::of("ambiguous").or_meant(hits.map(|at| among[*at].candidate()).collect())
            }
            Self::None => nothing(),
        }
    }
}

fn pick(named: &[Named], typed: &str, ids: Ids) -> Result<usize, Miss> {
    let folded = fold(typed);
    if folded.is_empty() {
        return Err(Miss::None);
    }
    let digits = (is_hex(&folded) && folded.len() >= WHO_START).then_some(folded.as_str());
    let with_digits = folded.rsplit_once('~').filter(|(_, tail)| is_hex(tail) && tail.len() >= 4);
    let steps: [&dyn Fn(&Named) -> bool; 5] = [
        &|it| fold(&it.name) == folded,
        &|it| {
            with_digits
                .is_some_and(|(name, tail)| fold(&it.name) == name && it.id.starts_with(tail))
        },
        &|it| ids == Ids::ExactOrStart && it.id == folded,
        &|it| fold(&it.name).starts_with(&folded),
        &|it| digits.is_some_and(|digits| it.id.starts_with(digits)),
    ];
    for step in steps {
        let hits = matching(named, step);
        match hits[..] {
            [] => {}
            [one] => return Ok(one),
            _ => return Err(Miss::Several(hits)),
        }
    }
    Err(Miss::None)
}

fn matching<T>(all: &[T], fits: impl Fn(&T) -> bool) -> Vec<usize> {
    all.iter().enumerate().filter(|(_, it)| fits(it)).map(|(at, _)| at).collect()
}

/// Names near what was typed: one inside the other, or few letters apart.
fn near<'a>(names: impl Iterator<Item = &'a str>, typed: &str) -> Vec<String> {
    let typed = fold(typed.trim_start_matches('~'));
    let letters = typed.chars().count();
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let folded = fold(name);
            let apart = distance(&folded, &typed);
            let inside = letters >= 2 && (folded.contains(&typed) || typed.contains(&folded));
            (inside || apart <= letters.div_ceil(3)).then_some((apart, name))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(MAX_NEAR).map(|(_, name)| name.to_owned()).collect()
}

/// Letters to add, drop or change to make one of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// A name without case and Unicode form: upper case first, so that ß and ss, ς and σ meet.
pub(super) fn fold(name: &str) -> String {
    name.trim().nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// What is left of a name for the eye: folded, without what has no width, and with letters of other
/// scripts and digits as the Latin letters that they look like. Only the commonest; the full list
/// of Unicode (TR 39) has thousands.
fn look(name: &str) -> String {
    let mut out = String::new();
    for letter in fold(name).chars() {
        let plain = match letter {
            '\u{ad}'
            | '\u{34f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'..='\u{2064}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' => continue,
            'а' | 'α' => 'a',
            'с' | 'ϲ' => 'c',
            'ԁ' => 'd',
            'е' | 'ё' => 'e',
            'һ' => 'h',
            'і' | 'ι' | 'ı' | 'l' | '1' | '|' | 'ӏ' => 'i',
            'ј' => 'j',
            'к' | 'κ' => 'k',
            'м' | 'μ' => 'm',
            'п' | 'η' => 'n',
            'о' | 'ο' | '0' => 'o',
            'р' | 'ρ' => 'p',
            'ѕ' => 's',
            'т' | 'τ' => 't',
            'υ' | 'ν' => 'v',
            'ѡ' | 'ω' => 'w',
            'х' | 'χ' => 'x',
            'у' | 'γ' => 'y',
            letter if letter.is_whitespace() => ' ',
            letter => letter,
        };
        if !(plain == ' ' && out.ends_with(' ')) {
            out.push(plain);
        }
    }
    out.replace("rn", "m").replace("vv", "w")
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Digits of an id that U-11 asks for, of circles, members and requests.
const WHO_START: usize = 4;
/// Digits of an id that U-11 asks for, of everything else.
const ID_START: usize = 6;
/// Digits that tell equal-looking names apart (U-11).
const LOOK_DIGITS: usize = 4;
/// Near names in a `no-match`; a guess at what fits one line.
const MAX_NEAR: usize = 3;
/// Candidates in an `ambiguous`; a guess at what can be looked through.
const MAX_CANDIDATES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::views::samples;

    fn named(pairs: &[(&str, &str)]) -> Vec<Named> {
        pairs
            .iter()
            .map(|(name, id)| Named { name: (*name).into(), id: format!("{id:0<64}") })
            .collect()
    }

    fn found(people: &[Named], typed: &str) -> Result<String, (&'static str, Vec<String>)> {
        who(people, Some(0), typed)
            .map(|at| people[at].name.clone())
            .map_err(|problem| (problem.word(), problem.meant()))
    }

    /// U-11
    #[test]
    fn the_first_step_that_matches_decides() {
        let people = named(&[
            ("Anna", "aa11"),
            ("Ann", "bb22"),
            ("Ben", "cafe1"),
            ("cafe", "dd44"),
            ("Dana", "ee55"),
        ]);
        assert_eq!(found(&people, "me").unwrap(), "Anna");
        assert_eq!(found(&people, "Ann").unwrap(), "Ann", "an exact name beats a start");
        assert_eq!(found(&people, "anna").unwrap(), "Anna");
        assert_eq!(found(&people, "da").unwrap(), "Dana");
        assert_eq!(found(&people, "cafe").unwrap(), "cafe", "a name beats digits of an id");
        assert_eq!(found(&people, "cafe1").unwrap(), "Ben");
        assert_eq!(found(&people, "ee55").unwrap(), "Dana");
        assert_eq!(found(&people, "ee5").unwrap_err().0, "no-match", "four digits at least");
        let (word, candidates) = found(&people, "an").unwrap_err();
        assert_eq!(word, "ambiguous");
        assert_eq!(candidates, ["Anna aa110000", "Ann bb220000"]);
    }

    /// U-11
    #[test]
    fn case_and_unicode_form_do_not_matter() {
        let people = named(&[("Zo\u{eb}", "aa11"), ("Stra\u{df}e", "bb22"), ("Ｗide", "cc33")]);
        assert_eq!(found(&people, "ZOE\u{308}").unwrap(), "Zo\u{eb}");
        assert_eq!(found(&people, "STRASSE").unwrap(), "Stra\u{df}e");
        assert_eq!(found(&people, " wide ").unwrap(), "Ｗide");
    }

    /// U-11
    #[test]
    fn equal_names_are_told_apart_by_digits() {
        let people = named(&[
            ("Otter", "0a0a"),
            ("Heron", "3f2a"),
            ("heron", "77ab"),
            ("H\u{435}ron", "9999"),
        ]);
        assert_eq!(found(&people, "Heron").unwrap_err().0, "ambiguous");
        assert_eq!(found(&people, "Heron~3f2a").unwrap(), "Heron");
        assert_eq!(found(&people, "heron~77ab").unwrap(), "heron");
        let names = Names::of(people.clone());
        assert_eq!(names.shown("Otter", &people[0].id), "Otter");
        assert_eq!(names.shown("Heron", &people[1].id), "Heron~3f2a");
        assert_eq!(names.shown("H\u{435}ron", &people[3].id), "H\u{435}ron~9999");
    }

    #[test]
    fn names_that_only_look_equal_are_found_out() {
        for (a, b) in [
            ("Iris", "lris"),
            ("Anna", "\u{410}nn\u{430}"),
            ("Ben", "B\u{200b}en"),
            ("Morning Sun", "Morning  Sun"),
            ("Bob", "B0b"),
        ] {
            assert_eq!(look(a), look(b), "{a}");
        }
        assert_ne!(look("Heron"), look("Herons"));
    }

    /// U-11
    #[test]
    fn nothing_found_names_what_is_near() {
        let people = named(&[("Heron", "aa11"), ("Otter", "bb22"), ("Maple", "cc33")]);
        assert_eq!(found(&people, "Herno").unwrap_err(), ("no-match", vec!["Heron".into()]));
        assert_eq!(found(&people, "Mapel Tree").unwrap_err().0, "no-match");
        assert_eq!(found(&people, "").unwrap_err().0, "no-match");
    }

    /// U-11
    #[test]
    fn what_cannot_be_undone_is_done_to_one_that_alone_is_meant() {
        let mut alive = samples::circle();
        alive.label = "Test".into();
        let mut dead = samples::circle();
        dead.label = "test".into();
        dead.standing = Standing::Ended;
        dead.id = CircleRef::Circle(hearthlight_protocol::identity::CircleId([7; 32]));
        let (id, both) = (circle_id(dead.id), [alive, dead]);
        assert_eq!(circle(&both, "~Test").unwrap().label, "Test");
        for (segment, word) in [("~Test", "ambiguous"), ("~te", "ambiguous"), ("~", "needs-input")]
        {
            assert_eq!(exactly_one(&both, segment).unwrap_err().word(), word, "{segment}");
        }
        assert_eq!(exactly_one(&both[..1], "~ ").unwrap_err().word(), "needs-input");
        assert_eq!(exactly_one(&both[..1], "~other").unwrap_err().word(), "no-match");
        assert_eq!(exactly_one(&both[..1], "~test").unwrap().label, "Test");
        for segment in [id.clone(), format!("~{id}"), "~0707".into()] {
            assert_eq!(exactly_one(&both, &segment).unwrap().label, "test", "{segment}");
        }
    }

    /// U-11
    #[test]
    fn a_circle_is_found_by_label_by_id_or_by_being_alone() {
        let mut one = samples::circle();
        one.label = "Test".into();
        let mut two = samples::circle();
        two.label = "Tuesday group".into();
        two.id = CircleRef::Circle(hearthlight_protocol::identity::CircleId([7; 32]));
        let id = circle_id(two.id);
        let both = [one.clone(), two];
        assert_eq!(circle(&both, "~tue").unwrap().label, "Tuesday group");
        assert_eq!(circle(&both, "~TEST").unwrap().label, "Test");
        assert_eq!(circle(&both, &id).unwrap().label, "Tuesday group");
        assert_eq!(circle(&both, &format!("~{id}")).unwrap().label, "Tuesday group");
        assert_eq!(circle(&both, "~0707").unwrap().label, "Tuesday group");
        assert_eq!(circle(&both, "Test").unwrap_err().word(), "no-match", "a bare word is an id");
        assert_eq!(circle(&both, "~t").unwrap_err().word(), "ambiguous");
        let several = circle(&both, "~").unwrap_err();
        assert_eq!(several.word(), "needs-input");
        assert_eq!(several.meant(), ["Test", "Tuesday group"]);
        assert_eq!(circle(std::slice::from_ref(&one), "~").unwrap().label, "Test");
        let mut left = both[1].clone();
        left.standing = Standing::Left;
        let one_left = [one, left];
        assert_eq!(circle(&one_left, "~").unwrap().label, "Test");
        assert_eq!(circle(&[], "~").unwrap_err().word(), "no-match");
    }

    /// U-11
    #[test]
    fn an_id_is_found_by_six_digits_of_its_start() {
        let ids = ["abcdef0123".to_owned(), "abcdef9999".to_owned(), "123456".to_owned()];
        assert_eq!(id(&ids, "123456").unwrap(), 2);
        assert_eq!(id(&ids, "ABCDEF0").unwrap(), 0);
        assert_eq!(id(&ids, "abcdef").unwrap_err().word(), "ambiguous");
        assert_eq!(id(&ids, "12345").unwrap_err().word(), "usage");
        assert_eq!(id(&ids, "999999").unwrap_err().word(), "no-match");
    }

    #[test]
    fn distance_counts_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
