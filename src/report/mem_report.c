// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/mem_report.h"

size_t mem_report_parts(const struct mem_report *report, enum heap_memory_part ret[HEAP_PART_COUNT])
{
	const uint64_t *bytes = report->memory.figures.part_bytes;
	size_t count = 0;

	for (size_t part = 0; part < HEAP_PART_COUNT; part++) {
		size_t at = count;

		if (!bytes[part])
			continue;
		for (; at > 0 && bytes[ret[at - 1]] < bytes[part]; at--)
			ret[at] = ret[at - 1];
		ret[at] = (enum heap_memory_part)part;
		count++;
	}
	return count;
}

size_t mem_report_types(const struct mem_report *report, uint32_t *ret, size_t count)
{
	const struct heap_memory_figures *figures = &report->memory.figures;
	size_t found = 0;

	for (uint32_t type = 1; type < figures->type_count; type++) {
		uint64_t bytes = figures->types[type].bytes;
		size_t at = found < count ? found : count;

		if (!bytes || (at == count && (!at || figures->types[ret[at - 1]].bytes >= bytes)))
			continue;
		if (at == count)
			at--;
		else
			found++;
		for (; at > 0 && figures->types[ret[at - 1]].bytes < bytes; at--)
			ret[at] = ret[at - 1];
		ret[at] = type;
	}
	return found;
}
