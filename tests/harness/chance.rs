//! Chance, all of it from one seed.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// A seeded generator with the few questions that a world asks.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha20Rng);

impl Chance {
    /// The chance of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// A generator of its own for one host or one concern, so that one more question asked here does
    /// not change what is answered there.
    pub fn child(&mut self) -> Self {
        Self(ChaCha20Rng::from_seed(self.bytes()))
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, (low, high): (u64, u64)) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Whether something of this probability happens; asks nothing of the generator at 0.
    pub fn happens(&mut self, probability: f64) -> bool {
        const STEPS: u32 = 1 << 24;
        probability > 0.0 && f64::from(self.0.next_u32() % STEPS) < probability * f64::from(STEPS)
    }

    /// One of `things`.
    pub fn one_of<T: Copy>(&mut self, things: &[T]) -> Option<T> {
        let at = usize::try_from(self.below(things.len() as u64)).ok()?;
        things.get(at).copied()
    }

    /// 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// What a machine is lent.
    pub fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.0
    }
}
