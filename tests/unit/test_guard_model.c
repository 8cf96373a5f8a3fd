/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guards and the scheduler in a simulated world: every order of what can happen to battery,
 * battd, supervisor, line and dcdcd up to a depth, with the safety rules checked at every step.
 * Once with seconds between the events, when all is quiet again, and once with milliseconds, so
 * that they meet exchanges, retries and sets that are under way.
 * GUARD_MODEL_DEPTH and GUARD_MODEL_CLOSE_DEPTH set the depths; each event more multiplies the
 * states by their number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/operation_mode.h"
#include "dcdcd/guards.h"
#include "dcdcd/scheduler.h"

enum {
    INTERVAL_US = 10 * US_PER_S,
    SUPERVISOR_US = 15 * US_PER_S,
    REFERENCE_US = 5 * US_PER_S,
    EXCHANGE_US = 20 * US_PER_MS,
    SILENCE_US = 110 * US_PER_MS,      /* of an exchange without an answer */
    STEP_US = 6 * US_PER_S,            /* between events that find all quiet */
    CLOSE_STEP_US = 30 * US_PER_MS,    /* between events that do not */
    HASTY_US = 50 * US_PER_MS,         /* a deadline that falls into the third exchange */
    STOP_GRACE_US = 2500 * US_PER_MS,  /* for a stop on a line that works */
    LINE_GRACE_US = 2500 * US_PER_MS,  /* for the stop to go out when the line is back */
    START_GRACE_US = 2500 * US_PER_MS, /* for the first answer after a start */
    CLIENTS = 8,
    DEPTH = 4,
    CLOSE_DEPTH = 4
};

enum event {
    BATTERY_PERMITS,
    BATTERY_DENIES,
    BATTERY_SILENT,
    BATTD_DIES,
    BATTD_HANGS,
    BATTD_RETURNS,
    SUPERVISOR_LEAVES,
    SUPERVISOR_RETURNS,
    SET_DISCHARGE,
    SET_VOLTAGE,
    SET_CHARGE,
    STOP,
    LINE_FAILS,
    PORT_LOST,
    LINE_RETURNS,
    DCDCD_RESTARTS,
    QUIET_EVENTS, /* those before happen when all is quiet */
    SET_HASTILY = QUIET_EVENTS,
    CONVERTER_REFUSES,
    OLD_REFUSAL,
    DCDCD_EXITS,
    READ,
    EVENTS
};

static const enum event close_events[] = {
    BATTERY_PERMITS, BATTERY_DENIES, SUPERVISOR_LEAVES, SET_VOLTAGE, SET_CHARGE,
    SET_HASTILY,     STOP,           CONVERTER_REFUSES, OLD_REFUSAL, LINE_FAILS,
    PORT_LOST,       LINE_RETURNS,   DCDCD_RESTARTS,    DCDCD_EXITS, READ,
};

enum { CLOSE_EVENTS = sizeof close_events / sizeof close_events[0] };

static const char *const event_names[EVENTS] = {
    [BATTERY_PERMITS] = "battery permits",
    [BATTERY_DENIES] = "battery denies",
    [BATTERY_SILENT] = "battery silent",
    [BATTD_DIES] = "battd dies",
    [BATTD_HANGS] = "battd hangs",
    [BATTD_RETURNS] = "battd returns",
    [SUPERVISOR_LEAVES] = "supervisor leaves",
    [SUPERVISOR_RETURNS] = "supervisor returns",
    [SET_DISCHARGE] = "set 0x0002",
    [SET_VOLTAGE] = "set 0x0014",
    [SET_CHARGE] = "set 0x0041",
    [STOP] = "stop",
    [LINE_FAILS] = "line fails",
    [PORT_LOST] = "port lost",
    [LINE_RETURNS] = "line returns",
    [DCDCD_RESTARTS] = "dcdcd restarts",
    [SET_HASTILY] = "set 0x0041 with little time",
    [CONVERTER_REFUSES] = "converter refuses",
    [OLD_REFUSAL] = "old refusal",
    [DCDCD_EXITS] = "dcdcd exits and is started",
    [READ] = "read",
};

struct client {
    struct request request; /* first */
    bool waiting;
    unsigned order; /* of arrival, of stops too */
};

/* What becomes of the next exchange, on a line that works. */
enum refusal { NONE, REFUSED, OLD /* carried out, and an old refusal is taken for its answer */ };

