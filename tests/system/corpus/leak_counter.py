# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Hits per URL, where the URL has an id in it."""

import collections

from workload import ticks

hits = collections.Counter()

for number in ticks():
    hits["/items/%d" % number] += 1
    hits["/items"] += 1
