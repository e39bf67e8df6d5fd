# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A hook for each request, in a list that only the interpreter has, and that no collector knows."""

import sys

from workload import ticks


def handle(number):
    request = {"number": number, "body": "x" * 100}

    def record(event, arguments, request=request):
        pass

    sys.addaudithook(record)


for number in ticks(50):
    handle(number)
