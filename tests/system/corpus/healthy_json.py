# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Documents are decoded, changed, encoded and dropped."""

import json

from workload import ticks

TEXT = json.dumps({"items": [{"id": n, "name": "item %d" % n} for n in range(50)]})

for number in ticks():
    document = json.loads(TEXT)
    document["number"] = number
    json.dumps(document)
