# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A stack of pairs, as in Lisp, of which nothing is ever taken."""

from workload import ticks

history = None

for number in ticks():
    history = ("event %d" % number, history)
