/* A directory of our own as a whole: what it weighs (`usage`), and all of it gone (`empty`). */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "attributes.h"
#include "memory.h"
#include "operations.h"
#include "options.h"
#include "report.h"
#include "tree.h"

/* Apparent sizes, as Docker adds them up; a file with several names counts once, marks of overlayfs not at all. */
static int64_t weigh(int fd, struct link_table *links)
{
	int64_t bytes = 0;
	struct listing listing = list_directory(fd, "");
	for (size_t i = 0; i < listing.count; i++) {
		struct stat status;
		if (fstatat(fd, listing.names[i], &status, AT_SYMLINK_NOFOLLOW) != 0)
			continue; /* gone since the directory was read */
		if (S_ISDIR(status.st_mode)) {
			AUTO_FD sub = open_directory_at(fd, listing.names[i]);
			if (sub >= 0)
				bytes += weigh(sub, links);
		} else if (!link_seen(links, &status, listing.names[i])) {
			bytes += status.st_size;
		}
	}
	listing_free(&listing);
	return bytes;
}

static int open_own(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail("open", path, errno);
	return fd;
}

void operation_usage(void)
{
	AUTO_FD fd = open_own(required_option("path"));
	struct link_table links = { 0 };
	report_open('{');
	report_integer_field("bytes", weigh(fd, &links));
	report_close('}');
}

void operation_empty(void)
{
	const char *path = required_option("path");
	/* Nobody waits for it. */
	(void)!nice(10);
	AUTO_FD fd = open_own(path);
	if (remove_content(fd) != 0)
		fail("remove", path, errno);
}
