/* SPDX-License-Identifier: Apache-2.0 */
/* Which connection has to go: with connections that are only numbers. */
#include "gatewayd/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/address.h"
#include "common/clock.h"

enum { SLOTS_MAX = 32 };

struct conn {
    struct slot slot; /* first */
    bool busy, open;
};

static struct slots slots;
static struct conn conns[SLOTS_MAX];

static bool evictable(const struct slot *slot)
{
    return !((const struct conn *)slot)->busy;
}

/* Opens connection i; returns which has to go for it, -1: none. */
static int open_conn(int i, const char *peer, enum access_standing standing)
{
    struct in6_addr address;
    struct slot *surplus;

    assert_true(address_parse(peer, &address));
    conns[i] = (struct conn){.open = true};
    assert_true(slots_add(&slots, &conns[i].slot, &address, standing));
    surplus = slots_surplus(&slots, &conns[i].slot, evictable);
    return surplus == NULL ? -1 : (int)((struct conn *)surplus - conns);
}

static void close_conn(int i)
{
    slots_remove(&slots, &conns[i].slot);
    conns[i].open = false;
}

/* The same as a server does it: whoever has to go goes. */
static int connect_from(int i, const char *peer, enum access_standing standing)
{
    int surplus = open_conn(i, peer, standing);

    if (surplus >= 0)
        close_conn(surplus);
    return surplus;
}

static void answer(int i, int64_t now_us)
{
    slots_answered(&slots, &conns[i].slot, now_us);
}

static int set_up(void **state)
{
    (void)state;
    memset(conns, 0, sizeof conns);
    slots_init(&slots, 8, 4);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < SLOTS_MAX; i++)
        if (conns[i].open)
            close_conn(i);
    assert_int_equal(slots.open, 0);
    for (int i = 0; i < SLOT_BUCKETS; i++)
        assert_true(LIST_EMPTY(&slots.buckets[i]));
    return 0;
}

#define LOCAL  "127.0.0.1", ACCESS_CONTROLS
#define LOCAL6 "::1", ACCESS_CONTROLS

static void the_oldest_of_an_address_goes(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(connect_from(i, LOCAL), -1);
    for (int i = 4; i < 12; i++)
        assert_int_equal(connect_from(i, LOCAL), i - 4);
}

static void what_was_answered_outlives_what_waits(void **state)
{
    (void)state;
    connect_from(0, LOCAL);
    answer(0, 1);
    for (int i = 1; i < 4; i++)
        connect_from(i, LOCAL);
    for (int i = 4; i < 12; i++)
        assert_int_equal(connect_from(i, LOCAL), i - 3);
}

/* A newcomer is not the first to go just because all others have been answered. */
static void newcomers_outlive_many_that_were_answered(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        connect_from(i, LOCAL);
        answer(i, i);
    }
    assert_int_equal(connect_from(4, LOCAL), 0);
    assert_int_equal(connect_from(5, LOCAL), 1);
    assert_int_equal(connect_from(6, LOCAL), 4);
}

static void the_longest_unanswered_goes(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        connect_from(i, LOCAL);
        answer(i, i * (int64_t)US_PER_S);
    }
    answer(0, 10 * (int64_t)US_PER_S);
    assert_int_equal(connect_from(4, LOCAL), 1);
}

/* Asking all the time is no merit: a second must have passed. */
static void answers_in_a_row_count_once(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        connect_from(i, LOCAL);
        answer(i, 0);
    }
    for (int64_t now_us = 0; now_us < US_PER_S; now_us += 1000)
        answer(0, now_us);
    assert_int_equal(connect_from(4, LOCAL), 0);
}

static void busy_ones_stay(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        connect_from(i, LOCAL);
    conns[0].busy = conns[2].busy = true;
    assert_int_equal(connect_from(4, LOCAL), 1);
    conns[3].busy = conns[4].busy = true;
    assert_int_equal(connect_from(5, LOCAL), 5); /* turned away */
    conns[4].busy = false;
    assert_int_equal(connect_from(6, LOCAL), 4);
}

