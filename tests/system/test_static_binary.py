#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The command in one file (make static), in a root where there is nothing else, as in a slim container.

$SHIKARI_STATIC, or build-static/shikari.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SHIKARI = os.path.abspath(os.environ.get("SHIKARI_STATIC", os.path.join(ROOT, "build-static", "shikari")))

LEAK = """
import sys, time
class Shop:
    orders = []
sys.stdout.write("ready\\n")
sys.stdout.flush()
while True:
    Shop.orders.extend([float(i) for i in range(500)])
    time.sleep(0.01)
"""

# $0 becomes the root: in it are the command, /proc, and nothing else.
IN_AN_EMPTY_ROOT = """
mount -t tmpfs none "$0" && mkdir "$0/proc" && mount --bind /proc "$0/proc" && cp "$1" "$0/shikari" || exit 1
shift
exec chroot "$0" /shikari "$@"
"""


class StaticBinaryTest(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("mounting takes root")
        self.folder = tempfile.mkdtemp(prefix="shikari-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.target = subprocess.Popen([sys.executable, "-c", LEAK], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.target.communicate)
        self.addCleanup(self.target.kill)
        self.target.stdout.readline()

    def run_inside(self, *arguments):
        done = subprocess.run(
            ["unshare", "--mount", "--", "sh", "-c", IN_AN_EMPTY_ROOT, self.folder, SHIKARI, *arguments],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIsNone(self.target.poll())
        return done.stdout

    def test_hunt(self):
        said = json.loads(self.run_inside("hunt", "--json", "--for", "3", str(self.target.pid)))
        self.assertEqual(said["verdict"], "leak", said)
        self.assertEqual(said["suspects"][0]["path"], "__main__.Shop.orders")
        self.assertTrue(said["suspects"][0]["added_by"], said["suspects"][0])
        self.assertEqual({snapshot["mode"] for snapshot in said["snapshots"]}, {"clone"})

    def test_questions(self):
        """What needs more libraries than a hunt does: SQL, ELF symbols, zstd."""
        pid = str(self.target.pid)
        self.assertIn("ready", self.run_inside("doctor", pid))
        self.assertIn("explained", self.run_inside("mem", pid))
        self.assertIn("['orders']", self.run_inside("path", pid, "__main__.Shop.orders"))
        self.assertIn("float", self.run_inside("sql", pid, "SELECT name FROM types WHERE name = 'float'"))


if __name__ == "__main__":
    unittest.main()
