// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* Where the numbers come from: the rows as they are told, and how they are written down. */
#include "check.h"

#include "base/alloc.h"
#include "cpython/python_open.h"
#include "doctor/doctor_layout.h"
#include "export/export_layout.h"
#include "report/layout_text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct report_style plain;

#define FOR_EACH_ROW(row) for (size_t i_ = 0; (row = pylayout_row(i_)); i_++)

// What a row says of a field agrees with the field.
static void test_origins(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		assert_true(strlen(row->labels) > 0);
		for (size_t i = 0; pylayout_field_name(i); i++) {
			uint32_t value = pylayout_value(row, pylayout_field_name(i));
			const struct pylayout_origin *origin = &row->origins[i];

			assert_true(pylayout_has(value) == (origin->entry != NULL));
			assert_true(origin->entry || !origin->is_set);
			if (origin->entry)
				assert_true((pylayout_field_name(i)->kind == PYLAYOUT_SIZE) ==
					    (strchr(origin->entry, '.') == NULL));
		}
	}
}

static const char *trait_text(const struct pylayout *row, const char *name)
{
	for (const struct pylayout_trait *trait = row->trait_texts; trait->name; trait++) {
		if (strcmp(trait->name, name) == 0)
			return trait->value;
	}
	return "0";
}

static void test_traits_as_text(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		assert_int_equal(
			strtoul(trait_text(row, "alignment"), NULL, 0), row->traits.alignment);
		assert_int_equal(strtoull(trait_text(row, "immortal_refcnt"), NULL, 0),
			row->traits.immortal_refcnt);
		assert_true((strcmp(trait_text(row, "tagged_stack"), "true") == 0) ==
			    row->traits.tagged_stack);
		assert_true((strcmp(trait_text(row, "line_table"), "locations") == 0) ==
			    (row->traits.line_table == PYLINES_LOCATIONS));
	}
}

// The text for messages is written by hand: 2.7, and from the first of Python 3 to the last, without a gap.
static void test_supported_versions(void **state)
{
	const struct pylayout *row;
	unsigned first = 0, last = 0;
	char text[64];

	(void)state;
	assert_int_equal(pylayout_row(0)->version_low >> 16, 0x0207);
	FOR_EACH_ROW(row)
	{
		unsigned minor = row->version_low >> 16 & 0xff;

		if (row->version_low >> 24 != 3)
			continue;
		assert_true(!last || minor == last || minor == last + 1);
		first = first ? first : minor;
		last = minor;
	}
	snprintf(text, sizeof(text), "2.7, 3.%u to 3.%u", first, last);
	assert_string_equal(pylayout_supported(), text);
}

static void test_fields_that_the_process_told(void **state)
{
	const struct pylayout *row = pylayout_next(0x030d00f0, NULL);
	bool *said = mem_calloc(row->debug_offsets_count, sizeof(*said));
	struct python python = {.row = row, .said = said};

	(void)state;
	assert_true(row->debug_offsets_count > 2);
	said[1] = true;
	assert_false(python_was_told(&python, row->debug_offsets[0].field));
	assert_true(python_was_told(&python, row->debug_offsets[1].field));
	assert_false(python_was_told(&python, UINT32_MAX));
	python.said = NULL;
	assert_false(python_was_told(&python, row->debug_offsets[1].field));
	mem_free(said);
}

static const struct doctor_layout_row *find_row(
	const struct doctor_layout *layout, const char *name)
{
	for (size_t i = 0; i < layout->row_count; i++) {
		if (strcmp(layout->rows[i].name, name) == 0)
			return &layout->rows[i];
	}
	fail_msg("there is no row %s", name);
	return NULL;
}

static void test_list(void **state)
{
	_cleanup_(doctor_layout_deinit) struct doctor_layout layout = {0};
	const struct doctor_layout_row *row;

	(void)state;
	assert_success(doctor_layout_list(&layout));
	assert_null(pylayout_row(layout.row_count));
	assert_null(doctor_layout_taken(&layout));
	assert_int_equal(layout.field_count, 0);
	assert_string_equal(find_row(&layout, "cpython-3.11")->versions, "3.11");
	assert_string_equal(find_row(&layout, "cpython-3.11")->labels, "3.11.2, 3.11.7");
	assert_string_equal(find_row(&layout, "cpython-3.14.5")->versions, "3.14.5 and later");
	row = find_row(&layout, "cpython-3.7.0");
	assert_string_equal(row->versions, "3.7.0 to 3.7.3");
	assert_int_equal(row->set_count, 9);
	assert_true(row->field_count > 150);
	assert_true(row->trait_count >= 3);
}

