/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/battery_device.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/sim/battery_faults.h"
#include "tests/sim/battery_model.h"
#include "tests/sim/json_number.h"
#include "tests/sim/modbus_server.h"
#include "tests/sim/options.h"

enum { AT_UNIT, AT_FUNCTION };
enum { POWER_MAX = 100000 };

struct counters {
    int64_t requests, bad_crcs, foreign, stray_bytes;
};

struct battery_device {
    struct battery_device_config config;
    struct battery_model model;
    struct modbus_server *server;
    struct simulator *simulator;
    struct counters counters;
    uint8_t request[MODBUS_REQUEST_SIZE];
    size_t size;
    int64_t start_us;
};

static void answer(struct battery_device *device, int64_t end_us)
{
    uint8_t reply[MODBUS_ANSWER_MAX];
    const struct sim_exchange exchange = {
        .name = "",
        .cmd = device->request[AT_FUNCTION],
        .request = device->request,
        .request_size = sizeof device->request,
    };
    size_t size;

    if (simulator_deaf(device->simulator, &exchange))
        return;
    device->counters.requests++;
    battery_advance(&device->model, end_us);
    modbus_server_set(device->server, device->config.adr_rsoc,
                      battery_rsoc_register(&device->model));
    modbus_server_set(device->server, device->config.adr_status,
                      battery_status_register(&device->model));
    size = modbus_server_answer(device->server, device->request, reply);
    if (size > 0)
        simulator_answer(device->simulator, &exchange, reply, size, device->start_us, end_us);
}

/* Other units' requests never reach libmodbus: it would lose step with the frames. */
static void take_request(struct battery_device *device, int64_t end_us)
{
    const uint8_t *request = device->request;
    size_t size = sizeof device->request - MODBUS_CRC_SIZE;

    if (modbus_crc(request, size) != (request[size] | request[size + 1] << 8))
        device->counters.bad_crcs++;
    else if (request[AT_UNIT] != device->config.unit)
        device->counters.foreign++;
    else
        answer(device, end_us);
}

/* Requests that read, the only ones that a battery gets, are all of one size. */
static void on_byte(void *arg, uint8_t byte, bool after_silence, int64_t start_us, int64_t end_us)
{
    struct battery_device *device = arg;

    if (after_silence) {
        device->counters.stray_bytes += (int64_t)device->size;
        device->size = 0;
    }
    if (device->size == 0)
        device->start_us = start_us;
    device->request[device->size++] = byte;
    if (device->size < sizeof device->request)
        return;
    simulator_frame_complete(device->simulator);
    take_request(device, end_us);
    device->size = 0;
}

static void advance(void *arg, int64_t now_us)
{
    struct battery_device *device = arg;

    battery_advance(&device->model, now_us);
}

static struct json_object *counters_json(const struct counters *counters)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "requests", json_object_new_int64(counters->requests));
    json_object_object_add(object, "bad_crcs", json_object_new_int64(counters->bad_crcs));
    json_object_object_add(object, "foreign", json_object_new_int64(counters->foreign));
    json_object_object_add(object, "stray_bytes", json_object_new_int64(counters->stray_bytes));
    return object;
}

static struct json_object *state(void *arg)
{
    static const char *const sharing[] = {"auto", "permitted", "denied"};
    const struct battery_device *device = arg;
    const struct battery_model *model = &device->model;
    bool reported = model->converter_until_us > model->now_us;
    struct json_object *object = json_object_new_object();

    sim_json_add(object, "rsoc", model->rsoc);
    json_object_object_add(object, "permitted", json_object_new_boolean(battery_permits(model)));
    json_object_object_add(object, "sharing", json_object_new_string(sharing[model->sharing]));
    json_object_object_add(object, "rsoc_register",
                           json_object_new_int(battery_rsoc_register(model)));
    json_object_object_add(object, "status_register",
                           json_object_new_int(battery_status_register(model)));
    sim_json_add(object, "converter_power", reported ? model->converter_power : 0);
    sim_json_add(object, "load", model->load);
    sim_json_add(object, "capacity", model->capacity);
    sim_json_add(object, "time_factor", model->time_factor);
    sim_json_add(object, "low", model->low);
    sim_json_add(object, "high", model->high);
    sim_json_add(object, "hysteresis", model->hysteresis);
    json_object_object_add(object, "counters", counters_json(&device->counters));
    return object;
}

