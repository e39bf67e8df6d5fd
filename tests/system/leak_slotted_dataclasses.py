# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Instances of a dataclass with slots: no dict in between, neither for them nor for their holder."""

import dataclasses

from workload import ticks


@dataclasses.dataclass(slots=True)
class Order:
    number: int
    lines: list


@dataclasses.dataclass(slots=True)
class Book:
    orders: dict = dataclasses.field(default_factory=dict)


book = Book()

for number in ticks():
    book.orders[number] = Order(number, [number * 0.5, number * 1.5])
