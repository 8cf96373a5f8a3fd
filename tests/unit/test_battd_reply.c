/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "battd/reply.h"

#define S INT64_C(1000000)

/* Compares with the text of object and frees it. */
static void assert_json(struct json_object *object, const char *expected)
{
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

    assert_string_equal(json_object_to_json_string_ext(object, flags), expected);
    json_object_put(object);
}

static struct config_number configured(const char *text)
{
    struct config_number number = {0};

    assert_null(decimal_parse(text, &number.value));
    snprintf(number.text, sizeof number.text, "%s", text);
    return number;
}

static void check_battery(void **state)
{
    static const struct {
        struct reading reading;
        int64_t age_us;
        const char *expected;
    } cases[] = {
        {{501, 3}, 412345, "{\"rsoc\":50.1,\"battery_operation_status\":3,\"age\":0.412}"},
        {{0, 0}, 0, "{\"rsoc\":0,\"battery_operation_status\":0,\"age\":0}"},
        {{1000, 3}, 4999999, "{\"rsoc\":100,\"battery_operation_status\":3,\"age\":4.999}"},
        {{7, 3}, 1000, "{\"rsoc\":0.7,\"battery_operation_status\":3,\"age\":0.001}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_json(battery_reply_check(&cases[i].reading, cases[i].age_us), cases[i].expected);
}

/* Each of the 1001 RSOC values: one decimal, as a person would write it. */
static void rsoc_text(void **state)
{
    (void)state;
    for (unsigned raw = 0; raw <= RSOC_MAX; raw++) {
        const struct reading reading = {(uint16_t)raw, 3};
        char expected[100], decimals[4] = "";

        if (raw % 10 != 0)
            snprintf(decimals, sizeof decimals, ".%u", raw % 10);
        snprintf(expected, sizeof expected,
                 "{\"rsoc\":%u%s,\"battery_operation_status\":3,\"age\":0}", raw / 10, decimals);
        assert_json(battery_reply_check(&reading, 0), expected);
    }
}

static void log_data(void **state)
{
    const struct config_battery config = {.battery_voltage = configured("52.0"),
                                          .battery_current = configured("20.0")};

    (void)state;
    assert_json(battery_reply_log_data(&(const struct reading){501, 3}, &config),
                "{\"battery_voltage\":52.0,\"battery_rsoc\":50.1,\"rsoc\":50.1,"
                "\"battery_comm_err\":0,\"ups_operation_schedule\":0,"
                "\"charge_discharge_power\":1040,"
                "\"ups_operation_mode\":{\"mode\":0,\"stop_mode\":0,\"parameter\":0},"
                "\"battery_warning\":0,\"battery_status\":0,\"battery_operation_status\":3,"
                "\"battery_current\":20.0,\"dischargeable_time\":{\"hour\":0,\"minute\":0},"
                "\"system_time\":{\"minute\":0,\"year\":0,\"month\":0,\"day\":0,\"hour\":0}}");
}

static void power_is_exact(void **state)
{
    static const struct {
        const char *voltage, *current, *power;
    } cases[] = {
        {"200", "2", "400"},
        {"52.1", "20.3", "1057.63"}, /* in doubles: 1057.6299999999999 */
        {"0.1", "3", "0.3"},
        {"52", "-1.5", "-78"},
        {"0", "-1.5", "0"},
        {"1.23456789012345", "1e2", "123.456789012345"},
        {"9999999999.5", "9999999999.5", "9.999999999e+19"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct config_battery config = {.battery_voltage = configured(cases[i].voltage),
                                              .battery_current = configured(cases[i].current)};
        struct json_object *reply = battery_reply_log_data(&(const struct reading){0, 0}, &config);
        struct json_object *power = json_object_object_get(reply, "charge_discharge_power");

        assert_json(json_object_get(power), cases[i].power);
        json_object_put(reply);
    }
}

static const struct config_battery_dev DEVICE = {
    .present = true,
    .port = {.path = "/dev/ttyO5", .baud = 9600, .parity = CONFIG_PARITY_EVEN, .stop_bits = 2},
    .unit = 7,
    .timeout_us = S,
    .poll_interval_us = S / 2,
    .max_age_us = 5 * S,
};

#define DEVICE_JSON(open)                                                                          \
    "\"port\":{\"path\":\"/dev/ttyO5\",\"open\":" open ",\"baud\":9600,\"parity\":\"E\","          \
    "\"stop_bits\":2,\"direction\":\"none\",\"unit\":7},\"poll_interval\":0.5,\"max_age\":5,"      \
    "\"timeout\":1,"

static void status_without_a_battery(void **state)
{
    (void)state;
    assert_json(battery_reply_status(NULL, &(const struct config_battery_dev){0}, 0),
                "{\"state\":\"no_battery\"}");
}

static void status_before_the_first_poll(void **state)
{
    const struct snapshot snapshot = {0};

    (void)state;
    assert_json(
        battery_reply_status(&snapshot, &DEVICE, 9 * S),
        "{\"state\":\"starting\",\"reading\":null,\"age\":null,\"last_error\":null,"
        "\"last_error_age\":null," DEVICE_JSON(
            "false") "\"counters\":{\"polls\":0,\"ok\":0,\"timeouts\":0,\"checksum_errors\":0,"
                     "\"exceptions\":0,\"foreign\":0,\"malformed\":0,\"bad_values\":0,"
                     "\"port_errors\":0,\"opens\":0,\"stray_bytes\":0}}");
}

static void status_shows_no_old_reading(void **state)
{
    struct snapshot snapshot = {.port_open = true,
                                .counters = {.polls = 2, .opens = 3, .stray_bytes = 4}};

    (void)state;
    snapshot_succeeded(&snapshot, &(const struct reading){501, 3}, 10 * S);
    snapshot_failed(&snapshot, OUTCOME_TIMEOUT, "no answer within 1 s", 5 * S, 11 * S);
    assert_json(
        battery_reply_status(&snapshot, &DEVICE, 12 * S),
        "{\"state\":\"ok\",\"reading\":{\"rsoc\":50.1,\"battery_operation_status\":3,"
        "\"age\":2},\"age\":2,\"last_error\":\"no answer within 1 s\","
        "\"last_error_age\":1," DEVICE_JSON(
            "true") "\"counters\":{\"polls\":2,\"ok\":1,\"timeouts\":1,\"checksum_errors\":0,"
                    "\"exceptions\":0,\"foreign\":0,\"malformed\":0,\"bad_values\":0,"
                    "\"port_errors\":0,\"opens\":3,\"stray_bytes\":4}}");
    assert_json(
        battery_reply_status(&snapshot, &DEVICE, 15 * S),
        "{\"state\":\"error\",\"reading\":null,\"age\":5,"
        "\"last_error\":\"no answer within 1 s\",\"last_error_age\":4," DEVICE_JSON(
            "true") "\"counters\":{\"polls\":2,\"ok\":1,\"timeouts\":1,\"checksum_errors\":0,"
                    "\"exceptions\":0,\"foreign\":0,\"malformed\":0,\"bad_values\":0,"
                    "\"port_errors\":0,\"opens\":3,\"stray_bytes\":4}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_battery),
        cmocka_unit_test(rsoc_text),
        cmocka_unit_test(log_data),
        cmocka_unit_test(power_is_exact),
        cmocka_unit_test(status_without_a_battery),
        cmocka_unit_test(status_before_the_first_poll),
        cmocka_unit_test(status_shows_no_old_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
