// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/hunt_report.h"

#include "base/alloc.h"
#include "base/human.h"
#include "base/path.h"
#include "base/string_builder.h"
#include "report/added_text.h"
#include "report/text_writer.h"

#include <string.h>

// One screen: the first suspect in full, so many more in short, the rest counted.
#define SHORT_SUSPECTS 3
#define ITEMS_SHOWN    4
#define NOTES_SHOWN    6

static void write_target(struct text_writer *writer, const struct hunt_report *report)
{
	text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_BOLD,
		"shikari: %s %d (%s, %s, %s thread%s)", path_base_name(report->executable),
		(int)report->pid, report->python, human_bytes(report->rss_bytes).text,
		human_count(report->threads).text, report->threads == 1 ? "" : "s");
}

// "target stopped 3 × 4.1 ms (clone)": the longest stands for all.
static void write_snapshots(struct text_writer *writer, const struct hunt_report *report)
{
	const struct hunt_snapshot *last = &report->snapshots[report->snapshot_count - 1];
	uint64_t unreadable = 0;
	double longest = 0;

	for (size_t i = 0; i < report->snapshot_count; i++) {
		const struct hunt_snapshot *snapshot = &report->snapshots[i];

		longest = snapshot->stopped_ms > longest ? snapshot->stopped_ms : longest;
		unreadable += snapshot->unreadable;
	}
	if (strcmp(last->mode, "core") == 0)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
			"%zu core files, written over %s · %s objects, %s", report->snapshot_count,
			human_seconds(last->at_s).text, human_count(last->objects).text,
			human_bytes((double)last->bytes).text);
	else if (longest > 0)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
			"%zu snapshots over %s, target stopped %zu × %s at most (%s) · %s objects, "
			"%s",
			report->snapshot_count, human_seconds(last->at_s).text,
			report->snapshot_count, human_seconds(longest / 1e3).text, last->mode,
			human_count(last->objects).text, human_bytes(last->bytes).text);
	else
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
			"%zu snapshots over %s, target not stopped (%s): what changed while it was "
			"read may be torn · %s objects, %s",
			report->snapshot_count, human_seconds(last->at_s).text, last->mode,
			human_count(last->objects).text, human_bytes(last->bytes).text);
	if (*last->fallback_reason)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
			"mode %s instead of clone: %s", last->mode, last->fallback_reason);
	if (unreadable > 0)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
			"%s objects could not be read and are left out",
			human_count(unreadable).text);
	for (size_t i = 0; i < report->note_count; i++)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN, "%s", report->notes[i]);
	if (*report->ended_early)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN, "ended early: %s",
			report->ended_early);
}

// "list, 41,310 → 71,690 items": what grew, by kind.
static void add_growth(struct string_builder *out, const struct suspect *suspect)
{
	const char *type = suspect->type;
	struct human first = human_count(suspect->length_first);
	struct human last = human_count(suspect->length_last);

	switch (suspect->kind) {
	case SUSPECT_CONTAINER:
		string_builder_add_format(out, "%s, %s → %s items", type, first.text, last.text);
		break;
	case SUSPECT_NATIVE:
		string_builder_add_format(out, "%s → %s", human_bytes(suspect->length_first).text,
			human_bytes(suspect->length_last).text);
		break;
	case SUSPECT_BUFFER:
		string_builder_add_format(out, "%s, %s → %s", type,
			human_bytes(suspect->length_first).text,
			human_bytes(suspect->length_last).text);
		break;
	case SUSPECT_THREAD:
		string_builder_add_format(out, "threads, %s → %s", first.text, last.text);
		break;
	case SUSPECT_GARBAGE:
		string_builder_add_format(
			out, "unreachable objects, %s → %s", first.text, last.text);
		break;
	case SUSPECT_HOLDER:
	case SUSPECT_CHAIN:
	case SUSPECT_TYPE:
	case SUSPECT_REFERENCES:
		string_builder_add_format(out, "%s, %s → %s objects", type, first.text, last.text);
		break;
	}
}

static void write_head(struct text_writer *writer, const struct suspect *suspect, double seconds,
	const char *label, enum text_colour colour)
{
	_cleanup_(string_builder_deinit) struct string_builder growth = {0};
	_cleanup_(mem_free) char *text = NULL;

	add_growth(&growth, suspect);
	if (suspect->kind != SUSPECT_BUFFER && suspect->kind != SUSPECT_NATIVE)
		string_builder_add_format(&growth, "  (+%s in %s, %s per second)",
			human_count(suspect->objects).text, human_seconds(seconds).text,
			human_rate(suspect->objects / (seconds > 0 ? seconds : 1)).text);
	text = string_builder_finish(&growth);
	if (!text) {
		writer->out.failed = true;
		return;
	}
	text_writer_line(writer, label, colour, TEXT_BOLD, "%s%s%s", suspect->path,
		*suspect->path ? "   " : "", text);
	text_writer_line(writer, "", TEXT_PLAIN, TEXT_PLAIN,
		"+%s/min retained, %.0f %% of the growth of all objects · confidence %.0f %%",
		human_bytes(suspect->bytes_per_minute).text, suspect->share * 100,
		suspect->confidence * 100);
}

