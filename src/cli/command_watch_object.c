// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "analysis/path_lookup.h"
#include "base/alloc.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/line_queue.h"
#include "export/export_watch.h"
#include "heap/heap_open.h"
#include "report/watch_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct watch_object_options {
	double seconds;
	unsigned hits, rate_max;
	int method; /* enum watch_method */
	int colour; /* enum colour_when */
	bool json, values, force, word;
};

// In the order of enum watch_method.
static const char *const method_words[] = {"hardware", "polling", NULL};

static const struct option_row watch_object_rows[] = {
	{.name = "hits",
		.type = OPTION_COUNT,
		.offset = offsetof(struct watch_object_options, hits),
		.minimum = 1,
		.maximum = 4e9,
		.argument = "N",
		.help = "end after so many changes (default: Ctrl-C ends it)"},
	{.name = "for",
		.type = OPTION_SECONDS,
		.offset = offsetof(struct watch_object_options, seconds),
		.minimum = 0.1,
		.maximum = 7 * 86400,
		.argument = "SECONDS",
		.help = "end after so long"},
	{.name = "max-rate",
		.type = OPTION_COUNT,
		.offset = offsetof(struct watch_object_options, rate_max),
		.minimum = 1,
		.maximum = 1000000,
		.argument = "N",
		.help = "changes per second that may be watched (default 200)"},
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct watch_object_options, json),
		.help = "a JSON object per line (docs/json.md)"},
	{.name = "method",
		.type = OPTION_CHOICE,
		.offset = offsetof(struct watch_object_options, method),
		.choices = method_words,
		.argument = "hardware|polling",
		.help = "how (default hardware, else polling: lines are approximate then)"},
	{.name = "word",
		.type = OPTION_FLAG,
		.offset = offsetof(struct watch_object_options, word),
		.help = "the address is that of any 8 bytes, not of an object"},
	{.name = "values",
		.type = OPTION_FLAG,
		.offset = offsetof(struct watch_object_options, values),
		.help = "show query strings of requests"},
	FORCE_OPTION_ROW(struct watch_object_options),
	COLOUR_OPTION_ROW(struct watch_object_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	*(struct watch_object_options *)options = (struct watch_object_options){.rate_max = 200};
}

struct watching {
	const struct watch_object_options *options;
	struct heap_source *source;
	struct report_style style;
	struct watched_report report;
	struct line_queue *lines;
	bool is_out_of_memory;
};

// 0x7f12…: an address; anything else is a path.
static bool is_address(const char *text, uint64_t *ret)
{
	char *end;

	if (strncmp(text, "0x", 2) != 0)
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 16);
	return !errno && !*end;
}

static struct error *describe(struct watching *watching, const struct heap_graph *graph,
	const struct paths *paths, node_id node)
{
	struct watched_report *report = &watching->report;
	struct watched *watched = &report->items[report->count];
	struct path_description description;
	struct error *err = paths_describe(paths, node, &description);

	if (err)
		return err;
	report->objects[report->count++].addr = graph->naming.address(graph->naming.context, node);
	watched->path = take(description.text);
	path_description_deinit(&description);
	watched->type = mem_strdup(graph->types[heap_type_of(graph, node)].name);
	return watched->path && watched->type ? NULL : error_enomem();
}

static struct error *find_one(struct watching *watching, const struct heap_graph *graph,
	const struct paths *paths, const char *what)
{
	struct error *err = NULL;
	node_id node = HEAP_NODE_NONE;
	uint64_t addr;

	if (!is_address(what, &addr)) {
		err = paths_find(graph, paths, what, &node);
	} else {
		node = graph->naming.node_at(graph->naming.context, addr);
		if (node == HEAP_NODE_NONE)
			err = error_create(ERROR_NOT_FOUND, "there is no object at %s", what);
	}
	return err ? err : describe(watching, graph, paths, node);
}

static struct error *add_word(struct watching *watching, const char *what)
{
	struct watched_report *report = &watching->report;
	uint64_t addr;

	if (!is_address(what, &addr) || addr % 8)
		return error_create(ERROR_USAGE,
			"--word takes an address that is a multiple of 8, 0x7f…, not '%s'", what);
	report->objects[report->count] = (struct watch_object){.addr = addr, .is_word = true};
	report->items[report->count].path = mem_strdup(what);
	return report->items[report->count++].path ? NULL : error_enomem();
}

// Paths are looked up in a snapshot: the process has moved on when it is done, but not its containers.
static struct error *find_in_snapshot(struct watching *watching, char **words, int count)
{
	const struct heap_snapshot_options options = {
		.capture = {.force = watching->options->force}};
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct error *err = heap_snapshot_take(watching->source, &options, &snapshot);

	if (!err)
		err = paths_create(snapshot->graph, &paths);
	for (int i = 0; i < count && !err; i++)
		err = find_one(watching, snapshot->graph, paths, words[i]);
	return err;
}

static struct error *find_objects(struct watching *watching, char **words, int count)
{
	struct error *err = NULL;

	if (!watching->options->word) {
		progress_show("shikari: looking for %s …", words[0]);
		err = find_in_snapshot(watching, words, count);
		progress_clear();
		return err;
	}
	for (int i = 0; i < count && !err; i++)
		err = add_word(watching, words[i]);
	return err;
}

static void print(struct watching *watching, char *json, char *text)
{
	line_queue_add(watching->lines, watching->options->json ? json : text);
}

