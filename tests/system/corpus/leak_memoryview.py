# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Sixteen bytes are kept of each packet, as a view: the packet stays."""

from workload import ticks

headers = []

for number in ticks():
    packet = bytearray(2048)
    packet[0:4] = number.to_bytes(4, "big")
    headers.append(memoryview(packet)[:16])
