#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Turn data/layout/*.layout into the C tables that pylayout.[ch] include; run by the build.

    generate_table.py groups|table OUT [LAYOUT...]
"""
import re
import sys

import layout_fields


def value_of(text):
    """Bytes, or bits for a bit-field."""
    words = text.split()
    return int(words[0]) * 8 + int(words[2]) if 'bit' in words else int(words[0])


def count_of(text):
    """References in a field: more than one in an array of them."""
    words = text.split()
    return int(words[1]) // 8 if words[1:] and words[1].isdigit() else 1


def write_groups(fields, out):
    groups = {}
    for group, member, *_ in fields:
        groups.setdefault(group, []).append(member)
    for group, members in groups.items():
        out.write('struct {\n\tuint32_t ' + ', '.join(members) + f';\n}} {group};\n')


def write_fields(ident, entries, owned, out):
    """The types whose references are plain fields, as far as the version has them."""
    kept = [(names, struct, [(label, entries[f'{struct}.{field}']) for field, label in members
                             if f'{struct}.{field}' in entries])
            for names, struct, members in owned if struct in entries]
    for i, (_, _, members) in enumerate(kept):
        out.write(f'static const struct pyfield {ident}_fields_{i}[] = {{\n')
        for label, text in members:
            out.write(f'\t{{.label = "{label}", .offset = {value_of(text)}, .count = {count_of(text)}}},\n')
        out.write('\t{.label = ""},\n};\n')
    out.write(f'static const struct pyfields {ident}_fields[] = {{\n')
    for i, (names, struct, members) in enumerate(kept):
        out.write(f'\t{{.type_names = "{names}", .size = {value_of(entries[struct])}, '
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


def write_origins(ident, entries, fields, out):
    """For each field its C name in this version, and whether rows.txt has set it. Returns those names."""
    origins = [next((entry for entry in layout_fields.entries(structs, names) if entry in entries), None)
               for _, _, structs, names, _ in fields]
    out.write(f'static const struct pylayout_origin {ident}_origins[] = {{\n')
    for entry in origins:
        is_set = str(bool(entry) and entries[entry].endswith(' set')).lower()
        out.write(f'\t{{"{entry}", {is_set}}},\n' if entry else '\t{NULL, false},\n')
    out.write('};\n')
    return origins


def write_traits(ident, traits, out):
    """The traits as texts: PYLINES_RANGES is "ranges"."""
    out.write(f'static const struct pylayout_trait {ident}_traits[] = {{\n')
    for trait, value in traits.items():
        text = re.sub(r'^PY[A-Z]+_', '', value).lower()
        out.write(f'\t{{"{trait}", "{text}"}},\n')
    out.write('\t{NULL, NULL},\n};\n')


def write_row(layout, fields, owned, debug_offsets, out):
    ident = re.sub(r'\W', '_', layout['name'])
    values = {entry: value_of(text) for entry, text in layout['entries'].items()}
    field_count = write_fields(ident, layout['entries'], owned, out)
    debug_count = write_debug_offsets(ident, values, debug_offsets, out)
    origins = write_origins(ident, layout['entries'], fields, out)
    write_traits(ident, layout['traits'], out)
    out.write(f'static const struct pylayout {ident} = {{\n')
    out.write(f'\t.name = "{layout["name"]}", .labels = "{", ".join(layout["labels"])}",\n')
    out.write('\t.version_low = {}, .version_high = {},\n'.format(*layout['version']))
    for trait, value in layout['traits'].items():
        out.write(f'\t.traits.{trait} = {value},\n')
    for (group, member, *_), entry in zip(fields, origins):
        out.write(f'\t.{group}.{member} = {values[entry] if entry else "PYLAYOUT_NONE"},\n')
    out.write(f'\t.fields = {ident}_fields, .fields_count = {field_count},\n')
    out.write(f'\t.debug_offsets = {ident}_debug_offsets, .debug_offsets_count = {debug_count},\n')
    out.write(f'\t.origins = {ident}_origins, .trait_texts = {ident}_traits,\n')
    out.write('};\n\n')
    return ident


def write_field_names(fields, out):
    kinds = {'F': 'PYLAYOUT_OFFSET', 'S': 'PYLAYOUT_SIZE', 'B': 'PYLAYOUT_BIT'}
    out.write('static const struct pylayout_field_name pylayout_field_names[] = {\n')
    for group, member, _, _, kind in fields:
        out.write(f'\t{{"{group}.{member}", offsetof(struct pylayout, {group}.{member}), {kinds[kind]}}},\n')
    out.write('};\n')


def main():
    what, out_path, *paths = sys.argv[1:]
    fields = layout_fields.read_fields()
    with open(out_path, 'w') as out:
        if what == 'groups':
            write_groups(fields, out)
            return
        owned = layout_fields.read_owned()
        debug_offsets = layout_fields.read_debug_offsets()
        idents = [write_row(layout_fields.read_layout(path), fields, owned, debug_offsets, out)
                  for path in paths]
        out.write('static const struct pylayout *const pylayout_rows[] = {\n')
        out.writelines(f'\t&{ident},\n' for ident in idents)
        out.write('};\n')
        write_field_names(fields, out)


if __name__ == '__main__':
    main()
