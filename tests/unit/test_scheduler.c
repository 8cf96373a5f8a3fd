/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out next: priorities, shared passes, stops, retries, deadlines, the order of sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/operation_mode.h"
#include "dcdcd/scheduler.h"

enum { MS = 1000, COMMAND_US = 20 * MS, CLIENTS = 8 };

struct client {
    struct request request; /* first */
    bool done;
    struct json_object *result;
    char error[FAILURE_TEXT_SIZE];
    bool gone;
};

/* A scheduler, a converter that answers each command at once, and what went over the wire. */
struct bench {
    struct config config;
    struct eza_link link;
    struct scheduler scheduler;
    int64_t now_us;
    uint16_t mode;          /* of the converter */
    enum eza_result result; /* of the next exchanges */
    int failures;           /* how many of them end like that */
    char log[8192];         /* commands, in order */
    struct client client[CLIENTS];
};

static const struct eza_link_settings link_settings;

static void set_number(struct config_number *number, const char *text)
{
    assert_null(decimal_parse(text, &number->value));
    snprintf(number->text, sizeof number->text, "%s", text);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct config_setup *s = &b->config.dcdc.setup;

    b->config.dcdc.timeout_retries = b->config.dcdc.dcdc_error_retries = 3;
    b->config.dcdc.wait_for_retry_us = 100 * MS;
    snprintf(b->config.dcdc_dev.name, sizeof b->config.dcdc_dev.name, "dcdc1");
    set_number(&s->cib, "52");
    set_number(&s->ubv, "40");
    set_number(&s->obv, "59");
    set_number(&s->ugv, "300");
    set_number(&s->ogv, "400");
    set_number(&s->cvb, "57.6");
    set_number(&s->dlb, "49");
    set_number(&s->cdb, "1.2");
    set_number(&s->ddb, "1.8");
    set_number(&s->drb, "0.00");
    s->bcf = 3;
    eza_link_init(&b->link, &link_settings);
    scheduler_init(&b->scheduler, &b->config, &b->link);
    scheduler_link_up(&b->scheduler);
    b->now_us = MS;
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    for (int i = 0; i < CLIENTS; i++)
        json_object_put(b->client[i].result);
    free(b);
    return 0;
}

static void on_done(struct request *request, struct json_object *result,
                    const struct failure *failure)
{
    struct client *client = (struct client *)request;

    assert_false(client->done);
    client->done = true;
    client->result = result;
    if (failure != NULL)
        snprintf(client->error, sizeof client->error, "%s", failure->text);
}

static bool is_gone(const struct request *request)
{
    return ((const struct client *)request)->gone;
}

static struct client *submit(struct bench *b, int index, const char *method,
                             const struct set_values *set)
{
    struct client *client = &b->client[index];

    json_object_put(client->result);
    *client = (struct client){.request = {.arrived_us = b->now_us,
                                          .deadline_us = b->now_us + 4200 * MS,
                                          .done = on_done,
                                          .abandoned = is_gone}};
    client->request.call.method = controller_method_find(method);
    if (set != NULL)
        client->request.call.set = *set;
    scheduler_submit(&b->scheduler, &client->request, b->now_us);
    return client;
}

static struct client *set_mode(struct bench *b, int index, uint16_t mode)
{
    struct set_values set = {true, true, true, true, mode, 16384, 0, 2097};

    return submit(b, index, "remote_set", &set);
}

static struct eza_values converter_answers(struct bench *b, const struct scheduler_exchange *x)
{
    struct eza_values values = {0};

    if (x->values != NULL)
        values = *x->values;
    if (strcmp(x->command->name, "1-4") == 0)
        b->mode = values.raw[0];
    if (x->command->cmd == 0)
        values.raw[0] = b->mode;
    return values;
}

static void note(struct bench *b, const struct scheduler_exchange *x)
{
    size_t used = strlen(b->log);

    snprintf(b->log + used, sizeof b->log - used, "%s%s", used > 0 ? " " : "", x->command->name);
    used = strlen(b->log);
    if (strcmp(x->command->name, "1-4") == 0)
        snprintf(b->log + used, sizeof b->log - used, "=%x", x->values->raw[0]);
}

