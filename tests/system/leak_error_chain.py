# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Each error names the one before as its cause: a chain that a client drags along."""

from workload import ticks


class Unavailable(Exception):
    pass


class Client(object):
    def __init__(self):
        self.last_error = None

    def call(self, number):
        try:
            raise Unavailable("attempt %d" % number) from self.last_error
        except Unavailable as error:
            self.last_error = error


client = Client()

for number in ticks():
    client.call(number)
