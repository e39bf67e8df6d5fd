// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/elf_file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/search.h"
#include "base/vector.h"
#include "target/target_ops.h"

#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES ((uint64_t)4096)

// Symbols that overlap are rare (aliases, parts of a table); how far back one that covers an
// address is looked for.
#define OVERLAP_MAX 16

struct symbol {
	remote_addr addr;
	uint64_t size;
	const char *name; /* in libelf's copy of the string table */
	bool is_global;
};

DEFINE_VECTOR(symbol_vector, struct symbol)

struct elf_file {
	Elf *elf;
	int fd;      /* of which libelf reads on demand, or -1 */
	char *bytes; /* owned, where there is no file */
	uint64_t bias;
	struct symbol_vector data, functions; /* each sorted by address */
};

static struct error *bad_file(void)
{
	return error_create(ERROR_BAD_DATA, "damaged ELF file: %s", elf_errmsg(-1));
}

static struct error *check_kind(Elf *elf, GElf_Ehdr *ret)
{
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, ret))
		return error_create(ERROR_UNSUPPORTED, "not an ELF file");
	if (ret->e_ident[EI_CLASS] != ELFCLASS64 || ret->e_ident[EI_DATA] != ELFDATA2LSB ||
		ret->e_machine != EM_X86_64)
		return error_create(ERROR_UNSUPPORTED, "an ELF file for another kind of machine");
	if (ret->e_type != ET_EXEC && ret->e_type != ET_DYN)
		return error_create(ERROR_UNSUPPORTED, "an ELF file that cannot be loaded");
	return NULL;
}

static bool is_same_file(const struct mapping *a, const struct mapping *b)
{
	return a->inode == b->inode && a->device_major == b->device_major &&
	       a->device_minor == b->device_minor;
}

// The lowest part of the file as it was loaded together with @p mapping: a file can be loaded more
// than once, and then offsets begin anew.
static const struct mapping *find_base(
	const struct mappings *mappings, const struct mapping *mapping)
{
	const struct mapping *base = mapping;

	for (size_t i = mappings_lower_bound(mappings, mapping->start); i > 0; i--) {
		const struct mapping *other = &mappings->items[i - 1];

		if (!is_same_file(other, mapping))
			continue;
		if (other->offset >= base->offset)
			break;
		base = other;
	}
	return base;
}

// Where the file was loaded, less where it was linked to be. The end of one segment and the start
// of the next can share a page of the file; permissions tell which of them is mapped.
static struct error *find_bias(Elf *elf, const struct mapping *base, uint64_t *ret)
{
	size_t count, best_score = 0;

	if (elf_getphdrnum(elf, &count) < 0)
		return bad_file();
	for (size_t i = 0; i < count && i < UINT16_MAX; i++) {
		GElf_Phdr segment;
		uint64_t first;
		size_t score = 1;

		if (!gelf_getphdr(elf, (int)i, &segment))
			return bad_file();
		first = segment.p_offset & ~(PAGE_BYTES - 1);
		if (segment.p_type != PT_LOAD || base->offset < first ||
			base->offset >= segment.p_offset + segment.p_filesz)
			continue;
		score += !!(segment.p_flags & PF_X) == base->executable;
		score += !!(segment.p_flags & PF_W) == base->writable;
		if (score <= best_score)
			continue;
		best_score = score;
		*ret = base->start - base->offset + segment.p_offset - segment.p_vaddr;
	}
	if (best_score == 0)
		return error_create(ERROR_BAD_DATA, "nothing in the ELF file is loaded there");
	return NULL;
}

bool elf_file_data(const struct elf_file *file, remote_addr *ret_start, remote_addr *ret_end)
{
	size_t count;

	if (!file->elf || elf_getphdrnum(file->elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count && i < UINT16_MAX; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(file->elf, (int)i, &segment) || segment.p_type != PT_LOAD ||
			!(segment.p_flags & PF_W))
			continue;
		*ret_start = segment.p_vaddr + file->bias;
		*ret_end = *ret_start + segment.p_memsz;
		return *ret_end >= *ret_start;
	}
	return false;
}

