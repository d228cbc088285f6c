/* What differs between two roots, or what one layer does to those below it: told (`compare`) or packed (`difference`). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "compare.h"
#include "memory.h"
#include "names.h"
#include "operations.h"
#include "options.h"
#include "pack.h"
#include "report.h"
#include "root.h"
#include "tree.h"

static int64_t tree_size(int parent_fd, const char *name, const struct stat *status)
{
	if (!S_ISDIR(status->st_mode))
		return S_ISREG(status->st_mode) ? status->st_size : 0;
	AUTO_FD fd = open_directory_at(parent_fd, name);
	if (fd < 0)
		return 0;
	struct listing listing = list_directory(fd, name);
	int64_t sum = 0;
	for (size_t i = 0; i < listing.count; i++) {
		struct stat child;
		if (fstatat(fd, listing.names[i], &child, AT_SYMLINK_NOFOLLOW) == 0)
			sum += tree_size(fd, listing.names[i], &child);
	}
	listing_free(&listing);
	return sum;
}

static int64_t own_size(const struct stat *status)
{
	return status && S_ISREG(status->st_mode) ? status->st_size : 0;
}

static void tell(void *state, const struct difference *difference)
{
	(void)state;
	const struct stat *shown = difference->now ? difference->now : difference->before;
	AUTO_TEXT absolute = format_text("/%s", difference->path);
	int64_t before = difference->kind == DIFFERENCE_DELETED
				 ? tree_size(difference->parent_fd, difference->name, difference->before)
				 : own_size(difference->before);
	report_open('{');
	report_text_field("path", absolute);
	report_integer_field("kind", difference->kind);
	report_integer_field("mode", shown->st_mode);
	report_integer_field("before", before);
	report_integer_field("now", own_size(difference->now));
	report_close('}');
}

void operation_compare(void)
{
	const char *upper = option("upper");
	/* First the upper directory: mounting a root covers the snapshots' own directory. */
	struct root later = upper ? root_at(upper) : root_from_option("new", false);
	struct root earlier = root_from_option("old", false);
	AUTO_FD later_fd = open_directory_at(later.fd, ".");
	AUTO_FD earlier_fd = open_directory_at(earlier.fd, ".");
	if (later_fd < 0 || earlier_fd < 0)
		fail("open", "", errno);
	const struct comparison comparison = { .is_upper = upper != NULL, .found = tell };
	report_open('[');
	compare_trees(&comparison, earlier_fd, later_fd);
	report_close(']');
}

static void pack_difference(void *state, const struct difference *difference)
{
	struct packer *packer = state;
	if (difference->kind == DIFFERENCE_DELETED) {
		AUTO_TEXT parent = parent_of(difference->path);
		pack_deleted(packer, strcmp(parent, ".") == 0 ? "" : parent, difference->name);
	} else {
		pack_member(packer, difference->parent_fd, difference->name, difference->path);
	}
}

void operation_difference(void)
{
	struct root later = root_from_option("new", false);
	struct root earlier = root_from_option("old", false);
	AUTO_FD later_fd = open_directory_at(later.fd, ".");
	AUTO_FD earlier_fd = open_directory_at(earlier.fd, ".");
	if (later_fd < 0 || earlier_fd < 0)
		fail("open", "", errno);
	/* What is in a directory is found, and packed, after it. */
	struct packer packer = { .newest = INT64_MAX, .is_shallow = true };
	const struct comparison comparison = { .times_count = true, .found = pack_difference, .state = &packer };
	tar_writer_open(&packer.writer, NULL);
	compare_trees(&comparison, earlier_fd, later_fd);
	tar_writer_finish(&packer.writer);
}
