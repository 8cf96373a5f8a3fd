/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/controller.h"

#include <assert.h>
#include <string.h>

#include "common/operation_mode.h"

/* The raw value of a setup value, whose range the configuration's reader has checked. */
static uint16_t setup_raw(const struct eza_command *row, const char *field, const char *text)
{
    struct failure failure;
    uint16_t raw = 0;
    bool fits =
        eza_encode(&row->request.field[eza_field_find(&row->request, field)], text, &raw, &failure);

    assert(fits);
    (void)fits;
    return raw;
}

static void set_number(struct sequence_step *step, const char *field,
                       const struct config_number *number)
{
    sequence_set(step, field, setup_raw(step->command, field, number->text));
}

/* 6-4 with everything but dig from the configuration. */
static struct sequence_step *write_protection(struct sequence *sequence,
                                              const struct config_setup *setup)
{
    struct sequence_step *step = sequence_write(sequence, "6-4");

    set_number(step, "cib", &setup->cib);
    set_number(step, "ubv", &setup->ubv);
    set_number(step, "ugv", &setup->ugv);
    set_number(step, "obv", &setup->obv);
    set_number(step, "ogv", &setup->ogv);
    return step;
}

static void write_voltage(struct sequence *sequence, const struct set_values *set)
{
    struct sequence_step *step;

    if (!set->has_dvg || !set->has_drg) {
        sequence_read(sequence, "4-1");
        return;
    }
    step = sequence_write(sequence, "4-4");
    sequence_set(step, "dvg", set->dvg);
    sequence_set(step, "drg", set->drg);
}

static void write_current(struct sequence *sequence, const struct set_values *set,
                          const struct config *config)
{
    if (!set->has_dig) {
        sequence_read(sequence, "6-1");
        return;
    }
    sequence_set(write_protection(sequence, &config->dcdc.setup), "dig", set->dig);
}

static void write_mode(struct sequence *sequence, uint16_t mode)
{
    sequence_set(sequence_write(sequence, "1-4"), "mode", mode);
}

static bool is_constant_current(uint16_t mode)
{
    return mode == MODE_HETERONOMY_CV || mode == MODE_HETERONOMY_CHARGE || mode == 0x0022;
}

static void plan_remote_get(const struct controller_call *call, const struct config *config,
                            uint16_t mode, struct sequence *sequence)
{
    (void)call, (void)config, (void)mode;
    sequence_read(sequence, "1-1");
    sequence_read(sequence, "2-1");
    sequence_read(sequence, "4-1");
    sequence_read(sequence, "9-1");
    sequence_read(sequence, "10-1");
    sequence_read(sequence, "6-1");
}

static void plan_remote_get_status(const struct controller_call *call, const struct config *config,
                                   uint16_t mode, struct sequence *sequence)
{
    (void)call, (void)config, (void)mode;
    sequence_read(sequence, "1-1");
    sequence_read(sequence, "2-1");
    sequence_read(sequence, "10-1");
}

/* Where the mode goes among voltage and current. */
enum mode_place { MODE_FIRST, MODE_BETWEEN, MODE_LAST };

/* From Waiting: the specification's list; the rest: the hardware guide's table. */
static enum mode_place mode_place(uint16_t from, uint16_t to)
{
    if (from == MODE_WAITING && to != MODE_WAITING)
        return MODE_LAST;
    return is_constant_current(from) && to == MODE_GRID_AUTONOMY ? MODE_BETWEEN : MODE_FIRST;
}

static void plan_remote_set(const struct controller_call *call, const struct config *config,
                            uint16_t mode, struct sequence *sequence)
{
    const struct set_values *set = &call->set;
    enum mode_place place = mode_place(mode, set->mode);

    if (place == MODE_FIRST)
        write_mode(sequence, set->mode);
    write_voltage(sequence, set);
    if (place == MODE_BETWEEN)
        write_mode(sequence, set->mode);
    write_current(sequence, set, config);
    if (place == MODE_LAST)
        write_mode(sequence, set->mode);
    sequence_read(sequence, "2-1");
    sequence_read(sequence, "9-1");
    sequence_read(sequence, "10-1");
}

static void plan_remote_set_current(const struct controller_call *call, const struct config *config,
                                    uint16_t mode, struct sequence *sequence)
{
    (void)mode;
    write_current(sequence, &call->set, config);
    sequence_read(sequence, "10-1");
}

static void plan_remote_set_voltage(const struct controller_call *call, const struct config *config,
                                    uint16_t mode, struct sequence *sequence)
{
    (void)config, (void)mode;
    write_voltage(sequence, &call->set);
    sequence_read(sequence, "10-1");
}

static void plan_remote_ioctl_set(const struct controller_call *call, const struct config *config,
                                  uint16_t mode, struct sequence *sequence)
{
    const struct config_setup *setup = &config->dcdc.setup;
    struct sequence_step *step;

    (void)call, (void)mode;
    sequence_read(sequence, "6-1");
    write_protection(sequence, setup)->dig_as_read = true;
    step = sequence_write(sequence, "7-4");
    sequence_set(step, "bcf", setup->bcf);
    set_number(step, "cvb", &setup->cvb);
    set_number(step, "dlb", &setup->dlb);
    set_number(step, "cdb", &setup->cdb);
    set_number(step, "ddb", &setup->ddb);
    step = sequence_write(sequence, "3-4");
    set_number(step, "cvb", &setup->cvb);
    set_number(step, "drb", &setup->drb);
}

static void plan_clr_alarm(const struct controller_call *call, const struct config *config,
                           uint16_t mode, struct sequence *sequence)
{
    sequence_write(sequence, "9-4");
    plan_remote_get(call, config, mode, sequence);
}

static void plan_command(const struct controller_call *call, const struct config *config,
                         uint16_t mode, struct sequence *sequence)
{
    (void)config, (void)mode;
    sequence_write(sequence, call->row->name)->values = call->row_values;
}

enum { RESULT_GET = RESULT_METER | RESULT_PARAM | RESULT_POWERMETER | RESULT_STATUS | RESULT_VDIS };

static const struct controller_method methods[] = {
    {"remote_get", false, plan_remote_get, RESULT_GET},
    {"remote_get_status", false, plan_remote_get_status, RESULT_METER | RESULT_STATUS_BRIEF},
    {"remote_set", true, plan_remote_set,
     RESULT_METER | RESULT_PARAM | RESULT_STATUS | RESULT_VDIS},
    {"remote_set_current", true, plan_remote_set_current, RESULT_METER | RESULT_PARAM},
    {"remote_set_voltage", true, plan_remote_set_voltage, RESULT_METER | RESULT_VDIS},
    {"remote_ioctl_set", true, plan_remote_ioctl_set, RESULT_SETUP},
    {"remote_ioctl_clr_alarm", true, plan_clr_alarm, RESULT_GET},
    {"command", false, plan_command, RESULT_ROW},
};

const struct controller_method *controller_method_find(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

struct controller_call controller_bare_stop(void)
{
    return (struct controller_call){.method = controller_method_find("command"),
                                    .row = eza_command_find("1-4"),
                                    .row_values = {.raw = {MODE_WAITING}}};
}

bool controller_writes(const struct controller_call *call)
{
    return call->row != NULL ? call->row->request.count > 0 : call->method->writes;
}

bool controller_sets_mode(const struct controller_call *call, uint16_t *mode)
{
    if (call->row != NULL) {
        *mode = call->row_values.raw[0];
        return strcmp(call->row->name, "1-4") == 0;
    }
    *mode = call->set.mode;
    return call->set.has_mode;
}
