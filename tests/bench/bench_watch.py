# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What a process feels of being watched: per hit, between hits, with a hot container.

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
# ob_size of a PyListObject, behind ob_refcnt and ob_type.
SIZE_OFFSET = 16
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


def ask_stopped(target, build, *words):
    """The same with a tracer that does nothing: what the machine takes to stop at a store."""
    tool = subprocess.Popen(
        [os.path.join(build, "tests", "support", "stop-tool"), str(target.process.pid),
         hex(int(target.address, 16) + SIZE_OFFSET)],
        stdout=subprocess.PIPE, text=True)
    if tool.stdout.readline() != "ready\n":
        raise SystemExit("run_bench: the list cannot be watched")
    answer = target.ask(*words)
    tool.kill()
    tool.communicate()
    return answer


def compare(target, shikari, arguments, rounds, *words):
    """Medians without and with a watch, and what shikari said in the last round."""
    bare, watched, end = [], [], None
    for _ in range(rounds):
        bare.append(target.ask(*words))
        answer, end = target.ask_watched(shikari, arguments, *words)
        watched.append(answer)
    return statistics.median(bare), statistics.median(watched), end


def measure_hit(target, build, rounds, appends):
    """Of one insertion: not watched, watched, and stopped for nothing, in turns."""
    words = "append", appends, DEPTH
    shikari = os.path.join(build, "shikari")
    bare, watched, stopped, ours = [], [], [], []
    for _ in range(rounds):
        bare.append(target.ask(*words))
        answer, end = target.ask_watched(shikari, ["--max-rate", "1000000"], *words)
        watched.append(answer)
        ours.append(end["watch"]["stopped_us_mean"])
        stopped.append(ask_stopped(target, build, *words))
    bare_s = statistics.median(bare)
    return {"bare_us": bare_s * 1e6, "watched_us": statistics.median(watched) * 1e6,
            "felt_us": (statistics.median(watched) - bare_s) * 1e6,
            "machine_us": (statistics.median(stopped) - bare_s) * 1e6,
            "stopped_us": statistics.median(ours), "frames": DEPTH + 4}


def measure(build, python, fast):
    shikari = os.path.join(build, "shikari")
    rounds = FAST_ROUNDS if fast else ROUNDS
    appends, seconds = (FAST_APPENDS, FAST_SECONDS) if fast else (APPENDS, SECONDS)
    with WatchedList(python) as target:
        hit = measure_hit(target, build, rounds, appends)
        bare, watched, _ = compare(target, shikari, [], rounds, "work", seconds)
        between = {"bare_per_s": bare, "watched_per_s": watched, "ratio": watched / bare}
        bare, watched, end = compare(target, shikari, [], rounds, "fill", seconds)
        hot = {"bare_per_s": bare, "watched_per_s": watched, "ratio": watched / bare,
               "changes": end["objects"][0]["changes"], "pauses": end["watch"]["pauses"]}
    return {"hit": hit, "between": between, "hot": hot, "rounds": rounds}
