// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// What an interpreter says of its own layout may be a lie: no reader leaves its bytes for it.
#include "check.h"

#include <string.h>

#include "base/limits.h"
#include "cpython/pylayout.h"

#define FOR_EACH_ROW(row) for (size_t i_ = 0; (row = pylayout_row(i_)); i_++)

static void set_field(struct pylayout *layout, uint32_t field, uint32_t value)
{
	memcpy((char *)layout + field, &value, sizeof(value));
}

static void test_rows_fit(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		const char *misfit = pylayout_misfit(row);

		if (misfit)
			fail_msg("%s: %s", row->name, misfit);
	}
}

// Fields that lie in bytes that are read at once, as far as debug offsets say them.
static const struct {
	const char *name;
	uint32_t field;
} inner[] = {
#define FIELD(group, member)                                                                       \
	{                                                                                          \
#group "." #member, offsetof(struct pylayout, group.member)                        \
	}
	FIELD(object, ob_type),
	FIELD(type, tp_name),
	FIELD(type, tp_flags),
	FIELD(dict, ma_keys),
	FIELD(dict, ma_values),
	FIELD(str, state),
	FIELD(str, length),
	FIELD(iframe, previous),
	FIELD(iframe, f_code),
	FIELD(iframe, instr_ptr),
	FIELD(iframe, owner),
	FIELD(iframe, stackpointer),
#undef FIELD
};

static void check_misfit(const struct pylayout *row, uint32_t field, uint32_t value)
{
	struct pylayout layout = *row;

	set_field(&layout, field, value);
	if (!pylayout_misfit(&layout))
		fail_msg("%s: a field at %u is taken for good", row->name, value);
}

static void test_fields_outside_of_their_struct(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		for (uint32_t i = 0; i < row->debug_offsets_count; i++) {
			for (size_t j = 0; j < sizeof(inner) / sizeof(inner[0]); j++) {
				if (inner[j].field != row->debug_offsets[i].field)
					continue;
				check_misfit(row, inner[j].field, row->type.size);
				check_misfit(row, inner[j].field, LIMIT_RUNTIME_BYTES - 1);
			}
		}
	}
}

// What ends before its fields do is as bad.
static void test_structs_too_small(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		if (!row->debug_offsets_count)
			continue;
		check_misfit(row, offsetof(struct pylayout, iframe.localsplus), 0);
		check_misfit(row, offsetof(struct pylayout, iframe.localsplus), row->iframe.owner);
		check_misfit(row, offsetof(struct pylayout, str.ascii_size), 0);
		check_misfit(row, offsetof(struct pylayout, str.ascii_size), row->str.state + 3);
		// The bits of the state stay where the row has them.
		check_misfit(row, offsetof(struct pylayout, str.state), row->str.state + 4);
		check_misfit(row, offsetof(struct pylayout, str.state), row->str.state - 4);
	}
}

// A struct that grew is none of that.
static void test_larger_frames_fit(void **state)
{
	const struct pylayout *row;

	(void)state;
	FOR_EACH_ROW(row)
	{
		struct pylayout layout = *row;

		if (!row->debug_offsets_count)
			continue;
		layout.iframe.previous = row->iframe.localsplus;
		layout.iframe.localsplus = row->iframe.localsplus + 8;
		assert_null(pylayout_misfit(&layout));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_fit),
		cmocka_unit_test(test_fields_outside_of_their_struct),
		cmocka_unit_test(test_structs_too_small),
		cmocka_unit_test(test_larger_frames_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
