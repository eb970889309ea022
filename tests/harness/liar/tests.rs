//! What a liar makes members believe is taken down, and what its machine says in truth is not.

use super::*;

const BEN: HostId = 1;
const MAILBOX: MailboxId = MailboxId([7; 32]);
const SAID: EnvelopeId = EnvelopeId([9; 32]);
const BEFORE: Timestamp = Timestamp(1_795_608_000_000);
const NOW: Timestamp = Timestamp(BEFORE.0 + 60_000);

fn lying(seed: u64, lies: Lies) -> Liar {
    let mut liar = Liar::new(Chance::new(seed), 2);
    liar.lies = lies;
    liar.begin();
    liar
}

/// What Ben has, which is one envelope.
fn holding() -> NegentropyStorageVector {
    let mut storage = NegentropyStorageVector::new();
    storage.insert(u64::from(NOW.hour()), Id::from_byte_array(SAID.0)).expect("not sealed yet");
    storage.seal().expect("not sealed yet");
    storage
}

/// The answer of a machine that has nothing to whoever has that.
fn has_nothing() -> Vec<u8> {
    let mut none = NegentropyStorageVector::new();
    none.seal().expect("not sealed yet");
    let held = holding();
    let asked = Negentropy::borrowed(&held, RECONCILE_BYTES).and_then(|mut ben| ben.initiate());
    let mut machine = Negentropy::borrowed(&none, RECONCILE_BYTES).expect("a size it takes");
    let answer = machine.reconcile(&asked.expect("a question")).expect("an answer");
    let (mailbox, round) = (MAILBOX, Round { attempt: 1, number: 0 });
    encoded(&Packet::Reconciled { mailbox, round, bytes: Bytes(answer) })
}

/// Whether Ben takes a frame for "I have all that you have".
fn concludes(frame: &[u8]) -> bool {
    let Some(Packet::Reconciled { bytes, .. }) = wire::decode(frame) else { return false };
    let held = holding();
    let mut ben = Negentropy::borrowed(&held, RECONCILE_BYTES).expect("a size it takes");
    ben.set_initiator();
    let (mut lacks, mut needs) = (Vec::new(), Vec::new());
    let next = ben.reconcile_with_ids(&bytes.0, &mut lacks, &mut needs);
    matches!(next, Ok(None)) && lacks.is_empty()
}

/// of a damaged "I have nothing" a member may read that nothing differs (`lying`, seed 30233).
#[test]
fn a_damaged_answer_that_reads_as_an_acknowledgement_is_a_claim() {
    const SEEDS: u64 = 2_000;
    let truth = has_nothing();
    assert!(!concludes(&truth));
    let mut believed = 0;
    for seed in 0..SEEDS {
        let mut liar = lying(seed, Lies { damages: 20.0, ..Lies::default() });
        let said = liar.says(BEN, truth.clone(), NOW);
        if said.iter().any(|(_, frame)| concludes(frame)) {
            believed += 1;
            assert!(liar.claims.covers(BEN, &SAID, BEFORE), "SEED={seed}");
        }
    }
    assert!(believed > 0, "no damage reads as an acknowledgement");
}

/// attempts are counted by connection, so an answer on an earlier one may fit.
#[test]
fn an_answer_that_is_said_again_is_a_claim() {
    let mut liar = lying(1, Lies::default());
    liar.says(BEN, has_nothing(), BEFORE);
    assert!(!liar.claims.covers(BEN, &SAID, BEFORE), "it was the truth");
    liar.lies.replays = 1.0;
    let greeting = encoded(&Packet::CardAsk);
    let again = (0..AGAIN).flat_map(|_| liar.says(BEN, greeting.clone(), NOW));
    assert!(again.into_iter().any(|(_, frame)| frame == has_nothing()));
    assert!(liar.claims.covers(BEN, &SAID, BEFORE));
}
