# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""weakref.finalize on an object that never dies, once per request."""

import weakref

from workload import ticks


class Pool(object):
    def __init__(self):
        self.size = 4


pool = Pool()


def release(request):
    request.clear()


for number in ticks():
    request = {"number": number, "path": "/items/%d" % number}
    weakref.finalize(pool, release, request)
