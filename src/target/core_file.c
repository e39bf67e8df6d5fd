// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/core_file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/path.h"
#include "target/core_mappings.h"
#include "target/core_segments.h"
#include "target/core_summary.h"
#include "target/target_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES   ((uint64_t)4096)
#define RANDOM_BYTES 16

#define STACK_LOOK_BYTES 256

struct core_file {
	struct target target;
	struct target_origin origin;
	char *name;
	const char *program; /* its path; borrowed from the notes, or "" */

	const uint8_t *bytes;
	size_t size;
	int fd; /* of the mapped file, or -1: the bytes are borrowed */
	Elf *elf;
	struct core_segments segments;
	struct core_notes notes;
	struct core_binaries binaries;
	struct core_piece *pieces; /* one for each of the target's mappings */
	struct core_summary summary;
	struct core_info info;
};

static const struct core_file *core_of(const struct target *target)
{
	return (const struct core_file *)target;
}

// The piece that has @p addr, with the number of bytes that follow; NULL if none.
static const struct core_piece *find_piece(
	const struct core_file *core, remote_addr addr, uint64_t *ret_into, uint64_t *ret_size)
{
	const struct mappings *mappings = &core->target.mappings;
	size_t i = mappings_lower_bound(mappings, addr);

	if (i == mappings->count || mappings->items[i].start > addr)
		return NULL;
	*ret_into = addr - mappings->items[i].start;
	*ret_size = mappings->items[i].end - addr;
	return &core->pieces[i];
}

static const void *core_borrow(const struct target *target, remote_addr addr, size_t *ret_size)
{
	uint64_t into, size;
	const struct core_piece *piece = find_piece(core_of(target), addr, &into, &size);

	if (!piece || !piece->bytes)
		return NULL;
	*ret_size = size;
	return piece->bytes + into;
}

// Past the end of a file, its last page is zeros.
static size_t read_from_file(int fd, uint64_t offset, void *buffer, size_t size)
{
	ssize_t count = offset > INT64_MAX ? 0 : pread(fd, buffer, size, (off_t)offset);
	size_t done = count < 0 ? 0 : (size_t)count, padding;

	if (done == 0 || done == size)
		return done;
	padding = (PAGE_BYTES - (offset + done) % PAGE_BYTES) % PAGE_BYTES;
	if (padding > size - done)
		padding = size - done;
	memset((char *)buffer + done, 0, padding);
	return done + padding;
}

static size_t core_read(const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	const struct core_file *core = core_of(target);
	uint64_t into, available;
	const struct core_piece *piece = find_piece(core, addr, &into, &available);
	const struct mapping *mapping;

	if (!piece)
		return 0;
	if (size > available)
		size = available;
	if (piece->bytes) {
		memcpy(buffer, piece->bytes + into, size);
		return size;
	}
	if (piece->fd < 0)
		return 0;
	mapping = &target->mappings.items[piece - core->pieces];
	return read_from_file(piece->fd, mapping->offset + into, buffer, size);
}

static bool add_run(
	struct page_run_vector *runs, remote_addr start, remote_addr end, size_t first_run)
{
	struct page_run *last = runs->count > first_run ? &runs->items[runs->count - 1] : NULL;

	if (last && start <= last->end) {
		last->end = end > last->end ? end : last->end;
		return true;
	}
	return page_run_vector_push(runs, (struct page_run){start, end});
}

static bool is_zero(const uint8_t *bytes, uint64_t size)
{
	return !bytes[0] && memcmp(bytes, bytes + 1, size - 1) == 0;
}

// Whether a page of zeros is a hole in the file, depends on who wrote and copied it: it counts as one.
static struct error *add_with_content(const struct core_piece *piece, remote_addr mapping_start,
	remote_addr start, remote_addr end, size_t first_run, struct page_run_vector *runs)
{
	for (remote_addr at = start & ~(PAGE_BYTES - 1); at < end; at += PAGE_BYTES) {
		remote_addr from = at > start ? at : start;
		remote_addr to = at + PAGE_BYTES < end ? at + PAGE_BYTES : end;

		if (!is_zero(piece->bytes + (from - mapping_start), to - from) &&
			!add_run(runs, from, to, first_run))
			return error_enomem();
	}
	return NULL;
}

