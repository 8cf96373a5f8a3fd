/* SPDX-License-Identifier: Apache-2.0 */
#include "common/yaml_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* libyaml's time grows with the square of the flow nesting: 64 KiB of '[' take it seconds. */
enum { BRACKETS_MAX = 1000 };

struct yaml_tree {
    yaml_document_t document;
};

static const yaml_node_t *node_at(const struct yaml_tree *tree, int node)
{
    return &tree->document.nodes.start[node - 1];
}

static bool fail(struct yaml_tree_error *error, size_t line_index, const char *text)
{
    error->line = (unsigned)line_index + 1;
    snprintf(error->text, sizeof error->text, "%s", text);
    return false;
}

static size_t count_byte(const char *text, size_t size, char byte)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += text[i] == byte;
    return count;
}

/* What libyaml found; its reader knows an offset and no line. */
static bool fail_parser(struct yaml_tree_error *error, const yaml_parser_t *parser,
                        const char *text, size_t size)
{
    size_t offset = parser->problem_offset < size ? parser->problem_offset : size;
    char reason[sizeof error->text];

    switch (parser->error) {
    case YAML_READER_ERROR:
        snprintf(reason, sizeof reason, "invalid UTF-8 text: %s", parser->problem);
        return fail(error, count_byte(text, offset, '\n'), reason);
    case YAML_SCANNER_ERROR:
    case YAML_PARSER_ERROR:
    case YAML_COMPOSER_ERROR:
        return fail(error, parser->problem_mark.line, parser->problem);
    default:
        return fail(error, 0, "not enough memory");
    }
}

static const char *scalar_fault(const yaml_node_t *node)
{
    for (size_t i = 0; i < node->data.scalar.length; i++)
        if (node->data.scalar.value[i] < ' ' || node->data.scalar.value[i] == 0x7f)
            return "control character or line end in a value";
    return NULL;
}

/* What yaml_tree.h promises about every node. */
static bool check_nodes(const yaml_document_t *document, struct yaml_tree_error *error)
{
    static const char *const tags[] = {
        [YAML_SCALAR_NODE] = YAML_STR_TAG,
        [YAML_SEQUENCE_NODE] = YAML_SEQ_TAG,
        [YAML_MAPPING_NODE] = YAML_MAP_TAG,
    };

    for (const yaml_node_t *node = document->nodes.start; node < document->nodes.top; node++) {
        const char *fault = NULL;

        if (node->type == YAML_SCALAR_NODE)
            fault = scalar_fault(node);
        if (strcmp((const char *)node->tag, tags[node->type]) != 0)
            fault = "tags are not supported";
        if (fault != NULL)
            return fail(error, node->start_mark.line, fault);
    }
    return true;
}

static bool check_end(yaml_parser_t *parser, struct yaml_tree_error *error, const char *text,
                      size_t size)
{
    yaml_document_t second;
    const yaml_node_t *root;

    if (!yaml_parser_load(parser, &second))
        return fail_parser(error, parser, text, size);
    root = yaml_document_get_root_node(&second);
    if (root != NULL)
        fail(error, root->start_mark.line, "a second document begins here");
    yaml_document_delete(&second);
    return root == NULL;
}

static bool load(struct yaml_tree *tree, yaml_parser_t *parser, struct yaml_tree_error *error,
                 const char *text, size_t size)
{
    bool good;

    if (count_byte(text, size, '[') + count_byte(text, size, '{') > BRACKETS_MAX)
        return fail(error, 0, "too many '[' and '{'");
    if (!yaml_parser_load(parser, &tree->document))
        return fail_parser(error, parser, text, size);
    if (yaml_document_get_root_node(&tree->document) == NULL)
        good = fail(error, 0, "no settings: it is empty or has only comments");
    else
        good = check_nodes(&tree->document, error) && check_end(parser, error, text, size);
    if (!good)
        yaml_document_delete(&tree->document);
    return good;
}

struct yaml_tree *yaml_tree_parse(const char *text, size_t size, struct yaml_tree_error *error)
{
    static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};
    struct yaml_tree *tree = malloc(sizeof *tree);
    yaml_parser_t parser;

    /* libyaml drops it only where it may guess the encoding; else it counts as a column. */
    if (size >= sizeof byte_order_mark &&
        memcmp(text, byte_order_mark, sizeof byte_order_mark) == 0) {
        text += sizeof byte_order_mark;
        size -= sizeof byte_order_mark;
    }

    if (tree == NULL || !yaml_parser_initialize(&parser)) {
        fail(error, 0, "not enough memory");
        goto free_tree;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (!load(tree, &parser, error, text, size))
        goto delete_parser;
    yaml_parser_delete(&parser);
    return tree;
delete_parser:
    yaml_parser_delete(&parser);
free_tree:
    free(tree);
    return NULL;
}

void yaml_tree_free(struct yaml_tree *tree)
{
    if (tree == NULL)
        return;
    yaml_document_delete(&tree->document);
    free(tree);
}

int yaml_tree_root(const struct yaml_tree *tree)
{
    (void)tree;
    return 1;
}

enum yaml_tree_kind yaml_tree_kind(const struct yaml_tree *tree, int node)
{
    switch (node_at(tree, node)->type) {
    case YAML_SEQUENCE_NODE:
        return YAML_TREE_LIST;
    case YAML_MAPPING_NODE:
        return YAML_TREE_MAPPING;
    default:
        return YAML_TREE_TEXT;
    }
}

unsigned yaml_tree_line(const struct yaml_tree *tree, int node)
{
    return (unsigned)node_at(tree, node)->start_mark.line + 1;
}

const char *yaml_tree_text(const struct yaml_tree *tree, int node)
{
    return (const char *)node_at(tree, node)->data.scalar.value;
}

bool yaml_tree_plain(const struct yaml_tree *tree, int node)
{
    return node_at(tree, node)->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

size_t yaml_tree_count(const struct yaml_tree *tree, int node)
{
    const yaml_node_t *n = node_at(tree, node);

    switch (n->type) {
    case YAML_SEQUENCE_NODE:
        return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    case YAML_MAPPING_NODE:
        return (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
    default:
        return 0;
    }
}

int yaml_tree_item(const struct yaml_tree *tree, int node, size_t index)
{
    return node_at(tree, node)->data.sequence.items.start[index];
}

int yaml_tree_key(const struct yaml_tree *tree, int node, size_t index)
{
    return node_at(tree, node)->data.mapping.pairs.start[index].key;
}

int yaml_tree_value(const struct yaml_tree *tree, int node, size_t index)
{
    return node_at(tree, node)->data.mapping.pairs.start[index].value;
}
