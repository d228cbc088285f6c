/* A file that is complete on the disk, or an error: written from start to end, then synced. */
#ifndef BLOB_H
#define BLOB_H

#include <stddef.h>
#include <stdint.h>

struct blob {
	const char *path;
	int fd;
	int64_t written, flushed;
};

/* Makes the file; it must not be there. */
void blob_create(struct blob *blob, const char *path);
/* An open descriptor that is not to be synced: standard output. */
void blob_stream(struct blob *blob, int fd);
/* Fits a sink: `state` is the blob. */
void blob_take(void *state, const unsigned char *bytes, size_t length);
/* Syncs and closes. */
void blob_finish(struct blob *blob);

#endif
