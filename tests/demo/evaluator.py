"""The demo's own release decision, to hold the relays' against.

Written from the standards, not from the relay's code: policies are Open XML
SPIFs, labels STANAG 4774 (alone or in a STANAG 4778 binding), clearances
ADatP-4774 App 2 Annex A.  The decision is that of ADatP-4774.1 s.3.11.4 after
validation against the SPIF, with equivalences of national SPIFs, then space
and ceiling.  Whatever is unknown or invalid is not released.

    evaluator.py --check    decides every row of the published decisions
"""
import json
import os
import sys
import xml.etree.ElementTree as ET
import xml.parsers.expat

LABEL = "{urn:nato:stanag:4774:confidentialitymetadatalabel:1:0}"
CLEARANCE = "{urn:nato:stanag:4774:confidentialityclearance:1:0}"
BINDING = "{urn:nato:stanag:4778:bindinginformation:1:0}"
SPIF = "{http://www.xmlspif.org/spif}"

NATO_OID = "1.3.26.1.3.1"
PUBLIC_OID = "1.3.6.1.4.1.31778.12.2.1"
VERSIONS = ("1.0", "2.0", "2.1")
TYPES = ("RESTRICTIVE", "PERMISSIVE", "INFORMATIVE")
BYTES_MAX = 1 << 20


class Refused(Exception):
    """Why there is no release: a short rule, and a sentence."""

    def __init__(self, rule, detail):
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


def invalid(detail):
    return Refused("invalid-label", detail)


# ---- XML without surprises ----

def parse_xml(data, what):
    """The root element.  No DOCTYPE, so no entity but the five; no network."""
    def doctype(*_):
        raise invalid("%s: a DOCTYPE is refused" % what)

    if len(data) > BYTES_MAX:
        raise invalid("%s: too large" % what)
    guard = xml.parsers.expat.ParserCreate()
    guard.StartDoctypeDeclHandler = doctype
    try:
        guard.Parse(data, True)
        return ET.fromstring(data)
    except (xml.parsers.expat.ExpatError, ET.ParseError) as e:
        raise invalid("%s: %s" % (what, e)) from e


def token(text):
    """xs:token: white space collapses."""
    return " ".join((text or "").split())


def text_of(element):
    """All character data of a simple element; comments are no part of it."""
    if len(element):
        raise invalid("element %s holds elements" % element.tag)
    return "".join(element.itertext())


def one(element, name):
    found = element.findall(name)
    if len(found) != 1:
        raise invalid("%d elements %s, not one" % (len(found), name))
    return found[0]


# ---- policies ----

class Value:
    def __init__(self, element):
        self.name = (element.get("name") or "").strip()
        self.lacv = element.get("lacv")
        self.free = element.get("userInput") == "true"
        self.excluded_classes = [token(e.text) for e in
                                 element.findall(SPIF + "excludedClass")]
        self.required_class = element.get("requiredClass")
        self.required = element.findall(SPIF + "requiredCategory")
        self.excluded = element.findall(SPIF + "excludedCategory")
        self.equivalents = element.findall(SPIF + "equivalentSecCategoryTag")


class Tag:
    def __init__(self, tag_set, element):
        self.name = (tag_set.get("name") or "").strip()
        self.id = tag_set.get("id")
        self.tag_type = element.get("tagType")
        self.enum_type = element.get("enumType")
        self.type = {
            ("restrictive", None): "RESTRICTIVE",
            ("permissive", None): "PERMISSIVE",
            ("enumerated", "restrictive"): "RESTRICTIVE",
            ("enumerated", "permissive"): "PERMISSIVE",
            ("tagType7", None): "INFORMATIVE",
        }.get((self.tag_type,
               self.enum_type if self.tag_type == "enumerated" else None))
        self.least = int(element.get("minSelection") or 0)
        most = element.get("maxSelection")
        self.most = int(most) if most else None
        if element.get("singleSelection") == "true":
            self.most = 1
        self.values = [Value(v) for v in element.findall(SPIF + "tagCategory")]


class Class:
    def __init__(self, element):
        self.name = (element.get("name") or "").strip()
        self.lacv = element.get("lacv")
        self.hierarchy = int(element.get("hierarchy") or 0)
        self.required = element.findall(SPIF + "requiredCategory")
        self.equivalents = element.findall(SPIF + "equivalentClassification")


