//! every charter that a few people can make with a few operations, each having seen any
//! part of what was there, taken in every order that one node can take it in.
//!
//! What a node has not heard of, or never hears of, is what an author has not seen. So every loss and
//! every interleaving of deliveries is one of these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::circle::charter::tests::{
    ANNA, BEN, CHRIS, DANA, Story, cosign, leaving, member, removal, role,
};
use crate::circle::charter::{Act, Charter, Held, Places};
use crate::circle::roster::{Right, Roster, fold};
use crate::identity::{MemberId, OperationId};

type Folds = fn(&Charter, &Places) -> Roster;

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Admit(u8),
    Remove(u8),
    Leave,
    Cosign(OperationId),
    Role(u8, &'static str, bool),
}

/// Somebody does something, having seen these heads and all before them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    who: u8,
    seen: Vec<OperationId>,
    deed: Deed,
    /// By what its author has seen it may do that, and it has seen all that is here.
    due: bool,
}

/// A charter as one node took it.
#[derive(Clone)]
struct Taken {
    charter: Arc<Charter>,
    /// What came after the beginning, in order.
    order: Vec<OperationId>,
    roster: Arc<Roster>,
    /// Whether the last one counts for nothing although it was its author's to do.
    denied: bool,
}

impl Hash for Taken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.order.hash(state);
    }
}

impl PartialEq for Taken {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {:?}", self.roster.ids(), self.order)
    }
}

/// A beginning, and who may do what from there.
struct Charters {
    name: &'static str,
    begin: Story,
    people: Vec<u8>,
    /// The roles that are given and resigned.
    roles: &'static [&'static str],
    /// Who does anything that its signature is taken for, as if it had seen any part of what it has.
    hostile: Option<u8>,
    most: usize,
    folds: Folds,
    /// Of each set of operations what was folded first.
    rosters: Mutex<BTreeMap<Vec<OperationId>, Arc<Roster>>>,
}

impl Charters {
    fn new(name: &'static str, begin: Story, people: &[u8], most: usize) -> Self {
        let rosters = Mutex::default();
        let people = people.to_vec();
        Self {
            name,
            begin,
            people,
            roles: &["host", "steward"],
            hostile: None,
            most,
            folds: fold,
            rosters,
        }
    }

    fn base(&self) -> usize {
        self.begin.whole.held().len()
    }

    fn new_ones<'a>(&self, charter: &'a Charter) -> &'a [Held] {
        &charter.held()[self.base()..]
    }

    /// What these places fold to: what they did when this set was met first.
    fn roster_of(&self, charter: &Charter, view: u32) -> Arc<Roster> {
        let mut ids: Vec<OperationId> = Vec::new();
        let mut places = self.begin.whole.all();
        for (at, held) in self.new_ones(charter).iter().enumerate() {
            if view >> at & 1 == 1 {
                ids.push(held.id);
                places.insert(self.base() + at);
            }
        }
        ids.sort_unstable();
        let known = self.rosters.lock().unwrap().get(&ids).cloned();
        known.unwrap_or_else(|| {
            let roster = Arc::new((self.folds)(charter, &places));
            self.rosters.lock().unwrap().entry(ids).or_insert(roster).clone()
        })
    }

    /// The parts of what is here that somebody can have seen.
    fn views(&self, charter: &Charter, who: u8) -> Vec<u32> {
        let held = self.new_ones(charter);
        let own = |at: &usize| held[*at].operation.author == member(who);
        let has = |view: u32, at: usize| view >> at & 1 == 1;
        let whole = |view: &u32| {
            (0..held.len()).all(|at| {
                let seen = (0..at).filter(|before| held[at].saw(self.base() + before));
                if has(*view, at) {
                    seen.clone().all(|before| has(*view, before))
                } else {
                    self.hostile == Some(who) || !own(&at)
                }
            })
        };
        (0..1 << held.len()).filter(whole).collect()
    }

    fn heads(&self, charter: &Charter, view: u32) -> Vec<OperationId> {
        let held = self.new_ones(charter);
        let seen = (0..held.len()).filter(|at| view >> at & 1 == 1).map(|at| held[at].id);
        seen.chain(self.begin.heads()).collect()
    }

    fn deeds(&self, charter: &Charter, view: u32) -> Vec<Deed> {
        let mut deeds = vec![Deed::Leave];
        for to in self.people.iter().copied() {
            deeds.extend([Deed::Admit(to), Deed::Remove(to)]);
            for name in self.roles {
                deeds.extend([true, false].map(|grant| Deed::Role(to, name, grant)));
            }
        }
        let words = self.new_ones(charter).iter().enumerate();
        let words = words.filter(|(at, held)| view >> at & 1 == 1 && is_removal(held));
        deeds.extend(words.map(|(_, held)| Deed::Cosign(held.id)));
        deeds
    }
}

