# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A weak registry would forget its sessions, but a list holds them all."""

import weakref

from workload import ticks


class Session(object):
    live = []
    registry = weakref.WeakValueDictionary()

    def __init__(self, number):
        self.number = number
        self.user = "user-%d" % number
        self.basket = []
        self.registry[number] = self
        self.live.append(self)


for number in ticks():
    Session(number)
