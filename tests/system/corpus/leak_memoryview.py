# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Sixteen bytes are kept of each packet, as a view: the packet stays."""

import struct

from workload import ticks

headers = []

for number in ticks():
    packet = bytearray(2048)
    packet[0:4] = struct.pack(">I", number)
    headers.append(memoryview(packet)[:16])
