# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Greenlets that a hub runs: waiting for an event, asleep, and what is queued."""

import gevent
import gevent.event
import gevent.queue

EACH = 100


def build(facts):
    held = []
    queue = gevent.queue.Queue()
    event = gevent.event.Event()

    def work(number):
        mine = ["kept by a waiting greenlet", number]
        facts.say("what a waiting greenlet keeps", mine)
        event.wait()
        return mine

    held += [queue, event, [gevent.spawn(work, n) for n in range(EACH)]]
    gevent.sleep(0.05)
    for number in range(EACH):
        queue.put(["queued", number])
    held.append([gevent.spawn(gevent.sleep, 1000) for _ in range(EACH)])
    gevent.sleep(0.05)
    return held
