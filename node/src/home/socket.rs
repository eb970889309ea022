//! Where the node of a home listens (U-8).
use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use hearthlight_protocol::crypto::sha256;

use super::{ADDR, Home, SOCKET, is_ours, make_private_dir, write_private};
use crate::error::NodeError;

impl Home {
    /// Where this home's node listens: in `$XDG_RUNTIME_DIR`, else in the home, else, if those paths are
    /// too long for a socket, in a folder of its own under the system's folder for temporary files.
    ///
    /// Computed only: [`Self::prepare_socket`] sees to the folder, and may have had to take another, so
    /// a client looks at [`Self::socket_from_addr_file`] first.
    #[must_use]
    pub fn socket_path(&self) -> PathBuf {
        self.socket_places(runtime_dir().as_deref()).swap_remove(0)
    }

    /// The socket that the running or last node of this home had.
    #[must_use]
    pub fn socket_from_addr_file(&self) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStringExt;
        let bytes = fs::read(self.dir().join(ADDR)).ok()?;
        let path = bytes.strip_suffix(b"\n").unwrap_or(&bytes).to_vec();
        Some(PathBuf::from(std::ffi::OsString::from_vec(path))).filter(|path| path.is_absolute())
    }

    /// Makes the folder for a socket, clears what an ended node left there, and notes the place in
    /// `node.addr`. Only for who holds the lock.
    ///
    /// # Errors
    ///
    /// If no place can be used, for instance since others can write there.
    pub fn prepare_socket(&self) -> Result<PathBuf, NodeError> {
        self.prepare_socket_in(runtime_dir().as_deref())
    }

    pub(super) fn prepare_socket_in(&self, runtime: Option<&Path>) -> Result<PathBuf, NodeError> {
        let mut failed = NodeError::ReadOnly;
        for path in self.socket_places(runtime) {
            match make_room_for(&path) {
                Ok(()) => {
                    let line = [path.as_os_str().as_bytes(), b"\n"].concat();
                    write_private(&self.dir().join(ADDR), &line)?;
                    return Ok(path);
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// The places in order of liking; the last is always there.
    pub(super) fn socket_places(&self, runtime: Option<&Path>) -> Vec<PathBuf> {
        let canonical = fs::canonicalize(self.dir()).unwrap_or_else(|_| self.dir().to_path_buf());
        let hash = sha256(canonical.as_os_str().as_bytes());
        let name: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let fits = |path: &PathBuf| path.as_os_str().len() <= MAX_PATH;
        let wished = runtime.map(|dir| dir.join("hearthlight").join(format!("{name}.sock")));
        let mut places = Vec::from_iter(wished);
        places.push(canonical.join(SOCKET));
        places.retain(fits);
        places.push(std::env::temp_dir().join(format!("hearthlight-{name}")).join(SOCKET));
        places
    }
}

fn runtime_dir() -> Option<PathBuf> {
    std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Sees to a folder that nobody else can enter.
fn make_room_for(socket: &Path) -> Result<(), NodeError> {
    let folder = socket.parent().expect("a socket lies in a folder");
    if fs::symlink_metadata(folder).is_err() {
        make_private_dir(folder)?;
    }
    // In a folder for all, somebody may have been there first: a link, or a folder of theirs.
    let found = fs::symlink_metadata(folder).map_err(NodeError::disk)?;
    let closed = std::os::unix::fs::MetadataExt::mode(&found) & 0o077 == 0;
    if !found.is_dir() || !is_ours(&found) || !closed {
        return Err(NodeError::HomeOpen);
    }
    super::remove(socket).map_err(NodeError::disk)
}

/// `sun_path` holds 108 bytes on Linux and 104 on macOS, its end included.
const MAX_PATH: usize = 100;
