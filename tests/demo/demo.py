"""`make demo`: three nations on this machine, and who holds what.

Without arguments: the story below, on documents made here.  With --policy and
--files: your policy and your labelled files; see real_input.py.
"""
import argparse
import os
import signal
import sys
import time

import documents
import evaluator
import markup
import matrix
import real_input
import writing
from federation import (BUILD, ROOT, Failure, Federation, is_terminal, poll,
                        say)

NATIONS = ("GBR", "DEU", "FRA")
CEILING = "RESTRICTED"
OPS, LAGE = "GBR/ops", "DEU/lage"
ALL_RIGHTS = ("write", "label", "delete", "recall")
EXAMPLES = os.path.join(ROOT, "docs", "policy")
POLICIES = [os.path.join(EXAMPLES, f)
            for f in ("alliance.spif.xml", "germany.spif.xml")]


def read(*parts):
    with open(os.path.join(*parts), "rb") as f:
        return f.read()


def example(kind, name):
    return read(EXAMPLES, kind, name + ".xml")


def restricted(*nations):
    return markup.label("ENTENTE", "RESTRICTED", [
        ("Releasable To", "PERMISSIVE", nations)])


# ---- who ----

def gather(federation):
    profiles = {n: example("clearances", n.lower() + "-restricted")
                for n in NATIONS}
    # DEU/lage passes between Germany and the United Kingdom alone.
    spaces = {(a, b): [OPS] + [LAGE] * ({a, b} == {"GBR", "DEU"})
              for a in NATIONS for b in NATIONS if a != b}
    for a, b in (("GBR", "DEU"), ("GBR", "FRA"), ("DEU", "FRA")):
        federation.peer(a, b, profiles, spaces)
    # Alice is cleared beyond what these relays may carry, and for ORION.
    alice = markup.clearance(
        "ENTENTE", ("UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL"),
        [("Releasable To", "PERMISSIVE", ("GBR", "ALL")),
         ("Special Category", "RESTRICTIVE", ("ORION",))])

    def cleared(name):
        return example("clearances", name)

    for nation, subject, clearance, where, rights in (
            ("GBR", "alice", alice, [OPS, LAGE], ALL_RIGHTS),
            ("GBR", "bob", cleared("gbr-restricted"), [OPS], ("write",)),
            ("DEU", "carla", cleared("deu-restricted"), [OPS, LAGE],
             ALL_RIGHTS),
            ("DEU", "dieter", cleared("deu-unclassified"), [OPS, LAGE],
             ("write",)),
            ("FRA", "elodie", cleared("fra-restricted"), [OPS], ALL_RIGHTS),
            ("FRA", "fabien", cleared("fra-unclassified"), [OPS],
             ("write",))):
        federation.add_device(nation, subject, clearance, where, rights)


# ---- what ----

def make_rows(federation):
    note = documents.text
    labels = [
        ("plan.pdf", "PDF", documents.pdf("Plan of the exercise"), "alice",
         OPS, "R, rel GBR DEU FRA", restricted("GBR", "DEU", "FRA")),
        ("estimate.docx", "office",
         documents.docx(["Estimate", "Two brigades, one bridge."]), "carla",
         OPS, "R, rel DEU FRA", restricted("DEU", "FRA")),
        ("chart.png", "image", documents.png(), "elodie", OPS,
         "R, rel FRA", restricted("FRA")),
        ("imagery.bin", "20 MiB", documents.noise(20 << 20), "bob", OPS,
         "R, rel GBR DEU", restricted("GBR", "DEU")),
        ("notice.txt", "text", note("Notice", ["Lunch is at noon."]),
         "dieter", OPS, "UNCLASSIFIED", example("labels", "unclassified")),
        ("orion.txt", "text", note("ORION", ["For those who know."]),
         "alice", OPS, "R, ORION", example("labels", "restricted-orion")),
        ("lagebericht.txt", "text", note("Lagebericht", ["Ruhig."]),
         "carla", OPS, "VS-NfD, DEU FRA",
         example("labels", "vs-nfd-rel-deu-fra")),
        ("wetter.txt", "text", note("Wetter", ["Regen ab 15 Uhr."]),
         "dieter", LAGE, "U, in DEU/lage", example("labels",
                                                   "unclassified")),
        ("memo.txt", "text", note("Memo", ["First words."]), "alice", OPS,
         "R, rel GBR DEU", restricted("GBR", "DEU")),
        ("roster.txt", "text", note("Roster", ["Names."]), "alice", OPS,
         "R, rel ALL", example("labels", "restricted-rel-all")),
        ("draft.txt", "text", note("Draft", ["To be thrown away."]),
         "elodie", OPS, "R, rel ALL",
         example("labels", "restricted-rel-all")),
        ("assessment.pdf", "PDF", documents.pdf("Assessment"), "alice", OPS,
         "CONFIDENTIAL",
         example("labels", "confidential-rel-gbr-deu-fra")),
        ("eigen.txt", "text", note("Eigen", ["Nur hier."]), "carla", OPS,
         "VS-NfD, EIGEN", example("labels", "vs-nfd-eigen")),
    ]
    rows = []
    for name, kind, data, author, space, words, label in labels:
        row = matrix.Row(name, kind, data, label, space,
                         federation.device(author))
        row.words = words
        rows.append(row)
    return rows