/* Begins the next exchange; false if there is none now. */
static bool begin(struct bench *b, struct scheduler_exchange *x, struct eza_outcome *outcome)
{
    if (!scheduler_next(&b->scheduler, b->now_us, x))
        return false;
    note(b, x);
    *outcome = (struct eza_outcome){.result = EZA_OK};
    if (b->failures > 0) {
        b->failures--;
        outcome->result = b->result;
        failure_set(&outcome->failure, REASON_READ_TIMEOUT, "read timeout");
    } else {
        outcome->values = converter_answers(b, x);
    }
    b->now_us += COMMAND_US;
    return true;
}

/* One whole exchange; false if there is nothing to do now. */
static bool exchange(struct bench *b)
{
    struct scheduler_exchange x;
    struct eza_outcome outcome;

    if (!begin(b, &x, &outcome))
        return false;
    scheduler_outcome(&b->scheduler, &outcome, b->now_us);
    return true;
}

/* Exchanges, and waits for what is due, until nothing is left but requests' deadlines. */
static void settle(struct bench *b)
{
    for (int i = 0; i < 200; i++) {
        int64_t wake_us;

        if (exchange(b))
            continue;
        wake_us = scheduler_wake_us(&b->scheduler);
        if (wake_us == INT64_MAX)
            return;
        assert_true(wake_us > b->now_us);
        b->now_us = wake_us;
    }
    fail_msg("does not settle: %s", b->log);
}

/* The mode is asked for when the link comes up; this test is not about that. */
static void know_mode(struct bench *b, uint16_t mode)
{
    b->mode = mode;
    settle(b);
    assert_string_equal(b->log, "1-1");
    b->log[0] = '\0';
}

static void expect(struct bench *b, const char *log)
{
    assert_string_equal(b->log, log);
    b->log[0] = '\0';
}

#define GET "1-1 2-1 4-1 9-1 10-1 6-1"

static void reads_follow_the_specification(void **state)
{
    struct bench *b = *state;
    struct client *client;

    know_mode(b, 0);
    client = submit(b, 0, "remote_get", NULL);
    settle(b);
    assert_non_null(client->result);
    expect(b, GET);
    submit(b, 0, "remote_get_status", NULL);
    settle(b);
    expect(b, "1-1 2-1 10-1");
    submit(b, 0, "remote_ioctl_clr_alarm", NULL);
    settle(b);
    expect(b, "9-4 " GET);
    client = submit(b, 0, "remote_ioctl_set", NULL);
    settle(b);
    assert_string_equal(
        json_object_to_json_string_ext(client->result, JSON_C_TO_STRING_PLAIN),
        "{\"dcdc_converter_name\":\"dcdc1\",\"dcdc_setup_parameter\":{\"bcf\":\"0x0003\","
        "\"ubv\":40,\"ugv\":300,\"obv\":59,\"ogv\":400,\"cvb\":57.6,\"dlb\":49,\"cdb\":1.2,"
        "\"ddb\":1.8,\"drb\":0.00,\"cib\":52}}");
    expect(b, "6-1 6-4 7-4 3-4");
}

static void sets_keep_the_order_for_each_change_of_mode(void **state)
{
    static const struct {
        uint16_t from, to;
        const char *log;
    } rows[] = {
        {0x0000, 0x0014, "4-4 6-4 1-4=14 2-1 9-1 10-1"},
        {0x0000, 0x0002, "4-4 6-4 1-4=2 2-1 9-1 10-1"},
        {0x0000, 0x0041, "4-4 6-4 1-4=41 2-1 9-1 10-1"},
        {0x0000, 0x0000, "1-4=0 4-4 6-4 2-1 9-1 10-1"},
        {0x0014, 0x0000, "1-4=0 4-4 6-4 2-1 9-1 10-1"},
        {0x0002, 0x0000, "1-4=0 4-4 6-4 2-1 9-1 10-1"},
        {0x0002, 0x0014, "4-4 1-4=14 6-4 2-1 9-1 10-1"},
        {0x0041, 0x0014, "4-4 1-4=14 6-4 2-1 9-1 10-1"},
        {0x0014, 0x0041, "1-4=41 4-4 6-4 2-1 9-1 10-1"},
        {0x0002, 0x0041, "1-4=41 4-4 6-4 2-1 9-1 10-1"},
        {0x0014, 0x0014, "1-4=14 4-4 6-4 2-1 9-1 10-1"},
    };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        scheduler_link_lost(&b->scheduler, "gone", b->now_us);
        scheduler_link_up(&b->scheduler);
        know_mode(b, rows[i].from);
        set_mode(b, 0, rows[i].to);
        settle(b);
        assert_non_null(b->client[0].result);
        expect(b, rows[i].log);
    }
}

