// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/watch_text.h"

#include "base/alloc.h"
#include "base/human.h"
#include "base/string_builder.h"
#include "report/native_text.h"

#include <inttypes.h>

char *watch_text_start(const struct watched_report *report, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};

	for (unsigned i = 0; i < report->count; i++) {
		const struct watched *watched = &report->items[i];
		const char *label = i ? "    and" : "watching";

		if (watched->type)
			text_writer_line(&writer, label, TEXT_PLAIN, TEXT_BOLD, "%s   %s, %s items",
				watched->path, watched->type, human_count(watched->length).text);
		else
			text_writer_line(&writer, label, TEXT_PLAIN, TEXT_BOLD, "the word at %s",
				watched->path);
	}
	text_writer_line(&writer, "", TEXT_PLAIN, TEXT_DIM, "(Ctrl-C ends it)");
	return string_builder_finish(&writer.out);
}

// "+1 → 1,024"; of a word of unknown meaning, what it was and is.
static void add_lengths(struct string_builder *out, const struct watch_change *change, bool is_word)
{
	bool is_growth = change->after > change->before;
	uint64_t by = is_growth ? change->after - change->before : change->before - change->after;

	if (is_word)
		string_builder_add_format(
			out, "0x%" PRIx64 " → 0x%" PRIx64 "   ", change->before, change->after);
	else
		string_builder_add_format(out, "%s%s → %s   ", is_growth ? "+" : "-",
			human_count(by).text, human_count(change->after).text);
}

static void add_place(struct string_builder *out, const struct watch_change *change)
{
	_cleanup_(string_builder_deinit) struct string_builder callers = {0};
	_cleanup_(mem_free) char *text = NULL;

	if (change->frame_count == 0) {
		string_builder_add(out, "C code without a Python stack");
		native_text_add(out, change->natives, change->native_count);
		return;
	}
	if (change->method == WATCH_POLLING)
		string_builder_add(out, "near ");
	added_place(
		out, change->frames[0].file, change->frames[0].line, change->frames[0].function);
	native_text_add(out, change->natives, change->native_count);
	added_callers(&callers, change->frames, change->frame_count);
	text = string_builder_finish(&callers);
	if (text && *text)
		string_builder_add_format(out, " ← %s", text);
}

static void add_request(
	struct string_builder *out, const struct watch_request *request, bool with_values)
{
	if (!*request->method)
		return;
	string_builder_add_format(out, "   %s %s", request->method, request->path);
	if (with_values && *request->query)
		string_builder_add_format(out, "?%s", request->query);
}

char *watch_text_change(const struct watched_report *report, const struct watch_change *change,
	const struct report_style *style)
{
	const struct watched *watched = &report->items[change->object];
	struct text_writer writer = {.style = *style};
	_cleanup_(string_builder_deinit) struct string_builder line = {0};
	_cleanup_(mem_free) char *text = NULL;

	string_builder_add_format(&line, "%9.3f s  ", change->at_s);
	if (report->count > 1)
		string_builder_add_format(&line, "%s  ", watched->path);
	add_lengths(&line, change, !watched->type);
	add_place(&line, change);
	if (*change->thread)
		string_builder_add_format(&line, "   [%s]", change->thread);
	add_request(&line, &change->request, report->with_values);
	text = string_builder_finish(&line);
	if (!text)
		return NULL;
	text_writer_line(&writer, NULL, TEXT_PLAIN,
		change->after > change->before ? TEXT_PLAIN : TEXT_DIM, "%s", text);
	return string_builder_finish(&writer.out);
}

static const char *next_label(unsigned *count)
{
	return (*count)++ ? "" : "  notes";
}

static void write_notes(struct text_writer *writer, const struct watched_report *report)
{
	const struct watch_report *watch = &report->watch;
	unsigned count = 0;

	if (watch->pauses)
		text_writer_line(writer, next_label(&count), TEXT_DIM, TEXT_PLAIN,
			"not watched for %s in all, so as not to stop it more often (--max-rate)",
			human_seconds(watch->paused_s).text);
	if (*watch->fallback_reason)
		text_writer_line(writer, next_label(&count), TEXT_DIM, TEXT_PLAIN,
			"lines are approximate: no hardware watchpoints (%s)",
			watch->fallback_reason);
	if (report->lost_lines)
		text_writer_line(writer, next_label(&count), TEXT_DIM, TEXT_PLAIN,
			"%s lines were not printed: output was not read fast enough",
			human_count(report->lost_lines).text);
}

static void write_object(
	struct text_writer *writer, const struct watched_report *report, unsigned number)
{
	const struct watched *watched = &report->items[number];
	const struct watch_object *object = &report->objects[number];

	text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_BOLD,
		watched->type ? "%s: %s changes in %s, %s → %s items%s" : "%s: %s changes in %s",
		watched->path, human_count(object->changes).text,
		human_seconds(report->watch.seconds).text, human_count(object->length_first).text,
		human_count(object->length_last).text, object->is_gone ? "; it was freed" : "");
	added_write(writer, &watched->sites, report->watch.method == WATCH_POLLING,
		report->with_values);
}

char *watch_text_end(const struct watched_report *report, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};

	text_writer_blank(&writer);
	for (unsigned i = 0; i < report->count; i++)
		write_object(&writer, report, i);
	if (report->watch.stopped_us_mean > 0)
		text_writer_line(&writer, "stopped", TEXT_PLAIN, TEXT_PLAIN,
			"a thread for %.0f µs per change (%.0f µs at most)",
			report->watch.stopped_us_mean, report->watch.stopped_us_max);
	write_notes(&writer, report);
	return string_builder_finish(&writer.out);
}
