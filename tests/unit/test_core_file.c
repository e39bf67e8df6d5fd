// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** Core files written by hand, whole, cut short, and hostile. */
#include "check.h"

#include "base/alloc.h"
#include "core_writer.h"
#include "folder.h"
#include "target/core_file.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PAGE   ((uint64_t)CORE_WRITER_PAGE)
#define HEAP   0x10000000ull
#define LIB    0x20000000ull
#define STACK  0x7000000000ull
#define VDSO   0x7100000000ull
#define RANDOM (STACK + PAGE + 16)

// A library: two segments, code in its second page that nothing may write to, data in its third.
struct library {
	union {
		struct {
			Elf64_Ehdr header;
			Elf64_Phdr segments[4];
			struct {
				Elf64_Nhdr header;
				char name[4];
				char id[8];
			} note;
		} it;
		char bytes[CORE_WRITER_PAGE];
	} head;
	char code[CORE_WRITER_PAGE], data[CORE_WRITER_PAGE];
};

static void make_library(struct library *ret, char id)
{
	Elf64_Phdr *segments = ret->head.it.segments;

	memset(ret, 0, sizeof(*ret));
	ret->head.it.header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = offsetof(struct library, head.it.segments),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 4,
	};
	segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 0x400, .p_memsz = 0x400};
	segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = PAGE,
		.p_vaddr = PAGE,
		.p_filesz = PAGE,
		.p_memsz = PAGE};
	segments[2] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = 2 * PAGE,
		.p_vaddr = 2 * PAGE,
		.p_filesz = PAGE,
		.p_memsz = PAGE};
	segments[3] = (Elf64_Phdr){.p_type = PT_NOTE,
		.p_offset = offsetof(struct library, head.it.note),
		.p_filesz = sizeof(ret->head.it.note),
		.p_align = 4};
	ret->head.it.note.header =
		(Elf64_Nhdr){.n_namesz = 4, .n_descsz = 8, .n_type = NT_GNU_BUILD_ID};
	memcpy(ret->head.it.note.name, "GNU", 4);
	memset(ret->head.it.note.id, id, sizeof(ret->head.it.note.id));
	memset(ret->code, 'c', sizeof(ret->code));
	memset(ret->data, 'd', sizeof(ret->data));
}

/** A core in memory, and the folder that its library is in. */
struct sample {
	struct folder folder;
	struct library library;
	struct core_writer_segment segments[8];
	struct core_writer_file files[4];
	struct core_writer writer;
	char *bytes;
	size_t size;
};

// Heap; library with head and data but no code; stack; vdso; memory that was left out.
static void init(struct sample *it)
{
	memset(it, 0, sizeof(*it));
	folder_init(&it->folder);
	make_library(&it->library, 1);
	folder_put_bytes(&it->folder, "lib/libone.so", &it->library, sizeof(it->library));
	it->segments[0] = (struct core_writer_segment){HEAP, 3 * PAGE, NULL, 3 * PAGE, PF_R | PF_W};
	it->segments[1] = (struct core_writer_segment){LIB, PAGE, &it->library, PAGE, PF_R};
	it->segments[2] = (struct core_writer_segment){LIB + PAGE, PAGE, NULL, 0, PF_R | PF_X};
	it->segments[3] =
		(struct core_writer_segment){LIB + 2 * PAGE, PAGE, NULL, PAGE, PF_R | PF_W};
	it->segments[4] =
		(struct core_writer_segment){STACK, 2 * PAGE, NULL, 2 * PAGE, PF_R | PF_W};
	it->segments[5] = (struct core_writer_segment){VDSO, PAGE, NULL, PAGE, PF_R | PF_X};
	it->segments[6] =
		(struct core_writer_segment){VDSO + 16 * PAGE, 4 * PAGE, NULL, 0, PF_R | PF_W};
	for (size_t i = 0; i < 3; i++)
		it->files[i] = (struct core_writer_file){
			LIB + i * PAGE, LIB + (i + 1) * PAGE, i * PAGE, "/lib/libone.so"};
	it->writer = (struct core_writer){
		.segments = it->segments,
		.segment_count = 7,
		.files = it->files,
		.file_count = 3,
		.pid = 42,
		.name = "one",
		.threads = {43, 42},
		.program_headers = LIB + 64,
		.random = RANDOM,
		.vdso = VDSO,
	};
}

static void finish(struct sample *it)
{
	free(it->bytes);
	it->bytes = core_writer_finish(&it->writer, &it->size);
	assert_non_null(it->bytes);
}