static void a_set_waits_until_the_mode_is_known_and_a_stop_does_not(void **state)
{
    struct bench *b = *state;

    b->mode = 0x0002;
    set_mode(b, 0, 0x0014);
    settle(b);
    expect(b, "1-1 4-4 1-4=14 6-4 2-1 9-1 10-1");
    scheduler_link_lost(&b->scheduler, "gone", b->now_us);
    scheduler_link_up(&b->scheduler);
    set_mode(b, 0, 0);
    settle(b);
    expect(b, "1-4=0 4-4 6-4 2-1 9-1 10-1");
    /* The mode cannot be read: the set fails, with the reason, and nothing was written. */
    scheduler_link_lost(&b->scheduler, "gone", b->now_us);
    scheduler_link_up(&b->scheduler);
    b->result = EZA_TIMEOUT;
    b->failures = 4;
    set_mode(b, 0, 0x0014);
    while (!b->client[0].done)
        if (!exchange(b))
            b->now_us = scheduler_wake_us(&b->scheduler);
    assert_string_equal(b->client[0].error, "read timeout");
    expect(b, "1-1 1-1 1-1 1-1");
}

static void reads_that_wait_share_a_pass(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0);
    submit(b, 0, "remote_get_status", NULL);
    submit(b, 1, "remote_get", NULL);
    submit(b, 2, "remote_get", NULL);
    assert_true(exchange(b));
    /* These come after the pass began: they get one of their own. */
    submit(b, 3, "remote_get_status", NULL);
    submit(b, 4, "remote_get_status", NULL);
    settle(b);
    expect(b, GET " 1-1 2-1 10-1");
    for (int i = 0; i < 5; i++)
        assert_non_null(b->client[i].result);
    assert_int_equal(b->scheduler.counters.passes, 2);
    assert_int_equal(b->scheduler.counters.shared, 3);
}

static void sets_overtake_waiting_reads(void **state)
{
    struct set_values voltage = {.has_dvg = true, .has_drg = true, .dvg = 16384};
    struct bench *b = *state;

    know_mode(b, 0);
    submit(b, 0, "remote_get_status", NULL);
    assert_true(exchange(b));
    submit(b, 1, "remote_get", NULL);
    submit(b, 2, "remote_set_voltage", &voltage);
    settle(b);
    expect(b, "1-1 2-1 10-1 4-4 10-1 " GET);
}

static void reads_are_not_starved_by_sets_without_end(void **state)
{
    struct bench *b = *state;
    int64_t began_us;
    int sets = 0;

    know_mode(b, 0);
    submit(b, 0, "remote_get_status", NULL);
    began_us = b->now_us;
    while (!b->client[0].done && sets++ < 1000) {
        set_mode(b, 1, 0);
        while (!b->client[1].done)
            assert_true(exchange(b));
    }
    assert_non_null(b->client[0].result);
    assert_in_range(b->now_us - began_us, 2000 * MS, 2500 * MS);
    b->log[0] = '\0';
}

static void a_stop_is_the_next_command_and_a_read_starts_again(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    submit(b, 0, "remote_get", NULL);
    assert_true(exchange(b));
    assert_true(exchange(b));
    set_mode(b, 1, 0);
    settle(b);
    expect(b, "1-1 2-1 1-4=0 4-4 6-4 2-1 9-1 10-1 " GET);
    assert_non_null(b->client[0].result);
    assert_non_null(b->client[1].result);
}

