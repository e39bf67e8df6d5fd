// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/alloc.h"
#include "base/error.h"
#include "export/export_doctor.h"
#include "heap/heap_open.h"
#include "report/doctor_text.h"

struct doctor_options {
	int colour; /* enum colour_when */
	bool json;
};

static const struct option_row doctor_rows[] = {
	JSON_OPTION_ROW(struct doctor_options),
	COLOUR_OPTION_ROW(struct doctor_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	(void)options;
}

// The codes with which a hunt would end.
static const int codes[] = {
	[DOCTOR_READY] = EXIT_DONE,
	[DOCTOR_NOT_READY] = EXIT_TARGET,
	[DOCTOR_UNSUPPORTED] = EXIT_UNSUPPORTED,
};

static struct error *print_report(
	const struct doctor_options *options, const struct doctor_report *report, int *ret_code)
{
	const struct report_style style = output_style(options->colour);
	_cleanup_(mem_free) char *text = NULL;
	struct error *err = NULL;

	if (options->json)
		err = export_doctor_json(report, &text);
	else
		text = doctor_report_text(report, &style);
	if (err || !text)
		return err ? err : error_enomem();
	*ret_code = codes[report->verdict];
	return write_output(text, ret_code);
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	_cleanup_(doctor_report_deinit) struct doctor_report report = {0};
	struct error *err = NULL;
	pid_t pid = 0;

	if (operand_count > 1)
		return error_create(
			ERROR_USAGE, "doctor takes one process, not also '%s'", operands[1]);
	if (operand_count == 1)
		err = heap_source_read_word(operands[0], &pid);
	if (!err && operand_count == 1 && !pid)
		err = error_create(ERROR_USAGE,
			"doctor looks at processes that run; for a core file, see shikari layout "
			"%s",
			operands[0]);
	if (!err)
		err = doctor_examine(pid, &report);
	return err ? err : print_report(options, &report, ret_code);
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "what works here, or with a process, and what does not: why, and what to do",
	.usage = "doctor [OPTIONS] [PID]",
	.text = "Without PID: what this machine allows. With PID: whether a hunt would work with "
		"that\n"
		"process, what it would cost, and if not, why and what to do. Nothing is changed "
		"in the\n"
		"process, and it is not stopped (but for a fraction of a millisecond to read a "
		"seccomp filter).\n",
	.examples =
		"examples:\n"
		"  shikari doctor\n"
		"  shikari doctor 4242\n"
		"  shikari doctor --json 4242 | jq '.checks[] | select(.status == \"fail\")'\n\n"
		"exit codes: 0 a hunt would work, 2 usage, 3 the process cannot be read,\n"
		"            4 not supported\n",
	.options = doctor_rows,
	.options_size = sizeof(struct doctor_options),
	.defaults = set_defaults,
	.run = run,
};
