// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Take captures of a process and print one line of JSON for each; the tests' hand on the target
// layer.
//
//	capture-tool PID [--mode M] [--repeat N] [--hold MS] [--ask] [--force] [--predict]
//		[--find HEX] [--word HEX]…
//
// --hold keeps each capture for a while, --ask prints {"taken": true} and keeps it until a line is
// read. --find counts how often these bytes (at most 64) are in
// writable private memory of the picture; --word reads eight bytes at an address. Exit status: 0,
// or 1 with {"error": …, "kind": …}.
#include "base/error.h"
#include "target/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)1 << 20)
#define WORDS_MAX   8

struct arguments {
	pid_t pid;
	struct capture_options options;
	int repeat, hold_ms;
	bool predict, ask;
	unsigned char wanted[64];
	size_t wanted_size;
	remote_addr words[WORDS_MAX];
	size_t word_count;
};

static bool parse_hex(const char *text, struct arguments *ret)
{
	size_t length = strlen(text);

	if (length % 2 || length / 2 > sizeof(ret->wanted))
		return false;
	for (size_t i = 0; i < length / 2; i++) {
		unsigned value;

		if (sscanf(text + 2 * i, "%2x", &value) != 1)
			return false;
		ret->wanted[i] = (unsigned char)value;
	}
	ret->wanted_size = length / 2;
	return true;
}

static bool parse(int argc, char **argv, struct arguments *ret)
{
	*ret = (struct arguments){.repeat = 1};
	if (argc < 2)
		return false;
	ret->pid = atoi(argv[1]);
	for (int i = 2; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--force") == 0) {
			ret->options.force = true;
			continue;
		}
		if (strcmp(argv[i], "--predict") == 0) {
			ret->predict = true;
			continue;
		}
		if (strcmp(argv[i], "--ask") == 0) {
			ret->ask = true;
			continue;
		}
		i++;
		if (strcmp(argv[i - 1], "--mode") == 0) {
			if (!capture_mode_parse(value, &ret->options.mode))
				return false;
		} else if (strcmp(argv[i - 1], "--repeat") == 0) {
			ret->repeat = atoi(value);
		} else if (strcmp(argv[i - 1], "--hold") == 0) {
			ret->hold_ms = atoi(value);
		} else if (strcmp(argv[i - 1], "--max-pause") == 0) {
			ret->options.pause_ms_max = (uint32_t)atoi(value);
		} else if (strcmp(argv[i - 1], "--word") == 0 && ret->word_count < WORDS_MAX) {
			ret->words[ret->word_count++] = strtoull(value, NULL, 16);
		} else if (strcmp(argv[i - 1], "--find") != 0 || !parse_hex(value, ret)) {
			return false;
		}
	}
	return true;
}

static size_t count_in_block(
	const unsigned char *block, size_t size, const struct arguments *arguments)
{
	size_t count = 0;

	for (const unsigned char *at = block; size > 0;) {
		const unsigned char *found =
			memmem(at, size, arguments->wanted, arguments->wanted_size);

		if (!found)
			break;
		count++;
		size -= (size_t)(found + 1 - at);
		at = found + 1;
	}
	return count;
}

static void scan_run(const struct target *target, const struct page_run *run,
	const struct arguments *arguments, uint64_t *ret_bytes, size_t *ret_found)
{
	static unsigned char block[BLOCK_BYTES];

	for (remote_addr at = run->start; at < run->end; at += BLOCK_BYTES) {
		size_t size = run->end - at < BLOCK_BYTES ? run->end - at : BLOCK_BYTES;

		*ret_bytes += target_read_some(target, at, block, size);
		if (arguments->wanted_size)
			*ret_found += count_in_block(block, size, arguments);
	}
}

// Read all that is private and writable, and holds something.
static struct error *scan(const struct target *target, const struct arguments *arguments,
	uint64_t *ret_bytes, size_t *ret_found)
{
	_cleanup_(page_run_vector_deinit) struct page_run_vector runs = {0};
	const struct mappings *mappings = target_mappings(target);
	struct error *error = NULL;

	for (size_t i = 0; i < mappings->count && !error; i++) {
		const struct mapping *mapping = &mappings->items[i];

		if (mapping->readable && mapping->writable && !mapping->shared)
			error = target_resident(target, mapping->start, mapping->end, &runs);
	}
	for (size_t i = 0; i < runs.count && !error; i++)
		scan_run(target, &runs.items[i], arguments, ret_bytes, ret_found);
	return error;
}

static void print_text(const char *name, const char *text)
{
	printf("\"%s\": \"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void ask(void)
{
	int byte;

	printf("{\"taken\": true}\n");
	fflush(stdout);
	do
		byte = getchar();
	while (byte != '\n' && byte != EOF);
}

static struct error *capture_once(struct process *process, const struct arguments *arguments)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	struct capture_report report;
	uint64_t bytes = 0;
	size_t found = 0, threads;
	struct error *error;

	error = capture_take(process, &arguments->options, &target, &report);
	if (error)
		return error;
	target_threads(target, &threads);
	if (arguments->ask)
		ask();
	if (arguments->hold_ms)
		usleep((useconds_t)arguments->hold_ms * 1000);
	if (arguments->wanted_size || (arguments->hold_ms == 0 && !arguments->ask))
		error = scan(target, arguments, &bytes, &found);
	if (error)
		return error;
	printf("{\"mode\": \"%s\", \"stopped_ms\": %.3f, \"predicted_ms\": %.3f, "
	       "\"threads\": %zu, \"mappings\": %zu, \"bytes\": %llu, \"found\": %zu, ",
		capture_mode_name(report.mode), report.stopped_ms, report.forecast.stop_ms, threads,
		target_mappings(target)->count, (unsigned long long)bytes, found);
	for (size_t i = 0; i < arguments->word_count && !error; i++) {
		uint64_t word = 0;

		error = target_read(target, arguments->words[i], &word, sizeof(word));
		printf("\"word%zu\": %llu, ", i, (unsigned long long)word);
	}
	print_text("fallback_reason", report.fallback_reason);
	printf("}\n");
	fflush(stdout);
	return error;
}

static struct error *predict(const struct process *process, const struct arguments *arguments)
{
	struct capture_forecast forecast;
	struct error *error = capture_predict(process, arguments->options.mode, &forecast);

	if (!error)
		printf("{\"stop_ms\": %.3f, \"extra_bytes\": %llu, \"headroom_bytes\": %llu}\n",
			forecast.stop_ms, (unsigned long long)forecast.extra_bytes,
			(unsigned long long)forecast.headroom_bytes);
	return error;
}

static struct error *run(const struct arguments *arguments)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	struct error *error = process_open(arguments->pid, &process);

	if (!error && arguments->predict)
		return predict(process, arguments);
	for (int i = 0; i < arguments->repeat && !error; i++)
		error = capture_once(process, arguments);
	return error;
}

int main(int argc, char **argv)
{
	_cleanup_(error_destroy) struct error *error = NULL;
	struct arguments arguments;

	if (!parse(argc, argv, &arguments)) {
		fprintf(stderr, "usage: capture-tool PID [--mode M] [--repeat N] [--hold MS] "
				"[--ask] [--force] [--predict] [--max-pause MS] [--find HEX]\n");
		return 2;
	}
	error = run(&arguments);
	if (!error)
		return 0;
	printf("{\"kind\": %d, ", (int)error_kind(error));
	print_text("error", error_message(error));
	printf("}\n");
	return 1;
}
