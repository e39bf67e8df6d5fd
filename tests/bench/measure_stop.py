#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""How long a capture stops a process, against how long a bare fork() takes in that process.

    measure_stop.py CAPTURE-TOOL [GIGABYTES [THREADS]]

Both alternate in one run, so that what else the machine does meets both. The bar is 1.2.
"""
import json
import re
import statistics
import subprocess
import sys

ROUNDS = 8
CAPTURES = 5

TARGET = """
import os, sys, threading, time
gigabytes, threads = float(sys.argv[1]), int(sys.argv[2])
for _ in range(threads):
    threading.Thread(target=time.sleep, args=(10 ** 6,), daemon=True).start()
keep = [(i, float(i)) for i in range(int(gigabytes * 1e9 / 112))]
print("ready", flush=True)
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start = time.perf_counter()
        child = os.fork()
        if child == 0:
            os._exit(0)
        times.append((time.perf_counter() - start) * 1e3)
        os.waitpid(child, 0)
    print(*times, flush=True)
"""


def captures(tool, pid, mode, count):
    out = subprocess.run([tool, str(pid), "--mode", mode, "--repeat", str(count), "--hold", "1",
                          "--force"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def main():
    tool = sys.argv[1]
    gigabytes = sys.argv[2] if len(sys.argv) > 2 else "1"
    threads = sys.argv[3] if len(sys.argv) > 3 else "0"
    target = subprocess.Popen([sys.executable, "-c", TARGET, gigabytes, threads],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert target.stdout.readline() == "ready\n"
    with open(f"/proc/{target.pid}/status") as file:
        rss = int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])
    forks, clones = [], []
    for _ in range(ROUNDS):
        print(CAPTURES, file=target.stdin, flush=True)
        forks += [float(time) for time in target.stdout.readline().split()]
        clones += [line["stopped_ms"] for line in captures(tool, target.pid, "clone", CAPTURES)]
    frozen = captures(tool, target.pid, "freeze", 3)
    predicted = captures(tool, target.pid, "clone", 1)[0]["predicted_ms"]
    target.kill()
    ratio = statistics.median(clones) / statistics.median(forks)
    print(f"RSS {rss / 1e6:.2f} GB, {int(threads) + 1} threads")
    for name, times in (("fork", forks), ("clone", clones),
                        ("freeze", [line["stopped_ms"] for line in frozen])):
        print(f"{name:7} median {statistics.median(times):8.2f} ms   "
              f"least {min(times):8.2f}   most {max(times):8.2f}")
    print(f"predicted: clone {predicted:.2f} ms, freeze {frozen[0]['predicted_ms']:.2f} ms")
    print(f"clone / fork: {ratio:.2f}")
    return 0 if ratio <= 1.2 else 1


sys.exit(main())
