#include "extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "memory.h"
#include "names.h"
#include "report.h"

/* OCI image spec, layer.md#whiteouts; what begins with both prefixes, at the top or anywhere, is left over from AUFS. */
#define WHITEOUT_PREFIX ".wh."
#define META_PREFIX ".wh..wh."
#define OPAQUE_NAME ".wh..wh..opq"

struct directory_time {
	char *path;
	struct timespec mtime;
};

void extract_begin(struct extractor *extractor)
{
	extractor->parent = NULL;
	extractor->parent_fd = -1;
}

static void forget_parent(struct extractor *extractor)
{
	free(extractor->parent);
	extractor->parent = NULL;
	close_descriptor(&extractor->parent_fd);
	extractor->parent_fd = -1;
}

static void remember_time(struct extractor *extractor, const char *path, const struct timespec *mtime)
{
	if ((extractor->time_count & (extractor->time_count - 1)) == 0) {
		size_t room = extractor->time_count ? extractor->time_count * 2 : 1;
		extractor->times = reallocate(extractor->times, room * sizeof *extractor->times);
	}
	extractor->times[extractor->time_count++] = (struct directory_time){ copy_text(path), *mtime };
}

/* A directory that the archive only implies: it looks like the one that it will lie upon. */
static void made_parent(void *state, int parent_fd, const char *path)
{
	struct extractor *extractor = state;
	struct entry entry = { .type = TAR_DIRECTORY, .mode = 0755, .mtime = { .tv_nsec = UTIME_OMIT } };
	struct stat status;
	for (size_t i = 0; i < extractor->lower_count; i++) {
		AUTO_FD lower = root_open(&extractor->lowers[i], path, O_PATH | O_NOFOLLOW);
		if (lower < 0)
			continue;
		if (fstat(lower, &status) == 0 && S_ISDIR(status.st_mode)) {
			entry_from_stat(&entry, &status);
			AUTO_FD above = root_open_parent(&extractor->lowers[i], path);
			if (above >= 0)
				read_xattrs(&entry, above, base_of(path));
			remember_time(extractor, path, &entry.mtime);
		}
		break;
	}
	if (extractor->owner.given) {
		entry.uid = extractor->owner.uid;
		entry.gid = extractor->owner.gid;
	}
	AUTO_FD fd = openat(parent_fd, base_of(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail("make-directory", path, errno);
	apply_attributes(parent_fd, base_of(path), fd, &entry);
	entry_clear(&entry);
}

/* The directory that holds `path`, made where it is missing. */
static int parent_fd_of(struct extractor *extractor, const char *path)
{
	char *parent = parent_of(path);
	if (extractor->parent && strcmp(extractor->parent, parent) == 0) {
		free(parent);
		return extractor->parent_fd;
	}
	forget_parent(extractor);
	extractor->parent_fd = root_make_directories(extractor->root, parent, made_parent, extractor);
	if (extractor->parent_fd < 0)
		fail("make-directory", parent, errno);
	extractor->parent = parent;
	return extractor->parent_fd;
}

static void make_opaque(int parent_fd, const char *name)
{
	AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) != 0)
		fail("make-opaque", name, errno);
}

