# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A cache in the state of a long-lived application object."""

from workload import ticks


class State(object):
    def __init__(self):
        self.cache = {"users": {}, "groups": {n: "group %d" % n for n in range(50)}}
        self.started = True


class Application(object):
    def __init__(self):
        self.state = State()

    def user(self, number):
        users = self.state.cache["users"]
        if number not in users:
            users[number] = {"name": "user %d" % number, "group": number % 50}
        return users[number]


app = Application()

for number in ticks():
    app.user(number)
