/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "battd/snapshot.h"

#define S       INT64_C(1000000)
#define MAX_AGE (5 * S)
#define T0      (100 * S)

static const struct reading HALF = {500, 3};
static const struct reading DENIED = {30, 0};

static enum snapshot_verdict serve(const struct snapshot *snapshot, int64_t now_us,
                                   struct failure *failure)
{
    memset(failure, 0, sizeof *failure);
    return snapshot_serve(snapshot, MAX_AGE, now_us, failure);
}

static void waits_before_the_first_poll(void **state)
{
    struct snapshot snapshot = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(serve(&snapshot, T0, &failure), SNAPSHOT_WAIT);
    snapshot.stopped = true;
    assert_int_equal(serve(&snapshot, T0, &failure), SNAPSHOT_FAILED);
    assert_int_equal(failure.reason, REASON_STOPPING);
}

static void the_first_poll_may_fail(void **state)
{
    struct snapshot snapshot = {0};
    struct failure failure;

    (void)state;
    assert_true(snapshot_failed(&snapshot, OUTCOME_TIMEOUT, "no answer within 1 s", MAX_AGE, T0));
    assert_int_equal(serve(&snapshot, T0, &failure), SNAPSHOT_FAILED);
    assert_int_equal(failure.reason, REASON_BATTERY);
    assert_string_equal(failure.text, "modbus io exception: no answer within 1 s");
    assert_int_equal(snapshot.counters.outcomes[OUTCOME_TIMEOUT], 1);
}

static void a_reading_is_served_until_it_is_too_old(void **state)
{
    struct snapshot snapshot = {0};
    struct failure failure;

    (void)state;
    assert_false(snapshot_succeeded(&snapshot, &HALF, T0));
    assert_int_equal(serve(&snapshot, T0, &failure), SNAPSHOT_FRESH);
    assert_int_equal(serve(&snapshot, T0 + MAX_AGE - 1, &failure), SNAPSHOT_FRESH);
    assert_int_equal(serve(&snapshot, T0 + MAX_AGE, &failure), SNAPSHOT_WAIT);
}

static void failures_leave_a_fresh_reading_alone(void **state)
{
    struct snapshot snapshot = {0};
    struct failure failure;

    (void)state;
    snapshot_succeeded(&snapshot, &HALF, T0);
    assert_false(snapshot_failed(&snapshot, OUTCOME_CHECKSUM, "bad checksum", MAX_AGE, T0 + S));
    assert_int_equal(serve(&snapshot, T0 + MAX_AGE - 1, &failure), SNAPSHOT_FRESH);
    assert_int_equal(snapshot.reading.rsoc, 500);
    assert_int_equal(serve(&snapshot, T0 + MAX_AGE, &failure), SNAPSHOT_FAILED);
    assert_string_equal(failure.text, "modbus io exception: bad checksum");
}

/* One announcement when it is lost, one when it is back, however often it fails between. */
static void lost_and_back_are_announced_once(void **state)
{
    struct snapshot snapshot = {0};

    (void)state;
    snapshot_succeeded(&snapshot, &HALF, T0);
    assert_false(snapshot_failed(&snapshot, OUTCOME_TIMEOUT, "a", MAX_AGE, T0 + 2 * S));
    assert_true(snapshot_failed(&snapshot, OUTCOME_TIMEOUT, "b", MAX_AGE, T0 + 6 * S));
    for (int i = 7; i < 100; i++)
        assert_false(snapshot_failed(&snapshot, OUTCOME_PORT, "c", MAX_AGE, T0 + i * S));
    assert_int_equal(snapshot.lost_us, T0 + 6 * S);
    assert_true(snapshot_succeeded(&snapshot, &HALF, T0 + 100 * S));
    assert_false(snapshot_succeeded(&snapshot, &HALF, T0 + 101 * S));
    assert_true(snapshot_failed(&snapshot, OUTCOME_TIMEOUT, "d", MAX_AGE, T0 + 200 * S));
}

static void a_lost_port_is_announced_at_once(void **state)
{
    struct snapshot snapshot = {0};
    struct failure failure;

    (void)state;
    snapshot_succeeded(&snapshot, &HALF, T0);
    assert_true(snapshot_failed(&snapshot, OUTCOME_PORT, "hung up", MAX_AGE, T0 + 1));
    assert_int_equal(serve(&snapshot, T0 + 2, &failure), SNAPSHOT_FRESH);
    assert_int_equal(serve(&snapshot, T0 + MAX_AGE, &failure), SNAPSHOT_FAILED);
}

static void a_new_reading_ends_the_failure(void **state)
{
    struct snapshot snapshot = {0};
    struct failure failure;

    (void)state;
    snapshot_failed(&snapshot, OUTCOME_EXCEPTION, "exception 4", MAX_AGE, T0);
    assert_true(snapshot_succeeded(&snapshot, &DENIED, T0 + S));
    assert_int_equal(serve(&snapshot, T0 + S, &failure), SNAPSHOT_FRESH);
    assert_int_equal(snapshot.reading.operation_status, 0);
    /* Known still, for status; but no reason any more for a request to fail. */
    assert_string_equal(snapshot.error, "exception 4");
    assert_int_equal(serve(&snapshot, T0 + S + MAX_AGE, &failure), SNAPSHOT_WAIT);
}

static void everything_is_counted(void **state)
{
    struct snapshot snapshot = {0};

    (void)state;
    for (int outcome = OUTCOME_OK + 1; outcome < OUTCOME_COUNT; outcome++)
        for (int i = 0; i < outcome; i++)
            snapshot_failed(&snapshot, (enum outcome)outcome, "x", MAX_AGE, T0);
    snapshot_succeeded(&snapshot, &HALF, T0);
    for (int outcome = OUTCOME_OK + 1; outcome < OUTCOME_COUNT; outcome++)
        assert_int_equal(snapshot.counters.outcomes[outcome], outcome);
    assert_int_equal(snapshot.counters.outcomes[OUTCOME_OK], 1);
}

/* Dead all day, and for reasons that change: said once. */
static void a_day_of_failures_is_told_once(void **state)
{
    static const struct {
        enum outcome outcome;
        const char *error;
    } errors[] = {{OUTCOME_TIMEOUT, "no answer within 1 s"},
                  {OUTCOME_CHECKSUM, "checksum error"},
                  {OUTCOME_PORT, "hung up"}};
    struct snapshot snapshot = {0};
    unsigned told = 0;

    (void)state;
    assert_false(snapshot_succeeded(&snapshot, &HALF, T0));
    for (int64_t i = 1; i <= 86400; i++)
        told += snapshot_failed(&snapshot, errors[i % 3].outcome, errors[i % 3].error, MAX_AGE,
                                T0 + i * S);
    assert_int_equal(told, 1);
    assert_true(snapshot_succeeded(&snapshot, &HALF, T0 + 86401 * S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_before_the_first_poll),
        cmocka_unit_test(the_first_poll_may_fail),
        cmocka_unit_test(a_day_of_failures_is_told_once),
        cmocka_unit_test(a_reading_is_served_until_it_is_too_old),
        cmocka_unit_test(failures_leave_a_fresh_reading_alone),
        cmocka_unit_test(lost_and_back_are_announced_once),
        cmocka_unit_test(a_lost_port_is_announced_at_once),
        cmocka_unit_test(a_new_reading_ends_the_failure),
        cmocka_unit_test(everything_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
