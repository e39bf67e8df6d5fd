// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// The rows of layouts: complete where a reader relies on them, and found by version.
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "cpython/pylayout.h"

#define FOR_EACH_ROW(row) for (size_t i_ = 0; (row = pylayout_row(i_)); i_++)

// ---- what readers rely on ------------------------------------------------------------------

static bool always(const struct pylayout *row)
{
	return row->name != NULL;
}

static bool has_keys_objects(const struct pylayout *row)
{
	return pylayout_has(row->dict.ma_keys);
}

static bool has_open_tables(const struct pylayout *row)
{
	return !has_keys_objects(row);
}

static bool has_kinds_of_keys(const struct pylayout *row)
{
	return has_keys_objects(row) && !pylayout_has(row->keys.dk_size);
}

static bool has_inline_values(const struct pylayout *row)
{
	return row->traits.attributes == PYATTRIBUTES_INLINE;
}

static bool is_python_2(const struct pylayout *row)
{
	return pylayout_has(row->bytes.ob_sstate);
}

static bool is_python_3(const struct pylayout *row)
{
	return !is_python_2(row);
}

static bool has_old_frames(const struct pylayout *row)
{
	return pylayout_has(row->frame.f_localsplus);
}

static bool has_new_frames(const struct pylayout *row)
{
	return !has_old_frames(row);
}

static bool has_pairs(const struct pylayout *row)
{
	return row->traits.line_table <= PYLINES_SIGNED;
}

static bool has_linetable(const struct pylayout *row)
{
	return !has_pairs(row);
}

static bool has_runtime(const struct pylayout *row)
{
	return pylayout_has(row->runtime.size);
}

static bool has_gc_state(const struct pylayout *row)
{
	return pylayout_has(row->interp.gc) || pylayout_has(row->runtime.gc);
}

static bool has_atexit_array(const struct pylayout *row)
{
	return pylayout_has(row->interp.atexit_ncallbacks);
}

static bool has_static_states(const struct pylayout *row)
{
	return pylayout_has(row->interp.static_types);
}

static bool has_extension_states(const struct pylayout *row)
{
	return pylayout_has(row->interp.static_types_end);
}

