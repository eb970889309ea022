"""Reads and makes Hearthlight's wire a second time, from docs/protocol.md.

    python3 -B second.py vectors

Every file of that folder is read as a peer reads it: forms are taken, faults (form--fault) are refused. Of
each form everything that is hashed, derived or signed is then made again, from the secrets in keys.json and
openings.json, and has to come out byte for byte. What is sealed with fresh chance (the entries of openings)
is opened, sealed anew, and opened again.

Only well-kept libraries: `cbor2`, `cryptography` (X25519, ML-KEM, ChaCha20-Poly1305, HKDF) and `PyNaCl`
(libsodium: strict Ed25519, XChaCha20-Poly1305). R-n are the rules of docs/protocol.md, and "section n" is one
of its sections.

A reader of a form takes its bytes, refuses or not, and gives back the form as it is made here.
"""

import base64
import hashlib
import json
import pathlib
import sys
import unicodedata

from basics import (
    ANY, B8, B16, B32, FLAG, NONE, REFUSALS, SIG, SIGNED, U8, U16, U32, U64, Suite, check,
    decode, derive, encode, enum, give, keyed, labelled, many, member_id, optional, public, sign, size,
    struct, take, text, uint, verify, without_absent,
)  # fmt: skip
from nacl import bindings as sodium

HYBRID, THIN = Suite(1), Suite(2)


# --- Sections 3 and 4: cards and operations.

CARD = struct(B32, B32, B16, U32, ANY, B32)  # circle, member, device, rev, seal key, speak key


def take_card(signed, key, circle, suite):
    card = take(signed, CARD, key, "card", circle)
    check(card[0] == circle and card[1] == member_id(key), "a card of another circle or member")
    suite.encapsulate(card[4])
    return card


def give_card(seed, circle, device, rev, suite, seal, speak):
    member = member_id(public(seed))
    card = [circle, member, device, rev, suite.public(seal), public(speak)]
    return give(card, seed, "card", circle)


def card_id(signed, circle):
    return labelled("card", circle, signed[0])


def own_card(name, kind, circle, device, rev, suite):
    """A card from the secrets in keys.json, its id looked at."""
    seal, speak = KEYS[f"{name}-seal-{kind}"], KEYS[f"{name}-speak-seed-{kind}"]
    made = give_card(KEYS[f"{name}-seed"], circle, device, rev, suite, seal, speak)
    check_name(f"card-id-{kind}", card_id(made, circle))
    return made


OPERATION = struct(B32, B32, U32, many(B32, 200), U8, U8, FLAG, ANY)
RELAY = struct(many(ANY, 3, 1), B32, optional(B32), U16, many(ANY, 8))
BODIES = {  # R-10, by kind
    64: keyed({1: U32, 2: text(0, 128), 3: text(0, 32768), 4: optional(B32)}),
    67: keyed({1: FLAG, 2: text(0, 24), 3: B32, 4: optional(U64), 5: optional(B32)}),
    68: keyed({1: B32}),
    70: keyed({
        2: uint(7), 3: text(0, 2000), 4: optional(many(text(0, 80), 6)), 5: many(B32, 200), 6: text(0, 12), 7: uint(2),
        8: text(0, 8), 9: U64, 10: U8, 11: optional(FLAG), 12: optional(many(B32, 2)), 13: optional(B32),
        14: optional(text(0, 1000)), 15: optional(FLAG), 16: optional(text(0, 24)), 17: optional(U64),
        18: optional(text(0, 128)), 19: optional(text(0, 64)), 20: optional(B32), 21: optional(U64),
    }),
    71: keyed({1: B32, 2: U8, 3: optional(text(0, 280))}),
    72: keyed({1: B32, 2: many(B32, 200), 4: uint(4)}),
    73: keyed({1: B32}),
    74: keyed({1: B32, 2: FLAG, 3: U64}),
    75: keyed({1: B32, 2: U8, 3: optional(text(0, 200)), 4: optional(B32)}),
    81: keyed({1: B32}),
    82: keyed({1: B16, 2: U8, 3: text(0, 128), 4: SIGNED, 5: B32}),
    83: keyed({1: B32, 2: text(0, 128), 3: SIGNED, 4: optional(B32)}),
    84: keyed({1: B8, 2: B32, 3: B32, 4: U8, 5: U64, 6: FLAG, 7: U64}),
    85: keyed({1: B32, 2: uint(4)}),
    86: keyed({1: U32, 2: many(RELAY, 4)}),
    87: keyed({1: U32, 2: FLAG, 3: optional(U64), 4: FLAG, 5: U16, 6: U16}),
    88: keyed({1: many(B32, 200, 1), 2: U32, 3: U32}),
}


