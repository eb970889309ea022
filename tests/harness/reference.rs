//! A second oracle: plain sets of who belongs and who may read what, built from what homes save and seal.
//!
//! It asks no machine anything. Who belongs follows from the operations (`reference/charter.rs`), who is in an
//! epoch from the heads of its header, who may read something from the epoch in which it was sealed first, and
//! what counts of somebody who has gone from what members said that they had heard.

use std::collections::{BTreeMap, BTreeSet};

use hearthlight_protocol::boundary::{Entry, EntryKind, Room};
use hearthlight_protocol::circle::epoch::Header;
use hearthlight_protocol::identity::{
    BoardName, CircleId, EnvelopeId, EpochId, MailboxId, MemberId, MessageId,
};
use hearthlight_protocol::message::{Frame, Have, Item, Message, Run};
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire::{self, Bytes};

use crate::HostId;
use crate::secrecy::Sealing;
use crate::store::MemoryStore;
use crate::world::World;

mod charter;
mod votes;

use charter::{Charters, View};

/// What homes have saved and sealed so far.
#[derive(Debug, Default)]
pub struct Reference {
    charters: Charters,
    /// The operations that each home holds.
    holds: BTreeMap<HostId, View>,
    /// Who has gone by what each home holds, as long as it holds no more.
    gone: BTreeMap<HostId, BTreeSet<MemberId>>,
    /// The epoch of each mailbox of talk.
    headers: BTreeMap<MailboxId, (EpochId, Header)>,
    /// All of them: several can name one mailbox.
    openings: BTreeMap<EpochId, Header>,
    said: BTreeMap<MessageId, Said>,
    /// What lies in each envelope of talk.
    envelopes: BTreeMap<EnvelopeId, Contents>,
    /// What came to each home before it knew that its author had gone.
    in_time: BTreeMap<HostId, BTreeSet<MessageId>>,
    /// What each member said that it had of a run.
    told: BTreeMap<MemberId, Told>,
    /// What each home was told so by whom it did not know to have gone.
    told_to: BTreeMap<HostId, Told>,
    /// How often it was asked what it does not know.
    pub silent: usize,
    /// How often it knew.
    pub asked: usize,
}

/// What somebody had, by run.
type Told = BTreeMap<Run, Vec<Have>>;

/// What lies in an envelope of talk.
#[derive(Debug)]
struct Contents {
    by: MemberId,
    messages: Vec<MessageId>,
    told: Vec<Have>,
}

/// Something sealed.
#[derive(Debug)]
struct Said {
    author: MemberId,
    run: Run,
    counter: u64,
    parents: Vec<MessageId>,
    /// The mailbox in which it was sealed first, and others.
    first: MailboxId,
    again: BTreeSet<MailboxId>,
}

impl Reference {
    /// A home was started: what lies in it may be another home's, or an older one.
    pub(crate) fn started(&mut self, host: HostId, store: &MemoryStore, circle: &CircleId) {
        self.holds.remove(&host);
        self.gone.remove(&host);
        for (_, row) in store.drawer(Room::Operations) {
            self.saved(host, Room::Operations, row, circle);
        }
        for (_, row) in store.drawer(Room::Openings) {
            self.saved(host, Room::Openings, row, circle);
        }
    }

    /// A home saved something.
    pub(crate) fn saved(&mut self, host: HostId, room: Room, row: &[u8], circle: &CircleId) {
        match room {
            Room::Operations => {
                let signed: Option<Signed> = wire::decode(row);
                let id = signed.and_then(|signed| self.charters.insert(&signed, circle));
                self.holds.entry(host).or_default().extend(id);
                self.gone.remove(&host);
            }
            Room::Openings => {
                let saved: Option<(Signed, Option<Bytes>, Option<u64>, bool)> = wire::decode(row);
                let Some((signed, ..)) = saved else { return };
                if let Some(header) = signed.decode::<Header>() {
                    let id = Header::id(&signed, circle);
                    self.openings.insert(id, header.clone());
                    self.headers.entry(header.mailbox).or_insert((id, header));
                }
            }
            _ => {}
        }
    }

    /// Who has gone, as a home could know.
    pub(crate) fn gone(&mut self, host: HostId) -> BTreeSet<MemberId> {
        let reckon = || {
            let held = self.holds.get(&host);
            held.and_then(|held| self.charters.gone(held)).unwrap_or_default()
        };
        self.gone.entry(host).or_insert_with(reckon).clone()
    }

