/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config_schema.h"

#define MEMBER(struct_, member_)                                                                   \
    .offset = offsetof(struct struct_, member_), .size = sizeof(((struct struct_ *)NULL)->member_)
#define KEY(name_, kind_, ...)                                                                     \
    {                                                                                              \
        .name = (name_), .kind = CONFIG_##kind_, __VA_ARGS__                                       \
    }
#define PARSED(member_)  MEMBER(config_parsed, member_)
#define DCDC(member_)    MEMBER(config_dcdc, member_)
#define BATTERY(member_) MEMBER(config_battery, member_)
#define RANGE(coefficient_min, exponent_min, coefficient_max, exponent_max)                        \
    .min = DECIMAL(coefficient_min, exponent_min), .max = DECIMAL(coefficient_max, exponent_max)
#define SCHEMA(rows_)                                                                              \
    {                                                                                              \
        .row = (rows_), .count = sizeof(rows_) / sizeof((rows_)[0])                                \
    }

static const struct config_choice system_types[] = {{"essx_type_oes", 0}, {NULL, 0}};
static const struct config_choice dcdc_classes[] = {{"ESSXRS485", 0}, {NULL, 0}};
static const struct config_choice battery_classes[] = {
    {"ESSXModbus", true}, {"None", false}, {NULL, 0}};
static const struct config_choice exits[] = {{"keep", false}, {"wait", true}, {NULL, 0}};
static const struct config_choice methods[] = {{"rtu", 0}, {NULL, 0}};
static const struct config_choice byte_sizes[] = {{"8", 8}, {NULL, 0}};
static const struct config_choice stop_bits[] = {{"1", 1}, {"2", 2}, {NULL, 0}};
static const struct config_choice parities[] = {
    {"N", CONFIG_PARITY_NONE}, {"E", CONFIG_PARITY_EVEN}, {"O", CONFIG_PARITY_ODD}, {NULL, 0}};
static const struct config_choice directions[] = {{"pin", CONFIG_DIRECTION_PIN},
                                                  {"kernel", CONFIG_DIRECTION_KERNEL},
                                                  {"none", CONFIG_DIRECTION_NONE},
                                                  {NULL, 0}};
static const struct config_choice speeds[] = {
    {"1200", 1200},   {"2400", 2400},   {"4800", 4800},     {"9600", 9600}, {"19200", 19200},
    {"38400", 38400}, {"57600", 57600}, {"115200", 115200}, {NULL, 0}};

/*
 * What pyserial and pymodbus call the line's settings. The pin left out is P8_9 for both
 * (specification 5.4.1).
 */
#define LINE_ROWS(device_, port_required, baud_fallback)                                           \
    KEY("port", TEXT, .required = (port_required), PARSED(config.device_.port.path)),              \
        KEY("baudrate", CHOICE, PARSED(config.device_.port.baud), .choices = speeds,               \
            .fallback = (baud_fallback)),                                                          \
        KEY("bytesize", CHOICE, .choices = byte_sizes),                                            \
        KEY("parity", CHOICE, PARSED(config.device_.port.parity), .choices = parities,             \
            .fallback = "N"),                                                                      \
        KEY("stopbits", CHOICE, PARSED(config.device_.port.stop_bits), .choices = stop_bits,       \
            .fallback = "1"),                                                                      \
        KEY("direction", CHOICE, PARSED(config.device_.port.direction), .choices = directions,     \
            .fallback = "pin"),                                                                    \
        KEY("dir_pin", TEXT, PARSED(config.device_.port.dir_pin), .fallback = "P8_9"),             \
        KEY("rts_delay_before", SECONDS, PARSED(config.device_.port.rts_delay_before_us),          \
            RANGE(0, 0, 1, -1), .fallback = "0"),                                                  \
        KEY("rts_delay_after", SECONDS, PARSED(config.device_.port.rts_delay_after_us),            \
            RANGE(0, 0, 1, -1), .fallback = "0")

static const struct config_row dcdc_params[] = {
    KEY("port", TEXT, PARSED(config.dcdc_dev.port.path)),
    KEY("baudrate", CHOICE, PARSED(config.dcdc_dev.port.baud), .choices = speeds),
};
static const struct config_schema dcdc_params_schema = SCHEMA(dcdc_params);

static const struct config_row dcdc_kwparams[] = {LINE_ROWS(dcdc_dev, false, "9600")};
static const struct config_schema dcdc_kwparams_schema = SCHEMA(dcdc_kwparams);

