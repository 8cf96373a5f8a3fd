/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of frames, what becomes a frame, when a file is written, and how it is replayed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/trace.h"
#include "common/trace_file.h"
#include "dcdcd/eza_link.h"
#include "dcdcd/line_recorder.h"
#include "tests/sim/replay.h"

#define MS INT64_C(1000)
#define S  INT64_C(1000000)

static struct trace trace;
static struct line_recorder recorder;

static int forget(void **state)
{
    (void)state;
    memset(&trace, 0, sizeof trace);
    memset(&recorder, 0, sizeof recorder);
    return 0;
}

static void add(int64_t time_us)
{
    struct trace_frame frame = {.time_us = time_us};

    trace_add(&trace, &frame);
}

static void assert_frame(const struct trace_frame *frame, int64_t now_us, const char *text)
{
    struct json_object *object = trace_frame_json(frame, now_us);

    assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN), text);
    json_object_put(object);
}

static void an_empty_ring(void **state)
{
    (void)state;
    assert_int_equal(trace_newest(&trace, TRACE_FRAMES), 0);
    assert_null(trace_at(&trace, 0));
    assert_null(trace_at(&trace, UINT64_MAX));
}

static void the_oldest_is_forgotten(void **state)
{
    (void)state;
    for (int i = 0; i < TRACE_FRAMES + 3; i++)
        add(i);
    assert_int_equal(trace.count, TRACE_FRAMES + 3);
    assert_int_equal(trace_newest(&trace, TRACE_FRAMES), 3);
    assert_int_equal(trace_newest(&trace, SIZE_MAX), 3);
    assert_int_equal(trace_newest(&trace, 2), TRACE_FRAMES + 1);
    assert_int_equal(trace_newest(&trace, 0), trace.count);
    assert_null(trace_at(&trace, 2));
    assert_null(trace_at(&trace, trace.count));
    for (uint64_t i = 3; i < trace.count; i++)
        assert_int_equal(trace_at(&trace, i)->time_us, i);
}

static void fewer_than_asked_for(void **state)
{
    (void)state;
    add(7);
    assert_int_equal(trace_newest(&trace, 2), 0);
    assert_int_equal(trace_at(&trace, 0)->time_us, 7);
    assert_null(trace_at(&trace, 1));
}

static void a_frame_as_json(void **state)
{
    static const uint8_t bytes[] = {0x05, 0x00, 0xff, 0x10};
    struct trace_frame frame = {0};

    (void)state;
    trace_frame_append(&frame, bytes, sizeof bytes, 12345678901);
    trace_frame_judge(&frame, "sent");
    assert_frame(&frame, 12345678901 + 5,
                 "{\"time\":12345.678901,\"age\":0.000005,\"dir\":\">\",\"hex\":\"0500ff10\","
                 "\"verdict\":\"sent\"}");
    frame = (struct trace_frame){.direction = TRACE_RECEIVED, .time_us = S};
    trace_frame_judge(&frame, "read timeout");
    assert_frame(&frame, 3 * S,
                 "{\"time\":1.000000,\"age\":2.000000,\"dir\":\"<\",\"hex\":\"\","
                 "\"verdict\":\"read timeout\"}");
}

/* In pieces, past what is kept: the last bytes are, and the others counted. */
static void long_frames_are_cut(void **state)
{
    static const size_t pieces[] = {TRACE_BYTES - 1, 1, 3, 0, TRACE_BYTES, 2 * TRACE_BYTES + 1, 1};
    uint8_t bytes[5 * TRACE_BYTES + 5];
    struct trace_frame frame = {.direction = TRACE_RECEIVED};
    size_t size = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i + i / 256);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        trace_frame_append(&frame, bytes + size, pieces[i], (int64_t)i);
        size += pieces[i];
        assert_int_equal(frame.size, size);
        assert_int_equal(trace_frame_kept(&frame), size < TRACE_BYTES ? size : TRACE_BYTES);
        assert_memory_equal(frame.bytes, bytes + size - trace_frame_kept(&frame),
                            trace_frame_kept(&frame));
    }
}

