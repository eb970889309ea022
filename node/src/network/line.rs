//! A line: the frames between this node and one peer, from `Up` to `Down`.
//!
//! One task owns both directions, so that the machine hears `Up` before the first frame and `Down`
//! after the last one. On the wire a frame is its length, 4 bytes big-endian, and its bytes.

use std::{
    collections::HashMap,
    io,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, future::join, io::BufWriter};
use hearthlight_protocol::{
    boundary::{Input, Link},
    identity::Peer,
    mailbox::MAX_FRAME,
};
use libp2p::Stream;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::inbox::{Closed, Inputs};

/// The lines of one swarm by peer: where the driver puts frames that leave.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Mutex<HashMap<Peer, Line>>>);

#[derive(Debug)]
struct Line {
    queue: mpsc::Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    /// Sent: end at once. Dropped: write what waits, then end.
    cut: oneshot::Sender<()>,
}

impl Lines {
    /// Makes a line to `peer`; its task is run with what this gives.
    pub(super) fn begin(&self, peer: Peer) -> Ends {
        let (queue, frames) = mpsc::channel(FRAMES);
        let (cut, cutting) = oneshot::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        self.lock().insert(peer, Line { queue, waiting: Arc::clone(&waiting), cut });
        Ends { frames, waiting, cutting }
    }

    /// Puts a frame behind all others to this peer. A peer that does not take them is cut off.
    pub(super) fn send(&self, peer: &Peer, bytes: Vec<u8>) {
        let mut lines = self.lock();
        let Some(line) = lines.get(peer) else { return };
        let waiting = line.waiting.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if waiting > QUEUE || bytes.len() > MAX_FRAME || line.queue.try_send(bytes).is_err() {
            tracing::debug!("a peer does not take its frames");
            if let Some(line) = lines.remove(peer) {
                let _ = line.cut.send(());
            }
        }
    }

    /// Ends the line after what waits has left and the peer has closed it too, or a second. What still comes
    /// is not heard.
    pub(super) fn close(&self, peer: &Peer) {
        self.lock().remove(peer);
    }

    /// Ends the line at once.
    pub(super) fn cut(&self, peer: &Peer) {
        if let Some(line) = self.lock().remove(peer) {
            let _ = line.cut.send(());
        }
    }

    /// Ends all lines as [`Self::close`] does.
    pub(super) fn close_all(&self) {
        self.lock().clear();
    }

