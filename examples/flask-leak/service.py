# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Starts the shop as it runs in production: the inventory service, and uWSGI with its workers.

By itself it prints one JSON line (url, master, workers) and runs until its standard input ends:
`/usr/bin/python3 service.py`. Demo and tests import it: `with Service() as service: ...`.
"""

import argparse
import http.client
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60
WORKERS = 2  # as in uwsgi.ini

# Nothing of the caller's: uWSGI embeds Debian's libpython and must find Debian's modules, whatever
# PATH and PYTHON* say where it is started.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": os.environ.get("HOME", "/"),
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class ServiceError(Exception):
    """The service could not be started; the message says why and ends with its log."""


def start(command, die_with_us=signal.SIGKILL, **options):
    """Start a child that dies when we do, whatever way that is."""
    parent = ["setpriv", f"--pdeathsig={signal.Signals(die_with_us).name[3:]}", "--"]
    return subprocess.Popen(parent + command, env=options.pop("env", ENVIRONMENT), **options)


def stop(process, signal_number=signal.SIGTERM):
    """Ask a child to end, wait, and end it if it does not."""
    if process.poll() is not None:
        return
    process.send_signal(signal_number)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Service:
    """The shop and its inventory, from __enter__ to __exit__."""

    def __init__(self, plugin="python3", arguments=()):
        """`plugin` is uWSGI's Python plugin; `arguments` are further ones for uWSGI."""
        self.plugin, self.arguments = plugin, list(arguments)
        self.log = self.inventory = self.uwsgi = None
        self.url, self.workers = None, []

    @property
    def master(self):
        return self.uwsgi.pid

    def __enter__(self):
        try:
            self.log = tempfile.TemporaryFile()
            self._start_inventory()
            self._start_uwsgi()
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        if self.uwsgi:
            stop(self.uwsgi)
            # A master that had to be killed leaves its workers behind.
            for worker in self.workers:
                self._end_worker(worker)
        if self.inventory:
            stop(self.inventory)
            self.inventory.stdout.close()
        if self.log:
            self.log.close()

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def _start_inventory(self):
        self.inventory = start(
            [PYTHON, "-I", os.path.join(HERE, "inventory.py")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        ready, _, _ = select.select([self.inventory.stdout], [], [], START_TIMEOUT_S)
        self.inventory_url = self.inventory.stdout.readline().strip() if ready else ""
        if not self.inventory_url:
            raise ServiceError(f"the inventory service did not start:\n{self.log_text()}")

    def _start_uwsgi(self):
        program = shutil.which("uwsgi", path=ENVIRONMENT["PATH"]) or shutil.which(
            "uwsgi-core", path=ENVIRONMENT["PATH"]
        )
        if not program:
            raise ServiceError("uwsgi is not installed: tools/install-dependencies demo")
        self.uwsgi = start(
            [program, "--plugin", self.plugin, "--ini", os.path.join(HERE, "uwsgi.ini")]
            + self.arguments,
            die_with_us=signal.SIGTERM,
            env={**ENVIRONMENT, "INVENTORY_URL": self.inventory_url},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.uwsgi.poll() is not None:
                raise ServiceError(f"uwsgi exited with {self.uwsgi.returncode}:\n{self.log_text()}")
            log = self.log_text()
            address = re.search(r"bound to TCP address (127\.0\.0\.1:\d+)", log)
            self.workers = [
                int(pid) for pid in re.findall(r"spawned uWSGI worker \d+ \(pid: (\d+)", log)
            ]
            if address and len(self.workers) == WORKERS:
                self.url = "http://" + address.group(1)
                if self._answers():
                    return
            time.sleep(0.05)
        raise ServiceError(f"uwsgi was not ready after {START_TIMEOUT_S} s:\n{self.log_text()}")

    def _answers(self):
        url = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _end_worker(self, worker):
        try:
            with open(f"/proc/{worker}/cmdline", "rb") as file:
                if b"uwsgi" in file.read():
                    os.kill(worker, signal.SIGKILL)
        except OSError:
            pass  # it is gone, as it should be


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python3-plugin", default="python3", metavar="NAME")
    parser.add_argument("uwsgi", nargs="*", help="further arguments for uWSGI, after --")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Service(options.python3_plugin, options.uwsgi) as service:
            state = {"url": service.url, "master": service.master, "workers": service.workers}
            print(json.dumps(state), flush=True)
            sys.stdin.read()
    except ServiceError as error:
        sys.exit(f"service.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
