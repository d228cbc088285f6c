#include "inflate.h"

#include <bzlib.h>
#include <lzma.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "report.h"

/* What a decoder may use at most; xz -9 needs 65 MiB, zstd's own default bound is 128 MiB. */
#define MEMORY_LIMIT (256ULL * 1024 * 1024)

static bool starts_with(const unsigned char *bytes, size_t length, const char *magic, size_t magic_length)
{
	return length >= magic_length && memcmp(bytes, magic, magic_length) == 0;
}

enum compression detect_compression(const unsigned char *bytes, size_t length)
{
	if (length >= 262 && memcmp(bytes + 257, "ustar", 5) == 0)
		return COMPRESSION_NONE;
	if (starts_with(bytes, length, "\x1f\x8b\x08", 3))
		return COMPRESSION_GZIP;
	if (starts_with(bytes, length, "\x28\xb5\x2f\xfd", 4))
		return COMPRESSION_ZSTD;
	if (length >= 4 && (bytes[0] & 0xf0) == 0x50 && memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0)
		return COMPRESSION_ZSTD; /* a skippable frame first, as eStargz's cousin zstd:chunked has */
	if (starts_with(bytes, length, "\xfd" "7zXZ\0", 6))
		return COMPRESSION_XZ;
	if (starts_with(bytes, length, "BZh", 3))
		return COMPRESSION_BZIP2;
	return COMPRESSION_NONE;
}

static _Noreturn void corrupt(void)
{
	refuse("inflate", "", "CORRUPT");
}

static _Noreturn void truncated(void)
{
	refuse("inflate", "", "TRUNCATED");
}

/* The next piece of input; false at its end. */
static bool next_input(struct inflater *inflater)
{
	if (inflater->in)
		chunk_release(inflater->in);
	inflater->in = queue_pop(&inflater->input);
	return inflater->in != NULL;
}

/* Where the next bytes are to be written, and how many have room there. */
static unsigned char *room(struct inflater *inflater, size_t *bytes)
{
	if (inflater->out && inflater->out->length == CHUNK_BYTES) {
		fan_push(inflater->output, inflater->out);
		inflater->out = NULL;
	}
	if (!inflater->out)
		inflater->out = chunk_new();
	*bytes = CHUNK_BYTES - inflater->out->length;
	return inflater->out->bytes + inflater->out->length;
}

static void inflate_gzip(struct inflater *inflater)
{
	z_stream z = { 0 };
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		corrupt();
	bool in_member = true;
	while (next_input(inflater)) {
		z.next_in = inflater->in->bytes;
		z.avail_in = (uInt)inflater->in->length;
		while (z.avail_in > 0) {
			if (!in_member) {
				/* Members may follow each other (RFC 1952 2.2), with zeros between them as padding. */
				if (*z.next_in == 0) {
					z.next_in++;
					z.avail_in--;
					continue;
				}
				inflateReset(&z);
				in_member = true;
			}
			size_t space;
			z.next_out = room(inflater, &space);
			z.avail_out = (uInt)space;
			int status = inflate(&z, Z_NO_FLUSH);
			inflater->out->length += space - z.avail_out;
			if (status == Z_STREAM_END)
				in_member = false;
			else if (status != Z_OK)
				corrupt();
		}
	}
	if (in_member)
		truncated();
	inflateEnd(&z);
}

static void inflate_zstd(struct inflater *inflater)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	if (!stream)
		corrupt();
	size_t status = 1;
	while (next_input(inflater)) {
		ZSTD_inBuffer in = { inflater->in->bytes, inflater->in->length, 0 };
		bool full = false;
		while (in.pos < in.size || full) {
			ZSTD_outBuffer out = { 0 };
			out.dst = room(inflater, &out.size);
			status = ZSTD_decompressStream(stream, &out, &in);
			if (ZSTD_isError(status))
				corrupt();
			inflater->out->length += out.pos;
			full = out.pos == out.size && status != 0;
		}
	}
	if (status != 0)
		truncated();
	ZSTD_freeDStream(stream);
}

static void inflate_xz(struct inflater *inflater)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&stream, MEMORY_LIMIT, LZMA_CONCATENATED) != LZMA_OK)
		corrupt();
	for (lzma_ret status = LZMA_OK; status != LZMA_STREAM_END;) {
		lzma_action action = next_input(inflater) ? LZMA_RUN : LZMA_FINISH;
		stream.next_in = inflater->in ? inflater->in->bytes : NULL;
		stream.avail_in = inflater->in ? inflater->in->length : 0;
		do {
			size_t space;
			stream.next_out = room(inflater, &space);
			stream.avail_out = space;
			status = lzma_code(&stream, action);
			inflater->out->length += space - stream.avail_out;
			if (status == LZMA_BUF_ERROR)
				truncated();
			if (status != LZMA_OK && status != LZMA_STREAM_END)
				corrupt();
		} while (status == LZMA_OK && (stream.avail_in > 0 || action == LZMA_FINISH));
	}
	lzma_end(&stream);
}

static void inflate_bzip2(struct inflater *inflater)
{
	bz_stream stream = { 0 };
	bool in_member = false, any = false;
	while (next_input(inflater)) {
		stream.next_in = (char *)inflater->in->bytes;
		stream.avail_in = (unsigned int)inflater->in->length;
		while (stream.avail_in > 0) {
			if (!in_member) {
				if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
					corrupt();
				in_member = any = true;
			}
			size_t space;
			stream.next_out = (char *)room(inflater, &space);
			stream.avail_out = (unsigned int)space;
			int status = BZ2_bzDecompress(&stream);
			inflater->out->length += space - stream.avail_out;
			if (status == BZ_STREAM_END) {
				BZ2_bzDecompressEnd(&stream);
				in_member = false;
			} else if (status != BZ_OK) {
				corrupt();
			}
		}
	}
	if (in_member || !any)
		truncated();
}

static void *inflater_main(void *argument)
{
	struct inflater *inflater = argument;
	switch (inflater->compression) {
	case COMPRESSION_GZIP:
		inflate_gzip(inflater);
		break;
	case COMPRESSION_ZSTD:
		inflate_zstd(inflater);
		break;
	case COMPRESSION_XZ:
		inflate_xz(inflater);
		break;
	case COMPRESSION_BZIP2:
		inflate_bzip2(inflater);
		break;
	case COMPRESSION_NONE:
		break;
	}
	if (inflater->out)
		fan_push(inflater->output, inflater->out);
	fan_push(inflater->output, NULL);
	return NULL;
}

void inflater_start(struct inflater *inflater, enum compression compression, struct fan *output)
{
	inflater->compression = compression;
	inflater->output = output;
	inflater->in = inflater->out = NULL;
	queue_init(&inflater->input);
	int error = pthread_create(&inflater->thread, NULL, inflater_main, inflater);
	if (error)
		fail("start-thread", "", error);
}

void inflater_finish(struct inflater *inflater)
{
	int error = pthread_join(inflater->thread, NULL);
	if (error)
		fail("join-thread", "", error);
}
