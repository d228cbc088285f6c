#include "compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attributes.h"
#include "memory.h"
#include "names.h"
#include "report.h"
#include "tree.h"

#define READ_BYTES (128 * 1024)

/* What stands at a name; marks of overlayfs stand for nothing. */
static bool look_up(int parent_fd, const char *name, struct stat *status)
{
	return parent_fd >= 0 && fstatat(parent_fd, name, status, AT_SYMLINK_NOFOLLOW) == 0 && !is_whiteout(status);
}

/* As much as there is up to `length`: reads may be short in the middle of a file. */
static ssize_t read_fully(int fd, char *bytes, size_t length)
{
	size_t done = 0;
	while (done < length) {
		ssize_t n = read(fd, bytes + done, length - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static bool is_same_content(int earlier_fd, int later_fd, const char *name, const char *path)
{
	static char earlier[READ_BYTES], later[READ_BYTES];
	/* O_NONBLOCK: should a pipe have taken its place, nobody waits. */
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	AUTO_FD a = openat(earlier_fd, name, flags);
	AUTO_FD b = openat(later_fd, name, flags);
	if (a < 0 || b < 0)
		fail("open", path, errno);
	for (;;) {
		ssize_t n = read_fully(a, earlier, sizeof earlier);
		ssize_t m = read_fully(b, later, sizeof later);
		if (n < 0 || m < 0)
			fail("read", path, errno);
		if (n != m || memcmp(earlier, later, (size_t)n) != 0)
			return false;
		if (n == 0)
			return true;
	}
}

static bool is_same_link(int earlier_fd, int later_fd, const char *name)
{
	AUTO_TEXT earlier = read_link_at(earlier_fd, name);
	AUTO_TEXT later = read_link_at(later_fd, name);
	return strcmp(earlier, later) == 0;
}

static bool is_same_xattrs(int earlier_fd, int later_fd, const char *name)
{
	struct entry earlier = { 0 }, later = { 0 };
	read_xattrs(&earlier, earlier_fd, name);
	read_xattrs(&later, later_fd, name);
	bool is_same = earlier.xattr_count == later.xattr_count;
	for (size_t i = 0; is_same && i < earlier.xattr_count; i++) {
		const struct xattr *a = &earlier.xattrs[i], *b = &later.xattrs[i];
		is_same = strcmp(a->name, b->name) == 0 && a->length == b->length && memcmp(a->value, b->value, a->length) == 0;
	}
	entry_clear(&earlier);
	entry_clear(&later);
	return is_same;
}

/* One file in a layer that both trees stand on: overlayfs shows the layer's own inode. */
static bool is_one_file(const struct stat *a, const struct stat *b)
{
	return !S_ISDIR(a->st_mode) && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Archives without fractions of a second agree with files that have them. */
static bool is_same_time(const struct stat *a, const struct stat *b)
{
	const struct timespec *x = &a->st_mtim, *y = &b->st_mtim;
	return x->tv_sec == y->tv_sec && (x->tv_nsec == y->tv_nsec || x->tv_nsec == 0 || y->tv_nsec == 0);
}

static bool is_same(int earlier_fd, int later_fd, const char *name, const char *path, const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid || a->st_rdev != b->st_rdev)
		return false;
	if (is_one_file(a, b))
		return true;
	if (S_ISREG(a->st_mode) && (a->st_size != b->st_size || !is_same_content(earlier_fd, later_fd, name, path)))
		return false;
	if (S_ISLNK(a->st_mode) && !is_same_link(earlier_fd, later_fd, name))
		return false;
	return is_same_xattrs(earlier_fd, later_fd, name);
}

static void walk(const struct comparison *comparison, int earlier_fd, int later_fd, bool is_hidden, const char *path);

static void compare_name(const struct comparison *comparison, int earlier_fd, int later_fd, bool is_hidden, const char *name, const char *path)
{
	struct stat before, now;
	if (!look_up(later_fd, name, &now))
		return; /* told with those that are gone, or gone since the directory was read */
	bool was_there = look_up(earlier_fd, name, &before);
	bool is_copy = comparison->is_upper && !S_ISDIR(now.st_mode);
	bool has_other_time = comparison->times_count && was_there && !S_ISDIR(now.st_mode) && !is_same_time(&before, &now);
	if (!was_there || is_copy || has_other_time || !is_same(earlier_fd, later_fd, name, path, &before, &now))
		comparison->found(comparison->state, &(struct difference){
			.kind = was_there ? DIFFERENCE_CHANGED : DIFFERENCE_ADDED,
			.path = path, .parent_fd = later_fd, .name = name, .before = was_there ? &before : NULL, .now = &now });
	if (!S_ISDIR(now.st_mode))
		return;
	AUTO_FD later_sub = open_directory_at(later_fd, name);
	AUTO_FD earlier_sub = was_there && S_ISDIR(before.st_mode) ? open_directory_at(earlier_fd, name) : -1;
	if (later_sub >= 0)
		walk(comparison, earlier_sub, later_sub, is_hidden, path);
}

/* The earlier directory's names that the later one does not have; in an upper directory only a mark says so. */
static void find_deleted(const struct comparison *comparison, int earlier_fd, int later_fd, bool is_hidden, const char *path)
{
	struct listing listing = list_directory(is_hidden ? earlier_fd : later_fd, path);
	for (size_t i = 0; i < listing.count; i++) {
		const char *name = listing.names[i];
		AUTO_TEXT child = join_path(path, name);
		struct stat before, now;
		bool is_there = look_up(later_fd, name, &now);
		if (!is_there && look_up(earlier_fd, name, &before))
			comparison->found(comparison->state, &(struct difference){
				.kind = DIFFERENCE_DELETED, .path = child, .parent_fd = earlier_fd, .name = name, .before = &before });
	}
	listing_free(&listing);
}

/* One directory; `earlier_fd` is -1 if there was none. Whole trees, and below overlayfs's mark, hide all that they lack. */
static void walk(const struct comparison *comparison, int earlier_fd, int later_fd, bool is_hidden, const char *path)
{
	is_hidden = is_hidden || !comparison->is_upper || is_opaque(later_fd);
	struct listing listing = list_directory(later_fd, path);
	for (size_t i = 0; i < listing.count; i++) {
		AUTO_TEXT child = join_path(path, listing.names[i]);
		compare_name(comparison, earlier_fd, later_fd, is_hidden, listing.names[i], child);
	}
	listing_free(&listing);
	if (earlier_fd >= 0)
		find_deleted(comparison, earlier_fd, later_fd, is_hidden, path);
}

void compare_trees(const struct comparison *comparison, int earlier_fd, int later_fd)
{
	walk(comparison, earlier_fd, later_fd, false, ".");
}
