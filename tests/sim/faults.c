/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/sim/wire_faults.h"

enum { TEXT_SIZE = 96, ONLY_SIZE = 16 };

static const double seconds_max = 3600;

struct sim_fault {
    const struct sim_fault_type *type;
    bool of_protocol; /* type is one of the protocol's own */
    struct sim_argument argument;
    char only[ONLY_SIZE]; /* applies to this command only; "" for all */
    long only_cmd;        /* the same by command byte; -1 for all */
    long left;            /* answers; -1 without end */
    long applied;
    char text[TEXT_SIZE]; /* as it was given */
};

void sim_faults_init(struct sim_faults *faults, const struct sim_protocol *protocol)
{
    *faults = (struct sim_faults){.protocol = protocol, .noise = 2463534242U};
}

static const struct sim_fault_type *find_in(const struct sim_fault_type *types, size_t count,
                                            const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

/* A new fault of that name, without its argument; its type is NULL if there is none. */
static struct sim_fault blank_fault(const struct sim_faults *faults, const char *name)
{
    const struct sim_fault_type *own =
        find_in(faults->protocol->faults, faults->protocol->fault_count, name);

    return (struct sim_fault){
        .type = own != NULL ? own : find_in(sim_wire_faults, sim_wire_fault_count, name),
        .of_protocol = own != NULL,
        .only_cmd = -1,
        .left = -1,
    };
}

int sim_parse_hex(const char *text, uint8_t *bytes, size_t size)
{
    size_t digits = strspn(text, "0123456789abcdefABCDEF");

    if (text[digits] != '\0' || digits % 2 != 0 || digits / 2 > size)
        return -1;
    for (size_t i = 0; i < digits / 2; i++) {
        const char pair[] = {text[2 * i], text[2 * i + 1], '\0'};

        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return (int)(digits / 2);
}

static bool parse_number(const char *text, int base, long min, long max, long *number)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, base);
    return end != text && *end == '\0' && errno == 0 && *number >= min && *number <= max;
}

static bool parse_seconds(const char *text, int64_t *us)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= seconds_max))
        return false;
    *us = (int64_t)(seconds * US_PER_S);
    return true;
}

static bool parse_bytes(const char *text, struct sim_argument *argument)
{
    int size = sim_parse_hex(text, argument->bytes, sizeof argument->bytes);

    argument->size = size < 0 ? 0 : (size_t)size;
    return size >= 0;
}

static bool parse_argument(const struct sim_fault_type *type, const char *text,
                           struct sim_argument *argument)
{
    argument->given = true;
    switch (type->kind) {
    case SIM_NUMBER:
        return parse_number(text, 10, type->min, type->max, &argument->number);
    case SIM_HEX:
        return parse_number(text, 16, type->min, type->max, &argument->number);
    case SIM_SECONDS:
        return parse_seconds(text, &argument->us);
    case SIM_NOISE:
        if (strncmp(text, "0x", 2) == 0)
            return parse_bytes(text + 2, argument) && argument->size > 0;
        return parse_number(text, 10, 1, SIM_NOISE_MAX, &argument->number);
    case SIM_BYTES:
        return parse_bytes(text, argument);
    case SIM_NOTHING:
        break;
    }
    return false;
}

/* Reads "for NAME", "for cmd XX" and "count N"; returns the first word that is neither. */
static const char *parse_tail(struct sim_fault *fault, int count, char **words)
{
    int i = 0;

    while (i < count) {
        if (strcmp(words[i], "count") == 0 && i + 1 < count &&
            parse_number(words[i + 1], 10, 1, 1000000000, &fault->left)) {
            i += 2;
        } else if (strcmp(words[i], "for") == 0 && i + 2 < count &&
                   strcmp(words[i + 1], "cmd") == 0 &&
                   parse_number(words[i + 2], 16, 0, UINT8_MAX, &fault->only_cmd)) {
            i += 3;
        } else if (strcmp(words[i], "for") == 0 && i + 1 < count &&
                   strcmp(words[i + 1], "cmd") != 0 && strlen(words[i + 1]) < ONLY_SIZE) {
            snprintf(fault->only, sizeof fault->only, "%s", words[i + 1]);
            i += 2;
        } else {
            return words[i];
        }
    }
    return NULL;
}

static bool is_keyword(const char *word)
{
    return strcmp(word, "for") == 0 || strcmp(word, "count") == 0;
}

static void join(char *text, size_t size, int count, char **words)
{
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", words[i]);
}

/* Fills a fault from its words; false with the reason in error. */
static bool parse_fault(const struct sim_faults *faults, struct sim_fault *fault, int count,
                        char **words, char *error)
{
    const struct sim_fault_type *type;
    int used = 1;
    const char *wrong;

    *fault = blank_fault(faults, words[0]);
    type = fault->type;
    if (type == NULL) {
        snprintf(error, SIM_ERROR_SIZE, "unknown fault: %.64s; try: help", words[0]);
        return false;
    }
    if (type->kind != SIM_NOTHING && count > 1 && !is_keyword(words[1])) {
        if (!parse_argument(type, words[1], &fault->argument)) {
            snprintf(error, SIM_ERROR_SIZE, "not for %s %s: %.64s", type->name, type->usage,
                     words[1]);
            return false;
        }
        used++;
    }
    if (type->required && !fault->argument.given) {
        snprintf(error, SIM_ERROR_SIZE, "%s needs an argument: %s", type->name, type->usage);
        return false;
    }
    wrong = parse_tail(fault, count - used, words + used);
    if (wrong != NULL)
        snprintf(error, SIM_ERROR_SIZE, "not understood from here on: %.64s", wrong);
    join(fault->text, sizeof fault->text, count, words);
    return wrong == NULL;
}

