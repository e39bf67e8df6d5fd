# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A class made per request, and a registry of all subclasses."""

from workload import ticks


class Model(object):
    registry = []

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        Model.registry.append(cls)


for number in ticks(40):
    type("Row%d" % number, (Model,), {"columns": ("id", "name")})
