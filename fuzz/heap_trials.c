// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Trials without libFuzzer.
 *
 *	heap-trials IMAGES FILE…             what a fuzzer found, again
 *	heap-trials IMAGES --random N SEED   N lists of random patches; the same for the same seed
 *
 * IMAGES are paths separated by colons: a fuzzer's, in the same order. Random patches are on each in
 * turn.
 */
#include "heap_trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A trial takes some 10 ms, a sanitized one some 100. One that takes this long hangs.
#define TRIAL_SECONDS_MAX 20

static uint64_t random_state;

// splitmix64 (S. Vigna).
static uint64_t random_word(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void save(const char *path, const uint8_t *data, size_t size)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(data, size, 1, file) != 1) {
		fprintf(stderr, "heap-trials: cannot write %s\n", path);
		exit(2);
	}
	fclose(file);
}

// Each input is kept in a file while it runs, so that what crashed or hung can be run again.
static void run_random(unsigned long count, const char *image)
{
	uint64_t data[HEAP_TRIAL_PATCHES_MAX * HEAP_TRIAL_PATCH_BYTES / 8 + 1];
	char path[4096];

	snprintf(path, sizeof(path), "%.*s.trial", (int)strcspn(image, ":"), image);
	for (unsigned long i = 0; i < count; i++) {
		size_t patches = 1 + random_word() % HEAP_TRIAL_PATCHES_MAX;

		// Few at a time as a rule: too many, and nothing gets past the first check.
		if (i % 4)
			patches = 1 + patches % 6;
		for (size_t j = 0; j < patches * HEAP_TRIAL_PATCH_BYTES / 8; j++)
			data[j] = random_word();
		((uint8_t *)data)[patches * HEAP_TRIAL_PATCH_BYTES] = (uint8_t)i;
		save(path, (const uint8_t *)data, patches * HEAP_TRIAL_PATCH_BYTES + 1);
		alarm(TRIAL_SECONDS_MAX);
		heap_trial_run((const uint8_t *)data, patches * HEAP_TRIAL_PATCH_BYTES + 1);
	}
	alarm(0);
	unlink(path);
	printf("%lu trials\n", count);
}

static void run_file(const char *path)
{
	uint8_t data[HEAP_TRIAL_PATCHES_MAX * HEAP_TRIAL_PATCH_BYTES + 1];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		fprintf(stderr, "heap-trials: cannot read %s\n", path);
		exit(2);
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	alarm(TRIAL_SECONDS_MAX);
	heap_trial_run(data, size);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: heap-trials IMAGES FILE… | IMAGES --random N SEED\n");
		return 2;
	}
	heap_trial_init(argv[1]);
	if (argc == 5 && strcmp(argv[2], "--random") == 0) {
		random_state = strtoull(argv[4], NULL, 0);
		run_random(strtoul(argv[3], NULL, 0), argv[1]);
		return 0;
	}
	for (int i = 2; i < argc; i++)
		run_file(argv[i]);
	return 0;
}
