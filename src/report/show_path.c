// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Why an object, or the objects of a type, are alive.
#include "report/show_path.h"
#include "report/show_rows.h"

#include "analysis/path_lookup.h"
#include "analysis/why.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct show_column columns[PATH_COLUMNS] = {
	[SECTION] = {"section", "", SHOW_TEXT, true},
	[VERDICT] = {"verdict", "verdict", SHOW_TEXT, false},
	[DEPTH] = {"depth", "", SHOW_DEPTH, false},
	[WHAT] = {"what", "what", SHOW_TEXT, false},
	[TYPE] = {"type", "type", SHOW_TEXT, false},
	[OBJECTS] = {"count", "objects", SHOW_COUNT, false},
	[BYTES] = {"bytes", "bytes", SHOW_BYTES, false},
	[REASON] = {"why", "why", SHOW_TEXT, false},
};

// Referrers that are named; types that are told.
#define REFERRERS_MAX 10
#define TYPES_MAX     8

static const char *type_name(const struct show_input *input, node_id node)
{
	return input->graph->types[heap_type_of(input->graph, node)].name;
}

static struct error *add_object(
	const struct show_input *input, node_id node, struct show_report *ret)
{
	const struct heap_naming *naming = &input->graph->naming;
	char text[64];
	const char *what;
	struct error *err;

	snprintf(text, sizeof(text), "object at 0x%" PRIx64,
		naming->address ? naming->address(naming->context, node) : node);
	err = show_own_text(ret, mem_strdup(text), &what);
	if (err)
		return err;
	const struct show_row row = {.cells = {
					     [SECTION] = cell_text("the object"),
					     [WHAT] = cell_text(what),
					     [TYPE] = cell_text(type_name(input, node)),
					     [BYTES] = cell_count(heap_size_of(input->graph, node)),
				     }};

	return show_add_row(input, &row, ret);
}

static struct error *add_step(
	const struct show_input *input, const struct why_step *step, struct show_report *ret)
{
	char text[256];
	const char *what, *reason;
	struct error *err;

	if (step->root)
		snprintf(text, sizeof(text), "%s",
			step->root->name ? step->root->name : "a root without a name");
	else
		why_label_text(&step->label, text, sizeof(text));
	if (step->skipped)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			" (after %s more references)", human_count(step->skipped).text);
	err = show_own_text(ret, mem_strdup(text), &what);
	if (!err)
		err = show_own_text(ret, mem_strdup(step->reason), &reason);
	if (err)
		return err;
	const struct show_row row = {
		.cells = {
			[SECTION] = cell_text("held by, from the root on"),
			[VERDICT] = cell_text(why_verdict_name(step->verdict)),
			[WHAT] = cell_text(what),
			[TYPE] = cell_text(type_name(input, step->node)),
			[BYTES] = cell_count(dominators_retained(input->dominators, step->node)),
			[REASON] = cell_text(reason),
		}};

	return show_add_row(input, &row, ret);
}

static struct error *add_steps(
	const struct show_input *input, node_id node, struct show_report *ret)
{
	_cleanup_(mem_free) struct why_step *steps = NULL;
	size_t count = 0;
	struct error *err = why_path(input->graph, input->paths, node, &steps, &count);

	for (size_t i = 0; !err && i < count; i++)
		err = add_step(input, &steps[i], ret);
	if (!err && count == 0) {
		const struct show_row row = {
			.cells = {
				[SECTION] = cell_text("held by, from the root on"),
				[WHAT] = cell_text("nothing: it is garbage"),
			}};

		err = show_add_row(input, &row, ret);
	}
	return err;
}

static struct error *add_referrer(const struct show_input *input,
	const struct why_referrer *referrer, struct show_report *ret)
{
	const struct heap_naming *naming = &input->graph->naming;
	struct path_description path;
	struct heap_label label = {0};
	char name[200], text[512];
	const char *what;
	struct error *err = paths_describe(input->paths, referrer->node, &path);

	if (err)
		return err;
	if (naming->label)
		naming->label(naming->context, referrer->node, referrer->edge, &label);
	why_label_text(&label, name, sizeof(name));
	snprintf(text, sizeof(text), "%s %s", path.text, name);
	path_description_deinit(&path);
	err = show_own_text(ret, mem_strdup(text), &what);
	if (err)
		return err;
	const struct show_row row = {.cells = {
					     [SECTION] = cell_text("all that refers to it"),
					     [WHAT] = cell_text(what),
					     [TYPE] = cell_text(type_name(input, referrer->node)),
				     }};

	return show_add_row(input, &row, ret);
}

