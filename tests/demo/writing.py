"""Puts documents, edits them, and says the home's word on them."""
import os

from federation import WITHHELD, progress

NOT_ALLOWED = 77


def why(row, answer):
    """The rule behind a refusal: opened by the relay's officers."""
    error = answer.error
    if error.get("reference"):
        opened = row.home.do("doc", "why", error["reference"], may=None)
        rule = (opened.json or {}).get("rule")
        if opened.code == 0 and rule:
            return rule, error.get("detail") or error.get("title", "")
    return error.get("name", ""), error.get("detail") or error.get("title", "")


def put(federation, expectation, row):
    """A new document by its author's device; a refusal is kept in the row."""
    progress("%s puts %s" % (row.author.name, row.name))
    row.barred = not expectation.writable(row, row.author)
    path = federation.write("originals/" + row.name, row.data)
    label = federation.write("labels/%s.put.xml" % row.name, row.labels[0])
    answer = row.author.do("doc", "put", path, "--space", row.space,
                           "--label", label, "--title", row.title,
                           may=(0, WITHHELD, NOT_ALLOWED))
    if answer.code == 0:
        row.id = answer.json["document"]
        row.revision = answer.json["revision"]
    else:
        row.refused = why(row, answer)


def edit(federation, row, by, name, data):
    """A new head over what `by` knows; the row that it makes."""
    new = type(row)(name, row.kind, data, None, row.space, by)
    path = federation.write("originals/" + name, data)
    answer = by.do("doc", "put", path, "--document", row.id,
                   "--title", os.path.basename(row.title))
    new.home, new.title, new.id = row.home, row.title, row.id
    new.revision = answer.json["revision"]
    return new


def relabel(federation, row, by, label, words):
    path = federation.write("labels/%s.new.xml" % row.name, label)
    by.do("doc", "relabel", row.id, "--label", path)
    row.labels, row.words = [label], words


def delete(row, by):
    by.do("doc", "rm", row.id)
    row.gone = "deleted"


def recall(row, by):
    by.do("doc", "recall", row.id)
    row.gone = "recalled"
