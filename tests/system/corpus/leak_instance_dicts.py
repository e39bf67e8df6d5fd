# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Attributes that are set on objects that stay: their __dict__s grow, many at a time."""

from workload import ticks

USERS = 100


class User(object):
    def __init__(self, number):
        self.name = "user %d" % number


class Directory(object):
    def __init__(self):
        self.users = [User(number) for number in range(USERS)]


directory = Directory()

for number in ticks():
    for n in range(5):
        user = directory.users[(number * 5 + n) % USERS]
        setattr(user, "seen_%d" % number, number * 0.5)
