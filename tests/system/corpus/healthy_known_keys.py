# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A memo with a key for each of a known set of things; all are there."""

from workload import ticks

CITIES = 500
weather = {}


def forecast(city):
    weather["city-%d" % city] = {"city": city, "rain": (city * 7) % 100}
    return weather["city-%d" % city]


for city in range(CITIES):
    forecast(city)

for number in ticks():
    forecast(number % CITIES)
