// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// The rows of layouts: complete where a reader relies on them, and found by version.
#include "check.h"

#include <string.h>

#include "cpython/pylayout.h"

#define FOR_EACH_ROW(row) for (size_t i_ = 0; (row = pylayout_row(i_)); i_++)

// What readers ask for before they use it; everything else must be there in a row of this shape.
static bool may_be_missing(const char *name)
{
	static const char *const optional[] = {"str.wstr", "str.wstr_length", "code.co_cached_code",
		"interp.type_cache", "runtime.main_interpreter"};

	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		if (strcmp(optional[i], name) == 0)
			return true;
	}
	return false;
}

static void check_field(const char *row, const char *name, uint32_t value)
{
	if (value == PYLAYOUT_NONE && !may_be_missing(name))
		fail_msg("%s has no %s", row, name);
	// A struct of an interpreter is a few hundred kilobytes at most.
	if (value != PYLAYOUT_NONE && value > 1 << 20)
		fail_msg("%s: %s is %u", row, name, value);
}

static void test_rows_are_complete(void **state)
{
	const struct pylayout *row;

	(void)state;
	assert_non_null(pylayout_row(0));
	FOR_EACH_ROW(row)
	{
#define CHECK_OFFSET(group, member, ...)                                                           \
	check_field(row->name, #group "." #member, row->group.member);
		PYLAYOUT_FIELDS(CHECK_OFFSET, CHECK_OFFSET, CHECK_OFFSET)
#undef CHECK_OFFSET
	}
}

static void test_traits(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		const struct pylayout_traits *traits = &row->traits;

		assert_true(traits->pool_bytes == 4096 || traits->pool_bytes == 16384);
		assert_true(traits->alignment == 8 || traits->alignment == 16);
		// pymalloc.h: PYMALLOC_POOL_WORDS, PYMALLOC_HEADER_BYTES.
		assert_true(traits->pool_bytes / traits->alignment / 64 <= 16);
		assert_true(row->pool.header_size <= 48);
		assert_int_equal(traits->preheader_bytes % 8, 0);
		assert_true(traits->immortal_refcnt > 1 << 20);
		// Where a word is loaded at once with what is before it.
		assert_int_equal(row->object.ob_refcnt, 0);
		assert_int_equal(row->object.ob_size, row->object.size);
		assert_true(row->str.kind_bit / 32 == row->str.state / 4);
		assert_true(row->str.ascii_bit / 32 == row->str.state / 4);
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
	assert_true(strstr(pylayout_supported(), "3.11") != NULL);
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

			assert_true(fields->count > 0);
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
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_traits),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
