// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/watch_suspects.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/human.h"
#include "base/string_builder.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "watch/watch_named.h"

#include <string.h>

// Batches that are written now and then: most programs do not let them wait longer.
#define FOLLOW_S 3.0

#define NAME_LOOKS_MAX 20

struct watching {
	const struct watch_suspects_options *options;
	const struct python *python;
	struct hunt_report *report;
	struct watch_object objects[WATCH_OBJECTS_MAX];
	size_t suspects[WATCH_OBJECTS_MAX]; /* whose each is */
	/** The shortest that it was when it was followed, or what took its place was; and below what that says
	 * that it is no leak. */
	uint64_t lowest[WATCH_OBJECTS_MAX], enough[WATCH_OBJECTS_MAX];
	unsigned count;
	/** By suspect: who stores another one in its place. */
	struct watch_sites *stores;
	double since_s;
	bool is_out_of_memory;
};

// What it is called in its owner, if another one takes its place now and then. The memory of a string is often
// that of the one before.
static bool name_of(const struct suspect *suspect, struct watch_named *ret)
{
	if (!suspect->is_replaced && suspect->kind != SUSPECT_BUFFER)
		return false;
	if (!suspect->owner || !suspect->held_by_count)
		return false;
	*ret = (struct watch_named){suspect->owner, suspect->held_by[suspect->held_by_count - 1]};
	return true;
}

// Of one that others take the place of: what has its name now, and the word that refers to it. Of all others
// what grows, most first.
static bool choose_object(const struct watching *watching, const struct suspect *suspect,
	size_t round, struct watch_object *ret)
{
	struct watch_named named;
	uint64_t slot, now = 0;

	// It may be replaced at the very moment.
	for (unsigned i = 0; i < NAME_LOOKS_MAX && !now && name_of(suspect, &named); i++)
		now = watch_named_object(watching->python, &named, &slot);
	*ret = (struct watch_object){0};
	if (now && round < 2) {
		ret->is_word = round == 1;
		ret->addr = ret->is_word ? slot : now;
	} else if (!now && round < suspect->grower_count) {
		ret->addr = suspect->growers[round];
	}
	return ret->addr != 0;
}

// First the one that grows most of each suspect; what the processor can watch besides goes to their others.
static void choose_objects(struct watching *watching)
{
	const struct suspects *suspects = &watching->report->suspects;

	for (size_t round = 0; round < GROWTH_GROWERS_MAX; round++) {
		for (size_t i = 0; i < suspects->count && watching->count < WATCH_OBJECTS_MAX;
			i++) {
			if (!choose_object(watching, &suspects->items[i], round,
				    &watching->objects[watching->count]))
				continue;
			watching->lowest[watching->count] = UINT64_MAX;
			watching->suspects[watching->count++] = i;
		}
	}
}

// Only growth beyond what was there: what a container does with its own length while it sorts itself or
// makes itself a bigger table is none. Of a reference, each store of another.
static enum watch_verdict on_change(void *context, const struct watch_change *change)
{
	struct watching *watching = context;
	size_t suspect = watching->suspects[change->object];
	bool is_word = watching->objects[change->object].is_word;
	struct watch_sites *sites =
		is_word ? &watching->stores[suspect] : &watching->report->additions[suspect].sites;

	if ((is_word ? change->after != 0 : change->is_record) &&
		sites->hits < watching->options->hits)
		watching->is_out_of_memory |= !watch_sites_add(sites, change);
	return sites->hits < watching->options->hits ? WATCH_KEEP : WATCH_DROP;
}

static bool goes_on(void *context)
{
	const struct watching *watching = context;
	uint64_t hits = 0;

	for (size_t i = 0; i < watching->report->suspects.count; i++)
		hits += watching->report->additions[i].sites.hits + watching->stores[i].hits;
	progress_show("shikari: watching who adds, %.0f s, %llu insertions (Ctrl-C ends it)",
		monotonic_seconds() - watching->since_s, (unsigned long long)hits);
	return !interrupt_signal() && !watching->is_out_of_memory;
}

