#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Tests compare_truth.py: a dump made from the truth passes, and one with a planted error does not."""

import array
import collections
import contextlib
import io
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import compare_truth  # noqa: E402
import truth_file  # noqa: E402
from compare_truth import INFERRED, STATIC, TRACKED, Comparison  # noqa: E402

TYPE, LIST, DICT, STR, OWN, CACHE, LINK, GENERATOR = range(0x1000, 0x1800, 0x100)
NAMES = {
    TYPE: ["type", "object"],
    LIST: ["list", "object"],
    DICT: ["dict", "object"],
    STR: ["str", "object"],
    OWN: ["app.Own", "object"],
    CACHE: ["functools._lru_cache_wrapper", "object"],
    GENERATOR: ["generator", "object"],
    LINK: ["functools._lru_list_elem", "object"],
}
OBSERVER = 0x9000000
LISTS = 1000


class Heap:
    """A made-up heap, as truth and as dump: lists that hold the next list twice, and a str."""

    def __init__(self):
        self.version = "3.11.7"
        self.objects = {}  # address: [type, size, tracked, referents]
        for kind in NAMES:
            self.objects[kind] = [TYPE, 400, False, []]
        self.lists = [0x100000 + 64 * n for n in range(LISTS)]
        self.strings = [0x200000 + 64 * n for n in range(LISTS)]
        for n, (address, text) in enumerate(zip(self.lists, self.strings)):
            following = self.lists[(n + 1) % LISTS]
            self.objects[address] = [LIST, 56 + 24, True, [following, following, text]]
            self.objects[text] = [STR, 50 + n % 7, False, []]
        self.dict = 0x300000
        self.objects[self.dict] = [DICT, 232, True, [self.lists[0], OBSERVER]]
        self.running = None
        self.immortal = set()
        self.own = 0x300100
        self.objects[self.own] = [OWN, 0, True, []]
        counts = collections.Counter(
            target for _, _, _, referents in self.objects.values() for target in referents)
        self.counts = {address: counts[address] + 1 for address in self.objects}
        self.nodes = {
            address: {
                "type": kind, "size": size, "refcount": self.counts[address],
                "flags": (TRACKED if tracked else 0) | (STATIC if kind == TYPE else 0),
                "edges": list(referents), "exact": self.counts[address], "inferred": 0}
            for address, (kind, size, tracked, referents) in self.objects.items()}
        self.nodes[self.own]["size"] = 999  # truth does not say

    def write_truth(self, path):
        columns = [array.array(truth_file.UNSIGNED) for _ in range(7)]
        addresses, kinds, sizes, flags, starts, edges, excluded = columns
        refcounts = array.array(truth_file.SIGNED)
        for address, (kind, size, tracked, referents) in self.objects.items():
            addresses.append(address)
            kinds.append(kind)
            sizes.append(size)
            flags.append(
                (truth_file.TRACKED if tracked else 0)
                | (truth_file.OWN_SIZE if kind == OWN else 0)
                | (truth_file.GC_TYPE if kind not in (STR, LINK) else 0)
                | (truth_file.IMMORTAL if address in self.immortal else 0)
                | (truth_file.RUNNING if address == self.running else 0))
            refcounts.append(self.counts[address])
            starts.append(len(edges))
            edges.extend(referents)
        starts.append(len(edges))
        excluded.append(OBSERVER)
        truth_file.write(path, truth_file.Truth(
            4242, addresses, kinds, sizes, refcounts, flags, starts, edges, excluded, NAMES, self.version))

    def write_dump(self, path):
        with open(path, "wb") as file:
            file.write(compare_truth.DUMP_MAGIC)
            for address, node in self.nodes.items():
                edges = node["edges"]
                file.write(struct.pack(
                    f"<3QqII{len(edges)}QII", address, node["type"], node["size"],
                    node["refcount"], node["flags"], len(edges), *edges, node["exact"],
                    node["inferred"]))


class ComparerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.truth_path = os.path.join(folder.name, "truth")
        self.dump_path = os.path.join(folder.name, "dump")
        self.heap = Heap()

    def compare(self):
        self.heap.write_truth(self.truth_path)
        self.heap.write_dump(self.dump_path)
        return Comparison(
            truth_file.read(self.truth_path), compare_truth.read_dump(self.dump_path))

    def assert_fails(self, *names):
        """The comparison fails in these figures and no others."""
        comparison = self.compare()
        self.assertEqual(set(comparison.failures()), set(names))
        return comparison

    def lists(self, count):
        return [self.heap.nodes[address] for address in self.heap.lists[:count]]

    def test_right_dump_passes(self):
        comparison = self.assert_fails()
        self.assertFalse(comparison.differences)
        self.assertEqual(comparison.figures["edges found"], (3 * LISTS + 1, 3 * LISTS + 1))

    def test_one_missing_tracked_object_fails(self):
        # Its edges and counts are lost with it; here only the objects themselves matter.
        del self.heap.nodes[self.heap.lists[5]]
        comparison = self.compare()
        self.assertIn("tracked objects found, type right", comparison.failures())
        self.assertEqual(comparison.differences["object is missing", "list"], 1)

    def test_one_wrong_type_of_a_tracked_object_fails(self):
        self.heap.nodes[self.heap.lists[5]]["type"] = DICT
        comparison = self.assert_fails("tracked objects found, type right")
        self.assertEqual(comparison.differences["type", "list", "read as dict"], 1)

    def test_tracked_flag_is_compared(self):
        self.heap.nodes[self.heap.lists[5]]["flags"] = 0
        self.assert_fails("tracked objects found, type right")

    def test_missing_untracked_objects_fail(self):
        for address in self.heap.strings[:5]:
            del self.heap.nodes[address]
        comparison = self.compare()
        self.assertIn("all objects found, type right", comparison.failures())
        self.assertNotIn("tracked objects found, type right", comparison.failures())

    def test_objects_that_do_not_exist_fail(self):
        for n in range(5):
            self.heap.nodes[0x700000 + 64 * n] = dict(self.heap.nodes[self.heap.lists[0]], edges=[])
        self.assert_fails("tracked in the dump, not in truth")

    def test_the_observers_own_objects_are_left_out(self):
        self.heap.nodes[OBSERVER] = dict(
            self.heap.nodes[self.heap.lists[0]], edges=[self.heap.lists[0]] * 50, refcount=7)
        self.heap.nodes[self.heap.dict]["edges"].remove(OBSERVER)
        self.assert_fails()

    def test_wrong_sizes_fail(self):
        for node in self.lists(3):
            node["size"] += 16
        comparison = self.assert_fails("sizes")
        self.assertEqual(comparison.differences["size", "list", "80 read as 96"], 3)

    def test_missing_edges_fail(self):
        for node in self.lists(4):
            del node["edges"][-1]
        comparison = self.assert_fails("edges found")
        self.assertEqual(comparison.differences["edge is missing", "list", "to str"], 4)

    def test_multiplicity_counts(self):
        for node in self.lists(4):
            del node["edges"][0]  # the next list is still there once
        comparison = self.assert_fails("edges found")
        self.assertEqual(comparison.differences["edge is missing", "list", "to list"], 4)

    def test_inferred_edges_count_as_found(self):
        for node in self.lists(100):
            node["edges"] = [edge | INFERRED for edge in node["edges"]]
        comparison = self.assert_fails()
        self.assertEqual(comparison.informative["edges found as inferred"][0], 300)
        self.assertEqual(comparison.informative["inferred edges that truth lacks"][0], 0)

    def test_exact_edges_that_truth_lacks_fail(self):
        for node in self.lists(4):
            node["edges"].append(self.heap.own)
        comparison = self.assert_fails("exact edges that truth has or allows")
        self.assertEqual(comparison.differences["edge that truth lacks", "list", "to app.Own"], 4)

    def test_an_exact_edge_read_twice_fails(self):
        for node in self.lists(4):
            node["edges"].append(node["edges"][-1])
        self.assert_fails("exact edges that truth has or allows")

    def test_inferred_edges_that_truth_lacks_are_counted(self):
        for node in self.lists(4):
            node["edges"].append(self.heap.own | INFERRED)
        comparison = self.assert_fails()
        self.assertEqual(comparison.informative["inferred edges that truth lacks"][0], 4)

    def test_keys_of_dicts_are_allowed(self):
        self.heap.nodes[self.heap.dict]["edges"] += self.heap.strings[:100]
        comparison = self.assert_fails()
        self.assertEqual(sum(comparison.allowed.values()), 100)

    def test_the_type_is_allowed_once(self):
        for node in self.lists(4):
            node["edges"].append(LIST)
        comparison = self.assert_fails()
        self.assertEqual(sum(comparison.allowed.values()), 4)
        for node in self.lists(4):
            node["edges"].append(LIST)
        self.assert_fails("exact edges that truth has or allows")

    def test_what_python_2_does_not_visit_is_allowed_there(self):
        for node in self.lists(4):
            node["edges"].append(self.heap.strings[0])
        with mock.patch.object(compare_truth, "NOT_VISITED_2", [("list", "str", "made up")]):
            self.assert_fails("exact edges that truth has or allows")
            self.heap.version = "2.7.18"
            self.assert_fails()

    def test_borrowed_references_need_not_be_found_from_3_14_on(self):
        for address in self.heap.lists[:50]:
            self.heap.objects[address][0] = GENERATOR
            self.heap.nodes[address].update(type=GENERATOR, edges=self.heap.nodes[address]["edges"][1:])
        self.assert_fails("edges found")
        self.heap.version = "3.14.8"
        self.assert_fails()
        for address in self.heap.lists[:50]:
            self.heap.nodes[address]["edges"] = []  # what is not there at all was not borrowed
        self.assert_fails("edges found")

    def test_other_referents_of_dicts_are_not_allowed(self):
        self.heap.nodes[self.heap.dict]["edges"] += self.heap.lists[1:100]
        self.assert_fails("exact edges that truth has or allows")

    def add_cache(self):
        """A cache that says it refers to what its link refers to, and not to the link."""
        cache, link, contents = 0x300200, 0x300300, self.heap.lists[:10]
        for address, kind, referents, edges in (
                (cache, CACHE, contents, [link]), (link, LINK, [], contents)):
            self.heap.objects[address] = [kind, 100, kind == CACHE, referents]
            self.heap.counts[address] = 1
            self.heap.nodes[address] = {
                "type": kind, "size": 100, "refcount": 1, "flags": TRACKED if kind == CACHE else 0,
                "edges": edges, "exact": 1, "inferred": 0}
        return cache, link

    def test_referents_of_links_count_for_their_cache(self):
        self.add_cache()
        comparison = self.assert_fails()
        self.assertEqual(*comparison.figures["edges found"])

    def test_lost_referents_of_links_fail(self):
        _, link = self.add_cache()
        self.heap.nodes[link]["edges"] = []
        self.assert_fails("edges found")

    def test_locals_of_running_frames_are_allowed(self):
        self.heap.running = self.heap.own
        self.heap.nodes[self.heap.own]["edges"] = self.heap.lists[:50]
        self.assert_fails()
        self.heap.running = None
        self.assert_fails("exact edges that truth has or allows")

    def test_refcounts_that_were_read_wrong_fail(self):
        for node in self.lists(4):
            node["refcount"] += 1
            node["exact"] += 1
        self.assert_fails("refcounts read")

    def test_unexplained_refcounts_fail(self):
        for node in self.lists(12):
            node["exact"] -= 1
        comparison = self.assert_fails(
            "refcounts explained by exact edges", "refcounts explained with inferred edges")
        self.assertEqual(
            comparison.differences["refcount is not explained", "list", "+1 with 0 inferred"], 12)

    def test_inferred_edges_explain_refcounts(self):
        for node in self.lists(12):
            node["exact"] -= 1
            node["inferred"] += 2
        self.assert_fails("refcounts explained by exact edges")

    def test_more_exact_edges_than_references_fail(self):
        for node in self.lists(12):
            node["exact"] += 1
            node["inferred"] = 5
        self.assert_fails(
            "refcounts explained by exact edges", "refcounts explained with inferred edges")

    def test_calling_everything_static_fails(self):
        for node in self.heap.nodes.values():
            node["flags"] |= STATIC
        self.assertIn("not static", self.compare().failures())

    def test_empty_dump_fails_in_all_it_can(self):
        self.heap.nodes = {}
        self.assertIn("tracked objects found, type right", self.compare().failures())
        self.assertIn("edges found", self.compare().failures())
        self.assertIn("sizes", self.compare().failures())

    def test_broken_dumps_are_refused(self):
        self.heap.write_dump(self.dump_path)
        with open(self.dump_path, "rb") as file:
            content = file.read()
        for broken in (b"", b"SHKDUMP2" + content[8:], content[:-8], content[:-1], content + content[8:]):
            with self.subTest(length=len(broken)):
                with open(self.dump_path, "wb") as file:
                    file.write(broken)
                with self.assertRaises(compare_truth.BadDump):
                    compare_truth.read_dump(self.dump_path)

    def test_program_says_what_failed(self):
        for node in self.lists(4):
            node["size"] = 1
        self.compare()
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "compare_truth.py"), self.truth_path, self.dump_path],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED: sizes", done.stderr)
        self.assertIn("size: list: 80 read as 1", done.stdout)

    def test_immortal_objects_are_not_counted(self):
        self.heap.immortal = set(self.heap.strings[:100])
        for address in self.heap.immortal:
            self.heap.counts[address] = 0xFFFFFFFF
            self.heap.nodes[address].update(refcount=0xFFFFFFFF, exact=0, flags=STATIC)
        comparison = self.assert_fails()
        self.assertEqual(comparison.informative["immortal, so not counted: said static"], (100, 100))

    def test_python_2_may_explain_fewer_counts(self):
        for node in self.lists(30):
            node["exact"] -= 1
            node["inferred"] = 1
        self.assert_fails("refcounts explained by exact edges")
        self.heap.version = "2.7.18"
        self.assert_fails()

    def test_explains_by_type_with_place_and_example(self):
        for node in self.lists(4):
            del node["edges"][-1]
            node["size"] += 8
            node["exact"] -= 1
            node["inferred"] += 1
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            self.compare().explain()
        self.assertIn("type list: 4 to str  (1000 objects; e.g. 0x100000; referent #3 in 4)", shown.getvalue())
        self.assertIn("size: 4", shown.getvalue())
        self.assertIn("by inferred edges alone: 4\n  type list: 4  (1000 objects)", shown.getvalue())

    def test_all_figures_have_a_threshold(self):
        comparison = self.compare()
        self.assertEqual(set(comparison.figures), set(compare_truth.THRESHOLDS))
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            comparison.show()
        for name in comparison.figures:
            self.assertIn(name, shown.getvalue())


if __name__ == "__main__":
    unittest.main()
