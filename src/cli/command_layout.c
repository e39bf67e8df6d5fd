// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/alloc.h"
#include "base/error.h"
#include "export/export_layout.h"
#include "heap/heap_open.h"
#include "report/layout_text.h"

struct layout_options {
	struct core_options core;
	int colour; /* enum colour_when */
	bool all, json;
};

static const struct option_row layout_rows[] = {
	{.name = "all",
		.type = OPTION_FLAG,
		.offset = offsetof(struct layout_options, all),
		.help = "the versions that can be read (default without PID)"},
	CORE_OPTION_ROWS(struct layout_options, core),
	JSON_OPTION_ROW(struct layout_options),
	COLOUR_OPTION_ROW(struct layout_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	(void)options;
}

static struct error *print_layout(
	const struct layout_options *options, const struct doctor_layout *layout, int *ret_code)
{
	const struct report_style style = output_style(options->colour);
	_cleanup_(mem_free) char *text = NULL;
	struct error *err = NULL;

	if (options->json)
		err = export_layout_json(layout, &text);
	else
		text = layout_text(layout, &style);
	if (err || !text)
		return err ? err : error_enomem();
	return write_output(text, ret_code);
}

// Also where no row fits, it is shown what was tried.
static struct error *finish(const struct layout_options *options,
	const struct doctor_layout *layout, struct error *refusal, int *ret_code)
{
	struct error *err = NULL;

	if (layout->row_count > 0)
		err = print_layout(options, layout, ret_code);
	if (!err)
		return refusal;
	error_destroy(refusal);
	return err;
}

// The structs that a layout is of are not in a snapshot file, nor does it say which row was used.
static struct error *refuse_snapshot(const char *path)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	struct error *err = heap_source_open_file(path, &source);

	return err ? err
		   : error_create(ERROR_UNSUPPORTED,
			     "'%s' is a snapshot of %s, which is read without a layout; layout "
			     "takes a process or a core file, or nothing, to list all",
			     path, heap_source_info(source)->python);
}

static struct error *examine(
	const struct layout_options *options, const char *word, struct doctor_layout *ret)
{
	pid_t pid;
	struct error *err = heap_source_read_word(word, &pid);

	if (err)
		return err;
	if (pid)
		return doctor_layout_examine(pid, ret);
	return heap_source_is_snapshot(word)
		       ? refuse_snapshot(word)
		       : doctor_layout_examine_core(word, &options->core, ret);
}

static struct error *run(const void *data, int operand_count, char **operands, int *ret_code)
{
	_cleanup_(doctor_layout_deinit) struct doctor_layout layout = {0};
	const struct layout_options *options = data;
	struct error *err;

	if (operand_count > 1)
		return error_create(
			ERROR_USAGE, "layout takes one process, not also '%s'", operands[1]);
	if (operand_count == 1 && options->all)
		return error_create(ERROR_USAGE, "layout takes --all or a process, not both: '%s'",
			operands[0]);
	if (operand_count == 0) {
		err = doctor_layout_list(&layout);
		return err ? err : print_layout(options, &layout, ret_code);
	}
	err = examine(options, operands[0], &layout);
	return finish(options, &layout, err, ret_code);
}

const struct command command_layout = {
	.name = "layout",
	.summary = "which versions can be read; what is used for a process, and where it came from",
	.usage = "layout [OPTIONS] [PID|CORE]",
	.text = "Without PID: the versions of CPython that can be read, and the interpreters that "
		"their\n"
		"layouts were read from. With PID, or a core file: which of them is used for that "
		"process,\n"
		"which others were tried, and each offset with where it came from: the row,\n"
		"data/layout/rows.txt (set), or the process itself (_Py_DebugOffsets, from 3.13 "
		"on). "
		"The\n"
		"process is not stopped.\n",
	.examples =
		"examples:\n"
		"  shikari layout\n"
		"  shikari layout 4242 | grep '^list'\n"
		"  shikari layout --json 4242 | jq '.fields[] | select(.value != .row_value)'\n\n"
		"exit codes: 0 done, 2 usage, 3 the process cannot be read, or no row fits it,\n"
		"            4 not supported\n",
	.options = layout_rows,
	.options_size = sizeof(struct layout_options),
	.defaults = set_defaults,
	.run = run,
};