class Spif:
    """One policy file."""

    def __init__(self, data):
        root = parse_xml(data, "policy")
        if root.tag != SPIF + "SPIF":
            raise Refused("policy", "this is no SPIF")
        if root.get("schemaVersion") not in VERSIONS:
            raise Refused("policy", "SPIF version %s is not read here"
                          % root.get("schemaVersion"))
        identifier = one(root, SPIF + "securityPolicyId")
        self.name = token(identifier.get("name"))
        self.oid = (identifier.get("id") or "").strip()
        self.folds = self.oid in (NATO_OID, PUBLIC_OID)
        self.classes = [Class(c) for c in root.iterfind(
            "%ssecurityClassifications/%ssecurityClassification"
            % (SPIF, SPIF))]
        self.tags = [Tag(s, t)
                     for s in root.iter(SPIF + "securityCategoryTagSet")
                     for t in s.findall(SPIF + "securityCategoryTag")]

    def key(self, text):
        """What two values must share to be the same: ADatP-4774 App 2."""
        return text.casefold() if self.folds else text

    def same(self, a, b):
        return self.key(a) == self.key(b)

    def find_class(self, name):
        for c in self.classes:
            if self.same(c.name, token(name)):
                return c
        return None

    def find_tag(self, name, kind):
        for t in self.tags:
            if self.same(t.name, name) and t.type == kind:
                return t
        return None

    def is_named(self, name, uri):
        """Is this the policy of a PolicyIdentifier?"""
        if not self.same(self.name, token(name)):
            return False
        if uri is not None and uri != "urn:oid:" + self.oid:
            raise Refused("policy", "PolicyIdentifier %s has the URI %s"
                          % (token(name), uri))
        return True


# ---- what a label says under a policy ----

class Selection:
    """A classification, and the values of each tag; `chosen` pairs a Tag with
    a list of groups, each the Values of one name."""

    def __init__(self, spif, classification):
        self.spif = spif
        self.classification = classification
        self.chosen = []

    def groups(self, tag):
        for t, groups in self.chosen:
            if t is tag:
                return groups
        groups = []
        self.chosen.append((tag, groups))
        return groups

    def add(self, tag, values):
        groups = self.groups(tag)
        if not any(g[0].name == values[0].name for g in groups):
            groups.append(values)

    def select(self, tag, text):
        values = [v for v in tag.values
                  if self.spif.same(v.name, text)]
        if not values:
            values = [v for v in tag.values if v.free][:1]
        if not values:
            raise invalid("%s is no value of %s" % (text, tag.name))
        self.add(tag, values)


def read_selection(spif, information):
    """A ConfidentialityInformation under the SPIF that it names."""
    name = token(text_of(one(information, LABEL + "Classification")))
    classification = spif.find_class(name)
    if not classification:
        raise invalid("%s is no classification of %s" % (name, spif.name))
    out = Selection(spif, classification)
    for category in information.findall(LABEL + "Category"):
        kind, name = category.get("Type"), category.get("TagName")
        if kind not in TYPES or not name:
            raise invalid("a Category without TagName or with a wrong Type")
        tag = spif.find_tag(name, kind)
        if not tag:
            raise invalid("%s has no tag %s of type %s"
                          % (spif.name, name, kind))
        uri = category.get("URI")
        if uri and uri != "urn:oid:" + (tag.id or ""):
            raise invalid("the URI of %s is not that of its tag set" % name)
        values = list(category)
        if not values:
            raise invalid("%s has no value" % name)
        for value in values:
            if value.tag != LABEL + "GenericValue":
                raise invalid("%s in a Category" % value.tag)
            out.select(tag, text_of(value))
    return out


def matches(selection, reference):
    """How many of the label's values a categoryGroup or excludedCategory
    names; without lacv it names the whole tag."""
    n = 0
    for tag, groups in selection.chosen:
        if (reference.get("tagSetRef") not in (tag.name, tag.id)
                or reference.get("tagType") != tag.tag_type
                or (tag.tag_type == "enumerated"
                    and reference.get("enumType") != tag.enum_type)):
            continue
        lacv = reference.get("lacv")
        n += sum(1 for g in groups
                 if lacv is None or any(v.lacv == lacv for v in g))
    return n


def check_required(selection, requirements, of):
    for requirement in requirements:
        groups = requirement.findall(SPIF + "categoryGroup")
        met = sum(1 for g in groups if matches(selection, g))
        fine = {"onlyOne": met == 1, "oneOrMore": met >= 1,
                "all": met == len(groups)}.get(requirement.get("operation"))
        if not fine:
            raise invalid("%s: its required categories are not there" % of)


def value_fits(selection, value):
    spif, name = selection.spif, selection.classification.name
    if any(spif.same(name, c) for c in value.excluded_classes):
        raise invalid("%s excludes %s" % (value.name, name))
    if value.required_class and not spif.same(name, value.required_class):
        raise invalid("%s requires %s" % (value.name, value.required_class))
    check_required(selection, value.required, value.name)
    for reference in value.excluded:
        if matches(selection, reference):
            raise invalid("%s excludes another category" % value.name)


