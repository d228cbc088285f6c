#include "root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory.h"
#include "mount-into.h"
#include "names.h"
#include "options.h"
#include "report.h"

/* As many as the kernel follows. */
#define LINK_LIMIT 40

static struct root open_root(const char *path)
{
	struct root root = { open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) };
	if (root.fd < 0)
		fail("open-root", path, errno);
	return root;
}

struct root root_at(const char *path)
{
	return open_root(path);
}

/* From here on no mount of ours is seen by others, and all end with this process. */
static void enter_own_mounts(void)
{
	static bool entered;
	if (entered)
		return;
	if (unshare(CLONE_NEWNS) != 0)
		fail("unshare", "", errno);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		fail("make-private", "/", errno);
	entered = true;
}

/* `3/fs:2/fs:1/fs` of `3,2,1`, the upper directory first where it is only read. */
static char *lower_option(const char *upper, const char *lower, bool will_write)
{
	AUTO_TEXT keys = upper && !will_write ? format_text("%s%s%s", upper, *lower ? "," : "", lower) : copy_text(lower);
	char *result = copy_text("");
	char *rest = NULL;
	for (char *key = strtok_r(keys, ",", &rest); key; key = strtok_r(NULL, ",", &rest)) {
		char *longer = format_text("%s%s%s/fs", result, *result ? ":" : "", key);
		free(result);
		result = longer;
	}
	return result;
}

/*
 * The snapshots' own directory. Kept open from before the first mount, which covers it: names of further roots must still
 * start below.
 */