// Fields that are used without asking, and in which shape of a version.
static const struct {
	bool (*is_needed)(const struct pylayout *row);
	const char *fields; /* with a space after each */
} needs[] = {
	{always, "object.ob_refcnt object.ob_type object.size object.ob_size "
		 "gc_head.next gc_head.prev gc_head.size gc_generation.size "},
	{always, "type.tp_name type.tp_basicsize type.tp_itemsize type.tp_dealloc type.tp_flags "
		 "type.tp_weaklistoffset type.tp_members type.tp_base type.tp_dict "
		 "type.tp_dictoffset type.tp_bases type.tp_mro type.tp_cache type.tp_subclasses "
		 "type.tp_del type.size heap_type.ht_name heap_type.ht_slots heap_type.size "
		 "member_def.name member_def.type member_def.offset member_def.size "},
	{always, "tuple.ob_item list.ob_item list.allocated bytes.ob_sval bytearray.ob_alloc "
		 "dict.ma_used dict.size key_entry.me_key key_entry.me_value key_entry.size "
		 "defdict.default_factory set.used set.mask set.table set.smalltable "
		 "set_entry.key set_entry.hash set_entry.size str.legacy_size long_int.ob_digit "
		 "deque.leftblock deque.leftindex deque.maxlen deque_block.data "
		 "deque_block.rightlink deque_block.size tee.it tee.numread tee.nextlink "
		 "tee.values module.md_dict weakref.wr_object arraymodule.allocated "
		 "arraymodule.ob_descr "},
	{always, "function.func_globals function.func_code function.func_name "
		 "code.co_consts code.co_names code.co_filename code.co_name "
		 "code.co_firstlineno code.co_stacksize frame.f_back frame.f_trace "},
	{always, "interp.next interp.threads_head interp.modules interp.sysdict interp.builtins "
		 "tstate.next tstate.thread_id pool.count pool.freeblock pool.arenaindex "
		 "pool.szidx pool.nextoffset pool.maxnextoffset pool.header_size "},
	{has_keys_objects, "dict.ma_values keys.dk_refcnt keys.dk_usable keys.dk_nentries "
			   "keys.dk_indices heap_type.ht_cached_keys odict.od_first "
			   "odict.od_fast_nodes_size odict.od_inst_dict odict.size "
			   "odict_node.key odict_node.next odict_node.size "
			   "lru_cache.root_next lru_cache.cache lru_cache.func "
			   "lru_cache.maxsize lru_cache.dict lru_elem.next "},
	{has_kinds_of_keys, "keys.dk_log2_size keys.dk_log2_index_bytes keys.dk_kind "
			    "unicode_entry.me_key unicode_entry.me_value unicode_entry.size "},
	{has_open_tables, "dict.ma_mask dict.ma_table dict.ma_smalltable "},
	{has_inline_values, "dict_values.values dict_values.embedded dict_values.valid "},
	{is_python_3, "str.length str.state str.interned_bit str.kind_bit str.compact_bit "
		      "str.ascii_bit str.ascii_size str.utf8_length str.utf8 str.compact_size "
		      "str.data heap_type.ht_qualname function.func_qualname "},
	{is_python_2, "bytes.ob_sstate old_unicode.length old_unicode.str old_unicode.defenc "
		      "old_int.ob_ival old_instance.in_class old_instance.in_dict "
		      "old_class.cl_name old_class.cl_dict deque.len "},
	{has_old_frames, "frame.f_code frame.f_builtins frame.f_globals frame.f_locals "
			 "frame.f_valuestack frame.f_lasti tstate.frame gen.gi_frame gen.gi_code "
			 "code.co_code code.co_varnames code.co_cellvars code.co_freevars "
			 "code.co_nlocals "},
	{has_new_frames, "iframe.f_func iframe.f_globals iframe.f_locals iframe.f_code "
			 "iframe.frame_obj iframe.previous iframe.owner iframe.localsplus "
			 "frame.f_frame frame.f_frame_data gen.gi_frame_state gen.gi_iframe "
			 "code.co_nlocalsplus code.co_localsplusnames code.co_localspluskinds "
			 "code.co_qualname code.co_code_adaptive tstate.native_thread_id "},
	{has_pairs, "code.co_lnotab "},
	{has_linetable, "code.co_linetable "},
	{has_runtime, "runtime.interpreters_head "},
	{has_gc_state, "gc.enabled gc.collecting "},
	{has_atexit_array, "interp.atexit_callbacks atexit_callback.func "},
	{has_static_states, "static_type.type static_type.tp_dict static_type.tp_subclasses "
			    "static_type.size interp.interned "},
	{has_extension_states, "interp.extension_types "},
};

static bool is_needed(const struct pylayout *row, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		const char *at = needs[i].fields;

		for (; (at = strstr(at, name)); at += length) {
			if ((at == needs[i].fields || at[-1] == ' ') && at[length] == ' ' &&
				needs[i].is_needed(row))
				return true;
		}
	}
	return false;
}

// A needed field that has no such name would never be missed.
static void test_needed_fields_exist(void **state)
{
	const struct pylayout_field_name *field;
	size_t words = 0, known = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		for (const char *c = needs[i].fields; *c; c++)
			words += *c == ' ';
		for (size_t k = 0; (field = pylayout_field_name(k)); k++) {
			char name[80];

			snprintf(name, sizeof(name), "%s ", field->name);
			for (const char *at = needs[i].fields; (at = strstr(at, name)); at++)
				known += at == needs[i].fields || at[-1] == ' ';
		}
	}
	assert_int_equal(known, words);
}

static void test_rows_are_complete(void **state)
{
	const struct pylayout_field_name *field;
	const struct pylayout *row;

	(void)state;
	assert_non_null(pylayout_row(0));
	FOR_EACH_ROW(row)
	{
		for (size_t i = 0; (field = pylayout_field_name(i)); i++) {
			uint32_t value = pylayout_value(row, field);

			if (value == PYLAYOUT_NONE && is_needed(row, field->name))
				fail_msg("%s has no %s", row->name, field->name);
			// A struct of an interpreter is a few hundred kilobytes at most.
			if (value != PYLAYOUT_NONE && value > 1 << 20)
				fail_msg("%s: %s is %u", row->name, field->name, value);
		}
	}
}

