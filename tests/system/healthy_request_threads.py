# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A thread per request, which ends with it."""

import threading

from workload import ticks

local = threading.local()


def handle(number):
    local.request = {"number": number, "path": "/items/%d" % number}
    return sorted(local.request.items())


for number in ticks(60):
    threads = [threading.Thread(target=handle, args=(number,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
