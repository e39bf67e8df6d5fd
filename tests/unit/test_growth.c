// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* Graphs in, suspects out: growth.h and suspects.h together, on processes made by hand. */
#include "analysis/growth.h"
#include "analysis/growth_anchors.h"
#include "analysis/suspects.h"

#include "base/alloc.h"
#include "base/error.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODULE 0x1000
#define CLASS  0x2000
#define HOLDER 0x3000
#define OTHER  0x4000
#define ITEMS  0x10000000
#define MORE   0x20000000

/** What the process looks like at moment 0, 1, 2, … */
typedef void (*builder)(struct scene *scene, unsigned moment);

// The allocation that is to fail while a moment is added, if any.
static uint64_t failing = UINT64_MAX;

static struct error *add_graph(
	struct growth *growth, const struct heap_graph *graph, unsigned moment)
{
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct growth_input input;
	struct error *err;

	err = dominators_create(graph, &dominators);
	if (!err)
		err = paths_create(graph, &paths);
	if (err)
		return err;
	input = (struct growth_input){
		.sample = {graph, dominators, paths}, .at_s = 30.0 * moment, .threads = 1};
	return growth_add(growth, &input);
}

static struct error *add_moment(struct growth *growth, builder build, unsigned moment)
{
	_cleanup_(scene_destroy) struct scene *scene = scene_create();
	struct heap_graph *graph;
	struct error *err;

	build(scene, moment);
	graph = scene_finish(scene);
	alloc_fail_after(failing);
	err = add_graph(growth, graph, moment);
	alloc_fail_after(UINT64_MAX);
	return err;
}

static struct suspects hunt(builder build, unsigned moments)
{
	_cleanup_(growth_deinit) struct growth growth = {0};
	struct suspects suspects = {0};

	for (unsigned i = 0; i < moments; i++)
		assert_null(add_moment(&growth, build, i));
	assert_null(suspects_find(&growth.view, SUSPECTS_COLLECTOR_UNKNOWN, &suspects));
	return suspects;
}

static void print(const struct suspects *suspects)
{
	for (size_t i = 0; i < suspects->count; i++) {
		const struct suspect *suspect = &suspects->items[i];

		print_message("%s: %s %.2f\n", suspect_kind_name(suspect->kind), suspect->summary,
			suspect->confidence);
		for (size_t k = 0; k < suspect->evidence_count; k++)
			print_message("\t%s\n", suspect->evidence[k]);
	}
	for (size_t i = 0; i < suspects->note_count; i++)
		print_message("note: %s\n", suspects->notes[i]);
}

/** Exactly one suspect, of this kind, with this path. */
static void assert_one(builder build, enum suspect_kind kind, const char *path)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build, 3);

	print(&suspects);
	assert_int_equal(suspects.count, 1);
	assert_string_equal(suspects.items[0].path, path);
	assert_int_equal(suspects.items[0].kind, kind);
	assert_true(suspects.items[0].confidence > SUSPECTS_CONFIDENCE_MIN);
}

static void assert_none(builder build)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build, 3);

	print(&suspects);
	assert_int_equal(suspects.count, 0);
	assert_memory_equal(suspects.summary, "No leak", 7);
}

static node_id profiler(struct scene *scene)
{
	node_id module = scene_module(scene, MODULE, "metrics");
	node_id class = scene_object(scene, CLASS, "type");

	scene_attribute(scene, module, class, "Profiler");
	return class;
}

static void build_class_list(struct scene *scene, unsigned moment)
{
	node_id list = scene_object(scene, HOLDER, "list");

	scene_attribute(scene, profiler(scene), list, "results");
	scene_fill(scene, list, ITEMS, 1000 + 500 * moment, "float", 24);
}

static void test_list_in_a_class_attribute(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_class_list, 3);
	const struct suspect *suspect = &suspects.items[0];

	(void)state;
	assert_one(build_class_list, SUSPECT_CONTAINER, "metrics.Profiler.results");
	assert_string_equal(suspect->type, "list");
	assert_int_equal(suspect->length_first, 1000);
	assert_int_equal(suspect->length_last, 2000);
	assert_int_equal(suspect->bytes, 1000 * (24 + 8));
	assert_int_equal(suspect->item_count, 1);
	assert_string_equal(suspect->items[0].type, "float");
	assert_int_equal(suspect->items[0].objects, 1000);
	assert_true(suspect->share > 0.99);
	assert_true(suspect->held_by_count >= 2);
}

static void build_steady_list(struct scene *scene, unsigned moment)
{
	node_id list = scene_object(scene, HOLDER, "list");

	// The items change, their number does not.
	scene_attribute(scene, profiler(scene), list, "recent");
	scene_fill(scene, list, ITEMS + 64 * 500 * moment, 1000, "float", 24);
}

