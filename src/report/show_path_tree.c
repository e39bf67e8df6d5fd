// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Several paths as a tree.
#include "report/show_path.h"
#include "report/show_rows.h"

#include "analysis/path_merge.h"
#include "base/alloc.h"
#include "base/human.h"
#include "base/string_builder.h"

static struct error *own_text_of(
	const struct path_branch *branch, struct show_report *ret, const char **ret_text)
{
	_cleanup_(string_builder_deinit) struct string_builder text = {0};

	if (branch->text)
		string_builder_add_format(&text, "%s%s", branch->text,
			branch->is_deeper ? " (and further down)" : "");
	else
		string_builder_add_format(&text, "%s more way%s",
			human_count(branch->branches).text, branch->branches == 1 ? "" : "s");
	return show_own_text(ret, string_builder_finish(&text), ret_text);
}

static const char *type_of(const struct show_input *input, const struct path_branch *branch)
{
	return branch->type == UINT32_MAX ? NULL : input->graph->types[branch->type].name;
}

static struct error *add_branch(const struct show_input *input, const char *section,
	const struct path_branch *branch, bool is_of_type, struct show_report *ret)
{
	const char *verdict =
		is_of_type || !branch->text ? NULL : why_verdict_name(branch->verdict);
	const char *what;
	struct error *err = own_text_of(branch, ret, &what);

	if (err)
		return err;
	const struct show_row row = {
		.cells = {
			[SECTION] = cell_text(section),
			[VERDICT] = cell_text(verdict),
			[DEPTH] = cell_count(branch->depth),
			[WHAT] = cell_text(what),
			[TYPE] = cell_text(type_of(input, branch)),
			[OBJECTS] = cell_count(branch->count),
			[BYTES] = {.is_known = is_of_type, .count = branch->bytes},
		}};

	return show_add_row(input, &row, ret);
}

static struct error *add_branches(const struct show_input *input, const char *section,
	const struct path_merge *merge, bool is_of_type, struct show_report *ret)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < merge->branches.count; i++)
		err = add_branch(input, section, &merge->branches.items[i], is_of_type, ret);
	return err;
}

static struct error *add_garbage(const struct show_input *input, const char *section,
	const struct path_merge *merge, struct show_report *ret)
{
	const struct show_row row = {.cells = {
					     [SECTION] = cell_text(section),
					     [DEPTH] = cell_count(0),
					     [WHAT] = cell_text("unreachable"),
					     [OBJECTS] = cell_count(merge->garbage),
					     [BYTES] = cell_count(merge->garbage_bytes),
				     }};

	return merge->garbage ? show_add_row(input, &row, ret) : NULL;
}

static char *heading_of(const struct path_merge *merge)
{
	_cleanup_(string_builder_deinit) struct string_builder text = {0};

	string_builder_add_format(&text, "%s objects, held by", human_count(merge->total).text);
	if (merge->looked_at < merge->total)
		string_builder_add_format(
			&text, " (looked at: %s)", human_count(merge->looked_at).text);
	return string_builder_finish(&text);
}

struct error *show_path_type(
	const struct show_input *input, const char *type, struct show_report *ret)
{
	_cleanup_(path_merge_deinit) struct path_merge merge = {0};
	const char *section = NULL;
	struct error *err =
		path_merge_type(input->graph, input->dominators, input->paths, type, &merge);

	if (!err)
		err = show_own_text(ret, heading_of(&merge), &section);
	if (!err)
		err = add_branches(input, section, &merge, true, ret);
	return err ? err : add_garbage(input, section, &merge, ret);
}

struct error *show_path_ways(const struct show_input *input, node_id node, struct show_report *ret)
{
	_cleanup_(path_merge_deinit) struct path_merge merge = {0};
	struct error *err = path_merge_object(input->graph, input->paths, node, &merge);

	if (err || merge.branches.count < 2)
		return err;
	return add_branches(input, "all ways to it, merged", &merge, false, ret);
}