static void other_addresses_are_not_touched(void **state)
{
    (void)state;
    assert_int_equal(connect_from(0, LOCAL6), -1);
    for (int i = 1; i < 5; i++)
        assert_int_equal(connect_from(i, LOCAL), -1);
    assert_int_equal(connect_from(5, LOCAL), 1);
}

static void a_full_house_loses_its_lowest(void **state)
{
    (void)state;
    assert_int_equal(connect_from(0, "10.0.0.1", ACCESS_ASKS), -1);
    assert_int_equal(connect_from(1, "10.0.0.2", ACCESS_STRANGER), -1);
    for (int i = 2; i < 5; i++)
        assert_int_equal(connect_from(i, LOCAL), -1);
    for (int i = 5; i < 8; i++)
        assert_int_equal(connect_from(i, LOCAL6), -1);
    assert_int_equal(connect_from(8, LOCAL), 1);
    assert_int_equal(connect_from(9, LOCAL6), 0);
    assert_int_equal(connect_from(10, "127.0.0.2", ACCESS_CONTROLS), 2);
}

/* Six of eight; and who may control has all eight. */
static void a_quarter_is_kept(void **state)
{
    static const char *const peers[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3",
                                        "10.0.0.4", "10.0.0.5", "10.0.0.6"};

    (void)state;
    for (int i = 0; i < 6; i++)
        assert_int_equal(connect_from(i, peers[i], ACCESS_ASKS), -1);
    for (int i = 0; i < 6; i++)
        conns[i].busy = true;
    assert_int_equal(connect_from(6, "10.0.0.7", ACCESS_ASKS), 6);
    assert_int_equal(connect_from(7, "10.0.0.7", ACCESS_STRANGER), 7);
    assert_int_equal(connect_from(8, LOCAL), -1);
    assert_int_equal(connect_from(9, LOCAL), -1);
    assert_int_equal(connect_from(10, LOCAL), 8);
}

/* Nobody is closed for somebody who may do less. */
static void the_lower_does_not_push_out_the_higher(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        connect_from(i, LOCAL);
    for (int i = 4; i < 8; i++)
        connect_from(i, LOCAL6);
    assert_int_equal(connect_from(8, "10.0.0.1", ACCESS_ASKS), 8);
    assert_int_equal(connect_from(9, "10.0.0.1", ACCESS_STRANGER), 9);
}

static void addresses_of_one_network_are_one(void **state)
{
    static const char *const same[] = {"2001:db8::1", "2001:db8::2", "2001:db8::3:4:5:6",
                                       "2001:db8::ffff:0:0:1"};

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(connect_from(i, same[i], ACCESS_ASKS), -1);
    assert_int_equal(connect_from(4, "2001:db8:0:1::1", ACCESS_ASKS), -1);
    assert_int_equal(connect_from(5, "2001:db8::7", ACCESS_ASKS), 0);
}

static void one_connection_is_enough(void **state)
{
    (void)state;
    slots_init(&slots, 1, 1);
    assert_int_equal(connect_from(0, "10.0.0.1", ACCESS_ASKS), -1);
    assert_int_equal(connect_from(1, LOCAL), 0);
    assert_int_equal(connect_from(2, LOCAL), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_oldest_of_an_address_goes),
        TEST(what_was_answered_outlives_what_waits),
        TEST(newcomers_outlive_many_that_were_answered),
        TEST(the_longest_unanswered_goes),
        TEST(answers_in_a_row_count_once),
        TEST(busy_ones_stay),
        TEST(other_addresses_are_not_touched),
        TEST(a_full_house_loses_its_lowest),
        TEST(a_quarter_is_kept),
        TEST(the_lower_does_not_push_out_the_higher),
        TEST(addresses_of_one_network_are_one),
        TEST(one_connection_is_enough),
    };

    return cmocka_run_group_tests_name("gatewayd_slots", tests, NULL, NULL);
}
