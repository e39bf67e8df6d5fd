# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""An in-memory file that is written to and never rewound."""

import io

from workload import ticks

audit = io.BytesIO()

for number in ticks():
    audit.write(b"audit record %08d\n" % number * 20)