bool sim_faults_add(struct sim_faults *faults, int count, char **words,
                    char error[static SIM_ERROR_SIZE])
{
    struct sim_fault *fault;

    if (faults->count == SIM_FAULTS_MAX) {
        snprintf(error, SIM_ERROR_SIZE, "already %d faults in force", SIM_FAULTS_MAX);
        return false;
    }
    fault = malloc(sizeof *fault);
    if (fault == NULL || !parse_fault(faults, fault, count, words, error)) {
        free(fault);
        return false;
    }
    faults->active[faults->count++] = fault;
    return true;
}

static void remove_fault(struct sim_faults *faults, size_t index)
{
    free(faults->active[index]);
    faults->count--;
    for (size_t i = index; i < faults->count; i++)
        faults->active[i] = faults->active[i + 1];
}

void sim_faults_clear(struct sim_faults *faults, const char *name)
{
    for (size_t i = faults->count; i-- > 0;)
        if (name == NULL || strcmp(faults->active[i]->type->name, name) == 0)
            remove_fault(faults, i);
}

static bool concerns(const struct sim_fault *fault, const struct sim_exchange *exchange)
{
    return (fault->only[0] == '\0' || strcmp(fault->only, exchange->name) == 0) &&
           (fault->only_cmd < 0 || (unsigned long)fault->only_cmd == exchange->cmd);
}

static void count_use(struct sim_fault *fault)
{
    fault->applied++;
    if (fault->left > 0)
        fault->left--;
}

/* A fault whose answers have been used up ends; it may have been used once in an exchange. */
static void remove_used_up(struct sim_faults *faults)
{
    for (size_t i = faults->count; i-- > 0;)
        if (faults->active[i]->left == 0)
            remove_fault(faults, i);
}

bool sim_faults_deaf(struct sim_faults *faults, const struct sim_exchange *exchange)
{
    for (size_t i = 0; i < faults->count; i++) {
        struct sim_fault *fault = faults->active[i];

        if (fault->type->deaf && concerns(fault, exchange)) {
            count_use(fault);
            remove_used_up(faults);
            return true;
        }
    }
    return false;
}

bool sim_faults_refuse(const struct sim_faults *faults, const struct sim_exchange *exchange)
{
    for (size_t i = 0; i < faults->count; i++)
        if (faults->active[i]->type->refuses && concerns(faults->active[i], exchange))
            return true;
    return false;
}

/* Applies the faults of the protocol, or the others; true if any did. */
static bool apply_stage(struct sim_faults *faults, bool of_protocol,
                        const struct sim_exchange *exchange, struct sim_plan *plan)
{
    bool applied = false;

    for (size_t i = 0; i < faults->count; i++) {
        struct sim_fault *fault = faults->active[i];

        if (!fault->type->deaf && fault->of_protocol == of_protocol && concerns(fault, exchange) &&
            fault->type->apply(plan, exchange, &fault->argument)) {
            count_use(fault);
            applied = true;
        }
    }
    return applied;
}

void sim_faults_apply(struct sim_faults *faults, const struct sim_exchange *exchange,
                      const uint8_t *answer, size_t size, struct sim_plan *plan)
{
    *plan = (struct sim_plan){.size = size, .copies = 1, .noise = &faults->noise};
    memcpy(plan->answer, answer, size);
    if (apply_stage(faults, true, exchange, plan) && plan->size > faults->protocol->checksum_size)
        faults->protocol->seal(plan->answer, plan->size);
    apply_stage(faults, false, exchange, plan);
    remove_used_up(faults);
}

struct json_object *sim_faults_list(const struct sim_faults *faults)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < faults->count; i++) {
        const struct sim_fault *fault = faults->active[i];
        struct json_object *item = json_object_new_object();

        json_object_object_add(item, "fault", json_object_new_string(fault->text));
        json_object_object_add(item, "left",
                               fault->left < 0 ? NULL : json_object_new_int64(fault->left));
        json_object_object_add(item, "applied", json_object_new_int64(fault->applied));
        json_object_array_add(list, item);
    }
    return list;
}

static void help_of(const struct sim_fault_type *types, size_t count,
                    void (*line)(void *arg, const char *usage, const char *help), void *arg)
{
    char usage[TEXT_SIZE];

    for (size_t i = 0; i < count; i++) {
        snprintf(usage, sizeof usage, "fault %s%s%s", types[i].name, types[i].usage[0] ? " " : "",
                 types[i].usage);
        line(arg, usage, types[i].help);
    }
}

void sim_faults_help(const struct sim_faults *faults,
                     void (*line)(void *arg, const char *usage, const char *help), void *arg)
{
    help_of(sim_wire_faults, sim_wire_fault_count, line, arg);
    help_of(faults->protocol->faults, faults->protocol->fault_count, line, arg);
}

long sim_argument_or(const struct sim_argument *argument, long fallback)
{
    return argument->given ? argument->number : fallback;
}
