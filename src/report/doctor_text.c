// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/doctor_text.h"

#include "base/alloc.h"
#include "report/text_writer.h"

struct section {
	const char *label;
	enum doctor_status status;
	enum text_colour colour;
};

// In the order in which they are shown.
static const struct section sections[] = {
	{"✗ fail", DOCTOR_FAIL, TEXT_ALARM},
	{"! warn", DOCTOR_WARN, TEXT_BOLD},
	{"?", DOCTOR_UNKNOWN, TEXT_DIM},
	{"✓ ok", DOCTOR_OK, TEXT_GOOD},
};

static void write_check(
	struct text_writer *writer, const struct section *section, const struct doctor_check *check)
{
	enum text_colour colour = section->status == DOCTOR_FAIL ? TEXT_BOLD : TEXT_PLAIN;

	text_writer_line(writer, section->label, section->colour, colour, "%s", check->what);
	if (*check->why)
		text_writer_line(writer, "    why", TEXT_DIM, TEXT_PLAIN, "%s", check->why);
	if (*check->remedy)
		text_writer_line(writer, "    do", TEXT_DIM, TEXT_PLAIN, "%s", check->remedy);
}

// What is well needs no line of its own while something else is of interest.
static bool is_name_enough(const struct doctor_report *report, const struct doctor_check *check)
{
	return check->status == DOCTOR_OK && report->pid &&
	       (check->is_of_machine || report->verdict != DOCTOR_READY);
}

static void write_names(struct text_writer *writer, const struct doctor_report *report)
{
	_cleanup_(string_builder_deinit) struct string_builder names = {0};
	_cleanup_(mem_free) char *text = NULL;

	for (size_t i = 0; i < report->count; i++) {
		if (is_name_enough(report, &report->checks[i]))
			string_builder_add_format(
				&names, "%s%s", names.length ? ", " : "", report->checks[i].name);
	}
	text = string_builder_finish(&names);
	if (!text)
		writer->out.failed = true;
	else if (*text)
		text_writer_line(writer, "✓ ok", TEXT_GOOD, TEXT_PLAIN, "%s", text);
}

static void write_waiting(struct text_writer *writer, const struct doctor_report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->checks[i].is_waiting;
	if (count > 0)
		text_writer_line(writer, "?", TEXT_DIM, TEXT_PLAIN, "%zu more check%s for that",
			count, count == 1 ? " waits" : "s wait");
}

static void write_section(struct text_writer *writer, const struct section *section,
	const struct doctor_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct doctor_check *check = &report->checks[i];

		if (check->status == section->status && !check->is_waiting &&
			!is_name_enough(report, check))
			write_check(writer, section, check);
	}
}

char *doctor_report_text(const struct doctor_report *report, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};
	bool is_ready = report->verdict == DOCTOR_READY;

	text_writer_line(&writer, NULL, TEXT_PLAIN, TEXT_BOLD, "shikari: %s", report->subject);
	text_writer_blank(&writer);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		write_section(&writer, &sections[i], report);
	write_waiting(&writer, report);
	write_names(&writer, report);
	text_writer_blank(&writer);
	text_writer_line(&writer, NULL, TEXT_PLAIN, is_ready ? TEXT_GOOD : TEXT_ALARM, "● %s",
		report->summary);
	return string_builder_finish(&writer.out);
}
