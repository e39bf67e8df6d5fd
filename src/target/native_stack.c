// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/native_stack.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/path.h"
#include "base/vector.h"
#include "target/elf_file.h"
#include "target/machine.h"
#include "target/process_internal.h"

#include <elfutils/libdwfl.h>
#include <string.h>

// Libraries are loaded now and then; code that is in none must not make us look all the time.
#define LOOK_AGAIN_S 1.0

struct library {
	struct native_library public;
	struct native_stacks *of;
	const struct mapping *mapping; /* its lowest */
	struct elf_file *elf;          /* NULL: not opened yet, or it cannot be */
	bool is_tried, has_code;
};

DEFINE_VECTOR(libraries, struct library)

struct native_stacks {
	const struct process *process;
	struct mappings mappings;
	struct libraries libraries; /* by address; does not move while dwfl lives */
	Dwfl *dwfl;
	double loaded_s;
	const struct native_copy *copy; /* the one at hand */
};

struct target_piece native_copy_begin(
	struct native_copy *copy, const struct target_thread *registers)
{
	copy->registers = *registers;
	copy->size = 0;
	return (struct target_piece){registers->stack_pointer, copy->bytes, sizeof(copy->bytes)};
}

static struct elf_file *open_elf(struct library *library)
{
	if (!library->is_tried) {
		library->is_tried = true;
		error_destroy(elf_file_open_of(&library->of->process->origin,
			&library->of->mappings, library->mapping, &library->elf));
	}
	return library->elf;
}

// Callbacks of libdwfl: where the files are. A module's own datum is its library.

static int find_elf(Dwfl_Module *module, void **datum, const char *name, Dwarf_Addr base,
	char **file_name, Elf **ret)
{
	struct elf_file *file = open_elf(*datum);

	(void)module, (void)name, (void)base, (void)file_name;
	*ret = file ? elf_file_share(file) : NULL;
	return -1;
}

static int find_no_debuginfo(Dwfl_Module *module, void **datum, const char *name, Dwarf_Addr base,
	const char *file_name, const char *link_file, GElf_Word link_crc, char **ret_file_name)
{
	(void)module, (void)datum, (void)name, (void)base, (void)file_name;
	(void)link_file, (void)link_crc, (void)ret_file_name;
	return -1;
}

static const Dwfl_Callbacks files = {.find_elf = find_elf, .find_debuginfo = find_no_debuginfo};

// And what the thread is: the copy at hand.

static pid_t no_thread(Dwfl *dwfl, void *context, void **ret)
{
	(void)dwfl, (void)context, (void)ret;
	return 0;
}

static bool the_thread(Dwfl *dwfl, pid_t id, void *context, void **ret)
{
	(void)dwfl, (void)id;
	*ret = context;
	return true;
}

static bool read_copy(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *ret, void *context)
{
	const struct native_copy *copy = ((struct native_stacks *)context)->copy;
	uint64_t at = addr - copy->registers.stack_pointer;

	(void)dwfl;
	if (copy->size < sizeof(*ret) || at > copy->size - sizeof(*ret))
		return false;
	memcpy(ret, copy->bytes + at, sizeof(*ret));
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *context)
{
	const struct native_copy *copy = ((struct native_stacks *)context)->copy;
	struct machine_dwarf_registers registers;

	machine_dwarf_registers(&copy->registers, &registers);
	dwfl_thread_state_register_pc(thread, copy->registers.program_counter);
	return dwfl_thread_state_registers(thread, 0, registers.count, registers.values);
}

static const Dwfl_Thread_Callbacks threads = {
	.next_thread = no_thread,
	.get_thread = the_thread,
	.memory_read = read_copy,
	.set_initial_registers = set_registers,
};

static bool is_part(const struct library *library, const struct mapping *mapping)
{
	const struct mapping *first = library->mapping;

	return first->inode == mapping->inode && first->device_major == mapping->device_major &&
	       first->device_minor == mapping->device_minor && mapping->offset > first->offset;
}

static void drop_without_code(struct libraries *libraries)
{
	if (libraries->count && !libraries->items[libraries->count - 1].has_code)
		libraries->count--;
}

