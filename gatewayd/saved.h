/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set parameters that are used when a request leaves them out (specification 5.2.1.3): in
 * memory, and in a small file of the run directory, so that they survive a restart.
 */
#ifndef GATEWAYD_SAVED_H
#define GATEWAYD_SAVED_H

#include "gatewayd/parameters.h"

struct saved;

/* Reads the file, if there is one; a broken one is left out with a warning. NULL without memory. */
struct saved *saved_open(const char *path);

const struct parameters *saved_get(const struct saved *saved);

/* Saves those parameters that are there in *news. Writes the file if anything changed. */
void saved_update(struct saved *saved, const struct parameters *news);

/* Forgets all. */
void saved_forget(struct saved *saved);

/* NULL: no-op. */
void saved_close(struct saved *saved);

#endif
