// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "analysis/memory.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "cli/interrupt.h"
#include "heap/heap_facts.h"
#include "heap/heap_facts_options.h"
#include "heap/heap_open.h"

#include <stdio.h>

struct snap_options {
	struct core_options core;
	const char *output;
	unsigned pause_ms_max;
	int mode; /* enum capture_mode */
	bool values, force;
};

static const struct option_row snap_rows[] = {
	{.name = "output",
		.letter = 'o',
		.type = OPTION_TEXT,
		.offset = offsetof(struct snap_options, output),
		.argument = "FILE",
		.help = "where to write it (needed; by custom its name ends with .shk)"},
	{.name = "values",
		.type = OPTION_FLAG,
		.offset = offsetof(struct snap_options, values),
		.help = "also what strings and numbers are, not only what they are called"},
	CORE_OPTION_ROWS(struct snap_options, core),
	MODE_OPTION_ROW(struct snap_options),
	PAUSE_OPTION_ROW(struct snap_options),
	FORCE_OPTION_ROW(struct snap_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	(void)options;
}

static struct error *print_done(
	const struct heap_snapshot *snapshot, const char *path, uint64_t bytes, int *ret_code)
{
	const struct heap_snapshot_stats *stats = &snapshot->stats;
	char stop[128] = "", text[512];

	if (snapshot->info.kind == HEAP_SOURCE_PROCESS)
		snprintf(stop, sizeof(stop), "target stopped for %s (%s) · ",
			human_seconds(stats->capture.stopped_ms / 1e3).text,
			capture_mode_name(stats->capture.mode));
	snprintf(text, sizeof(text),
		"shikari: %s%s objects, %s\n"
		"%s: %s, %.1f bytes per object\n",
		stop, human_count(stats->objects).text, human_bytes((double)stats->bytes).text,
		path, human_bytes((double)bytes).text,
		stats->objects ? (double)bytes / (double)stats->objects : 0.0);
	return write_output(text, ret_code);
}

static struct error *save(
	const struct snap_options *options, struct heap_snapshot *snapshot, uint64_t *ret_bytes)
{
	const struct heap_facts_options what = {.with_content = options->values};
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures memory = {0};
	struct error *err = NULL;

	if (snapshot->memory)
		err = memory_measure(snapshot->graph, snapshot->memory, &memory);
	return err ? err
		   : heap_snapshot_save(snapshot, &what, snapshot->memory ? &memory : NULL,
			     options->output, ret_bytes);
}

static struct error *snap(const struct snap_options *options, const char *target, int *ret_code)
{
	const struct heap_snapshot_options how = {
		.capture =
			{
				.mode = (enum capture_mode)options->mode,
				.pause_ms_max = options->pause_ms_max,
				.force = options->force,
			},
		.keep_memory = true,
	};
	const struct heap_source_options where = {.core = options->core};
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	struct error *err = heap_source_open(target, &where, &source);
	uint64_t bytes;

	if (err)
		return err;
	progress_show("shikari: taking a snapshot …");
	err = heap_snapshot_take(source, &how, &snapshot);
	if (err)
		return err;
	if (interrupt_signal()) {
		*ret_code = EXIT_SIGNAL + interrupt_signal();
		return NULL;
	}
	progress_show("shikari: writing %s …", options->output);
	err = save(options, snapshot, &bytes);
	progress_clear();
	if (!err)
		nameless_show(snapshot->facts->nameless);
	return err ? err : print_done(snapshot, options->output, bytes, ret_code);
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	const struct snap_options *snap_options = options;

	if (operand_count != 1)
		return error_create(ERROR_USAGE, "snap takes one process or core file");
	if (!snap_options->output || !*snap_options->output)
		return error_create(ERROR_USAGE, "snap needs a file to write: -o FILE");
	return snap(snap_options, operands[0], ret_code);
}

struct error *snap_core(const char *core, const struct core_options *where, bool values,
	const char *output, int *ret_code)
{
	const struct snap_options options = {.core = *where, .values = values, .output = output};

	return snap(&options, core, ret_code);
}

const struct command command_snap = {
	.name = "snap",
	.summary = "keep a snapshot in a file, to be looked at later or elsewhere",
	.usage = "snap [OPTIONS] -o FILE PID|CORE",
	.text = "Take one snapshot of a running CPython process, or of a core file, and write it "
		"to a file:\n"
		"the graph of its objects, with types, names, roots, the threads' stacks, and "
		"where "
		"the memory\n"
		"goes. Names are those of attributes, keys that look like names, functions, files; "
		"no other\n"
		"contents of objects unless --values says so. The file is readable by its owner "
		"only.\n",
	.examples =
		"examples:\n"
		"  shikari snap 4242 -o a.shk\n"
		"  shikari hunt a.shk b.shk c.shk      # three, with time between them\n"
		"  shikari snap core.4242 -o core.shk  # to be looked at without its libraries\n\n"
		"exit codes: 0 written, 2 usage, 3 the process cannot be read or the file not "
		"written,\n"
		"            4 not supported, 128+N ended by signal N\n",
	.options = snap_rows,
	.options_size = sizeof(struct snap_options),
	.defaults = set_defaults,
	.run = run,
};
