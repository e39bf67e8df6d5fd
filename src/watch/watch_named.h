// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The length of a container that is known by its name, because another one takes its place now and then
 * (`self.lines = []`, `items = items + [x]`): no word of it can be watched for long.
 */
#pragma once

#include "watch/watch.h"

/** The length of what the attribute @p name of an instance, or that key of a dict, is at this moment. False
 * if there is none, or it has no length. */
bool watch_named_length(
	const struct python *python, uint64_t owner, const char *name, uint64_t *ret);

/**
 * Look at it some fifty times a second for @p seconds, or until @p goes_on says no, or it is shorter than
 * @p enough: *ret is the shortest that it was at two looks in a row. False if it was never seen.
 */
bool watch_named_lowest(const struct python *python, uint64_t owner, const char *name,
	double seconds, uint64_t enough, bool (*goes_on)(void *context), void *context,
	uint64_t *ret);