/// Whether the table of R-12 gives somebody a deed by a roster.
pub(super) fn is_allowed(charter: &Charter, roster: &Roster, who: u8, deed: Deed) -> bool {
    let Some(me) = roster.members.get(&member(who)) else { return false };
    let of = |who: u8| roster.members.get(&member(who));
    let is_host = |who: u8| of(who).is_some_and(|person| person.may(Right::Host));
    match deed {
        Deed::Leave => true,
        Deed::Admit(to) => me.may(Right::Admit) && of(to).is_none(),
        Deed::Remove(to) => {
            to != who
                && is_host(who)
                && of(to).is_some()
                && !roster.words.get(&member(to)).is_some_and(|by| by.contains_key(&member(who)))
        }
        Deed::Cosign(of) => {
            let word = charter.get(&of).expect("it is seen");
            let Act::Removal(body) = &word.act else { return false };
            let stands = roster.words.get(&body.who);
            stands.is_some_and(|by| by.get(&word.operation.author) == Some(&of))
                && is_host(who)
                && ![body.who, word.operation.author].contains(&member(who))
        }
        Deed::Role(to, role, grant) => {
            let has = of(to).is_some_and(|person| person.roles.contains(role));
            let may =
                if grant { is_host(who) } else { to == who || is_host(who) && role != "host" };
            of(to).is_some() && has != grant && may
        }
    }
}

pub(super) fn act(story: &Story, deed: Deed, who: u8) -> Act {
    match deed {
        Deed::Admit(to) => story.admission(to, None),
        Deed::Remove(to) => removal(to),
        Deed::Leave => leaving(who),
        Deed::Cosign(of) => cosign(of),
        Deed::Role(to, name, grant) => role(to, name, grant),
    }
}

pub(super) fn is_removal(held: &Held) -> bool {
    matches!(&held.act, Act::Removal(body) if body.mode != 2)
}

/// Whom an operation removes, if it counts: told from the text of R-12, not from the fold.
fn removes(charter: &Charter, held: &Held) -> Option<MemberId> {
    let word = match &held.act {
        Act::Cosign(body) => charter.get(&body.of)?,
        _ => held,
    };
    let seen = word.id == held.id || held.saw(charter.place(&word.id)?);
    match &word.act {
        Act::Removal(body) if seen => Some(body.who),
        _ => None,
    }
}

impl Model for Charters {
    type State = Taken;
    type Action = Step;

    fn init_states(&self) -> Vec<Taken> {
        let charter = Arc::new(self.begin.whole.clone());
        let roster = self.roster_of(&charter, 0);
        vec![Taken { charter, order: Vec::new(), roster, denied: false }]
    }

    fn actions(&self, taken: &Taken, actions: &mut Vec<Step>) {
        if taken.order.len() == self.most {
            return;
        }
        let all = (1 << taken.order.len()) - 1;
        for who in self.people.iter().copied() {
            for view in self.views(&taken.charter, who) {
                let roster = self.roster_of(&taken.charter, view);
                let seen = self.heads(&taken.charter, view);
                for deed in self.deeds(&taken.charter, view) {
                    let allowed = is_allowed(&taken.charter, &roster, who, deed);
                    if allowed || self.hostile == Some(who) {
                        let due = allowed && view == all;
                        actions.push(Step { who, seen: seen.clone(), deed, due });
                    }
                }
            }
        }
    }

