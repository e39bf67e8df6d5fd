# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What the readers want to know: the fields of src/cpython/pylayout.h and data/layout/*.txt.

A C name may have alternatives, "ob_digit|long_value.ob_digit": the first that a version has is taken.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ROOT / 'src/cpython/pylayout.h'
OWNED = ROOT / 'data/layout/owned-fields.txt'
ROWS = ROOT / 'data/layout/rows.txt'


def read_fields(path=HEADER):
    """[(group, member, structs, field names or None, debug offset or None)] from the X-macro."""
    rows = []
    pattern = (r'^\s([FSB])\((\w+), (\w+), "([\w|]+)"(?:, "([\w.|\[\]]+)")?\)')
    for match in re.finditer(pattern, pathlib.Path(path).read_text(), re.M):
        _, group, member, structs, names = match.groups()
        rows.append((group, member, structs.split('|'), names.split('|') if names else None))
    return rows


def read_debug_offsets(path=HEADER):
    """[(group, member, entry)]: which field an entry of _Py_DebugOffsets is."""
    pattern = r'^\sD\((\w+), (\w+), "([\w.]+)"\)'
    return [match.groups() for match in re.finditer(pattern, pathlib.Path(path).read_text(), re.M)]


def read_owned(path=OWNED):
    """[(tp_names, struct, [(field, label)])]"""
    rows = []
    for line in pathlib.Path(path).read_text().splitlines():
        if line.strip() and not line.startswith('#'):
            names, struct, *fields = line.split()
            # "field=label"; without a label, the C name; with an empty one, no name is ever shown.
            pairs = [field.partition('=') for field in fields]
            rows.append((names, struct, [(field, label if equals else field.split('.')[-1])
                                         for field, equals, label in pairs]))
    return rows


def read_rows(path=ROWS):
    """[{'name', 'version': (low, high), 'labels', 'traits': {}, 'set': {}}]"""
    rows, common = [], {}
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith('#'):
            continue
        if words[0] == 'row':
            rows.append({'name': words[1], 'version': words[2:4], 'labels': words[4:],
                         'traits': {}, 'set': dict(common)})
        elif words[0] == 'set':
            (rows[-1]['set'] if rows else common)[words[1]] = ' '.join(words[2:])
        else:
            rows[-1]['traits'].update(word.split('=') for word in words)
    return rows


def entries(structs, names):
    """The entries of a layout file that a field may be: "PyTupleObject.ob_item", or "PyTupleObject"."""
    return [f'{struct}.{name}' if name else struct for struct in structs for name in names or [None]]


def wanted_entries():
    """All entries that some reader may ask for."""
    wanted = set()
    for _, _, structs, names in read_fields():
        wanted.update(entries(structs, names))
    for _, struct, fields in read_owned():
        wanted.add(struct)
        wanted.update(f'{struct}.{field}' for field, _ in fields)
    wanted.update(f'_Py_DebugOffsets.{entry}' for _, _, entry in read_debug_offsets())
    return wanted
