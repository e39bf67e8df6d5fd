// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/mem_report.h"

#include "base/alloc.h"
#include "base/human.h"
#include "base/path.h"
#include "base/string_builder.h"
#include "report/text_writer.h"

#include <inttypes.h>
#include <stdio.h>

// One screen.
#define FAMILIES_SHOWN 5
#define TYPES_SHOWN    4
#define OWNERS_SHOWN   4
#define PINNERS_SHOWN  3
// Parts with less than this share are summed up.
#define SHARE_SHOWN    0.001

// What smaps said, and the cgroups.
static void add_usage(struct string_builder *line, const struct heap_memory_figures *figures)
{
	string_builder_add_format(line, "PSS %s", human_bytes((double)figures->pss_bytes).text);
	if (figures->swap_bytes)
		string_builder_add_format(
			line, ", swap %s", human_bytes((double)figures->swap_bytes).text);
	if (figures->limit_bytes != UINT64_MAX)
		string_builder_add_format(line, ", cgroup limit %s, %s left",
			human_bytes((double)figures->limit_bytes).text,
			human_bytes((double)figures->headroom_bytes).text);
	if (figures->cow_shared_bytes)
		string_builder_add_format(line,
			", %s still shared with other processes after fork, %s its own",
			human_bytes((double)figures->cow_shared_bytes).text,
			human_bytes((double)figures->private_bytes).text);
}

// Which it is, where it is no process that runs.
static void write_name(struct text_writer *writer, const struct mem_report *report)
{
	const char *program = path_base_name(report->executable);
	char name[256];

	if (report->name)
		snprintf(name, sizeof(name), "%s%s%s", program, *program ? ", " : "", report->name);
	else
		snprintf(name, sizeof(name), "%s %d", program, (int)report->pid);
	text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_BOLD, "shikari: %s (%s, %s, %s thread%s)",
		name, report->python, human_bytes((double)report->memory.figures.rss_bytes).text,
		human_count(report->threads).text, report->threads == 1 ? "" : "s");
}

static void write_target(struct text_writer *writer, const struct mem_report *report)
{
	const struct heap_memory_figures *figures = &report->memory.figures;
	_cleanup_(string_builder_deinit) struct string_builder line = {0};
	_cleanup_(mem_free) char *text = NULL;

	write_name(writer, report);
	if (figures->has_usage)
		add_usage(&line, figures);
	else
		string_builder_add_format(&line,
			"no smaps in a core: PSS, swap, limits and sharing are not known, nor code "
			"in "
			"memory; of its %s, pages of zeros (memory never touched) are left out",
			human_bytes((double)figures->core_bytes).text);
	if (report->mode && report->stopped_ms > 0)
		string_builder_add_format(&line, " · target stopped %s (%s)",
			human_seconds(report->stopped_ms / 1e3).text, report->mode);
	else if (report->mode)
		string_builder_add_format(&line, " · target not stopped (%s)", report->mode);
	text = string_builder_finish(&line);
	if (text)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN, "%s", text);
	else
		writer->out.failed = true;
	for (size_t i = 0; i < report->note_count; i++)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN, "%s", report->notes[i]);
	text_writer_blank(writer);
}

static double share_of(const struct mem_report *report, uint64_t bytes)
{
	uint64_t rss = report->memory.figures.rss_bytes;

	return rss ? (double)bytes / (double)rss : 0;
}

static void write_row(struct text_writer *writer, const struct mem_report *report, uint64_t bytes,
	const char *what)
{
	string_builder_add_format(&writer->out, "%10s %5.1f %%  %s\n",
		human_bytes((double)bytes).text, 100 * share_of(report, bytes), what);
}

static void write_under(struct text_writer *writer, char *text)
{
	if (!text)
		writer->out.failed = true;
	else if (*text)
		text_writer_line(writer, "", TEXT_PLAIN, TEXT_DIM, "           %s", text);
	mem_free(text);
}

static void write_families(struct text_writer *writer, const struct mem_report *report)
{
	const struct memory_report *memory = &report->memory;
	_cleanup_(string_builder_deinit) struct string_builder line = {0};

	for (size_t i = 0; i < memory->family_count && i < FAMILIES_SHOWN; i++)
		string_builder_add_format(&line, "%s%s %s (%s)", i ? " · " : "",
			memory->families[i].name,
			human_bytes((double)memory->families[i].bytes).text,
			human_count(memory->families[i].objects).text);
	write_under(writer, string_builder_finish(&line));
}

