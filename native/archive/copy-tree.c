/*
 * Files and trees from one root into another (`copy-tree`): COPY and ADD of a build, the first filling of a volume. The
 * rules for what is there already are BuildKit's: directories are merged and keep what they are, a file replaces a file,
 * and neither replaces the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "extract.h"
#include "memory.h"
#include "names.h"
#include "operations.h"
#include "options.h"
#include "report.h"
#include "tree.h"

struct copier {
	struct root source, target;
	struct extractor extractor;
	struct link_table links;
	/* Directories that are there already become like the source's too. */
	bool take_attributes;
};

static void copy_by_buffer(int from, int to, int64_t length, const char *name)
{
	static char buffer[256 * 1024];
	while (length > 0) {
		ssize_t n = read(from, buffer, length < (int64_t)sizeof buffer ? (size_t)length : sizeof buffer);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("read", name, errno);
		if (n == 0)
			return;
		for (ssize_t sent = 0; sent < n;) {
			ssize_t m = write(to, buffer + sent, (size_t)(n - sent));
			if (m < 0 && errno != EINTR)
				fail("write", name, errno);
			if (m > 0)
				sent += m;
		}
		length -= n;
	}
}

/* A stretch at both files' positions: shared or copied by the file system where it can. */
static void copy_bytes(int from, int to, int64_t length, const char *name)
{
	while (length > 0) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)length, 0);
		if (n < 0) {
			/* Different file systems, or one that cannot. */
			copy_by_buffer(from, to, length, name);
			return;
		}
		if (n == 0)
			return;
		length -= n;
	}
}

static void copy_content(int from, int to, struct entry *entry, const struct stat *status)
{
	find_regions(entry, from, status);
	if (!entry->regions) {
		copy_bytes(from, to, entry->size, entry->name);
		return;
	}
	if (ftruncate(to, entry->size) != 0)
		fail("write", entry->name, errno);
	for (size_t i = 0; i < entry->region_count; i++) {
		const struct region *region = &entry->regions[i];
		if (lseek(from, region->offset, SEEK_SET) < 0 || lseek(to, region->offset, SEEK_SET) < 0)
			fail("write", entry->name, errno);
		copy_bytes(from, to, region->length, entry->name);
	}
}

static void copy_node(struct copier *copier, int parent_fd, const char *name, const char *to);

static void copy_directory(struct copier *copier, int parent_fd, const char *name, struct entry *entry)
{
	AUTO_FD source = open_directory_at(parent_fd, name);
	if (source < 0)
		fail("open", entry->name, errno);
	AUTO_FD existing = root_open(&copier->target, entry->name, O_PATH | O_NOFOLLOW);
	int target = extract_entry(&copier->extractor, entry->name, entry);
	struct listing listing = list_directory(source, entry->name);
	for (size_t i = 0; i < listing.count; i++) {
		AUTO_TEXT to = join_path(entry->name, listing.names[i]);
		copy_node(copier, source, listing.names[i], to);
	}
	listing_free(&listing);
	if (existing < 0 || copier->take_attributes)
		extract_attributes(&copier->extractor, entry->name, target, entry);
	else
		close_descriptor(&target);
}

static void copy_file(struct copier *copier, int parent_fd, const char *name, struct entry *entry)
{
	AUTO_FD source = openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	if (source < 0 || fstat(source, &status) != 0)
		fail("open", entry->name, errno);
	int target = extract_entry(&copier->extractor, entry->name, entry);
	copy_content(source, target, entry, &status);
	extract_attributes(&copier->extractor, entry->name, target, entry);
}

