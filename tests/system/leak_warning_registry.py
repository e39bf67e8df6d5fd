# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Warnings with a number in their text: the module remembers each, so as to show it once."""

import warnings

from workload import ticks

warnings.showwarning = lambda *arguments, **keywords: None
warnings.simplefilter("default")

for number in ticks():
    warnings.warn("item %d has no price" % number)
