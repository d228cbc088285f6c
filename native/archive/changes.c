/* What `docker diff` says: an overlay's upper directory against the layers below it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attributes.h"
#include "memory.h"
#include "names.h"
#include "operations.h"
#include "options.h"
#include "report.h"
#include "root.h"
#include "tree.h"

/* The numbers of Docker's API. */
enum change { CHANGE_MODIFIED = 0, CHANGE_ADDED = 1, CHANGE_DELETED = 2 };

static void report_change(const char *path, enum change change)
{
	AUTO_TEXT absolute = format_text("/%s", path);
	report_open('{');
	report_text_field("path", absolute);
	report_integer_field("kind", change);
	report_close('}');
}

/* Copied up only because something inside changed. */
static bool is_same_directory(const struct stat *a, const struct stat *b)
{
	return S_ISDIR(a->st_mode) && S_ISDIR(b->st_mode) && a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	       a->st_gid == b->st_gid && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * One directory of the upper layer. A directory with a new or removed child is told even where its own time is the
 * layer's: `told` says whether that is done, and the line comes before the child's.
 */
static void walk(const struct root *below, int fd, const char *path, bool told)
{
	struct listing listing = list_directory(fd, path);
	for (size_t i = 0; i < listing.count; i++) {
		const char *name = listing.names[i];
		AUTO_TEXT child = join_path(path, name);
		struct stat status, before;
		if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			continue; /* gone since the directory was read */
		AUTO_FD sub = S_ISDIR(status.st_mode) ? open_directory_at(fd, name) : -1;
		AUTO_FD lower = root_open(below, child, O_PATH | O_NOFOLLOW);
		bool was_there = lower >= 0 && fstat(lower, &before) == 0;
		enum change change = is_whiteout(&status) || (sub >= 0 && was_there && is_opaque(sub)) ? CHANGE_DELETED
				     : was_there						       ? CHANGE_MODIFIED
												       : CHANGE_ADDED;
		bool is_silent = change == CHANGE_MODIFIED && is_same_directory(&status, &before);
		if (change != CHANGE_MODIFIED && !told && strcmp(path, ".") != 0) {
			report_change(path, CHANGE_MODIFIED);
			told = true;
		}
		if (!is_silent)
			report_change(child, change);
		if (sub >= 0)
			walk(below, sub, child, !is_silent);
	}
	listing_free(&listing);
}

void operation_changes(void)
{
	/* First the upper directory: mounting the root covers the snapshots' own directory. */
	struct root upper = root_at(required_option("upper"));
	struct root below = root_from_option("root", false);
	AUTO_FD fd = open_directory_at(upper.fd, ".");
	if (fd < 0)
		fail("open", "", errno);
	report_open('[');
	walk(&below, fd, ".", true);
	report_close(']');
}
