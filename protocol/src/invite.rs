//! Invite codes: what lets somebody ask to join, as bytes, as a code to copy by hand, and back (U-140
//! to U-146).
//!
//! A code is read through paper, phones, mails and voices, so reading forgives everything that cannot
//! change what it says: case, spacing, line breaks, quoting, sentences around it. What could change it
//! is never guessed. A checksum tells whether the code is as it was made; if it is not, every single
//! slip of a finger is tried against the checksum, and when just one explains it, the reader is told
//! which group to look at again.
//!
//! The alphabet is shared with the tokens of relay addresses (U-147): [`symbols_of`], [`bytes_of`]
//! and [`read_symbols`].

use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::boundary::{HOUR_MS, Timestamp};
use crate::crypto::sha256;
use crate::identity::Peer;

/// What a code says.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteCode {
    /// A hint that whoever holds it is let in without being asked about; not trusted.
    pub open: bool,
    /// End in whole hours since 2025-01-01T00:00Z, rounded up; below 2^24.
    pub end_hour: u32,
    /// The secret, which commits to the circle.
    pub secret: [u8; 16],
    /// One to four relays.
    pub relays: Vec<RelayEntry>,
}

/// A relay in a code.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayEntry {
    /// First 16 bytes of the SHA-256 of its raw key.
    pub key_tag: [u8; 16],
    /// Binary multiaddr without `/p2p`, 1 to 96 bytes.
    pub address: Vec<u8>,
}

// A code is a secret and names relays, so a log shows only that there is one.
impl std::fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InviteCode(..)")
    }
}

impl std::fmt::Debug for RelayEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RelayEntry(..)")
    }
}

impl RelayEntry {
    /// The entry of the relay with this key at this binary multiaddr.
    #[must_use]
    pub fn new(key: &Peer, address: Vec<u8>) -> Self {
        let mut key_tag = [0; TAG_BYTES];
        key_tag.copy_from_slice(&sha256(&key.0)[..TAG_BYTES]);
        Self { key_tag, address }
    }

    /// Whether this is the relay that holds `key`; if not, another one answers at the address.
    #[must_use]
    pub fn names(&self, key: &Peer) -> bool {
        sha256(&key.0).starts_with(&self.key_tag)
    }

    fn fits(&self) -> bool {
        (1..=MOST_ADDRESS_BYTES).contains(&self.address.len())
    }
}

/// Why a text is not a usable invite, in a sentence for whoever typed it (U-146).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InviteFault {
    /// There is no code in the text.
    #[error("This is not an invite. An invite starts with HL1.")]
    NotAnInvite,
    /// The text holds a relay address and no code.
    #[error("This is a relay address. Use it when you start a circle.")]
    RelayAddress,
    /// One slip explains the damage; nothing was corrected.
    #[error("Check group {group} ({typed}, as typed).")]
    OneMistake {
        /// Which group of four symbols after `HL1`, from 1.
        group: usize,
        /// What stands there. Part of a secret: to be shown, never to be logged.
        typed: String,
    },
    /// No single slip explains the damage.
    #[error("There is more than one typing mistake. Copy it again from the start.")]
    SeveralMistakes,
    /// The text ends before the code does.
    #[error("The end is missing{}", cut_off(*.have, *.of))]
    CutOff {
        /// Whole groups that are here.
        have: usize,
        /// Groups of the whole code; `None` if it was cut before it says so.
        of: Option<usize>,
    },
    /// Undamaged, and of a layout that came after this one.
    #[error("A newer Hearthlight made this invite. Update this one, then try again.")]
    Newer,
}

impl InviteFault {
    /// The kind of U-4, the same word in every interface.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotAnInvite | Self::RelayAddress => "not-an-invite",
            Self::OneMistake { .. } | Self::SeveralMistakes | Self::CutOff { .. } => {
                "invite-damaged"
            }
            Self::Newer => "invite-newer",
        }
    }
}

