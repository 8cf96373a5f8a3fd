/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML document in memory, as a read-only tree of nodes. The only file that sees yaml.h.
 * Used by the configuration.
 *
 * Nodes are numbers from 1; 0 is none. An alias is the node that it stands for, so that nothing
 * is expanded; a tree may hold cycles: walk it by a schema, never by its own depth.
 */
#ifndef COMMON_YAML_TREE_H
#define COMMON_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

enum yaml_tree_kind { YAML_TREE_TEXT, YAML_TREE_LIST, YAML_TREE_MAPPING };

/* Where and why a text is not a document; line counts from 1. */
struct yaml_tree_error {
    unsigned line;
    char text[160];
};

struct yaml_tree;

/*
 * Parses one YAML 1.1 document in UTF-8. Returns a tree (yaml_tree_free), or NULL with *error
 * filled: syntax errors, other encodings, control characters (also escaped ones), tags, nesting
 * deeper than any file of ours, a second document, no content at all.
 */
struct yaml_tree *yaml_tree_parse(const char *text, size_t size, struct yaml_tree_error *error);
void yaml_tree_free(struct yaml_tree *tree);

int yaml_tree_root(const struct yaml_tree *tree);
enum yaml_tree_kind yaml_tree_kind(const struct yaml_tree *tree, int node);

/* The line where the node begins, from 1. */
unsigned yaml_tree_line(const struct yaml_tree *tree, int node);

/* A text node's text, without quotes; lives as long as the tree. */
const char *yaml_tree_text(const struct yaml_tree *tree, int node);

/* Whether a text node stands without quotes. */
bool yaml_tree_plain(const struct yaml_tree *tree, int node);

/* Items of a list or pairs of a mapping; 0 for a text. */
size_t yaml_tree_count(const struct yaml_tree *tree, int node);

/* Item of a list; key and value of a mapping's pair. index < yaml_tree_count. */
int yaml_tree_item(const struct yaml_tree *tree, int node, size_t index);
int yaml_tree_key(const struct yaml_tree *tree, int node, size_t index);
int yaml_tree_value(const struct yaml_tree *tree, int node, size_t index);

#endif
