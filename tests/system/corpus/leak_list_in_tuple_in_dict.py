# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A list at the end of a path of containers of different kinds."""

from workload import ticks

tables = {"orders": ("id", []), "users": ("name", [])}
tables["users"][1].extend("user-%d" % n for n in range(100))

for number in ticks():
    tables["orders"][1].append({"id": number})
