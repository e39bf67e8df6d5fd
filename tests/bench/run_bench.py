#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Speed and memory on this machine: a table, and build/bench.json.

    run_bench.py [--build DIR] [--python EXE] [--fast]

All figures that are compared come from the same process in the same run, one after the other in
turns, so that what else the machine does hits both. The table says what each is compared with.
Exits 1 if a figure misses its target; --fast (small heaps, no judgement) only shows that all of it
runs.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

import bench_watch

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(os.path.dirname(HERE), "targets", "big_heap.py")

MILLION = 1_000_000
SIZES = [MILLION, 5 * MILLION, 25 * MILLION]
FAST_SIZES = [MILLION // 10, 3 * MILLION // 10]
WALKED_MAX = 5 * MILLION
STOP_RSS = 1_000_000_000
STOP_ROUNDS, FAST_STOP_ROUNDS = 9, 3
PIPELINE_ROUNDS, FAST_PIPELINE_ROUNDS = 3, 1
# What a target of one object needs, and its analysis: for the check before the start.
TARGET_BYTES, ANALYSIS_BYTES = 100, 60

# name, unit, target: how it is to be compared with it, the goal of the project.
TARGETS = [
    ("stop / fork() at 1 GB", "x", "<=", 1.2, None),
    ("objects/s, snapshot to retained sizes", "M/s", ">=", 5.0, 10.0),
    ("peak memory per object, to retained sizes", "B", "<=", 32.0, 24.0),
    ("the same with the paths of a hunt", "B", "<=", 32.0, 24.0),
    ("speed at 25 M / at 1 M objects", "x", ">=", 0.7, 1.0),
    ("felt per watched insertion, 20 frames", "us", "<=", 60.0, None),
    ("the same, of a stop in which nothing is done", "x", "<=", 1.4, None),
    ("speed while watched, between insertions", "x", ">=", 0.97, 1.0),
]


class BenchTarget:
    def __init__(self, python, objects):
        self.process = subprocess.Popen([python, TARGET, str(objects)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline().startswith("ready"):
            raise SystemExit("run_bench: the target did not start")
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()]

    def rss(self):
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def pipeline(build, pid, *arguments):
    tool = os.path.join(build, "tests", "bench", "bench-pipeline")
    done = subprocess.run([tool, str(pid), *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"run_bench: bench-pipeline ended with {done.returncode}")
    return json.loads(done.stdout)


def measure_stop(build, target, rounds):
    """Stops and forks in turns: their medians in ms, and the ratio."""
    stops, forks = [], []
    pipeline(build, target.pid, "stop")  # the first after a start copies on write
    for _ in range(rounds):
        forks.append(target.ask("fork")[0] * 1e3)
        stops.append(pipeline(build, target.pid, "stop"))
    stop = statistics.median(stop["stopped_ms"] for stop in stops)
    fork = statistics.median(forks)
    return {"rss_bytes": target.rss(), "rounds": rounds, "stop_ms": stop, "fork_ms": fork,
            "forecast_ms": stops[-1]["forecast_ms"], "ratio": stop / fork}


def seconds_to_retained(run):
    return run["snapshot"]["s"] + run["dominators"]["s"]


def cpu_seconds(run):
    return run["snapshot"]["cpu_s"] + run["dominators"]["cpu_s"]


def peak(run):
    return max(run[phase]["peak_bytes"] for phase in ("snapshot", "dominators", "paths"))


def summarize(runs):
    """The run of median speed, with rates."""
    run = sorted(runs, key=seconds_to_retained)[len(runs) // 2]
    return {**run, "objects_per_s": run["objects"] / seconds_to_retained(run),
            "graph_objects_per_s": run["objects"] / run["snapshot"]["s"],
            "dominators_nodes_per_s": run["objects"] / run["dominators"]["s"],
            "paths_nodes_per_s": run["objects"] / run["paths"]["s"],
            "edges_per_object": run["edges"] / run["objects"],
            "peak_bytes": min(map(peak, runs)),
            "peak_bytes_per_object": min(map(peak, runs)) / run["objects"]}


def measure_inside(target, size):
    """The same looked at from inside, by the collector's own functions."""
    figures = {}
    for what in ("walk", "graph"):
        seconds, objects, references = target.ask(what)
        figures[what] = {"s": seconds, "objects": int(objects), "references": int(references),
                         "ratio": seconds / seconds_to_retained(size)}
    return figures


def slope(sizes, phase):
    """Peak bytes per object between the smallest and the greatest size: what is fixed falls out."""
    first, last = sizes[0], sizes[-1]
    return (last[phase]["peak_bytes"] - first[phase]["peak_bytes"]) / \
        (last["objects"] - first["objects"])


def available_bytes():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * 1024 for line in file
                    if line.startswith("MemAvailable"))


def affordable(sizes):
    fits = [size for size in sizes
            if size * (TARGET_BYTES + ANALYSIS_BYTES) < available_bytes()]
    for size in sizes[len(fits):]:
        print(f"run_bench: left out {size / MILLION:g} M objects: "
              f"{available_bytes() >> 20} MB of memory are not enough", file=sys.stderr)
    if len(fits) < 2:
        raise SystemExit("run_bench: too little memory to compare two sizes")
    return fits


def measure(build, python, fast):
    sizes, inside = [], None
    for objects in affordable(FAST_SIZES if fast else SIZES):
        print(f"run_bench: {objects / MILLION:g} M objects …", file=sys.stderr)
        with BenchTarget(python, objects) as target:
            runs = [pipeline(build, target.pid)
                    for _ in range(FAST_PIPELINE_ROUNDS if fast else PIPELINE_ROUNDS)]
            sizes.append({**summarize(runs), "rss_bytes": target.rss()})
            if objects <= WALKED_MAX:
                inside = measure_inside(target, sizes[-1])
    objects = int(STOP_RSS * sizes[0]["objects"] / sizes[0]["rss_bytes"])
    if fast:
        objects = FAST_SIZES[0]
    with BenchTarget(python, objects) as target:
        stops = measure_stop(build, target, FAST_STOP_ROUNDS if fast else STOP_ROUNDS)
    print("run_bench: watching …", file=sys.stderr)
    return {"sizes": sizes, "stop": stops, "inside": inside,
            "watch": bench_watch.measure(build, python, fast)}


def judge(figures):
    last = figures["sizes"][-1]
    memory = max(slope(figures["sizes"], phase) for phase in ("snapshot", "dominators"))
    values = [figures["stop"]["ratio"], last["objects_per_s"] / MILLION, memory,
              max(memory, slope(figures["sizes"], "paths")),
              last["objects_per_s"] / figures["sizes"][0]["objects_per_s"],
              figures["watch"]["hit"]["felt_us"],
              figures["watch"]["hit"]["felt_us"] / figures["watch"]["hit"]["machine_us"],
              figures["watch"]["between"]["ratio"]]
    return [{"figure": name, "value": value, "unit": unit, "relation": relation,
             "target": target, "goal": goal,
             "reached": value <= target if relation == "<=" else value >= target}
            for value, (name, unit, relation, target, goal) in zip(values, TARGETS)]


def print_table(figures):
    print(f"{'objects':>10} {'RSS MB':>7} {'pools s':>8} {'objects s':>9} {'graph s':>8} "
          f"{'domin. s':>8} {'paths s':>8} {'M obj/s':>8} {'cpu s':>6} {'peak MB':>8} "
          f"{'B/object':>8} {'stop ms':>8}")
    for size in figures["sizes"]:
        print(f"{size['objects']:>10,} {size['rss_bytes'] / 1e6:>7.0f} {size['pools_s']:>8.3f} "
              f"{size['objects_s']:>9.3f} {size['snapshot']['s']:>8.3f} "
              f"{size['dominators']['s']:>8.3f} {size['paths']['s']:>8.3f} "
              f"{size['objects_per_s'] / MILLION:>8.2f} {cpu_seconds(size):>6.2f} "
              f"{size['peak_bytes'] / 1e6:>8.0f} "
              f"{size['peak_bytes_per_object']:>8.1f} {size['stopped_ms']:>8.1f}")
    phases = ", ".join(f"{phase} {slope(figures['sizes'], phase):.1f}"
                       for phase in ("snapshot", "dominators", "paths"))
    print(f"cpu s: processor time up to retained sizes; load of the machine meanwhile "
          f"{figures['machine']['load']:.1f} on {figures['machine']['cores']} cores")
    print(f"bytes per object more from the first size to the last, peak of each step: "
          f"{phases}; {figures['sizes'][-1]['edges_per_object']:.2f} references per object")
    stop, inside = figures["stop"], figures["inside"]
    print(f"stop at {stop['rss_bytes'] / 1e6:.0f} MB: {stop['stop_ms']:.1f} ms, fork() "
          f"{stop['fork_ms']:.1f} ms (medians of {stop['rounds']} in turns), forecast "
          f"{stop['forecast_ms']:.1f} ms")
    print(f"inside the process, compared with our time from snapshot to retained sizes of all: "
          f"gc.get_referents() of the {inside['walk']['objects']:,} tracked objects "
          f"{inside['walk']['s']:.2f} s = {inside['walk']['ratio']:.1f} x; made into a graph of all "
          f"{inside['graph']['objects']:,} {inside['graph']['s']:.2f} s = "
          f"{inside['graph']['ratio']:.1f} x")
    hit, hot = figures["watch"]["hit"], figures["watch"]["hot"]
    print(f"a watched insertion below {hit['frames']} frames takes {hit['watched_us']:.1f} us, "
          f"not watched {hit['bare_us']:.1f} us; a stop at a store in which nothing is done costs "
          f"{hit['machine_us']:.1f} us on this machine, our work is {hit['stopped_us']:.1f} us "
          f"(medians of {figures['watch']['rounds']} rounds in turns)")
    print(f"a list filled without pause: {hot['ratio']:.3f} x the speed when watched at most 200 "
          f"times per second ({hot['bare_per_s'] / 1e6:.1f} M insertions per second)")
    for row in figures["targets"]:
        goal = f" (goal {row['goal']:g})" if row["goal"] else ""
        print(f"{row['figure']:<40} {row['value']:>8.2f} {row['unit']:<4} "
              f"{row['relation']} {row['target']:g}{goal}  {'ok' if row['reached'] else 'MISSED'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    root = os.path.dirname(os.path.dirname(HERE))
    parser.add_argument("--build", default=os.path.join(root, "build"))
    parser.add_argument("--python", default="/usr/bin/python3", help="the target's interpreter")
    parser.add_argument("--fast", action="store_true", help="a smoke test of a few seconds")
    options = parser.parse_args()
    figures = measure(options.build, options.python, options.fast)
    figures["machine"] = {"cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
                          "load": os.getloadavg()[0]}
    figures["fast"] = options.fast
    figures["targets"] = [] if options.fast else judge(figures)
    print_table(figures)
    with open(os.path.join(options.build, "bench.json"), "w") as file:
        json.dump(figures, file, indent=1)
        file.write("\n")
    if not all(row["reached"] for row in figures["targets"]):
        sys.exit(1)


main()
