# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The captured output of a long-lived process."""

import io

from workload import ticks

transcript = io.StringIO()

for number in ticks():
    transcript.write(u"line %08d of the output %s\n" % (number, u"x" * 300))