static void write_items(struct text_writer *writer, const struct suspect *suspect)
{
	_cleanup_(string_builder_deinit) struct string_builder items = {0};
	_cleanup_(mem_free) char *text = NULL;
	size_t count = suspect->item_count < ITEMS_SHOWN ? suspect->item_count : ITEMS_SHOWN;

	for (size_t i = 0; i < count; i++)
		string_builder_add_format(&items, "%s%s ×%s (%s)", i ? "  ·  " : "",
			suspect->items[i].type, human_count(suspect->items[i].objects).text,
			human_bytes(suspect->items[i].bytes).text);
	text = string_builder_finish(&items);
	if (!text)
		writer->out.failed = true;
	else if (*text)
		text_writer_line(writer, "  holds", TEXT_DIM, TEXT_PLAIN, "%s", text);
}

static void write_holders(struct text_writer *writer, const struct suspect *suspect)
{
	_cleanup_(string_builder_deinit) struct string_builder steps = {0};
	_cleanup_(mem_free) char *text = NULL;

	for (size_t i = 0; i < suspect->held_by_count; i++)
		string_builder_add_format(&steps, "%s%s", i ? " → " : "", suspect->held_by[i]);
	text = string_builder_finish(&steps);
	if (!text)
		writer->out.failed = true;
	else if (*text)
		text_writer_line(writer, "  held", TEXT_DIM, TEXT_PLAIN, "%s", text);
}

static void write_additions(
	struct text_writer *writer, const struct hunt_report *report, size_t number)
{
	const struct hunt_additions *additions =
		report->additions ? &report->additions[number] : NULL;
	double seconds = report->watch.report.seconds;

	if (!additions)
		return;
	if (*additions->not_watched)
		text_writer_line(writer, "  added", TEXT_DIM, TEXT_PLAIN, "not watched: %s",
			additions->not_watched);
	else if (additions->sites.hits == 0)
		text_writer_line(writer, "  added", TEXT_DIM, TEXT_PLAIN,
			"nothing in the %s that it was watched (--watch SECONDS for longer)",
			human_seconds(seconds).text);
	else
		added_write(writer, &additions->sites, report->watch.report.method == WATCH_POLLING,
			report->with_values);
}

static void write_first(
	struct text_writer *writer, const struct hunt_report *report, double seconds)
{
	const struct suspect *suspect = &report->suspects.items[0];

	write_head(writer, suspect, seconds, "▶ LEAK", TEXT_ALARM);
	write_items(writer, suspect);
	write_holders(writer, suspect);
	write_additions(writer, report, 0);
	for (size_t i = 0; i < suspect->evidence_count; i++)
		text_writer_line(writer, i == 0 ? "  why" : "", TEXT_DIM, TEXT_PLAIN, "%s",
			suspect->evidence[i]);
}

static void write_others(
	struct text_writer *writer, const struct hunt_report *report, double seconds)
{
	const struct suspects *suspects = &report->suspects;

	for (size_t i = 1; i < suspects->count && i <= SHORT_SUSPECTS; i++) {
		text_writer_blank(writer);
		write_head(writer, &suspects->items[i], seconds, "▷ also", TEXT_BOLD);
		write_additions(writer, report, i);
	}
	if (suspects->count > SHORT_SUSPECTS + 1) {
		text_writer_blank(writer);
		text_writer_line(writer, "", TEXT_PLAIN, TEXT_PLAIN,
			"and %zu weaker suspects (--json lists them all)",
			suspects->count - SHORT_SUSPECTS - 1);
	}
}

static void write_notes(struct text_writer *writer, const struct hunt_report *report)
{
	const struct suspects *suspects = &report->suspects;
	const char *refusal = report->watch.report.fallback_reason;
	bool is_fallback = report->watch.is_done && *refusal;

	if (suspects->note_count > 0 || is_fallback)
		text_writer_blank(writer);
	if (is_fallback)
		text_writer_line(writer, "  notes", TEXT_DIM, TEXT_PLAIN,
			"lines are approximate: no hardware watchpoints (%s)", refusal);
	for (size_t i = 0; i < suspects->note_count && i < NOTES_SHOWN; i++)
		text_writer_line(writer, i == 0 && !is_fallback ? "  notes" : "", TEXT_DIM,
			TEXT_PLAIN, "%s", suspects->notes[i]);
}

char *hunt_report_text(const struct hunt_report *report, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};
	const struct suspects *suspects = &report->suspects;
	double seconds = 0;

	write_target(&writer, report);
	if (report->snapshot_count > 0) {
		seconds = report->snapshots[report->snapshot_count - 1].at_s;
		write_snapshots(&writer, report);
	}
	text_writer_blank(&writer);
	if (hunt_report_is_leak(report)) {
		write_first(&writer, report, seconds);
		write_others(&writer, report, seconds);
	} else {
		text_writer_line(&writer, NULL, TEXT_PLAIN, TEXT_GOOD, "● %s", suspects->summary);
	}
	write_notes(&writer, report);
	return string_builder_finish(&writer.out);
}
