/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key of the configuration file as data, and how its text becomes a value. Pure.
 * The rows are in config_schema.c; config_walk.c applies them to a document.
 */
#ifndef COMMON_CONFIG_ROW_H
#define COMMON_CONFIG_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/decimal.h"

/* What a key takes, and the member that it fills. */
enum config_kind {
    CONFIG_TEXT,     /* any text, quoted or not: char[size] */
    CONFIG_CHOICE,   /* one of a few texts: an unsigned integer of size bytes */
    CONFIG_BOOL,     /* yes or no: bool */
    CONFIG_UNSIGNED, /* whole number: an unsigned integer of size bytes */
    CONFIG_SECONDS,  /* a time in seconds: int64_t, microseconds */
    CONFIG_NUMBER,   /* a number that is echoed as written: struct config_number */
    CONFIG_NETWORKS, /* a list of addresses and networks: struct config_networks */
    CONFIG_NAMES,    /* a list of HOST or HOST:PORT: struct config_names */
    CONFIG_LIST,     /* values by position */
    CONFIG_MAPPING,  /* keys of its own */
    CONFIG_DEVICE,   /* the same, also as a list of one mapping */
    CONFIG_ENTRIES   /* mappings with free names; nothing is filled */
};

/* One text that a CONFIG_CHOICE takes. The last row of an array has no text. */
struct config_choice {
    const char *text;
    unsigned value;
};

struct config_row {
    const char *name;
    enum config_kind kind;
    bool required;
    size_t offset; /* of the member in the structure that the schema is for */
    size_t size;   /* of the member; 0: checked, not kept */

    /* The text that stands for a key left out, or NULL: the member stays zero. */
    const char *fallback;

    /* Numbers: least and greatest value; or those of this field of this EZA2500 command. */
    struct decimal min, max;
    const char *command, *field;

    const struct config_choice *choices;
    const struct config_schema *schema; /* of a mapping, a list or an entry; same structure */
};

/* The keys of a mapping, or the values of a list in their order. */
struct config_schema {
    const struct config_row *row;
    size_t count;
    bool conditional; /* whether required keys are needed is decided elsewhere */
};

enum { CONFIG_REASON_SIZE = 200 };

/*
 * Checks a scalar's text against its row and, when good, fills the row's member of *target.
 * plain: the text stands without quotes, as numbers and yes/no must. Numbers: decimal, with or
 * without exponent, or hexadecimal with 0x; a leading zero is refused, because YAML 1.1 reads
 * 010 as eight. Of CONFIG_NETWORKS and CONFIG_NAMES the text is one item, added to the member.
 * Returns true, or false with the reason for the user.
 */
bool config_row_store(const struct config_row *row, const char *text, bool plain, void *target,
                      char reason[static CONFIG_REASON_SIZE]);

/* Fills the fallbacks of all rows, those of inner lists and mappings included. */
void config_row_defaults(const struct config_schema *schema, void *target);

/* The row with this name, or NULL. */
const struct config_row *config_row_find(const struct config_schema *schema, const char *name);

/* The row whose name this one looks like (letters wrong, swapped, missing or added), or NULL. */
const struct config_row *config_row_near(const struct config_schema *schema, const char *name);

/* Whether config_row_store is called for each item of a list; the member begins as zero. */
bool config_row_is_list(const struct config_row *row);

/* "a number", "a mapping": what a row takes, for messages. */
const char *config_row_expected(const struct config_row *row);

#endif
