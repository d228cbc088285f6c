#include "tar-read.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "report.h"

/* Extended headers: a few names and attributes of at most 64 KiB each. */
#define PAX_LIMIT (1024 * 1024)
/* A member costs an inode; no image comes near. */
#define ENTRY_LIMIT 8000000
#define REGION_LIMIT 1000000

static _Noreturn void not_tar(void)
{
	refuse("read-header", "", "NOT_TAR");
}

static _Noreturn void too_large(const char *name)
{
	refuse("read-header", name ? name : "", "TOO_LARGE");
}

void entry_clear(struct entry *entry)
{
	free(entry->name);
	free(entry->link);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		free(entry->xattrs[i].name);
		free(entry->xattrs[i].value);
	}
	free(entry->xattrs);
	free(entry->regions);
	memset(entry, 0, sizeof *entry);
}

void entry_add_xattr(struct entry *entry, const char *name, size_t name_length, const void *value, size_t length)
{
	entry->xattrs = reallocate(entry->xattrs, (entry->xattr_count + 1) * sizeof *entry->xattrs);
	struct xattr *xattr = &entry->xattrs[entry->xattr_count++];
	xattr->name = format_text("%.*s", (int)name_length, name);
	xattr->value = allocate(length);
	memcpy(xattr->value, value, length);
	xattr->length = length;
}

void entry_add_region(struct entry *entry, int64_t offset, int64_t length)
{
	if (offset < 0 || length < 0 || offset > INT64_MAX - length || entry->region_count == REGION_LIMIT)
		too_large(entry->name);
	/* Grown by doubling: powers of two are full. */
	if ((entry->region_count & (entry->region_count - 1)) == 0) {
		size_t room = entry->region_count ? entry->region_count * 2 : 1;
		entry->regions = reallocate(entry->regions, room * sizeof *entry->regions);
	}
	entry->regions[entry->region_count++] = (struct region){ offset, length };
}

void tar_reader_init(struct tar_reader *reader, struct source *source)
{
	memset(reader, 0, sizeof *reader);
	reader->source = source;
}

/* Octal digits with spaces or zero bytes around them, or GNU's base 256 (first bit set). */
static int64_t parse_number(const char *field, size_t length)
{
	const unsigned char *p = (const unsigned char *)field;
	if (*p & 0x80) {
		bool negative = *p & 0x40;
		uint64_t value = negative ? UINT64_MAX : 0;
		for (size_t i = 0; i < length; i++) {
			unsigned char byte = i == 0 ? (unsigned char)(negative ? *p : *p & 0x7f) : p[i];
			if ((value >> 55) != (negative ? 0x1ff : 0))
				too_large(NULL);
			value = value << 8 | byte;
		}
		return (int64_t)value;
	}
	size_t i = 0;
	while (i < length && (p[i] == ' ' || p[i] == '\0'))
		i++;
	int64_t value = 0;
	for (; i < length && p[i] >= '0' && p[i] <= '7'; i++)
		value = value << 3 | (p[i] - '0');
	if (i < length && p[i] != ' ' && p[i] != '\0')
		not_tar();
	return value;
}

#define FIELD(field) parse_number(field, sizeof(field))

static void check_sum(const struct tar_header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	const size_t start = offsetof(struct tar_header, checksum), end = start + sizeof header->checksum;
	int64_t sum = 0, signed_sum = 0; /* some old archivers summed signed characters */
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		unsigned char byte = i >= start && i < end ? ' ' : bytes[i];
		sum += byte;
		signed_sum += (signed char)byte;
	}
	int64_t told = FIELD(header->checksum);
	if (told != sum && told != signed_sum)
		not_tar();
}

static uint32_t parse_id(int64_t value)
{
	if (value < 0 || value > UINT32_MAX)
		too_large(NULL);
	return (uint32_t)value;
}

/* A decimal number that ends where the text does. */
static int64_t parse_decimal(const char *text)
{
	char *end;
	long long value = strtoll(text, &end, 10);
	if (end == text || *end != '\0')
		not_tar();
	if (value == LLONG_MAX || value == LLONG_MIN)
		too_large(NULL);
	return value;
}

/* Seconds with a fraction, as pax has them: `1350244992.023960108`. */
static struct timespec parse_time(const char *text)
{
	const char *dot = strchr(text, '.');
	AUTO_TEXT whole = dot ? format_text("%.*s", (int)(dot - text), text) : copy_text(text);
	struct timespec time = { .tv_sec = parse_decimal(whole) };
	long nanoseconds = 0;
	for (int i = 1; i <= 9 && dot; i++) {
		int digit = dot[i];
		if (digit < '0' || digit > '9')
			break;
		long weight = 1;
		for (int j = i; j < 9; j++)
			weight *= 10;
		nanoseconds += (digit - '0') * weight;
	}
	if (nanoseconds > 0 && text[0] == '-') {
		time.tv_sec--;
		nanoseconds = 1000000000 - nanoseconds;
	}
	time.tv_nsec = nanoseconds;
	return time;
}

