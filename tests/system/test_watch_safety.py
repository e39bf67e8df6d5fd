# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process whose containers are watched, also by a shikari that is killed, stays in good health.

SHIKARI_SOAK=2000 kills that many times, instead of as often as fits into some seconds.
"""
import contextlib
import glob
import json
import mmap
import os
import random
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

from targets import BUILD, SECONDS_MAX, TESTS, Target, TargetTest, status, wait_until

sys.path.insert(0, os.path.join(TESTS, "support"))
import interpreters  # noqa: E402

SHIKARI = os.path.join(BUILD, "shikari")
FILLED = os.path.join(TESTS, "targets", "filled.py")
KILLS = int(os.environ.get("SHIKARI_SOAK", "0"))
KILLING_S, KILLING_S_MAX = 12, 600
KILLS_MIN = 20
#: Looks at the masks of each thread, between which it has run.
LOOKS = 15
# What no limit of the rate is to interfere with.
FAST = ("--max-rate", 1000000)

# Threads of the target that ask where they are begin with this: shikari watches items.
BEGIN = """
import ctypes, json, mmap, os, select, signal, socket, subprocess, sys, threading, time
items = []
def ready(*words):
    print("ready", hex(id(items) + 16), *words, flush=True)
def line():
    return sys.stdin.readline().strip()
def tracer():
    with open("/proc/thread-self/status") as file:
        return [row.split()[1] for row in file if row.startswith("TracerPid")][0]
def blocked():
    with open("/proc/thread-self/status") as file:
        return [row.split()[1] for row in file if row.startswith("SigBlk")][0]