static void build_sawtooth(struct scene *scene, unsigned moment)
{
	static const unsigned lengths[] = {1000, 3000, 1500, 4000};
	node_id list = scene_object(scene, HOLDER, "list");

	scene_attribute(scene, profiler(scene), list, "batch");
	scene_fill(scene, list, ITEMS, lengths[moment], "float", 24);
}

static void build_warm_up(struct scene *scene, unsigned moment)
{
	static const unsigned lengths[] = {1000, 3000, 3100};
	node_id cache = scene_object(scene, HOLDER, "dict");

	scene_attribute(scene, profiler(scene), cache, "compiled");
	scene_fill(scene, cache, ITEMS, lengths[moment], "str", 60);
}

static void build_bounded(struct scene *scene, unsigned moment)
{
	node_id deque = scene_object(scene, HOLDER, "collections.deque");

	scene_attribute(scene, profiler(scene), deque, "last_errors");
	scene_set_bound(scene, deque, 10000);
	scene_fill(scene, deque, ITEMS, 1000 + 2000 * moment, "float", 24);
}

static void build_wrapped_cache(struct scene *scene, unsigned moment)
{
	node_id wrapper = scene_object(scene, HOLDER, "functools._lru_cache_wrapper");
	node_id cache = scene_object(scene, HOLDER + 0x100, "dict");

	scene_attribute(scene, profiler(scene), wrapper, "lookup");
	scene_edge(scene, wrapper, cache, HEAP_LABEL_FIELD, "cache");
	scene_set_bound(scene, wrapper, 100000);
	scene_fill(scene, cache, ITEMS, 1000 + 2000 * moment, "str", 60);
}

static void build_wandering(struct scene *scene, unsigned moment)
{
	// In-flight requests: 400, 450, 480, all of them others each time.
	static const unsigned lengths[] = {400, 450, 480};
	node_id set = scene_object(scene, HOLDER, "set");

	scene_attribute(scene, profiler(scene), set, "in_flight");
	scene_fill(scene, set, ITEMS + 0x100000 * moment, lengths[moment], "app.Request", 400);
}

// As many entries as ever, but new ones are made of more objects: it ends when all are replaced.
static void build_replaced_entries(struct scene *scene, unsigned moment)
{
	node_id sessions = scene_object(scene, HOLDER, "dict");

	scene_attribute(scene, profiler(scene), sessions, "sessions");
	for (unsigned i = 400 * moment; i < 1000 + 400 * moment; i++) {
		node_id session = scene_object(scene, ITEMS + 0x1000 * i, "app.Session");

		scene_item(scene, sessions, session);
		if (i >= 1000)
			scene_attribute(scene, session,
				scene_object(scene, ITEMS + 0x1000 * i + 64, "str"), "user");
	}
}

static void build_few(struct scene *scene, unsigned moment)
{
	node_id list = scene_object(scene, HOLDER, "list");

	scene_attribute(scene, profiler(scene), list, "hosts");
	scene_fill(scene, list, ITEMS, 20 + 2 * moment, "float", 24);
}

// A table of lists that are exchanged for others: some are longer than those before, others
// shorter.
static void build_exchanged(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "bus");
	node_id table = scene_object(scene, HOLDER, "dict");

	scene_attribute(scene, module, table, "table");
	for (unsigned i = 0; i < 60; i++) {
		uint64_t address = ITEMS + 0x100000 * i;
		node_id list = scene_object(scene, address, "list");
		unsigned length = i % 2 ? 100 + 50 * moment : 200 - 50 * moment;

		scene_item(scene, table, list);
		scene_fill(scene, list, address + 64 + 0x8000 * moment, length, "bus.Event", 64);
	}
}

// A ring of bodies, each of which is replaced: the address of one is another's later, and some are
// longer each time.
static void build_bodies(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "bus");
	node_id ring = scene_object(scene, HOLDER, "list");

	scene_attribute(scene, module, ring, "ring");
	for (unsigned i = 0; i < 40; i++) {
		node_id body = scene_object(scene, ITEMS + 0x100000 * i, "bytes");

		scene_set_size(
			scene, body, i % 4 ? 100000 - 10000 * moment : 10000 + 20000 * moment);
		scene_item(scene, ring, body);
	}
}

static void test_healthy_processes_raise_no_suspect(void **state)
{
	(void)state;
	assert_none(build_steady_list);
	assert_none(build_sawtooth);
	assert_none(build_warm_up);
	assert_none(build_bounded);
	assert_none(build_wrapped_cache);
	assert_none(build_wandering);
	assert_none(build_replaced_entries);
	assert_none(build_few);
	assert_none(build_exchanged);
	assert_none(build_bodies);
}

