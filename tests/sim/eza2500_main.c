/* SPDX-License-Identifier: Apache-2.0 */
/* eza2500-sim: an EZA2500 converter behind a pseudo terminal. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/battery_report.h"
#include "tests/sim/eza2500_device.h"
#include "tests/sim/options.h"

static const char about[] =
    "An EZA2500 converter on a simulated RS485 line, for work without hardware.\n"
    "\n"
    "  eza2500-sim --link /tmp/dcdc --control /tmp/dcdc.ctl &\n"
    "  echo help | socat - UNIX-CONNECT:/tmp/dcdc.ctl          all commands and faults\n"
    "  echo 'set grid_load 500' | socat - UNIX-CONNECT:/tmp/dcdc.ctl\n"
    "  echo 'fault late 0.15 for 4-4 count 2' | socat - UNIX-CONNECT:/tmp/dcdc.ctl\n"
    "\n"
    "Each command is a line, each answer a line of JSON. A driver opens the link as its port.\n"
    "--replay dcdcd.trace puts a recorded converter in the model's place: each request that was\n"
    "recorded is answered as it was then, byte for byte and as late, in the order of the trace.\n"
    "Charge is positive: ig, ib, wg, wb count what flows from the grid into the battery.\n"
    "alm1: 1 battery above obv, 2 battery below ubv, 4 grid above ogv, 8 grid below ugv,\n"
    "10 hot (light), 20 too hot, 4000 and 8000 test alarms; heavy ones make it wait.";

struct program {
    struct event_base *base;
    struct eza2500_device *device;
    struct simulator *simulator;
    struct battery_report *report;
    struct replay *replay;
};

static double battery_power(void *device)
{
    return eza2500_device_battery_power(device);
}

static bool start(struct program *program, const struct simulator_options *options,
                  const long addresses[static 2], const char *battery, const char *replay)
{
    if (replay != NULL && (program->replay = replay_load(replay)) == NULL)
        return false;
    program->base = simulator_event_base();
    program->device = eza2500_device_new((uint8_t)addresses[0], (uint8_t)addresses[1]);
    if (program->base == NULL || program->device == NULL)
        return false;
    program->simulator = simulator_new(program->base, options, &eza2500_type, program->device);
    if (program->simulator == NULL)
        return false;
    eza2500_device_attach(program->device, program->simulator);
    eza2500_device_replay(program->device, program->replay);
    if (battery == NULL)
        return true;
    program->report = battery_report_new(program->base, battery, battery_power, program->device);
    if (program->report == NULL)
        fprintf(stderr, "%s: cannot report to this socket\n", battery);
    return program->report != NULL;
}

static void finish(struct program *program)
{
    battery_report_free(program->report);
    simulator_free(program->simulator);
    eza2500_device_free(program->device);
    replay_free(program->replay);
    if (program->base != NULL)
        event_base_free(program->base);
}

int main(int argc, char **argv)
{
    struct simulator_options options = {.baud = 19200, .turnaround = 0.002};
    long addresses[2] = {0, 16};
    const char *battery = NULL, *replay = NULL;
    struct program program = {0};
    int status;
    const struct sim_option table[] = {
        SIMULATOR_OPTIONS(options),
        {"address1", "N", "the converter's address", SIM_OPTION_WHOLE, false, 0, 255,
         &addresses[0]},
        {"address2", "N", "the driver's address", SIM_OPTION_WHOLE, false, 0, 255, &addresses[1]},
        {"battery", "SOCKET", "battery-sim's control socket, to move its charge", SIM_OPTION_TEXT,
         false, 0, 0, &battery},
        {"replay", "FILE", "a trace: its requests get its answers, others none", SIM_OPTION_TEXT,
         false, 0, 0, &replay},
    };

    if (!sim_options_parse(table, sizeof table / sizeof table[0], about, argc, argv, &status))
        return status;
    status = EXIT_FAILURE;
    if (start(&program, &options, addresses, battery, replay))
        status = simulator_run(program.simulator);
    finish(&program);
    return status;
}
