// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Stacks as text: collapsed (B. Gregg's flamegraph.pl) and speedscope's file format 0.0.1.
#include "export/export_heap.h"

#include "analysis/stack_profile.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "export/json_stream.h"

#include <inttypes.h>

/** The frames of a place, the outermost first. */
static uint32_t frames_of(
	const struct stack_profile *profile, uint32_t place, uint32_t ret[STACK_DEPTH_MAX])
{
	uint32_t depth = profile->places[place].depth;

	for (uint32_t i = depth; i > 0; i--, place = profile->places[place].above)
		ret[i - 1] = profile->places[place].text;
	return depth;
}

static struct error *write_frame(FILE *out, const char *text)
{
	_cleanup_(mem_free) char *clean = utf8_clean(text, true);

	if (!clean)
		return error_enomem();
	for (const char *at = clean; *at; at++)
		putc(*at == ';' ? ':' : *at, out);
	return NULL;
}

struct error *export_collapsed(const struct export_input *input, FILE *out)
{
	_cleanup_(stack_profile_destroy) struct stack_profile *profile = NULL;
	struct error *err = stack_profile_create(input->graph, input->paths, &profile);

	for (uint32_t i = 1; !err && i < profile->count; i++) {
		uint32_t frames[STACK_DEPTH_MAX], depth = frames_of(profile, i, frames);

		if (!profile->places[i].bytes)
			continue;
		for (uint32_t j = 0; !err && j < depth; j++) {
			if (j > 0)
				putc(';', out);
			err = write_frame(out, text_table_get(&profile->texts, frames[j]));
		}
		fprintf(out, " %" PRIu64 "\n", profile->places[i].bytes);
	}
	return err;
}

static uint64_t weight_of(const struct stack_place *place, bool is_bytes)
{
	return is_bytes ? place->bytes : place->objects;
}

static void write_profile(const struct stack_profile *profile, bool is_bytes, FILE *out)
{
	const char *between = "";
	uint64_t sum = 0;

	fputs("\"samples\":[", out);
	for (uint32_t i = 1; i < profile->count; i++) {
		uint32_t frames[STACK_DEPTH_MAX], depth = frames_of(profile, i, frames);

		if (!profile->places[i].objects)
			continue;
		fprintf(out, "%s[", between);
		for (uint32_t j = 0; j < depth; j++)
			fprintf(out, "%s%u", j ? "," : "", frames[j]);
		putc(']', out);
		between = "\n,";
	}
	fputs("],\n\"weights\":[", out);
	between = "";
	for (uint32_t i = 1; i < profile->count; i++) {
		if (!profile->places[i].objects)
			continue;
		fprintf(out, "%s%" PRIu64, between, weight_of(&profile->places[i], is_bytes));
		sum += weight_of(&profile->places[i], is_bytes);
		between = ",";
	}
	fprintf(out,
		"],\n\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"%s\",\"startValue\":0,"
		"\"endValue\":%" PRIu64 "}",
		is_bytes ? "bytes" : "objects", is_bytes ? "bytes" : "none", sum);
}

struct error *export_speedscope(const struct export_input *input, FILE *out)
{
	_cleanup_(stack_profile_destroy) struct stack_profile *profile = NULL;
	struct error *err = stack_profile_create(input->graph, input->paths, &profile);

	if (err)
		return err;
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"name\":", out);
	json_stream_text(out, input->name ? input->name : "heap");
	fputs(",\"exporter\":\"shikari\",\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[", out);
	for (uint32_t i = 0; i < profile->texts.count; i++) {
		fputs(i ? "\n,{\"name\":" : "{\"name\":", out);
		json_stream_text(out, text_table_get(&profile->texts, i));
		putc('}', out);
	}
	fputs("]},\n\"profiles\":[{", out);
	write_profile(profile, true, out);
	fputs(",\n{", out);
	write_profile(profile, false, out);
	fputs("]}\n", out);
	return NULL;
}