/* Between two tries of a stop nothing else is sent, so there is nothing to wake up for. */
static void a_stop_that_is_tried_again_is_waited_for(void **state)
{
    struct bench *b = *state;

    scheduler_link_lost(&b->scheduler, "gone", b->now_us);
    scheduler_link_up(&b->scheduler);
    b->result = EZA_TIMEOUT;
    b->failures = 1;
    set_mode(b, 0, 0);
    assert_true(exchange(b));
    assert_false(exchange(b));
    assert_true(scheduler_wake_us(&b->scheduler) > b->now_us);
}

static void sets_without_a_mode_begin_again_after_a_stop(void **state)
{
    struct set_values current = {.has_dig = true, .dig = 2097};
    struct bench *b = *state;

    know_mode(b, 0x14);
    submit(b, 0, "remote_ioctl_set", NULL);
    submit(b, 1, "remote_set_current", &current);
    assert_true(exchange(b));
    assert_true(exchange(b));
    set_mode(b, 2, 0);
    settle(b);
    expect(b, "6-1 6-4 1-4=0 6-1 6-4 7-4 3-4 6-4 10-1 4-4 6-4 2-1 9-1 10-1");
    for (int i = 0; i < 3; i++)
        assert_non_null(b->client[i].result);
}

static void a_stop_overtakes_sets_for_good(void **state)
{
    struct scheduler_exchange x;
    struct eza_outcome outcome;
    struct bench *b = *state;

    know_mode(b, 0);
    set_mode(b, 0, 0x14);
    set_mode(b, 1, 0x41);
    assert_true(exchange(b));
    assert_true(exchange(b));
    assert_true(begin(b, &x, &outcome)); /* the mode command is on the wire */
    set_mode(b, 2, 0);
    assert_string_equal(b->client[0].error, "superseded by a stop");
    assert_string_equal(b->client[1].error, "superseded by a stop");
    scheduler_outcome(&b->scheduler, &outcome, b->now_us);
    settle(b);
    expect(b, "4-4 6-4 1-4=14 1-4=0 4-4 6-4 2-1 9-1 10-1");
    assert_int_equal(b->mode, 0);
    assert_non_null(b->client[2].result);
}

static void a_second_stop_does_not_end_the_first(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    set_mode(b, 0, 0);
    assert_true(exchange(b));
    assert_true(exchange(b));
    set_mode(b, 1, 0);
    settle(b);
    assert_non_null(b->client[0].result);
    assert_non_null(b->client[1].result);
    expect(b, "1-4=0 4-4 1-4=0 6-4 2-1 9-1 10-1 4-4 6-4 2-1 9-1 10-1");
}

static void a_stop_is_retried_and_then_owed(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    b->result = EZA_TIMEOUT;
    b->failures = 5;
    set_mode(b, 0, 0);
    submit(b, 1, "remote_get_status", NULL);
    settle(b);
    assert_string_equal(b->client[0].error, "read timeout");
    assert_non_null(b->client[1].result);
    /* Four tries, then the reader (its first command fails once), then the owed stop. */
    expect(b, "1-4=0 1-4=0 1-4=0 1-4=0 1-1 1-1 2-1 10-1 1-4=0");
    assert_int_equal(b->mode, 0);
    assert_false(b->scheduler.stop_owed);
}

static void a_later_set_cancels_an_owed_stop(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    b->result = EZA_REFUSED;
    b->failures = 1;
    set_mode(b, 0, 0);
    assert_true(exchange(b));
    assert_true(b->client[0].done);
    assert_true(b->scheduler.stop_owed);
    set_mode(b, 1, 0x41);
    settle(b);
    /* A refusal tells nothing of the mode, so it is read before the set. */
    expect(b, "1-4=0 1-1 1-4=41 4-4 6-4 2-1 9-1 10-1");
    assert_int_equal(b->mode, 0x41);
    assert_false(b->scheduler.stop_owed);
}

/* Client 0's stop is refused, client 1 sets another mode, which is to begin next. */
static void set_after_a_stop_that_is_owed(struct bench *b)
{
    know_mode(b, 0x41);
    b->result = EZA_REFUSED;
    b->failures = 1;
    set_mode(b, 0, 0);
    assert_true(exchange(b));
    assert_true(b->scheduler.stop_owed);
    set_mode(b, 1, 0x14);
    assert_true(exchange(b));
    expect(b, "1-4=0 1-1");
}

