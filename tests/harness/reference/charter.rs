//! Who belongs, reckoned a second time: from the text of, as plain sets, and not by the
//! machines' own fold.
//!
//! It knows what storms do: founding, hosts and stewards for good, invites, admissions, leaving, removals,
//! removals of hosts by two, and what votes decide (`votes.rs`). What it does not know (terms, removals in a ring, a race for the last place of
//! an invite) it says nothing about.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::circle::charter::{Act, Operation};
use hearthlight_protocol::crypto::Label;
use hearthlight_protocol::identity::{CircleId, MemberId, OperationId, PublicKey};
use hearthlight_protocol::signed::Signed;

/// Some of the operations, with all that came before each.
pub(super) type View = BTreeSet<OperationId>;

/// Every operation of a circle that any home ever saved.
#[derive(Debug, Default)]
pub(super) struct Charters {
    pub(super) all: BTreeMap<OperationId, Said>,
    reckoned: RefCell<BTreeMap<View, Option<BTreeSet<MemberId>>>>,
}

#[derive(Debug)]
pub(super) struct Said {
    pub(super) author: MemberId,
    pub(super) act: Act,
    /// All before it.
    pub(super) past: View,
    /// The longest path from `found`.
    pub(super) depth: usize,
    /// Whether its author's key signed it.
    pub(super) signed: bool,
}

/// What counts of some operations, as far as the removals among them were looked at.
pub(super) struct Reckoning<'a> {
    pub(super) charters: &'a Charters,
    /// Each after its past.
    order: Vec<OperationId>,
    removals: BTreeMap<OperationId, bool>,
    counts: View,
    words: View,
}

impl Charters {
    /// Takes down an operation that some home saved; those before it were saved there before.
    pub(super) fn insert(&mut self, signed: &Signed, circle: &CircleId) -> Option<OperationId> {
        let operation: Operation = signed.decode()?;
        let act = Act::parse(operation.kind, operation.rev, &operation.body.0)?;
        let of = operation.circle;
        let id = OperationId(signed.id(Label::Operation, &of));
        if self.all.contains_key(&id) {
            return Some(id);
        }
        let before: Option<Vec<&Said>> =
            operation.parents.iter().map(|p| self.all.get(p)).collect();
        let before = before?;
        let mut past: View = operation.parents.iter().copied().collect();
        past.extend(before.iter().flat_map(|said| &said.past));
        let key = |act: &Act| match act {
            Act::Found(body) => Some(body.key),
            Act::Admit(body) => Some(body.key),
            _ => None,
        };
        let founds = matches!(act, Act::Found(_)) && id.0 == circle.0;
        let known = past.iter().filter_map(|id| key(&self.all[id].act));
        let known = known.chain(key(&act).filter(|_| founds));
        let mut own = known.filter(|key| MemberId::of(key) == operation.author);
        let signed = own.any(|key| signed.is_by(&key, Label::Operation, &of));
        let depth = before.iter().map(|said| said.depth + 1).max().unwrap_or(0);
        self.all.insert(id, Said { author: operation.author, act, past, depth, signed });
        Some(id)
    }

    /// The heads of a header and all before them, if any home has them.
    #[must_use]
    pub(super) fn covered(&self, heads: &[OperationId]) -> Option<View> {
        let mut view = View::new();
        for head in heads {
            view.extend(&self.all.get(head)?.past);
            view.insert(*head);
        }
        Some(view)
    }

    /// Who belongs by these operations; `None` if that is not known here.
    #[must_use]
    pub(super) fn roster(&self, view: &View) -> Option<BTreeSet<MemberId>> {
        if let Some(known) = self.reckoned.borrow().get(view) {
            return known.clone();
        }
        let roster = self.reckon(view);
        self.reckoned.borrow_mut().insert(view.clone(), roster.clone());
        roster
    }

    /// Everybody who was ever let in by these operations, counted or not.
    #[must_use]
    pub(super) fn ever(&self, view: &View) -> BTreeSet<MemberId> {
        view.iter().filter_map(|id| self.all[id].lets_in()).collect()
    }

    /// Who left, or was removed, by these operations; `None` if that is not known here.
    #[must_use]
    pub(super) fn gone(&self, view: &View) -> Option<BTreeSet<MemberId>> {
        let roster = self.roster(view)?;
        Some(self.ever(view).difference(&roster).copied().collect())
    }

    fn reckon(&self, view: &View) -> Option<BTreeSet<MemberId>> {
        let mut order: Vec<OperationId> = view.iter().copied().collect();
        order.sort_by_key(|id| (self.all[id].depth, *id));
        let timed =
            |id: &OperationId| matches!(&self.all[id].act, Act::Role(body) if body.end.is_some());
        if order.iter().any(timed) {
            return None;
        }
        let mut reckoning = Reckoning {
            charters: self,
            order,
            removals: BTreeMap::new(),
            counts: View::new(),
            words: View::new(),
        };
        reckoning.settle()?;
        let races = reckoning.places().any(|(uses, came)| came.len() > usize::from(uses));
        let ever = self.ever(view).into_iter();
        (!races).then(|| ever.filter(|who| reckoning.belongs(who, &reckoning.counts)).collect())
    }

