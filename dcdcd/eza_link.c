/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/eza_link.h"

#include <string.h>

#include "common/clock.h"

/* How long after its deadline an answer is still thought possible. */
enum { LATE_US = 2 * US_PER_S };

enum { ERCD_NOT_NOW = 0xfffd, ERCD_BUSY = 0xfffc };

void eza_link_init(struct eza_link *link, const struct eza_link_settings *settings)
{
    *link = (struct eza_link){.settings = *settings};
}

void eza_link_configure(struct eza_link *link, const struct eza_link_settings *settings)
{
    link->settings = *settings;
}

int64_t eza_link_ready_us(const struct eza_link *link)
{
    return link->ready_us;
}

int64_t eza_link_deadline_us(const struct eza_link *link)
{
    return link->busy ? link->deadline_us : INT64_MAX;
}

void eza_link_reset(struct eza_link *link)
{
    link->busy = false;
    link->has_held = false;
    link->has_doubtful_ercd = false;
    link->received_count = 0;
    link->unanswered_count = 0;
    link->ready_us = 0;
}

static void drop_unanswered(struct eza_link *link, size_t count)
{
    link->unanswered_count -= count;
    memmove(link->unanswered, link->unanswered + count,
            link->unanswered_count * sizeof link->unanswered[0]);
}

static void forget_old_unanswered(struct eza_link *link, int64_t now_us)
{
    size_t old = 0;

    while (old < link->unanswered_count && link->unanswered[old].until_us <= now_us)
        old++;
    drop_unanswered(link, old);
}

/* The request that was just prepared. */
static void add_unanswered(struct eza_link *link)
{
    if (link->unanswered_count == EZA_LINK_UNANSWERED)
        drop_unanswered(link, 1);
    link->unanswered[link->unanswered_count++] = (struct eza_unanswered){
        .command = link->command, .asked = link->asked, .until_us = link->deadline_us + LATE_US};
}

static bool is_unanswered(const struct eza_link *link, uint8_t cmd)
{
    for (size_t i = 0; i < link->unanswered_count; i++)
        if (link->unanswered[i].command->cmd == cmd)
            return true;
    return false;
}

/* An answer with this CMD belongs at least to the oldest request of it, and settles all before. */
static void settle_unanswered(struct eza_link *link, uint8_t cmd)
{
    for (size_t i = 0; i < link->unanswered_count; i++)
        if (link->unanswered[i].command->cmd == cmd) {
            drop_unanswered(link, i + 1);
            return;
        }
}

/* True while an older request of the last one's CMD may still be answered. */
static bool is_ambiguous(const struct eza_link *link)
{
    for (size_t i = 0; i + 1 < link->unanswered_count; i++)
        if (link->unanswered[i].command->cmd == link->command->cmd)
            return true;
    return false;
}

/* The same for one that asked something else. What refuses the same request refuses this one. */
static bool is_refusal_ambiguous(const struct eza_link *link)
{
    const struct eza_unanswered *older = link->unanswered;

    for (; older + 1 < link->unanswered + link->unanswered_count; older++)
        if (older->command->cmd == link->command->cmd &&
            (older->command != link->command ||
             memcmp(&older->asked, &link->asked, sizeof link->asked) != 0))
            return true;
    return false;
}

/*
 * The same for an answer with the values that a write asks for. An older read had those values if
 * it is a read's answer; another write after that read may have changed them since.
 */
static bool is_confirmation_ambiguous(const struct eza_link *link)
{
    const struct eza_unanswered *older = link->unanswered;
    bool read = false;

    for (; older + 1 < link->unanswered + link->unanswered_count; older++) {
        if (older->command->cmd != link->command->cmd)
            continue;
        if (older->command->request.count == 0)
            read = true;
        else if (read && memcmp(&older->asked, &link->asked, sizeof link->asked) != 0)
            return true;
    }
    return false;
}

const struct eza_command *eza_link_flush_command(struct eza_link *link,
                                                 const struct eza_command *command, int64_t now_us)
{
    forget_old_unanswered(link, now_us);
    if (command->request.count > 0 || !is_unanswered(link, command->cmd))
        return NULL;
    return eza_command_find(strcmp(command->name, "2-1") == 0 ? "1-1" : "2-1");
}

/* Counts and forgets what lies in the buffer between two positions. */
static void classify(struct eza_link *link, size_t begin, size_t end, struct eza_residue *residue)
{
    eza_frame_classify(link->received + begin, end - begin, link->command, &link->settings.address,
                       link->request, link->request_size, residue);
}

