// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "watch/watch_sites.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static bool is_frame(const struct watch_site_frame *known, const struct watch_frame *frame)
{
	return known->line == frame->line && strcmp(known->function, frame->function) == 0 &&
	       strcmp(known->file, frame->file) == 0;
}

static bool is_stack(const struct watch_site_stack *stack, const struct watch_change *change)
{
	if (stack->count != change->frame_count || stack->is_cut != change->is_cut)
		return false;
	for (size_t i = 0; i < stack->count; i++) {
		if (!is_frame(&stack->frames[i], &change->frames[i]))
			return false;
	}
	return true;
}

static void stack_deinit(struct watch_site_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		mem_free(stack->frames[i].function);
		mem_free(stack->frames[i].file);
	}
	mem_free(stack->frames);
	for (size_t i = 0; i < stack->native_count; i++) {
		mem_free((char *)stack->natives[i].function);
		mem_free((char *)stack->natives[i].library);
	}
	mem_free(stack->natives);
	*stack = (struct watch_site_stack){0};
}

static bool copy_natives(const struct watch_change *change, struct watch_site_stack *ret)
{
	if (!change->native_count)
		return true;
	ret->natives = mem_calloc(change->native_count, sizeof(*ret->natives));
	if (!ret->natives)
		return false;
	while (ret->native_count < change->native_count) {
		const struct watch_native *native = &change->natives[ret->native_count];
		struct watch_native *copy = &ret->natives[ret->native_count++];

		*copy = *native;
		copy->function = native->function ? mem_strdup(native->function) : NULL;
		copy->library = mem_strdup(native->library);
		if (!copy->library || (native->function && !copy->function))
			return false;
	}
	return true;
}

static bool copy_frames(const struct watch_change *change, struct watch_site_stack *ret)
{
	ret->frames = mem_calloc(change->frame_count, sizeof(*ret->frames));
	if (!ret->frames)
		return false;
	while (ret->count < change->frame_count) {
		const struct watch_frame *frame = &change->frames[ret->count];
		struct watch_site_frame *copy = &ret->frames[ret->count++];

		copy->line = frame->line;
		copy->function = mem_strdup(frame->function);
		copy->file = mem_strdup(frame->file);
		if (!copy->function || !copy->file)
			return false;
	}
	return true;
}

static bool copy_stack(const struct watch_change *change, struct watch_site_stack *ret)
{
	*ret = (struct watch_site_stack){.is_cut = change->is_cut};
	if (copy_frames(change, ret) && copy_natives(change, ret))
		return true;
	stack_deinit(ret);
	return false;
}

static bool add_stack(struct watch_site *site, const struct watch_change *change)
{
	for (size_t i = 0; i < site->stack_count; i++) {
		if (is_stack(&site->stacks[i], change)) {
			site->stacks[i].hits++;
			return true;
		}
	}
	if (site->stack_count == WATCH_STACKS_MAX)
		return true;
	if (!copy_stack(change, &site->stacks[site->stack_count]))
		return false;
	site->stacks[site->stack_count++].hits = 1;
	return true;
}

static void request_deinit(struct watch_site_request *request)
{
	mem_free(request->method);
	mem_free(request->path);
	mem_free(request->query);
}

static bool add_request(struct watch_site *site, const struct watch_request *request)
{
	struct watch_site_request *known;

	if (!request->method[0])
		return true;
	for (size_t i = 0; i < site->request_count; i++) {
		known = &site->requests[i];
		if (strcmp(known->method, request->method) == 0 &&
			strcmp(known->path, request->path) == 0) {
			known->hits++;
			return true;
		}
	}
	if (site->request_count == WATCH_REQUESTS_MAX)
		return true;
	known = &site->requests[site->request_count];
	*known = (struct watch_site_request){
		.method = mem_strdup(request->method),
		.path = mem_strdup(request->path),
		.query = mem_strdup(request->query),
		.hits = 1,
	};
	if (!known->method || !known->path || !known->query) {
		request_deinit(known);
		return false;
	}
	site->request_count++;
	return true;
}