fn cut_off(have: usize, of: Option<usize>) -> String {
    match of {
        Some(of) => format!(": {have} of {of} groups are here."),
        None => format!(". Groups that are here: {have}."),
    }
}

impl InviteCode {
    /// A code with as many of `relays`, in their order, as fit in 154 characters, and with the first
    /// in any case.
    ///
    /// Relays whose address no code can hold are passed over; `None` if no other is left.
    #[must_use]
    pub fn with_relays(
        open: bool,
        end_hour: u32,
        secret: [u8; 16],
        relays: &[RelayEntry],
    ) -> Option<Self> {
        let mut usable = relays.iter().filter(|relay| relay.fits());
        let mut code = Self {
            open,
            end_hour: end_hour.min(MOST_HOURS),
            secret,
            relays: vec![usable.next()?.clone()],
        };
        for relay in usable.take(MOST_RELAYS - 1) {
            code.relays.push(relay.clone());
            if code.text().len() > MOST_CHARACTERS {
                code.relays.pop();
                break;
            }
        }
        Some(code)
    }

    /// When the invite ends, by the hour; its maker and the relay know the exact time.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        Timestamp((HOUR_2025 + u64::from(self.end_hour)) * HOUR_MS)
    }

    /// The binary layout (U-140).
    ///
    /// # Panics
    ///
    /// If there are no or more than four relays, or an address has not 1 to 96 bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let more = self
            .relays
            .len()
            .checked_sub(1)
            .filter(|more| *more < MOST_RELAYS)
            .and_then(|more| u8::try_from(more).ok())
            .expect("a code has one to four relays");
        let mut bytes = vec![more | if self.open { OPEN } else { 0 }];
        bytes.extend_from_slice(&self.end_hour.min(MOST_HOURS).to_be_bytes()[1..]);
        bytes.extend_from_slice(&self.secret);
        for relay in &self.relays {
            let len = u8::try_from(relay.address.len())
                .ok()
                .filter(|_| relay.fits())
                .expect("an address in a code has 1 to 96 bytes");
            bytes.push(len);
            bytes.extend_from_slice(&relay.key_tag);
            bytes.extend_from_slice(&relay.address);
        }
        let check = checksum(&bytes);
        bytes.extend_from_slice(&check);
        bytes
    }

    /// The code without separators, which is what a QR holds (U-142).
    #[must_use]
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", symbols_of(&self.bytes()))
    }

    /// The rows of the reading form: groups of four, eight a row, the first row after `HL1 `; whoever
    /// shows them indents the other rows by four spaces (U-143).
    #[must_use]
    pub fn grouped(&self) -> Vec<String> {
        let symbols = symbols_of(&self.bytes());
        let mut groups = Vec::new();
        let mut rest = symbols.as_str();
        while !rest.is_empty() {
            let (group, after) = rest.split_at(rest.len().min(GROUP));
            groups.push(group);
            rest = after;
        }
        let mut rows: Vec<String> = groups.chunks(GROUPS_A_ROW).map(|row| row.join(" ")).collect();
        rows[0].insert_str(0, "HL1 ");
        rows
    }

    /// The code in a text, however it is spaced, quoted, cased or embedded in sentences (U-144).
    ///
    /// # Errors
    ///
    /// [`InviteFault`] says what is wrong with the text; a damaged code is never corrected.
    pub fn parse(text: &str) -> Result<Self, InviteFault> {
        let reading = Reading::of(text);
        let mut starts = reading.starts();
        let mut newer = false;
        for start in &starts {
            if let Some(bytes) = undamaged(&reading.symbols[start.at..]) {
                match Self::from_layout(&bytes) {
                    Some(code) => return Ok(code),
                    None => newer = true,
                }
            }
        }
        if newer {
            return Err(InviteFault::Newer);
        }
        if text.to_ascii_lowercase().contains(RELAY_PREFIX) {
            return Err(InviteFault::RelayAddress);
        }
        // The likeliest starts first, since the search is bounded: `HL1` to the letter, then the zero
        // that every code of this version goes on with.
        starts.sort_by_key(|start| (!start.clear, reading.symbols.get(start.at) != Some(&b'0')));
        let mut tries = MOST_TRIES;
        for start in &starts {
            let run = reading.run(start.at);
            if let Some(fault) = run.one_mistake(&mut tries) {
                return Err(fault);
            }
        }
        match starts.first() {
            Some(start) if start.clear => Err(reading.run(start.at).unexplained()),
            _ => Err(InviteFault::NotAnInvite),
        }
    }

    /// Reads bytes whose checksum fits; `None` if a newer version laid them out.
    fn from_layout(bytes: &[u8]) -> Option<Self> {
        let (flags, rest) = bytes.split_first()?;
        if flags & RESERVED != 0 {
            return None;
        }
        let (end, rest) = rest.split_first_chunk::<3>()?;
        let (secret, mut rest) = rest.split_first_chunk::<16>()?;
        let mut relays = Vec::new();
        for _ in 0..=(flags & MORE_RELAYS) {
            let (len, after) = rest.split_first()?;
            let (key_tag, after) = after.split_first_chunk::<TAG_BYTES>()?;
            let (address, after) = after.split_at_checked(usize::from(*len))?;
            relays.push(RelayEntry { key_tag: *key_tag, address: address.to_vec() });
            rest = after;
        }
        Some(Self {
            open: flags & OPEN != 0,
            end_hour: u32::from_be_bytes([0, end[0], end[1], end[2]]),
            secret: *secret,
            relays,
        })
    }
}