static void drop(struct sample *it)
{
	folder_deinit(&it->folder);
	free(it->bytes);
}

static struct error *open_sample(const struct sample *it, size_t size, struct target **ret)
{
	const struct core_options options = {.sysroot = it->folder.path};

	return core_file_open_bytes(it->bytes, size, &options, ret);
}

static int byte_at(const struct target *target, remote_addr addr)
{
	unsigned char byte = 0;

	return target_read_some(target, addr, &byte, 1) ? byte : -1;
}

static void everything_is_where_it_was(void **state)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	const struct target_thread *threads;
	struct sample it;
	size_t count;

	(void)state;
	init(&it);
	for (int last = 0; last < 2; last++) {
		it.writer.notes_are_last = last;
		finish(&it);
		target_destroy(target);
		assert_success(open_sample(&it, it.size, &target));
		assert_int_equal(byte_at(target, HEAP), 1);
		assert_int_equal(byte_at(target, HEAP + 3 * PAGE - 1), 1);
		assert_int_equal(byte_at(target, HEAP + 3 * PAGE), -1);
		assert_int_equal(byte_at(target, LIB), 0x7f);
		assert_int_equal(byte_at(target, LIB + 2 * PAGE), 4);
		assert_int_equal(byte_at(target, VDSO + 16 * PAGE), -1);
		assert_int_equal(byte_at(target, 0), -1);
		assert_int_equal(byte_at(target, UINT64_MAX), -1);
	}
	assert_string_equal(target_name(target), "process 42 in core");
	assert_string_equal(target_executable(target), "/lib/libone.so");
	assert_string_equal(core_file_info(target)->command_line, "one --all");
	assert_int_equal(core_file_info(target)->pid, 42);
	assert_int_equal(core_file_info(target)->bytes, 8 * PAGE);
	assert_string_equal(mappings_find(target_mappings(target), RANDOM)->path, "[stack]");
	assert_string_equal(mappings_find(target_mappings(target), VDSO)->path, "[vdso]");
	assert_string_equal(mappings_find(target_mappings(target), HEAP)->path, "");
	assert_false(mappings_find(target_mappings(target), VDSO + 16 * PAGE)->readable);
	threads = target_threads(target, &count);
	assert_int_equal(count, 2);
	assert_int_equal(threads[0].id, 42);
	assert_int_equal(threads[0].stack_pointer, 0x7000 + 42);
	assert_int_equal(threads[1].id, 43);
	assert_string_equal(threads[1].name, "one");
	drop(&it);
}

static void what_the_core_lacks_comes_from_files(void **state)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	const struct mapping *code, *data;
	struct sample it;
	int fd;

	(void)state;
	init(&it);
	// gcore has no segment at all for it.
	for (int gcore = 0; gcore < 2; gcore++) {
		if (!gcore)
			it.segments[2] = (struct core_writer_segment){
				LIB + PAGE, PAGE, NULL, 0, PF_R | PF_X};
		else
			it.segments[2] = (struct core_writer_segment){
				HEAP + 16 * PAGE, PAGE, NULL, PAGE, PF_R | PF_W};
		finish(&it);
		target_destroy(target);
		assert_success(open_sample(&it, it.size, &target));
		code = mappings_find(target_mappings(target), LIB + PAGE);
		assert_true(code->readable && code->executable && !code->writable);
		assert_int_equal(byte_at(target, LIB + PAGE), 'c');
		assert_int_equal(byte_at(target, LIB + 2 * PAGE - 1), 'c');
		assert_success(target_open_file(target, code, &fd));
		close(fd);
	}
	// Data may have been changed since: they are never taken from the file.
	it.segments[3].present = 0;
	finish(&it);
	target_destroy(take(target));
	assert_success(open_sample(&it, it.size, &target));
	data = mappings_find(target_mappings(target), LIB + 2 * PAGE);
	assert_true(data->writable && !data->readable);
	assert_int_equal(byte_at(target, LIB + 2 * PAGE), -1);
	assert_int_equal(core_file_info(target)->note_count, 0);
	// No private memory at all: not that nobody wrote to it.
	it.segments[0].present = it.segments[4].present = 0;
	it.segments[2] = (struct core_writer_segment){LIB + PAGE, PAGE, NULL, 0, PF_R | PF_X};
	finish(&it);
	target_destroy(take(target));
	assert_success(open_sample(&it, it.size, &target));
	assert_int_equal(core_file_info(target)->note_count, 1);
	assert_non_null(
		strstr(core_file_info(target)->notes[0], "41.0 kB of writable memory in 4"));
	drop(&it);
}

