# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The memory of a process, with words changed at random: reading it never crashes or hangs.

That of a real one, and made-up ones of every row of layouts.

The same trials as the fuzzer makes (fuzz/heap_trial.h), but the same ones every time.
"""
import os
import subprocess
import sys
import tempfile
import unittest

from targets import BUILD, TESTS, TargetTest

TRIALS = int(os.environ.get("SHIKARI_TRIALS", "500"))
SEED = 20260701
SECONDS_MAX = 1200


RECORD = os.path.join(BUILD, "tests", "support", "image-record")


class HostileHeapTest(TargetTest):
    def try_random_patches(self, images):
        trials = subprocess.run(
            [os.path.join(BUILD, "fuzz", "heap-trials"), ":".join(images), "--random", str(TRIALS),
             str(SEED)],
            stdout=subprocess.PIPE, text=True, timeout=SECONDS_MAX,
            env={**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})
        self.assertEqual(trials.returncode, 0)
        self.assertEqual(trials.stdout, f"{TRIALS} trials\n")

    def test_every_row(self):
        rows = subprocess.run([RECORD, "--rows"], check=True, stdout=subprocess.PIPE,
                              text=True).stdout.split()
        self.assertGreater(len(rows), 1)
        with tempfile.TemporaryDirectory() as folder:
            images = [os.path.join(folder, row) for row in rows]
            for row, image in zip(rows, images):
                subprocess.run([RECORD, "--row", row, image], check=True)
            self.try_random_patches(images)

    def test_a_process(self):
        target = self.start(sys.executable, "-I", "-S", "-E",
                            os.path.join(TESTS, "targets", "many_kinds.py"))
        with tempfile.TemporaryDirectory() as folder:
            image = os.path.join(folder, "image")
            subprocess.run([RECORD, str(target.pid), image], check=True)
            target.kill()
            self.try_random_patches([image])


if __name__ == "__main__":
    unittest.main()
