# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""cycles.py MODE COUNT: makes COUNT garbage cycles with the collector off, waits or computes until SIGUSR1, and
tells what became of them. Runs on every Python from 2.7 on."""
import ctypes
import functools
import gc
import os
import signal
import socket
import select
import sys
import threading
import time
import weakref

mode, count = sys.argv[1], int(sys.argv[2])
gc.disable()
# One that nobody sets. 2.7 has only the other.
clock = getattr(time, "monotonic", time.time)


class Done(Exception):
    pass


class Node(object):
    pass


def finish(*_):
    raise Done


def make_cycles():
    for _ in range(count):
        one, other = Node(), Node()
        one.other, other.other = other, one
        one.data = [0] * 40
        references.append(weakref.ref(one))


def expect(number, wanted):
    if number != wanted:
        print("violation %s: %r, not %r" % (mode, number, wanted))


def compute():
    """A sum that is known: anything that disturbs the registers or the stack shows."""
    global rounds
    while True:
        total, share = 0, 0.0
        for i in range(2000):
            total += i * i
            share += i / 7.0
        expect(total, 2664667000)
        expect(round(share, 6), round(1999000 / 7.0, 6))
        rounds += 1


def sleep():
    global rounds
    while True:
        begin = clock()
        time.sleep(0.2)
        rounds += 1
        # Before 3.5 (PEP 475) it ends early when a machine is so busy that a stop cannot be mended in time.
        if clock() - begin < 0.19 and sys.version_info >= (3, 5):
            print("violation sleep: %r" % (clock() - begin))


def wait_select():
    select.select([pair[0]], [], [], 3600)


def wait_poll():
    poll = select.poll()
    poll.register(pair[0], select.POLLIN)
    poll.poll(3600 * 1000)


def wait_accept():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    server.accept()


def wait_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def threads():
    """The main thread waits, another computes."""
    thread = threading.Thread(target=compute)
    thread.daemon = True
    thread.start()
    wait_select()


def waiters():
    """The main thread computes, others wait."""
    for work in (wait_lock, wait_accept, sleep):
        thread = threading.Thread(target=work)
        thread.daemon = True
        thread.start()
    compute()


def long_call():
    """In C code that holds the GIL."""
    global rounds
    while True:
        sorted(range(3000000, 0, -1), key=float)
        rounds += 1


def blocked():
    """A C function that waits and does not give up the GIL."""
    ctypes.PyDLL(None).usleep(ctypes.c_uint(3600 * 1000000))


def wait_poll_briefly():
    poll = select.poll()
    poll.register(pair[0], select.POLLIN)
    while True:
        begin = clock()
        poll.poll(30)
        if clock() - begin < 0.0295 and sys.version_info >= (3, 5):
            print("violation poll: %r" % (clock() - begin))


def allocate():
    while True:
        blocks = [b"x" * size for size in range(1000, 200000, 1000)]
        expect(sum(map(len, blocks)), 19900000)
        time.sleep(0.005)


def churn():
    """All of it at once, and garbage without end."""
    for work in (sleep, wait_poll_briefly, wait_lock, allocate):
        thread = threading.Thread(target=work)
        thread.daemon = True
        thread.start()
    global rounds
    while True:
        for _ in range(300):
            one, other = Node(), Node()
            one.other, other.other = other, one
            one.data = [0] * 40
        share = sum(i / 7.0 for i in range(5000))
        expect(round(share, 6), round(12497500 / 7.0, 6))
        rounds += 1
        time.sleep(0.002 if rounds % 2 else 0)


class Announcing(Node):
    def __del__(self):
        print("finalizing")
        sys.stdout.flush()


def slow_kind():
    """A class whose finalizer takes a second, without any Python code that could meet a signal meanwhile."""
    return type("Slow", (Node,), {"__del__": staticmethod(functools.partial(
        ctypes.PyDLL(None).usleep, ctypes.c_uint(1000000)))})


def held_kind():
    """The same, but that it takes until there is something to be read from standard input."""
    return type("Held", (Node,), {"__del__": staticmethod(functools.partial(
        ctypes.PyDLL(None).read, ctypes.c_int(0), ctypes.create_string_buffer(1), ctypes.c_size_t(1)))})


class Spawning(Node):
    """Starts a process when it is finalized, which must be able to take signals."""
    def __del__(self):
        import subprocess
        text = subprocess.check_output(["grep", "SigBlk", "/proc/self/status"]).split()[1]
        expect(int(text, 16), 0)


references, rounds = [], 0
pair = socket.socketpair()
if mode in ("slow_wait", "slow_compute", "held_wait"):
    kinds = [Announcing, held_kind() if mode == "held_wait" else slow_kind()]
else:
    kinds = [Spawning] if mode == "spawn" else []
for kind in kinds:
    one = kind()
    one.itself = one
    references.append(weakref.ref(one))
    del one
make_cycles()
# Blocks of malloc, of which a few keep the rest from being given back.
burst = [bytearray(2000) for _ in range(20000 if mode == "burst" else 0)]
pinned = burst[::50]
del burst
signal.signal(signal.SIGUSR1, finish)
try:
    # Whoever reads this may tell us to end at once.
    print("ready %d" % os.getpid())
    sys.stdout.flush()
    {"compute": compute, "sleep": sleep, "select": wait_select, "poll": wait_poll, "accept": wait_accept,
     "lock": wait_lock, "threads": threads, "waiters": waiters, "long_call": long_call,
     "blocked": blocked, "burst": wait_select, "churn": churn,
     "slow_wait": wait_select, "held_wait": wait_select, "slow_compute": compute, "spawn": wait_select,
     "stdin": lambda: sys.stdin.read()}[mode]()
except Done:
    pass
print("alive %d" % sum(reference() is not None for reference in references))
print("enabled %s" % gc.isenabled())
print("rounds %s %d" % (mode, rounds + 1))
sys.stdout.flush()
os._exit(0)