static void a_cut_frame_as_json(void **state)
{
    uint8_t bytes[TRACE_BYTES + 3];
    struct trace_frame frame = {.direction = TRACE_RECEIVED};
    char text[3 * TRACE_BYTES + 100] =
        "{\"time\":0.000003,\"age\":0.000000,\"dir\":\"<\",\"hex\":\"";

    (void)state;
    memset(bytes, 0xcd, 3);
    memset(bytes + 3, 0xab, TRACE_BYTES);
    trace_frame_append(&frame, bytes, sizeof bytes, 3);
    trace_frame_judge(&frame, "stray");
    for (int i = 0; i < TRACE_BYTES; i++)
        strcat(text, "ab");
    strcat(text, "\",\"more\":3,\"verdict\":\"stray\"}");
    assert_frame(&frame, 3, text);
}

static void long_verdicts_are_cut(void **state)
{
    struct trace_frame frame = {0};
    char text[2 * TRACE_VERDICT_SIZE] = "";

    (void)state;
    memset(text, 'x', sizeof text - 1);
    trace_frame_judge(&frame, text);
    assert_int_equal(strlen(frame.verdict), TRACE_VERDICT_SIZE - 1);
    trace_frame_judge(&frame, "ok");
    assert_string_equal(frame.verdict, "ok");
}

static const uint8_t request[] = {0x05, 0x00, 0x00, 0x10, 0x00, 0x10, 0x00};
static const uint8_t answer[] = {0x02, 0x02, 0x00, 0x10, 0x00, 0x00, 0x00, 0x10, 0x00};

static void check_recorded(uint64_t number, enum trace_direction direction, int64_t time_us,
                           const uint8_t *bytes, size_t size, const char *verdict)
{
    const struct trace_frame *frame = trace_at(&recorder.trace, number);

    assert_non_null(frame);
    assert_int_equal(frame->direction, direction);
    assert_int_equal(frame->time_us, time_us);
    assert_int_equal(frame->size, size);
    assert_memory_equal(frame->bytes, bytes, size);
    assert_string_equal(frame->verdict, verdict);
}

static void an_exchange_is_two_frames(void **state)
{
    (void)state;
    line_recorder_sent(&recorder, request, sizeof request, 1 * MS);
    line_recorder_received(&recorder, answer, 4, 5 * MS);
    assert_int_equal(recorder.trace.count, 1);
    line_recorder_received(&recorder, answer + 4, sizeof answer - 4, 7 * MS);
    line_recorder_end(&recorder, "ok", 8 * MS);
    assert_int_equal(recorder.trace.count, 2);
    check_recorded(0, TRACE_SENT, 1 * MS, request, sizeof request, "sent");
    check_recorded(1, TRACE_RECEIVED, 7 * MS, answer, sizeof answer, "ok");
    assert_int_equal(line_recorder_quiet_us(&recorder), INT64_MAX);
}

static void silence_is_a_frame(void **state)
{
    (void)state;
    line_recorder_sent(&recorder, request, sizeof request, 1 * MS);
    line_recorder_end(&recorder, "read timeout", 100 * MS);
    check_recorded(1, TRACE_RECEIVED, 100 * MS, request, 0, "read timeout");
}

static void strays_end_when_the_line_is_quiet(void **state)
{
    (void)state;
    line_recorder_received(&recorder, answer, 4, 1 * MS);
    line_recorder_received(&recorder, answer + 4, 5, 3 * MS);
    assert_int_equal(line_recorder_quiet_us(&recorder), 13 * MS);
    line_recorder_end(&recorder, "late", 13 * MS);
    check_recorded(0, TRACE_RECEIVED, 3 * MS, answer, sizeof answer, "late");
}

static void count_frame(void *arg, const struct trace_frame *frame)
{
    assert_string_equal(frame->verdict, *(int *)arg == 0 ? "sent" : "ok");
    ++*(int *)arg;
}

static void each_frame_is_told(void **state)
{
    int count = 0;

    (void)state;
    recorder.recorded = count_frame;
    recorder.arg = &count;
    line_recorder_sent(&recorder, request, sizeof request, 1);
    line_recorder_end(&recorder, "ok", 2);
    assert_int_equal(count, 2);
}

