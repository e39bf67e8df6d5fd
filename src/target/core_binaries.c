// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/core_binaries.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "target/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BYTES   ((uint64_t)4096)
#define SEGMENTS_MAX 256
#define DELETED      " (deleted)"

struct named {
	const char *path;
	uint32_t file;
};

static int compare_named(const void *left, const void *right)
{
	return strcmp(((const struct named *)left)->path, ((const struct named *)right)->path);
}

struct error *core_binaries_create(const struct core_notes *notes, struct core_binaries *ret)
{
	_cleanup_(mem_free) struct named *names = mem_calloc(notes->file_count, sizeof(*names));

	*ret = (struct core_binaries){
		.items = mem_calloc(notes->file_count, sizeof(*ret->items)),
		.of_file = mem_calloc(notes->file_count, sizeof(*ret->of_file)),
	};
	if (!names || !ret->items || !ret->of_file)
		return error_enomem();
	for (size_t i = 0; i < notes->file_count; i++)
		names[i] = (struct named){notes->files[i].path, (uint32_t)i};
	qsort(names, notes->file_count, sizeof(*names), compare_named);
	for (size_t i = 0; i < notes->file_count; i++) {
		if (i == 0 || strcmp(names[i].path, names[i - 1].path) != 0)
			ret->items[ret->count++] = (struct core_binary){
				.path = names[i].path, .state = CORE_BINARY_OTHER, .fd = -1};
		ret->of_file[names[i].file] = (uint32_t)ret->count - 1;
	}
	return NULL;
}

void core_binaries_deinit(struct core_binaries *binaries)
{
	for (size_t i = 0; i < binaries->count; i++) {
		if (binaries->items[i].fd >= 0)
			close(binaries->items[i].fd);
	}
	mem_free(binaries->items);
	mem_free(binaries->of_file);
	*binaries = (struct core_binaries){0};
}

// Links are followed within the sysroot. Kernels before 5.6 cannot; there they may lead out of it.
static int open_below(const char *sysroot, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	_cleanup_(mem_free) char *joined = NULL;
	size_t size = strlen(sysroot) + strlen(path) + 2;
	_cleanup_(close) int folder = open(sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (folder < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	joined = mem_alloc(size);
	if (!joined)
		return -1;
	snprintf(joined, size, "%s/%s", sysroot, path);
	return open(joined, O_PATH | O_CLOEXEC);
}

// Not opened for reading before it is known to be an ordinary file: a device could mind. Takes
// @p place, which was opened as a mere place.
static int open_ordinary(int place)
{
	_cleanup_(close) int fd = place;
	struct stat stat;
	char path[64];

	if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static bool is_deleted(const struct core_binary *binary)
{
	size_t length = strlen(binary->path), tail = strlen(DELETED);

	return length > tail && strcmp(binary->path + length - tail, DELETED) == 0;
}

// The file by this path may be here although the one that was mapped was deleted: it is the same only
// if its build id says so.
static int find(const struct core_binary *binary, const struct core_places *places)
{
	_cleanup_(mem_free) char *path = NULL;

	if (places->executable && places->program && strcmp(binary->path, places->program) == 0)
		return open_ordinary(open(places->executable, O_PATH | O_CLOEXEC));
	if (binary->path[0] != '/')
		return -1;
	path = mem_strndup(
		binary->path, strlen(binary->path) - (is_deleted(binary) ? strlen(DELETED) : 0));
	if (!path)
		return -1;
	return open_ordinary(places->sysroot ? open_below(places->sysroot, path)
					     : open(path, O_PATH | O_CLOEXEC));
}

static void find_build_id(Elf_Data *data, struct core_build_id *ret)
{
	size_t offset = 0, name_at, bytes_at;
	GElf_Nhdr header;

	while (data && (offset = gelf_getnote(data, offset, &header, &name_at, &bytes_at)) > 0) {
		if (header.n_type != NT_GNU_BUILD_ID || header.n_namesz != sizeof("GNU") ||
			memcmp((const char *)data->d_buf + name_at, "GNU", sizeof("GNU")) != 0 ||
			header.n_descsz > sizeof(ret->bytes))
			continue;
		memcpy(ret->bytes, (const char *)data->d_buf + bytes_at, header.n_descsz);
		ret->size = header.n_descsz;
		return;
	}
}

static void read_build_id(Elf *elf, uint64_t size, struct core_build_id *ret)
{
	size_t count;

	*ret = (struct core_build_id){0};
	if (!elf || elf_getphdrnum(elf, &count) < 0)
		return;
	for (size_t i = 0; i < count && i < SEGMENTS_MAX && !ret->size; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_NOTE ||
			segment.p_offset >= size || segment.p_filesz > size - segment.p_offset)
			continue;
		find_build_id(elf_getdata_rawchunk(elf, (int64_t)segment.p_offset, segment.p_filesz,
				      segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
			ret);
	}
}

static void read_head_build_id(const struct core_head *head, struct core_build_id *ret)
{
	// libelf does not write to what it is given to read.
	Elf *elf = head->bytes ? elf_memory((char *)head->bytes, head->size) : NULL;

	read_build_id(elf, head->size, ret);
	elf_end(elf);
}

static void read_parts(Elf *elf, struct core_binary *binary)
{
	bool has_base = false;
	size_t count;

	if (elf_getphdrnum(elf, &count) < 0)
		return;
	for (size_t i = 0; i < count && i < SEGMENTS_MAX; i++) {
		GElf_Phdr segment;
		uint64_t into;

		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_LOAD ||
			segment.p_vaddr + segment.p_filesz < segment.p_vaddr)
			continue;
		into = segment.p_vaddr % PAGE_BYTES;
		if (!has_base)
			binary->link_base = segment.p_vaddr - segment.p_offset;
		has_base = true;
		if (segment.p_offset < into || binary->part_count == CORE_PARTS_MAX)
			continue;
		binary->parts[binary->part_count++] = (struct core_part){
			.addr = segment.p_vaddr - into,
			.end = (segment.p_vaddr + segment.p_filesz + PAGE_BYTES - 1) &
			       ~(PAGE_BYTES - 1),
			.offset = segment.p_offset - into,
			.writable = segment.p_flags & PF_W,
			.executable = segment.p_flags & PF_X,
		};
	}
}

static enum core_binary_state judge(
	Elf *elf, uint64_t size, const struct core_head *head, bool must_match)
{
	struct core_build_id here, there;
	GElf_Ehdr header;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) ||
		header.e_ident[EI_CLASS] != ELFCLASS64 ||
		header.e_machine != machine_elf_machine() ||
		(header.e_type != ET_EXEC && header.e_type != ET_DYN))
		return CORE_BINARY_DIFFERS;
	read_build_id(elf, size, &here);
	read_head_build_id(head, &there);
	if (!here.size || !there.size)
		return must_match ? CORE_BINARY_DIFFERS : CORE_BINARY_FOUND;
	return here.size == there.size && memcmp(here.bytes, there.bytes, here.size) == 0
		       ? CORE_BINARY_FOUND
		       : CORE_BINARY_DIFFERS;
}

