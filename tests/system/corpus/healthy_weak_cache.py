# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A weak cache whose values die when the request is done."""

import weakref

from workload import ticks


class Document(object):
    def __init__(self, number):
        self.number = number
        self.lines = ["line %d" % n for n in range(20)]


documents = weakref.WeakValueDictionary()

for number in ticks():
    document = documents[number] = Document(number)
    len(document.lines)
