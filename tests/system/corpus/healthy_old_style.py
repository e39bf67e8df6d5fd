# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Classes without a base, of the old style on 2.7: sessions that come and go, some in cycles."""

from workload import ticks

SESSIONS = 500


class Basket:
    def __init__(self, session):
        self.session = session
        self.lines = []


class Session:
    def __init__(self, number):
        self.number = number
        self.basket = Basket(self)


class Shop:
    sessions = dict((number, Session(number)) for number in range(SESSIONS))


for number in ticks():
    del Shop.sessions[number]
    Shop.sessions[number + SESSIONS] = Session(number + SESSIONS)
