/* What a bind mount is made of. */
#ifndef BIND_SOURCE_H
#define BIND_SOURCE_H

#include <stdint.h>

/*
 * A detached copy of the mount at a path of the host; of another container's tree where the path is
 * /proc/<pid>/root/... -1 with errno.
 */
int open_bind_source(const char *source, unsigned flags);

/* A new detached file system. The layers that an overlay's options name are relative to the source. -1 with errno. */
int open_filesystem(const char *type, const char *source, const char *options, uint64_t attributes);

#endif
