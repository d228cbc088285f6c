/* Members of a tar stream, one after the other. Whatever is not tar, or beyond sane bounds, ends the program. */
#ifndef TAR_READ_H
#define TAR_READ_H

#include "source.h"
#include "tar.h"

struct tar_reader {
	struct source *source;
	struct entry entry;
	int64_t stored; /* bytes of the member still in the stream */
	int64_t padding; /* and those to the next block */
	uint64_t count;
};

void tar_reader_init(struct tar_reader *reader, struct source *source);

/* The next member, valid until the next call; NULL at the archive's end. Unread content is skipped. */
struct entry *tar_next(struct tar_reader *reader);

/* Stored content of the member, as much as is at hand and at most `want`; 0 at its end. */
size_t tar_content(struct tar_reader *reader, int64_t want, const unsigned char **bytes);

#endif
