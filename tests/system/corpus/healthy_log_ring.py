# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The last records of a logger, in a ring."""

import logging

from workload import ticks

SIZE = 500


class RingHandler(logging.Handler):
    def __init__(self):
        super(RingHandler, self).__init__()
        self.records = [None] * SIZE
        self.position = 0

    def emit(self, record):
        self.records[self.position] = record
        self.position = (self.position + 1) % SIZE


log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(RingHandler())
for number in range(SIZE):
    log.info("start %d", number)

for number in ticks():
    for n in range(3):
        log.info("request %d step %d", number, n)
