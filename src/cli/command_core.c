// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/error.h"
#include "heap/heap_open.h"

struct core_command_options {
	struct core_options core;
	const char *output;
	int colour; /* enum colour_when */
	bool values, json;
};

static const struct option_row core_rows[] = {
	CORE_OPTION_ROWS(struct core_command_options, core),
	{.name = "output",
		.letter = 'o',
		.type = OPTION_TEXT,
		.offset = offsetof(struct core_command_options, output),
		.argument = "FILE",
		.help = "write a snapshot file that needs neither the core nor its libraries"},
	{.name = "values",
		.type = OPTION_FLAG,
		.offset = offsetof(struct core_command_options, values),
		.help = "with -o: also what strings and numbers are, not only what they are "
			"called"},
	JSON_OPTION_ROW(struct core_command_options),
	COLOUR_OPTION_ROW(struct core_command_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	(void)options;
}

static struct error *check_word(const char *word)
{
	pid_t pid;
	struct error *err = heap_source_read_word(word, &pid);

	if (err)
		return err;
	if (pid)
		return error_create(
			ERROR_USAGE, "core takes a core file; of a process: shikari snap %d", pid);
	if (heap_source_is_snapshot(word))
		return error_create(ERROR_USAGE,
			"'%s' is a snapshot file already: shikari show %s summary", word, word);
	return NULL;
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	const struct core_command_options *it = options;
	struct error *err;

	if (operand_count != 1)
		return error_create(ERROR_USAGE, "core takes one core file");
	if (it->output ? it->json : it->values)
		return error_create(ERROR_USAGE,
			it->json ? "--json and -o are two answers" : "--values needs -o FILE");
	err = check_word(operands[0]);
	if (err)
		return err;
	if (it->output)
		return snap_core(operands[0], &it->core, it->values, it->output, ret_code);
	return show_core(operands[0], &it->core, it->json, it->colour, ret_code);
}

const struct command command_core = {
	.name = "core",
	.summary = "what a core file has and lacks; or, with -o, make a snapshot file of it",
	.usage = "core [OPTIONS] CORE",
	.text = "Read a core file, as the kernel or gcore writes it. What it does not hold of the "
		"program and\n"
		"its libraries is read from their files: by their paths here, or --exe and "
		"--sysroot. A core\n"
		"that was cut short is read as far as it goes. What is missing is said.\n"
		"\n"
		"All commands that take a FILE take the core itself, too. A snapshot file is "
		"smaller by far,\n"
		"and can be looked at where the libraries are not.\n",
	.examples = "examples:\n"
		    "  shikari core core.4242\n"
		    "  shikari core core.4242 -o core.shk\n"
		    "  shikari core --sysroot /srv/image core.4242 -o core.shk\n\n"
		    "exit codes: 0 done, 2 usage, 3 the core cannot be read or the file not "
		    "written,\n"
		    "            4 not supported, 128+N ended by signal N\n",
	.options = core_rows,
	.options_size = sizeof(struct core_command_options),
	.defaults = set_defaults,
	.run = run,
};