/// The end hour of an invite that ends at `time`: rounded up, and as near as the layout can say.
#[must_use]
pub fn end_hour_of(time: Timestamp) -> u32 {
    let hours = time.0.div_ceil(HOUR_MS).saturating_sub(HOUR_2025);
    u32::try_from(hours).unwrap_or(MOST_HOURS).min(MOST_HOURS)
}

/// Bytes in the alphabet of U-141, high bits first, the last symbol filled with zeros.
#[must_use]
pub fn symbols_of(bytes: &[u8]) -> String {
    BASE32.encode(bytes)
}

/// Reads what [`symbols_of`] wrote, to the bit; `None` for anything else.
#[must_use]
pub fn bytes_of(symbols: &str) -> Option<Vec<u8>> {
    BASE32.decode(symbols.as_bytes()).ok()
}

/// The first `count` symbols of a text, read with the tolerance of U-144; what follows them is
/// ignored. `None` if there are fewer, or something else stands between them.
#[must_use]
pub fn read_symbols(text: &str, count: usize) -> Option<String> {
    let symbols: String = text
        .nfkc()
        .take(MOST_READ)
        .filter(|c| !is_skipped(*c))
        .take(count)
        .map(|c| char::from(symbol(c)))
        .collect();
    (symbols.len() == count && !symbols.contains(char::from(UNKNOWN))).then_some(symbols)
}

/// A text as the characters that may belong to a code.
struct Reading {
    glyphs: Vec<Glyph>,
    /// What each glyph stands for: a symbol of the alphabet or [`UNKNOWN`].
    symbols: Vec<u8>,
}

/// A character that is not skipped.
struct Glyph {
    typed: char,
    /// Whether something that is skipped stands before it.
    apart: bool,
    /// Whether no letter or digit stands directly before it.
    first: bool,
}

/// Where a code may begin: directly after a prefix.
struct Start {
    at: usize,
    /// Whether the prefix can hardly be anything else. `Hi I` and `hill` are prefixes too, since I and
    /// L are read as 1; those count only if the checksum agrees.
    clear: bool,
}

impl Reading {
    fn of(text: &str) -> Self {
        let mut reading = Self { glyphs: Vec::new(), symbols: Vec::new() };
        let (mut apart, mut first) = (true, true);
        for typed in text.nfkc().take(MOST_READ) {
            let skipped = is_skipped(typed);
            if !skipped {
                reading.glyphs.push(Glyph { typed, apart, first });
                reading.symbols.push(symbol(typed));
            }
            apart = skipped;
            first = !typed.is_alphanumeric();
        }
        reading
    }

