# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Greenlets: stacks of Python frames that are not running."""

import greenlet

EACH = 100


def build(facts):
    held = []
    def work(number):
        kept = ["kept by a switched greenlet", number]
        facts.say("what a switched greenlet keeps", kept)
        greenlet.getcurrent().parent.switch(number)
        return kept

    for number in range(EACH):
        one = greenlet.greenlet(work)
        one.switch(number)
        facts.say("a greenlet", one)
        held += [one, greenlet.greenlet(lambda: 1)]
    return held
