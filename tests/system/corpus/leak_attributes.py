# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""An attribute per user, on one object."""

from workload import ticks


class Settings(object):
    pass


settings = Settings()

for number in ticks():
    setattr(settings, "user_%d" % number, (number, True))