// What the core has of [start, end) of one piece, without its holes: a page that was never touched is
// none on disk. Where the file system does not tell, all is one run.
static struct error *add_present(const struct core_file *core, const struct core_piece *piece,
	remote_addr mapping_start, remote_addr start, remote_addr end, size_t first_run,
	struct page_run_vector *runs)
{
	uint64_t low = piece->core_offset + (start - mapping_start);
	uint64_t high = low + (end - start);

	for (uint64_t at = low; at < high;) {
		off_t data = core->fd < 0 ? (off_t)at : lseek(core->fd, (off_t)at, SEEK_DATA);
		off_t hole = core->fd < 0 || data < 0 ? -1 : lseek(core->fd, data, SEEK_HOLE);
		remote_addr from, to;

		if (data < 0 && errno == ENXIO)
			return NULL;
		if (data < 0)
			data = (off_t)at;
		if ((uint64_t)data >= high)
			return NULL;
		if (hole <= data || (uint64_t)hole > high)
			hole = (off_t)high;
		from = (start + ((uint64_t)data - low)) & ~(PAGE_BYTES - 1);
		to = (start + ((uint64_t)hole - low) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
		if (!add_run(runs, from, to < end ? to : end, first_run))
			return error_enomem();
		at = (uint64_t)hole;
	}
	return NULL;
}

static struct error *core_resident(const struct target *target, remote_addr start, remote_addr end,
	enum page_kind kind, struct page_run_vector *runs)
{
	const struct core_file *core = core_of(target);
	const struct mappings *mappings = &target->mappings;
	size_t first_run = runs->count;
	struct error *error = NULL;

	// What was swapped out was read in for the core.
	for (size_t i = mappings_lower_bound(mappings, start);
		!error && i < mappings->count && mappings->items[i].start < end; i++) {
		const struct mapping *mapping = &mappings->items[i];
		remote_addr from = mapping->start > start ? mapping->start : start;
		remote_addr to = mapping->end < end ? mapping->end : end;

		if (core->pieces[i].bytes && kind == PAGES_IN_MEMORY)
			error = add_with_content(
				&core->pieces[i], mapping->start, from, to, first_run, runs);
		else if (core->pieces[i].bytes)
			error = add_present(
				core, &core->pieces[i], mapping->start, from, to, first_run, runs);
		else if (kind != PAGES_IN_MEMORY && core->pieces[i].fd >= 0 &&
			 !add_run(runs, from, to, first_run))
			error = error_enomem();
	}
	return error;
}

static void core_destroy(struct target *target)
{
	struct core_file *core = (struct core_file *)target;

	elf_end(core->elf);
	core_segments_deinit(&core->segments);
	core_binaries_deinit(&core->binaries);
	// The notes' threads are the target's.
	core->notes.threads = NULL;
	core_notes_deinit(&core->notes);
	core_summary_deinit(&core->summary);
	mem_free(core->pieces);
	mem_free(core->name);
	if (core->fd >= 0) {
		munmap((void *)core->bytes, core->size);
		close(core->fd);
	}
	mem_free(core);
}

static const struct target_ops core_ops = {
	.read = core_read,
	.borrow = core_borrow,
	.resident = core_resident,
	.destroy = core_destroy,
};

// The file that was checked when the core was opened.
static struct error *core_open_file(
	const struct target_origin *origin, const struct mapping *mapping, int *ret_fd)
{
	const struct core_file *core =
		(const struct core_file *)((const char *)origin -
					   offsetof(struct core_file, origin));
	const struct core_binary *binary = mapping->inode && mapping->inode <= core->binaries.count
						   ? &core->binaries.items[mapping->inode - 1]
						   : NULL;

	if (!binary || binary->fd < 0)
		return error_create(ERROR_NOT_FOUND, "%s is not here as it was in %s",
			mapping->path, origin->name);
	*ret_fd = fcntl(binary->fd, F_DUPFD_CLOEXEC, 0);
	return *ret_fd < 0 ? error_system(errno, "cannot open %s again", mapping->path) : NULL;
}

// The program is the file that the kernel found its headers in.
static const char *find_program(const struct core_notes *notes)
{
	for (size_t i = 0; i < notes->file_count; i++) {
		const struct core_mapped_file *file = &notes->files[i];

		if (notes->auxv.program_headers >= file->start &&
			notes->auxv.program_headers < file->end)
			return file->path;
	}
	return "";
}

static void open_binaries(struct core_file *core, const struct core_options *options)
{
	const struct core_places places = {
		.sysroot = options->sysroot,
		.executable = options->executable,
		.program = core->program,
	};

	for (size_t i = 0; i < core->notes.file_count; i++) {
		const struct core_mapped_file *file = &core->notes.files[i];
		uint32_t number = core->binaries.of_file[i];
		struct core_head head = {0};
		uint64_t size = 0;

		// The lowest of those with the first byte stands for all.
		if (number >= LIMIT_CORE_BINARIES || core->binaries.items[number].is_tried ||
			file->offset != 0)
			continue;
		head.bytes = core_segments_find(core->segments.items, core->segments.count,
			core->bytes, file->start, &size);
		head.size = size < file->end - file->start ? size : file->end - file->start;
		core_binary_open(&core->binaries.items[number], &places, &head);
	}
}

// Where a thread is, there are return addresses above its stack pointer. What is not in the core at all
// is counted with what was cut or left out.
static bool has_empty_stack(const struct core_file *core, const struct target_thread *thread)
{
	size_t available;
	const unsigned char *bytes = core_borrow(&core->target, thread->stack_pointer, &available);

	for (size_t i = 0; bytes && i < available && i < STACK_LOOK_BYTES; i++) {
		if (bytes[i])
			return false;
	}
	return bytes != NULL;
}

static size_t count_empty_stacks(const struct core_file *core)
{
	size_t count = 0;

	for (size_t i = 0; i < core->target.thread_count; i++)
		count += has_empty_stack(core, &core->target.threads[i]);
	return count;
}

static struct error *lay_out(struct core_file *core)
{
	struct core_mappings mappings;
	struct error *error = core_mappings_create(core->segments.items, core->segments.count,
		core->bytes, &core->notes, &core->binaries, &mappings);

