# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A slow leak in a program in which much more comes and goes."""

import collections

from workload import ticks

recent = collections.OrderedDict()
window = collections.deque(maxlen=5000)
audit = []


def remember(number):
    recent[number] = "value %d" % number
    if len(recent) > 2000:
        recent.popitem(last=False)


for number in range(10000):
    remember(number)
    window.append(number * 1.5)

for number in ticks():
    for n in range(20):
        remember((number + 1000) * 20 + n)
        window.append(number * 0.5)
    if number % 4 == 0:
        audit.append("audited %d" % number)
