/* SPDX-License-Identifier: Apache-2.0 */
/* common/config: files of every shape, and for every kind of mistake its place and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config.h"
#include "common/edit_distance.h"

/* The root of the repository, from where the tests run unless SOURCE_DIR says otherwise. */
static const char *source_path(const char *name)
{
    static char path[PATH_MAX];
    const char *root = getenv("SOURCE_DIR");

    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", name);
    return path;
}

static struct config *load_good(const char *name)
{
    struct failure failure = {0};
    struct config *config = config_load(source_path(name), &failure);

    if (config == NULL)
        fail_msg("%s", failure.text);
    return config;
}

static char *read_text(const char *name)
{
    FILE *file = fopen(source_path(name), "r");
    char *text = calloc(1, CONFIG_SIZE_MAX);

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, CONFIG_SIZE_MAX - 1, file) > 0);
    fclose(file);
    return text;
}

/* text with the one place where from stands replaced; text is freed. */
static char *replace(char *text, const char *from, const char *to)
{
    char *place = strstr(text, from), *result = NULL;

    if (place == NULL || strstr(place + 1, from) != NULL)
        fail_msg("'%s' is not there exactly once", from);
    assert_true(asprintf(&result, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from)) >
                0);
    free(text);
    return result;
}

static bool fails_with(const char *text, size_t size, const char *expected)
{
    struct failure failure = {.text = "accepted"};
    struct config *config = config_parse(text, size, "f.yml", &failure);
    bool good =
        config == NULL && failure.reason == REASON_CONFIG && strcmp(failure.text, expected) == 0;

    if (!good)
        print_error("expected: %s\n     got: %s\n", expected, failure.text);
    free(config);
    return good;
}

static void expect_failure(const char *text, size_t size, const char *expected)
{
    assert_true(fails_with(text, size, expected));
}

static struct config *parse_good(const char *text)
{
    struct failure failure = {0};
    struct config *config = config_parse(text, strlen(text), "f.yml", &failure);

    if (config == NULL)
        fail_msg("%s", failure.text);
    return config;
}

static void assert_number(const struct config_number *number, const char *text, double value)
{
    assert_string_equal(number->text, text);
    assert_true(decimal_to_double(number->value) == value);
}

static void check_specification_values(const struct config *config)
{
    const struct config_setup *setup = &config->dcdc.setup;

    assert_string_equal(config->dcdc_dev.name, "dcdc1");
    assert_string_equal(config->dcdc_dev.port.path, "/dev/ttyO2");
    assert_int_equal(config->dcdc_dev.port.baud, 19200);
    assert_string_equal(config->dcdc_dev.port.dir_pin, "P8_7");
    assert_int_equal(config->dcdc_dev.address1, 0);
    assert_int_equal(config->dcdc_dev.address2, 1);
    assert_true(config->battery_dev.present);
    assert_string_equal(config->battery_dev.name, "battery");
    assert_string_equal(config->battery_dev.port.path, "/dev/ttyO5");
    assert_int_equal(config->battery_dev.port.baud, 9600);
    assert_int_equal(config->battery_dev.port.parity, CONFIG_PARITY_NONE);
    assert_int_equal(config->battery_dev.port.stop_bits, 1);
    assert_string_equal(config->battery_dev.port.dir_pin, "P8_9");
    assert_int_equal(config->battery_dev.timeout_us, 1000000);
    assert_int_equal(config->battery_dev.unit, 1);
    assert_int_equal(config->battery_dev.adr_rsoc, 30030);
    assert_int_equal(config->battery_dev.adr_status, 30031);
    assert_int_equal(config->dcdc.dcdc_error_retries, 3);
    assert_int_equal(config->dcdc.timeout_retries, 3);
    assert_int_equal(config->dcdc.wait_for_retry_us, 100000);
    assert_number(&setup->cib, "52", 52);
    assert_number(&setup->ubv, "40", 40);
    assert_number(&setup->obv, "59", 59);
    assert_number(&setup->ugv, "300", 300);
    assert_number(&setup->ogv, "400", 400);
    assert_int_equal(setup->bcf, 3);
    assert_number(&setup->cvb, "57.6", 57.6);
    assert_number(&setup->dlb, "49", 49);
    assert_number(&setup->cdb, "1.2", 1.2);
    assert_number(&setup->ddb, "1.8", 1.8);
    assert_number(&setup->drb, "0.00", 0);
    assert_number(&config->battery.battery_voltage, "52.0", 52);
    assert_number(&config->battery.battery_current, "20.0", 20);
    assert_false(config->battery.force_dcdc_waiting);
}

static void check_network(const struct network *network, const char *text)
{
    struct network expected;

    assert_null(network_parse(text, &expected));
    assert_memory_equal(&network->address, &expected.address, sizeof expected.address);
    assert_int_equal(network->bits, expected.bits);
}

static void check_loopback(const struct config_networks *networks)
{
    assert_int_equal(networks->count, 2);
    check_network(&networks->each[0], "127.0.0.0/8");
    check_network(&networks->each[1], "::1");
}

static void check_defaults(const struct config *config)
{
    assert_int_equal(config->dcdc.reply_timeout_us, 100000);
    assert_int_equal(config->dcdc.command_interval_us, 62000);
    assert_int_equal(config->dcdc.battery_check_interval_us, 10000000);
    assert_true(config->dcdc.address_check);
    assert_int_equal(config->battery_dev.poll_interval_us, 1000000);
    assert_int_equal(config->battery_dev.max_age_us, 5000000);
    assert_int_equal(config->gateway.max_connections, 512);
    assert_int_equal(config->gateway.max_connections_per_address, 256);
    assert_int_equal(config->gateway.max_target_size, 4096);
    assert_int_equal(config->gateway.request_timeout_us, 5000000);
    assert_false(config->gateway.read_only);
    assert_int_equal(config->gateway.names.count, 0);
    check_loopback(&config->gateway.allow);
    check_loopback(&config->gateway.allow_control);
    assert_int_equal(config->gateway.max_headers_size, 8192);
    assert_int_equal(config->gateway.max_body_size, 4096);
    assert_int_equal(config->gateway.idle_timeout_us, 60000000);
}

