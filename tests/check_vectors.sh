#!/bin/sh
# The published vectors are what their scripts make: each is run in `check`
# mode.  Then the tables of "Never to change": every row of tests/vectors/
# that they name is there, and one of the tests beside it reads it; and no row
# is left out of them.
set -u
cd "$(dirname "$0")/.." || exit 1

if ! python3 -c 'import cryptography.hazmat.primitives.ciphers.aead as a
a.AESSIV' 2>/dev/null; then
	echo "skipped: 3 scripts of tests/vectors: no python3-cryptography"
	exit 0
fi
export PYTHONDONTWRITEBYTECODE=1
rc=0
for script in tests/vectors/make_*.py; do
	python3 "$script" check || rc=1
done

# | what | file `row`, `row`, file `row` | tests |
python3 - docs/PROTOCOL.md docs/STORAGE.md <<'CHECK' || rc=1
import json
import os
import re
import sys

rows, named, faults = {}, set(), []
for name in ("crypto", "documents", "storage"):
    with open("tests/vectors/%s.json" % name, encoding="utf-8") as f:
        made = json.load(f)
    rows[name] = made.get("rows", made)


def text_of(tests):
    """The tests of one cell; a folder holds for those after it."""
    folder, text = "", ""
    for test in tests:
        folder = os.path.dirname(test) or folder
        try:
            with open(os.path.join(folder, os.path.basename(test)),
                      encoding="utf-8") as f:
                text += f.read()
        except OSError:
            faults.append("no test " + test)
    return text


def check(what, cell, tests):
    text, file, count = text_of(tests.split(", ")), None, 0
    for word in re.findall(r"[a-z]+ (?=`)|`[^`]+`", cell):
        if word[0] != "`":
            file = word.strip()
            continue
        row = word.strip("`")
        count += 1
        named.add((file, row))
        if row not in rows.get(file, {}):
            faults.append("%s: no row %s" % (what, row))
        elif '"%s"' % row not in text:
            faults.append("%s: no test reads %s" % (what, row))
    if not count:
        faults.append(what + ": without a vector")


for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as f:
        section = f.read().split("## Never to change\n")[1]
    for line in section.split("\n## ")[0].splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0] not in ("what", "---"):
            check(*cells)
for file in rows:
    for row in rows[file]:
        if (file, row) not in named:
            faults.append("%s.json: %s is in no table" % (file, row))
if faults:
    sys.exit("\n".join(faults))
CHECK
exit $rc