"""


def tasks(pid):
    return [int(path.rpartition("/")[2]) for path in glob.glob(f"/proc/{pid}/task/*")]


def field_of_tasks(pid, field):
    """{thread: text}; threads that end meanwhile are left out."""
    found = {}
    for task in tasks(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[task] = status(f"{pid}/task/{task}", field)
    return found


def masks(pid):
    return {field: field_of_tasks(pid, field) for field in ("SigBlk", "SigIgn", "SigCgt")}


def switches(pid):
    """{thread: how often it has been put on a processor or taken from one}"""
    kinds = [field_of_tasks(pid, kind) for kind in ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")]
    return {task: sum(int(kind[task]) for kind in kinds) for task in kinds[0].keys() & kinds[1].keys()}


def usual_masks(pid):
    """Of threads that live on: what they have at all looks. glibc blocks all signals while it starts a thread, and
    on a busy machine that may be long. So it is looked until each has run in between, or does not want to."""
    samples, seen = [], {}
    end = time.monotonic() + SECONDS_MAX

    def is_known(task, state):
        counts = seen.get(task, ())
        has_rested = len(counts) >= LOOKS and len(set(counts[-LOOKS:])) == 1 and state == "S"
        return has_rested or len(set(counts)) >= LOOKS

    while True:
        samples.append(masks(pid))
        for task, count in switches(pid).items():
            seen.setdefault(task, []).append(count)
        states = field_of_tasks(pid, "State")
        common = set.intersection(*[set(sample["SigBlk"]) for sample in samples])
        if all(is_known(task, states.get(task)) for task in common):
            break
        assert time.monotonic() < end, {task: (seen.get(task), states.get(task)) for task in common}
        time.sleep(0.003)
    usual = {}
    for field in samples[0]:
        usual[field] = {}
        for task in set.intersection(*[set(sample[field]) for sample in samples]):
            always = (1 << 64) - 1
            for sample in samples:
                always &= int(sample[field][task], 16)
            usual[field][task] = f"{always:016x}"
    return usual


def changed_masks(pid, before, let_in=None):
    """(field, thread, before, now); that a signal is blocked no more may be forgiven."""
    found = []
    now = masks(pid)
    for field, of_tasks in before.items():
        for task in of_tasks.keys() & now[field].keys():
            allowed = {of_tasks[task]}
            if let_in and field == "SigBlk":
                allowed.add(f"{int(of_tasks[task], 16) & ~(1 << (let_in - 1)):016x}")
            if now[field][task] not in allowed:
                found.append((field, task, of_tasks[task], now[field][task]))
    return found


class Watch:
    """`shikari watch-object --json`, until finish() or kill()."""

    def __init__(self, target, *options, pid=None, words=None, before=()):
        self.pid = pid or target.pid
        self.words = words or target.ready[:1]
        command = [*before, SHIKARI, "watch-object", "--json", "--word", str(self.pid), *map(str, options),
                   *self.words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.lines = []
        self.errors = []
        # A pipe that is full would cost lines.
        self.readers = [threading.Thread(target=into.extend, args=(file,)) for into, file in (
            (self.lines, self.process.stdout), (self.errors, self.process.stderr))]
        for reader in self.readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def events(self):
        """Its breakpoints."""
        count = 0
        for path in glob.glob(f"/proc/{self.process.pid}/fd/*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                count += "perf_event" in os.readlink(path)
        return count

    def count(self, event):
        """Lines about that so far."""
        return sum(json.loads(row)["event"] == event for row in list(self.lines))

    def wait_until_armed(self):
        """It says so: from then on nothing is missed. Threads that have come since are watched before they run."""
        def is_armed():
            assert self.process.poll() is None, self.errors
            return self.count("start") and self.events() >= len(tasks(self.pid)) * len(self.words)
        assert wait_until(is_armed), (self.events(), tasks(self.pid))
        return self

    def wait_until_polling(self, starts=1):
        """It says that it starts once more, if it has watched before."""
        assert wait_until(lambda: self.process.poll() is not None or self.count("start") == starts)
        assert set(field_of_tasks(self.pid, "TracerPid").values()) == {"0"}
        return self

    def kill(self):
        self.process.kill()
        self.collect()

    def collect(self):
        self.process.wait(SECONDS_MAX)
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def finish(self, number=signal.SIGINT):
        """Its last line, its changes. Sanitizers say what they find to standard error."""
        self.process.send_signal(number)
        self.collect()
        assert self.process.returncode == 0, (self.process.returncode, self.errors)
        rows = [json.loads(row) for row in self.lines]
        return rows[-1], [row for row in rows if row["event"] == "change"]


def whole_changes(end):
    one, = end["objects"]
    return one["changes"], one["stores"]


class WatchTest(TargetTest):
    def python(self, code, *arguments, **popen):
        return super().python(BEGIN + code, *arguments, **popen)

    def say(self, target, word):
        target.process.stdin.write(word + "\n")
        target.process.stdin.flush()

    def ask(self, target, word):
        self.say(target, word)
        return target.process.stdout.readline().strip()

    def assert_untraced(self, pid):
        self.assertTrue(wait_until(
            lambda: set(field_of_tasks(pid, "TracerPid").values()) == {"0"}), "still traced")

    def assert_all_seen(self, end, count):
        self.assertEqual(end["watch"]["method"], "hardware", end["watch"]["fallback_reason"])
        self.assertEqual(whole_changes(end), (count, count))
        self.assertEqual(end["watch"]["pauses"], 0)

    def assert_polling(self, end, *words):
        self.assertEqual(end["watch"]["method"], "polling")
        for word in words:
            self.assertIn(word, end["watch"]["fallback_reason"])


class Killed(WatchTest):
    """Killed at any instant, while containers are filled by several threads."""

    def commands(self):
        found = interpreters.find()
        wanted = [one for one in found if not one.root and one.version[:2] != (3, 11)]
        yield [sys.executable]
        for one in wanted[:1] + wanted[-1:]:
            yield one.command()

    def kill_often(self, target, enough, tally):
        before = usual_masks(target.pid)
        while not enough():
            watch = Watch(target, *random.choice([FAST, (), ("--max-rate", 20)]),
                          words=target.ready[:random.randint(1, 2)])
            # From its start on, or when it is at it.
            if random.random() < 0.7:
                wait_until(lambda: watch.events() >= 1 or watch.process.poll() is not None)
            time.sleep(random.choice([0, random.uniform(0, 0.02), random.uniform(0, 0.15)]))
            assert watch.process.poll() is None, watch.errors
            tally["at it"] += watch.events() > 0
            watch.kill()
            tally["kills"] += 1
            assert target.process.poll() is None, "the target died"
            assert wait_until(
                lambda: set(field_of_tasks(target.pid, "TracerPid").values()) == {"0"}), "still traced"
            # The one thing that may be left: our signal, which does nothing, is let in.
            assert wait_until(lambda: not changed_masks(target.pid, before, signal.SIGURG)), \
                changed_masks(target.pid, before, signal.SIGURG)

    def test_targets_live_on(self):
        targets = [self.start(*command, FILLED) for command in self.commands()]
        tally = {"kills": 0, "at it": 0}
        end = time.monotonic() + KILLING_S

        def enough():
            if KILLS:
                return tally["kills"] >= KILLS
            now = time.monotonic()
            return now > end and (now > end + KILLING_S_MAX or (tally["kills"] >= KILLS_MIN and tally["at it"]))

        failures = []

        def work(target):
            try:
                self.kill_often(target, enough, tally)
            except BaseException as failure:  # pylint: disable=broad-except
                failures.append(failure)

        killers = [threading.Thread(target=work, args=(target,)) for target in targets]
        for killer in killers:
            killer.start()
        for killer in killers:
            killer.join()
        print(tally, file=sys.stderr)
        for failure in failures:
            raise failure
        self.assertGreaterEqual(tally["kills"], KILLS or KILLS_MIN)
        self.assertGreater(tally["at it"], 0, "no kill met a watch at work")
        for target in targets:
            # An ordinary end leaves nothing at all.
            before = usual_masks(target.pid)
            with Watch(target) as watch:
                watch.wait_until_armed()
                watch.finish()
            self.assert_untraced(target.pid)
            self.assertTrue(wait_until(lambda: not changed_masks(target.pid, before)),
                            changed_masks(target.pid, before))
            self.assert_healthy(target)

    def test_a_stopped_process_stays_stopped(self):
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(8)
            target = self.start(sys.executable, "-c", BEGIN + COUNTING, file.name)
            with mmap.mmap(file.fileno(), 8) as counter:
                self.check_stopped(target, lambda: struct.unpack("Q", counter)[0])
        self.assertEqual(target.finish(), [])
        self.assertEqual(target.process.returncode, 0)

    def count_when_standing(self, target, count):
        """A thread that is watched may have to come out of another stop first. The kernel tells us, the parent, when
        the last one stands because of the signal."""
        self.assertTrue(wait_until(lambda: os.waitid(os.P_PID, target.pid, os.WSTOPPED | os.WNOHANG)),
                        "it does not stop")
        return count()

    def check_stopped(self, target, count):
        before = masks(target.pid)
        for number in (signal.SIGINT, signal.SIGKILL) * 3:
            for is_stopped_first in (True, False):
                watch = None if is_stopped_first else Watch(target).wait_until_armed()
                target.process.send_signal(signal.SIGSTOP)
                stood_at = self.count_when_standing(target, count)
                watch = watch or Watch(target).wait_until_armed()
                time.sleep(0.05)
                self.assertEqual(count(), stood_at, "it ran while it was watched")
                if number == signal.SIGINT:
                    watch.finish()
                watch.kill()
                self.assertTrue(wait_until(lambda: set(
                    field_of_tasks(target.pid, "State").values()) == {"T"}))
                self.assertEqual(count(), stood_at, "it ran when it was let go")
                if number == signal.SIGINT and before:
                    self.assertEqual(masks(target.pid), before)
                before = before if number == signal.SIGINT else None
                target.process.send_signal(signal.SIGCONT)
                self.assertTrue(wait_until(lambda: count() > stood_at), "it does not go on")

    def test_ctrl_z_does_not_stop_the_target(self):
        target = self.start(sys.executable, FILLED)
        with Watch(target) as watch:
            watch.wait_until_armed()
            for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
                watch.process.send_signal(number)
            time.sleep(0.1)
            self.assertNotEqual(status(watch.process.pid, "State"), "T")
            seen = len(watch.lines)
            self.assertTrue(wait_until(lambda: len(watch.lines) > seen))
            watch.finish()
        self.assert_healthy(target)


# A thread that blocks all signals and counts in a file, for others to see.
COUNTING = """
import struct
file = open(sys.argv[1], "r+b")
counter = mmap.mmap(file.fileno(), 8)
stop = threading.Event()
def count():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    number = 0
    while not stop.is_set():
        number += 1
        counter[:] = struct.pack("Q", number)
        items.append(number)
        if number % 1000 == 0:
            items.clear()
