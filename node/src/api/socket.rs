//! The Unix socket: for this user's processes alone (U-100).
use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{UnixListener, UnixStream},
    sync::{oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{desk::Desk, routes};
use crate::error::NodeError;

/// The API, being served at the home's socket.
#[derive(Debug)]
pub(super) struct Serving {
    path: PathBuf,
    clients: watch::Receiver<usize>,
    close: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Serves a desk whose home's lock is held.
    pub(super) fn begin(desk: &Arc<Desk>) -> Result<Self, NodeError> {
        let path = desk.home.prepare_socket()?;
        let socket = OwnSocket::bind(&path).map_err(|error| unwritable(&error))?;
        let clients = socket.clients();
        let (close, closed) = oneshot::channel::<()>();
        let serving = axum::serve(socket, routes::table(Arc::clone(desk)))
            .with_graceful_shutdown(async move { drop(closed.await) });
        let task = tokio::spawn(async move {
            // Accepting goes on through every error, so there is none to tell.
            let _ = serving.await;
        });
        Ok(Self { path, clients, close, task })
    }

    /// Where it listens.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many connections other processes hold now, and later.
    pub(super) fn clients(&self) -> watch::Receiver<usize> {
        self.clients.clone()
    }

    /// Ends it, once answers under way were given; not all, if they take too long.
    pub(super) async fn end(self) {
        let Self { path: _, clients: _, close, mut task } = self;
        drop(close);
        if timeout(LAST_WORDS, &mut task).await.is_err() {
            task.abort();
        }
    }
}

fn unwritable(error: &io::Error) -> NodeError {
    match error.kind() {
        io::ErrorKind::StorageFull => NodeError::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => NodeError::ReadOnly,
        // The path may tell a name, so only the kind of error is told.
        kind => NodeError::Internal(format!("the socket cannot be made: {kind}")),
    }
}

/// A socket that takes connections of this user only.
#[derive(Debug)]
pub(super) struct OwnSocket {
    listener: UnixListener,
    uid: u32,
    pid: u32,
    clients: watch::Sender<usize>,
}

impl OwnSocket {
    /// Binds it, for this user alone.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            uid: rustix::process::geteuid().as_raw(),
            pid: std::process::id(),
            clients: watch::Sender::new(0),
        })
    }

    /// How many connections other processes hold now, and later.
    pub(super) fn clients(&self) -> watch::Receiver<usize> {
        self.clients.subscribe()
    }

    /// The connection, unless it is another user's: that is closed without a byte.
    fn admit(&self, stream: UnixStream) -> Option<Connection> {
        let peer = stream.peer_cred().ok()?;
        if peer.uid() != self.uid {
            return None;
        }
        let own = peer.pid().and_then(|pid| u32::try_from(pid).ok()) == Some(self.pid);
        Some(Connection { stream, _seat: (!own).then(|| Seat::take(&self.clients)) })
    }
}

impl Listener for OwnSocket {
    type Io = Connection;
    type Addr = ();

    async fn accept(&mut self) -> (Connection, ()) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if let Some(connection) = self.admit(stream) {
                        return (connection, ());
                    }
                }
                // Out of file descriptors, most likely: some are given back soon.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection of this user's, counted while it stands if it is another process's.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    _seat: Option<Seat>,
}

#[derive(Debug)]
struct Seat(watch::Sender<usize>);

impl Seat {
    fn take(clients: &watch::Sender<usize>) -> Self {
        clients.send_modify(|count| *count += 1);
        Self(clients.clone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// How long answers under way may take once the server ends; within the 10 s of `stop` (U-22).
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long accepting rests after an error; a guess.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
