/* One path of a root: what it is (`stat`), and what is there (`copy-out`), as `docker cp` asks for them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "memory.h"
#include "names.h"
#include "operations.h"
#include "options.h"
#include "pack.h"
#include "report.h"
#include "root.h"

/* Bits of Go's io/fs.FileMode, in which Docker's clients read the header. */
static int64_t go_mode(mode_t mode)
{
	int64_t bits = mode & 0777;
	const struct {
		bool is_set;
		int bit;
	} flags[] = {
		{ S_ISDIR(mode), 31 },	{ S_ISLNK(mode), 27 },	      { S_ISBLK(mode) || S_ISCHR(mode), 26 },
		{ S_ISFIFO(mode), 25 }, { S_ISSOCK(mode), 24 },	      { mode & S_ISUID, 23 },
		{ mode & S_ISGID, 22 }, { S_ISCHR(mode), 21 },	      { mode & S_ISVTX, 20 },
	};
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (flags[i].is_set)
			bits |= (int64_t)1 << flags[i].bit;
	return bits;
}

/* RFC 3339 with nanoseconds, zeros at the end left out as Go does. */
static char *format_time(const struct timespec *time)
{
	struct tm parts;
	char seconds[64], fraction[16];
	gmtime_r(&time->tv_sec, &parts);
	strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
	int length = snprintf(fraction, sizeof fraction, ".%09ld", time->tv_nsec);
	while (length > 1 && fraction[length - 1] == '0')
		length--;
	return format_text("%s%.*sZ", seconds, length > 1 ? length : 0, fraction);
}

/* A path that ends in a slash or a dot means what a last link leads to, as Docker takes it. */
static bool means_content(const char *path)
{
	size_t length = strlen(path);
	return length == 0 || path[length - 1] == '/' || strcmp(base_of(path), ".") == 0;
}

/* The path as far as links are to be followed in it; with its parent's descriptor and what stands there. */
static char *find_place(const struct root *root, const char *asked, int *parent_fd, struct stat *status)
{
	char *path = clean_path(asked);
	if (means_content(asked)) {
		char *resolved = root_resolve(root, path);
		if (!resolved)
			fail("look-up", path, errno);
		free(path);
		path = resolved;
	}
	*parent_fd = root_open_parent(root, path);
	if (*parent_fd < 0 || fstatat(*parent_fd, base_of(path), status, AT_SYMLINK_NOFOLLOW) != 0)
		fail("look-up", asked, errno);
	if (means_content(asked) && !S_ISDIR(status->st_mode))
		fail("look-up", asked, ENOTDIR);
	return path;
}

/* What Go's filepath.Base says of the path as asked: "." of `/a/.`, "/" of `/`. */
static char *asked_base(const char *asked)
{
	size_t length = strlen(asked);
	while (length > 1 && asked[length - 1] == '/')
		length--;
	AUTO_TEXT trimmed = format_text("%.*s", (int)length, asked);
	return copy_text(strcmp(trimmed, "/") == 0 || !*trimmed ? "/" : base_of(trimmed));
}

void operation_stat(void)
{
	struct root root = root_from_option("root", false);
	const char *asked = required_option("path");
	AUTO_FD parent_fd = -1;
	struct stat status;
	AUTO_TEXT path = find_place(&root, asked, &parent_fd, &status);
	AUTO_TEXT resolved = S_ISLNK(status.st_mode) ? root_resolve(&root, path) : NULL;
	AUTO_TEXT target = resolved ? format_text("/%s", strcmp(resolved, ".") == 0 ? "" : resolved) : copy_text("");
	AUTO_TEXT name = asked_base(asked);
	AUTO_TEXT mtime = format_time(&status.st_mtim);
	report_open('{');
	report_text_field("name", name);
	report_integer_field("size", status.st_size);
	report_integer_field("mode", go_mode(status.st_mode));
	report_text_field("mtime", mtime);
	report_text_field("linkTarget", target);
	report_close('}');
}

void operation_copy_out(void)
{
	struct root root = root_from_option("root", false);
	const char *asked = required_option("path");
	AUTO_FD parent_fd = -1;
	struct stat status;
	AUTO_TEXT path = find_place(&root, asked, &parent_fd, &status);
	AUTO_TEXT name = asked_base(asked);
	struct packer packer = { .newest = INT64_MAX };
	tar_writer_open(&packer.writer, NULL);
	/* Of `/` the names begin with a slash alone: clients cut that off (moby's RebaseArchiveEntries). */
	pack_member(&packer, parent_fd, base_of(path), strcmp(name, "/") == 0 ? "" : name);
	tar_writer_finish(&packer.writer);
}
