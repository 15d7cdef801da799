"""Documents down, readers across: what each holds, against what the policy
says.

A row is one head of a document.  What a device holds is read back from its
folder, decrypted, without the relay, and compared byte by byte; what a nation
holds is compared by the digests of manifest and segment table.  What is
expected comes from evaluator.py; the rule of a "no" from the relays.
"""
import json
import os

from federation import Failure, is_terminal, poll, progress, say


class Row:
    def __init__(self, name, kind, data, label, space, author):
        self.name = name
        self.kind = kind
        self.data = data
        self.labels = [label] if label is not None else []
        self.space = space
        self.author = author  # a Device
        self.home = author.relay
        self.title = name
        self.words = ""	      # the label, short
        self.id = self.revision = self.table = None
        self.barred = False   # the policy says: nobody may put this
        self.refused = None   # (rule, detail) of a put that was refused
        self.gone = None      # "deleted", "recalled"


class Reader:
    def __init__(self, relay, device=None):
        self.relay = relay
        self.device = device

    @property
    def name(self):
        return self.device.name if self.device else self.relay.nation


def readers_of(federation):
    out = []
    for relay in federation.relays.values():
        out.append(Reader(relay))
        out += [Reader(relay, d) for d in federation.devices
                if d.relay is relay]
    return out


# ---- what the policy says ----

class Expectation:
    def __init__(self, federation, policy, clearance_of):
        self.federation = federation
        self.policy = policy
        self.clearance_of = clearance_of  # XML to evaluator.Clearance

    def decide(self, row, clearance, spaces):
        """Every label of the row must release."""
        for label in row.labels:
            released, rule, _ = self.policy.decide(
                label, self.clearance_of(clearance), row.space, spaces,
                self.federation.ceiling)
            if not released:
                return False, rule
        return bool(row.labels), "released" if row.labels else "unlabelled"

    def writable(self, row, device):
        """Who writes a label must itself be released by it."""
        return self.decide(row, device.clearance, device.spaces)[0]

    def nation(self, row, relay):
        if row.barred or row.gone:
            return False
        if relay is row.home:
            return True
        profile = self.federation.profiles[(row.home.nation, relay.nation)]
        return self.decide(row, *profile)[0]

    def cell(self, row, reader):
        if not self.nation(row, reader.relay):
            return False
        device = reader.device
        return (not device
                or self.decide(row, device.clearance, device.spaces)[0])


# ---- what is really there ----

class Holdings:
    """One reading of every relay and device."""

    def __init__(self, federation, rows):
        self.rows = rows
        self.files = {}	 # of the synced folders: (device, name): bytes
        self.relays = {n: r.documents()
                       for n, r in federation.relays.items()}
        self.devices = {}
        for device in federation.devices:
            progress("reading what %s holds" % device.name)
            self.devices[device] = self.read(device)
        progress("")

    def read(self, device):
        for name in os.listdir(device.files):
            with open(os.path.join(device.files, name), "rb") as f:
                self.files[(device, name)] = f.read()
        out = {}
        for revision, head in device.listed().items():
            out[revision] = (head["document"],
                             device.read(head["document"], revision))
        return out

    @staticmethod
    def head(documents, row):
        document = documents.get(row.id)
        if not document or document["state"] != "live":
            return None
        for head in document["heads"]:
            if head["digest"] == row.revision:
                return head
        return None

    def nation(self, row, nation):
        head = self.head(self.relays[nation], row)
        return bool(head and head["content"] != "absent"
                    and row.table and head["table"] == row.table)

    def cell(self, row, reader):
        if not row.id:
            return False
        if not reader.device:
            return self.nation(row, reader.relay.nation)
        held = self.devices[reader.device].get(row.revision)
        return held == (row.id, row.data)

    def strays(self):
        """Whatever is somewhere and is no row: each a fault."""
        known = {row.revision for row in self.rows}
        ids = {row.id for row in self.rows}
        out = []
        for nation, documents in self.relays.items():
            for id_, document in documents.items():
                if document["state"] != "live":
                    continue
                if id_ not in ids:
                    out.append("%s holds the document %s, which nobody put"
                               % (nation, id_))
                for head in document["heads"]:
                    if id_ in ids and head["digest"] not in known:
                        out.append("%s holds a head of %s that is no row"
                                   % (nation, id_))
        for device, heads in self.devices.items():
            for revision, (id_, data) in heads.items():
                if revision not in known:
                    out.append("%s holds a head of %s that is no row"
                               % (device.name, id_))
                elif data is None:
                    out.append("%s has a head of %s, but cannot read it"
                               % (device.name, id_))
                elif not any((r.id, r.revision, r.data) == (id_, revision,
                                                            data)
                             for r in self.rows):
                    out.append("%s has other bytes of %s than were put"
                               % (device.name, id_))
        for (device, name), data in self.files.items():
            if not any(data == have
                       for _, have in self.devices[device].values()):
                out.append("%s keeps the file %s of nothing that it holds"
                           % (device.name, name))
        return out


def learn_tables(rows):
    """The home's digest of each head's segment table."""
    documents = {}
    for row in rows:
        if row.id and not row.gone:
            nation = row.home.nation
            if nation not in documents:
                documents[nation] = row.home.documents()
            head = Holdings.head(documents[nation], row)
            if head:
                row.table = head["table"]


# ---- why not ----