    /// Ends all lines at once.
    pub(super) fn cut_all(&self) {
        for (_, line) in self.lock().drain() {
            let _ = line.cut.send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Peer, Line>> {
        // Nothing is left half-done by whoever panicked with it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The inner ends of a line.
#[derive(Debug)]
pub(super) struct Ends {
    frames: mpsc::Receiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    cutting: oneshot::Receiver<()>,
}

/// When anything moved on a line, so that a slow one is not taken for a dead one.
#[derive(Clone, Debug)]
pub(super) struct Moved(Arc<Motion>);

#[derive(Debug)]
struct Motion {
    began: Instant,
    last_ms: AtomicU64,
    /// Bytes written since anything was read.
    unanswered: AtomicU64,
    /// When the first of them was written that no ping has looked after; [`NEVER`] if there are none.
    owed_ms: AtomicU64,
    /// When something was written last.
    wrote_ms: AtomicU64,
}

impl Moved {
    /// Now.
    pub(super) fn new() -> Self {
        Self::since(Instant::now())
    }

    fn since(began: Instant) -> Self {
        Self(Arc::new(Motion {
            began,
            last_ms: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            owed_ms: AtomicU64::new(NEVER),
            wrote_ms: AtomicU64::new(0),
        }))
    }

    /// Something came.
    fn read(&self) {
        self.0.unanswered.store(0, Ordering::Relaxed);
        self.0.owed_ms.store(NEVER, Ordering::Relaxed);
        self.note();
    }

    /// Something was written. What is less than [`WINDOW`] may lie in the buffers of a connection that is
    /// dead; more has gone, since the peer made room for it.
    fn wrote(&self, bytes: usize) {
        let bytes = bytes as u64;
        let now = self.now_ms();
        self.0.owed_ms.fetch_min(now, Ordering::Relaxed);
        self.0.wrote_ms.store(now, Ordering::Relaxed);
        if self.0.unanswered.fetch_add(bytes, Ordering::Relaxed) + bytes > WINDOW {
            self.note();
        }
    }

    fn note(&self) {
        self.0.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether something was written so long ago, and nothing read since. `again`: and whether something was
    /// written again after that time, as a question is, and a last word is not. Says so once: whoever asks
    /// looks after what was written until now.
    pub(super) fn take_owed(&self, patience: Duration, again: bool) -> bool {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let since = self.0.owed_ms.load(Ordering::Relaxed);
        let until = if again { self.0.wrote_ms.load(Ordering::Relaxed) } else { self.now_ms() };
        since.saturating_add(patience) <= until
            && self.0.owed_ms.swap(NEVER, Ordering::Relaxed) != NEVER
    }

    /// For how long nothing has moved.
    pub(super) fn still_for(&self) -> Duration {
        let last = Duration::from_millis(self.0.last_ms.load(Ordering::Relaxed));
        self.0.began.elapsed().saturating_sub(last)
    }
}

/// What a line's task works with.
pub(super) struct Task<S> {
    pub(super) link: Link,
    pub(super) peer: Peer,
    /// This side's key on the link.
    pub(super) me: Peer,
    /// Whether the peer was reached as a relay.
    pub(super) relay: bool,
    pub(super) inputs: Inputs,
    pub(super) lines: Lines,
    pub(super) ends: Ends,
    pub(super) moved: Moved,
    /// The stream that this side opened.
    pub(super) opened: S,
    /// The stream that the peer opened, once it has.
    pub(super) accepted: oneshot::Receiver<S>,
}

impl Task<Stream> {
    /// Says `Up`, carries frames both ways, and says `Down` when either direction ends.
    pub(super) async fn run(self) -> Peer {
        let Self { link, peer, me, relay, inputs, lines, ends, moved, opened, accepted } = self;
        let Ends { frames, waiting, mut cutting } = ends;
        if inputs.send(Input::Up { link, peer, me, relay }).await.is_ok() {
            let mut write = pin!(write_all(opened, frames, &waiting, &moved));
            let closing = AtomicBool::new(false);
            let mut read = pin!(async {
                // A stream that never comes: the other direction ends the line.
                let Ok(stream) = accepted.await else {
                    return std::future::pending().await;
                };
                let hand_on = async |bytes| match closing.load(Ordering::Relaxed) {
                    true => Ok(()),
                    false => inputs.send(Input::Frame { link, peer, bytes }).await,
                };
                read_all(stream, &moved, Pace::OF_LINES, hand_on).await
            });
            // The peer ends a line that is closed here: a socket that goes with something unread in it resets,
            // and what was written last does not arrive.
            tokio::select! {
                biased;
                ended = &mut cutting => if ended.is_err() {
                    closing.store(true, Ordering::Relaxed);
                    let _ = timeout(DRAIN, join(&mut write, &mut read)).await;
                },
                // It is closed since that look; or the connection has ended, but not all that came is read.
                wrote = &mut write => {
                    closing.store(wrote.is_ok(), Ordering::Relaxed);
                    tokio::select! {
                        Ok(()) = &mut cutting => {},
                        _ = timeout(DRAIN, &mut read) => {},
                    }
                },
                _ = &mut read => {},
            }
        }
        lines.cut(&peer);
        let _ = inputs.send(Input::Down { link, peer }).await;
        peer
    }
}

/// Writes frames until there are no more, flushing whenever none waits.
async fn write_all(
    stream: impl AsyncWrite + Unpin,
    mut frames: mpsc::Receiver<Vec<u8>>,
    waiting: &AtomicUsize,
    moved: &Moved,
) -> io::Result<()> {
    let mut stream = BufWriter::with_capacity(COALESCE, stream);
    while let Some(frame) = frames.recv().await {
        let mut next = Some(frame);
        while let Some(frame) = next {
            waiting.fetch_sub(frame.len(), Ordering::Relaxed);
            let len = u32::try_from(frame.len()).map_err(io::Error::other)?;
            stream.write_all(&len.to_be_bytes()).await?;
            for piece in frame.chunks(PIECE) {
                stream.write_all(piece).await?;
                moved.wrote(piece.len());
            }
            next = frames.try_recv().ok();
        }
        stream.flush().await?;
    }
    stream.close().await
}

/// Reads frames and hands them on in order, until the stream ends or is not in order.
async fn read_all<F: Future<Output = Result<(), Closed>>>(
    mut stream: impl AsyncRead + Unpin,
    moved: &Moved,
    pace: Pace,
    hand_on: impl Fn(Vec<u8>) -> F,
) -> io::Result<()> {
    loop {
        let mut head = [0; 4];
        // No deadline between frames: a quiet peer is no fault.
        stream.read_exact(&mut head[..1]).await?;
        timeout(pace.patience, stream.read_exact(&mut head[1..])).await??;
        let len = u32::from_be_bytes(head) as usize;
        if len > MAX_FRAME {
            tracing::debug!("a peer sent a length over the limit");
            return Err(io::ErrorKind::InvalidData.into());
        }
        let frame = timeout(pace.of(len), read_frame(&mut stream, len, moved)).await??;
        if hand_on(frame).await.is_err() {
            return Ok(());
        }
    }
}

/// How slowly a frame may come once it has begun (H-3).
#[derive(Clone, Copy)]
struct Pace {
    patience: Duration,
    /// And so much more for each [`STRIDE`] bytes.
    stride: Duration,
}

impl Pace {
    /// 32 kbit/s: the slowest link that still works (a guess).
    const OF_LINES: Self =
        Self { patience: Duration::from_secs(30), stride: Duration::from_secs(1) };

    /// How long `len` bytes may take.
    fn of(self, len: usize) -> Duration {
        self.patience + self.stride.saturating_mul(u32::try_from(len / STRIDE).unwrap_or(u32::MAX))
    }
}

/// `len` bytes; the buffer grows as they come, so that a length alone costs nothing.
async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    len: usize,
    moved: &Moved,
) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    while frame.len() < len {
        let have = frame.len();
        frame.resize(len.min(have + PIECE), 0);
        stream.read_exact(&mut frame[have..]).await?;
        moved.read();
    }
    Ok(frame)
}

/// Frames that may wait for a peer (proposed).
const FRAMES: usize = 1024;
/// Bytes that may wait for a peer: seven of the largest frames (proposed).
const QUEUE: usize = 8 << 20;
/// Small frames up to so many bytes go out together.
const COALESCE: usize = 16 << 10;
/// Bytes read or written at a time.
const PIECE: usize = 32 << 10;
/// What yamux lets a stream send ahead of its reader. It grows on a link that was fast; on such a link a
/// dead connection under heavy traffic is noticed later.
const WINDOW: u64 = 256 << 10;
/// No moment of a line.
const NEVER: u64 = u64::MAX;
/// See [`Pace`].
const STRIDE: usize = 4 << 10;
/// How long what waits has to leave when a line is closed, and the peer to close it too.
const DRAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use data_encoding::HEXLOWER;
    use futures::io::Cursor;

    use super::*;

    async fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, io::Result<()>) {
        let frames = Mutex::new(Vec::new());
        let ended = read_all(Cursor::new(bytes), &Moved::new(), Pace::OF_LINES, async |frame| {
            frames.lock().expect("no panic").push(frame);
            Ok(())
        })
        .await;
        (frames.into_inner().expect("no panic"), ended)
    }

    #[tokio::test]
    async fn frames_come_as_they_were_sent() {
        let (queue, frames) = mpsc::channel(8);
        let sent = [vec![1; 3], vec![], vec![2; MAX_FRAME], vec![3]];
        for frame in &sent {
            queue.try_send(frame.clone()).expect("room");
        }
        drop(queue);
        let mut wire = Vec::new();
        let waiting = AtomicUsize::new(sent.iter().map(Vec::len).sum());
        write_all(&mut wire, frames, &waiting, &Moved::new()).await.expect("written");
        assert_eq!(waiting.into_inner(), 0);
        let (came, _) = read(&wire).await;
        assert!(came == sent);
    }

    #[tokio::test]
    async fn a_length_over_the_limit_is_refused_before_its_bytes_are_waited_for() {
        let len = u32::try_from(MAX_FRAME + 1).expect("small");
        let (came, ended) = read(&len.to_be_bytes()).await;
        assert!(came.is_empty());
        assert_eq!(ended.expect_err("refused").kind(), io::ErrorKind::InvalidData);
    }

    /// H-2: the ends of what four bytes state.
    #[tokio::test]
    async fn a_length_is_taken_up_to_the_limit_and_no_further() {
        let most = u32::try_from(MAX_FRAME).expect("small");
        for len in [most + 1, 1 << 30, 1 << 31, u32::MAX - 1, u32::MAX] {
            let (came, ended) = read(&len.to_be_bytes()).await;
            assert!(came.is_empty() && ended.is_err(), "{len}");
        }
        let whole = [&most.to_be_bytes()[..], &vec![7; MAX_FRAME]].concat();
        assert_eq!(read(&whole).await.0[0].len(), MAX_FRAME);
        assert_eq!(read(&[0, 0, 0, 0]).await.0, [Vec::<u8>::new()]);
    }

    /// H-1: 10,000 seeds. What is handed on is what lies between lengths, and no more than came.
    #[tokio::test]
    async fn random_bytes_are_frames_by_their_lengths_or_the_end() {
        let mut state = 1_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        for seed in 0..10_000 {
            let mut bytes: Vec<u8> = (0..64).map(|_| next()).collect();
            if seed % 2 == 0 {
                // Lengths that may be there.
                bytes[..3].fill(0);
            }
            let (came, ended) = read(&bytes).await;
            assert!(ended.is_err(), "there is an end");
            let mut rest = &bytes[..];
            for frame in came {
                let (head, after) = rest.split_at(4);
                assert_eq!(head, u32::try_from(frame.len()).expect("small").to_be_bytes());
                assert_eq!(after[..frame.len()], frame);
                rest = &after[frame.len()..];
            }
            // No whole one was left out.
            if let Some((head, after)) = rest.split_first_chunk::<4>() {
                let len = u32::from_be_bytes(*head) as usize;
                assert!(len > MAX_FRAME || len > after.len(), "SEED={seed}");
            }
        }
    }

    /// Gives one byte at a time.
    struct Single<'a>(&'a [u8]);

