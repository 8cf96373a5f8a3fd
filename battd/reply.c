/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/reply.h"

#include "common/clock.h"
#include "common/decimal.h"
#include "common/direction.h"

static struct json_object *number(double value)
{
    char text[DECIMAL_DOUBLE_SIZE];

    return json_object_new_double_s(value, decimal_print_double(value, text));
}

/* Seconds with three decimals. */
static struct json_object *seconds(int64_t us)
{
    int64_t ms = us / US_PER_MS;

    return number((double)ms / 1000);
}

static struct json_object *zero(void)
{
    return json_object_new_int(0);
}

static struct json_object *rsoc(const struct reading *reading)
{
    return number(reading->rsoc / 10.0);
}

/* The number as written in the configuration. */
static struct json_object *echo(const struct config_number *configured)
{
    return json_object_new_double_s(decimal_to_double(configured->value), configured->text);
}

/* An object whose members are all 0. */
static struct json_object *zeros(const char *const *names, size_t count)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < count; i++)
        json_object_object_add(object, names[i], zero());
    return object;
}

#define ZEROS(...)                                                                                 \
    zeros((const char *const[]){__VA_ARGS__},                                                      \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* The product, exact when it has no more than 19 digits. */
static double power(struct decimal voltage, struct decimal current)
{
    struct decimal product = {.exponent = voltage.exponent + current.exponent,
                              .negative = voltage.negative != current.negative};

    if (__builtin_mul_overflow(voltage.coefficient, current.coefficient, &product.coefficient) ||
        product.coefficient >= UINT64_C(10000000000000000000))
        return decimal_to_double(voltage) * decimal_to_double(current);
    return decimal_to_double(product);
}

struct json_object *battery_reply_check(const struct reading *reading, int64_t age_us)
{
    struct json_object *reply = json_object_new_object();

    json_object_object_add(reply, "rsoc", rsoc(reading));
    json_object_object_add(reply, "battery_operation_status",
                           json_object_new_int(reading->operation_status));
    json_object_object_add(reply, "age", seconds(age_us));
    return reply;
}

struct json_object *battery_reply_log_data(const struct reading *reading,
                                           const struct config_battery *config)
{
    struct json_object *reply = json_object_new_object();
    double watts = power(config->battery_voltage.value, config->battery_current.value);

    json_object_object_add(reply, "battery_voltage", echo(&config->battery_voltage));
    json_object_object_add(reply, "battery_rsoc", rsoc(reading));
    json_object_object_add(reply, "rsoc", rsoc(reading));
    json_object_object_add(reply, "battery_comm_err", zero());
    json_object_object_add(reply, "ups_operation_schedule", zero());
    json_object_object_add(reply, "charge_discharge_power", number(watts));
    json_object_object_add(reply, "ups_operation_mode", ZEROS("mode", "stop_mode", "parameter"));
    json_object_object_add(reply, "battery_warning", zero());
    json_object_object_add(reply, "battery_status", zero());
    json_object_object_add(reply, "battery_operation_status",
                           json_object_new_int(reading->operation_status));
    json_object_object_add(reply, "battery_current", echo(&config->battery_current));
    json_object_object_add(reply, "dischargeable_time", ZEROS("hour", "minute"));
    json_object_object_add(reply, "system_time", ZEROS("minute", "year", "month", "day", "hour"));
    return reply;
}

static struct json_object *counters(const struct snapshot_counters *counters)
{
    static const char *const outcomes[OUTCOME_COUNT] = {
        [OUTCOME_OK] = "ok",
        [OUTCOME_TIMEOUT] = "timeouts",
        [OUTCOME_CHECKSUM] = "checksum_errors",
        [OUTCOME_EXCEPTION] = "exceptions",
        [OUTCOME_FOREIGN] = "foreign",
        [OUTCOME_MALFORMED] = "malformed",
        [OUTCOME_BAD_VALUE] = "bad_values",
        [OUTCOME_PORT] = "port_errors",
    };
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "polls", json_object_new_uint64(counters->polls));
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        json_object_object_add(object, outcomes[i], json_object_new_uint64(counters->outcomes[i]));
    json_object_object_add(object, "opens", json_object_new_uint64(counters->opens));
    json_object_object_add(object, "stray_bytes", json_object_new_uint64(counters->stray_bytes));
    return object;
}

static struct json_object *port(const struct snapshot *snapshot,
                                const struct config_battery_dev *config)
{
    const char parity[] = {(char)config->port.parity, '\0'};
    char direction[DIRECTION_NAME_SIZE];
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "path", json_object_new_string(config->port.path));
    json_object_object_add(object, "open", json_object_new_boolean(snapshot->port_open));
    json_object_object_add(object, "baud", json_object_new_int64(config->port.baud));
    json_object_object_add(object, "parity", json_object_new_string(parity));
    json_object_object_add(object, "stop_bits", json_object_new_int64(config->port.stop_bits));
    json_object_object_add(object, "direction",
                           json_object_new_string(direction_name(&config->port, direction)));
    json_object_object_add(object, "unit", json_object_new_int(config->unit));
    return object;
}

static void add_last_error(struct json_object *reply, const struct snapshot *snapshot,
                           int64_t now_us)
{
    const char *text = snapshot->failed ? snapshot->error : NULL;

    json_object_object_add(reply, "last_error", text ? json_object_new_string(text) : NULL);
    json_object_object_add(reply, "last_error_age",
                           text ? seconds(now_us - snapshot->failed_us) : NULL);
}

struct json_object *battery_reply_status(const struct snapshot *snapshot,
                                         const struct config_battery_dev *config, int64_t now_us)
{
    static const char *const states[] = {
        [SNAPSHOT_FRESH] = "ok", [SNAPSHOT_FAILED] = "error", [SNAPSHOT_WAIT] = "starting"};
    struct json_object *reply = json_object_new_object();
    enum snapshot_verdict verdict;
    struct failure failure;
    int64_t age_us;

    if (snapshot == NULL) {
        json_object_object_add(reply, "state", json_object_new_string("no_battery"));
        return reply;
    }
    verdict = snapshot_serve(snapshot, config->max_age_us, now_us, &failure);
    age_us = now_us - snapshot->measured_us;
    json_object_object_add(reply, "state", json_object_new_string(states[verdict]));
    json_object_object_add(
        reply, "reading",
        verdict == SNAPSHOT_FRESH ? battery_reply_check(&snapshot->reading, age_us) : NULL);
    json_object_object_add(reply, "age", snapshot->measured ? seconds(age_us) : NULL);
    add_last_error(reply, snapshot, now_us);
    json_object_object_add(reply, "port", port(snapshot, config));
    json_object_object_add(reply, "poll_interval", seconds(config->poll_interval_us));
    json_object_object_add(reply, "max_age", seconds(config->max_age_us));
    json_object_object_add(reply, "timeout", seconds(config->timeout_us));
    json_object_object_add(reply, "counters", counters(&snapshot->counters));
    return reply;
}
