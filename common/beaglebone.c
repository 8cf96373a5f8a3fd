/* SPDX-License-Identifier: Apache-2.0 */
#include "common/beaglebone.h"

/* AM335x, "L4_WKUP" and "L4_PER peripheral memory map". */
static const uint32_t controllers[] = {0x44e07000, 0x4804c000, 0x481ac000, 0x481ae000};

/* clang-format off */
const struct beaglebone_pin beaglebone_pins[] = {
    {8, 3, 1, 6}, {8, 4, 1, 7}, {8, 5, 1, 2}, {8, 6, 1, 3}, {8, 7, 2, 2}, {8, 8, 2, 3},
    {8, 9, 2, 5}, {8, 10, 2, 4}, {8, 11, 1, 13}, {8, 12, 1, 12}, {8, 13, 0, 23}, {8, 14, 0, 26},
    {8, 15, 1, 15}, {8, 16, 1, 14}, {8, 17, 0, 27}, {8, 18, 2, 1}, {8, 19, 0, 22}, {8, 20, 1, 31},
    {8, 21, 1, 30}, {8, 22, 1, 5}, {8, 23, 1, 4}, {8, 24, 1, 1}, {8, 25, 1, 0}, {8, 26, 1, 29},
    {8, 27, 2, 22}, {8, 28, 2, 24}, {8, 29, 2, 23}, {8, 30, 2, 25}, {8, 31, 0, 10}, {8, 32, 0, 11},
    {8, 33, 0, 9}, {8, 34, 2, 17}, {8, 35, 0, 8}, {8, 36, 2, 16}, {8, 37, 2, 14}, {8, 38, 2, 15},
    {8, 39, 2, 12}, {8, 40, 2, 13}, {8, 41, 2, 10}, {8, 42, 2, 11}, {8, 43, 2, 8}, {8, 44, 2, 9},
    {8, 45, 2, 6}, {8, 46, 2, 7},
    {9, 11, 0, 30}, {9, 12, 1, 28}, {9, 13, 0, 31}, {9, 14, 1, 18}, {9, 15, 1, 16}, {9, 16, 1, 19},
    {9, 17, 0, 5}, {9, 18, 0, 4}, {9, 19, 0, 13}, {9, 20, 0, 12}, {9, 21, 0, 3}, {9, 22, 0, 2},
    {9, 23, 1, 17}, {9, 24, 0, 15}, {9, 25, 3, 21}, {9, 26, 0, 14}, {9, 27, 3, 19}, {9, 28, 3, 17},
    {9, 29, 3, 15}, {9, 30, 3, 16}, {9, 31, 3, 14},
    {9, 41, 0, 20}, {9, 42, 0, 7},
};
/* clang-format on */
const size_t beaglebone_pin_count = sizeof beaglebone_pins / sizeof beaglebone_pins[0];

const struct beaglebone_pin *beaglebone_pin_find(unsigned header, unsigned number)
{
    for (size_t i = 0; i < beaglebone_pin_count; i++)
        if (beaglebone_pins[i].header == header && beaglebone_pins[i].number == number)
            return &beaglebone_pins[i];
    return NULL;
}

uint32_t beaglebone_controller(const struct beaglebone_pin *pin)
{
    return controllers[pin->bank];
}
