# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Client of the inventory service: JSON over HTTP, one kept connection per thread."""

import http.client
import json
import os
import threading
import urllib.parse

from metrics import Profiler

TIMEOUT_S = 5


class DownstreamError(Exception):
    """The inventory service did not answer, or not with what was asked for."""


_local = threading.local()


def _connection():
    if not hasattr(_local, "connection"):
        url = urllib.parse.urlsplit(os.environ["INVENTORY_URL"])
        _local.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)
    return _local.connection


def _exchange(path):
    connection = _connection()
    connection.request("GET", path, headers={"Accept": "application/json"})
    response = connection.getresponse()
    return response.status, response.read()


def get_json(path):
    """What the inventory service says about `path`, decoded; None if it knows no such thing."""
    with Profiler("GET /" + path.split("/")[1]):
        try:
            status, body = _exchange(path)
        except (ConnectionError, http.client.HTTPException):
            # A kept connection may have been closed by the other side since: once more, afresh.
            _connection().close()
            try:
                status, body = _exchange(path)
            except (OSError, http.client.HTTPException) as error:
                _connection().close()
                raise DownstreamError(str(error)) from error
        except OSError as error:
            _connection().close()
            raise DownstreamError(str(error)) from error
    if status == 404:
        return None
    if status != 200:
        raise DownstreamError(f"{path}: status {status}")
    return json.loads(body)