static void test_specification(void **state)
{
    struct config *config = load_good("tests/unit/data/config/specification.yml");

    (void)state;
    check_specification_values(config);
    check_defaults(config);
    free(config);
}

/* The installed example shows the defaults, so it says the same as the specification's. */
static void test_installed_example(void **state)
{
    struct config *config = load_good("etc/dcdc_batt_comm.yml");

    (void)state;
    check_specification_values(config);
    check_defaults(config);
    free(config);
}

static void test_list_form(void **state)
{
    struct config *config = load_good("tests/unit/data/config/list_form.yml");
    const struct config_setup *setup = &config->dcdc.setup;

    (void)state;
    assert_string_equal(config->dcdc_dev.port.path, "/dev/ttyUSB0");
    assert_string_equal(config->dcdc_dev.port.dir_pin, "");
    assert_int_equal(config->dcdc_dev.address1, 0);
    assert_int_equal(config->dcdc_dev.address2, 16);
    assert_string_equal(config->battery_dev.port.path, "/dev/ttyUSB1");
    assert_string_equal(config->battery_dev.port.dir_pin, "P8_9");
    assert_int_equal(config->battery_dev.port.baud, 19200);
    assert_int_equal(config->battery_dev.port.parity, CONFIG_PARITY_EVEN);
    assert_int_equal(config->battery_dev.port.stop_bits, 2);
    assert_int_equal(config->battery_dev.timeout_us, 3000000);
    assert_int_equal(config->battery_dev.unit, 16);
    assert_int_equal(config->battery_dev.adr_status, 30040);
    assert_int_equal(config->battery_dev.poll_interval_us, 500000);
    assert_int_equal(config->battery_dev.max_age_us, 2500000);
    assert_int_equal(config->dcdc.dcdc_error_retries, 0);
    assert_int_equal(config->dcdc.wait_for_retry_us, 250000);
    assert_int_equal(config->dcdc.reply_timeout_us, 500000);
    assert_int_equal(config->dcdc.command_interval_us, 0);
    assert_int_equal(config->dcdc.battery_check_interval_us, 2000000);
    assert_false(config->dcdc.address_check);
    assert_number(&setup->cib, "52", 52);
    assert_number(&setup->ubv, "40", 40);
    assert_number(&setup->ugv, "300.50", 300.5);
    assert_number(&setup->cvb, "57.6", 57.6);
    assert_number(&setup->dlb, "49", 49);
    assert_number(&setup->cdb, "1.2", 1.2);
    assert_number(&setup->ddb, "1.8", 1.8);
    assert_number(&setup->drb, "0.5", 0.5);
    assert_number(&config->battery.battery_current, "-20", -20);
    assert_true(config->battery.force_dcdc_waiting);
    assert_int_equal(config->gateway.max_connections, 32);
    assert_int_equal(config->gateway.max_body_size, 4096);
    assert_int_equal(config->gateway.idle_timeout_us, 5000000);
    free(config);
}

static void test_access(void **state)
{
    char *text = replace(read_text("tests/unit/data/config/specification.yml"), "battery:\n",
                         "gateway:\n  allow: [loopback, 192.0.2.0/24, \"2001:db8::/32\"]\n"
                         "  allow_control: []\n"
                         "  names: [Unit1.local, 'proxy:80', '[::2]:8443']\n"
                         "  read_only: yes\nbattery:\n");
    struct config *config = parse_good(text);
    const struct config_gateway *gateway = &config->gateway;

    (void)state;
    assert_int_equal(gateway->allow.count, 4);
    check_network(&gateway->allow.each[2], "192.0.2.0/24");
    check_network(&gateway->allow.each[3], "2001:db8::/32");
    assert_int_equal(gateway->allow_control.count, 0);
    assert_int_equal(gateway->names.count, 3);
    assert_string_equal(gateway->names.each[0].name, "unit1.local");
    assert_int_equal(gateway->names.each[0].port, 0);
    assert_int_equal(gateway->names.each[1].port, 80);
    assert_true(gateway->names.each[2].is_address);
    assert_true(gateway->read_only);
    free(config);
    free(text);
}

#define DCDC    "dcdc.dcdc_default_eza2500"
#define SETUP   DCDC ".config"
#define BATTERY "battery.battery_emulator"

/* One change to the specification's example, and what is said of it. */
struct mistake {
    const char *from, *to;
    const char *expected; /* behind "f.yml:" */
};

