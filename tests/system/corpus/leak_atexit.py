# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A clean-up function registered per request."""

import atexit

from workload import ticks


class Upload(object):
    def __init__(self, number):
        self.name = "upload-%d.tmp" % number
        self.parts = [0] * 4

    def remove(self):
        del self.parts[:]


for number in ticks():
    atexit.register(Upload(number).remove)