def check_nato(selection):
    """ADatP-4774 App 2: what the NATO SPIF cannot say."""
    def names(tag_name):
        return [g[0].name.casefold() for t, groups in selection.chosen
                if t.name == tag_name and t.type == "PERMISSIVE"
                for g in groups]

    context = names("Context")
    released = "releasable" in context
    if not context:
        raise Refused("profile", "the NATO policy wants a Context")
    if len(context) - released != 1:
        raise Refused("profile", "one context, not %d"
                      % (len(context) - released))
    if released != bool(names("Releasable To")):
        raise Refused("profile", "Releasable and Releasable To go together")


def check_selection(selection):
    for tag, groups in selection.chosen:
        if tag.most is not None and len(groups) > tag.most:
            raise invalid("%s: at most %d values" % (tag.name, tag.most))
        if len(groups) < tag.least:
            raise invalid("%s: at least %d values" % (tag.name, tag.least))
        for values in groups:
            first = None
            for value in values:  # of one name: one that fits is enough
                try:
                    value_fits(selection, value)
                    break
                except Refused as e:
                    first = first or e
            else:
                raise first
    check_required(selection, selection.classification.required,
                   selection.classification.name)
    if selection.spif.oid == NATO_OID:
        check_nato(selection)


# ---- mapping a national label ----

def applies(equivalent, governing):
    """At reception: applied is decrypt or both."""
    return (equivalent.get("policyRef") in (governing.name, governing.oid)
            and equivalent.get("applied") in ("decrypt", "both"))


def map_value(tag, values, governing, out):
    for value in values:
        for e in value.equivalents:
            if not applies(e, governing):
                continue
            if e.get("action") == "discard":
                return
            targets = [t for t in governing.tags
                       if e.get("tagSetId") in (t.id, t.name)
                       and e.get("tagType") == t.tag_type
                       and (t.tag_type != "enumerated"
                            or e.get("enumType") == t.enum_type)]
            found = [v for t in targets for v in t.values
                     if v.lacv == e.get("lacv")]
            if found:
                out.add(targets[0], found[:1])
                return
    if tag.type != "INFORMATIVE":
        raise Refused("policy", "%s has no equivalent in %s"
                      % (values[0].name, governing.name))


def map_selection(selection, governing):
    for e in selection.classification.equivalents:
        if applies(e, governing):
            for c in governing.classes:
                if c.lacv == e.get("lacv"):
                    out = Selection(governing, c)
                    check_required(selection,
                                   e.findall(SPIF + "requiredCategory"),
                                   selection.classification.name)
                    for tag, groups in selection.chosen:
                        for values in groups:
                            map_value(tag, values, governing, out)
                    return out
    raise Refused("policy", "%s has no equivalent in %s"
                  % (selection.classification.name, governing.name))


# ---- labels and clearances ----

LABEL_ROOTS = {
    LABEL + "originatorConfidentialityLabel": "originator",
    LABEL + "ConfidentialityLabel": "originator",
    LABEL + "alternativeConfidentialityLabel": "alternative",
    LABEL + "metadataConfidentialityLabel": "metadata",
}
INFORMATION = {LABEL + n for n in ("PolicyIdentifier", "Classification",
                                   "PrivacyMark", "Category")}


class Part:
    def __init__(self, element):
        self.kind = LABEL_ROOTS.get(element.tag)
        if not self.kind:
            raise invalid("%s is no label" % element.tag)
        self.information = one(element, LABEL + "ConfidentialityInformation")
        for child in self.information:
            if child.tag not in INFORMATION:
                raise invalid("%s: a limit that is not understood"
                              % child.tag)
        policy = one(self.information, LABEL + "PolicyIdentifier")
        self.policy, self.uri = token(text_of(policy)), policy.get("URI")


def read_label(data):
    """The parts of a label or of a binding: the originator's is first."""
    root = parse_xml(data, "label")
    if root.tag == BINDING + "BindingInformation":
        metadata = root.findall("%sMetadataBindingContainer/%sMetadataBinding"
                                "/%sMetadata" % (BINDING, BINDING, BINDING))
        parts = []
        for m in metadata:
            if len(m) != 1:
                raise invalid("Metadata holds %d elements, not one" % len(m))
            if m[0].tag.startswith(LABEL):
                parts.append(Part(m[0]))
    else:
        parts = [Part(root)]
    own = [p for p in parts if p.kind == "originator"]
    if len(own) != 1:
        raise invalid("%d originator labels, not one" % len(own))
    return own + [p for p in parts if p.kind != "originator"]


