// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/core_mappings.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/search.h"
#include "base/vector.h"

DEFINE_VECTOR(core_mapping_vector, struct mapping)
DEFINE_VECTOR(core_piece_vector, struct core_piece)

struct layout {
	const uint8_t *core;
	const struct core_notes *notes;
	const struct core_binaries *binaries;
	remote_addr *bases; /* by binary: where its first byte is, as it was loaded last */
	struct core_mapping_vector mappings;
	struct core_piece_vector pieces;
	struct core_gaps gaps;
};

/** What is the same from start to end. */
struct span {
	remote_addr start, end;
	const struct core_segment *segment;  /* NULL: none */
	const struct core_mapped_file *file; /* NULL: none */
	const struct core_binary *binary;    /* of the file */
	remote_addr base;
	uint64_t inode;
};

const uint8_t *core_segments_find(const struct core_segment *segments, size_t count,
	const uint8_t *core, remote_addr addr, uint64_t *ret_size)
{
	size_t low = partition_point(i, count, segments[i].end <= addr);

	if (low == count || segments[low].start > addr ||
		addr - segments[low].start >= segments[low].present)
		return NULL;
	*ret_size = segments[low].present - (addr - segments[low].start);
	return core + segments[low].offset + (addr - segments[low].start);
}

// The names that the kernel gives to what is no file, as far as anybody asks for them.
static const char *name_of(const struct layout *layout, const struct span *span)
{
	const struct core_auxv *auxv = &layout->notes->auxv;

	if (span->file)
		return span->file->path;
	if (auxv->random >= span->segment->start && auxv->random < span->segment->end)
		return "[stack]";
	return auxv->vdso && auxv->vdso == span->segment->start ? "[vdso]" : "";
}

// Inodes are not in a core: here each path has one. A file that is written to and is no ELF file is
// taken for a shared one: no library's data are there.
static struct error *add(struct layout *layout, const struct span *span, remote_addr end,
	const struct core_part *part, const struct core_piece *piece)
{
	const struct core_segment *segment = span->segment;
	struct mapping mapping = {
		.start = span->start,
		.end = end,
		.offset = span->file ? span->file->offset + (span->start - span->file->start) : 0,
		.inode = span->inode,
		.readable = piece->bytes || piece->fd >= 0,
		.writable = segment ? segment->writable : part && part->writable,
		.executable = segment ? segment->executable : part && part->executable,
		.path = name_of(layout, span),
	};

	mapping.shared =
		mapping.writable && span->binary && span->binary->state == CORE_BINARY_OTHER;
	if (layout->mappings.count >= 2 * LIMIT_MAPPINGS)
		return error_create(ERROR_BAD_DATA, "more than %d mappings", 2 * LIMIT_MAPPINGS);
	if (!core_mapping_vector_push(&layout->mappings, mapping) ||
		!core_piece_vector_push(&layout->pieces, *piece))
		return error_enomem();
	return NULL;
}

// coredump_filter is about all memory of a kind: core(5).
static void note_private(struct layout *layout, const struct span *span)
{
	const struct core_segment *segment = span->segment;

	layout->gaps.has_private |=
		segment && !span->file && segment->writable && segment->claimed > 0;
}

static void count_gap(struct layout *layout, const struct span *span, const struct core_part *part)
{
	const struct core_segment *segment = span->segment;
	struct core_gaps *gaps = &layout->gaps;
	uint64_t size = span->end - span->start;

	if (segment && span->start - segment->start < segment->claimed) {
		uint64_t left = segment->claimed - (span->start - segment->start);

		gaps->cut_bytes += left < size ? left : size;
		gaps->cut_mappings++;
	} else if (span->binary && span->binary->state == CORE_BINARY_OTHER) {
		return;
	} else if (segment ? segment->readable && segment->writable : part && part->writable) {
		gaps->left_bytes += size;
		gaps->left_mappings++;
	}
}

