/* Detached mounts: made first, attributes set, attached last, so that no half-configured mount is ever visible. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdint.h>

/* A new file system of this type. Options are "name=value" or "name", split by commas. -1 with errno. */
int mount_new(const char *type, const char *source, const char *options, uint64_t attributes);

#endif
