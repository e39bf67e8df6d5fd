// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/core_segments.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/vector.h"
#include "target/machine.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES ((uint64_t)4096)

DEFINE_VECTOR(core_segment_vector, struct core_segment)

struct error *core_segments_check(Elf *elf)
{
	GElf_Ehdr header;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return error_create(ERROR_UNSUPPORTED, "neither a core file nor a snapshot");
	if (header.e_type != ET_CORE)
		return error_create(ERROR_UNSUPPORTED, "an ELF file, but a %s, and not a core file",
			header.e_type == ET_REL ? "compiled object" : "program or library");
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		return error_create(ERROR_UNSUPPORTED,
			"a core file of a 32-bit program, and only 64-bit ones are supported");
	if (header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != machine_elf_machine())
		return error_create(ERROR_UNSUPPORTED,
			"a core file of another kind of machine (ELF %u)", header.e_machine);
	return NULL;
}

// With 65,535 segments or more the number of them is in the first section header, which the kernel writes
// last: of a core that was cut short it is missing. But the notes come right after the program
// headers there (elf_core_dump() in fs/binfmt_elf.c).
static struct error *count_segments(Elf *elf, uint64_t size, size_t *ret)
{
	GElf_Ehdr header;
	GElf_Phdr first;
	size_t fitting;

	if (!gelf_getehdr(elf, &header) || elf_getphdrnum(elf, ret) < 0)
		return error_create(
			ERROR_BAD_DATA, "damaged, or cut short before it says what is in it");
	if (header.e_phnum == PN_XNUM && *ret <= PN_XNUM && gelf_getphdr(elf, 0, &first) &&
		first.p_type == PT_NOTE && first.p_offset > header.e_phoff)
		*ret = (first.p_offset - header.e_phoff) / sizeof(Elf64_Phdr);
	fitting = header.e_phoff < size ? (size - header.e_phoff) / sizeof(Elf64_Phdr) : 0;
	if (*ret == 0 || *ret > fitting)
		return error_create(ERROR_BAD_DATA, "cut short before it says what is in it");
	if (*ret > LIMIT_MAPPINGS)
		return error_create(ERROR_BAD_DATA, "more than %d segments", LIMIT_MAPPINGS);
	return NULL;
}

static uint64_t whole_pages(uint64_t size)
{
	return size & ~(PAGE_BYTES - 1);
}

// False if nothing can be mapped like this.
static bool make_segment(const GElf_Phdr *header, uint64_t file_size, struct core_segment *ret)
{
	uint64_t size = whole_pages(header->p_memsz + PAGE_BYTES - 1);
	uint64_t claimed = header->p_filesz < header->p_memsz ? header->p_filesz : header->p_memsz;
	uint64_t left = header->p_offset < file_size ? file_size - header->p_offset : 0;

	if (header->p_vaddr % PAGE_BYTES || size < header->p_memsz || !size ||
		header->p_vaddr + size < header->p_vaddr)
		return false;
	*ret = (struct core_segment){
		.start = header->p_vaddr,
		.end = header->p_vaddr + size,
		.offset = header->p_offset,
		.claimed = claimed,
		.present = whole_pages(claimed < left ? claimed : left),
		.readable = header->p_flags & PF_R,
		.writable = header->p_flags & PF_W,
		.executable = header->p_flags & PF_X,
	};
	return true;
}

// libelf leaves out what is in a file by its own count of the headers, not by ours.
static bool read_header(Elf *elf, size_t index, GElf_Phdr *ret)
{
	size_t size;
	const char *bytes = elf_rawfile(elf, &size);
	GElf_Ehdr header;
	Elf64_Phdr raw;

	if (index < PN_XNUM && gelf_getphdr(elf, (int)index, ret))
		return true;
	if (!bytes || !gelf_getehdr(elf, &header))
		return false;
	memcpy(&raw, bytes + header.e_phoff + index * sizeof(raw), sizeof(raw));
	*ret = (GElf_Phdr){
		.p_type = raw.p_type,
		.p_flags = raw.p_flags,
		.p_offset = raw.p_offset,
		.p_vaddr = raw.p_vaddr,
		.p_filesz = raw.p_filesz,
		.p_memsz = raw.p_memsz,
	};
	return true;
}

static int compare_segments(const void *left, const void *right)
{
	const struct core_segment *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

// By address. What would make more of the file than it is, is left out: no two mappings are in one place.
static void put_in_order(uint64_t file_size, struct core_segments *segments)
{
	remote_addr from = 0;
	size_t kept = 0;

	if (!segments->count)
		return;
	qsort(segments->items, segments->count, sizeof(*segments->items), compare_segments);
	for (size_t i = 0; i < segments->count; i++) {
		struct core_segment segment = segments->items[i];

		if (segment.start < from || segment.present > file_size - segments->present_bytes) {
			segments->odd_count++;
			continue;
		}
		from = segment.end;
		segments->is_cut |= segment.present < whole_pages(segment.claimed);
		segments->present_bytes += segment.present;
		segments->items[kept++] = segment;
	}
	segments->count = kept;
}

static struct error *read_segments(
	Elf *elf, uint64_t size, size_t count, struct core_segments *segments)
{
	struct core_segment_vector vector = {0};
	bool has_memory = true;

	for (size_t i = 0; has_memory && i < count; i++) {
		struct core_segment segment;
		GElf_Phdr header;

		if (!read_header(elf, i, &header))
			continue;
		if (header.p_type == PT_NOTE && !segments->notes_size) {
			segments->notes_offset = header.p_offset;
			segments->notes_size = header.p_filesz;
		} else if (header.p_type == PT_LOAD && make_segment(&header, size, &segment)) {
			has_memory = core_segment_vector_push(&vector, segment);
		} else if (header.p_type == PT_LOAD) {
			segments->odd_count++;
		}
	}
	segments->items = vector.items;
	segments->count = vector.count;
	return has_memory ? NULL : error_enomem();
}

struct error *core_segments_read(Elf *elf, uint64_t size, struct core_segments *ret)
{
	struct core_segments segments = {0};
	size_t count = 0;
	struct error *error = count_segments(elf, size, &count);

	if (!error)
		error = read_segments(elf, size, count, &segments);
	if (error) {
		core_segments_deinit(&segments);
		return error;
	}
	put_in_order(size, &segments);
	if (segments.notes_offset > size || segments.notes_size > size - segments.notes_offset) {
		core_segments_deinit(&segments);
		return error_create(ERROR_BAD_DATA,
			"cut short before its notes end, which say which files were mapped (gcore "
			"writes them last)");
	}
	*ret = segments;
	return NULL;
}

void core_segments_deinit(struct core_segments *segments)
{
	mem_free(segments->items);
	*segments = (struct core_segments){0};
}
