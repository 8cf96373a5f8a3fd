/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/eza2500_state.h"

#include <stdio.h>

#include "tests/sim/json_number.h"

static void add_hex(struct json_object *object, const char *name, unsigned value)
{
    char text[16];

    snprintf(text, sizeof text, "0x%04x", value);
    json_object_object_add(object, name, json_object_new_string(text));
}

/* All that can be written, by symbol and in its unit. */
static struct json_object *registers_json(const struct eza2500_model *model)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < eza_command_count; i++) {
        const struct eza_fields *fields = &eza_commands[i].request;

        for (size_t k = 0; k < fields->count; k++) {
            const struct eza_field *field = &fields->field[k];

            if (field->kind == EZA_SCALED)
                sim_json_add(object, field->name, eza2500_value(model, field->name));
            else if (field->kind != EZA_INTEGER)
                add_hex(object, field->name, (unsigned)eza2500_value(model, field->name));
        }
    }
    return object;
}

static struct json_object *meters_json(const struct eza2500_model *model)
{
    struct json_object *object = json_object_new_object();

    sim_json_add(object, "vg", model->vg);
    sim_json_add(object, "ig", model->ig);
    sim_json_add(object, "vb", model->vb);
    sim_json_add(object, "ib", model->ib);
    sim_json_add(object, "wg", model->wg);
    sim_json_add(object, "wb", model->wb);
    sim_json_add(object, "tmp", model->tmp);
    return object;
}

static struct json_object *surroundings_json(const struct eza2500_model *model)
{
    struct json_object *object = json_object_new_object();

    sim_json_add(object, "grid_voltage", model->grid_voltage);
    sim_json_add(object, "grid_load", model->grid_load);
    sim_json_add(object, "battery_voltage", model->battery_voltage);
    sim_json_add(object, "battery_resistance", model->battery_resistance);
    sim_json_add(object, "ambient", model->ambient);
    return object;
}

struct json_object *eza2500_state(const struct eza2500_model *model)
{
    static const char *const alarm_states[] = {"none", "light", "heavy"};
    static const char *const running_states[] = {"off", "charge", "discharge"};
    struct json_object *object = json_object_new_object();

    add_hex(object, "mode", eza2500_mode(model));
    add_hex(object, "alm1", model->alarms);
    json_object_object_add(object, "alarm_state",
                           json_object_new_string(alarm_states[eza2500_alarm_state(model)]));
    json_object_object_add(object, "running_state",
                           json_object_new_string(running_states[eza2500_running_state(model)]));
    json_object_object_add(object, "meters", meters_json(model));
    json_object_object_add(object, "registers", registers_json(model));
    json_object_object_add(object, "surroundings", surroundings_json(model));
    return object;
}
