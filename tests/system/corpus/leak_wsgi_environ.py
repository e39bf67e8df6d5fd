# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A WSGI application, served over HTTP, that keeps the environ of each request."""

import threading
import wsgiref.simple_server

try:
    from http.client import HTTPConnection
except ImportError:  # 2.7
    from httplib import HTTPConnection

from workload import ticks


class Application(object):
    def __init__(self):
        self.history = []

    def __call__(self, environ, start_response):
        self.history.append(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello\n"]


class QuietHandler(wsgiref.simple_server.WSGIRequestHandler):
    def address_string(self):
        return self.client_address[0]  # 2.7 would ask a name server

    def log_message(self, *arguments):
        pass


application = Application()
server = wsgiref.simple_server.make_server(
    "127.0.0.1", 0, application, handler_class=QuietHandler)
thread = threading.Thread(target=server.serve_forever, name="http")
thread.daemon = True
thread.start()

for number in ticks(40):
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", "/items/%d" % number)
    connection.getresponse().read()
    connection.close()
