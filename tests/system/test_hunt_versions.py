#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""hunt names the demo's leak on every CPython: examples/wsgi-leak on each interpreter that is found, and the
Flask service on the libpython that uWSGI embeds.

The finding is the leak by its path, its type and its growth, and by the line that appends to it, called for the
requests that were sent; there is no other; and the service has answered every request and is as it was. A version that shikari refuses is a failure. Two at a time.
"""

import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
APP = os.path.join(EXAMPLES, "wsgi-leak", "app.py")
sys.path[:0] = [os.path.join(EXAMPLES, "flask-leak"), os.path.join(HERE, "..", "support")]
sys.dont_write_bytecode = True

import interpreters  # noqa: E402
import load  # noqa: E402
import service  # noqa: E402

BUILD = os.environ.get("SHIKARI_BUILD", os.path.join(HERE, "..", "..", "build"))
SHIKARI = os.environ.get("SHIKARI", os.path.join(BUILD, "shikari"))
HUNTS_AT_A_TIME = 3
CLIENTS, RATE = 4, 100
# A service that is hunted has been up for a while: its imports are done and its caches full.
WARM_UP_S, WARM_UP_REQUESTS, WARM_UP_S_MAX = 4, 400, 20
HUNT_S = 6
# Three, the default, may meet the batches of the service's access log each a little fuller than before: in a
# sixth of all hunts it seems to grow. Five do in one of 120.
SNAPSHOTS = 5
# What a hunt may take beyond that, on a busy machine or built with sanitizers. The load ends by then.
HUNT_SLACK_S = 600
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 120
# How often it is noted how many requests were answered.
NOTE_S = 0.02
# From the moment that the report says to the picture: so long, and longer where snapshots are late for want of a
# processor, by a part of the time between them.
PICTURE_S, PICTURE_SHARE = 0.5, 0.1
# Below this there is nothing to compare.
REQUESTS_MIN = 60
# Insertions watched in the end, and the requests that lead to one (examples/flask-leak/load.py).
HITS = 32
REQUESTS = re.compile(r"/products(/\d+)?$|/basket/price$|/healthz$|/search$")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": os.environ.get("HOME", "/"),
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class Shop:
    """examples/wsgi-leak, from __enter__ to __exit__."""

    path = "app.Profiler.results"
    source = os.path.realpath(APP)
    #: The part of all requests that the hunted process gets.
    share = 1

    def __init__(self, interpreter):
        self.interpreter = interpreter

    def __enter__(self):
        self.process = subprocess.Popen(
            self.interpreter.command(APP), env=ENVIRONMENT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        readable, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_S)
        line = self.process.stdout.readline() if readable else ""
        if not line:
            self.process.kill()
            raise AssertionError(f"the service did not start: {self.process.communicate()[1]}")
        said = json.loads(line)
        self.url, self.pid = said["url"], said["pid"]
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.communicate()

    def check_end(self):
        """It ends by itself when it is told to."""
        words = self.process.communicate(timeout=STOP_TIMEOUT_S)[1]
        assert self.process.returncode == 0 and not words, (self.process.returncode, words)


class FlaskShop:
    """examples/flask-leak under uWSGI; the first of its two workers."""

    path = "metrics.Profiler.results"
    source = os.path.realpath(os.path.join(EXAMPLES, "flask-leak", "metrics.py"))
    share = None

    def __enter__(self):
        self.service = service.Service().__enter__()
        self.url, self.pid = self.service.url, self.service.workers[0]
        return self

    def __exit__(self, *exception):
        self.service.close()

    def check_end(self):
        assert self.service.uwsgi.poll() is None, "the master died"


class Load:
    """Clients of a service, at a steady rate, from __enter__ to __exit__ or for a bounded time."""

    def __init__(self, url):
        self.stop = threading.Event()
        end = time.monotonic() + WARM_UP_S_MAX + HUNT_S + HUNT_SLACK_S
        self.clients = [
            load.Client(number, urllib.parse.urlsplit(url), RATE / CLIENTS, self.stop, end)
            for number in range(CLIENTS)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        for client in self.clients:
            client.join()
            client.connection.close()

    def warm_up(self):
        time.sleep(WARM_UP_S)
        end = time.monotonic() + WARM_UP_S_MAX - WARM_UP_S
        while self.answered < WARM_UP_REQUESTS and time.monotonic() < end:
            time.sleep(0.1)

    def note(self, notes, end):
        """Until the end, how many were answered when: (seconds, requests)."""
        while True:
            notes.append((time.monotonic(), self.answered))
            if end.wait(NOTE_S):
                break
        notes.append((time.monotonic(), self.answered))

    @property
    def answered(self):
        return sum(client.answered for client in self.clients)

    @property
    def failures(self):
        return [kind for client in self.clients for kind in client.failures]


def hunt(pid):
    done = subprocess.run(
        [SHIKARI, "hunt", str(pid), "--json", "--for", str(HUNT_S), "--snapshots", str(SNAPSHOTS)], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=HUNT_S + HUNT_SLACK_S, check=False)
    assert done.returncode == 0, f"shikari exited with {done.returncode}: {done.stderr.strip()}"
    return json.loads(done.stdout)


def check_growth(growth, moments, notes):
    """It grew by the requests of that time. The machine may be slow, and slower by and by: so what is compared is
    how many had been answered when the first snapshot was taken, which is told by the length then, and the last."""
    # An entry is added before the answer is sent.
    begin = max((at for at, answered in notes if answered < growth["first"] - CLIENTS), default=notes[0][0])
    end = next((at for at, answered in notes if answered > growth["first"]), notes[-1][0])
    span = moments[-1] - moments[0]
    slack = PICTURE_S + PICTURE_SHARE * span / (len(moments) - 1)
    begin, end = begin + span - slack, end + span + slack
    least = max((answered for at, answered in notes if at <= begin), default=growth["first"])
    most = next((answered for at, answered in notes if at >= end), notes[-1][1]) + CLIENTS
    assert least <= growth["last"] <= most, (least, growth, most, moments)
    # Or there would be nothing to compare.
    assert least > growth["first"], (least, growth)


def check_report(shop, report, notes):
    """The first finding is the leak, and there is no other. `notes`: requests answered by when."""
    found = [(suspect["path"], suspect["type"]) for suspect in report["suspects"]]
    assert found == [(shop.path, "list")], (found, json.dumps(report["suspects"], indent=1))
    assert report["verdict"] == "leak" and report["ended_early"] is None, report
    leak = report["suspects"][0]
    assert leak["items"] and leak["items"][0]["type"] == "tuple", leak["items"]
    growth = leak["growth"]
    assert growth["objects"] == growth["last"] - growth["first"] > 0, growth
    # An entry is added before the answer is sent.
    assert growth["last"] <= notes[-1][1] + CLIENTS, (growth, notes[-1])
    if shop.share:
        assert growth["first"] >= notes[0][1], (growth, notes[0])
        check_growth(growth, [snapshot["at_s"] for snapshot in report["snapshots"]], notes)


def check_additions(shop, leak):
    """Who fills it, each time: the line of the append, the function, and requests that were sent."""
    with open(shop.source, encoding="utf-8") as file:
        line = next(number for number, text in enumerate(file, 1) if "self.results.append(" in text)
    assert leak["not_watched"] is None and leak["hits_watched"] == HITS, leak
    assert len(leak["added_by"]) == 1, leak["added_by"]
    site = leak["added_by"][0]
    assert (os.path.realpath(site["file"]), site["line"], site["hits"]) == (shop.source, line, HITS), site
    assert site["function"] in ("Profiler.end", "end"), site
    assert [frame["function"] for frame in site["stack"][:2]] in (
        ["Profiler.end", "Profiler.__exit__"], ["end", "__exit__"]), site["stack"]
    assert site["requests"], site
    for request in site["requests"]:
        assert request["method"] in ("GET", "POST") and REQUESTS.match(request["path"]), request
        assert "query" not in request, request


def check_process(pid):
    """Nobody traces or has stopped it, and nothing of a snapshot is left in it."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        status = dict(re.findall(r"^(\w+):\s*(\S+)", file.read(), re.MULTILINE))
    assert status["TracerPid"] == "0" and status["State"] not in "ZTtX", status
    for task in os.listdir(f"/proc/{pid}/task"):
        # Threads end while we look.
        with contextlib.suppress(FileNotFoundError), \
                open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            children = file.read().split()
            assert not children, children