    /// Who belongs, as a home could know.
    fn roster(&mut self, host: HostId) -> Option<BTreeSet<MemberId>> {
        let roster = self.charters.roster(self.holds.get(&host)?);
        self.asked += 1;
        self.silent += usize::from(roster.is_none());
        roster
    }

    /// Who is in the epoch of a mailbox.
    fn members(&self, mailbox: &MailboxId) -> Option<BTreeSet<MemberId>> {
        let (_, header) = self.headers.get(mailbox)?;
        self.members_at(header)
    }

    fn members_at(&self, header: &Header) -> Option<BTreeSet<MemberId>> {
        self.charters.roster(&self.charters.covered(&header.heads)?)
    }

    /// A member's machine sealed these things.
    pub(crate) fn sealed(
        &mut self,
        who: MemberId,
        sealing: &Sealing,
        items: &[Item],
        circle: &CircleId,
    ) {
        let mailbox = sealing.mailbox;
        let mut contents = Contents { by: who, messages: Vec::new(), told: Vec::new() };
        for item in items {
            match item {
                Item::Message(bytes) => {
                    let Some(message) = Message::parse(&bytes.0) else { continue };
                    let id = Message::id(&bytes.0, circle);
                    contents.messages.push(id);
                    let said = self.said.entry(id).or_insert(Said {
                        author: message.author,
                        run: message.run,
                        counter: message.counter,
                        parents: message.parents.iter().map(|parent| parent.id).collect(),
                        first: mailbox,
                        again: BTreeSet::new(),
                    });
                    if said.first != mailbox {
                        said.again.insert(mailbox);
                    }
                }
                Item::Seen(seen) => {
                    let told = self.told.entry(who).or_default();
                    for have in &seen.have {
                        told.entry(have.run).or_default().push(have.clone());
                        contents.told.push(have.clone());
                    }
                }
                Item::Pair(_) => {}
            }
        }
        self.envelopes.insert(sealing.id, contents);
    }

    /// Whether it is known what lies in an envelope.
    pub(crate) fn knows(&self, id: &EnvelopeId) -> bool {
        self.envelopes.contains_key(id)
    }

    /// A frame came that no member's machine sealed: one that was forged, or somebody's once more. What
    /// somebody says in another's name is nobody's.
    pub(crate) fn forged(
        &mut self,
        hostile: &BTreeSet<MemberId>,
        sealing: &Sealing,
        frame: &Frame,
        circle: &CircleId,
    ) {
        let members = self.members(&sealing.mailbox).unwrap_or_default();
        let Some(who) = members.into_iter().nth(usize::from(frame.member)) else { return };
        let said = &self.said;
        let is_own = |item: &Item| match item {
            Item::Message(bytes) => {
                let known = said.get(&Message::id(&bytes.0, circle));
                let once_more = known.is_some_and(|said| said.is_in(&sealing.mailbox));
                let own = Message::parse(&bytes.0).filter(|message| message.author == who);
                own.is_some() && (once_more || hostile.contains(&who))
            }
            Item::Seen(_) | Item::Pair(_) => hostile.contains(&who),
        };
        let items: Vec<Item> = wire::decode(&frame.payload.0).unwrap_or_default();
        let own: Vec<Item> = items.into_iter().filter(is_own).collect();
        self.sealed(who, sealing, &own, circle);
    }

    /// What these said, where first, and for whom that was sealed.
    pub(crate) fn sealed_by(
        &self,
        authors: &BTreeSet<MemberId>,
    ) -> impl Iterator<Item = (&MessageId, MailboxId, BTreeSet<MemberId>)> {
        let theirs = self.said.iter().filter(|(_, said)| authors.contains(&said.author));
        theirs.filter_map(|(id, said)| Some((id, said.first, self.members(&said.first)?)))
    }

    /// The epoch of a mailbox, and who opened it.
    pub(crate) fn epoch(&self, mailbox: &MailboxId) -> Option<(EpochId, MemberId)> {
        self.headers.get(mailbox).map(|(id, header)| (*id, header.opener))
    }

    /// Who opened an epoch, if any home ever saved that.
    pub(crate) fn opener(&self, id: &EpochId) -> Option<MemberId> {
        self.openings.get(id).map(|header| header.opener)
    }

