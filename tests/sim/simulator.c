/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/simulator.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/sim/control.h"
#include "tests/sim/options.h"

enum { SIGNALS = 2, BAUD_MAX = 4000000, TURNAROUND_MAX_S = 60 };

struct simulator {
    struct event_base *base;
    const struct sim_device *type;
    void *device;
    struct sim_line *line;
    struct sim_control *control;
    struct sim_faults faults;
    const char *link;
    int64_t turnaround_us;
    int64_t last_answer_us; /* when the last answer begins */
    uint64_t answers, deaf;
    struct event *signals[SIGNALS];
};

/* Commands of the control socket. words[0] is the command itself. */

static struct json_object *ok_with(const char *name, struct json_object *value)
{
    struct json_object *answer = sim_control_ok();

    json_object_object_add(answer, name, value);
    return answer;
}

static struct json_object *do_fault(struct simulator *simulator, int count, char **words)
{
    char error[SIM_ERROR_SIZE];

    if (count > 1 && !sim_faults_add(&simulator->faults, count - 1, words + 1, error))
        return sim_control_error("%s", error);
    return ok_with("faults", sim_faults_list(&simulator->faults));
}

static struct json_object *do_clear(struct simulator *simulator, int count, char **words)
{
    sim_faults_clear(&simulator->faults, count > 1 ? words[1] : NULL);
    return ok_with("faults", sim_faults_list(&simulator->faults));
}

static struct json_object *do_state(struct simulator *simulator, int count, char **words)
{
    struct json_object *state;
    struct json_object *line = json_object_new_object();

    (void)count;
    (void)words;
    simulator->type->advance(simulator->device, clock_us());
    state = simulator->type->state(simulator->device);
    json_object_object_add(line, "present",
                           json_object_new_boolean(sim_line_present(simulator->line)));
    json_object_object_add(line, "baud", json_object_new_int64(sim_line_baud(simulator->line)));
    json_object_object_add(line, "turnaround",
                           json_object_new_double((double)simulator->turnaround_us / US_PER_S));
    json_object_object_add(line, "answers", json_object_new_int64((int64_t)simulator->answers));
    json_object_object_add(line, "not_heard", json_object_new_int64((int64_t)simulator->deaf));
    json_object_object_add(state, "line", line);
    json_object_object_add(state, "faults", sim_faults_list(&simulator->faults));
    return ok_with("state", state);
}

static const char *set_baud(void *arg, const char *value)
{
    struct simulator *simulator = arg;
    double baud;

    if (!sim_parse_real(value, 0, BAUD_MAX, &baud))
        return "0..4000000 is possible";
    sim_line_set_baud(simulator->line, (unsigned)baud);
    return NULL;
}

static const char *set_turnaround(void *arg, const char *value)
{
    struct simulator *simulator = arg;
    double seconds;

    if (!sim_parse_real(value, 0, TURNAROUND_MAX_S, &seconds))
        return "0..60 is possible";
    simulator->turnaround_us = (int64_t)(seconds * US_PER_S);
    return NULL;
}

static const char *set_speed_check(void *arg, const char *value)
{
    struct simulator *simulator = arg;

    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return "on or off is possible";
    sim_line_check_speed(simulator->line, strcmp(value, "on") == 0);
    return NULL;
}

static const struct sim_setting line_settings[] = {
    {.name = "baud", .usage = "N", .help = "line speed; 0: bytes take no time", .set = set_baud},
    {.name = "turnaround",
     .usage = "S",
     .help = "from the end of a request to its answer",
     .set = set_turnaround},
    {.name = "speed_check",
     .usage = "on|off",
     .help = "on: a port set to another speed than the line's hears and says garbage",
     .set = set_speed_check},
};
static const size_t line_setting_count = sizeof line_settings / sizeof line_settings[0];

