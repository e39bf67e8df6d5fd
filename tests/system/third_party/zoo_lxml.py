# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Trees, elements, and what is made from them. The nodes themselves are libxml2's: no objects."""

import io

from lxml import etree, objectify

EACH = 200
XML = b"<a xmlns='urn:one'><!-- c --><b id='1'>text<c/>tail</b><?pi x?><d>" + b"<e/>" * 20 + b"</d></a>"


class Target:
    def __init__(self):
        self.seen = []

    def start(self, tag, attributes):
        self.seen.append(tag)

    def end(self, tag):
        pass

    def close(self):
        return self.seen


def build(facts):
    held = []
    for number in range(EACH):
        root = etree.fromstring(XML)
        facts.say("a root", root, holds=[])
        tree = root.getroottree()
        facts.say("a tree holds its root", tree, holds=[root])
        child = root[1]
        facts.say("an element", child)
        held += [root, tree, child, list(root), root.attrib, root.nsmap, root.iter(), root[0], root[2],
                 child.attrib, root.iterchildren(), root.xpath("//@id"), root.xpath("//text()")]
    for number in range(EACH):
        parser = etree.XMLParser(target=Target() if number % 2 else None)
        held += [parser, etree.parse(io.BytesIO(XML)), etree.XPath("//b[@id=$x]"),
                 etree.QName("urn:x", "y"), objectify.fromstring(XML)]
        held.append(etree.ElementTree(etree.Element("lone", number=str(number))))
    schema = etree.XMLSchema(etree.XML(
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='a'/></xs:schema>"))
    style = etree.XSLT(etree.XML(
        "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>"
        "<xsl:template match='/'><out/></xsl:template></xsl:stylesheet>"))
    held += [schema, style, [style(etree.XML("<in/>")) for _ in range(EACH)]]
    pull = etree.XMLPullParser(events=("start", "end"))
    pull.feed(XML)
    held += [pull, list(pull.read_events()), pull.close()]
    held.append(list(etree.iterparse(io.BytesIO(XML))))
    try:
        etree.fromstring("<a><b></a>")
    except etree.XMLSyntaxError as error:
        held += [error, error.error_log, list(error.error_log)]
    return held