    fn starts(&self) -> Vec<Start> {
        let prefixes = self.symbols.windows(FOLDED_PREFIX.len()).enumerate();
        prefixes
            .filter(|(at, prefix)| *prefix == FOLDED_PREFIX && self.glyphs[*at].first)
            .map(|(at, prefix)| {
                let glyphs = &self.glyphs[at..at + prefix.len()];
                let in_one = glyphs[1..].iter().all(|glyph| !glyph.first);
                let clear = in_one && matches!(glyphs[1].typed, 'L' | 'l' | '1');
                Start { at: at + prefix.len(), clear }
            })
            .collect()
    }

    /// All that may belong to the code that begins at `at`.
    fn run(&self, at: usize) -> Run<'_> {
        let end = self.symbols.len().min(at + MOST_SYMBOLS + 1);
        Run { glyphs: &self.glyphs[at..end], symbols: &self.symbols[at..end] }
    }
}

/// The glyphs after a prefix, of which the first ones are a damaged code.
struct Run<'a> {
    glyphs: &'a [Glyph],
    symbols: &'a [u8],
}

/// An edit that makes the code fit its checksum.
struct Fit {
    /// Where the mistake is, as a place in the run.
    at: usize,
    /// The code that it gives.
    bytes: Vec<u8>,
}

impl Run<'_> {
    /// What to say if exactly one code is one edit away (U-145).
    ///
    /// Two edits may give the same code: nobody can tell which of two equal neighbors was left out.
    /// Then the group that looks wrong, having more or fewer symbols than it should, is named.
    fn one_mistake(&self, tries: &mut usize) -> Option<InviteFault> {
        let fits = self.fits(tries);
        let bytes = &fits.first()?.bytes;
        if fits.iter().any(|fit| fit.bytes != *bytes) {
            return None;
        }
        let named: Vec<_> = fits.iter().map(|fit| self.group(fit.at)).collect();
        let total = symbols_for(bytes.len());
        let odd = named.iter().find(|(group, typed)| {
            let should = GROUP.min(total.saturating_sub((group - 1) * GROUP));
            typed.chars().count() != should
        });
        let (group, typed) = odd.or(named.first())?.clone();
        Some(if typed.is_empty() {
            InviteFault::CutOff { have: group - 1, of: Some(total.div_ceil(GROUP)) }
        } else {
            InviteFault::OneMistake { group, typed }
        })
    }

    /// Every insertion, omission, substitution and swap of neighbors whose undoing fits the checksum.
    ///
    /// In this order, since where the last symbol was left out, what stands behind the code looks like
    /// a substitution.
    fn fits(&self, tries: &mut usize) -> Vec<Fit> {
        let mut fits = Vec::new();
        let symbols = &self.symbols[..self.symbols.len().min(MOST_LOCATED + 1)];
        if symbols.len() + 1 < symbols_for(LEAST_BYTES) || *tries == 0 {
            return fits;
        }
        let mut attempt = |edited: &[u8], at: usize| {
            if *tries > 0 {
                *tries -= 1;
                fits.extend(undamaged(edited).map(|bytes| Fit { at, bytes }));
            }
        };
        let reach = reach(symbols);

        let mut edited = symbols[1..].to_vec();
        for at in 0..reach {
            attempt(&edited, at);
            // The hole moves on: what was left out comes back in place of its neighbor.
            if at < edited.len() {
                edited[at] = symbols[at];
            }
        }

        let mut edited = [&[UNKNOWN], symbols].concat();
        for at in 0..=reach {
            // What was left out of the inside of a group is missing after its neighbor in that group.
            let missing = if at % GROUP == 0 { at } else { at - 1 };
            for symbol in ALPHABET.bytes() {
                edited[at] = symbol;
                attempt(&edited, missing);
            }
            if at < symbols.len() {
                edited[at] = symbols[at];
            }
        }

        let mut edited = symbols.to_vec();
        for at in 0..reach {
            for symbol in ALPHABET.bytes().filter(|symbol| *symbol != symbols[at]) {
                edited[at] = symbol;
                attempt(&edited, at);
            }
            edited[at] = symbols[at];
            if at + 1 < edited.len() && edited[at] != edited[at + 1] {
                edited.swap(at, at + 1);
                attempt(&edited, at);
                edited.swap(at, at + 1);
            }
        }
        fits
    }

    /// The number of a group and what was typed there; nothing if the run ends before it.
    ///
    /// The typist's own groups are meant as long as they stand where groups of four would.
    fn group(&self, at: usize) -> (usize, String) {
        let len = self.glyphs.len();
        let begins = |i: &usize| *i == 0 || self.glyphs[*i].apart;
        let mut first = (0..=at).rev().find(|i| *i < len && begins(i)).unwrap_or(0);
        let mut end = (at + 1..len).find(begins).unwrap_or(len);
        if at >= len || first % GROUP != 0 || end - first > GROUP + 1 {
            first = at - at % GROUP;
            end = len.min(first + GROUP);
        }
        let typed = self.glyphs.get(first..end).unwrap_or_default();
        (first / GROUP + 1, typed.iter().map(|glyph| glyph.typed).collect())
    }

    /// What to say if no single edit explains the damage.
    fn unexplained(&self) -> InviteFault {
        let here = self.glyphs.iter().take_while(|glyph| glyph.typed.is_alphanumeric()).count();
        let (needed, of) = match extent(&self.symbols[..here]) {
            Extent::Bytes(len) => (symbols_for(len), Some(symbols_for(len).div_ceil(GROUP))),
            Extent::Unknown(at) => (symbols_for(at + 1), None),
        };
        if here < needed {
            InviteFault::CutOff { have: here / GROUP, of }
        } else {
            InviteFault::SeveralMistakes
        }
    }
}

