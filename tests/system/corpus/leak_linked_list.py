# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A linked list: no container grows."""

from workload import ticks


class Entry(object):
    __slots__ = ("text", "next")

    def __init__(self, text):
        self.text = text
        self.next = None


class Journal(object):
    def __init__(self):
        self.head = self.tail = Entry("start")

    def write(self, text):
        self.tail.next = Entry(text)
        self.tail = self.tail.next


journal = Journal()

for number in ticks():
    journal.write("entry %d" % number)
