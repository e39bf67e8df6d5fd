# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The shop of examples/flask-leak in one file, for every CPython: 2.7 and 3.6 to 3.15, wsgiref only.

`python app.py` prints one JSON line (pid, port, url) and serves until its standard input ends.
A WSGI server that is not wsgiref takes `app:application`.
"""

from __future__ import print_function

import collections
import json
import os
import re
import socket
import sys
import threading
import time
import wsgiref.simple_server

try:
    import queue
    import socketserver
    from urllib.parse import parse_qs
except ImportError:  # 2.7
    import Queue as queue
    import SocketServer as socketserver
    from urlparse import parse_qs

WORKERS = 4
BACKLOG = 64

clock = getattr(time, "perf_counter", time.time)


class Profiler(object):
    """Times one request: `with Profiler('GET /products'): ...`."""

    #: One (name, microseconds) per request, of all profilers.
    results = []

    def __init__(self, name):
        self.name = name
        self.started = None

    def __enter__(self):
        self.started = clock()
        return self

    def __exit__(self, *exception):
        self.end()

    def end(self):
        elapsed = clock() - self.started
        self.results.append((self.name, int(elapsed * 1e6)))

    @classmethod
    def summary(cls):
        """Calls and mean microseconds by name."""
        totals = {}
        for name, elapsed in cls.results:
            calls, total = totals.get(name, (0, 0))
            totals[name] = (calls + 1, total + elapsed)
        return {
            name: {"calls": calls, "mean_us": total // calls}
            for name, (calls, total) in totals.items()
        }


def catalogue():
    """The products of the shop. A real one would ask a database."""
    names = [
        "%s %s" % (adjective, noun)
        for adjective in ("small", "large", "red", "green", "folding")
        for noun in ("kettle", "lamp", "chair", "basket")
    ]
    return {
        number: {"id": number, "name": name, "price_cents": 500 + 37 * number}
        for number, name in enumerate(names)
    }


PRODUCTS = catalogue()


class Cache(object):
    """The answers asked for last, by key, `size` of them."""

    def __init__(self, size):
        self.size = size
        self.lock = threading.Lock()
        self.entries = collections.OrderedDict()

    def get(self, key, make):
        with self.lock:
            value = self.entries.pop(key, None)
            if value is None:
                value = make()
            self.entries[key] = value
            if len(self.entries) > self.size:
                self.entries.popitem(last=False)
        return value


class AccessLog(object):
    """Lines are written in batches, as if to a disk that must not be kept busy."""

    BATCH = 50

    def __init__(self):
        self.lock = threading.Lock()
        self.lines = []
        self.written = 0

    def add(self, line):
        with self.lock:
            self.lines.append(line)
            if len(self.lines) >= self.BATCH:
                self.written += sum(map(len, self.lines))
                self.lines = []


class Session(object):
    """What is known of a visitor until he has been away for a while."""

    def __init__(self, visitor):
        self.visitor = visitor
        self.seen = time.time()
        self.viewed = collections.deque(maxlen=10)


class Sessions(object):
    """Visitors come and go; a thread of its own forgets those that left."""

    LIFE_S = 0.5

    def __init__(self):
        self.lock = threading.Lock()
        self.by_visitor = {}

    def view(self, visitor, number):
        with self.lock:
            session = self.by_visitor.get(visitor)
            if session is None:
                session = self.by_visitor[visitor] = Session(visitor)
            session.seen = time.time()
            session.viewed.append(number)

    def expire(self):
        oldest = time.time() - self.LIFE_S
        with self.lock:
            gone = [key for key, session in self.by_visitor.items() if session.seen < oldest]
            for key in gone:
                del self.by_visitor[key]


class Line(object):
    """A line of a basket, which knows its basket: garbage that only the collector takes."""

    def __init__(self, basket, product, quantity):
        self.basket, self.product, self.quantity = basket, product, quantity


class Basket(object):
    def __init__(self, lines):
        self.lines = [Line(self, PRODUCTS[line["id"]], line["quantity"]) for line in lines]

    def total(self):
        return sum(line.product["price_cents"] * line.quantity for line in self.lines)


pages = Cache(64)
access_log = AccessLog()
sessions = Sessions()
slowest = collections.deque(maxlen=100)
local = threading.local()


def exchange(path):
    """Ask the inventory. A real one would be asked over HTTP: here only its JSON is real."""
    if not hasattr(local, "asked"):
        local.asked = 0
    local.asked += 1
    number = int(path.rsplit("/", 1)[1])
    body = json.dumps({"available": number * 7 % 11, "warehouse": "north"}).encode("ascii")
    return json.loads(body.decode("ascii"))


def render(product):
    return dict(product, words=product["name"].split(), related=sorted(PRODUCTS)[:5])


def show_product(environ, number):
    product = PRODUCTS.get(int(number))
    if product is None:
        return "404 Not Found", {"error": "no such product"}
    port = int(environ.get("REMOTE_PORT") or 0)
    sessions.view(port, product["id"])
    page = pages.get((product["id"], port % 16), lambda: render(product))
    return "200 OK", dict(page, stock=exchange("/stock/" + number))


def search(environ):
    words = parse_qs(environ.get("QUERY_STRING", "")).get("q", [""])[0].lower().split()
    found = [
        product for product in PRODUCTS.values() if all(word in product["name"] for word in words)
    ]
    return "200 OK", {"products": found}


def price_basket(environ):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    basket = Basket(json.loads(body.decode("utf-8"))["lines"])
    return "200 OK", {"lines": len(basket.lines), "total_cents": basket.total()}


def health(environ):
    return "200 OK", {"status": "ok"}


ROUTES = [
    ("GET", re.compile(r"/products/(\d+)$"), show_product),
    ("GET", re.compile(r"/products$"), search),
    ("POST", re.compile(r"/basket/price$"), price_basket),
    ("GET", re.compile(r"/healthz$"), health),
]


def dispatch(environ):
    for method, pattern, view in ROUTES:
        match = pattern.match(environ["PATH_INFO"])
        if match and method == environ["REQUEST_METHOD"]:
            return view(environ, *match.groups())
    return "404 Not Found", {"error": "no such page"}


def application(environ, start_response):
    name = "%s /%s" % (environ["REQUEST_METHOD"], environ["PATH_INFO"].split("/")[1])
    started = clock()
    with Profiler(name):
        status, answer = dispatch(environ)
        body = json.dumps(answer).encode("ascii")
    access_log.add("%s %s %d" % (name, status, len(body)))
    slowest.append((clock() - started, name))
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def address_string(self):
        return self.client_address[0]  # 2.7 would ask a name server

    def get_environ(self):
        environ = wsgiref.simple_server.WSGIRequestHandler.get_environ(self)
        environ["REMOTE_PORT"] = str(self.client_address[1])
        return environ

    def log_message(self, *arguments):
        pass


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    """wsgiref with threads that stay, as servers in production have them."""

    request_queue_size = BACKLOG

    def server_bind(self):
        # As HTTPServer and WSGIServer do it, without asking a name server who we are.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()

    def start_workers(self):
        self.accepted = queue.Queue(BACKLOG)
        self.workers = [
            start_thread("worker %d" % number, self.work) for number in range(WORKERS)
        ]

    def process_request(self, request, client_address):
        self.accepted.put((request, client_address))

    def work(self):
        for request, client_address in iter(self.accepted.get, None):
            self.process_request_thread(request, client_address)
            # Or the last connection would be held until the next one comes.
            del request

    def stop_workers(self):
        """A thread that still runs while the interpreter is taken apart meets modules without names."""
        for _ in self.workers:
            self.accepted.put(None)
        for worker in self.workers:
            worker.join()


stopping = threading.Event()


def expire_sessions():
    while not stopping.wait(0.25):
        sessions.expire()


def start_thread(name, function):
    thread = threading.Thread(target=function, name=name)
    thread.daemon = True
    thread.start()
    return thread


def main():
    socket.setdefaulttimeout(30)
    server = Server(("127.0.0.1", 0), Handler)
    server.set_app(application)
    server.start_workers()
    expiry = start_thread("expire sessions", expire_sessions)
    accept = start_thread("accept", server.serve_forever)
    port = server.server_address[1]
    print(json.dumps({"pid": os.getpid(), "port": port, "url": "http://127.0.0.1:%d" % port}))
    sys.stdout.flush()
    sys.stdin.read()

    stopping.set()
    server.shutdown()
    accept.join()
    server.stop_workers()
    expiry.join()


if __name__ == "__main__":
    # Under its own name and not as __main__, as other servers import it.
    import app

    app.main()
