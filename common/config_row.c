/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config_row.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/config.h"
#include "common/edit_distance.h"
#include "common/eza_commands.h"

static bool refuse(char reason[static CONFIG_REASON_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(char reason[static CONFIG_REASON_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, CONFIG_REASON_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

static void store_unsigned(void *member, size_t size, uint64_t value)
{
    uint8_t u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;

    if (size == sizeof u8)
        memcpy(member, &u8, size);
    else if (size == sizeof u16)
        memcpy(member, &u16, size);
    else if (size == sizeof u32)
        memcpy(member, &u32, size);
    else
        assert(size == 0);
}

static bool store_text(const struct config_row *row, const char *text, bool plain, void *member,
                       char *reason)
{
    (void)plain;
    if (row->size == 0)
        return true;
    if (strlen(text) >= row->size)
        return refuse(reason, "longer than %zu bytes", row->size - 1);
    memcpy(member, text, strlen(text) + 1);
    return true;
}

static bool store_choice(const struct config_row *row, const char *text, bool plain, void *member,
                         char *reason)
{
    char known[120] = "";

    (void)plain;
    for (const struct config_choice *c = row->choices; c->text != NULL; c++) {
        if (strcmp(c->text, text) == 0) {
            store_unsigned(member, row->size, c->value);
            return true;
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s",
                 c == row->choices ? "" : ", ", c->text);
    }
    return refuse(reason, "'%.32s' is not supported (supported: %s)", text, known);
}

static bool store_bool(const struct config_row *row, const char *text, bool plain, void *member,
                       char *reason)
{
    static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}};

    (void)row;
    for (size_t i = 0; plain && i < sizeof words / sizeof words[0]; i++)
        for (int value = 0; value <= 1; value++)
            if (strcasecmp(words[i][value], text) == 0) {
                *(bool *)member = value == 1;
                return true;
            }
    return refuse(reason, plain ? "'%.32s' is not yes or no" : "'%.32s' in quotes is not yes or no",
                  text);
}

/* 0x… to decimal digits; false when it is none or wider than 32 bits. */
static bool from_hexadecimal(const char *digits, char text[static DECIMAL_TEXT_MAX + 1])
{
    size_t length = strspn(digits, "0123456789abcdefABCDEF");

    if (length == 0 || length > 8 || digits[length] != '\0')
        return false;
    snprintf(text, DECIMAL_TEXT_MAX + 1, "%lu", strtoul(digits, NULL, 16));
    return true;
}

/*
 * Reads a number as people write it and gives it the form that JSON has: 0x34 becomes 52, +5
 * becomes 5, .5 becomes 0.5; all else stays as it is.
 */
static bool parse_number(const char *text, struct config_number *number, char *reason)
{
    const char *p = text, *why;
    bool negative = *p == '-' && strpbrk(p, "123456789") != NULL;

    if (strncasecmp(p, "0x", 2) == 0 && from_hexadecimal(p + 2, number->text)) {
        why = decimal_parse(number->text, &number->value);
        return why == NULL;
    }
    if (*p == '-' || *p == '+')
        p++;
    if (p[0] == '0' && p[1] >= '0' && p[1] <= '9')
        return refuse(reason, "'%.32s': leading zero (YAML reads it as octal): leave it out", text);
    snprintf(number->text, sizeof number->text, "%s%s%.*s", negative ? "-" : "",
             *p == '.' ? "0" : "", DECIMAL_TEXT_MAX - 2, p);
    why = strlen(p) > DECIMAL_TEXT_MAX - 2 ? "too long for a number"
                                           : decimal_parse(number->text, &number->value);
    /* decimal_parse takes a sign of its own: "+-5" is none of ours. */
    if (why == NULL && (*p == '-' || *p == '+'))
        why = "not a number";
    if (why == NULL)
        return true;
    if (strcmp(why, "not a number") == 0)
        return refuse(reason, "'%.32s' is not a number", text);
    return refuse(reason, "'%.32s': %s", text, why);
}

static char *shown(struct decimal value, char text[static DECIMAL_DOUBLE_SIZE])
{
    return decimal_print_double(decimal_to_double(value), text);
}

static bool check_range(const struct config_row *row, const struct config_number *number,
                        char *reason)
{
    struct decimal min = row->min, max = row->max;
    char bound[DECIMAL_DOUBLE_SIZE];

    if (row->command != NULL) {
        const struct eza_fields *fields = &eza_command_find(row->command)->request;
        const struct eza_field *field = &fields->field[eza_field_find(fields, row->field)];

        min = field->min;
        max = field->max;
    }
    if (decimal_compare(number->value, min) < 0)
        return refuse(reason, "%s is below %s", number->text, shown(min, bound));
    if (decimal_compare(number->value, max) > 0)
        return refuse(reason, "%s is above %s", number->text, shown(max, bound));
    return true;
}

/* value × 10^shift as a whole number; false when it is none. The range is checked before. */
static bool whole(struct decimal value, int shift, uint64_t *result)
{
    *result = value.coefficient;
    if (value.coefficient == 0)
        return true;
    for (int e = value.exponent + shift; e > 0; e--)
        *result *= 10;
    /* decimal_parse leaves no trailing zeros in the coefficient. */
    return value.exponent + shift >= 0;
}

static bool store_number(const struct config_row *row, const char *text, bool plain, void *member,
                         char *reason)
{
    struct config_number number = {0};
    uint64_t result;

    if (!plain)
        return refuse(reason, "'%.32s' in quotes is text; %s is expected", text,
                      config_row_expected(row));
    if (!parse_number(text, &number, reason) || !check_range(row, &number, reason))
        return false;
    if (row->kind == CONFIG_NUMBER) {
        *(struct config_number *)member = number;
        return true;
    }
    if (!whole(number.value, row->kind == CONFIG_SECONDS ? 6 : 0, &result))
        return refuse(reason, "%s is not a whole number%s", number.text,
                      row->kind == CONFIG_SECONDS ? " of microseconds" : "");
    if (row->kind == CONFIG_SECONDS)
        *(int64_t *)member = (int64_t)result;
    else
        store_unsigned(member, row->size, result);
    return true;
}

static bool add_network(struct config_networks *networks, const char *text, char *reason)
{
    const char *why;

    if (networks->count == CONFIG_NETWORKS_MAX)
        return refuse(reason, "more than %d addresses and networks", CONFIG_NETWORKS_MAX);
    why = network_parse(text, &networks->each[networks->count]);
    if (why != NULL)
        return refuse(reason, "'%.64s': %s", text, why);
    networks->count++;
    return true;
}

static bool store_network(const struct config_row *row, const char *text, bool plain, void *member,
                          char *reason)
{
    (void)row, (void)plain;
    if (strcmp(text, "loopback") == 0)
        return add_network(member, "127.0.0.0/8", reason) && add_network(member, "::1", reason);
    return add_network(member, text, reason);
}

static bool store_name(const struct config_row *row, const char *text, bool plain, void *member,
                       char *reason)
{
    struct config_names *names = member;
    const char *why;

    (void)row, (void)plain;
    if (names->count == CONFIG_NAMES_MAX)
        return refuse(reason, "more than %d names", CONFIG_NAMES_MAX);
    why = authority_parse(text, strlen(text), &names->each[names->count]);
    if (why != NULL)
        return refuse(reason, "'%.64s': %s", text, why);
    names->count++;
    return true;
}

static const struct {
    const char *expected;
    bool (*store)(const struct config_row *row, const char *text, bool plain, void *member,
                  char *reason);
} kinds[] = {
    [CONFIG_TEXT] = {"text", store_text},
    [CONFIG_CHOICE] = {"text", store_choice},
    [CONFIG_BOOL] = {"yes or no", store_bool},
    [CONFIG_UNSIGNED] = {"a whole number", store_number},
    [CONFIG_SECONDS] = {"a number of seconds", store_number},
    [CONFIG_NUMBER] = {"a number", store_number},
    [CONFIG_NETWORKS] = {"an IPv4 or IPv6 address or network, or loopback", store_network},
    [CONFIG_NAMES] = {"a name, or name:port", store_name},
    [CONFIG_LIST] = {"a list", NULL},
    [CONFIG_MAPPING] = {"a mapping", NULL},
    [CONFIG_DEVICE] = {"a mapping (or a list of one)", NULL},
    [CONFIG_ENTRIES] = {"a mapping", NULL},
};

bool config_row_is_list(const struct config_row *row)
{
    return row->kind == CONFIG_NETWORKS || row->kind == CONFIG_NAMES;
}

const char *config_row_expected(const struct config_row *row)
{
    return kinds[row->kind].expected;
}

bool config_row_store(const struct config_row *row, const char *text, bool plain, void *target,
                      char reason[static CONFIG_REASON_SIZE])
{
    if (text[0] == '\0')
        return refuse(reason, "a value is missing: %s is expected", config_row_expected(row));
    if (plain && (strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0))
        return refuse(reason, "%s stands for no value: %s is expected", text,
                      config_row_expected(row));
    return kinds[row->kind].store(row, text, plain, (char *)target + row->offset, reason);
}

void config_row_defaults(const struct config_schema *schema, void *target)
{
    char reason[CONFIG_REASON_SIZE];

    for (size_t i = 0; i < schema->count; i++) {
        const struct config_row *row = &schema->row[i];

        if (row->schema != NULL && row->kind != CONFIG_ENTRIES)
            config_row_defaults(row->schema, target);
        else if (row->fallback != NULL &&
                 !config_row_store(row, row->fallback, true, target, reason))
            abort(); /* the schema contradicts itself; its test loads every default */
    }
}

const struct config_row *config_row_find(const struct config_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (strcmp(schema->row[i].name, name) == 0)
            return &schema->row[i];
    return NULL;
}

const struct config_row *config_row_near(const struct config_schema *schema, const char *name)
{
    const struct config_row *nearest = NULL;
    size_t length = strlen(name);
    unsigned best = length <= 4 ? 2 : 3; /* what is as far as this is not near */

    for (size_t i = 0; i < schema->count; i++) {
        unsigned distance = edit_distance(name, schema->row[i].name);

        if (distance < best) {
            best = distance;
            nearest = &schema->row[i];
        }
    }
    return nearest;
}