	if (error)
		return error;
	core->target.mappings = mappings.mappings;
	core->pieces = mappings.pieces;
	return core_summary_create(&(struct core_findings){.gaps = &mappings.gaps,
					   .segments = &core->segments,
					   .binaries = &core->binaries,
					   .program = core->program,
					   .empty_stacks = count_empty_stacks(core)},
		&core->summary);
}

static struct error *name_core(struct core_file *core, const char *path)
{
	char text[64] = "";
	size_t size;

	if (core->notes.pid)
		snprintf(text, sizeof(text), "process %d in ", core->notes.pid);
	size = strlen(text) + strlen(path) + 1;
	core->name = mem_alloc(size);
	if (!core->name)
		return error_enomem();
	snprintf(core->name, size, "%s%s", text, path);
	core->origin = (struct target_origin){
		.name = core->name, .executable = core->program, .open_file = core_open_file};
	core->target.origin = &core->origin;
	return NULL;
}

static struct error *check_options(const struct core_file *core, const struct core_options *options)
{
	if (!options->executable)
		return NULL;
	if (!*core->program)
		return error_create(ERROR_NOT_FOUND,
			"the core does not say which file its program was, so that %s cannot be "
			"checked to be it",
			options->executable);
	for (size_t i = 0; i < core->binaries.count; i++) {
		const struct core_binary *binary = &core->binaries.items[i];

		if (strcmp(binary->path, core->program) == 0 && binary->state != CORE_BINARY_FOUND)
			return error_create(ERROR_NOT_FOUND,
				"%s is not the program of the core, which is %s%s",
				options->executable, core->program,
				binary->state == CORE_BINARY_DIFFERS
					? " of another build (its build id differs)"
					: "");
	}
	return NULL;
}

static struct error *read_core(
	struct core_file *core, const char *path, const struct core_options *options)
{
	struct error *error = core_segments_read(core->elf, core->size, &core->segments);

