/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange at a time: gap, deadline, late and doubled answers, what a failure is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dcdcd/eza_link.h"

enum { BYTE_NS = 520833, MS = 1000 };

static const struct eza_link_settings settings = {
    .address = {.address1 = 0, .address2 = 16, .check = true},
    .byte_ns = BYTE_NS,
    .reply_timeout_us = 100 * MS,
    .gap_us = 62 * MS,
};

/* The answer to a command with its first field set to raw. */
static size_t answer(const char *name, uint16_t raw, uint8_t frame[static EZA_FRAME_MAX])
{
    const struct eza_command *command = eza_command_find(name);
    struct eza_command as_write = *command;
    struct eza_values values = {.raw = {raw}};
    size_t size;

    as_write.request = command->reply;
    size = eza_frame_request(&as_write, &settings.address, &values, frame);
    frame[0] = 0x02;
    return size;
}

static bool receive(struct eza_link *link, const char *name, uint16_t raw, int64_t now_us,
                    struct eza_outcome *outcome)
{
    uint8_t frame[EZA_FRAME_MAX];
    size_t size = answer(name, raw, frame);

    return eza_link_receive(link, frame, size, now_us, outcome);
}

static void start(struct eza_link *link, const char *name, uint16_t raw, int64_t now_us)
{
    struct eza_values values = {.raw = {raw}};

    eza_link_start(link, eza_command_find(name), &values, now_us);
}

