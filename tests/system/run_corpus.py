#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Hunts in every program of the corpus and compares with the known answers.

One TAP line per program and interpreter, then a table with a line per interpreter. Exits 1 if for one of
them fewer of the leaks are named first than the threshold, if there is a suspect in a healthy program, or no
answer about one.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import select
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "corpus")
sys.path[:0] = [CORPUS, os.path.join(HERE, "..", "support")]
sys.dont_write_bytecode = True

import interpreters  # noqa: E402
from manifest import PROGRAMS, runs_on  # noqa: E402

SHIKARI = os.path.join(HERE, "..", "..", "build", "shikari")
#: The only one that has Debian's packages.
DEFAULT_PYTHON = "/usr/bin/python3.11"
# For a program to be ready, and then to be warm (corpus/workload.py).
READY_TIMEOUT_S = 120
# What a hunt may take beyond the time it was told to watch.
HUNT_SLACK_S = 240

Result = collections.namedtuple("Result", "program interpreter right answered reason seconds")


class Unanswered(Exception):
    """There is no answer to compare; the message says why."""


def start(program, interpreter):
    """The program, running and ready."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.Popen(
        interpreter.command(os.path.join(CORPUS, program.file)),
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    for expected in (f"ready {process.pid}", "warm"):
        line = read_line(process)
        if line != expected:
            finish(process)
            raise Unanswered(f"the program is not {expected}: {line or process.stderr_text}")
    return process


def read_line(process):
    """The next line that it prints; as much as there is of it when time is up."""
    line, end = b"", time.monotonic() + READY_TIMEOUT_S
    while not line.endswith(b"\n") and select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]:
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            break
        line += byte
    return line.decode(errors="replace").strip()


def finish(process):
    """End the program. What it wrote to stderr is in process.stderr_text."""
    process.kill()
    process.stdout.close()
    process.stderr_text = process.stderr.read().decode(errors="replace").strip()
    process.stderr.close()
    process.wait()


def hunt(shikari, pid, seconds, snapshots):
    command = [shikari, "hunt", str(pid), "--json", "--for", f"{seconds:g}",
               "--snapshots", str(snapshots)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=seconds + HUNT_SLACK_S, check=False)
    except subprocess.TimeoutExpired:
        raise Unanswered(f"shikari took longer than {seconds + HUNT_SLACK_S:g} s") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        raise Unanswered(f"shikari exited with {done.returncode}: {words}")
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise Unanswered(f"not JSON: {error}") from None
    if report.get("schema") != "shikari.hunt/1":
        raise Unanswered(f"unknown schema {report.get('schema')!r}")
    return report


def judge(program, report):
    """(right, reason): compare a report with what is known of the program."""
    suspects = report["suspects"]
    named = [f"{suspect['path']} ({suspect['kind']})" for suspect in suspects]
    listing = "; ".join(named[:3]) + ("; …" if len(named) > 3 else "")
    if program.paths is None:
        right = report["verdict"] == "no-leak" and not suspects
        return right, f"{report['verdict']}: {listing}" if not right else "no suspect"
    if report["verdict"] != "leak" or not suspects:
        return False, f"{report['verdict']}: {listing or 'no suspect'}"
    first = suspects[0]
    if first["rank"] != 1:
        return False, f"the first suspect has rank {first['rank']}"
    module = f"(?:__main__|{re.escape(program.file[:-3])})"
    path_is_right = any(
        re.fullmatch(pattern.replace("{M}", module), first["path"] or "")
        for pattern in program.paths)
    kind_is_right = program.kind is None or re.fullmatch(program.kind, first["kind"])
    if program.bytes and first["growth"]["bytes"] < program.bytes * first["growth"]["objects"]:
        return False, f"{listing} retains {first['growth']['bytes']} bytes, too few"
    adders = [place["function"] for place in first.get("added_by") or []]
    if program.adder and not any(re.fullmatch(program.adder, adder) for adder in adders):
        return False, f"{listing} is added to by {', '.join(adders) or 'nobody'}"
    return bool(path_is_right and kind_is_right), listing


def try_program(program, interpreter, options):
    begin = time.monotonic()
    right = answered = False
    try:
        process = start(program, interpreter)
        try:
            report = None
            if not options.no_hunt:
                report = hunt(options.shikari, process.pid, options.seconds, options.snapshots)
            status = process.poll()
        finally:
            finish(process)
        if status is not None:
            raise Unanswered(f"the program ended with {status}: {process.stderr_text}")
        right, reason = judge(program, report) if report else (True, "runs")
        answered = True
    except Unanswered as error:
        reason = str(error)
    except (KeyError, TypeError) as error:
        reason = f"the report is not as documented: {error!r}"
    return Result(program, interpreter, right, answered, reason, time.monotonic() - begin)


def summary(results, threshold):
    """Print the final table; is it good enough for each interpreter?"""
    good = True
    width = max(len(name) for name in ["interpreter"] + [result.interpreter.name for result in results])
    print(f"# {'interpreter':{width}}  leaks  named first          healthy  false alarms  unanswered")
    for name in dict.fromkeys(result.interpreter.name for result in results):
        mine = [result for result in results if result.interpreter.name == name]
        leaks = [result for result in mine if result.program.paths is not None]
        healthy = [result for result in mine if result.program.paths is None]
        named = sum(result.right for result in leaks)
        alarms = sum(result.answered and not result.right for result in healthy)
        unanswered = sum(not result.answered for result in mine)
        share = 100 * named / len(leaks) if leaks else 100
        print(f"# {name:{width}}  {len(leaks):5}  {named:5} ({share:5.1f} %)"
              f"      {len(healthy):7}  {alarms:12}  {unanswered:10}")
        good = good and share >= threshold and all(result.right for result in healthy)
    return good


def find_interpreters(wanted):
    """The interpreters that the arguments of --python mean; LookupError says what is not there."""
    chosen = []
    for word in wanted:
        if word == "all":
            found = interpreters.find()
        elif word == "others":
            found = [one for one in interpreters.find()
                     if one.version[:2] != interpreters.MACHINE_VERSION]
        elif "/" in word:
            found = [one for one in interpreters.find()
                     if one.host_path(one.path) == os.path.realpath(word)]
        else:
            found = [one for one in interpreters.find()
                     if word in ("%d.%d" % one.version[:2], "%d.%d.%d" % one.version[:3])]
        if not found:
            raise LookupError(f"there is no interpreter {word}: tests/support/interpreters.py lists all")
        chosen += found
    return chosen


def choose(options, interpreter):
    """The programs to run on an interpreter."""
    wanted_set = "fast" if options.fast else "small" if options.small else None
    return [
        program for program in PROGRAMS
        if runs_on(program, interpreter.version)
        and (not program.needs or interpreter.path == DEFAULT_PYTHON)
        and (not wanted_set or wanted_set in program.sets)
        and (not options.programs or any(part in program.file for part in options.programs))]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("programs", nargs="*", help="only these (part of the file name)")
    parser.add_argument("--python", action="append", metavar="WHICH",
                        help="an interpreter: a path, a version (3.9, 3.9.18), all that are found, or others:"
                        f" all but %d.%d (default {DEFAULT_PYTHON}); may be repeated"
                        % interpreters.MACHINE_VERSION)
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--fast", action="store_true", help="only a few representative programs")
    some.add_argument("--small", action="store_true", help="fewer, to go through many interpreters")
    parser.add_argument("--for", dest="seconds", type=float, default=12, metavar="SECONDS",
                        help="how long each hunt watches (default 12)")
    parser.add_argument("--snapshots", type=int, default=4)
    parser.add_argument("--no-hunt", action="store_true",
                        help="only see that the programs run")
    parser.add_argument("--threshold", type=float, default=95, metavar="PERCENT",
                        help="of the leaks that must be named first (default 95)")
    parser.add_argument("-j", "--jobs", type=int, default=3, help="programs at a time (default 3)")
    parser.add_argument("--shikari", default=SHIKARI, help="the command (default build/shikari)")
    options = parser.parse_args()
    options.shikari = os.path.abspath(options.shikari)
    if not options.no_hunt and not os.access(options.shikari, os.X_OK):
        parser.error(f"{options.shikari} is not there")
    try:
        options.interpreters = find_interpreters(options.python or [DEFAULT_PYTHON])
    except LookupError as error:
        parser.error(str(error))
    return parser, options


def main():
    parser, options = parse_arguments()
    work = [(program, interpreter)
            for interpreter in options.interpreters for program in choose(options, interpreter)]
    if not work:
        parser.error("no such program in the corpus")
    print(f"1..{len(work)}", flush=True)
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        pending = [pool.submit(try_program, *item, options) for item in work]
        try:
            for number, future in enumerate(pending, 1):
                result = future.result()
                results.append(result)
                print(f"{'ok' if result.right else 'not ok'} {number} - {result.program.file[:-3]} "
                      f"[{result.interpreter.name}] {result.seconds:.0f} s: {result.reason}", flush=True)
        except BaseException:
            for future in pending:
                future.cancel()
            raise
    sys.exit(0 if summary(results, options.threshold) else 1)


if __name__ == "__main__":
    main()
