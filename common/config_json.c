/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/config_schema.h"

static const char dcdc_name[] = "dcdc", battery_name[] = "battery";

static uint64_t load_unsigned(const void *member, size_t size)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;

    switch (size) {
    case sizeof u8:
        memcpy(&u8, member, size);
        return u8;
    case sizeof u16:
        memcpy(&u16, member, size);
        return u16;
    default:
        memcpy(&u32, member, sizeof u32);
        return u32;
    }
}

/* A choice that fills no member has one text. */
static struct json_object *choice(const struct config_row *row, const void *member)
{
    const struct config_choice *c = row->choices;

    if (row->size > 0)
        while (c[1].text != NULL && c->value != load_unsigned(member, row->size))
            c++;
    return json_object_new_string(c->text);
}

/* Microseconds as seconds, exactly: 62000 becomes 0.062. */
static struct json_object *seconds(int64_t us)
{
    char text[32];
    size_t length =
        (size_t)snprintf(text, sizeof text, "%" PRId64 ".%06" PRId64, us / US_PER_S, us % US_PER_S);

    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    text[length] = '\0';
    return json_object_new_double_s((double)us / US_PER_S, text);
}

/* No text is what "not_used" was read as; elsewhere nothing was given. */
static struct json_object *text_of(const struct config_row *row, const char *text)
{
    if (row->size == 0)
        return NULL;
    if (text[0] == '\0')
        return strcmp(row->name, "dir_pin") == 0 ? json_object_new_string("not_used") : NULL;
    return json_object_new_string(text);
}

static struct json_object *networks(const struct config_networks *given)
{
    struct json_object *list = json_object_new_array();
    char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];

    for (unsigned i = 0; i < given->count; i++) {
        const struct network *network = &given->each[i];
        unsigned family_bits = IN6_IS_ADDR_V4MAPPED(&network->address) ? 96 : 0;

        snprintf(text, sizeof text, "%s/%u", address_print(&network->address, address),
                 network->bits - family_bits);
        json_object_array_add(list, json_object_new_string(text));
    }
    return list;
}

static struct json_object *names(const struct config_names *given)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < given->count; i++) {
        const struct authority *authority = &given->each[i];
        bool brackets = authority->is_address && !IN6_IS_ADDR_V4MAPPED(&authority->address);
        char address[INET6_ADDRSTRLEN], port[8] = "", text[AUTHORITY_NAME_SIZE + 16];

        if (authority->port != 0)
            snprintf(port, sizeof port, ":%u", authority->port);
        snprintf(text, sizeof text, "%s%s%s%s", brackets ? "[" : "",
                 authority->is_address ? address_print(&authority->address, address)
                                       : authority->name,
                 brackets ? "]" : "", port);
        json_object_array_add(list, json_object_new_string(text));
    }
    return list;
}

static struct json_object *mapping(const struct config_schema *schema, const void *target);

/* A row's value, or NULL when it has none of its own: lists repeat what mappings hold. */
static struct json_object *value_of(const struct config_row *row, const void *target)
{
    const void *member = (const char *)target + row->offset;
    const struct config_number *number = member;

    switch (row->kind) {
    case CONFIG_TEXT:
        return text_of(row, member);
    case CONFIG_CHOICE:
        return choice(row, member);
    case CONFIG_BOOL:
        return json_object_new_boolean(*(const bool *)member);
    case CONFIG_UNSIGNED:
        return json_object_new_int64((int64_t)load_unsigned(member, row->size));
    case CONFIG_SECONDS:
        return seconds(*(const int64_t *)member);
    case CONFIG_NUMBER:
        return json_object_new_double_s(decimal_to_double(number->value), number->text);
    case CONFIG_NETWORKS:
        return networks(member);
    case CONFIG_NAMES:
        return names(member);
    case CONFIG_MAPPING:
    case CONFIG_DEVICE:
        return mapping(row->schema, target);
    case CONFIG_LIST:
    case CONFIG_ENTRIES:
        break;
    }
    return NULL;
}

/* Whether a row before this one fills the same member: another name of the same value. */
static bool is_alias(const struct config_schema *schema, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (schema->row[index].size > 0 && schema->row[i].size > 0 &&
            schema->row[i].offset == schema->row[index].offset)
            return true;
    return false;
}

static struct json_object *mapping(const struct config_schema *schema, const void *target)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < schema->count; i++) {
        struct json_object *value = is_alias(schema, i) ? NULL : value_of(&schema->row[i], target);

        if (value != NULL)
            json_object_object_add(object, schema->row[i].name, value);
    }
    return object;
}

static struct json_object *pair(const char *name, struct json_object *value)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, name, value);
    return object;
}

struct json_object *config_json(const struct config *config)
{
    struct config_parsed parsed = {.config = *config};
    struct json_object *root, *system;

    memcpy(parsed.dcdc_name, dcdc_name, sizeof dcdc_name);
    memcpy(parsed.battery_name, battery_name, sizeof battery_name);
    root = mapping(&config_schema_root, &parsed);
    json_object_object_del(root, "battery_dev"); /* the same as below ess_system */
    json_object_object_add(root, "dcdc",
                           pair(dcdc_name, mapping(&config_schema_dcdc, &config->dcdc)));
    json_object_object_get_ex(root, "ess_system", &system);
    if (config->battery_dev.present)
        json_object_object_add(
            root, "battery", pair(battery_name, mapping(&config_schema_battery, &config->battery)));
    else
        json_object_object_add(system, "battery_dev",
                               pair("class", json_object_new_string("None")));
    return root;
}
