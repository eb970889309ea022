//! A circle as a person or script sees it.

use std::collections::{BTreeMap, BTreeSet};

use super::Circle;
use super::hear::gap_id;
use super::log::{Gap, Place, Row};
use super::roster::Right;
use crate::batch::Batch;
use crate::boundary::{
    Admit, CircleRef, CircleView, Entry, EntryKind, Env, Event, GapCause, JoinState, JoinView,
    MemberView, RelayView, Standing, Timestamp, Wants,
};
use crate::crypto::Suite;
use crate::identity::{MemberId, MessageId, RequestId};
use crate::message::{Body, Message, SUPPORTS};
use crate::template::Template;

/// What of a conversation is asked for.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) since: Option<Timestamp>,
    pub(crate) unread: bool,
    pub(crate) before: Option<Place>,
    pub(crate) after: Option<Place>,
    pub(crate) limit: usize,
}

impl Circle {
    pub(crate) fn label(&self) -> &str {
        &self.record.label
    }

    pub(crate) fn relabel(&mut self, batch: &mut Batch, label: String) {
        self.record.label = label;
        self.save_record(batch);
        batch.notify(Event::Circle { circle: self.id });
    }

    pub(crate) fn member_id(&self) -> MemberId {
        self.me
    }

    fn standing(&self) -> Standing {
        match self.join_state() {
            JoinState::Member => {}
            JoinState::Over(_) => return Standing::Ended,
            _ => return Standing::Asking,
        }
        if self.roster.members.contains_key(&self.me) {
            return Standing::Member;
        }
        match self.roster.former.get(&self.me) {
            Some(former) if !former.removed => Standing::Left,
            Some(_) => Standing::Removed,
            None => Standing::Ended,
        }
    }

    pub(crate) fn name_of(&self, member: &MemberId) -> String {
        let person = self.roster.members.get(member).map(|person| &person.handle);
        let former = || self.roster.former.get(member).map(|former| &former.handle);
        person.or_else(former).cloned().unwrap_or_default()
    }

    pub(crate) fn view(&self) -> CircleView {
        let circle = self.roster.circle.as_ref();
        let policy = self.roster.policy.as_ref();
        let template = circle.map(|circle| circle.template.clone()).unwrap_or_default();
        let shipped = Template::named(&template);
        let me = self.roster.members.get(&self.me);
        let hosts = self.roster.members.values();
        let listed = |key| self.roster.relays.iter().any(|relay| Some(relay.key) == key);
        CircleView {
            id: CircleRef::Circle(self.id),
            label: self.record.label.clone(),
            name: circle.map_or_else(|| self.record.name.clone(), |circle| circle.name.clone()),
            standing: self.standing(),
            me: me.map_or_else(|| self.record.handle.clone(), |me| me.handle.clone()),
            member: Some(self.me),
            roles: me.map(|me| me.roles.iter().cloned().collect()).unwrap_or_default(),
            members: self.roster.members.len(),
            hosts: hosts
                .filter(|person| person.may(Right::Host))
                .map(|person| person.handle.clone())
                .collect(),
            unread: self.log.count_from(self.record.read_row, |who| {
                *who != self.me && !self.kept.is_blocked(who)
            }),
            // What was said for a circle that one has left goes out no more.
            queued: if self.belongs() { self.queued() } else { 0 },
            posted: self.posted(),
            waiting_room: self.count_waiting(),
            muted: self.kept.is_muted(),
            notices: self.kept.notices(),
            relays: self
                .exchange
                .relay_views()
                .into_iter()
                .map(|relay| RelayView { local: !listed(relay.key), ..relay })
                .collect(),
            joined_at: self.record.joined.map(Timestamp),
            about: shipped.map(|shipped| shipped.about.to_owned()).unwrap_or_default(),
            rules: shipped.map(Template::all_rules).unwrap_or_default(),
            template,
            admit: match policy {
                Some(policy) if policy.open => Admit::Open,
                _ => Admit::Ask,
            },
            retention_s: policy.and_then(|policy| policy.retention_s),
            direct: policy.is_some_and(|policy| policy.direct),
            thin: self.suite == Suite::Thin,
            epoch: self.head().map(|(id, _)| *id),
            other_copy: self.is_silent(),
        }
    }

