// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where the numbers come from: the rows of layouts that there are, and what was used for a process.
 *
 * Names, labels and C names are static; what the process said (its version, paths, errors that quote it)
 * is not to be trusted by a terminal.
 */
#pragma once

#include "doctor/doctor.h"

struct core_options;

/** "3.14.0rc1 to 3.14.4". */
#define DOCTOR_VERSIONS_BYTES 64

struct doctor_layout_trait {
	const char *name, *value; /* "alignment", "16" */
};

struct doctor_layout_row {
	const char *name;                     /* "cpython-3.13" */
	const char *labels;                   /* what it was read from: "3.11.2, 3.11.7" */
	uint32_t version_low, version_high;   /* PY_VERSION_HEX, both inclusive */
	char versions[DOCTOR_VERSIONS_BYTES]; /* "3.13", "3.7.0 to 3.7.3", "3.14.5 and later" */
	size_t field_count;                   /* fields that the versions have */
	size_t set_count;                     /* of them, those that data/layout/rows.txt sets */
	const struct doctor_layout_trait *traits; /* owned */
	size_t trait_count;
	char *refusal; /* why it was not taken for the process, or NULL. Owned */
	bool is_taken;
};

enum doctor_layout_source {
	DOCTOR_LAYOUT_READ, /* from the interpreters of the row's labels */
	DOCTOR_LAYOUT_SET,  /* written in data/layout/rows.txt */
	DOCTOR_LAYOUT_TOLD, /* by _Py_DebugOffsets of the process */
};
/** "row", "set", "process". */
const char *doctor_layout_source_name(enum doctor_layout_source source);

/** What the value of a field is: bytes from the start of the struct, bytes of the struct, bits. */
enum doctor_layout_kind {
	DOCTOR_LAYOUT_OFFSET,
	DOCTOR_LAYOUT_SIZE,
	DOCTOR_LAYOUT_BIT,
};
/** "offset", "size", "bit". */
const char *doctor_layout_kind_name(enum doctor_layout_kind kind);

/** A row has no value of its own. */
#define DOCTOR_LAYOUT_NONE UINT32_MAX

struct doctor_layout_field {
	const char *name;   /* "list.ob_item" */
	const char *c_name; /* "PyListObject.ob_item"; NULL if the row does not have it */
	enum doctor_layout_kind kind;
	enum doctor_layout_source source;
	uint32_t value;
	uint32_t row_value; /* another than the value only if the process told it */
};

/** A reference that is a plain field of a built-in type: always as the row has it. */
struct doctor_layout_member {
	const char *type_names; /* "weakref.ReferenceType,weakref" */
	uint32_t size;          /* of the C struct */
	const char *label;      /* what Python calls it; "" */
	uint32_t offset;
};

struct doctor_layout {
	const char *supported;        /* "2.7, 3.6 to 3.15" */
	bool is_of_process;           /* false: all rows, of no process */
	pid_t pid;                    /* 0: unknown, a core does not always say it */
	char core[DOCTOR_TEXT_BYTES]; /* the core file; "": a process that runs */
	uint32_t version_hex;
	char python[DOCTOR_VERSIONS_BYTES]; /* "CPython 3.13.5" */
	char binary[DOCTOR_TEXT_BYTES];     /* that has the interpreter, in the process's mounts */
	char executable[DOCTOR_TEXT_BYTES];
	struct doctor_layout_row *rows; /* all, or those that were tried, in order. Owned */
	size_t row_count;
	struct doctor_layout_field *fields; /* that the version has, if a row was taken. Owned */
	size_t field_count;
	struct doctor_layout_member *members; /* in the order of types. Owned */
	size_t member_count;
};

/** All rows. */
struct error *doctor_layout_list(struct doctor_layout *ret);

/**
 * What is used for a process, which is not stopped. An error is the one that a hunt would end with; if
 * it is that no row fits, @p ret still says which were tried, and why each was refused.
 */
struct error *doctor_layout_examine(pid_t pid, struct doctor_layout *ret);

/** The same for what a core file holds. */
struct error *doctor_layout_examine_core(
	const char *path, const struct core_options *options, struct doctor_layout *ret);

/** The row that was taken, or NULL. */
const struct doctor_layout_row *doctor_layout_taken(const struct doctor_layout *layout);

void doctor_layout_deinit(struct doctor_layout *layout);

static inline void cleanup_doctor_layout_deinit(struct doctor_layout *layout)
{
	doctor_layout_deinit(layout);
}