static int snapshots_fd(const char *snapshots)
{
	static int fd = -1;
	/* First the namespace: a descriptor from the old one is no place to mount upon. */
	enter_own_mounts();
	if (fd < 0 && (fd = open(snapshots, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		fail("open-root", snapshots, errno);
	return fd;
}

/* Mounts a root over the snapshots' directory, where only this process sees it. */
static struct root mount_root(const char *snapshots, const char *type, unsigned long flags, const char *data)
{
	if (fchdir(snapshots_fd(snapshots)) != 0)
		fail("open-root", snapshots, errno);
	if (mount(type, ".", type, flags, data) != 0)
		fail("mount-root", snapshots, errno);
	return open_root(snapshots);
}

static struct root mount_overlay(const char *upper, const char *lower, const char *snapshots, bool will_write)
{
	AUTO_TEXT layers = lower_option(upper, lower, will_write);
	bool has_upper = upper && will_write;
	/* An image without layers. */
	if (!has_upper && !*layers)
		return mount_root(snapshots, "tmpfs", MS_RDONLY, "mode=755");
	/* overlayfs needs two directories; one alone is its own merged view. */
	if (has_upper ? !*layers : !strchr(layers, ':')) {
		AUTO_TEXT only = has_upper ? format_text("%s/fs", upper) : copy_text(layers);
		struct root root = { openat(snapshots_fd(snapshots), only, O_PATH | O_DIRECTORY | O_CLOEXEC) };
		if (root.fd < 0)
			fail("open-root", only, errno);
		return root;
	}
	AUTO_TEXT data = has_upper ? format_text("index=off,lowerdir=%s,upperdir=%s/fs,workdir=%s/work", layers, upper, upper)
				   : format_text("lowerdir=%s", layers);
	return mount_root(snapshots, "overlay", has_upper ? 0 : MS_RDONLY, data);
}

static struct root overlay_from_text(const char *text, bool will_write)
{
	AUTO_TEXT copy = copy_text(text);
	char *lower = strchr(copy, ':');
	char *snapshots = lower ? strchr(lower + 1, ':') : NULL;
	if (!snapshots)
		refuse("open-root", text, "BAD_ROOT");
	*lower++ = *snapshots++ = '\0';
	return mount_overlay(strcmp(copy, "-") == 0 ? NULL : copy, lower, snapshots, will_write);
}

struct root root_from_option(const char *name, bool will_write)
{
	const char *text = required_option(name);
	if (starts_with(text, "directory:"))
		return open_root(text + strlen("directory:"));
	if (starts_with(text, "live:")) {
		AUTO_TEXT path = format_text("/proc/%s/root", text + strlen("live:"));
		return open_root(path);
	}
	if (starts_with(text, "overlay:")) {
		const char *overlay = text + strlen("overlay:");
		struct root root = overlay_from_text(overlay, will_write);
		/* Only a container that has never run lacks places: until it starts nobody else has its upper directory. */
		if (!will_write && !mount_places_exist(&root))
			root = overlay_from_text(overlay, true);
		mount_into(&root);
		return root;
	}
	refuse("open-root", text, "BAD_ROOT");
}

int root_open(const struct root *root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	for (;;) {
		long fd = syscall(SYS_openat2, root->fd, path, &how, sizeof how);
		/* EAGAIN: something was renamed on the way, and the kernel cannot tell whether `..` is still inside. */
		if (fd >= 0 || errno != EAGAIN)
			return (int)fd;
	}
}

int root_open_parent(const struct root *root, const char *path)
{
	AUTO_TEXT parent = parent_of(path);
	return root_open(root, parent, O_PATH | O_DIRECTORY);
}

/* The text of a symbolic link; NULL if it is none. */
static char *read_link(const struct root *root, const char *path)
{
	char text[PATH_MAX];
	AUTO_FD fd = root_open(root, path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	ssize_t length = readlinkat(fd, "", text, sizeof text - 1);
	if (length < 0)
		return NULL;
	text[length] = '\0';
	return copy_text(text);
}

char *root_resolve(const struct root *root, const char *path)
{
	AUTO_TEXT rest = copy_text(path);
	char *done = copy_text(".");
	int links = 0;
	while (*rest) {
		size_t length = strcspn(rest, "/");
		AUTO_TEXT part = format_text("%.*s", (int)length, rest);
		AUTO_TEXT tail = copy_text(rest + length + strspn(rest + length, "/"));
		AUTO_TEXT joined = format_text("%s/%s", done, part);
		AUTO_TEXT next = clean_path(joined); /* `done` has no links, so `..` is its parent */
		AUTO_TEXT link = read_link(root, next);
		free(rest);
		if (link && ++links > LINK_LIMIT) {
			rest = NULL;
			free(done);
			errno = ELOOP;
			return NULL;
		}
		rest = link ? format_text("%s/%s", link + strspn(link, "/"), tail) : copy_text(tail);
		if (!link || *link == '/') {
			free(done);
			done = link ? copy_text(".") : copy_text(next);
		}
	}
	return done;
}

int root_make_directories(const struct root *root, const char *path, made_directory *made, void *state)
{
	int fd = root_open(root, path, O_PATH | O_DIRECTORY);
	if (fd >= 0 || errno != ENOENT || strcmp(path, ".") == 0)
		return fd;
	AUTO_TEXT parent = parent_of(path);
	AUTO_FD parent_fd = root_make_directories(root, parent, made, state);
	if (parent_fd < 0)
		return -1;
	if (mkdirat(parent_fd, base_of(path), 0755) != 0)
		return -1; /* EEXIST: a link that leads nowhere */
	if (made)
		made(state, parent_fd, path);
	return root_open(root, path, O_PATH | O_DIRECTORY);
}

static int remove_content_on(int fd, dev_t device)
{
	DIR *directory = fdopendir(dup(fd));
	if (!directory)
		return -1;
	int result = 0;
	for (struct dirent *child; result == 0 && (child = readdir(directory));) {
		if (strcmp(child->d_name, ".") == 0 || strcmp(child->d_name, "..") == 0)
			continue;
		if (child->d_type != DT_DIR && unlinkat(fd, child->d_name, 0) == 0)
			continue;
		AUTO_FD sub = openat(fd, child->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0) {
			result = errno == ENOENT ? 0 : -1;
			continue;
		}
		struct stat status;
		if (fstat(sub, &status) != 0 || status.st_dev != device) {
			errno = EXDEV;
			result = -1;
			continue;
		}
		result = remove_content_on(sub, device);
		if (result == 0)
			result = unlinkat(fd, child->d_name, AT_REMOVEDIR);
	}
	int error = errno;
	closedir(directory);
	errno = error;
	return result;
}

int remove_content(int fd)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return -1;
	return remove_content_on(fd, status.st_dev);
}

int remove_tree(int parent_fd, const char *name)
{
	if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || remove_content(fd) != 0)
		return -1;
	return unlinkat(parent_fd, name, AT_REMOVEDIR);
}