    impl AsyncRead for Single<'_> {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            into: &mut [u8],
        ) -> std::task::Poll<io::Result<usize>> {
            let many = self.0.len().min(into.len()).min(1);
            let (now, later) = self.0.split_at(many);
            into[..many].copy_from_slice(now);
            self.0 = later;
            std::task::Poll::Ready(Ok(many))
        }
    }

    /// H-3: sent in pieces of one byte, and cut after each.
    #[tokio::test]
    async fn a_frame_in_single_bytes_is_the_same_frame() {
        let wire = [&[0, 0, 0, 3, 1, 2, 3][..], &[0, 0, 0, 0], &[0, 0, 1, 0], &[7; 256]].concat();
        let all = [vec![1, 2, 3], Vec::new(), vec![7; 256]];
        for cut in 0..=wire.len() {
            let frames = Mutex::new(Vec::new());
            let ended =
                read_all(Single(&wire[..cut]), &Moved::new(), Pace::OF_LINES, async |frame| {
                    frames.lock().expect("no panic").push(frame);
                    Ok(())
                })
                .await;
            assert_eq!(ended.expect_err("an end").kind(), io::ErrorKind::UnexpectedEof);
            let whole = [7, 11, 271].iter().filter(|end| cut >= **end).count();
            let came = frames.into_inner().expect("no panic");
            assert_eq!(came, all[..whole], "cut at {cut}");
            assert_eq!(read(&wire[..cut]).await.0, came);
        }
    }

    /// All packets that have a wire vector, as they go over a line.
    fn packets() -> Vec<(String, Vec<u8>)> {
        let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/wire/vectors");
        let all = std::fs::read_dir(vectors).expect("they are committed").flatten();
        let packets = all.filter(|file| file.file_name().to_string_lossy().starts_with("packet"));
        let framed = |bytes: Vec<u8>| {
            let len = u32::try_from(bytes.len()).expect("small");
            [&len.to_be_bytes()[..], &bytes].concat()
        };
        let packets = packets.map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(file.path()).expect("it can be read");
            let digits: String = text.split_whitespace().collect();
            let bytes = HEXLOWER.decode(digits.as_bytes()).expect("hex digits");
            (name, framed(bytes))
        });
        packets.collect()
    }

    /// Sends `wire` a byte at a time, with `pause` before each.
    async fn dribble(mut to: tokio::io::DuplexStream, wire: &[u8], pause: Duration) {
        use tokio::io::AsyncWriteExt as _;
        for byte in wire {
            tokio::time::sleep(pause).await;
            if to.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    }

    /// What comes of a frame that is sent so slowly, and how it ended.
    async fn slowly(wire: &[u8], pause: Duration, pace: Pace) -> (Vec<Vec<u8>>, io::Error) {
        let (near, far) = tokio::io::duplex(1);
        let (frames, moved) = (Mutex::new(Vec::new()), Moved::new());
        let read = read_all(Tokio(far), &moved, pace, async |frame| {
            frames.lock().expect("no panic").push(frame);
            Ok(())
        });
        let (ended, ()) = tokio::join!(read, dribble(near, wire, pause));
        (frames.into_inner().expect("no panic"), ended.expect_err("there is an end"))
    }

    /// A stream of tokio's as one of libp2p's.
    struct Tokio(tokio::io::DuplexStream);

    impl AsyncRead for Tokio {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
            into: &mut [u8],
        ) -> std::task::Poll<io::Result<usize>> {
            let mut buffer = tokio::io::ReadBuf::new(into);
            let read =
                tokio::io::AsyncRead::poll_read(std::pin::Pin::new(&mut self.0), cx, &mut buffer);
            read.map_ok(|()| buffer.filled().len())
        }
    }

    /// H-3: every packet a byte at a time is the same packet, where there is time for it.
    #[tokio::test]
    async fn a_packet_that_comes_byte_by_byte_is_the_same_packet() {
        let packets = packets();
        assert!(packets.len() > 16, "each kind has its vector");
        for (name, wire) in &packets {
            let (came, ended) = slowly(wire, Duration::ZERO, Pace::OF_LINES).await;
            assert_eq!(came, [&wire[4..]], "{name}");
            assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof, "{name}");
        }
    }

    /// H-3: a second is a millisecond here. What has begun is over in time, however steadily it dribbles, and
    /// nothing of it is handed on; what is short enough is there whole.
    #[tokio::test]
    async fn what_dribbles_is_whole_or_closed_by_the_deadline() {
        let (second, mut closed) = (Duration::from_millis(1), 0);
        let pace = Pace { patience: 30 * second, stride: second };
        for (name, wire) in packets() {
            let (came, ended) = slowly(&wire, second, pace).await;
            match came.as_slice() {
                [] => {
                    assert_eq!(ended.kind(), io::ErrorKind::TimedOut, "{name}");
                    closed += 1;
                }
                [frame] => assert!(wire[4..] == *frame && wire.len() < 64, "{name}"),
                more => panic!("{name}: {} frames of one", more.len()),
            }
        }
        assert!(closed > 8, "most are longer than half a minute of bytes: {closed}");
        // A length that dribbles is a frame that has begun, too.
        let (came, ended) = slowly(&[0, 0], second, pace).await;
        assert!(came.is_empty() && ended.kind() == io::ErrorKind::UnexpectedEof);
        let (came, ended) = slowly(&[0; 4], 20 * second, pace).await;
        assert!(came.is_empty() && ended.kind() == io::ErrorKind::TimedOut);
        let (minute, pace) = (Duration::from_secs(60), Pace::OF_LINES);
        assert_eq!(pace.of(60), minute / 2, "as it is outside of tests");
        assert!(pace.of(MAX_FRAME) < 6 * minute);
    }

    #[tokio::test]
    async fn a_frame_that_breaks_off_is_not_handed_on() {
        let (came, ended) = read(&[0, 0, 0, 1, 7, 0, 0, 0, 2, 8]).await;
        assert_eq!(came, [[7]]);
        assert_eq!(ended.expect_err("broken off").kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_may_lie_in_the_buffers_of_a_dead_connection_is_no_sign_of_life() {
        let long = Duration::from_secs(60);
        let moved = Moved::since(Instant::now().checked_sub(long).expect("it was up"));
        let window = usize::try_from(WINDOW).expect("small");
        moved.wrote(window);
        assert!(moved.still_for() >= long);
        moved.wrote(1);
        assert!(moved.still_for() < long, "the peer took something");
        let moved = Moved::since(Instant::now().checked_sub(long).expect("it was up"));
        moved.wrote(window);
        moved.read();
        assert!(moved.still_for() < long);
        moved.wrote(window);
        assert_eq!(moved.0.unanswered.load(Ordering::Relaxed), WINDOW, "it is counted anew");
    }

    #[test]
    fn what_was_written_and_not_answered_is_owed_once() {
        let (now, minute) = (Duration::ZERO, Duration::from_secs(60));
        let moved = Moved::since(Instant::now().checked_sub(minute).expect("it was up"));
        assert!(!moved.take_owed(now, false), "nothing was written");
        moved.wrote(1);
        assert!(!moved.take_owed(minute, false), "it has time");
        assert!(moved.take_owed(now, false));
        assert!(!moved.take_owed(now, false), "it is looked after");
        moved.wrote(1);
        moved.read();
        assert!(!moved.take_owed(now, false), "something came");
    }

    #[test]
    fn a_last_word_is_not_owed_an_answer_where_only_questions_are() {
        let minute = Duration::from_secs(60);
        let moved = Moved::since(Instant::now().checked_sub(2 * minute).expect("it was up"));
        moved.wrote(1);
        moved.0.owed_ms.store(0, Ordering::Relaxed);
        moved.0.wrote_ms.store(0, Ordering::Relaxed);
        assert!(!moved.take_owed(minute, true), "it was said once");
        moved.wrote(1);
        assert!(moved.take_owed(minute, true));
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_cut_off() {
        let lines = Lines::default();
        let peer = Peer([1; 32]);
        let mut ends = lines.begin(peer);
        for _ in 0..8 {
            lines.send(&peer, vec![0; 1 << 20]);
        }
        assert!(ends.cutting.try_recv().is_err(), "8 MiB may wait");
        lines.send(&peer, vec![0]);
        assert!(ends.cutting.try_recv().is_ok());
        let mut ends = lines.begin(peer);
        for _ in 0..FRAMES {
            lines.send(&peer, vec![0]);
        }
        assert!(ends.cutting.try_recv().is_err(), "so many frames may wait");
        lines.send(&peer, vec![0]);
        assert!(ends.cutting.try_recv().is_ok());
    }
}
