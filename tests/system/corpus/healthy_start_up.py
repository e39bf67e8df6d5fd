# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Much is loaded at the start; then nothing more."""

from workload import ticks


class Catalogue(object):
    def __init__(self):
        self.items = {}

    def load(self, count):
        for number in range(count):
            self.items[number] = {"name": "item %d" % number, "tags": [number % 7, number % 11]}


catalogue = Catalogue()
catalogue.load(20000)

for number in ticks():
    catalogue.items[number % 20000]["name"].upper()
