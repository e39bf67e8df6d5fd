// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** Any bytes as an ELF file; the last eight are an address. */
#include "base/error.h"
#include "target/elf_file.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file *file = NULL;
	struct error *err;
	remote_addr addr = 0;
	uint64_t length, offset;
	const char *name;

	if (size < sizeof(addr))
		return 0;
	size -= sizeof(addr);
	memcpy(&addr, data + size, sizeof(addr));
	err = elf_file_open_bytes(data, size, addr & ~4095ull, &file);
	if (!err) {
		elf_file_find(file, "PyType_Type", &addr, &length);
		elf_file_find_section(file, ".PyRuntime", &addr, &length);
		name = elf_file_symbol_at(file, addr, &offset);
		if (name)
			(void)strlen(name);
		name = elf_file_function_at(file, addr, &offset);
		if (name)
			(void)strlen(name);
	}
	elf_file_destroy(file);
	error_destroy(err);
	return 0;
}
