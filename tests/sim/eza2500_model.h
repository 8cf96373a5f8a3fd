/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A converter and its surroundings: what is set, what it does with it, what its meters show.
 * Pure; the time is a parameter. Used by eza2500_device.
 *
 * Signs: currents and powers are positive when energy flows from the grid into the battery
 * (charge), on both sides of the converter.
 *
 * Constant grid voltage (0x0014, 0x0034): vg = dvg lowered by drg percent at the rated grid
 * current; ig follows the load on the grid. Constant current (0x0041 charge, 0x0002 and 0x0022
 * discharge; 0x0001 and 0x0004 charge): ig = dig, less where cib, cvb or dlb are reached; vg is
 * what the neighbours hold. Waiting: no current. 20 W and 5 % of the power are lost on the way.
 */
#ifndef TESTS_SIM_EZA2500_MODEL_H
#define TESTS_SIM_EZA2500_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/eza_commands.h"

/* Why a request is refused (wire facts, ERCD). */
enum {
    ERCD_NONE = 0,
    ERCD_UNSUPPORTED = 0xffff,
    ERCD_BAD_PARAMETER = 0xfffe,
    ERCD_NOT_NOW = 0xfffd,
    ERCD_BUSY = 0xfffc,
    ERCD_INTERNAL = 0xfffb
};

/* Bits of alm1. They stay until 9-4 is sent when the cause has gone. */
enum {
    ALARM_BATTERY_OVERVOLTAGE = 0x0001,  /* heavy: above obv while running */
    ALARM_BATTERY_UNDERVOLTAGE = 0x0002, /* heavy: below ubv while running */
    ALARM_GRID_OVERVOLTAGE = 0x0004,     /* heavy: above ogv while running */
    ALARM_GRID_UNDERVOLTAGE = 0x0008,    /* heavy: below ugv while running, after its start */
    ALARM_HOT = 0x0010,                  /* light: 75 °C */
    ALARM_TOO_HOT = 0x0020,              /* heavy: 90 °C */
    ALARM_TEST_LIGHT = 0x4000,           /* raised by hand */
    ALARM_TEST_HEAVY = 0x8000
};

enum eza2500_alarm_state { EZA2500_NO_ALARM, EZA2500_LIGHT_ALARM, EZA2500_HEAVY_ALARM };
enum eza2500_running_state { EZA2500_OFF, EZA2500_CHARGE, EZA2500_DISCHARGE };

/* What can be written, by symbol; see eza2500_model.c for the names and defaults. */
enum { EZA2500_REGISTERS = 19 };

struct eza2500_model {
    /* The surroundings; may be changed at any time after eza2500_advance. */
    double grid_voltage;       /* V, held by the neighbours */
    double grid_load;          /* W, drawn from the grid that this converter holds; < 0: fed in */
    double battery_voltage;    /* V, without current */
    double battery_resistance; /* ohm */
    double ambient;            /* °C */
    bool strict; /* refuse changes between running modes but constant current → voltage */

    /* The converter. */
    uint16_t registers[EZA2500_REGISTERS]; /* raw, as written */
    double units[EZA2500_REGISTERS];       /* what one of the raw value is worth */
    uint16_t alarms;                       /* alm1 */
    double vg, ig, vb, ib, wg, wb, tmp;    /* as measured: V, A, W, °C */
    double fan;                            /* 1/min */
    int64_t now_us, mode_since_us;
};

/* Switched on at now_us: Waiting, defaults, meters settled. */
void eza2500_init(struct eza2500_model *model, int64_t now_us);

/* Lets time pass. A time before the last one is taken for the last one. */
void eza2500_advance(struct eza2500_model *model, int64_t now_us);

/*
 * Carries out a command as of the last eza2500_advance: in holds the raw values of
 * command->request, out takes those of command->reply. Returns ERCD_NONE, or why it is refused;
 * nothing is changed then.
 */
unsigned eza2500_execute(struct eza2500_model *model, const struct eza_command *command,
                         const uint16_t *in, uint16_t *out);

/* The value of a register, or of its raw value, in the field's unit. name must exist. */
double eza2500_value(const struct eza2500_model *model, const char *name);
uint16_t *eza2500_register(struct eza2500_model *model, const char *name);

/* Stores a value rounded to the nearest raw one; false if name is no register. */
bool eza2500_store(struct eza2500_model *model, const char *name, double value);

uint16_t eza2500_mode(const struct eza2500_model *model);

/* Changes the mode without asking, as an operator at the converter could. */
void eza2500_force_mode(struct eza2500_model *model, uint16_t mode);

/* Raises a bit of alm1; a heavy one makes the converter wait. */
void eza2500_raise(struct eza2500_model *model, uint16_t alarm);

enum eza2500_alarm_state eza2500_alarm_state(const struct eza2500_model *model);
enum eza2500_running_state eza2500_running_state(const struct eza2500_model *model);

#endif
