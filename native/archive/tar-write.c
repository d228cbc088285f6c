#include "tar-write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

void tar_writer_open(struct tar_writer *writer, const char *blob_path)
{
	memset(writer, 0, sizeof *writer);
	writer->is_hashed = blob_path != NULL;
	digest_init(&writer->digest);
	if (blob_path) {
		blob_create(&writer->blob, blob_path);
		sink_start(&writer->hasher, digest_take, &writer->digest);
		fan_add(&writer->fan, &writer->hasher.queue);
	} else {
		blob_stream(&writer->blob, STDOUT_FILENO);
	}
	sink_start(&writer->writer, blob_take, &writer->blob);
	fan_add(&writer->fan, &writer->writer.queue);
}

unsigned char *tar_write_room(struct tar_writer *writer, size_t *room)
{
	if (writer->chunk && writer->chunk->length == CHUNK_BYTES) {
		fan_push(&writer->fan, writer->chunk);
		writer->chunk = NULL;
	}
	if (!writer->chunk)
		writer->chunk = chunk_new();
	*room = CHUNK_BYTES - writer->chunk->length;
	return writer->chunk->bytes + writer->chunk->length;
}

void tar_write_done(struct tar_writer *writer, size_t length)
{
	writer->chunk->length += length;
}

void tar_write(struct tar_writer *writer, const void *bytes, size_t length)
{
	for (const unsigned char *p = bytes; length > 0;) {
		size_t room;
		unsigned char *to = tar_write_room(writer, &room);
		if (room > length)
			room = length;
		memcpy(to, p, room);
		tar_write_done(writer, room);
		p += room;
		length -= room;
	}
}

void tar_write_padding(struct tar_writer *writer, int64_t length)
{
	static const char zeros[TAR_BLOCK];
	tar_write(writer, zeros, (size_t)(-length & (TAR_BLOCK - 1)));
}

/* The text of an extended header. */
struct records {
	char *text;
	size_t length;
};

/* `length key=value\n`: the length counts its own digits, so it is found by trying. */
static void add_record(struct records *records, const char *key, const void *value, size_t value_length)
{
	size_t rest = strlen(key) + value_length + 3; /* space, equals sign, newline */
	size_t length = rest + 1;
	while (length != rest + (size_t)snprintf(NULL, 0, "%zu", length))
		length = rest + (size_t)snprintf(NULL, 0, "%zu", length);
	/* One byte more for the zero that sprintf puts behind. */
	records->text = reallocate(records->text, records->length + length + 1);
	char *p = records->text + records->length;
	p += sprintf(p, "%zu %s=", length, key);
	memcpy(p, value, value_length);
	p[value_length] = '\n';
	records->length += length;
}

static void add_number(struct records *records, const char *key, int64_t value)
{
	char text[24];
	int length = snprintf(text, sizeof text, "%lld", (long long)value);
	add_record(records, key, text, (size_t)length);
}

/* Octal digits and a zero byte; what does not fit becomes a record, and zero here. */
static void put_number(char *field, size_t length, int64_t value, struct records *records, const char *key)
{
	int64_t limit = 1LL << (3 * (length - 1));
	if (value < 0 || value >= limit) {
		add_number(records, key, value);
		value = 0;
	}
	char text[32];
	snprintf(text, sizeof text, "%0*llo", (int)length - 1, (unsigned long long)value);
	memcpy(field, text, length);
}

#define PUT(header, field, value, records, key) put_number((header)->field, sizeof(header)->field, value, records, key)

/* A name of up to 100 bytes, or with a directory part of up to 155 before it; longer ones become a record. */
static void put_name(struct tar_header *header, const char *name, struct records *records)
{
	size_t length = strlen(name);
	if (length <= sizeof header->name) {
		memcpy(header->name, name, length);
		return;
	}
	/* The earliest slash that leaves a short enough rest; a slash at the end divides nothing. */
	const char *slash = strchr(name + length - sizeof header->name - 1, '/');
	if (slash && slash[1] && slash > name && (size_t)(slash - name) <= sizeof header->prefix) {
		memcpy(header->prefix, name, (size_t)(slash - name));
		memcpy(header->name, slash + 1, strlen(slash + 1));
		return;
	}
	add_record(records, "path", name, length);
	memcpy(header->name, name, sizeof header->name);
}

