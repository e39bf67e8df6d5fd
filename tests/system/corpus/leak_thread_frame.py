# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A local variable of the function that a second thread runs."""

import threading

from workload import ticks


def collect():
    batch = []
    for number in ticks():
        batch.append({"sample": number})


thread = threading.Thread(target=collect, name="collector")
thread.start()
thread.join()