static void copy_node(struct copier *copier, int parent_fd, const char *name, const char *to)
{
	struct stat status;
	if (fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		fail("look-up", name, errno);
	if (S_ISSOCK(status.st_mode))
		return;
	struct entry entry = { 0 };
	entry_from_stat(&entry, &status);
	entry.name = copy_text(to);
	const char *first = link_seen(&copier->links, &status, to);
	if (first) {
		entry.type = TAR_HARD_LINK;
		entry.link = copy_text(first);
	} else {
		read_xattrs(&entry, parent_fd, name);
	}
	switch (entry.type) {
	case TAR_FILE:
		copy_file(copier, parent_fd, name, &entry);
		break;
	case TAR_DIRECTORY:
		copy_directory(copier, parent_fd, name, &entry);
		break;
	case TAR_SYMBOLIC_LINK:
		entry.link = read_link_at(parent_fd, name);
		__attribute__((fallthrough));
	default:
		extract_attributes(&copier->extractor, to, extract_entry(&copier->extractor, to, &entry), &entry);
	}
	entry_clear(&entry);
}

/*
 * Whether a file is a tar archive, packed or not. Tried in a child, for whatever is wrong with the file ends the program
 * that reads it; here that only means that it is a file like others.
 */
static bool is_archive(int fd)
{
	pid_t child = fork();
	if (child < 0)
		fail("fork", "", errno);
	if (child == 0) {
		/* Its errors are nobody's. */
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		for (int target = 1; target <= 3; target++)
			if (dup2(nowhere, target) < 0)
				_exit(1);
		struct source source;
		struct tar_reader reader;
		source_open(&source, fd, false, NULL);
		tar_reader_init(&reader, &source);
		_exit(tar_next(&reader) ? 0 : 1);
	}
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			fail("fork", "", errno);
	if (lseek(fd, 0, SEEK_SET) < 0)
		fail("read", "", errno);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Extracts a local archive; false if the file is none. */
static bool extract_file(struct copier *copier, int parent_fd, const char *name, const char *into)
{
	AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || !is_archive(fd))
		return false;
	AUTO_TEXT base = root_resolve(&copier->target, into);
	if (!base)
		fail("look-up", into, errno);
	struct extractor extractor = copier->extractor;
	extractor.base = base;
	extractor.keep_kind = false; /* an archive says what is to be there */
	extract_begin(&extractor);
	struct source source;
	source_open(&source, fd, false, NULL);
	AUTO_FD directory = root_make_directories(&copier->target, base, NULL, NULL);
	if (directory < 0)
		fail("make-directory", into, errno);
	extract_archive(&extractor, &source);
	extract_end(&extractor);
	source_finish(&source);
	return true;
}

static void copy_item(struct copier *copier, const char *from, const char *to, const char *extract_into)
{
	AUTO_TEXT source = root_resolve(&copier->source, from);
	AUTO_TEXT target = root_resolve(&copier->target, to);
	if (!source || !target)
		fail("look-up", source ? to : from, errno);
	AUTO_FD parent_fd = root_open_parent(&copier->source, source);
	struct stat status;
	if (parent_fd < 0 || fstatat(parent_fd, base_of(source), &status, AT_SYMLINK_NOFOLLOW) != 0)
		fail("look-up", from, errno);
	if (*extract_into && extract_file(copier, parent_fd, base_of(source), extract_into))
		return;
	copy_node(copier, parent_fd, base_of(source), target);
}

void operation_copy_tree(void)
{
	struct copier copier = {
		.source = root_from_option("source", false),
		.target = root_from_option("target", true),
		.take_attributes = has_flag("take-attributes"),
	};
	const char *mode = option("mode");
	copier.extractor = (struct extractor){
		.root = &copier.target,
		.base = ".",
		.keep_kind = true,
		.owner = owner_from_option(&copier.target),
		.has_mode = mode != NULL,
		.mode = mode ? (mode_t)strtoul(mode, NULL, 8) : 0,
	};
	extract_begin(&copier.extractor);
	/* The n-th of each belong together. */
	size_t from_cursor = 0, to_cursor = 0, into_cursor = 0;
	for (const char *from; (from = next_option("from", &from_cursor));) {
		const char *to = next_option("to", &to_cursor);
		const char *extract_into = next_option("extract-into", &into_cursor);
		copy_item(&copier, from, to ? to : "", extract_into ? extract_into : "");
	}
	extract_end(&copier.extractor);
}