def operation(data):
    signed = decode(data, SIGNED)
    content = decode(signed[0], OPERATION)
    circle, author, _, parents, kind, rev, _, body = content
    founds = kind == 82 and rev == 1
    here = NONE if founds else KEYS["circle"]
    check(circle == here, "of another circle")
    check(author == member_id(public(KEYS["anna-seed"])), "of another author")
    verify(public(KEYS["anna-seed"]), signed[1], "operation", circle, signed[0])
    if kind == 89 and rev == 1:
        check(body == b"", "a join says nothing")
    elif kind in BODIES and rev == 1:
        said = decode(body, BODIES[kind])
        check(kind != 67 or said[1] or said[4] is None and said[5] is None, "an end of no grant")
        check(kind != 84 or 1 <= said[4] <= (5 if said[6] else 50), "uses")
        check(kind != 87 or (said[3] is None or said[3] >= 3600) and said[5] and said[6], "days")
        if kind == 82:
            check(parents == [] and content[2] == 1, "what founds has no past")
            check_name("circle-founded", labelled("operation", NONE, signed[0]))
            _, _, device, rev, _, _ = take_card(said[4], said[5], NONE, Suite(said[2]))
            said[4] = own_card("anna", "found", NONE, device, rev, THIN)
        if kind == 83:
            check_name("operation-id-admit", labelled("operation", circle, signed[0]))
            _, _, device, rev, _, _ = take_card(said[3], said[1], circle, THIN)
            said[3] = own_card("ben", "thin", circle, device, rev, THIN)
        content[7] = encode(without_absent(said))
    content[1] = member_id(public(KEYS["anna-seed"]))
    return encode(give(content, KEYS["anna-seed"], "operation", here))


def card(suite, kind):
    def reads(data):
        signed, circle = decode(data, SIGNED), KEYS["circle"]
        _, _, device, rev, _, _ = take_card(signed, public(KEYS["ben-seed"]), circle, suite)
        return encode(own_card("ben", kind, circle, device, rev, suite))

    return reads


# --- Section 6: envelopes, mailboxes, proofs.


def padded(length):
    kib = 1024
    if length <= 32 * kib:
        return max(512, 1 << (length - 1).bit_length())
    step = 8 * kib if length <= 128 * kib else 32 * kib
    return -(-length // step) * step


def seal_envelope(key, mailbox, hour, nonce, plain):
    head = b"\x01" + hour.to_bytes(4, "big")
    whole = len(plain).to_bytes(4, "big") + plain
    whole += bytes(padded(29 + len(whole) + 16) - 29 - len(whole) - 16)
    sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(whole, head + mailbox, nonce, key)
    return head + nonce + sealed


def open_envelope(key, mailbox, data):
    check(512 <= len(data) <= 1 << 20 and padded(len(data)) == len(data), "a size that none has")
    check(data[0] == 1, "another version")
    head, nonce, sealed = data[:5], data[5:29], data[29:]
    whole = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, head + mailbox, nonce, key)
    length = int.from_bytes(whole[:4], "big")
    check(4 + length <= len(whole) and not any(whole[4 + length :]), "padding")
    return whole[4 : 4 + length]


def envelope(data):
    key, mailbox = KEYS["envelope-key"], public(KEYS["mailbox-seed"])
    plain = open_envelope(key, mailbox, data)
    check_name("envelope-id", labelled("envelope", NONE, mailbox, data))
    check_name("topic", labelled("topic", NONE, mailbox))
    return seal_envelope(key, mailbox, int.from_bytes(data[1:5], "big"), data[5:29], plain)


