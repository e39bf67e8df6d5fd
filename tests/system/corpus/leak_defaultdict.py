# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Orders by user: the users never come back."""

import collections

from workload import ticks

by_user = collections.defaultdict(list)

for number in ticks():
    by_user["user-%d" % number].append(number * 2.5)
