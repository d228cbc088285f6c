/*
 * Digests of trees as cache keys for copies (`hash`): everything that a copy with a given owner takes over, and nothing
 * that differs between two checkouts of the same files: times, and owners unless they are asked for (`--owners`).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attributes.h"
#include "digest.h"
#include "memory.h"
#include "names.h"
#include "operations.h"
#include "options.h"
#include "report.h"
#include "tree.h"

/* Each with its length before it, so that no two trees give the same bytes. */
static void hash_value(struct digest *digest, const void *bytes, size_t length)
{
	uint64_t size = length;
	digest_take(digest, (const unsigned char *)&size, sizeof size);
	digest_take(digest, bytes, length);
}

static void hash_text(struct digest *digest, const char *text)
{
	hash_value(digest, text, strlen(text));
}

static void hash_content(struct digest *digest, int parent_fd, const char *name)
{
	static unsigned char buffer[256 * 1024];
	AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fail("open", name, errno);
	for (;;) {
		ssize_t n = read(fd, buffer, sizeof buffer);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("read", name, errno);
		if (n == 0)
			return;
		digest_take(digest, buffer, (size_t)n);
	}
}

static void hash_owner(struct digest *digest, const struct stat *status)
{
	AUTO_TEXT owner = format_text("%u:%u", status->st_uid, status->st_gid);
	hash_text(digest, owner);
}

static void hash_node(struct digest *digest, int parent_fd, const char *name, const char *as, bool owners)
{
	struct stat status;
	if (fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		fail("look-up", as, errno);
	if (S_ISSOCK(status.st_mode))
		return;
	struct entry entry = { 0 };
	entry_from_stat(&entry, &status);
	read_xattrs(&entry, parent_fd, name);
	AUTO_TEXT facts = format_text("%c %o %u:%u %lld", entry.type, entry.mode, entry.major, entry.minor, (long long)entry.size);
	hash_text(digest, as);
	hash_text(digest, facts);
	if (owners)
		hash_owner(digest, &status);
	for (size_t i = 0; i < entry.xattr_count; i++) {
		hash_text(digest, entry.xattrs[i].name);
		hash_value(digest, entry.xattrs[i].value, entry.xattrs[i].length);
	}
	hash_text(digest, "");
	if (entry.type == TAR_SYMBOLIC_LINK) {
		AUTO_TEXT target = read_link_at(parent_fd, name);
		hash_text(digest, target);
	} else if (entry.type == TAR_FILE) {
		hash_content(digest, parent_fd, name);
	} else if (entry.type == TAR_DIRECTORY) {
		AUTO_FD fd = open_directory_at(parent_fd, name);
		if (fd < 0)
			fail("open", as, errno);
		struct listing listing = list_directory(fd, as);
		for (size_t i = 0; i < listing.count; i++) {
			AUTO_TEXT child = join_path(as, listing.names[i]);
			hash_node(digest, fd, listing.names[i], child, owners);
		}
		listing_free(&listing);
	}
	entry_clear(&entry);
}

void operation_hash(void)
{
	struct root root = root_from_option("root", false);
	size_t cursor = 0;
	report_open('[');
	for (const char *path; (path = next_option("path", &cursor));) {
		AUTO_TEXT resolved = root_resolve(&root, path);
		AUTO_FD parent_fd = resolved ? root_open_parent(&root, resolved) : -1;
		if (parent_fd < 0)
			fail("look-up", path, errno);
		struct digest digest;
		digest_init(&digest);
		hash_node(&digest, parent_fd, base_of(resolved), ".", has_flag("owners"));
		char text[DIGEST_TEXT_BYTES];
		digest_text(&digest, text);
		report_text(text);
	}
	report_close(']');
}