static void test_bounded_container_that_is_filling_is_noted(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_bounded, 3);

	(void)state;
	assert_int_equal(suspects.note_count, 1);
	assert_non_null(strstr(suspects.notes[0], "5,000 of at most 10,000"));
}

// app.<container> grows, and its owner, the module or an object, has a number by another name.
static const struct {
	const char *container, *number;
	int64_t value;
	bool of_module, is_bound;
} declared[] = {
	{"_mapping", "capacity", 5000, false, true},
	{"_LRUCache__data", "_LRUCache__maxsize", 5000, false, true},
	{"sessions", "max_sessions", 5000, false, true},
	{"_cache", "_MAXCACHE", 5000, true, true},
	{"_parse_cache", "MAX_CACHE_SIZE", 5000, true, true},
	// It was passed.
	{"_mapping", "capacity", 500, false, false},
	// Something else is limited.
	{"sessions", "max_age", 5000, false, false},
	{"sessions", "max_retries", 5000, false, false},
	{"results", "port", 5000, false, false},
	{"results", "capacity", 5000, true, false},
	{"results", "MAX_CACHE", 5000, true, false},
};
static size_t declaration;

static void build_declared(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "app");
	node_id owner = module, data = scene_object(scene, HOLDER, "dict");

	if (!declared[declaration].of_module) {
		owner = scene_object(scene, CLASS, "app.Cache");
		scene_attribute(scene, module, owner, "cache");
	}
	scene_attribute(scene, owner, data, declared[declaration].container);
	scene_attribute(scene, owner, scene_int(scene, OTHER, declared[declaration].value),
		declared[declaration].number);
	scene_fill(scene, data, ITEMS, 1000 + 1000 * moment, "str", 64);
}

static void test_a_limit_that_the_owner_has(void **state)
{
	(void)state;
	for (declaration = 0; declaration < sizeof(declared) / sizeof(*declared); declaration++) {
		_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_declared, 3);

		print_message("%s\n", declared[declaration].number);
		assert_int_equal(suspects.count, !declared[declaration].is_bound);
		if (declared[declaration].is_bound)
			assert_non_null(strstr(suspects.notes[0], "3,000 of at most 5,000"));
	}
}

// Python 2's OrderedDict, in a cache with a limit, has a dict of its links.
static void build_limited_links(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "app");
	node_id cache = scene_object(scene, CLASS, "app.Cache");
	node_id entries = scene_object(scene, HOLDER, "collections.OrderedDict");
	node_id links = scene_object(scene, OTHER, "dict");

	scene_attribute(scene, module, cache, "cache");
	scene_attribute(scene, cache, entries, "entries");
	scene_attribute(scene, cache, scene_int(scene, MORE, 5000), "maxsize");
	scene_attribute(scene, entries, links, "_OrderedDict__map");
	scene_fill(scene, entries, ITEMS, 1000 + 1000 * moment, "str", 64);
	scene_fill(scene, links, MORE + 0x1000, 1000 + 1000 * moment, "list", 64);
}

static void test_a_limit_of_what_it_is_a_part_of(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_limited_links, 3);

	(void)state;
	assert_int_equal(suspects.count, 0);
}

// A list in a deque is not limited by the deque's maxlen.
static void build_list_in_deque(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "app");
	node_id deque = scene_object(scene, HOLDER, "collections.deque");
	node_id list = scene_object(scene, OTHER, "list");

	scene_attribute(scene, module, deque, "batches");
	scene_set_bound(scene, deque, 10);
	scene_item(scene, deque, list);
	scene_fill(scene, list, ITEMS, 1000 + 1000 * moment, "str", 64);
}

static void test_a_bound_is_not_that_of_the_items(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_list_in_deque, 3);

	(void)state;
	assert_int_equal(suspects.count, 1);
	assert_string_equal(suspects.items[0].path, "app.batches[0]");
}

// app.state.cache = {'users': {…grows…}}: the inner dict is the place, not the outer, not the
// module.
static void build_nested(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "app");
	node_id state = scene_object(scene, CLASS, "app.State");
	node_id cache = scene_object(scene, HOLDER, "dict");
	node_id users = scene_object(scene, OTHER, "dict");

	scene_attribute(scene, module, state, "state");
	scene_attribute(scene, state, cache, "cache");
	scene_edge(scene, cache, users, HEAP_LABEL_KEY, "'users'");
	for (unsigned i = 0; i < 200 + 300 * moment; i++) {
		node_id user = scene_object(scene, ITEMS + 0x1000 * i, "app.User");

		scene_attribute(
			scene, user, scene_object(scene, ITEMS + 0x1000 * i + 64, "str"), "name");
		scene_item(scene, users, user);
	}
}

