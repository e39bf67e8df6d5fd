# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The captured output of a long-lived process."""

import io

from workload import ticks

transcript = io.StringIO()

for number in ticks():
    print("line %08d of the output" % number, "x" * 300, file=transcript)
