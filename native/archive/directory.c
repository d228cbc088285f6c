/*
 * A directory of our own as a whole: what it weighs (`usage`), all of it gone (`empty`), that what is in it belongs to
 * different things (`spread`), and that all of it is on the disk (`sync`).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
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

/*
 * Has ext4 place each directory in here in a part of the disk of its own (chattr +T), as trees of thousands of files that
 * have nothing to do with each other. Without it all of them share one part; where many files were removed lately, making
 * new ones there took three to six times as long, for ext4 without a journal passes over each inode that was just given up.
 */
void operation_spread(void)
{
	AUTO_FD fd = open_own(required_option("path"));
	int flags;
	/* A file system that has no such notion needs none. */
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_TOPDIR_FL;
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
}

/* The whole file system at once: a sync for each of a layer's thousands of files takes many times as long. */
void operation_sync(void)
{
	const char *path = required_option("path");
	AUTO_FD fd = open_own(path);
	if (syncfs(fd) != 0)
		fail("sync", path, errno);
}
