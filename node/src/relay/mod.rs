//! Everything that the operator of a relay does with its folder (U-80 to U-84).
//!
//! | name | what |
//! |---|---|
//! | `relay.toml` | what the operator chose ([`Settings`]) |
//! | `key` | the relay's lasting key; a folder with this file is a relay that is set up |
//! | `keys`, `store/` | what it keeps for others, sealed; disposable |
//! | `lock` | held by the process that is the relay |
//! | `relay.sock` | where that process is asked |
//!
//! Nobody else can read it: the folder is 0700 and every file 0600.

mod config;
mod control;
mod desk;
mod error;
mod folder;
mod look;
mod observe;
mod run;
#[cfg(test)]
mod tests;
mod values;

pub use config::{
    Admission, CardSettings, Level, LimitSettings, Listen, Log, Mode, Observe, Overrides, PORT,
    SEES, Settings, Shown,
};
pub use desk::{Health, State, StatusReport, TokenOrder, TokenReport, TokenStanding};
pub use error::RelayError;
pub use folder::{InitOptions, Initiated, RelayDir};
pub use hearthlight_protocol::boundary::RelayCard;
pub use look::look_at;
pub use run::{Ready, RelayNode};
pub use values::{Size, Span};
