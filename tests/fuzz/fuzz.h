/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: libFuzzer's entry point, a check, and taking an input apart. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called by libFuzzer for every input. Ends the process when the code under test breaks a rule. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A rule that must hold for every input. */
#define CHECK(rule) ((rule) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #rule))

static inline _Noreturn void fuzz_broken(const char *file, int line, const char *rule)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, rule);
    abort();
}

/* What is left of an input. */
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

/* The next byte; 0 when there is none. */
static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
    uint16_t low = fuzz_byte(input);

    return (uint16_t)(low | fuzz_byte(input) << 8);
}

/* The rest as a string of its own: to its end or its first NUL. The caller frees it. */
static inline char *fuzz_text(const struct fuzz_input *input)
{
    char *text = malloc(input->size + 1);

    CHECK(text != NULL);
    if (input->size > 0)
        memcpy(text, input->data, input->size);
    text[input->size] = '\0';
    return text;
}

#endif
