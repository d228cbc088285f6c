/* Paths as text. */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>

/*
 * Without leading slash, empty, `.` and `..` parts; "." for the root itself. NULL if `..` leads out of it: for names in
 * archives. Allocated.
 */
char *clean_name(const char *name);

/* The same for a path that a user gave: `..` of the root is the root, as the kernel has it. */
char *clean_path(const char *path);

/* `a/b` of `a` and `b`; either may be ".". */
char *join_path(const char *directory, const char *name);

/* The directory part, "." if there is none; and the last part inside `path`. */
char *parent_of(const char *path);
const char *base_of(const char *path);

bool starts_with(const char *text, const char *prefix);

#endif
