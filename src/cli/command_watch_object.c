// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "analysis/path_lookup.h"
#include "base/alloc.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/line_queue.h"
#include "cli/terminal.h"
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
	{.name = "force",
		.type = OPTION_FLAG,
		.offset = offsetof(struct watch_object_options, force),
		.help = "go on although memory is short"},
	{.name = "color",
		.type = OPTION_CHOICE,
		.offset = offsetof(struct watch_object_options, colour),
		.choices = colour_words,
		.argument = "auto|always|never",
		.help = "colours (default auto: on a terminal)"},
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
	struct watch_object object;
	/** What was found in the snapshot. Owned. */
	char *path, *type;
	uint64_t length;
	struct watch_sites sites;
	struct line_queue *lines;
	bool is_out_of_memory;
};

static struct error *describe(struct watching *watching, const struct heap_graph *graph,
	const struct paths *paths, node_id node)
{
	struct path_description description;
	struct error *err = paths_describe(paths, node, &description);

	if (err)
		return err;
	watching->path = take(description.text);
	path_description_deinit(&description);
	watching->type = mem_strdup(graph->types[heap_type_of(graph, node)].name);
	watching->object.addr = graph->naming.address(graph->naming.context, node);
	watching->length = graph->naming.length(graph->naming.context, node);
	return watching->path && watching->type ? NULL : error_enomem();
}

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

static struct error *find_in(
	struct watching *watching, const struct heap_graph *graph, const char *what)
{
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct error *err = paths_create(graph, &paths);
	node_id node = HEAP_NODE_NONE;
	uint64_t addr;

	if (err)
		return err;
	if (!is_address(what, &addr)) {
		err = paths_find(graph, paths, what, &node);
	} else {
		node = graph->naming.node_at(graph->naming.context, addr);
		if (node == HEAP_NODE_NONE)
			err = error_create(ERROR_NOT_FOUND, "there is no object at %s", what);
	}
	return err ? err : describe(watching, graph, paths, node);
}

static struct error *find_word(struct watching *watching, const char *what)
{
	uint64_t addr;

	if (!is_address(what, &addr) || addr % 8)
		return error_create(ERROR_USAGE,
			"--word takes an address that is a multiple of 8, 0x7f…, not '%s'", what);
	watching->object = (struct watch_object){.addr = addr, .is_word = true};
	watching->path = mem_strdup(what);
	return watching->path ? NULL : error_enomem();
}

// Paths are looked up in a snapshot: the process has moved on when it is done, but not its containers.
static struct error *find_object(struct watching *watching, const char *what)
{
	const struct heap_snapshot_options options = {
		.capture = {.force = watching->options->force}};
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	struct error *err;

	if (watching->options->word)
		return find_word(watching, what);
	progress_show("shikari: looking for %s …", what);
	err = heap_snapshot_take(watching->source, &options, &snapshot);
	if (!err)
		err = find_in(watching, snapshot->graph, what);
	progress_clear();
	return err;
}

static enum watch_verdict on_change(void *context, const struct watch_change *change)
{
	struct watching *watching = context;
	const struct watch_object_options *options = watching->options;

	if (change->after > change->before)
		watching->is_out_of_memory |= !watch_sites_add(&watching->sites, change);
	line_queue_add(watching->lines, options->json ? export_watch_change(change, options->values)
						      : watch_text_change(change, options->word,
								options->values, &watching->style));
	// The limit is for changes of any sort.
	return options->hits && watching->object.changes >= options->hits ? WATCH_DROP : WATCH_KEEP;
}

static bool goes_on(void *context)
{
	const struct watching *watching = context;

	return !interrupt_signal() && !watching->is_out_of_memory &&
	       !line_queue_is_broken(watching->lines);
}

static void tell_start(struct watching *watching)
{
	const struct heap_source_info *info = heap_source_info(watching->source);
	const struct export_watched watched = {
		.pid = info->pid,
		.python = info->python,
		.path = watching->path,
		.type = watching->type,
		.addr = watching->object.addr,
		.length = watching->length,
	};

	line_queue_add(watching->lines, watching->options->json
						? export_watch_start(&watched)
						: watch_text_start(watching->path, watching->type,
							  watching->length, &watching->style));
}

static void tell_end(struct watching *watching, const struct watch_report *report)
{
	const struct watch_object_options *options = watching->options;
	uint64_t lost = line_queue_dropped(watching->lines);

	watch_sites_finish(&watching->sites);
	line_queue_add(watching->lines,
		options->json ? export_watch_end(report, &watching->object, &watching->sites, lost,
					options->values)
			      : watch_text_end(report, &watching->object, &watching->sites, lost,
					options->values, &watching->style));
}

static struct error *watch(struct watching *watching)
{
	const struct watch_object_options *options = watching->options;
	const struct watch_options watch_options = {
		.method = (enum watch_method)options->method,
		.seconds_max = options->seconds,
		.rate_max = options->rate_max,
		.context = watching,
		.on_change = on_change,
		.goes_on = goes_on,
	};
	struct watch_report report;
	struct error *err;

	tell_start(watching);
	err = watch_run(heap_source_process(watching->source), heap_source_python(watching->source),
		&watching->object, 1, &watch_options, &report);
	if (!err && watching->object.is_unwatchable)
		return error_create(ERROR_UNSUPPORTED,
			"%s (%s) has no word that says its length: watch a list, bytearray, deque, "
			"dict, set, or what has a __dict__",
			watching->path, watching->type);
	// What was seen until the process ended is told all the same.
	tell_end(watching, &report);
	if (!err && watching->is_out_of_memory)
		err = error_enomem();
	return err;
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

static struct error *run(const void *data, int operand_count, char **operands, int *ret_code)
{
	struct watching watching = {
		.options = data,
		.style = {.width = 0,
			.has_colour = terminal_has_colour(
				(enum colour_when)((const struct watch_object_options *)data)
					->colour,
				STDOUT_FILENO)},
	};
	struct error *err;
	pid_t pid;

	if (operand_count != 2)
		return error_create(ERROR_USAGE, "watch-object needs a process and what to watch "
						 "in it, a path or an address");
	err = options_parse_pid(operands[0], &pid);
	if (!err)
		err = heap_source_open_process(pid, &watching.source);
	if (!err)
		err = find_object(&watching, operands[1]);
	if (!err)
		err = watch_and_print(&watching, ret_code);
	watch_sites_deinit(&watching.sites);
	line_queue_destroy(watching.lines);
	mem_free(watching.path);
	mem_free(watching.type);
	heap_source_destroy(watching.source);
	return err;
}

const struct command command_watch_object = {
	.name = "watch-object",
	.summary = "who changes a container, live: file, line, callers, request",
	.usage = "watch-object [OPTIONS] PID PATH|ADDRESS",
	.text = "Watch the length of a container in a running process, and print a line for each\n"
		"change: how much, file and line and function, callers, thread, and the request "
		"that\n"
		"is being served. PATH is what `shikari hunt` prints (metrics.Profiler.results,\n"
		"app.cache['users']); ADDRESS is that of an object, 0x7f…. Lists, bytearrays, "
		"deques,\n"
		"dicts of any sort, sets; of a module, class or instance, its __dict__. The thread "
		"that\n"
		"makes a change is stopped for some 50 µs; between changes nothing happens.\n",
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
