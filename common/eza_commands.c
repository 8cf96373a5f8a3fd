/* SPDX-License-Identifier: Apache-2.0 */
#include "common/eza_commands.h"

#include <string.h>

#define V380   .q = 14, .rating = DECIMAL(380, 0), .unit = "V"
#define V48    .q = 14, .rating = DECIMAL(48, 0), .unit = "V"
#define A52    .q = 13, .rating = DECIMAL(5208, -2), .unit = "A"
#define A7     .q = 13, .rating = DECIMAL(78125, -4), .unit = "A"
#define W2500  .q = 11, .rating = DECIMAL(2500, 0), .unit = "W"
#define DROOP  .q = 13, .rating = DECIMAL(1, 0), .unit = ""
#define UNITY  .rating = DECIMAL(1, 0)
#define NUMBER .unit = "", .kind = EZA_INTEGER
#define BITS   .unit = "", .kind = EZA_HEX

static const struct eza_field operation_mode[] = {
    {.name = "mode", .type = EZA_U16, .kind = EZA_MODE, .unit = ""},
};

static const struct eza_field status[] = {
    {.name = "cst", .type = EZA_U16, .kind = EZA_CST, .unit = ""},
    {.name = "ext", .type = EZA_U16, BITS},
};

static const struct eza_field battery_set_point[] = {
    {.name = "cvb", .type = EZA_U16, V48, .min = DECIMAL(32, 0), .max = DECIMAL(62, 0)},
    {.name = "drb", .type = EZA_U16, DROOP, .min = DECIMAL(0, 0), .max = DECIMAL(3999, -3)},
};

static const struct eza_field grid_set_point[] = {
    {.name = "dvg", .type = EZA_U16, V380, .min = DECIMAL(260, 0), .max = DECIMAL(390, 0)},
    {.name = "drg", .type = EZA_U16, DROOP, .min = DECIMAL(0, 0), .max = DECIMAL(3999, -3)},
};

static const struct eza_field dead_zone[] = {
    {.name = "pdz", .type = EZA_U16, V380, .min = DECIMAL(0, 0), .max = DECIMAL(57, 0)},
    {.name = "mdz", .type = EZA_U16, V380, .min = DECIMAL(0, 0), .max = DECIMAL(57, 0)},
};

static const struct eza_field protection[] = {
    {.name = "cib", .type = EZA_U16, A52, .min = DECIMAL(0, 0), .max = DECIMAL(5677, -2)},
    {.name = "dig", .type = EZA_U16, A7, .min = DECIMAL(0, 0), .max = DECIMAL(85162, -4)},
    {.name = "ubv", .type = EZA_U16, V48, .min = DECIMAL(32, 0), .max = DECIMAL(68, 0)},
    {.name = "ugv", .type = EZA_U16, V380, .min = DECIMAL(260, 0), .max = DECIMAL(425, 0)},
    {.name = "obv", .type = EZA_U16, V48, .min = DECIMAL(32, 0), .max = DECIMAL(68, 0)},
    {.name = "ogv", .type = EZA_U16, V380, .min = DECIMAL(260, 0), .max = DECIMAL(425, 0)},
};

static const struct eza_field converter_setup[] = {
    {.name = "bcf", .type = EZA_U16, BITS},
    {.name = "cvb", .type = EZA_U16, V48, .min = DECIMAL(32, 0), .max = DECIMAL(62, 0)},
    {.name = "dlb", .type = EZA_U16, V48, .min = DECIMAL(32, 0), .max = DECIMAL(64, 0)},
    {.name = "cdb", .type = EZA_U16, V48, .min = DECIMAL(0, 0), .max = DECIMAL(12, 0)},
    {.name = "ddb", .type = EZA_U16, V48, .min = DECIMAL(0, 0), .max = DECIMAL(12, 0)},
};

static const struct eza_field recovery[] = {
    {.name = "ccr", .type = EZA_U16, V48, .min = DECIMAL(0, 0), .max = DECIMAL(12, 0)},
    {.name = "ddr", .type = EZA_U16, V48, .min = DECIMAL(0, 0), .max = DECIMAL(12, 0)},
};

static const struct eza_field alarms[] = {
    {.name = "alm1", .type = EZA_U16, BITS},
    {.name = "alm2", .type = EZA_U16, BITS},
    {.name = "alm3", .type = EZA_U16, BITS},
};

static const struct eza_field alarm_clear[] = {
    {.name = "d0", .type = EZA_U8, NUMBER},
    {.name = "d1", .type = EZA_U8, NUMBER},
};

static const struct eza_field meters[] = {
    {.name = "vg", .type = EZA_S16, V380},
    {.name = "ig", .type = EZA_S16, A7},
    {.name = "vb", .type = EZA_S16, V48},
    {.name = "ib", .type = EZA_S16, A52},
    {.name = "wg", .type = EZA_S16, W2500},
    {.name = "wb", .type = EZA_S16, W2500},
    {.name = "ic", .type = EZA_S16, NUMBER},
    {.name = "tmp", .type = EZA_S16, .q = 7, UNITY, .unit = "°C"},
};

static const struct eza_field auxiliary_meters[] = {
    {.name = "ts", .type = EZA_S16, NUMBER},
    {.name = "tp", .type = EZA_S16, NUMBER},
    {.name = "v5s", .type = EZA_S16, .q = 10, UNITY, .unit = "V"},
    {.name = "fan1", .type = EZA_S16, .q = 0, UNITY, .unit = "1/min"},
    {.name = "fan2", .type = EZA_S16, .q = 0, UNITY, .unit = "1/min"},
    {.name = "fan3", .type = EZA_S16, .q = 0, UNITY, .unit = "1/min"},
    {.name = "fan4", .type = EZA_S16, .q = 0, UNITY, .unit = "1/min"},
    {.name = "fan5", .type = EZA_S16, .q = 0, UNITY, .unit = "1/min"},
};

