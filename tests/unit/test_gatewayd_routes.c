/* SPDX-License-Identifier: Apache-2.0 */
/* Lint of the table of paths, and how a request's target finds its row. */
#include "gatewayd/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gatewayd/actions.h"
#include "gatewayd/monitoring.h"

static void assert_keys(const char *const *keys)
{
    assert_non_null(keys);
    assert_non_null(keys[0]);
    for (size_t i = 1; keys[i] != NULL; i++)
        assert_true(strcmp(keys[i - 1], keys[i]) < 0);
}

static void every_row_is_sound(void **state)
{
    (void)state;
    assert_int_equal(route_count, 21);
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        const char *query;

        assert_non_null(route->run);
        assert_ptr_equal(route_find(route->path, &query), route);
        if (route->run == action_call) {
            assert_true(route->dcdcd != NULL || route->battd != NULL);
            assert_keys(route->keys);
        } else if (route->run != action_set && route->run != action_metrics &&
                   route->run != action_ready) {
            assert_non_null(route->text);
        }
    }
    for (size_t i = SET_ALL; i <= SET_VOLTAGE; i++) {
        assert_non_null(set_targets[i].dcdcd);
        assert_keys(set_targets[i].keys);
    }
}

/* HEAD and links that are followed beforehand must not change anything. */
static void what_changes_something_says_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        bool reads = strstr(routes[i].path, "/get") != NULL ||
                     strcmp(routes[i].path, "/1/log/data") == 0 || routes[i].watches;

        assert_int_equal(routes[i].changes, !reads);
        if (routes[i].changes)
            assert_null(routes[i].battd); /* one call: see fanout_abandon */
    }
}

/* What changes the converter is never sent twice by a retry of ours. */
static void only_reads_are_repeated(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++)
        if (routes[i].run == action_call && routes[i].repeat == RPC_REPEAT)
            assert_false(routes[i].changes);
}

static const struct {
    const char *target;
    const char *path; /* NULL: none */
    const char *query;
} targets[] = {
    {"/dcdc/set", "/dcdc/set", ""},
    {"/dcdc/set?", "/dcdc/set", ""},
    {"/dcdc/set?a=1?b#c", "/dcdc/set", "a=1?b#c"},
    {"/dcdc/set#?a=1", "/dcdc/set", ""},
    {"/dcdc/%73e%74?a=%73", "/dcdc/set", "a=%73"},
    {"http://localhost:8080/dcdc/set?a=1", "/dcdc/set", "a=1"},
    {"HTTPS://[::1]/dcdc/set", "/dcdc/set", ""},
    {"http://localhost", NULL, ""},
    {"http://localhost?a=1", NULL, "a=1"},
    {"ftp://localhost/dcdc/set", NULL, ""},
    {"", NULL, ""},
    {"*", NULL, ""},
    {"/", NULL, ""},
    {"/dcdc", NULL, ""},
    {"/dcdc/set/", NULL, ""},
    {"/dcdc/se", NULL, ""},
    {"//dcdc/set", NULL, ""},
    {"/./dcdc/set", NULL, ""},
    {"/DCDC/set", NULL, ""},
    {"/dcdc%2fset", NULL, ""},
    {"/dcdc%2Fset", NULL, ""},
    {"/dcdc/set%00", NULL, ""},
    {"/dcdc/set%00x", NULL, ""},
    {"/dcdc/set%", NULL, ""},
    {"/dcdc/set%2", NULL, ""},
    {"/dcdc/s%zzt", NULL, ""},
    {"/dcdc+set", NULL, ""},
    {"/dcdc/set\xff", NULL, ""},
    {"/dcdc/set/0123456789012345678901234567890123456789012345678901234567890123456789", NULL, ""},
};

static void targets_find_their_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const char *query;
        const struct route *route = route_find(targets[i].target, &query);

        if (targets[i].path == NULL) {
            assert_null(route);
        } else {
            assert_non_null(route);
            assert_string_equal(route->path, targets[i].path);
        }
        assert_string_equal(query, targets[i].query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(what_changes_something_says_so),
        cmocka_unit_test(only_reads_are_repeated),
        cmocka_unit_test(targets_find_their_rows),
    };

    return cmocka_run_group_tests_name("gatewayd_routes", tests, NULL, NULL);
}