    fn next_state(&self, taken: &Taken, step: Step) -> Option<Taken> {
        let whole = Charter::clone(&taken.charter);
        let mut story = Story { circle: self.begin.circle, all: Vec::new(), whole };
        let before = story.whole.held().len();
        let id = story.at(&step.seen, step.who, &act(&self.begin, step.deed, step.who));
        if story.whole.held().len() == before {
            return None; // Of somebody who was not let in there nothing is taken.
        }
        let roster = Arc::new((self.folds)(&story.whole, &story.whole.all()));
        let denied = step.due && !is_word(&step, &taken.roster) && !roster.standing.contains(&id);
        let order = taken.order.iter().copied().chain([id]).collect();
        Some(Taken { charter: Arc::new(story.whole), order, roster, denied })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one set, one roster", one_roster),
            Property::always("what one may do counts", |_, taken: &Taken| !taken.denied),
            Property::always("there is a host unless the last one went", some_host),
            Property::always("it takes two to remove a host", two_for_a_host),
            Property::always("a removal wins", removal_wins),
            Property::always("nobody rises by who has no right", rights),
            Property::always("who belongs was let in", let_in),
        ]
    }
}

/// Whether this is about a host, and so a word only, which does not stand itself.
fn is_word(step: &Step, roster: &Roster) -> bool {
    let Deed::Remove(who) = step.deed else { return false };
    roster.members.get(&member(who)).is_some_and(|person| person.may(Right::Host))
}

///
fn one_roster(model: &Charters, taken: &Taken) -> bool {
    let all = (1 << taken.order.len()) - 1;
    *model.roster_of(&taken.charter, all) == *taken.roster
}

/// Who left or resigned, counted or not.
fn gave_up(model: &Charters, charter: &Charter) -> BTreeSet<MemberId> {
    let held = model.new_ones(charter).iter();
    let own = held.filter(|held| match &held.act {
        Act::Removal(body) => body.mode == 2,
        Act::Role(body) => !body.grant && body.to == held.operation.author,
        _ => false,
    });
    own.map(|held| held.operation.author).collect()
}

///
fn some_host(model: &Charters, taken: &Taken) -> bool {
    taken.roster.members.values().any(|person| person.may(Right::Host))
        || !gave_up(model, &taken.charter).is_empty()
}

///
fn two_for_a_host(model: &Charters, taken: &Taken) -> bool {
    let charter = &taken.charter;
    let gave_up = gave_up(model, charter);
    let began = model.roster_of(charter, 0);
    let mut hosts = began
        .members
        .iter()
        .filter(|(who, person)| person.may(Right::Host) && !gave_up.contains(*who));
    hosts.all(|(host, _)| {
        let still = taken.roster.members.get(host).is_some_and(|person| person.may(Right::Host));
        still
            || model.new_ones(charter).iter().any(|held| {
                let Act::Cosign(body) = &held.act else { return false };
                let first = charter.get(&body.of).map(|word| word.operation.author);
                taken.roster.standing.contains(&held.id)
                    && removes(charter, held) == Some(*host)
                    && first.is_some_and(|first| first != *host && first != held.operation.author)
                    && held.operation.author != *host
            })
    })
}

/// nothing stands that somebody did whose removal had not seen it, if not let in again before.
fn removal_wins(_: &Charters, taken: &Taken) -> bool {
    let charter = &taken.charter;
    let place = |held: &Held| charter.place(&held.id).expect("held");
    let stand = || charter.held().iter().filter(|held| taken.roster.standing.contains(&held.id));
    stand().all(|removal| {
        let Some(who) = removes(charter, removal) else { return true };
        let by_it = stand().filter(|held| held.operation.author == who && held.id != removal.id);
        by_it.into_iter().all(|held: &Held| {
            removal.saw(place(held))
                || stand().any(|again| {
                    matches!(&again.act, Act::Admit(body) if MemberId::of(&body.key) == who)
                        && again.saw(place(removal))
                        && held.saw(place(again))
                })
        })
    })
}