    /// Whom an operation removes, if it counts.
    pub(super) fn removes(&self, id: &OperationId) -> Option<MemberId> {
        match &self.all[id].act {
            Act::Removal(body) => Some(body.who),
            Act::Cosign(_) => self.removes(&self.word(id)?),
            _ => None,
        }
    }

    /// The removal before it that an operation backs.
    fn word(&self, id: &OperationId) -> Option<OperationId> {
        let said = &self.all[id];
        let Act::Cosign(body) = &said.act else { return None };
        let of = Some(body.of).filter(|of| said.past.contains(of))?;
        matches!(self.all[&of].act, Act::Removal(_)).then_some(of)
    }

    /// What the right to an operation comes from, and the rights to that, and so on.
    fn leans_on(&self, id: &OperationId) -> View {
        let (mut found, mut todo) = (View::new(), vec![*id]);
        while let Some(id) = todo.pop() {
            if !found.insert(id) {
                continue;
            }
            let said = &self.all[&id];
            let word = self.word(&id);
            let signers = [Some(said.author), word.map(|word| self.all[&word].author)];
            let invite = match &said.act {
                Act::Admit(body) => body.invite,
                _ => None,
            };
            let papers = self.papers(&id);
            todo.extend(said.past.iter().filter(|before| {
                let gives = match &self.all[before].act {
                    Act::Admit(body) => signers.contains(&Some(MemberId::of(&body.key))),
                    Act::Role(body) => signers.contains(&Some(body.to)),
                    _ => false,
                };
                gives || [word, invite].contains(&Some(**before)) || papers.contains(*before)
            }));
        }
        found
    }
}

impl Said {
    pub(super) fn lets_in(&self) -> Option<MemberId> {
        match &self.act {
            Act::Found(_) => Some(self.author),
            Act::Admit(body) => Some(MemberId::of(&PublicKey(body.key.0))),
            _ => None,
        }
    }
}

