/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A battery: its charge follows the energy that flows, and it permits the sharing of energy
 * while the charge is not at its ends. Pure; the time is a parameter. Used by battery_device.
 */
#ifndef TESTS_SIM_BATTERY_MODEL_H
#define TESTS_SIM_BATTERY_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum battery_sharing { BATTERY_AUTO, BATTERY_PERMITTED, BATTERY_DENIED };

struct battery_model {
    /* May be changed at any time after battery_advance. */
    double rsoc;        /* %, 0..100 */
    double capacity;    /* Wh */
    double load;        /* W, flows into the battery whatever the converter does */
    double time_factor; /* the charge moves so many times faster */
    double low, high;   /* %, sharing is denied at or beyond these … */
    double hysteresis;  /* %, … until the charge is so far inside again */
    enum battery_sharing sharing;
    int32_t rsoc_raw, status_raw; /* registers set by hand; -1: they follow the model */

    double converter_power;     /* W, last reported */
    int64_t converter_until_us; /* the report is worth nothing after this */
    bool denied;                /* at an end */
    int64_t now_us;
};

/* A battery of 1300 Wh with this charge, in %. */
void battery_init(struct battery_model *model, double rsoc, int64_t now_us);

/* Lets time pass. A time before the last one is taken for the last one. */
void battery_advance(struct battery_model *model, int64_t now_us);

/* The converter moves this power into the battery, in W; holds for 3 s unless said again. */
void battery_report_power(struct battery_model *model, double watts);

bool battery_permits(const struct battery_model *model);

/* What the registers show: RSOC in 0.1 %; status, bit 0 set when sharing is denied. */
uint16_t battery_rsoc_register(const struct battery_model *model);
uint16_t battery_status_register(const struct battery_model *model);

#endif
