// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "analysis/dominators.h"
#include "analysis/growth.h"
#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/watch_suspects.h"
#include "cli/workers.h"
#include "export/export_hunt.h"
#include "heap/heap_open.h"
#include "report/hunt_report.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

// While waiting, how often the target is looked after and the progress line drawn.
#define TICK_S 0.25

struct hunt_options {
	double seconds;
	unsigned snapshots;
	unsigned pause_ms_max;
	unsigned hits, rate_max;
	double watch_s;
	int mode;   /* enum capture_mode */
	int colour; /* enum colour_when */
	bool json, force, values;
	struct core_options core;
};

// In the order of enum capture_mode.
const char *const mode_words[] = {"auto", "clone", "freeze", "live", NULL};

static const struct option_row hunt_rows[] = {
	{.name = "for",
		.type = OPTION_SECONDS,
		.offset = offsetof(struct hunt_options, seconds),
		.minimum = 0.5,
		.maximum = 7 * 86400,
		.argument = "SECONDS",
		.help = "how long to look (default 60); slow leaks need more"},
	{.name = "snapshots",
		.type = OPTION_COUNT,
		.offset = offsetof(struct hunt_options, snapshots),
		.minimum = GROWTH_MOMENTS_MIN,
		.maximum = GROWTH_MOMENTS_MAX,
		.argument = "N",
		.why_minimum = "with fewer, growth that goes on cannot be told from growth that "
			       "happened once",
		.help = "how many, spread over that time (default 3, at most 32)"},
	JSON_OPTION_ROW(struct hunt_options),
	MODE_OPTION_ROW(struct hunt_options),
	PAUSE_OPTION_ROW(struct hunt_options),
	{.name = "watch",
		.type = OPTION_SECONDS,
		.offset = offsetof(struct hunt_options, watch_s),
		.minimum = 0,
		.maximum = 86400,
		.argument = "SECONDS",
		.help = "how long to watch who adds to a suspect (default 10; 0: not)"},
	{.name = "hits",
		.type = OPTION_COUNT,
		.offset = offsetof(struct hunt_options, hits),
		.minimum = 1,
		.maximum = 1000000,
		.argument = "N",
		.help = "insertions to watch for each suspect (default 32)"},
	{.name = "max-rate",
		.type = OPTION_COUNT,
		.offset = offsetof(struct hunt_options, rate_max),
		.minimum = 1,
		.maximum = 1000000,
		.argument = "N",
		.help = "insertions per second that may be watched (default 200)"},
	{.name = "values",
		.type = OPTION_FLAG,
		.offset = offsetof(struct hunt_options, values),
		.help = "show query strings of requests"},
	FORCE_OPTION_ROW(struct hunt_options),
	CORE_OPTION_ROWS(struct hunt_options, core),
	COLOUR_OPTION_ROW(struct hunt_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	*(struct hunt_options *)options = (struct hunt_options){
		.seconds = 60, .snapshots = 3, .watch_s = 10, .hits = 32, .rate_max = 200};
}

/** What a hunt consists of. */
struct hunt {
	const struct hunt_options *options;
	struct heap_source *source; /* the process, or the core file that is looked at; borrowed */
	size_t wanted;              /* snapshots */
	struct growth growth;
	struct hunt_report report;
	double started_s, first_s;
	enum suspects_collector collector; /* as the last snapshot saw it */
};

static struct error *record_snapshot(struct hunt *hunt, const struct heap_snapshot_stats *stats)
{
	struct hunt_report *report = &hunt->report;
	const struct growth_moment *moment = &hunt->growth.moments[report->snapshot_count];
	struct hunt_snapshot *snapshot = &report->snapshots[report->snapshot_count];

	*snapshot = (struct hunt_snapshot){
		.at_s = stats->taken_at_s - hunt->first_s,
		.stopped_ms = stats->capture.stopped_ms,
		.mode = mem_strdup(
			heap_source_process(hunt->source)
				? capture_mode_name(stats->capture.mode)
				: heap_source_kind_name(heap_source_info(hunt->source)->kind)),
		.fallback_reason = mem_strdup(stats->capture.fallback_reason),
		.objects = stats->objects,
		.bytes = stats->bytes,
		.unreadable = stats->unreadable,
		.refcounts_checked = stats->refcounts_checked,
		.refcounts_exact = stats->refcounts_exact,
		.refcounts_inferred = stats->refcounts_inferred,
		.rss_bytes = stats->rss_bytes,
		.garbage_objects = moment->garbage_objects,
		.garbage_bytes = moment->garbage_bytes,
		.retries = stats->retries,
	};
	report->snapshot_count++;
	report->rss_bytes = stats->rss_bytes;
	if (!snapshot->mode || !snapshot->fallback_reason)
		return error_enomem();
	return NULL;
}

static struct error *add_memory(struct hunt *hunt, const struct heap_snapshot *snapshot,
	const struct dominators *dominators, const struct paths *paths)
{
	_cleanup_(memory_report_deinit) struct memory_report report = {0};
	struct error *err = memory_examine(snapshot->graph, dominators, paths, snapshot->memory,
		snapshot->stats.collector_is_enabled, &report);

	return err ? err : growth_memory_add(&hunt->report.memory, snapshot->graph, &report);
}

// The graph is alive only in here: what is needed of it goes into the growth sample.
static struct error *take_snapshot(struct hunt *hunt)
{
	const struct heap_snapshot_options options = {
		.capture =
			{
				.mode = (enum capture_mode)hunt->options->mode,
				.pause_ms_max = hunt->options->pause_ms_max,
				.force = hunt->options->force,
			},
		.keep_memory = true};
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct growth_input input;
	struct error *err;

	err = heap_snapshot_take(hunt->source, &options, &snapshot);
	if (err)
		return err;
	if (hunt->report.snapshot_count == 0)
		hunt->first_s = snapshot->stats.taken_at_s;
	hunt->report.threads = snapshot->stats.threads;
	err = dominators_create(snapshot->graph, &dominators);
	if (err)
		return err;
	err = paths_create(snapshot->graph, &paths);
	if (err)
		return err;
	input = (struct growth_input){
		.sample = {snapshot->graph, dominators, paths},
		.at_s = snapshot->stats.taken_at_s - hunt->first_s,
		.rss_bytes = snapshot->stats.rss_bytes,
		.threads = hunt->report.threads,
	};
	hunt->collector = snapshot->stats.collector_is_enabled ? SUSPECTS_COLLECTOR_ENABLED
							       : SUSPECTS_COLLECTOR_DISABLED;
	err = growth_add(&hunt->growth, &input);
	if (!err && snapshot->memory)
		err = add_memory(hunt, snapshot, dominators, paths);
	if (err)
		return err;
	return record_snapshot(hunt, &snapshot->stats);
}

// Not quite evenly spread: what fills and empties at a steady pace could be met a little fuller each time.
// Multiples of the golden ratio shift those between the first and the last by up to a fifth of an interval.
static double time_of_snapshot(const struct hunt *hunt, unsigned number)
{
	unsigned intervals = hunt->options->snapshots - 1;
	double shift = fmod(number * 0.618033988749895, 1) - 0.5;

	if (number == 0 || number == intervals)
		shift = 0;
	return hunt->started_s + hunt->options->seconds * (number + 0.4 * shift) / intervals;
}

static struct error *wait_for_snapshot(struct hunt *hunt, unsigned number)
{
	double until = time_of_snapshot(hunt, number);

	for (;;) {
		double now = monotonic_seconds();
		struct error *err = heap_source_check(hunt->source);

		if (err || interrupt_signal() || now >= until)
			return err;
		progress_show("shikari: snapshot %u of %u in %.0f s, %u taken (Ctrl-C ends early)",
			number + 1, hunt->options->snapshots, until - now, number);
		interrupt_sleep_until(now + TICK_S < until ? now + TICK_S : until);
	}
}

static struct error *take_snapshots(struct hunt *hunt, void *unused)
{
	(void)unused;
	hunt->started_s = monotonic_seconds();
	for (unsigned i = 0; i < hunt->options->snapshots; i++) {
		struct error *err = wait_for_snapshot(hunt, i);

		if (!err && interrupt_signal())
			return NULL;
		progress_show("shikari: snapshot %u of %u …", i + 1, hunt->options->snapshots);
		if (!err)
			err = take_snapshot(hunt);
		if (err)
			return err;
	}
	return NULL;
}

static char *ending_of(const struct error *err)
{
	if (err)
		return mem_strdup(error_message(err));
	return mem_strdup(interrupt_signal() ? "interrupted" : "");
}

// What was seen until the end came is an answer, if it is enough for one.
static struct error *conclude(struct hunt *hunt, struct error *end, int *ret_code)
{
	bool is_enough = hunt->report.snapshot_count >= GROWTH_MOMENTS_MIN;

	if (end && (error_kind(end) != ERROR_GONE || !is_enough))
		return end;
	if (!is_enough) {
		progress_clear();
		fprintf(stderr,
			"shikari: interrupted after %zu of the %d snapshots that an answer "
			"needs\n",
			hunt->report.snapshot_count, GROWTH_MOMENTS_MIN);
		*ret_code = EXIT_SIGNAL + interrupt_signal();
		return NULL;
	}
	hunt->report.ended_early =
		hunt->report.snapshot_count < hunt->wanted ? ending_of(end) : mem_strdup("");
	error_destroy(end);
	if (!hunt->report.ended_early)
		return error_enomem();
	// Of a file of an older version nothing is known: then the others say nothing either.
	if (hunt->report.memory.moment_count == hunt->report.snapshot_count)
		hunt->growth.view.memory = &hunt->report.memory;
	else
		growth_memory_deinit(&hunt->report.memory);
	return suspects_find(&hunt->growth.view, hunt->collector, &hunt->report.suspects);
}

// A process that has ended, also in a core file, and a person in a hurry, are not to be watched.
static struct error *watch(struct hunt *hunt)
{
	const struct hunt_options *options = hunt->options;
	const struct watch_suspects_options watch_options = {
		.seconds = options->watch_s, .hits = options->hits, .rate_max = options->rate_max};

	hunt->report.with_values = options->values;
	if (options->watch_s <= 0 || !hunt_report_is_leak(&hunt->report) ||
		*hunt->report.ended_early || !heap_source_process(hunt->source))
		return NULL;
	return watch_suspects(hunt->source, &watch_options, &hunt->report);
}

// A server's first process only starts workers.
static struct error *add_workers(struct hunt *hunt)
{
	struct suspects *suspects = &hunt->report.suspects;
	_cleanup_(mem_free) char *note = NULL;
	struct error *err;

	if (hunt_report_is_leak(&hunt->report) || !heap_source_process(hunt->source))
		return NULL;
	// The answer is there: it does not go for want of a note.
	err = workers_note(hunt->report.pid, &note);
	if (err && error_kind(err) != ERROR_MEMORY) {
		error_destroy(err);
		return NULL;
	}
	if (!err && note && !suspects_add_text(&suspects->notes, &suspects->note_count, "%s", note))
		err = error_enomem();
	return err;
}

static struct error *print_report(const struct hunt *hunt, int *ret_code)
{
	const struct report_style style = output_style(hunt->options->colour);
	_cleanup_(mem_free) char *text = NULL;
	struct error *err = NULL;

	if (hunt->options->json)
		err = export_hunt_json(&hunt->report, &text);
	else
		text = hunt_report_text(&hunt->report, &style);
	if (err || !text)
		return err ? err : error_enomem();
	return write_output(text, ret_code);
}

static struct error *describe_target(struct hunt *hunt)
{
	const struct heap_source_info *info = heap_source_info(hunt->source);
	struct hunt_report *report = &hunt->report;

	report->pid = info->pid;
	report->python = mem_strdup(info->python);
	report->executable = mem_strdup(info->executable);
	report->command_line = mem_strdup(info->command_line ? info->command_line : "");
	report->snapshots = mem_calloc(hunt->wanted, sizeof(*report->snapshots));
	if (!report->python || !report->executable || !report->command_line || !report->snapshots)
		return error_enomem();
	return NULL;
}

// What the snapshots that @p take_all takes say.
static struct error *finish(struct hunt *hunt,
	struct error *(*take_all)(struct hunt *hunt, void *user), void *user, int *ret_code)
{
	struct error *err = describe_target(hunt);

	if (err)
		return err;
	err = conclude(hunt, take_all(hunt, user), ret_code);
	if (!err && *ret_code == EXIT_DONE)
		err = watch(hunt);
	if (!err && *ret_code == EXIT_DONE)
		err = add_workers(hunt);
	progress_clear();
	if (err || *ret_code != EXIT_DONE)
		return err;
	return print_report(hunt, ret_code);
}

static struct error *hunt_process(struct hunt *hunt, pid_t pid, int *ret_code)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	struct error *err = heap_source_open_process(pid, &source);

	if (err)
		return err;
	hunt->source = source;
	hunt->wanted = hunt->options->snapshots;
	return finish(hunt, take_snapshots, NULL, ret_code);
}