thread = threading.Thread(target=count)
thread.start()
while struct.unpack("Q", counter[:8]) == (0,):
    time.sleep(0.001)
ready()
line()
stop.set()
thread.join()
"""

# Each signal has come when raise_signal() returns.
RAISING = """
counts = {}
def count(number, _):
    counts[number] = counts.get(number, 0) + 1
for name in sys.argv[1].split(","):
    signal.signal(getattr(signal, name), count)
ready()
while True:
    word = line()
    if not word:
        break
    numbers = [getattr(signal, name) for name in word.split(",")]
    before = dict(counts)
    for i in range(100):
        items.append(i)
        for number in numbers:
            if number in counts or signal.getsignal(number) is count:
                signal.raise_signal(number)
            else:
                signal.signal(number, count)
        time.sleep(0.001)
    print(*[counts.get(number, 0) - before.get(number, 0) for number in numbers], flush=True)
"""


class Signals(WatchTest):
    def test_a_process_that_handles_sigtrap(self):
        target = self.python(RAISING, "SIGTRAP")
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            self.assertEqual(self.ask(target, "SIGTRAP"), "100")
            end, changes = watch.finish()
        self.assert_all_seen(end, 100)
        self.assertEqual(len(changes), 100)
        self.assertEqual(self.ask(target, "SIGTRAP"), "100")

    def test_a_process_that_handles_sigurg(self):
        target = self.python(RAISING, "SIGURG")
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            self.assertEqual(self.ask(target, "SIGURG"), "100")
            end, _ = watch.finish()
        self.assert_all_seen(end, 100)

    def test_a_process_that_handles_both(self):
        target = self.python(RAISING, "SIGURG,SIGWINCH")
        with Watch(target, *FAST) as watch:
            watch.wait_until_polling()
            self.assertEqual(self.ask(target, "SIGURG,SIGWINCH"), "100 100")
            end, changes = watch.finish()
        self.assert_polling(end, "handles SIGURG and SIGWINCH")
        self.assertGreater(len(changes), 0)
        words = subprocess.run(
            [SHIKARI, "watch-object", "--word", "--for", "0.1", str(target.pid), target.ready[0]],
            stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS_MAX).stdout
        self.assertRegex(" ".join(words.split()), "handles SIGURG and SIGWINCH")

    def test_a_process_that_handles_our_signal_from_now_on(self):
        target = self.python(RAISING, "SIGTRAP")
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            # The first time installs the handler.
            self.assertEqual(self.ask(target, "SIGURG"), "99")
            watch.wait_until_polling(starts=2)
            self.assertEqual(self.ask(target, "SIGURG"), "100")
            end, _ = watch.finish()
        self.assert_polling(end, "handles signal %d" % signal.SIGURG)

    def test_all_is_as_without_us(self):
        target = self.python(BATTERY)
        alone = json.loads(self.ask(target, "go"))
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            watched = json.loads(self.ask(target, "go"))
            end, _ = watch.finish()
        # A signal that is ignored wakes one thread, and another one may take it: then we do not see the first.
        for of_call in watched[6]:
            self.assertTrue(of_call[1] == 4 or of_call[2], watched[6])
        alone[6] = watched[6] = None
        self.assertEqual(watched, alone)
        self.assertEqual(end["watch"]["method"], "hardware", end["watch"]["fallback_reason"])
        changes, stores = whole_changes(end)
        self.assertGreater(changes, 50)
        self.assertEqual(changes, stores)


    def test_an_ignored_signal_interrupts_no_call(self):
        target = self.python(INTERRUPTED)
        alone = json.loads(self.ask(target, "go"))
        self.assertEqual([row[1] for row in alone], [0, 11, 11, 0, 0, 0], alone)
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            watched = json.loads(self.ask(target, "go"))
            end, _ = watch.finish()
        self.assertEqual(watched, alone)
        self.assert_all_seen(end, len(alone))


# Waits of 150 ms in C, where EINTR is seen: (result, errno, did it take that long?)
CALLS = """
libc = ctypes.CDLL(None, use_errno=True)
def timed(call, *arguments):
    ctypes.set_errno(0)
    begin = time.monotonic()
    result = call(*arguments)
    took = time.monotonic() - begin
    return result, ctypes.get_errno(), took > 0.14

