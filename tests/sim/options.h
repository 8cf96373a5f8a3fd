/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines from a table: one row is an option, its default and its help. Used by the mains. */
#ifndef TESTS_SIM_OPTIONS_H
#define TESTS_SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum sim_option_kind { SIM_OPTION_FLAG, SIM_OPTION_TEXT, SIM_OPTION_WHOLE, SIM_OPTION_REAL };

struct sim_option {
    const char *name;
    const char *argument; /* as --help shows it */
    const char *help;
    enum sim_option_kind kind;
    bool required;
    double min, max; /* SIM_OPTION_WHOLE, SIM_OPTION_REAL */
    void *value;     /* bool, const char *, long or double; holds the default */
};

/*
 * Reads the command line into the table's values; --help and --version are built in. Returns true
 * to go on; false to exit at once with *exit_status (2: usage), after having printed.
 */
bool sim_options_parse(const struct sim_option *options, size_t count, const char *about, int argc,
                       char **argv, int *exit_status);

/* Reads a finite number of which nothing is left over; false if it is none or not in [min..max]. */
bool sim_parse_real(const char *text, double min, double max, double *value);

#endif
