# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Validated requests are remembered in a list of the module."""

from typing import Dict, List

import pydantic

from workload import ticks


class Line(pydantic.BaseModel):
    sku: str
    count: int


class Order(pydantic.BaseModel):
    id: int
    lines: List[Line]
    notes: Dict[str, str] = {}


seen = []

for number in ticks():
    seen.append(Order(id=number, lines=[{"sku": "s%d" % number, "count": 1}]))
