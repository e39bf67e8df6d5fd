// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** image-record PID FILE: see heap_image.h. */
#include "heap_image.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct error *err;

	if (argc != 3) {
		fprintf(stderr, "usage: image-record PID FILE\n");
		return 2;
	}
	err = heap_image_record(atoi(argv[1]), argv[2]);
	if (err) {
		fprintf(stderr, "image-record: %s\n", error_message(err));
		error_destroy(err);
		return 1;
	}
	return 0;
}