	if (!error)
		error = core_notes_read(core->elf, core->segments.notes_offset,
			core->segments.notes_size, &core->notes);
	if (error && core->segments.is_cut)
		error = error_wrap(error, "it is cut short");
	if (error)
		return error;
	core->program = find_program(&core->notes);
	core->target.threads = core->notes.threads;
	core->target.thread_count = core->notes.thread_count;
	error = core_binaries_create(&core->notes, &core->binaries);
	if (!error)
		error = name_core(core, path_base_name(path));
	if (error)
		return error;
	open_binaries(core, options);
	error = check_options(core, options);
	if (!error)
		error = lay_out(core);
	core->info.pid = core->notes.pid;
	core->info.command_line = core->notes.command_line;
	core->info.bytes = core->segments.present_bytes;
	core->info.notes = (const char *const *)core->summary.notes;
	core->info.note_count = core->summary.note_count;
	return error;
}

// Takes @p fd, of which @p bytes are mapped, also when it fails; -1: they are borrowed.
static struct error *open_any(const uint8_t *bytes, size_t size, int fd, const char *path,
	const struct core_options *options, struct core_file **ret)
{
	static const struct core_options none;
	struct core_file *core = mem_calloc(1, sizeof(*core));
	struct error *error;

	if (!core) {
		if (fd >= 0) {
			munmap((void *)bytes, size);
			close(fd);
		}
		return error_enomem();
	}
	core->target.ops = &core_ops;
	core->program = "";
	core->bytes = bytes;
	core->size = size;
	core->fd = fd;
	elf_version(EV_CURRENT);
	// libelf does not write to what it is given to read.
	core->elf = elf_memory((char *)bytes, size);
	error = core_segments_check(core->elf);
	if (!error)
		error = read_core(core, path, options ? options : &none);
	if (error) {
		target_destroy(&core->target);
		return error_wrap(error, "%s", path);
	}
	*ret = core;
	return NULL;
}

struct error *core_file_open(
	const char *path, const struct core_options *options, struct target **ret)
{
	_cleanup_(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct core_file *core = NULL;
	struct error *error;
	struct stat stat;
	void *bytes;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return error_system(errno, "cannot open %s", path);
	if (!S_ISREG(stat.st_mode) || stat.st_size == 0)
		return error_create(ERROR_UNSUPPORTED, "%s is %s, and no core file", path,
			S_ISREG(stat.st_mode)   ? "empty"
			: S_ISDIR(stat.st_mode) ? "a folder"
						: "no ordinary file");
	bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_system(errno, "cannot map %s", path);
	error = open_any(bytes, (size_t)stat.st_size, fd, path, options, &core);
	fd = -1;
	if (error)
		return error;
	core->info.written_at_s = (double)stat.st_mtim.tv_sec + (double)stat.st_mtim.tv_nsec / 1e9;
	*ret = &core->target;
	return NULL;
}

struct error *core_file_open_bytes(
	const void *bytes, size_t size, const struct core_options *options, struct target **ret)
{
	struct core_file *core = NULL;
	struct error *error = open_any(bytes, size, -1, "core", options, &core);

	if (!error)
		*ret = &core->target;
	return error;
}

const struct core_info *core_file_info(const struct target *core)
{
	return &core_of(core)->info;
}

bool core_file_is_same_process(const struct target *left, const struct target *right)
{
	const struct core_file *a = core_of(left), *b = core_of(right);
	uint8_t bytes[2][RANDOM_BYTES] = {0};

	// What was cut off is zeros in both, or differs.
	target_read_some(left, a->notes.auxv.random, bytes[0], RANDOM_BYTES);
	target_read_some(right, b->notes.auxv.random, bytes[1], RANDOM_BYTES);
	return a->notes.pid == b->notes.pid && strcmp(a->program, b->program) == 0 &&
	       memcmp(&a->notes.auxv, &b->notes.auxv, sizeof(a->notes.auxv)) == 0 &&
	       memcmp(bytes[0], bytes[1], RANDOM_BYTES) == 0;
}

struct error *core_file_explain(const struct target *target, struct error *error)
{
	const struct core_summary *summary = &core_of(target)->summary;
	struct error *explained;

	if (!error || error == error_enomem() || !summary->note_count)
		return error;
	// What is not there may be what it takes to be understood.
	explained = summary->lacks_interpreter
			    ? error_create(ERROR_NOT_FOUND, "%s, but not all is there: %s",
				      error_message(error), summary->all)
			    : error_create(error_kind(error), "%s (%s)", error_message(error),
				      summary->all);
	error_destroy(error);
	return explained;
}