static void count_residue(struct eza_link *link, const struct eza_residue *residue)
{
    struct eza_link_counters *c = &link->counters;

    c->echoes += residue->echoes;
    c->checksum_errors += residue->checksum_errors;
    c->foreign += residue->foreign;
    c->noise_bytes += residue->noise_bytes;
    if (residue->unexpected > 0 && is_unanswered(link, residue->unexpected_cmd & 0x7f))
        c->late += residue->unexpected;
    else
        c->unexpected += residue->unexpected;
}

/* What came since the last exchange: nothing that is of use to the next one. */
static void count_strays(struct eza_link *link)
{
    struct eza_residue residue = {0};

    if (link->command != NULL)
        classify(link, 0, link->received_count, &residue);
    else
        residue.noise_bytes = (unsigned)link->received_count;
    count_residue(link, &residue);
    link->received_count = 0;
}

const char *eza_link_stray(const struct eza_link *link, const uint8_t *bytes, size_t count)
{
    struct eza_residue residue = {0};

    if (link->command != NULL)
        eza_frame_classify(bytes, count, link->command, &link->settings.address, link->request,
                           link->request_size, &residue);
    if (residue.unexpected > 0)
        return is_unanswered(link, residue.unexpected_cmd & 0x7f) ? "late" : "unexpected";
    if (residue.checksum_errors > 0)
        return "checksum error";
    if (residue.foreign > 0)
        return "foreign";
    return residue.echoes > 0 ? "echo" : "stray";
}

size_t eza_link_start(struct eza_link *link, const struct eza_command *command,
                      const struct eza_values *values, int64_t now_us)
{
    static const struct eza_values none;
    size_t bytes = eza_request_size(command) + eza_reply_size(command);

    count_strays(link);
    link->busy = true;
    link->command = command;
    link->asked = values != NULL ? *values : none;
    link->request_size =
        eza_frame_request(command, &link->settings.address, &link->asked, link->request);
    link->deadline_us =
        now_us + link->settings.reply_timeout_us + (int64_t)bytes * link->settings.byte_ns / 1000;
    link->has_held = false;
    link->has_doubtful_ercd = false;
    forget_old_unanswered(link, now_us);
    add_unanswered(link);
    link->counters.requests++;
    return link->request_size;
}

static void end_exchange(struct eza_link *link, int64_t quiet_since_us)
{
    link->busy = false;
    link->received_count = 0;
    link->ready_us = quiet_since_us + link->settings.gap_us;
}

static void judge_reply(struct eza_link *link, const struct eza_values *values,
                        struct eza_outcome *outcome)
{
    if (!eza_check(&link->command->reply, values, &outcome->failure)) {
        link->counters.bad_values++;
        outcome->result = EZA_RETRYABLE;
        return;
    }
    outcome->result = EZA_OK;
    outcome->values = *values;
}

static void judge_nak(struct eza_link *link, uint16_t ercd, struct eza_outcome *outcome)
{
    link->counters.naks++;
    if (ercd == ERCD_NOT_NOW || ercd == ERCD_BUSY) {
        failure_set(&outcome->failure, REASON_BUSY, "timeout");
        outcome->result = EZA_RETRYABLE;
    } else {
        failure_set(&outcome->failure, REASON_NAK, "error: ERCD=%04x", ercd);
        outcome->result = EZA_REFUSED;
    }
}

/*
 * The answer to a write carries the values now in force. One that differs from what was asked may
 * be a late or doubled answer to something else: it is held until the deadline, in case the right
 * one follows, and is not believed at all if an older request could have caused it.
 */
static bool differs_from_asked(const struct eza_link *link, const struct eza_values *values)
{
    return link->command->request.count > 0 && memcmp(values, &link->asked, sizeof *values) != 0;
}

static void take_answer(struct eza_link *link, enum eza_answer answer,
                        const struct eza_found *found, int64_t now_us, struct eza_outcome *outcome)
{
    struct eza_residue residue = {0};

    classify(link, 0, found->begin, &residue);
    classify(link, found->end, link->received_count, &residue);
    count_residue(link, &residue);
    settle_unanswered(link, link->command->cmd);
    link->counters.answers++;
    outcome->ercd = found->ercd;
    if (answer == EZA_NAK)
        judge_nak(link, found->ercd, outcome);
    else
        judge_reply(link, &found->values, outcome);
    end_exchange(link, now_us);
}

