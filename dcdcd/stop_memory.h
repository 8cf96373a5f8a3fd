/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembers over a restart that a stop is not confirmed: the file dcdcd.stop_owed in the run
 * directory is there as long as it is not. What is in it does not matter.
 */
#ifndef DCDCD_STOP_MEMORY_H
#define DCDCD_STOP_MEMORY_H

#include <limits.h>
#include <stdbool.h>

struct stop_memory {
    char path[PATH_MAX];
    bool owed; /* as the file says */
};

/* Looks for the file: memory->owed says whether a stop was owed when dcdcd last ended. */
void stop_memory_init(struct stop_memory *memory, const char *run_dir);

/* Makes or removes the file if that has changed. A failure is logged. */
void stop_memory_keep(struct stop_memory *memory, bool owed);

#endif
