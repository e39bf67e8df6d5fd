// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

#include "base/limits.h"

// sizeof(_PyOpcache), Include/internal/pycore_code.h of 3.8 to 3.10.
#define OPCACHE_BYTES 32

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

// What each interpreter keeps of a static built-in type. False if it is none.
static bool scan_static_states(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	const struct addr_vector *interpreters = &scan->context->python->interpreters;
	bool is_static = false;

	for (size_t i = 0; i < interpreters->count; i++) {
		remote_addr state = pytype_static_state(
			reader_of(scan), layout, interpreters->items[i], scan->addr);

		if (!state)
			continue;
		is_static = true;
		emit_field(scan,
			pyreader_pointer(reader_of(scan), state + layout->static_type.tp_dict),
			"__dict__");
		emit_field(scan,
			pyreader_pointer(
				reader_of(scan), state + layout->static_type.tp_subclasses),
			"tp_subclasses");
	}
	return is_static;
}

void pykind_scan_type(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	bool is_heap = word(scan, layout->type.tp_flags) & PYTYPE_FLAG_HEAP;

	if (!scan_static_states(scan)) {
		emit_field(scan, word(scan, layout->type.tp_dict), "__dict__");
		emit_field(scan, word(scan, layout->type.tp_subclasses), "tp_subclasses");
	}
	emit_field(scan, word(scan, layout->type.tp_bases), "__bases__");
	emit_field(scan, word(scan, layout->type.tp_base), "__base__");
	emit_field(scan, word(scan, layout->type.tp_mro), "__mro__");
	emit_field(scan, word(scan, layout->type.tp_cache), "tp_cache");
	// Python 2's type has no __sizeof__ of its own: scan->size is object's.
	if (pylayout_has(layout->heap_type.ht_qualname))
		scan->size = is_heap ? layout->heap_type.size : layout->type.size;
	if (!is_heap)
		return;
	emit_field(scan, word(scan, layout->heap_type.ht_name), "__name__");
	emit_field(scan, word(scan, layout->heap_type.ht_slots), "__slots__");
	emit_word(scan, layout->heap_type.ht_qualname, "__qualname__");
	emit_word(scan, layout->heap_type.ht_module, "ht_module");
	if (pylayout_has(layout->heap_type.ht_cached_keys) &&
		word(scan, layout->heap_type.ht_cached_keys))
		scan_shared_keys(scan, word(scan, layout->heap_type.ht_cached_keys));
	note_part_at(scan, layout->heap_type.ht_cached_keys);
}

void pykind_scan_module(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr state, def = 0;
	uint64_t size = 0;

	emit_field(scan, word(scan, layout->module.md_dict), "__dict__");
	emit_word(scan, layout->module.md_name, "__name__");
	if (!pylayout_has(layout->module.md_state))
		return;
	state = word(scan, layout->module.md_state);
	pyscan_note_part(scan, state, 0);
	if (pylayout_has(layout->module.md_state_size))
		size = word(scan, layout->module.md_state_size);
	else if ((def = word(scan, layout->module.md_def)) != 0)
		size = pyreader_pointer(reader_of(scan), def + layout->module_def.m_size);
	// What m_traverse visits is somewhere in the module's state.
	if (state && size <= PYREADER_BLOCK_BYTES)
		emit_array(scan, state, size / 8, 0, PYLABEL_NONE, PYREF_INFERRED);
}

// _PyCodeObjectExtra is a count and a pointer, the count of pointers at its start.
static uint64_t extra_size(struct pyscan *scan)
{
	uint32_t offset = layout_of(scan)->code.co_extra;
	remote_addr extra = pylayout_has(offset) ? word(scan, offset) : 0;
	uint64_t count;

	if (!extra || !pyreader_u64(reader_of(scan), extra, &count) || count >= 256)
		return 0;
	return 16 + (count ? count - 1 : 0) * 8;
}

static uint64_t var_size(struct pyscan *scan, remote_addr object)
{
	uint64_t count =
		object ? pyreader_pointer(reader_of(scan), object + layout_of(scan)->object.ob_size)
		       : 0;

	return count <= LIMIT_ITEMS ? count : 0;
}

// What code_sizeof() of Objects/codeobject.c adds: co_extra is a block of its own, and so are (up to
// 3.10) the cells that are arguments and the cache of opcodes.
static void size_code(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);

	// _PyObject_VAR_SIZE rounds up.
	scan->size = ((scan->size + 7) & ~7ull) + extra_size(scan);
	note_part_at(scan, layout->code.co_extra);
	note_part_at(scan, layout->code.co_cell2arg);
	note_part_at(scan, layout->code.co_opcache_map);
	if (pylayout_has(layout->code.co_cell2arg) && word(scan, layout->code.co_cell2arg))
		scan->size += 8 * var_size(scan, word(scan, layout->code.co_cellvars));
	if (pylayout_has(layout->code.co_opcache_map) && word(scan, layout->code.co_opcache_map))
		scan->size += var_size(scan, word(scan, layout->code.co_code)) / 2 +
			      OPCACHE_BYTES * byte(scan, layout->code.co_opcache_size);
}

// Blocks of references that a code object made when it was asked (_PyCoCached, 3.12).
static void scan_cached(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr cached =
		pylayout_has(layout->code.co_cached) ? word(scan, layout->code.co_cached) : 0;

	pyscan_note_part(scan, cached, 0);
	for (uint32_t at = 0; cached && at < layout->code.co_cached_size; at += 8)
		emit_field(scan, pyreader_pointer(reader_of(scan), cached + at), "_co_cached");
}

void pykind_scan_code(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);

	emit_word(scan, layout->code.co_consts, "co_consts");
	emit_word(scan, layout->code.co_names, "co_names");
	emit_word(scan, layout->code.co_exceptiontable, "co_exceptiontable");
	emit_word(scan, layout->code.co_localsplusnames, "co_varnames");
	emit_word(scan, layout->code.co_localspluskinds, "co_localspluskinds");
	emit_word(scan, layout->code.co_varnames, "co_varnames");
	emit_word(scan, layout->code.co_freevars, "co_freevars");
	emit_word(scan, layout->code.co_cellvars, "co_cellvars");
	emit_word(scan, layout->code.co_filename, "co_filename");
	emit_word(scan, layout->code.co_name, "co_name");
	emit_word(scan, layout->code.co_qualname, "co_qualname");
	emit_word(scan, layout->code.co_linetable, "co_linetable");
	emit_word(scan, layout->code.co_lnotab, "co_lnotab");
	emit_word(scan, layout->code.co_code, "co_code");
	emit_word(scan, layout->code.co_cached_code, "co_code");
	scan_cached(scan);
	size_code(scan);
}
