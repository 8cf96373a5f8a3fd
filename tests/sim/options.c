/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 16, EXIT_USAGE = 2, KEY_HELP = 'h', KEY_VERSION = 'V', KEY_FIRST = 256 };

static void print_help(const struct sim_option *options, size_t count, const char *about,
                       const char *program)
{
    const char *name = strrchr(program, '/');

    printf("Usage: %s [OPTION]…\n%s\n\nOptions:\n", name != NULL ? name + 1 : program, about);
    for (size_t i = 0; i < count; i++) {
        char usage[64];

        snprintf(usage, sizeof usage, "--%s%s%s", options[i].name,
                 options[i].kind == SIM_OPTION_FLAG ? "" : " ",
                 options[i].kind == SIM_OPTION_FLAG ? "" : options[i].argument);
        printf("  %-20s %s%s", usage, options[i].help, options[i].required ? " (needed)" : "");
        if (options[i].kind == SIM_OPTION_WHOLE)
            printf(" (default %ld)", *(const long *)options[i].value);
        if (options[i].kind == SIM_OPTION_REAL)
            printf(" (default %g)", *(const double *)options[i].value);
        putchar('\n');
    }
    puts("  --version            print the version\n  --help               print this");
}

bool sim_parse_real(const char *text, double min, double max, double *value)
{
    char *end;
    double number = strtod(text, &end);

    /* Not a number is not within limits either. */
    if (end == text || *end != '\0' || !(number >= min && number <= max))
        return false;
    *value = number;
    return true;
}

static bool store(const struct sim_option *option, const char *text)
{
    double number;

    switch (option->kind) {
    case SIM_OPTION_FLAG:
        *(bool *)option->value = true;
        return true;
    case SIM_OPTION_TEXT:
        *(const char **)option->value = text;
        return text[0] != '\0';
    case SIM_OPTION_REAL:
        return sim_parse_real(text, option->min, option->max, option->value);
    case SIM_OPTION_WHOLE:
        if (!sim_parse_real(text, option->min, option->max, &number) ||
            number != (double)(long)number)
            return false;
        *(long *)option->value = (long)number;
        return true;
    }
    return false;
}

static void fill_getopt(const struct sim_option *options, size_t count,
                        struct option table[static OPTIONS_MAX + 3])
{
    size_t i;

    for (i = 0; i < count && i < OPTIONS_MAX; i++)
        table[i] = (struct option){
            .name = options[i].name,
            .has_arg = options[i].kind == SIM_OPTION_FLAG ? no_argument : required_argument,
            .val = KEY_FIRST + (int)i,
        };
    table[i++] = (struct option){.name = "help", .val = KEY_HELP};
    table[i++] = (struct option){.name = "version", .val = KEY_VERSION};
    table[i] = (struct option){0};
}

/* The first option that is needed and was not given, or NULL. */
static const struct sim_option *missing(const struct sim_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (options[i].required && *(const char *const *)options[i].value == NULL)
            return &options[i];
    return NULL;
}

bool sim_options_parse(const struct sim_option *options, size_t count, const char *about, int argc,
                       char **argv, int *exit_status)
{
    struct option table[OPTIONS_MAX + 3];
    const struct sim_option *lacking;
    int key;

    fill_getopt(options, count, table);
    *exit_status = EXIT_SUCCESS;
    while ((key = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (key == KEY_HELP) {
            print_help(options, count, about, argv[0]);
            return false;
        }
        if (key == KEY_VERSION) {
            puts(VERSION);
            return false;
        }
        *exit_status = EXIT_USAGE;
        if (key < KEY_FIRST)
            return false;
        if (!store(&options[key - KEY_FIRST], optarg)) {
            fprintf(stderr, "%s: not for --%s: %s\n", argv[0], options[key - KEY_FIRST].name,
                    optarg);
            return false;
        }
    }
    *exit_status = EXIT_USAGE;
    lacking = missing(options, count);
    if (lacking != NULL)
        fprintf(stderr, "%s: --%s %s is needed; see --help\n", argv[0], lacking->name,
                lacking->argument);
    else if (optind < argc)
        fprintf(stderr, "%s: unexpected: %s\n", argv[0], argv[optind]);
    return lacking == NULL && optind == argc;
}
