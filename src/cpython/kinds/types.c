// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

#include "base/limits.h"

static void scan_shared_keys(struct pyscan *scan, remote_addr keys)
{
	struct pydict_table table;
	remote_addr key, value;

	if (!pydict_table_read(reader_of(scan), layout_of(scan), keys, 0, &table)) {
		scan->is_torn = true;
		return;
	}
	scan->size += table.keys_bytes;
	for (uint64_t i = 0; pydict_entry(reader_of(scan), &table, i, &key, &value); i++)
		emit_field(scan, key, "<attribute name>");
}

void pykind_scan_type(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	bool is_heap = word(scan, layout->type.tp_flags) & PYTYPE_FLAG_HEAP;
	remote_addr cached_keys;

	emit_field(scan, word(scan, layout->type.tp_dict), "__dict__");
	emit_field(scan, word(scan, layout->type.tp_bases), "__bases__");
	emit_field(scan, word(scan, layout->type.tp_base), "__base__");
	emit_field(scan, word(scan, layout->type.tp_mro), "__mro__");
	emit_field(scan, word(scan, layout->type.tp_cache), "tp_cache");
	emit_field(scan, word(scan, layout->type.tp_subclasses), "tp_subclasses");
	scan->size = layout->type.size;
	if (!is_heap)
		return;
	scan->size = layout->heap_type.size;
	emit_field(scan, word(scan, layout->heap_type.ht_name), "__name__");
	emit_field(scan, word(scan, layout->heap_type.ht_slots), "__slots__");
	emit_field(scan, word(scan, layout->heap_type.ht_qualname), "__qualname__");
	emit_field(scan, word(scan, layout->heap_type.ht_module), "ht_module");
	cached_keys = word(scan, layout->heap_type.ht_cached_keys);
	if (cached_keys)
		scan_shared_keys(scan, cached_keys);
}

void pykind_scan_module(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr def = word(scan, layout->module.md_def);
	remote_addr state = word(scan, layout->module.md_state);
	uint64_t size = 0;

	emit_field(scan, word(scan, layout->module.md_dict), "__dict__");
	emit_field(scan, word(scan, layout->module.md_name), "__name__");
	// What m_traverse visits is somewhere in the module's state.
	if (def && state && pyreader_u64(reader_of(scan), def + layout->module_def.m_size, &size) &&
		size <= PYREADER_BLOCK_BYTES)
		emit_array(scan, state, size / 8, 0, PYLABEL_NONE, PYREF_INFERRED);
}

void pykind_scan_code(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	const struct {
		uint32_t offset;
		const char *label;
	} fields[] = {
		{layout->code.co_consts, "co_consts"},
		{layout->code.co_names, "co_names"},
		{layout->code.co_exceptiontable, "co_exceptiontable"},
		{layout->code.co_localsplusnames, "co_varnames"},
		{layout->code.co_localspluskinds, "co_localspluskinds"},
		{layout->code.co_filename, "co_filename"},
		{layout->code.co_name, "co_name"},
		{layout->code.co_qualname, "co_qualname"},
		{layout->code.co_linetable, "co_linetable"},
		{layout->code.co_cached_code, "co_code"},
	};
	remote_addr extra;
	uint64_t extra_count;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].offset != PYLAYOUT_NONE)
			emit_field(scan, word(scan, fields[i].offset), fields[i].label);
	}
	// _PyObject_VAR_SIZE rounds up, and co_extra is a block of its own (Objects/codeobject.c:
	// code_sizeof; _PyCodeObjectExtra is a count and a pointer, the count of pointers at its
	// start).
	scan->size = (scan->size + 7) & ~7ull;
	extra = word(scan, layout->code.co_extra);
	if (extra && pyreader_u64(reader_of(scan), extra, &extra_count) && extra_count < 256)
		scan->size += 16 + (extra_count ? extra_count - 1 : 0) * 8;
}
