// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The ELF files of a process: what symbols are where.
 *
 * Uses libelf. Symbols come from .symtab if the file has one, and from .dynsym, which survives
 * strip. Files are hostile: every table is bounded by the file's size.
 */
#pragma once

#include "base/cleanup.h"
#include "target/target.h"

#include <stdbool.h>
#include <stdint.h>

struct elf_file;
struct target_origin;
struct Elf;

/** Open the file behind @p mapping of @p target; the load bias is found from its program headers
 * and the mappings of the same file. ERROR_UNSUPPORTED if it is not a 64-bit little-endian ELF file
 * of this machine. */
struct error *elf_file_open(
	const struct target *target, const struct mapping *mapping, struct elf_file **ret);
/** The same where there is no target, but what targets are pictures of, and its mappings. */
struct error *elf_file_open_of(const struct target_origin *origin, const struct mappings *mappings,
	const struct mapping *mapping, struct elf_file **ret);
/** The same for bytes already in memory (copied), loaded at @p bias; for tests and fuzzing. */
struct error *elf_file_open_bytes(
	const void *bytes, size_t size, uint64_t bias, struct elf_file **ret);
void elf_file_destroy(struct elf_file *file);
DEFINE_CLEANUP(struct elf_file *, elf_file_destroy)

/** Look up a defined symbol by exact name (a "@VERSION" suffix is ignored); false if there is none.
 */
bool elf_file_find(
	const struct elf_file *file, const char *name, remote_addr *ret_addr, uint64_t *ret_size);

/** The data symbol (STT_OBJECT, or of no type) that covers @p addr, or NULL; *ret_offset is how far
 *  into it. The name is owned by the file. O(log n). */
const char *elf_file_symbol_at(const struct elf_file *file, remote_addr addr, uint64_t *ret_offset);
/** The same for functions (STT_FUNC). */
const char *elf_file_function_at(
	const struct elf_file *file, remote_addr addr, uint64_t *ret_offset);

/** The memory of its writable segment, with the part that the file has no bytes for (.bss); false if
 * there is none. */
bool elf_file_data(const struct elf_file *file, remote_addr *ret_start, remote_addr *ret_end);

/** Is there a section of this name, and where was it loaded (".PyRuntime")? */
bool elf_file_find_section(
	const struct elf_file *file, const char *name, remote_addr *ret_addr, uint64_t *ret_size);

/** What addresses in memory are more than in the file. */
uint64_t elf_file_bias(const struct elf_file *file);
/** Another reference to libelf's handle, for elf_end(); of use as long as @p file is. */
struct Elf *elf_file_share(const struct elf_file *file);
