// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "watch/watch_stacks.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cpython/pycode.h"
#include "cpython/pytext.h"

#include <string.h>

// A power of two; a service has some thousand functions, of which few are on such stacks.
#define SLOTS      4096
#define SLOTS_USED (SLOTS / 2)
// Instructions of one function that change a container, or call who does.
#define LINES      8

// What makes a code object the one that it was.
struct identity {
	remote_addr name, file, lines;
	uint32_t first_line;
};

struct known_code {
	remote_addr code; /* 0: a free slot */
	struct identity identity;
	char *function, *file;
	uint32_t environ, scope;
	struct {
		int64_t instruction;
		uint32_t line;
	} lines[LINES];
	unsigned line_count;
};

struct watch_stacks {
	struct known_code slots[SLOTS];
	unsigned used;
};

struct error *watch_stacks_create(struct watch_stacks **ret)
{
	struct watch_stacks *stacks = mem_calloc(1, sizeof(*stacks));

	*ret = stacks;
	return stacks ? NULL : error_enomem();
}

static void forget_code(struct known_code *known)
{
	mem_free(known->function);
	mem_free(known->file);
	*known = (struct known_code){0};
}

static void forget_all(struct watch_stacks *stacks)
{
	for (unsigned i = 0; i < SLOTS; i++)
		forget_code(&stacks->slots[i]);
	stacks->used = 0;
}

void watch_stacks_destroy(struct watch_stacks *stacks)
{
	if (!stacks)
		return;
	forget_all(stacks);
	mem_free(stacks);
}

static bool read_identity(struct pycontext *context, remote_addr code, struct identity *ret)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;

	*ret = (struct identity){
		.name = pycode_name(context, code),
		.file = pyreader_pointer(reader, code + layout->code.co_filename),
		.lines = pyreader_pointer(reader,
			code + (pylayout_has(layout->code.co_linetable) ? layout->code.co_linetable
									: layout->code.co_lnotab)),
	};
	return pyreader_u32(reader, code + layout->code.co_firstlineno, &ret->first_line);
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->name == b->name && a->file == b->file && a->lines == b->lines &&
	       a->first_line == b->first_line;
}

static struct known_code *find_slot(struct watch_stacks *stacks, remote_addr code)
{
	uint32_t i = (uint32_t)((code >> 4) * 0x9e3779b97f4a7c15ull >> 32) & (SLOTS - 1);

	while (stacks->slots[i].code && stacks->slots[i].code != code)
		i = (i + 1) & (SLOTS - 1);
	return &stacks->slots[i];
}

static bool learn(struct pycontext *context, remote_addr code, const struct identity *identity,
	struct known_code *ret)
{
	char text[LIMIT_NAME_BYTES];
	struct known_code known = {.code = code, .identity = *identity};

	pytext_str(context, identity->name, text, sizeof(text));
	known.function = mem_strdup(text);
	pytext_str(context, identity->file, text, sizeof(text));
	known.file = mem_strdup(text);
	if (!known.function || !known.file) {
		forget_code(&known);
		return false;
	}
	known.environ = pycode_find_local(context, code, "environ");
	known.scope = pycode_find_local(context, code, "scope");
	*ret = known;
	return true;
}

// NULL if the code cannot be read.
static struct known_code *know(
	struct watch_stacks *stacks, struct pycontext *context, remote_addr code)
{
	struct known_code *known = find_slot(stacks, code);
	struct identity identity;

	if (!read_identity(context, code, &identity))
		return NULL;
	if (known->code && is_same(&known->identity, &identity))
		return known;
	stacks->used += !known->code;
	forget_code(known);
	// A slot that was taken stays so: others may have been put behind it.
	known->code = code;
	return learn(context, code, &identity, known) ? known : NULL;
}

static uint32_t line_of(struct known_code *known, struct pycontext *context, int64_t instruction)
{
	uint32_t line;

	for (unsigned i = 0; i < known->line_count; i++) {
		if (known->lines[i].instruction == instruction)
			return known->lines[i].line;
	}
	line = pycode_line(context, known->code, instruction);
	if (known->line_count < LINES) {
		known->lines[known->line_count].instruction = instruction;
		known->lines[known->line_count++].line = line;
	}
	return line;
}

void watch_stacks_read(struct watch_stacks *stacks, struct pycontext *context, remote_addr thread,
	struct watch_stack *ret)
{
	size_t count = pystack_read(context, thread, ret->raw, WATCH_FRAMES_MAX, &ret->is_cut);

	ret->count = 0;
	if (stacks->used + count > SLOTS_USED)
		forget_all(stacks);
	for (size_t i = 0; i < count; i++) {
		const struct pystack_frame *raw = &ret->raw[i];
		struct known_code *known = know(stacks, context, raw->frame.code);
		size_t at = ret->count;

		if (!known || !known->function)
			continue;
		ret->raw[at] = *raw;
		ret->frames[at] = (struct watch_frame){
			.function = known->function,
			.file = known->file,
			.line = line_of(known, context, raw->instruction),
		};
		ret->environ[at] = known->environ;
		ret->scope[at] = known->scope;
		ret->count++;
	}
}
