// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What one look at a process costs, as a line of JSON for run_bench.py.
 *
 *	bench-pipeline PID stop     only the capture: how long the process stood still
 *	bench-pipeline PID          capture, graph, dominators with retained sizes, paths, in the
 *order of a hunt, which holds all of them at its end
 *
 * Peak memory is the greatest resident size since the phase before, less what this program had
 * before the snapshot. The fixed caches of the workers are part of it; run_bench.py removes them by
 * comparing two sizes.
 */
#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "base/error.h"
#include "heap/heap_builder.h"
#include "heap/heap_open.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now_s(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Processor time of all our threads: on a machine that has other work it says more than the clock.
static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// A field of our own /proc/self/status, in bytes.
static int64_t status_bytes(const char *field)
{
	_cleanup_(fclose) FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	size_t length = strlen(field);

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, length) == 0 && line[length] == ':')
			return strtoll(line + length + 1, NULL, 10) * 1024;
	}
	fprintf(stderr, "bench-pipeline: no %s in /proc/self/status\n", field);
	exit(1);
}

// Make the kernel forget the peak so far.
static void reset_peak(void)
{
	_cleanup_(fclose) FILE *file = fopen("/proc/self/clear_refs", "w");

	if (!file || fputs("5", file) < 0) {
		fprintf(stderr, "bench-pipeline: cannot reset the peak of memory\n");
		exit(1);
	}
}

/** One step of the pipeline: its seconds, and the peak and the end of memory besides the baseline.
 */
struct phase {
	double seconds, cpu_s;
	int64_t peak_bytes, kept_bytes;
};

struct meter {
	int64_t baseline;
	double started, cpu_started;
};

static void phase_start(struct meter *meter)
{
	reset_peak();
	meter->cpu_started = cpu_s();
	meter->started = now_s();
}

static void phase_end(const struct meter *meter, struct phase *ret)
{
	ret->seconds = now_s() - meter->started;
	ret->cpu_s = cpu_s() - meter->cpu_started;
	ret->peak_bytes = status_bytes("VmHWM") - meter->baseline;
	ret->kept_bytes = status_bytes("VmRSS") - meter->baseline;
}

static void print_phase(const char *name, const struct phase *phase)
{
	printf(", \"%s\": {\"s\": %.4f, \"cpu_s\": %.4f, \"peak_bytes\": %" PRId64
	       ", \"kept_bytes\": %" PRId64 "}",
		name, phase->seconds, phase->cpu_s, phase->peak_bytes, phase->kept_bytes);
}

static struct error *measure_stop(struct heap_source *source)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	struct capture_options options = {.mode = CAPTURE_CLONE};
	struct capture_report report;
	struct error *err = capture_take(heap_source_process(source), &options, &target, &report);

	if (!err)
		printf("{\"stopped_ms\": %.3f, \"forecast_ms\": %.3f}\n", report.stopped_ms,
			report.forecast.stop_ms);
	return err;
}

static struct error *measure_pipeline(struct heap_source *source)
{
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct heap_snapshot_options options = {.capture = {.mode = CAPTURE_CLONE}};
	struct meter meter = {.baseline = status_bytes("VmRSS")};
	struct phase graph, retained, named;
	struct error *err;

	phase_start(&meter);
	err = heap_snapshot_take(source, &options, &snapshot);
	phase_end(&meter, &graph);
	if (err)
		return err;
	phase_start(&meter);
	err = dominators_create(snapshot->graph, &dominators);
	phase_end(&meter, &retained);
	if (err)
		return err;
	phase_start(&meter);
	err = paths_create(snapshot->graph, &paths);
	phase_end(&meter, &named);
	if (err)
		return err;
	printf("{\"stopped_ms\": %.3f, \"forecast_ms\": %.3f, \"objects\": %" PRIu64
	       ", \"edges\": %" PRIu64 ", \"unreadable\": %" PRIu64 ", \"retries\": %u"
	       ", \"build_s\": %.4f",
		snapshot->stats.capture.stopped_ms, snapshot->stats.capture.forecast.stop_ms,
		snapshot->stats.objects, snapshot->stats.edges, snapshot->stats.unreadable,
		snapshot->stats.retries, snapshot->stats.build_s);
	printf(", \"pools_s\": %.4f, \"objects_s\": %.4f", snapshot->builder->stats.pools_s,
		snapshot->builder->stats.objects_s);
	print_phase("snapshot", &graph);
	print_phase("dominators", &retained);
	print_phase("paths", &named);
	printf("}\n");
	return NULL;
}

int main(int argc, char **argv)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	bool only_stop = argc == 3 && strcmp(argv[2], "stop") == 0;
	struct error *err;

	if (argc != 2 && !only_stop) {
		fprintf(stderr, "usage: bench-pipeline PID [stop]\n");
		return 2;
	}
	err = heap_source_open_process(atoi(argv[1]), &source);
	if (!err)
		err = only_stop ? measure_stop(source) : measure_pipeline(source);
	if (err) {
		fprintf(stderr, "bench-pipeline: %s\n", error_message(err));
		error_destroy(err);
		return 1;
	}
	return 0;
}