    /// Whether a home holds the operations that say who is in the epoch of an opening.
    pub(crate) fn knows_members(&self, host: HostId, id: &EpochId) -> bool {
        let Some((header, held)) = self.openings.get(id).zip(self.holds.get(&host)) else {
            return false;
        };
        header.heads.iter().all(|head| held.contains(head))
    }

    /// Whether any home ever saved an opening.
    pub(crate) fn has_opening(&self, id: &EpochId) -> bool {
        self.openings.contains_key(id)
    }

    /// Where in its author's run a message stands.
    pub(crate) fn place_of(&self, id: &MessageId) -> Option<(MemberId, Run, u64)> {
        self.said.get(id).map(|said| (said.author, said.run, said.counter))
    }

    /// Whether only these openers can have given a board to somebody, and no opening that was `held`, is not void and names
    /// heads that were there shows it; or who held these had it from these openers alone.
    pub(crate) fn is_given_by(
        &self,
        openers: &BTreeSet<MemberId>,
        board: &BoardName,
        to: &MemberId,
        held: &BTreeMap<EpochId, bool>,
    ) -> bool {
        let theirs = |header: &Header| openers.contains(&header.opener);
        let named = || self.openings.iter().filter(|(_, header)| header.board == *board);
        let is_for =
            |header: &Header| self.members_at(header).is_some_and(|members| members.contains(to));
        // An entry that they make may be for anybody, whoever belongs at the heads that the header names.
        let mut gave = named().filter(|(_, header)| theirs(header) || is_for(header)).peekable();
        let mut known = named().filter(|(id, _)| held.contains_key(id)).peekable();
        // what has not as many tags as members is void, and says of no board who reads it.
        let sized = |header: &Header| {
            self.members_at(header).is_some_and(|members| members.len() == header.cards.len())
        };
        let shown = |(id, header): (&EpochId, &Header)| {
            held.get(id) == Some(&true) && is_for(header) && sized(header)
        };
        let unseen = gave.peek().is_some() && gave.all(|given| theirs(given.1) && !shown(given));
        unseen || known.peek().is_some() && known.all(|(_, header)| theirs(header))
    }

    /// An envelope came to a home, which knew that these had gone.
    pub(crate) fn came(&mut self, host: HostId, id: EnvelopeId, gone: &BTreeSet<MemberId>) {
        let Some(contents) = self.envelopes.get(&id) else { return };
        let of_members = contents.messages.iter();
        let of_members = of_members.filter(|id| !gone.contains(&self.said[id].author));
        self.in_time.entry(host).or_default().extend(of_members);
        if !gone.contains(&contents.by) {
            let told = self.told_to.entry(host).or_default();
            for have in &contents.told {
                told.entry(have.run).or_default().push(have.clone());
            }
        }
    }

    /// whether something, or anything that names it, came to a home in time, or one of these members
    /// said that it had heard it.
    fn is_heard(&self, host: HostId, id: &MessageId, by: &BTreeSet<MemberId>) -> bool {
        let in_time = |id: &MessageId| self.in_time.get(&host).is_some_and(|all| all.contains(id));
        let (mut found, mut todo) = (BTreeSet::from([*id]), vec![*id]);
        while let Some(id) = todo.pop() {
            let Some(said) = self.said.get(&id) else { continue };
            if in_time(&id)
                || by.contains(&said.author)
                || is_told(self.told_to.get(&host), said)
                || by.iter().any(|who| is_told(self.told.get(who), said))
            {
                return true;
            }
            let after = self.said.iter().filter(|(_, said)| said.parents.contains(&id));
            todo.extend(after.map(|(after, _)| *after).filter(|after| found.insert(*after)));
        }
        false
    }
}

/// Whether somebody said that it has this.
fn is_told(told: Option<&Told>, said: &Said) -> bool {
    let runs = told.and_then(|told| told.get(&said.run));
    runs.is_some_and(|all| all.iter().any(|have| have.covers(said.counter)))
}

/// Of whom this says that there are different messages for one place.
fn accused(entry: &Entry) -> Option<MemberId> {
    match &entry.kind {
        EntryKind::Differs { who, .. } => Some(*who),
        _ => None,
    }
}

impl Said {
    /// Whether it was sealed in this mailbox.
    fn is_in(&self, mailbox: &MailboxId) -> bool {
        self.first == *mailbox || self.again.contains(mailbox)
    }
}

