/*
 * A root file system that belongs to somebody else. Every walk through it is done by openat2(2) under the root's
 * descriptor with RESOLVE_IN_ROOT (links, absolute ones too, end inside) and RESOLVE_NO_MAGICLINKS (/proc/<pid>/root of a
 * container that shares our process namespace leads nowhere); every change is made by an *at call on the parent's
 * descriptor with a single name, which is never followed. So nobody who renames things meanwhile gets us out.
 */
#ifndef ROOT_H
#define ROOT_H

#include <stdbool.h>
#include <sys/types.h>

struct root {
	int fd;
};

/*
 * Opens what an option describes (snapshot/root-access.ts): `live:<pid>`, `directory:<path>`, or
 * `overlay:<upper or ->:<lower,lower...>:<snapshots>`. An overlay is mounted in a mount namespace of this process alone;
 * unless it will be written to, its upper directory is only one more layer, which disturbs no other mount of it. Into
 * an overlay goes what mount-into.h says.
 */
struct root root_from_option(const char *name, bool will_write);

/* A directory of our own. */
struct root root_at(const char *path);

/* openat2() of a path in the root; -1 and errno. */
int root_open(const struct root *root, const char *path, int flags);

/* O_PATH descriptor of the directory that holds the path's last part. */
int root_open_parent(const struct root *root, const char *path);

/*
 * The path after following all links, as far as it exists: without leading slash, "." for the root. Allocated; NULL
 * with errno ELOOP.
 */
char *root_resolve(const struct root *root, const char *path);

/* Called for each directory that had to be made, with its parent's descriptor. */
typedef void made_directory(void *state, int parent_fd, const char *path);

/* O_PATH descriptor of a directory, made with its parents (0755) where it is missing; -1 and errno. */
int root_make_directories(const struct root *root, const char *path, made_directory *made, void *state);

/* Removes whatever stands at a name, on that file system alone. -1 and errno. */
int remove_tree(int parent_fd, const char *name);
/* Removes what is in a directory. */
int remove_content(int fd);

#endif
