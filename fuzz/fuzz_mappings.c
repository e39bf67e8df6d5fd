// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** Any text as /proc/PID/maps: what is accepted is sorted and can be searched. */
#include "base/error.h"
#include "target/mappings.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mappings mappings = {0};
	struct error *err = mappings_parse((const char *)data, size, &mappings);

	for (size_t i = 0; !err && i < mappings.count; i++) {
		const struct mapping *mapping = &mappings.items[i];

		if (mapping->start >= mapping->end ||
			(i && mapping->start < mappings.items[i - 1].end) ||
			mappings_find(&mappings, mapping->start) != mapping ||
			mappings_find(&mappings, mapping->end - 1) != mapping)
			abort();
	}
	error_destroy(err);
	mappings_deinit(&mappings);
	return 0;
}