IDS, ENVELOPES = many(B32), many(ANY)
ROUND = struct(U32, U32)  # attempt, number
PROOF = struct(B32, SIG, FLAG, FLAG)
RELAY_CARD = keyed(dict.fromkeys(range(1, 7), text(0)) | {7: U64, 8: U64, 9: text(0), 10: U64})
PACKET = enum({
    0: (U16, B16, FLAG, FLAG), 1: (many(PROOF),), 2: (IDS,), 3: (B32, U16, B32),
    4: (B32, optional(B32), uint(8)), 5: (B32, ENVELOPES), 6: (B32, IDS), 7: (B32, IDS),
    8: (B32, IDS), 9: (B32, ENVELOPES), 10: (B32, IDS), 11: (B32, ROUND, ANY),
    12: (B32, ROUND, ANY), 13: (B32, IDS), 14: (), 15: (ANY, SIG),
})  # fmt: skip


PACKETS = (
    "hello prove proven open refused put stored announce get give gone reconcile reconciled peers card-ask card"
).split()
ENDS = "prover", "verifier", "prover-nonce", "verifier-nonce"


def packet(name):
    """Read as any packet, and made from what this one is to say."""

    def reads(data):
        number, fields = decode(data, PACKET)
        box, ids, ends = public(KEYS["mailbox-seed"]), [KEYS["asked"]], [KEYS[end] for end in ENDS]
        said = [box, ids]  # stored, announce, get, gone
        if name == "hello":
            said = [1, KEYS["prover-nonce"], False, True]
        elif name == "prove":
            for proof in fields[0]:
                verify(proof[0], proof[1], "proof", NONE, proof[0], *ends)
            signature = sign(KEYS["mailbox-seed"], "proof", NONE, box, *ends)
            said = [[[box, signature, False, True]]]
        elif name == "proven":
            said = [[box]]
        elif name == "open":
            said = [box, 3, token_link(3)]
        elif name == "refused":
            said = [box, ids[0], 4]
        elif name in ("put", "give"):
            check_name("envelope-id", labelled("envelope", NONE, box, *fields[1]))
            said = [box, fields[1]]
        elif name in ("reconcile", "reconciled"):
            said = [box, [1, 0], KEYS["reconcile"]]
        elif name == "peers":
            said = [box, [KEYS["prover"]]]
        elif name == "card-ask":
            said = []
        elif name == "card":
            verify(public(KEYS["anna-seed"]), fields[1], "relay-card", NONE, fields[0])
            card = encode(decode(fields[0], RELAY_CARD))
            said = [card, sign(KEYS["anna-seed"], "relay-card", NONE, card)]
        return encode([PACKETS.index(name), said])

    return reads


def token_link(number):
    link = labelled("token", NONE, KEYS["token"])
    for _ in range(256 - number):
        link = labelled("token", NONE, link)
    return link


def token_chain(data):
    made = b"".join(token_link(number) for number in (256, 255, 192, 0))
    check(made == data, "another chain")
    return made


# --- Section 7: messages and frames.

RUN = struct(B16, U64)
MESSAGE = struct(B32, RUN, uint(2**63 - 1), many(struct(B32, U64), 4), U64, U8, U8, size(0, 18432))
SHARE = keyed({1: text(1, 8192), 2: optional(B32), 7: optional(U8), 9: optional(text(0, 128))})
SUPPORT = keyed({1: B32, 2: uint(6)})
HAVE = struct(RUN, U64, many(struct(U64, U64), 64))
SEEN = struct(B32, many(B32, 200), many(HAVE, 256))
PAIR = struct(ANY, ANY)
ITEMS = many(enum({0: (ANY,), 1: (SEEN,), 2: (PAIR,)}), 65)
FRAME = struct(U16, SIG, ANY)


def message(data):
    said = decode(data, MESSAGE)
    shape = {(1, 1): SHARE, (3, 1): SUPPORT}.get((said[5], said[6]))
    if shape:  # of other kinds the body is passed on as it is
        said[7] = encode(without_absent(decode(said[7], shape)))
    name = "message-id" if shape else "message-id-newer"
    check_name(name, labelled("message", KEYS["circle"], data))
    return encode(said)