static const struct eza_field meter_quality[] = {
    {.name = "vgq", .type = EZA_U16, NUMBER}, {.name = "igq", .type = EZA_U16, NUMBER},
    {.name = "vbq", .type = EZA_U16, NUMBER}, {.name = "ibq", .type = EZA_U16, NUMBER},
    {.name = "wgq", .type = EZA_U16, NUMBER}, {.name = "wbq", .type = EZA_U16, NUMBER},
    {.name = "icq", .type = EZA_U16, NUMBER}, {.name = "tmpq", .type = EZA_U16, NUMBER},
};

static const struct eza_field auxiliary_meter_quality[] = {
    {.name = "tsq", .type = EZA_U16, NUMBER},  {.name = "tpq", .type = EZA_U16, NUMBER},
    {.name = "v5q", .type = EZA_U16, NUMBER},  {.name = "fn1q", .type = EZA_U16, NUMBER},
    {.name = "fn2q", .type = EZA_U16, NUMBER}, {.name = "fn3q", .type = EZA_U16, NUMBER},
    {.name = "fn4q", .type = EZA_U16, NUMBER}, {.name = "fn5q", .type = EZA_U16, NUMBER},
};

static const struct eza_field instantaneous_values[] = {
    {.name = "vgn", .type = EZA_U16, NUMBER}, {.name = "vgnq", .type = EZA_U16, NUMBER},
    {.name = "ign", .type = EZA_U16, NUMBER}, {.name = "ignq", .type = EZA_U16, NUMBER},
    {.name = "vbn", .type = EZA_U16, NUMBER}, {.name = "vbnq", .type = EZA_U16, NUMBER},
    {.name = "ibn", .type = EZA_U16, NUMBER}, {.name = "ibnq", .type = EZA_U16, NUMBER},
    {.name = "wn", .type = EZA_U16, NUMBER},  {.name = "wnq", .type = EZA_U16, NUMBER},
};

static const struct eza_field version[] = {
    {.name = "min", .type = EZA_U8, NUMBER},
    {.name = "maj", .type = EZA_U8, NUMBER},
};

#define FIELDS(array)                                                                              \
    {                                                                                              \
        .field = (array), .count = sizeof(array) / sizeof((array)[0])                              \
    }
#define READ(name_, cmd_, fields_, help_)                                                          \
    {                                                                                              \
        .name = (name_), .cmd = (cmd_), .help = (help_), .reply = FIELDS(fields_)                  \
    }
#define WRITE(name_, cmd_, fields_, help_)                                                         \
    {                                                                                              \
        .name = (name_), .cmd = (cmd_), .help = (help_), .request = FIELDS(fields_),               \
        .reply = FIELDS(fields_)                                                                   \
    }

const struct eza_command eza_commands[] = {
    READ("1-1", 0x00, operation_mode, "operation mode"),
    WRITE("1-4", 0x00, operation_mode, "set the operation mode"),
    READ("2-1", 0x01, status, "status"),
    READ("3-1", 0x18, battery_set_point, "battery set point"),
    WRITE("3-4", 0x18, battery_set_point, "set the battery set point"),
    READ("4-1", 0x1a, grid_set_point, "grid set point"),
    WRITE("4-4", 0x1a, grid_set_point, "set the grid set point"),
    READ("5-1", 0x17, dead_zone, "dead zone"),
    WRITE("5-4", 0x17, dead_zone, "set the dead zone"),
    READ("6-1", 0x1c, protection, "protection limits"),
    WRITE("6-4", 0x1c, protection, "set the protection limits"),
    READ("7-1", 0x1d, converter_setup, "converter setup"),
    WRITE("7-4", 0x1d, converter_setup, "set the converter setup"),
    READ("8-1", 0x16, recovery, "charge and discharge recovery"),
    WRITE("8-4", 0x16, recovery, "set charge and discharge recovery"),
    READ("9-1", 0x12, alarms, "alarms"),
    WRITE("9-4", 0x12, alarm_clear, "clear the alarms"),
    READ("10-1", 0x09, meters, "meters"),
    READ("11-1", 0x0a, auxiliary_meters, "auxiliary meters"),
    READ("12-1", 0x0d, meter_quality, "quality of the meters"),
    READ("13-1", 0x0e, auxiliary_meter_quality, "quality of the auxiliary meters"),
    READ("14-1", 0x11, instantaneous_values, "instantaneous values"),
    READ("15-1", 0x1e, version, "version A"),
    READ("16-1", 0x1f, version, "version B"),
};

const size_t eza_command_count = sizeof eza_commands / sizeof eza_commands[0];

const struct eza_command *eza_command_find(const char *name)
{
    for (size_t i = 0; i < eza_command_count; i++)
        if (strcmp(eza_commands[i].name, name) == 0)
            return &eza_commands[i];
    return NULL;
}

int eza_field_find(const struct eza_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->field[i].name, name) == 0)
            return (int)i;
    return -1;
}

size_t eza_fields_size(const struct eza_fields *fields)
{
    size_t size = 0;

    for (size_t i = 0; i < fields->count; i++)
        size += fields->field[i].type == EZA_U8 ? 1 : 2;
    return size;
}
