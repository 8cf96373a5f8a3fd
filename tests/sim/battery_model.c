/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/battery_model.h"

#include <math.h>

#include "common/clock.h"

enum { REPORT_HOLDS_US = 3 * US_PER_S, STATUS_DENIED = 1 };

static const double seconds_per_hour = 3600;

void battery_init(struct battery_model *model, double rsoc, int64_t now_us)
{
    *model = (struct battery_model){
        .rsoc = rsoc,
        .capacity = 1300,
        .time_factor = 1,
        .low = 10,
        .high = 95,
        .hysteresis = 2,
        .rsoc_raw = -1,
        .status_raw = -1,
        .now_us = now_us,
    };
    battery_advance(model, now_us);
}

/* Energy in Wh that flowed in from now_us to until_us. */
static double energy(const struct battery_model *model, int64_t until_us)
{
    int64_t reported_us =
        model->converter_until_us < until_us ? model->converter_until_us : until_us;
    double watt_us = model->load * (double)(until_us - model->now_us);

    if (reported_us > model->now_us)
        watt_us += model->converter_power * (double)(reported_us - model->now_us);
    return watt_us / US_PER_S / seconds_per_hour * model->time_factor;
}

void battery_advance(struct battery_model *model, int64_t now_us)
{
    double inside = model->denied ? model->hysteresis : 0;

    if (now_us > model->now_us) {
        model->rsoc += energy(model, now_us) / model->capacity * 100;
        model->rsoc = fmax(0, fmin(100, model->rsoc));
        model->now_us = now_us;
    }
    model->denied = model->rsoc <= model->low + inside || model->rsoc >= model->high - inside;
}

void battery_report_power(struct battery_model *model, double watts)
{
    model->converter_power = watts;
    model->converter_until_us = model->now_us + REPORT_HOLDS_US;
}

bool battery_permits(const struct battery_model *model)
{
    return model->sharing == BATTERY_AUTO ? !model->denied : model->sharing == BATTERY_PERMITTED;
}

uint16_t battery_rsoc_register(const struct battery_model *model)
{
    return model->rsoc_raw >= 0 ? (uint16_t)model->rsoc_raw : (uint16_t)lround(model->rsoc * 10);
}

uint16_t battery_status_register(const struct battery_model *model)
{
    if (model->status_raw >= 0)
        return (uint16_t)model->status_raw;
    return battery_permits(model) ? 0 : STATUS_DENIED;
}