class Clearance:
    """What a reader holds, before any policy looks at it."""

    def __init__(self, data):
        root = parse_xml(data, "clearance")
        if root.tag != CLEARANCE + "ConfidentialityClearance":
            raise invalid("this is no clearance")
        self.policy = token(text_of(one(root, LABEL + "PolicyIdentifier")))
        levels = one(root, CLEARANCE + "ClassificationList")
        self.classes = [token(text_of(c))
                        for c in levels.findall(LABEL + "Classification")]
        self.categories = []
        for c in root.findall(LABEL + "Category"):
            self.categories.append(
                (c.get("TagName"), c.get("Type"),
                 [text_of(v) for v in c.findall(LABEL + "GenericValue")]))

    def values(self, spif, tag):
        return {spif.key(v.strip()) for name, kind, values in self.categories
                if spif.same(name or "", tag.name) and kind == tag.type
                for v in values}


class Policy:
    """The governing SPIF and the nationals that map to it."""

    def __init__(self, files):
        self.spifs = [Spif(f) for f in files]
        self.governing = self.spifs[0]

    def select(self, data):
        """What a label says under the governing policy; raises Refused."""
        parts = read_label(data)
        origin = parts[0]
        spif = self.named(origin)
        if spif is self.governing:
            return self.checked(spif, origin)
        others = [self.checked(self.governing, p) for p in parts[1:]
                  if p.kind == "alternative"
                  and self.named(p) is self.governing]
        if others:
            if any(self.words(o) != self.words(others[0]) for o in others):
                raise invalid("alternative labels disagree")
            return others[0]
        if not spif:
            raise Refused("policy", "%s does not govern and is not mapped"
                          % origin.policy)
        mapped = map_selection(self.checked(spif, origin), self.governing)
        check_selection(mapped)
        return mapped

    def named(self, part):
        for spif in self.spifs:
            if spif.is_named(part.policy, part.uri):
                return spif
        return None

    @staticmethod
    def words(selection):
        return (selection.classification.name,
                sorted((t.name, t.type, g[0].name)
                       for t, groups in selection.chosen for g in groups))

    @staticmethod
    def checked(spif, part):
        selection = read_selection(spif, part.information)
        check_selection(selection)
        return selection

    def above(self, selection, ceiling):
        limit = self.governing.find_class(ceiling)
        return (not limit
                or selection.classification.hierarchy > limit.hierarchy)

    def above_ceiling(self, label, ceiling):
        """A spill: what has no level counts as above."""
        try:
            return self.above(self.select(label), ceiling)
        except Refused:
            return True

    def decide(self, label, clearance, space=None, spaces=None, ceiling=None):
        """(released, rule, detail).  `spaces` None: every space."""
        try:
            self.judge(label, clearance, space, spaces, ceiling)
            return True, "released", ""
        except Refused as e:
            return False, e.rule, e.detail

    def judge(self, label, clearance, space, spaces, ceiling):
        g = self.governing
        selection = self.select(label)
        if not g.same(clearance.policy, g.name):
            raise Refused("policy", "the clearance is not of %s" % g.name)
        name = selection.classification.name
        if not any(g.same(name, c) for c in clearance.classes):
            raise Refused("classification", "%s is not held" % name)
        for tag, groups in selection.chosen:
            held = clearance.values(g, tag)
            has = [g.key(values[0].name) in held for values in groups]
            if tag.type == "RESTRICTIVE" and not all(has):
                raise Refused("restrictive:" + tag.name,
                              "not every value is held")
            if tag.type == "PERMISSIVE" and not any(has):
                raise Refused("permissive:" + tag.name, "no value is held")
        if spaces is not None and space not in spaces:
            raise Refused("space", "%s is not the reader's" % space)
        if ceiling and self.above(selection, ceiling):
            raise Refused("ceiling", "%s is above %s" % (name, ceiling))


# ---- self-test ----

def check(folder):
    path = os.path.join(folder, "decisions.json")
    if not os.path.exists(path):
        print("skipped: the decisions: no %s" % path)
        return 0

    def read(name):
        with open(os.path.join(folder, name), "rb") as f:
            return f.read()

    wrong = 0
    rows = json.loads(read("decisions.json"))["decisions"]
    for row in rows:
        label = (row["label_xml"].encode() if "label_xml" in row
                 else read(row["label_file"]))
        released, rule, detail = Policy([read(row["spif"])]).decide(
            label, Clearance(read(row["clearance_file"])))
        if released != (row["expected"] == "released"):
            wrong += 1
            print("%s: %s: %s (%s)" % (row["id"], row["expected"], rule,
                                       detail))
    print("%d of %d decisions agree" % (len(rows) - wrong, len(rows)))
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        sys.exit("usage: evaluator.py --check")
    here = os.path.dirname(os.path.abspath(__file__))
    data = os.environ.get("ENTENTE_DATA") or os.path.join(
        here, "..", "..", "..", "shared", "data")
    sys.exit(check(os.path.join(data, "labels")))
