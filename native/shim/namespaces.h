/* Entering and naming of namespaces. */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include <stdint.h>

/* Moves the caller into those namespaces (CLONE_NEW*) of the process behind the pidfd; its root becomes the mount namespace's. */
int enter_namespaces(int process, uint32_t namespaces);

#endif