/** Core files of one process. */
struct core_series {
	struct heap_source *items[GROWTH_MOMENTS_MAX]; /* owned */
	size_t count;
};

static void core_series_deinit(struct core_series *series)
{
	for (size_t i = 0; i < series->count; i++)
		heap_source_destroy(series->items[i]);
}

static double written_at(const struct heap_source *source)
{
	return heap_source_info(source)->written_at_s;
}

static int compare_times(const void *left, const void *right)
{
	double a = written_at(*(struct heap_source *const *)left);
	double b = written_at(*(struct heap_source *const *)right);

	return (a > b) - (a < b);
}

// Of one process, in the order in which they were written.
static struct error *put_in_order(struct core_series *series)
{
	for (size_t i = 1; i < series->count; i++) {
		if (!heap_source_is_same_process(series->items[0], series->items[i]))
			return error_create(ERROR_USAGE,
				"%s and %s are two processes: what grew is seen in files of "
				"one",
				heap_source_info(series->items[0])->name,
				heap_source_info(series->items[i])->name);
	}
	qsort((void *)series->items, series->count, sizeof(*series->items), compare_times);
	for (size_t i = 1; i < series->count; i++) {
		if (written_at(series->items[i - 1]) == written_at(series->items[i]))
			return error_create(ERROR_USAGE,
				"%s and %s are of the same time, so that their order is not known "
				"(cp -p keeps the times of files)",
				heap_source_info(series->items[i - 1])->name,
				heap_source_info(series->items[i])->name);
	}
	return NULL;
}

