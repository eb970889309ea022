//! Admission tokens: a relay keeps the newest link of each one's hash chain, never a token.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::remains::Remains;
use crate::boundary::{DAY_MS, Key, Output, Room, Timestamp, Value};
use crate::crypto::{Label, hash};
use crate::identity::{CircleId, TokenLink};
use crate::planted::{Planted, is_planted};
use crate::wire;

/// Links of a chain after the first: so many removals a token can follow. A newer link is believed wherever it stands:
/// the first that a relay sees of a token is that of all removals so far.
pub const CHAIN: u16 = 256;
/// Steps between the link that a relay knows and an older one that still counts.
const MAX_BEHIND: u16 = 64;
/// How long older links go on opening mailboxes.
const GRACE_MS: u64 = DAY_MS;
/// Tokens of one relay; a guess, far above what one operator hands out by hand.
pub const MAX_TOKENS: usize = 1_024;

/// Link `number` of a token's chain: what members carry after so many removals.
///
/// Whoever knows a link knows all links with smaller numbers, and no other.
#[must_use]
pub fn chain(token: &[u8; 16], number: u16) -> TokenLink {
    let start = TokenLink(hash(Label::Token, &CircleId::NONE, &[token]));
    (0..CHAIN.saturating_sub(number)).fold(start, |link, _| next_link(&link))
}

/// One step along the chain: the link whose number is one smaller.
#[must_use]
pub fn next_link(link: &TokenLink) -> TokenLink {
    TokenLink(hash(Label::Token, &CircleId::NONE, &[&link.0]))
}

/// Names a token for its operator; says nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub [u8; 16]);

impl TokenId {
    /// Stands for everybody at a relay that asks for no token.
    pub const PUBLIC: Self = Self([0; 16]);

    /// The id of the token whose first link this is.
    #[must_use]
    pub fn of(first: &TokenLink) -> Self {
        let whole = hash(Label::Token, &CircleId::NONE, &[b"id", &first.0]);
        Self(whole[..16].try_into().expect("a hash is longer than an id"))
    }

    /// Lower-case hex.
    #[must_use]
    pub fn hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

/// What an operator gives with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The first link: [`chain`] of the token and 0.
    pub link: TokenLink,
    /// The operator's own note; may be empty.
    pub label: String,
    /// Bytes it may store; `None`: the relay's limit.
    pub quota: Option<u64>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It opens mailboxes.
    Active,
    /// Its time is over.
    Expired,
    /// Its operator took it back.
    Revoked,
}

/// A token as its operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// Which.
    pub id: TokenId,
    /// The operator's own note.
    pub label: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Bytes it may store.
    pub quota_bytes: u64,
    /// Bytes it stores.
    pub used_bytes: u64,
    /// Mailboxes it holds open.
    pub mailboxes: usize,
    /// Where it stands.
    pub state: TokenState,
}

/// A token as it is saved.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct Record {
    #[n(1)]
    label: String,
    #[n(2)]
    link: TokenLink,
    #[n(3)]
    number: u16,
    /// When the link was first shown.
    #[n(4)]
    since: u64,
    #[n(5)]
    quota: Option<u64>,
    #[n(6)]
    made_at: u64,
    #[n(7)]
    expires_at: Option<u64>,
    #[n(8)]
    revoked_at: Option<u64>,
}

/// A token and what it uses, which is counted anew at each start.
#[derive(Debug)]
pub(super) struct Token {
    record: Record,
    pub(super) used: u64,
    pub(super) mailboxes: usize,
    pub(super) remains: Remains,
}

impl Token {
    pub(super) fn state(&self, now: Timestamp) -> TokenState {
        match (self.record.revoked_at, self.record.expires_at) {
            (Some(_), _) => TokenState::Revoked,
            (None, Some(end)) if end <= now.0 => TokenState::Expired,
            _ => TokenState::Active,
        }
    }

    /// Whether a newer link than that of this number is known for so long that all members had the time
    /// to hear of it.
    pub(super) fn is_past(&self, number: u16, now: Timestamp) -> bool {
        number < self.record.number && now.since(Timestamp(self.record.since)) >= GRACE_MS
    }

    pub(super) fn quota(&self, limit: u64) -> u64 {
        self.record.quota.unwrap_or(limit)
    }

    /// Whether it ended `age_ms` ago and nothing is left that it paid for.
    fn is_spent(&self, now: Timestamp, age_ms: u64) -> bool {
        let ended = self.record.revoked_at.or(self.record.expires_at);
        self.used == 0
            && self.mailboxes == 0
            && ended.is_some_and(|end| end.saturating_add(age_ms) <= now.0)
    }
}

/// All tokens of a relay.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<TokenId, Token>);

