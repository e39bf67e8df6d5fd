# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Parsed documents are kept in a list. Their nodes are libxml2's memory, not objects."""

from lxml import etree

from workload import ticks

XML = "<order id='%d'>" + "<line><sku>x</sku><count>1</count></line>" * 30 + "</order>"


class Archive:
    documents = []


for number in ticks():
    Archive.documents.append(etree.fromstring(XML % number))