static struct error *open_cores(
	const struct hunt *hunt, size_t count, char **paths, struct core_series *ret)
{
	while (ret->count < count) {
		const struct heap_source_options options = {.core = hunt->options->core};
		struct error *err =
			heap_source_open(paths[ret->count], &options, &ret->items[ret->count]);

		if (err)
			return err;
		ret->count++;
	}
	return put_in_order(ret);
}

static struct error *take_cores(struct hunt *hunt, void *user)
{
	const struct core_series *series = user;

	for (size_t i = 0; i < series->count && !interrupt_signal(); i++) {
		struct error *err;

		progress_show("shikari: file %zu of %zu …", i + 1, series->count);
		hunt->source = series->items[i];
		err = take_snapshot(hunt);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *hunt_cores(struct hunt *hunt, size_t count, char **paths, int *ret_code)
{
	struct core_series series = {0};
	struct error *err;

	if (count < GROWTH_MOMENTS_MIN)
		return error_create(ERROR_USAGE,
			"a hunt needs %d files of one process or more, as what grew once "
			"cannot "
			"be told from what goes on growing; shikari show %s types says what is in "
			"one",
			GROWTH_MOMENTS_MIN, paths[0]);
	if (count > GROWTH_MOMENTS_MAX)
		return error_create(ERROR_USAGE, "a hunt takes at most %d files, not %zu",
			GROWTH_MOMENTS_MAX, count);
	err = open_cores(hunt, count, paths, &series);
	if (!err) {
		const struct heap_source_info *last = heap_source_info(series.items[count - 1]);

		hunt->source = series.items[0];
		hunt->wanted = count;
		hunt->report.notes = last->notes;
		hunt->report.note_count = last->note_count;
		err = finish(hunt, take_cores, &series, ret_code);
	}
	core_series_deinit(&series);
	return err;
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	struct hunt hunt = {.options = options};
	struct error *err = NULL;
	pid_t pid = 0;

	if (operand_count == 0)
		return error_create(ERROR_USAGE, "hunt needs the id of a process, or files");
	for (int i = 0; !err && i < operand_count; i++) {
		err = heap_source_read_word(operands[i], &pid);
		if (!err && pid && operand_count > 1)
			err = error_create(ERROR_USAGE, "hunt takes one process, not also '%s'",
				operands[i == 0]);
	}
	if (err)
		return err;
	err = pid ? hunt_process(&hunt, pid, ret_code)
		  : hunt_cores(&hunt, (size_t)operand_count, operands, ret_code);
	growth_deinit(&hunt.growth);
	hunt_report_deinit(&hunt.report);
	return err;
}

const struct command command_hunt = {
	.name = "hunt",
	.summary = "find the leak: what grows, who holds it, how fast (`shikari PID` is the same)",
	.usage = "hunt [OPTIONS] PID\n"
		 "       shikari hunt [OPTIONS] FILE FILE FILE…",
	.text = "Take snapshots of a running CPython process, compare them, and name what leaks. "
		"The\n"
		"process is stopped for milliseconds per snapshot; nothing is installed or run in "
		"it.\n"
		"Then the containers that leak are watched for a moment: who adds to them, on "
		"which line.\n"
		"Or compare files of one process, snapshots (shikari snap) or cores (gcore), in "
		"the "
		"order\n"
		"in which they were taken.\n",
	.examples = "examples:\n"
		    "  shikari hunt 4242\n"
		    "  shikari hunt --for 600 --snapshots 5 --json 4242 > answer.json\n"
		    "  shikari hunt a.shk b.shk c.shk\n\n"
		    "exit codes: 0 an answer, 2 usage, 3 the process cannot be read,\n"
		    "            4 not supported, 128+N ended by signal N\n",
	.options = hunt_rows,
	.options_size = sizeof(struct hunt_options),
	.defaults = set_defaults,
	.run = run,
};
