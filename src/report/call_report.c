// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/call_report.h"

#include "base/alloc.h"
#include "base/human.h"
#include "base/path.h"
#include "report/text_writer.h"

void call_report_deinit(struct call_report *report)
{
	mem_free(report->python);
	mem_free(report->executable);
	mem_free(report->way);
	*report = (struct call_report){0};
}

const char *call_kind_name(enum call_kind kind)
{
	return kind == CALL_COLLECT ? "gc.collect()" : "malloc_trim(0)";
}

const char *call_outcome_name(enum call_outcome outcome)
{
	static const char *const names[] = {
		[CALL_DONE] = "done", [CALL_NOT_DONE] = "not-done", [CALL_LEFT] = "left"};

	return names[outcome];
}

static void write_outcome(struct text_writer *writer, const struct call_report *report)
{
	const char *name = call_kind_name(report->kind);

	switch (report->outcome) {
	case CALL_DONE:
		text_writer_line(writer, "✓ done", TEXT_GOOD, TEXT_PLAIN,
			"%s %s, in %s; its thread was away for %s, all threads stood still for %s",
			name, report->way, human_seconds(report->call_ms / 1e3).text,
			human_seconds(report->away_ms / 1e3).text,
			human_seconds(report->stopped_ms / 1e3).text);
		break;
	case CALL_NOT_DONE:
		text_writer_line(writer, "✗ not", TEXT_ALARM, TEXT_PLAIN,
			"%s was not called within %s, nor will be: %s", name,
			human_seconds(report->waited_s).text, report->way);
		break;
	case CALL_LEFT:
		text_writer_line(writer, "! left", TEXT_BOLD, TEXT_PLAIN,
			"%s had not ended after %s, or its thread still waits for the GIL; it was "
			"let "
			"go, and does the rest by itself",
			name, human_seconds(report->waited_s).text);
		break;
	}
}

static uint64_t fallen(uint64_t before, uint64_t after)
{
	return before > after ? before - after : 0;
}

static void write_memory(
	struct text_writer *writer, const char *label, uint64_t before, uint64_t after)
{
	text_writer_line(writer, label, TEXT_DIM, TEXT_PLAIN, "%s → %s (%s%s)",
		human_bytes((double)before).text, human_bytes((double)after).text,
		after > before ? "+" : "−",
		human_bytes(after > before ? (double)(after - before) : (double)(before - after))
			.text);
}

static void write_objects(struct text_writer *writer, const struct call_report *report)
{
	const struct call_moment *before = &report->moments[0], *after = &report->moments[1];

	text_writer_line(writer, "  freed", TEXT_DIM, TEXT_PLAIN,
		"%s objects, %s: %s → %s objects, %s → %s",
		human_count(fallen(before->objects, after->objects)).text,
		human_bytes((double)fallen(before->bytes, after->bytes)).text,
		human_count(before->objects).text, human_count(after->objects).text,
		human_bytes((double)before->bytes).text, human_bytes((double)after->bytes).text);
	text_writer_line(writer, "  cycles", TEXT_DIM, TEXT_PLAIN,
		"%s unreachable objects (%s) waited for the collector before, %s (%s) after",
		human_count(before->garbage_objects).text,
		human_bytes((double)before->garbage_bytes).text,
		human_count(after->garbage_objects).text,
		human_bytes((double)after->garbage_bytes).text);
}

char *call_report_text(const struct call_report *report, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};
	const struct call_moment *before = &report->moments[0], *after = &report->moments[1];

	text_writer_line(&writer, NULL, TEXT_PLAIN, TEXT_BOLD, "shikari: %s %d (%s, %s)",
		path_base_name(report->executable), (int)report->pid, report->python,
		human_bytes((double)before->rss_bytes).text);
	write_outcome(&writer, report);
	if (report->has_objects)
		write_objects(&writer, report);
	if (report->outcome == CALL_NOT_DONE)
		return string_builder_finish(&writer.out);
	write_memory(&writer, "  RSS", before->rss_bytes, after->rss_bytes);
	if (before->pss_bytes && after->pss_bytes)
		write_memory(&writer, "  PSS", before->pss_bytes, after->pss_bytes);
	return string_builder_finish(&writer.out);
}