RT = signal.SIGRTMIN + 1
def calls(before=lambda: None):
    poll = select.epoll()
    events = (ctypes.c_uint64 * 4)()
    left, right = socket.socketpair()
    left.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, b"\\0" * 8 + (150000).to_bytes(8, "little"))
    limit = (ctypes.c_uint64 * 2)(0, 150000000)
    micro = (ctypes.c_uint64 * 2)(0, 150000)
    mask = (ctypes.c_uint64 * 16)(1 << (RT - 1))
    waits = [(libc.epoll_wait, poll.fileno(), events, 1, 150),
             (libc.recv, left.fileno(), events, 8, 0),
             (libc.sigtimedwait, mask, None, limit),
             (libc.nanosleep, limit, None),
             (libc.poll, None, 0, 150),
             (libc.select, 0, None, None, None, micro)]
    results = []
    for wait in waits:
        before()
        results.append(timed(*wait))
    return results
"""

# A process of one thread, whose child ends during each wait. Nobody handles SIGCHLD.
INTERRUPTED = CALLS + """
def make_child():
    items.append(1)
    child = os.fork()
    if child == 0:
        time.sleep(0.05)
        os._exit(0)
ready()
while line():
    print(json.dumps(calls(make_child)), flush=True)
"""

# What a program gets from the kernel, in a form that is the same each time; a second thread fills the list,
# a third one makes children whose SIGCHLD nobody handles.
BATTERY = CALLS + """
counts = {}
def count(number, _):
    counts[number] = counts.get(number, 0) + 1
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM):
    signal.signal(number, count)
