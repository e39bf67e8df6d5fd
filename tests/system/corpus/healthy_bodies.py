# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The last bodies and connections, of any length: one gets the memory of another."""

import random

from workload import ticks


class Connection(object):
    def __init__(self, body):
        self.body = body


bodies = [b""] * 200
connections = {}

for number in ticks(300):
    bodies[number % 200] = b"\0" * random.randrange(30000)
    connections[number % 100] = Connection("x" * random.randrange(30000))
