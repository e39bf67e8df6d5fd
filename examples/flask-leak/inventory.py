# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The downstream: a service that knows what is in stock. Prints its URL and serves until stopped."""

import http.server
import json


class InventoryHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections
    wbufsize = -1  # the answer in one piece

    def do_GET(self):
        _, _, number = self.path.rpartition("/")
        if self.path.startswith("/stock/") and number.isdecimal():
            status, answer = 200, {"available": int(number) * 7 % 11, "warehouse": "north"}
        else:
            status, answer = 404, {"error": "no such thing"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), InventoryHandler)
    print("http://%s:%d" % server.server_address, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