// Where the core has not its first bytes.
static bool is_loaded_by_name(const struct core_binary *binary, const struct core_places *places)
{
	return strstr(binary->path, ".so") ||
	       (places->program && strcmp(binary->path, places->program) == 0);
}

void core_binary_open(
	struct core_binary *binary, const struct core_places *places, const struct core_head *head)
{
	_cleanup_(close) int fd = find(binary, places);
	struct stat stat;
	GElf_Ehdr header;
	Elf *elf;

	binary->is_tried = true;
	// What was no ELF file in the process was data, which nobody looks for.
	if (head->bytes ? head->size < SELFMAG || memcmp(head->bytes, ELFMAG, SELFMAG) != 0
			: !is_loaded_by_name(binary, places)) {
		binary->state = CORE_BINARY_OTHER;
		return;
	}
	binary->state = CORE_BINARY_MISSING;
	if (fd < 0 || fstat(fd, &stat) < 0)
		return;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	binary->state = judge(elf, (uint64_t)stat.st_size, head, is_deleted(binary));
	if (binary->state == CORE_BINARY_FOUND) {
		gelf_getehdr(elf, &header);
		binary->is_fixed = header.e_type == ET_EXEC;
		read_parts(elf, binary);
		binary->fd = fd;
		fd = -1;
	}
	elf_end(elf);
}

const struct core_part *core_binary_part(const struct core_binary *binary, remote_addr base,
	remote_addr addr, uint64_t offset, uint64_t *ret_size)
{
	uint64_t linked = binary->is_fixed ? addr : addr - base + binary->link_base;

	for (size_t i = 0; i < binary->part_count; i++) {
		const struct core_part *part = &binary->parts[i];

		if (linked < part->addr || linked >= part->end ||
			part->offset + (linked - part->addr) != offset)
			continue;
		*ret_size = part->end - linked;
		return part;
	}
	return NULL;
}
