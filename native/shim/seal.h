/* Protection of the shim's own file. */
#ifndef SEAL_H
#define SEAL_H

/*
 * Makes sure that this program runs from a read-only mount, which takes one exec of itself. A container's process that
 * reaches /proc/<pid>/exe of ours could otherwise overwrite the file and so run on the host (CVE-2019-5736). A mount
 * shares the page cache, which a sealed copy in memory would not: one copy for all containers. 0, or -1 with errno.
 */
int seal_self(char **argv);

#endif
