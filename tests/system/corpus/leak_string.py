# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A str that is made longer, again and again."""

from workload import ticks


class Page(object):
    text = ""


page = Page()

for number in ticks():
    page.text += "<li>%08d %s</li>\n" % (number, "y" * 300)