static void a_set_that_fails_does_not_cancel_an_owed_stop(void **state)
{
    struct bench *b = *state;

    set_after_a_stop_that_is_owed(b);
    b->failures = 1;
    assert_true(exchange(b));
    assert_true(b->client[1].done);
    /* At once. */
    assert_true(exchange(b));
    expect(b, "4-4 1-4=0");
    assert_int_equal(b->mode, 0);
    assert_false(b->scheduler.stop_owed);
}

static void a_set_whose_mode_is_refused_does_not_cancel_an_owed_stop(void **state)
{
    struct bench *b = *state;

    set_after_a_stop_that_is_owed(b);
    assert_true(exchange(b));
    b->failures = 1;
    settle(b);
    expect(b, "4-4 1-4=14 1-4=0");
    assert_null(b->client[1].result);
    assert_int_equal(b->mode, 0);
}

static void an_owed_stop_is_not_sent_between_the_commands_of_a_later_set(void **state)
{
    struct bench *b = *state;

    set_after_a_stop_that_is_owed(b);
    b->result = EZA_TIMEOUT;
    b->failures = 2;
    b->config.dcdc.wait_for_retry_us = 800 * MS; /* beyond the time of the owed stop */
    settle(b);
    expect(b, "4-4 4-4 4-4 1-4=14 6-4 2-1 9-1 10-1");
    assert_int_equal(b->mode, 0x14);
    assert_false(scheduler_stop_is_unconfirmed(&b->scheduler));
}

static void a_stop_that_the_converter_answers_with_another_mode_is_repeated(void **state)
{
    struct scheduler_exchange x;
    struct eza_outcome outcome;
    struct bench *b = *state;

    know_mode(b, 0x14);
    set_mode(b, 0, 0);
    assert_true(begin(b, &x, &outcome));
    outcome.values.raw[0] = 0x14;
    scheduler_outcome(&b->scheduler, &outcome, b->now_us);
    assert_false(b->client[0].done);
    settle(b);
    assert_non_null(b->client[0].result);
    expect(b, "1-4=0 1-4=0 4-4 6-4 2-1 9-1 10-1");
}

static void a_stop_with_bad_parameters_stops_and_says_so(void **state)
{
    struct client *client;
    struct bench *b = *state;

    know_mode(b, 0x14);
    client = set_mode(b, 0, 0);
    failure_set(&client->request.complaint, REASON_INVALID_PARAMS, "dvg: 0.0 is below 260");
    settle(b);
    expect(b, "1-4=0");
    assert_string_equal(client->error, "dvg: 0.0 is below 260; the stop was carried out");
}

static void a_stop_without_parameters_reads_them(void **state)
{
    struct set_values set = {.has_mode = true};
    struct bench *b = *state;

    know_mode(b, 0x14);
    submit(b, 0, "remote_set", &set);
    settle(b);
    expect(b, "1-4=0 4-1 6-1 2-1 9-1 10-1");
    assert_non_null(b->client[0].result);
}

static void each_budget_is_counted_apart(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0);
    b->result = EZA_TIMEOUT;
    b->failures = 3;
    submit(b, 0, "remote_get_status", NULL);
    settle(b);
    assert_non_null(b->client[0].result);
    expect(b, "1-1 1-1 1-1 1-1 2-1 10-1");
    b->result = EZA_RETRYABLE;
    b->failures = 4;
    submit(b, 0, "remote_get_status", NULL);
    settle(b);
    assert_string_equal(b->client[0].error, "read timeout");
    expect(b, "1-1 1-1 1-1 1-1");
    b->result = EZA_REFUSED;
    b->failures = 1;
    submit(b, 0, "remote_get_status", NULL);
    settle(b);
    assert_true(b->client[0].done);
    assert_null(b->client[0].result);
    expect(b, "1-1");
}

