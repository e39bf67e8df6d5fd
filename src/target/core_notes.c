// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/core_notes.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/vector.h"
#include "target/machine.h"

#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#define PAGE_BYTES      ((uint64_t)4096)
#define FILE_HEAD_WORDS 2
#define FILE_WORDS      3

DEFINE_VECTOR(thread_vector, struct target_thread)

struct reading {
	struct core_notes notes;
	struct thread_vector threads;
	bool has_files;
};

static uint64_t word_at(const char *bytes, size_t index)
{
	uint64_t word;

	memcpy(&word, bytes + index * sizeof(word), sizeof(word));
	return word;
}

static struct error *read_thread(struct reading *reading, const char *bytes, size_t size)
{
	struct target_thread thread = {0};

	if (reading->threads.count >= LIMIT_THREADS ||
		!machine_describe_core_thread(bytes, size, &thread))
		return NULL;
	return thread_vector_push(&reading->threads, thread) ? NULL : error_enomem();
}

// What could steer a terminal is not passed on.
static void copy_text(const char *from, size_t size, char *ret)
{
	size_t length = strnlen(from, size);

	memcpy(ret, from, length);
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)ret[i] < ' ' || ret[i] == 0x7f)
			ret[i] = '?';
	}
	while (length > 0 && ret[length - 1] == ' ')
		length--;
	ret[length] = '\0';
}

static struct error *read_process(struct reading *reading, const char *bytes, size_t size)
{
	struct core_notes *notes = &reading->notes;
	struct elf_prpsinfo info;

	_Static_assert(sizeof(info.pr_fname) < sizeof(notes->name), "too small");
	_Static_assert(sizeof(info.pr_psargs) < sizeof(notes->command_line), "too small");
	if (size != sizeof(info))
		return NULL;
	memcpy(&info, bytes, sizeof(info));
	notes->pid = info.pr_pid > 0 ? info.pr_pid : 0;
	copy_text(info.pr_fname, sizeof(info.pr_fname), notes->name);
	copy_text(info.pr_psargs, sizeof(info.pr_psargs), notes->command_line);
	return NULL;
}

static struct error *read_auxv(struct reading *reading, const char *bytes, size_t size)
{
	struct core_auxv *auxv = &reading->notes.auxv;

	for (size_t i = 0; i + 2 <= size / sizeof(uint64_t); i += 2) {
		uint64_t value = word_at(bytes, i + 1);

		switch (word_at(bytes, i)) {
		case AT_PHDR:
			auxv->program_headers = value;
			break;
		case AT_SYSINFO_EHDR:
			auxv->vdso = value;
			break;
		case AT_RANDOM:
			auxv->random = value;
			break;
		default:
			break;
		}
	}
	return NULL;
}

