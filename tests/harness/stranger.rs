//! Somebody at the end of a connection who says on each of its streams what a test likes (H-1, H-18): to a relay,
//! in a relay's place, and over a circuit to a member.
//!
//! Noise and yamux are done well, since who does not gets no stream. All above them is by hand: which protocol is
//! named, in which version, and what follows.

mod babble;

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

pub use babble::{babble, babbling_relay};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use hearthlight_node::address::{format, peer_of};
use hearthlight_protocol::boundary::RelayAddress;
use libp2p::{
    Multiaddr,
    core::{
        muxing::{StreamMuxerBox, StreamMuxerExt},
        upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
    },
    noise, yamux,
};
pub use libp2p::{PeerId, core::muxing::SubstreamBox as Stream, identity::Keypair};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
};

/// The mailbox protocol without its version.
pub const MAILBOX: &str = "/hearthlight/mailbox/";
/// Asks a relay for a circuit, or a place.
pub const HOP: &str = "/libp2p/circuit/relay/0.2.0/hop";
/// All streams that a relay or a member takes, and one that nobody does.
pub const PROTOCOLS: [&str; 8] = [
    "/hearthlight/mailbox/1",
    "/ipfs/id/1.0.0",
    "/ipfs/id/push/1.0.0",
    "/ipfs/ping/1.0.0",
    HOP,
    "/libp2p/circuit/relay/0.2.0/stop",
    "/meshsub/1.1.0",
    "/nobody/1",
];

/// How a stranger answers the streams that the far end opens.
#[derive(Clone, Debug)]
pub struct Manner {
    /// The one version of the mailbox protocol that it speaks.
    pub mailbox: &'static str,
    /// What it says first on a stream of it.
    pub first: Vec<u8>,
    /// What it says on any other stream, before it ends it.
    pub other: Vec<u8>,
}

impl Default for Manner {
    fn default() -> Self {
        Self { mailbox: "1", first: Vec::new(), other: Vec::new() }
    }
}

/// A connection, until it is dropped.
#[derive(Debug)]
pub struct Conn {
    /// Who is at the far end.
    pub peer: PeerId,
    asks: mpsc::Sender<oneshot::Sender<Stream>>,
    over: watch::Receiver<()>,
    /// The connection to the relay, of a circuit.
    _to_relay: Option<Box<Self>>,
}

impl Conn {
    /// Dials a port of this computer.
    ///
    /// # Errors
    /// If nobody is there, or does not want this one.
    pub async fn dial(port: u16, key: &Keypair, manner: Manner) -> io::Result<Self> {
        Self::begin(Tcp(TcpStream::connect(("127.0.0.1", port)).await?), key, manner).await
    }

