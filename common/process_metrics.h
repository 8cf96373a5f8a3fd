/* SPDX-License-Identifier: Apache-2.0 */
/* What every daemon's metrics begin with: which build this is, and what the process uses. */
#ifndef COMMON_PROCESS_METRICS_H
#define COMMON_PROCESS_METRICS_H

#include "common/metrics.h"

/* Adds the families, labelled daemon="…". What /proc does not tell has no sample. */
void process_metrics(struct metrics *metrics, const char *daemon);

#endif
