/*
 * Paths below a root that is not yet ours: symbolic links lead inside it, `..` stops at it, magic links are refused
 * (CVE-2021-30465 and its kin). All results are O_PATH descriptors, to be mounted on without another walk.
 */
#ifndef INROOT_H
#define INROOT_H

#include <stdbool.h>
#include <sys/stat.h>

/* Opens what is there. -1 with errno. */
int inroot_open(int root, const char *path);

/* Opens it without following any link, for /proc and /sys, which must be where they seem. */
int inroot_open_strict(int root, const char *path);

/* Opens the directory or the empty file at path, making what is missing (0755, root's). *existed tells which it was. */
int inroot_make(int root, const char *path, bool directory, bool *existed);

/* Opens the parent directory of path, making it, and gives the last name (borrowed from path). */
int inroot_make_parent(int root, const char *path, const char **name);

#endif
