/* SPDX-License-Identifier: Apache-2.0 */
/* How much two names differ, for "did you mean". Pure. Used by the configuration. */
#ifndef COMMON_EDIT_DISTANCE_H
#define COMMON_EDIT_DISTANCE_H

enum { EDIT_DISTANCE_LENGTH_MAX = 40 };

/*
 * The number of letters changed, added, left out or swapped with their neighbour (optimal string
 * alignment), without regard to case. UINT_MAX when a name is longer than the bound.
 */
unsigned edit_distance(const char *a, const char *b);

#endif
