// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/added_text.h"

#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/human.h"
#include "base/path.h"
#include "base/string_builder.h"
#include "report/native_text.h"

// One screen: the places that add most, and for each a few callers and requests.
#define PLACES_SHOWN   3
#define CALLERS_SHOWN  3
#define REQUESTS_SHOWN 3

void added_place(struct string_builder *out, const char *file, uint32_t line, const char *function)
{
	string_builder_add(out, *file ? file : "?");
	if (line)
		string_builder_add_format(out, ":%u", line);
	string_builder_add_format(out, " in %s", *function ? function : "?");
}

static bool is_users(const struct watch_frame *frame)
{
	return *frame->file && !paths_is_library_file(frame->file);
}

void added_callers(struct string_builder *out, const struct watch_frame *frames, size_t count)
{
	bool any_users = false;
	unsigned shown = 0;

	for (size_t i = 1; i < count; i++)
		any_users |= is_users(&frames[i]);
	for (size_t i = 1; i < count && shown < CALLERS_SHOWN; i++) {
		if (any_users && !is_users(&frames[i]))
			continue;
		string_builder_add(out, shown++ ? " ← " : "");
		added_place(
			out, path_base_name(frames[i].file), frames[i].line, frames[i].function);
	}
}

static void add_requests(
	struct string_builder *out, const struct watch_site *site, bool with_values)
{
	uint64_t shown = 0;

	for (size_t i = 0; i < site->request_count && i < REQUESTS_SHOWN; i++) {
		const struct watch_site_request *request = &site->requests[i];

		string_builder_add_format(
			out, "%s%s %s", i ? " · " : "requests: ", request->method, request->path);
		if (with_values && *request->query)
			string_builder_add_format(out, "?%s", request->query);
		if (request->hits > 1)
			string_builder_add_format(out, " ×%s", human_count(request->hits).text);
		shown += request->hits;
	}
	if (shown && shown < site->hits)
		string_builder_add_format(
			out, " · %s others", human_count(site->hits - shown).text);
}

static void write_built(struct text_writer *writer, const char *label, struct string_builder *line)
{
	_cleanup_(mem_free) char *text = string_builder_finish(line);

	if (!text)
		writer->out.failed = true;
	else if (*text)
		text_writer_line(writer, label, TEXT_DIM, TEXT_PLAIN, "%s", text);
}

// The same frames, borrowed.
static size_t frames_of(const struct watch_site_stack *stack, struct watch_frame *ret)
{
	size_t count = stack->count < WATCH_FRAMES_MAX ? stack->count : WATCH_FRAMES_MAX;

	for (size_t i = 0; i < count; i++)
		ret[i] = (struct watch_frame){
			stack->frames[i].function, stack->frames[i].file, stack->frames[i].line};
	return count;
}

static void write_site(struct text_writer *writer, const struct watch_site *site, const char *label,
	uint64_t all, bool is_approximate, bool with_values)
{
	_cleanup_(string_builder_deinit) struct string_builder line = {0}, requests = {0};
	struct watch_frame frames[WATCH_FRAMES_MAX] = {{0}};
	size_t count = frames_of(&site->stacks[0], frames);

	if (is_approximate)
		string_builder_add(&line, "near ");
	added_place(&line, frames[0].file, frames[0].line, frames[0].function);
	native_text_add(&line, site->stacks[0].natives, site->stacks[0].native_count);
	string_builder_add_format(&line, "   ← %s of %s insertions %s",
		human_count(site->hits).text, human_count(all).text,
		is_approximate ? "noticed" : "watched");
	write_built(writer, label, &line);
	if (count > 1) {
		string_builder_add(&line, "called from ");
		added_callers(&line, frames, count);
		write_built(writer, "", &line);
	}
	add_requests(&requests, site, with_values);
	write_built(writer, "", &requests);
}

void added_write(struct text_writer *writer, const struct watch_sites *sites, bool is_approximate,
	bool with_values)
{
	size_t shown = sites->count < PLACES_SHOWN ? sites->count : PLACES_SHOWN;
	uint64_t told = 0;

	for (size_t i = 0; i < shown; i++) {
		write_site(writer, &sites->items[i], i == 0 ? "  added" : "", sites->hits,
			is_approximate, with_values);
		told += sites->items[i].hits;
	}
	if (told < sites->hits)
		text_writer_line(writer, shown ? "" : "  added", TEXT_DIM, TEXT_PLAIN,
			shown ? "%s of %s insertions elsewhere"
			      : "%s of %s insertions, by C code without a Python stack",
			human_count(sites->hits - told).text, human_count(sites->hits).text);
}
