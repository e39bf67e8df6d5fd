// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "cpython/pylayout.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

static const struct command *const commands[] = {
	&command_hunt,
	&command_doctor,
	&command_show,
	&command_path,
	&command_diff,
	&command_layout,
	&command_mem,
	&command_watch_object,
	&command_gc,
	&command_trim,
	&command_snap,
	&command_core,
	&command_export,
	&command_sql,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static const char *command_name(const void *context, size_t index)
{
	const struct command *const *table = context;

	return table[index]->name;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

static struct error *unknown_command(const char *name)
{
	const char *nearest =
		options_nearest(name, COMMAND_COUNT, command_name, (const void *)commands);

	if (nearest)
		return error_create(ERROR_USAGE,
			"'%s' is neither a command nor a process id; did you mean '%s'? "
			"(see shikari help)",
			name, nearest);
	return error_create(
		ERROR_USAGE, "'%s' is neither a command nor a process id (see shikari help)", name);
}

struct report_style output_style(int colour)
{
	return (struct report_style){
		.width = terminal_width(STDOUT_FILENO),
		.has_colour = terminal_has_colour((enum colour_when)colour, STDOUT_FILENO),
	};
}

struct error *write_output(const char *text, int *ret_code)
{
	errno = 0;
	if (fputs(text, stdout) != EOF && fflush(stdout) == 0)
		return NULL;
	// Whoever read us has seen enough.
	if (errno == EPIPE) {
		*ret_code = EXIT_SIGNAL + SIGPIPE;
		return NULL;
	}
	return error_system(errno, "cannot write to standard output");
}

static void print_overview(FILE *out)
{
	fputs("shikari finds the memory leak in a Python process that is already running.\n\n"
	      "usage: shikari PID\n"
	      "       shikari COMMAND [OPTIONS] …\n"
	      "       shikari help [COMMAND]\n"
	      "       shikari --version\n\n"
	      "commands:\n",
		out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nexamples:\n"
	      "  shikari 4242                 find the leak in process 4242, looking for a minute\n"
	      "  shikari hunt --for 600 4242  the same, for ten minutes: slow leaks, filling "
	      "caches\n"
	      "  shikari doctor 4242          what works with process 4242, and why not\n",
		out);
}

static void print_command(const struct command *command, FILE *out)
{
	fprintf(out, "usage: shikari %s\n\n%s\noptions:\n", command->usage, command->text);
	options_print(command->options, out);
	fprintf(out, "\n%s", command->examples);
}

static struct error *finish_help(int *ret_code)
{
	return write_output("", ret_code);
}

static struct error *print_version(int *ret_code)
{
	printf("shikari " SHIKARI_VERSION "\nreads CPython %s on x86-64 Linux\n",
		pylayout_supported());
	return write_output("", ret_code);
}

static struct error *run_help(int argc, char **argv, int *ret_code)
{
	const struct command *command;

	if (argc == 0) {
		print_overview(stdout);
		return finish_help(ret_code);
	}
	command = find_command(argv[0]);
	if (!command)
		return unknown_command(argv[0]);
	print_command(command, stdout);
	return finish_help(ret_code);
}

static struct error *run_command(
	const struct command *command, int argc, char **argv, int *ret_code)
{
	_cleanup_(mem_free) void *options = mem_calloc(1, command->options_size);
	struct error *err;
	int operands;
	bool help;

	if (!options)
		return error_enomem();
	command->defaults(options);
	err = options_parse(command->options, argc, argv, options, &operands, &help);
	if (!err && help) {
		print_command(command, stdout);
		return finish_help(ret_code);
	}
	if (!err)
		err = command->run(options, operands, argv, ret_code);
	if (err && error_kind(err) == ERROR_USAGE) {
		struct error *longer = error_create(ERROR_USAGE, "%s (see shikari %s --help)",
			error_message(err), command->name);

		error_destroy(err);
		return longer;
	}
	return err;
}

static struct error *run(int argc, char **argv, int *ret_code)
{
	const struct command *command;

	if (argc == 0) {
		print_overview(stderr);
		*ret_code = EXIT_USAGE;
		return NULL;
	}
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
		return run_help(0, NULL, ret_code);
	if (strcmp(argv[0], "help") == 0)
		return run_help(argc - 1, argv + 1, ret_code);
	if (strcmp(argv[0], "--version") == 0)
		return print_version(ret_code);
	// `shikari [OPTIONS] PID` is a hunt.
	if (isdigit((unsigned char)argv[0][0]) || argv[0][0] == '-')
		return run_command(&command_hunt, argc, argv, ret_code);
	command = find_command(argv[0]);
	if (!command)
		return unknown_command(argv[0]);
	return run_command(command, argc - 1, argv + 1, ret_code);
}

static int code_of(const struct error *err)
{
	switch (error_kind(err)) {
	case ERROR_USAGE:
		return EXIT_USAGE;
	case ERROR_UNSUPPORTED:
		return EXIT_UNSUPPORTED;
	default:
		return EXIT_TARGET;
	}
}

static void print_error(const struct error *err)
{
	_cleanup_(mem_free) char *clean = utf8_clean(error_message(err), true);

	progress_clear();
	fprintf(stderr, "shikari: %s\n", clean ? clean : error_message(err));
}

// A file that is opened later must not become our standard output by accident.
static struct error *check_streams(void)
{
	bool has_output = fcntl(STDOUT_FILENO, F_GETFD) != -1;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1)
			return error_system(errno, "cannot open /dev/null");
	}
	if (has_output)
		return NULL;
	return error_create(ERROR_SYSTEM,
		"standard output is closed: there is nowhere to write the answer (use > FILE)");
}

int main(int argc, char **argv)
{
	struct error *err = check_streams();
	int code = EXIT_DONE;

	interrupt_install();
	if (!err)
		err = run(argc - 1, argv + 1, &code);
	progress_clear();
	if (err) {
		print_error(err);
		code = code_of(err);
		error_destroy(err);
	}
	return code;
}
