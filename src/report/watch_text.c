// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/watch_text.h"

#include "base/alloc.h"
#include "base/human.h"
#include "base/string_builder.h"

#include <inttypes.h>

char *watch_text_start(
	const char *path, const char *type, uint64_t length, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};

	text_writer_line(&writer, NULL, TEXT_PLAIN, TEXT_BOLD,
		type ? "watching %s   %s, %s items (Ctrl-C ends it)"
		     : "watching the word at %s (Ctrl-C ends it)",
		path, type, human_count(length).text);
	return string_builder_finish(&writer.out);
}

// "+1 → 1,024"; of a word of unknown meaning, what it was and is.
static void add_lengths(struct string_builder *out, const struct watch_change *change, bool is_word)
{
	bool is_growth = change->after > change->before;
	uint64_t by = is_growth ? change->after - change->before : change->before - change->after;

	if (is_word) {
		string_builder_add_format(
			out, "0x%" PRIx64 " → 0x%" PRIx64 "   ", change->before, change->after);
		return;
	}
	string_builder_add_format(out, "%s%s → %s   ", is_growth ? "+" : "-", human_count(by).text,
		human_count(change->after).text);
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

char *watch_text_change(const struct watch_change *change, bool is_word, bool with_values,
	const struct report_style *style)
{
	struct text_writer writer = {.style = *style};
	_cleanup_(string_builder_deinit) struct string_builder line = {0}, callers = {0};
	_cleanup_(mem_free) char *text = NULL, *called = NULL;

	string_builder_add_format(&line, "%9.3f s  ", change->at_s);
	add_lengths(&line, change, is_word);
	if (change->method == WATCH_POLLING)
		string_builder_add(&line, "near ");
	if (change->frame_count) {
		added_place(&line, change->frames[0].file, change->frames[0].line,
			change->frames[0].function);
		added_callers(&callers, change->frames, change->frame_count);
	} else {
		string_builder_add(&line, "C code without a Python stack");
	}
	called = string_builder_finish(&callers);
	if (called && *called)
		string_builder_add_format(&line, " ← %s", called);
	if (*change->thread)
		string_builder_add_format(&line, "   [%s]", change->thread);
	add_request(&line, &change->request, with_values);
	text = string_builder_finish(&line);
	if (!text)
		return NULL;
	text_writer_line(&writer, NULL, TEXT_PLAIN,
		change->after > change->before ? TEXT_PLAIN : TEXT_DIM, "%s", text);
	return string_builder_finish(&writer.out);
}

static void write_losses(struct text_writer *writer, const struct watch_report *report,
	const struct watch_object *object, uint64_t lost_lines)
{
	if (report->pauses)
		text_writer_line(writer, "  notes", TEXT_DIM, TEXT_PLAIN,
			"not watched for %s in all, so as not to stop it more often (--max-rate)",
			human_seconds(report->paused_s).text);
	if (*report->fallback_reason)
		text_writer_line(writer, "  notes", TEXT_DIM, TEXT_PLAIN,
			"lines are approximate: no hardware watchpoints (%s)",
			report->fallback_reason);
	if (lost_lines)
		text_writer_line(writer, "  notes", TEXT_DIM, TEXT_PLAIN,
			"%s lines were not printed: output was not read fast enough",
			human_count(lost_lines).text);
	if (object->is_gone)
		text_writer_line(writer, "  notes", TEXT_DIM, TEXT_PLAIN, "the object was freed");
}

char *watch_text_end(const struct watch_report *report, const struct watch_object *object,
	const struct watch_sites *sites, uint64_t lost_lines, bool with_values,
	const struct report_style *style)
{
	struct text_writer writer = {.style = *style};

	text_writer_blank(&writer);
	text_writer_line(&writer, NULL, TEXT_PLAIN, TEXT_BOLD,
		object->is_word ? "%s changes in %s" : "%s changes in %s, %s → %s items",
		human_count(object->changes).text, human_seconds(report->seconds).text,
		human_count(object->length_first).text, human_count(object->length_last).text);
	if (report->stopped_us_mean > 0)
		text_writer_line(&writer, "", TEXT_PLAIN, TEXT_PLAIN,
			"a thread was stopped for %.0f µs per change (%.0f µs at most)",
			report->stopped_us_mean, report->stopped_us_max);
	added_write(&writer, sites, report->method == WATCH_POLLING, with_values);
	write_losses(&writer, report, object, lost_lines);
	return string_builder_finish(&writer.out);
}
