#!/usr/bin/env python3
"""Writes storage.json: a vector for every form of docs/STORAGE.md that never
changes, and for the nonce.

An independent second reading: written from docs/STORAGE.md and
docs/PROTOCOL.md, it shares no code and no table with the C sources.  All of
one store: the ring file opens the store, whose MAC key stands behind every
record.  Everything is fixed, so the file comes out the same each time:

    python3 tests/vectors/make_storage.py        write storage.json
    python3 tests/vectors/make_storage.py check  compare, write nothing

Needs the Python package `cryptography`.  Bytes are base64url without padding;
texts are texts.
"""
import base64
import hashlib
import hmac
import json
import os
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- bytes ----

def u8(n):
    return n.to_bytes(1, "big")


def u16(n):
    return n.to_bytes(2, "big")


def u32(n):
    return n.to_bytes(4, "big")


def u64(n):
    return n.to_bytes(8, "big")


def var(b):
    return u16(len(b)) + b


def long(b):
    return u32(len(b)) + b


def E(domain, *members):
    return var(domain.encode()) + b"".join(members)


def H(b):
    return hashlib.sha256(b).digest()


def replica(nation, number):
    return nation + u64(number)


def some(name, length=32):
    """Bytes that no two names share."""
    return hashlib.shake_128(b"entente storage vectors: " +
                             name.encode()).digest(length)


