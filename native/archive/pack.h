/* A directory tree as an archive: layers (`pack`), whole roots (`export`), parts of them (`copy-out`). */
#ifndef PACK_H
#define PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tar-write.h"
#include "tree.h"

struct packer {
	struct tar_writer writer;
	/* What overlayfs kept of writes: its marks become whiteouts. */
	bool is_upper;
	/* Directories without what is in them. */
	bool is_shallow;
	/* Later times are cut to this one. */
	int64_t newest;
	struct link_table links;
	/* Bytes of the files added so far, as `usage` counts them. */
	int64_t content;
};

/* Adds what is in an open directory; `prefix` is put before the names, without a slash between. */
void pack_content(struct packer *packer, int fd, const char *prefix);
/* Adds one file or tree under another name. */
void pack_member(struct packer *packer, int parent_fd, const char *name, const char *as);
/* Adds the whiteout of a name that is gone from a directory, "" for the root. */
void pack_deleted(struct packer *packer, const char *directory, const char *name);

#endif
