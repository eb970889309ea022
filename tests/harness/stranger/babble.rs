//! Nonsense on streams: what lies in the fuzzer's corpora, and seeded chance (H-1).

use std::{future::Future, io, sync::Mutex, time::Duration};

use futures::future::join_all;
use libp2p::PeerId;
use tokio::{sync::mpsc::Sender, time::timeout};

use super::{Conn, Impostor, MAILBOX, Manner, PROTOCOLS, framed, say_all};
use crate::{
    chance::Chance,
    fuzzing::{Corpus, TARGETS},
};

/// Says a `share` of all pieces, each on a stream of `protocol` of its own; answers on how many it could be said,
/// since the far end speaks the protocol. Each of these streams has to end; of the mailbox protocol, which has one
/// stream each way, the connection too.
///
/// # Panics
/// If one does not.
pub async fn babble(
    connect: &impl AsyncFn(Manner) -> io::Result<Conn>,
    protocol: &str,
    share: f64,
) -> usize {
    let pieces = Mutex::new(pieces(protocol.starts_with(MAILBOX), share).into_iter());
    let worker = async || {
        let (mut conn, mut said) = (None, 0);
        loop {
            let Some(piece) = pieces.lock().expect("no panics").next() else { return said };
            said += usize::from(say_piece(connect, protocol, &piece, &mut conn).await);
        }
    };
    join_all((0..WORKERS).map(|_| worker())).await.into_iter().sum()
}

async fn say_piece(
    connect: &impl AsyncFn(Manner) -> io::Result<Conn>,
    protocol: &str,
    piece: &[u8],
    conn: &mut Option<(Conn, bool)>,
) -> bool {
    for _ in 0..TRIES {
        let manner = Manner { other: piece.to_vec(), ..Manner::default() };
        let stands = match conn.take() {
            Some(stands) => Ok(stands),
            None => within(connect(manner), "a connection").await.map(|conn| (conn, false)),
        };
        let Ok((stands, before)) = stands else { continue };
        // One that is over, by what was said before, is made anew.
        let Ok(stream) = within(stands.open(protocol), "an answer").await else { continue };
        let spoken = stream.is_some();
        if before && !spoken {
            // It has had enough of that on this connection: gossip takes five streams.
            continue;
        }
        if let Some(mut stream) = stream {
            let _ = within(say_all(&mut stream, piece), "the end of a stream").await;
            if protocol.starts_with(MAILBOX) {
                within(stands.ended(), "the end of a connection").await;
            }
        }
        *conn = (!stands.is_over()).then_some((stands, spoken));
        return spoken;
    }
    panic!("nobody is reached any more");
}

/// Answers whoever dials with nonsense on all streams, and says nonsense on all that there are: the next piece
/// to each. Tells who they are, and on how many streams it could say something.
pub async fn babbling_relay(relay: Impostor, tell: Sender<(PeerId, usize)>) {
    for piece in pieces(false, 1.0).into_iter().cycle() {
        let manner = Manner { other: piece.clone(), ..Manner::default() };
        let Ok(conn) = relay.next(manner).await else { continue };
        let tell = tell.clone();
        tokio::spawn(async move {
            let mut said = 0;
            for protocol in PROTOCOLS.iter().rev() {
                if let Ok(Some(mut stream)) = conn.open(protocol).await {
                    said += 1;
                    let mailbox = protocol.starts_with(MAILBOX);
                    let piece = if mailbox { framed(&piece) } else { piece.clone() };
                    let _ = within(say_all(&mut stream, &piece), "the end of a stream").await;
                }
            }
            within(conn.ended(), "the end of a connection").await;
            let _ = tell.send((conn.peer, said)).await;
        });
    }
}

async fn within<T>(what: impl Future<Output = T>, name: &str) -> T {
    timeout(LONGEST, what).await.unwrap_or_else(|_| panic!("{name} does not come"))
}

/// What is said. On the mailbox protocol most of it as a frame, so that it is read to its end.
fn pieces(mailbox: bool, share: f64) -> Vec<Vec<u8>> {
    let mut chance = Chance::new(1);
    let mut pieces = Vec::new();
    for target in TARGETS {
        let inputs = Corpus::in_folder(target).inputs.into_iter().map(|(_, bytes)| bytes);
        pieces.extend(inputs.filter(|_| chance.happens(share)));
    }
    pieces.extend([0, 1, 1 << 63, u64::MAX - 1, u64::MAX].map(prune));
    if mailbox {
        pieces = pieces.iter().map(|piece| framed(piece)).collect();
    }
    for seed in 0..(SEEDS * share) as u64 {
        let len = 1_usize << chance.below(15);
        let piece: Vec<u8> =
            std::iter::repeat_with(|| chance.bytes()).flatten().take(len).collect();
        pieces.push(if mailbox && seed % 2 == 0 { framed(&piece) } else { piece });
    }
    pieces
}

/// What gossipsub says to who is to leave a topic alone for so many seconds (H-4): an `RPC` with one `ControlPrune`,
/// behind its length.
fn prune(backoff: u64) -> Vec<u8> {
    let number = |mut value: u64| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        bytes.push(value.to_le_bytes()[0]);
        bytes
    };
    let within = |field: u8, inner: &[u8]| [&[field << 3 | 2, inner.len() as u8], inner].concat();
    let seconds = [&[3 << 3], &number(backoff)[..]].concat();
    let prune = [within(1, b"topic"), seconds].concat();
    let rpc = within(3, &within(4, &prune));
    [&number(rpc.len() as u64), &rpc[..]].concat()
}

/// At once. A guess: fewer leave the far end idle.
const WORKERS: usize = 8;
/// Seeds beside the corpora, on each protocol.
const SEEDS: f64 = 200.0;
/// How often a connection is made anew for one piece.
const TRIES: usize = 20;
/// How long anything may take: each has a deadline of its own at the far end, of half a minute at most.
const LONGEST: Duration = Duration::from_secs(60);
