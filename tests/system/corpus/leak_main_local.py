# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A local variable of main()."""

from workload import ticks


def main():
    pending = []
    for number in ticks():
        pending.append("job %d" % number)


main()
