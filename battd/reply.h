/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The results of battd's methods as JSON, made from what is known. Pure. Used by the methods.
 * Each function returns a new object that the caller owns.
 */
#ifndef BATTD_REPLY_H
#define BATTD_REPLY_H

#include <json-c/json.h>
#include <stdint.h>

#include "battd/registers.h"
#include "battd/snapshot.h"
#include "common/config.h"

/* check_battery: {"rsoc":50.1,"battery_operation_status":3,"age":0.412} */
struct json_object *battery_reply_check(const struct reading *reading, int64_t age_us);

/* log_data (specification 5.2.1.3) */
struct json_object *battery_reply_log_data(const struct reading *reading,
                                           const struct config_battery *config);

/* status, without what the server adds. snapshot: NULL when no battery is configured. */
struct json_object *battery_reply_status(const struct snapshot *snapshot,
                                         const struct config_battery_dev *config, int64_t now_us);

#endif
