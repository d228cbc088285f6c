/* What a bind mount is made of. */
#ifndef BIND_SOURCE_H
#define BIND_SOURCE_H

/*
 * A detached copy of the mount at a path of the host; of another container's tree where the path is
 * /proc/<pid>/root/... -1 with errno.
 */
int open_bind_source(const char *source, unsigned flags);

#endif
