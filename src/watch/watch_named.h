// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A container that is known by its name, because another one takes its place now and then
 * (`self.lines = []`, `items = items + [x]`): no word of it can be watched for long, but the word that
 * refers to it can.
 */
#pragma once

#include "watch/watch.h"

/** What is looked at: the attribute @ref name of an instance or that key of a dict (also "['key']"), whatever
 * it is at the moment; or, without a name, the object @ref owner itself. */
struct watch_named {
	uint64_t owner;
	const char *name;
};

/** The object that it is at this moment, and where the reference to it is; 0 if there is none. */
uint64_t watch_named_object(
	const struct python *python, const struct watch_named *named, uint64_t *ret_slot);

/** Its length at this moment. False if there is none, or it has no length. */
bool watch_named_length(
	const struct python *python, const struct watch_named *named, uint64_t *ret);

/**
 * Look at it some fifty times a second for @p seconds, or until @p goes_on says no, or it is shorter than
 * @p enough: *ret is the shortest that it was at two looks in a row. False if it was never seen.
 */
bool watch_named_lowest(const struct python *python, const struct watch_named *named,
	double seconds, uint64_t enough, bool (*goes_on)(void *context), void *context,
	uint64_t *ret);