impl Tokens {
    /// Takes one saved token back; `None` if the record is damaged.
    pub(super) fn restore(&mut self, place: &[u8], bytes: &[u8]) -> Option<()> {
        let id = TokenId(place.try_into().ok()?);
        self.0.insert(id, fresh(wire::decode(bytes)?));
        Some(())
    }

    /// Lets everybody in under one name, which is never saved, or no more.
    pub(super) fn open_to_all(&mut self, public: bool, now: Timestamp) {
        if !public {
            self.0.remove(&TokenId::PUBLIC);
            return;
        }
        let record = Record {
            label: "public".to_owned(),
            link: TokenLink([0; 32]),
            number: 0,
            since: now.0,
            quota: Some(u64::MAX),
            made_at: now.0,
            expires_at: None,
            revoked_at: None,
        };
        self.0.entry(TokenId::PUBLIC).or_insert_with(|| fresh(record));
    }

    /// Adds a token; `None` if there are [`MAX_TOKENS`]. An active one is not added twice.
    pub(super) fn add(&mut self, grant: Grant, now: Timestamp) -> Option<(TokenId, Vec<Output>)> {
        let id = TokenId::of(&grant.link);
        if self.0.len() >= MAX_TOKENS && !self.0.contains_key(&id) {
            return None;
        }
        let record = Record {
            label: grant.label,
            link: grant.link,
            number: 0,
            since: now.0,
            quota: grant.quota,
            made_at: now.0,
            expires_at: grant.expires.map(|end| end.0),
            revoked_at: None,
        };
        let token = self.0.entry(id).or_insert_with(|| fresh(record));
        Some((id, vec![save(id, &token.record)]))
    }

    /// Takes a token back; `None` if there is no such one.
    pub(super) fn revoke(&mut self, id: TokenId, now: Timestamp) -> Option<Output> {
        let token = self.0.get_mut(&id).filter(|_| id != TokenId::PUBLIC)?;
        token.record.revoked_at.get_or_insert(now.0);
        Some(save(id, &token.record))
    }

    /// The active token that `link` belongs to, and what is to be saved if the link is a newer one.
    ///
    /// a newer link replaces the one that is known; older ones count for a day after that.
    pub(super) fn admit(
        &mut self,
        link: &TokenLink,
        number: u16,
        now: Timestamp,
    ) -> Option<(TokenId, Option<Output>)> {
        let mut newer = Steps::from(*link);
        for (&id, token) in &mut self.0 {
            if id == TokenId::PUBLIC || token.state(now) != TokenState::Active {
                continue;
            }
            let record = &mut token.record;
            match number.checked_sub(record.number) {
                Some(0) if record.link == *link => return Some((id, None)),
                Some(ahead @ 1..=CHAIN)
                    if newer.at(ahead) == record.link || is_planted(Planted::LinkUnchecked) =>
                {
                    record.link = *link;
                    record.number = number;
                    record.since = now.0;
                    return Some((id, Some(save(id, record))));
                }
                None if now.since(Timestamp(record.since)) < GRACE_MS
                    || is_planted(Planted::OldLinksLast) =>
                {
                    let behind = record.number - number;
                    if behind <= MAX_BEHIND && Steps::from(record.link).at(behind) == *link {
                        return Some((id, None));
                    }
                }
                _ => {}
            }
        }
        let public = self.0.contains_key(&TokenId::PUBLIC);
        public.then_some((TokenId::PUBLIC, None))
    }

    pub(super) fn get(&self, id: TokenId) -> Option<&Token> {
        self.0.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: TokenId) -> Option<&mut Token> {
        self.0.get_mut(&id)
    }

    pub(super) fn is_active(&self, id: TokenId, now: Timestamp) -> bool {
        self.get(id).is_some_and(|token| token.state(now) == TokenState::Active)
    }

    /// Counts what a token that may be gone uses more.
    pub(super) fn charge(&mut self, id: TokenId, bytes: u64) {
        if let Some(token) = self.0.get_mut(&id) {
            token.used = token.used.saturating_add(bytes);
        }
    }

    pub(super) fn release(&mut self, id: TokenId, bytes: u64) {
        if let Some(token) = self.0.get_mut(&id) {
            token.used = token.used.saturating_sub(bytes);
        }
    }

    pub(super) fn add_mailbox(&mut self, id: TokenId) {
        if let Some(token) = self.0.get_mut(&id) {
            token.mailboxes += 1;
        }
    }

    pub(super) fn drop_mailbox(&mut self, id: TokenId) {
        if let Some(token) = self.0.get_mut(&id) {
            token.mailboxes = token.mailboxes.saturating_sub(1);
        }
    }