static void other_files_are_not_taken(void **state)
{
	struct core_options options = {0};
	_cleanup_(target_destroy) struct target *target = NULL;
	char path[128];
	struct sample it;
	int fd;

	(void)state;
	init(&it);
	finish(&it);
	// Another build by the same name.
	make_library(&it.library, 2);
	folder_put_bytes(&it.folder, "lib/libone.so", &it.library, sizeof(it.library));
	assert_success(open_sample(&it, it.size, &target));
	assert_int_equal(byte_at(target, LIB + PAGE), -1);
	assert_non_null(strstr(core_file_info(target)->notes[0], "build id differs"));
	assert_failure(target_open_file(target, mappings_find(target_mappings(target), LIB), &fd),
		ERROR_NOT_FOUND);
	target_destroy(take(target));
	// Said to be the program, and is not.
	snprintf(path, sizeof(path), "%s/lib/libone.so", it.folder.path);
	options.executable = path;
	assert_failure(core_file_open_bytes(it.bytes, it.size, &options, &target), ERROR_NOT_FOUND);
	// It is.
	make_library(&it.library, 1);
	folder_put_bytes(&it.folder, "elsewhere", &it.library, sizeof(it.library));
	snprintf(path, sizeof(path), "%s/elsewhere", it.folder.path);
	assert_success(core_file_open_bytes(it.bytes, it.size, &options, &target));
	assert_int_equal(byte_at(target, LIB + PAGE), 'c');
	target_destroy(take(target));
	// None, and none that is a file.
	snprintf(path, sizeof(path), "%s/lib/libone.so", it.folder.path);
	unlink(path);
	assert_success(open_sample(&it, it.size, &target));
	assert_non_null(strstr(core_file_info(target)->notes[0], "/lib/libone.so"));
	assert_int_equal(mkfifo(path, 0600), 0);
	target_destroy(take(target));
	assert_success(open_sample(&it, it.size, &target));
	assert_int_equal(byte_at(target, LIB + PAGE), -1);
	drop(&it);
}

static void links_stay_in_the_sysroot(void **state)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	char path[128];
	struct sample it;

	(void)state;
	init(&it);
	finish(&it);
	folder_put_bytes(&it.folder, "real/one", &it.library, sizeof(it.library));
	snprintf(path, sizeof(path), "%s/lib/libone.so", it.folder.path);
	unlink(path);
	folder_link(&it.folder, "lib/libone.so", "/real/one");
	assert_success(open_sample(&it, it.size, &target));
	assert_int_equal(byte_at(target, LIB + PAGE), 'c');
	drop(&it);
}

static void a_deleted_file_needs_its_build_id(void **state)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	struct sample it;

	(void)state;
	init(&it);
	for (size_t i = 0; i < 3; i++)
		it.files[i].path = "/lib/libone.so (deleted)";
	finish(&it);
	assert_success(open_sample(&it, it.size, &target));
	assert_int_equal(byte_at(target, LIB + PAGE), 'c');
	target_destroy(take(target));
	// The core does not have it.
	it.segments[1].present = 0;
	finish(&it);
	assert_success(open_sample(&it, it.size, &target));
	assert_int_equal(byte_at(target, LIB + PAGE), -1);
	drop(&it);
}

// However short it is: an error in words, or what is there and a note of what is not.
static void it_is_read_as_far_as_it_goes(void **state)
{
	uint64_t before = 0;
	struct sample it;

	(void)state;
	init(&it);
	for (int last = 0; last < 2; last++) {
		it.writer.notes_are_last = last;
		finish(&it);
		before = 0;
		for (size_t size = 1; size < it.size; size += size < 4096 ? 61 : 509) {
			_cleanup_(target_destroy) struct target *target = NULL;
			struct error *error = open_sample(&it, size, &target);

			if (error) {
				assert_true(error_kind(error) == ERROR_BAD_DATA ||
					    (error_kind(error) == ERROR_UNSUPPORTED && size < 64));
				assert_int_equal(before, 0);
				error_destroy(error);
				continue;
			}
			assert_false(last);
			assert_true(core_file_info(target)->bytes >= before);
			before = core_file_info(target)->bytes;
			assert_int_equal(byte_at(target, HEAP), before >= PAGE ? 1 : -1);
			if (before < 8 * PAGE) {
				// The library's head is in its file too.
				uint64_t missing =
					8 * PAGE - before - (before < 4 * PAGE ? PAGE : 0);
				char expected[64];

				snprintf(expected, sizeof(expected), "cut short: %.1f kB of",
					(double)missing / 1000);
				assert_non_null(strstr(core_file_info(target)->notes[0], expected));
			}
		}
		assert_true(last || before >= 7 * PAGE);
	}
	drop(&it);
}

