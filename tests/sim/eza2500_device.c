/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/eza2500_device.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/operation_mode.h"
#include "tests/sim/eza2500_faults.h"
#include "tests/sim/eza2500_model.h"
#include "tests/sim/eza2500_state.h"
#include "tests/sim/options.h"
#include "tests/sim/replay.h"

enum { START_REQUEST = 0x05, START_REPLY = 0x02, NAK = 0x80, FRAME_MAX = EZA_OVERHEAD + 255 };

struct counters {
    int64_t requests, refusals, bad_checksums, foreign, stray_bytes;
};

struct eza2500_device {
    struct eza2500_model model;
    struct simulator *simulator;
    uint8_t address1, address2;
    bool swap;             /* answers with AD1 and AD2 exchanged */
    struct replay *replay; /* what answers instead of the model, or NULL; borrowed */
    struct counters counters;
    uint8_t frame[FRAME_MAX]; /* the request under way */
    size_t size;
    int64_t start_us;
};

/* The row for a command byte and a number of data bytes, or NULL with the refusal in *ercd. */
static const struct eza_command *find_row(uint8_t cmd, size_t size, unsigned *ercd)
{
    *ercd = ERCD_UNSUPPORTED;
    for (size_t i = 0; i < eza_command_count; i++) {
        const struct eza_command *row = &eza_commands[i];

        if (row->cmd != cmd)
            continue;
        if (eza_fields_size(&row->request) == size)
            return row;
        if (row->request.count > 0)
            *ercd = ERCD_BAD_PARAMETER;
    }
    return NULL;
}

static void read_fields(const struct eza_fields *fields, const uint8_t *data, uint16_t *raw)
{
    for (size_t i = 0; i < fields->count; i++) {
        raw[i] = *data++;
        if (fields->field[i].type != EZA_U8)
            raw[i] = (uint16_t)(raw[i] | *data++ << 8);
    }
}

static size_t write_fields(const struct eza_fields *fields, const uint16_t *raw, uint8_t *data)
{
    const uint8_t *start = data;

    for (size_t i = 0; i < fields->count; i++) {
        *data++ = (uint8_t)raw[i];
        if (fields->field[i].type != EZA_U8)
            *data++ = (uint8_t)(raw[i] >> 8);
    }
    return (size_t)(data - start);
}

/* Carries the request out and writes the answer's data; returns its size. */
static size_t answer_data(struct eza2500_device *device, const struct eza_command *row,
                          unsigned ercd, uint8_t *cmd, uint8_t *data)
{
    uint16_t out[EZA_FIELDS_MAX] = {0};

    if (row != NULL) {
        uint16_t in[EZA_FIELDS_MAX] = {0};

        read_fields(&row->request, device->frame + EZA_AT_DATA, in);
        ercd = eza2500_execute(&device->model, row, in, out);
    }
    if (ercd == ERCD_NONE)
        return write_fields(&row->reply, out, data);
    device->counters.refusals++;
    *cmd |= NAK;
    data[0] = (uint8_t)ercd;
    data[1] = (uint8_t)(ercd >> 8);
    return 2;
}

static void answer(struct eza2500_device *device, int64_t end_us)
{
    uint8_t reply[EZA_OVERHEAD + 2 * EZA_FIELDS_MAX];
    const uint8_t *request = device->frame;
    unsigned ercd;
    const struct eza_command *row = find_row(request[EZA_AT_CMD], request[EZA_AT_LEN], &ercd);
    const struct sim_exchange exchange = {
        .name = row != NULL ? row->name : "",
        .cmd = request[EZA_AT_CMD],
        .request = request,
        .request_size = device->size,
    };
    size_t size;

    if (simulator_deaf(device->simulator, &exchange))
        return;
    device->counters.requests++;
    eza2500_advance(&device->model, end_us);
    if (simulator_refuses(device->simulator, &exchange)) {
        row = NULL;
        ercd = ERCD_NOT_NOW; /* until the fault puts its own code there */
    }
    reply[EZA_AT_START] = START_REPLY;
    reply[EZA_AT_AD1] = request[device->swap ? EZA_AT_AD2 : EZA_AT_AD1];
    reply[EZA_AT_AD2] = request[device->swap ? EZA_AT_AD1 : EZA_AT_AD2];
    reply[EZA_AT_CMD] = request[EZA_AT_CMD];
    reply[EZA_AT_LEN] =
        (uint8_t)answer_data(device, row, ercd, &reply[EZA_AT_CMD], reply + EZA_AT_DATA);
    size = EZA_OVERHEAD + (size_t)reply[EZA_AT_LEN];
    eza2500_protocol.seal(reply, size);
    simulator_answer(device->simulator, &exchange, reply, size, device->start_us, end_us);
}