// The mappings of one loading of a file follow one another, the first one with the file's head; what is
// anonymous between and behind them (.bss) is not asked for.
static struct error *list_libraries(struct native_stacks *stacks)
{
	struct libraries *libraries = &stacks->libraries;

	for (size_t i = 0; i < stacks->mappings.count; i++) {
		const struct mapping *mapping = &stacks->mappings.items[i];
		struct library *last =
			libraries->count ? &libraries->items[libraries->count - 1] : NULL;

		if (!mapping->inode || mapping->path[0] != '/')
			continue;
		if (last && is_part(last, mapping)) {
			last->public.end = mapping->end;
			last->has_code |= mapping->executable;
			continue;
		}
		drop_without_code(libraries);
		if (mapping->offset == 0 &&
			!libraries_push(libraries, (struct library){
							   .public = {path_base_name(mapping->path),
								   mapping->start, mapping->end},
							   .of = stacks,
							   .mapping = mapping,
							   .has_code = mapping->executable,
						   }))
			return error_enomem();
	}
	drop_without_code(libraries);
	return NULL;
}

static struct error *bad_library(void)
{
	return error_create(ERROR_SYSTEM, "cannot unwind stacks: %s", dwfl_errmsg(-1));
}

static struct error *report_libraries(struct native_stacks *stacks)
{
	stacks->dwfl = dwfl_begin(&files);
	if (!stacks->dwfl)
		return bad_library();
	dwfl_report_begin(stacks->dwfl);
	for (size_t i = 0; i < stacks->libraries.count; i++) {
		struct library *library = &stacks->libraries.items[i];
		Dwfl_Module *module = dwfl_report_module(stacks->dwfl, library->public.name,
			library->public.start, library->public.end);
		void **datum;

		if (!module ||
			!dwfl_module_info(module, &datum, NULL, NULL, NULL, NULL, NULL, NULL))
			return bad_library();
		*datum = library;
	}
	return dwfl_report_end(stacks->dwfl, NULL, NULL) == 0 ? NULL : bad_library();
}

static void unload(struct native_stacks *stacks)
{
	dwfl_end(stacks->dwfl);
	stacks->dwfl = NULL;
	for (size_t i = 0; i < stacks->libraries.count; i++)
		elf_file_destroy(stacks->libraries.items[i].elf);
	libraries_deinit(&stacks->libraries);
	mappings_deinit(&stacks->mappings);
}

// Any library tells what machine it is for. It outlives dwfl, which has no reference of its own.
static struct error *attach(struct native_stacks *stacks)
{
	struct elf_file *file = NULL;
	Elf *elf;
	bool is_attached;

	for (size_t i = 0; !file && i < stacks->libraries.count; i++)
		file = open_elf(&stacks->libraries.items[i]);
	elf = file ? elf_file_share(file) : NULL;
	if (!elf)
		return error_create(ERROR_NOT_FOUND, "no file of the process can be read");
	is_attached = dwfl_attach_state(
		stacks->dwfl, elf, process_pid(stacks->process), &threads, stacks);
	elf_end(elf);
	return is_attached ? NULL : bad_library();
}

// Takes @p mappings.
static struct error *load(struct native_stacks *stacks, struct mappings *mappings)
{
	struct error *error;

	unload(stacks);
	stacks->mappings = *mappings;
	*mappings = (struct mappings){0};
	error = list_libraries(stacks);
	if (!error)
		error = report_libraries(stacks);
	if (!error)
		error = attach(stacks);
	if (error)
		unload(stacks);
	return error;
}

struct error *native_stacks_create(const struct process *process, struct native_stacks **ret)
{
	_cleanup_(native_stacks_destroy) struct native_stacks *stacks =
		mem_calloc(1, sizeof(*stacks));
	_cleanup_(mappings_deinit) struct mappings mappings = {0};
	struct error *error;

	if (!stacks)
		return error_enomem();
	stacks->process = process;
	stacks->loaded_s = monotonic_seconds();
	error = mappings_read(process_memory_thread(process), &mappings);
	if (!error)
		error = load(stacks, &mappings);
	if (error)
		return error;
	*ret = take(stacks);
	return NULL;
}

void native_stacks_destroy(struct native_stacks *stacks)
{
	if (!stacks)
		return;
	unload(stacks);
	mem_free(stacks);
}

