# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A report that is an XML tree, to which every request adds: C code holds the children."""

import xml.etree.ElementTree

from workload import ticks

report = xml.etree.ElementTree.Element("requests")

for number in ticks():
    entry = xml.etree.ElementTree.SubElement(report, "request", id=str(number))
    entry.text = "GET /%d" % number