/* One place in memory, saved and restored as a whole, so that pointers into it stay good. */
static struct world {
    int64_t now_us;
    struct eza_link link;
    struct scheduler scheduler;
    struct guards guards;
    int64_t started_us; /* of dcdcd */
    int64_t turn_us;    /* when the guards run at the latest */

    bool busy; /* an exchange is under way */
    struct scheduler_exchange exchange;
    struct eza_values values;
    int64_t exchange_end_us;
    unsigned exchange_order; /* what had arrived when it began */
    enum refusal exchange_refusal, refusal;

    bool asking; /* battd was asked */
    int64_t answer_us;

    struct request guard_stop;
    bool guard_stopping;
    struct client client[CLIENTS];
    unsigned arrived; /* sets, reads and stops, since the beginning */
    unsigned
        stop_order;  /* of the last stop that has not reached the converter, 0 if there is none */
    int64_t stop_us; /* when that came */
    bool stop_remembered; /* the file */

    uint16_t mode; /* of the converter */
    bool permits, battd_up, battd_hangs, battery_answers, supervisor, line, port;
    int64_t denied_us; /* since when sharing is not permitted, INT64_MAX while it is */
    int64_t line_us;   /* since when the line works, INT64_MAX while not */
    int64_t gone_us;   /* since when the supervisor is gone, INT64_MAX while it is there */
    int64_t mode_us;   /* since when the converter is in this mode */
} w;

static const struct config config = {
    .dcdc = {.timeout_retries = 3,
             .dcdc_error_retries = 3,
             .wait_for_retry_us = 100 * US_PER_MS,
             .battery_check_interval_us = INTERVAL_US,
             .supervisor_timeout_us = SUPERVISOR_US,
             .voltage_reference_delay_us = REFERENCE_US,
             .setup = {.cib = {.text = "52"},
                       .ubv = {.text = "40"},
                       .obv = {.text = "59"},
                       .ugv = {.text = "300"},
                       .ogv = {.text = "400"}}},
    .battery = {.force_dcdc_waiting = true},
};

static enum event path[16];
static int depth_now;
static uint64_t states;

