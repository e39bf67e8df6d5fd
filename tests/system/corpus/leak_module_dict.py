# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Responses remembered by request id, and never forgotten."""

from workload import ticks

responses = {}


def handle(number):
    request_id = "request-%08d" % number
    responses[request_id] = {"status": 200, "length": number * 3}
    return responses[request_id]


for number in ticks():
    handle(number)
