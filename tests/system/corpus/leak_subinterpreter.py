# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A list of a module that only another interpreter of the same process has."""

from workload import ticks

try:
    from concurrent import interpreters  # 3.14

    run = interpreters.create().exec
except ImportError:
    try:
        import _interpreters as interpreters  # 3.13
    except ImportError:
        import _xxsubinterpreters as interpreters
    other = interpreters.create()

    def run(source):
        interpreters.run_string(other, source)


run("""
class Plugin(object):
    calls = []

    def call(self, number):
        self.calls.append((number, number * 0.5))

plugin = Plugin()
""")

for number in ticks():
    run("plugin.call(%d)" % number)