/* As the wire facts have them: 1-1's and 2-1's answers, from us and from another driver. */
static void strays_have_names(void **state)
{
    static const uint8_t status[] = {2, 4, 0, 0x10, 1, 0, 0, 0, 0, 0x11, 0};
    static const uint8_t foreign[] = {2, 2, 0, 0x11, 0, 0, 0, 0x11, 0};
    static const uint8_t broken[] = {2, 2, 0, 0x10, 0, 0, 0, 0x11, 0};
    static const struct eza_link_settings settings = {
        .address = {.address1 = 0, .address2 = 16, .check = true}, .reply_timeout_us = 100 * MS};
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    assert_string_equal(eza_link_stray(&link, answer, sizeof answer), "stray");
    eza_link_start(&link, eza_command_find("1-1"), NULL, 0);
    assert_true(eza_link_expire(&link, 1 * S, &outcome));
    assert_int_equal(outcome.ercd, 0);
    assert_string_equal(eza_link_stray(&link, answer, sizeof answer), "late");
    assert_string_equal(eza_link_stray(&link, status, sizeof status), "unexpected");
    assert_string_equal(eza_link_stray(&link, foreign, sizeof foreign), "foreign");
    assert_string_equal(eza_link_stray(&link, broken, sizeof broken), "checksum error");
    assert_string_equal(eza_link_stray(&link, request, sizeof request), "echo");
    assert_string_equal(eza_link_stray(&link, answer, sizeof answer - 1), "stray");
}

/* Of both kinds of refusal, also of the one whose text for the client is "timeout". */
static void a_refusal_s_code_is_handed_out(void **state)
{
    static const uint8_t busy[] = {2, 2, 0, 0x10, 0x80, 0xfc, 0xff, 0x8b, 2};
    static const uint8_t bad[] = {2, 2, 0, 0x10, 0x80, 0xfe, 0xff, 0x8d, 2};
    static const struct eza_link_settings settings = {
        .address = {.address1 = 0, .address2 = 16, .check = true}, .reply_timeout_us = 100 * MS};
    struct eza_link link;
    struct eza_outcome outcome;

    (void)state;
    eza_link_init(&link, &settings);
    eza_link_start(&link, eza_command_find("1-1"), NULL, 0);
    assert_true(eza_link_receive(&link, busy, sizeof busy, 1, &outcome));
    assert_int_equal(outcome.ercd, 0xfffc);
    eza_link_start(&link, eza_command_find("1-1"), NULL, 2);
    assert_true(eza_link_receive(&link, bad, sizeof bad, 3, &outcome));
    assert_int_equal(outcome.ercd, 0xfffe);
    eza_link_start(&link, eza_command_find("1-1"), NULL, 4);
    assert_true(eza_link_receive(&link, answer, sizeof answer, 5, &outcome));
    assert_int_equal(outcome.ercd, 0);
}

static char directory[32];

static int make_directory(void **state)
{
    forget(state);
    strcpy(directory, "/tmp/test-trace-XXXXXX");
    return mkdtemp(directory) == NULL;
}

static void path_of(const char *name, char path[static 64])
{
    snprintf(path, 64, "%s/%s", directory, name);
}

static int remove_directory(void **state)
{
    char path[64];

    (void)state;
    path_of("dcdcd.trace", path);
    unlink(path);
    return rmdir(directory);
}

static const struct config_port port = {.path = "/dev/ttyO2", .baud = 19200};

static bool is_written(void)
{
    char path[64];
    struct stat status;

    path_of("dcdcd.trace", path);
    return stat(path, &status) == 0 && status.st_size > 0;
}

static void write_at(struct trace_file *file, int64_t now_us)
{
    trace_file_write(file, &recorder.trace, &port, now_us);
}

static void a_file_a_minute(void **state)
{
    struct trace_file file;
    char path[64];

    (void)state;
    path_of("dcdcd.trace", path);
    trace_file_init(&file, directory, "dcdcd");
    write_at(&file, INT64_MAX - 1);
    assert_false(is_written());
    trace_file_want(&file, "first", 100 * S);
    trace_file_want(&file, "second", 101 * S);
    assert_int_equal(file.due_us, 102 * S);
    write_at(&file, 102 * S - 1);
    assert_false(is_written());
    write_at(&file, 102 * S);
    assert_true(is_written());
    assert_string_equal(file.reason, "first");
    assert_int_equal(file.due_us, INT64_MAX);
    assert_int_equal(unlink(path), 0);
    trace_file_want(&file, "too soon", 160 * S - 1);
    write_at(&file, 170 * S);
    assert_false(is_written());
    trace_file_want(&file, "third", 160 * S);
    write_at(&file, 162 * S);
    assert_true(is_written());
}

static void stop_at(struct trace_file *file, const char *reason, int64_t now_us)
{
    char path[64];

    path_of("dcdcd.trace", path);
    unlink(path);
    trace_file_want_stop(file, reason, now_us);
}