static const char *set_sharing(void *arg, const char *value)
{
    struct battery_device *device = arg;

    if (strcmp(value, "auto") == 0)
        device->model.sharing = BATTERY_AUTO;
    else if (strcmp(value, "permitted") == 0)
        device->model.sharing = BATTERY_PERMITTED;
    else if (strcmp(value, "denied") == 0)
        device->model.sharing = BATTERY_DENIED;
    else
        return "denied, permitted or auto is possible";
    return NULL;
}

static const char *set_raw(int32_t *raw, const char *value)
{
    double number = -1;

    if (strcmp(value, "auto") != 0 && !sim_parse_real(value, 0, UINT16_MAX, &number))
        return "0..65535 or auto is possible";
    *raw = (int32_t)number;
    return NULL;
}

static const char *set_rsoc_raw(void *arg, const char *value)
{
    return set_raw(&((struct battery_device *)arg)->model.rsoc_raw, value);
}

static const char *set_status_raw(void *arg, const char *value)
{
    return set_raw(&((struct battery_device *)arg)->model.status_raw, value);
}

static const char *set_converter_power(void *arg, const char *value)
{
    struct battery_device *device = arg;
    double watts;

    if (!sim_parse_real(value, -POWER_MAX, POWER_MAX, &watts))
        return "-100000..100000 is possible";
    battery_report_power(&device->model, watts);
    return NULL;
}

#define NUMBER(member_, usage_, min_, max_, help_)                                                 \
    {                                                                                              \
        .name = #member_, .usage = (usage_), .min = (min_), .max = (max_), .help = (help_),        \
        .offset = offsetof(struct battery_device, model.member_)                                   \
    }

static const struct sim_setting settings[] = {
    NUMBER(rsoc, "%", 0, 100, "the charge"),
    NUMBER(capacity, "WH", 0.001, 1e9, "what a full battery holds"),
    NUMBER(load, "W", -POWER_MAX, POWER_MAX,
           "flows into the battery (< 0: out of it) beside what the converter moves"),
    NUMBER(time_factor, "F", 0, 1e6, "the charge moves so many times faster"),
    NUMBER(low, "%", 0, 100, "sharing is denied at or below this charge (10)"),
    NUMBER(high, "%", 0, 100, "sharing is denied at or above this charge (95)"),
    NUMBER(hysteresis, "%", 0, 50, "how far inside it is permitted again (2)"),
    {.name = "sharing",
     .usage = "denied|permitted|auto",
     .set = set_sharing,
     .help = "by hand, or as the charge says"},
    {.name = "rsoc_raw",
     .usage = "N|auto",
     .set = set_rsoc_raw,
     .help = "the RSOC register as it is read, 0..65535"},
    {.name = "status_raw",
     .usage = "N|auto",
     .set = set_status_raw,
     .help = "the status register as it is read, 0..65535"},
    {.name = "converter_power",
     .usage = "W",
     .set = set_converter_power,
     .help =
         "what the converter moves into the battery; forgotten after 3 s (eza2500-sim says it)"},
};

const struct sim_device battery_type = {
    .protocol = &battery_protocol,
    .byte = on_byte,
    .advance = advance,
    .state = state,
    .settings = settings,
    .setting_count = sizeof settings / sizeof settings[0],
};

struct battery_device *battery_device_new(const struct battery_device_config *config)
{
    struct battery_device *device = calloc(1, sizeof *device);
    unsigned from = config->adr_rsoc < config->adr_status ? config->adr_rsoc : config->adr_status;
    unsigned to = config->adr_rsoc < config->adr_status ? config->adr_status : config->adr_rsoc;

    if (device == NULL)
        return NULL;
    device->config = *config;
    battery_init(&device->model, config->rsoc, clock_us());
    device->model.capacity = config->capacity;
    device->server = modbus_server_new(config->unit, from, to);
    if (device->server == NULL) {
        free(device);
        return NULL;
    }
    return device;
}

void battery_device_free(struct battery_device *device)
{
    if (device == NULL)
        return;
    modbus_server_free(device->server);
    free(device);
}

void battery_device_attach(struct battery_device *device, struct simulator *simulator)
{
    device->simulator = simulator;
}