/// How many symbols an edit must look at: the code's own, or those up to the first length that cannot
/// be right, since a mistake in or before a length leaves the end of the code unknown.
fn reach(symbols: &[u8]) -> usize {
    let reach = match extent(symbols) {
        Extent::Bytes(len) => symbols_for(len),
        Extent::Unknown(at) => symbols_for(at + 1),
    };
    reach.min(symbols.len())
}

/// How long a code is by what it says of itself.
enum Extent {
    /// So many bytes, checksum and all.
    Bytes(usize),
    /// The byte at this place, which has to say it, is missing or cannot be right.
    Unknown(usize),
}

fn extent(symbols: &[u8]) -> Extent {
    let Some(flags) = byte(symbols, 0) else {
        return Extent::Unknown(0);
    };
    let mut at = HEAD_BYTES;
    for _ in 0..=(flags & MORE_RELAYS) {
        match byte(symbols, at).map(usize::from) {
            Some(len @ 1..=MOST_ADDRESS_BYTES) => at += 1 + TAG_BYTES + len,
            _ => return Extent::Unknown(at),
        }
    }
    Extent::Bytes(at + CHECK_BYTES)
}

/// The bytes of the code at the start of `symbols`, if its checksum and its last symbol are right.
fn undamaged(symbols: &[u8]) -> Option<Vec<u8>> {
    let Extent::Bytes(len) = extent(symbols) else {
        return None;
    };
    let bytes = BASE32.decode(symbols.get(..symbols_for(len))?).ok()?;
    let (said, check) = bytes.split_last_chunk::<CHECK_BYTES>()?;
    (checksum(said) == *check).then_some(bytes)
}

