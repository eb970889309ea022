//! What a person keeps for themselves in a circle: a draft, whom they verified, whom they do not want to
//! read, how they are told of something new (U-39, U-52, U-53, U-101). No byte of it leaves this device.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use super::Circle;
use crate::batch::{Batch, placed};
use crate::boundary::{Draft, Env, Event, Key, Notices, Room, Wants};
use crate::crypto::{Label, hash};
use crate::error::CommandError;
use crate::identity::{MemberId, MessageId};
use crate::message::MAX_TEXT;
use crate::wire;
use crate::words::six_words;

/// What is kept, as it is saved.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Kept {
    #[n(0)]
    verified: BTreeSet<MemberId>,
    #[n(1)]
    blocked: BTreeSet<MemberId>,
    #[n(2)]
    draft: Option<SavedDraft>,
    #[n(3)]
    #[cbor(default)]
    muted: bool,
    #[n(4)]
    notices: Option<Notices>,
}

#[derive(Clone, Debug, Encode, Decode)]
#[cbor(array)]
struct SavedDraft {
    #[n(0)]
    text: String,
    #[n(1)]
    reply_to: Option<MessageId>,
    #[n(2)]
    wish: Option<u8>,
    #[n(3)]
    note: Option<String>,
}

impl Kept {
    pub(super) fn is_verified(&self, who: &MemberId) -> bool {
        self.verified.contains(who)
    }

    pub(super) fn is_blocked(&self, who: &MemberId) -> bool {
        self.blocked.contains(who)
    }

    pub(super) fn is_muted(&self) -> bool {
        self.muted
    }

    pub(super) fn notices(&self) -> Option<Notices> {
        self.notices
    }
}

impl Circle {
    /// Six words that are the same on both screens if both mean the same two members, and whether
    /// they were found to be.
    pub(crate) fn verify(
        &mut self,
        batch: &mut Batch,
        who: MemberId,
        same: Option<bool>,
    ) -> Result<(Vec<String>, bool), CommandError> {
        self.another(&who)?;
        if let Some(same) = same {
            set(&mut self.kept.verified, who, same);
            self.save_kept(batch);
        }
        let (first, second) = (self.me.min(who), self.me.max(who));
        let words = six_words(&hash(Label::Words, &self.id, &[&first.0, &second.0]));
        Ok((words, self.kept.is_verified(&who)))
    }

    /// Shows nothing more of what this member says, or everything again.
    pub(crate) fn block(
        &mut self,
        batch: &mut Batch,
        who: MemberId,
        blocked: bool,
    ) -> Result<(), CommandError> {
        self.another(&who)?;
        set(&mut self.kept.blocked, who, blocked);
        self.save_kept(batch);
        Ok(())
    }

    /// Tells of nothing new here, or tells of it again.
    pub(crate) fn mute(&mut self, batch: &mut Batch, muted: bool) {
        self.kept.muted = muted;
        self.save_kept(batch);
        batch.notify(Event::Circle { circle: self.id });
    }

    /// Changes how something new is told of here.
    pub(crate) fn tell_by(&mut self, batch: &mut Batch, notices: Option<Notices>) {
        self.kept.notices = notices;
        self.save_kept(batch);
        batch.notify(Event::Circle { circle: self.id });
    }

    /// What was typed and not said.
    pub(crate) fn draft(&self) -> Option<Draft> {
        let saved = self.kept.draft.as_ref()?;
        Some(Draft {
            text: saved.text.clone(),
            reply_to: saved.reply_to,
            wants: saved.wish.and_then(Wants::from_number),
            note: saved.note.clone(),
            once: None,
        })
    }

    /// Keeps what is typed, instead of what was kept before; no text: nothing.
    pub(crate) fn keep_draft(
        &mut self,
        batch: &mut Batch,
        draft: Draft,
    ) -> Result<(), CommandError> {
        // What is too long to be said can still be made shorter.
        let limit = 4 * MAX_TEXT;
        if draft.text.len() > limit || draft.note.as_ref().is_some_and(|note| note.len() > limit) {
            return Err(CommandError::TooLarge { limit });
        }
        self.kept.draft = (!draft.text.is_empty()).then(|| SavedDraft {
            text: draft.text,
            reply_to: draft.reply_to,
            wish: draft.wants.map(Wants::number),
            note: draft.note,
        });
        self.save_kept(batch);
        Ok(())
    }

    fn another(&self, who: &MemberId) -> Result<(), CommandError> {
        if *who == self.me {
            return Err(CommandError::Oneself);
        }
        let known = self.roster.members.contains_key(who) || self.roster.former.contains_key(who);
        if known { Ok(()) } else { Err(CommandError::UnknownMember) }
    }

    fn kept_key(&self) -> Key {
        placed(Room::Local, &self.id.0, b"k")
    }

    fn save_kept(&self, batch: &mut Batch) {
        batch.save(self.kept_key(), wire::encode(&self.kept));
    }

    pub(super) fn restore_kept(&mut self, env: &Env<'_>) {
        let saved = env.store.get(&self.kept_key());
        self.kept = saved.and_then(|saved| wire::decode(&saved)).unwrap_or_default();
    }
}

fn set(all: &mut BTreeSet<MemberId>, who: MemberId, on: bool) {
    if on {
        all.insert(who);
    } else {
        all.remove(&who);
    }
}