static const struct config_row dcdc_dev[] = {
    KEY("name", TEXT, .required = true, PARSED(config.dcdc_dev.name)),
    KEY("config", TEXT, .required = true, PARSED(dcdc_name)),
    KEY("class", CHOICE, .required = true, .choices = dcdc_classes),
    KEY("params", LIST, .schema = &dcdc_params_schema),
    KEY("kwparams", MAPPING, .schema = &dcdc_kwparams_schema),
    KEY("address1", UNSIGNED, PARSED(config.dcdc_dev.address1), RANGE(0, 0, 255, 0),
        .fallback = "0"),
    KEY("address2", UNSIGNED, PARSED(config.dcdc_dev.address2), RANGE(0, 0, 255, 0),
        .fallback = "1"),
};
const struct config_schema config_schema_dcdc_dev = SCHEMA(dcdc_dev);

static const struct config_schema battery_params_schema = {.row = NULL, .count = 0};

static const struct config_row battery_kwparams[] = {
    KEY("method", CHOICE, .required = true, .choices = methods),
    LINE_ROWS(battery_dev, true, "19200"),
    KEY("timeout", SECONDS, PARSED(config.battery_dev.timeout_us), RANGE(5, -2, 10, 0),
        .fallback = "3"),
};
static const struct config_schema battery_kwparams_schema = SCHEMA(battery_kwparams);

static const struct config_row battery_dev[] = {
    KEY("name", TEXT, .required = true, PARSED(config.battery_dev.name)),
    KEY("config", TEXT, .required = true, PARSED(battery_name)),
    KEY("class", CHOICE, .required = true, PARSED(config.battery_dev.present),
        .choices = battery_classes),
    KEY("params", LIST, .schema = &battery_params_schema),
    KEY("kwparams", MAPPING, .required = true, .schema = &battery_kwparams_schema),
    KEY("unit", UNSIGNED, PARSED(config.battery_dev.unit), RANGE(1, 0, 247, 0), .fallback = "1"),
    KEY("modbus_adr_rsoc", UNSIGNED, .required = true, PARSED(config.battery_dev.adr_rsoc),
        RANGE(30001, 0, 39999, 0)),
    KEY("modbus_adr_status", UNSIGNED, .required = true, PARSED(config.battery_dev.adr_status),
        RANGE(30001, 0, 39999, 0)),
    KEY("poll_interval", SECONDS, PARSED(config.battery_dev.poll_interval_us), RANGE(1, -1, 60, 0),
        .fallback = "1"),
    KEY("max_age", SECONDS, PARSED(config.battery_dev.max_age_us), RANGE(1, -1, 3600, 0),
        .fallback = "5"),
};
/* A unit without a battery needs none of these keys but class. */
const struct config_schema config_schema_battery_dev = {
    .row = battery_dev, .count = sizeof battery_dev / sizeof battery_dev[0], .conditional = true};

static const struct config_row ess_system[] = {
    KEY("type", CHOICE, .choices = system_types),
    KEY("dcdc_dev", DEVICE, .required = true, .schema = &config_schema_dcdc_dev),
    KEY("battery_dev", DEVICE, .schema = &config_schema_battery_dev),
};
static const struct config_schema ess_system_schema = SCHEMA(ess_system);

/* A setup value, in the range that the EZA2500 takes it in. */
#define SETUP(name_, member_, command_, field_)                                                    \
    KEY(name_, NUMBER, .required = true, DCDC(setup.member_), .command = (command_),               \
        .field = (field_))

static const struct config_row setup[] = {
    SETUP("cib", cib, "6-4", "cib"),
    SETUP("ubv", ubv, "6-4", "ubv"),
    SETUP("obv", obv, "6-4", "obv"),
    SETUP("ugv", ugv, "6-4", "ugv"),
    SETUP("ogv", ogv, "6-4", "ogv"),
    KEY("bcf", UNSIGNED, .required = true, DCDC(setup.bcf), RANGE(0, 0, 65535, 0)),
    SETUP("cvb", cvb, "7-4", "cvb"),
    SETUP("tbv", cvb, "7-4", "cvb"),
    SETUP("dlb", dlb, "7-4", "dlb"),
    SETUP("lbv", dlb, "7-4", "dlb"),
    SETUP("cdb", cdb, "7-4", "cdb"),
    SETUP("cud", cdb, "7-4", "cdb"),
    SETUP("ddb", ddb, "7-4", "ddb"),
    SETUP("dld", ddb, "7-4", "ddb"),
    SETUP("drb", drb, "3-4", "drb"),
};
static const struct config_schema setup_schema = SCHEMA(setup);