static const struct mistake mistakes[] = {
    /* ranges: those of the converter's commands, and our own */
    {"cib: 52", "cib: 99", "33: " SETUP ".cib: 99 is above 56.77"},
    {"cib: 52", "cib: 56.7700000000000001",
     "33: " SETUP ".cib: 56.7700000000000001 is above 56.77"},
    {"cib: 52", "cib: -1", "33: " SETUP ".cib: -1 is below 0"},
    {"ubv: 40", "ubv: 31.999", "34: " SETUP ".ubv: 31.999 is below 32"},
    {"obv: 59", "obv: 68.1", "35: " SETUP ".obv: 68.1 is above 68"},
    {"ugv: 300", "ugv: 1e3", "36: " SETUP ".ugv: 1e3 is above 425"},
    {"ogv: 400", "ogv: 259", "37: " SETUP ".ogv: 259 is below 260"},
    {"bcf: 0x0003", "bcf: 0x10000", "38: " SETUP ".bcf: 65536 is above 65535"},
    {"cvb: 57.6", "tbv: 62.1", "39: " SETUP ".tbv: 62.1 is above 62"},
    {"dlb: 49", "lbv: 64.1", "40: " SETUP ".lbv: 64.1 is above 64"},
    {"cdb: 1.2", "cud: 12.1", "41: " SETUP ".cud: 12.1 is above 12"},
    {"ddb: 1.8", "dld: 12.1", "42: " SETUP ".dld: 12.1 is above 12"},
    {"drb: 0.00", "drb: 4", "43: " SETUP ".drb: 4 is above 3.999"},
    {"error_retry: 3", "error_retry: 11",
     "29: " DCDC ".number_of_dcdc_error_retry: 11 is above 10"},
    {"wait_for_retry: 0.1", "wait_for_retry: 2.1", "31: " DCDC ".wait_for_retry: 2.1 is above 2"},
    {"wait_for_retry: 0.1", "reply_timeout: 0.009",
     "31: " DCDC ".reply_timeout: 0.009 is below 0.01"},
    {"wait_for_retry: 0.1", "command_interval: 0.0000001",
     "31: " DCDC ".command_interval: 0.0000001 is not a whole number of microseconds"},
    {"wait_for_retry: 0.1", "battery_check_interval: 0",
     "31: " DCDC ".battery_check_interval: 0 is below 1"},
    {"timeout: 1", "timeout: 0.04", "19: battery_dev.kwparams.timeout: 0.04 is below 0.05"},
    {"unit: 1 ", "unit: 0 ", "22: battery_dev.unit: 0 is below 1"},
    {"unit: 1 ", "unit: 248 ", "22: battery_dev.unit: 248 is above 247"},
    {"rsoc: 30030", "rsoc: 30000", "23: battery_dev.modbus_adr_rsoc: 30000 is below 30001"},
    {"status: 30031", "status: 40000", "24: battery_dev.modbus_adr_status: 40000 is above 39999"},
    {"unit: 1 ", "poll_interval: 61 ", "22: battery_dev.poll_interval: 61 is above 60"},
    {"unit: 1 ", "poll_interval: 5 ",
     "22: battery_dev.poll_interval: max_age is not above poll_interval"},
    {"unit: 1 ", "max_age: 1.0 ", "22: battery_dev.max_age: max_age is not above poll_interval"},
    {"unit: 1 ", "max_age: 3601 ", "22: battery_dev.max_age: 3601 is above 3600"},
    {"  dcdc_dev:\n", "  dcdc_dev:\n    address1: 256\n",
     "4: ess_system.dcdc_dev.address1: 256 is above 255"},
    {"battery:\n", "gateway:\n  max_connections: 0\nbattery:\n",
     "46: gateway.max_connections: 0 is below 1"},
    {"battery:\n", "gateway:\n  max_target_size: 127\nbattery:\n",
     "46: gateway.max_target_size: 127 is below 128"},
    {"battery:\n", "gateway:\n  request_timeout: 61\nbattery:\n",
     "46: gateway.request_timeout: 61 is above 60"},

    /* lists of networks and names */
    {"battery:\n", "gateway:\n  allow: 10.0.0.1\nbattery:\n",
     "46: gateway.allow: a list is expected, not a single value"},
    {"battery:\n", "gateway:\n  allow: {a: b}\nbattery:\n",
     "46: gateway.allow: a list is expected, not a mapping"},
    {"battery:\n", "gateway:\n  allow:\n    - 10.0.0.1\n    - unit1\nbattery:\n",
     "48: gateway.allow[1]: 'unit1': not an IPv4 or IPv6 address"},
    {"battery:\n", "gateway:\n  allow_control: [10.0.0.1/33]\nbattery:\n",
     "46: gateway.allow_control[0]: '10.0.0.1/33': its prefix is not 0 to 32"},
    {"battery:\n", "gateway:\n  allow: [10.0.0.1/8]\nbattery:\n",
     "46: gateway.allow[0]: '10.0.0.1/8': it has bits beyond its prefix"},
    {"battery:\n", "gateway:\n  allow: [[10.0.0.1]]\nbattery:\n",
     "46: gateway.allow[0]: an IPv4 or IPv6 address or network, or loopback is expected, not a "
     "list"},
    {"battery:\n", "gateway:\n  allow: ['']\nbattery:\n",
     "46: gateway.allow[0]: a value is missing: an IPv4 or IPv6 address or network, or loopback "
     "is expected"},
    {"battery:\n", "gateway:\n  names: ['*']\nbattery:\n",
     "46: gateway.names[0]: '*': not a host and port"},
    {"battery:\n", "gateway:\n  names: [a, b, c, d, e, f, g, h, i]\nbattery:\n",
     "46: gateway.names[8]: more than 8 names"},
    {"battery:\n", "gateway:\n  read_only: maybe\nbattery:\n",
     "46: gateway.read_only: 'maybe' is not yes or no"},

    /* what is no number, no choice, no yes or no */
    {"cib: 52", "cib: fifty", "33: " SETUP ".cib: 'fifty' is not a number"},
    {"cib: 52", "cib: 1,5", "33: " SETUP ".cib: '1,5' is not a number"},
    {"cib: 52", "cib: .nan", "33: " SETUP ".cib: '.nan' is not a number"},
    {"cib: 52", "cib: .inf", "33: " SETUP ".cib: '.inf' is not a number"},
    {"cib: 52", "cib: 1_0", "33: " SETUP ".cib: '1_0' is not a number"},
    {"cib: 52", "cib: 1:30", "33: " SETUP ".cib: '1:30' is not a number"},
    {"cib: 52", "cib: +-5", "33: " SETUP ".cib: '+-5' is not a number"},
    {"cib: 52", "cib: 52 A", "33: " SETUP ".cib: '52 A' is not a number"},
    {"cib: 52", "cib: 0x", "33: " SETUP ".cib: '0x' is not a number"},
    {"cib: 52", "cib: 0o64", "33: " SETUP ".cib: '0o64' is not a number"},
    {"cib: 52", "cib: 1e999999999", "33: " SETUP ".cib: '1e999999999': exponent beyond 99"},
    {"cib: 52", "cib: 5.20000000000000000001",
     "33: " SETUP ".cib: '5.20000000000000000001': more than 19 significant digits"},
    {"cib: 52", "cib: 000000000000000000000000000000000000000000000000000000000000000000000000052",
     "33: " SETUP ".cib: '00000000000000000000000000000000': leading zero (YAML reads it as "
     "octal): leave it out"},
    {"cib: 52", "cib: 1.000000000000000000000000000000000000000000000000000000000000000000000000",
     "33: " SETUP ".cib: '1.000000000000000000000000000000': too long for a number"},
    {"unit: 1 ", "unit: 010 ",
     "22: battery_dev.unit: '010': leading zero (YAML reads it as octal): leave it out"},
    {"unit: 1 ", "unit: 1.5 ", "22: battery_dev.unit: 1.5 is not a whole number"},
    {"cib: 52", "cib: '52'", "33: " SETUP ".cib: '52' in quotes is text; a number is expected"},
    {"unit: 1 ", "unit: \"1\" ",
     "22: battery_dev.unit: '1' in quotes is text; a whole number is expected"},
    {"cib: 52", "cib:", "33: " SETUP ".cib: a value is missing: a number is expected"},
    {"cib: 52", "cib: ~", "33: " SETUP ".cib: ~ stands for no value: a number is expected"},
    {"name: dcdc1", "name: ''",
     "4: ess_system.dcdc_dev.name: a value is missing: text is expected"},
    {"waiting: No", "waiting: 0",
     "51: " BATTERY ".config.force_dcdc_waiting: '0' is not yes or no"},
    {"waiting: No", "waiting: 'No'",
     "51: " BATTERY ".config.force_dcdc_waiting: 'No' in quotes is not yes or no"},
    {"essx_type_oes", "essx_type_x",
     "2: ess_system.type: 'essx_type_x' is not supported (supported: essx_type_oes)"},
    {"'ESSXRS485'", "ESSXModbus",
     "6: ess_system.dcdc_dev.class: 'ESSXModbus' is not supported (supported: ESSXRS485)"},
    {"'ESSXModbus'", "Foo",
     "14: battery_dev.class: 'Foo' is not supported (supported: ESSXModbus, None)"},
    {"'rtu'", "ascii",
     "17: battery_dev.kwparams.method: 'ascii' is not supported (supported: rtu)"},
    {"timeout: 1", "bytesize: 7",
     "19: battery_dev.kwparams.bytesize: '7' is not supported (supported: 8)"},
    {"timeout: 1", "parity: M",
     "19: battery_dev.kwparams.parity: 'M' is not supported (supported: N, E, O)"},
    {"timeout: 1", "stopbits: 1.5",
     "19: battery_dev.kwparams.stopbits: '1.5' is not supported (supported: 1, 2)"},
    {"19200]", "19201]",
     "7: ess_system.dcdc_dev.params[1]: '19201' is not supported (supported: 1200, 2400, 4800, "
     "9600, 19200, 38400, 57600, 115200)"},
    {"name: dcdc1", "name: 1234567890123456789012345678901234567890123456789012345678901234",
     "4: ess_system.dcdc_dev.name: longer than 63 bytes"},
    {"name: dcdc1", "name: \"a\\0b\"", "4: control character or line end in a value"},
    {"name: dcdc1", "name: \"a\\nb\"", "4: control character or line end in a value"},
    {"name: dcdc1", "name: !!python/object:os.system x", "4: tags are not supported"},

    /* keys */
    {"cib: 52", "cob: 52", "33: " SETUP ".cob: unknown key, did you mean 'cib'?"},
    {"cib: 52", "CIB: 52", "33: " SETUP ".CIB: unknown key, did you mean 'cib'?"},
    {"wait_for_retry", "wait_fro_retry",
     "31: " DCDC ".wait_fro_retry: unknown key, did you mean 'wait_for_retry'?"},
    {"    wait_for_retry: 0.1", "    colour: blue", "31: " DCDC ".colour: unknown key"},
    {"ess_system:", "ess_sytem:", "1: ess_sytem: unknown key, did you mean 'ess_system'?"},
    {"cib: 52", "ubv: 52", "34: " SETUP ".ubv: duplicate key, first in line 33"},
    {"battery:\n", "dcdc:\n", "45: dcdc: duplicate key, first in line 26"},
    {"cib: 52", "[1]: 52", "33: " SETUP ": a key must be text, not a list"},
    {"cib: 52", "\"\": 52", "33: " SETUP ": a key is empty"},
    {"cib: 52", "<<: {cib: 52}", "33: " SETUP ".<<: unknown key"},
    {"      cib: 52", "      tbv: 52",
     "39: " SETUP ".cvb: the same value as " SETUP ".tbv in line 33: leave one out"},
    {"      cib: 52", "      lbv: 50",
     "40: " SETUP ".dlb: the same value as " SETUP ".lbv in line 33: leave one out"},
    {"      cib: 52", "      cud: 5",
     "41: " SETUP ".cdb: the same value as " SETUP ".cud in line 33: leave one out"},
    {"      cib: 52", "      dld: 5",
     "42: " SETUP ".ddb: the same value as " SETUP ".dld in line 33: leave one out"},
    {"type: tdk_eza2500", "wait_retry: 1",
     "31: " DCDC ".wait_for_retry: the same value as " DCDC ".wait_retry in line 28: leave one "
     "out"},
    {"dir_pin: \"P8_7\"", "baudrate: 9600",
     "9: ess_system.dcdc_dev.kwparams.baudrate: the same value as ess_system.dcdc_dev.params[1] "
     "in line 7: leave one out"},
    {"  type: essx_type_oes", "  battery_dev: {class: None}",
     "12: battery_dev: the same value as ess_system.battery_dev in line 2: leave one out"},

    /* keys that are missing */
    {"      cib: 52", "      #", "34: " SETUP ".cib: required key missing"},
    {"      cvb: 57.6", "      #", "33: " SETUP ".cvb: required key missing"},
    {"    name: dcdc1\n", "", "4: ess_system.dcdc_dev.name: required key missing"},
    {"    params: [\"/dev/ttyO2\", 19200]\n", "",
     "4: ess_system.dcdc_dev.params: required key missing: [device file, speed]"},
    {"[\"/dev/ttyO2\", 19200]", "[]",
     "4: ess_system.dcdc_dev.params: required key missing: [device file, speed]"},
    {"    method: 'rtu'\n", "", "17: battery_dev.kwparams.method: required key missing"},
    {"    port: \"/dev/ttyO5\"\n", "", "17: battery_dev.kwparams.port: required key missing"},
    {"  class: 'ESSXModbus'\n", "", "12: battery_dev.class: required key missing"},
    {"  modbus_adr_rsoc: 30030\n", "", "12: battery_dev.modbus_adr_rsoc: required key missing"},
    {"      force_dcdc_waiting: No\n", "",
     "49: " BATTERY ".config.force_dcdc_waiting: required key missing"},
    {"  type: essx_type_oes\n  dcdc_dev:\n    name: dcdc1\n    config: dcdc_default_eza2500\n"
     "    class: 'ESSXRS485'\n    params: [\"/dev/ttyO2\", 19200]\n    kwparams:\n"
     "      dir_pin: \"P8_7\"\n",
     "", "1: ess_system.dcdc_dev: required key missing"},

    /* wrong nesting */
    {"cib: 52", "cib: [52]", "33: " SETUP ".cib: a number is expected, not a list"},
    {"cib: 52", "cib: {a: 52}", "33: " SETUP ".cib: a number is expected, not a mapping"},
    {"params: []", "params: x", "15: battery_dev.params: a list is expected, not a single value"},
    {"params: []", "params: [x]", "15: battery_dev.params: at most 0 values are expected, not 1"},
    {"19200]", "19200, 8]", "7: ess_system.dcdc_dev.params: at most 2 values are expected, not 3"},
    {"\"/dev/ttyO2\",", "[\"/dev/ttyO2\"],",
     "7: ess_system.dcdc_dev.params[0]: text is expected, not a list"},
    {"kwparams:\n      dir_pin: \"P8_7\"", "kwparams: 5",
     "8: ess_system.dcdc_dev.kwparams: a mapping is expected, not a single value"},
    {"ess_system:\n", "gateway: 5\ness_system:\n",
     "1: gateway: a mapping is expected, not a single value"},
    {"ess_system:\n", "gateway: [{max_connections: 5}]\ness_system:\n",
     "1: gateway: a mapping is expected, not a list"},

    /* references, and entries that nobody refers to */
    {"config: dcdc_default_eza2500", "config: other",
     "5: ess_system.dcdc_dev.config: 'other' is not in dcdc (known: dcdc_default_eza2500)"},
    {"config: battery_emulator", "config: other",
     "13: battery_dev.config: 'other' is not in battery (known: battery_emulator)"},
    {"battery:\n", "battery:\n  more: {config: {battery_voltage: x}}\n",
     "46: battery.more.config.battery_voltage: 'x' is not a number"},
    {"dcdc:\n", "dcdc:\n  more: {}\n", "27: dcdc.more.config: required key missing"},
    {"dcdc:\n", "dcdc:\n  more: 5\n", "27: dcdc.more: a mapping is expected, not a single value"},
    /* the direction of a line */
    {"dir_pin: \"P8_7\"", "direction: kernel\n      dir_pin: \"P8_7\"",
     "10: ess_system.dcdc_dev.kwparams.dir_pin: a pin, and direction is not pin"},
    {"dir_pin: \"P8_7\"", "direction: none\n      dir_pin: \"P8_7\"",
     "10: ess_system.dcdc_dev.kwparams.dir_pin: a pin, and direction is not pin"},
    {"dir_pin: \"P8_7\"", "direction: rts",
     "9: ess_system.dcdc_dev.kwparams.direction: 'rts' is not supported (supported: pin, kernel, "
     "none)"},
    {"dir_pin: \"P8_7\"", "dir_pin: gpiochip1:x",
     "9: ess_system.dcdc_dev.kwparams.dir_pin: 'gpiochip1:x': a chip's line is CHIP:OFFSET, as "
     "gpiochip0:17"},
    {"dir_pin: \"P8_7\"", "dir_pin: P8_9",
     "21: battery_dev.kwparams.dir_pin: 'P8_9' is the converter's pin too"},
    {"dir_pin: \"P8_7\"", "rts_delay_before: 0.001",
     "9: ess_system.dcdc_dev.kwparams.rts_delay_before: needs direction: kernel"},
    {"dir_pin: \"P8_7\"", "direction: kernel\n      rts_delay_after: 0.0005",
     "10: ess_system.dcdc_dev.kwparams.rts_delay_after: not whole milliseconds"},
    {"dir_pin: \"P8_7\"", "direction: kernel\n      rts_delay_after: 0.2",
     "10: ess_system.dcdc_dev.kwparams.rts_delay_after: 0.2 is above 0.1"},
    {"ttyO5", "ttyO2", "18: battery_dev.kwparams.port: '/dev/ttyO2' is the converter's port too"},

    /* syntax */
    {"cib: 52", "cib: 52: 53", "33: mapping values are not allowed in this context"},
    {"cib: 52", "cib: *nobody", "33: found undefined alias"},
    {"    force", "    \tforce", "51: found a tab character that violates indentation"},
    {"force_dcdc_waiting: No", "force_dcdc_waiting: No\n---\nx: y",
     "53: a second document begins here"},
    {"battery:\n", "%\nbattery:\n", "45: could not find expected directive name"},
};

