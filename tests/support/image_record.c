// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * See heap_image.h.
 *
 *	image-record PID FILE          the memory of a process
 *	image-record --row NAME FILE   a heap made up in the shape of a row of layouts
 *	image-record --rows            their names
 */
#include "heap_image.h"
#include "heap_zoo.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error *write_row(const char *name, const char *path)
{
	const struct pylayout *row;

	for (size_t i = 0; (row = pylayout_row(i)); i++) {
		struct heap_zoo zoo;
		struct error *err;

		if (strcmp(row->name, name) != 0)
			continue;
		heap_zoo_write(&zoo, row);
		err = heap_image_write(zoo.target, &zoo.place, path);
		heap_zoo_drop(&zoo);
		return err;
	}
	return error_create(ERROR_USAGE, "no row is called %s", name);
}

static int print_rows(void)
{
	const struct pylayout *row;

	for (size_t i = 0; (row = pylayout_row(i)); i++)
		printf("%s\n", row->name);
	return 0;
}

int main(int argc, char **argv)
{
	bool is_row = argc == 4 && strcmp(argv[1], "--row") == 0;
	struct error *err;

	if (argc == 2 && strcmp(argv[1], "--rows") == 0)
		return print_rows();
	if (argc != 3 && !is_row) {
		fprintf(stderr, "usage: image-record PID FILE | --row NAME FILE | --rows\n");
		return 2;
	}
	err = is_row ? write_row(argv[2], argv[3]) : heap_image_record(atoi(argv[1]), argv[2]);
	if (err) {
		fprintf(stderr, "image-record: %s\n", error_message(err));
		error_destroy(err);
		return 1;
	}
	return 0;
}