impl World {
    /// A line was shown: of somebody who has gone only what a member has heard.
    pub(crate) fn judge_line(&mut self, host: HostId, entry: &Entry) {
        let (Some(id), Some(author)) = (entry.id.map(MessageId), entry.author) else { return };
        if !matches!(entry.kind, EntryKind::Said { .. }) || entry.own {
            return;
        }
        // What came with the removal may have come before it.
        if !self.hosts[host].gone.0.contains(&author) {
            return;
        }
        let Some(mut roster) = self.reference.roster(host) else { return };
        // Its own word does not count, which it may have given in the same batch.
        self.member_of(host).map(|me| roster.remove(&me));
        if !roster.contains(&author) && !self.reference.is_heard(host, &id, &roster) {
            let text = self.oracle.text(&id).unwrap_or("something");
            let what = format!("host {host} shows {text:?} of somebody who has gone, unheard");
            self.oracle.broke("R-32", what);
        }
    }

    /// P2: no gap is about what is here.
    pub(crate) fn judge_gap(&mut self, host: HostId, entry: &Entry) {
        let EntryKind::Gap { id, count, .. } = &entry.kind else { return };
        // A home that was put back has not what it once had.
        if *count == Some(0) || self.put_back.contains(&host) {
            return;
        }
        let missing = self.inside_of(host).and_then(|mut inside| inside.gaps.remove(id));
        if let Some(id) = missing.iter().flatten().find(|id| self.oracle.holds(host, id)) {
            let text = self.oracle.text(id);
            self.oracle.broke("P2", format!("host {host} shows a gap for {text:?}, which it has"));
        }
    }

    /// H-9, R-83: nobody is told of a member whose program keeps to the rules that it does not.
    pub(crate) fn judge_accusation(&mut self, host: HostId, entry: &Entry) {
        let (EntryKind::Differs { who, .. } | EntryKind::Exceeds { who, .. }) = &entry.kind else {
            return;
        };
        // In a world with a script whoever is handed something may have signed what it likes.
        if self.is_storm && !self.hostile().contains(who) {
            let named = self.oracle.members.get(who);
            let what = format!("host {host} is told {:?} of {named:?}, who is honest", entry.kind);
            self.oracle.broke("H-9", what);
        }
    }

    /// The hostile members.
    pub(crate) fn hostile(&self) -> BTreeSet<MemberId> {
        let members = self.oracle.members.iter();
        members
            .filter(|(_, host)| self.oracle.hostile.contains(host))
            .map(|(who, _)| *who)
            .collect()
    }

    /// After calm: one roster, and each list holds what its member may read, and no more.
    pub(crate) fn judge_by_reference(&mut self, lists: &BTreeMap<HostId, Vec<Entry>>) {
        let hosts: Vec<HostId> = lists.keys().copied().collect();
        let broken = hosts.iter().find_map(|host| {
            let wrong = self.other_roster(*host).map(|what| ("R-11", what));
            let wrong = wrong.or_else(|| self.other_list(*host, &lists[host], lists));
            wrong.or_else(|| self.untold(*host, &lists[host]).map(|what| ("H-9", what)))
        });
        let broken = broken.or_else(|| self.said_to_others().map(|what| ("P4", what)));
        if let Some((promise, what)) = broken {
            self.oracle.broke(promise, what);
        }
    }

    fn other_roster(&mut self, host: HostId) -> Option<String> {
        let reckoned = self.reference.roster(host)?;
        let theirs = self.roster(host);
        (theirs != reckoned).then(|| {
            let name = |who: &MemberId| self.oracle.members.get(who).copied();
            let odd = theirs.symmetric_difference(&reckoned);
            let odd: Vec<_> = odd.map(|who| (name(who), theirs.contains(who))).collect();
            format!("the roster of host {host} differs from what was agreed on: {odd:?}")
        })
    }