static struct library *find_library(struct native_stacks *stacks, remote_addr addr)
{
	for (size_t i = 0; i < stacks->libraries.count; i++) {
		struct library *library = &stacks->libraries.items[i];

		if (addr >= library->public.start && addr < library->public.end)
			return library;
	}
	return NULL;
}

const struct native_library *native_stacks_library(struct native_stacks *stacks, remote_addr addr)
{
	struct library *library = find_library(stacks, addr);

	return library ? &library->public : NULL;
}

bool native_stacks_has_function(const struct native_library *library, const char *function)
{
	struct elf_file *elf = open_elf((struct library *)library);
	remote_addr addr;
	uint64_t size;

	return elf && elf_file_find(elf, function, &addr, &size);
}

struct walk {
	struct native_stacks *stacks;
	bool (*is_end)(void *context, const struct native_frame *frame);
	void *context;
	struct native_frame *frames;
	size_t count;
	remote_addr unknown; /* code in no library */
};

static void describe(struct library *library, struct native_frame *ret)
{
	struct elf_file *elf = open_elf(library);
	uint64_t ignored;

	ret->library = &library->public;
	ret->offset = ret->pc - library->public.start;
	if (!elf)
		return;
	ret->offset = ret->pc - elf_file_bias(elf);
	ret->function = elf_file_function_at(elf, ret->pc, &ignored);
}

static int on_frame(Dwfl_Frame *state, void *context)
{
	struct walk *walk = context;
	struct native_frame *frame = &walk->frames[walk->count];
	struct machine_dwarf_registers registers;
	struct library *library;
	bool is_exact;

	if (walk->count == NATIVE_FRAMES_MAX)
		return DWARF_CB_ABORT;
	machine_dwarf_registers(&walk->stacks->copy->registers, &registers);
	*frame = (struct native_frame){0};
	if (!dwfl_frame_pc(state, &frame->pc, &is_exact) ||
		dwfl_frame_reg(state, registers.stack_pointer, &frame->stack_pointer) != 0)
		return DWARF_CB_ABORT;
	// Behind a call there may be another function.
	if (!is_exact)
		frame->pc--;
	if (walk->count && frame->stack_pointer <= frame[-1].stack_pointer)
		return DWARF_CB_ABORT;
	library = find_library(walk->stacks, frame->pc);
	if (library)
		describe(library, frame);
	else
		walk->unknown = frame->pc;
	walk->count++;
	return !library || walk->is_end(walk->context, frame) ? DWARF_CB_ABORT : DWARF_CB_OK;
}

static size_t walk_once(struct walk *walk)
{
	walk->count = 0;
	walk->unknown = 0;
	// How it ended is of no interest: with the end, or where no more is known.
	if (walk->stacks->dwfl)
		dwfl_getthread_frames(
			walk->stacks->dwfl, process_pid(walk->stacks->process), on_frame, walk);
	return walk->count;
}

// Is there a library at @p addr now, which was not?
static bool look_again(struct native_stacks *stacks, remote_addr addr)
{
	_cleanup_(mappings_deinit) struct mappings mappings = {0};
	const struct mapping *mapping;
	double now = monotonic_seconds();
	struct error *error;

	if (now - stacks->loaded_s < LOOK_AGAIN_S)
		return false;
	stacks->loaded_s = now;
	error = mappings_read(process_memory_thread(stacks->process), &mappings);
	mapping = error ? NULL : mappings_find(&mappings, addr);
	if (mapping && mapping->inode && mapping->executable)
		error = load(stacks, &mappings);
	error_destroy(error);
	return find_library(stacks, addr) != NULL;
}

size_t native_stacks_walk(struct native_stacks *stacks, const struct native_copy *copy,
	bool (*is_end)(void *context, const struct native_frame *frame), void *context,
	struct native_frame ret[NATIVE_FRAMES_MAX])
{
	struct walk walk = {.stacks = stacks, .is_end = is_end, .context = context, .frames = ret};

	stacks->copy = copy;
	if (walk_once(&walk) && walk.unknown && look_again(stacks, walk.unknown))
		walk_once(&walk);
	return walk.count;
}
