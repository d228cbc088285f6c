/* The operation's arguments, `--name=value` or `--name`, in the order given. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

void options_set(char **arguments);

/* The first value of --name=value; NULL where it is not given. */
const char *option(const char *name);

/* As option(), but it is a mistake of the caller not to give it. */
const char *required_option(const char *name);

bool has_flag(const char *name);

/* Each value of an option that may be given many times: start with *cursor = 0; NULL after the last. */
const char *next_option(const char *name, size_t *cursor);

#endif