fn checksum(said: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = sha256(&[CHECK_LABEL, said].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// The byte at `index` of what the symbols say.
fn byte(symbols: &[u8], index: usize) -> Option<u8> {
    let bit = index * 8;
    let last = (bit + 7) / 5;
    let mut bits: u16 = 0;
    for symbol in symbols.get(bit / 5..=last)? {
        let value = VALUES[usize::from(*symbol)];
        if value == NO_VALUE {
            return None;
        }
        bits = bits << 5 | u16::from(value);
    }
    let spare = (last + 1) * 5 - (bit + 8);
    Some((bits >> spare).to_be_bytes()[1])
}

/// How many symbols so many bytes take.
const fn symbols_for(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

/// The symbol that a character stands for (U-144).
fn symbol(c: char) -> u8 {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some('O'), None) => b'0',
        (Some('I' | 'L'), None) => b'1',
        (Some(c), None) => {
            u8::try_from(c).ok().filter(|c| VALUES[usize::from(*c)] != NO_VALUE).unwrap_or(UNKNOWN)
        }
        _ => UNKNOWN,
    }
}

/// Whether a character may stand anywhere in a code without meaning: spaces, line breaks, the
/// separators of U-144, dashes of any length, and what cannot be seen.
fn is_skipped(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '_' | ',' | ':' | '>' | '*')
        || matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str(ALPHABET);
    specification.encoding().expect("the alphabet has 32 different symbols")
});

/// Value of each ASCII symbol.
const VALUES: [u8; 256] = {
    let mut values = [NO_VALUE; 256];
    let mut value = 0;
    while value < 32 {
        values[ALPHABET.as_bytes()[value as usize] as usize] = value;
        value += 1;
    }
    values
};

const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Stands for a character that is not in the alphabet.
const UNKNOWN: u8 = b'?';
const NO_VALUE: u8 = 32;

const PREFIX: &str = "HL1";
/// The prefix with L read as 1.
const FOLDED_PREFIX: &[u8] = b"H11";
const RELAY_PREFIX: &str = "hl-relay:";
const CHECK_LABEL: &[u8] = b"hearthlight invite 1";

/// Symbols in a group, and groups in a row, of the reading form (U-143).
const GROUP: usize = 4;
const GROUPS_A_ROW: usize = 8;
/// The largest code whose QR fits a terminal of 80 x 24 (U-142).
const MOST_CHARACTERS: usize = 154;

// The layout (U-140).
const MORE_RELAYS: u8 = 0b11;
const OPEN: u8 = 0b100;
const RESERVED: u8 = !(MORE_RELAYS | OPEN);
pub(crate) const MOST_RELAYS: usize = 4;
const MOST_ADDRESS_BYTES: usize = 96;
const TAG_BYTES: usize = 16;
const CHECK_BYTES: usize = 4;
/// Flags, end and secret.
const HEAD_BYTES: usize = 1 + 3 + 16;
const LEAST_BYTES: usize = HEAD_BYTES + 1 + TAG_BYTES + 1 + CHECK_BYTES;
const MOST_BYTES: usize =
    HEAD_BYTES + MOST_RELAYS * (1 + TAG_BYTES + MOST_ADDRESS_BYTES) + CHECK_BYTES;
const MOST_SYMBOLS: usize = symbols_for(MOST_BYTES);
const MOST_HOURS: u32 = (1 << 24) - 1;
/// 2025-01-01T00:00Z in hours since 1970.
const HOUR_2025: u64 = 482_136;

/// Symbols of the longest code in which mistakes are located: one relay with the longest address. Only
/// others can make longer ones.
const MOST_LOCATED: usize =
    symbols_for(HEAD_BYTES + 1 + TAG_BYTES + MOST_ADDRESS_BYTES + CHECK_BYTES);
/// Edits tried for a text, over all its prefixes; a code of [`MOST_LOCATED`] symbols takes 14,351.
const MOST_TRIES: usize = 15_000;
/// Characters of a text that are looked at, after normalization: a guess at more than anybody pastes,
/// above the 24,570 that 4 KiB can become.
const MOST_READ: usize = 32_768;
