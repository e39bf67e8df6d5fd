#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The service does not notice: 200 snapshots, each with its graph, of a uWSGI worker under load.

No request fails, no worker dies, no child is left, and nobody traces the worker afterwards.
SNAPSHOTS says how many.
"""

import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(HERE, "..", "..", "examples", "flask-leak")
sys.path.insert(0, EXAMPLE)
import service  # noqa: E402

BUILD = os.environ.get("SHIKARI_BUILD", os.path.join(HERE, "..", "..", "build"))
GRAPH_DUMP = os.environ.get("GRAPH_DUMP", os.path.join(BUILD, "tests", "support", "graph-dump"))
SNAPSHOTS = int(os.environ.get("SNAPSHOTS", "200"))
LOAD_SECONDS_MAX = 900


def status(pid, field):
    with open(f"/proc/{pid}/status") as file:
        return re.search(rf"^{field}:\s*(\S+)", file.read(), re.MULTILINE)[1]


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            found += file.read().split()
    return found


class ServiceTest(unittest.TestCase):
    def test_service_does_not_notice(self):
        with service.Service() as shop:
            worker = shop.workers[0]
            load = subprocess.Popen(
                [service.PYTHON, os.path.join(EXAMPLE, "load.py"), shop.url,
                 "--for", str(LOAD_SECONDS_MAX), "--clients", "4", "--rate", "200"],
                stdout=subprocess.PIPE, text=True)
            try:
                done = subprocess.run([GRAPH_DUMP, str(worker), "--repeat", str(SNAPSHOTS)],
                                      capture_output=True, text=True, timeout=LOAD_SECONDS_MAX)
            finally:
                load.terminate()
                report = json.loads(load.communicate(timeout=240)[0])
            self.assertEqual(done.returncode, 0, done.stderr)
            stops = sorted(float(ms) for ms in re.findall(r"stopped ([\d.]+) ms", done.stdout))
            modes = set(re.findall(r"mode (\w+)", done.stdout))
            print(f"\n# {len(stops)} snapshots ({', '.join(modes)}), stopped {stops[len(stops) // 2]:.2f} ms"
                  f" in the median, {stops[-1]:.2f} at most; {report['requests']} requests,"
                  f" {report['failures']} failed")
            self.assertEqual(len(stops), SNAPSHOTS)
            self.assertEqual(modes, {"clone"})
            self.assertGreater(report["requests"], SNAPSHOTS)
            self.assertEqual(report["failures"], 0, report)
            self.assertEqual(children(worker), [])
            self.assertEqual(status(worker, "TracerPid"), "0")
            self.assertNotIn(status(worker, "State"), "ZTt")


if __name__ == "__main__":
    unittest.main()