static bool add_thread(struct watch_site *site, const char *name)
{
	for (size_t i = 0; i < site->thread_count; i++) {
		if (strcmp(site->threads[i].name, name) == 0) {
			site->threads[i].hits++;
			return true;
		}
	}
	if (site->thread_count == WATCH_THREADS_MAX)
		return true;
	site->threads[site->thread_count] =
		(struct watch_site_thread){.name = mem_strdup(name), .hits = 1};
	if (!site->threads[site->thread_count].name)
		return false;
	site->thread_count++;
	return true;
}

static struct watch_site *find_site(struct watch_sites *sites, const struct watch_frame *frame)
{
	for (size_t i = 0; i < sites->count; i++) {
		if (is_frame(&sites->items[i].stacks[0].frames[0], frame))
			return &sites->items[i];
	}
	return NULL;
}

// A site has at least the stack that it was made for.
static bool add_site(
	struct watch_sites *sites, const struct watch_change *change, struct watch_site **ret)
{
	if (!sites->items)
		sites->items = mem_calloc(WATCH_SITES_MAX, sizeof(*sites->items));
	if (!sites->items || !copy_stack(change, &sites->items[sites->count].stacks[0]))
		return false;
	*ret = &sites->items[sites->count++];
	(*ret)->stack_count = 1;
	return true;
}

bool watch_sites_add(struct watch_sites *sites, const struct watch_change *change)
{
	struct watch_site *site;

	sites->hits++;
	if (change->frame_count == 0) {
		sites->unknown_hits++;
		return true;
	}
	site = find_site(sites, &change->frames[0]);
	if (!site && sites->count == WATCH_SITES_MAX) {
		sites->other_hits++;
		return true;
	}
	if (!site && !add_site(sites, change, &site))
		return false;
	site->hits++;
	return add_stack(site, change) && add_request(site, &change->request) &&
	       add_thread(site, change->thread);
}

static int compare_hits(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int compare_stacks(const void *a, const void *b)
{
	return compare_hits(((const struct watch_site_stack *)a)->hits,
		((const struct watch_site_stack *)b)->hits);
}

static int compare_requests(const void *a, const void *b)
{
	const struct watch_site_request *first = a, *second = b;
	int order = compare_hits(first->hits, second->hits);

	return order ? order : strcmp(first->path, second->path);
}

static int compare_threads(const void *a, const void *b)
{
	return compare_hits(((const struct watch_site_thread *)a)->hits,
		((const struct watch_site_thread *)b)->hits);
}

static int compare_sites(const void *a, const void *b)
{
	return compare_hits(
		((const struct watch_site *)a)->hits, ((const struct watch_site *)b)->hits);
}

void watch_sites_finish(struct watch_sites *sites)
{
	for (size_t i = 0; i < sites->count; i++) {
		struct watch_site *site = &sites->items[i];

		qsort(site->stacks, site->stack_count, sizeof(*site->stacks), compare_stacks);
		qsort(site->requests, site->request_count, sizeof(*site->requests),
			compare_requests);
		qsort(site->threads, site->thread_count, sizeof(*site->threads), compare_threads);
	}
	if (sites->count)
		qsort(sites->items, sites->count, sizeof(*sites->items), compare_sites);
}

static void site_deinit(struct watch_site *site)
{
	for (size_t i = 0; i < site->stack_count; i++)
		stack_deinit(&site->stacks[i]);
	for (size_t i = 0; i < site->request_count; i++)
		request_deinit(&site->requests[i]);
	for (size_t i = 0; i < site->thread_count; i++)
		mem_free(site->threads[i].name);
}

void watch_sites_deinit(struct watch_sites *sites)
{
	for (size_t i = 0; i < sites->count; i++)
		site_deinit(&sites->items[i]);
	mem_free(sites->items);
	*sites = (struct watch_sites){0};
}
