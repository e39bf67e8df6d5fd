# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A batch that is collected and sent, every 1.7 seconds.

No run of four snapshots of a 12 s hunt (3 or 4 s apart) sees it grow three times.
"""

from workload import ticks

BATCH = 170


class Sender(object):
    def __init__(self):
        self.batch = []

    def add(self, item):
        self.batch.append(item)
        if len(self.batch) == BATCH:
            del self.batch[:]


sender = Sender()

for number in ticks():
    sender.add({"number": number})