def frame(data):
    member, signature, payload = decode(data, FRAME)
    parts = KEYS["epoch"], member.to_bytes(2, "big")
    verify(public(KEYS["ben-seed"]), signature, "frame", KEYS["circle"], *parts, payload)
    items = decode(payload, ITEMS)
    for number, fields in items:
        if number == 0:
            fields[0] = message(fields[0])
    payload = encode(items)
    signature = sign(KEYS["ben-seed"], "frame", KEYS["circle"], *parts, payload)
    return encode([member, signature, payload])


# --- Section 5: openings, boards, and asks for help.

HEADER = struct(B32, B32, many(B32), many(B32, 16), U32, many(B16), B32, B32, B32)
OPENING = struct(SIGNED, ENVELOPES)
BOARD = many(struct(U8, ANY))
INVITE_KEYS = struct(B8, B32, B32, optional(text(0)))
ASK = keyed({1: B32, 2: SIGNED, 3: IDS, 4: many(B32, 64), 5: U8, 6: U64})
HEADS = keyed({1: B32, 2: many(B32, 200), 3: U32})
HELP = struct(ANY, ANY)
BOARD_ITEMS = {1: SIGNED, 2: SIGNED, 3: OPENING, 4: INVITE_KEYS, 5: SIGNED, 6: SIGNED, 7: HELP,
               8: struct(SIGNED, B32, ANY)}  # fmt: skip


def bound(header):  # mailbox and commitment are nothing yet
    return encode([*header[:7], bytes(32), bytes(32)])


def follow(header, secrets):
    """Board name, mailbox and commitment, which follow from both secrets and the fields before."""
    circle, epoch, board = header[0], secrets[:32], secrets[32:]
    return [
        labelled("board-name", circle, board),
        public(derive(epoch, "epoch-mailbox", circle)),
        labelled("commitment", circle, epoch, board, bound(header)),
    ]


def open_entry(suite, header, member, seal, entry):
    info = labelled("entry", header[0], bound(header))
    secrets = suite.open(seal, info, member, entry)
    check(len(secrets) == 64 and header[6:] == follow(header, secrets), "secrets that do not fit")
    return secrets


def opening(suite, kind):
    def reads(data):
        signed, entries = decode(data, OPENING)
        circle, opener = MADE["circle"], MADE["anna-seed"]
        header = take(signed, HEADER, public(opener), "opening", circle)
        check(header[0] == circle, "of another circle")
        cards = {}  # in the order of member ids
        for name, device in (("anna", b"\x01" * 16), ("ben", b"\x02" * 16)):
            seed, seal = MADE[f"{name}-seed"], MADE[f"{name}-seal-{kind}"]
            speak = MADE[f"{name}-speak-seed-{kind}"]
            made = give_card(seed, circle, device, 10, suite, seal, speak)
            cards[member_id(public(seed))] = seal, card_id(made, circle)[:16]
        check(len(entries) == len(cards), "an entry for each member")
        for (member, (seal, _)), entry in zip(sorted(cards.items()), entries):
            secrets = open_entry(suite, header, member, seal, entry)
            check_name("epoch-secret", secrets[:32])
            check_name("board-secret", secrets[32:])
            info = labelled("entry", circle, bound(header))
            anew = suite.seal(suite.public(seal), info, member, secrets)
            check(len(anew) == len(entry), "length of an entry")
            open_entry(suite, header, member, seal, anew)
        check_name(f"epoch-id-{kind}", labelled("epoch", circle, signed[0]))
        check_name("epoch-key", derive(secrets[:32], "epoch-key", circle))
        check_name("board-key", derive(secrets[32:], "board-key", circle))
        check_name("board-mailbox", public(derive(secrets[32:], "board-mailbox", circle)))
        secrets = MADE["epoch-secret"] + MADE["board-secret"]
        tags = [tag for _, (_, tag) in sorted(cards.items())]
        header = [circle, member_id(public(opener)), *header[2:5], tags, b"", b"", b""]
        header[6] = follow(header, secrets)[0]
        header[6:] = follow(header, secrets)
        return encode([give(header, opener, "opening", circle), entries])

    return reads


