// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/core_summary.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/path.h"
#include "base/string_builder.h"

#include <string.h>

// Files that are named; the rest is counted.
#define NAMED_MAX 4
#define NOTES_MAX 8

static struct error *add_note(struct core_summary *summary, struct string_builder *text)
{
	char *note = string_builder_finish(text);

	if (!note)
		return error_enomem();
	if (*note)
		summary->notes[summary->note_count++] = note;
	else
		mem_free(note);
	return NULL;
}

static struct error *note_cut(const struct core_findings *findings, struct core_summary *summary)
{
	const struct core_gaps *gaps = findings->gaps;
	struct string_builder text = {0};

	if (findings->segments->is_cut)
		string_builder_add_format(&text,
			"the core is cut short: %s of %s mappings are missing",
			human_bytes((double)gaps->cut_bytes).text,
			human_count(gaps->cut_mappings).text);
	summary->lacks_interpreter |= findings->segments->is_cut;
	return add_note(summary, &text);
}

static struct error *note_left(const struct core_findings *findings, struct core_summary *summary)
{
	const struct core_gaps *gaps = findings->gaps;
	struct string_builder text = {0};

	if (gaps->left_mappings && !gaps->has_private)
		string_builder_add_format(&text,
			"%s of writable memory in %s mappings were left out when the core was "
			"written (coredump_filter, see core(5))",
			human_bytes((double)gaps->left_bytes).text,
			human_count(gaps->left_mappings).text);
	summary->lacks_interpreter |= text.length > 0;
	return add_note(summary, &text);
}

// gcore goes no further in a mapping where it cannot read a page of it (gdb 13), and from glibc 2.42 on
// the guard page is in the mapping of the stack.
static struct error *note_stacks(const struct core_findings *findings, struct core_summary *summary)
{
	struct string_builder text = {0};

	if (findings->empty_stacks)
		string_builder_add_format(&text,
			"the C stacks of %s threads are empty in the core, which some versions of "
			"gcore do with glibc 2.42 and later: the outer frames of their Python "
			"stacks may be missing",
			human_count(findings->empty_stacks).text);
	return add_note(summary, &text);
}

static struct error *note_odd(const struct core_findings *findings, struct core_summary *summary)
{
	struct string_builder text = {0};

	if (findings->segments->odd_count)
		string_builder_add_format(&text,
			"%s segments of the core cannot be, and are left out",
			human_count(findings->segments->odd_count).text);
	return add_note(summary, &text);
}

static bool may_be_interpreter(const struct core_binary *binary, const char *program)
{
	return strcmp(binary->path, program) == 0 ||
	       strncmp(path_base_name(binary->path), "libpython", 9) == 0;
}

static struct error *note_binaries(const struct core_findings *findings,
	enum core_binary_state state, const char *what, struct core_summary *summary)
{
	struct string_builder text = {0};
	size_t count = 0;

	for (size_t i = 0; i < findings->binaries->count; i++) {
		const struct core_binary *binary = &findings->binaries->items[i];

		if (binary->state != state)
			continue;
		if (count < NAMED_MAX)
			string_builder_add_format(&text, "%s%s", count ? ", " : what, binary->path);
		count++;
		summary->lacks_interpreter |= may_be_interpreter(binary, findings->program);
	}
	if (count > NAMED_MAX)
		string_builder_add_format(&text, " and %zu others", count - NAMED_MAX);
	return add_note(summary, &text);
}

static struct error *join(struct core_summary *summary)
{
	struct string_builder all = {0};

	for (size_t i = 0; i < summary->note_count; i++)
		string_builder_add_format(&all, "%s%s", i ? "; " : "", summary->notes[i]);
	summary->all = string_builder_finish(&all);
	return summary->all ? NULL : error_enomem();
}

struct error *core_summary_create(const struct core_findings *findings, struct core_summary *ret)
{
	struct core_summary summary = {.notes = mem_calloc(NOTES_MAX, sizeof(*summary.notes))};
	struct error *error = summary.notes ? note_cut(findings, &summary) : error_enomem();

	if (!error)
		error = note_left(findings, &summary);
	if (!error)
		error = note_stacks(findings, &summary);
	if (!error)
		error = note_odd(findings, &summary);
	if (!error)
		error = note_binaries(findings, CORE_BINARY_DIFFERS,
			"here are others than those that were mapped (the build id differs, or it "
			"cannot be compared), give --sysroot or --exe: ",
			&summary);
	if (!error)
		error = note_binaries(findings, CORE_BINARY_MISSING,
			"files that were mapped are not here, give --sysroot or --exe: ", &summary);
	if (!error)
		error = join(&summary);
	if (error) {
		core_summary_deinit(&summary);
		return error;
	}
	*ret = summary;
	return NULL;
}

void core_summary_deinit(struct core_summary *summary)
{
	for (size_t i = 0; i < summary->note_count; i++)
		mem_free(summary->notes[i]);
	mem_free(summary->notes);
	mem_free(summary->all);
	*summary = (struct core_summary){0};
}
