/* SPDX-License-Identifier: Apache-2.0 */
/* The assembler takes the file in; make knows of it (Makefile). */
#include "gatewayd/openapi.h"

__asm__(".pushsection .rodata\n"
        ".global openapi_text\n"
        "openapi_text:\n"
        ".incbin \"gatewayd/openapi.json\"\n"
        ".byte 0\n"
        ".popsection\n");
