/* SPDX-License-Identifier: Apache-2.0 */
/* common/config_json: what is printed is read back as the same configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_json.h"

static struct config *load(const char *name)
{
    struct failure failure = {0};
    char path[PATH_MAX];
    const char *root = getenv("SOURCE_DIR");
    struct config *config;

    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", name);
    config = config_load(path, &failure);
    if (config == NULL)
        fail_msg("%s", failure.text);
    return config;
}

static struct config *parse(const char *text)
{
    struct failure failure = {0};
    struct config *config = config_parse(text, strlen(text), "printed", &failure);

    if (config == NULL)
        fail_msg("%s\n%s", failure.text, text);
    return config;
}

/* The text of config, which is taken; checks that it reads back as itself. */
static char *printed(struct config *config)
{
    struct json_object *json = config_json(config), *again;
    char *text = strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY));
    struct config *back;

    assert_non_null(text);
    back = parse(text);
    again = config_json(back);
    assert_string_equal(json_object_to_json_string_ext(again, JSON_C_TO_STRING_PRETTY), text);
    assert_string_equal(back->dcdc_dev.port.path, config->dcdc_dev.port.path);
    assert_string_equal(back->dcdc_dev.port.dir_pin, config->dcdc_dev.port.dir_pin);
    assert_int_equal(back->dcdc_dev.port.baud, config->dcdc_dev.port.baud);
    assert_int_equal(back->dcdc.command_interval_us, config->dcdc.command_interval_us);
    assert_int_equal(back->dcdc.address_check, config->dcdc.address_check);
    assert_int_equal(back->dcdc.setup.bcf, config->dcdc.setup.bcf);
    assert_string_equal(back->dcdc.setup.drb.text, config->dcdc.setup.drb.text);
    assert_int_equal(back->battery_dev.present, config->battery_dev.present);
    assert_int_equal(back->battery_dev.timeout_us, config->battery_dev.timeout_us);
    assert_int_equal(back->battery_dev.adr_status, config->battery_dev.adr_status);
    assert_int_equal(back->gateway.idle_timeout_us, config->gateway.idle_timeout_us);
    json_object_put(again);
    json_object_put(json);
    free(back);
    free(config);
    return text;
}

static void test_files(void **state)
{
    static const char *const files[] = {
        "etc/dcdc_batt_comm.yml",
        "tests/unit/data/config/specification.yml",
        "tests/unit/data/config/list_form.yml",
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        free(printed(load(files[i])));
}

/* Every value other than its default comes back, names and numbers as written. */
static void test_values(void **state)
{
    static const char file[] =
        "ess_system:\n"
        "  dcdc_dev: {name: \"a \\\"b\\\"\", config: c, class: ESSXRS485, params: [/dev/x, "
        "38400],\n"
        "    kwparams: {parity: E, stopbits: 2, direction: kernel, rts_delay_after: 0.002},\n"
        "    address1: 7, address2: 255}\n"
        "  battery_dev: {class: None}\n"
        "dcdc:\n"
        "  c: {wait_retry: 1.25, reply_timeout: 0.0625, command_interval: 0, on_exit: wait,\n"
        "    address_check: no, config: {cib: 5.20e1, ubv: 40, obv: 59, ugv: 300, ogv: 400,\n"
        "    bcf: 0x00ff, tbv: 57.60, lbv: 49, cud: 1.2, dld: 1.8, drb: 0.00}}\n"
        "gateway: {allow: [192.0.2.0/24, \"2001:db8::/32\", 0.0.0.0/0], allow_control: "
        "[192.0.2.7],\n"
        "  names: [Unit7.example, \"unit7:8080\", \"[2001:db8::7]:80\"], read_only: yes}\n";
    static const char *const expected[] = {
        "\"name\":\"a \\\"b\\\"\"",
        "\"baudrate\":\"38400\"",
        "\"parity\":\"E\"",
        "\"direction\":\"kernel\"",
        "\"dir_pin\":\"not_used\"",
        "\"rts_delay_before\":0,",
        "\"rts_delay_after\":0.002",
        "\"address1\":7",
        "\"wait_for_retry\":1.25",
        "\"reply_timeout\":0.0625",
        "\"command_interval\":0",
        "\"on_exit\":\"wait\"",
        "\"address_check\":false",
        "\"cib\":5.20e1",
        "\"bcf\":255",
        "\"cvb\":57.60",
        "\"drb\":0.00",
        "\"battery_dev\":{",
        "\"class\":\"None\"",
        "\"stopbits\":\"2\"",
        "\"address2\":255",
        "\"allow\":[\"192.0.2.0\\/24\",\"2001:db8::\\/32\",\"0.0.0.0\\/0\"]",
        "\"allow_control\":[\"192.0.2.7\\/32\"]",
        "\"names\":[\"unit7.example\",\"unit7:8080\",\"[2001:db8::7]:80\"]",
        "\"read_only\":true",
    };
    char *text, *end;

    (void)state;
    text = printed(parse(file));
    end = text; /* without blanks */
    for (const char *p = text; *p != '\0'; p++)
        if (*p != '\n' && (*p != ' ' || p[1] == '\\'))
            *end++ = *p;
    *end = '\0';
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (strstr(text, expected[i]) == NULL)
            fail_msg("%s is not in %s", expected[i], text);
    assert_null(strstr(text, "tbv"));
    assert_null(strstr(text, "wait_retry"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests_name("config_json", tests, NULL, NULL);
}
