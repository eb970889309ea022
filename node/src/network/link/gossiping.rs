//! Gossip between swarm and machine.

use std::time::Instant;

use hearthlight_protocol::boundary::{Input, Judgement};
use libp2p::{PeerId, gossipsub};

use super::{
    super::gossip::{self, Command, Misbehaved},
    Task,
};

impl Task<'_> {
    pub(super) fn gossip(&mut self, command: Command) {
        let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() else {
            return;
        };
        match command {
            Command::Publish(topic, bytes) => {
                // Nobody there, or no room: reconciliation brings it.
                if let Err(error) = gossip.inner_mut().publish(gossip::topic(&topic), bytes) {
                    tracing::trace!(reason = why(&error), "not gossiped");
                }
            }
            Command::Judge(id, judgement) => {
                let Some((message, source, conduct)) = self.pending.judged(id, judgement) else {
                    return;
                };
                let verdict = gossip::acceptance(judgement);
                let gossip = gossip.inner_mut();
                gossip.report_message_validation_result(&message, &source, verdict);
                if conduct == Err(Misbehaved) {
                    tracing::debug!("a peer passed on too much that is wrong");
                    self.close_peer(source);
                }
            }
        }
    }

    pub(super) fn gossiped(
        &mut self,
        source: PeerId,
        message: gossipsub::MessageId,
        content: gossipsub::Message,
    ) {
        let link = self.shared.link;
        let came = self.pending.came(message.clone(), source, Instant::now());
        let (Ok(id), Some(topic)) = (&came, gossip::named(&content.topic)) else {
            if came == Err(Misbehaved) {
                tracing::debug!("a peer gossips too much");
                self.close_peer(source);
            }
            return self.ignore(&message, &source);
        };
        if !self.inputs.offer(Input::Gossip { link, topic, id: *id, bytes: content.data }) {
            self.pending.judged(*id, Judgement::Ignore);
            self.ignore(&message, &source);
        }
        while let Some((message, source)) = self.pending.surplus() {
            self.ignore(&message, &source);
        }
    }

    pub(super) fn ignore(&mut self, message: &gossipsub::MessageId, source: &PeerId) {
        if let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() {
            let verdict = gossipsub::MessageAcceptance::Ignore;
            gossip.inner_mut().report_message_validation_result(message, source, verdict);
        }
    }
}

fn why(error: &gossipsub::PublishError) -> &'static str {
    match error {
        gossipsub::PublishError::Duplicate => "duplicate",
        gossipsub::PublishError::NoPeersSubscribedToTopic => "nobody",
        gossipsub::PublishError::MessageTooLarge => "size",
        gossipsub::PublishError::AllQueuesFull(_) => "full",
        _ => "other",
    }
}
