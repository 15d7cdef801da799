"""The demo on your own policy and labelled files.

    make demo POLICY=spif.xml FILES=folder [CLEARANCES=folder]

Each file of the folder is put under the label of the STANAG 4778 sidecar
NAME.EXT.bdo beside it, whose bytes are the label.  A file without one, or
with one that the policy refuses or that is above the ceiling, is shown as
refused.  Readers' clearances follow ADatP-4774 App 2 Annex A, or are those of
CLEARANCES/NAT.xml: what may pass to that nation, and what its first device
holds; its second device holds the lowest classification only.
"""
import os
import urllib.parse

import evaluator
import markup
import matrix
import writing
from federation import Failure, say

SUBJECTS = {"GBR": ("alice", "bob"), "DEU": ("carla", "dieter"),
            "FRA": ("elodie", "fabien")}
# What NATO members take part in: ADatP-4774 App 2 Annex A.
ACTIVITIES = ("EAPC", "GEORGIA", "ISAF", "KFOR", "PFP", "RUSSIA", "UKRAINE")
NO_FILE = (".bdo", ".xmp", ".label.xml")


def read(path):
    with open(path, "rb") as f:
        return f.read()


# ---- readers ----

def is_code(name):
    return len(name) == 3 and name.isalpha() and name.isupper()


def held(spif, tag, nation):
    """The values of a permissive tag that a member nation holds."""
    names = [v.name for v in tag.values]
    if spif.oid == evaluator.NATO_OID:
        own = {"Context": ("NATO", "Releasable") + ACTIVITIES,
               "Releasable To": ("NATO", nation) + ACTIVITIES,
               "Only": ("NATO", nation)}.get(tag.name, (nation,))
        return [n for n in dict.fromkeys(names) if n in own]
    # Other policies: its own code, and what names no single nation.
    return [n for n in dict.fromkeys(names)
            if n == nation or n in ("ALL", "NATO") or not is_code(n)]


def annex_a(spif, nation, classes):
    return markup.clearance(spif.name, classes, [
        (tag.name, tag.type, held(spif, tag, nation))
        for tag in spif.tags if tag.type == "PERMISSIVE"])


def lowest_only(spif, clearance, classes):
    """The same clearance with the lowest classification alone."""
    c = evaluator.Clearance(clearance)
    return markup.clearance(c.policy, classes[:1], c.categories)


def choose_ceiling(spif):
    """RESTRICTED, or what stands second in the policy."""
    names = [c.name for c in sorted(spif.classes, key=lambda c: c.hierarchy)]
    if "RESTRICTED" in names:
        return "RESTRICTED", names[:names.index("RESTRICTED") + 1]
    return names[:2][-1], names[:2]


def make_profiles(spif, nations, classes, folder):
    profiles = {}
    for nation in nations:
        path = os.path.join(folder, nation + ".xml") if folder else ""
        profiles[nation] = (read(path) if path and os.path.exists(path)
                            else annex_a(spif, nation, classes))
    return profiles


# ---- files ----

def names_file(label, name):
    """Does the binding speak of this file?  Nothing is fetched."""
    try:
        root = evaluator.parse_xml(label, "label")
    except evaluator.Refused:
        return True  # for the relay to refuse
    references = root.iter(evaluator.BINDING + "DataReference")
    uris = [urllib.parse.unquote(r.get("URI") or "").rsplit("/", 1)[-1]
            for r in references]
    return not uris or "" in uris or name in uris


def words_of(label):
    try:
        part = evaluator.read_label(label)[0]
    except evaluator.Refused:
        return "unreadable"
    text = evaluator.token(part.information.findtext(
        evaluator.LABEL + "Classification"))
    for category in part.information.findall(evaluator.LABEL + "Category"):
        text += "; " + " ".join(evaluator.text_of(v) for v in category)
    return text if len(text) < 40 else text[:38] + ".."


def list_files(folder):
    if not os.path.isdir(folder):
        raise Failure("FILES=%s: no such folder" % folder)
    names = [n for n in sorted(os.listdir(folder))
             if os.path.isfile(os.path.join(folder, n))
             and not n.startswith(".") and not n.endswith(NO_FILE)]
    if not names:
        raise Failure("FILES=%s: no file in it" % folder)
    return names


def make_row(federation, expectation, folder, name, turn):
    sidecar = os.path.join(folder, name + ".bdo")
    label = read(sidecar) if os.path.exists(sidecar) else None
    kind = os.path.splitext(name)[1].lstrip(".") or "file"
    devices = federation.devices[turn:] + federation.devices[:turn]
    row = matrix.Row(name, kind, read(os.path.join(folder, name)), label,
                     devices[0].spaces[0], devices[0])
    # By a device that may, if there is one: turn about.
    row.author = next((d for d in devices if expectation.writable(row, d)),
                      devices[0])
    row.home = row.author.relay
    row.space = "%s/files" % row.home.nation
    if label is None:
        row.words = "none"
        row.refused = ("unlabelled", "there is no %s.bdo" % name)
    elif not names_file(label, name):
        row.labels, row.words = [], "of another file"
        row.refused = ("unlabelled", "%s.bdo speaks of another file" % name)
    else:
        row.words = words_of(label)
    row.barred = bool(row.refused)
    return row


# ---- the whole ----

def run(federation, nations, policies, folder, clearances):
    try:
        policy = evaluator.Policy([read(p) for p in policies])
    except evaluator.Refused as e:
        raise Failure("POLICY=%s: %s" % (" ".join(policies), e)) from e
    spif = policy.governing
    names = list_files(folder)
    ceiling, classes = choose_ceiling(spif)
    expectation = matrix.Expectation(federation, policy, evaluator.Clearance)
    profiles = make_profiles(spif, nations, classes, clearances)
    federation.start(nations, ceiling, policies)
    spaces = ["%s/files" % n for n in nations]
    passing = {(a, b): spaces for a in nations for b in nations}
    for i, a in enumerate(nations):
        for b in nations[i + 1:]:
            federation.peer(a, b, profiles, passing)
    for nation in nations:
        first, second = SUBJECTS[nation]
        federation.add_device(nation, first, profiles[nation], spaces,
                              ("write",))
        federation.add_device(nation, second, lowest_only(
            spif, profiles[nation], classes), spaces, ("write",))
    say("GBR, DEU and FRA are peers under %s, ceiling %s."
        % (spif.name, ceiling))
    rows = []
    for i, name in enumerate(names):
        row = make_row(federation, expectation, folder, name,
                       2 * i % len(federation.devices))
        if not row.refused:
            writing.put(federation, expectation, row)
        rows.append(row)
    result, wrong = matrix.measure(federation, rows, expectation)
    matrix.save(federation, result)
    matrix.show("Who holds what", result)
    matrix.report(wrong)
    say()
    return rows
