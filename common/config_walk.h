/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies a schema (config_row.h) to a YAML tree: fills a structure, and says of everything that
 * does not fit where it stands: "FILE:LINE: key.path: reason". Used by config.c.
 */
#ifndef COMMON_CONFIG_WALK_H
#define COMMON_CONFIG_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config_row.h"
#include "common/reason.h"
#include "common/yaml_tree.h"

enum { CONFIG_PATH_SIZE = 160, CONFIG_MARKS_MAX = 128, CONFIG_ENTRIES_MAX = 64 };

/* Where something was given in the file. */
struct config_mark {
    const void *target; /* the member, or what stands for it: a mapping's schema, a row */
    int node;
    char path[CONFIG_PATH_SIZE]; /* "" for the document */
};

struct config_walk {
    const char *file;
    const struct yaml_tree *tree;
    struct failure *failure;
    char path[CONFIG_PATH_SIZE]; /* of what is being walked */
    size_t mark_count;
    struct config_mark marks[CONFIG_MARKS_MAX];
};

/* The pointers are borrowed for as long as the walk is used. */
void config_walk_init(struct config_walk *walk, const char *file, const struct yaml_tree *tree,
                      struct failure *failure);

/*
 * Fills *target, fallbacks included, from the document's root. Entries are left alone. Returns
 * false with the failure filled; so do all functions below.
 */
bool config_walk_root(struct config_walk *walk, const struct config_schema *schema, void *target);

/* Checks that a mapping that was walked, and those in it, have their required keys. */
bool config_walk_required(struct config_walk *walk, const struct config_schema *schema,
                          const void *target);

/*
 * Checks all entries of a CONFIG_ENTRIES row, each in *entry (of size bytes), and copies the one
 * that has this name to *found. Good when the row or the name is not there: *found_name says.
 */
bool config_walk_entries(struct config_walk *walk, const struct config_row *row, const char *name,
                         void *entry, void *found, size_t size, bool *found_name);

/* The names of a row's entries, "a, b"; "none". Cut when long. */
void config_walk_names(const struct config_walk *walk, const struct config_row *row, char *text,
                       size_t size);

/* Where a member, a mapping (its schema) or a row without a member was given, or NULL. */
const struct config_mark *config_walk_given(const struct config_walk *walk, const void *target);

/* Fails at a mark; key is put behind its path ("" : the mark itself). Returns false. */
bool config_walk_fail(struct config_walk *walk, const struct config_mark *mark, const char *key,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
