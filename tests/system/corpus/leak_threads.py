# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A thread per request, which waits for an answer that never comes."""

import threading

from workload import ticks


def wait_for_answer(number):
    request = {"number": number, "body": b"\0" * 2000}
    threading.Event().wait()
    return request


threading.stack_size(128 * 1024)

for number in ticks(5):
    thread = threading.Thread(
        target=wait_for_answer, args=(number,), name="request-%d" % number)
    thread.daemon = True
    thread.start()