    /// A membership that came from a join attempt whose own record is gone.
    pub(crate) fn join_view(&self) -> JoinView {
        let view = self.view();
        JoinView {
            id: RequestId(self.id.0[..16].try_into().expect("half of 32 bytes")),
            state: self.join_state(),
            circle_id: Some(self.id),
            member_id: self.is_in().then_some(self.me),
            label: Some(view.label),
            handle: view.me,
            circle_name: Some(view.name),
            template: Some(view.template),
            admit: Some(view.admit),
            words: Vec::new(),
            reached: view.relays.iter().any(|relay| relay.up),
            relay_card: view.relays.into_iter().find_map(|relay| relay.card),
            rules: view.rules,
        }
    }

    pub(crate) fn members(&self, at: Timestamp) -> Vec<MemberView> {
        let joined = Timestamp(self.record.joined.unwrap_or(0));
        let now = self.roster.members.iter().map(|(id, person)| MemberView {
            id: *id,
            name: person.handle.clone(),
            me: *id == self.me,
            roles: person.roles.iter().cloned().collect(),
            terms: person
                .terms
                .iter()
                .filter(|(role, _)| person.roles.contains(*role))
                .map(|(role, (_, end))| (role.clone(), Timestamp(*end)))
                .collect(),
            joined_at: self.log.came(id).unwrap_or(joined),
            standing: if self.roster.is_held(id, at) { Standing::Held } else { Standing::Member },
            removal_by: self.roster.words.get(id).map_or_else(Vec::new, |words| {
                words.keys().map(|host| self.name_of(host)).collect()
            }),
            verified: self.kept.is_verified(id),
            blocked: self.kept.is_blocked(id),
        });
        let former = self.roster.former.iter().map(|(id, former)| MemberView {
            id: *id,
            name: former.handle.clone(),
            me: *id == self.me,
            roles: Vec::new(),
            terms: Vec::new(),
            joined_at: self.log.came(id).unwrap_or(joined),
            standing: if former.removed { Standing::Removed } else { Standing::Left },
            removal_by: Vec::new(),
            verified: self.kept.is_verified(id),
            blocked: self.kept.is_blocked(id),
        });
        now.chain(former).collect()
    }

    /// Lines of the conversation, oldest first; and moves the reading place, if asked to.
    pub(crate) fn read(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        reading: &Reading,
        mark_read: bool,
    ) -> Vec<Entry> {
        let limit = if reading.limit == 0 { usize::MAX } else { reading.limit };
        if reading.unread {
            return self.read_on(env, batch, reading, mark_read);
        }
        let rows = self.log.between(reading.after.as_ref(), reading.before.as_ref());
        let asked = |(place, row)| {
            let entry = self.entry(env, batch, place, row);
            entry.filter(|entry| reading.since.is_none_or(|since| entry.received_at >= since))
        };
        // Whoever reads on from a place wants what comes next, everybody else the newest.
        let on = reading.after.is_some() && reading.before.is_none();
        let mut entries: Vec<Entry> = if on {
            rows.filter_map(asked).take(limit).collect()
        } else {
            rows.rev().filter_map(asked).take(limit).collect()
        };
        self.with_gaps(env, &mut entries);
        if mark_read {
            self.read_to(batch, self.log.next_row());
        }
        entries
    }

    /// The oldest that was not read yet; if asked to, moves the reading place behind it, and no further.
    fn read_on(
        &mut self,
        env: &Env<'_>,
        batch: &mut Batch,
        reading: &Reading,
        mark_read: bool,
    ) -> Vec<Entry> {
        let rows = self.log.between(reading.after.as_ref(), reading.before.as_ref());
        let unread = rows.filter(|(_, row)| *row >= self.record.read_row);
        // In the order in which they came, since the reading place is one of it.
        let unread: BTreeMap<u64, Place> =
            unread.map(|(place, row)| (row, place.clone())).collect();
        let mut entries: Vec<Entry> = Vec::new();
        let mut next = self.log.next_row();
        for (row, place) in unread {
            let entry = self.entry(env, batch, &place, row).filter(|entry| !entry.own);
            let Some(entry) = entry else { continue };
            if reading.since.is_some_and(|since| entry.received_at < since) {
                continue;
            }
            if reading.limit > 0 && entries.len() == reading.limit {
                next = row;
                break;
            }
            entries.push(entry);
        }
        self.with_gaps(env, &mut entries);
        if mark_read {
            self.read_to(batch, next);
        }
        entries
    }

