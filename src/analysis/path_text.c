// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// A path's pieces become a text: equal ones in a row are folded; what is too long loses its middle.
#include "analysis/path_pieces.h"
#include "base/alloc.h"
#include "base/string_builder.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

// From so many repetitions on a chain is folded.
#define FOLD_MIN 4

// Bytes of the whole text, and of one piece: the first and the last always have room.
#define TEXT_MAX_BYTES  200
#define PIECE_MAX_BYTES 90

// Steps that are kept at each end.
#define END_STEPS 20

static bool is_repeat(const struct piece_vector *pieces, size_t a, size_t b, size_t period)
{
	if (a + period > pieces->count || b + period > pieces->count)
		return false;
	for (size_t i = 0; i < period; i++) {
		if (pieces->items[a + i].is_gap || pieces->items[b + i].is_gap ||
			!*pieces->items[a + i].text ||
			strcmp(pieces->items[a + i].text, pieces->items[b + i].text) != 0)
			return false;
	}
	return true;
}

/** Where repetitions go on after a gap that begins among the next ones; 0 if they do not. */
static size_t find_after_gap(
	const struct piece_vector *pieces, size_t first, size_t next, size_t period)
{
	size_t gap = next;

	while (gap < next + period && gap < pieces->count && !pieces->items[gap].is_gap)
		gap++;
	if (gap >= pieces->count || !pieces->items[gap].is_gap)
		return 0;
	// The gap may have cut one of them into two.
	for (size_t after = gap + 1; after <= gap + 2 * period; after++) {
		if (is_repeat(pieces, first, after, period))
			return after;
	}
	return 0;
}

/** How often the @p period pieces at @p first are repeated, across a gap as well. */
static uint64_t count_repeats(
	const struct piece_vector *pieces, size_t first, size_t period, size_t *ret_end)
{
	uint64_t repeats = 1, hops = 0;
	size_t next = first + period, after;

	for (size_t i = 0; i < period; i++)
		hops += pieces->items[first + i].hops;
	for (;;) {
		if (is_repeat(pieces, first, next, period)) {
			repeats++;
			next += period;
		} else if (repeats >= FOLD_MIN &&
			   (after = find_after_gap(pieces, first, next, period))) {
			uint64_t skipped = 0;

			while (next < after)
				skipped += pieces->items[next++].hops;
			repeats += skipped / hops;
		} else {
			break;
		}
	}
	*ret_end = next;
	return repeats;
}

/** Replace @p pieces[first, end) by one, of @p period pieces repeated. */
static bool fold_pieces(
	struct piece_vector *pieces, size_t first, size_t end, size_t period, uint64_t repeats)
{
	_cleanup_(string_builder_deinit) struct string_builder text = {0}, step = {0};
	struct piece folded = {0};

	string_builder_add(&text, "…");
	for (size_t i = 0; i < period; i++) {
		const char *part = pieces->items[first + i].text;

		string_builder_add(&text, part);
		string_builder_add(&step, i == 0 && *part == '.' ? part + 1 : part);
	}
	string_builder_add_format(&text, " ×%" PRIu64, repeats);
	string_builder_add_format(&step, " ×%" PRIu64, repeats);
	for (size_t i = first; i < end; i++)
		folded.hops += pieces->items[i].hops;
	folded.text = string_builder_finish(&text);
	folded.step = string_builder_finish(&step);
	for (size_t i = first; i < end; i++) {
		mem_free(pieces->items[i].text);
		mem_free(pieces->items[i].step);
	}
	pieces->items[first] = folded;
	memmove(&pieces->items[first + 1], &pieces->items[end],
		(pieces->count - end) * sizeof(*pieces->items));
	pieces->count -= end - first - 1;
	return folded.text && folded.step;
}

static bool fold_repeats(struct piece_vector *pieces)
{
	for (size_t first = 1; first < pieces->count; first++) {
		for (size_t period = 1; period <= 2 && first + period <= pieces->count; period++) {
			size_t end;
			uint64_t repeats;

			if (pieces->items[first].is_gap)
				break;
			repeats = count_repeats(pieces, first, period, &end);
			if (repeats < FOLD_MIN)
				continue;
			if (!fold_pieces(pieces, first, end, period, repeats))
				return false;
			break;
		}
	}
	return true;
}

/** The greatest length up to @p limit that does not cut a character in two. */
static size_t cut_utf8(const char *text, size_t limit)
{
	size_t length = strlen(text);

	if (length <= limit)
		return length;
	while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80)
		limit--;
	return limit;
}

static void add_piece(struct string_builder *text, const struct piece *piece)
{
	size_t length = cut_utf8(piece->text, PIECE_MAX_BYTES);

	string_builder_add_bytes(text, piece->text, length);
	if (piece->text[length])
		string_builder_add(text, "…");
}