/// what counts was its author's to do by what it had seen, unless some of that fell since.
fn rights(model: &Charters, taken: &Taken) -> bool {
    let charter = &taken.charter;
    let news = model.new_ones(charter);
    news.iter().filter(|held| taken.roster.standing.contains(&held.id)).all(|held| {
        let view = (0..news.len()).filter(|at| held.saw(model.base() + at)).map(|at| 1 << at).sum();
        let then = model.roster_of(charter, view);
        let fell = !then.standing.is_subset(&taken.roster.standing);
        let Some(me) = then.members.get(&held.operation.author) else { return fell };
        fell || match &held.act {
            Act::Admit(_) => me.may(Right::Admit),
            Act::Removal(body) => me.may(Right::Host) || body.who == held.operation.author,
            Act::Role(body) => {
                me.may(Right::Host) || !body.grant && body.to == held.operation.author
            }
            Act::Cosign(_) => removes(charter, held).is_none() || me.may(Right::Host),
            _ => true,
        }
    })
}

/// everybody was let in, and given each role, by something that counts.
fn let_in(_: &Charters, taken: &Taken) -> bool {
    let (charter, roster) = (&taken.charter, &taken.roster);
    let stand = || charter.held().iter().filter(|held| roster.standing.contains(&held.id));
    roster.members.iter().all(|(who, person)| {
        let given = |name: &String| {
            stand().any(|held| match &held.act {
                Act::Found(body) => name == "host" && MemberId::of(&body.key) == *who,
                Act::Role(body) => body.grant && body.to == *who && body.role == *name,
                _ => false,
            })
        };
        roster.standing.contains(&person.by) && person.roles.iter().all(given)
    })
}

// ---- the worlds ----

/// Anna has let the others in, and made these hosts and these stewards.
pub(super) fn circle(members: &[u8], hosts: &[u8], stewards: &[u8]) -> Story {
    let mut story = Story::with(members);
    for (who, name) in
        hosts.iter().map(|who| (who, "host")).chain(stewards.iter().map(|who| (who, "steward")))
    {
        story.by(ANNA, &role(*who, name, true));
    }
    story
}

/// How many operations: as the gate has time for, or as `MODEL_CHARTER` says.
fn most(gate: usize) -> usize {
    super::most("MODEL_CHARTER", gate)
}

fn check(model: Charters) {
    let (name, most) = (model.name, model.most);
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_dfs().join();
    println!("{name}, {most} operations: {} states", checker.unique_state_count());
    checker.assert_properties();
}

///
#[test]
fn whatever_three_people_do_one_set_is_one_roster_and_nobody_gains_by_order() {
    let three = [ANNA, BEN, CHRIS];
    check(Charters::new("one host", circle(&[BEN, CHRIS], &[], &[]), &three, most(3)));
    let hosts = Charters::new("two hosts", circle(&[BEN, CHRIS], &[BEN], &[]), &three, most(3));
    check(Charters { roles: &["host"], ..hosts });
    check(Charters::new("a steward", circle(&[BEN], &[], &[BEN]), &three, most(3)));
    let hosts = circle(&[BEN, CHRIS], &[BEN, CHRIS], &[]);
    let hosts = Charters::new("three hosts", hosts, &three, most(3));
    check(Charters { roles: &["host"], ..hosts });
}

/// pairs against pairs; nobody is let in and no role is given.
#[test]
fn whatever_four_hosts_say_of_each_other_there_is_a_host_and_it_took_two() {
    let four = [ANNA, BEN, CHRIS, DANA];
    let hosts = circle(&four[1..], &four[1..], &[]);
    let hosts = Charters::new("four hosts", hosts, &four, most(2));
    check(Charters { roles: &[], ..hosts });
}

/// somebody does what nobody gave the right to, with old dates.
#[test]
fn whatever_one_hostile_member_does_it_gains_nothing() {
    for hosts in [&[][..], &[BEN], &[BEN, CHRIS]] {
        check(hostile(hosts, most(2)));
    }
}

