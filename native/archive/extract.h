/* Members of an archive, or of another tree, become files below a directory of a root. */
#ifndef EXTRACT_H
#define EXTRACT_H

#include "attributes.h"
#include "root.h"
#include "tar-read.h"

struct extractor {
	const struct root *root;
	/* Where names start, inside the root: clean, "." for the root itself. */
	const char *base;
	/* A layer: `.wh.` names become overlayfs's marks. */
	bool is_layer;
	/* Directories that the archive leaves out look as in these roots, top first. */
	const struct root *lowers;
	size_t lower_count;
	/* A directory is never replaced by something else, nor the reverse (Docker's noOverwriteDirNonDir). */
	bool keep_kind;
	/* For all that is written, where given. */
	struct owner owner;
	bool has_mode;
	mode_t mode;

	/* The parent of the last member, for members come directory by directory. */
	char *parent;
	int parent_fd;
	/* Directories' times, set at the end, when nothing is put into them any more. */
	struct directory_time *times;
	size_t time_count;
	/* Bytes of the files made, as `usage` counts them. */
	int64_t content;
};

/* Zero all, then fill the fields above; begin last. */
void extract_begin(struct extractor *extractor);
/* All members of the archive. */
void extract_archive(struct extractor *extractor, struct source *source);
void extract_end(struct extractor *extractor);

/*
 * One file of the entry's kind at `name` (clean), without content: whatever stands there is replaced, a directory kept.
 * Returns the open descriptor of a file or directory, -1 for others.
 */
int extract_entry(struct extractor *extractor, const char *name, const struct entry *entry);
/* After its content: attributes. Closes the descriptor. */
void extract_attributes(struct extractor *extractor, const char *name, int fd, const struct entry *entry);

#endif
