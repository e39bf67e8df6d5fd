// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Tests that are run once for each row of layouts. Include after check.h.
 *
 * A test finds its row in `layout`. Its name is that of the row and its own, "cpython-3.8: test_list".
 * What is about a shape that a row does not have returns at once.
 */
#pragma once

#include "cpython/pylayout.h"

#include <stdio.h>
#include <stdlib.h>

static const struct pylayout *layout; /* of the row being tested */

static inline int choose_row(void **state)
{
	layout = *state;
	return 0;
}

static inline size_t count_rows(void)
{
	size_t count = 0;

	while (pylayout_row(count))
		count++;
	return count;
}

static inline int run_tests_on_each_row(
	const char *group, const struct CMUnitTest *tests, size_t test_count)
{
	size_t total = count_rows() * test_count;
	struct CMUnitTest *all = calloc(total, sizeof(*all));
	char(*names)[128] = calloc(total, sizeof(*names));
	int failed;

	if (!all || !names)
		abort();
	for (size_t i = 0; i < total; i++) {
		const struct pylayout *row = pylayout_row(i / test_count);

		all[i] = tests[i % test_count];
		snprintf(names[i], sizeof(names[i]), "%s: %s", row->name, all[i].name);
		all[i].name = names[i];
		all[i].setup_func = choose_row;
		all[i].initial_state = (void *)row;
	}
	failed = _cmocka_run_group_tests(group, all, total, NULL, NULL);
	free(names);
	free(all);
	return failed;
}

#define RUN_ON_EACH_ROW(tests)                                                                     \
	run_tests_on_each_row(#tests, tests, sizeof(tests) / sizeof((tests)[0]))