static void on_begin(void *context)
{
	struct watching *watching = context;
	struct watched_report *report = &watching->report;

	for (unsigned i = 0; i < report->count; i++)
		report->items[i].length = report->objects[i].length_first;
	print(watching, watching->options->json ? export_watch_start(report) : NULL,
		watching->options->json ? NULL : watch_text_start(report, &watching->style));
}

static enum watch_verdict on_change(void *context, const struct watch_change *change)
{
	struct watching *watching = context;
	const struct watch_object_options *options = watching->options;
	struct watched_report *report = &watching->report;
	uint64_t changes = report->objects[change->object].changes;

	if (change->after > change->before)
		watching->is_out_of_memory |=
			!watch_sites_add(&report->items[change->object].sites, change);
	print(watching, options->json ? export_watch_change(report, change) : NULL,
		options->json ? NULL : watch_text_change(report, change, &watching->style));
	// The limit is for changes of any sort.
	return options->hits && changes >= options->hits ? WATCH_DROP : WATCH_KEEP;
}

static bool goes_on(void *context)
{
	const struct watching *watching = context;

	return !interrupt_signal() && !watching->is_out_of_memory &&
	       !line_queue_is_broken(watching->lines);
}

static struct error *check_watchable(const struct watched_report *report)
{
	for (unsigned i = 0; i < report->count; i++) {
		if (report->objects[i].is_unwatchable)
			return error_create(ERROR_UNSUPPORTED,
				"%s (%s) has no word that says its length: watch a list, "
				"bytearray, deque, dict, set, or what has a __dict__",
				report->items[i].path,
				report->items[i].type ? report->items[i].type : "a word");
	}
	return NULL;
}

static struct error *watch(struct watching *watching)
{
	const struct watch_object_options *options = watching->options;
	const struct watch_options watch_options = {
		.method = (enum watch_method)options->method,
		.seconds_max = options->seconds,
		.rate_max = options->rate_max,
		.context = watching,
		.on_begin = on_begin,
		.on_change = on_change,
		.goes_on = goes_on,
	};
	struct watched_report *report = &watching->report;
	struct error *err;

	err = watch_run(heap_source_process(watching->source), heap_source_python(watching->source),
		report->objects, report->count, &watch_options, &report->watch);
	if (!err)
		err = check_watchable(report);
	// What was seen until the process ended is told all the same.
	if (err && error_kind(err) != ERROR_GONE)
		return err;
	for (unsigned i = 0; i < report->count; i++)
		watch_sites_finish(&report->items[i].sites);
	report->lost_lines = line_queue_dropped(watching->lines);
	print(watching, options->json ? export_watch_end(report) : NULL,
		options->json ? NULL : watch_text_end(report, &watching->style));
	return err || !watching->is_out_of_memory ? err : error_enomem();
}

static struct error *watch_and_print(struct watching *watching, int *ret_code)
{
	struct error *err = line_queue_create(&watching->lines), *other;

	if (err)
		return err;
	err = watch(watching);
	other = line_queue_finish(watching->lines, ret_code);
	if (!err)
		return other;
	error_destroy(other);
	return err;
}

static struct error *check_operands(int count)
{
	if (count < 2)
		return error_create(ERROR_USAGE, "watch-object needs a process and what to watch "
						 "in it, a path or an address");
	if (count > 1 + WATCH_OBJECTS_MAX)
		return error_create(ERROR_USAGE,
			"watch-object watches at most %d objects at a time", WATCH_OBJECTS_MAX);
	return NULL;
}

static struct error *run(const void *data, int operand_count, char **operands, int *ret_code)
{
	const struct watch_object_options *options = data;
	struct watching watching = {
		.options = options,
		.style.has_colour =
			terminal_has_colour((enum colour_when)options->colour, STDOUT_FILENO),
		.report.with_values = options->values,
	};
	struct error *err = check_operands(operand_count);

	if (!err)
		err = options_parse_pid(operands[0], &watching.report.pid);
	if (!err)
		err = heap_source_open_process(watching.report.pid, &watching.source);
	if (!err) {
		watching.report.python = heap_source_info(watching.source)->python;
		err = find_objects(&watching, operands + 1, operand_count - 1);
	}
	if (!err)
		err = watch_and_print(&watching, ret_code);
	watched_report_deinit(&watching.report);
	line_queue_destroy(watching.lines);
	heap_source_destroy(watching.source);
	return err;
}

const struct command command_watch_object = {
	.name = "watch-object",
	.summary = "who changes a container, live: file, line, callers, request",
	.usage = "watch-object [OPTIONS] PID PATH|ADDRESS…",
	.text = "Watch the length of a container in a running process, and print a line for each\n"
		"change: how much, file and line and function, callers, thread, and the request "
		"that\n"
		"is being served. PATH is what `shikari hunt` prints (metrics.Profiler.results,\n"
		"app.cache['users']); ADDRESS is that of an object, 0x7f…. Lists, bytearrays, "
		"deques,\n"
		"dicts of any sort, sets; of a module, class or instance, its __dict__. The thread "
		"that\n"
		"makes a change is stopped for about 0.1 ms; between changes nothing is stopped. "
		"At "
		"most four\n"
		"objects at a time.\n",
	.examples = "examples:\n"
		    "  shikari watch-object 4242 metrics.Profiler.results\n"
		    "  shikari watch-object --hits 10 4242 \"app.state.cache['users']\"\n"
		    "  shikari watch-object --json 4242 app.queue | jq .stack[0]\n\n"
		    "exit codes: 0 done, 2 usage, 3 the process cannot be read, or has no such "
		    "object,\n"
		    "            4 not supported\n",
	.options = watch_object_rows,
	.options_size = sizeof(struct watch_object_options),
	.defaults = set_defaults,
	.run = run,
};
