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

bool hunt_report_is_contradicted(
	const struct suspect *suspect, const struct watch_object *object, double expected)
{
	if (object->is_gone)
		return true;
	if (object->length_first < suspect->length_last &&
		object->length_last < suspect->length_last)
		return true;
	return object->length_lowest < object->length_first / 2 ||
	       (object->changes && object->length_last <= object->length_first &&
		       expected >= SUSPECTS_CONTAINER_ITEMS_MIN &&
		       expected > object->length_first - object->length_lowest);
}
