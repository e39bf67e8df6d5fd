# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Sessions come and go at the same rate."""

from workload import ticks

SESSIONS = 1500
sessions = {number: {"id": number, "hits": 0} for number in range(SESSIONS)}

for number in ticks():
    del sessions[number]
    sessions[number + SESSIONS] = {"id": number, "hits": 0}
