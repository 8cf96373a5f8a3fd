/* SPDX-License-Identifier: Apache-2.0 */
#include "common/direction.h"

#include <errno.h>
#include <linux/serial.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "common/clock.h"
#include "common/gpio_line.h"
#include "common/log.h"
#include "common/serial.h"

enum {
    LOOKS_A_BYTE = 4, /* at a UART that is still sending after its time */
    LOOK_MIN_US = 50,
    REALTIME_PRIORITY = 10,        /* above all ordinary threads, below the kernel's own */
    UART_SLACK_US = 20 * US_PER_MS /* a UART that sends for longer hangs */
};

struct direction {
    const struct config_port *config;
    int fd;
    struct gpio_line *line; /* NULL: no pin */
    bool asks_uart;         /* the driver tells when the last stop bit is out */
    int64_t due_us;         /* when to look next */
    int64_t limit_us;       /* when to believe the UART no longer */
    bool warned;
    char text[160];
};

/* The driver's own polarity of RTS, which a board may turn round, is kept. */
static int set_kernel_mode(const struct direction *direction)
{
    struct serial_rs485 mode = {.flags = 0};

    if (ioctl(direction->fd, TIOCGRS485, &mode) != 0)
        return -1;
    if ((mode.flags & (SER_RS485_RTS_ON_SEND | SER_RS485_RTS_AFTER_SEND)) == 0)
        mode.flags |= SER_RS485_RTS_ON_SEND;
    mode.flags |= SER_RS485_ENABLED;
    mode.flags &= ~(unsigned)SER_RS485_RX_DURING_TX;
    mode.delay_rts_before_send = (unsigned)(direction->config->rts_delay_before_us / US_PER_MS);
    mode.delay_rts_after_send = (unsigned)(direction->config->rts_delay_after_us / US_PER_MS);
    if (ioctl(direction->fd, TIOCSRS485, &mode) != 0 ||
        ioctl(direction->fd, TIOCGRS485, &mode) != 0)
        return -1;
    if ((mode.flags & SER_RS485_ENABLED) == 0) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return 0;
}

static bool open_kernel(struct direction *direction, struct failure *failure)
{
    static const char instead[] = "use dir_pin, or direction: none if the adapter switches by "
                                  "itself";

    if (set_kernel_mode(direction) == 0) {
        snprintf(direction->text, sizeof direction->text, "direction by the kernel");
        return true;
    }
    failure_set(failure, REASON_PORT, "%s: direction: kernel: %s: %s", direction->config->path,
                errno == ENOTTY ? "the port's driver cannot switch" : strerror(errno), instead);
    return false;
}

/*
 * On a busy machine an ordinary thread is woken milliseconds late, and by then the answer has
 * begun. For the calling thread, which will drive the pin; not its children.
 */
static void be_prompt(void)
{
    const struct sched_param priority = {.sched_priority = REALTIME_PRIORITY};
    static bool told;

    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority) == 0 || told)
        return;
    log_warning("direction", "no real-time priority: %s: on a busy machine answers may be lost",
                strerror(errno));
    told = true;
}

static bool open_pin(struct direction *direction, struct failure *failure)
{
    unsigned state;

    direction->line = gpio_line_open(direction->config->dir_pin, failure);
    if (direction->line == NULL)
        return false;
    be_prompt();
    direction->asks_uart = ioctl(direction->fd, TIOCSERGETLSR, &state) == 0;
    snprintf(direction->text, sizeof direction->text, "direction by pin %s, %s",
             direction->config->dir_pin, gpio_line_place(direction->line));
    return true;
}

static bool open_none(struct direction *direction, struct failure *failure)
{
    (void)direction, (void)failure;
    return true;
}

struct direction *direction_open(const struct config_port *config, int fd, struct failure *failure)
{
    static bool (*const opens[])(struct direction *, struct failure *) = {
        [CONFIG_DIRECTION_PIN] = open_pin,
        [CONFIG_DIRECTION_KERNEL] = open_kernel,
        [CONFIG_DIRECTION_NONE] = open_none,
    };
    struct direction *direction = calloc(1, sizeof *direction);

    if (direction == NULL) {
        failure_set(failure, REASON_PORT, "out of memory");
        return NULL;
    }
    direction->config = config;
    direction->fd = fd;
    direction->due_us = INT64_MAX;
    if (opens[config->direction](direction, failure))
        return direction;
    free(direction);
    return NULL;
}

void direction_close(struct direction *direction)
{
    if (direction == NULL)
        return;
    gpio_line_close(direction->line);
    free(direction);
}

int direction_begin(struct direction *direction)
{
    return direction->line != NULL ? gpio_line_set(direction->line, true) : 0;
}

void direction_sent(struct direction *direction, size_t count)
{
    int64_t time_us = serial_time_us(direction->config, count) + 1; /* it was rounded down */

    if (direction->line == NULL)
        return;
    direction->due_us = clock_us() + time_us;
    direction->limit_us = direction->due_us + time_us + UART_SLACK_US;
}

int64_t direction_due_us(const struct direction *direction)
{
    return direction->due_us;
}

/* Whether the UART has sent all, as far as its driver tells. */
static bool is_out(struct direction *direction, int64_t now_us)
{
    unsigned state;

    if (!direction->asks_uart || ioctl(direction->fd, TIOCSERGETLSR, &state) != 0 ||
        (state & TIOCSER_TEMT) != 0)
        return true;
    if (now_us < direction->limit_us)
        return false;
    if (!direction->warned)
        log_warning("direction", "%s: the port is still sending after twice the time that it needs",
                    direction->config->path);
    direction->warned = true;
    return true;
}

int direction_poll(struct direction *direction, int64_t now_us)
{
    int64_t look_us;

    if (now_us < direction->due_us)
        return 0;
    if (!is_out(direction, now_us)) {
        look_us = serial_time_us(direction->config, 1) / LOOKS_A_BYTE;
        direction->due_us = now_us + (look_us > LOOK_MIN_US ? look_us : LOOK_MIN_US);
        return 0;
    }
    direction->due_us = INT64_MAX;
    return gpio_line_set(direction->line, false);
}

int direction_finish(struct direction *direction)
{
    while (direction->due_us != INT64_MAX) {
        struct timespec due = timespec_of_us(direction->due_us);

        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        if (direction_poll(direction, clock_us()) != 0)
            return -1;
    }
    return 0;
}

const char *direction_text(const struct direction *direction)
{
    return direction->text;
}

char *direction_name(const struct config_port *config, char text[static DIRECTION_NAME_SIZE])
{
    static const char *const names[] = {[CONFIG_DIRECTION_PIN] = "pin ",
                                        [CONFIG_DIRECTION_KERNEL] = "kernel",
                                        [CONFIG_DIRECTION_NONE] = "none"};

    snprintf(text, DIRECTION_NAME_SIZE, "%s%s", names[config->direction], config->dir_pin);
    return text;
}
