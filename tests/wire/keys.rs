//! The secrets behind the forms, and names that follow from them: all that another program needs to open
//! the vectors and to make them again.

use std::collections::BTreeMap;

use hearthlight_protocol::crypto::{Label, Secret, Suite, hash};
use hearthlight_protocol::envelope::Envelope;
use hearthlight_protocol::identity::{CircleId, Identity, MemberId, Nonce};
use hearthlight_protocol::message::Message;
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire;

use crate::forms::{self, EPOCH, HERE, SEAL, anna, ben, key, mailbox};

const ROOT: [u8; 32] = [0x40; 32];
const SALT: [u8; 16] = [0x5a; 16];

/// What stands in `vectors/keys.json`: each by its name, in hex.
pub(crate) fn all() -> BTreeMap<&'static str, String> {
    let (hybrid, hybrid_secrets) = forms::card(&ben(), &HERE, Suite::Hybrid);
    let (thin, thin_secrets) = forms::card(&ben(), &HERE, Suite::Thin);
    let (found, found_secrets) = forms::card(&anna(), &CircleId::NONE, Suite::Thin);
    let ends = forms::ends();
    let envelope = Envelope::parse(forms::envelope()).expect("it is one");
    let topic = hash(Label::Topic, &CircleId::NONE, &[&mailbox().0]);
    let form = |name: &str| {
        let form = forms::all().into_iter().find(|form| form.name == name);
        form.expect("it is made").bytes
    };
    let operation = |name: &str, circle: &CircleId| {
        let signed: Signed = wire::decode(&form(name)).expect("it is one");
        signed.id(Label::Operation, circle)
    };
    let pseudonym = Identity::new(Secret::new(ROOT.to_vec())).pseudonym(&Nonce(SALT));
    let ben_id = MemberId::of(&key(&ben()));
    let mut keys = BTreeMap::new();
    let mut put = |name, bytes: &[u8]| {
        keys.insert(name, crate::digits(bytes));
    };
    // Secrets, and what the forms are read with.
    put("anna-seed", &[0xa1; 32]);
    put("ben-seed", &[0xb1; 32]);
    put("ben-seal-hybrid", hybrid_secrets.seal.bytes());
    put("ben-seal-thin", thin_secrets.seal.bytes());
    put("anna-seal-found", found_secrets.seal.bytes());
    put("ben-speak-seed-thin", &thin_secrets.secret().bytes()[32..]);
    put("ben-speak-seed-hybrid", &hybrid_secrets.secret().bytes()[32..]);
    put("anna-speak-seed-found", &found_secrets.secret().bytes()[32..]);
    put("circle", &HERE.0);
    put("epoch", &EPOCH.0);
    put("mailbox-seed", &[0x3b; 32]);
    put("envelope-key", &SEAL);
    put("prover", &ends.prover.0);
    put("verifier", &ends.verifier.0);
    put("prover-nonce", &ends.prover_nonce.0);
    put("verifier-nonce", &ends.verifier_nonce.0);
    put("token", &[0x70; 16]);
    put("root", &ROOT);
    put("salt", &SALT);
    // What is only carried.
    put("asked", &[0x1d; 32]);
    put("reconcile", &[0x61, 0, 0]);
    put("help-to", &forms::pair().to.0);
    put("help-sealed", &forms::pair().sealed.0);
    // Names.
    put("pseudonym", &pseudonym.public());
    put("anna", &MemberId::of(&key(&anna())).0);
    put("ben", &ben_id.0);
    put("card-id-hybrid", &hybrid.id.0);
    put("card-id-thin", &thin.id.0);
    put("card-id-found", &found.id.0);
    put("operation-id-admit", &operation("operation-admit", &HERE));
    put("circle-founded", &operation("operation-found", &CircleId::NONE));
    put("message-id", &Message::id(&form("message"), &HERE).0);
    put("message-id-newer", &Message::id(&form("message-newer"), &HERE).0);
    put("envelope-id", &envelope.id(&mailbox()).0);
    put("topic", &topic);
    put("info-help", &hash(Label::Help, &HERE, &[]));
    put("info-pair", &hash(Label::Pair, &HERE, &[&ben_id.0]));
    put("info-token-seal", &hash(Label::TokenSeal, &HERE, &[]));
    put("invite-code", forms::code().text().as_bytes());
    keys
}