def board(data):
    made = []
    for kind, content in decode(data, BOARD):
        if kind not in BOARD_ITEMS:  # of a newer version: passed over
            made.append([kind, content])
            continue
        item = decode(content, BOARD_ITEMS[kind])
        anna, ben = MADE["anna-seed"], MADE["ben-seed"]
        if kind == 1:
            said = take(item, OPERATION, public(anna), "operation", decode(item[0], OPERATION)[0])
            item = give(said, anna, "operation", said[0])
        if kind == 2:
            said = take_card(item, public(ben), decode(item[0], CARD)[0], THIN)
            item = give(said, ben, "card", said[0])
        if kind == 3:
            content = opening(THIN, "thin")(content)
        if kind == 4:
            fits_code([MADE["circle"], *item[:3]])
        made.append([kind, content if kind == 3 else encode(item)])
    return encode(made)


def note(shape, label):  # what a member says of itself
    def reads(data):
        said = take(decode(data, SIGNED), shape, public(KEYS["ben-seed"]), label, KEYS["circle"])
        if label == "ask":
            take_card(said[2], public(KEYS["ben-seed"]), KEYS["circle"], THIN)
        return encode(give(said, KEYS["ben-seed"], label, KEYS["circle"]))

    return reads


def sealed_help(data):  # its bytes are made up
    decode(data, HELP)
    return encode([KEYS["help-to"], KEYS["help-sealed"]])


# --- Section 9: invite and admission.

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
USUAL = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ORIGIN = struct(B32, B8, B32, B32)  # circle, invite, inviter, r
JOIN_CARD = keyed({1: ORIGIN, 2: B32, 3: text(0), 4: text(0), 5: many(text(0)), 6: FLAG, 7: U64, 8: U8})
CLOSING_NOTE = keyed({1: ORIGIN, 2: B32, 3: U8, 4: optional(B16)})
REQUEST_BODY = keyed({1: B32, 2: B8, 3: B32, 4: SIGNED, 5: text(1, 128)})
WELCOME = keyed({1: ORIGIN, 2: B32, 3: B16, 4: SIGNED, 5: ANY})
ITEM = enum({0: (SIGNED,), 1: (SIGNED,), 2: (struct(SIGNED, SIG),), 3: (SIGNED,), 4: (SIGNED,)})


def invite_code(data):
    def next_bytes(count):
        nonlocal at
        check(at + count <= len(data) - 4, "too short")
        at += count
        return data[at - count : at]

    at = 0
    said, checksum = data[:-4], data[-4:]
    check(hashlib.sha256(b"hearthlight invite 1" + said).digest()[:4] == checksum, "a mistake in it")
    flags, end, secret = next_bytes(1)[0], next_bytes(3), next_bytes(16)
    check(flags < 8, "flags of a newer version")
    made = bytes([flags]) + end + secret
    for _ in range((flags & 3) + 1):
        length = next_bytes(1)[0]
        check(1 <= length <= 96, "length of an address")
        check(next_bytes(16) == hashlib.sha256(KEYS["verifier"]).digest()[:16], "another relay")
        made += bytes([length]) + hashlib.sha256(KEYS["verifier"]).digest()[:16] + next_bytes(length)
    check(at == len(said), "more than it says")
    made += hashlib.sha256(b"hearthlight invite 1" + made).digest()[:4]
    symbols = base64.b32encode(made).decode().rstrip("=").translate(str.maketrans(USUAL, SYMBOLS))
    check_name("invite-code", b"HL1" + symbols.encode())
    return made


def is_name(handle):  # section 9
    turns = {*"\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"}
    control = any(unicodedata.category(c) == "Cc" or c in turns for c in handle)
    plain = handle.strip() == handle == unicodedata.normalize("NFC", handle)
    return 1 <= len(handle) <= 40 and plain and not control


def fits_code(origin):
    circle, invite, inviter, r = origin
    secret = labelled("invite", circle, invite, inviter, r)[:16]
    check(secret == MADE["invite-secret"], "another code")


def rendezvous(data):
    number, [item] = decode(data, ITEM)
    if number == 2:
        return encode([number, [request(*item)]])
    shape = {0: JOIN_CARD, 1: CLOSING_NOTE, 3: WELCOME, 4: CLOSING_NOTE}[number]
    said = decode(item[0], shape)
    verify(said[2], item[1], "invite-note", said[1][0], item[0])
    fits_code(said[1])
    if number == 0:
        check(member_id(said[2]) == said[1][2], "a join card is the inviter's")
    if number == 3:
        check(said[3] == MADE["welcome-to"], "for another request")
        header = decode(said[4][0], HEADER)
        check(header[0] == said[1][0], "of another circle")
        ben = member_id(public(MADE["ben-seed"]))
        open_entry(THIN, header, ben, MADE["ben-seal-thin"], said[5])
    return encode([number, [give(said, MADE["anna-seed"], "invite-note", MADE["circle"])]])