fn hostile(hosts: &[u8], most: usize) -> Charters {
    let begin = circle(&[BEN, CHRIS], hosts, &[]);
    let model = Charters::new("Ben is hostile", begin, &[ANNA, BEN, CHRIS], most);
    Charters { hostile: Some(BEN), ..model }
}

// ---- faults, to see that they are found ----

/// Whether a fold with this fault is found to break this promise.
fn finds(model: Charters, folds: Folds, promise: &'static str) {
    let until = HasDiscoveries::AllOf([promise].into());
    let checker = Charters { folds, ..model }.checker().threads(2).finish_when(until);
    let checker = checker.spawn_dfs().join();
    let path = checker.discovery(promise).unwrap_or_else(|| panic!("not found: {promise}"));
    println!("{promise}: broken in {} steps", path.into_actions().len());
}

fn held_at<'a>(
    charter: &'a Charter,
    places: &'a Places,
) -> impl Iterator<Item = (usize, &'a Held)> {
    charter.held().iter().enumerate().filter(|(place, _)| places.contains(*place))
}

/// Does not count a removal that came after something that the removed person did meanwhile.
fn first_come(charter: &Charter, places: &Places) -> Roster {
    let mut kept = Places::default();
    for (place, held) in held_at(charter, places) {
        let late = removes(charter, held).is_some_and(|who| {
            held_at(charter, places).any(|(before, did)| {
                did.operation.author == who && before < place && !held.saw(before)
            })
        });
        if !late {
            kept.insert(place);
        }
    }
    fold(charter, &kept)
}

/// Takes one host's word for a removal.
fn one_is_enough(charter: &Charter, places: &Places) -> Roster {
    let mut roster = fold(charter, places);
    let words = std::mem::take(&mut roster.words);
    roster.members.retain(|who, _| !words.contains_key(who));
    roster
}

/// Lets stand what the removed did meanwhile.
fn weak_removal(charter: &Charter, places: &Places) -> Roster {
    let mut without = Places::default();
    for (place, held) in held_at(charter, places) {
        if removes(charter, held).is_none() {
            without.insert(place);
        }
    }
    let mut roster = fold(charter, places);
    roster.standing.extend(fold(charter, &without).standing);
    roster
}

/// Asks nobody who gives a role whether it may.
fn roles_by_anybody(charter: &Charter, places: &Places) -> Roster {
    let mut roster = fold(charter, places);
    for (_, held) in held_at(charter, places) {
        let Act::Role(body) = &held.act else { continue };
        if let Some(person) = roster.members.get_mut(&body.to).filter(|_| body.grant) {
            person.roles.insert(body.role.clone());
            roster.standing.insert(held.id);
        }
    }
    roster
}

/// Takes for new who is admitted once more, by whomever.
fn let_in_anew(charter: &Charter, places: &Places) -> Roster {
    let mut roster = fold(charter, places);
    for (place, again) in held_at(charter, places) {
        let Act::Admit(body) = &again.act else { continue };
        let who = MemberId::of(&body.key);
        let before = charter.held()[..place].iter();
        if before
            .filter(|held| again.saw(charter.place(&held.id).expect("held")))
            .any(|held| matches!(&held.act, Act::Found(body) if MemberId::of(&body.key) == who))
        {
            for (_, held) in held_at(charter, places) {
                if held.operation.author == who && held.saw(place) {
                    roster.standing.remove(&held.id);
                }
            }
        }
    }
    roster
}

///
#[test]
fn faults_of_the_fold_are_found() {
    let three = [ANNA, BEN, CHRIS];
    let hosts = || Charters::new("", circle(&[BEN, CHRIS], &[BEN, CHRIS], &[]), &three, 2);
    let steward = || Charters::new("", circle(&[BEN], &[], &[BEN]), &three, 2);
    finds(steward(), first_come, "one set, one roster");
    finds(hosts(), one_is_enough, "it takes two to remove a host");
    finds(steward(), weak_removal, "a removal wins");
    finds(hostile(&[], 1), roles_by_anybody, "nobody rises by who has no right");
    finds(hostile(&[], 2), let_in_anew, "what one may do counts");
}