static const struct config_row dcdc[] = {
    KEY("type", TEXT, .size = 0),
    KEY("number_of_dcdc_error_retry", UNSIGNED, DCDC(dcdc_error_retries), RANGE(0, 0, 10, 0),
        .fallback = "0"),
    KEY("number_of_timeout_retry", UNSIGNED, DCDC(timeout_retries), RANGE(0, 0, 10, 0),
        .fallback = "0"),
    KEY("wait_for_retry", SECONDS, DCDC(wait_for_retry_us), RANGE(0, 0, 2, 0), .fallback = "0.1"),
    KEY("wait_retry", SECONDS, DCDC(wait_for_retry_us), RANGE(0, 0, 2, 0)),
    KEY("reply_timeout", SECONDS, DCDC(reply_timeout_us), RANGE(1, -2, 2, 0), .fallback = "0.1"),
    KEY("command_interval", SECONDS, DCDC(command_interval_us), RANGE(0, 0, 1, 0),
        .fallback = "0.062"),
    KEY("battery_check_interval", SECONDS, DCDC(battery_check_interval_us), RANGE(1, 0, 60, 0),
        .fallback = "10"),
    KEY("supervisor_timeout", SECONDS, DCDC(supervisor_timeout_us), RANGE(0, 0, 3600, 0),
        .fallback = "0"),
    KEY("voltage_reference_delay", SECONDS, DCDC(voltage_reference_delay_us), RANGE(0, 0, 600, 0),
        .fallback = "10"),
    KEY("on_exit", CHOICE, DCDC(wait_on_exit), .choices = exits, .fallback = "keep"),
    KEY("address_check", BOOL, DCDC(address_check), .fallback = "yes"),
    KEY("config", MAPPING, .required = true, .schema = &setup_schema),
};
const struct config_schema config_schema_dcdc = SCHEMA(dcdc);

static const struct config_row battery_config[] = {
    KEY("battery_voltage", NUMBER, .required = true, BATTERY(battery_voltage),
        RANGE(0, 0, 1000, 0)),
    KEY("battery_current", NUMBER, .required = true, BATTERY(battery_current),
        .min = {.coefficient = 1000, .negative = true}, .max = DECIMAL(1000, 0)),
    KEY("force_dcdc_waiting", BOOL, .required = true, BATTERY(force_dcdc_waiting)),
};
static const struct config_schema battery_config_schema = SCHEMA(battery_config);

static const struct config_row battery[] = {
    KEY("type", TEXT, .size = 0),
    KEY("config", MAPPING, .required = true, .schema = &battery_config_schema),
};
const struct config_schema config_schema_battery = SCHEMA(battery);

static const struct config_row gateway[] = {
    KEY("allow", NETWORKS, PARSED(config.gateway.allow), .fallback = "loopback"),
    KEY("allow_control", NETWORKS, PARSED(config.gateway.allow_control), .fallback = "loopback"),
    KEY("names", NAMES, PARSED(config.gateway.names)),
    KEY("read_only", BOOL, PARSED(config.gateway.read_only), .fallback = "no"),
    KEY("max_connections", UNSIGNED, PARSED(config.gateway.max_connections), RANGE(1, 0, 10000, 0),
        .fallback = "512"),
    KEY("max_connections_per_address", UNSIGNED, PARSED(config.gateway.max_connections_per_address),
        RANGE(1, 0, 10000, 0), .fallback = "256"),
    KEY("max_target_size", UNSIGNED, PARSED(config.gateway.max_target_size),
        RANGE(128, 0, 65536, 0), .fallback = "4096"),
    KEY("max_headers_size", UNSIGNED, PARSED(config.gateway.max_headers_size),
        RANGE(512, 0, 65536, 0), .fallback = "8192"),
    KEY("max_body_size", UNSIGNED, PARSED(config.gateway.max_body_size), RANGE(0, 0, 1048576, 0),
        .fallback = "4096"),
    KEY("request_timeout", SECONDS, PARSED(config.gateway.request_timeout_us), RANGE(5, -1, 60, 0),
        .fallback = "5"),
    KEY("idle_timeout", SECONDS, PARSED(config.gateway.idle_timeout_us), RANGE(1, 0, 3600, 0),
        .fallback = "60"),
};
static const struct config_schema gateway_schema = SCHEMA(gateway);

static const struct config_row root[] = {
    KEY("ess_system", MAPPING, .required = true, .schema = &ess_system_schema),
    KEY("battery_dev", DEVICE, .schema = &config_schema_battery_dev),
    KEY("dcdc", ENTRIES, .required = true, .schema = &config_schema_dcdc),
    KEY("battery", ENTRIES, .schema = &config_schema_battery),
    KEY("gateway", MAPPING, .schema = &gateway_schema),
};
const struct config_schema config_schema_root = SCHEMA(root);
const struct config_row *const config_schema_dcdc_row = &root[2];
const struct config_row *const config_schema_battery_row = &root[3];