/* Not kept back by another cause, written or due; and itself not too often. */
static void a_guard_s_stop_has_a_file(void **state)
{
    struct trace_file file;

    (void)state;
    trace_file_init(&file, directory, "dcdcd");
    trace_file_want(&file, "silence", 100 * S);
    write_at(&file, 102 * S);
    assert_true(is_written());
    stop_at(&file, "stop", 103 * S);
    trace_file_want(&file, "silence", 104 * S);
    write_at(&file, 105 * S);
    assert_true(is_written());
    assert_string_equal(file.reason, "stop");
    stop_at(&file, "too soon", 113 * S - 1);
    write_at(&file, 120 * S);
    assert_false(is_written());
    stop_at(&file, "another", 120 * S);
    write_at(&file, 122 * S);
    assert_true(is_written());
    trace_file_want(&file, "overwrites it", 180 * S - 1);
    assert_int_equal(file.due_us, INT64_MAX);
    trace_file_want(&file, "silence", 180 * S);
    stop_at(&file, "takes its place", 181 * S);
    write_at(&file, 183 * S - 1);
    assert_false(is_written());
    write_at(&file, 183 * S);
    assert_true(is_written());
    assert_string_equal(file.reason, "takes its place");
}

static void a_file_that_cannot_be_written(void **state)
{
    struct trace_file file;

    (void)state;
    trace_file_init(&file, "/tmp/test-trace-no-such-directory", "dcdcd");
    trace_file_want(&file, "lost", 0);
    write_at(&file, 10 * S);
    assert_int_equal(file.due_us, INT64_MAX);
}

static void exchange(const uint8_t *bytes, size_t size, const char *verdict, int64_t at_us)
{
    line_recorder_sent(&recorder, request, sizeof request, at_us);
    if (size > 0)
        line_recorder_received(&recorder, bytes, size, at_us + 10 * MS);
    line_recorder_end(&recorder, verdict, at_us + 20 * MS);
}

static struct replay *write_and_load(void)
{
    struct trace_file file;
    char path[64];

    path_of("dcdcd.trace", path);
    trace_file_init(&file, directory, "dcdcd");
    trace_file_want(&file, "say \"so\"\n", 5 * S);
    write_at(&file, 7 * S);
    return replay_load(path);
}

static void a_file_is_replayed(void **state)
{
    static const uint8_t late[] = {0x02, 0x02, 0x00};
    const struct replay_frame *frame;
    struct replay *replay;
    int64_t sent_us;
    size_t count;

    (void)state;
    exchange(answer, sizeof answer, "ok", 1 * S);
    exchange(NULL, 0, "read timeout", 2 * S);
    line_recorder_received(&recorder, late, sizeof late, 2 * S + 300 * MS);
    line_recorder_end(&recorder, "late", 2 * S + 310 * MS);
    replay = write_and_load();
    assert_non_null(replay);
    for (int i = 0; i < 2; i++) { /* at the end it begins again */
        frame = replay_answers(replay, request, sizeof request, &count, &sent_us);
        assert_int_equal(count, 1);
        assert_int_equal(sent_us, 1 * S);
        assert_int_equal(frame->time_us, 1 * S + 10 * MS);
        assert_int_equal(frame->size, sizeof answer);
        assert_memory_equal(frame->bytes, answer, sizeof answer);
        frame = replay_answers(replay, request, sizeof request, &count, &sent_us);
        assert_int_equal(count, 2);
        assert_int_equal(sent_us, 2 * S);
        assert_int_equal(frame[0].size, 0);
        assert_int_equal(frame[1].size, sizeof late);
        assert_int_equal(frame[1].time_us, 2 * S + 300 * MS);
    }
    assert_null(replay_answers(replay, request, sizeof request - 1, &count, &sent_us));
    assert_null(replay_answers(replay, answer, sizeof answer, &count, &sent_us));
    replay_free(replay);
}