/* A name of the layers below is gone. One that this layer has itself stays, and hides those below. */
static void extract_whiteout(struct extractor *extractor, const char *path)
{
	int parent_fd = parent_fd_of(extractor, path);
	const char *name = base_of(path) + strlen(WHITEOUT_PREFIX);
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		refuse("read-header", path, "UNSAFE_NAME");
	if (mknodat(parent_fd, name, S_IFCHR, makedev(0, 0)) == 0)
		return;
	struct stat status;
	if (errno != EEXIST || fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		fail("make-whiteout", path, errno);
	if (S_ISDIR(status.st_mode))
		make_opaque(parent_fd, name);
}

/* Makes room for an entry. True if a directory stands there that the entry describes anew. */
static bool clear_place(struct extractor *extractor, int parent_fd, const char *path, const struct entry *entry)
{
	const char *name = base_of(path);
	struct stat status;
	if (fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return false;
		fail("look-up", path, errno);
	}
	bool is_directory = S_ISDIR(status.st_mode);
	if (is_directory && entry->type == TAR_DIRECTORY)
		return true;
	if (extractor->keep_kind && is_directory)
		refuse("extract", path, "FILE_OVER_DIRECTORY");
	if (extractor->keep_kind && entry->type == TAR_DIRECTORY)
		refuse("extract", path, "DIRECTORY_OVER_FILE");
	if (remove_tree(parent_fd, name) != 0)
		fail("replace", path, errno);
	return false;
}

/* -1 and errno; EEXIST is the caller's business. */
static int make_node(struct extractor *extractor, int parent_fd, const char *path, const struct entry *entry)
{
	const char *name = base_of(path);
	switch (entry->type) {
	case TAR_FILE:
		return openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	case TAR_DIRECTORY:
		if (mkdirat(parent_fd, name, 0700) != 0)
			return -1;
		return openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	case TAR_SYMBOLIC_LINK:
		return symlinkat(entry->link, parent_fd, name);
	case TAR_FIFO:
		return mknodat(parent_fd, name, S_IFIFO | entry->mode, 0);
	case TAR_CHARACTER_DEVICE:
	case TAR_BLOCK_DEVICE:
		return mknodat(parent_fd, name, (entry->type == TAR_BLOCK_DEVICE ? S_IFBLK : S_IFCHR) | entry->mode,
			       makedev(entry->major, entry->minor));
	case TAR_HARD_LINK: {
		AUTO_TEXT clean = clean_name(entry->link);
		if (!clean)
			refuse("read-header", path, "UNSAFE_NAME");
		AUTO_TEXT target = join_path(extractor->base, clean);
		AUTO_FD target_fd = root_open_parent(extractor->root, target);
		if (target_fd < 0)
			fail("link", entry->link, errno);
		int result = linkat(target_fd, base_of(target), parent_fd, name, 0);
		if (result != 0 && errno != EEXIST)
			fail("link", entry->link, errno);
		return result;
	}
	default:
		refuse("read-header", path, "UNSUPPORTED");
	}
}

int extract_entry(struct extractor *extractor, const char *name, const struct entry *entry)
{
	AUTO_TEXT path = join_path(extractor->base, name);
	if (strcmp(path, ".") == 0 || strcmp(name, ".") == 0) {
		/* The directory itself: there already. */
		int fd = root_open(extractor->root, path, O_RDONLY | O_DIRECTORY);
		if (fd < 0 || entry->type != TAR_DIRECTORY)
			refuse("extract", path, "FILE_OVER_DIRECTORY");
		return fd;
	}
	int parent_fd = parent_fd_of(extractor, path);
	int fd = make_node(extractor, parent_fd, path, entry);
	if (fd < 0 && errno == EEXIST) {
		struct stat status;
		bool over_whiteout = extractor->is_layer && entry->type == TAR_DIRECTORY &&
				     fstatat(parent_fd, base_of(path), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
				     is_whiteout(&status);
		if (clear_place(extractor, parent_fd, path, entry)) {
			fd = openat(parent_fd, base_of(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		} else {
			/* What was removed may have been on the way to the parent's name. */
			forget_parent(extractor);
			parent_fd = parent_fd_of(extractor, path);
			fd = make_node(extractor, parent_fd, path, entry);
		}
		if (fd >= 0 && over_whiteout)
			make_opaque(parent_fd, base_of(path));
	}
	if (fd < 0)
		fail("create", path, errno);
	bool is_open = entry->type == TAR_FILE || entry->type == TAR_DIRECTORY;
	return is_open ? fd : -1;
}

void extract_attributes(struct extractor *extractor, const char *name, int fd, const struct entry *entry)
{
	AUTO_TEXT path = join_path(extractor->base, name);
	struct entry wanted = *entry; /* borrows names and attributes */
	if (extractor->owner.given) {
		wanted.uid = extractor->owner.uid;
		wanted.gid = extractor->owner.gid;
	}
	if (extractor->has_mode)
		wanted.mode = extractor->mode;
	/* A hard link has its target's. */
	if (entry->type != TAR_HARD_LINK) {
		AUTO_FD held = fd >= 0 ? -1 : dup(parent_fd_of(extractor, path));
		apply_attributes(held, base_of(path), fd, &wanted);
	}
	if (entry->type == TAR_DIRECTORY)
		remember_time(extractor, path, &entry->mtime);
	if (fd >= 0 && close(fd) != 0)
		fail("close", path, errno);
}

static void write_all(int fd, const unsigned char *bytes, size_t length, const char *name)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);
		if (n < 0 && errno != EINTR)
			fail("write", name, errno);
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
}

static void write_content(struct tar_reader *reader, int fd, const struct entry *entry)
{
	const struct region whole = { 0, entry->size };
	const struct region *regions = entry->regions ? entry->regions : &whole;
	size_t count = entry->regions ? entry->region_count : 1;
	if (entry->regions && ftruncate(fd, entry->size) != 0)
		fail("write", entry->name, errno);
	for (size_t i = 0; i < count; i++) {
		if (entry->regions && lseek(fd, regions[i].offset, SEEK_SET) < 0)
			fail("write", entry->name, errno);
		const unsigned char *bytes;
		size_t n;
		for (int64_t left = regions[i].length; left > 0 && (n = tar_content(reader, left, &bytes)) > 0; left -= (int64_t)n)
			write_all(fd, bytes, n, entry->name);
	}
}

static void extract_member(struct extractor *extractor, struct tar_reader *reader, const struct entry *entry)
{
	AUTO_TEXT name = clean_name(entry->name);
	if (!name)
		refuse("read-header", entry->name, "UNSAFE_NAME");
	if (extractor->is_layer && starts_with(base_of(name), WHITEOUT_PREFIX)) {
		AUTO_TEXT path = join_path(extractor->base, name);
		if (strcmp(base_of(path), OPAQUE_NAME) == 0)
			make_opaque(parent_fd_of(extractor, path), ".");
		else if (!starts_with(base_of(path), META_PREFIX))
			extract_whiteout(extractor, path);
		return;
	}
	if (extractor->is_layer && starts_with(name, META_PREFIX))
		return;
	int fd = extract_entry(extractor, name, entry);
	if (entry->type == TAR_FILE) {
		extractor->content += entry->size;
		write_content(reader, fd, entry);
	} else if (entry->type == TAR_SYMBOLIC_LINK) {
		extractor->content += (int64_t)strlen(entry->link);
	}
	extract_attributes(extractor, name, fd, entry);
}

void extract_archive(struct extractor *extractor, struct source *source)
{
	struct tar_reader reader;
	tar_reader_init(&reader, source);
	for (struct entry *entry; (entry = tar_next(&reader));)
		extract_member(extractor, &reader, entry);
}

void extract_end(struct extractor *extractor)
{
	for (size_t i = 0; i < extractor->time_count; i++) {
		struct directory_time *time = &extractor->times[i];
		const struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, time->mtime };
		AUTO_FD fd = root_open(extractor->root, time->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
		/* Replaced by something else later in the archive: it has its own time. */
		if (fd >= 0 && futimens(fd, times) != 0)
			fail("set-times", time->path, errno);
		free(time->path);
	}
	free(extractor->times);
	forget_parent(extractor);
}