    /// A circuit over a relay at the far end, to somebody who has a place there.
    ///
    /// # Errors
    /// If the relay or that one does not want it.
    pub async fn circuit(self, to: PeerId, key: &Keypair, manner: Manner) -> io::Result<Self> {
        let Some(mut stream) = self.open(HOP).await? else { return Err(unwanted()) };
        let id = to.to_bytes();
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).expect("an id is short");
        // HopMessage { type: CONNECT, peer: { id } }
        let peer = [&[0x0a, length(&id)][..], &id].concat();
        let message = [&[0x08, 1, 0x12, length(&peer)][..], &peer].concat();
        stream.write_all(&[&[length(&message)][..], &message].concat()).await?;
        stream.flush().await?;
        // HopMessage { …, status: OK }
        let answer = hear_piece(&mut stream).await?;
        if !answer.windows(2).any(|pair| pair == [0x28, 100]) {
            return Err(unwanted());
        }
        let circuit = Self::begin(stream, key, manner).await?;
        Ok(Self { _to_relay: Some(Box::new(self)), ..circuit })
    }

    async fn begin<S: Bytes>(mut stream: S, key: &Keypair, manner: Manner) -> io::Result<Self> {
        propose(&mut stream, NOISE).await?.then_some(()).ok_or_else(unwanted)?;
        let noise = noise::Config::new(key).map_err(io::Error::other)?;
        let secured = noise.upgrade_outbound(stream, NOISE).await;
        let (peer, mut stream) = secured.map_err(io::Error::other)?;
        propose(&mut stream, YAMUX).await?.then_some(()).ok_or_else(unwanted)?;
        let muxer = muxer().upgrade_outbound(stream, YAMUX).await?;
        Ok(Self::run(peer, StreamMuxerBox::new(muxer), manner))
    }

    async fn accept<S: Bytes>(mut stream: S, key: &Keypair, manner: Manner) -> io::Result<Self> {
        agree(&mut stream, |protocol| protocol == NOISE).await?;
        let noise = noise::Config::new(key).map_err(io::Error::other)?;
        let secured = noise.upgrade_inbound(stream, NOISE).await;
        let (peer, mut stream) = secured.map_err(io::Error::other)?;
        agree(&mut stream, |protocol| protocol == YAMUX).await?;
        let muxer = muxer().upgrade_inbound(stream, YAMUX).await?;
        Ok(Self::run(peer, StreamMuxerBox::new(muxer), manner))
    }

    fn run(peer: PeerId, muxer: StreamMuxerBox, manner: Manner) -> Self {
        let (asks, asked) = mpsc::channel(64);
        let (still, over) = watch::channel(());
        tokio::spawn(async move {
            drive(muxer, asked, Arc::new(manner)).await;
            drop(still);
        });
        Self { peer, asks, over, _to_relay: None }
    }

    /// A stream on which nothing was said yet.
    ///
    /// # Errors
    /// If the connection is over.
    pub async fn raw(&self) -> io::Result<Stream> {
        let (ask, stream) = oneshot::channel();
        self.asks.send(ask).await.map_err(|_| over())?;
        stream.await.map_err(|_| over())
    }

    /// A stream of this protocol; `None` if the far end does not speak it.
    ///
    /// # Errors
    /// If the connection is over.
    pub async fn open(&self, protocol: &str) -> io::Result<Option<Stream>> {
        let mut stream = self.raw().await?;
        Ok(propose(&mut stream, protocol).await?.then_some(stream))
    }

    /// Waits until the connection is over.
    pub async fn ended(&self) {
        let mut over = self.over.clone();
        while over.changed().await.is_ok() {}
    }

    /// Whether it is.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.has_changed().is_err()
    }
}

