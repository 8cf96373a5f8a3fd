/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as the daemons understand it, defaults included: `--print-config`. Pure. */
#ifndef COMMON_CONFIG_JSON_H
#define COMMON_CONFIG_JSON_H

#include <json-c/json.h>

#include "common/config.h"

/*
 * The tree of a configuration file that config_parse reads as the same configuration (JSON is
 * YAML). Of what is named, the entries of dcdc and battery, only those in use are there, as "dcdc"
 * and "battery". The caller owns it.
 */
struct json_object *config_json(const struct config *config);

#endif
