# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The memory of a real process, with words changed at random: reading it never crashes or hangs.

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


class HostileHeapTest(TargetTest):
    def test_random_patches(self):
        target = self.start(sys.executable, "-I", "-S", "-E",
                            os.path.join(TESTS, "targets", "many_kinds.py"))
        with tempfile.TemporaryDirectory() as folder:
            image = os.path.join(folder, "image")
            subprocess.run([os.path.join(BUILD, "tests", "support", "image-record"),
                            str(target.pid), image], check=True)
            target.kill()
            trials = subprocess.run(
                [os.path.join(BUILD, "fuzz", "heap-trials"), image, "--random", str(TRIALS),
                 str(SEED)],
                stdout=subprocess.PIPE, text=True, timeout=SECONDS_MAX,
                env={**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})
        self.assertEqual(trials.returncode, 0)
        self.assertEqual(trials.stdout, f"{TRIALS} trials\n")


if __name__ == "__main__":
    unittest.main()
