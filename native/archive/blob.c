#include "blob.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "report.h"

/* The disk begins to write as soon as so much is there, so that little is left to wait for at the end. */
#define FLUSH_BYTES (8 * 1024 * 1024)

void blob_create(struct blob *blob, const char *path)
{
	*blob = (struct blob){ .path = path };
	blob->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (blob->fd < 0)
		fail("create-blob", path, errno);
}

void blob_stream(struct blob *blob, int fd)
{
	*blob = (struct blob){ .path = "", .fd = fd, .flushed = INT64_MAX };
}

void blob_take(void *state, const unsigned char *bytes, size_t length)
{
	struct blob *blob = state;
	while (length > 0) {
		ssize_t n = write(blob->fd, bytes, length);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			fail("write-blob", blob->path, errno);
		}
		bytes += n;
		length -= (size_t)n;
		blob->written += n;
	}
	if (blob->written - blob->flushed >= FLUSH_BYTES) {
		/* Only a head start: fdatasync at the end is what counts. */
		(void)sync_file_range(blob->fd, blob->flushed, blob->written - blob->flushed, SYNC_FILE_RANGE_WRITE);
		blob->flushed = blob->written;
	}
}

void blob_finish(struct blob *blob)
{
	if (fdatasync(blob->fd) != 0)
		fail("sync-blob", blob->path, errno);
	if (close(blob->fd) != 0)
		fail("close-blob", blob->path, errno);
}
