/* SPDX-License-Identifier: Apache-2.0 */
/* Whose answer one may be; and, for all short histories, that nothing is settled too early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "battd/unanswered.h"

#define S INT64_C(1000000)

enum { POLL = 2, PROBE = 1 };

static void nothing_is_expected_at_first(void **state)
{
    struct unanswered unanswered = {.size = 0};

    (void)state;
    assert_false(unanswered_has(&unanswered, POLL, 0));
    assert_false(unanswered_settle(&unanswered, POLL));
    unanswered_settle_any(&unanswered);
}

static void an_answer_settles_its_request(void **state)
{
    struct unanswered unanswered = {.size = 0};

    (void)state;
    unanswered_add(&unanswered, POLL, S);
    assert_true(unanswered_has(&unanswered, POLL, 0));
    assert_false(unanswered_settle(&unanswered, PROBE));
    assert_true(unanswered_settle(&unanswered, POLL));
    assert_false(unanswered_has(&unanswered, POLL, 0));
}

static void and_those_before_it(void **state)
{
    struct unanswered unanswered = {.size = 0};

    (void)state;
    unanswered_add(&unanswered, POLL, S);
    unanswered_add(&unanswered, PROBE, S);
    assert_true(unanswered_settle(&unanswered, PROBE));
    assert_int_equal(unanswered.size, 0);
}

/* It may be the first probe's, which says nothing of the poll after it. */
static void an_answer_may_be_an_older_one_s(void **state)
{
    struct unanswered unanswered = {.size = 0};

    (void)state;
    unanswered_add(&unanswered, PROBE, S);
    unanswered_add(&unanswered, POLL, 2 * S);
    unanswered_add(&unanswered, PROBE, 3 * S);
    assert_true(unanswered_settle(&unanswered, PROBE));
    assert_true(unanswered_has(&unanswered, POLL, 3 * S));
    assert_true(unanswered_settle(&unanswered, PROBE));
    assert_false(unanswered_has(&unanswered, POLL, 3 * S));
}

static void an_exception_may_be_anybody_s(void **state)
{
    struct unanswered unanswered = {.size = 0};

    (void)state;
    unanswered_add(&unanswered, PROBE, S);
    unanswered_add(&unanswered, POLL, S);
    unanswered_settle_any(&unanswered);
    assert_true(unanswered_has(&unanswered, POLL, S));
    unanswered_settle_any(&unanswered);
    assert_false(unanswered_has(&unanswered, POLL, S));
}

static void two_seconds_late_is_too_late(void **state)
{
    struct unanswered unanswered = {.size = 0};

    (void)state;
    unanswered_add(&unanswered, POLL, S);
    assert_true(unanswered_has(&unanswered, POLL, 3 * S - 1));
    assert_false(unanswered_has(&unanswered, POLL, 3 * S));
}

static void the_oldest_makes_room(void **state)
{
    struct unanswered unanswered = {.size = 0};

    (void)state;
    unanswered_add(&unanswered, POLL, S);
    for (int i = 0; i < UNANSWERED_MAX; i++)
        unanswered_add(&unanswered, PROBE, S);
    assert_int_equal(unanswered.size, UNANSWERED_MAX);
    assert_false(unanswered_has(&unanswered, POLL, 0));
}

/*
 * Every order of requests, each answered in order, refused, or never: at every moment the list
 * holds each poll that is still to be answered.
 */
enum { HISTORY = 5 };

enum fate { ANSWERED, REFUSED, LOST };

struct history {
    struct {
        uint8_t count;
        enum fate fate;
    } request[HISTORY];
    size_t sent, answered;
};

static void check(struct history *history, struct unanswered *unanswered)
{
    for (size_t i = history->answered; i < history->sent; i++)
        if (history->request[i].count == POLL && history->request[i].fate != LOST)
            assert_true(unanswered_has(unanswered, POLL, 0));
}

/* All that may happen next; the list is copied, so that each goes on from here. */
static void go_on(struct history history, struct unanswered unanswered)
{
    check(&history, &unanswered);
    if (history.answered < history.sent) {
        struct history next = history;
        struct unanswered after = unanswered;
        size_t i = next.answered++;

        if (next.request[i].fate == ANSWERED)
            assert_true(unanswered_settle(&after, next.request[i].count));
        else if (next.request[i].fate == REFUSED)
            unanswered_settle_any(&after);
        go_on(next, after);
    }
    if (history.sent == HISTORY)
        return;
    for (int kind = 0; kind < 6; kind++) {
        struct history next = history;
        struct unanswered after = unanswered;

        next.request[next.sent].count = kind % 2 == 0 ? POLL : PROBE;
        next.request[next.sent++].fate = (enum fate)(kind / 2);
        unanswered_add(&after, next.request[history.sent].count, S);
        go_on(next, after);
    }
}

static void every_short_history(void **state)
{
    (void)state;
    go_on((struct history){.sent = 0}, (struct unanswered){.size = 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_expected_at_first),
        cmocka_unit_test(an_answer_settles_its_request),
        cmocka_unit_test(and_those_before_it),
        cmocka_unit_test(an_answer_may_be_an_older_one_s),
        cmocka_unit_test(an_exception_may_be_anybody_s),
        cmocka_unit_test(two_seconds_late_is_too_late),
        cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(every_short_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
