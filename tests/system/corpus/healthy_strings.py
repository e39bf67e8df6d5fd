# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Pages are put together from pieces, and dropped."""

from workload import ticks

for number in ticks():
    page = ""
    for n in range(200):
        page += "<li>%d</li>" % (number + n)
    parts = page.split("</li>")
    "".join(reversed(parts)).encode()
