# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""HTTP load: several clients, each its own connection, at a steady rate for a bounded time.

Prints one JSON object: requests answered, failures (by kind), seconds. Exits 1 if any failed.
"""

import argparse
import http.client
import json
import random
import signal
import sys
import threading
import time
import urllib.parse

TIMEOUT_S = 120


class Client(threading.Thread):
    """Sends the shop's usual mix, one request at a time."""

    def __init__(self, number, url, rate, stop, end):
        super().__init__(name=f"client {number}", daemon=True)
        self.random = random.Random(number)
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)
        self.interval = 1 / rate
        self.stop, self.end = stop, end
        self.answered = 0
        self.failures = {}

    def pick(self):
        """(method, path, body) of the next request: mostly product pages."""
        kind = self.random.random()
        if kind < 0.90:
            return "GET", f"/products/{self.random.randrange(20)}", None
        if kind < 0.95:
            return "GET", "/products?q=lamp", None
        lines = [{"id": self.random.randrange(20), "quantity": 1 + n} for n in range(3)]
        return "POST", "/basket/price", json.dumps({"lines": lines})

    def exchange(self):
        method, path, body = self.pick()
        headers = {"Content-Type": "application/json"} if body else {}
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise ValueError(f"status {response.status}")
        json.loads(answer)

    def run(self):
        due = time.monotonic() + self.interval * self.random.random()
        while due < self.end:
            if self.stop.wait(max(0, due - time.monotonic())):
                return
            try:
                self.exchange()
                self.answered += 1
            except (OSError, http.client.HTTPException, ValueError) as error:
                kind = f"{type(error).__name__}: {error}"
                self.failures[kind] = self.failures.get(kind, 0) + 1
                self.connection.close()
            # After a stall the rate resumes; it is not made up for in a burst.
            due = max(due + self.interval, time.monotonic())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url", help="http://HOST:PORT of the service")
    parser.add_argument("--for", dest="seconds", type=float, default=30, metavar="SECONDS")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rate", type=float, default=200, help="requests per second, all together")
    options = parser.parse_args()

    url = urllib.parse.urlsplit(options.url)
    if url.scheme != "http" or not url.hostname:
        parser.error(f"not an http:// URL: {options.url}")

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    start = time.monotonic()
    rate = options.rate / options.clients
    clients = [
        Client(number, url, rate, stop, start + options.seconds)
        for number in range(options.clients)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    failures = {}
    for client in clients:
        for kind, count in client.failures.items():
            failures[kind] = failures.get(kind, 0) + count
    print(
        json.dumps(
            {
                "requests": sum(client.answered for client in clients),
                "failures": sum(failures.values()),
                "failure_kinds": failures,
                "seconds": round(time.monotonic() - start, 1),
            }
        ),
        flush=True,
    )
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
