// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A hunt's report as JSON, schema "shikari.hunt/1": docs/json.md says what each field means.
 */
#pragma once

#include "report/hunt_report.h"

/** The document, indented, with a newline at the end. The caller owns it (mem_free()). Strings are
 *  valid UTF-8 whatever the target's bytes were. */
struct error *export_hunt_json(const struct hunt_report *report, char **ret);
