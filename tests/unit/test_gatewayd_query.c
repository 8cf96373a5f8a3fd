/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct expected {
    const char *query;
    const char *key;
    const char *value;
    const char *key_problem;
    const char *value_problem;
};

/* Queries of one pair. */
static const struct expected singles[] = {
    {"mode=0x0014", "mode", "0x0014", NULL, NULL},
    {"m%6fde=0x%30014", "mode", "0x0014", NULL, NULL},
    {"dvg=1.0E-4", "dvg", "1.0E-4", NULL, NULL},
    {"dvg=%2b1", "dvg", "+1", NULL, NULL},
    {"dvg=+1", "dvg", " 1", NULL, NULL},
    {"d+g=1", "d g", "1", NULL, NULL},
    {"a==b", "a", "=b", NULL, NULL},
    {"dvg=1#rest", "dvg", "1", NULL, NULL},
    {"&&dvg=1&", "dvg", "1", NULL, NULL},
    {"a;b=1;2", "a;b", "1;2", NULL, NULL},
    {"v=%e3%81%82", "v", "\xe3\x81\x82", NULL, NULL},
    {"v=%F4%8f%BF%bf", "v", "\xf4\x8f\xbf\xbf", NULL, NULL},
    {"dvg", "dvg", "", NULL, "empty"},
    {"dvg=", "dvg", "", NULL, "empty"},
    {"=1", "=1", "1", "a value without a name", NULL},
    {"dvg=%", "dvg", "", NULL, "broken percent-encoding"},
    {"dvg=%4", "dvg", "", NULL, "broken percent-encoding"},
    {"dvg=%4g", "dvg", "", NULL, "broken percent-encoding"},
    {"dvg=%g4", "dvg", "", NULL, "broken percent-encoding"},
    {"dvg=1%00", "dvg", "", NULL, "contains a control character"},
    {"dvg=1%0a2", "dvg", "", NULL, "contains a control character"},
    {"dvg=%7f", "dvg", "", NULL, "contains a control character"},
    {"dvg=%ff", "dvg", "", NULL, "not UTF-8"},
    {"dvg=%80", "dvg", "", NULL, "not UTF-8"},
    {"dvg=%c3", "dvg", "", NULL, "not UTF-8"},
    {"dvg=%c0%80", "dvg", "", NULL, "not UTF-8"},       /* longer than needed */
    {"dvg=%e0%80%80", "dvg", "", NULL, "not UTF-8"},    /* the same */
    {"dvg=%f0%80%80%80", "dvg", "", NULL, "not UTF-8"}, /* the same */
    {"dvg=%ed%a0%80", "dvg", "", NULL, "not UTF-8"},    /* half of a surrogate pair */
    {"dvg=%f4%90%80%80", "dvg", "", NULL, "not UTF-8"}, /* beyond U+10FFFF */
    {"dvg=%f8%88%80%80%80", "dvg", "", NULL, "not UTF-8"},
    {"d%zzg=1", "d%zzg=1", "1", "broken percent-encoding", NULL},
    {"d%00=1", "d%00=1", "1", "contains a control character", NULL},
    {"d%ff=1", "d%ff=1", "1", "not UTF-8", NULL},
    {"abcdefghijklmnopqrstuvwxyzabcdefgh=1", "abcdefghijklmnopqrstuvwxyzabcde", "1", "too long",
     NULL},
};

static void assert_problem(const char *problem, const char *expected)
{
    if (expected == NULL)
        assert_null(problem);
    else
        assert_string_equal(problem, expected);
}

static void reads_one_pair(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        const struct expected *e = &singles[i];
        const char *rest = e->query;
        struct query_pair pair;

        assert_true(query_next(&rest, &pair));
        assert_string_equal(pair.key, e->key);
        assert_string_equal(pair.value, e->value);
        assert_problem(pair.key_problem, e->key_problem);
        assert_problem(pair.value_problem, e->value_problem);
        assert_false(query_next(&rest, &pair));
    }
}

static void reads_pairs_in_order(void **state)
{
    const char *rest = "mode=0x0014&dvg=350.0&dvg=1&dig=&drg=0#mode=0x0000";
    static const char *const keys[] = {"mode", "dvg", "dvg", "dig", "drg"};
    struct query_pair pair;

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_true(query_next(&rest, &pair));
        assert_string_equal(pair.key, keys[i]);
    }
    assert_false(query_next(&rest, &pair));
    assert_false(query_next(&rest, &pair));
}

static void empty_queries_have_no_pairs(void **state)
{
    static const char *const queries[] = {"", "&", "&&&", "#a=1"};

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        const char *rest = queries[i];
        struct query_pair pair;

        assert_false(query_next(&rest, &pair));
    }
}

static void values_are_bounded(void **state)
{
    char query[4 + QUERY_VALUE_SIZE + 1];
    struct query_pair pair;
    const char *rest;

    (void)state;
    memset(query, '1', sizeof query);
    memcpy(query, "dvg=", 4);
    query[4 + QUERY_VALUE_SIZE - 1] = '\0';
    rest = query;
    assert_true(query_next(&rest, &pair));
    assert_null(pair.value_problem);
    assert_int_equal(strlen(pair.value), QUERY_VALUE_SIZE - 1);

    query[4 + QUERY_VALUE_SIZE - 1] = '1';
    query[4 + QUERY_VALUE_SIZE] = '\0';
    rest = query;
    assert_true(query_next(&rest, &pair));
    assert_string_equal(pair.value_problem, "too long");
    assert_string_equal(pair.value, "");
}

static void paths_keep_their_plus(void **state)
{
    char out[8];

    (void)state;
    assert_null(query_decode("/a+%62", 6, false, out, sizeof out));
    assert_string_equal(out, "/a+b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_one_pair),
        cmocka_unit_test(reads_pairs_in_order),
        cmocka_unit_test(empty_queries_have_no_pairs),
        cmocka_unit_test(values_are_bounded),
        cmocka_unit_test(paths_keep_their_plus),
    };

    return cmocka_run_group_tests_name("gatewayd_query", tests, NULL, NULL);
}