static int compare_files(const void *left, const void *right)
{
	const struct core_mapped_file *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

// By address; what overlaps is cut off, what is nowhere is left out.
static void put_in_order(struct core_notes *notes)
{
	remote_addr from = 0;
	size_t kept = 0;

	qsort(notes->files, notes->file_count, sizeof(*notes->files), compare_files);
	for (size_t i = 0; i < notes->file_count; i++) {
		struct core_mapped_file file = notes->files[i];

		if (file.start < from) {
			file.offset += from - file.start;
			file.start = from;
		}
		if (file.start >= file.end || file.start % PAGE_BYTES || file.end % PAGE_BYTES)
			continue;
		from = file.end;
		notes->files[kept++] = file;
	}
	notes->file_count = kept;
}

static struct error *read_files(struct reading *reading, const char *bytes, size_t size)
{
	struct core_notes *notes = &reading->notes;
	size_t words = size / sizeof(uint64_t);
	uint64_t count, page_bytes;
	size_t names_at;
	const char *path;

	if (reading->has_files || words < FILE_HEAD_WORDS)
		return NULL;
	count = word_at(bytes, 0);
	page_bytes = word_at(bytes, 1);
	if (count > LIMIT_MAPPINGS || count > (words - FILE_HEAD_WORDS) / FILE_WORDS)
		return NULL;
	names_at = (FILE_HEAD_WORDS + FILE_WORDS * count) * sizeof(uint64_t);
	notes->files = mem_calloc(count, sizeof(*notes->files));
	notes->paths = mem_alloc(size - names_at + 1);
	if (!notes->files || !notes->paths)
		return error_enomem();
	memcpy(notes->paths, bytes + names_at, size - names_at);
	notes->paths[size - names_at] = '\0';
	path = notes->paths;
	for (size_t i = 0; i < count; i++) {
		size_t at = FILE_HEAD_WORDS + FILE_WORDS * i;

		notes->files[i] = (struct core_mapped_file){
			.start = word_at(bytes, at),
			.end = word_at(bytes, at + 1),
			.offset = word_at(bytes, at + 2) * page_bytes,
			.path = path,
		};
		// Names that are missing are empty, and so is what is too long for one.
		if (strlen(path) >= PATH_MAX)
			notes->files[i].path = "";
		path += strlen(path);
		path += path < notes->paths + (size - names_at);
	}
	notes->file_count = count;
	reading->has_files = true;
	put_in_order(notes);
	return NULL;
}

static const struct {
	uint32_t type;
	struct error *(*read)(struct reading *reading, const char *bytes, size_t size);
} kinds[] = {
	{NT_PRSTATUS, read_thread},
	{NT_PRPSINFO, read_process},
	{NT_AUXV, read_auxv},
	{NT_FILE, read_files},
};

static struct error *read_note(
	struct reading *reading, const GElf_Nhdr *header, const char *name, const char *bytes)
{
	if (header->n_namesz != sizeof("CORE") || memcmp(name, "CORE", sizeof("CORE")) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type == header->n_type)
			return kinds[i].read(reading, bytes, header->n_descsz);
	}
	return NULL;
}

// The kernel puts first the thread that the signal met.
static void put_main_thread_first(struct core_notes *notes)
{
	for (size_t i = 0; i < notes->thread_count; i++) {
		struct target_thread thread = notes->threads[i];

		if (thread.id != notes->pid)
			continue;
		memmove(notes->threads + 1, notes->threads, i * sizeof(thread));
		notes->threads[0] = thread;
		return;
	}
}

// Names of threads are not kept; the process's own is what they have until they give themselves one.
static void name_threads(struct core_notes *notes)
{
	for (size_t i = 0; i < notes->thread_count; i++)
		snprintf(notes->threads[i].name, sizeof(notes->threads[i].name), "%.15s",
			notes->name);
}

static struct error *read_all(Elf_Data *data, struct reading *reading)
{
	size_t offset = 0, name_at, bytes_at;
	GElf_Nhdr header;

	while ((offset = gelf_getnote(data, offset, &header, &name_at, &bytes_at)) > 0) {
		struct error *error = read_note(reading, &header,
			(const char *)data->d_buf + name_at, (const char *)data->d_buf + bytes_at);

		if (error)
			return error;
	}
	return NULL;
}

struct error *core_notes_read(Elf *elf, uint64_t offset, uint64_t size, struct core_notes *ret)
{
	struct reading reading = {0};
	Elf_Data *data;
	struct error *error;

	if (size > LIMIT_CORE_NOTE_BYTES)
		return error_create(
			ERROR_BAD_DATA, "its notes are %llu bytes long", (unsigned long long)size);
	data = elf_getdata_rawchunk(elf, (int64_t)offset, size, ELF_T_NHDR);
	if (!data)
		return error_create(ERROR_BAD_DATA, "it has no notes: %s", elf_errmsg(-1));
	error = read_all(data, &reading);
	reading.notes.threads = reading.threads.items;
	reading.notes.thread_count = reading.threads.count;
	if (!error && !reading.has_files)
		error = error_create(
			ERROR_BAD_DATA, "it does not say which files were mapped (NT_FILE)");
	if (error) {
		core_notes_deinit(&reading.notes);
		return error;
	}
	put_main_thread_first(&reading.notes);
	name_threads(&reading.notes);
	*ret = reading.notes;
	return NULL;
}

void core_notes_deinit(struct core_notes *notes)
{
	mem_free(notes->threads);
	mem_free(notes->files);
	mem_free(notes->paths);
	*notes = (struct core_notes){0};
}