static void check_one(const char *row, const char *what, uint32_t one, uint32_t other)
{
	if (pylayout_has(one) == pylayout_has(other))
		fail_msg("%s has %s %s", row, pylayout_has(one) ? "more than one of" : "none of",
			what);
}

// Of fields that say the same in different shapes, one.
static void test_shapes(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		check_one(row->name, "ma_keys, ma_table", row->dict.ma_keys, row->dict.ma_table);
		check_one(row->name, "state, ob_sstate", row->str.state, row->bytes.ob_sstate);
		check_one(row->name, "gi_frame, gi_iframe", row->gen.gi_frame, row->gen.gi_iframe);
		check_one(row->name, "frame, datastack_chunk", row->tstate.frame,
			row->tstate.datastack_chunk);
		if (pylayout_has(row->dict.ma_keys))
			check_one(row->name, "dk_size, dk_kind", row->keys.dk_size,
				row->keys.dk_kind);
		if (has_new_frames(row)) {
			check_one(row->name, "prev_instr, instr_ptr", row->iframe.prev_instr,
				row->iframe.instr_ptr);
			check_one(row->name, "stacktop, stackpointer", row->iframe.stacktop,
				row->iframe.stackpointer);
			check_one(row->name, "cframe, current_frame", row->tstate.cframe,
				row->tstate.current_frame);
		} else {
			check_one(row->name, "f_stacktop, f_stackdepth", row->frame.f_stacktop,
				row->frame.f_stackdepth);
		}
		if (has_gc_state(row)) {
			check_one(row->name, "generations, young", row->gc.generations,
				row->gc.young);
			check_one(row->name, "gc of interpreter, of runtime", row->interp.gc,
				row->runtime.gc);
		}
	}
}

static void test_traits(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		const struct pylayout_traits *traits = &row->traits;

		print_message("# %s\n", row->name);
		assert_true(traits->pool_bytes == 4096 || traits->pool_bytes == 16384);
		assert_true(traits->alignment == 8 || traits->alignment == 16);
		// pymalloc.h: PYMALLOC_POOL_WORDS, PYMALLOC_HEADER_BYTES.
		assert_true(traits->pool_bytes / traits->alignment / 64 <= 16);
		assert_true(row->pool.header_size <= 48);
		assert_int_equal(traits->preheader_bytes % 8, 0);
		assert_true(!traits->immortal_refcnt || traits->immortal_refcnt > 1 << 20);
		assert_true(traits->instruction_bytes == 1 || traits->instruction_bytes == 2);
		// The low bits of a GC head's links are not part of an address.
		assert_int_equal(row->gc_head.size % 8, 0);
		// Where a word is loaded at once with what is before it.
		assert_int_equal(row->object.ob_refcnt, 0);
		assert_int_equal(row->object.ob_size, row->object.size);
		if (pylayout_has(row->str.state)) {
			assert_true(row->str.kind_bit / 32 == row->str.state / 4);
			assert_true(row->str.ascii_bit / 32 == row->str.state / 4);
		}
		// Attributes without a dict are before the object or behind it.
		assert_int_equal(traits->attributes != PYATTRIBUTES_NONE,
			traits->preheader_bytes && traits->preheader_flags);
		assert_int_equal(
			pylayout_has(row->gen.gi_frame_state), traits->gen_cleared_state != 0);
		assert_true(!traits->tagged_stack || pylayout_has(row->iframe.stackpointer));
	}
}

// ---- versions ------------------------------------------------------------------------------

static bool are_alike(const struct pylayout *one, const struct pylayout *other)
{
	const struct pylayout_field_name *field;

	for (size_t i = 0; (field = pylayout_field_name(i)); i++) {
		if (pylayout_value(one, field) != pylayout_value(other, field))
			return false;
	}
	return one->traits.alignment == other->traits.alignment;
}

// Each row is there for a reason.
static void test_rows_differ(void **state)
{
	const struct pylayout *row, *other;

	(void)state;
	FOR_EACH_ROW(row)
	{
		for (size_t i = 0; (other = pylayout_row(i)); i++) {
			if (row != other && strcmp(row->name, other->name) == 0)
				fail_msg("two rows are called %s", row->name);
			if (row != other && are_alike(row, other))
				fail_msg("%s is the same as %s", row->name, other->name);
		}
	}
}

