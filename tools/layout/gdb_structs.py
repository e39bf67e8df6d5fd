# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What dump_layouts.py has gdb run: look up structs and fields in the debug information of files.

    gdb … -x gdb_structs.py -ex "python answer('REQUEST', 'ANSWER')"

REQUEST is JSON: {"files": [path...], "wanted": {struct: [field...]}, "names": {struct: [C name...]}}.
The answer is {struct: {"size": n, "fields": [[name, offset, size, kind]...], "file": path}}: what is
not found is left out, and the first file that has a struct is believed.
"""
import json
import re
import shlex

import gdb

COMPOUND = gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION


def members(kind):
    """(name or None, bit position, bits if a bit-field else 0, type) of what has a place."""
    for field in kind.fields():
        if hasattr(field, "bitpos"):
            yield field.name or None, field.bitpos, field.bitsize, field.type.strip_typedefs()


def find_member(kind, name):
    """The same without the name, also of a member of an anonymous struct or union; None if there is none."""
    if kind.code not in COMPOUND:
        return None
    for own_name, position, bits, inner in members(kind):
        if own_name == name:
            return position, bits, inner
        if own_name is None:
            found = find_member(inner, name)
            if found:
                return position + found[0], found[1], found[2]
    return None


def find_field(kind, path):
    """(bit position, bits, type) of "imports.modules" or "items[0].key"; None if there is none."""
    position = bits = 0
    for step, index in re.findall(r"(\w+)(?:\[(\d+)\])?\.?", path):
        found = find_member(kind, step)
        if not found:
            return None
        position, bits, kind = position + found[0], found[1], found[2]
        if index:
            if kind.code != gdb.TYPE_CODE_ARRAY:
                return None
            kind = kind.target().strip_typedefs()
            position += int(index) * kind.sizeof * 8
    return position, bits, kind


def describe(kind, fields):
    described = []
    for path in fields:
        found = find_field(kind, path)
        if found:
            position, bits, inner = found
            described.append([path, position // 8, inner.sizeof,
                              f"b{position % 8}:{bits}" if bits else ""])
    return {"size": kind.sizeof, "fields": described}


def named_types(name):
    """The structs that a C name may be: a typedef's, or a tag. One name may mean several, each in its file."""
    for words in name, "struct " + name, "union " + name:
        try:
            yield gdb.lookup_type(words)
        except gdb.error:
            pass
    for domain in gdb.SYMBOL_VAR_DOMAIN, gdb.SYMBOL_STRUCT_DOMAIN:
        for symbol in gdb.lookup_static_symbols(name, domain):
            if symbol.addr_class == gdb.SYMBOL_LOC_TYPEDEF:
                yield symbol.type


def find_struct(names, fields):
    """The first that has any of the fields, or else the first of that name, described; None: not there."""
    first = None
    for name in names:
        for kind in named_types(name):
            kind = kind.strip_typedefs()
            if kind.code in COMPOUND and kind.fields():
                described = describe(kind, fields)
                if described["fields"] or not fields:
                    return described
                first = first or described
    return first


def answer(request_path, answer_path):
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    found = {}
    for path in request["files"]:
        gdb.execute("file " + shlex.quote(path), to_string=True)
        for struct, fields in request["wanted"].items():
            described = struct not in found and find_struct(request["names"].get(struct, [struct]), fields)
            if described:
                found[struct] = {**described, "file": path}
    with open(answer_path, "w", encoding="utf-8") as file:
        json.dump(found, file)
