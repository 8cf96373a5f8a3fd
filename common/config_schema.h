/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the configuration file (specification 5.1.3) as constant tables: data only.
 * Two rows that fill one member are two names of one value, of which a file gives one.
 */
#ifndef COMMON_CONFIG_SCHEMA_H
#define COMMON_CONFIG_SCHEMA_H

#include "common/config.h"
#include "common/config_row.h"

/* What a file fills: the result, and what is needed only until it is checked. */
struct config_parsed {
    struct config config;
    char dcdc_name[64];    /* dcdc_dev.config: the entry of dcdc */
    char battery_name[64]; /* battery_dev.config: the entry of battery */
};

/* The whole file, for struct config_parsed, and two parts of it. */
extern const struct config_schema config_schema_root;
extern const struct config_schema config_schema_dcdc_dev;
extern const struct config_schema config_schema_battery_dev;

/* dcdc and battery: rows of the root; the schemas of their entries, for the structures named. */
extern const struct config_row *const config_schema_dcdc_row;
extern const struct config_row *const config_schema_battery_row;
extern const struct config_schema config_schema_dcdc;    /* struct config_dcdc */
extern const struct config_schema config_schema_battery; /* struct config_battery */

#endif
