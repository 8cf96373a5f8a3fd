/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/routes.h"

#include <string.h>
#include <strings.h>

#include "gatewayd/actions.h"
#include "gatewayd/monitoring.h"
#include "gatewayd/openapi.h"
#include "gatewayd/query.h"

enum { PATH_SIZE = 64 };

static const char *const battery_keys[] = {"battery_operation_status", "rsoc", NULL};
static const char *const log_keys[] = {"battery_comm_err",
                                       "battery_current",
                                       "battery_operation_status",
                                       "battery_rsoc",
                                       "battery_status",
                                       "battery_voltage",
                                       "battery_warning",
                                       "charge_discharge_power",
                                       "dischargeable_time",
                                       "rsoc",
                                       "system_time",
                                       "ups_operation_mode",
                                       "ups_operation_schedule",
                                       NULL};
static const char *const dcdc_keys[] = {"meter", "param", "status", "vdis", NULL};
static const char *const remote_keys[] = {"meter", "param", "powermeter", "status", "vdis", NULL};
static const char *const status_keys[] = {"meter", "status", NULL};
static const char *const current_keys[] = {"meter", "param", NULL};
static const char *const voltage_keys[] = {"meter", "vdis", NULL};
static const char *const setup_keys[] = {"dcdc_converter_name", "dcdc_setup_parameter", NULL};
static const char *const all_keys[] = {
    "battery_operation_status", "meter", "param", "rsoc", "status", "vdis", NULL};
static const char *const everything_keys[] = {"battery_comm_err",
                                              "battery_current",
                                              "battery_operation_status",
                                              "battery_rsoc",
                                              "battery_status",
                                              "battery_voltage",
                                              "battery_warning",
                                              "charge_discharge_power",
                                              "dischargeable_time",
                                              "meter",
                                              "param",
                                              "powermeter",
                                              "rsoc",
                                              "status",
                                              "system_time",
                                              "ups_operation_mode",
                                              "ups_operation_schedule",
                                              "vdis",
                                              NULL};

static const char version_text[] =
    "{\"comm_interface_version\":\"2.0\",\"dcdc_batt_comm_version\":\"" VERSION "\"}";
static const char hello_text[] = "{\"message\":\"hello world\"}";
static const char goodbye_text[] = "{\"message\":\"goodbye\"}";
static const char healthy_text[] = "{\"healthy\":true}";

#define READ  .run = action_call, .repeat = RPC_REPEAT
#define WRITE .run = action_call, .repeat = RPC_ONCE, .changes = true
#define SET   .run = action_set, .changes = true

/* clang-format off */
const struct route routes[] = {
    {"/all/get",                READ, .dcdcd = "remote_get", .battd = "check_battery",
                                .keys = all_keys},
    {"/battery/get",            READ, .battd = "check_battery", .keys = battery_keys},
    {"/1/log/data",             READ, .battd = "log_data", .keys = log_keys},
    {"/dcdc/get",               READ, .dcdcd = "remote_get", .keys = dcdc_keys},
    {"/remote/get",             READ, .dcdcd = "remote_get", .keys = remote_keys},
    {"/dcdc/get/status",        READ, .dcdcd = "remote_get_status", .keys = status_keys},
    {"/remote/get/status",      READ, .dcdcd = "remote_get_status", .keys = status_keys},
    {"/dcdc/set",               SET, .set_path = SET_PATH_DCDC},
    {"/remote/set",             SET, .set_path = SET_PATH_ALL},
    {"/remote/set/current",     SET, .set_path = SET_PATH_CURRENT},
    {"/remote/set/voltage",     SET, .set_path = SET_PATH_VOLTAGE},
    {"/remote/ioctl/get",       READ, .dcdcd = "remote_get", .battd = "log_data",
                                .keys = everything_keys},
    {"/remote/ioctl/set",       WRITE, .dcdcd = "remote_ioctl_set", .keys = setup_keys},
    {"/remote/ioctl/clr_alarm", WRITE, .dcdcd = "remote_ioctl_clr_alarm", .keys = remote_keys},
    {"/version/get",            .run = action_text, .text = version_text},
    {"/essx/hello",             .run = action_hello, .text = hello_text, .changes = true},
    {"/essx/goodbye",           .run = action_goodbye, .text = goodbye_text, .changes = true,
                                .goodbye = true},
    {"/metrics",                .run = action_metrics, .watches = true},
    {"/healthz",                .run = action_text, .text = healthy_text, .watches = true},
    {"/readyz",                 .run = action_ready, .watches = true},
    {"/openapi.json",           .run = action_text, .text = openapi_text, .watches = true},
};
/* clang-format on */
const size_t route_count = sizeof routes / sizeof routes[0];

const struct set_target set_targets[] = {
    [SET_ALL] = {"remote_set", dcdc_keys},
    [SET_CURRENT] = {"remote_set_current", current_keys},
    [SET_VOLTAGE] = {"remote_set_voltage", voltage_keys},
};

const char *route_authority(const char *target, size_t *length)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const char *authority = target + strlen(schemes[i]);

        if (strncasecmp(target, schemes[i], strlen(schemes[i])) != 0)
            continue;
        *length = strcspn(authority, "/?#");
        return authority;
    }
    return NULL;
}

/* Returns whether the path is one that could be in the table. */
static bool decode_path(const char *text, size_t length, char path[static PATH_SIZE])
{
    for (const char *at = text; (at = memchr(at, '%', length - (size_t)(at - text))); at++)
        if (strncasecmp(at, "%2f", 3) == 0)
            return false;
    return query_decode(text, length, false, path, PATH_SIZE) == NULL;
}

const struct route *route_find(const char *target, const char **query)
{
    size_t length;
    const char *authority = route_authority(target, &length);
    const char *text = authority != NULL ? authority + length : target;
    char path[PATH_SIZE];

    length = strcspn(text, "?#");
    *query = text[length] == '?' ? text + length + 1 : "";
    if (!decode_path(text, length, path))
        return NULL;
    for (size_t i = 0; i < route_count; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}