static void write_garbage(struct text_writer *writer, const struct mem_report *report)
{
	const struct memory_report *memory = &report->memory;
	_cleanup_(string_builder_deinit) struct string_builder line = {0};

	for (size_t i = 0; i < memory->garbage.type_count && i < TYPES_SHOWN; i++)
		string_builder_add_format(&line, "%s%s ×%s", i ? " · " : "",
			report->graph->types[memory->garbage.types[i].type].name,
			human_count(memory->garbage.types[i].objects).text);
	for (size_t i = 0; i < memory->cycle_count; i++)
		string_builder_add_format(
			&line, "%s%s", i ? " → " : "; a cycle: ", memory->cycle[i]);
	if (memory->cycle_count)
		string_builder_add_format(&line, " → %s", memory->cycle[0]);
	write_under(writer, string_builder_finish(&line));
}

static void write_owners(
	struct text_writer *writer, const struct mem_report *report, enum heap_memory_part part)
{
	const struct heap_memory_figures *figures = &report->memory.figures;
	_cleanup_(string_builder_deinit) struct string_builder line = {0};
	size_t shown = 0;

	for (size_t i = 0; i < figures->owner_count && shown < OWNERS_SHOWN; i++) {
		const struct heap_memory_owner *owner = &figures->owners[i];

		if (owner->part != part)
			continue;
		string_builder_add_format(&line, "%s%s %s", shown++ ? " · " : "led to by ",
			owner->name, human_bytes((double)owner->bytes).text);
	}
	write_under(writer, string_builder_finish(&line));
}

static void write_types_of(
	struct text_writer *writer, const struct mem_report *report, enum heap_fate fate)
{
	const struct heap_memory_figures *figures = &report->memory.figures;
	_cleanup_(string_builder_deinit) struct string_builder line = {0};
	uint32_t best = 0;

	for (uint32_t i = 1; i < figures->type_count; i++) {
		if (figures->types[i].by_fate[fate] > figures->types[best].by_fate[fate])
			best = i;
	}
	if (figures->types[best].by_fate[fate])
		string_builder_add_format(&line, "most of it %s ×%s",
			report->graph->types[best].name,
			human_count(figures->types[best].objects_by_fate[fate]).text);
	write_under(writer, string_builder_finish(&line));
}

static void write_mallocs(struct text_writer *writer, const struct mem_report *report)
{
	const struct heap_memory_figures *figures = &report->memory.figures;
	_cleanup_(string_builder_deinit) struct string_builder line = {0};

	string_builder_add_format(&line, "malloc_trim(0) would return %s",
		human_bytes((double)figures->trim_bytes).text);
	if (figures->malloc_count > 1)
		string_builder_add_format(
			&line, "; %s arenas", human_count(figures->malloc_count).text);
	write_under(writer, string_builder_finish(&line));
}

static void write_allocator(struct text_writer *writer, const struct mem_report *report)
{
	_cleanup_(string_builder_deinit) struct string_builder line = {0};

	string_builder_add_format(&line,
		"%s, whose structures are not read: C code's blocks, and what is free or lost to "
		"rounding",
		report->memory.figures.allocator);
	write_under(writer, string_builder_finish(&line));
}

static void write_pinned(struct text_writer *writer, const struct mem_report *report)
{
	const struct memory_report *memory = &report->memory;
	_cleanup_(string_builder_deinit) struct string_builder line = {0};

	if (!memory->pinned_arenas)
		return;
	string_builder_add_format(&line, "%s arenas (%s) are kept by %s blocks (%s)",
		human_count(memory->pinned_arenas).text,
		human_bytes((double)memory->pinned_bytes).text,
		human_count(memory->pinned_objects).text,
		human_bytes((double)memory->pinned_used_bytes).text);
	for (size_t i = 0; i < memory->pinner_count && i < PINNERS_SHOWN; i++)
		string_builder_add_format(&line, "%s%s in %s of them", i ? ", " : ": held by ",
			memory->pinners[i].path, human_count(memory->pinners[i].arenas).text);
	write_under(writer, string_builder_finish(&line));
}

