// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/memory_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/string_builder.h"

#include <stdarg.h>
#include <stdio.h>

// What is less than this is not worth a remedy: RSS differs by as much from one moment to the next.
#define REMEDY_BYTES_MIN ((uint64_t)256 << 10)
// A container that holds so much of the live objects is worth a word.
#define LARGEST_SHARE    0.25
#define REMEDIES_MAX     8
#define SENTENCE_BYTES   1024

__attribute__((__format__(__printf__, 5, 6))) static struct error *add_remedy(
	struct memory_report *report, const char *name, uint64_t freed, uint64_t returned,
	const char *format, ...)
{
	struct memory_remedy *remedy = &report->remedies[report->remedy_count];
	char text[SENTENCE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	*remedy = (struct memory_remedy){name, mem_strdup(text), freed, returned};
	if (!remedy->what)
		return error_enomem();
	report->remedy_count++;
	return NULL;
}

static struct error *suggest_collection(struct memory_report *report, bool collector_is_enabled)
{
	uint64_t bytes = report->figures.part_bytes[HEAP_PART_GARBAGE];

	if (bytes < REMEDY_BYTES_MIN)
		return NULL;
	return add_remedy(report, "gc.collect()", bytes, report->gives_back[HEAP_PART_GARBAGE],
		"frees %s unreachable objects (%s tracked)%s",
		human_count(report->garbage.collectable_objects).text,
		human_count(report->garbage.collectable_tracked_objects).text,
		report->figures.core_bytes ? ""
		: collector_is_enabled
			? " (shikari gc PID does that)"
			: "; the collector is disabled, so that they stay until somebody calls it");
}

// What was frozen is passed over by every collection, gc.collect() as well.
static struct error *suggest_unfreezing(struct memory_report *report)
{
	uint64_t bytes = report->figures.part_bytes[HEAP_PART_FROZEN];

	if (bytes < REMEDY_BYTES_MIN)
		return NULL;
	return add_remedy(report, "gc.unfreeze() and gc.collect()", bytes,
		report->gives_back[HEAP_PART_FROZEN],
		"frees %s unreachable objects that gc.freeze() put where no collection looks; "
		"gc.collect() alone does not",
		human_count(report->garbage.frozen_objects).text);
}

static struct error *suggest_trim(struct memory_report *report)
{
	uint64_t bytes = report->figures.trim_bytes;

	if (bytes < REMEDY_BYTES_MIN)
		return NULL;
	return add_remedy(report, "malloc_trim(0)", 0, bytes,
		"returns the free pages of malloc to the system%s",
		report->figures.core_bytes ? "" : " (shikari trim PID does that)");
}

// Arenas of threads have free memory of their own, which the others cannot use.
static struct error *suggest_fewer_arenas(struct memory_report *report)
{
	const struct heap_memory_figures *figures = &report->figures;
	uint64_t bytes = 0, arenas = 0;

	for (size_t i = 0; i < figures->malloc_count; i++) {
		const struct heap_memory_malloc *malloc = &figures->mallocs[i];

		if (malloc->is_main)
			continue;
		arenas++;
		bytes += malloc->free + malloc->cached + malloc->top;
	}
	if (bytes < REMEDY_BYTES_MIN || arenas < 2)
		return NULL;
	return add_remedy(report, "MALLOC_ARENA_MAX", 0, bytes,
		"set to 2 in the environment, from the next start on: %s arenas of threads keep at "
		"most so much free memory apart",
		human_count(arenas).text);
}

static struct error *suggest_bound(struct memory_report *report)
{
	if (!report->largest_path || report->largest_bytes < REMEDY_BYTES_MIN ||
		(double)report->largest_bytes <
			LARGEST_SHARE * (double)report->cause_bytes[MEMORY_OBJECTS])
		return NULL;
	return add_remedy(report, "a bound", report->largest_bytes, 0,
		"for %s (%s), which retains so much; if it is a cache, let it forget",
		report->largest_path, report->largest_type);
}

static struct error *suggest_unpinning(struct memory_report *report)
{
	uint64_t kept = report->pinned_bytes > report->pinned_used_bytes
				? report->pinned_bytes - report->pinned_used_bytes
				: 0;

	if (kept < REMEDY_BYTES_MIN)
		return NULL;
	return add_remedy(report, "letting go of what pins arenas", report->pinned_used_bytes,
		report->pinned_bytes,
		"%s small blocks (%s) keep %s arenas; what is held by %s is among them",
		human_count(report->pinned_objects).text,
		human_bytes((double)report->pinned_used_bytes).text,
		human_count(report->pinned_arenas).text,
		report->pinner_count ? report->pinners[0].path : "the interpreter");
}

static struct error *suggest_restart(struct memory_report *report)
{
	uint64_t bytes = report->figures.part_bytes[HEAP_PART_NUMBER_BLOCKS];

	if (bytes < REMEDY_BYTES_MIN)
		return NULL;
	return add_remedy(report, "a new process", 0, bytes,
		"Python 2 never gives back the places of ints and floats; they are used again for "
		"numbers, and for nothing else");
}

struct error *memory_find_remedies(struct memory_report *report, bool collector_is_enabled)
{
	struct error *err;

	report->remedies = mem_calloc(REMEDIES_MAX, sizeof(*report->remedies));
	if (!report->remedies)
		return error_enomem();
	err = suggest_collection(report, collector_is_enabled);
	if (!err)
		err = suggest_unfreezing(report);
	if (!err)
		err = suggest_trim(report);
	if (!err)
		err = suggest_unpinning(report);
	if (!err)
		err = suggest_fewer_arenas(report);
	if (!err)
		err = suggest_restart(report);
	if (!err)
		err = suggest_bound(report);
	return err;
}

static const char *const cause_sentences[] = {
	[MEMORY_OBJECTS] = "is live Python objects",
	[MEMORY_GARBAGE] = "is unreachable objects that wait for the cyclic collector",
	[MEMORY_REFERENCES] = "is objects held only by references that C code took and keeps",
	[MEMORY_NATIVE] = "is memory of C code",
	[MEMORY_KEPT] = "is free, but kept by an allocator",
	[MEMORY_PROGRAM] = "is the program itself: code, data, stacks",
	[MEMORY_UNKNOWN] = "is anonymous memory of which no owner was found",
};

static enum heap_memory_part largest_part(const struct memory_report *report)
{
	enum heap_memory_part best = HEAP_PART_COUNT;

	for (size_t part = 0; part < HEAP_PART_COUNT; part++) {
		if (memory_part_cause((enum heap_memory_part)part) == report->cause &&
			(best == HEAP_PART_COUNT || report->figures.part_bytes[part] >
							    report->figures.part_bytes[best]))
			best = (enum heap_memory_part)part;
	}
	return best;
}

static void add_share(
	struct string_builder *out, const struct memory_report *report, enum memory_cause cause)
{
	uint64_t bytes = report->cause_bytes[cause];

	string_builder_add_format(out, "%s of %s (%.0f %%) %s", human_bytes((double)bytes).text,
		human_bytes((double)report->figures.rss_bytes).text,
		report->figures.rss_bytes
			? 100.0 * (double)bytes / (double)report->figures.rss_bytes
			: 0,
		cause_sentences[cause]);
}

// What the main cause consists of.
static void add_detail(struct string_builder *out, const struct memory_report *report)
{
	enum heap_memory_part part = largest_part(report);
	const struct heap_memory_figures *figures = &report->figures;

	switch (report->cause) {
	case MEMORY_OBJECTS:
		if (report->family_count)
			string_builder_add_format(out, ", most of it %s (%s)",
				report->families[0].name,
				human_bytes((double)report->families[0].bytes).text);
		break;
	case MEMORY_GARBAGE:
		if (part == HEAP_PART_FROZEN) {
			string_builder_add(out, ", most of which gc.freeze() hides from it");
		} else if (report->cycle_count) {
			string_builder_add(out, ", such as the cycle ");
			for (size_t i = 0; i < report->cycle_count; i++)
				string_builder_add_format(out, "%s → ", report->cycle[i]);
			string_builder_add(out, report->cycle[0]);
		}
		break;
	case MEMORY_NATIVE:
		if (figures->owner_count)
			string_builder_add_format(out, ", %s of it led to by %s",
				human_bytes((double)figures->owners[0].bytes).text,
				figures->owners[0].name);
		break;
	case MEMORY_KEPT:
		string_builder_add_format(out, ", %s of it %s",
			human_bytes((double)figures->part_bytes[part]).text,
			heap_memory_part_text(part));
		break;
	case MEMORY_REFERENCES:
	case MEMORY_PROGRAM:
	case MEMORY_UNKNOWN:
	case MEMORY_CAUSE_COUNT:
		break;
	}
}

struct error *memory_say_verdict(struct memory_report *report)
{
	_cleanup_(string_builder_deinit) struct string_builder out = {0};
	uint64_t program = report->cause_bytes[MEMORY_PROGRAM];
	uint64_t returned = 0;

	if (report->cause_bytes[report->cause] < program) {
		add_share(&out, report, MEMORY_PROGRAM);
		string_builder_add(&out, "; ");
	}
	add_share(&out, report, report->cause);
	add_detail(&out, report);
	for (size_t i = 0; i < report->remedy_count; i++)
		returned = report->remedies[i].returned_bytes > returned
				   ? report->remedies[i].returned_bytes
				   : returned;
	if (returned)
		for (size_t i = 0; i < report->remedy_count; i++) {
			if (report->remedies[i].returned_bytes != returned)
				continue;
			string_builder_add_format(&out, "; %s would give back %s",
				report->remedies[i].name, human_bytes((double)returned).text);
			break;
		}
	report->verdict = string_builder_finish(&out);
	return report->verdict ? NULL : error_enomem();
}