# In all threads.
signal.pthread_sigmask(signal.SIG_BLOCK, [RT])

def usr1():
    for _ in range(200):
        signal.raise_signal(signal.SIGUSR1)
    return counts.pop(signal.SIGUSR1)

def timer():
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    end = time.monotonic() + 20
    while counts.get(signal.SIGALRM, 0) < 20 and time.monotonic() < end:
        time.sleep(0.001)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return counts.pop(signal.SIGALRM) >= 20

def queued():
    # siginfo_t: si_signo, si_errno, si_code, padding, si_pid, si_uid, si_value
    for value in range(50):
        assert libc.sigqueue(os.getpid(), RT, ctypes.c_void_p(value)) == 0
    mask = (ctypes.c_uint64 * 16)(1 << (RT - 1))
    info = (ctypes.c_uint32 * 32)()
    found = []
    for _ in range(50):
        assert libc.sigwaitinfo(mask, info) == RT
        found.append([info[6], info[4] == os.getpid()])
    return found

def handled_value():
    found = []
    @ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(ctypes.c_uint32), ctypes.c_void_p)
    def handler(number, info, _):
        found.append(info[6])
    # struct sigaction: handler, mask, flags
    action = (ctypes.c_uint64 * 19)(ctypes.cast(handler, ctypes.c_void_p).value)
    action[17] = 4
    assert libc.sigaction(RT, action, None) == 0
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [RT])
    for value in range(50):
        assert libc.sigqueue(os.getpid(), RT, ctypes.c_void_p(value)) == 0
    end = time.monotonic() + 20
    while len(found) < 50 and time.monotonic() < end:
        time.sleep(0.001)
    signal.pthread_sigmask(signal.SIG_BLOCK, [RT])
    libc.sigaction(RT, (ctypes.c_uint64 * 19)(), None)
    return sorted(found)

def waited():
    found, blocks = [], threading.Event()
    def wait():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        blocks.set()
        for _ in range(20):
            found.append(signal.sigwait([signal.SIGUSR2]))
    thread = threading.Thread(target=wait)
    thread.start()
    blocks.wait()
    for i in range(20):
        end = time.monotonic() + 20
        signal.pthread_kill(thread.ident, signal.SIGUSR2)
        while len(found) <= i and time.monotonic() < end:
            time.sleep(0.001)
    thread.join()
    return found, counts.get(signal.SIGUSR2, 0)