static void test_deepest_container_is_told_alone(void **state)
{
	(void)state;
	assert_one(build_nested, SUSPECT_CONTAINER, "app.state.cache['users']");
}

// A fixed set of topics, each with a short list that grows.
static void build_many_lists(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "bus");
	node_id topics = scene_object(scene, HOLDER, "dict");

	scene_attribute(scene, module, topics, "topics");
	for (unsigned i = 0; i < 300; i++) {
		uint64_t address = ITEMS + 0x10000 * i;
		node_id list = scene_object(scene, address, "list");

		scene_item(scene, topics, list);
		scene_fill(scene, list, address + 64, 2 + 5 * moment, "bus.Event", 64);
	}
}

static void test_many_small_containers_are_told_by_their_holder(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_many_lists, 3);

	(void)state;
	assert_one(build_many_lists, SUSPECT_HOLDER, "bus.topics");
	assert_string_equal(suspects.items[0].items[0].type, "bus.Event");
	assert_int_equal(suspects.items[0].items[0].objects, 3000);
}

// The same with fewer and longer lists, each of which would be a suspect alone.
static void build_long_lists(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "bus");
	node_id topics = scene_object(scene, HOLDER, "dict");

	scene_attribute(scene, module, topics, "topics");
	for (unsigned i = 0; i < 20; i++) {
		uint64_t address = ITEMS + 0x100000 * i;
		node_id list = scene_object(scene, address, "list");

		scene_item(scene, topics, list);
		scene_fill(scene, list, address + 64, 100 + 50 * moment, "bus.Event", 64);
	}
}

static void test_growing_siblings_are_one_suspect(void **state)
{
	(void)state;
	assert_one(build_long_lists, SUSPECT_HOLDER, "bus.topics");
}

// Topics are objects: each list is an attribute of its own, and all are called alike.
static void build_alike(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "bus");
	node_id topics = scene_object(scene, HOLDER, "dict");

	scene_attribute(scene, module, topics, "topics");
	for (unsigned i = 0; i < 3; i++) {
		uint64_t address = ITEMS + 0x100000 * i;
		node_id topic = scene_object(scene, address, "bus.Topic");
		node_id list = scene_object(scene, address + 128, "list");
		char key[16];

		snprintf(key, sizeof(key), "'/t/%u'", i);
		scene_edge(scene, topics, topic, HEAP_LABEL_KEY, key);
		scene_attribute(scene, topic, list, "subscribers");
		scene_fill(scene, list, address + 0x1000, 100 + 50 * moment, "bus.Event", 64);
	}
}

static void test_what_is_called_alike_is_one_suspect(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_alike, 3);

	(void)state;
	assert_one(build_alike, SUSPECT_HOLDER, "bus.topics");
	assert_string_equal(suspects.items[0].evidence[suspects.items[0].evidence_count - 1],
		"3 of them grow: bus.topics[…].subscribers");
}

// The function that fills them runs.
static void build_alike_one_in_hand(struct scene *scene, unsigned moment)
{
	build_alike(scene, moment);
	scene_root(scene, scene_at(scene, ITEMS + 0x100000 * (moment % 3) + 128), HEAP_ROOT_FRAME,
		"thread 'T' bus.publish local subscribers");
}

static void test_one_of_those_alike_is_in_hand(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_alike_one_in_hand, 3);

	(void)state;
	assert_one(build_alike_one_in_hand, SUSPECT_HOLDER, "bus.topics");
	assert_string_equal(suspects.items[0].evidence[suspects.items[0].evidence_count - 1],
		"3 of them grow: bus.topics[…].subscribers");
}

// Regions of hosts of values, each with a name.
static void build_levels(struct scene *scene, unsigned moment)
{
	static const char *const regions[] = {"'alpha'", "'beta'", "'gamma'", "'delta'", "'eta'"};
	node_id module = scene_module(scene, MODULE, "bus");
	node_id stats = scene_object(scene, HOLDER, "dict");

	scene_attribute(scene, module, stats, "stats");
	for (unsigned i = 0; i < 5; i++) {
		uint64_t address = ITEMS + 0x1000000 * i;
		node_id hosts = scene_object(scene, address, "dict");

		scene_edge(scene, stats, hosts, HEAP_LABEL_KEY, regions[i]);
		for (unsigned k = 1; k < 6; k++) {
			node_id list = scene_object(scene, address + 0x100000 * k, "list");

			scene_item(scene, hosts, list);
			scene_fill(scene, list, address + 0x100000 * k + 64, 100 + 50 * moment,
				"bus.Event", 64);
		}
	}
}

