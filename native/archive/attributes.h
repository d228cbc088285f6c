/* What a file has beside its content: owner, permissions, times, extended attributes. */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include <stdbool.h>
#include <sys/stat.h>

#include "root.h"
#include "tar.h"

/* overlayfs's marks; `user.` for mounts in a user namespace (kernel 5.11). */
#define OPAQUE_XATTR "trusted.overlay.opaque"
#define OPAQUE_XATTR_USER "user.overlay.opaque"

/* overlayfs's mark of a removed name: a character device 0/0. */
bool is_whiteout(const struct stat *status);

/* Whether a directory hides what layers below have at its place. */
bool is_opaque(int fd);

/*
 * Adds the extended attributes of `name` to the entry, sorted: not overlayfs's own, nor labels that only mean something
 * on the machine where they were made.
 */
void read_xattrs(struct entry *entry, int parent_fd, const char *name);

/* Fills type, mode, owner, times, size and device numbers. */
void entry_from_stat(struct entry *entry, const struct stat *status);

/*
 * Gives `name` what the entry says, in the order in which nothing is lost again: owner (clears setuid bits and
 * capabilities), permissions, extended attributes, times. `fd` is the open file or directory, or -1.
 */
void apply_attributes(int parent_fd, const char *name, int fd, const struct entry *entry);

/* `user[:group]`, numbers or names of the root's own files; a group left out is named like the user, as Docker has it. */
struct owner {
	bool given;
	uid_t uid;
	gid_t gid;
};
struct owner owner_from_option(const struct root *root);

#endif
