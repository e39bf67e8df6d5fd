# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Timeouts that are scheduled in a year's time and never cancelled."""

import sched
import time

from workload import ticks

timeouts = sched.scheduler(time.time, time.sleep)


class Request(object):
    def __init__(self, number):
        self.number = number

    def expire(self):
        self.number = None


for number in ticks():
    timeouts.enter(365 * 86400, 1, Request(number).expire, ())