/* Removes an answer that does not end the exchange and what precedes it. */
static void remove_answer(struct eza_link *link, const struct eza_found *found)
{
    struct eza_residue residue = {0};

    classify(link, 0, found->begin, &residue);
    count_residue(link, &residue);
    link->received_count -= found->end;
    memmove(link->received, link->received + found->end, link->received_count);
}

/* An answer to an older request, as far as one can know. */
static void note_late(struct eza_link *link)
{
    settle_unanswered(link, link->command->cmd);
    link->counters.late++;
}

/* Sets a differing answer to a write aside. */
static void hold_answer(struct eza_link *link, const struct eza_found *found)
{
    remove_answer(link, found);
    if (is_ambiguous(link)) {
        note_late(link);
    } else {
        link->held = found->values;
        link->has_held = true;
    }
}

/*
 * Sets a refusal aside that an older request may have caused. If nothing follows it may as well
 * have been this one's: then whether a write was carried out is open.
 */
static void doubt_refusal(struct eza_link *link, const struct eza_found *found)
{
    remove_answer(link, found);
    note_late(link);
    link->doubtful_ercd = found->ercd;
    link->has_doubtful_ercd = true;
}

/* Makes room by dropping the oldest bytes: more than a buffer of noise holds no answer. */
static void append_received(struct eza_link *link, const uint8_t *bytes, size_t count)
{
    size_t excess;

    if (count > EZA_LINK_BUFFER) {
        link->counters.noise_bytes += count - EZA_LINK_BUFFER;
        bytes += count - EZA_LINK_BUFFER;
        count = EZA_LINK_BUFFER;
    }
    if (link->received_count + count > EZA_LINK_BUFFER) {
        excess = link->received_count + count - EZA_LINK_BUFFER;
        link->counters.noise_bytes += excess;
        link->received_count -= excess;
        memmove(link->received, link->received + excess, link->received_count);
    }
    memcpy(link->received + link->received_count, bytes, count);
    link->received_count += count;
}

bool eza_link_receive(struct eza_link *link, const uint8_t *bytes, size_t count, int64_t now_us,
                      struct eza_outcome *outcome)
{
    struct eza_found found;
    enum eza_answer answer;

    append_received(link, bytes, count);
    while (link->busy) {
        answer = eza_frame_find(link->received, link->received_count, link->command,
                                &link->settings.address, &found);
        if (answer == EZA_NO_ANSWER)
            return false;
        if (answer == EZA_NAK && is_refusal_ambiguous(link)) {
            doubt_refusal(link, &found);
        } else if (answer == EZA_REPLY && differs_from_asked(link, &found.values)) {
            hold_answer(link, &found);
        } else if (answer == EZA_REPLY && link->command->request.count > 0 &&
                   is_confirmation_ambiguous(link)) {
            remove_answer(link, &found);
            note_late(link);
        } else {
            take_answer(link, answer, &found, now_us, outcome);
            return true;
        }
    }
    return false;
}

static void explain_silence(struct eza_link *link, const struct eza_residue *residue,
                            struct eza_outcome *outcome)
{
    outcome->result = EZA_RETRYABLE;
    if (residue->checksum_errors > 0) {
        failure_set(&outcome->failure, REASON_CHECKSUM, "checksum error");
    } else if (residue->unexpected > 0) {
        link->counters.bad_values++;
        failure_set(&outcome->failure, REASON_BAD_VALUE, "bad value: response command: 0x%02x",
                    residue->unexpected_cmd);
    } else if (link->has_doubtful_ercd) {
        judge_nak(link, link->doubtful_ercd, outcome);
        outcome->result = EZA_RETRYABLE;
    } else {
        link->counters.timeouts++;
        failure_set(&outcome->failure, REASON_READ_TIMEOUT, "read timeout");
        outcome->result = EZA_TIMEOUT;
    }
}

bool eza_link_expire(struct eza_link *link, int64_t now_us, struct eza_outcome *outcome)
{
    struct eza_residue residue = {0};

    if (!link->busy || now_us < link->deadline_us)
        return false;
    classify(link, 0, link->received_count, &residue);
    count_residue(link, &residue);
    outcome->ercd = 0;
    if (link->has_held) {
        settle_unanswered(link, link->command->cmd);
        link->counters.answers++;
        judge_reply(link, &link->held, outcome);
    } else {
        explain_silence(link, &residue, outcome);
    }
    end_exchange(link, now_us);
    return true;
}
