# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Subscribers that never unsubscribe, in an object per topic: thirty lists with one cause."""

from workload import ticks


class Topic(object):
    def __init__(self):
        self.subscribers = []


class Client(object):
    def __init__(self, number):
        self.number = number

    def receive(self, message):
        return message, self.number


class Broker(object):
    def __init__(self):
        self.topics = {"topic-%d" % number: Topic() for number in range(30)}


broker = Broker()

for number in ticks(500):
    broker.topics["topic-%d" % (number % 30)].subscribers.append(Client(number).receive)
