// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap_zoo.h"

// Code of one line, in any form of line table.
#define LINES "\x80\x00"

// Tuples too large for a pool, each held by the one before only.
static remote_addr make_chain(struct heap_writer *writer)
{
	remote_addr items[80] = {0}, next = heap_writer_none(writer);

	for (unsigned i = 0; i < 80; i++)
		items[i] = heap_writer_none(writer);
	for (unsigned i = 0; i < ZOO_CHAIN_LENGTH; i++) {
		items[0] = next;
		next = heap_writer_tuple(writer, 80, items);
	}
	return next;
}

// What only versions with keys objects have. The split dict shares the keys of the class.
static void make_dicts(
	struct heap_zoo *zoo, const struct pylayout *layout, const remote_addr *names)
{
	struct heap_writer *writer = zoo->writer;
	remote_addr keys;

	if (!heap_writer_type(writer, WRITER_ODICT))
		return;
	keys = heap_writer_get(writer, zoo->cls + layout->heap_type.ht_cached_keys);
	zoo->split = heap_writer_dict_of(writer, heap_writer_type(writer, WRITER_DICT), keys,
		heap_writer_values(writer, keys, 3, zoo->floats), 3);
	zoo->odict = heap_writer_odict(writer, 3, names, zoo->floats);
	zoo->cache = heap_writer_lru_cache(writer, zoo->list, 3);
}

static void make_instances(
	struct heap_zoo *zoo, const struct pylayout *layout, const remote_addr *names)
{
	struct heap_writer *writer = zoo->writer;
	remote_addr object = heap_writer_type(writer, WRITER_OBJECT), hidden;

	zoo->cls = heap_writer_class_with(writer, "Point", "shapes", object, 3, names);
	zoo->instance = heap_writer_instance(writer, zoo->cls, zoo->floats);
	hidden = heap_writer_class(writer, "Hidden", "cellar", object);
	heap_writer_hide_class(writer);
	zoo->hidden = heap_writer_object(writer, hidden, layout->object.size);
}

static void make_containers(struct heap_zoo *zoo, const struct pylayout *layout)
{
	static const char *const locals[] = {"first", "second"};
	struct heap_writer *writer = zoo->writer;
	remote_addr names[3] = {heap_writer_str(writer, "a"), heap_writer_str(writer, "b"),
		heap_writer_str(writer, "c")};
	remote_addr code = heap_writer_code(writer, "produce", 2, locals, 4, 1, LINES, 2);

	for (unsigned i = 0; i < ZOO_FLOATS; i++)
		zoo->floats[i] = heap_writer_float(writer, i);
	zoo->list = heap_writer_list(writer, 100, zoo->floats, 110);
	zoo->tuple = heap_writer_tuple(writer, 90, zoo->floats);
	zoo->dict = heap_writer_dict(writer, 1, 3, names, zoo->floats);
	zoo->set = heap_writer_set(writer, 20, zoo->floats, 2);
	zoo->deque = heap_writer_deque(writer, 120, zoo->floats, 60, UINT64_MAX);
	zoo->generator = heap_writer_generator(writer, code, 3, zoo->floats, 3);
	make_instances(zoo, layout, names);
	make_dicts(zoo, layout, names);
	zoo->chain = make_chain(writer);
}

static void hold_all(struct heap_zoo *zoo)
{
	struct heap_writer *writer = zoo->writer;

	heap_writer_hold(writer, "list", zoo->list);
	heap_writer_hold(writer, "tuple", zoo->tuple);
	heap_writer_hold(writer, "dict", zoo->dict);
	heap_writer_hold(writer, "split", zoo->split);
	heap_writer_hold(writer, "set", zoo->set);
	heap_writer_hold(writer, "deque", zoo->deque);
	heap_writer_hold(writer, "odict", zoo->odict);
	heap_writer_hold(writer, "cache", zoo->cache);
	heap_writer_hold(writer, "generator", zoo->generator);
	heap_writer_hold(writer, "instance", zoo->instance);
	heap_writer_hold(writer, "chain", zoo->chain);
	heap_writer_hold(writer, "hidden", zoo->hidden);
}

void heap_zoo_write(struct heap_zoo *zoo, const struct pylayout *layout)
{
	static const char *const locals[] = {"queue"};
	struct heap_writer *writer = heap_writer_create(layout);

	*zoo = (struct heap_zoo){.writer = writer};
	make_containers(zoo, layout);
	hold_all(zoo);
	zoo->local = heap_writer_float(writer, 42);
	zoo->frame_code = heap_writer_code(writer, "main", 1, locals, 2, 1, LINES, 2);
	zoo->frame = heap_writer_call(writer, zoo->frame_code, 1, &zoo->local, -1);
	zoo->target = heap_writer_finish(writer, &zoo->place);
}

void heap_zoo_drop(struct heap_zoo *zoo)
{
	target_destroy(zoo->target);
	heap_writer_destroy(zoo->writer);
}