def text64(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def hmac256(key, b):
    return hmac.new(key, b, "sha256").digest()


def hkdf(key, salt, info):
    """RFC 5869, one block"""
    return hmac256(hmac256(salt or bytes(32), key), info + b"\1")


def gcm(key, nonce, aad, plain):
    return AESGCM(key).encrypt(nonce, plain, aad)


def siv(key, aad, plain):
    """RFC 5297: tag, then ciphertext"""
    return AESSIV(key).encrypt(plain, [aad])


# ---- the one store ----

GBR, FRA = b"GBR", b"FRA"
STORE_ID = some("store id", 16)
MAC_KEY = some("mac key")
HOME = replica(GBR, 3)
CREATED = 1767225600
ROOT_KEY = some("root key")
DOC = bytes.fromhex("019b76daa87b783d9312506b1865dad6")
SPACE = b"GBR/ops"
LABEL = some("label")
AUTHOR = some("author key id")
SHELF_LABELS = sorted([some("label of shelf"), some("label of statement")])
CONDITION = 1800000000


def mac(table, key, value):
    return hmac256(MAC_KEY, E("entente record v1", STORE_ID,
                              var(table.encode()), var(key),
                              long(value)))[:16]


def record(table, key, value):
    return dict(table=table, key=key, value=value,
                mac=mac(table, key, value))


# ---- ring, ring key, slot, one-time secret ----

RING_KEY_ID = some("ring key id", 16)
RING_KEY = some("ring key")
SYMMETRIC = {  # current, and before
    "cursor": (64, [(2, some("cursor key", 64)),
                    (1, some("cursor key before", 64))]),
    "reference": (64, [(1, some("reference key", 64)), (0, bytes(64))]),
    "nonce": (32, [(1, some("nonce key")), (0, bytes(32))]),
    "token": (32, [(1, some("token key")), (0, bytes(32))]),
}
# A scalar of 32 or 48 bytes; the first is zero, so it is below the order.
SEAL = (1, 384, 0, b"\0" + some("seal scalar", 47))
GUARD_256 = (2, 256, 0, b"\0" + some("guard scalar 256", 31))
GUARD_384 = (3, 384, 0, b"\0" + some("guard scalar 384", 47))
REQUEST = (4, 256, 0, b"\0" + some("request scalar", 31))
BEFORE = (4, 256, 1900000000, b"\0" + some("request scalar before", 31))
PRIVATE = [SEAL, GUARD_256, GUARD_384, REQUEST, BEFORE]
SLOTS = [(5, some("slot 5")), (7, some("slot 7"))]
NEXT_SLOT = 9


def ring():
    generation, nonce = 12, some("ring nonce", 12)
    plain = MAC_KEY
    for length, keys in SYMMETRIC.values():
        for number, key in keys:
            assert len(key) == length
            plain += u8(number) + key
    plain += u8(len(PRIVATE))
    for purpose, curve, until, scalar in PRIVATE:
        plain += u8(purpose) + u16(curve) + u64(until) + scalar
    plain += u64(NEXT_SLOT) + u32(len(SLOTS))
    for number, secret in SLOTS:
        plain += u64(number) + secret
    aad = E("entente ring v1", STORE_ID, u64(generation), RING_KEY_ID)
    head = u32(1) + STORE_ID + u64(generation) + RING_KEY_ID + nonce
    return dict(
        store_id=STORE_ID, mac_key=MAC_KEY, generation=generation,
        ring_key_id=RING_KEY_ID, ring_key=RING_KEY, nonce=nonce,
        next_slot=NEXT_SLOT,
        symmetric=[dict(kind=kind, generation=number, key=key)
                   for kind, (_, keys) in SYMMETRIC.items()
                   for number, key in keys],
        private=[dict(purpose=p, curve=c, until=t, scalar=s)
                 for p, c, t, s in PRIVATE],
        slots=[dict(number=n, secret=s) for n, s in SLOTS],
        plain=plain, aad=aad, file=head + gcm(RING_KEY, nonce, aad, plain))


def ring_key():
    nonce = some("ring key nonce", 12)
    aad = E("entente ring key v1", RING_KEY_ID)
    return dict(root_key=ROOT_KEY, id=RING_KEY_ID, key=RING_KEY, nonce=nonce,
                aad=aad, name="ring-%s.key" % RING_KEY_ID.hex(),
                file=u8(1) + RING_KEY_ID + nonce +
                gcm(ROOT_KEY, nonce, aad, RING_KEY))


COMMITMENT = some("commitment")
CONTENT_KEY = some("content key")


def slot():
    number, secret = SLOTS[1]
    info = E("entente slot v1", u64(number), DOC, COMMITMENT)
    kek = hkdf(secret, STORE_ID, info)
    return dict(slot=number, document=DOC, commitment=COMMITMENT, info=info,
                kek=kek, content_key=CONTENT_KEY,
                wrapped=aes_key_wrap(kek, CONTENT_KEY))


def secret():
    name, plain = some("token id", 16), some("one-time secret")
    nonce, aad = some("secret nonce", 12), E("entente token secret v1",
                                             var(name))
    generation, key = SYMMETRIC["token"][1][0]
    return dict(name=name, secret=plain, nonce=nonce, aad=aad,
                sealed=u8(generation) + nonce + gcm(key, nonce, aad, plain))


# ---- root key file, start file ----

def root_key_file():
    passphrase, log2_n = "correct horse battery staple", 10
    salt, nonce = some("root salt", 16), some("root nonce", 12)
    key = hashlib.scrypt(passphrase.encode(), salt=salt, n=1 << log2_n, r=8,
                         p=1, dklen=32, maxmem=1 << 26)
    aad = E("entente root key v1", u8(log2_n), salt)
    return dict(passphrase=passphrase, log2_n=log2_n, salt=salt, nonce=nonce,
                aad=aad, root_key=ROOT_KEY,
                file=b"ENTROOT" + u8(1) + u8(log2_n) + salt + nonce +
                gcm(key, nonce, aad, ROOT_KEY))


def start_file():
    nonce, aad = some("start nonce", 12), E("entente start file v1")
    root_id = some("root id")
    certificate, ca = some("replica certificate", 300), some("CA", 50)
    keys = PRIVATE[:4]
    plain = HOME + root_id + u8(len(keys))
    for purpose, curve, _, scalar in keys:
        plain += u8(purpose) + u16(curve) + scalar
    plain += var(certificate) + var(ca)
    return dict(root_key=ROOT_KEY, nonce=nonce, aad=aad, nation="GBR",
                replica=3, root_id=root_id,
                keys=[dict(purpose=p, curve=c, scalar=s)
                      for p, c, _, s in keys],
                certificate=certificate, ca=ca, plain=plain,
                file=b"ENTSTRT" + u8(1) + nonce +
                gcm(ROOT_KEY, nonce, aad, plain))


# ---- cursor, reference, nonce ----

def cursor(reader, name):
    members = dict(incarnation=some("incarnation", 8), seq=1000001,
                   complete=17, target=18, fill_shelf=4, fill_seq=90007,
                   fill_end=1000000, loss=3, shelves=44)
    m = dict(members)
    plain = (m["incarnation"] + u64(m["seq"]) + u32(m["complete"]) +
             u32(m["target"]) + u32(m["fill_shelf"]) + u64(m["fill_seq"]) +
             u64(m["fill_end"]) + u32(m["loss"]) + u32(m["shelves"]))
    aad = E("entente cursor v1", reader)
    generation, key = SYMMETRIC["cursor"][1][0]
    sealed = u8(generation) + siv(key, aad, plain)
    return dict(members, key=key, generation=generation, reader=reader,
                plain=plain, aad=aad, sealed=sealed, text=text64(sealed),
                **name)


def reference(has_document):
    who, who_id, code, random = 1, AUTHOR, 3, some("reference noise", 8)
    if not has_document:
        who, who_id = 2, FRA
    reason = "category Releasable To lacks FRA"
    doc = DOC if has_document else bytes(16)
    time = 1767226200
    plain = (u64(time) + u8(who) + who_id.ljust(32, b"\0") +
             u8(has_document) + doc + u16(code) +
             reason.encode().ljust(48, b"\0") + random)
    aad = E("entente reference v1")
    generation, key = SYMMETRIC["reference"][1][0]
    sealed = u8(generation) + siv(key, aad, plain)
    return dict(time=time, who=who, who_id=who_id.ljust(32, b"\0"),
                has_document=has_document, document=doc, code=code,
                reason=reason, random=random, plain=plain, aad=aad,
                sealed=sealed, text=text64(sealed))


def nonce():
    key, time = SYMMETRIC["nonce"][1][0][1], 1767226299
    number = time // 300
    value = u64(number) + hmac256(key, E("entente nonce v1", AUTHOR,
                                         u64(number)))[:16]
    return dict(key=key, key_id=AUTHOR, time=time, slot=number, nonce=value,
                text=text64(value))


# ---- records ----

def header():
    incarnation = some("incarnation", 8)
    return dict(
        record("header", b"\0", u32(1) + STORE_ID + HOME + incarnation +
               u64(CREATED)),
        store_id=STORE_ID, nation="GBR", replica=3, incarnation=incarnation,
        created=CREATED)


def segment_header():
    return record("segment-header", b"\0", u32(1) + STORE_ID)


def audit():
    """Three records; the replica changed before the third."""
    entries = [
        dict(time=1767225700, who=0, who_id=b"tick", what="store.open",
             proof=bytes(32), policy=bytes(32), outcome="ok", rule="",
             detail="", nation="GBR", replica=3, items=[]),
        dict(time=1767225760, who=1, who_id=AUTHOR, what="keys",
             proof=some("proof"), policy=some("policy"), outcome="ok",
             rule="", detail="2 keys", nation="GBR", replica=3, items=[
                 dict(document=DOC, digest=COMMITMENT, outcome="ok",
                      rule=""),
                 dict(document=some("other document", 16),
                      digest=some("other commitment"),
                      outcome="not-releasable", rule="Releasable To")]),
        dict(time=1767225820, who=3, who_id=b"kim", what="peer.add",
             proof=some("officer's proof"), policy=some("policy"),
             outcome="forbidden", rule="two officers", detail="FRA",
             nation="GBR", replica=4, items=[
                 dict(document=DOC, digest=bytes(32), outcome="not-found",
                      rule="")]),
    ]
    link = H(u32(1) + STORE_ID)
    rows = [dict(first_link=link)]
    for number, e in enumerate(entries, 1):
        body = (u8(1) + u64(e["time"]) + u8(e["who"]) + var(e["who_id"]) +
                var(e["what"].encode()) + e["proof"] + e["policy"] +
                var(e["outcome"].encode()) + var(e["rule"].encode()) +
                var(e["detail"].encode()) + u16(len(e["items"])))
        for i in e["items"]:
            body += (i["document"] + i["digest"] +
                     var(i["outcome"].encode()) + var(i["rule"].encode()))
        of = replica(e["nation"].encode(), e["replica"])
        link = H(E("entente audit v1", STORE_ID, of, u64(number), link,
                   H(body)))
        rows.append(dict(e, number=number, record=body, link=link,
                         stored=record("audit", u64(number),
                                       link + of + body),
                         head=record("counters", b"audit",
                                     u64(number) + link)))
    return rows


def group():
    leaves = some("leaf 0") + some("leaf 1")
    root, signature = some("group root"), some("group signature", 96)
    key_secret, time, first, last = some("group secret"), 1767225900, 41, 43
    value = (HOME + u64(time) + key_secret + u64(first) + u64(last) +
             long(leaves))
    return dict(nation="GBR", replica=3, time=time, secret=key_secret,
                root=root, first=first, last=last, leaves=leaves,
                signature=signature,
                row=record("groups", b"\0" + u64(1), value),
                by_root=record("groups", b"\1" + root, u64(1)),
                unsigned=record("groups", b"\2" + u64(1), b""),
                signed=record("groups", b"\3" + u64(1), root + signature))


def group_leaf():
    salt, path = some("leaf salt"), [some("node %d" % i) for i in range(8)]
    place, time = 0xa7, 1767225900
    return dict(number=1, leaf=0x0102, time=time, place=place, salt=salt,
                path=b"".join(path),
                row=record("groups", b"\4" + u64(1) + u16(0x0102),
                           u64(time) + u8(place) + salt + b"".join(path)))


def shelf():
    name = H(E("entente shelf v1", var(SPACE), u16(2), *SHELF_LABELS,
               u64(CONDITION)))

    def row(floor):
        return record("shelves", b"\0" + u32(1), var(SPACE) + u16(2) +
                      b"".join(SHELF_LABELS) + u64(CONDITION) + u64(floor))
    return dict(space=SPACE.decode(), labels=SHELF_LABELS,
                condition=CONDITION, number=1, name=name, floor=77,
                row=row(0), raised=row(77),
                by_name=record("shelves", b"\1" + name, u32(1)),
                by_label=[record("shelves", b"\2" + label + u32(1), b"")
                          for label in SHELF_LABELS])


def feed():
    """The row of a document that stands on shelf 1, and of one that went."""
    return dict(document=DOC, shelf=1, time=1000,
                live=record("feed", u32(1) + u64(1), DOC + u8(0) + u64(0)),
                gone=record("feed", u32(1) + u64(2),
                            DOC + u8(1) + u64(1000)))


# ---- the document record ----

def context(*entries):
    """(nation, replica, [(from, to)])"""
    return u16(len(entries)) + b"".join(
        replica(n, r) + u16(len(ranges)) +
        b"".join(u64(a) + u64(b) for a, b in ranges)
        for n, r, ranges in entries)


def seal(s):
    tail = (u16(s["leaf"]) if s["group"] else var(s["blob"]))
    return (replica(s["nation"].encode(), s["replica"]) + u64(s["counter"]) +
            var(s["context"]) + u8(len(s["statements"])) +
            b"".join(map(u64, s["statements"])) + u64(s["group"]) + tail)


def head(h):
    b = (h["digest"] + var(h["payload"].encode()) + h["signature"] +
         h["author"] + u64(h["serial"]) + u64(h["statement"]) + h["label"] +
         u64(h["size"]) + h["table"] + u8(h["priority"]) + u8(h["flags"]))
    b += u8(len(h["parents"])) + b"".join(h["parents"])
    b += u8(len(h["seals"])) + b"".join(map(seal, h["seals"]))
    b += u8(len(h["evidence"])) + b"".join(
        e["digest"] + e["author"] + var(e["blob"]) for e in h["evidence"])
    b += h["from"].encode()
    b += u8(len(h["numbers"])) + b"".join(map(u64, h["numbers"]))
    b += u8(len(h["stands"])) + b"".join(map(u16, h["stands"]))
    b += u32(h["shelf"]) + u8(len(h["keys"]))
    for k in h["keys"]:
        b += k["commitment"] + (u8(1) + k["wrapped"] if "wrapped" in k
                                else u8(0))
    return b + u8(h["place"])


def statement(s):
    b = (u64(s["number"]) + u8(s["kind"]) + u8(s["flags"]) + s["digest"] +
         s["label"] + s["author"])
    if not s["flags"] & 2:
        b += var(s["payload"].encode()) + s["signature"] + seal(s["seal"])
    return b + u8(len(s["heads"])) + b"".join(s["heads"]) + s["from"].encode()


def document():
    own = dict(nation="GBR", replica=3, counter=18, statements=[1, 2],
               context=context((FRA, 1, [(2, 2), (4, 9)]),
                               (GBR, 3, [(1, 17)])),
               group=6, leaf=1)
    foreign = dict(nation="FRA", replica=1, counter=10, statements=[1],
                   context=context((FRA, 1, [(1, 9)])), group=0,
                   blob=some("seal blob", 70))
    word = dict(nation="GBR", replica=3, counter=0, statements=[],
                context=context(), group=7, leaf=0)
    heads = [
        {"digest": some("head 0"), "payload": '{"head":0}',
         "signature": some("signature 0", 64), "author": AUTHOR,
         "serial": 4, "statement": 1, "label": LABEL, "size": 11,
         "table": some("table 0"), "priority": 2, "flags": 0,
         "parents": [], "seals": [own, foreign],
         "evidence": [dict(digest=some("evidence digest"),
                           author=some("evidence author"),
                           blob=some("evidence blob", 60))],
         "from": "GBR", "numbers": [1, 2], "stands": [1], "shelf": 1,
         "keys": [dict(commitment=COMMITMENT, wrapped=slot()["wrapped"]),
                  dict(commitment=some("commitment 1"))],
         "place": 1},
        {"digest": some("head 1"), "payload": '{"head":1}',
         "signature": some("signature 1", 64), "author": some("author 1"),
         "serial": 1, "statement": 1, "label": LABEL, "size": 300000,
         "table": some("table 1"), "priority": 0, "flags": 1,
         "parents": sorted([some("parent 0"), some("parent 1")]),
         "seals": [foreign], "evidence": [], "from": "FRA", "numbers": [1],
         "stands": [0], "shelf": 0,
         "keys": [dict(commitment=some("commitment 2"))], "place": 2},
    ]
    statements = [
        {"number": 1, "kind": 1, "flags": 3, "digest": heads[0]["digest"],
         "label": LABEL, "author": AUTHOR, "heads": [], "from": "GBR"},
        {"number": 2, "kind": 1, "flags": 1, "digest": some("statement 2"),
         "label": SHELF_LABELS[0], "author": AUTHOR,
         "payload": '{"statement":2}', "signature": some("signature 2", 64),
         "seal": word, "heads": sorted(h["digest"] for h in heads),
         "from": "GBR"},
    ]
    rows = [dict(shelf=1, gone=0, seq=1),
            dict(shelf=3, gone=1, seq=2, time=1767226000)]
    dots = [dict(nation="FRA", replica=1, counter=10),
            dict(nation="GBR", replica=3, counter=18)]
    serials = [dict(author=AUTHOR, serial=4)]
    opening = var(SPACE) + AUTHOR + some("salt", 16)
    content = some("content", 72)
    first_time, condition, state, number = 1767225610, CONDITION, 1, 7
    value = (u8(1) + DOC + GBR + opening + u64(first_time) + u8(state) +
             u64(condition) + u64(number) + u8(len(heads)) +
             b"".join(map(head, heads)) + u16(len(statements)) +
             b"".join(map(statement, statements)) + u16(len(rows)))
    for r in rows:
        value += u32(r["shelf"]) + u8(r["gone"]) + u64(r["seq"])
        if r["gone"]:
            value += u64(r["time"])
    value += u16(len(dots)) + b"".join(
        replica(d["nation"].encode(), d["replica"]) + u64(d["counter"])
        for d in dots)
    value += u16(len(serials)) + b"".join(
        s["author"] + u64(s["serial"]) for s in serials)
    value += long(content)
    return dict(document=DOC, home="GBR", space=SPACE.decode(),
                author=AUTHOR, salt=some("salt", 16), first_time=first_time,
                state=state, condition=condition, slot=number, heads=heads,
                statements=statements, rows=rows, dots=dots,
                serials=serials, content=content,
                row=record("documents", DOC, value))


# ---- keys of every table ----

def keys():
    n, d, a = 0x0102030405060708, some("key digest"), some("key author")
    i, s = some("key id", 16), 0x01020304
    of = replica(FRA, 7)
    return {
        "header": b"\0",
        "counter": b"feed",
        "document": DOC,
        "feed": u32(s) + u64(n),
        "group": b"\0" + u64(n),
        "group_root": b"\1" + d,
        "group_unsigned": b"\2" + u64(n),
        "group_signature": b"\3" + u64(n),
        "group_leaf": b"\4" + u64(n) + u16(0x0102),
        "audit": u64(n),
        "label": d,
        "author": a,
        "shelf": b"\0" + u32(s),
        "shelf_name": b"\1" + d,
        "shelf_label": b"\2" + d + u32(s),
        "view": b"\0" + u64(n),
        "view_content": b"\1" + d,
        "ledger_device": b"\0" + a,
        "ledger_nation": b"\1" + FRA,
        "ledger_loss": b"\0" + a + u32(s),
        "subject": b"kim",
        "officer": b"kim",
        "device": b"\0" + a,
        "device_certificate": b"\1" + d,
        "device_key": b"\2" + a,
        "device_subject": b"\3kim\0" + a,
        "space": b"\0" + SPACE,
        "space_member": b"\1" + SPACE + b"\0kim",
        "peer": FRA,
        "rule": u64(n),
        "statement": DOC + u64(n) + d,
        "slot": b"\0" + u64(n),
        "slot_document": b"\1" + u64(n) + DOC,
        "slot_purging": b"\2" + u64(n),
        "upload": i,
        "token": i,
        "quarantine": FRA + d,
        "nonce": u64(n) + d,
        "policy_file": b"\0" + d,
        "policy_set": b"\1" + d,
        "policy_version": b"\2" + u64(n),
        "receipt": DOC + of,
        "tick": of + u64(n),
        "certificate": b"\0" + d,
        "certificate_replica": b"\1" + of + u64(n),
        "certificate_root": b"\2" + FRA,
        "segment": DOC + d,
        "segment_table": DOC + d,
        "returning": DOC,
    }


def key_row():
    return dict(document=DOC, digest=some("key digest"),
                author=some("key author"), id=some("key id", 16),
                keys=keys())


def vectors():
    return {
        "header": header(),
        "segment_header": segment_header(),
        "ring": ring(),
        "ring_key": ring_key(),
        "slot": slot(),
        "secret": secret(),
        "root_key_file": root_key_file(),
        "start_file": start_file(),
        "cursor": cursor(AUTHOR, dict(device=AUTHOR)),
        "cursor_nation": cursor(FRA + bytes(29), dict(nation="FRA")),
        "reference": reference(True),
        "reference_nation": reference(False),
        "nonce": nonce(),
        "audit": audit(),
        "group": group(),
        "group_leaf": group_leaf(),
        "shelf": shelf(),
        "feed": feed(),
        "document": document(),
        "keys": key_row(),
    }


def plain_json(value):
    if isinstance(value, bytes):
        return text64(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dict):
        return {k: plain_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain_json(v) for v in value]
    return value


def prove_constructions():
    h = bytes.fromhex
    # RFC 5869 A.1, the first 32 bytes
    assert hkdf(b"\x0b" * 22, bytes(range(13)),
                bytes(range(0xf0, 0xfa))) == h(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
    # RFC 5297 A.1
    assert siv(h("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0"
                 "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"), bytes(range(16, 40)),
               h("112233445566778899aabbccddee")) == h(
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")


def main():
    prove_constructions()
    text = json.dumps({"rows": plain_json(vectors())}, indent=1,
                      sort_keys=True) + "\n"
    path = os.path.join(HERE, "storage.json")
    if sys.argv[1:] == ["check"]:
        with open(path, encoding="utf-8") as f:
            if f.read() != text:
                sys.exit("storage.json is not what this script makes")
        return
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