// What the core has not: from the file, if that is the same as memory was.
static struct error *add_missing(struct layout *layout, struct span *span)
{
	while (span->start < span->end) {
		uint64_t offset =
			span->file ? span->file->offset + (span->start - span->file->start) : 0;
		uint64_t size = span->end - span->start;
		const struct core_part *part = span->binary
						       ? core_binary_part(span->binary, span->base,
								 span->start, offset, &size)
						       : NULL;
		bool is_same =
			part && !part->writable && !(span->segment && span->segment->writable);
		struct core_piece piece = {.fd = is_same ? span->binary->fd : -1};
		remote_addr end = size < span->end - span->start ? span->start + size : span->end;
		struct error *error;

		if (!is_same) {
			end = span->end;
			count_gap(layout, span, part);
		}
		error = add(layout, span, end, part, &piece);
		if (error)
			return error;
		span->start = end;
	}
	return NULL;
}

static struct error *add_span(struct layout *layout, struct span *span)
{
	const struct core_segment *segment = span->segment;
	remote_addr present = segment ? segment->start + segment->present : 0;

	note_private(layout, span);
	if (span->start < present) {
		uint64_t into = span->start - segment->start;
		struct core_piece piece = {
			.bytes = layout->core + segment->offset + into,
			.core_offset = segment->offset + into,
			.fd = -1,
		};
		remote_addr end = present < span->end ? present : span->end;
		struct error *error = add(layout, span, end, NULL, &piece);

		if (error)
			return error;
		span->start = end;
	}
	return add_missing(layout, span);
}

// Where a file was loaded, its first part is the lowest.
static void enter_file(struct layout *layout, size_t index, struct span *span)
{
	uint32_t number = layout->binaries->of_file[index];
	const struct core_mapped_file *file = &layout->notes->files[index];

	if (file->offset == 0 || !layout->bases[number])
		layout->bases[number] = file->start - file->offset;
	span->file = file;
	span->binary = &layout->binaries->items[number];
	span->base = layout->bases[number];
	// A process of so many is none: what is past it is no file.
	span->inode = number < LIMIT_CORE_BINARIES ? number + 1 : 0;
}

static remote_addr least(remote_addr a, remote_addr b)
{
	return a < b ? a : b;
}

// Both lists from low to high, cut wherever one of either begins or ends.
static struct error *merge(struct layout *layout, const struct core_segment *segments, size_t count)
{
	const struct core_mapped_file *files = layout->notes->files;
	size_t file_count = layout->notes->file_count;
	struct error *error = NULL;
	remote_addr at = 0;

	for (size_t i = 0, j = 0; !error && (i < count || j < file_count);) {
		remote_addr segment_at = i < count ? segments[i].start : UINT64_MAX;
		remote_addr file_at = j < file_count ? files[j].start : UINT64_MAX;
		remote_addr next = least(segment_at, file_at);
		struct span span = {.start = next > at ? next : at, .end = UINT64_MAX};

		if (segment_at <= span.start) {
			span.segment = &segments[i];
			span.end = segments[i].end;
		} else {
			span.end = segment_at;
		}
		if (file_at <= span.start) {
			enter_file(layout, j, &span);
			span.end = least(span.end, files[j].end);
		} else {
			span.end = least(span.end, file_at);
		}
		at = span.end;
		error = add_span(layout, &span);
		i += i < count && segments[i].end <= at;
		j += j < file_count && files[j].end <= at;
	}
	return error;
}

struct error *core_mappings_create(const struct core_segment *segments, size_t count,
	const uint8_t *core, const struct core_notes *notes, const struct core_binaries *binaries,
	struct core_mappings *ret)
{
	struct layout layout = {
		.core = core,
		.notes = notes,
		.binaries = binaries,
		.bases = mem_calloc(binaries->count, sizeof(*layout.bases)),
	};
	struct error *error = layout.bases ? merge(&layout, segments, count) : error_enomem();

	mem_free(layout.bases);
	if (error) {
		core_mapping_vector_deinit(&layout.mappings);
		core_piece_vector_deinit(&layout.pieces);
		return error;
	}
	*ret = (struct core_mappings){
		.mappings = {.items = layout.mappings.items, .count = layout.mappings.count},
		.pieces = layout.pieces.items,
		.gaps = layout.gaps,
	};
	return NULL;
}
