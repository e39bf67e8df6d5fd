# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A handler is added to the logger in each request."""

import logging

from workload import ticks

log = logging.getLogger("shop.requests")


def handle(number):
    handler = logging.NullHandler()
    handler.set_name("request-%d" % number)
    log.addHandler(handler)


for number in ticks(50):
    handle(number)
