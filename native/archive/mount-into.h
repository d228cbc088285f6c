/*
 * What is mounted into an overlay, for `docker cp` to see what the container would: one option for each mount, in order,
 * `--mount=<rw or ro>:<length of the source>:<length of the subpath>:<source><subpath><target>`.
 */
#ifndef MOUNT_INTO_H
#define MOUNT_INTO_H

#include <stdbool.h>

#include "root.h"

/* Whether all places of the mounts are there, so that a root which is only read can take them. */
bool mount_places_exist(const struct root *root);

/* Mounts them, making places that are missing as the container's start would. Sources that are missing are left out. */
void mount_into(const struct root *root);

#endif
