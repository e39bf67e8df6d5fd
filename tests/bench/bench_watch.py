# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What a process feels of being watched, for run_bench.py: per hit, between hits, and when a container is hot.

Watched and not watched take turns in one process.
"""
import json
import os
import signal
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(os.path.dirname(HERE), "targets", "watched_list.py")

# append_once, below × 18 and append make 20 frames with main and the module.
DEPTH = 16
ROUNDS, FAST_ROUNDS = 5, 1
APPENDS, FAST_APPENDS = 300, 30
SECONDS, FAST_SECONDS = 1.0, 0.1


class WatchedList:
    def __init__(self, python):
        self.process = subprocess.Popen(
            [python, TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        word, self.address = self.process.stdout.readline().split()
        if word != "ready":
            raise SystemExit("run_bench: the target did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def ask_watched(self, shikari, arguments, *words):
        """The answer, and what shikari said in the end."""
        watch = subprocess.Popen(
            [shikari, "watch-object", "--json", *arguments, str(self.process.pid), self.address],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if json.loads(watch.stdout.readline())["event"] != "start":
            raise SystemExit("run_bench: the list cannot be watched")
        answer = self.ask(*words)
        watch.send_signal(signal.SIGINT)
        lines = watch.communicate()[0].splitlines()
        return answer, json.loads(lines[-1])


def compare(target, shikari, arguments, rounds, *words):
    """Medians without and with a watch, and what shikari said in the last round."""
    bare, watched, end = [], [], None
    for _ in range(rounds):
        bare.append(target.ask(*words))
        answer, end = target.ask_watched(shikari, arguments, *words)
        watched.append(answer)
    return statistics.median(bare), statistics.median(watched), end


def measure(build, python, fast):
    shikari = os.path.join(build, "shikari")
    rounds = FAST_ROUNDS if fast else ROUNDS
    appends, seconds = (FAST_APPENDS, FAST_SECONDS) if fast else (APPENDS, SECONDS)
    unlimited = ["--max-rate", "1000000"]
    with WatchedList(python) as target:
        bare, watched, end = compare(target, shikari, unlimited, rounds, "append", appends, DEPTH)
        hit = {"bare_us": bare * 1e6, "watched_us": watched * 1e6, "felt_us": (watched - bare) * 1e6,
               "frames": DEPTH + 4, "stopped_us": end["watch"]["stopped_us_mean"]}
        bare, watched, _ = compare(target, shikari, [], rounds, "work", seconds)
        between = {"bare_per_s": bare, "watched_per_s": watched, "ratio": watched / bare}
        bare, watched, end = compare(target, shikari, [], rounds, "fill", seconds)
        hot = {"bare_per_s": bare, "watched_per_s": watched, "ratio": watched / bare,
               "changes": end["objects"][0]["changes"], "pauses": end["watch"]["pauses"]}
    return {"hit": hit, "between": between, "hot": hot, "rounds": rounds}