static void retries_are_spaced(void **state)
{
    struct bench *b = *state;
    int64_t failed_us;

    know_mode(b, 0);
    b->result = EZA_TIMEOUT;
    b->failures = 1;
    submit(b, 0, "remote_get_status", NULL);
    assert_true(exchange(b));
    failed_us = b->now_us;
    assert_false(exchange(b));
    assert_int_equal(scheduler_wake_us(&b->scheduler), failed_us + 100 * MS);
    b->now_us = failed_us + 100 * MS;
    assert_true(exchange(b));
}

static void sets_that_come_too_late_are_dropped(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0);
    set_mode(b, 0, 0x14);
    b->now_us += 4200 * MS;
    settle(b);
    assert_string_equal(b->client[0].error, "not done in time");
    set_mode(b, 0, 0x14);
    b->client[0].gone = true;
    settle(b);
    assert_true(b->client[0].done);
    assert_null(b->client[0].result);
    expect(b, "");
    assert_int_equal(b->scheduler.counters.abandoned, 1);
}

static void a_stop_is_done_even_if_nobody_waits(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    set_mode(b, 0, 0);
    b->client[0].gone = true;
    settle(b);
    assert_int_equal(b->mode, 0);
}

static void requests_wait_for_a_lost_port_and_a_stop_is_not_forgotten(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    scheduler_link_lost(&b->scheduler, "/dev/x: hung up", b->now_us);
    submit(b, 0, "remote_get_status", NULL);
    set_mode(b, 1, 0);
    assert_false(b->client[0].done);
    b->now_us += 3499 * MS;
    scheduler_expire(&b->scheduler, b->now_us);
    assert_false(b->client[0].done);
    assert_int_equal(scheduler_wake_us(&b->scheduler), b->now_us + MS);
    b->now_us += MS;
    scheduler_expire(&b->scheduler, b->now_us);
    assert_string_equal(b->client[0].error, "/dev/x: hung up");
    assert_string_equal(b->client[1].error, "/dev/x: hung up");
    b->now_us += 5000 * MS;
    scheduler_link_up(&b->scheduler);
    settle(b);
    assert_int_equal(b->mode, 0);
    expect(b, "1-4=0");
}

static void a_stop_goes_out_at_once_when_the_port_is_back(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    b->result = EZA_REFUSED;
    b->failures = 1;
    set_mode(b, 0, 0);
    assert_true(exchange(b));
    assert_true(b->scheduler.stop_owed);
    scheduler_link_lost(&b->scheduler, "gone", b->now_us);
    scheduler_link_up(&b->scheduler);
    assert_true(exchange(b));
    expect(b, "1-4=0 1-4=0");
    settle(b);
    b->log[0] = '\0';
    /* The same between two tries of one that is not owed yet. */
    b->result = EZA_TIMEOUT;
    b->failures = 1;
    set_mode(b, 1, 0);
    assert_true(exchange(b));
    scheduler_link_lost(&b->scheduler, "gone", b->now_us);
    scheduler_link_up(&b->scheduler);
    assert_true(exchange(b));
    expect(b, "1-4=0 1-4=0");
}

static void a_stop_that_could_not_begin_in_time_goes_out_at_once(void **state)
{
    struct scheduler_exchange x;
    struct eza_outcome outcome;
    struct bench *b = *state;

    know_mode(b, 0x14);
    submit(b, 0, "remote_get_status", NULL);
    assert_true(begin(b, &x, &outcome));
    set_mode(b, 1, 0);
    b->client[1].request.deadline_us = b->now_us;
    scheduler_expire(&b->scheduler, b->now_us);
    assert_string_equal(b->client[1].error, "not done in time");
    scheduler_outcome(&b->scheduler, &outcome, b->now_us);
    assert_true(exchange(b));
    expect(b, "1-1 1-4=0");
    assert_int_equal(b->mode, 0);
}

static void a_stop_is_unconfirmed_from_its_arrival_to_its_confirmation(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    assert_false(scheduler_stop_is_unconfirmed(&b->scheduler));
    set_mode(b, 0, 0);
    assert_true(scheduler_stop_is_unconfirmed(&b->scheduler));
    scheduler_link_lost(&b->scheduler, "gone", b->now_us);
    assert_true(scheduler_stop_is_unconfirmed(&b->scheduler));
    scheduler_link_up(&b->scheduler);
    assert_true(exchange(b));
    assert_false(b->client[0].done);
    assert_false(scheduler_stop_is_unconfirmed(&b->scheduler));
}

