# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""One copy of each distinct string: home-made interning."""

from workload import ticks


class Strings(object):
    table = {}

    @classmethod
    def intern(cls, text):
        return cls.table.setdefault(text, text)


for number in ticks():
    Strings.intern("name-%d" % number)
    Strings.intern("name-%d" % (number // 2))
