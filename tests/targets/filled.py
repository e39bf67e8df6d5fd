# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process that fills containers from several threads without pause, and knows what must be in them.

Prints "ready", the address of the word with the list's length, and that of the dict's. When standard input
closes, it prints "violation ..." for all that is wrong, and lines "rounds NAME N" for what it did.
"""
import os
import signal
import sys
import threading
import time

THREADS = 3
KEPT = 5000
ROUND = 64

items, table = [], {}
lock = threading.Lock()
stop = threading.Event()
rounds = dict.fromkeys(["appended", "taken", "signals", "births", "alarms"], 0)
sums = dict.fromkeys(["appended", "taken"], 0)
handled = {"SIGUSR1": 0, "SIGALRM": 0}


def violation(text):
    print("violation " + text)
    sys.stdout.flush()


def take():
    """What was appended, each exactly once. With the lock."""
    count = len(items)
    sums["taken"] += sum(items[:count])
    del items[:count]
    rounds["taken"] += count


def fill(name):
    number = 0
    while not stop.is_set():
        mine = 0
        for _ in range(ROUND):
            number += 1
            items.append(number)
            mine += number
            table[name] = number
            table[name, number % 100] = number
            table[name, "passing"] = number
            del table[name, "passing"]
        with lock:
            sums["appended"] += mine
            rounds["appended"] += ROUND
            if table[name] != number or table[name, number % 100] != number:
                violation("the dict has another number")
            if len(items) > KEPT:
                take()
            if len(table) > THREADS * 102:
                violation("%d keys" % len(table))


def fill_blocking(name):
    # As uWSGI's threads do.
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, [n for n in range(1, 65) if n not in (32, 33)])
    fill(name)


def live_shortly():
    with lock:
        items.append(1)
        sums["appended"] += 1
        rounds["appended"] += 1
        rounds["births"] += 1


def count_signal(number, _):
    handled["SIGUSR1" if number == signal.SIGUSR1 else "SIGALRM"] += 1


def signal_myself():
    """A signal is delivered before the call returns, or never."""
    before = handled["SIGUSR1"]
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.current_thread().ident, signal.SIGUSR1)
    else:
        os.kill(os.getpid(), signal.SIGUSR1)
    end = time.time() + 20
    while handled["SIGUSR1"] == before and time.time() < end:
        time.sleep(0)
    rounds["signals"] += 1
    if handled["SIGUSR1"] != before + 1:
        violation("a signal came %d times" % (handled["SIGUSR1"] - before))


def watch_input():
    sys.stdin.read()
    stop.set()


signal.signal(signal.SIGUSR1, count_signal)
signal.signal(signal.SIGALRM, count_signal)
threads = [threading.Thread(target=fill_blocking if i == 0 else fill, args=(i,)) for i in range(THREADS)]
threads.append(threading.Thread(target=watch_input))
for thread in threads:
    thread.daemon = True
    thread.start()
print("ready 0x%x 0x%x" % (id(items) + 16, id(table) + 16))
sys.stdout.flush()
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while not stop.is_set():
    for _ in range(20):
        signal_myself()
    born = threading.Thread(target=live_shortly)
    born.start()
    born.join()
signal.setitimer(signal.ITIMER_REAL, 0)
for thread in threads:
    thread.join()
take()
rounds["alarms"] = handled["SIGALRM"]
if sums["taken"] != sums["appended"] or rounds["taken"] != rounds["appended"]:
    violation("appended %r, taken %r, %r" % (sums["appended"], sums["taken"], rounds))
if handled["SIGUSR1"] != rounds["signals"]:
    violation("%d signals of %d" % (handled["SIGUSR1"], rounds["signals"]))
for item in sorted(rounds.items()):
    print("rounds %s %d" % item)
