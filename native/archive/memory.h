/* Allocation and release that cannot go wrong unseen. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

void *allocate(size_t bytes);
void *reallocate(void *memory, size_t bytes);
char *copy_text(const char *text);
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

void free_text(char **text);
void close_descriptor(int *fd);

/* On a variable: released whichever way its scope is left. */
#define AUTO_TEXT __attribute__((cleanup(free_text))) char *
#define AUTO_FD __attribute__((cleanup(close_descriptor))) int

#endif
