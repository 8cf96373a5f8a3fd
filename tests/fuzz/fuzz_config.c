/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: one that is accepted has every value in its range, can be written to the
 * converter and be echoed as JSON; one that is refused says where. Input: the file.
 */
#include "common/config.h"

#include "common/clock.h"
#include "dcdcd/eza_codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/json_oracle.h"

#define WITHIN(value, min, max)   CHECK((double)(value) >= (min) && (double)(value) <= (max))
#define SECONDS(value, min, max)  WITHIN((double)(value) / US_PER_S, min, max)
#define CHECK_TEXT(member)        CHECK(memchr((member), '\0', sizeof(member)) != NULL)
#define CHECK_SETUP(setup, field) check_setup(#field, &(setup)->field)

static void check_number(const struct config_number *number, double min, double max)
{
    struct decimal value;

    CHECK_TEXT(number->text);
    CHECK(oracle_is_json(number->text) && decimal_parse(number->text, &value) == NULL);
    CHECK(decimal_compare(value, number->value) == 0);
    WITHIN(decimal_to_double(value), min, max);
}

/* A setup value is what some command of the converter takes. */
static void check_setup(const char *name, const struct config_number *number)
{
    bool known = false;

    for (size_t i = 0; i < eza_command_count; i++) {
        int field = eza_field_find(&eza_commands[i].request, name);
        struct failure failure;
        uint16_t raw;

        if (field < 0)
            continue;
        known = true;
        CHECK(eza_encode(&eza_commands[i].request.field[field], number->text, &raw, &failure));
    }
    CHECK(known);
    check_number(number, 0, 425);
}

static void check_port(const struct config_port *port)
{
    CHECK_TEXT(port->path);
    CHECK_TEXT(port->dir_pin);
    CHECK(port->path[0] != '\0' && strcmp(port->dir_pin, "not_used") != 0);
    CHECK((port->direction == CONFIG_DIRECTION_PIN) == (port->dir_pin[0] != '\0'));
    WITHIN(port->baud, 1200, 115200);
    WITHIN(port->stop_bits, 1, 2);
    CHECK(strchr("NEO", (int)port->parity) != NULL);
}

static void check_dcdc(const struct config_dcdc_dev *device, const struct config_dcdc *dcdc)
{
    const struct config_setup *setup = &dcdc->setup;

    CHECK_TEXT(device->name);
    check_port(&device->port);
    WITHIN(dcdc->dcdc_error_retries, 0, 10);
    WITHIN(dcdc->timeout_retries, 0, 10);
    SECONDS(dcdc->wait_for_retry_us, 0, 2);
    SECONDS(dcdc->reply_timeout_us, 0.01, 2);
    SECONDS(dcdc->command_interval_us, 0, 1);
    SECONDS(dcdc->battery_check_interval_us, 1, 60);
    SECONDS(dcdc->supervisor_timeout_us, 0, 3600);
    SECONDS(dcdc->voltage_reference_delay_us, 0, 600);
    CHECK_SETUP(setup, cib);
    CHECK_SETUP(setup, ubv);
    CHECK_SETUP(setup, obv);
    CHECK_SETUP(setup, ugv);
    CHECK_SETUP(setup, ogv);
    CHECK_SETUP(setup, cvb);
    CHECK_SETUP(setup, dlb);
    CHECK_SETUP(setup, cdb);
    CHECK_SETUP(setup, ddb);
    CHECK_SETUP(setup, drb);
}

static void check_battery(const struct config_battery_dev *device,
                          const struct config_battery *battery)
{
    if (!device->present) {
        CHECK(!battery->force_dcdc_waiting);
        return;
    }
    CHECK_TEXT(device->name);
    check_port(&device->port);
    WITHIN(device->unit, 1, 247);
    WITHIN(device->adr_rsoc, 30001, 39999);
    WITHIN(device->adr_status, 30001, 39999);
    SECONDS(device->timeout_us, 0.05, 10);
    SECONDS(device->poll_interval_us, 0.1, 60);
    SECONDS(device->max_age_us, 0.1, 3600);
    CHECK(device->max_age_us > device->poll_interval_us);
    check_number(&battery->battery_voltage, 0, 1000);
    check_number(&battery->battery_current, -1000, 1000);
}

static void check_networks(const struct config_networks *networks)
{
    char text[INET6_ADDRSTRLEN];

    CHECK(networks->count <= CONFIG_NETWORKS_MAX);
    for (unsigned i = 0; i < networks->count; i++) {
        const struct network *network = &networks->each[i];

        CHECK(network->bits <= 128 && network_contains(network, &network->address));
        CHECK(address_print(&network->address, text)[0] != '\0');
    }
}

static void check_names(const struct config_names *names)
{
    CHECK(names->count <= CONFIG_NAMES_MAX);
    for (unsigned i = 0; i < names->count; i++) {
        CHECK_TEXT(names->each[i].name);
        CHECK((names->each[i].name[0] == '\0') == names->each[i].is_address);
    }
}

static void check_gateway(const struct config_gateway *gateway)
{
    check_networks(&gateway->allow);
    check_networks(&gateway->allow_control);
    check_names(&gateway->names);
    WITHIN(gateway->max_connections_per_address, 1, 10000);
    WITHIN(gateway->max_target_size, 128, 65536);
    SECONDS(gateway->request_timeout_us, 0.5, 60);
    WITHIN(gateway->max_connections, 1, 10000);
    WITHIN(gateway->max_headers_size, 512, 65536);
    WITHIN(gateway->max_body_size, 0, 1048576);
    SECONDS(gateway->idle_timeout_us, 1, 3600);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure failure = {.text = ""};
    struct config *config = config_parse((const char *)data, size, "file", &failure);

    if (config != NULL) {
        check_dcdc(&config->dcdc_dev, &config->dcdc);
        check_battery(&config->battery_dev, &config->battery);
        check_gateway(&config->gateway);
    } else {
        CHECK(failure.reason == REASON_CONFIG && strncmp(failure.text, "file:", 5) == 0);
        CHECK(failure.text[5] >= '0' && failure.text[5] <= '9');
    }
    free(config);
    return 0;
}
