#include "source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

/* Reads until the chunk is full or the input ends. */
static struct chunk *read_chunk(int fd)
{
	struct chunk *chunk = chunk_new();
	while (chunk->length < CHUNK_BYTES) {
		ssize_t n = read(fd, chunk->bytes + chunk->length, CHUNK_BYTES - chunk->length);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			fail("read-input", "", errno);
		}
		if (n == 0)
			break;
		chunk->length += (size_t)n;
	}
	return chunk;
}

static void *reader_main(void *argument)
{
	struct source *source = argument;
	struct chunk *chunk = source->first;
	while (chunk->length > 0) {
		bool last = chunk->length < CHUNK_BYTES;
		fan_push(&source->input_fan, chunk);
		chunk = last ? chunk_new() : read_chunk(source->fd);
	}
	chunk_release(chunk);
	fan_push(&source->input_fan, NULL);
	return NULL;
}

/* Layers may be plain, gzip or zstd (OCI image spec, layer.md); others are stored inflated. */
static bool is_stored_as_it_came(enum compression compression)
{
	return compression != COMPRESSION_XZ && compression != COMPRESSION_BZIP2;
}

void source_open(struct source *source, int fd, bool hash, const char *blob_path)
{
	memset(source, 0, sizeof *source);
	source->fd = fd;
	source->is_hashed = hash;
	source->is_stored = blob_path != NULL;
	digest_init(&source->input_digest);
	digest_init(&source->tar_digest);
	queue_init(&source->queue);

	source->first = read_chunk(fd);
	source->compression = detect_compression(source->first->bytes, source->first->length);
	bool plain = source->compression == COMPRESSION_NONE;

	if (hash && !plain) {
		sink_start(&source->input_hasher, digest_take, &source->input_digest);
		fan_add(&source->input_fan, &source->input_hasher.queue);
	}
	if (hash) {
		sink_start(&source->tar_hasher, digest_take, &source->tar_digest);
		fan_add(plain ? &source->input_fan : &source->tar_fan, &source->tar_hasher.queue);
	}
	if (blob_path) {
		blob_create(&source->blob, blob_path);
		sink_start(&source->blob_writer, blob_take, &source->blob);
		fan_add(is_stored_as_it_came(source->compression) ? &source->input_fan : &source->tar_fan,
			&source->blob_writer.queue);
	}
	fan_add(plain ? &source->input_fan : &source->tar_fan, &source->queue);
	if (!plain) {
		inflater_start(&source->inflater, source->compression, &source->tar_fan);
		fan_add(&source->input_fan, &source->inflater.input);
	}
	int error = pthread_create(&source->reader, NULL, reader_main, source);
	if (error)
		fail("start-thread", "", error);
}

size_t source_take(struct source *source, size_t want, const unsigned char **bytes)
{
	while (!source->ended && (!source->chunk || source->offset == source->chunk->length)) {
		if (source->chunk)
			chunk_release(source->chunk);
		source->chunk = queue_pop(&source->queue);
		source->offset = 0;
		source->ended = source->chunk == NULL;
	}
	if (source->ended)
		return 0;
	size_t length = source->chunk->length - source->offset;
	if (length > want)
		length = want;
	*bytes = source->chunk->bytes + source->offset;
	source->offset += length;
	return length;
}

bool source_read(struct source *source, void *buffer, size_t length)
{
	for (size_t filled = 0; filled < length;) {
		const unsigned char *bytes;
		size_t n = source_take(source, length - filled, &bytes);
		if (n == 0) {
			if (filled == 0)
				return false;
			refuse("read-archive", "", "TRUNCATED");
		}
		memcpy((unsigned char *)buffer + filled, bytes, n);
		filled += n;
	}
	return true;
}

void source_skip(struct source *source, int64_t length)
{
	while (length > 0) {
		const unsigned char *bytes;
		size_t n = source_take(source, length > CHUNK_BYTES ? CHUNK_BYTES : (size_t)length, &bytes);
		if (n == 0)
			refuse("read-archive", "", "TRUNCATED");
		length -= (int64_t)n;
	}
}

void source_finish(struct source *source)
{
	const unsigned char *bytes;
	while (source_take(source, CHUNK_BYTES, &bytes) > 0) {
	}
	pthread_join(source->reader, NULL);
	bool plain = source->compression == COMPRESSION_NONE;
	if (!plain)
		inflater_finish(&source->inflater);
	if (source->is_hashed && !plain)
		sink_finish(&source->input_hasher);
	if (source->is_hashed)
		sink_finish(&source->tar_hasher);
	if (source->is_stored) {
		sink_finish(&source->blob_writer);
		blob_finish(&source->blob);
	}
}

void report_source(struct source *source)
{
	bool came_plain = source->compression == COMPRESSION_NONE;
	bool stored_inflated = came_plain || !is_stored_as_it_came(source->compression);
	report_digest_field("blob", stored_inflated ? &source->tar_digest : &source->input_digest);
	report_text_field("compression", stored_inflated                            ? "none"
					 : source->compression == COMPRESSION_GZIP ? "gzip"
										   : "zstd");
	report_digest_field("tar", &source->tar_digest);
}