/* What `trace` prints, followed, is as good as the file; spaces mean nothing. */
static void an_answer_is_replayed(void **state)
{
    static const char text[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"time\":9.0,\"recorded\":2,\"frames\":["
        "{\"time\":1.000000,\"age\":8,\"dir\":\">\",\"hex\":\"aa\",\"verdict\":\"sent\"}]}}\n"
        "   {\"jsonrpc\":\"2.0\",\"method\":\"trace\",\"params\":"
        "{\"time\":1.500000,\"age\":0,\"dir\":\"<\",\"hex\":\"bbcc\",\"verdict\":\"ok\"}}\n";
    static const uint8_t asked = 0xaa;
    const struct replay_frame *frame;
    struct replay *replay;
    char path[64];
    int64_t sent_us;
    size_t count;
    FILE *file;

    (void)state;
    path_of("dcdcd.trace", path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    replay = replay_load(path);
    assert_non_null(replay);
    frame = replay_answers(replay, &asked, 1, &count, &sent_us);
    assert_int_equal(count, 1);
    assert_int_equal(frame->time_us - sent_us, S / 2);
    assert_int_equal(frame->bytes[1], 0xcc);
    replay_free(replay);
}

/* More bytes than the trace keeps: as many others in their place, and the end is the answer's. */
static void what_was_not_kept_is_filled(void **state)
{
    uint8_t noise[600];
    const struct replay_frame *frame;
    struct replay *replay;
    int64_t sent_us;
    size_t count;

    (void)state;
    memset(noise, 0x02, sizeof noise);
    for (int i = 0; i < 2; i++) {
        line_recorder_sent(&recorder, request, sizeof request, 1 * S);
        for (int j = 0; j <= i; j++)
            line_recorder_received(&recorder, noise, sizeof noise, 2 * S);
        line_recorder_received(&recorder, answer, sizeof answer, 3 * S);
        line_recorder_end(&recorder, "ok", 3 * S);
    }
    replay = write_and_load();
    assert_non_null(replay);
    for (int i = 0; i < 2; i++) {
        frame = replay_answers(replay, request, sizeof request, &count, &sent_us);
        assert_int_equal(count, 1);
        assert_int_equal(frame->size, i == 0 ? sizeof noise + sizeof answer : SIM_SEND_MAX);
        assert_memory_equal(frame->bytes + frame->size - sizeof answer, answer, sizeof answer);
        assert_int_equal(frame->bytes[0], 0xff);
        assert_int_equal(frame->bytes[frame->size - TRACE_BYTES - 1], 0xff);
        assert_int_equal(frame->bytes[frame->size - TRACE_BYTES], 0x02);
    }
    replay_free(replay);
}

static void no_trace_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "{\"trace\":\"dcdcd\"}\n",
        "nonsense\n",
        "[]\n",
        "{\"time\":1,\"dir\":\">\"}\n",
        "{\"time\":1,\"dir\":\">\",\"hex\":\"0g\"}\n",
        "{\"time\":1,\"dir\":null,\"hex\":\"00\"}\n",
        "{\"result\":{}}\n",
        "{\"time\":1,\"dir\":\"<\",\"hex\":\"00\",\"more\":-1}\n",
    };
    char path[64];

    (void)state;
    path_of("dcdcd.trace", path);
    assert_null(replay_load(path));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        assert_null(replay_load(path));
    }
}

#define IN_DIRECTORY(test_) cmocka_unit_test_setup_teardown(test_, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_ring, forget),
        cmocka_unit_test_setup(the_oldest_is_forgotten, forget),
        cmocka_unit_test_setup(fewer_than_asked_for, forget),
        cmocka_unit_test_setup(a_frame_as_json, forget),
        cmocka_unit_test_setup(long_frames_are_cut, forget),
        cmocka_unit_test_setup(a_cut_frame_as_json, forget),
        cmocka_unit_test_setup(long_verdicts_are_cut, forget),
        cmocka_unit_test_setup(an_exchange_is_two_frames, forget),
        cmocka_unit_test_setup(silence_is_a_frame, forget),
        cmocka_unit_test_setup(strays_end_when_the_line_is_quiet, forget),
        cmocka_unit_test_setup(each_frame_is_told, forget),
        cmocka_unit_test(strays_have_names),
        cmocka_unit_test(a_refusal_s_code_is_handed_out),
        IN_DIRECTORY(a_file_a_minute),
        IN_DIRECTORY(a_guard_s_stop_has_a_file),
        cmocka_unit_test_setup(a_file_that_cannot_be_written, forget),
        IN_DIRECTORY(a_file_is_replayed),
        IN_DIRECTORY(an_answer_is_replayed),
        IN_DIRECTORY(what_was_not_kept_is_filled),
        IN_DIRECTORY(no_trace_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
