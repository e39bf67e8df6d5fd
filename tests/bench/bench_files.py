#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What questions to snapshot files cost: seconds (median), and peak memory per object.

    bench_files.py [--build DIR] [--python EXE] [--objects N] [--rounds N] [--than SHIKARI]

Two snapshots of one process are taken, between which a list of records in ten is replaced and one in ten is
added; then each question is asked in turns, with --than also of another build of shikari, for
the ratio.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.path.join(ROOT, "tests", "targets", "big_heap.py")

QUESTIONS = [
    ["sql", "a.shk", "SELECT type, count(*), sum(size) FROM objects GROUP BY type"],
    ["sql", "a.shk", "SELECT count(*) FROM objects"],
    ["diff", "a.shk", "b.shk"],
    ["diff", "--by", "holder", "a.shk", "b.shk"],
    ["diff", "--by", "container", "a.shk", "b.shk"],
    ["show", "a.shk", "dominators"],
    ["path", "a.shk", "dict"],
    ["path", "a.shk", "thread 'MainThread' __main__.main local heap[3][5].meta"],
]


def take_files(shikari, python, objects, folder):
    """Objects of the second."""
    with subprocess.Popen([python, TARGET, str(objects)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as target:
        try:
            for name in ("a.shk", "b.shk"):
                if not target.stdout.readline():
                    raise SystemExit("bench_files: the target has ended")
                subprocess.run([shikari, "snap", str(target.pid), "-o", os.path.join(folder, name)],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                target.stdin.write("change\n")
                target.stdin.flush()
        finally:
            target.kill()
    done = subprocess.run([shikari, "sql", "--csv", os.path.join(folder, "b.shk"),
                           "SELECT sum(objects) FROM types"], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[1])


def ask(shikari, question, folder):
    """Seconds, and bytes at the peak."""
    started = time.monotonic()
    process = subprocess.Popen([shikari, *question], cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bench_files: {question} ended with {process.returncode}")
    return time.monotonic() - started, usage.ru_maxrss * 1024


def measure(programs, rounds, folder, objects):
    for question in QUESTIONS:
        answers = [[ask(program, question, folder) for program in programs] for _ in range(rounds)]
        line = ""
        for column in zip(*answers):
            line += (f"{statistics.median(seconds for seconds, _ in column):7.2f} s "
                     f"{max(peak for _, peak in column) / objects:6.1f} B/object")
        if len(programs) > 1:
            ratio = statistics.median(new[0] / old[0] for new, old in answers)
            line += f"  x {ratio:.2f}"
        print(f"{line}  {' '.join(question)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--python", default="/usr/bin/python3", help="the target's interpreter")
    parser.add_argument("--objects", type=int, default=25_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--than", help="another shikari to compare with")
    options = parser.parse_args()
    shikari = os.path.abspath(os.path.join(options.build, "shikari"))
    programs = [shikari] + ([os.path.abspath(options.than)] if options.than else [])
    with tempfile.TemporaryDirectory() as folder:
        objects = take_files(shikari, options.python, options.objects, folder)
        print(f"{objects:,} objects in the second file")
        measure(programs, options.rounds, folder, objects)


if __name__ == "__main__":
    main()
