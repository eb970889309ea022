//! The way of inputs from the network to the machine, bounded in number and in bytes (P7).
//!
//! Who brings frames waits while the machine is behind; then it stops reading, and the peer's own
//! writing stops in turn.

use std::sync::Arc;

use hearthlight_protocol::boundary::Input;
use tokio::sync::{Semaphore, mpsc};

/// A way with room for [`INPUTS`] inputs and [`ROOM`] bytes.
pub(crate) fn inbox() -> (Inputs, Inbox) {
    let (sender, channel) = mpsc::channel(INPUTS);
    let room = Arc::new(Semaphore::new(ROOM));
    let inputs = Inputs { channel: sender, room: Arc::clone(&room) };
    (inputs, Inbox { channel, room })
}

/// Where network tasks put what came; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    channel: mpsc::Sender<Input>,
    room: Arc<Semaphore>,
}

/// The machine is gone, or takes its inputs elsewhere now.
#[derive(Debug)]
pub(crate) struct Closed;

impl Inputs {
    /// Waits for room, then puts `input` behind all others.
    pub(crate) async fn send(&self, input: Input) -> Result<(), Closed> {
        let taken = self.room.acquire_many(bytes(&input)).await.map_err(|_| Closed)?;
        self.channel.send(input).await.map_err(|_| Closed)?;
        taken.forget();
        Ok(())
    }

    /// Puts `input` behind all others if there is room; says whether there was.
    pub(crate) fn offer(&self, input: Input) -> bool {
        let Ok(taken) = self.room.try_acquire_many(bytes(&input)) else {
            return false;
        };
        if self.channel.try_send(input).is_err() {
            return false;
        }
        taken.forget();
        true
    }
}

/// Where the driver takes inputs from.
#[derive(Debug)]
pub(crate) struct Inbox {
    channel: mpsc::Receiver<Input>,
    room: Arc<Semaphore>,
}

impl Inbox {
    /// The next input; waits for it.
    pub(crate) async fn recv(&mut self) -> Option<Input> {
        let input = self.channel.recv().await?;
        Some(self.taken(input))
    }

    /// The next input, if one is there.
    pub(crate) fn take(&mut self) -> Option<Input> {
        let input = self.channel.try_recv().ok()?;
        Some(self.taken(input))
    }

    fn taken(&self, input: Input) -> Input {
        self.room.add_permits(bytes(&input) as usize);
        input
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// What an input weighs: its bytes.
pub(crate) fn bytes(input: &Input) -> u32 {
    match input {
        Input::Frame { bytes, .. } | Input::Gossip { bytes, .. } => {
            u32::try_from(bytes.len()).unwrap_or(u32::MAX)
        }
        _ => 0,
    }
}

/// Inputs that may wait (a guess: ten batches of the driver).
const INPUTS: usize = 4096;
/// Bytes that may wait: fifteen of the largest frames.
const ROOM: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use hearthlight_protocol::{boundary::Link, identity::Peer};

    use super::*;

    fn frame(len: usize) -> Input {
        Input::Frame { link: Link(1), peer: Peer([1; 32]), bytes: vec![0; len] }
    }

    #[tokio::test]
    async fn bytes_that_wait_are_bounded_and_their_room_comes_back() {
        let (inputs, mut inbox) = inbox();
        for _ in 0..16 {
            assert!(inputs.offer(frame(1 << 20)));
        }
        assert!(!inputs.offer(frame(1)));
        assert!(inbox.take().is_some());
        assert!(inputs.offer(frame(1 << 20)));
    }

    #[tokio::test]
    async fn inputs_that_wait_are_bounded() {
        let (inputs, _inbox) = inbox();
        for _ in 0..INPUTS {
            assert!(inputs.offer(frame(0)));
        }
        assert!(!inputs.offer(frame(0)));
    }

    #[tokio::test]
    async fn who_waits_for_room_learns_that_the_machine_is_gone() {
        let (inputs, inbox) = inbox();
        while inputs.offer(frame(1 << 20)) {}
        let waiting = tokio::spawn(async move { inputs.send(frame(1 << 20)).await });
        drop(inbox);
        assert!(waiting.await.expect("no panic").is_err());
    }
}