def change(federation, rows, expectation):
    """What happens to documents in a day."""
    by_name = {row.name: row for row in rows}
    alice, bob, carla, elodie = (federation.device(n) for n in (
        "alice", "bob", "carla", "elodie"))
    deu = federation.relays["DEU"]

    say("plan.pdf narrowed to GBR and DEU, chart.png widened to all,")
    writing.relabel(federation, by_name["plan.pdf"], alice,
                    restricted("GBR", "DEU"), "R, rel GBR DEU")
    writing.relabel(federation, by_name["chart.png"], elodie,
                    example("labels", "restricted-rel-all"), "R, rel ALL")

    say("memo.txt widened to FRA and edited by alice, while carla, cut off, "
        "edits it too,")
    memo = by_name["memo.txt"]
    narrow, wide = memo.labels[0], restricted("GBR", "DEU", "FRA")
    deu.do("peer", "suspend", "GBR")
    writing.relabel(federation, memo, alice, wide, memo.words)
    hers = writing.edit(federation, memo, alice, "memo.txt (alice)",
                        documents.text("Memo", ["As alice has it."]))
    theirs = writing.edit(federation, memo, carla, "memo.txt (carla)",
                          documents.text("Memo", ["As carla has it."]))
    deu.do("peer", "resume", "GBR")
    # An edit that crossed the relabel must be released by both labels.
    hers.labels, hers.words = [wide], "R, rel GBR DEU FRA"
    theirs.labels, theirs.words = [narrow, wide], "both labels"
    at = rows.index(memo)
    rows[at:at + 1] = [hers, theirs]

    say("draft.txt deleted, roster.txt recalled, bob lowered to "
        "UNCLASSIFIED.")
    writing.delete(by_name["draft.txt"], elodie)
    writing.recall(by_name["roster.txt"], alice)
    federation.set_subject(bob, example("clearances", "gbr-unclassified"),
                           ("write",))


def verify_audits(federation):
    for relay in federation.relays.values():
        relay.do("audit", "verify", "--as", "auditor")
    say("The audit chains of all relays are whole.")


def play(federation, rows):
    """Five commands to try, until Ctrl-C."""
    def short(path):
        return os.path.relpath(path)

    device, relay = federation.devices[0], federation.devices[0].relay
    other = [n for n in federation.relays if n != relay.nation][-1]
    row = next((r for r in rows if r.id and not r.gone
                and r.home is relay), None)
    command = short(os.path.join(BUILD, "entente"))
    say()
    say("The relays run on until Ctrl-C.  In another terminal, here:")
    say("  %s doc list --device %s" % (command, short(device.folder)))
    if row:
        say("  %s doc get %s --device %s --out copy-of-%s" % (
            command, row.id, short(device.folder),
            os.path.basename(row.title)))
        say("  %s explain --document %s --reader %s --folder %s" % (
            command, row.id, other, short(relay.folder)))
    say("  %s status --folder %s" % (command, short(relay.folder)))
    say("  %s audit list --limit 20 --as auditor --folder %s" % (
        command, short(relay.folder)))
    while True:
        for r in federation.relays.values():
            if r.process.poll() is not None:
                raise Failure("the relay of %s ended" % r.nation)
        time.sleep(0.5)


# ---- the story ----

def story(federation):
    policy = evaluator.Policy([read(p) for p in POLICIES])
    expectation = matrix.Expectation(federation, policy, evaluator.Clearance)
    federation.start(NATIONS, CEILING, POLICIES)
    gather(federation)
    say("GBR, DEU and FRA are peers over mutual TLS 1.3; each has two "
        "devices.")
    rows = make_rows(federation)
    for row in rows:
        writing.put(federation, expectation, row)
    first, wrong = matrix.measure(federation, rows, expectation)
    matrix.save(federation, first)
    matrix.show("Who holds what", first)
    matrix.report(wrong)
    say()
    change(federation, rows, expectation)
    after, wrong = matrix.measure(federation, rows, expectation)
    matrix.save(federation, first, after)
    matrix.show("Who holds what now", after)
    matrix.report(wrong)
    say()
    verify_audits(federation)
    return rows


def conclude(federation, started):
    say("Every cell is as the policy says; %s has them all.  %d s."
        % (os.path.relpath(federation.path("matrix.json")),
           time.monotonic() - started))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", default="",
                        help="SPIF files, governing first")
    parser.add_argument("--files", default="",
                        help="a folder of files with NAME.EXT.bdo beside")
    parser.add_argument("--clearances", default="",
                        help="a folder of NAT.xml")
    args = parser.parse_args()
    federation = Federation(os.path.join(BUILD, "demo"))
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if args.files:
            rows = real_input.run(federation, NATIONS,
                                  args.policy.split() or POLICIES,
                                  args.files, args.clearances)
        elif args.policy or args.clearances:
            raise Failure("POLICY= and CLEARANCES= want FILES=folder besides")
        else:
            rows = story(federation)
        conclude(federation, started)
        if is_terminal():
            play(federation, rows)
        return 0
    except KeyboardInterrupt:
        say()
        return 0 if is_terminal() else 130
    except (Failure, OSError) as e:
        say()
        print("demo: %s" % e, file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if is_terminal():
            say("Stopping the relays ...")
        federation.stop()


if __name__ == "__main__":
    sys.exit(main())
