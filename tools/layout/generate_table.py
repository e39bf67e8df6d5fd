#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Turn data/layout/*.layout into the C tables that pylayout.[ch] include; run by the build.

    generate_table.py groups|table OUT [LAYOUT...]
"""
import re
import sys

import layout_fields


def read_layout(path):
    layout = {'traits': {}, 'values': {}, 'sizes': {}}
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
            layout['sizes'][words[0]] = int(words[2]) if words[2:] and words[2].isdigit() else 8
    return layout


def write_groups(fields, out):
    groups = {}
    for group, member, *_ in fields:
        groups.setdefault(group, []).append(member)
    for group, members in groups.items():
        out.write('struct {\n\tuint32_t ' + ', '.join(members) + f';\n}} {group};\n')


def write_fields(ident, layout, owned, out):
    """The types whose references are plain fields, as far as the version has them."""
    values, sizes = layout['values'], layout['sizes']
    kept = [(names, struct, [(label, values[f'{struct}.{field}'], sizes[f'{struct}.{field}'] // 8)
                             for field, label in members if f'{struct}.{field}' in values])
            for names, struct, members in owned if struct in values]
    for i, (_, _, members) in enumerate(kept):
        out.write(f'static const struct pyfield {ident}_fields_{i}[] = {{\n')
        for label, offset, count in members:
            out.write(f'\t{{.label = "{label}", .offset = {offset}, .count = {count}}},\n')
        out.write('\t{.label = ""},\n};\n')
    out.write(f'static const struct pyfields {ident}_fields[] = {{\n')
    for i, (names, struct, members) in enumerate(kept):
        out.write(f'\t{{.type_names = "{names}", .size = {values[struct]}, '
                  f'.count = {len(members)}, .fields = {ident}_fields_{i}}},\n')
    out.write('};\n')
    return len(kept)


def write_debug_offsets(ident, values, debug_offsets, out):
    """Where in _Py_DebugOffsets which field is."""
    found = [(group, member, values[f'_Py_DebugOffsets.{entry}'])
             for group, member, entry in debug_offsets if f'_Py_DebugOffsets.{entry}' in values]
    out.write(f'static const struct pylayout_debug_offset {ident}_debug_offsets[] = {{\n')
    for group, member, position in found:
        out.write(f'\t{{.field = offsetof(struct pylayout, {group}.{member}), '
                  f'.position = {position}}},\n')
    out.write('\t{.field = 0},\n};\n')
    return len(found)


def write_row(layout, fields, owned, debug_offsets, out):
    ident = re.sub(r'\W', '_', layout['name'])
    values = layout['values']
    field_count = write_fields(ident, layout, owned, out)
    debug_count = write_debug_offsets(ident, values, debug_offsets, out)
    out.write(f'static const struct pylayout {ident} = {{\n')
    out.write(f'\t.name = "{layout["name"]}",\n')
    out.write('\t.version_low = {}, .version_high = {},\n'.format(*layout['version']))
    for trait, value in layout['traits'].items():
        out.write(f'\t.traits.{trait} = {value},\n')
    for group, member, structs, names in fields:
        found = [values[entry] for entry in layout_fields.entries(structs, names) if entry in values]
        out.write(f'\t.{group}.{member} = {found[0] if found else "PYLAYOUT_NONE"},\n')
    out.write(f'\t.fields = {ident}_fields, .fields_count = {field_count},\n')
    out.write(f'\t.debug_offsets = {ident}_debug_offsets, .debug_offsets_count = {debug_count},\n')
    out.write('};\n\n')
    return ident


def main():
    what, out_path, *paths = sys.argv[1:]
    fields = layout_fields.read_fields()
    with open(out_path, 'w') as out:
        if what == 'groups':
            write_groups(fields, out)
            return
        owned = layout_fields.read_owned()
        debug_offsets = layout_fields.read_debug_offsets()
        idents = [write_row(read_layout(path), fields, owned, debug_offsets, out) for path in paths]
        out.write('static const struct pylayout *const pylayout_rows[] = {\n')
        out.writelines(f'\t&{ident},\n' for ident in idents)
        out.write('};\n')
        out.write('static const struct pylayout_field_name pylayout_field_names[] = {\n')
        for group, member, *_ in fields:
            out.write(f'\t{{"{group}.{member}", offsetof(struct pylayout, {group}.{member})}},\n')
        out.write('};\n')


main()
