#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "memory.h"
#include "names.h"
#include "options.h"
#include "report.h"

/* XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h */
#define XATTR_BYTES 65536

bool is_whiteout(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == 0;
}

bool is_opaque(int fd)
{
	char value[2];
	return (fgetxattr(fd, OPAQUE_XATTR, value, sizeof value) == 1 && value[0] == 'y') ||
	       (fgetxattr(fd, OPAQUE_XATTR_USER, value, sizeof value) == 1 && value[0] == 'y');
}

static bool is_private_xattr(const char *name)
{
	static const char *const prefixes[] = {
		"trusted.overlay.", "user.overlay.", "security.selinux", "security.ima", "security.evm",
	};
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (starts_with(name, prefixes[i]))
			return true;
	return false;
}

static int compare_xattrs(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

void read_xattrs(struct entry *entry, int parent_fd, const char *name)
{
	/* There is no *at form before kernel 6.13; one name from the right directory is as good, for one thread walks. */
	static char names[XATTR_BYTES], value[XATTR_BYTES];
	if (fchdir(parent_fd) != 0)
		fail("read-attributes", name, errno);
	ssize_t length = llistxattr(name, names, sizeof names);
	if (length < 0) {
		if (errno == ENOTSUP || errno == ENOENT)
			return;
		fail("read-attributes", name, errno);
	}
	for (char *at = names; at < names + length; at += strlen(at) + 1) {
		if (is_private_xattr(at))
			continue;
		ssize_t size = lgetxattr(name, at, value, sizeof value);
		if (size >= 0)
			entry_add_xattr(entry, at, strlen(at), value, (size_t)size);
		else if (errno != ENODATA && errno != ENOTSUP)
			fail("read-attributes", name, errno);
	}
	if (entry->xattr_count > 1)
		qsort(entry->xattrs, entry->xattr_count, sizeof *entry->xattrs, compare_xattrs);
}

static enum tar_type type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return TAR_DIRECTORY;
	case S_IFLNK:
		return TAR_SYMBOLIC_LINK;
	case S_IFCHR:
		return TAR_CHARACTER_DEVICE;
	case S_IFBLK:
		return TAR_BLOCK_DEVICE;
	case S_IFIFO:
		return TAR_FIFO;
	default:
		return TAR_FILE;
	}
}

void entry_from_stat(struct entry *entry, const struct stat *status)
{
	entry->type = type_of(status->st_mode);
	entry->mode = status->st_mode & 07777;
	entry->uid = status->st_uid;
	entry->gid = status->st_gid;
	entry->mtime = status->st_mtim;
	entry->size = S_ISREG(status->st_mode) ? status->st_size : 0;
	if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode)) {
		entry->major = major(status->st_rdev);
		entry->minor = minor(status->st_rdev);
	}
}

static void set_xattr(int parent_fd, const char *name, int fd, const struct xattr *xattr)
{
	/* An archive must not tell overlayfs where a directory's content is (redirect) or that it is hidden (opaque). */
	if (is_private_xattr(xattr->name))
		return;
	int result;
	if (fd >= 0) {
		result = fsetxattr(fd, xattr->name, xattr->value, xattr->length, 0);
	} else {
		if (fchdir(parent_fd) != 0)
			fail("set-attributes", name, errno);
		result = lsetxattr(name, xattr->name, xattr->value, xattr->length, 0);
	}
	/* The file system has none, or user attributes on something that may not have them: Docker goes on, too. */
	if (result != 0 && errno != ENOTSUP && !(errno == EPERM && starts_with(xattr->name, "user.")))
		fail("set-attributes", name, errno);
}

void apply_attributes(int parent_fd, const char *name, int fd, const struct entry *entry)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, entry->mtime };
	int result = fd >= 0 ? fchown(fd, entry->uid, entry->gid)
			     : fchownat(parent_fd, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW);
	if (result != 0)
		fail("change-owner", name, errno);
	/* Devices and pipes were made with theirs; by name, fchmodat would follow a link put there since. */
	if (fd >= 0 && fchmod(fd, entry->mode) != 0)
		fail("change-mode", name, errno);
	for (size_t i = 0; i < entry->xattr_count; i++)
		set_xattr(parent_fd, name, fd, &entry->xattrs[i]);
	if ((fd >= 0 ? futimens(fd, times) : utimensat(parent_fd, name, times, AT_SYMLINK_NOFOLLOW)) != 0)
		fail("set-times", name, errno);
}

/* Columns of /etc/passwd, and of /etc/group, after the name. */
enum column { COLUMN_ID = 2, COLUMN_PRIMARY_GROUP = 3 };

/* A number behind a name in /etc/passwd or /etc/group. */
static bool find_id(const struct root *root, const char *file, const char *name, enum column column, uint32_t *id)
{
	AUTO_FD fd = root_open(root, file, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return false;
	FILE *lines = fdopen(dup(fd), "r");
	if (!lines)
		return false;
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	while (!found && getline(&line, &room, lines) >= 0) {
		char *rest = line;
		char *key = strsep(&rest, ":");
		char *number = NULL;
		for (int at = 1; at <= (int)column; at++)
			number = strsep(&rest, ":\n");
		if (number && strcmp(key, name) == 0) {
			*id = (uint32_t)strtoul(number, NULL, 10);
			found = true;
		}
	}
	free(line);
	fclose(lines);
	return found;
}

static bool is_number(const char *text, uint32_t *id)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	if (end == text || *end != '\0' || number > INT32_MAX)
		return false;
	*id = (uint32_t)number;
	return true;
}

static uint32_t lookup(const struct root *root, const char *file, const char *text, const char *reason)
{
	uint32_t id;
	if (!is_number(text, &id) && !find_id(root, file, text, COLUMN_ID, &id))
		refuse("find-owner", text, reason);
	return id;
}

/* Of a user alone: the group that he is in by /etc/passwd; of a number alone, the same number. */
static uint32_t primary_group(const struct root *root, const char *user)
{
	uint32_t id;
	if (!is_number(user, &id) && !find_id(root, "etc/passwd", user, COLUMN_PRIMARY_GROUP, &id))
		refuse("find-owner", user, "UNKNOWN_USER");
	return id;
}

struct owner owner_from_option(const struct root *root)
{
	const char *text = option("owner");
	if (!text)
		return (struct owner){ .given = false };
	AUTO_TEXT user = copy_text(text);
	char *group = strchr(user, ':');
	if (group)
		*group++ = '\0';
	return (struct owner){
		.given = true,
		.uid = lookup(root, "etc/passwd", user, "UNKNOWN_USER"),
		.gid = group ? lookup(root, "etc/group", group, "UNKNOWN_GROUP") : primary_group(root, user),
	};
}