static void test_levels_of_siblings_are_one_suspect(void **state)
{
	(void)state;
	assert_one(build_levels, SUSPECT_HOLDER, "bus.stats");
}

// An array of objects, as long as ever, is filled.
static void build_array_of_objects(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "bus");
	node_id table = scene_object(scene, HOLDER, "bytes");

	scene_set_size(scene, table, 800000);
	scene_attribute(scene, module, table, "table");
	for (unsigned i = 0; i < 200 + 300 * moment; i++)
		scene_edge(scene, table, scene_object(scene, ITEMS + 64 * i, "bus.Row"),
			HEAP_LABEL_INDEX, "");
}

static void test_an_array_that_is_filled(void **state)
{
	(void)state;
	assert_one(build_array_of_objects, SUSPECT_HOLDER, "bus.table");
}

// A class for each request: no type of item is frequent.
static void build_classes(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "bus");
	node_id list = scene_object(scene, HOLDER, "list");

	scene_attribute(scene, module, list, "live");
	for (unsigned i = 0; i < 40 + 40 * moment; i++) {
		uint64_t address = ITEMS + 0x10000 * i;
		char type[32];
		node_id item;

		snprintf(type, sizeof(type), "bus.Req%u", i);
		item = scene_object(scene, address, type);
		scene_item(scene, list, item);
		for (unsigned k = 1; k < 20; k++)
			scene_attribute(
				scene, item, scene_object(scene, address + 256 * k, "str"), "name");
	}
}

static void test_items_of_many_types(void **state)
{
	(void)state;
	assert_one(build_classes, SUSPECT_CONTAINER, "bus.live");
}

static void build_chain(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "undo");
	node_id history = scene_object(scene, CLASS, "undo.History");
	node_id last = scene_object(scene, HOLDER, "undo.Step");

	scene_attribute(scene, module, history, "history");
	scene_attribute(scene, history, last, "first");
	for (unsigned i = 0; i < 500 + 400 * moment; i++) {
		node_id next = scene_object(scene, ITEMS + 64 * i, "undo.Step");

		scene_edge(scene, last, next, HEAP_LABEL_SLOT, "next");
		last = next;
	}
}

// Each link has a buffer of so many at most: that says nothing of the number of links.
static void build_chain_of_limits(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "http");
	node_id last = scene_object(scene, HOLDER, "http.Request");

	scene_attribute(scene, module, last, "last");
	for (unsigned i = 0; i < 500 + 400 * moment; i++) {
		uint64_t address = ITEMS + 0x1000 * i;
		node_id next = scene_object(scene, address, "http.Request");
		node_id buffer = scene_object(scene, address + 0x100, "collections.deque");

		scene_set_bound(scene, buffer, 4096);
		scene_edge(scene, last, next, HEAP_LABEL_SLOT, "previous");
		scene_edge(scene, next, buffer, HEAP_LABEL_SLOT, "buffer");
		scene_edge(scene, next, scene_int(scene, address + 0x200, 4096), HEAP_LABEL_SLOT,
			"limit");
		scene_fill(scene, buffer, address + 0x300, 20, "str", 64);
		last = next;
	}
}

static void test_linked_list_of_what_is_limited(void **state)
{
	(void)state;
	assert_one(build_chain_of_limits, SUSPECT_CHAIN, "http.last");
}

static void test_linked_list(void **state)
{
	(void)state;
	assert_one(build_chain, SUSPECT_CHAIN, "undo.history.first");
}

// New heads at new addresses: who holds it is the same.
static void build_reversed_chain(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "undo");
	node_id history = scene_object(scene, CLASS, "undo.History");
	node_id last = HEAP_NODE_NONE;

	scene_attribute(scene, module, history, "history");
	for (unsigned i = 0; i < 500 + 400 * moment; i++) {
		node_id step = scene_object(scene, ITEMS + 64 * i, "undo.Step");

		if (last != HEAP_NODE_NONE)
			scene_edge(scene, step, last, HEAP_LABEL_SLOT, "previous");
		last = step;
	}
	scene_attribute(scene, history, last, "head");
}

static void test_linked_list_with_a_new_head_each_time(void **state)
{
	(void)state;
	assert_one(build_reversed_chain, SUSPECT_CHAIN, "undo.history.head");
}

static void build_buffer(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "audit");
	// log += line: a longer str at another place each time
	node_id text = scene_object(scene, HOLDER + 0x100000 * moment, "str");

	scene_attribute(scene, module, text, "log");
	scene_set_size(scene, text, 100000 + 20000 * moment);
}

static void test_string_that_is_made_longer(void **state)
{
	(void)state;
	assert_one(build_buffer, SUSPECT_BUFFER, "audit.log");
}

