// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What a doctor found, as JSON: schema shikari.doctor/1, see docs/json.md.
 */
#pragma once

#include "doctor/doctor.h"

/** The document, with a newline at the end; the caller owns it. */
struct error *export_doctor_json(const struct doctor_report *report, char **ret);
