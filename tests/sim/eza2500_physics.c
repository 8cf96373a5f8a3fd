/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/eza2500_physics.h"

#include <math.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/operation_mode.h"

enum conversion { STOPPED, CHARGING, DISCHARGING, HOLDING };

static const struct {
    uint16_t mode;
    enum conversion conversion;
} conversions[] = {
    {MODE_WAITING, STOPPED},
    {0x0001, CHARGING},
    {0x0004, CHARGING},
    {MODE_HETERONOMY_CHARGE, CHARGING},
    {MODE_HETERONOMY_CV, DISCHARGING},
    {0x0022, DISCHARGING},
    {MODE_GRID_AUTONOMY, HOLDING},
    {0x0034, HOLDING},
};

static const double rated_ig = 7.8125, most_ig = 8.5162;  /* A */
static const double idle_loss = 20;                       /* W, while running */
static const double conversion_loss = 0.05;               /* of the power */
static const double meters_tau = 0.05;                    /* s */
static const double tmp_tau = 120;                        /* s */
static const double tmp_per_loss = 0.3;                   /* K/W */
static const int64_t start_us = 500 * (int64_t)US_PER_MS; /* the grid's voltage may rise so long */

/* The limits. start: not while the voltage may still rise. */
static const struct {
    size_t meter; /* offset of the measured value */
    const char *limit;
    uint16_t alarm;
    bool above;
    bool start;
} limits[] = {
    {offsetof(struct eza2500_model, vb), "obv", ALARM_BATTERY_OVERVOLTAGE, true, false},
    {offsetof(struct eza2500_model, vb), "ubv", ALARM_BATTERY_UNDERVOLTAGE, false, false},
    {offsetof(struct eza2500_model, vg), "ogv", ALARM_GRID_OVERVOLTAGE, true, false},
    {offsetof(struct eza2500_model, vg), "ugv", ALARM_GRID_UNDERVOLTAGE, false, true},
};
static const double hot = 75, too_hot = 90; /* °C */

/* What the meters tend to; the others follow from these. */
struct operating_point {
    double vg, ig, wb;
};

static enum conversion conversion_of(uint16_t mode)
{
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++)
        if (conversions[i].mode == mode)
            return conversions[i].conversion;
    return STOPPED;
}

bool eza2500_holds_grid(uint16_t mode)
{
    return conversion_of(mode) == HOLDING;
}

static double battery_power(double wg)
{
    return wg - idle_loss - conversion_loss * fabs(wg);
}

static double battery_current(const struct eza2500_model *model, double wb)
{
    return model->battery_voltage > 1 ? wb / model->battery_voltage : 0;
}

/* More load than the converter can carry pulls the voltage down. */
static struct operating_point hold_grid(const struct eza2500_model *model)
{
    double dvg = eza2500_value(model, "dvg");
    double out = model->grid_load / dvg;
    double carried = fabs(out) > most_ig ? most_ig / fabs(out) : 1;
    struct operating_point point;

    out *= carried;
    point.ig = -out;
    point.vg = dvg * (1 - eza2500_value(model, "drg") / 100 * out / rated_ig) * carried;
    point.wb = battery_power(point.vg * point.ig);
    return point;
}

static bool battery_at_its_end(const struct eza2500_model *model, enum conversion conversion)
{
    return conversion == CHARGING ? model->battery_voltage >= eza2500_value(model, "cvb")
                                  : model->battery_voltage <= eza2500_value(model, "dlb");
}

static struct operating_point constant_current(const struct eza2500_model *model,
                                               enum conversion conversion)
{
    struct operating_point point = {.vg = model->grid_voltage};
    double limit = eza2500_value(model, "cib");
    double ib;

    if (point.vg > 1 && !battery_at_its_end(model, conversion))
        point.ig = eza2500_value(model, "dig") * (conversion == CHARGING ? 1 : -1);
    ib = fabs(battery_current(model, battery_power(point.vg * point.ig)));
    if (ib > limit)
        point.ig *= limit / ib;
    point.wb = battery_power(point.vg * point.ig);
    return point;
}

static struct operating_point tends_to(const struct eza2500_model *model)
{
    enum conversion conversion = conversion_of(eza2500_mode(model));

    if (conversion == STOPPED)
        return (struct operating_point){.vg = model->grid_voltage};
    if (conversion == HOLDING)
        return hold_grid(model);
    return constant_current(model, conversion);
}

/* One step of a first-order lag. */
static void follow(double *value, double target, double seconds, double tau)
{
    *value += (target - *value) * -expm1(-seconds / tau);
}

static void derive(struct eza2500_model *model)
{
    model->wg = model->vg * model->ig;
    model->ib = battery_current(model, model->wb);
    model->vb = model->battery_voltage + model->ib * model->battery_resistance;
    model->fan = eza2500_mode(model) == MODE_WAITING ? 0 : 1500 + 40 * fmax(0, model->tmp - 25);
}

static double final_tmp(const struct eza2500_model *model)
{
    return model->ambient + tmp_per_loss * fabs(model->wg - model->wb);
}

static void raise_alarms(struct eza2500_model *model)
{
    uint16_t causes = eza2500_causes(model);

    if ((causes & ~model->alarms) != 0)
        eza2500_raise(model, causes);
}

void eza2500_step(struct eza2500_model *model, int64_t now_us)
{
    double seconds = (double)(now_us - model->now_us) / US_PER_S;
    struct operating_point point = tends_to(model);

    follow(&model->vg, point.vg, seconds, meters_tau);
    follow(&model->ig, point.ig, seconds, meters_tau);
    follow(&model->wb, point.wb, seconds, meters_tau);
    derive(model);
    follow(&model->tmp, final_tmp(model), seconds, tmp_tau);
    model->now_us = now_us;
    raise_alarms(model);
}

void eza2500_settle(struct eza2500_model *model)
{
    struct operating_point point = tends_to(model);

    model->vg = point.vg;
    model->ig = point.ig;
    model->wb = point.wb;
    derive(model);
    model->tmp = final_tmp(model);
}

uint16_t eza2500_causes(const struct eza2500_model *model)
{
    bool running = eza2500_mode(model) != MODE_WAITING;
    bool starting = model->now_us - model->mode_since_us < start_us;
    unsigned causes = 0;

    for (size_t i = 0; running && i < sizeof limits / sizeof limits[0]; i++) {
        double value = *(const double *)(const void *)((const char *)model + limits[i].meter);
        double limit = eza2500_value(model, limits[i].limit);

        if (!(limits[i].start && starting) && (limits[i].above ? value > limit : value < limit))
            causes |= limits[i].alarm;
    }
    if (model->tmp >= hot)
        causes |= ALARM_HOT;
    if (model->tmp >= too_hot)
        causes |= ALARM_TOO_HOT;
    return (uint16_t)causes;
}

enum eza2500_running_state eza2500_running_state(const struct eza2500_model *model)
{
    switch (conversion_of(eza2500_mode(model))) {
    case CHARGING:
        return EZA2500_CHARGE;
    case DISCHARGING:
        return EZA2500_DISCHARGE;
    case HOLDING:
        /* Holding the grid's voltage without a load takes energy from the battery. */
        return model->wb > 0 ? EZA2500_CHARGE : EZA2500_DISCHARGE;
    case STOPPED:
        break;
    }
    return EZA2500_OFF;
}