static const struct sim_setting *find_setting(const struct sim_setting *settings, size_t count,
                                              const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

static struct json_object *apply_setting(const struct sim_setting *setting, void *target,
                                         const char *value)
{
    const char *wrong;

    if (setting->set == NULL) {
        double *number = (double *)(void *)((char *)target + setting->offset);

        if (!sim_parse_real(value, setting->min, setting->max, number))
            return sim_control_error("not for %s: %s: %g..%g is possible", setting->name, value,
                                     setting->min, setting->max);
        return sim_control_ok();
    }
    wrong = setting->set(target, value);
    return wrong == NULL ? sim_control_ok()
                         : sim_control_error("not for %s: %s: %s", setting->name, value, wrong);
}

static struct json_object *do_set(struct simulator *simulator, int count, char **words)
{
    const struct sim_device *type = simulator->type;
    const struct sim_setting *setting;

    if (count != 3)
        return sim_control_error("set needs a key and a value");
    simulator->type->advance(simulator->device, clock_us());
    setting = find_setting(type->settings, type->setting_count, words[1]);
    if (setting != NULL)
        return apply_setting(setting, simulator->device, words[2]);
    setting = find_setting(line_settings, line_setting_count, words[1]);
    if (setting != NULL)
        return apply_setting(setting, simulator, words[2]);
    return sim_control_error("unknown key: %s; try: help", words[1]);
}

static struct json_object *do_wire(struct simulator *simulator, int count, char **words)
{
    (void)count;
    (void)words;
    return ok_with("wire", sim_line_take_records(simulator->line));
}

static struct json_object *do_pin(struct simulator *simulator, int count, char **words)
{
    struct json_object *records = sim_line_take_pin_records(simulator->line);

    (void)count;
    (void)words;
    if (records == NULL)
        return sim_control_error("no pin: see --pin");
    return ok_with("pin", records);
}

static struct json_object *do_hangup(struct simulator *simulator, int count, char **words)
{
    (void)count;
    (void)words;
    sim_line_hangup(simulator->line);
    simulator->last_answer_us = 0;
    return sim_control_ok();
}

static struct json_object *do_back(struct simulator *simulator, int count, char **words)
{
    (void)count;
    (void)words;
    return sim_line_back(simulator->line) ? sim_control_ok()
                                          : sim_control_error("cannot make the port");
}

static struct json_object *do_help(struct simulator *simulator, int count, char **words);

static const struct command {
    const char *name, *usage, *help;
    struct json_object *(*run)(struct simulator *simulator, int count, char **words);
} commands[] = {
    {"fault", "fault NAME [ARGUMENT] [for 4-4 | for cmd 1a] [count N]",
     "a fault in each answer, in those to one command, in the next N; without a name: lists them",
     do_fault},
    {"clear", "clear [NAME]", "ends all faults, or one", do_clear},
    {"state", "state", "the device, the line and the faults in force", do_state},
    {"set", "set KEY VALUE", "changes the device or its surroundings", do_set},
    {"wire", "wire", "the frames since the last call, with times (CLOCK_MONOTONIC, s)", do_wire},
    {"pin", "pin", "what the peer's direction pin did since the last call, and what it let through",
     do_pin},
    {"hangup", "hangup", "unplugs the port and removes its link", do_hangup},
    {"back", "back", "plugs it in again, as another pseudo terminal behind the same link", do_back},
    {"help", "help", "this list", do_help},
};
static const size_t command_count = sizeof commands / sizeof commands[0];

static void help_line(void *list, const char *usage, const char *help)
{
    char text[256];

    snprintf(text, sizeof text, "%s: %s", usage, help);
    json_object_array_add(list, json_object_new_string(text));
}

static void help_of_settings(struct json_object *list, const struct sim_setting *settings,
                             size_t count)
{
    char usage[96];

    for (size_t i = 0; i < count; i++) {
        snprintf(usage, sizeof usage, "set %s %s", settings[i].name, settings[i].usage);
        help_line(list, usage, settings[i].help);
    }
}

static struct json_object *do_help(struct simulator *simulator, int count, char **words)
{
    struct json_object *list = json_object_new_array();

    (void)count;
    (void)words;
    for (size_t i = 0; i < command_count; i++)
        help_line(list, commands[i].usage, commands[i].help);
    sim_faults_help(&simulator->faults, help_line, list);
    help_of_settings(list, simulator->type->settings, simulator->type->setting_count);
    help_of_settings(list, line_settings, line_setting_count);
    return ok_with("help", list);
}

static struct json_object *run_command(void *arg, int count, char **words)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, words[0]) == 0)
            return commands[i].run(arg, count, words);
    return sim_control_error("unknown command: %s; try: help", words[0]);
}