static struct symbol_vector *vector_for(struct elf_file *file, const GElf_Sym *symbol)
{
	switch (GELF_ST_TYPE(symbol->st_info)) {
	case STT_OBJECT:
	case STT_NOTYPE:
	case STT_COMMON:
		return &file->data;
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return &file->functions;
	default:
		return NULL;
	}
}

static struct error *add_table(struct elf_file *file, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data ? data->d_size / sizeof(Elf64_Sym) : 0;

	for (size_t i = 0; i < count && i < LIMIT_ELF_SYMBOLS; i++) {
		struct symbol_vector *vector;
		struct symbol symbol;
		GElf_Sym raw;

		// An absolute symbol's value is a number, not a place.
		if (!gelf_getsym(data, (int)i, &raw) || raw.st_shndx == SHN_UNDEF ||
			raw.st_shndx == SHN_ABS)
			continue;
		vector = vector_for(file, &raw);
		symbol.name = vector ? elf_strptr(file->elf, header->sh_link, raw.st_name) : NULL;
		if (!symbol.name || !*symbol.name)
			continue;
		symbol.addr = raw.st_value + file->bias;
		symbol.size = raw.st_size;
		symbol.is_global = GELF_ST_BIND(raw.st_info) != STB_LOCAL;
		if (!symbol_vector_push(vector, symbol))
			return error_enomem();
	}
	return NULL;
}

// By address; of several at the same, the one that says most comes last, where lookups begin.
static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	if (a->is_global != b->is_global)
		return a->is_global ? 1 : -1;
	return strcmp(b->name, a->name);
}

// Most dynamic symbols are in .symtab too.
static void sort_symbols(struct symbol_vector *vector)
{
	size_t kept = 0;

	if (vector->count == 0)
		return;
	qsort(vector->items, vector->count, sizeof(vector->items[0]), compare_symbols);
	for (size_t i = 1; i < vector->count; i++) {
		if (compare_symbols(&vector->items[kept], &vector->items[i]) != 0)
			vector->items[++kept] = vector->items[i];
	}
	vector->count = kept + 1;
}

static struct error *read_symbols(struct elf_file *file)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(file->elf, section))) {
		struct error *error;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) ||
			(header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
			continue;
		error = add_table(file, section, &header);
		if (error)
			return error;
	}
	sort_symbols(&file->data);
	sort_symbols(&file->functions);
	return NULL;
}

// Takes @p fd and @p bytes. Where @p base is NULL, the bias is given.
static struct error *open_any(int fd, char *bytes, size_t size, const struct mapping *base,
	uint64_t bias, struct elf_file **ret)
{
	_cleanup_(elf_file_destroy) struct elf_file *file = mem_calloc(1, sizeof(*file));
	struct error *error;
	GElf_Ehdr header;

	if (!file) {
		if (fd >= 0)
			close(fd);
		mem_free(bytes);
		return error_enomem();
	}
	file->fd = fd;
	file->bytes = bytes;
	file->bias = bias;
	elf_version(EV_CURRENT);
	// Not mapped but read: whoever truncates a mapped file kills its readers.
	file->elf = bytes ? elf_memory(bytes, size) : elf_begin(fd, ELF_C_READ, NULL);
	if (!file->elf)
		return error_create(ERROR_UNSUPPORTED, "not an ELF file");
	error = check_kind(file->elf, &header);
	if (!error && base) {
		file->bias = 0;
		// check_kind() has filled the header. NOLINTNEXTLINE(clang-analyzer-core.*)
		if (header.e_type == ET_DYN)
			error = find_bias(file->elf, base, &file->bias);
	}
	if (!error)
		error = read_symbols(file);
	if (error)
		return error;
	*ret = take(file);
	return NULL;
}

