// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Layouts as JSON: schema shikari.layout/1, see docs/json.md.
 */
#pragma once

#include "doctor/doctor_layout.h"

/** The document, with a newline at the end; the caller owns it. */
struct error *export_layout_json(const struct doctor_layout *layout, char **ret);
