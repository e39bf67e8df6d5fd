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
    """[(group, member, structs, field names or None, "F", "S" or "B")] from the X-macro."""
    rows = []
    pattern = (r'^\s([FSB])\((\w+), (\w+), "([\w|]+)"(?:, "([\w.|\[\]]+)")?\)')
    for match in re.finditer(pattern, pathlib.Path(path).read_text(), re.M):
        kind, group, member, structs, names = match.groups()
        rows.append((group, member, structs.split('|'), names.split('|') if names else None, kind))
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


def version_of_label(label):
    """PY_VERSION_HEX of the release that a label such as "3.13.5-debian" begins with; None if it has none."""
    match = re.match(r'(\d+)\.(\d+)\.(\d+)(?![\d.])', label)
    return match and sum(int(number) << shift for number, shift in zip(match.groups(), (24, 16, 8))) | 0xf0


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


def path_of_row(name):
    return ROWS.parent / f'{name}.layout'


def read_layout(path):
    """A *.layout file: {'name', 'labels', 'version': (low, high), 'traits': {}, 'entries': {entry: text}}"""
    layout = {'traits': {}, 'entries': {}}
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith('#'):
            continue
        if words[0] == 'name':
            layout['name'] = words[1]
        elif words[0] == 'from':
            layout['labels'] = words[1:]
        elif words[0] == 'version':
            layout['version'] = words[1:]
        elif words[0] == 'trait':
            layout['traits'][words[1]] = words[2]
        else:
            layout['entries'][words[0]] = ' '.join(words[1:])
    return layout


def entries(structs, names):
    """The entries of a layout file that a field may be: "PyTupleObject.ob_item", or "PyTupleObject"."""
    return [f'{struct}.{name}' if name else struct for struct in structs for name in names or [None]]


#: Structs at whose end fields are added: readers use their sizes as bounds, and do not step by them.
MAY_GROW = {'_PyRuntimeState', 'PyInterpreterState', 'PyThreadState'}


def may_grow(entry):
    """Is an entry a size that may differ within a row? The least is good for all: as a bound, or to tell a
    type from a smaller one of its name (owned-fields.txt)."""
    steps = {entry for _, _, structs, names, kind in read_fields() if kind == 'S'
             for entry in entries(structs, names)}
    return '.' not in entry and (entry in MAY_GROW or entry not in steps)


def wanted_entries():
    """All entries that some reader may ask for."""
    wanted = set()
    for _, _, structs, names, _ in read_fields():
        wanted.update(entries(structs, names))
    for _, struct, fields in read_owned():
        wanted.add(struct)
        wanted.update(f'{struct}.{field}' for field, _ in fields)
    wanted.update(f'_Py_DebugOffsets.{entry}' for _, _, entry in read_debug_offsets())
    return wanted