static void a_read_survives_a_short_loss_and_a_set_does_not(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0);
    submit(b, 0, "remote_get_status", NULL);
    assert_true(exchange(b));
    scheduler_link_lost(&b->scheduler, "gone", b->now_us);
    b->now_us += 1000 * MS;
    scheduler_link_up(&b->scheduler);
    settle(b);
    assert_non_null(b->client[0].result);
    expect(b, "1-1 1-1 2-1 10-1");
    set_mode(b, 0, 0x14);
    assert_true(exchange(b));
    scheduler_link_lost(&b->scheduler, "gone", b->now_us);
    assert_string_equal(b->client[0].error, "gone");
}

static void other_modes_are_refused_while_sharing_is_denied(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0);
    scheduler_permit(&b->scheduler, "the battery denies sharing");
    set_mode(b, 0, 0x14);
    set_mode(b, 1, 0);
    settle(b);
    assert_string_equal(b->client[0].error, "superseded by a stop");
    assert_non_null(b->client[1].result);
    set_mode(b, 0, 0x14);
    settle(b);
    assert_string_equal(b->client[0].error, "the battery denies sharing");
    scheduler_permit(&b->scheduler, NULL);
    set_mode(b, 0, 0x14);
    settle(b);
    assert_non_null(b->client[0].result);
}

static void the_queue_is_bounded_but_not_for_stops(void **state)
{
    static struct client crowd[SCHEDULER_WAITING_MAX + 2];
    struct bench *b = *state;
    size_t refused = 0;

    know_mode(b, 0x14);
    for (size_t i = 0; i < SCHEDULER_WAITING_MAX + 2; i++) {
        crowd[i] = (struct client){.request = {.done = on_done, .deadline_us = INT64_MAX}};
        crowd[i].request.call.method = controller_method_find("remote_get");
        scheduler_submit(&b->scheduler, &crowd[i].request, b->now_us);
        refused += crowd[i].done;
    }
    assert_int_equal(refused, 2);
    set_mode(b, 0, 0);
    settle(b);
    assert_non_null(b->client[0].result);
    for (size_t i = 0; i < SCHEDULER_WAITING_MAX + 2; i++)
        json_object_put(crowd[i].result);
}

static void a_mode_in_doubt_is_asked_for(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0);
    set_mode(b, 0, 0x14);
    assert_true(exchange(b));
    assert_true(exchange(b));
    b->result = EZA_TIMEOUT;
    b->failures = 4;
    settle(b);
    assert_string_equal(b->client[0].error, "read timeout");
    expect(b, "4-4 6-4 1-4=14 1-4=14 1-4=14 1-4=14 1-1");
}

static void a_mode_that_was_refused_is_in_doubt(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0);
    b->result = EZA_REFUSED;
    set_mode(b, 0, 0x14);
    assert_true(exchange(b));
    assert_true(exchange(b));
    b->failures = 1;
    settle(b);
    assert_null(b->client[0].result);
    expect(b, "4-4 6-4 1-4=14 1-1");
    /* Nobody waits for that read; a reader goes before it and answers the question too. */
    b->failures = 1;
    set_mode(b, 0, 0);
    submit(b, 1, "remote_get_status", NULL);
    settle(b);
    assert_non_null(b->client[1].result);
    expect(b, "1-4=0 1-1 2-1 10-1 1-4=0");
}

static void the_mode_of_a_set_that_ends_on_the_wire_is_in_doubt(void **state)
{
    struct scheduler_exchange x;
    struct eza_outcome outcome;
    struct bench *b = *state;

    know_mode(b, 0);
    set_mode(b, 0, 0x41);
    assert_true(exchange(b));
    assert_true(exchange(b));
    assert_true(begin(b, &x, &outcome));
    b->now_us = b->client[0].request.deadline_us;
    scheduler_expire(&b->scheduler, b->now_us);
    assert_string_equal(b->client[0].error, "not done in time");
    assert_false(b->scheduler.mode_known);
    scheduler_outcome(&b->scheduler, &outcome, b->now_us);
    settle(b);
    expect(b, "4-4 6-4 1-4=41 1-1");
    assert_true(b->scheduler.mode_known);
    assert_int_equal(b->scheduler.mode, 0x41);
}