struct error *elf_file_open_of(const struct target_origin *origin, const struct mappings *mappings,
	const struct mapping *mapping, struct elf_file **ret)
{
	struct error *error;
	int fd;

	error = origin->open_file(origin, mapping, &fd);
	if (error)
		return error;
	return error_wrap(
		open_any(fd, NULL, 0, find_base(mappings, mapping), 0, ret), "%s", mapping->path);
}

struct error *elf_file_open(
	const struct target *target, const struct mapping *mapping, struct elf_file **ret)
{
	if (!target->origin)
		return error_create(ERROR_NOT_FOUND, "a memory image has no files");
	return elf_file_open_of(target->origin, target_mappings(target), mapping, ret);
}

struct error *elf_file_open_bytes(
	const void *bytes, size_t size, uint64_t bias, struct elf_file **ret)
{
	char *copy = mem_alloc(size);

	if (!copy)
		return error_enomem();
	memcpy(copy, bytes, size);
	return open_any(-1, copy, size, NULL, bias, ret);
}

void elf_file_destroy(struct elf_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	mem_free(file->bytes);
	symbol_vector_deinit(&file->data);
	symbol_vector_deinit(&file->functions);
	mem_free(file);
}

// "name" is also called "name@VERSION" or "name@@VERSION" in .symtab.
static bool is_named(const struct symbol *symbol, const char *name, size_t length)
{
	return strncmp(symbol->name, name, length) == 0 &&
	       (symbol->name[length] == '\0' || symbol->name[length] == '@');
}

static const struct symbol *find_named(const struct symbol_vector *vector, const char *name)
{
	const struct symbol *found = NULL;
	size_t length = strlen(name);

	for (size_t i = 0; i < vector->count; i++) {
		const struct symbol *symbol = &vector->items[i];

		if (!is_named(symbol, name, length))
			continue;
		if (symbol->is_global)
			return symbol;
		if (!found)
			found = symbol;
	}
	return found;
}

bool elf_file_find(
	const struct elf_file *file, const char *name, remote_addr *ret_addr, uint64_t *ret_size)
{
	const struct symbol *symbol = find_named(&file->data, name);

	if (!symbol)
		symbol = find_named(&file->functions, name);
	if (!symbol)
		return false;
	*ret_addr = symbol->addr;
	*ret_size = symbol->size;
	return true;
}

static const char *symbol_at(
	const struct symbol_vector *vector, remote_addr addr, uint64_t *ret_offset)
{
	size_t low = partition_point(i, vector->count, vector->items[i].addr <= addr);

	for (size_t i = low; i > 0 && low - i < OVERLAP_MAX; i--) {
		const struct symbol *symbol = &vector->items[i - 1];

		// A symbol without a size covers its first byte.
		if (addr - symbol->addr < (symbol->size ? symbol->size : 1)) {
			*ret_offset = addr - symbol->addr;
			return symbol->name;
		}
	}
	return NULL;
}

const char *elf_file_symbol_at(const struct elf_file *file, remote_addr addr, uint64_t *ret_offset)
{
	return symbol_at(&file->data, addr, ret_offset);
}

const char *elf_file_function_at(
	const struct elf_file *file, remote_addr addr, uint64_t *ret_offset)
{
	return symbol_at(&file->functions, addr, ret_offset);
}

bool elf_file_find_section(
	const struct elf_file *file, const char *name, remote_addr *ret_addr, uint64_t *ret_size)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(file->elf, &names) < 0)
		return false;
	while ((section = elf_nextscn(file->elf, section))) {
		const char *other;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC))
			continue;
		other = elf_strptr(file->elf, names, header.sh_name);
		if (!other || strcmp(other, name) != 0)
			continue;
		*ret_addr = header.sh_addr + file->bias;
		*ret_size = header.sh_size;
		return true;
	}
	return false;
}

uint64_t elf_file_bias(const struct elf_file *file)
{
	return file->bias;
}

struct Elf *elf_file_share(const struct elf_file *file)
{
	return elf_begin(file->fd, ELF_C_READ, file->elf);
}