def request(body, proof):
    circle, grown = MADE["circle"], {}
    for end in ("invite-mailbox", "invite-key", "invite-proof"):
        grown[end] = derive(MADE["invite-secret"], end, NONE)
    check(len(body[0]) <= 8192, "too long")
    said = decode(body[0], REQUEST_BODY)
    verify(said[3], body[1], "request", circle, body[0])
    verify(public(grown["invite-proof"]), proof, "request", circle, body[0])
    check(said[1] == circle and is_name(said[5]), "another circle, or a name that cannot be shown")
    take_card(said[4], said[3], circle, THIN)
    check_name("invite-mailbox", public(grown["invite-mailbox"]))
    check_name("invite-key", grown["invite-key"])
    check_name("invite-proof", public(grown["invite-proof"]))
    check_name("request-id", labelled("request", circle, body[0])[:16])
    check_name("request-words", labelled("words", circle, body[0])[:6])
    body = give(said, MADE["ben-seed"], "request", circle)
    return [body, sign(grown["invite-proof"], "request", circle, body[0])]


# --- Every file of the folder.

FORMS = {
    "ask": note(ASK, "ask"), "board": board, "board-newer": board, "card-hybrid": card(HYBRID, "hybrid"),
    "card-thin": card(THIN, "thin"), "closing-note": rendezvous, "envelope": envelope, "frame": frame,
    "frame-pair": frame, "heads": note(HEADS, "heads"), "help": sealed_help,
    "invite-code": invite_code, "join-card": rendezvous, "message": message, "message-newer": message,
    "opening-hybrid": opening(HYBRID, "hybrid"), "opening-thin": opening(THIN, "thin"),
    "refusal": rendezvous, "request": rendezvous, "token-chain": token_chain, "welcome": rendezvous,
}  # fmt: skip
KEYS, MADE = {}, {}
NAMES, CHECKED = {}, set()


def check_name(name, value):
    """A hash or key that the JSON files name has to be what they say."""
    CHECKED.add(name)
    known = KEYS.get(name, MADE.get(name))
    if known != value:
        raise AssertionError(f"{name} is {known and known.hex()}, and here {value.hex()}")


def reader(form):
    kind = form.partition("-")[0]
    if kind == "packet":
        return packet(form.removeprefix("packet-"))
    return operation if kind == "operation" else FORMS[form]


def main(folder):
    for name, into in (("keys", KEYS), ("openings", MADE)):
        for key, value in json.loads((folder / f"{name}.json").read_text()).items():
            into[key] = bytes.fromhex(value)
    check_name("anna", member_id(public(KEYS["anna-seed"])))
    check_name("ben", member_id(public(KEYS["ben-seed"])))
    check_name("pseudonym", public(derive(KEYS["root"], "pseudonym", NONE, KEYS["salt"])))
    # What opens things whose bytes are made up in the vectors.
    check_name("info-help", labelled("help", KEYS["circle"]))
    check_name("info-pair", labelled("pair", KEYS["circle"], KEYS["ben"]))
    check_name("info-token-seal", labelled("token-seal", KEYS["circle"]))
    wrong, forms, faults = [], set(), 0
    for path in sorted(folder.glob("*.hex")):
        form, _, fault = path.stem.partition("--")
        data = bytes.fromhex(path.read_text())
        try:
            made = reader(form)(data)
            if fault:
                wrong.append(f"{path.stem}: taken, and it is a fault")
            elif made != data:
                wrong.append(f"{path.stem}: made again, it is another")
            forms.add(form)
        except REFUSALS as why:
            faults += 1
            if not fault:
                wrong.append(f"{path.stem}: refused ({why})")
        except AssertionError as why:
            wrong.append(f"{path.stem}: {why}")
    print(f"{len(forms)} forms read and made, {faults} faults refused, {len(CHECKED)} names found")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