def blocked_ones():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    for _ in range(3):
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    time.sleep(0.02)
    pending = sorted(signal.sigpending())
    early = counts.get(signal.SIGUSR1, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
    return pending, early, counts.pop(signal.SIGUSR1)

def own_children():
    codes = []
    for i in range(10):
        child = os.posix_spawn("/bin/true", ["true"], {})
        codes.append(os.waitpid(child, 0)[1])
    return codes

def fill():
    while not stop.is_set():
        items.append(0)
        time.sleep(0.002)

def make_children():
    while not stop.is_set():
        subprocess.call(["/bin/true"])

ready()
while line():
    stop = threading.Event()
    others = [threading.Thread(target=fill), threading.Thread(target=make_children)]
    # The main thread is the one that the kernel wakes for the children's ends.
    for thread in others:
        thread.start()
    result = [part() for part in (usr1, timer, queued, handled_value, waited, blocked_ones, calls,
                                  own_children)]
    stop.set()
    for thread in others:
        thread.join()
    print(json.dumps(result), flush=True)
"""


class Threads(WatchTest):
    def test_threads_that_come_and_go(self):
        target = self.python(
            "def live(): items.append(1)\n"
            "ready()\n"
            "line()\n"
            "for _ in range(100):\n"
            "    threads = [threading.Thread(target=live) for _ in range(5)]\n"
            "    for thread in threads: thread.start()\n"
            "    for thread in threads: thread.join()\n"
            "print(len(items), flush=True)\n"
            "line()\n")
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            self.assertEqual(self.ask(target, "go"), "500")
            # None of the dead is kept.
            self.assertTrue(wait_until(lambda: watch.events() == 1), watch.events())
            end, changes = watch.finish()
        self.assert_all_seen(end, 500)
        self.assertEqual([change["after"] for change in changes], list(range(1, 501)))

    def test_masks_of_threads_that_block_all_signals(self):
        # And of those that they start, and one that blocks them for a moment only.
        target = self.python(
            "def show(): return threading.get_native_id(), blocked()\n"
            "def work():\n"
            "    items.append(1)\n"
            "    while not stop.is_set(): time.sleep(0.001)\n"
            "def start():\n"
            "    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
            "    blocking.append(1)\n"
            "    again.wait()\n"
            "    threads.append(threading.Thread(target=work))\n"
            "    threads[-1].start()\n"
            "    work()\n"
            "def shortly():\n"
            "    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
            "    blocking.append(1)\n"
            "    again.wait()\n"
            "    signal.pthread_sigmask(signal.SIG_SETMASK, before)\n"
            "    work()\n"
            "again, stop, blocking = threading.Event(), threading.Event(), []\n"
            "threads = [threading.Thread(target=start), threading.Thread(target=shortly)]\n"
            "for thread in threads[:2]: thread.start()\n"
            "while len(blocking) < 2: time.sleep(0.001)\n"
            "ready(*[thread.native_id for thread in threads])\n"
            "line(); again.set()\n"
            "while len(items) < 3: time.sleep(0.001)\n"
            "print(threads[2].native_id, flush=True)\n"
            "line(); stop.set()\n")
        starter, shortly = map(int, target.ready[1:])
        everything = field_of_tasks(target.pid, "SigBlk")[starter]
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            born = int(self.ask(target, "go"))
            end, _ = watch.finish()
        self.assert_all_seen(end, 3)
        self.assert_untraced(target.pid)
        now = field_of_tasks(target.pid, "SigBlk")
        self.assertEqual([now[starter], now[born], now[shortly]], [everything, everything, "0" * 16])
        target.finish()

    def test_children_are_neither_traced_nor_watched(self):
        target = self.python(
            "ready()\n"
            "line()\n"
            "script = 'for row in open(\"/proc/self/status\"):\\n' \\\n"
            "         ' if row.startswith(\"TracerPid\"): print(row.split()[1])'\n"
            "found = []\n"
            "for i in range(10):\n"
            "    items.append(i)\n"
            "    found.append(subprocess.check_output(['/bin/sed', '-n', 's/^TracerPid:.//p',\n"
            "                                          '/proc/self/status']).decode().strip())\n"
            "    read, write = os.pipe()\n"
            "    if os.fork() == 0:\n"
            "        for _ in range(100): items.append(0)\n"
            "        os.write(write, tracer().encode())\n"
            "        os._exit(len(items) - i - 101)\n"
            "    found.append((os.read(read, 9).decode(), os.wait()[1]))\n"
            "    child = os.posix_spawn('/bin/true', ['true'], {})\n"
            "    found.append(os.waitpid(child, 0)[1])\n"
            "print(json.dumps(found), flush=True)\n"
            "line()\n")
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            found = json.loads(self.ask(target, "go"))
            end, _ = watch.finish()
        self.assertEqual(found, ["0", ["0", 0], 0] * 10)
        self.assert_all_seen(end, 10)

    def execute(self, by_thread):
        target = self.python(
            "def execute():\n"
            "    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {signal.SIGTERM})\n"
            "    print(blocked(), flush=True)\n"
            "    line()\n"
            "    items.append(1)\n"
            "    os.execv(sys.executable, [sys.executable, '-c', sys.argv[2]])\n"
            "def idle():\n"
            "    while True: time.sleep(0.001)\n"
            "for _ in range(5): threading.Thread(target=idle, daemon=True).start()\n"
            "ready()\n"
            "if sys.argv[1] == 'True': threading.Thread(target=execute).start()\n"
            "else: execute()\n"
            "while True: time.sleep(1)\n",
            str(by_thread),
            BEGIN + "items += [2] * 1000\n"
            "for i in range(1000): items.append(i)\n"
            "ready(blocked(), len(items)); line()")
        mask = target.process.stdout.readline().strip()
        with Watch(target, *FAST) as watch:
            watch.wait_until_armed()
            words = self.ask(target, "go").split()
            watch.collect()
            self.assertEqual(watch.process.returncode, 3, watch.errors)
            self.assertIn("executed another program", "".join(watch.errors))
            end = json.loads(watch.lines[-1])
            self.assertEqual(end["event"], "end")
            self.assertEqual(end["objects"][0]["changes"], 1)
        self.assertEqual(words[2:], [mask, "2000"])
        self.assert_untraced(target.pid)
        target.finish()
        self.assertEqual(target.process.returncode, 0)

    def test_the_main_thread_executes_another_program(self):
        for _ in range(3):
            self.execute(False)

    def test_a_thread_executes_another_program(self):
        for _ in range(3):
            self.execute(True)

    def test_a_process_that_ends(self):
        target = self.python("ready()\nline()\nitems.append(1)\nos._exit(7)\n")
        with Watch(target) as watch:
            watch.wait_until_armed()
            self.say(target, "go")
            watch.collect()
            self.assertEqual(watch.process.returncode, 3)
            self.assertIn("has ended", "".join(watch.errors))
        self.assertEqual(target.process.wait(SECONDS_MAX), 7)


FILLING = """
def fill():
    while True:
        items.append(0)
        time.sleep(0.005)
threading.Thread(target=fill, daemon=True).start()
ready()
line()
"""


class Others(WatchTest):
    def test_two_at_a_time(self):
        target = self.python(FILLING)
        with Watch(target) as one:
            one.wait_until_armed()
            with Watch(target) as other:
                other.collect()
            self.assertEqual(other.process.returncode, 3)
            self.assertIn("traced by process %d" % one.process.pid, "".join(other.errors))
            seen = len(one.lines)
            self.assertTrue(wait_until(lambda: len(one.lines) > seen))
            end, _ = one.finish()
            self.assertEqual(end["watch"]["method"], "hardware")
        self.assertEqual(target.finish(), [])

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_signals_that_the_kernel_does_not_send(self):
        # To another user's process: it counts, and says nothing.
        target = self.python(FILLING)
        caps = "+sys_ptrace,+dac_read_search,+dac_override,+perfmon"
        command = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps", caps, "--ambient-caps", caps, "--"]
        with Watch(target, before=command) as watch:
            # Such as comes tells of a fallback.
            self.assertTrue(wait_until(lambda: watch.count("change")))
            end, _ = watch.finish()
        self.assert_polling(end)
        # By who looks at counts, or by who looks at lengths.
        self.assertRegex(end["watch"]["fallback_reason"], "signals do not arrive|did not fire")
        self.assertGreater(end["objects"][0]["changes"], 0)

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_a_container_with_numbers_of_its_own(self):
        outer = Target("unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
                       sys.executable, "-c", BEGIN + FILLING)
        self.addCleanup(outer.kill)
        with open(f"/proc/{outer.pid}/task/{outer.pid}/children") as file:
            pid = int(file.read().split()[0])
        with Watch(outer, *FAST, pid=pid) as watch:
            watch.wait_until_armed()
            self.assertTrue(wait_until(lambda: len(watch.lines) > 20))
            end, _ = watch.finish()
        self.assertEqual(end["watch"]["method"], "hardware")
        changes, stores = whole_changes(end)
        self.assertEqual(changes, stores)
        self.assertEqual(outer.finish(), [])


def waited_for_processor(pid):
    """{thread: seconds that it could have run, and had no processor}: what others took. For the rest of the time in
    which a thread does not run that is watched, nobody but us is to blame: it waits for the one who watches it."""
    waited = {}
    for task in tasks(pid):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            waited[task] = int(file.read().split()[1]) * 1e-9
    return waited


class Throughput(WatchTest):
    def test_a_tight_loop_keeps_its_pace(self):
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(8)
            target = self.start(sys.executable, "-c", BEGIN + COUNTING, file.name)
            with mmap.mmap(file.fileno(), 8) as counter:
                def pace(*pids):
                    before = [struct.unpack("Q", counter)[0], time.monotonic(), *map(waited_for_processor, pids)]
                    time.sleep(0.3)
                    after = [struct.unpack("Q", counter)[0], time.monotonic(), *map(waited_for_processor, pids)]
                    number, seconds = after[0] - before[0], after[1] - before[1]
                    waited = sum(max(now[task] - then[task] for task in then.keys() & now.keys())
                                 for now, then in zip(after[2:], before[2:]))
                    return number / max(seconds - waited, seconds / 10)

                # The machine may have other things to do, not each time.
                ratios = []
                while len(ratios) < 8 and max(ratios, default=0) < 0.8:
                    alone, watched = [], []
                    for _ in range(5):
                        alone.append(pace(target.pid))
                        with Watch(target, "--max-rate", 50) as watch:
                            watch.wait_until_armed()
                            watched.append(pace(target.pid, watch.process.pid))
                            self.assertTrue(wait_until(lambda: watch.count("change") > 10))
                            end, _ = watch.finish()
                            self.assertEqual(end["watch"]["method"], "hardware")
                    ratios.append(statistics.median(watched) / statistics.median(alone))
        print("pace while watched:", ratios, file=sys.stderr)
        self.assertGreater(max(ratios), 0.8, ratios)


APPLICATION = """
import os, threading
items = []
def application(environ, start_response):
    if environ["PATH_INFO"] == "/add":
        items.append(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Connection", "close")])
    return [("%d 0x%x %d" % (os.getpid(), id(items) + 16, len(items))).encode()]
"""


class Uwsgi(WatchTest):
    """Its threads block all signals."""

    def start_server(self, folder):
        with open(os.path.join(folder, "app.py"), "w", encoding="ascii") as file:
            file.write(APPLICATION)
        uwsgi = shutil.which("uwsgi") or shutil.which("uwsgi-core")
        self.assertTrue(uwsgi, "uwsgi is not installed: tools/install-dependencies test")
        log = os.path.join(folder, "log")
        with open(log, "wb") as file:
            server = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "--", uwsgi, "--plugin",
                 os.environ.get("UWSGI_PLUGIN", "python3"), "--master", "--processes", "1",
                 "--threads", "4", "--lazy-apps", "--need-app", "--no-orphans", "--die-on-term",
                 "--http-socket", "127.0.0.1:0", "--wsgi-file", os.path.join(folder, "app.py")],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

        def address():
            with open(log, encoding="utf-8", errors="replace") as file:
                text = file.read()
            found = re.search(r"bound to TCP address (127\.0\.0\.1:\d+)", text)
            return found and "spawned uWSGI worker" in text and found[1]
        self.assertTrue(wait_until(address, SECONDS_MAX))
        return server, "http://" + address()

    @staticmethod
    def get(url):
        with urllib.request.urlopen(url, timeout=SECONDS_MAX) as answer:
            return answer.read().decode().split()

    def request(self, url, count):
        clients = [threading.Thread(target=lambda: [self.get(url) for _ in range(count // 4)])
                   for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def test_hits_in_threads_that_block_all_signals(self):
        with tempfile.TemporaryDirectory() as folder:
            server, url = self.start_server(folder)
            pid, address, _ = self.get(url)
            before = {}

            def are_started():
                before.update(masks(int(pid)))
                blocked = [int(mask, 16) for mask in before["SigBlk"].values()]
                # Signal 32 is blocked only while glibc starts a thread.
                return (not any(mask >> 31 & 1 for mask in blocked) and
                        sum(mask >> (signal.SIGURG - 1) & 1 for mask in blocked) >= 3)
            self.assertTrue(wait_until(are_started), before)
            with Watch(None, *FAST, pid=int(pid), words=[address]) as watch:
                watch.wait_until_armed()
                self.request(url + "/add?x", 80)
                end, changes = watch.finish()
            self.assert_all_seen(end, 80)
            self.assertGreater(len({change["thread"] for change in changes}), 1)
            self.assertEqual({change["request"]["path"] for change in changes}, {"/add"})
            self.assertEqual(masks(int(pid)), before)
            self.assertEqual(self.get(url), [pid, address, "80"])
            server.terminate()
            self.assertEqual(server.wait(SECONDS_MAX), 0)


if __name__ == "__main__":
    unittest.main()
