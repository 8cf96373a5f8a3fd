/* SPDX-License-Identifier: Apache-2.0 */
/* battery-sim: a battery that speaks Modbus RTU behind a pseudo terminal. */
#include <stdlib.h>

#include "tests/sim/battery_device.h"
#include "tests/sim/options.h"

static const char about[] =
    "A battery on a simulated Modbus RTU line, for work without hardware.\n"
    "\n"
    "  battery-sim --link /tmp/battery --control /tmp/battery.ctl &\n"
    "  echo help | socat - UNIX-CONNECT:/tmp/battery.ctl       all commands and faults\n"
    "  echo 'set sharing denied' | socat - UNIX-CONNECT:/tmp/battery.ctl\n"
    "  echo 'fault exception 4 count 3' | socat - UNIX-CONNECT:/tmp/battery.ctl\n"
    "\n"
    "Each command is a line, each answer a line of JSON. A driver opens the link as its port and\n"
    "reads input registers (function 4): RSOC in 0.1 %, and status, whose bit 0 denies sharing.";

int main(int argc, char **argv)
{
    struct simulator_options options = {.baud = 9600, .turnaround = 0.005};
    long unit = 1, adr_rsoc = 30030, adr_status = 30031;
    struct battery_device_config config = {.rsoc = 50, .capacity = 1300};
    struct event_base *base = NULL;
    struct battery_device *device = NULL;
    struct simulator *simulator = NULL;
    int status;
    const struct sim_option table[] = {
        SIMULATOR_OPTIONS(options),
        {"unit", "N", "the Modbus address", SIM_OPTION_WHOLE, false, 1, 247, &unit},
        {"rsoc", "%", "the charge at start", SIM_OPTION_REAL, false, 0, 100, &config.rsoc},
        {"capacity", "WH", "what a full battery holds", SIM_OPTION_REAL, false, 0.001, 1e9,
         &config.capacity},
        {"adr-rsoc", "N", "number of the RSOC register", SIM_OPTION_WHOLE, false, 30001, 39999,
         &adr_rsoc},
        {"adr-status", "N", "number of the status register", SIM_OPTION_WHOLE, false, 30001, 39999,
         &adr_status},
    };

    if (!sim_options_parse(table, sizeof table / sizeof table[0], about, argc, argv, &status))
        return status;
    config.unit = (uint8_t)unit;
    config.adr_rsoc = (unsigned)adr_rsoc;
    config.adr_status = (unsigned)adr_status;
    status = EXIT_FAILURE;
    base = simulator_event_base();
    device = battery_device_new(&config);
    if (base != NULL && device != NULL)
        simulator = simulator_new(base, &options, &battery_type, device);
    if (simulator != NULL) {
        battery_device_attach(device, simulator);
        status = simulator_run(simulator);
    }
    simulator_free(simulator);
    battery_device_free(device);
    if (base != NULL)
        event_base_free(base);
    return status;
}