/* Sends what followed the recorded request: it ends as long after the request's begin as then. */
static void replay_frame(struct eza2500_device *device)
{
    size_t count = 0;
    int64_t sent_us = 0;
    const struct replay_frame *frame =
        replay_answers(device->replay, device->frame, device->size, &count, &sent_us);

    device->counters.requests++;
    for (size_t i = 0; i < count; i++)
        simulator_send(device->simulator, frame[i].bytes, frame[i].size, device->start_us,
                       device->start_us + frame[i].time_us - sent_us);
}

static void take_frame(struct eza2500_device *device, int64_t end_us)
{
    const uint8_t *frame = device->frame;
    unsigned sum = frame[device->size - 2] | (unsigned)frame[device->size - 1] << 8;

    if (sum != eza2500_checksum(frame, device->size))
        device->counters.bad_checksums++;
    else if (frame[EZA_AT_AD1] != device->address1 || frame[EZA_AT_AD2] != device->address2)
        device->counters.foreign++;
    else
        answer(device, end_us);
}

static void on_byte(void *arg, uint8_t byte, bool after_silence, int64_t start_us, int64_t end_us)
{
    struct eza2500_device *device = arg;

    if (after_silence) {
        device->counters.stray_bytes += (int64_t)device->size;
        device->size = 0;
    }
    if (device->size == 0) {
        device->start_us = start_us;
        if (byte != START_REQUEST) {
            device->counters.stray_bytes++;
            return;
        }
    }
    device->frame[device->size++] = byte;
    if (device->size <= EZA_AT_LEN ||
        device->size < EZA_OVERHEAD + (size_t)device->frame[EZA_AT_LEN])
        return;
    simulator_frame_complete(device->simulator);
    if (device->replay != NULL)
        replay_frame(device);
    else
        take_frame(device, end_us);
    device->size = 0;
}

static void advance(void *arg, int64_t now_us)
{
    struct eza2500_device *device = arg;

    eza2500_advance(&device->model, now_us);
}

static struct json_object *counters_json(const struct counters *counters)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "requests", json_object_new_int64(counters->requests));
    json_object_object_add(object, "refusals", json_object_new_int64(counters->refusals));
    json_object_object_add(object, "bad_checksums", json_object_new_int64(counters->bad_checksums));
    json_object_object_add(object, "foreign", json_object_new_int64(counters->foreign));
    json_object_object_add(object, "stray_bytes", json_object_new_int64(counters->stray_bytes));
    return object;
}

static struct json_object *state(void *arg)
{
    const struct eza2500_device *device = arg;
    struct json_object *object = eza2500_state(&device->model);

    json_object_object_add(object, "counters", counters_json(&device->counters));
    return object;
}

static const char *set_reply_addresses(void *arg, const char *value)
{
    struct eza2500_device *device = arg;

    if (strcmp(value, "same") != 0 && strcmp(value, "swapped") != 0)
        return "same or swapped is possible";
    device->swap = strcmp(value, "swapped") == 0;
    return NULL;
}

static const char *set_strict(void *arg, const char *value)
{
    struct eza2500_device *device = arg;

    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return "on or off is possible";
    device->model.strict = strcmp(value, "on") == 0;
    return NULL;
}