// What _PyRuntime itself says of its offsets is in its first kilobyte, behind the cookie, the version
// and a flag, and before the rest of the runtime; each entry says one field.
static void test_debug_offsets(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		assert_int_equal(row->debug_offsets_count != 0, row->version_low >= 0x030d0000);
		for (uint32_t i = 0; i < row->debug_offsets_count; i++) {
			const struct pylayout_debug_offset *entry = &row->debug_offsets[i];

			if (entry->position < 24 || entry->position % 8 ||
				entry->position + 8 > 1024 ||
				entry->position + 8 > row->runtime.interpreters_head)
				fail_msg("%s: an entry at %u", row->name, entry->position);
			assert_true(entry->field >= offsetof(struct pylayout, object));
			assert_true(entry->field < offsetof(struct pylayout, fields));
			for (uint32_t k = 0; k < i; k++) {
				assert_int_not_equal(
					row->debug_offsets[k].position, entry->position);
				assert_int_not_equal(row->debug_offsets[k].field, entry->field);
			}
		}
	}
}

// Is the row among those that are tried for a version?
static bool is_tried(const struct pylayout *row, uint32_t version)
{
	const struct pylayout *tried = NULL;

	while ((tried = pylayout_next(version, tried))) {
		if (tried == row)
			return true;
	}
	return false;
}

static void test_versions(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		assert_true(row->version_low <= row->version_high);
		assert_true(is_tried(row, row->version_low));
		assert_true(is_tried(row, row->version_high));
		assert_true(is_tried(row, row->version_low & 0xffff0000));
		assert_false(is_tried(row, row->version_low - 1));
		assert_false(is_tried(row, row->version_high + 1));
	}
	assert_null(pylayout_next(0, NULL));
	assert_null(pylayout_next(UINT32_MAX, NULL));
	// A pre-release is no release: its layouts were still moving.
	assert_null(pylayout_next(0x030b00a7, NULL));
	assert_non_null(pylayout_next(0x030b00f0, NULL));
	assert_non_null(pylayout_next(0x030b07f0, NULL));
	assert_null(pylayout_next(0x03100000, NULL));
	assert_null(pylayout_next(0x03050000, NULL));
	assert_string_equal(pylayout_nearest(0x031000f0)->name, "cpython-3.15");
	assert_string_equal(pylayout_nearest(0x030b00a7)->name, "cpython-3.11");
	assert_string_equal(pylayout_supported(), "2.7, 3.6 to 3.15");
}

static void test_fields(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		const struct pyfields *weakref = pylayout_fields(row, "weakref", INT64_MAX);

		assert_true(row->fields_count > 50);
		for (uint32_t i = 0; i < row->fields_count; i++) {
			const struct pyfields *fields = &row->fields[i];

			// Without any, what it holds is not an object in this version.
			for (uint32_t j = 0; j < fields->count; j++) {
				if (fields->fields[j].offset % 8 ||
					fields->fields[j].offset + 8 > fields->size)
					fail_msg("%s: %s.%s", row->name, fields->type_names,
						fields->fields[j].label);
			}
		}
		// Each of the names, the whole name, and only of types that are large enough.
		assert_non_null(weakref);
		assert_ptr_equal(pylayout_fields(row, "weakref.ReferenceType", INT64_MAX), weakref);
		assert_ptr_equal(pylayout_fields(row, "weakref", weakref->size), weakref);
		assert_null(pylayout_fields(row, "weakref", weakref->size - 1));
		assert_null(pylayout_fields(row, "weakref,weakref", INT64_MAX));
		assert_null(pylayout_fields(row, "weakre", INT64_MAX));
		assert_null(pylayout_fields(row, "", INT64_MAX));
		assert_non_null(pylayout_fields(row, "<interpreter>", INT64_MAX));
		assert_non_null(pylayout_fields(row, "<thread>", INT64_MAX));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needed_fields_exist),
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_traits),
		cmocka_unit_test(test_rows_differ),
		cmocka_unit_test(test_debug_offsets),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
