//! Counts the bytes that go to and from a relay, as its sockets see them.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// A TCP proxy in front of a relay on this computer.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    bytes: Arc<AtomicU64>,
}

impl Proxy {
    /// Listens at a port of its own, and passes everything on to `port`, until the process ends.
    pub(crate) fn start(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self { port: listener.local_addr()?.port(), bytes: Arc::default() };
        let bytes = Arc::clone(&proxy.bytes);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // Who is turned away here tries again.
                let _ = join(near, port, &bytes);
            }
        });
        Ok(proxy)
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Bytes so far, both ways together.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn join(near: TcpStream, port: u16, bytes: &Arc<AtomicU64>) -> io::Result<()> {
    let far = TcpStream::connect(("127.0.0.1", port))?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ways = [(near.try_clone()?, far.try_clone()?), (far, near)];
    for (from, to) in ways {
        let bytes = Arc::clone(bytes);
        thread::spawn(move || pass(from, to, &bytes));
    }
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, bytes: &AtomicU64) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
        bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
