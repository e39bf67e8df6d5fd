// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "core_writer.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#define AUXV_WORDS 8

// A note with its name "CORE", padded as they are.
static void put_note(FILE *out, uint32_t type, const void *bytes, size_t size)
{
	const Elf64_Nhdr header = {.n_namesz = 5, .n_descsz = (Elf64_Word)size, .n_type = type};

	fwrite(&header, sizeof(header), 1, out);
	fwrite("CORE\0\0\0", 8, 1, out);
	fwrite(bytes, size, 1, out);
	fwrite("\0\0\0", (4 - size % 4) % 4, 1, out);
}

static void put_threads(FILE *out, const struct core_writer *writer)
{
	for (size_t i = 0; i < 4 && writer->threads[i]; i++) {
		struct elf_prstatus status = {.pr_pid = writer->threads[i]};
		uint64_t stack = 0x7000 + (uint64_t)writer->threads[i];

		// struct user_regs_struct: rsp is the twentieth.
		memcpy((char *)&status.pr_reg + 19 * sizeof(stack), &stack, sizeof(stack));
		put_note(out, NT_PRSTATUS, &status, sizeof(status));
	}
}

static void put_process(FILE *out, const struct core_writer *writer)
{
	struct elf_prpsinfo info = {.pr_pid = writer->pid};
	const uint64_t auxv[AUXV_WORDS] = {AT_PHDR, writer->program_headers, AT_RANDOM,
		writer->random, AT_SYSINFO_EHDR, writer->vdso, AT_NULL, 0};

	strncpy(info.pr_fname, writer->name ? writer->name : "", sizeof(info.pr_fname) - 1);
	snprintf(info.pr_psargs, sizeof(info.pr_psargs), "%s --all",
		writer->name ? writer->name : "");
	put_note(out, NT_PRPSINFO, &info, sizeof(info));
	put_note(out, NT_AUXV, auxv, sizeof(auxv));
}

static void put_files(FILE *out, const struct core_writer *writer)
{
	char *text = NULL;
	size_t size;
	FILE *note = open_memstream(&text, &size);
	const uint64_t head[2] = {writer->file_count, CORE_WRITER_PAGE};

	if (!note)
		return;
	fwrite(head, sizeof(head), 1, note);
	for (size_t i = 0; i < writer->file_count; i++) {
		const struct core_writer_file *file = &writer->files[i];
		const uint64_t words[3] = {file->start, file->end, file->offset / CORE_WRITER_PAGE};

		fwrite(words, sizeof(words), 1, note);
	}
	for (size_t i = 0; i < writer->file_count; i++)
		fwrite(writer->files[i].path, strlen(writer->files[i].path) + 1, 1, note);
	fclose(note);
	put_note(out, NT_FILE, text, size);
	free(text);
}

static char *make_notes(const struct core_writer *writer, size_t *ret_size)
{
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, ret_size);

	if (!out)
		return NULL;
	put_threads(out, writer);
	put_process(out, writer);
	if (!writer->has_no_files)
		put_files(out, writer);
	fclose(out);
	return bytes;
}

static void put_memory(FILE *out, const struct core_writer_segment *segment, size_t number)
{
	if (segment->bytes) {
		fwrite(segment->bytes, segment->present, 1, out);
		return;
	}
	for (uint64_t i = 0; i < segment->present; i++)
		fputc((int)(number + 1) & 0xff, out);
}

static void put_headers(FILE *out, const struct core_writer *writer, size_t notes_size)
{
	size_t count = writer->segment_count + 1;
	uint64_t after = sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr), memory = 0;
	Elf64_Phdr notes = {.p_type = PT_NOTE, .p_filesz = notes_size, .p_align = 4};
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = count < PN_XNUM ? (Elf64_Half)count : PN_XNUM,
	};

	for (size_t i = 0; i < writer->segment_count; i++)
		memory += writer->segments[i].present;
	if (count >= PN_XNUM) {
		header.e_shoff = after + notes_size + memory;
		header.e_shentsize = sizeof(Elf64_Shdr);
		header.e_shnum = 1;
	}
	notes.p_offset = writer->notes_are_last ? after + memory : after;
	fwrite(&header, sizeof(header), 1, out);
	fwrite(&notes, sizeof(notes), 1, out);
	after += writer->notes_are_last ? 0 : notes_size;
	for (size_t i = 0; i < writer->segment_count; i++) {
		const struct core_writer_segment *segment = &writer->segments[i];
		const Elf64_Phdr load = {.p_type = PT_LOAD,
			.p_flags = segment->flags,
			.p_offset = after,
			.p_vaddr = segment->addr,
			.p_filesz = segment->present,
			.p_memsz = segment->size};

		fwrite(&load, sizeof(load), 1, out);
		after += segment->present;
	}
}

char *core_writer_finish(const struct core_writer *writer, size_t *ret_size)
{
	size_t notes_size = 0, count = writer->segment_count + 1;
	char *notes = make_notes(writer, &notes_size), *bytes = NULL;
	FILE *out = notes ? open_memstream(&bytes, ret_size) : NULL;

	if (!out) {
		free(notes);
		return NULL;
	}
	put_headers(out, writer, notes_size);
	if (!writer->notes_are_last)
		fwrite(notes, notes_size, 1, out);
	for (size_t i = 0; i < writer->segment_count; i++)
		put_memory(out, &writer->segments[i], i);
	if (writer->notes_are_last)
		fwrite(notes, notes_size, 1, out);
	if (count >= PN_XNUM) {
		const Elf64_Shdr section = {.sh_info = (Elf64_Word)count};

		fwrite(&section, sizeof(section), 1, out);
	}
	fclose(out);
	free(notes);
	return bytes;
}
