#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Compare layouts of interpreters (dump_layouts.py) with the rows in data/layout.

    compare_layouts.py LAYOUTS.json... [--label LABEL]... [--row NAME]...

For each label, all rows that its version fits, or, if there is none, the row of the version nearest to
it. Of each row: how many of its entries are equal, and those that differ, are missing in the label (the
headers do not have what is in .c files) or only in it. Exits 1 if an entry differs from every row.
"""
import argparse
import json
import pathlib
import sys

import import_layouts
import layout_fields


def fits(row, version):
    low, high = (int(bound, 16) for bound in row["version"])
    return low <= version <= high


def distance(row, version):
    low, high = (int(bound, 16) for bound in row["version"])
    return max(low - version, version - high, 0)


def rows_for(rows, version):
    nearest = min(distance(row, version) for row in rows)
    return [row for row in rows if distance(row, version) == nearest]


def entry_of(text):
    """The words of an entry; one that rows.txt sets has no size."""
    return text.replace(" set", "").split(" ")


def compare(index, entries, wanted):
    """(equal, {entry: (row's, label's)} that differ, missing in the label, only in the label)"""
    differ, missing, equal = {}, [], 0
    for entry, text in entries.items():
        mine, other = entry_of(text), index.get(entry, "").split(" ")
        if entry not in index:
            missing.append(entry)
        elif mine == other[:len(mine)]:
            equal += 1
        else:
            differ[entry] = text, index[entry]
    return equal, differ, missing, sorted((set(index) & wanted) - set(entries))


def shortened(names, limit=12):
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def show(label, row, result, is_fitting):
    equal, differ, missing, added = result
    words = f"{label} and {row['name']}" + ("" if is_fitting else " (no row fits, this is the nearest)")
    print(f"{words}: {equal} equal, {len(differ)} differ, {len(missing)} missing, {len(added)} only in {label}")
    for entry, (old, new) in sorted(differ.items()):
        print(f"    {entry}: {old} in the row, {new} in {label}"
              + (" (no matter: a size that may differ)" if layout_fields.may_grow(entry) else ""))
    if missing:
        print(f"    missing: {shortened(sorted({entry.partition('.')[0] for entry in missing}))}")
    if added:
        print(f"    only in {label}: {shortened(added)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json", nargs="+")
    parser.add_argument("--label", action="append")
    parser.add_argument("--row", action="append")
    arguments = parser.parse_args()
    wanted, rows = layout_fields.wanted_entries(), layout_fields.read_rows()
    differing = []
    for path in arguments.json:
        for label, layout in json.loads(pathlib.Path(path).read_text())["layouts"].items():
            if arguments.label and label not in arguments.label:
                continue
            version = layout_fields.version_of_label(label)
            chosen = [row for row in rows if row["name"] in arguments.row] if arguments.row else rows_for(rows, version)
            results = []
            for row in chosen:
                entries = layout_fields.read_layout(layout_fields.path_of_row(row["name"]))["entries"]
                results.append(compare(import_layouts.index_layout(layout), entries, wanted))
                show(label, row, results[-1], fits(row, version))
            if not any(all(map(layout_fields.may_grow, differ)) for _, differ, _, _ in results):
                differing.append(label)
    if differing:
        sys.exit(f"no row is right for {', '.join(differing)}")


if __name__ == "__main__":
    main()
