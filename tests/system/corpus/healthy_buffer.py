# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A receive buffer that fills and is emptied, every 1.3 seconds."""

from workload import ticks

buffer = bytearray()

for number in ticks():
    buffer += b"chunk %08d;" % number * 10
    if number % 130 == 129:
        del buffer[:]
