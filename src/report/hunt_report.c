// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/hunt_report.h"

#include "base/alloc.h"

void hunt_report_deinit(struct hunt_report *report)
{
	for (size_t i = 0; i < report->snapshot_count; i++) {
		mem_free(report->snapshots[i].mode);
		mem_free(report->snapshots[i].fallback_reason);
	}
	mem_free(report->snapshots);
	mem_free(report->python);
	mem_free(report->executable);
	mem_free(report->command_line);
	mem_free(report->ended_early);
	for (size_t i = 0; report->additions && i < report->suspects.count; i++) {
		watch_sites_deinit(&report->additions[i].sites);
		mem_free(report->additions[i].not_watched);
	}
	mem_free(report->additions);
	suspects_deinit(&report->suspects);
	growth_memory_deinit(&report->memory);
	*report = (struct hunt_report){0};
}