/* What the headers before a member's own said about it. */
struct extension {
	char *name, *link, *sparse_name, *sparse_map;
	int64_t size, uid, gid, real_size; /* -1: not said */
	struct timespec mtime;
	bool has_mtime;
	int sparse_major, sparse_minor; /* -1: not sparse */
	int64_t pending_offset; /* sparse 0.0 tells each region in two records */
};

static void extension_clear(struct extension *extension)
{
	free(extension->name);
	free(extension->link);
	free(extension->sparse_name);
	free(extension->sparse_map);
	*extension = (struct extension){ .size = -1, .uid = -1, .gid = -1, .real_size = -1, .sparse_major = -1 };
}

static void set_text(char **field, const char *value)
{
	free(*field);
	*field = copy_text(value);
}

/* One record of an extended header. `value` ends with a zero byte; binary values may have more inside. */
static void take_record(struct entry *entry, struct extension *extension, const char *key, const char *value, size_t length)
{
	static const char xattr_prefix[] = "SCHILY.xattr.";
	if (strncmp(key, xattr_prefix, sizeof xattr_prefix - 1) == 0) {
		const char *name = key + sizeof xattr_prefix - 1;
		entry_add_xattr(entry, name, strlen(name), value, length);
		return;
	}
	if (strlen(value) != length)
		not_tar(); /* A zero byte inside a name would hide its rest. */
	if (strcmp(key, "path") == 0)
		set_text(&extension->name, value);
	else if (strcmp(key, "linkpath") == 0)
		set_text(&extension->link, value);
	else if (strcmp(key, "size") == 0)
		extension->size = parse_decimal(value);
	else if (strcmp(key, "uid") == 0)
		extension->uid = parse_decimal(value);
	else if (strcmp(key, "gid") == 0)
		extension->gid = parse_decimal(value);
	else if (strcmp(key, "mtime") == 0) {
		extension->mtime = parse_time(value);
		extension->has_mtime = true;
	} else if (strcmp(key, "GNU.sparse.major") == 0)
		extension->sparse_major = (int)parse_decimal(value);
	else if (strcmp(key, "GNU.sparse.minor") == 0)
		extension->sparse_minor = (int)parse_decimal(value);
	else if (strcmp(key, "GNU.sparse.name") == 0)
		set_text(&extension->sparse_name, value);
	else if (strcmp(key, "GNU.sparse.realsize") == 0 || strcmp(key, "GNU.sparse.size") == 0) {
		extension->real_size = parse_decimal(value);
		if (extension->sparse_major < 0)
			extension->sparse_major = 0; /* 0.0 and 0.1 have no version record */
	} else if (strcmp(key, "GNU.sparse.map") == 0)
		set_text(&extension->sparse_map, value);
	else if (strcmp(key, "GNU.sparse.offset") == 0)
		extension->pending_offset = parse_decimal(value);
	else if (strcmp(key, "GNU.sparse.numbytes") == 0)
		entry_add_region(entry, extension->pending_offset, parse_decimal(value));
}

/* Records of `length key=value\n`, the length counting itself. */
static void take_records(struct entry *entry, struct extension *extension, char *text, size_t length)
{
	for (size_t at = 0; at < length;) {
		char *end;
		unsigned long record = strtoul(text + at, &end, 10);
		size_t key = (size_t)(end - text) + 1;
		if (*end != ' ' || record < 5 || record > length - at || text[at + record - 1] != '\n' || key >= at + record)
			not_tar();
		char *equals = memchr(text + key, '=', at + record - key);
		if (!equals)
			not_tar();
		text[at + record - 1] = '\0';
		*equals = '\0';
		take_record(entry, extension, text + key, equals + 1, (size_t)(text + at + record - 1 - (equals + 1)));
		at += record;
	}
}

/* The content of a header that is a text of its own; one zero byte is put behind it. */
static char *read_text(struct source *source, int64_t size, int64_t limit)
{
	if (size < 0 || size > limit)
		too_large(NULL);
	char *text = allocate((size_t)size + 1);
	if (size > 0 && !source_read(source, text, (size_t)size))
		refuse("read-header", "", "TRUNCATED");
	text[size] = '\0';
	source_skip(source, -size & (TAR_BLOCK - 1));
	return text;
}