    /// With what is missing before them, in the order of the screen.
    fn with_gaps(&self, env: &Env<'_>, entries: &mut Vec<Entry>) {
        let ids: BTreeSet<_> = entries.iter().filter_map(|entry| entry.id).collect();
        let gaps = self.log.gaps().filter(|(_, child, _)| ids.contains(&child.0));
        let gaps: Vec<Entry> =
            gaps.filter_map(|(_, child, _)| self.gap_entry(child, env.now)).collect();
        entries.extend(gaps);
        entries.sort_by(|a, b| a.place.cmp(&b.place));
    }

    fn read_to(&mut self, batch: &mut Batch, row: u64) {
        if self.record.read_row != row {
            self.record.read_row = row;
            self.save_record(batch);
        }
    }

    /// One line, as it lies on the screen.
    pub(super) fn entry(
        &self,
        env: &Env<'_>,
        batch: &Batch,
        place: &Place,
        row: u64,
    ) -> Option<Entry> {
        let row = self.log.row(env, batch, row)?;
        let Row::Message { bytes, received, .. } = &row else {
            return self.happened(place.clone(), &row);
        };
        let id = Message::id(&bytes.0, &self.id);
        let message = self.log.said(&row)?;
        if self.kept.is_blocked(&message.author) {
            return None;
        }
        let own = message.author == self.me;
        let received = Timestamp(*received);
        Some(Entry {
            place: place.clone(),
            id: Some(id.0),
            kind: match message.body()? {
                Body::Share(share) => EntryKind::Said {
                    text: share.text,
                    reply_to: share.reply_to,
                    wants: share.wish.and_then(Wants::from_number),
                    note: share.note,
                },
                Body::Support(support) => EntryKind::Support {
                    to: support.to,
                    words: SUPPORTS[usize::from(support.word)].to_owned(),
                },
                Body::Newer(number) => EntryKind::Newer { number },
            },
            author: Some(message.author),
            author_name: Some(self.name_of(&message.author)),
            own,
            said_at: Some(message.said_at().min(received)),
            received_at: received,
            expires_at: self.log.times(&id).and_then(|(_, expires)| expires),
            delivery: if own { self.delivery(&id) } else { None },
        })
    }

    /// Why something is not here: its author may still say it again once its epoch has ended, but
    /// nobody can be asked for it any more.
    fn cause(&self, gap: &Gap, now: Timestamp) -> GapCause {
        let epochs = gap.missing.values().map(|hint| self.epochs.by_hint(*hint));
        let (mut ended, mut keyless) = (true, false);
        for (id, epoch) in epochs.flatten() {
            let keyless_here = epoch.secrets.is_none();
            let over = epoch.ended || keyless_here && self.was_over(id, now);
            ended &= over;
            keyless |= !over && keyless_here;
        }
        match (ended, keyless) {
            (true, _) => GapCause::Forgotten,
            (false, true) => GapCause::KeyComing,
            (false, false) => GapCause::Asking,
        }
    }

    /// The gap before a message that leans on what is not here.
    pub(super) fn gap_entry(&self, child: &MessageId, now: Timestamp) -> Option<Entry> {
        let gap = self.log.gap(child)?;
        let asking = self
            .exchange
            .relays()
            .enumerate()
            .filter(|(_, relay)| relay.up)
            .map(|(at, _)| format!("relay {}", at + 1));
        Some(Entry {
            place: self.log.gap_place(child)?,
            id: None,
            kind: EntryKind::Gap {
                id: gap_id(child),
                count: u64::try_from(gap.missing.len()).ok(),
                cause: self.cause(gap, now),
                asking: asking.collect(),
                since: gap.since,
            },
            author: None,
            author_name: None,
            own: false,
            said_at: None,
            received_at: gap.since,
            expires_at: None,
            delivery: None,
        })
    }
}