// Blocks of a fixed length: no container is long, and none of those that grew before grows any more.
static void build_blocks(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "store");
	node_id blocks = scene_object(scene, HOLDER, "list");

	scene_attribute(scene, module, blocks, "blocks");
	for (unsigned i = 0; i < 4 + 5 * moment; i++) {
		node_id block = scene_object(scene, OTHER + 64 * i, "list");

		scene_item(scene, blocks, block);
		scene_fill(scene, block, ITEMS + 0x10000 * i, 20, "bytes", 256);
	}
}

static void test_growth_all_over_a_structure_is_told_for_it(void **state)
{
	(void)state;
	assert_one(build_blocks, SUSPECT_HOLDER, "store.blocks");
}

// Two parts of a structure with names grow: each is what a person wants to read.
static void build_named_parts(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "app");
	node_id app_state = scene_object(scene, HOLDER, "dict");
	const char *names[] = {"'users'", "'sessions'"};

	scene_attribute(scene, module, app_state, "state");
	for (unsigned i = 0; i < 2; i++) {
		node_id part = scene_object(scene, OTHER + 64 * i, "dict");

		scene_edge(scene, app_state, part, HEAP_LABEL_KEY, names[i]);
		scene_fill(scene, part, ITEMS + 0x1000000 * i, 200 + 300 * moment, "bytes",
			100 - 40 * i);
	}
}

static void test_named_parts_are_told_apart(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_named_parts, 3);

	(void)state;
	print(&suspects);
	assert_true(suspects.count >= 1);
	assert_string_equal(suspects.items[0].path, "app.state['users']");
}

// history = (x, history): tuples in tuples may be anything, but not so many of them.
static void build_cells(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "undo");
	node_id last = HEAP_NODE_NONE;

	for (unsigned i = 0; i < 500 + 400 * moment; i++) {
		node_id cell = scene_object(scene, ITEMS + 64 * i, "tuple");

		if (last != HEAP_NODE_NONE)
			scene_item(scene, cell, last);
		last = cell;
	}
	scene_attribute(scene, module, last, "history");
}

static void test_chain_is_named_where_it_begins(void **state)
{
	(void)state;
	assert_one(build_cells, SUSPECT_CHAIN, "undo.history");
}

// A list that is replaced by a longer one: all = all + [x].
static void build_replaced_list(struct scene *scene, unsigned moment)
{
	node_id list = scene_object(scene, HOLDER + 0x1000 * moment, "list");

	scene_attribute(scene, profiler(scene), list, "results");
	scene_fill(scene, list, ITEMS, 1000 + 500 * moment, "float", 24);
}

static void test_list_that_is_replaced(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_replaced_list, 3);

	(void)state;
	assert_int_equal(suspects.count, 1);
	assert_string_equal(suspects.items[0].path, "metrics.Profiler.results");
}

// Each item in a list and in an index: neither dominates it.
static void build_two_holders(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "app");
	node_id list = scene_object(scene, HOLDER, "list");
	node_id index = scene_object(scene, OTHER, "dict");

	scene_attribute(scene, module, list, "jobs");
	scene_attribute(scene, module, index, "jobs_by_id");
	for (unsigned i = 0; i < 300 + 300 * moment; i++) {
		node_id job = scene_object(scene, ITEMS + 0x1000 * i, "app.Job");

		scene_set_size(scene, job, 500);
		scene_item(scene, list, job);
		scene_item(scene, index, job);
	}
}

static void test_two_containers_in_step_are_one_suspect(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_two_holders, 3);

	(void)state;
	print(&suspects);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_CONTAINER);
	assert_true(suspects.items[0].bytes > 600 * 500);
}

// Two leaks of different speed under different names.
static void build_two_leaks(struct scene *scene, unsigned moment)
{
	node_id module = scene_module(scene, MODULE, "app");
	node_id fast = scene_object(scene, HOLDER, "list");
	node_id slow = scene_object(scene, OTHER, "set");

	scene_attribute(scene, module, fast, "fast");
	scene_attribute(scene, module, slow, "slow");
	scene_fill(scene, fast, ITEMS, 100 + 900 * moment, "str", 100);
	scene_fill(scene, slow, MORE, 100 + 90 * moment, "str", 100);
}

static void test_two_leaks_are_ranked(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = hunt(build_two_leaks, 3);

	(void)state;
	print(&suspects);
	assert_int_equal(suspects.count, 2);
	assert_string_equal(suspects.items[0].path, "app.fast");
	assert_string_equal(suspects.items[1].path, "app.slow");
}