static void other_files_are_refused(void **state)
{
	static const struct {
		size_t offset;
		unsigned char value;
		const char *words;
	} changes[] = {
		{0, 'x', "neither a core file"},
		{EI_CLASS, ELFCLASS32, "32-bit"},
		{offsetof(Elf64_Ehdr, e_type), ET_EXEC, "program or library"},
		{offsetof(Elf64_Ehdr, e_type), ET_REL, "compiled object"},
		{offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, "another kind of machine"},
	};
	struct target *target;
	struct sample it;

	(void)state;
	init(&it);
	finish(&it);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		unsigned char *byte = (unsigned char *)it.bytes + changes[i].offset;
		unsigned char was = *byte;
		struct error *error;

		*byte = changes[i].value;
		error = open_sample(&it, it.size, &target);
		assert_non_null(error);
		assert_int_equal(error_kind(error), ERROR_UNSUPPORTED);
		assert_non_null(strstr(error_message(error), changes[i].words));
		error_destroy(error);
		*byte = was;
	}
	it.writer.has_no_files = true;
	finish(&it);
	assert_failure(open_sample(&it, it.size, &target), ERROR_BAD_DATA);
	drop(&it);
}

static void many_segments(void **state)
{
	enum { COUNT = 70000 };
	struct core_writer_segment *segments = calloc(COUNT, sizeof(*segments));
	_cleanup_(target_destroy) struct target *target = NULL;
	struct sample it;

	(void)state;
	assert_non_null(segments);
	init(&it);
	for (size_t i = 0; i < COUNT; i++)
		segments[i] = (struct core_writer_segment){
			HEAP + 2 * i * PAGE, PAGE, NULL, i % 1000 ? 0 : PAGE, PF_R | PF_W};
	it.writer.segments = segments;
	it.writer.segment_count = COUNT;
	it.writer.file_count = 0;
	finish(&it);
	assert_success(open_sample(&it, it.size, &target));
	assert_int_equal(target_mappings(target)->count, COUNT);
	assert_int_equal(byte_at(target, HEAP + 2ull * 69000 * PAGE), (69000 + 1) & 0xff);
	target_destroy(take(target));
	// The section header that has their number is the last of the file.
	assert_success(open_sample(&it, it.size - sizeof(Elf64_Shdr) - PAGE, &target));
	assert_int_equal(target_mappings(target)->count, COUNT);
	assert_int_equal(byte_at(target, HEAP + 2ull * 68000 * PAGE), (68000 + 1) & 0xff);
	assert_int_equal(byte_at(target, HEAP + 2ull * 69000 * PAGE), -1);
	free(segments);
	drop(&it);
}

static Elf64_Phdr *header_of(struct sample *it, size_t segment)
{
	return (Elf64_Phdr *)(it->bytes + sizeof(Elf64_Ehdr)) + 1 + segment;
}

// Segments that share the bytes of the file would make it as large as they like.
static void segments_have_no_more_than_the_file(void **state)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	struct sample it;

	(void)state;
	init(&it);
	for (size_t i = 0; i < 7; i++)
		it.segments[i] = (struct core_writer_segment){
			HEAP + i * 64 * PAGE, 16 * PAGE, NULL, i ? 0 : 16 * PAGE, PF_R | PF_W};
	it.writer.file_count = 0;
	finish(&it);
	for (size_t i = 1; i < 7; i++) {
		header_of(&it, i)->p_offset = header_of(&it, 0)->p_offset;
		header_of(&it, i)->p_filesz = 16 * PAGE;
	}
	assert_success(open_sample(&it, it.size, &target));
	assert_true(core_file_info(target)->bytes <= it.size);
	assert_non_null(strstr(core_file_info(target)->notes[0], "6 segments"));
	drop(&it);
}