static void test_mistakes(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        char *text = read_text("tests/unit/data/config/specification.yml");
        char expected[FAILURE_TEXT_SIZE];

        text = replace(text, mistakes[i].from, mistakes[i].to);
        snprintf(expected, sizeof expected, "f.yml:%s", mistakes[i].expected);
        wrong += !fails_with(text, strlen(text), expected);
        free(text);
    }
    assert_int_equal(wrong, 0);
}

/* Bad in themselves, whatever a configuration has. */
static void test_broken_texts(void **state)
{
    static const struct {
        const char *text, *expected;
    } texts[] = {
        {"", "f.yml:1: no settings: it is empty or has only comments"},
        {"# only this\n", "f.yml:1: no settings: it is empty or has only comments"},
        {"x", "f.yml:1: a mapping is expected, not a single value"},
        {"- a\n- b\n", "f.yml:1: a mapping is expected, not a list"},
        {"# \xff\n", "f.yml:1: invalid UTF-8 text: invalid leading UTF-8 octet"},
        {"# a\n# \xe3\x82\n", "f.yml:2: invalid UTF-8 text: invalid trailing UTF-8 octet"},
        {"# a\n# \x01\n", "f.yml:2: invalid UTF-8 text: control characters are not allowed"},
        {"\xfe\xff", "f.yml:1: invalid UTF-8 text: invalid leading UTF-8 octet"},
        {"{}", "f.yml:1: ess_system: required key missing"},
        {"\n\ndcdc: {}\n", "f.yml:3: ess_system: required key missing"},
        /* a billion laughs: never expanded, and unknown keys */
        {"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\n",
         "f.yml:1: a: unknown key"},
        {"dcdc: &a {x: &b {config: [*a,*b]}}\ness_system: *a\n",
         "f.yml:1: ess_system.x: unknown key"},
        {"ess_system: &s {dcdc_dev: *s}\n", "f.yml:1: ess_system.dcdc_dev.dcdc_dev: unknown key"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_failure(texts[i].text, strlen(texts[i].text), texts[i].expected);
    expect_failure("a: 1\n\0", 6,
                   "f.yml:2: invalid UTF-8 text: control characters are not allowed");
}

/* Texts that would take libyaml long, and the bound on the size. */
static void test_large_texts(void **state)
{
    char *text = malloc(CONFIG_SIZE_MAX + 1);

    (void)state;
    assert_non_null(text);
    memset(text, '[', CONFIG_SIZE_MAX + 1);
    expect_failure(text, CONFIG_SIZE_MAX, "f.yml:1: too many '[' and '{'");
    memset(text, '{', CONFIG_SIZE_MAX);
    expect_failure(text, CONFIG_SIZE_MAX, "f.yml:1: too many '[' and '{'");
    expect_failure(text, CONFIG_SIZE_MAX + 1, "f.yml: larger than 65536 bytes");
    free(text);
}

/* Anything that people write and that must be taken. */
static void test_accepted(void **state)
{
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"ess_system:", "\xef\xbb\xbf"
                        "ess_system:"},
        {"ess_system:", "%YAML 1.1\n---\ness_system:"},
        {"force_dcdc_waiting: No", "force_dcdc_waiting: No\n...\n"},
        {"  type: essx_type_oes\n", ""},
        {"    dir_pin: \"P8_9\"", "    dir_pin: P8_9"},
        {"  params: []\n", ""},
        {"unit: 1 ", "unit: 0x01 "},
        {"unit: 1 ", "unit: 1.0 "},
        {"19200]", "\"19200\"]"},
        {"timeout: 1", "timeout: 1e0"},
        {"battery:\n", "gateway:\n  # nothing\nbattery:\n"},
        {"ddb: 1.8", "ddb: &x 1.8"},
        {"waiting: No", "waiting: FALSE"},
        {"waiting: No", "waiting: off"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text = replace(read_text("tests/unit/data/config/specification.yml"), changes[i].from,
                             changes[i].to);
        struct config *config = parse_good(text);

        check_specification_values(config);
        check_defaults(config);
        free(config);
        free(text);
    }
}

static void test_line_settings_left_out(void **state)
{
    char *text = read_text("tests/unit/data/config/specification.yml");
    struct config *config;

    (void)state;
    text = replace(text, "[\"/dev/ttyO2\", 19200]", "[/dev/ttyO2]");
    text = replace(text, "    kwparams:\n      dir_pin: \"P8_7\"\n", "");
    text = replace(text, "    baudrate: 9600\n    dir_pin: \"P8_9\"\n", "    dir_pin: not_used\n");
    text = replace(text, "    timeout: 1\n", "    parity: 'O'\n");
    config = parse_good(text);
    assert_int_equal(config->dcdc_dev.port.baud, 9600);
    assert_int_equal(config->dcdc_dev.port.parity, CONFIG_PARITY_NONE);
    assert_int_equal(config->dcdc_dev.port.stop_bits, 1);
    assert_string_equal(config->dcdc_dev.port.dir_pin, "P8_9");
    assert_int_equal(config->battery_dev.port.baud, 19200);
    assert_int_equal(config->battery_dev.port.parity, CONFIG_PARITY_ODD);
    assert_string_equal(config->battery_dev.port.dir_pin, "");
    assert_int_equal(config->battery_dev.timeout_us, 3000000);
    free(config);
    free(text);
}

/* All of pyserial's settings by name, and the port by name. */
static void test_converter_by_name(void **state)
{
    char *text = read_text("tests/unit/data/config/specification.yml");
    struct config *config;

    (void)state;
    text = replace(text, "    params: [\"/dev/ttyO2\", 19200]\n", "");
    text = replace(text, "      dir_pin: \"P8_7\"\n",
                   "      port: /dev/ttyO2\n      baudrate: 115200\n      parity: E\n"
                   "      stopbits: 2\n      bytesize: 8\n");
    config = parse_good(text);
    assert_string_equal(config->dcdc_dev.port.path, "/dev/ttyO2");
    assert_int_equal(config->dcdc_dev.port.baud, 115200);
    assert_int_equal(config->dcdc_dev.port.parity, CONFIG_PARITY_EVEN);
    assert_int_equal(config->dcdc_dev.port.stop_bits, 2);
    free(config);
    free(text);
}

/* The guard's bound counts from the battery's measurement, so that must be made often enough. */
static void test_guard_needs_measurements(void **state)
{
#define TOO_SELDOM "above half of battery_check_interval, which force_dcdc_waiting needs"
    static const struct {
        const char *waiting, *polling, *interval;
        const char *expected; /* behind "f.yml:"; NULL: none */
    } rows[] = {
        {"Yes", "", "", NULL},
        {"Yes", "  max_age: 60\n  poll_interval: 5\n", "", NULL},
        {"Yes", "  max_age: 60\n  poll_interval: 5.000001\n", "",
         "26: battery_dev.poll_interval: " TOO_SELDOM},
        {"Yes", "", "    battery_check_interval: 2\n", NULL},
        {"Yes", "", "    battery_check_interval: 1\n",
         "12: battery_dev.poll_interval: " TOO_SELDOM},
        {"Yes", "  poll_interval: 0.5\n", "    battery_check_interval: 1\n", NULL},
        {"No", "  max_age: 61\n  poll_interval: 60\n", "    battery_check_interval: 1\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = read_text("tests/unit/data/config/specification.yml"), *to, *expected;

        assert_true(asprintf(&to, "waiting: %s", rows[i].waiting) > 0);
        text = replace(text, "waiting: No", to);
        free(to);
        assert_true(asprintf(&to, "status: 30031\n%s", rows[i].polling) > 0);
        text = replace(text, "status: 30031\n", to);
        free(to);
        assert_true(asprintf(&to, "%s    config:\n      cib", rows[i].interval) > 0);
        text = replace(text, "    config:\n      cib", to);
        free(to);
        if (rows[i].expected == NULL) {
            free(parse_good(text));
        } else {
            assert_true(asprintf(&expected, "f.yml:%s", rows[i].expected) > 0);
            expect_failure(text, strlen(text), expected);
            free(expected);
        }
        free(text);
    }
}

/* A unit without a battery needs neither the rest of battery_dev nor battery. */
static void test_without_battery(void **state)
{
    char *text = read_text("tests/unit/data/config/specification.yml");
    struct config *config;
    char *battery, *bare;

    (void)state;
    text = replace(text, "'ESSXModbus'", "'None'");
    config = parse_good(text);
    assert_false(config->battery_dev.present);
    assert_false(config->battery.force_dcdc_waiting);
    free(config);

    bare = strdup(text);
    battery = strstr(bare, "\nbattery:\n");
    assert_non_null(battery);
    *battery = '\0';
    config = parse_good(bare);
    assert_false(config->battery_dev.present);
    free(config);
    free(bare);

    text = replace(text, "waiting: No", "waiting: Yes");
    expect_failure(text, strlen(text),
                   "f.yml:13: battery_dev.config: 'battery_emulator' has force_dcdc_waiting, "
                   "which asks a battery, and battery_dev.class is 'None'");
    free(text);
}

static void test_only_class_of_missing_battery(void **state)
{
    char *text = read_text("tests/unit/data/config/specification.yml");
    char *battery = strstr(text, "\nbattery_dev:\n"), *dcdc = strstr(text, "\ndcdc:\n");
    char *bare = NULL, *nothing = NULL;
    struct config *config;

    (void)state;
    assert_non_null(battery);
    assert_non_null(dcdc);
    assert_true(asprintf(&bare, "%.*s\nbattery_dev: {class: None}%s", (int)(battery - text), text,
                         dcdc) > 0);
    config = parse_good(bare);
    assert_false(config->battery_dev.present);
    free(config);

    assert_true(asprintf(&nothing, "%.*s%s", (int)(battery - text), text, dcdc) > 0);
    expect_failure(nothing, strlen(nothing),
                   "f.yml:1: ess_system.battery_dev: required key missing");
    free(bare);
    free(nothing);
    free(text);
}

static void test_too_many_entries(void **state)
{
    char *text = read_text("tests/unit/data/config/list_form.yml");
    char *many = calloc(1, 4096);

    (void)state;
    assert_non_null(many);
    for (int i = 0; i < 63; i++)
        snprintf(many + strlen(many), 40, "  n%d: {config: *setup}\n", i);
    text = replace(text, "dcdc:\n  unused:\n", "dcdc:\n  unused: &unused\n");
    text = replace(text, "battery:\n", "  last: *unused\nbattery:\n");
    free(parse_good(text));
    text = replace(text, "  last: *unused\n", many);
    expect_failure(text, strlen(text), "f.yml:24: dcdc: more than 64 entries");
    free(many);
    free(text);
}

static void expect_load_failure(const char *path, const char *expected)
{
    struct failure failure = {0};

    assert_null(config_load(path, &failure));
    assert_int_equal(failure.reason, REASON_CONFIG);
    assert_string_equal(failure.text, expected);
}

static void test_files(void **state)
{
    char directory[] = "/tmp/test_config.XXXXXX", path[64], expected[128];
    FILE *file;

    (void)state;
    expect_load_failure("/nonexistent/x.yml",
                        "/nonexistent/x.yml: cannot be read: No such file or directory");
    expect_load_failure("/", "/: cannot be read: Is a directory");
    expect_load_failure("/dev/null", "/dev/null: cannot be read: not a regular file");
    assert_non_null(mkdtemp(directory));

    snprintf(path, sizeof path, "%s/f", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(expected, sizeof expected, "%s: cannot be read: not a regular file", path);
    expect_load_failure(path, expected);
    unlink(path);

    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i <= CONFIG_SIZE_MAX; i++)
        fputc('#', file);
    fclose(file);
    snprintf(expected, sizeof expected, "%s: larger than 65536 bytes", path);
    expect_load_failure(path, expected);

    assert_int_equal(truncate(path, 0), 0);
    snprintf(expected, sizeof expected, "%s:1: no settings: it is empty or has only comments",
             path);
    expect_load_failure(path, expected);

    if (geteuid() != 0) {
        assert_int_equal(chmod(path, 0), 0);
        snprintf(expected, sizeof expected, "%s: cannot be read: Permission denied", path);
        expect_load_failure(path, expected);
    }
    unlink(path);
    rmdir(directory);
}

/* No prefix of a good file, and no change of one byte, harms; run with the sanitizers. */
static void test_damaged_files(void **state)
{
    char *text = read_text("tests/unit/data/config/list_form.yml");
    size_t size = strlen(text), accepted = 0;
    static const char bytes[] = {'\0', '\xff', ':', '[', '*', '\n', '"', ' '};

    (void)state;
    for (size_t i = 0; i < size; i++) {
        char saved = text[i];
        struct failure failure = {0};

        text[i] = bytes[i % sizeof bytes];
        for (int whole = 0; whole <= 1; whole++) {
            struct config *config = config_parse(text, whole ? size : i, "f.yml", &failure);

            accepted += config != NULL;
            assert_true(config != NULL || strncmp(failure.text, "f.yml:", 6) == 0);
            free(config);
        }
        text[i] = saved;
    }
    /* Changes in comments, names and the like pass; what matters does not. */
    assert_in_range(accepted, 1, size);
    free(text);
}

static void test_edit_distance(void **state)
{
    (void)state;
    assert_int_equal(edit_distance("", ""), 0);
    assert_int_equal(edit_distance("cib", ""), 3);
    assert_int_equal(edit_distance("", "cib"), 3);
    assert_int_equal(edit_distance("cib", "CIB"), 0);
    assert_int_equal(edit_distance("cib", "cob"), 1);
    assert_int_equal(edit_distance("cib", "icb"), 1);
    assert_int_equal(edit_distance("cib", "ci"), 1);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance("number_of_timeout_retry", "number_of_timeout_retires"), 3);
    assert_int_equal(edit_distance("1234567890123456789012345678901234567890", ""), 40);
    assert_int_equal(edit_distance("12345678901234567890123456789012345678901", ""), UINT_MAX);
}

static void test_directions(void **state)
{
    static const struct {
        const char *keys;
        enum config_direction direction;
        const char *pin;
    } rows[] = {
        {"dir_pin: \"P8_7\"", CONFIG_DIRECTION_PIN, "P8_7"},
        {"direction: pin\n      dir_pin: GPIO17", CONFIG_DIRECTION_PIN, "GPIO17"},
        {"direction: pin", CONFIG_DIRECTION_PIN, "P8_9"},
        {"dir_pin: /dev/gpiochip0:17", CONFIG_DIRECTION_PIN, "/dev/gpiochip0:17"},
        {"dir_pin: not_used", CONFIG_DIRECTION_NONE, ""},
        {"direction: pin\n      dir_pin: not_used", CONFIG_DIRECTION_NONE, ""},
        {"direction: none", CONFIG_DIRECTION_NONE, ""},
        {"direction: kernel", CONFIG_DIRECTION_KERNEL, ""},
        {"direction: kernel\n      dir_pin: not_used", CONFIG_DIRECTION_KERNEL, ""},
        {"direction: kernel\n      rts_delay_before: 0.002", CONFIG_DIRECTION_KERNEL, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = replace(read_text("tests/unit/data/config/specification.yml"),
                             "dir_pin: \"P8_7\"", rows[i].keys);
        struct config *config = parse_good(text);

        assert_int_equal(config->dcdc_dev.port.direction, rows[i].direction);
        assert_string_equal(config->dcdc_dev.port.dir_pin, rows[i].pin);
        assert_int_equal(config->dcdc_dev.port.rts_delay_before_us,
                         strstr(rows[i].keys, "0.002") != NULL ? 2000 : 0);
        free(config);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_specification),
        cmocka_unit_test(test_installed_example),
        cmocka_unit_test(test_list_form),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_broken_texts),
        cmocka_unit_test(test_large_texts),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_line_settings_left_out),
        cmocka_unit_test(test_converter_by_name),
        cmocka_unit_test(test_guard_needs_measurements),
        cmocka_unit_test(test_without_battery),
        cmocka_unit_test(test_only_class_of_missing_battery),
        cmocka_unit_test(test_too_many_entries),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_edit_distance),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