static void an_answer_ends_the_exchange(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    assert_int_equal(eza_link_ready_us(&link), 0);
    assert_int_equal(eza_link_start(&link, eza_command_find("1-1"), NULL, 1000), 7);
    assert_memory_equal(link.request, ((uint8_t[]){5, 0, 0, 16, 0, 16, 0}), 7);
    /* 7 bytes out and 9 in are 8333 µs. */
    assert_int_equal(eza_link_deadline_us(&link), 1000 + 100 * MS + 8333);
    assert_true(receive(&link, "1-1", 0x14, 12 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
    assert_int_equal(outcome.values.raw[0], 0x14);
    assert_int_equal(eza_link_ready_us(&link), 74 * MS);
    assert_int_equal(eza_link_deadline_us(&link), INT64_MAX);
}

static void an_answer_may_come_byte_by_byte(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;
    uint8_t frame[EZA_FRAME_MAX];
    size_t size = answer("10-1", 7, frame);

    (void)state;
    eza_link_init(&link, &settings);
    start(&link, "10-1", 0, 0);
    for (size_t i = 0; i + 1 < size; i++)
        assert_false(eza_link_receive(&link, frame + i, 1, 10 * MS, &outcome));
    assert_true(eza_link_receive(&link, frame + size - 1, 1, 10 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
}

struct silence {
    const char *name;
    uint8_t bytes[16];
    size_t count;
    enum eza_result result;
    const char *text;
};

static void what_is_no_answer_is_named_at_the_deadline(void **state)
{
    static const struct silence rows[] = {
        {"nothing", {0}, 0, EZA_TIMEOUT, "read timeout"},
        {"cut", {2, 2, 0, 16, 0}, 5, EZA_TIMEOUT, "read timeout"},
        {"foreign", {2, 2, 3, 16, 0, 0, 0, 19, 0}, 9, EZA_TIMEOUT, "read timeout"},
        {"checksum", {2, 2, 0, 16, 0, 0, 0, 17, 0}, 9, EZA_RETRYABLE, "checksum error"},
        {"other command",
         {2, 2, 0, 16, 5, 0, 0, 21, 0},
         9,
         EZA_RETRYABLE,
         "bad value: response command: 0x05"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eza_link link;
        struct eza_outcome outcome;

        eza_link_init(&link, &settings);
        start(&link, "1-1", 0, 0);
        assert_false(eza_link_receive(&link, rows[i].bytes, rows[i].count, 10 * MS, &outcome));
        assert_false(eza_link_expire(&link, 108 * MS, &outcome));
        assert_true(eza_link_expire(&link, 109 * MS, &outcome));
        assert_int_equal(outcome.result, rows[i].result);
        assert_string_equal(outcome.failure.text, rows[i].text);
        /* The next exchange is not harmed. */
        start(&link, "2-1", 0, 300 * MS);
        assert_true(receive(&link, "2-1", 1, 310 * MS, &outcome));
        assert_int_equal(outcome.result, EZA_OK);
    }
}

/* A refusal of a request with CMD 0x00. */
static bool refuse(struct eza_link *link, uint16_t ercd, int64_t now_us,
                   struct eza_outcome *outcome)
{
    uint8_t nak[] = {2, 2, 0, 16, 0x80, (uint8_t)ercd, (uint8_t)(ercd >> 8), 0, 0};
    uint16_t sum = (uint16_t)(16 + 0x80 + nak[5] + nak[6]);

    nak[7] = (uint8_t)sum;
    nak[8] = (uint8_t)(sum >> 8);
    return eza_link_receive(link, nak, sizeof nak, now_us, outcome);
}

static void refusals_are_told_apart(void **state)
{
    static const struct {
        uint16_t ercd;
        enum eza_result result;
        const char *text;
    } rows[] = {
        {0xffff, EZA_REFUSED, "error: ERCD=ffff"}, {0xfffe, EZA_REFUSED, "error: ERCD=fffe"},
        {0xfffd, EZA_RETRYABLE, "timeout"},        {0xfffc, EZA_RETRYABLE, "timeout"},
        {0xfffb, EZA_REFUSED, "error: ERCD=fffb"}, {0x0001, EZA_REFUSED, "error: ERCD=0001"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eza_link link;
        struct eza_outcome outcome;

        eza_link_init(&link, &settings);
        start(&link, "1-4", 0, 0);
        assert_true(refuse(&link, rows[i].ercd, 10 * MS, &outcome));
        assert_int_equal(outcome.result, rows[i].result);
        assert_string_equal(outcome.failure.text, rows[i].text);
    }
}

static void values_that_nobody_knows_are_retryable(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    start(&link, "2-1", 0, 0);
    assert_true(receive(&link, "2-1", 0x000c, 10 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_RETRYABLE);
    assert_string_equal(outcome.failure.text, "bad value: alarmState: 3");
}

/* A request that is not answered. Returns its deadline. */
static int64_t lose_answer(struct eza_link *link, const char *name, int64_t now_us)
{
    struct eza_outcome outcome;
    int64_t deadline_us;

    start(link, name, 0, now_us);
    deadline_us = eza_link_deadline_us(link);
    assert_true(eza_link_expire(link, deadline_us, &outcome));
    assert_int_equal(outcome.result, EZA_TIMEOUT);
    return deadline_us;
}

static void a_read_that_may_be_answered_late_asks_something_else_first(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    assert_null(eza_link_flush_command(&link, eza_command_find("1-1"), 0));
    lose_answer(&link, "1-1", 0);
    assert_string_equal(eza_link_flush_command(&link, eza_command_find("1-1"), 200 * MS)->name,
                        "2-1");
    assert_null(eza_link_flush_command(&link, eza_command_find("10-1"), 200 * MS));
    assert_null(eza_link_flush_command(&link, eza_command_find("1-4"), 200 * MS));
    /* The late answer comes while 2-1 is asked: dropped and counted. */
    start(&link, "2-1", 0, 200 * MS);
    assert_false(receive(&link, "1-1", 0x14, 205 * MS, &outcome));
    assert_true(receive(&link, "2-1", 1, 210 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
    assert_int_equal(link.counters.late, 1);
    assert_null(eza_link_flush_command(&link, eza_command_find("1-1"), 300 * MS));
}

static void a_late_answer_between_exchanges_is_counted_as_late(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    lose_answer(&link, "1-1", 0);
    assert_false(receive(&link, "1-1", 0x14, 150 * MS, &outcome));
    start(&link, "1-1", 0, 200 * MS);
    assert_true(receive(&link, "1-1", 0x00, 210 * MS, &outcome));
    assert_int_equal(outcome.values.raw[0], 0);
    assert_int_equal(link.counters.late, 1);
    assert_int_equal(link.counters.noise_bytes, 0);
}

/* Two seconds after the deadline, however late that is. */
static void doubt_ends_with_time(void **state)
{
    static const int64_t timeouts_us[] = {10 * MS, 100 * MS, 2000 * MS};

    (void)state;
    for (size_t i = 0; i < sizeof timeouts_us / sizeof timeouts_us[0]; i++) {
        const struct eza_command *command = eza_command_find("1-1");
        struct eza_link_settings patient = settings;
        struct eza_link link;
        int64_t end_us;

        patient.reply_timeout_us = timeouts_us[i];
        eza_link_init(&link, &patient);
        end_us = lose_answer(&link, "1-1", 0) + 2000 * MS;
        assert_non_null(eza_link_flush_command(&link, command, end_us - 1));
        assert_null(eza_link_flush_command(&link, command, end_us));
    }
}

static void a_late_answer_is_not_taken_for_a_writes(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    lose_answer(&link, "1-1", 0);
    start(&link, "1-4", 0x0000, 200 * MS);
    assert_false(receive(&link, "1-1", 0x14, 205 * MS, &outcome));
    assert_true(receive(&link, "1-4", 0x0000, 215 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
    assert_int_equal(outcome.values.raw[0], 0);
    /* Without the right one behind it, the late one is no answer at all. */
    lose_answer(&link, "1-1", 300 * MS);
    start(&link, "1-4", 0x0000, 500 * MS);
    assert_false(receive(&link, "1-1", 0x14, 505 * MS, &outcome));
    assert_true(eza_link_expire(&link, eza_link_deadline_us(&link), &outcome));
    assert_int_equal(outcome.result, EZA_TIMEOUT);
}

/* A reading of the mode that may still be answered, and behind it a set of the mode, at 200 ms. */
static void charge_after_lost_read(struct eza_link *link)
{
    eza_link_init(link, &settings);
    lose_answer(link, "1-1", 0);
    start(link, "1-4", 0x0041, 200 * MS);
}

static void a_late_refusal_is_not_taken_for_a_writes(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    charge_after_lost_read(&link);
    assert_false(refuse(&link, 0xfffb, 205 * MS, &outcome));
    assert_int_equal(link.counters.late, 1);
    assert_true(receive(&link, "1-4", 0x0041, 215 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
    assert_int_equal(outcome.values.raw[0], 0x0041);
    assert_int_equal(link.counters.naks, 0);
}

/* The converter was Waiting when the mode was read; whether it has got the stop nobody knows. */
static void a_late_read_does_not_confirm_a_write(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    charge_after_lost_read(&link);
    assert_true(eza_link_expire(&link, eza_link_deadline_us(&link), &outcome));
    start(&link, "1-4", 0, 400 * MS);
    assert_false(receive(&link, "1-1", 0, 405 * MS, &outcome));
    assert_int_equal(link.counters.late, 1);
    assert_true(eza_link_expire(&link, eza_link_deadline_us(&link), &outcome));
    assert_int_equal(outcome.result, EZA_TIMEOUT);
    start(&link, "1-4", 0, 800 * MS);
    assert_true(receive(&link, "1-4", 0, 805 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
}

static void the_refusal_behind_a_late_one_counts(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    charge_after_lost_read(&link);
    assert_false(refuse(&link, 0xfffb, 205 * MS, &outcome));
    assert_true(refuse(&link, 0xffff, 210 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_REFUSED);
    assert_int_equal(outcome.ercd, 0xffff);
}

/* Nothing follows it: the write may have been carried out or refused. The next try tells. */
static void a_refusal_that_may_be_late_is_retried(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    charge_after_lost_read(&link);
    assert_false(refuse(&link, 0xfffb, 205 * MS, &outcome));
    assert_true(eza_link_expire(&link, eza_link_deadline_us(&link), &outcome));
    assert_int_equal(outcome.result, EZA_RETRYABLE);
    assert_int_equal(outcome.failure.reason, REASON_NAK);
    assert_string_equal(outcome.failure.text, "error: ERCD=fffb");
    assert_int_equal(outcome.ercd, 0);
    start(&link, "1-4", 0x0041, 500 * MS);
    assert_true(refuse(&link, 0xfffb, 505 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_REFUSED);
    /* Another mode was not refused by that. */
    start(&link, "1-4", 0x0000, 700 * MS);
    assert_false(refuse(&link, 0xfffb, 705 * MS, &outcome));
    assert_true(receive(&link, "1-4", 0x0000, 715 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
    /* A later exchange does not know of it. */
    start(&link, "2-1", 0, 900 * MS);
    assert_true(eza_link_expire(&link, eza_link_deadline_us(&link), &outcome));
    assert_int_equal(outcome.result, EZA_TIMEOUT);
}

/* Between two tries of a read a write may have been sent: an owed stop. */
static void a_late_refusal_is_not_taken_for_a_reads(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    lose_answer(&link, "1-4", 0);
    start(&link, "1-1", 0, 200 * MS);
    assert_false(refuse(&link, 0xfffb, 205 * MS, &outcome));
    assert_true(receive(&link, "1-1", 0x0014, 215 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
    /* An earlier try of the same read may well be refused for this one. */
    start(&link, "2-1", 0, 300 * MS);
    assert_true(receive(&link, "2-1", 0, 310 * MS, &outcome));
    lose_answer(&link, "1-1", 400 * MS);
    start(&link, "1-1", 0, 600 * MS);
    assert_true(refuse(&link, 0xfffb, 605 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_REFUSED);
}

static void a_write_that_is_answered_with_other_values_is_believed_at_the_deadline(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    start(&link, "1-4", 0x0014, 0);
    assert_false(receive(&link, "1-4", 0x0000, 10 * MS, &outcome));
    assert_true(eza_link_expire(&link, eza_link_deadline_us(&link), &outcome));
    assert_int_equal(outcome.result, EZA_OK);
    assert_int_equal(outcome.values.raw[0], 0x0000);
}

static void more_noise_than_the_buffer_holds_does_no_harm(void **state)
{
    struct eza_link link;
    struct eza_outcome outcome;
    uint8_t noise[2 * EZA_LINK_BUFFER];

    (void)state;
    memset(noise, 0x02, sizeof noise);
    eza_link_init(&link, &settings);
    assert_false(eza_link_receive(&link, noise, sizeof noise, 0, &outcome));
    start(&link, "1-1", 0, 0);
    assert_false(eza_link_receive(&link, noise, sizeof noise, MS, &outcome));
    assert_false(eza_link_receive(&link, noise, 100, MS, &outcome));
    assert_true(receive(&link, "1-1", 0x14, 2 * MS, &outcome));
    assert_int_equal(outcome.result, EZA_OK);
    assert_int_equal(link.counters.noise_bytes, 4 * EZA_LINK_BUFFER + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_ends_the_exchange),
        cmocka_unit_test(an_answer_may_come_byte_by_byte),
        cmocka_unit_test(what_is_no_answer_is_named_at_the_deadline),
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(values_that_nobody_knows_are_retryable),
        cmocka_unit_test(a_read_that_may_be_answered_late_asks_something_else_first),
        cmocka_unit_test(a_late_answer_between_exchanges_is_counted_as_late),
        cmocka_unit_test(doubt_ends_with_time),
        cmocka_unit_test(a_late_answer_is_not_taken_for_a_writes),
        cmocka_unit_test(a_late_refusal_is_not_taken_for_a_writes),
        cmocka_unit_test(a_late_read_does_not_confirm_a_write),
        cmocka_unit_test(the_refusal_behind_a_late_one_counts),
        cmocka_unit_test(a_refusal_that_may_be_late_is_retried),
        cmocka_unit_test(a_late_refusal_is_not_taken_for_a_reads),
        cmocka_unit_test(a_write_that_is_answered_with_other_values_is_believed_at_the_deadline),
        cmocka_unit_test(more_noise_than_the_buffer_holds_does_no_harm),
    };

    return cmocka_run_group_tests_name("eza_link", tests, NULL, NULL);
}
