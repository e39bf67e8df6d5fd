# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What can be had without a server: adapters and type casts."""

from psycopg2 import extensions

EACH = 100


def build(facts):
    held = []
    for number in range(EACH):
        held += [extensions.adapt("text %d" % number), extensions.adapt([number, "x"]),
                 extensions.new_type((100000 + number,), "t%d" % number, lambda value, cursor: value)]
    return held
