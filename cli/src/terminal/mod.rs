//! The terminal chat: what it says so far.

pub(crate) mod words;
