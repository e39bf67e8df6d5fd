# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A mutable default argument."""

from workload import ticks


def collect(item, items=[]):
    items.append(item)
    return items[-1]


for number in ticks():
    collect({"number": number})
