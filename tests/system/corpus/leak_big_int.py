# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A bit mask with one more bit for each id; an int of megabytes in the end."""

from workload import ticks


class Sent(object):
    mask = 1


sent = Sent()

for number in ticks():
    sent.mask |= 1 << (number * 4000)
