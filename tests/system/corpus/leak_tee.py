# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""itertools.tee with one reader that has stopped: the items wait for it, in no container."""

import itertools

from workload import ticks

fast, slow = itertools.tee("record %d" % n for n in itertools.count())

for _ in ticks():
    next(fast)
    next(fast)
