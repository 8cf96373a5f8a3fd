/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EZA2500's command set as one constant table: data only (wire facts, "Commands").
 * The codec, the RPC methods, the configuration's ranges and the simulator are driven by it.
 */
#ifndef COMMON_EZA_COMMANDS_H
#define COMMON_EZA_COMMANDS_H

#include <stddef.h>
#include <stdint.h>

#include "common/decimal.h"

enum { EZA_FIELDS_MAX = 10 };

/* How a field lies on the wire; multi-byte fields are little endian. */
enum eza_type { EZA_U8, EZA_U16, EZA_S16 };

/* What a field's raw value means. */
enum eza_kind {
    EZA_SCALED,  /* value = raw × rating / 2^q, exact */
    EZA_INTEGER, /* the raw value itself */
    EZA_HEX,     /* a bit field, shown as "0x%04x" */
    EZA_MODE,    /* operation mode: as EZA_HEX, only the specification's values are valid */
    EZA_CST      /* status word: as EZA_HEX, alarm and running state must be 0..2 */
};

struct eza_field {
    const char *name; /* the specification's symbol */
    const char *unit; /* "V", "A", "W", "°C", "1/min" or "" */
    enum eza_type type;
    enum eza_kind kind;
    uint8_t q;             /* EZA_SCALED only, like the next three */
    struct decimal rating; /* in unit */
    struct decimal min;    /* least value that may be asked for, in unit; writable fields only */
    struct decimal max;    /* greatest value that may be asked for */
};

struct eza_fields {
    const struct eza_field *field;
    size_t count;
};

struct eza_command {
    const char *name; /* "6-4": group, then 1 = read or 4 = write */
    const char *help;
    uint8_t cmd; /* CMD byte */
    struct eza_fields request;
    struct eza_fields reply;
};

extern const struct eza_command eza_commands[];
extern const size_t eza_command_count;

/* The row with this name, or NULL. */
const struct eza_command *eza_command_find(const char *name);

/* The index of the named field, or -1. */
int eza_field_find(const struct eza_fields *fields, const char *name);

/* Bytes that these fields take on the wire. */
size_t eza_fields_size(const struct eza_fields *fields);

#endif
