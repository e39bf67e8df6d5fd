// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** libFuzzer's way into heap_trial.h. SHIKARI_FUZZ_IMAGE names the images. */
#include "heap_trial.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *path = getenv("SHIKARI_FUZZ_IMAGE");

	(void)argc;
	(void)argv;
	if (!path) {
		fprintf(stderr, "SHIKARI_FUZZ_IMAGE must name files made by image-record\n");
		exit(2);
	}
	heap_trial_init(path);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	heap_trial_run(data, size);
	return 0;
}
