#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Turn data/layout/*.layout into the C tables that pylayout.[ch] include; run by the build.

    generate_table.py PYLAYOUT.H OWNED-FIELDS.TXT groups|table OUT LAYOUT...
"""
import re
import sys


def read_field_list(path):
    """[(group, member, struct, field or None, is_bit)] from the X-macro."""
    rows = []
    pattern = r'^\s([FSB])\((\w+), (\w+), "(\w+)"(?:, "([\w.]+)")?\)'
    for match in re.finditer(pattern, open(path).read(), re.M):
        kind, group, member, struct, field = match.groups()
        rows.append((group, member, struct, field, kind == 'B'))
    return rows


def read_layout(path):
    layout = {'traits': {}, 'values': {}}
    for line in open(path):
        words = line.split()
        if not words or words[0].startswith('#'):
            continue
        if words[0] == 'name':
            layout['name'] = words[1]
        elif words[0] == 'version':
            layout['version'] = words[1:3]
        elif words[0] == 'trait':
            layout['traits'][words[1]] = words[2]
        elif 'bit' in words:
            layout['values'][words[0]] = int(words[1]) * 8 + int(words[3])
        else:
            layout['values'][words[0]] = int(words[1])
    return layout


def read_owned(path):
    rows = []
    for line in open(path):
        if line.strip() and not line.startswith('#'):
            names, struct, *fields = line.split()
            # "field=label"; without a label, the C name; with an empty one, no name is ever shown.
            pairs = [field.partition('=') for field in fields]
            rows.append((names, struct, [(field, label if equals else field.split('.')[-1])
                                         for field, equals, label in pairs]))
    return rows


def write_groups(fields, out):
    groups = {}
    for group, member, *_ in fields:
        groups.setdefault(group, []).append(member)
    for group, members in groups.items():
        out.write('struct {\n\tuint32_t ' + ', '.join(members) + f';\n}} {group};\n')


def write_row(layout, fields, owned, out):
    ident = re.sub(r'\W', '_', layout['name'])
    values = layout['values']
    kept = [(names, struct, [(label, values[f'{struct}.{field}']) for field, label in members
                             if f'{struct}.{field}' in values])
            for names, struct, members in owned if struct in values]
    for i, (_, _, members) in enumerate(kept):
        out.write(f'static const struct pyfield {ident}_fields_{i}[] = {{\n')
        for label, offset in members:
            out.write(f'\t{{.label = "{label}", .offset = {offset}}},\n')
        out.write('};\n')
    out.write(f'static const struct pyfields {ident}_fields[] = {{\n')
    for i, (names, struct, members) in enumerate(kept):
        out.write(f'\t{{.type_names = "{names}", .size = {values[struct]}, '
                  f'.count = {len(members)}, .fields = {ident}_fields_{i}}},\n')
    out.write('};\n')
    out.write(f'static const struct pylayout {ident} = {{\n')
    out.write(f'\t.name = "{layout["name"]}",\n')
    out.write('\t.version_low = {}, .version_high = {},\n'.format(*layout['version']))
    for trait, value in layout['traits'].items():
        out.write(f'\t.traits.{trait} = {value},\n')
    for group, member, struct, field, _ in fields:
        value = values.get(f'{struct}.{field}' if field else struct, 'PYLAYOUT_NONE')
        out.write(f'\t.{group}.{member} = {value},\n')
    out.write(f'\t.fields = {ident}_fields, .fields_count = {len(kept)},\n}};\n\n')
    return ident


def main():
    header, owned_path, what, out_path, *paths = sys.argv[1:]
    fields = read_field_list(header)
    with open(out_path, 'w') as out:
        if what == 'groups':
            write_groups(fields, out)
            return
        owned = read_owned(owned_path)
        idents = [write_row(read_layout(path), fields, owned, out) for path in sorted(paths)]
        out.write('static const struct pylayout *const pylayout_rows[] = {\n')
        out.writelines(f'\t&{ident},\n' for ident in idents)
        out.write('};\n')


main()