/// Says `bytes`, and may say more.
///
/// # Errors
/// If the far end has ended the stream, or the connection.
pub async fn say(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Says `bytes` and no more, and reads until the far end ends the stream too: at most 64 KiB.
///
/// # Errors
/// If the far end ends it, or the connection, in any other way.
pub async fn say_all(stream: &mut Stream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(bytes).await?;
    stream.close().await?;
    let mut answer = Vec::new();
    stream.take(64 << 10).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// A frame as it goes over a stream of the mailbox protocol.
#[must_use]
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

/// A greeting in any version below 24.
#[must_use]
pub fn greeting(version: u8, relay: bool) -> Vec<u8> {
    let bool = |value| if value { 0xf5 } else { 0xf4 };
    framed(&[&[0x82, 0, 0x84, version, 0x50][..], &[7; 16], &[bool(relay), bool(true)]].concat())
}

/// Somebody in a relay's place.
#[derive(Debug)]
pub struct Impostor {
    key: Keypair,
    listener: TcpListener,
}

impl Impostor {
    /// Listens at any port of this computer.
    ///
    /// # Errors
    /// If there is none.
    pub async fn listen() -> io::Result<Self> {
        let key = Keypair::generate_ed25519();
        Ok(Self { key, listener: TcpListener::bind("127.0.0.1:0").await? })
    }

    /// As a relay's host passes it on, with a token.
    ///
    /// # Errors
    /// If it does not listen.
    pub fn address(&self) -> io::Result<String> {
        let port = self.listener.local_addr()?.port();
        let address: Multiaddr =
            format!("/ip4/127.0.0.1/tcp/{port}").parse().map_err(io::Error::other)?;
        let key = peer_of(&self.key.public().to_peer_id()).ok_or_else(unwanted)?;
        Ok(format(&RelayAddress { addresses: vec![address.to_vec()], key, token: Some([5; 16]) }))
    }

    /// The next who dials it.
    ///
    /// # Errors
    /// If that one does not want it.
    pub async fn next(&self, manner: Manner) -> io::Result<Conn> {
        let (stream, _) = self.listener.accept().await?;
        Conn::accept(Tcp(stream), &self.key, manner).await
    }
}

/// Carries a connection until it ends or nobody holds it, and answers what the far end opens.
async fn drive(
    mut muxer: StreamMuxerBox,
    mut asked: mpsc::Receiver<oneshot::Sender<Stream>>,
    manner: Arc<Manner>,
) {
    let mut waiting = VecDeque::new();
    poll_fn(|cx| {
        loop {
            let mut moved = false;
            match asked.poll_recv(cx) {
                Poll::Ready(Some(ask)) => {
                    waiting.push_back(ask);
                    moved = true;
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if let Some(ask) = waiting.pop_front() {
                match muxer.poll_outbound_unpin(cx) {
                    Poll::Ready(Ok(stream)) => {
                        drop(ask.send(stream));
                        moved = true;
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => waiting.push_front(ask),
                }
            }
            match muxer.poll_inbound_unpin(cx) {
                Poll::Ready(Ok(stream)) => {
                    tokio::spawn(answer(stream, Arc::clone(&manner)));
                    moved = true;
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            match muxer.poll_unpin(cx) {
                Poll::Ready(Ok(_)) => moved = true,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if !moved {
                return Poll::Pending;
            }
        }
    })
    .await;
}

/// Answers a stream of the far end. It may end it as it likes.
async fn answer(mut stream: Stream, manner: Arc<Manner>) -> io::Result<()> {
    let version = |protocol: &str| protocol.strip_prefix(MAILBOX).map(|v| v == manner.mailbox);
    let agreed = agree(&mut stream, |protocol| version(protocol).unwrap_or(true)).await?;
    if version(&agreed).is_none() {
        stream.write_all(&manner.other).await?;
        return stream.close().await;
    }
    stream.write_all(&manner.first).await?;
    stream.flush().await?;
    futures::io::copy(&mut stream, &mut futures::io::sink()).await?;
    Ok(())
}

/// Proposes one protocol; answers whether the far end takes it.
async fn propose(stream: &mut (impl Bytes + ?Sized), protocol: &str) -> io::Result<bool> {
    for line in [MULTISTREAM, protocol] {
        say_line(stream, line).await?;
    }
    stream.flush().await?;
    let (head, taken) = (hear_line(stream).await?, hear_line(stream).await?);
    Ok(head == MULTISTREAM && taken == protocol)
}

/// Takes the first protocol proposed that `picks` likes.
async fn agree(
    stream: &mut (impl Bytes + ?Sized),
    picks: impl Fn(&str) -> bool,
) -> io::Result<String> {
    say_line(stream, MULTISTREAM).await?;
    stream.flush().await?;
    hear_line(stream).await?;
    loop {
        let proposed = hear_line(stream).await?;
        let taken = picks(&proposed);
        say_line(stream, if taken { &proposed } else { "na" }).await?;
        stream.flush().await?;
        if taken {
            return Ok(proposed);
        }
    }
}

async fn say_line(stream: &mut (impl Bytes + ?Sized), line: &str) -> io::Result<()> {
    let length = u8::try_from(line.len() + 1).expect("names are short");
    stream.write_all(&[&[length][..], line.as_bytes(), b"\n"].concat()).await
}

async fn hear_line(stream: &mut (impl Bytes + ?Sized)) -> io::Result<String> {
    let piece = hear_piece(stream).await?;
    Ok(String::from_utf8_lossy(&piece).trim_end().to_owned())
}

/// What follows its own length, as a varint of one or two bytes.
async fn hear_piece(stream: &mut (impl Bytes + ?Sized)) -> io::Result<Vec<u8>> {
    let mut byte = [0; 1];
    let (mut length, mut shift) = (0, 0);
    loop {
        stream.read_exact(&mut byte).await?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] < 0x80 || shift > 7 {
            break;
        }
    }
    let mut piece = vec![0; length];
    stream.read_exact(&mut piece).await?;
    Ok(piece)
}

fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(1_024);
    config
}

fn unwanted() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

fn over() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// What a connection can run over.
trait Bytes: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Bytes for S {}

/// A socket of tokio's as libp2p takes it.
struct Tcp(TcpStream);

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = tokio::io::ReadBuf::new(into);
        ready!(tokio::io::AsyncRead::poll_read(Pin::new(&mut self.0), cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        tokio::io::AsyncWrite::poll_write(Pin::new(&mut self.0), cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        tokio::io::AsyncWrite::poll_flush(Pin::new(&mut self.0), cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        tokio::io::AsyncWrite::poll_shutdown(Pin::new(&mut self.0), cx)
    }
}

const MULTISTREAM: &str = "/multistream/1.0.0";
const NOISE: &str = "/noise";
const YAMUX: &str = "/yamux/1.0.0";