/* Sends the scheduler's log elsewhere, and back. */
static void quiet(bool on)
{
    static int kept = -1;
    int fd = on ? open("/dev/null", O_WRONLY | O_CLOEXEC) : kept;

    if (on)
        kept = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static void violated(const char *rule)
{
    char text[512];
    size_t used = 0;

    quiet(false);
    for (int i = 0; i < depth_now; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s, ", event_names[path[i]]);
    fail_msg("%s at %.2f s after: %s", rule, (double)w.now_us / US_PER_S, text);
}

static void on_client_done(struct request *request, struct json_object *result,
                           const struct failure *failure)
{
    (void)failure;
    ((struct client *)request)->waiting = false;
    json_object_put(result);
}

static void on_guard_done(struct request *request, struct json_object *result,
                          const struct failure *failure)
{
    (void)request, (void)failure;
    w.guard_stopping = false;
    json_object_put(result);
}

static void set_converter_mode(uint16_t mode)
{
    if (mode == MODE_WAITING && w.exchange_order >= w.stop_order)
        w.stop_order = 0;
    if (mode != w.mode)
        w.mode_us = w.now_us;
    w.mode = mode;
}

/* What is on the wire arrives, whoever has sent it. */
static void end_frame(void)
{
    if (w.busy && w.line && w.exchange_refusal != REFUSED && w.exchange.command->cmd == 0 &&
        w.exchange.values != NULL)
        set_converter_mode(w.values.raw[0]);
    w.busy = false;
}

static void start_dcdcd(void)
{
    static const struct eza_link_settings settings;

    end_frame();
    for (int i = 0; i < CLIENTS; i++)
        w.client[i].waiting = false;
    w.asking = w.guard_stopping = false;
    w.started_us = w.turn_us = w.now_us;
    eza_link_init(&w.link, &settings);
    scheduler_init(&w.scheduler, &config, &w.link);
    guards_init(&w.guards, &config, w.now_us);
    if (w.stop_remembered)
        scheduler_owe_stop(&w.scheduler, w.now_us);
    if (w.port)
        scheduler_link_up(&w.scheduler);
}

static void begin_world(void)
{
    memset(&w, 0, sizeof w);
    w.now_us = US_PER_S;
    w.permits = w.battd_up = w.battery_answers = w.supervisor = w.line = w.port = true;
    w.denied_us = w.gone_us = INT64_MAX;
    w.line_us = w.now_us;
    start_dcdcd();
}

static bool somebody_asked_for(uint16_t mode)
{
    for (int i = 0; i < CLIENTS; i++)
        if (w.client[i].waiting && w.client[i].request.call.set.mode == mode)
            return true;
    return false;
}

/* Whether the set that is under way came after the last stop, and has what it wanted. */
static bool is_later_set(const struct request *set, uint16_t mode)
{
    for (int i = 0; i < CLIENTS; i++)
        if (set == &w.client[i].request)
            return set->call.set.mode == mode && w.client[i].order > w.stop_order;
    return false;
}

static void end_exchange(void)
{
    struct eza_outcome outcome = {.result = EZA_OK, .values = w.values};
    bool sets_mode = w.exchange.command->cmd == 0 && w.exchange.values != NULL;
    uint16_t wanted = w.values.raw[0];

    end_frame();
    if (!w.line) {
        outcome.result = EZA_TIMEOUT;
        failure_set(&outcome.failure, REASON_READ_TIMEOUT, "read timeout");
    } else if (w.exchange_refusal != NONE) {
        outcome.result = EZA_REFUSED;
        failure_set(&outcome.failure, REASON_NAK, "error: ERCD=ffff");
    } else if (w.exchange.command->cmd == 0) {
        outcome.values.raw[0] = w.mode;
        if (sets_mode && is_later_set(w.scheduler.set, wanted))
            w.stop_order = 0;
    }
    scheduler_outcome(&w.scheduler, &outcome, w.now_us);
}

static void begin_exchange(void)
{
    w.busy = true;
    w.values = w.exchange.values != NULL ? *w.exchange.values : (struct eza_values){{0}};
    w.exchange_end_us = w.now_us + (w.line ? EXCHANGE_US : SILENCE_US);
    w.exchange_order = w.arrived;
    w.exchange_refusal = w.refusal;
    w.refusal = NONE;
    if (w.exchange.command->cmd == 0 && w.values.raw[0] != MODE_WAITING &&
        !somebody_asked_for(w.values.raw[0]))
        violated("a mode that nobody waits for was set");
}

static void answer_ask(void)
{
    w.asking = false;
    if (!w.battd_up || w.battd_hangs)
        guards_answer(&w.guards, GUARDS_UNREACHABLE, "battd is gone", 0, w.now_us);
    else if (w.permits && w.battery_answers)
        guards_answer(&w.guards, GUARDS_YES, "", 0, w.now_us);
    else
        guards_answer(&w.guards, GUARDS_NO, "denied", 0, w.now_us);
}

static void note_stop(void)
{
    w.stop_order = w.arrived;
    w.stop_us = w.now_us;
}

static void guard_stop(void)
{
    if (w.guard_stopping)
        return;
    w.arrived++;
    note_stop();
    w.guard_stopping = true;
    w.guard_stop = (struct request){.call = controller_bare_stop(),
                                    .arrived_us = w.now_us,
                                    .deadline_us = w.now_us + INTERVAL_US,
                                    .done = on_guard_done};
    scheduler_submit(&w.scheduler, &w.guard_stop, w.now_us);
}

static void run_guards(void)
{
    unsigned actions;

    if (w.supervisor)
        guards_supervisor_seen(&w.guards, w.now_us);
    actions = guards_run(&w.guards, w.scheduler.mode_known, w.scheduler.mode, w.now_us);
    scheduler_permit(&w.scheduler, guards_denial(&w.guards, w.now_us));
    if (actions & GUARDS_STOP)
        guard_stop();
    if (actions & GUARDS_ASK) {
        w.asking = true;
        w.answer_us = w.now_us + (w.battd_up && !w.battd_hangs ? 10 * US_PER_MS
                                                               : guards_ask_timeout_us(&w.guards));
    }
    w.turn_us = w.now_us + US_PER_S;
}

static void check_rules(void)
{
    bool line_works = w.line_us != INT64_MAX && w.now_us - w.line_us > LINE_GRACE_US;
    bool settled = line_works && w.now_us - w.started_us > START_GRACE_US;
    int64_t silence_us =
        SUPERVISOR_US + (w.mode == MODE_GRID_AUTONOMY ? REFERENCE_US : 0) + US_PER_S;

    if (w.scheduler.mode_known && w.scheduler.mode != w.mode)
        violated("the mode that is known is not the converter's");
    if (!settled || w.mode == MODE_WAITING)
        return;
    if (w.stop_order != 0 && w.now_us - w.stop_us > STOP_GRACE_US)
        violated("the converter runs although it was to stop");
    if (w.denied_us != INT64_MAX && w.now_us - w.denied_us > INTERVAL_US)
        violated("the converter runs although the battery does not permit it");
    if (w.gone_us != INT64_MAX && w.now_us - w.gone_us > silence_us &&
        w.now_us - w.started_us > silence_us && w.now_us - w.mode_us > US_PER_S)
        violated("the converter runs although the supervisor is gone");
}

static int64_t next_us(void)
{
    int64_t due =
        earlier_us(w.turn_us, guards_wake_us(&w.guards, w.scheduler.mode_known, w.scheduler.mode));

    if (w.asking)
        due = earlier_us(due, w.answer_us);
    due = earlier_us(due, w.busy ? w.exchange_end_us : scheduler_wake_us(&w.scheduler));
    return earlier_us(due, scheduler_deadline_us(&w.scheduler));
}

/* Everything that is due now. */
static void turn(void)
{
    if (w.asking && w.answer_us <= w.now_us)
        answer_ask();
    run_guards();
    if (w.busy && w.exchange_end_us <= w.now_us)
        end_exchange();
    scheduler_expire(&w.scheduler, w.now_us);
    if (!w.busy && w.port && scheduler_next(&w.scheduler, w.now_us, &w.exchange))
        begin_exchange();
    w.stop_remembered = scheduler_stop_is_unconfirmed(&w.scheduler);
    check_rules();
}

static void pass_time(int64_t until_us)
{
    turn();
    while (w.now_us < until_us) {
        int64_t due = next_us();

        /* Nothing may be due for ever: a turn moves on by a millisecond at least. */
        if (due < w.now_us + US_PER_MS)
            due = w.now_us + US_PER_MS;
        w.now_us = earlier_us(due, until_us);
        turn();
    }
}

static void client_asks(const char *method, uint16_t mode, int64_t patience_us)
{
    struct client *client = w.client;

    while (client->waiting)
        if (++client == w.client + CLIENTS)
            return;
    client->waiting = true;
    client->order = ++w.arrived;
    client->request =
        (struct request){.call = {.method = controller_method_find(method),
                                  .set = {true, true, true, true, mode, 15000, 0, 2000}},
                         .arrived_us = w.now_us,
                         .deadline_us = w.now_us + patience_us,
                         .done = on_client_done};
    if (request_is_stop(&client->request))
        note_stop();
    scheduler_submit(&w.scheduler, &client->request, w.now_us);
    w.stop_remembered = scheduler_stop_is_unconfirmed(&w.scheduler);
}

static void client_sets(uint16_t mode)
{
    client_asks("remote_set", mode, 4200 * US_PER_MS);
}

static void exit_dcdcd(void)
{
    struct failure failure;

    failure_set(&failure, REASON_STOPPING, "dcdcd is stopping");
    scheduler_stop(&w.scheduler, &failure);
    w.stop_remembered = scheduler_stop_is_unconfirmed(&w.scheduler);
    start_dcdcd();
}

static void note_facts(void)
{
    bool permitted = w.permits && w.battd_up && !w.battd_hangs && w.battery_answers;
    bool line = w.line && w.port;

    w.denied_us = permitted ? INT64_MAX : earlier_us(w.denied_us, w.now_us);
    w.line_us = !line ? INT64_MAX : earlier_us(w.line_us, w.now_us);
    w.gone_us = w.supervisor ? INT64_MAX : earlier_us(w.gone_us, w.now_us);
}

static void set_battery(bool answers, bool permits)
{
    w.battery_answers = answers;
    w.permits = permits;
}

static void set_battd(bool up, bool hangs)
{
    w.battd_up = up;
    w.battd_hangs = hangs;
}

static void lose_port(void)
{
    w.port = false;
    w.busy = false;
    scheduler_link_lost(&w.scheduler, "hung up", w.now_us);
}

static void return_line(void)
{
    w.line = true;
    if (!w.port)
        scheduler_link_up(&w.scheduler);
    w.port = true;
}

static void happen(enum event event)
{
    switch (event) {
    case BATTERY_PERMITS:
        set_battery(true, true);
        break;
    case BATTERY_DENIES:
        set_battery(true, false);
        break;
    case BATTERY_SILENT:
        set_battery(false, w.permits);
        break;
    case BATTD_DIES:
        set_battd(false, false);
        break;
    case BATTD_HANGS:
        set_battd(true, true);
        break;
    case BATTD_RETURNS:
        set_battd(true, false);
        break;
    case SUPERVISOR_LEAVES:
        w.supervisor = false;
        break;
    case SUPERVISOR_RETURNS:
        w.supervisor = true;
        break;
    case SET_DISCHARGE:
        client_sets(MODE_HETERONOMY_CV);
        break;
    case SET_VOLTAGE:
        client_sets(MODE_GRID_AUTONOMY);
        break;
    case SET_CHARGE:
        client_sets(MODE_HETERONOMY_CHARGE);
        break;
    case STOP:
        client_sets(MODE_WAITING);
        break;
    case LINE_FAILS:
        w.line = false;
        break;
    case PORT_LOST:
        lose_port();
        break;
    case LINE_RETURNS:
        return_line();
        break;
    case DCDCD_RESTARTS:
        start_dcdcd();
        break;
    case SET_HASTILY:
        client_asks("remote_set", MODE_HETERONOMY_CHARGE, HASTY_US);
        break;
    case CONVERTER_REFUSES:
        w.refusal = REFUSED;
        break;
    case OLD_REFUSAL:
        w.refusal = OLD;
        break;
    case DCDCD_EXITS:
        exit_dcdcd();
        break;
    case READ:
        client_asks("remote_get", 0, 4200 * US_PER_MS);
        break;
    case EVENTS:
        break;
    }
    note_facts();
}

/* One event more on the path that leads here. */
static void step(enum event event, int64_t step_us)
{
    path[depth_now++] = event;
    states++;
    happen(event);
    pass_time(w.now_us + step_us);
}

static struct world *save(void)
{
    struct world *saved = malloc(sizeof *saved);

    assert_non_null(saved);
    *saved = w;
    return saved;
}

static void explore(int depth)
{
    struct world *saved;

    if (depth == 0)
        return;
    saved = save();
    for (int event = 0; event < QUIET_EVENTS; event++) {
        step((enum event)event, STEP_US);
        explore(depth - 1);
        depth_now--;
        w = *saved;
    }
    free(saved);
}

/* The same with the events close together; what they lead to is waited for after each. */
static void explore_close(int depth)
{
    struct world *saved, *after;

    if (depth == 0)
        return;
    saved = save();
    for (int i = 0; i < CLOSE_EVENTS; i++) {
        step(close_events[i], CLOSE_STEP_US);
        after = save();
        pass_time(w.now_us + STOP_GRACE_US + US_PER_S);
        w = *after;
        free(after);
        explore_close(depth - 1);
        depth_now--;
        w = *saved;
    }
    free(saved);
}

static int depth_from(const char *variable, int otherwise)
{
    const char *text = getenv(variable);

    return text != NULL ? atoi(text) : otherwise;
}

/* A unit that holds the grid's voltage, or waits, as all that follows finds it. */
static void begin_quietly(uint16_t mode)
{
    states = 0;
    quiet(true);
    begin_world();
    pass_time(w.now_us + STEP_US);
    if (mode != MODE_WAITING)
        client_sets(mode);
    pass_time(w.now_us + US_PER_S);
    assert_int_equal(w.mode, mode);
}

static void tell(int depth)
{
    quiet(false);
    print_message("%llu states, all orders of %d events\n", (unsigned long long)states, depth);
}

static void no_order_of_events_leaves_the_converter_running(void **state)
{
    int depth = depth_from("GUARD_MODEL_DEPTH", DEPTH);

    (void)state;
    begin_quietly(MODE_GRID_AUTONOMY);
    explore(depth);
    tell(depth);
}

static void nor_do_events_that_meet_what_is_under_way(void **state)
{
    static const uint16_t modes[] = {MODE_GRID_AUTONOMY, MODE_WAITING};
    int depth = depth_from("GUARD_MODEL_CLOSE_DEPTH", CLOSE_DEPTH);

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        begin_quietly(modes[i]);
        explore_close(depth);
        tell(depth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_of_events_leaves_the_converter_running),
        cmocka_unit_test(nor_do_events_that_meet_what_is_under_way),
    };

    return cmocka_run_group_tests_name("guard_model", tests, NULL, NULL);
}
