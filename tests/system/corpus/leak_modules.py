# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Plug-ins that are loaded under a new name each time."""

import sys
import types

from workload import ticks

SOURCE = compile("def run():\n    return LIMIT * 2\nLIMIT = 10\n", "plugin.py", "exec")

for number in ticks(40):
    name = "plugin_%d" % number
    module = types.ModuleType(name)
    exec(SOURCE, module.__dict__)
    sys.modules[name] = module
    module.run()