static void put_checksum(struct tar_header *header)
{
	memset(header->checksum, ' ', sizeof header->checksum);
	unsigned int sum = 0;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += ((const unsigned char *)header)[i];
	snprintf(header->checksum, sizeof header->checksum, "%06o", sum);
	header->checksum[7] = ' ';
}

static void init_header(struct tar_header *header, char type)
{
	memset(header, 0, sizeof *header);
	header->type = type;
	memcpy(header->magic, "ustar\00000", sizeof header->magic);
}

static void write_records(struct tar_writer *writer, const struct records *records)
{
	struct tar_header header;
	init_header(&header, TAR_PAX);
	struct records none = { 0 };
	memcpy(header.name, "pax", 3);
	PUT(&header, mode, 0644, &none, "");
	PUT(&header, uid, 0, &none, "");
	PUT(&header, gid, 0, &none, "");
	PUT(&header, size, (int64_t)records->length, &none, "");
	PUT(&header, mtime, 0, &none, "");
	put_checksum(&header);
	tar_write(writer, &header, sizeof header);
	tar_write(writer, records->text, records->length);
	tar_write_padding(writer, (int64_t)records->length);
}

/* GNU's format 1.0 (GNU tar manual, "PAX Format, Version 1.0"): the map is the content's beginning. */
static char *sparse_map(const struct entry *entry, int64_t *stored)
{
	size_t room = (entry->region_count + 1) * 42 + TAR_BLOCK;
	char *map = allocate(room);
	memset(map, 0, room);
	size_t length = (size_t)sprintf(map, "%zu\n", entry->region_count);
	*stored = 0;
	for (size_t i = 0; i < entry->region_count; i++) {
		const struct region *region = &entry->regions[i];
		length += (size_t)sprintf(map + length, "%lld\n%lld\n", (long long)region->offset, (long long)region->length);
		*stored += region->length;
	}
	*stored += (int64_t)((length + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
	return map;
}

void tar_write_header(struct tar_writer *writer, const struct entry *entry)
{
	struct tar_header header;
	init_header(&header, (char)entry->type);
	struct records records = { 0 };
	int64_t stored = entry->size;
	AUTO_TEXT map = entry->regions ? sparse_map(entry, &stored) : NULL;

	put_name(&header, entry->name, &records);
	if (entry->link) {
		size_t length = strlen(entry->link);
		if (length > sizeof header.link)
			add_record(&records, "linkpath", entry->link, length);
		memcpy(header.link, entry->link, length > sizeof header.link ? sizeof header.link : length);
	}
	PUT(&header, mode, entry->mode, &records, "mode");
	PUT(&header, uid, entry->uid, &records, "uid");
	PUT(&header, gid, entry->gid, &records, "gid");
	PUT(&header, size, stored, &records, "size");
	PUT(&header, mtime, entry->mtime.tv_sec, &records, "mtime");
	PUT(&header, major, entry->major, &records, "SCHILY.devmajor");
	PUT(&header, minor, entry->minor, &records, "SCHILY.devminor");
	if (map) {
		add_number(&records, "GNU.sparse.major", 1);
		add_number(&records, "GNU.sparse.minor", 0);
		add_record(&records, "GNU.sparse.name", entry->name, strlen(entry->name));
		add_number(&records, "GNU.sparse.realsize", entry->size);
	}
	for (size_t i = 0; i < entry->xattr_count; i++) {
		AUTO_TEXT key = format_text("SCHILY.xattr.%s", entry->xattrs[i].name);
		add_record(&records, key, entry->xattrs[i].value, entry->xattrs[i].length);
	}
	if (records.length > 0)
		write_records(writer, &records);
	free(records.text);
	put_checksum(&header);
	tar_write(writer, &header, sizeof header);
	if (map) {
		size_t length = strlen(map);
		tar_write(writer, map, length);
		tar_write_padding(writer, (int64_t)length);
	}
}

void tar_writer_finish(struct tar_writer *writer)
{
	static const char end[2 * TAR_BLOCK];
	tar_write(writer, end, sizeof end);
	fan_push(&writer->fan, writer->chunk);
	fan_push(&writer->fan, NULL);
	sink_finish(&writer->writer);
	if (writer->is_hashed) {
		sink_finish(&writer->hasher);
		blob_finish(&writer->blob);
	}
}