static void a_stop_that_runs_out_of_time_says_that_it_stopped(void **state)
{
    struct bench *b = *state;

    know_mode(b, 0x14);
    set_mode(b, 0, 0);
    assert_true(exchange(b));
    b->now_us += 4200 * MS;
    settle(b);
    assert_string_equal(b->client[0].error, "not done in time; the stop was carried out");
    assert_false(b->scheduler.stop_owed);
}

static void stopping_answers_everybody(void **state)
{
    struct failure failure;
    struct bench *b = *state;

    know_mode(b, 0);
    submit(b, 0, "remote_get", NULL);
    assert_true(exchange(b));
    set_mode(b, 1, 0x14);
    submit(b, 2, "remote_get", NULL);
    failure_set(&failure, REASON_STOPPING, "dcdcd is stopping");
    scheduler_stop(&b->scheduler, &failure);
    for (int i = 0; i < 3; i++)
        assert_string_equal(b->client[i].error, "dcdcd is stopping");
}

static void stopping_leaves_a_stop_owed(void **state)
{
    struct failure failure;
    struct bench *b = *state;

    know_mode(b, 0x41);
    set_mode(b, 0, 0);
    failure_set(&failure, REASON_STOPPING, "dcdcd is stopping");
    scheduler_stop(&b->scheduler, &failure);
    assert_string_equal(b->client[0].error, "dcdcd is stopping");
    assert_true(scheduler_stop_is_unconfirmed(&b->scheduler));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_follow_the_specification),
        TEST(sets_keep_the_order_for_each_change_of_mode),
        TEST(a_set_waits_until_the_mode_is_known_and_a_stop_does_not),
        TEST(reads_that_wait_share_a_pass),
        TEST(sets_overtake_waiting_reads),
        TEST(reads_are_not_starved_by_sets_without_end),
        TEST(a_stop_is_the_next_command_and_a_read_starts_again),
        TEST(a_stop_that_is_tried_again_is_waited_for),
        TEST(sets_without_a_mode_begin_again_after_a_stop),
        TEST(a_stop_overtakes_sets_for_good),
        TEST(a_second_stop_does_not_end_the_first),
        TEST(a_stop_is_retried_and_then_owed),
        TEST(a_later_set_cancels_an_owed_stop),
        TEST(a_set_that_fails_does_not_cancel_an_owed_stop),
        TEST(a_set_whose_mode_is_refused_does_not_cancel_an_owed_stop),
        TEST(an_owed_stop_is_not_sent_between_the_commands_of_a_later_set),
        TEST(a_stop_that_the_converter_answers_with_another_mode_is_repeated),
        TEST(a_stop_with_bad_parameters_stops_and_says_so),
        TEST(a_stop_without_parameters_reads_them),
        TEST(each_budget_is_counted_apart),
        TEST(retries_are_spaced),
        TEST(sets_that_come_too_late_are_dropped),
        TEST(a_stop_is_done_even_if_nobody_waits),
        TEST(requests_wait_for_a_lost_port_and_a_stop_is_not_forgotten),
        TEST(a_stop_goes_out_at_once_when_the_port_is_back),
        TEST(a_stop_that_could_not_begin_in_time_goes_out_at_once),
        TEST(a_stop_is_unconfirmed_from_its_arrival_to_its_confirmation),
        TEST(a_read_survives_a_short_loss_and_a_set_does_not),
        TEST(other_modes_are_refused_while_sharing_is_denied),
        TEST(the_queue_is_bounded_but_not_for_stops),
        TEST(a_mode_in_doubt_is_asked_for),
        TEST(a_mode_that_was_refused_is_in_doubt),
        TEST(the_mode_of_a_set_that_ends_on_the_wire_is_in_doubt),
        TEST(a_stop_that_runs_out_of_time_says_that_it_stopped),
        TEST(stopping_answers_everybody),
        TEST(stopping_leaves_a_stop_owed),
    };

    return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
