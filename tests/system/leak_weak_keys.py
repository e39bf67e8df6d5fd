# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A WeakKeyDictionary whose values refer to their keys: nothing in it ever dies."""

import weakref

from workload import ticks


class Request(object):
    def __init__(self, number):
        self.number = number


class Span(object):
    def __init__(self, request):
        self.request = request
        self.started = request.number * 0.5


spans = weakref.WeakKeyDictionary()

for number in ticks():
    request = Request(number)
    spans[request] = Span(request)
