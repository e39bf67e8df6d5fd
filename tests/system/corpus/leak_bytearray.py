# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""One buffer that grows."""

from workload import ticks


class Recorder(object):
    def __init__(self):
        self.body = bytearray()

    def received(self, chunk):
        self.body += chunk


recorder = Recorder()

for number in ticks():
    recorder.received(b"chunk %08d;" % number * 40)
