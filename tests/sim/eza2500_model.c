/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/eza2500_model.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/operation_mode.h"
#include "tests/sim/eza2500_physics.h"

/* The registers and what they hold when the converter is switched on. */
static const struct {
    const char *name;
    double value;
} defaults[EZA2500_REGISTERS] = {
    {"mode", 0}, {"cvb", 57.6}, {"drb", 0},   {"dvg", 350}, {"drg", 0},  {"pdz", 0},   {"mdz", 0},
    {"cib", 52}, {"dig", 0},    {"ubv", 40},  {"ugv", 300}, {"obv", 59}, {"ogv", 400}, {"bcf", 3},
    {"dlb", 49}, {"cdb", 1.2},  {"ddb", 1.8}, {"ccr", 1},   {"ddr", 1},
};
enum { MODE = 0 }; /* index of the mode */

/* What a field that cannot be written shows: a value of the model, times a scale. */
static const struct {
    const char *name;
    size_t offset;
    double scale;
} measured[] = {
    {"vg", offsetof(struct eza2500_model, vg), 1},
    {"ig", offsetof(struct eza2500_model, ig), 1},
    {"vb", offsetof(struct eza2500_model, vb), 1},
    {"ib", offsetof(struct eza2500_model, ib), 1},
    {"wg", offsetof(struct eza2500_model, wg), 1},
    {"wb", offsetof(struct eza2500_model, wb), 1},
    {"tmp", offsetof(struct eza2500_model, tmp), 1},
    {"ic", offsetof(struct eza2500_model, ib), 100},
    {"ts", offsetof(struct eza2500_model, tmp), 1},
    {"tp", offsetof(struct eza2500_model, tmp), 1},
    {"fan1", offsetof(struct eza2500_model, fan), 1},
    {"fan2", offsetof(struct eza2500_model, fan), 1},
    {"fan3", offsetof(struct eza2500_model, fan), 1},
    {"vgn", offsetof(struct eza2500_model, vg), 16384 / 380.0},
    {"ign", offsetof(struct eza2500_model, ig), 8192 / 7.8125},
    {"vbn", offsetof(struct eza2500_model, vb), 16384 / 48.0},
    {"ibn", offsetof(struct eza2500_model, ib), 8192 / 52.08},
    {"wn", offsetof(struct eza2500_model, wg), 2048 / 2500.0},
};

