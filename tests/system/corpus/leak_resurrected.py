# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Objects that __del__ puts back into a list: a pool that has no bound."""

from workload import ticks


class Buffer(object):
    spare = []

    def __init__(self, number):
        self.number = number
        self.data = bytearray(100)

    def __del__(self):
        Buffer.spare.append(self)


for number in ticks():
    Buffer(number)
