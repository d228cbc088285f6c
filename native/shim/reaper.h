/* Pid 1 of a container with --init: small, and nothing but this. */
#ifndef REAPER_H
#define REAPER_H

#include "setup.h"

/* Returns in a child that is to become the program. The caller itself forwards signals, reaps, and ends as the child did. */
void reap_for_program(struct setup *setup);

#endif
