/* SPDX-License-Identifier: Apache-2.0 */
/* "Permission denied" is the question asked most: says what is missing. */
#ifndef COMMON_PERMISSION_H
#define COMMON_PERMISSION_H

enum { PERMISSION_TEXT_SIZE = 200 };

/*
 * Why a device could not be opened. error: EACCES, by its group or mode ("permission denied: it
 * belongs to group gpio (gid 997), which this user is not in"); EPERM, by the rules of the unit
 * ("not permitted: the unit lacks DeviceAllow=char-gpiochip rw"). Returns text.
 */
char *permission_explain(const char *path, int error, char text[static PERMISSION_TEXT_SIZE]);

#endif