def ask_health(url):
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=START_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert answer.status == 200 and json.loads(answer.read())["status"] == "ok"


def try_shop(make):
    """Start a shop, hunt in it under load, check all."""
    with make() as shop:
        with Load(shop.url) as clients:
            clients.warm_up()
            notes, end = [], threading.Event()
            clerk = threading.Thread(target=clients.note, args=(notes, end))
            clerk.start()
            try:
                report = hunt(shop.pid)
            finally:
                end.set()
                clerk.join()
        # All are at rest now.
        assert not clients.failures, clients.failures
        assert notes[-1][1] - notes[0][1] >= REQUESTS_MIN, (notes[0], notes[-1])
        check_report(shop, report, notes)
        check_additions(shop, report["suspects"][0])
        check_process(shop.pid)
        ask_health(shop.url)
        shop.check_end()


class HuntVersionsTest(unittest.TestCase):
    #: name of a test: what makes its shop.
    shops = {}
    outcomes = {}

    @classmethod
    def setUpClass(cls):
        cls.pool = concurrent.futures.ThreadPoolExecutor(HUNTS_AT_A_TIME)
        # Those to come, in the background; of load_tests.
        cls.outcomes = {name: cls.pool.submit(try_shop, cls.shops[name]) for name in cls.wanted}

    @classmethod
    def tearDownClass(cls):
        for outcome in cls.outcomes.values():
            outcome.cancel()
        cls.pool.shutdown()

    wanted = ()

    def check(self):
        name = self.id().rpartition(".")[2]
        outcome = self.outcomes.get(name) or self.pool.submit(try_shop, self.shops[name])
        outcome.result()

    def test_there_are_versions_to_test_with(self):
        interpreters.require_versions()


def add_test(name, make):
    name = "test_" + re.sub(r"\W+", "_", name)
    HuntVersionsTest.shops[name] = make
    setattr(HuntVersionsTest, name, lambda self: self.check())


def load_tests(_loader, tests, _pattern):
    """Knows which tests -k has left, so that only these are begun ahead."""
    names = [test.id().rpartition(".")[2] for suite in tests for test in suite]
    HuntVersionsTest.wanted = [name for name in names if name in HuntVersionsTest.shops]
    return tests


for found in interpreters.find():
    add_test(found.name, lambda interpreter=found: Shop(interpreter))
add_test("uwsgi with flask", FlaskShop)


if __name__ == "__main__":
    unittest.main()
