/* Compressed input to plain bytes, in a thread of its own. */
#ifndef INFLATE_H
#define INFLATE_H

#include <pthread.h>
#include <stddef.h>

#include "chunk.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_XZ, COMPRESSION_BZIP2 };

/* By the first bytes of a stream (the formats' own specifications). A tar header with its magic is always plain. */
enum compression detect_compression(const unsigned char *bytes, size_t length);

struct inflater {
	enum compression compression;
	struct queue input;
	struct fan *output;
	pthread_t thread;
	/* The thread's own: what it reads from and writes into. */
	struct chunk *in, *out;
};

void inflater_start(struct inflater *inflater, enum compression compression, struct fan *output);
void inflater_finish(struct inflater *inflater);

#endif