class Rules:
    """What the relays say of each no; asked once."""

    def __init__(self):
        self.answers = {}

    def ask(self, relay, *args):
        key = (relay.nation, *args)
        if key not in self.answers:
            self.answers[key] = relay.explain(*args)
        return self.answers[key]

    def of_reader(self, relay, row, reader, label_files):
        """The rule by which `relay` says no to a device or nation."""
        said = self.ask(relay, "--document", row.id, "--reader", reader)
        if said and not said[0]:
            return said[1:]
        for path in label_files:  # a head that is not the winner
            said = self.ask(relay, "--label", path, "--space", row.space,
                            "--reader", reader)
            if said and not said[0]:
                return said[1:]
        return ("", "")

    def of(self, row, reader, holdings, label_files):
        if row.refused:
            return row.refused
        nation = reader.relay.nation
        if row.gone:
            state = holdings.relays[row.home.nation].get(row.id, {})
            return (state.get("state", ""), "by its home, " + row.home.nation)
        if reader.relay is not row.home and not holdings.nation(row, nation):
            rule, detail = self.of_reader(row.home, row, nation, label_files)
            return ("%s: %s" % (nation, rule) if rule and reader.device
                    else rule, detail)
        return self.of_reader(reader.relay, row, reader.device.key,
                              label_files)


# ---- the whole ----

def settle(federation, rows, expectation):
    """Waits until relays, then devices, hold what they should; how it really
    is shows the matrix."""
    relays = federation.relays.values()

    def nations():
        learn_tables(rows)
        documents = {r.nation: r.documents() for r in relays}

        def holds(row, nation):
            head = Holdings.head(documents[nation], row)
            return bool(head and row.table == head["table"]
                        and head["content"] != "absent")

        return all(holds(row, r.nation) == expectation.nation(row, r)
                   for row in rows if row.id for r in relays)

    def device():
        one.sync()
        listed = one.listed()
        reader = Reader(one.relay, one)
        return all((row.revision in listed) == expectation.cell(row, reader)
                   for row in rows if row.id)

    poll("relays sync", nations)
    for one in federation.devices:
        poll("%s syncs" % one.name, device)


def measure(federation, rows, expectation):
    """The matrix as JSON; a list of what is wrong."""
    settle(federation, rows, expectation)
    holdings = Holdings(federation, rows)
    readers = readers_of(federation)
    rules = Rules()
    cells, wrong = [], holdings.strays()
    for row in rows:
        files = [federation.write("labels/%s.%d.xml" % (row.name, i), label)
                 for i, label in enumerate(row.labels)]
        for reader in readers:
            progress("%s: %s" % (row.name, reader.name))
            expected = expectation.cell(row, reader)
            held = holdings.cell(row, reader)
            rule, detail = "released", ""
            if not held or not expected:
                rule, detail = rules.of(row, reader, holdings, files)
            cells.append({"document": row.name, "reader": reader.name,
                          "expected": expected, "held": held, "rule": rule,
                          "detail": detail})
            if expected != held:
                wrong.append("%s, %s: the policy says %s, it holds %s" % (
                    row.name, reader.name, "yes" if expected else "no",
                    "it" if held else "nothing of it"))
            elif not held and not rule:
                wrong.append("%s, %s: no relay names the rule of this no"
                             % (row.name, reader.name))
    progress("")
    return {
        "documents": [{
            "name": row.name, "kind": row.kind, "size": len(row.data),
            "label": row.words, "space": row.space,
            "home": row.home.nation, "author": row.author.subject,
            "id": row.id, "revision": row.revision, "state":
            "refused" if row.refused else row.gone or "live",
        } for row in rows],
        "readers": [{
            "name": reader.name, "nation": reader.relay.nation,
            "kind": "device" if reader.device else "nation",
            "subject": reader.device.subject if reader.device else None,
        } for reader in readers],
        "cells": cells,
    }, wrong


# ---- showing ----

def colour(text, code):
    return "\033[%sm%s\033[0m" % (code, text) if is_terminal() else text


def letter(n):
    return chr(ord("a") + n) if n < 26 else "a" + letter(n - 26)


def show(title, matrix):
    cells = {(c["document"], c["reader"]): c for c in matrix["cells"]}
    readers = matrix["readers"]
    left = max(len(d["name"]) for d in matrix["documents"]) + 1
    middle = max(len(d["label"]) for d in matrix["documents"]) + 1
    widths = [max(6, len(r["subject"] or "relay") + 1) for r in readers]
    codes = {}
    say()
    say(colour(title, "1"))
    say(" " * (left + middle) + " ".join(
        (r["nation"] if r["kind"] == "nation" else "").ljust(w)
        for r, w in zip(readers, widths)).rstrip())
    say("document".ljust(left) + "label".ljust(middle) + " ".join(
        (r["subject"] or "relay").ljust(w)
        for r, w in zip(readers, widths)).rstrip())
    for d in matrix["documents"]:
        line = d["name"].ljust(left) + d["label"].ljust(middle)
        for r, w in zip(readers, widths):
            c = cells[(d["name"], r["name"])]
            text = "yes"
            if not c["held"]:
                rule = c["rule"] or "NO RULE"
                text = "no " + codes.setdefault(rule, letter(len(codes)))
            wrong = c["held"] != c["expected"]
            if wrong:
                text += "!"
            line += colour(text.ljust(w), "1;31" if wrong else
                           "32" if c["held"] else "2") + " "
        say(line.rstrip())
    for rule, code in codes.items():
        detail = next((c["detail"] for c in matrix["cells"]
                       if c["rule"] == rule and c["detail"]
                       and not c["held"]), "")
        say("  no %s  %s%s" % (code, rule,
                               " (for example: %s)" % detail
                               if detail else ""))


def report(wrong):
    if wrong:
        raise Failure("the federation differs from its policy:\n  "
                      + "\n  ".join(wrong))


def save(federation, first, after=None):
    whole = dict(first)
    if after:
        whole["after"] = after
    federation.write("matrix.json", json.dumps(whole, indent=1).encode())
