# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A configuration that is never changed, but copied with one more key each time."""

from workload import ticks


class Config(object):
    def __init__(self):
        self.values = {}

    def define(self, key, value):
        self.values = dict(self.values, **{key: value})


config = Config()

for number in ticks():
    config.define("key%d" % number, ["value %d" % number])
