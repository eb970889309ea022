//! What can go wrong in a node; each has a kind of U-4.

/// Why a node cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The home has not been set up (`not-set-up`).
    #[error("this home is not set up")]
    NotSetUp,
    /// The home is set up already (`already-set-up`).
    #[error("this home is set up already")]
    AlreadySetUp,
    /// Others can read the folder (`home-open-to-others`).
    #[error("others on this computer can read the home folder")]
    HomeOpen,
    /// Another process has the lock (`home-busy`).
    #[error("another copy uses this home and does not answer")]
    HomeBusy,
    /// A passphrase is needed and none was given (`needs-passphrase`).
    #[error("this home needs its passphrase")]
    NeedsPassphrase,
    /// The passphrase is not the right one (`wrong-passphrase`).
    #[error("that is not the passphrase")]
    WrongPassphrase,
    /// The store or key file cannot be read (`store-damaged`).
    #[error("the store is damaged: {0}")]
    StoreDamaged(&'static str),
    /// A newer version wrote the store (`store-newer`).
    #[error("a newer version wrote this store")]
    StoreNewer,
    /// No room on the disk (`disk-full`).
    #[error("the disk is full")]
    DiskFull,
    /// The folder cannot be written (`internal`).
    #[error("the home folder cannot be written")]
    ReadOnly,
    /// A file does not say what it has to (`usage`).
    #[error("{0}")]
    Config(String),
    /// A port or address cannot be listened on (`port-in-use`).
    #[error("the address is in use or cannot be listened on")]
    PortInUse,
    /// Anything of the machine's (`internal`).
    #[error("{0}")]
    Internal(String),
}

impl NodeError {
    /// What an error of the disk means to a person; no path reaches the text.
    pub(crate) fn disk(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{
            FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::DiskFull,
            PermissionDenied | ReadOnlyFilesystem => Self::ReadOnly,
            kind => Self::Internal(format!("the disk says: {kind}")),
        }
    }

    /// The kind of U-4.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotSetUp => "not-set-up",
            Self::AlreadySetUp => "already-set-up",
            Self::HomeOpen => "home-open-to-others",
            Self::HomeBusy => "home-busy",
            Self::NeedsPassphrase => "needs-passphrase",
            Self::WrongPassphrase => "wrong-passphrase",
            Self::StoreDamaged(_) => "store-damaged",
            Self::StoreNewer => "store-newer",
            Self::DiskFull => "disk-full",
            Self::Config(_) => "usage",
            Self::PortInUse => "port-in-use",
            Self::ReadOnly | Self::Internal(_) => "internal",
        }
    }
}