// The container comes into being after the first snapshot.
static void build_late(struct scene *scene, unsigned moment)
{
	node_id list = scene_object(scene, HOLDER, "list");

	scene_attribute(scene, profiler(scene), list, "results");
	scene_fill(scene, list, ITEMS, 400 * moment, "float", 24);
}

static void test_container_that_was_empty_at_first(void **state)
{
	(void)state;
	assert_one(build_late, SUSPECT_CONTAINER, "metrics.Profiler.results");
}

// Adding the third moment, then judging, with each allocation failing in turn.
static void test_memory_running_out_is_an_error(void **state)
{
	bool is_done = false;

	(void)state;
	for (uint64_t countdown = 0; !is_done; countdown++) {
		_cleanup_(growth_deinit) struct growth growth = {0};
		_cleanup_(suspects_deinit) struct suspects suspects = {0};
		struct error *err;

		assert_null(add_moment(&growth, build_nested, 0));
		assert_null(add_moment(&growth, build_nested, 1));
		failing = countdown;
		err = add_moment(&growth, build_nested, 2);
		failing = UINT64_MAX;
		is_done = !err;
		if (err) {
			assert_int_equal(error_kind(err), ERROR_MEMORY);
			error_destroy(err);
		}
	}
	is_done = false;
	for (uint64_t countdown = 0; !is_done; countdown++) {
		_cleanup_(growth_deinit) struct growth growth = {0};
		_cleanup_(suspects_deinit) struct suspects suspects = {0};
		struct error *err;

		for (unsigned i = 0; i < 3; i++)
			assert_null(add_moment(&growth, build_nested, i));
		alloc_fail_after(countdown);
		err = suspects_find(&growth.view, SUSPECTS_COLLECTOR_UNKNOWN, &suspects);
		alloc_fail_after(UINT64_MAX);
		is_done = !err;
		if (err) {
			assert_int_equal(error_kind(err), ERROR_MEMORY);
			error_destroy(err);
		}
	}
}

static void assert_signature(const char *path, const char *expected)
{
	_cleanup_(mem_free) char *signature = growth_signature(path);

	assert_string_equal(signature, expected);
}

static void test_signatures_leave_out_what_changes(void **state)
{
	(void)state;
	assert_signature("metrics.Profiler.results", "metrics.Profiler.results");
	assert_signature("app.cache['users'][17]", "app.cache['users'][…]");
	assert_signature("app.cache['2026-01-01'].x", "app.cache[…].x");
	assert_signature("app.cache[(1, 'a]')].x[3]", "app.cache[…].x[…]");
	assert_signature("sys.modules['h2'].table['a']", "sys.modules['h2'].table['a']");
	assert_signature("odd[", "odd[");
	assert_signature("", "");
}

static bool is_namespace(const char *first_name)
{
	_cleanup_(scene_destroy) struct scene *scene = scene_create();
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	node_id module = scene_module(scene, 0x1000, "app"), names;
	struct heap_graph *graph;

	scene_attribute(scene, module, scene_object(scene, 0x2000, "str"), first_name);
	names = scene_at(scene, 0x1008);
	// A function of the module is running.
	scene_root(scene, names, HEAP_ROOT_FRAME, "thread 'MainThread' app.main globals");
	graph = scene_finish(scene);
	assert_null(dominators_create(graph, &dominators));
	assert_int_equal(dominators->idom[names], HEAP_ROOT);
	return growth_is_namespace(graph, dominators, names);
}

// Also while frames have it, a module's dict holds what has names; any other dict is data.
static void test_globals_of_a_running_function(void **state)
{
	(void)state;
	assert_true(is_namespace("__name__"));
	assert_false(is_namespace("users"));
}

// Lists of their own, each large enough for a holder, as attributes or as entries.
static void fill_with_holders(
	struct scene *scene, node_id owner, uint64_t address, unsigned count, bool are_attributes)
{
	for (unsigned i = 0; i < count; i++) {
		node_id list = scene_object(scene, address + 0x1000 * i, "list");
		char name[16];

		snprintf(name, sizeof(name), "name_%u", i);
		scene_fill(scene, list, address + 0x1000 * i + 0x100, 2, "float", 4096);
		if (are_attributes)
			scene_attribute(scene, owner, list, name);
		else
			scene_item(scene, owner, list);
	}
}

static const struct heap_graph *of_few_rows;
static void (*label_of_all)(void *, node_id, uint32_t, struct heap_label *);

// A file's labels need the row: which key it is, a reference says.
static void label_of_row(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(of_few_rows, node, &count);

	*ret = (struct heap_label){.kind = HEAP_LABEL_NONE};
	if (edges[edge] != HEAP_ROOT)
		label_of_all(context, node, edge, ret);
}