static void write_detail(
	struct text_writer *writer, const struct mem_report *report, enum heap_memory_part part)
{
	switch (part) {
	case HEAP_PART_OBJECTS:
		write_families(writer, report);
		break;
	case HEAP_PART_GARBAGE:
		write_garbage(writer, report);
		break;
	case HEAP_PART_UNEXPLAINED_REFERENCES:
		write_types_of(writer, report, HEAP_FATE_UNEXPLAINED);
		break;
	case HEAP_PART_FROZEN:
		write_types_of(writer, report, HEAP_FATE_FROZEN);
		break;
	case HEAP_PART_FREE_BLOCKS:
		write_pinned(writer, report);
		break;
	case HEAP_PART_MALLOC_FREE:
	case HEAP_PART_MALLOC_TOP:
		write_mallocs(writer, report);
		break;
	case HEAP_PART_OTHER_ALLOCATOR:
		write_allocator(writer, report);
		break;
	case HEAP_PART_C_OTHER:
	case HEAP_PART_C_OWNED:
	case HEAP_PART_MAPPED:
		write_owners(writer, report, part);
		break;
	default:
		break;
	}
}

static void write_parts(struct text_writer *writer, const struct mem_report *report)
{
	enum heap_memory_part parts[HEAP_PART_COUNT];
	size_t count = mem_report_parts(report, parts);
	uint64_t rest = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t bytes = report->memory.figures.part_bytes[parts[i]];

		if (share_of(report, bytes) < SHARE_SHOWN && parts[i] != HEAP_PART_UNEXPLAINED) {
			rest += bytes;
			continue;
		}
		write_row(writer, report, bytes, heap_memory_part_text(parts[i]));
		write_detail(writer, report, parts[i]);
	}
	if (rest)
		write_row(writer, report, rest, "others (--json has all)");
	text_writer_blank(writer);
	text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN, "explained %.1f %% of %s",
		100 * report->memory.explained_ratio,
		report->memory.figures.has_usage ? "RSS" : "what the core has");
}

// What gc.freeze() put away: usually before a fork, so that children share it.
static void write_permanent(struct text_writer *writer, const struct mem_report *report)
{
	const struct memory_report *memory = &report->memory;

	if (memory->permanent_objects == memory->permanent_immortal_objects)
		return;
	text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
		"gc.freeze() hides %s objects (%s) from the collector, which does not write to "
		"them "
		"either: after a fork their pages stay shared until something else does, such as a "
		"reference count",
		human_count(memory->permanent_objects - memory->permanent_immortal_objects).text,
		human_bytes((double)(memory->permanent_bytes - memory->permanent_immortal_bytes))
			.text);
	if (memory->garbage.frozen_objects)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
			"because of that, %s unreachable objects (%s) do not come back by "
			"gc.collect(), but by gc.unfreeze() and gc.collect()",
			human_count(memory->garbage.frozen_objects).text,
			human_bytes((double)memory->garbage.frozen_bytes).text);
}

static void write_remedies(struct text_writer *writer, const struct mem_report *report)
{
	const struct memory_report *memory = &report->memory;

	for (size_t i = 0; i < memory->remedy_count; i++) {
		const struct memory_remedy *remedy = &memory->remedies[i];

		text_writer_line(writer, i ? "" : "  helps", TEXT_DIM, TEXT_PLAIN,
			"%s: %s. Frees %s, gives the system %s", remedy->name, remedy->what,
			human_bytes((double)remedy->freed_bytes).text,
			human_bytes((double)remedy->returned_bytes).text);
	}
}

static void write_maps(struct text_writer *writer, const struct mem_report *report)
{
	const struct heap_memory_figures *figures = &report->memory.figures;

	text_writer_blank(writer);
	for (size_t i = 0; i < figures->mapping_count; i++) {
		const struct heap_memory_mapping *mapping = &figures->mappings[i];

		if (!mapping->rss && !mapping->swap)
			continue;
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
			"%012" PRIx64 "-%012" PRIx64 " %9s  unexplained %9s  %s %s", mapping->start,
			mapping->end, human_bytes((double)mapping->rss).text,
			human_bytes((double)mapping->unexplained).text,
			heap_memory_part_name(mapping->main_part), mapping->path);
	}
}

char *mem_report_text(const struct mem_report *report, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};

	write_target(&writer, report);
	write_parts(&writer, report);
	write_permanent(&writer, report);
	text_writer_blank(&writer);
	text_writer_line(&writer, NULL, TEXT_PLAIN, TEXT_GOOD, "● %s", report->memory.verdict);
	write_remedies(&writer, report);
	if (report->has_maps)
		write_maps(&writer, report);
	return string_builder_finish(&writer.out);
}
