# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A busy process that knows what is right, and says "violation …" when something is not.

Threads compute, sleep, wait with time-outs, are born and die; the main thread takes a timer's signals
and makes children: with subprocess (busy.py subprocess), or by fork and wait for any (busy.py wait).
Prints "ready". When standard input closes, each of them has to do one more round from start to end;
then it prints one line "rounds NAME N" for each.
"""
import hashlib
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time

rounds = dict.fromkeys(["compute", "births", "children", "alarms", "children ended"], 0)
stop = threading.Event()


def violation(text):
    print("violation", text, flush=True)


def count(name):
    rounds[name] += 1


def until_stopped():
    """Once more after the stop, however long the machine took until then."""
    is_last = False
    while not is_last:
        is_last = stop.is_set()
        yield


def arithmetic():
    total = 0.0
    for i in range(4000):
        total += math.sin(i) * math.sqrt(i + 1) / (1.0 + i % 7)
    return total


def compute():
    right = arithmetic()
    digest = hashlib.sha256(b"shikari" * 20000).digest()
    for _ in until_stopped():
        if arithmetic() != right:
            violation("wrong sum")
        if hashlib.sha256(b"shikari" * 20000).digest() != digest:
            violation("wrong digest")
        count("compute")


def timed(name, seconds, wait):
    for _ in until_stopped():
        start = time.monotonic()
        wait()
        took = time.monotonic() - start
        if took < seconds - 0.0011:
            violation(f"{name} took {took * 1e3:.2f} ms instead of {seconds * 1e3:.0f}")
        count(name)


def waits():
    lock = threading.Lock()
    lock.acquire()
    epoll = select.epoll()
    condition = threading.Condition()

    def wait_for_condition():
        with condition:
            condition.wait(0.02)

    return {
        "sleep": lambda: time.sleep(0.02),
        "lock": lambda: lock.acquire(timeout=0.02),
        "condition": wait_for_condition,
        "select": lambda: select.select([], [], [], 0.02),
        "epoll": lambda: epoll.poll(0.02),
        "poll": lambda: select.poll().poll(20),
    }


def births():
    for _ in until_stopped():
        results = []
        threads = [threading.Thread(target=results.append, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if sorted(results) != [0, 1, 2, 3]:
            violation("a thread was lost")
        count("births")


def with_subprocess():
    result = subprocess.run(["/bin/sh", "-c", "echo out; exit 3"], stdout=subprocess.PIPE)
    if result.returncode != 3 or result.stdout != b"out\n":
        violation(f"subprocess gave {result}")


def with_wait():
    children = set()
    for status in (1, 2):
        child = os.fork()
        if child == 0:
            time.sleep(0.002)
            os._exit(status)
        children.add(child)
    while children:
        child, status = os.waitpid(-1, 0)
        if child not in children or os.waitstatus_to_exitcode(status) not in (1, 2):
            violation(f"waited for {child}, status {status}")
        children.discard(child)
    try:
        violation(f"a child nobody made: {os.waitpid(-1, os.WNOHANG)}")
    except ChildProcessError:
        pass


def main():
    make_children = {"subprocess": with_subprocess, "wait": with_wait}[sys.argv[1]]
    signal.signal(signal.SIGALRM, lambda *_: count("alarms"))
    signal.signal(signal.SIGCHLD, lambda *_: count("children ended"))
    threads = [threading.Thread(target=compute), threading.Thread(target=births)]
    for name, wait in waits().items():
        rounds[name] = 0
        threads.append(threading.Thread(target=timed, args=(name, 0.02, wait)))
    for thread in threads:
        thread.start()
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    print("ready", flush=True)
    for _ in until_stopped():
        if select.select([sys.stdin], [], [], 0)[0]:
            stop.set()
        make_children()
        count("children")
    alarms = rounds["alarms"]
    while rounds["alarms"] == alarms:
        time.sleep(0.01)
    signal.setitimer(signal.ITIMER_REAL, 0)
    for thread in threads:
        thread.join()
    if rounds["children ended"] > 2 * rounds["children"] + 2:
        violation("more children ended than were made")
    for name, number in rounds.items():
        print("rounds", name.replace(" ", "-"), number)


main()
