//! The simulator's door: it looks inside, and plants faults that have to be found out.

use super::{Member, Planted};
use crate::circle::Circle;
pub use crate::circle::inside::Inside;
use crate::identity::CircleId;

impl Member {
    /// What a circle holds.
    #[must_use]
    pub fn inside(&self, circle: &CircleId) -> Option<Inside> {
        self.circles.get(circle).map(Circle::inside)
    }

    /// Plants a fault in every circle.
    pub fn plant(&mut self, fault: Planted) {
        self.circles.values_mut().for_each(|circle| circle.plant(fault));
    }
}