static char *field_text(const char *field, size_t length)
{
	return format_text("%.*s", (int)strnlen(field, length), field);
}

static char *header_name(const struct tar_header *header)
{
	/* Only POSIX has the prefix; GNU ("ustar  ") keeps times there. Schily's is shorter by its own times. */
	if (memcmp(header->magic, "ustar\0", 6) == 0 && header->prefix[0]) {
		size_t room = memcmp((const char *)header + 508, "tar", 4) == 0 ? 131 : sizeof header->prefix;
		return format_text("%.*s/%.*s", (int)strnlen(header->prefix, room), header->prefix,
				   (int)strnlen(header->name, sizeof header->name), header->name);
	}
	return field_text(header->name, sizeof header->name);
}

static enum tar_type header_type(const struct tar_header *header, const char *name)
{
	size_t length = strlen(name);
	switch (header->type) {
	case '\0':
	case TAR_FILE:
	case '7': /* contiguous: a file */
		/* Before POSIX a directory was a file with a slash at its end. */
		return length > 0 && name[length - 1] == '/' ? TAR_DIRECTORY : TAR_FILE;
	case TAR_HARD_LINK:
	case TAR_SYMBOLIC_LINK:
	case TAR_CHARACTER_DEVICE:
	case TAR_BLOCK_DEVICE:
	case TAR_DIRECTORY:
	case TAR_FIFO:
	case TAR_GNU_SPARSE:
		return (enum tar_type)header->type;
	default:
		refuse("read-header", name, "UNSUPPORTED");
	}
}

/* GNU's old way: regions in the header (where POSIX has the prefix), more in blocks behind it. */
static void take_old_regions(struct tar_reader *reader, const struct tar_header *header)
{
	struct entry *entry = &reader->entry;
	unsigned char block[TAR_BLOCK];
	const char *field = (const char *)header + 386;
	size_t count = 4;
	bool more = ((const char *)header)[482];
	entry->size = parse_number((const char *)header + 483, 12);
	for (;;) {
		for (size_t i = 0; i < count && field[i * 24]; i++)
			entry_add_region(entry, parse_number(field + i * 24, 12), parse_number(field + i * 24 + 12, 12));
		if (!more)
			return;
		if (!source_read(reader->source, block, sizeof block))
			refuse("read-header", entry->name, "TRUNCATED");
		field = (const char *)block;
		count = 21;
		more = block[504];
	}
}

/* `offset,length,offset,length...` */
static void take_region_list(struct entry *entry, char *list)
{
	char *rest = NULL;
	for (char *offset = strtok_r(list, ",", &rest); offset; offset = strtok_r(NULL, ",", &rest)) {
		char *length = strtok_r(NULL, ",", &rest);
		if (!length)
			not_tar();
		entry_add_region(entry, parse_decimal(offset), parse_decimal(length));
	}
}

/* A decimal line at the start of a sparse 1.0 member's content. */
static int64_t read_map_line(struct tar_reader *reader, int64_t *taken)
{
	char line[24];
	for (size_t length = 0; length < sizeof line; length++) {
		if (*taken >= reader->stored || !source_read(reader->source, line + length, 1))
			refuse("read-header", reader->entry.name, "TRUNCATED");
		++*taken;
		if (line[length] == '\n') {
			line[length] = '\0';
			return parse_decimal(line);
		}
	}
	not_tar();
}

static void take_content_map(struct tar_reader *reader)
{
	int64_t taken = 0;
	int64_t count = read_map_line(reader, &taken);
	for (int64_t i = 0; i < count; i++) {
		int64_t offset = read_map_line(reader, &taken);
		entry_add_region(&reader->entry, offset, read_map_line(reader, &taken));
	}
	int64_t padding = -taken & (TAR_BLOCK - 1);
	source_skip(reader->source, padding);
	reader->stored -= taken + padding;
}

/* Regions must be in order, inside the file, and make up what is stored. */
static void check_regions(const struct tar_reader *reader)
{
	const struct entry *entry = &reader->entry;
	int64_t at = 0, sum = 0;
	for (size_t i = 0; i < entry->region_count; i++) {
		const struct region *region = &entry->regions[i];
		if (region->offset < at || region->offset + region->length > entry->size)
			not_tar();
		at = region->offset + region->length;
		sum += region->length;
	}
	if (sum != reader->stored)
		not_tar();
}

