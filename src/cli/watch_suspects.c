// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/watch_suspects.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"

struct watching {
	const struct watch_suspects_options *options;
	struct hunt_report *report;
	struct watch_object objects[WATCH_OBJECTS_MAX];
	size_t suspects[WATCH_OBJECTS_MAX]; /* whose each is */
	unsigned count;
	double since_s;
	bool is_out_of_memory;
};

// First the one that grows most of each suspect; what the processor can watch besides goes to their others.
static void choose_objects(struct watching *watching)
{
	const struct suspects *suspects = &watching->report->suspects;

	for (size_t round = 0; round < GROWTH_GROWERS_MAX; round++) {
		for (size_t i = 0; i < suspects->count && watching->count < WATCH_OBJECTS_MAX;
			i++) {
			const struct suspect *suspect = &suspects->items[i];

			if (round >= suspect->grower_count)
				continue;
			watching->objects[watching->count].addr = suspect->growers[round];
			watching->suspects[watching->count++] = i;
		}
	}
}

// Only growth beyond what was there: what a container does with its own length while it sorts itself or
// makes itself a bigger table is none.
static enum watch_verdict on_change(void *context, const struct watch_change *change)
{
	struct watching *watching = context;
	struct watch_sites *sites =
		&watching->report->additions[watching->suspects[change->object]].sites;

	if (change->is_record && sites->hits < watching->options->hits)
		watching->is_out_of_memory |= !watch_sites_add(sites, change);
	return sites->hits < watching->options->hits ? WATCH_KEEP : WATCH_DROP;
}

static bool goes_on(void *context)
{
	const struct watching *watching = context;
	uint64_t hits = 0;

	for (size_t i = 0; i < watching->report->suspects.count; i++)
		hits += watching->report->additions[i].sites.hits;
	progress_show("shikari: watching who adds, %.0f s, %llu insertions (Ctrl-C ends it)",
		monotonic_seconds() - watching->since_s, (unsigned long long)hits);
	return !interrupt_signal() && !watching->is_out_of_memory;
}

// Why nothing of a suspect was watched.
static const char *reason_of(
	const struct watching *watching, size_t number, const struct error *err)
{
	const struct suspect *suspect = &watching->report->suspects.items[number];
	bool is_chosen = false;

	for (unsigned i = 0; i < watching->count; i++) {
		if (watching->suspects[i] != number)
			continue;
		is_chosen = true;
		if (!watching->objects[i].is_unwatchable)
			return err && !watching->report->additions[number].sites.hits
				       ? error_message(err)
				       : "";
	}
	if (is_chosen)
		return "what grows has no word that says its length";
	if (suspect->grower_count)
		return "the processor can watch four words, and others grow faster";
	if (suspect->kind == SUSPECT_CHAIN)
		return "each object is held by the one before, there is no container that grows";
	return "there is no single container that grows";
}

static struct error *explain(struct watching *watching, const struct error *err)
{
	struct hunt_report *report = watching->report;

	for (size_t i = 0; i < report->suspects.count; i++) {
		watch_sites_finish(&report->additions[i].sites);
		mem_free(report->additions[i].not_watched);
		report->additions[i].not_watched = mem_strdup(reason_of(watching, i, err));
		if (!report->additions[i].not_watched)
			return error_enomem();
	}
	return watching->is_out_of_memory ? error_enomem() : NULL;
}

static struct error *run(struct watching *watching, struct heap_source *source)
{
	const struct watch_options options = {
		.seconds_max = watching->options->seconds,
		.rate_max = watching->options->rate_max,
		.context = watching,
		.on_change = on_change,
		.goes_on = goes_on,
	};
	struct error *err = watch_run(heap_source_process(source), heap_source_python(source),
		watching->objects, watching->count, &options, &watching->report->watch.report);

	progress_clear();
	watching->report->watch.is_done = watching->count > 0;
	return err;
}

struct error *watch_suspects(struct heap_source *source,
	const struct watch_suspects_options *options, struct hunt_report *report)
{
	struct watching watching = {
		.options = options, .report = report, .since_s = monotonic_seconds()};
	struct error *err, *other;

	report->additions = mem_calloc(report->suspects.count, sizeof(*report->additions));
	if (!report->additions)
		return error_enomem();
	choose_objects(&watching);
	err = run(&watching, source);
	other = explain(&watching, err);
	error_destroy(err);
	return other;
}
