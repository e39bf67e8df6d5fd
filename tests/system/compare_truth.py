#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Compares what a process says of its heap (truth_file.py) with what was read from outside.

    compare_truth.py TRUTH DUMP

DUMP is what build/tests/support/graph-dump writes: "SHKDUMP1", then per object, little-endian:

    u64 address, u64 type, u64 size, i64 reference count, u32 flags, u32 number of edges,
    u64[] referents (bit 63: inferred), u32 references found exactly, u32 references inferred

Prints the figures and the most frequent differences. Exits 1 if a figure is below its threshold.
With --explain it groups the differences for whoever mends a reader: by what is wrong and by type, with how
much of that type it concerns, an example, and which of the referents are missing, counted from 1 in
the order of the type's tp_traverse.

Immortal objects (3.12 and later) have no reference count; theirs are not compared.
"""

import argparse
import array
import collections
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import truth_file  # noqa: E402

DUMP_MAGIC = b"SHKDUMP1"
INFERRED = 1 << 63
TRACKED, STATIC, UNEXPLAINED = 1, 2, 4  # flags of a node in the dump
NODE_WORDS = 6  # all but the edges

Node = collections.namedtuple("Node", "type size refcount flags edges exact inferred")

#: {name: least percentage}
THRESHOLDS = {
    "tracked objects found, type right": 100.0,
    "all objects found, type right": 99.9,
    "tracked in the dump, not in truth": 99.9,
    "edges found": 99.9,
    "exact edges that truth has or allows": 99.9,
    "sizes": 99.9,
    "refcounts read": 99.9,
    "refcounts explained by exact edges": 99.5,
    "refcounts explained with inferred edges": 99.9,
    "not static": 85.0,
}

#: What is other in Python 2.7: much is held by variables of extension modules, which only inference finds.
THRESHOLDS_2 = {
    **THRESHOLDS,
    "edges found": 99.5,
    "refcounts explained by exact edges": 96.0,
    "refcounts explained with inferred edges": 99.5,
}

#: Strong references that tp_traverse does not report: source, referent, why. A name stands for the type
#: and all derived from it; None for any type.
NOT_VISITED = [
    ("dict", "str", "keys of a dict whose keys are all strings"),
    ("type", "str", "name, qualified name, keys shared by instances"),
    ("type", "tuple", "ht_slots"),
    ("type", "dict", "tp_subclasses"),
    ("method_descriptor", "str", "d_name, d_qualname"),
    ("classmethod_descriptor", "str", "d_name, d_qualname"),
    ("member_descriptor", "str", "d_name, d_qualname"),
    ("getset_descriptor", "str", "d_name, d_qualname"),
    ("wrapper_descriptor", "str", "d_name, d_qualname"),
    ("module", "str", "md_name"),
    ("collections.OrderedDict", None, "its nodes hold the keys a second time"),
    ("_thread._local", "str", "key"),
    ("_thread._local", "builtin_function_or_method", "wr_callback"),
    ("enumerate", "int", "one"),
    ("functools._lru_cache_wrapper", "functools._lru_list_elem", "links"),
    ("generator", "str", "gi_name, gi_qualname"),
    ("coroutine", "str", "cr_name, cr_qualname"),
    ("coroutine", "tuple", "cr_origin"),
    ("typing.TypeVar", "str", "name"),
    ("typing.TypeVarTuple", "str", "name"),
    ("typing.ParamSpec", "str", "name"),
    ("typing.TypeAliasType", "str", "name"),
    ("operator.methodcaller", "str", "name, to 3.8"),
    ("pyexpat.xmlparser", "dict", "intern"),
    ("ctypes.CField", "str", "name"),
    ("zlib.Decompress", "bytes", "unused_data, unconsumed_tail"),
    ("async_generator", "str", "ag_name, ag_qualname"),
    ("_io.BytesIO", "bytes", "buf"),
    ("_io.StringIO", None, "decoder, newlines, and pieces not yet joined"),
]

#: The same, in 2.7 only.
NOT_VISITED_2 = [
    ("set", "str", "the dummy of removed items"),
    ("frozenset", "str", "the dummy of removed items"),
    ("type", "list", "tp_subclasses"),
    ("thread._local", "str", "key"),
    ("thread._local", "builtin_function_or_method", "wr_callback"),
    ("file", None, "is no type of the collector; what derives from it is"),
    ("zipimport.zipimporter", "str", "archive, prefix"),
]


#: From 3.14 these also visit what their value stack only borrows: constants, and what locals hold.
BORROWERS = {"frame", "generator", "coroutine", "async_generator"}

#: Visited by content: tp_traverse of the first reports what objects of the second, which it holds,
#: refer to, and not these themselves.
VISITED_THROUGH = {"functools._lru_cache_wrapper": "functools._lru_list_elem"}


class BadDump(Exception):
    pass


def read_dump(path):
    """{address: Node}"""
    with open(path, "rb") as file:
        content = file.read()
    if content[:8] != DUMP_MAGIC or len(content) % 8:
        raise BadDump(f"{path} is not a dump")
    words = array.array(truth_file.UNSIGNED, content)
    nodes = {}
    position, end = 1, len(words)
    while position < end:
        if position + NODE_WORDS > end:
            raise BadDump(f"{path} ends within an object")
        address, kind, size, refcount, packed = words[position : position + 5]
        flags, edge_count = packed & 0xFFFFFFFF, packed >> 32
        position += 5
        if position + edge_count + 1 > end:
            raise BadDump(f"{path} ends within the edges of {address:#x}")
        edges = words[position : position + edge_count]
        found = words[position + edge_count]
        position += edge_count + 1
        if refcount >> 63:
            refcount -= 1 << 64
        if address in nodes:
            raise BadDump(f"{path} has {address:#x} twice")
        nodes[address] = Node(kind, size, refcount, flags, edges, found & 0xFFFFFFFF, found >> 32)
    return nodes


class Comparison:
    """The figures: name -> [right, of]; and differences: (field, type, ...) -> count."""

    def __init__(self, truth, nodes):
        self.truth, self.nodes = truth, nodes
        self.version = tuple(map(int, truth.version.split(".")))
        self.thresholds = THRESHOLDS if self.version >= (3,) else THRESHOLDS_2
        self.not_visited = collections.defaultdict(list)
        for kind, referent, reason in NOT_VISITED + (NOT_VISITED_2 if self.version < (3,) else []):
            self.not_visited[kind].append((referent, reason))
        self.figures = {}
        self.informative = {}
        self.differences = collections.Counter()
        self.by_inference = collections.Counter()
        self.examples = {}
        self.positions = collections.defaultdict(collections.Counter)
        self.allowed = collections.Counter()
        self.excluded = set(truth.excluded)
        self.index = {address: n for n, address in enumerate(truth.addresses)}
        self.compare_objects()
        self.compare_edges()
        self.compare_refcounts()

    def kind_names(self, address):
        return self.truth.type_names.get(address) or ["type at %#x" % address]

    def kind_of(self, address):
        """The names of an object's type and its bases."""
        if address in self.index:
            return self.kind_names(self.truth.types[self.index[address]])
        if address in self.nodes:
            return self.kind_names(self.nodes[address].type)
        return ["nothing known"]

    def differ(self, example, *what, count=1):
        """One difference more of a sort: what it is, the type, and a word on it."""
        self.differences[what] += count
        self.examples.setdefault(what, example)

    def compare_objects(self):
        truth = self.truth
        found = found_tracked = tracked = sizes = sized = 0
        for n, address in enumerate(truth.addresses):
            name = self.kind_names(truth.types[n])[0]
            is_tracked = bool(truth.flags[n] & truth_file.TRACKED)
            tracked += is_tracked
            node = self.nodes.get(address)
            if node is None:
                self.differ(address, "object is missing", name)
            elif node.type != truth.types[n]:
                self.differ(address, "type", name, "read as " + self.kind_names(node.type)[0])
            else:
                found += 1
                if is_tracked and not node.flags & TRACKED:
                    self.differ(address, "tracked, not said so", name)
                else:
                    found_tracked += is_tracked
            if not truth.flags[n] & truth_file.OWN_SIZE:
                sized += 1
                if node is not None and node.size == truth.sizes[n]:
                    sizes += 1
                elif node is not None:
                    self.differ(address, "size", name, f"{truth.sizes[n]} read as {node.size}")
        phantoms = 0
        for address, node in self.nodes.items():
            if node.flags & TRACKED and address not in self.excluded:
                n = self.index.get(address)
                if n is None or not truth.flags[n] & truth_file.TRACKED:
                    phantoms += 1
                    self.differ(address, "tracked in the dump, not in truth", self.kind_of(address)[0])
        self.figures["tracked objects found, type right"] = found_tracked, tracked
        self.figures["all objects found, type right"] = found, len(truth.addresses)
        self.figures["tracked in the dump, not in truth"] = tracked - phantoms, tracked
        self.figures["sizes"] = sizes, sized

    def compare_edges(self):
        truth, excluded = self.truth, self.excluded
        of = exact = inferred = extra = extra_inferred = right = 0
        for n, source in enumerate(truth.addresses):
            if source in excluded:
                continue
            said_of_it = truth.edges[truth.edge_starts[n] : truth.edge_starts[n + 1]]
            if self.is_same(source, said_of_it):  # nearly all: so that the rest may take its time
                of += len(said_of_it)
                exact += len(said_of_it)
                right += len(said_of_it)
                continue
            said = collections.Counter(target for target in said_of_it if target not in excluded)
            read_exact, read_inferred = collections.Counter(), collections.Counter()
            for edge in self.edges_of(source):
                target = edge & ~INFERRED
                if target not in excluded:
                    (read_inferred if edge & INFERRED else read_exact)[target] += 1
            for target, count in said.items():
                as_exact = min(count, read_exact[target])
                as_inferred = min(count - as_exact, read_inferred[target])
                missing = count - as_exact - as_inferred
                if missing and self.is_borrowed(source, target, as_exact):
                    self.allowed["borrowed by a value stack, and so not in the dump"] += missing
                    count -= missing
                of += count
                exact += as_exact
                inferred += as_inferred
                if as_exact + as_inferred < count:
                    self.miss(n, source, target, count - as_exact - as_inferred)
            for target, count in read_exact.items():
                more = max(0, count - said[target])
                right += count - more
                if more and not self.is_allowed(n, source, target, more, said[target]):
                    extra += more
                    self.differ(source, "edge that truth lacks", self.kind_of(source)[0],
                                "to " + self.kind_of(target)[0], count=more)
            extra_inferred += (read_inferred - (said - read_exact)).total()
        self.figures["edges found"] = exact + inferred, of
        self.figures["exact edges that truth has or allows"] = right, right + extra
        self.informative["edges found as exact"] = exact, of
        self.informative["edges found as inferred"] = inferred, of
        self.informative["inferred edges that truth lacks"] = extra_inferred, of

    def is_same(self, source, said):
        """Are the edges in the dump all exact, and what truth says?"""
        node = self.nodes.get(source)
        return (node is not None and len(node.edges) == len(said)
                and (node.edges == said or sorted(node.edges) == sorted(said))
                and self.excluded.isdisjoint(said))

    def is_borrowed(self, source, target, found):
        """May truth have one reference more than is counted?"""
        if self.version < (3, 14) or self.kind_of(source)[0] not in BORROWERS:
            return False
        n = self.index.get(target)
        is_immortal = n is not None and self.truth.flags[n] & truth_file.IMMORTAL
        return bool(found or is_immortal or self.kind_of(target)[0] == "code")

    def miss(self, n, source, target, count):
        what = "edge is missing", self.kind_of(source)[0], "to " + self.kind_of(target)[0]
        self.differ(source, *what, count=count)
        said = self.truth.edges[self.truth.edge_starts[n] : self.truth.edge_starts[n + 1]]
        self.positions[what][said.index(target) + 1] += 1

    def edges_of(self, source):
        """The edges in the dump, those included that tp_traverse reports in another's place."""
        node = self.nodes.get(source)
        if not node:
            return []
        edges = list(node.edges)
        for kind in self.kind_of(source):
            if kind in VISITED_THROUGH:
                for edge in node.edges:
                    if self.kind_of(edge & ~INFERRED)[0] == VISITED_THROUGH[kind]:
                        through = self.nodes.get(edge & ~INFERRED)
                        edges += through.edges if through else []
        return edges

    def is_allowed(self, n, source, target, count, said):
        """Is an edge that gc.get_referents does not report one that it never reports?"""
        flags = self.truth.flags[n]
        kinds, referent_kinds = self.kind_of(source), self.kind_of(target)
        why = None
        if not flags & truth_file.GC_TYPE:
            why = "the source's type takes no part in garbage collection"
        elif "type" in kinds and not flags & truth_file.TRACKED:
            why = "static type"
        elif flags & truth_file.RUNNING:
            why = "local of a running frame"
        elif target == self.truth.types[n] and count == 1 and not said:
            why = "type of an instance, which a type written in C does not visit"
        else:
            for kind in kinds:
                for referent, reason in self.not_visited.get(kind, ()):
                    if why is None and (referent is None or referent in referent_kinds):
                        why = f"{kind}: {reason}"
        if why:
            self.allowed[why] += count
        return bool(why)

    def compare_refcounts(self):
        truth = self.truth
        read = exact = inferred = of = static = immortal = immortal_read = 0
        for n, address in enumerate(truth.addresses):
            if address in self.excluded:
                continue
            node = self.nodes.get(address)
            if truth.flags[n] & truth_file.IMMORTAL:
                immortal += 1
                immortal_read += node is not None and bool(node.flags & STATIC)
                continue
            if node and node.flags & STATIC:
                static += 1
                continue
            of += 1
            if not node:
                continue
            name = self.kind_of(address)[0]
            if node.refcount == truth.refcounts[n]:
                read += 1
            else:
                self.differ(address, "refcount", name, f"{truth.refcounts[n]} read as {node.refcount}")
            rest = node.refcount - node.exact
            exact += rest == 0
            if 0 <= rest <= node.inferred:
                inferred += 1
                self.by_inference[name] += rest != 0
            else:
                what = f"{rest:+} with {node.inferred} inferred" if abs(rest) < 10 else "10 or more"
                self.differ(address, "refcount is not explained", name, what)
        self.figures["refcounts read"] = read, of
        self.figures["refcounts explained by exact edges"] = exact, of
        self.figures["refcounts explained with inferred edges"] = inferred, of
        self.figures["not static"] = of, of + static
        self.informative["immortal, so not counted: said static"] = immortal_read, immortal

    def failures(self):
        return [name for name, least in self.thresholds.items() if percentage(self.figures[name]) < least]

    def show(self, file=None, listed=40):
        print(f"Python {self.truth.version}", file=file)
        for name, figure in self.figures.items():
            least = self.thresholds[name]
            verdict = "FAILED" if percentage(figure) < least else "ok"
            print(f"{name:42} {percentage(figure):9.4f} % (least {least:5.1f}) "
                  f"{figure[0]:8} of {figure[1]:8}  {verdict}", file=file)
        for name, figure in self.informative.items():
            print(f"{name:42} {percentage(figure):9.4f} %               "
                  f"{figure[0]:8} of {figure[1]:8}", file=file)
        print(f"the observer's own objects, left out: {len(self.excluded)}", file=file)
        print("\nexact edges that tp_traverse does not report and others that are allowed:", file=file)
        for why, count in self.allowed.most_common():
            print(f"  {count:8}  {why}", file=file)
        print(f"\ndifferences, {min(listed, len(self.differences))} of {len(self.differences)} kinds:",
              file=file)
        for difference, count in self.differences.most_common(listed):
            print(f"  {count:8}  {': '.join(difference)}", file=file)

    def explain(self, file=None, listed=40):
        """Differences by what is wrong, the worst first; within it by type and how often."""
        totals = collections.Counter()
        for (field, *_), count in self.differences.items():
            totals[field] += count
        of_kind = collections.Counter(self.kind_names(kind)[0] for kind in self.truth.types)
        for field, total in totals.most_common():
            lines = [(count, what) for what, count in self.differences.most_common() if what[0] == field]
            print(f"\n{field}: {total}", file=file)
            for count, what in lines[:listed]:
                where = "; ".join(f"#{n} in {times}" for n, times in self.positions[what].most_common(4))
                print(f"  type {what[1]}: {count} {' '.join(what[2:])}".rstrip()
                      + f"  ({of_kind[what[1]]} objects; e.g. {self.examples[what]:#x}"
                      + (f"; referent {where})" if where else ")"), file=file)
            if len(lines) > listed:
                rest = sum(count for count, _ in lines[listed:])
                print(f"  {rest} in {len(lines) - listed} kinds more", file=file)
        print(f"\nrefcount is explained by inferred edges alone: {sum(self.by_inference.values())}", file=file)
        for name, count in self.by_inference.most_common(listed):
            if count:
                print(f"  type {name}: {count}  ({of_kind[name]} objects)", file=file)


def percentage(figure):
    """Nothing to compare is a failure, not a success."""
    right, of = figure
    return 100 * right / of if of else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("truth")
    parser.add_argument("dump")
    parser.add_argument("--differences", type=int, default=40, help="how many kinds to list")
    parser.add_argument("--explain", action="store_true",
                        help="group differences by what is wrong and by type, with examples")
    parser.add_argument("--figures", metavar="FILE", help="write the figures, [right, of], as JSON")
    options = parser.parse_args()
    try:
        comparison = Comparison(truth_file.read(options.truth), read_dump(options.dump))
    except (OSError, EOFError, ValueError, BadDump) as error:
        sys.exit(f"compare_truth: {error}")
    if options.figures:
        with open(options.figures, "w", encoding="utf-8") as file:
            json.dump({"version": comparison.truth.version, **comparison.figures}, file)
    comparison.show(listed=0 if options.explain else options.differences)
    if options.explain:
        comparison.explain(listed=options.differences)
    failures = comparison.failures()
    if failures:
        sys.exit(f"\ncompare_truth: FAILED: {'; '.join(failures)}")


if __name__ == "__main__":
    main()
