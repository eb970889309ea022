//! Which lies one relay tells.

use std::collections::BTreeSet;

use crate::HostId;
use crate::chance::Chance;

/// What a liar does, and how often: probabilities by frame.
#[derive(Clone, Debug, Default)]
pub struct Lies {
    /// Whom it does not give what.
    pub withheld: Withheld,
    /// Shows one half of what there is to some, and the other half to others.
    pub equivocates: bool,
    /// Says that it stored, and gives its machine nothing.
    pub keeps_not: f64,
    /// Says in a reconciliation that nothing differs.
    pub agrees: f64,
    /// Goes on with a reconciliation for ever.
    pub endless: f64,
    /// Offers ids that there are not.
    pub invents: f64,
    /// Says of what it offered that it is gone.
    pub gone: f64,
    /// Does not answer.
    pub silent: f64,
    /// Refuses a mailbox, for no reason.
    pub refuses: f64,
    /// Flips a bit.
    pub damages: f64,
    /// Comes minutes later.
    pub delays: f64,
    /// Says old frames again.
    pub replays: f64,
    /// Greets anew, as if the connection were a new one.
    pub greets: f64,
    /// Lets circuits carry nothing, and names members that there are not.
    pub strands: f64,
    /// Cuts a connection.
    pub hangs_up: f64,
}

/// What a liar has, and does not give.
#[derive(Clone, Debug, Default)]
pub enum Withheld {
    /// It gives everything.
    #[default]
    Nothing,
    /// It gives nothing.
    All,
    /// To these it gives nothing.
    From(BTreeSet<HostId>),
    /// Not every one of so many.
    Every(u64),
    /// Not what is new.
    Newest,
    /// Not what came by the connections of one member.
    By(HostId),
}

impl Lies {
    /// Lies that one relay tells: a few of all, so that each is seen alone and with others.
    pub fn draw(chance: &mut Chance, members: usize) -> Self {
        const LEAST: u64 = 2;
        const MOST: u64 = 5;
        const KINDS: u64 = 15;
        let mut lies = Self::default();
        for _ in 0..chance.between((LEAST, MOST)) {
            let kind = chance.below(KINDS);
            lies.add(kind, chance, members);
        }
        lies
    }

    fn add(&mut self, kind: u64, chance: &mut Chance, members: usize) {
        const OFTEN: [f64; 4] = [0.1, 0.3, 0.7, 1.0];
        const SELDOM: [f64; 3] = [0.02, 0.05, 0.2];
        let often = chance.one_of(&OFTEN).unwrap_or_default();
        let seldom = chance.one_of(&SELDOM).unwrap_or_default();
        match kind {
            0 => self.keeps_not = often,
            1 => self.agrees = often,
            2 => self.endless = often,
            3 => self.invents = often,
            4 => self.gone = often,
            5 => self.silent = often,
            6 => self.refuses = often,
            7 => self.damages = often,
            8 => self.delays = often,
            9 => self.replays = often,
            10 => self.greets = seldom,
            11 => self.strands = often,
            12 => self.hangs_up = seldom / 10.0,
            13 => self.equivocates = true,
            _ => self.withheld = Withheld::draw(chance, members),
        }
    }

    /// Whether it has to reconcile by itself, out of a part of what it has.
    #[must_use]
    pub fn shows_a_part(&self) -> bool {
        self.equivocates || self.invents > 0.0 || !matches!(self.withheld, Withheld::Nothing)
    }
}

impl Withheld {
    fn draw(chance: &mut Chance, members: usize) -> Self {
        match chance.below(5) {
            0 => Self::All,
            1 => Self::From((0..members).filter(|_| chance.happens(0.4)).collect()),
            2 => Self::Every(chance.between((2, 5))),
            3 => Self::Newest,
            _ => Self::By(chance.below(members as u64) as usize),
        }
    }
}