    /// Forgets tokens that ended long ago.
    pub(super) fn sweep(&mut self, now: Timestamp, age_ms: u64) -> Vec<Output> {
        let spent = self.0.iter().filter(|(_, token)| token.is_spent(now, age_ms));
        let spent: Vec<_> = spent.map(|(id, _)| *id).collect();
        for id in &spent {
            self.0.remove(id);
        }
        spent.into_iter().map(|id| Output::Erase(key(id))).collect()
    }

    pub(super) fn active(&self, now: Timestamp) -> usize {
        let own = self.0.iter().filter(|(id, _)| **id != TokenId::PUBLIC);
        own.filter(|(_, token)| token.state(now) == TokenState::Active).count()
    }

    pub(super) fn views(&self, now: Timestamp, limit: u64) -> Vec<TokenView> {
        let own = self.0.iter().filter(|(id, _)| **id != TokenId::PUBLIC);
        let mut views: Vec<_> = own
            .map(|(id, token)| TokenView {
                id: *id,
                label: token.record.label.clone(),
                made_at: Timestamp(token.record.made_at),
                expires_at: token.record.expires_at.map(Timestamp),
                quota_bytes: token.quota(limit),
                used_bytes: token.used,
                mailboxes: token.mailboxes,
                state: token.state(now),
            })
            .collect();
        views.sort_by_key(|view| (view.made_at, view.id));
        views
    }
}

fn fresh(record: Record) -> Token {
    Token { record, used: 0, mailboxes: 0, remains: Remains::default() }
}

/// A link and those after it, each made when it is first asked for.
struct Steps(Vec<TokenLink>);

impl From<TokenLink> for Steps {
    fn from(link: TokenLink) -> Self {
        Self(vec![link])
    }
}

impl Steps {
    fn at(&mut self, steps: u16) -> TokenLink {
        for from in self.0.len() - 1..usize::from(steps) {
            self.0.push(next_link(&self.0[from]));
        }
        self.0[usize::from(steps)]
    }
}

fn key(id: TokenId) -> Key {
    Key { room: Room::Tokens, owner: [0; 32], place: id.0.to_vec() }
}

fn save(id: TokenId, record: &Record) -> Output {
    let bytes = wire::encode(record);
    Output::Save(key(id), Value { bytes, under: None })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn tokens(token: &[u8; 16]) -> (Tokens, TokenId) {
        let mut tokens = Tokens::default();
        let grant =
            Grant { link: chain(token, 0), label: String::new(), quota: None, expires: None };
        let (id, _) = tokens.add(grant, Timestamp(0)).expect("there is room");
        (tokens, id)
    }

    ///
    #[test]
    fn each_link_hashes_to_the_one_before_it() {
        let token = [3; 16];
        for number in [1, 64, 255, 256] {
            assert_eq!(next_link(&chain(&token, number)), chain(&token, number - 1));
        }
        assert_eq!(chain(&token, 300), chain(&token, 256));
    }

    /// a relay that a circle adds after many removals sees a link far from the first.
    #[test]
    fn a_newer_link_is_believed_wherever_it_stands() {
        for first in [1, 64, 65, 200, 256] {
            let (mut tokens, id) = tokens(&[3; 16]);
            let found = tokens.admit(&chain(&[3; 16], first), first, Timestamp(0));
            let (found, saved) = found.expect("it leads to the first");
            assert_eq!(found, id);
            assert!(saved.is_some());
            assert!(tokens.admit(&chain(&[3; 16], 256), 256, Timestamp(0)).is_some());
            assert!(tokens.admit(&chain(&[3; 16], 256), 257, Timestamp(0)).is_none());
            assert!(tokens.admit(&chain(&[4; 16], 256), 256, Timestamp(0)).is_none());
        }
    }

    ///
    #[test]
    pub(crate) fn an_older_link_counts_for_a_day_after_it_was_replaced() {
        let (mut tokens, id) = tokens(&[3; 16]);
        let old = chain(&[3; 16], 0);
        let _ = tokens.admit(&chain(&[3; 16], 2), 2, Timestamp(0)).expect("newer");
        let late = Timestamp(GRACE_MS - 1);
        assert_eq!(tokens.admit(&old, 0, late), Some((id, None)));
        assert_eq!(tokens.admit(&old, 0, Timestamp(GRACE_MS)), None);
    }

    ///
    #[test]
    pub(crate) fn a_link_of_another_number_or_token_is_not_believed() {
        let (mut tokens, _) = tokens(&[3; 16]);
        assert_eq!(tokens.admit(&chain(&[3; 16], 2), 3, Timestamp(0)), None);
        assert_eq!(tokens.admit(&chain(&[4; 16], 0), 0, Timestamp(0)), None);
        assert_eq!(tokens.admit(&chain(&[4; 16], 9), u16::MAX, Timestamp(0)), None);
    }
}
