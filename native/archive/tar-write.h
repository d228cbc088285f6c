/*
 * An archive as it goes out: ustar headers, pax records only for what ustar cannot say, so that equal trees give equal
 * bytes. Hashed and written in threads of their own.
 */
#ifndef TAR_WRITE_H
#define TAR_WRITE_H

#include <stdbool.h>

#include "blob.h"
#include "chunk.h"
#include "digest.h"
#include "tar.h"

struct tar_writer {
	struct fan fan;
	struct sink hasher, writer;
	struct blob blob;
	struct digest digest;
	bool is_hashed;
	struct chunk *chunk;
};

/* To a new file, hashed; or, with NULL, to standard output. */
void tar_writer_open(struct tar_writer *writer, const char *blob_path);

/* The member's header. Sizes of files are to be followed by that much content (a sparse one's: its regions' sum). */
void tar_write_header(struct tar_writer *writer, const struct entry *entry);
void tar_write(struct tar_writer *writer, const void *bytes, size_t length);
/* Where to put the next bytes, at least one; then how many were put there. */
unsigned char *tar_write_room(struct tar_writer *writer, size_t *room);
void tar_write_done(struct tar_writer *writer, size_t length);
/* Zeros to the next block after `length` bytes of content. */
void tar_write_padding(struct tar_writer *writer, int64_t length);

/* The end of the archive; then digest and file are complete. */
void tar_writer_finish(struct tar_writer *writer);

#endif
