/*
 * An archive as it comes in: read in one thread, hashed and stored in others, inflated in one more where it is
 * compressed; what is left for the caller is the plain tar stream, without copies.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "chunk.h"
#include "digest.h"
#include "inflate.h"

struct source {
	enum compression compression;
	/* Of what came in, and of the tar stream; the same where that came plain. */
	struct digest input_digest, tar_digest;

	int fd;
	struct chunk *first; /* read before the threads were chosen */
	pthread_t reader;
	struct fan input_fan, tar_fan;
	struct inflater inflater;
	struct sink input_hasher, tar_hasher, blob_writer;
	bool is_hashed, is_stored;
	struct blob blob;

	/* The caller's side. */
	struct queue queue;
	struct chunk *chunk;
	size_t offset;
	bool ended;
};

/*
 * Starts reading from a descriptor. With `hash`, both digests are made; with `blob_path`, the archive is stored there:
 * as it came, or inflated where an image layer may not be compressed like that (xz, bzip2).
 */
void source_open(struct source *source, int fd, bool hash, const char *blob_path);

/* Up to `want` bytes, valid until the next call; 0 only at the end. */
size_t source_take(struct source *source, size_t want, const unsigned char **bytes);

/* Exactly `length` bytes; false if the stream ended before the first; ends the program if it ended between. */
bool source_read(struct source *source, void *buffer, size_t length);

/* Ends the program if the stream is shorter. */
void source_skip(struct source *source, int64_t length);

/* Takes the rest (an archive may be padded), then digests and blob are complete. */
void source_finish(struct source *source);

/* The fields "blob":{...},"compression":...,"tar":{...} */
void report_source(struct source *source);

#endif