static void on_signal(evutil_socket_t number, short events, void *arg)
{
    (void)number;
    (void)events;
    event_base_loopbreak(arg);
}

static bool catch_signals(struct simulator *simulator)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < SIGNALS; i++) {
        simulator->signals[i] =
            evsignal_new(simulator->base, numbers[i], on_signal, simulator->base);
        if (simulator->signals[i] == NULL || event_add(simulator->signals[i], NULL) < 0)
            return false;
    }
    return true;
}

struct event_base *simulator_event_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    return base;
}

struct simulator *simulator_new(struct event_base *base, const struct simulator_options *options,
                                const struct sim_device *type, void *device)
{
    struct simulator *simulator = calloc(1, sizeof *simulator);
    const struct sim_line_config line = {
        .link = options->link,
        .pin = options->pin,
        .baud = (unsigned)options->baud,
        .debug = options->debug,
        .byte = type->byte,
        .arg = device,
    };

    if (simulator == NULL)
        return NULL;
    simulator->base = base;
    simulator->type = type;
    simulator->device = device;
    simulator->link = options->link;
    simulator->turnaround_us = (int64_t)(options->turnaround * US_PER_S);
    sim_faults_init(&simulator->faults, type->protocol);
    simulator->control = sim_control_new(base, options->control, run_command, simulator);
    if (simulator->control != NULL)
        simulator->line = sim_line_new(base, &line);
    if (simulator->line == NULL || !catch_signals(simulator)) {
        simulator_free(simulator);
        return NULL;
    }
    return simulator;
}

void simulator_free(struct simulator *simulator)
{
    if (simulator == NULL)
        return;
    for (size_t i = 0; i < SIGNALS; i++)
        if (simulator->signals[i] != NULL)
            event_free(simulator->signals[i]);
    sim_line_free(simulator->line);
    sim_control_free(simulator->control);
    sim_faults_clear(&simulator->faults, NULL);
    free(simulator);
}

int simulator_run(struct simulator *simulator)
{
    printf("ready %s\n", simulator->link);
    fflush(stdout);
    return event_base_dispatch(simulator->base) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool simulator_deaf(struct simulator *simulator, const struct sim_exchange *exchange)
{
    bool deaf = sim_faults_deaf(&simulator->faults, exchange);

    simulator->deaf += deaf;
    return deaf;
}

bool simulator_refuses(const struct simulator *simulator, const struct sim_exchange *exchange)
{
    return sim_faults_refuse(&simulator->faults, exchange);
}

void simulator_frame_complete(struct simulator *simulator)
{
    sim_line_frame_complete(simulator->line);
}

void simulator_answer(struct simulator *simulator, const struct sim_exchange *exchange,
                      const uint8_t *answer, size_t size, int64_t start_us, int64_t end_us)
{
    struct sim_plan plan;
    struct sim_send send;

    sim_faults_apply(&simulator->faults, exchange, answer, size, &plan);
    if (plan.echo_size > 0) {
        send = (struct sim_send){
            .bytes = plan.echo, .size = plan.echo_size, .start_us = start_us, .echo = true};
        sim_line_send(simulator->line, &send);
    }
    send = (struct sim_send){
        .bytes = plan.answer,
        .size = plan.copies > 0 ? plan.size : 0,
        .start_us = end_us + simulator->turnaround_us + plan.late_us,
        .gap_us = plan.gap_us,
        .hangup = plan.hangup,
    };
    if (send.start_us < simulator->last_answer_us) /* a device answers in order */
        send.start_us = simulator->last_answer_us;
    if (plan.copies > 0)
        simulator->last_answer_us = send.start_us;
    for (unsigned i = 0; i < plan.copies || (i == 0 && plan.hangup); i++)
        sim_line_send(simulator->line, &send);
    simulator->answers += plan.copies > 0;
}

void simulator_send(struct simulator *simulator, const uint8_t *bytes, size_t size,
                    int64_t start_us, int64_t end_us)
{
    int64_t begin_us = end_us - sim_line_bytes_us(simulator->line, size);
    const struct sim_send send = {
        .bytes = bytes,
        .size = size,
        .start_us = begin_us > start_us ? begin_us : start_us,
    };

    if (size == 0)
        return;
    sim_line_send(simulator->line, &send);
    simulator->answers++;
}
