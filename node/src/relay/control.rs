//! `relay.sock`: one line of JSON in, one line of JSON out, then it is closed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::desk::{Answer, Ask};
use super::error::RelayError;
use super::folder::internal;
use super::run::Desk;
use crate::error::NodeError;

/// Longest line; the longest is a list of 1,024 tokens.
const MAX_LINE: u64 = 1 << 20;
/// Questions at once.
const AT_ONCE: usize = 16;
/// How long the other side may take for its line.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may take: a batch and its flush.
const WORK: Duration = Duration::from_secs(30);

/// Listens at `path`, where nobody else does: for who holds the lock.
pub(super) fn listen(path: &Path) -> Result<UnixListener, NodeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(NodeError::disk(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(NodeError::disk)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(NodeError::disk)?;
    Ok(listener)
}

/// Answers whoever comes, until it is dropped.
pub(super) async fn serve(listener: UnixListener, desk: Arc<Desk>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            if is_ours(&stream) {
                let _ = timeout(PATIENCE + WORK, answer(stream, &desk)).await;
            }
            drop(place);
        });
    }
}

/// Asks the relay that listens at `path`.
pub(super) async fn ask(path: &Path, question: &Ask) -> Result<Answer, RelayError> {
    let stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(error) => {
            return match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => Err(RelayError::NotRunning),
                _ => Err(NodeError::disk(error).into()),
            };
        }
    };
    let mut stream = BufReader::new(stream);
    let asked = async {
        write(&mut stream, question).await?;
        read::<Answer>(&mut stream).await
    };
    let answered = timeout(PATIENCE + WORK, asked).await;
    match answered.map_err(|_| NodeError::HomeBusy)?? {
        Answer::Refused { kind, title } => Err(RelayError::Told { kind, title }),
        answer => Ok(answer),
    }
}

async fn answer(stream: UnixStream, desk: &Desk) -> Result<(), NodeError> {
    let mut stream = BufReader::new(stream);
    let asked = timeout(PATIENCE, read::<Ask>(&mut stream)).await;
    let answer = desk.answer(asked.map_err(internal)??).await;
    write(&mut stream, &answer.unwrap_or_else(Answer::from)).await
}

async fn write(stream: &mut BufReader<UnixStream>, line: &impl Serialize) -> Result<(), NodeError> {
    let mut bytes = serde_json::to_vec(line).map_err(internal)?;
    bytes.push(b'\n');
    stream.write_all(&bytes).await.map_err(NodeError::disk)
}

async fn read<T: DeserializeOwned>(stream: &mut BufReader<UnixStream>) -> Result<T, NodeError> {
    let mut line = Vec::new();
    let mut bounded = stream.take(MAX_LINE);
    bounded.read_until(b'\n', &mut line).await.map_err(NodeError::disk)?;
    serde_json::from_slice(&line).map_err(internal)
}

/// Whether the far end is this person or the system's.
fn is_ours(stream: &UnixStream) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let other = stream.peer_cred().map(|cred| cred.uid());
    other.is_ok_and(|uid| uid == me || uid == 0)
}