static void segments_that_cannot_be_are_left_out(void **state)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	struct sample it;

	(void)state;
	init(&it);
	finish(&it);
	header_of(&it, 0)->p_vaddr++;             // in the middle of a page
	header_of(&it, 3)->p_vaddr = LIB;         // where another is
	header_of(&it, 4)->p_memsz = UINT64_MAX;  // round the end
	header_of(&it, 5)->p_offset = UINT64_MAX; // beyond the file
	header_of(&it, 6)->p_filesz = UINT64_MAX; // more than there is
	assert_success(open_sample(&it, it.size, &target));
	assert_int_equal(byte_at(target, HEAP), -1);
	assert_int_equal(byte_at(target, LIB), 0x7f);
	assert_int_equal(byte_at(target, STACK), -1);
	assert_int_equal(byte_at(target, VDSO), -1);
	drop(&it);
}

static void cores_of_one_process(void **state)
{
	_cleanup_(target_destroy) struct target *first = NULL, *second = NULL, *third = NULL;
	struct sample it, other;

	(void)state;
	init(&it);
	finish(&it);
	init(&other);
	finish(&other);
	assert_success(open_sample(&it, it.size, &first));
	assert_success(open_sample(&other, other.size, &second));
	assert_true(core_file_is_same_process(first, second));
	// The same PID once more, in another life.
	memset(other.bytes + header_of(&other, 4)->p_offset + PAGE + 16, 'r', 16);
	assert_success(open_sample(&other, other.size, &third));
	assert_false(core_file_is_same_process(first, third));
	drop(&it);
	drop(&other);
}

static void holes_of_the_file_are_not_there(void **state)
{
	_cleanup_(page_run_vector_deinit) struct page_run_vector runs = {0};
	_cleanup_(target_destroy) struct target *target = NULL;
	struct core_options options = {0};
	uint64_t memory = 64 * PAGE, total = 0;
	char path[128];
	struct sample it;
	struct stat stat_of;
	FILE *file;

	(void)state;
	init(&it);
	it.segments[0] = (struct core_writer_segment){HEAP, memory, NULL, 0, PF_R | PF_W};
	it.writer.segment_count = 1;
	it.writer.file_count = 0;
	finish(&it);
	// The kernel skips pages that nobody touched: here only one was.
	header_of(&it, 0)->p_offset = 16 * PAGE;
	header_of(&it, 0)->p_filesz = memory;
	snprintf(path, sizeof(path), "%s/core", it.folder.path);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(it.bytes, it.size, 1, file);
	fseek(file, (long)(16 * PAGE + 32 * PAGE), SEEK_SET);
	fputc('x', file);
	fclose(file);
	assert_int_equal(truncate(path, (off_t)(16 * PAGE + memory)), 0);
	assert_success(core_file_open(path, &options, &target));
	assert_success(target_resident(target, HEAP + PAGE, HEAP + memory, &runs));
	for (size_t i = 0; i < runs.count; i++)
		total += runs.items[i].end - runs.items[i].start;
	assert_int_equal(stat(path, &stat_of), 0);
	// Not all file systems have holes.
	if ((uint64_t)stat_of.st_blocks * 512 < memory)
		assert_true(total < memory / 2);
	assert_true(runs.count >= 1 && runs.items[0].start <= HEAP + 32 * PAGE);
	assert_int_equal(byte_at(target, HEAP + 32 * PAGE), 'x');
	assert_int_equal(byte_at(target, HEAP + 31 * PAGE), 0);
	drop(&it);
}

static void no_memory_is_an_error(void **state)
{
	struct sample it;

	(void)state;
	init(&it);
	finish(&it);
	// More than there are; a file that cannot be looked for is no error.
	for (uint64_t countdown = 0; countdown < 200; countdown++) {
		struct target *target = NULL;
		struct error *error;

		alloc_fail_after(countdown);
		error = open_sample(&it, it.size, &target);
		alloc_fail_after(UINT64_MAX);
		if (error)
			assert_int_equal(error_kind(error), ERROR_MEMORY);
		target_destroy(target);
		error_destroy(error);
	}
	drop(&it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_where_it_was),
		cmocka_unit_test(what_the_core_lacks_comes_from_files),
		cmocka_unit_test(other_files_are_not_taken),
		cmocka_unit_test(links_stay_in_the_sysroot),
		cmocka_unit_test(a_deleted_file_needs_its_build_id),
		cmocka_unit_test(it_is_read_as_far_as_it_goes),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(many_segments),
		cmocka_unit_test(segments_have_no_more_than_the_file),
		cmocka_unit_test(segments_that_cannot_be_are_left_out),
		cmocka_unit_test(cores_of_one_process),
		cmocka_unit_test(holes_of_the_file_are_not_there),
		cmocka_unit_test(no_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
