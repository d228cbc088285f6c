/*
 * What `docker diff` says: an overlay's upper directory against the layers below it, with the results of Docker's own
 * comparison of two whole trees (moby, pkg/archive/changes.go) but only the written part walked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attributes.h"
#include "memory.h"
#include "names.h"
#include "operations.h"
#include "options.h"
#include "report.h"
#include "root.h"
#include "tree.h"

/* The numbers of Docker's API. */
enum change_kind { CHANGE_MODIFIED = 0, CHANGE_ADDED = 1, CHANGE_DELETED = 2 };

struct change {
	char *path;
	enum change_kind kind;
};

struct change_list {
	struct change *changes;
	size_t count, room;
};

static void add_change(struct change_list *list, const char *path, enum change_kind kind)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->changes = reallocate(list->changes, list->room * sizeof *list->changes);
	}
	list->changes[list->count++] = (struct change){ copy_text(path), kind };
}

/* File systems and archives without fractions of a second agree with those that have them. */
static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && (a->tv_nsec == b->tv_nsec || a->tv_nsec == 0 || b->tv_nsec == 0);
}

/* struct vfs_ns_cap_data, the largest form */
#define CAPABILITY_BYTES 24

static ssize_t read_capability(int parent_fd, const char *name, char value[CAPABILITY_BYTES])
{
	if (fchdir(parent_fd) != 0)
		fail("read-attributes", name, errno);
	return lgetxattr(name, "security.capability", value, CAPABILITY_BYTES);
}

/* Copied up by overlayfs is not yet changed. A directory's time and size tell of what is in it, not of itself. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid && a->st_rdev == b->st_rdev &&
	       (S_ISDIR(a->st_mode) || (a->st_size == b->st_size && is_same_time(&a->st_mtim, &b->st_mtim)));
}

static bool is_same_capability(int upper_fd, int lower_fd, const char *name)
{
	char upper[CAPABILITY_BYTES], lower[CAPABILITY_BYTES];
	ssize_t length = read_capability(upper_fd, name, upper);
	return length == read_capability(lower_fd, name, lower) && (length <= 0 || memcmp(upper, lower, (size_t)length) == 0);
}

/* Names of a hidden directory that its successor has not. */
static void add_hidden(struct change_list *list, int upper_fd, int lower_fd, const char *path)
{
	struct listing listing = list_directory(lower_fd, path);
	for (size_t i = 0; i < listing.count; i++) {
		struct stat status;
		AUTO_TEXT child = join_path(path, listing.names[i]);
		if (fstatat(upper_fd, listing.names[i], &status, AT_SYMLINK_NOFOLLOW) != 0)
			add_change(list, child, CHANGE_DELETED);
	}
	listing_free(&listing);
}

/*
 * One directory; `lower_fd` is its state below, -1 if there was none. A new directory in the place of an old one hides all
 * that was there: overlayfs marks only the topmost. What is gone comes last.
 */
static void walk(struct change_list *list, int upper_fd, int lower_fd, bool is_hidden, const char *path)
{
	is_hidden = is_hidden || is_opaque(upper_fd);
	struct listing listing = list_directory(upper_fd, path);
	for (size_t i = 0; i < listing.count; i++) {
		const char *name = listing.names[i];
		AUTO_TEXT child = join_path(path, name);
		struct stat now, before;
		if (fstatat(upper_fd, name, &now, AT_SYMLINK_NOFOLLOW) != 0 || is_whiteout(&now))
			continue; /* told below, or gone since the directory was read */
		bool was_there = lower_fd >= 0 && fstatat(lower_fd, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
		bool is_changed = was_there && !(is_same(&now, &before) && is_same_capability(upper_fd, lower_fd, name));
		bool is_directory = S_ISDIR(now.st_mode);
		/* A directory is told of, before what is in it, if anything in it is: taken back otherwise. */
		size_t start = list->count;
		if (!was_there || is_changed || is_directory)
			add_change(list, child, was_there ? CHANGE_MODIFIED : CHANGE_ADDED);
		if (!is_directory)
			continue;
		AUTO_FD sub = open_directory_at(upper_fd, name);
		AUTO_FD lower_sub = was_there && S_ISDIR(before.st_mode) ? open_directory_at(lower_fd, name) : -1;
		if (sub >= 0)
			walk(list, sub, lower_sub, is_hidden, child);
		if (was_there && !is_changed && list->count == start + 1)
			free(list->changes[--list->count].path);
	}
	for (size_t i = 0; i < listing.count && lower_fd >= 0; i++) {
		struct stat now, before;
		AUTO_TEXT child = join_path(path, listing.names[i]);
		if (fstatat(upper_fd, listing.names[i], &now, AT_SYMLINK_NOFOLLOW) == 0 && is_whiteout(&now) &&
		    fstatat(lower_fd, listing.names[i], &before, AT_SYMLINK_NOFOLLOW) == 0)
			add_change(list, child, CHANGE_DELETED);
	}
	if (lower_fd >= 0 && is_hidden)
		add_hidden(list, upper_fd, lower_fd, path);
	listing_free(&listing);
}

void operation_changes(void)
{
	/* First the upper directory: mounting the root covers the snapshots' own directory. */
	struct root upper = root_at(required_option("upper"));
	struct root below = root_from_option("root", false);
	AUTO_FD upper_fd = open_directory_at(upper.fd, ".");
	AUTO_FD lower_fd = open_directory_at(below.fd, ".");
	if (upper_fd < 0 || lower_fd < 0)
		fail("open", "", errno);
	struct change_list list = { 0 };
	walk(&list, upper_fd, lower_fd, false, ".");
	report_open('[');
	for (size_t i = 0; i < list.count; i++) {
		AUTO_TEXT absolute = format_text("/%s", list.changes[i].path);
		report_open('{');
		report_text_field("path", absolute);
		report_integer_field("kind", list.changes[i].kind);
		report_close('}');
	}
	report_close(']');
}
