/* Walks of directory trees, in the order of names' bytes so that equal trees give equal results. */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tar.h"

/* Names in a directory, sorted, without `.` and `..`. */
struct listing {
	char **names;
	size_t count;
};
struct listing list_directory(int fd, const char *path);
void listing_free(struct listing *listing);

/* Opens a child directory for reading, never through a link. */
int open_directory_at(int parent_fd, const char *name);

/* Files with several names, by device and inode: the first name seen. */
struct link_table {
	struct link_slot *slots;
	size_t size, count;
};
/* The name under which this file was seen before; NULL if this is the first, which is then remembered. */
const char *link_seen(struct link_table *table, const struct stat *status, const char *name);

/* The text of a symbolic link. Allocated. */
char *read_link_at(int parent_fd, const char *name);

/*
 * The stretches of a file that have data, where it is worth telling: only then the entry gets regions. The OCI layer
 * specification advises against sparse members; a file that is nearly all hole (lastlog of a high uid) is the exception.
 */
void find_regions(struct entry *entry, int fd, const struct stat *status);

/* The depth of a tree is bounded by descriptors, one for each level. */
void raise_descriptor_limit(void);

#endif
