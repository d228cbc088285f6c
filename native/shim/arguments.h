/* The arguments that other processes see of this one, in ps and /proc/<pid>/cmdline. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Shows these bytes, words that each end with a NUL, in place of what the program was started with. They are not copied and
 * must stay. False, and nothing changed, without CONFIG_CHECKPOINT_RESTORE or without /proc.
 */
bool arguments_show(char *words, size_t length);

#endif
