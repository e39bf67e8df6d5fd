# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of processes that are always in the middle of something.

A picture may catch a list whose items are being moved, a dict between two tables, a collection
whose lists are taken apart. Whatever it catches: the graph holds together, what did not change is
found whole and reachable, what could not be read is counted and little, nothing crashes or hangs.
"""
import json
import os
import subprocess
import sys
import unittest

from targets import BUILD, TESTS, TargetTest

TOOL = os.path.join(BUILD, "tests", "system", "snapshot-tool")
SNAPSHOTS = int(os.environ.get("SHIKARI_TORN_SNAPSHOTS", "100"))
SECONDS_MAX = 900

# Of all objects, what may be unreadable in one snapshot. A stopped process has one structure per
# thread in the middle of a change, and what hangs from it. One that runs exchanges its restless part many
# times while it is read: two rounds of cycles are 8,000 objects of 69,000, and an object that was
# exchanged between the two passes is counted, as it should be.
UNREADABLE_MAX = {"clone": 0.0005, "freeze": 0.0005, "live": 0.2}


class TornTest(TargetTest):
    def snapshots(self, work, mode, container):
        # One that is not read while it works need not do so at full speed: it may leave a processor to others.
        nice = ["nice", "-n", "10"] if mode != "live" else []
        target = self.start(*nice, sys.executable, os.path.join(TESTS, "targets", "restless.py"), work)
        kept = int(target.ready[0])
        tool = subprocess.run(
            [TOOL, str(target.pid), mode, str(SNAPSHOTS), f"__main__.{container}", "__main__.Kept"],
            stdout=subprocess.PIPE, text=True, timeout=SECONDS_MAX)
        self.assertEqual(tool.returncode, 0)
        found = [json.loads(line) for line in tool.stdout.splitlines()]
        self.assertEqual(len(found), SNAPSHOTS)
        self.assert_untouched(target.pid)
        rounds = target.finish()
        self.assertEqual(target.process.returncode, 0)
        self.assertRegex(rounds[-1], r"^rounds [1-9]")
        self.assertEqual(len(rounds), 1, rounds)
        return kept, found

    def check(self, work, mode, container):
        kept, found = self.snapshots(work, mode, container)
        for snapshot in found:
            self.assertEqual(snapshot["mode"], mode)
            self.assertEqual(
                [snapshot[what] for what in ("containers", "items", "held", "reached")],
                [1, kept, kept, kept], snapshot)
            self.assertLessEqual(snapshot["unreadable"] / snapshot["objects"],
                                 UNREADABLE_MAX[mode], snapshot)
        busy = sum(snapshot["gil_was_held"] for snapshot in found)
        print(f"{work}, {mode}: {len(found)} snapshots, {busy} with the GIL held, "
              f"{sum(snapshot['was_collecting'] for snapshot in found)} in a collection after "
              f"{sum(snapshot['retries'] for snapshot in found)} retries, unreadable at most "
              f"{max(snapshot['unreadable'] for snapshot in found)} of "
              f"{max(snapshot['objects'] for snapshot in found)}")
        return found

    def test_rest(self):
        target = self.start(sys.executable, "-c", "print('ready', flush=True); input()")
        tool = subprocess.run([TOOL, str(target.pid), "clone", "1", "list", "str"],
                              stdout=subprocess.PIPE, text=True, timeout=SECONDS_MAX)
        self.assertEqual(json.loads(tool.stdout)["unreadable"], 0)
        self.assertGreater(json.loads(tool.stdout)["held"], 0)

    def test_resize_clone(self):
        found = self.check("resize", "clone", "KeptList")
        # It never waits: nearly every picture is of a thread at work.
        self.assertGreater(sum(snapshot["gil_was_held"] for snapshot in found), SNAPSHOTS // 2)

    def test_resize_freeze(self):
        self.check("resize", "freeze", "KeptTuple")

    def test_resize_live(self):
        self.check("resize", "live", "KeptList")

    def test_collect_clone(self):
        found = self.check("collect", "clone", "KeptTuple")
        # A collection caught is tried again, and some pictures have one nevertheless.
        self.assertGreater(sum(snapshot["retries"] for snapshot in found), 0)

    def test_collect_freeze(self):
        self.check("collect", "freeze", "KeptList")

    def test_collect_live(self):
        self.check("collect", "live", "KeptTuple")


if __name__ == "__main__":
    unittest.main()
