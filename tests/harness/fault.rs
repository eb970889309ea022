//! What goes wrong: weather, which a circle has to live with, and planted faults, which the oracles
//! have to find.

use hearthlight_protocol::boundary::Room;
use hearthlight_protocol::planted::{Planted, Planting, plant};

use crate::HostId;

/// What the network does to what it carries. The default is a calm day.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Probability that a frame or a gossiped envelope is lost.
    pub loss: f64,
    /// Probability that it comes twice.
    pub duplicate: f64,
    /// Probability that it comes up to `reorder_ms` late, behind others.
    pub reorder: f64,
    /// How late that is at most.
    pub reorder_ms: u64,
    /// Probability that a dial fails.
    pub dial: f64,
    /// Least and greatest delay of one hop, in ms. A guess at what people have at home.
    pub delay_ms: (u64, u64),
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_ms: 3_000,
            dial: 0.0,
            delay_ms: (10, 80),
        }
    }
}

/// Faults, but for one outside the machines. None of them is a promise kept, so each has to be found out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Members' stores lose a save into this drawer with this probability.
    pub forget: Option<(Room, f64)>,
    /// Probability that a driver sends before it saves, and dies in between (R-81 the other way round).
    pub sends_first: f64,
    /// Relays say that they stored, and store no envelope.
    pub lying_relays: bool,
    /// In the machines themselves.
    pub planted: [Option<Planted>; 6],
    /// Nothing that this host sends ever arrives.
    pub mute: Option<HostId>,
}

impl Faults {
    /// Plants what is to be planted in machines, as long as one of them runs.
    pub(crate) fn plant(&self) -> Planting {
        plant(self.planted.into_iter().flatten())
    }
}
