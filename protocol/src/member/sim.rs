//! The simulator's door: it looks inside, and lends a hostile member its keys.

use super::Member;
use crate::batch::Batch;
use crate::boundary::Output;
use crate::circle::Circle;
pub use crate::circle::inside::{EpochKeys, Inside, Keys, Posting};
use crate::identity::CircleId;

impl Member {
    /// What a circle holds.
    #[must_use]
    pub fn inside(&self, circle: &CircleId) -> Option<Inside> {
        self.circles.get(circle).map(Circle::inside)
    }

    /// Everything that a member's program could sign and seal with.
    #[must_use]
    pub fn keys(&self, circle: &CircleId) -> Option<Keys> {
        self.circles.get(circle).map(Circle::keys)
    }

    /// Puts bytes that were sealed elsewhere where its connections reach.
    pub fn post(&mut self, circle: &CircleId, postings: Vec<Posting>) -> Vec<Output> {
        let mut batch = Batch::default();
        if let Some(circle) = self.circles.get_mut(circle) {
            circle.post_forged(&mut batch, postings);
        }
        batch.into_outputs()
    }
}