// A process of which no row, or the second, was taken.
static struct doctor_layout_row trials[] = {
	{.name = "cpython-3.13",
		.labels = "3.13.0",
		.versions = "3.13",
		.refusal = "the collector's \033[31m lists"},
	{.name = "cpython-3.13-debian",
		.labels = "3.13.5-debian, 3.13.15-debian",
		.versions = "3.13",
		.is_taken = true},
};
static struct doctor_layout_field fields[] = {
	{.name = "list.ob_item",
		.c_name = "PyListObject.ob_item",
		.source = DOCTOR_LAYOUT_TOLD,
		.value = 24,
		.row_value = 24},
	{.name = "interp.size",
		.c_name = "PyInterpreterState",
		.kind = DOCTOR_LAYOUT_SIZE,
		.source = DOCTOR_LAYOUT_TOLD,
		.value = 1000,
		.row_value = 900},
	{.name = "interp.gil",
		.kind = DOCTOR_LAYOUT_OFFSET,
		.source = DOCTOR_LAYOUT_TOLD,
		.value = 8,
		.row_value = DOCTOR_LAYOUT_NONE},
	{.name = "gc_head.size",
		.c_name = "PyGC_Head",
		.kind = DOCTOR_LAYOUT_SIZE,
		.source = DOCTOR_LAYOUT_SET,
		.value = 24,
		.row_value = 24},
};
static struct doctor_layout_member members[] = {
	{.type_names = "method", .size = 48, .label = "__func__", .offset = 16},
	{.type_names = "method", .size = 48, .label = "", .offset = 24},
	{.type_names = "weakref.ReferenceType,weakref", .size = 72, .label = "x", .offset = 24},
};
static const struct doctor_layout process = {
	.supported = "3.13",
	.is_of_process = true,
	.pid = 42,
	.version_hex = 0x030d05f0,
	.python = "CPython 3.13.5",
	.executable = "/usr/bin/uw\nsgi",
	.binary = "/usr/lib/libpython3.13.so",
	.rows = trials,
	.row_count = 2,
	.fields = fields,
	.field_count = 4,
	.members = members,
	.member_count = 3,
};

static void test_text_of_a_process(void **state)
{
	_cleanup_(mem_free) char *text = layout_text(&process, &plain);
	static const char *const lines[] = {
		"sgi 42 (CPython 3.13.5, in /usr/lib/libpython3.13.so)\n",
		"refused  cpython-3.13: the collector's ",
		"row      cpython-3.13-debian: CPython 3.13, read from 3.13.5-debian, "
		"3.13.15-debian\n",
		"fields   0 of the row, 1 that data/layout/rows.txt sets, 3 that the process told "
		"(_Py_DebugOffsets), 2 of them not what the row says\n",
		"  24  PyListObject.ob_item                           process\n",
		"  process, the row has 900\n",
		" process, the row has none\n",
		" set\n",
		" __func__ 16 - 24\nweakref.ReferenceType,weakref ",
	};

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!strstr(text, lines[i]))
			fail_msg("%s is not in:\n%s", lines[i], text);
	}
	assert_null(strchr(text, '\033'));
}

static json_t *parse(const struct doctor_layout *layout)
{
	_cleanup_(mem_free) char *text = NULL;
	json_t *root;

	assert_success(export_layout_json(layout, &text));
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")), "shikari.layout/1");
	return root;
}

static void test_json_of_a_process(void **state)
{
	json_t *root = parse(&process), *rows = json_object_get(root, "rows");
	json_t *values = json_object_get(root, "fields"), *first, *third;

	(void)state;
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(root, "process"), "version_hex")),
		0x030d05f0);
	assert_true(json_is_false(json_object_get(json_array_get(rows, 0), "taken")));
	assert_true(json_is_string(json_object_get(json_array_get(rows, 0), "refusal")));
	assert_true(json_is_true(json_object_get(json_array_get(rows, 1), "taken")));
	assert_int_equal(json_array_size(json_object_get(json_array_get(rows, 1), "from")), 2);
	first = json_array_get(values, 0);
	assert_string_equal(json_string_value(json_object_get(first, "source")), "process");
	assert_int_equal(json_integer_value(json_object_get(first, "value")), 24);
	third = json_array_get(values, 2);
	assert_true(json_is_null(json_object_get(third, "c_name")));
	assert_true(json_is_null(json_object_get(third, "row_value")));
	assert_int_equal(json_array_size(json_object_get(root, "members")), 3);
	json_decref(root);
}

static void test_json_of_all(void **state)
{
	_cleanup_(doctor_layout_deinit) struct doctor_layout layout = {0};
	json_t *root, *rows, *traits;

	(void)state;
	assert_success(doctor_layout_list(&layout));
	root = parse(&layout);
	rows = json_object_get(root, "rows");
	assert_true(json_is_null(json_object_get(root, "process")));
	assert_int_equal(json_array_size(rows), layout.row_count);
	traits = json_object_get(json_array_get(rows, layout.row_count - 1), "traits");
	assert_int_equal(json_integer_value(json_object_get(traits, "pool_bytes")), 16384);
	assert_true(json_is_true(json_object_get(traits, "tagged_stack")));
	assert_string_equal(json_string_value(json_object_get(traits, "line_table")), "locations");
	json_decref(root);
}

// Any allocation may fail.
static void test_without_memory(void **state)
{
	(void)state;
	for (uint64_t countdown = 0;; countdown++) {
		_cleanup_(doctor_layout_deinit) struct doctor_layout layout = {0};
		char *text = NULL;
		struct error *err;

		alloc_fail_after(countdown);
		err = doctor_layout_list(&layout);
		if (!err)
			text = layout_text(&layout, &plain);
		alloc_fail_after(UINT64_MAX);
		if (err)
			assert_int_equal(error_kind(err), ERROR_MEMORY);
		error_destroy(err);
		mem_free(text);
		if (text)
			return;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_traits_as_text),
		cmocka_unit_test(test_supported_versions),
		cmocka_unit_test(test_fields_that_the_process_told),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_text_of_a_process),
		cmocka_unit_test(test_json_of_a_process),
		cmocka_unit_test(test_json_of_all),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
