# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A fixed number of sessions; each request adds to the histories of several of them."""

from workload import ticks

SESSIONS = 200


class Service(object):
    def __init__(self):
        self.sessions = {"session-%03d" % n: [] for n in range(SESSIONS)}
        self.names = list(self.sessions)

    def handle(self, number):
        for n in range(10):
            name = self.names[(number * 10 + n) % SESSIONS]
            self.sessions[name].append("page %d of request %d" % (n, number))


service = Service()

for number in ticks():
    service.handle(number)