/* Fields that never change; those in no list read 0. */
static const struct {
    uint8_t cmd;
    const char *name;
    double value;
} constants[] = {
    {0x0a, "v5s", 5.02}, {0x1e, "min", 2}, {0x1e, "maj", 1}, {0x1f, "min", 5}, {0x1f, "maj", 2},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int register_index(const char *name)
{
    for (int i = 0; i < EZA2500_REGISTERS; i++)
        if (strcmp(defaults[i].name, name) == 0)
            return i;
    return -1;
}

/* What one unit of the raw value is worth. */
static double unit_of(const struct eza_field *field)
{
    return field->kind == EZA_SCALED ? ldexp(decimal_to_double(field->rating), -field->q) : 1;
}

/* The field that describes a register. */
static const struct eza_field *register_field(const char *name)
{
    for (size_t i = 0; i < eza_command_count; i++) {
        int index = eza_field_find(&eza_commands[i].request, name);

        if (index >= 0)
            return &eza_commands[i].request.field[index];
    }
    return NULL;
}

/* The largest raw value that is not above value; 1e-9 makes up for the rounding of doubles. */
static uint16_t raw_below(const struct eza_field *field, double value)
{
    return (uint16_t)floor(value / unit_of(field) + 1e-9);
}

static uint16_t raw_nearest(const struct eza_field *field, double value)
{
    double raw = round(value / unit_of(field));
    double low = field->type == EZA_S16 ? INT16_MIN : 0;
    double high = field->type == EZA_S16  ? INT16_MAX
                  : field->type == EZA_U8 ? UINT8_MAX
                                          : UINT16_MAX;

    return (uint16_t)(int32_t)fmax(low, fmin(high, raw));
}

double eza2500_value(const struct eza2500_model *model, const char *name)
{
    int index = register_index(name);

    return model->registers[index] * model->units[index];
}

uint16_t *eza2500_register(struct eza2500_model *model, const char *name)
{
    return &model->registers[register_index(name)];
}

bool eza2500_store(struct eza2500_model *model, const char *name, double value)
{
    int index = register_index(name);

    if (index < 0)
        return false;
    model->registers[index] = raw_nearest(register_field(name), value);
    return true;
}

uint16_t eza2500_mode(const struct eza2500_model *model)
{
    return model->registers[MODE];
}

void eza2500_force_mode(struct eza2500_model *model, uint16_t mode)
{
    if (mode != model->registers[MODE])
        model->mode_since_us = model->now_us;
    model->registers[MODE] = mode;
}

void eza2500_init(struct eza2500_model *model, int64_t now_us)
{
    *model = (struct eza2500_model){
        .grid_voltage = 350,
        .battery_voltage = 52,
        .battery_resistance = 0.01,
        .ambient = 25,
        .now_us = now_us,
        .mode_since_us = now_us,
    };
    for (int i = 0; i < EZA2500_REGISTERS; i++) {
        const struct eza_field *field = register_field(defaults[i].name);

        model->units[i] = unit_of(field);
        model->registers[i] = raw_below(field, defaults[i].value);
    }
    eza2500_settle(model);
}

void eza2500_raise(struct eza2500_model *model, uint16_t alarm)
{
    model->alarms |= alarm;
    if (eza2500_alarm_state(model) == EZA2500_HEAVY_ALARM)
        eza2500_force_mode(model, MODE_WAITING);
}

enum eza2500_alarm_state eza2500_alarm_state(const struct eza2500_model *model)
{
    if ((model->alarms & ~(ALARM_HOT | ALARM_TEST_LIGHT)) != 0)
        return EZA2500_HEAVY_ALARM;
    return model->alarms != 0 ? EZA2500_LIGHT_ALARM : EZA2500_NO_ALARM;
}

static double read_only_value(const struct eza2500_model *model, uint8_t cmd, const char *name)
{
    for (size_t i = 0; i < COUNT(measured); i++)
        if (strcmp(measured[i].name, name) == 0)
            return *(const double *)(const void *)((const char *)model + measured[i].offset) *
                   measured[i].scale;
    for (size_t i = 0; i < COUNT(constants); i++)
        if (constants[i].cmd == cmd && strcmp(constants[i].name, name) == 0)
            return constants[i].value;
    return 0;
}

static uint16_t read_field(const struct eza2500_model *model, uint8_t cmd,
                           const struct eza_field *field)
{
    int index = register_index(field->name);

    if (index >= 0)
        return model->registers[index];
    if (field->kind == EZA_CST)
        return (uint16_t)(eza2500_running_state(model) | eza2500_alarm_state(model) << 2);
    if (strcmp(field->name, "alm1") == 0)
        return model->alarms;
    /* The instantaneous values are unsigned on the wire, negative ones in two's complement. */
    if (field->kind == EZA_INTEGER && field->type == EZA_U16)
        return (uint16_t)(int32_t)lround(read_only_value(model, cmd, field->name));
    return raw_nearest(field, read_only_value(model, cmd, field->name));
}

/* A range given in the unit becomes one of raw values, cut down as the driver's are. */
static bool in_range(const struct eza_field *field, uint16_t raw)
{
    if (field->kind == EZA_MODE)
        return operation_mode_find(raw) != NULL;
    if (field->kind != EZA_SCALED)
        return true;
    return raw >= raw_below(field, decimal_to_double(field->min)) &&
           raw <= raw_below(field, decimal_to_double(field->max));
}

static unsigned check_mode(const struct eza2500_model *model, uint16_t mode)
{
    bool running = eza2500_mode(model) != MODE_WAITING;

    if (mode == MODE_WAITING || mode == eza2500_mode(model))
        return ERCD_NONE;
    if (eza2500_alarm_state(model) == EZA2500_HEAVY_ALARM)
        return ERCD_NOT_NOW;
    if (model->strict && running &&
        (eza2500_holds_grid(eza2500_mode(model)) || !eza2500_holds_grid(mode)))
        return ERCD_NOT_NOW;
    return ERCD_NONE;
}

static unsigned write_registers(struct eza2500_model *model, const struct eza_fields *fields,
                                const uint16_t *in)
{
    for (size_t i = 0; i < fields->count; i++)
        if (!in_range(&fields->field[i], in[i]))
            return ERCD_BAD_PARAMETER;
    if (fields->field[0].kind == EZA_MODE) {
        unsigned refused = check_mode(model, in[0]);

        if (refused == ERCD_NONE)
            eza2500_force_mode(model, in[0]);
        return refused;
    }
    /* A new row of the table, whose values this model does not know yet. */
    for (size_t i = 0; i < fields->count; i++)
        if (register_index(fields->field[i].name) < 0)
            return ERCD_UNSUPPORTED;
    for (size_t i = 0; i < fields->count; i++)
        model->registers[register_index(fields->field[i].name)] = in[i];
    return ERCD_NONE;
}

unsigned eza2500_execute(struct eza2500_model *model, const struct eza_command *command,
                         const uint16_t *in, uint16_t *out)
{
    bool clears_alarms = strcmp(command->name, "9-4") == 0;
    unsigned refused = ERCD_NONE;

    if (clears_alarms)
        model->alarms = eza2500_causes(model) & model->alarms;
    else if (command->request.count > 0)
        refused = write_registers(model, &command->request, in);
    if (refused != ERCD_NONE)
        return refused;
    for (size_t i = 0; i < command->reply.count; i++)
        out[i] = clears_alarms ? in[i] : read_field(model, command->cmd, &command->reply.field[i]);
    return ERCD_NONE;
}

void eza2500_advance(struct eza2500_model *model, int64_t now_us)
{
    enum { STEP_US = 10 * US_PER_MS, FINE_STEPS = 100 };

    /* Fine steps while anything settles; then what remains in one. */
    for (int i = 0; i < FINE_STEPS && now_us > model->now_us; i++)
        eza2500_step(model, now_us - model->now_us < STEP_US ? now_us : model->now_us + STEP_US);
    if (now_us > model->now_us)
        eza2500_step(model, now_us);
}
