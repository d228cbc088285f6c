#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attributes.h"
#include "memory.h"
#include "operations.h"
#include "options.h"
#include "report.h"
#include "root.h"

static void write_entry(struct packer *packer, struct entry *entry)
{
	if (entry->mtime.tv_sec > packer->newest)
		entry->mtime.tv_sec = packer->newest;
	tar_write_header(&packer->writer, entry);
}

/* A name that stands for what overlayfs marked. Its time says nothing: overlayfs shares one inode for many of them. */
static void pack_mark(struct packer *packer, char *name)
{
	struct entry entry = { .type = TAR_FILE, .name = name, .mode = 0600 };
	write_entry(packer, &entry);
	free(name);
}

void pack_deleted(struct packer *packer, const char *directory, const char *name)
{
	pack_mark(packer, format_text("%s%s.wh.%s", directory, *directory ? "/" : "", name));
}

/* A stretch of a file. One that meanwhile became shorter is filled up: its size has been written already. */
static void pack_bytes(struct packer *packer, int fd, int64_t offset, int64_t length, const char *name)
{
	while (length > 0) {
		size_t room;
		unsigned char *to = tar_write_room(&packer->writer, &room);
		if ((int64_t)room > length)
			room = (size_t)length;
		ssize_t n = pread(fd, to, room, offset);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			fail("read", name, errno);
		}
		if (n == 0) {
			memset(to, 0, room);
			n = (ssize_t)room;
		}
		tar_write_done(&packer->writer, (size_t)n);
		offset += n;
		length -= n;
	}
}

static void pack_file(struct packer *packer, int parent_fd, const char *name, struct entry *entry)
{
	/* O_NONBLOCK: should a pipe have taken its place, nobody waits. */
	AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) != 0)
		fail("open", entry->name, errno);
	find_regions(entry, fd, &status);
	write_entry(packer, entry);
	const struct region whole = { 0, entry->size };
	int64_t written = 0;
	for (size_t i = 0; i < (entry->regions ? entry->region_count : 1); i++) {
		const struct region *region = entry->regions ? &entry->regions[i] : &whole;
		pack_bytes(packer, fd, region->offset, region->length, entry->name);
		written += region->length;
	}
	tar_write_padding(&packer->writer, written);
}

static void pack_directory(struct packer *packer, int parent_fd, const char *name, struct entry *entry)
{
	AUTO_FD fd = open_directory_at(parent_fd, name);
	if (fd < 0)
		fail("open", entry->name, errno);
	AUTO_TEXT prefix = format_text("%s/", entry->name);
	free(entry->name);
	entry->name = copy_text(prefix);
	write_entry(packer, entry);
	if (packer->is_shallow)
		return;
	if (packer->is_upper && is_opaque(fd))
		pack_mark(packer, format_text("%s.wh..wh..opq", prefix));
	pack_content(packer, fd, prefix);
}

void pack_member(struct packer *packer, int parent_fd, const char *name, const char *as)
{
	struct stat status;
	if (fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return; /* gone since the directory was read: a live container */
		fail("look-up", as, errno);
	}
	if (S_ISSOCK(status.st_mode))
		return; /* tar has no word for it, and nobody listens in a copy */
	struct entry entry = { 0 };
	entry_from_stat(&entry, &status);
	entry.name = copy_text(as);
	const char *first = link_seen(&packer->links, &status, as);
	if (first) {
		entry.type = TAR_HARD_LINK;
		entry.size = 0;
		entry.link = copy_text(first);
		write_entry(packer, &entry);
		entry_clear(&entry);
		return;
	}
	read_xattrs(&entry, parent_fd, name);
	switch (entry.type) {
	case TAR_FILE:
		packer->content += entry.size;
		pack_file(packer, parent_fd, name, &entry);
		break;
	case TAR_DIRECTORY:
		pack_directory(packer, parent_fd, name, &entry);
		break;
	case TAR_SYMBOLIC_LINK:
		entry.link = read_link_at(parent_fd, name);
		packer->content += (int64_t)strlen(entry.link);
		write_entry(packer, &entry);
		break;
	default:
		write_entry(packer, &entry);
	}
	entry_clear(&entry);
}

void pack_content(struct packer *packer, int fd, const char *prefix)
{
	struct listing listing = list_directory(fd, prefix);
	for (size_t i = 0; i < listing.count; i++) {
		const char *name = listing.names[i];
		struct stat status;
		if (packer->is_upper && fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && is_whiteout(&status)) {
			pack_mark(packer, format_text("%s.wh.%s", prefix, name));
			continue;
		}
		AUTO_TEXT as = format_text("%s%s", prefix, name);
		pack_member(packer, fd, name, as);
	}
	listing_free(&listing);
}

static int64_t newest_option(void)
{
	const char *text = option("newest");
	return text ? strtoll(text, NULL, 10) : INT64_MAX;
}

void operation_pack(void)
{
	struct packer packer = { .is_upper = true, .newest = newest_option() };
	struct root upper = root_at(required_option("from"));
	tar_writer_open(&packer.writer, required_option("blob"));
	AUTO_FD fd = open_directory_at(upper.fd, ".");
	if (fd < 0)
		fail("open", "", errno);
	pack_content(&packer, fd, "");
	tar_writer_finish(&packer.writer);

	char digest[DIGEST_TEXT_BYTES];
	digest_text(&packer.writer.digest, digest);
	report_open('{');
	report_text_field("digest", digest);
	report_integer_field("size", packer.writer.digest.size);
	report_integer_field("content", packer.content);
	report_close('}');
}

void operation_export(void)
{
	struct packer packer = { .newest = newest_option() };
	struct root root = root_from_option("root", false);
	AUTO_FD fd = open_directory_at(root.fd, ".");
	if (fd < 0)
		fail("open", "", errno);
	tar_writer_open(&packer.writer, NULL);
	pack_content(&packer, fd, "");
	tar_writer_finish(&packer.writer);
}
