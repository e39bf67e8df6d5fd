# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The layouts in data/layout: made by the tools from rows.txt, and again the same from an interpreter."""
import glob
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tools", "layout"))
import layout_fields  # noqa: E402

ROWS = layout_fields.read_rows()


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


class Rows(unittest.TestCase):
    """Nobody edits *.layout: all that rows.txt says is in them as it says it."""

    def test_a_file_for_each_row(self):
        names = sorted(os.path.basename(path)[:-len(".layout")]
                       for path in glob.glob(os.path.join(TOP, "data", "layout", "*.layout")))
        self.assertEqual(sorted(row["name"] for row in ROWS), names)

    def test_the_build_has_them_in_this_order(self):
        listed = re.search(r"foreach name : \[(.*?)\]", read("src", "cpython", "meson.build"), re.S)
        self.assertEqual(["cpython-" + name for name in re.findall(r"'([^']+)'", listed[1])],
                         [row["name"] for row in ROWS])

    def test_heads(self):
        for row in ROWS:
            with self.subTest(row["name"]):
                layout = layout_fields.read_layout(layout_fields.path_of_row(row["name"]))
                for key in "name", "version", "labels", "traits":
                    self.assertEqual(layout[key], row[key])
                low, high = (int(bound, 16) for bound in row["version"])
                self.assertLess(low, high)
                self.assertEqual(low >> 16, high >> 16)
                for label in row["labels"]:
                    self.assertEqual(layout_fields.version_of_label(label) >> 16, low >> 16)

    def test_what_is_set(self):
        for row in ROWS:
            with self.subTest(row["name"]):
                entries = layout_fields.read_layout(layout_fields.path_of_row(row["name"]))["entries"]
                self.assertEqual({entry: text.split()[0] for entry, text in entries.items()
                                  if text.endswith(" set")}, row["set"])

    def test_nothing_else_is_in_them(self):
        wanted = layout_fields.wanted_entries()
        for row in ROWS:
            with self.subTest(row["name"]):
                entries = layout_fields.read_layout(layout_fields.path_of_row(row["name"]))["entries"]
                self.assertEqual(list(entries), sorted(set(entries) & wanted))
                for text in entries.values():
                    self.assertRegex(text, r"\A\d+( \d+| bit \d bits \d+| set)?\Z")


if __name__ == "__main__":
    unittest.main()