static void take_sparse(struct tar_reader *reader, struct extension *extension, const struct tar_header *header)
{
	struct entry *entry = &reader->entry;
	if (entry->type == TAR_GNU_SPARSE) {
		entry->type = TAR_FILE;
		take_old_regions(reader, header);
	} else {
		if (extension->real_size < 0)
			not_tar();
		entry->size = extension->real_size;
		if (extension->sparse_name)
			set_text(&entry->name, extension->sparse_name);
		if (extension->sparse_major == 1)
			take_content_map(reader);
		else if (extension->sparse_map)
			take_region_list(entry, extension->sparse_map);
	}
	if (entry->size < 0)
		too_large(entry->name);
	if (!entry->regions)
		entry_add_region(entry, 0, 0); /* all of it is a hole */
	check_regions(reader);
}

/* Fills the entry from its own header and what went before it. */
static void take_header(struct tar_reader *reader, const struct tar_header *header, struct extension *extension)
{
	struct entry *entry = &reader->entry;
	entry->name = extension->name ? copy_text(extension->name) : header_name(header);
	entry->link = extension->link ? copy_text(extension->link) : field_text(header->link, sizeof header->link);
	if (strlen(entry->name) >= PATH_MAX || strlen(entry->link) >= PATH_MAX)
		too_large(NULL);
	entry->type = header_type(header, entry->name);
	entry->mode = (mode_t)FIELD(header->mode) & 07777;
	entry->uid = parse_id(extension->uid >= 0 ? extension->uid : FIELD(header->uid));
	entry->gid = parse_id(extension->gid >= 0 ? extension->gid : FIELD(header->gid));
	entry->mtime = extension->has_mtime ? extension->mtime : (struct timespec){ .tv_sec = FIELD(header->mtime) };
	if (entry->type == TAR_CHARACTER_DEVICE || entry->type == TAR_BLOCK_DEVICE) {
		entry->major = parse_id(FIELD(header->major));
		entry->minor = parse_id(FIELD(header->minor));
	}
	/* Only files have content; some archivers give links the size of what they lead to. */
	bool has_content = entry->type == TAR_FILE || entry->type == TAR_GNU_SPARSE;
	int64_t size = !has_content ? 0 : extension->size >= 0 ? extension->size : FIELD(header->size);
	if (size < 0 || size > INT64_MAX - TAR_BLOCK)
		too_large(entry->name);
	entry->size = reader->stored = size;
	reader->padding = -size & (TAR_BLOCK - 1);
	if (entry->type == TAR_GNU_SPARSE || extension->sparse_major >= 0)
		take_sparse(reader, extension, header);
}

static bool is_zero(const struct tar_header *header)
{
	static const struct tar_header zero;
	return memcmp(header, &zero, sizeof zero) == 0;
}

struct entry *tar_next(struct tar_reader *reader)
{
	source_skip(reader->source, reader->stored);
	source_skip(reader->source, reader->padding);
	reader->stored = reader->padding = 0;
	entry_clear(&reader->entry);

	__attribute__((cleanup(extension_clear))) struct extension extension = { 0 };
	extension_clear(&extension);
	struct tar_header header;
	/* One zero block ends it: the second one, and whatever follows, is taken in by source_finish(). */
	while (source_read(reader->source, &header, sizeof header) && !is_zero(&header)) {
		check_sum(&header);
		if (++reader->count > ENTRY_LIMIT)
			refuse("read-header", "", "TOO_MANY");
		switch (header.type) {
		case TAR_PAX: {
			int64_t size = FIELD(header.size);
			AUTO_TEXT text = read_text(reader->source, size, PAX_LIMIT);
			take_records(&reader->entry, &extension, text, (size_t)size);
			break;
		}
		case TAR_GNU_LONG_NAME:
			free(extension.name);
			extension.name = read_text(reader->source, FIELD(header.size), PATH_MAX);
			break;
		case TAR_GNU_LONG_LINK:
			free(extension.link);
			extension.link = read_text(reader->source, FIELD(header.size), PATH_MAX);
			break;
		case TAR_PAX_GLOBAL: /* Docker and Go leave these aside, too: comments of git-archive */
		case TAR_GNU_VOLUME: {
			AUTO_TEXT text = read_text(reader->source, FIELD(header.size), PAX_LIMIT);
			break;
		}
		default:
			take_header(reader, &header, &extension);
			return &reader->entry;
		}
	}
	return NULL;
}

size_t tar_content(struct tar_reader *reader, int64_t want, const unsigned char **bytes)
{
	if (want > reader->stored)
		want = reader->stored;
	if (want > CHUNK_BYTES)
		want = CHUNK_BYTES;
	if (want == 0)
		return 0;
	size_t n = source_take(reader->source, (size_t)want, bytes);
	if (n == 0)
		refuse("read-archive", reader->entry.name, "TRUNCATED");
	reader->stored -= (int64_t)n;
	return n;
}
