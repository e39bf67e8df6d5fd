# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Frames of functions that have long returned, kept for a report."""

import sys

from workload import ticks


class Recorder(object):
    def __init__(self):
        self.frames = []

    def here(self):
        self.frames.append(sys._getframe(1))


recorder = Recorder()


def handle(number):
    body = "body of request %d" % number
    recorder.here()
    return len(body)


for number in ticks():
    handle(number)