// Who adds to a container, or who stores another in its place, is known of all that are watched.
static bool is_enough(const struct watching *watching)
{
	for (unsigned i = 0; i < watching->count; i++) {
		size_t suspect = watching->suspects[i];

		if (watching->report->additions[suspect].sites.hits < watching->options->hits &&
			watching->stores[suspect].hits < watching->options->hits)
			return false;
	}
	return true;
}

static bool is_wanted(void *context)
{
	const struct watching *watching = context;

	return goes_on(context) && !is_enough(watching);
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
		if (watching->objects[i].is_gone && !watching->report->additions[number].sites.hits)
			return "it was replaced by a new one before anything was added to it";
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

// Is what was found at its address another one than that of the snapshots?
static bool is_another(const struct watching *watching, unsigned number)
{
	const struct watch_object *object = &watching->objects[number];
	const struct suspect *suspect =
		&watching->report->suspects.items[watching->suspects[number]];

	return suspect->is_replaced &&
	       (object->is_gone || object->length_first < suspect->length_last);
}

static bool is_contradicted(const struct watching *watching, unsigned number)
{
	const struct hunt_report *report = watching->report;
	const struct watch_object *object = &watching->objects[number];
	const struct suspect *suspect = &report->suspects.items[watching->suspects[number]];
	double seconds = report->snapshots[report->snapshot_count - 1].at_s;
	double expected =
		seconds > 0 ? suspect->objects / seconds * report->watch.report.seconds : 0;

	if (suspect->kind != SUSPECT_CONTAINER || object->is_word || object->is_unwatchable)
		return false;
	if (watching->lowest[number] < watching->enough[number])
		return true;
	// Of one that was replaced, only its name says what became of it.
	if (is_another(watching, number))
		return false;
	return hunt_report_is_contradicted(suspect, object, expected);
}

static void describe_contradiction(
	const struct watching *watching, unsigned number, struct string_builder *text)
{
	const struct watch_object *object = &watching->objects[number];
	const struct suspect *suspect =
		&watching->report->suspects.items[watching->suspects[number]];
	bool is_lower = watching->lowest[number] < watching->enough[number];

	if (is_lower && suspect->is_replaced)
		string_builder_add_format(text,
			"is a new one now and then: %s items at the last snapshot, %s a little "
			"later",
			human_count(suspect->length_last).text,
			human_count(watching->lowest[number]).text);
	else if (is_lower)
		string_builder_add_format(text,
			"let go of items after the last snapshot: %s then, %s at the least a "
			"little "
			"later",
			human_count(suspect->length_last).text,
			human_count(watching->lowest[number]).text);
	else if (object->is_gone)
		string_builder_add(text, "was freed while it was watched");
	else
		string_builder_add_format(text,
			"let go of items after the last snapshot: %s then, %s and %s at the least "
			"when it was watched",
			human_count(suspect->length_last).text,
			human_count(object->length_first).text,
			human_count(object->length_lowest).text);
}

static struct error *dismiss(struct watching *watching, unsigned number)
{
	struct hunt_report *report = watching->report;
	size_t index = watching->suspects[number];
	const struct suspect *suspect = &report->suspects.items[index];
	_cleanup_(mem_free) char *reason = NULL;
	_cleanup_(string_builder_deinit) struct string_builder text = {0};

	string_builder_add_format(&text, "not a leak: %s (%s) ", suspect->path, suspect->type);
	describe_contradiction(watching, number, &text);
	reason = string_builder_finish(&text);
	if (!reason)
		return error_enomem();
	watch_sites_deinit(&report->additions[index].sites);
	mem_free(report->additions[index].not_watched);
	memmove(report->additions + index, report->additions + index + 1,
		(report->suspects.count - index - 1) * sizeof(*report->additions));
	return suspects_dismiss(&report->suspects, index, reason);
}

// From the last to the first, so that the numbers of those before stay true.
static struct error *dismiss_contradicted(struct watching *watching)
{
	struct error *err = NULL;

	for (size_t i = watching->report->suspects.count; i-- > 0 && !err;) {
		for (unsigned k = 0; k < watching->count; k++) {
			if (watching->suspects[k] == i && is_contradicted(watching, k)) {
				err = dismiss(watching, k);
				break;
			}
		}
	}
	return err;
}

static struct error *explain(struct watching *watching, const struct error *err)
{
	struct hunt_report *report = watching->report;

	for (size_t i = 0; i < report->suspects.count; i++) {
		// Who makes it longer says more than who makes another.
		if (!report->additions[i].sites.hits) {
			watch_sites_deinit(&report->additions[i].sites);
			report->additions[i].sites = watching->stores[i];
			watching->stores[i] = (struct watch_sites){0};
		}
		watch_sites_finish(&report->additions[i].sites);
		mem_free(report->additions[i].not_watched);
		report->additions[i].not_watched = mem_strdup(reason_of(watching, i, err));
		if (!report->additions[i].not_watched)
			return error_enomem();
	}
	return watching->is_out_of_memory ? error_enomem() : NULL;
}

static struct error *run(struct watching *watching, struct process *process)
{
	const struct watch_options options = {
		.seconds_max = watching->options->seconds,
		.rate_max = watching->options->rate_max,
		.context = watching,
		.on_change = on_change,
		.goes_on = is_wanted,
	};
	struct error *err = watch_run(process, watching->python, watching->objects, watching->count,
		&options, &watching->report->watch.report);

	watching->report->watch.is_done = watching->count > 0;
	return err;
}

// Of what took the place of a container that was freed: is it a bigger one, or an empty one? Of a container whose
// old items were leaving: is it emptied now and then, but seldom? A whole interval between two snapshots tells.
static void follow(struct watching *watching, unsigned number)
{
	const struct hunt_report *report = watching->report;
	const struct suspect *suspect = &report->suspects.items[watching->suspects[number]];
	double seconds = report->snapshots[report->snapshot_count - 1].at_s /
			 (double)(report->snapshot_count - 1);
	struct watch_named named = {.owner = watching->objects[number].addr};

	if (is_another(watching, number) && name_of(suspect, &named)) {
		seconds = FOLLOW_S;
		watching->enough[number] = suspect->length_last / 2;
	} else if (suspect->lets_go && !watching->objects[number].is_gone) {
		if (seconds > watching->options->seconds)
			seconds = watching->options->seconds;
		watching->enough[number] = suspect->length_last - suspect->objects / 2;
	} else {
		return;
	}
	watch_named_lowest(watching->python, &named, seconds, watching->enough[number], goes_on,
		watching, &watching->lowest[number]);
}

static void follow_all(struct watching *watching)
{
	for (unsigned i = 0; i < watching->count; i++) {
		if (!watching->objects[i].is_word && !watching->objects[i].is_unwatchable &&
			watching->report->suspects.items[watching->suspects[i]].kind ==
				SUSPECT_CONTAINER)
			follow(watching, i);
	}
	progress_clear();
}

struct error *watch_suspects(struct heap_source *source,
	const struct watch_suspects_options *options, struct hunt_report *report)
{
	struct watching watching = {.options = options,
		.report = report,
		.python = heap_source_python(source),
		.since_s = monotonic_seconds()};
	size_t count = report->suspects.count;
	struct error *err, *other;

	report->additions = mem_calloc(count, sizeof(*report->additions));
	watching.stores = mem_calloc(count, sizeof(*watching.stores));
	if (!report->additions || !watching.stores) {
		mem_free(watching.stores);
		return error_enomem();
	}
	choose_objects(&watching);
	err = run(&watching, heap_source_process(source));
	follow_all(&watching);
	other = explain(&watching, err);
	error_destroy(err);
	if (!other)
		other = dismiss_contradicted(&watching);
	for (size_t i = 0; i < count; i++)
		watch_sites_deinit(&watching.stores[i]);
	mem_free(watching.stores);
	return other;
}