// Attributes of an instance, entries of a dict that is one's attribute, names of a module that runs and entries of
// a dict that the root holds: all more than a structure has. The rows that tell them apart are enough.
static void test_holders_are_known_by_few_rows(void **state)
{
	_cleanup_(scene_destroy) struct scene *scene = scene_create();
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	_cleanup_(growth_anchors_deinit) struct growth_anchors all = {0}, few = {0};
	node_id module = scene_module(scene, 0x1000, "app"), many, cache, local;
	struct heap_graph *graph;
	uint64_t keep[1 << 10] = {0};
	size_t dropped = 0;

	(void)state;
	many = scene_object(scene, 0x10000, "app.Many");
	scene_attribute(scene, module, many, "many");
	fill_with_holders(scene, many, 0x1000000, 100, true);
	cache = scene_object(scene, 0x20000, "dict");
	scene_edge(scene, scene_object(scene, 0x30000, "app.Cached"), cache, HEAP_LABEL_ATTRIBUTE,
		"cache");
	scene_attribute(scene, module, scene_at(scene, 0x30000), "cached");
	fill_with_holders(scene, cache, 0x2000000, 100, false);
	scene_attribute(scene, module, scene_object(scene, 0x40000, "str"), "__name__");
	fill_with_holders(scene, module, 0x3000000, 100, true);
	scene_root(scene, scene_at(scene, 0x1008), HEAP_ROOT_FRAME, "globals");
	local = scene_object(scene, 0x50000, "dict");
	scene_root(scene, local, HEAP_ROOT_FRAME, "local");
	fill_with_holders(scene, local, 0x4000000, 100, false);
	graph = scene_finish(scene);
	assert_null(dominators_create(graph, &dominators));
	assert_null(growth_anchors_init(&all, graph, dominators, 4096));
	assert_true(graph->node_count < 64 * sizeof(keep) / sizeof(*keep));
	growth_anchors_rows(graph, dominators, keep);
	for (node_id node = 1; node < graph->node_count; node++) {
		if (keep[node >> 6] >> (node & 63) & 1)
			continue;
		for (uint32_t i = graph->first_edge[node]; i < graph->first_edge[node + 1]; i++) {
			graph->edges[i] = HEAP_ROOT;
			dropped++;
		}
	}
	assert_true(dropped > 100);
	of_few_rows = graph;
	label_of_all = graph->naming.label;
	graph->naming.label = label_of_row;
	assert_null(growth_anchors_init(&few, graph, dominators, 4096));
	assert_true(few.list.count > 200);
	assert_int_equal(few.list.count, all.list.count);
	for (node_id node = 0; node < graph->node_count; node++)
		assert_int_equal(growth_anchor_of(&few, node), growth_anchor_of(&all, node));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holders_are_known_by_few_rows),
		cmocka_unit_test(test_list_in_a_class_attribute),
		cmocka_unit_test(test_healthy_processes_raise_no_suspect),
		cmocka_unit_test(test_bounded_container_that_is_filling_is_noted),
		cmocka_unit_test(test_a_limit_that_the_owner_has),
		cmocka_unit_test(test_a_bound_is_not_that_of_the_items),
		cmocka_unit_test(test_a_limit_of_what_it_is_a_part_of),
		cmocka_unit_test(test_deepest_container_is_told_alone),
		cmocka_unit_test(test_many_small_containers_are_told_by_their_holder),
		cmocka_unit_test(test_growing_siblings_are_one_suspect),
		cmocka_unit_test(test_what_is_called_alike_is_one_suspect),
		cmocka_unit_test(test_one_of_those_alike_is_in_hand),
		cmocka_unit_test(test_levels_of_siblings_are_one_suspect),
		cmocka_unit_test(test_items_of_many_types),
		cmocka_unit_test(test_an_array_that_is_filled),
		cmocka_unit_test(test_linked_list),
		cmocka_unit_test(test_linked_list_of_what_is_limited),
		cmocka_unit_test(test_linked_list_with_a_new_head_each_time),
		cmocka_unit_test(test_string_that_is_made_longer),
		cmocka_unit_test(test_chain_is_named_where_it_begins),
		cmocka_unit_test(test_growth_all_over_a_structure_is_told_for_it),
		cmocka_unit_test(test_named_parts_are_told_apart),
		cmocka_unit_test(test_list_that_is_replaced),
		cmocka_unit_test(test_two_containers_in_step_are_one_suspect),
		cmocka_unit_test(test_two_leaks_are_ranked),
		cmocka_unit_test(test_container_that_was_empty_at_first),
		cmocka_unit_test(test_memory_running_out_is_an_error),
		cmocka_unit_test(test_globals_of_a_running_function),
		cmocka_unit_test(test_signatures_leave_out_what_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
