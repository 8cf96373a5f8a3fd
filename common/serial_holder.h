/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a port that is in use: for the message, not for a decision. Linux, by /proc. */
#ifndef COMMON_SERIAL_HOLDER_H
#define COMMON_SERIAL_HOLDER_H

enum { SERIAL_HOLDER_SIZE = 64 };

/*
 * Writes "process 123 (minicom)": who has a flock on the port, else another process that has it
 * open, or "another program" when neither can be seen: other users' open files are root's to read.
 * Looks at a bounded number of files and never touches them. Returns text.
 */
const char *serial_holder(const char *path, char text[static SERIAL_HOLDER_SIZE]);

#endif