impl Reckoning<'_> {
    pub(super) fn said(&self, id: &OperationId) -> &Said {
        &self.charters.all[id]
    }

    /// Looks at the removals one by one, first those that no other one could cancel; `None` where each could
    /// cancel another.
    fn settle(&mut self) -> Option<()> {
        let is_open = |id: &OperationId| self.charters.removes(id).is_some();
        let mut open: Vec<OperationId> = self.order.iter().copied().filter(is_open).collect();
        self.count();
        while !open.is_empty() {
            let free = |id: &OperationId| {
                let leans = self.charters.leans_on(id);
                !open
                    .iter()
                    .filter(|other| *other != id)
                    .any(|other| leans.iter().any(|on| on != other && self.cancels(other, on)))
            };
            let next = open.iter().copied().find(free)?;
            open.retain(|id| *id != next);
            let stands = self.stands(&next);
            self.removals.insert(next, stands);
            self.count();
        }
        Some(())
    }

    /// What counts by the removals looked at so far.
    fn count(&mut self) {
        self.counts.clear();
        self.words.clear();
        for id in self.order.clone() {
            let removes = self.charters.removes(&id).is_some();
            let stands = match self.removals.get(&id) {
                Some(stands) => *stands,
                None => !removes && self.stands(&id),
            };
            if stands {
                self.counts.insert(id);
            } else if self.is_word(&id) {
                self.words.insert(id);
            }
        }
    }

    /// whether a removal that counts would cancel an operation of the removed member: one that it had
    /// not seen, unless its author had been let in again.
    fn cancels(&self, removal: &OperationId, id: &OperationId) -> bool {
        let said = self.said(id);
        let again = said.past.iter().any(|before| {
            let before = self.said(before);
            before.lets_in() == Some(said.author) && before.past.contains(removal)
        });
        removal != id
            && self.charters.removes(removal) == Some(said.author)
            && !self.said(removal).past.contains(id)
            && !again
    }

    fn is_cancelled(&self, id: &OperationId) -> bool {
        self.removals.iter().any(|(removal, stands)| *stands && self.cancels(removal, id))
    }

    /// What counts of what came before an operation.
    pub(super) fn before(&self, id: &OperationId) -> View {
        self.said(id).past.intersection(&self.counts).copied().collect()
    }

    /// Whether a member was let in and not removed since.
    pub(super) fn belongs(&self, who: &MemberId, counts: &View) -> bool {
        let removals: Vec<&OperationId> =
            counts.iter().filter(|id| self.charters.removes(id) == Some(*who)).collect();
        counts.iter().map(|id| self.said(id)).any(|said| {
            said.lets_in() == Some(*who) && removals.iter().all(|id| said.past.contains(*id))
        })
    }

    /// Whether a member has a role: what was said of it last, of what was said at once that it was resigned (D-10).
    pub(super) fn has(&self, who: &MemberId, role: &str, counts: &View) -> bool {
        let founder = counts
            .iter()
            .map(|id| self.said(id))
            .any(|said| matches!(said.act, Act::Found(_)) && said.author == *who && role == "host");
        let told: Vec<(&OperationId, bool)> = counts
            .iter()
            .filter_map(|id| match &self.said(id).act {
                Act::Role(body) if body.to == *who && body.role == role => Some((id, body.grant)),
                _ => None,
            })
            .collect();
        let over = |id: &OperationId| told.iter().any(|(by, _)| self.said(by).past.contains(id));
        let last: Vec<bool> =
            told.iter().filter(|(id, _)| !over(id)).map(|(_, grant)| *grant).collect();
        let has = if last.is_empty() { founder } else { last.iter().all(|grant| *grant) };
        self.belongs(who, counts) && has
    }

    /// The table of R-12.
    fn stands(&self, id: &OperationId) -> bool {
        let said = self.said(id);
        let before = self.before(id);
        let by = &said.author;
        let member = self.belongs(by, &before);
        let host = self.has(by, "host", &before);
        let admits = host || self.has(by, "steward", &before);
        let may = match &said.act {
            Act::Found(_) => true,
            Act::Admit(body) => match &body.invite {
                None => admits,
                Some(invite) => member && self.leads_in(invite, admits, &before),
            },
            Act::Invite(_) => admits,
            Act::InviteClosed(body) => {
                let own = said.past.contains(&body.invite) && self.said(&body.invite).author == *by;
                member && (own || host)
            }
            Act::Removal(body) if body.mode == 2 && body.who == *by => member,
            Act::Removal(body) if body.source.is_some() => {
                member && self.belongs(&body.who, &before) && self.is_voted(id, &before)
            }
            Act::Removal(body) => {
                host && self.belongs(&body.who, &before) && !self.has(&body.who, "host", &before)
            }
            Act::Cosign(_) => member && self.backs(id, host, &before),
            Act::Role(body) if body.source.is_some() => {
                member && self.belongs(&body.to, &before) && self.is_voted(id, &before)
            }
            Act::Role(body) => {
                let own = body.to == *by && member;
                let may = if body.grant { host } else { own || host && body.role != "host" };
                may && self.belongs(&body.to, &before)
            }
            Act::Hold(_) => admits,
            Act::Circle(body) if body.source.is_some() => member && self.is_voted(id, &before),
            Act::Proposal(body) => member && self.may_be_asked(id, body, &before),
            Act::Ballot(_) | Act::Tally(_) | Act::TallyAck(_) => {
                member && self.is_paper(id, &before)
            }
            Act::HostLost(_) => member && self.names_all_hosts(id, &before),
            Act::Circle(_) | Act::Relays(_) | Act::Policy(_) => host,
            Act::RoleLapsed(_) | Act::Join | Act::Unknown(_) => member,
        };
        may && said.signed && !self.is_cancelled(id)
    }

    /// open, or used by who lets in anyhow; and not closed, nor by a removal that it has not seen.
    fn leads_in(&self, invite: &OperationId, admits: bool, before: &View) -> bool {
        let Some(Act::Invite(body)) = before.get(invite).map(|id| &self.said(id).act) else {
            return false;
        };
        let closes = |id: &&OperationId| match &self.said(id).act {
            Act::InviteClosed(body) => body.invite == *invite,
            _ => self.charters.removes(id).is_some() && !self.said(invite).past.contains(*id),
        };
        (admits || body.open) && !before.iter().any(|id| closes(&id))
    }

    /// one host says that another goes.
    fn is_word(&self, id: &OperationId) -> bool {
        let (said, before) = (self.said(id), self.before(id));
        matches!(&said.act, Act::Removal(body) if body.mode != 2
            && body.source.is_none()
            && body.who != said.author
            && [said.author, body.who].iter().all(|who| self.has(who, "host", &before)))
            && !self.is_cancelled(id)
    }

    /// and a second host says so too.
    fn backs(&self, id: &OperationId, host: bool, before: &View) -> bool {
        let Some(word) = self.charters.word(id) else { return true };
        let (first, second) = (self.said(&word).author, self.said(id).author);
        let Some(who) = self.charters.removes(&word) else { return false };
        host && self.words.contains(&word)
            && ![first, who].contains(&second)
            && self.has(&first, "host", before)
            && self.belongs(&who, before)
    }

    /// How many each invite may let in, and whom it did.
    fn places(&self) -> impl Iterator<Item = (u8, BTreeSet<MemberId>)> {
        let invites = self.counts.iter().filter_map(|id| match &self.said(id).act {
            Act::Invite(body) => Some((*id, body.uses)),
            _ => None,
        });
        invites.map(|(invite, uses)| {
            let by = |id: &&OperationId| {
                matches!(&self.said(id).act, Act::Admit(body) if body.invite == Some(invite))
            };
            let came = self.counts.iter().filter(by);
            (uses, came.filter_map(|id| self.said(id).lets_in()).collect())
        })
    }
}
