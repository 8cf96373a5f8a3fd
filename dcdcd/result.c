/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON results of the controller methods out of the answers of their sequences (specification
 * 5.2.1.3, 5.1.4.1). Behind controller_result in controller.h.
 */
#include "dcdcd/controller.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/operation_mode.h"

static const char *const meter_keys[] = {"ib", "ig", "tmp", "vb", "vg", "wb", "wg"};
static const char *const vdis_keys[] = {"drg", "dvg"};
static const char *const powermeter_keys[] = {"i1", "kwh1", "kwh2", "p1", "p2", "v1"};
static const char *const alarm_names[] = {"No alarm", "Light alarm", "Heavy alarm"};
static const char *const running_names[] = {"off", "charge", "discharge"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct json_object *number(const char *text)
{
    return json_object_new_double_s(strtod(text, NULL), text);
}

static struct json_object *value(const struct eza_field *field, uint16_t raw)
{
    char text[EZA_TEXT_SIZE];

    eza_print(field, raw, text);
    return eza_is_text(field) ? json_object_new_string(text) : number(text);
}

/* The raw value of a field that the sequence of this result must have brought. */
static uint16_t answered(const struct sequence *sequence, const char *row, const char *field)
{
    uint16_t raw = 0;
    const struct eza_field *found = sequence_find(sequence, row, field, &raw);

    assert(found != NULL);
    (void)found;
    return raw;
}

static void add_answered(struct json_object *object, const struct sequence *sequence,
                         const char *row, const char *key)
{
    uint16_t raw;
    const struct eza_field *field = sequence_find(sequence, row, key, &raw);

    assert(field != NULL);
    json_object_object_add(object, key, value(field, raw));
}

static struct json_object *meter(const struct sequence *sequence)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < COUNT(meter_keys); i++)
        add_answered(object, sequence, "10-1", meter_keys[i]);
    return object;
}

static struct json_object *vdis(const struct sequence *sequence)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < COUNT(vdis_keys); i++)
        add_answered(object, sequence, "4-1", vdis_keys[i]);
    return object;
}

static struct json_object *powermeter(void)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < COUNT(powermeter_keys); i++)
        json_object_object_add(object, powermeter_keys[i], json_object_new_int(0));
    return object;
}

/* The limits as configured, dig as the converter reports it. */
static struct json_object *param(const struct sequence *sequence, const struct config_setup *setup)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "cib", number(setup->cib.text));
    add_answered(object, sequence, "6-1", "dig");
    json_object_object_add(object, "obv", number(setup->obv.text));
    json_object_object_add(object, "ogv", number(setup->ogv.text));
    json_object_object_add(object, "ubv", number(setup->ubv.text));
    json_object_object_add(object, "ugv", number(setup->ugv.text));
    return object;
}

static struct json_object *status(const struct sequence *sequence, bool brief)
{
    struct json_object *object = json_object_new_object();
    uint16_t mode = answered(sequence, "1-1", "mode"), cst = answered(sequence, "2-1", "cst");
    unsigned alarm = eza_alarm_state(cst), running = eza_running_state(cst);
    char text[32];

    if (!brief) {
        snprintf(text, sizeof text, "%04x %04x %04x", answered(sequence, "9-1", "alm1"), alarm,
                 running);
        json_object_object_add(object, "alarm", json_object_new_string(text));
    }
    json_object_object_add(object, "alarmState", json_object_new_string(alarm_names[alarm]));
    json_object_object_add(object, "operationMode",
                           json_object_new_string(operation_mode_find(mode)->name));
    json_object_object_add(object, "runningState", json_object_new_string(running_names[running]));
    if (!brief) {
        snprintf(text, sizeof text, "0x%04x", mode);
        json_object_object_add(object, "status", json_object_new_string(text));
        json_object_object_add(object, "statusName", json_object_new_string("Ignore"));
    }
    return object;
}

static void add_setup(struct json_object *result, const struct config *config)
{
    const struct config_setup *setup = &config->dcdc.setup;
    const struct {
        const char *key;
        const struct config_number *number;
    } numbers[] = {
        {"ubv", &setup->ubv}, {"ugv", &setup->ugv}, {"obv", &setup->obv}, {"ogv", &setup->ogv},
        {"cvb", &setup->cvb}, {"dlb", &setup->dlb}, {"cdb", &setup->cdb}, {"ddb", &setup->ddb},
        {"drb", &setup->drb}, {"cib", &setup->cib},
    };
    struct json_object *object = json_object_new_object();
    char bcf[8];

    snprintf(bcf, sizeof bcf, "0x%04x", setup->bcf);
    json_object_object_add(object, "bcf", json_object_new_string(bcf));
    for (size_t i = 0; i < COUNT(numbers); i++)
        json_object_object_add(object, numbers[i].key, number(numbers[i].number->text));
    json_object_object_add(result, "dcdc_converter_name",
                           json_object_new_string(config->dcdc_dev.name));
    json_object_object_add(result, "dcdc_setup_parameter", object);
}

static void add_row(struct json_object *result, const struct sequence *sequence,
                    const struct eza_command *row)
{
    for (size_t i = 0; i < row->reply.count; i++)
        add_answered(result, sequence, row->name, row->reply.field[i].name);
}

struct json_object *controller_result(const struct controller_call *call,
                                      const struct config *config, const struct sequence *sequence)
{
    unsigned parts = call->method->result;
    struct json_object *result = json_object_new_object();

    if (parts & RESULT_METER)
        json_object_object_add(result, "meter", meter(sequence));
    if (parts & RESULT_PARAM)
        json_object_object_add(result, "param", param(sequence, &config->dcdc.setup));
    if (parts & RESULT_POWERMETER)
        json_object_object_add(result, "powermeter", powermeter());
    if (parts & (RESULT_STATUS | RESULT_STATUS_BRIEF))
        json_object_object_add(result, "status", status(sequence, parts & RESULT_STATUS_BRIEF));
    if (parts & RESULT_VDIS)
        json_object_object_add(result, "vdis", vdis(sequence));
    if (parts & RESULT_SETUP)
        add_setup(result, config);
    if (parts & RESULT_ROW)
        add_row(result, sequence, call->row);
    return result;
}
