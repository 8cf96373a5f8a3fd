/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config_walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool walk_mapping(struct config_walk *walk, const struct config_schema *schema, int node,
                         void *target);

void config_walk_init(struct config_walk *walk, const char *file, const struct yaml_tree *tree,
                      struct failure *failure)
{
    *walk = (struct config_walk){.file = file, .tree = tree, .failure = failure};
}

/* Appends ".key" or "[index]" to the path; returns the length to go back to with leave(). */
static size_t enter(struct config_walk *walk, const char *key)
{
    size_t length = strlen(walk->path);

    snprintf(walk->path + length, sizeof walk->path - length, "%s%.64s",
             length > 0 && key[0] != '[' ? "." : "", key);
    return length;
}

static void leave(struct config_walk *walk, size_t length)
{
    walk->path[length] = '\0';
}

static bool fail_at(struct config_walk *walk, unsigned line, const char *path, const char *reason)
{
    failure_set(walk->failure, REASON_CONFIG, "%s:%u: %s%s%s", walk->file, line, path,
                path[0] != '\0' ? ": " : "", reason);
    return false;
}

/* Fails at a node, under the path being walked. */
static bool fail(struct config_walk *walk, int node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(struct config_walk *walk, int node, const char *format, ...)
{
    char reason[CONFIG_REASON_SIZE + CONFIG_PATH_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return fail_at(walk, yaml_tree_line(walk->tree, node), walk->path, reason);
}

bool config_walk_fail(struct config_walk *walk, const struct config_mark *mark, const char *key,
                      const char *format, ...)
{
    char reason[CONFIG_REASON_SIZE + CONFIG_PATH_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    snprintf(walk->path, sizeof walk->path, "%s", mark->path);
    if (key[0] != '\0')
        enter(walk, key);
    return fail_at(walk, yaml_tree_line(walk->tree, mark->node), walk->path, reason);
}

const struct config_mark *config_walk_given(const struct config_walk *walk, const void *target)
{
    for (size_t i = 0; i < walk->mark_count; i++)
        if (walk->marks[i].target == target)
            return &walk->marks[i];
    return NULL;
}

/* What a row fills: its member, or what is as unique as that. */
static const void *row_target(const struct config_row *row, const void *target)
{
    if (row->size > 0)
        return (const char *)target + row->offset;
    if (row->kind == CONFIG_MAPPING || row->kind == CONFIG_DEVICE)
        return row->schema;
    return row;
}

static bool mark(struct config_walk *walk, const void *target, int node)
{
    const struct config_mark *first = config_walk_given(walk, target);
    struct config_mark *new;

    if (first != NULL)
        return fail(walk, node, "the same value as %s in line %u: leave one out", first->path,
                    yaml_tree_line(walk->tree, first->node));
    if (walk->mark_count == CONFIG_MARKS_MAX)
        return fail(walk, node, "too many keys");
    new = &walk->marks[walk->mark_count++];
    new->target = target;
    new->node = node;
    memcpy(new->path, walk->path, sizeof new->path);
    return true;
}

static const char *kind_found(const struct config_walk *walk, int node)
{
    static const char *const names[] = {
        [YAML_TREE_TEXT] = "a single value",
        [YAML_TREE_LIST] = "a list",
        [YAML_TREE_MAPPING] = "a mapping",
    };

    return names[yaml_tree_kind(walk->tree, node)];
}

static bool walk_scalar(struct config_walk *walk, const struct config_row *row, int node,
                        void *target)
{
    char reason[CONFIG_REASON_SIZE];

    if (yaml_tree_kind(walk->tree, node) != YAML_TREE_TEXT)
        return fail(walk, node, "%s is expected, not %s", config_row_expected(row),
                    kind_found(walk, node));
    if (!config_row_store(row, yaml_tree_text(walk->tree, node), yaml_tree_plain(walk->tree, node),
                          target, reason))
        return fail(walk, node, "%s", reason);
    return true;
}

static bool walk_list(struct config_walk *walk, const struct config_row *row, int node,
                      void *target)
{
    const struct config_schema *schema = row->schema;
    size_t count = yaml_tree_count(walk->tree, node);

    if (yaml_tree_kind(walk->tree, node) != YAML_TREE_LIST)
        return fail(walk, node, "a list is expected, not %s", kind_found(walk, node));
    if (count > schema->count)
        return fail(walk, node, "at most %zu values are expected, not %zu", schema->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct config_row *item = &schema->row[i];
        int item_node = yaml_tree_item(walk->tree, node, i);
        char index[24];
        size_t length;

        snprintf(index, sizeof index, "[%zu]", i);
        length = enter(walk, index);
        if (!mark(walk, row_target(item, target), item_node) ||
            !walk_scalar(walk, item, item_node, target))
            return false;
        leave(walk, length);
    }
    return true;
}

/* Any number of values of one kind, in place of the fallback's. */
static bool walk_values(struct config_walk *walk, const struct config_row *row, int node,
                        void *target)
{
    size_t count = yaml_tree_count(walk->tree, node);

    if (yaml_tree_kind(walk->tree, node) != YAML_TREE_LIST)
        return fail(walk, node, "a list is expected, not %s", kind_found(walk, node));
    memset((char *)target + row->offset, 0, row->size);
    for (size_t i = 0; i < count; i++) {
        char index[24];
        size_t length;

        snprintf(index, sizeof index, "[%zu]", i);
        length = enter(walk, index);
        if (!walk_scalar(walk, row, yaml_tree_item(walk->tree, node, i), target))
            return false;
        leave(walk, length);
    }
    return true;
}

/* A device as a list of one mapping is that mapping. */
static bool walk_device(struct config_walk *walk, const struct config_row *row, int node,
                        void *target)
{
    if (yaml_tree_kind(walk->tree, node) == YAML_TREE_LIST) {
        if (yaml_tree_count(walk->tree, node) != 1)
            return fail(walk, node, "one mapping is expected, not %zu",
                        yaml_tree_count(walk->tree, node));
        node = yaml_tree_item(walk->tree, node, 0);
    }
    return walk_mapping(walk, row->schema, node, target);
}

static bool walk_row(struct config_walk *walk, const struct config_row *row, int node, void *target)
{
    /* A mapping's mark is its schema: required keys are looked for under it. */
    if (!mark(walk, row_target(row, target), node))
        return false;
    switch (row->kind) {
    case CONFIG_MAPPING:
        return walk_mapping(walk, row->schema, node, target);
    case CONFIG_DEVICE:
        return walk_device(walk, row, node, target);
    case CONFIG_LIST:
        return walk_list(walk, row, node, target);
    case CONFIG_ENTRIES:
        return true;
    default:
        if (config_row_is_list(row))
            return walk_values(walk, row, node, target);
        return walk_scalar(walk, row, node, target);
    }
}

/* A mapping's pairs, or those of nothing at all: a key whose keys are all commented out. */
static bool open_mapping(struct config_walk *walk, int node, size_t *count)
{
    bool empty = yaml_tree_kind(walk->tree, node) == YAML_TREE_TEXT &&
                 yaml_tree_plain(walk->tree, node) && yaml_tree_text(walk->tree, node)[0] == '\0';

    *count = yaml_tree_count(walk->tree, node);
    if (!empty && yaml_tree_kind(walk->tree, node) != YAML_TREE_MAPPING)
        return fail(walk, node, "a mapping is expected, not %s", kind_found(walk, node));
    return true;
}

/* The text of a pair's key, which none of the pairs before has; NULL on failure. */
static const char *pair_key(struct config_walk *walk, int mapping, size_t index)
{
    int key = yaml_tree_key(walk->tree, mapping, index);

    if (yaml_tree_kind(walk->tree, key) != YAML_TREE_TEXT) {
        fail(walk, key, "a key must be text, not %s", kind_found(walk, key));
        return NULL;
    }
    if (yaml_tree_text(walk->tree, key)[0] == '\0') {
        fail(walk, key, "a key is empty");
        return NULL;
    }
    for (size_t i = 0; i < index; i++) {
        int other = yaml_tree_key(walk->tree, mapping, i);

        if (strcmp(yaml_tree_text(walk->tree, other), yaml_tree_text(walk->tree, key)) == 0) {
            enter(walk, yaml_tree_text(walk->tree, key));
            fail(walk, key, "duplicate key, first in line %u", yaml_tree_line(walk->tree, other));
            return NULL;
        }
    }
    return yaml_tree_text(walk->tree, key);
}

static bool fail_unknown(struct config_walk *walk, const struct config_schema *schema, int key)
{
    const struct config_row *near = config_row_near(schema, yaml_tree_text(walk->tree, key));

    if (near != NULL)
        return fail(walk, key, "unknown key, did you mean '%s'?", near->name);
    return fail(walk, key, "unknown key");
}

static bool walk_mapping(struct config_walk *walk, const struct config_schema *schema, int node,
                         void *target)
{
    size_t count;

    if (!open_mapping(walk, node, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *key = pair_key(walk, node, i);
        const struct config_row *row;
        size_t length;

        if (key == NULL)
            return false;
        row = config_row_find(schema, key);
        length = enter(walk, key);
        if (row == NULL)
            return fail_unknown(walk, schema, yaml_tree_key(walk->tree, node, i));
        if (!walk_row(walk, row, yaml_tree_value(walk->tree, node, i), target))
            return false;
        leave(walk, length);
    }
    return true;
}

bool config_walk_root(struct config_walk *walk, const struct config_schema *schema, void *target)
{
    int root = yaml_tree_root(walk->tree);

    config_row_defaults(schema, target);
    return mark(walk, schema, root) && walk_mapping(walk, schema, root, target);
}

bool config_walk_required(struct config_walk *walk, const struct config_schema *schema,
                          const void *target)
{
    const struct config_mark *mapping = config_walk_given(walk, schema);

    for (size_t i = 0; i < schema->count; i++) {
        const struct config_row *row = &schema->row[i];
        bool given = config_walk_given(walk, row_target(row, target)) != NULL;

        if (row->required && !given)
            return config_walk_fail(walk, mapping, row->name, "required key missing");
        if (given && (row->kind == CONFIG_MAPPING || row->kind == CONFIG_DEVICE) &&
            !row->schema->conditional && !config_walk_required(walk, row->schema, target))
            return false;
    }
    return true;
}

static bool walk_entry(struct config_walk *walk, const struct config_schema *schema, int node,
                       void *entry)
{
    size_t marks = walk->mark_count;
    bool good;

    config_row_defaults(schema, entry);
    good = mark(walk, schema, node) && walk_mapping(walk, schema, node, entry) &&
           config_walk_required(walk, schema, entry);
    walk->mark_count = marks;
    return good;
}

bool config_walk_entries(struct config_walk *walk, const struct config_row *row, const char *name,
                         void *entry, void *found, size_t size, bool *found_name)
{
    const struct config_mark *given = config_walk_given(walk, row);
    size_t count;

    *found_name = false;
    if (given == NULL)
        return true;
    memcpy(walk->path, given->path, sizeof walk->path);
    if (!open_mapping(walk, given->node, &count))
        return false;
    if (count > CONFIG_ENTRIES_MAX)
        return fail(walk, given->node, "more than %d entries", CONFIG_ENTRIES_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *key = pair_key(walk, given->node, i);
        size_t length;

        if (key == NULL)
            return false;
        length = enter(walk, key);
        memset(entry, 0, size);
        if (!walk_entry(walk, row->schema, yaml_tree_value(walk->tree, given->node, i), entry))
            return false;
        leave(walk, length);
        if (strcmp(key, name) == 0) {
            memcpy(found, entry, size);
            *found_name = true;
        }
    }
    return true;
}

void config_walk_names(const struct config_walk *walk, const struct config_row *row, char *text,
                       size_t size)
{
    const struct config_mark *given = config_walk_given(walk, row);
    size_t count = given != NULL ? yaml_tree_count(walk->tree, given->node) : 0;

    snprintf(text, size, "%s", count == 0 ? "none" : "");
    for (size_t i = 0; i < count; i++) {
        int key = yaml_tree_key(walk->tree, given->node, i);

        snprintf(text + strlen(text), size - strlen(text), "%s%.64s", i > 0 ? ", " : "",
                 yaml_tree_text(walk->tree, key));
    }
}
