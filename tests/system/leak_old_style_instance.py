# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A dict in an instance of a class that has no base: of the old style on 2.7."""

from workload import ticks


class Page:
    def __init__(self, number):
        self.number = number


class Browser:
    def __init__(self):
        self.pages = {}

    def open(self, number):
        self.pages["/page/%d" % number] = Page(number)


browser = Browser()

for number in ticks():
    browser.open(number)
