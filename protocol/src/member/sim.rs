//! The simulator's door: it looks inside.

use super::Member;
use crate::circle::Circle;
pub use crate::circle::inside::Inside;
use crate::identity::CircleId;

impl Member {
    /// What a circle holds.
    #[must_use]
    pub fn inside(&self, circle: &CircleId) -> Option<Inside> {
        self.circles.get(circle).map(Circle::inside)
    }
}
