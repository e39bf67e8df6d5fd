# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""pydantic models (compiled by Cython in Debian's package), attrs and data classes."""

import dataclasses
from typing import Dict, List, Optional

import attr
import pydantic

EACH = 200


class Address(pydantic.BaseModel):
    street: str
    number: int = 1


class Person(pydantic.BaseModel):
    name: str
    age: Optional[int]
    addresses: List[Address] = []
    extra: Dict[str, float] = {}
    _secret: list = pydantic.PrivateAttr(default_factory=list)

    @pydantic.validator("name")
    def strip(cls, value):
        return value.strip()


class Settings(pydantic.BaseSettings):
    debug: bool = False


@attr.s(slots=True)
class Slotted:
    one = attr.ib()
    two = attr.ib(factory=list)


@attr.define
class Defined:
    one: int
    two: list = attr.Factory(list)


@attr.s
class Open:
    one = attr.ib()


@attr.frozen
class Frozen:
    one: str
    two: tuple = ()


@dataclasses.dataclass(slots=True)
class Data:
    one: str
    two: list = dataclasses.field(default_factory=list)


def build(facts):
    held = []
    for number in range(EACH):
        person = Person(name=" name %d " % number, age=number, extra={"x": 1.5},
                        addresses=[{"street": "street %d" % n} for n in range(3)])
        facts.say("a model", person, holds=[person.__dict__, person.__fields_set__, person._secret])
        facts.say("a model's values", person.__dict__, holds=[person.addresses, person.name])
        slotted = Slotted("one %d" % number, [number])
        facts.say("attrs with slots", slotted, holds=[slotted.one, slotted.two])
        held += [person, person.copy(deep=True), slotted, Defined(number), Open([number]),
                 Frozen("f %d" % number), Data("d %d" % number), Settings()]
        try:
            Person(name=None)
        except pydantic.ValidationError as error:
            held.append(error)
    return held