static struct error *add_referrers(
	const struct show_input *input, node_id node, struct show_report *ret)
{
	_cleanup_(why_referrer_vector_deinit) struct why_referrer_vector referrers = {0};
	uint64_t total = 0;
	struct error *err = why_referrers(input->graph, node, REFERRERS_MAX, &referrers, &total);

	for (size_t i = 0; !err && i < referrers.count; i++)
		err = add_referrer(input, &referrers.items[i], ret);
	if (!err && total > referrers.count) {
		const struct show_row row = {
			.cells = {
				[SECTION] = cell_text("all that refers to it"),
				[WHAT] = cell_text("and more"),
				[OBJECTS] = cell_count(total - referrers.count),
			}};

		err = show_add_row(input, &row, ret);
	}
	return err;
}

static struct error *add_types(const struct show_input *input, const char *section,
	const struct why_type_vector *types, struct show_report *ret)
{
	struct why_type rest = {0};
	struct error *err = NULL;

	for (size_t i = 0; !err && i < types->count; i++) {
		const struct why_type *type = &types->items[i];

		if (i >= TYPES_MAX) {
			rest.objects += type->objects;
			rest.bytes += type->bytes;
			continue;
		}
		const struct show_row row = {
			.cells = {
				[SECTION] = cell_text(section),
				[TYPE] = cell_text(input->graph->types[type->type].name),
				[OBJECTS] = cell_count(type->objects),
				[BYTES] = cell_count(type->bytes),
			}};

		err = show_add_row(input, &row, ret);
	}
	if (!err && rest.objects) {
		const struct show_row row = {.cells = {
						     [SECTION] = cell_text(section),
						     [WHAT] = cell_text("other types"),
						     [OBJECTS] = cell_count(rest.objects),
						     [BYTES] = cell_count(rest.bytes),
					     }};

		err = show_add_row(input, &row, ret);
	}
	return err;
}

static struct error *explain_object(
	const struct show_input *input, node_id node, struct show_report *ret)
{
	_cleanup_(why_type_vector_deinit) struct why_type_vector holds = {0}, freed = {0};
	struct error *err = add_object(input, node, ret);

	if (!err)
		err = add_steps(input, node, ret);
	if (!err)
		err = show_path_ways(input, node, ret);
	if (!err)
		err = add_referrers(input, node, ret);
	if (!err)
		err = why_holds(input->graph, input->dominators, node, &holds);
	if (!err)
		err = add_types(input, "refers to (bytes: what it alone keeps)", &holds, ret);
	if (!err)
		err = why_freed(input->graph, input->dominators, node, &freed);
	if (!err)
		err = add_types(input, "would be freed with it", &freed, ret);
	return err;
}

// Is there an object of it? A type that has none may be what a path leads to.
static bool is_type(const struct show_input *input, const char *name)
{
	for (node_id node = 1; node < input->graph->node_count; node++) {
		if (strcmp(type_name(input, node), name) == 0)
			return true;
	}
	return false;
}

static struct error *find_address(const struct show_input *input, const char *text, node_id *ret)
{
	const struct heap_naming *naming = &input->graph->naming;
	char *end;
	uint64_t address = strtoull(text, &end, 16);
	node_id node = *end || !naming->node_at ? HEAP_NODE_NONE
						: naming->node_at(naming->context, address);

	if (node == HEAP_NODE_NONE)
		return error_create(ERROR_NOT_FOUND, "no object begins at %s", text);
	*ret = node;
	return NULL;
}

struct error *show_path_of(const struct show_input *input, struct show_report *ret)
{
	node_id node = HEAP_NODE_NONE;
	struct error *err;

	ret->columns = columns;
	ret->column_count = PATH_COLUMNS;
	if (strncmp(input->what, "0x", 2) == 0) {
		err = find_address(input, input->what, &node);
		return err ? err : explain_object(input, node, ret);
	}
	if (is_type(input, input->what))
		return show_path_type(input, input->what, ret);
	err = paths_find(input->graph, input->paths, input->what, &node);
	if (err && error_kind(err) == ERROR_NOT_FOUND)
		return error_wrap(err, "'%s' is no type", input->what);
	return err ? err : explain_object(input, node, ret);
}