static size_t piece_bytes(const struct piece *piece)
{
	size_t length = strlen(piece->text);

	return length <= PIECE_MAX_BYTES ? length : PIECE_MAX_BYTES + strlen("…");
}

char *path_pieces_join(const struct piece_vector *pieces)
{
	_cleanup_(string_builder_deinit) struct string_builder text = {0};
	size_t total = 0, head = 1, tail = pieces->count, used;

	for (size_t i = 0; i < pieces->count; i++)
		total += piece_bytes(&pieces->items[i]);
	if (total > TEXT_MAX_BYTES) {
		used = piece_bytes(&pieces->items[0]) + strlen("…");
		// The end says what it is, the beginning whose: the end may have what is left.
		while (head < tail &&
			used + piece_bytes(&pieces->items[head]) <= TEXT_MAX_BYTES / 2)
			used += piece_bytes(&pieces->items[head++]);
		while (tail > head &&
			used + piece_bytes(&pieces->items[tail - 1]) <= TEXT_MAX_BYTES)
			used += piece_bytes(&pieces->items[--tail]);
	} else {
		head = pieces->count;
	}
	for (size_t i = 0; i < head; i++)
		add_piece(&text, &pieces->items[i]);
	if (head < tail)
		string_builder_add(&text, "…");
	for (size_t i = tail; i < pieces->count; i++)
		add_piece(&text, &pieces->items[i]);
	return string_builder_finish(&text);
}

static char *make_step(const struct piece *piece)
{
	const char *text = piece->step ? piece->step : piece->text;

	size_t length;

	while (!piece->step && (*text == '.' || *text == ' '))
		text++;
	length = cut_utf8(text, TEXT_MAX_BYTES);
	return mem_strndup(text, length);
}

static bool make_steps(const struct piece_vector *pieces, struct path_description *description)
{
	size_t count = pieces->count, head = count;
	char text[64];

	if (count > 2 * END_STEPS + 1)
		head = END_STEPS;
	description->steps = mem_calloc(count, sizeof(*description->steps));
	if (!description->steps)
		return false;
	for (size_t i = 0; i < count; i++) {
		char **step = &description->steps[description->step_count];

		if (i == head) {
			snprintf(text, sizeof(text), "… %zu steps …", count - 2 * END_STEPS);
			i = count - END_STEPS - 1;
			*step = mem_strdup(text);
		} else {
			*step = make_step(&pieces->items[i]);
		}
		if (!*step)
			return false;
		description->step_count++;
	}
	return true;
}

/** Put a blank after the root. */
static bool separate_root(struct piece_vector *pieces)
{
	struct piece *piece = pieces->items + 1;
	char text[LINE_MAX];
	char *separated;

	if (pieces->count < 2 || *piece->text == ' ')
		return true;
	snprintf(text, sizeof(text), " %s", piece->text);
	separated = mem_strdup(text);
	if (!separated)
		return false;
	if (!piece->step)
		piece->step = take(piece->text);
	if (*piece->step == '.')
		memmove(piece->step, piece->step + 1, strlen(piece->step));
	mem_free(piece->text);
	piece->text = separated;
	return true;
}

bool path_pieces_fold(struct path_pieces *pieces)
{
	return fold_repeats(&pieces->pieces) &&
	       (!pieces->is_root_apart || separate_root(&pieces->pieces));
}

static struct error *describe_unreachable(struct path_description *ret)
{
	struct path_description description = {.text = mem_strdup("unreachable")};

	if (!description.text)
		return error_enomem();
	*ret = description;
	return NULL;
}

struct error *paths_describe(const struct paths *paths, node_id node, struct path_description *ret)
{
	_cleanup_(path_pieces_deinit) struct path_pieces path = {0};
	struct path_description description = {0};
	struct error *error;

	if (node == HEAP_ROOT || paths_parent(paths, node) == HEAP_NODE_NONE)
		return describe_unreachable(ret);
	error = path_pieces_read(paths, node, &path);
	if (error)
		return error;
	if (!path_pieces_fold(&path))
		return error_enomem();
	description.is_user_code = path.is_user_code;
	description.is_named = path.is_named;
	description.text = path_pieces_join(&path.pieces);
	if (!description.text || !make_steps(&path.pieces, &description)) {
		path_description_deinit(&description);
		return error_enomem();
	}
	*ret = description;
	return NULL;
}

void path_description_deinit(struct path_description *description)
{
	for (size_t i = 0; i < description->step_count; i++)
		mem_free(description->steps[i]);
	mem_free(description->steps);
	mem_free(description->text);
	*description = (struct path_description){0};
}
