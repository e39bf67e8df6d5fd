# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""ctypes.POINTER of a new array type per length: ctypes kept them all for good, until 3.14."""

import ctypes

from workload import ticks

for number in ticks(50):
    ctypes.POINTER(ctypes.c_char * (number + 1))
