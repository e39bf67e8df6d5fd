// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/watched.h"

#include "base/alloc.h"

void watched_report_deinit(struct watched_report *report)
{
	for (unsigned i = 0; i < report->count; i++) {
		mem_free(report->items[i].path);
		mem_free(report->items[i].type);
		watch_sites_deinit(&report->items[i].sites);
	}
	*report = (struct watched_report){0};
}
