// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * Which candidate is below which: what is told of one need not be told of the others.
 */
#include "analysis/growth_internal.h"

#include "base/alloc.h"

#include <string.h>

// Dominators looked through for a candidate above.
#define PARENT_STEPS_MAX (1u << 16)

#define ATTRIBUTES ".__dict__"

static bool is_anchor(const struct growth_sample *sample, uint64_t address)
{
	size_t low = growth_first_track(sample, address);

	for (; low < sample->track_count && sample->tracks[low].address == address; low++) {
		if (sample->tracks[low].kind == GROWTH_TRACK_ANCHOR)
			return true;
	}
	return false;
}

// A holder over siblings is above those alone: directly above, or called like all of them; and what is
// called like their owners is on the way to them.
static bool is_sibling_of(const struct growth_search *search, const struct growth_candidate *holder,
	size_t index, bool is_direct)
{
	_cleanup_(mem_free) char *signature = NULL;
	size_t length;

	if (is_direct || !holder->siblings)
		return is_direct;
	signature = growth_signature(search->found.items[index].path.text);
	length = signature ? strlen(signature) : 0;
	// The attributes of an instance are called without it.
	if (length > strlen(ATTRIBUTES) &&
		strcmp(signature + length - strlen(ATTRIBUTES), ATTRIBUTES) == 0)
		length -= strlen(ATTRIBUTES);
	return length && strncmp(signature, holder->siblings, length) == 0 &&
	       strchr(".[", holder->siblings[length]);
}

// What some running function has in hand hangs from the root, although it is called like others.
static size_t find_group(const struct growth_search *search, size_t index)
{
	for (size_t i = 0; i < search->found.count; i++) {
		const struct growth_candidate *group = &search->found.items[i];

		if (i != index && group->is_over_siblings && group->siblings &&
			is_sibling_of(search, group, index, false))
			return i;
	}
	return GROWTH_NO_CANDIDATE;
}

static size_t find_parent(const struct growth_search *search, size_t index)
{
	const struct dominators *dominators = search->input->dominators;
	const struct growth_sample *sample = search->growth->sample;
	node_id node = search->nodes[index];
	const struct growth_candidate *candidate = &search->found.items[index];
	// A holder's bytes are its own: they end where the next anchor begins. But items that
	// several hold belong to what is above all of them.
	bool is_shared = candidate->shared_bytes > growth_grown_bytes(search, candidate);
	bool is_beyond = !is_shared && is_anchor(sample, growth_address(search->graph, node));
	node_id owner = dominators->idom[node];

	for (uint32_t steps = 0; steps < PARENT_STEPS_MAX; steps++) {
		node = dominators->idom[node];
		if (node == HEAP_ROOT || node == HEAP_NODE_NONE)
			break;
		for (size_t i = 0; i < search->found.count; i++) {
			const struct growth_candidate *above = &search->found.items[i];

			if (search->nodes[i] != node || i == index || above->kind == GROWTH_TYPE)
				continue;
			if (above->is_over_siblings
					? is_sibling_of(search, above, index, node == owner)
					: above->kind != GROWTH_HOLDER || above->is_nest ||
						  !is_beyond)
				return i;
		}
		is_beyond = is_beyond ||
			    (!is_shared && is_anchor(sample, growth_address(search->graph, node)));
	}
	return owner == HEAP_ROOT ? find_group(search, index) : GROWTH_NO_CANDIDATE;
}

static size_t find_holder(const struct growth_search *search, size_t index)
{
	node_id node = search->nodes[index];

	for (uint32_t steps = 0; steps < PARENT_STEPS_MAX; steps++) {
		node = search->input->dominators->idom[node];
		if (node == HEAP_ROOT || node == HEAP_NODE_NONE)
			break;
		for (size_t i = 0; i < search->found.count; i++) {
			if (search->nodes[i] == node &&
				search->found.items[i].kind == GROWTH_HOLDER)
				return i + 1;
		}
	}
	return 0;
}

// The candidate that a sample of a type is reached through: its items are what piles up.
static size_t find_way(const struct growth_search *search, size_t index)
{
	node_id node = search->nodes[index];

	for (uint32_t steps = 0; steps < PARENT_STEPS_MAX; steps++) {
		node = paths_parent(search->input->paths, node);
		if (node == HEAP_ROOT || node == HEAP_NODE_NONE)
			break;
		for (size_t i = 0; i < search->found.count; i++) {
			if (search->nodes[i] == node && search->found.items[i].kind != GROWTH_TYPE)
				return i;
		}
	}
	return GROWTH_NO_CANDIDATE;
}

void growth_find_parents(struct growth_search *search)
{
	for (size_t i = 0; i < search->found.count; i++) {
		struct growth_candidate *candidate = &search->found.items[i];

		if (candidate->kind == GROWTH_TYPE)
			candidate->reached_through = find_way(search, i);
		else
			candidate->parent = find_parent(search, i);
		candidate->holder = find_holder(search, i);
	}
}