static const char *set_alarm(void *arg, const char *value)
{
    struct eza2500_device *device = arg;

    if (strcmp(value, "none") == 0)
        device->model.alarms = 0;
    else if (strcmp(value, "light") == 0)
        eza2500_raise(&device->model, ALARM_TEST_LIGHT);
    else if (strcmp(value, "heavy") == 0)
        eza2500_raise(&device->model, ALARM_TEST_HEAVY);
    else
        return "none, light or heavy is possible";
    return NULL;
}

static const char *set_mode(void *arg, const char *value)
{
    struct eza2500_device *device = arg;
    char *end;
    unsigned long mode = strtoul(value, &end, 16);

    if (end == value || *end != '\0' || mode > UINT16_MAX ||
        operation_mode_find((unsigned)mode) == NULL)
        return "0x0000, 0x0002, 0x0014, 0x0041, … is possible";
    eza2500_force_mode(&device->model, (uint16_t)mode);
    return NULL;
}

/* symbol=value: any register, without a check of its range */
static const char *set_register(void *arg, const char *value)
{
    struct eza2500_device *device = arg;
    const char *equals = strchr(value, '=');
    char name[8];
    double number;

    if (equals == NULL || (size_t)(equals - value) >= sizeof name ||
        !sim_parse_real(equals + 1, 0, UINT16_MAX, &number))
        return "dvg=350 is possible";
    memcpy(name, value, (size_t)(equals - value));
    name[equals - value] = '\0';
    return eza2500_store(&device->model, name, number) ? NULL : "no such register";
}

#define SURROUNDING(member_, usage_, min_, max_, help_)                                            \
    {                                                                                              \
        .name = #member_, .usage = (usage_), .min = (min_), .max = (max_), .help = (help_),        \
        .offset = offsetof(struct eza2500_device, model.member_)                                   \
    }

static const struct sim_setting settings[] = {
    SURROUNDING(grid_voltage, "V", 0, 500, "what the neighbours hold the grid at (350)"),
    SURROUNDING(grid_load, "W", -5000, 5000,
                "what the grid draws while this converter holds its voltage (0); < 0: feeds in"),
    SURROUNDING(battery_voltage, "V", 0, 80, "the battery without current (52)"),
    SURROUNDING(battery_resistance, "OHM", 0, 1, "the battery's inner resistance (0.01)"),
    SURROUNDING(ambient, "°C", -40, 125, "the air around the converter (25)"),
    {.name = "mode",
     .usage = "0xXXXX",
     .set = set_mode,
     .help = "changes the operation mode without asking"},
    {.name = "register",
     .usage = "SYMBOL=VALUE",
     .set = set_register,
     .help = "changes what a write command sets: dvg=350, dig=2, ugv=300, …"},
    {.name = "alarm",
     .usage = "none|light|heavy",
     .set = set_alarm,
     .help = "raises a test alarm (9-4 clears it), or clears all"},
    {.name = "strict",
     .usage = "on|off",
     .set = set_strict,
     .help = "on: refuse (fffd) to change between running modes, but constant current to voltage"},
    {.name = "reply_addresses",
     .usage = "same|swapped",
     .set = set_reply_addresses,
     .help = "the order of AD1 and AD2 in answers, as in the request or exchanged"},
};

const struct sim_device eza2500_type = {
    .protocol = &eza2500_protocol,
    .byte = on_byte,
    .advance = advance,
    .state = state,
    .settings = settings,
    .setting_count = sizeof settings / sizeof settings[0],
};

struct eza2500_device *eza2500_device_new(uint8_t address1, uint8_t address2)
{
    struct eza2500_device *device = calloc(1, sizeof *device);

    if (device == NULL)
        return NULL;
    device->address1 = address1;
    device->address2 = address2;
    eza2500_init(&device->model, clock_us());
    return device;
}

void eza2500_device_free(struct eza2500_device *device)
{
    free(device);
}

void eza2500_device_attach(struct eza2500_device *device, struct simulator *simulator)
{
    device->simulator = simulator;
}

void eza2500_device_replay(struct eza2500_device *device, struct replay *replay)
{
    device->replay = replay;
}

double eza2500_device_battery_power(struct eza2500_device *device)
{
    eza2500_advance(&device->model, clock_us());
    return device->model.wb;
}