    fn other_list(
        &self,
        host: HostId,
        list: &[Entry],
        lists: &BTreeMap<HostId, Vec<Entry>>,
    ) -> Option<(&'static str, String)> {
        let me = self.member_of(host)?;
        let read: BTreeSet<MessageId> =
            list.iter().filter_map(|entry| entry.id.map(MessageId)).collect();
        let hostile = self.hostile();
        // What a hostile member says is for whomever it seals it for, and for nobody in particular.
        let honest = self.reference.said.iter().filter(|(_, said)| !hostile.contains(&said.author));
        honest.into_iter().find_map(|(id, said)| {
            let entitled = self.reference.members(&said.first)?.contains(&me);
            let text = self.oracle.text(id).unwrap_or("something");
            // As far as a home that went back knows, it says for the first time what it had said.
            let author = self.oracle.members.get(&said.author)?;
            let back = self.put_back.contains(author) || self.is_copy(*author);
            let again = || said.again.iter().filter_map(|mailbox| self.reference.members(mailbox));
            let entitled_since = back && again().any(|members| members.contains(&me));
            if read.contains(id) && !entitled && !entitled_since && said.author != me {
                return Some(("P4", format!("host {host} reads {text:?}, which was not for it")));
            }
            let owed = entitled && lists.contains_key(author) && self.oracle.is_certain(id);
            (owed && !read.contains(id))
                .then(|| ("P1", format!("host {host} does not read {text:?}, which was for it")))
        })
    }

    /// H-9: whoever reads two things that one member said for one place is told of that.
    fn untold(&self, host: HostId, list: &[Entry]) -> Option<String> {
        let told: BTreeSet<MemberId> = list.iter().filter_map(accused).collect();
        let mut places = BTreeSet::new();
        let said = list.iter().filter_map(|entry| self.reference.place_of(&MessageId(entry.id?)));
        let mut twice = said.filter(|place| !places.insert(*place)).map(|(who, ..)| who);
        let hostile = self.hostile();
        let untold = twice.find(|who| hostile.contains(who) && !told.contains(who));
        untold.map(|who| {
            let who = self.oracle.members.get(&who);
            format!("host {host} is not told that {who:?} said two things for one place")
        })
    }

    /// what was said again in an epoch was for all who are in that the first time.
    fn said_to_others(&self) -> Option<String> {
        self.reference.said.iter().find_map(|(id, said)| {
            let author = self.oracle.members.get(&said.author)?;
            // A home that went back to a backup says for the first time what it had said.
            let hostile = self.oracle.hostile.contains(author);
            if self.put_back.contains(author) || self.is_copy(*author) || hostile {
                return None;
            }
            let first = self.reference.members(&said.first)?;
            let others = said.again.iter().filter_map(|mailbox| self.reference.members(mailbox));
            let text = self.oracle.text(id).unwrap_or("something");
            others
                .into_iter()
                .any(|others| !others.is_subset(&first))
                .then(|| format!("{text:?} was said again to who was not there"))
        })
    }

    /// Who belongs by what lies in a home.
    #[must_use]
    pub fn reckoned(&mut self, host: HostId) -> Option<BTreeSet<MemberId>> {
        self.reference.roster(host)
    }
}

#[cfg(test)]
mod tests {
    use hearthlight_protocol::crypto::Label;
    use hearthlight_protocol::identity::OperationId;

    use super::*;
    use crate::{ANNA, BEN, CHRIS};

    /// P3, R-17, R-22: who holds an opening knows who reads its board, but not from one that is void.
    #[test]
    fn what_is_void_shows_nobody_who_reads_a_board() {
        let mut world = World::calm_circle(8, 3, 1);
        let circle = world.circle.expect("it was founded");
        let [anna, ben] = [ANNA, BEN].map(|host| world.forger(host));
        let (hostile, chris) = (BTreeSet::from([ben.me]), world.forger(CHRIS).me);
        for without in [0, 1] {
            let board = BoardName([without as u8; 32]);
            let tags = &ben.newest().header.cards;
            let header = Header { board, opener: anna.me, ..ben.newest().header.clone() };
            let honest = Header { heads: vec![OperationId(circle.0)], ..header.clone() };
            let gives = Header { opener: ben.me, cards: tags[without..].to_vec(), ..header };
            let ids = [(&anna, honest), (&ben, gives)].map(|(by, header)| {
                let signed = by.sign(Label::Opening, &header);
                let row = wire::encode(&(signed.clone(), None::<Bytes>, None::<u64>, false));
                world.reference.saved(ANNA, Room::Openings, &row, &circle);
                Header::id(&signed, &circle)
            });
            let given = |held: &_| world.reference.is_given_by(&hostile, &board, &chris, held);
            assert!(given(&BTreeMap::from([(ids[0], true)])), "nobody holds what gives it");
            assert_eq!(given(&ids.map(|id| (id, true)).into()), without == 1, "without {without}");
            assert!(given(&[(ids[0], true), (ids[1], false)].into()), "nobody knows its heads");
        }
    }
}
