#include "mount-into.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "names.h"
#include "options.h"
#include "report.h"

/* One option, taken apart. The texts are the option's own copy. */
struct mount {
	bool readonly;
	char *source;
	char *subpath; /* "": all of the source */
	char *target;
};

static void free_mount(struct mount *mount)
{
	free(mount->source);
	free(mount->subpath);
	free(mount->target);
}
#define AUTO_MOUNT __attribute__((cleanup(free_mount))) struct mount

/* `<length>:` at the beginning of the rest, which may not be longer than what follows it. */
static size_t take_length(const char **rest, const char *text)
{
	char *end = NULL;
	size_t length = strtoul(*rest, &end, 10);
	if (end == *rest || *end != ':' || length > strlen(end + 1))
		refuse("mount", text, "BAD_MOUNT");
	*rest = end + 1;
	return length;
}

static bool next_mount(size_t *cursor, struct mount *mount)
{
	const char *text = next_option("mount", cursor);
	if (!text)
		return false;
	const char *rest = text + (strlen(text) > 3 ? 3 : 0);
	size_t source = take_length(&rest, text);
	size_t subpath = take_length(&rest, text);
	if (source + subpath >= strlen(rest))
		refuse("mount", text, "BAD_MOUNT");
	*mount = (struct mount){
		.readonly = starts_with(text, "ro:"),
		.source = format_text("%.*s", (int)source, rest),
		.subpath = format_text("%.*s", (int)subpath, rest + source),
		.target = copy_text(rest + source + subpath),
	};
	return true;
}

bool mount_places_exist(const struct root *root)
{
	size_t cursor = 0;
	for (;;) {
		AUTO_MOUNT mount = { 0 };
		if (!next_mount(&cursor, &mount))
			return true;
		AUTO_FD place = root_open(root, mount.target, O_PATH);
		if (place < 0)
			return false;
	}
}

/* Where a mount goes, made where it is missing, as the container's start would. -1 and errno. */
static int mount_place(const struct root *root, const char *target, bool is_directory)
{
	AUTO_TEXT path = root_resolve(root, target);
	if (!path)
		return -1;
	if (is_directory)
		return root_make_directories(root, path, NULL, NULL);
	AUTO_TEXT parent = parent_of(path);
	AUTO_FD parent_fd = root_make_directories(root, parent, NULL, NULL);
	if (parent_fd < 0)
		return -1;
	AUTO_FD made = openat(parent_fd, base_of(path), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	return made < 0 && errno != EEXIST ? -1 : root_open(root, path, O_PATH);
}

/* A detached copy of what is at the source, or at a path below it, links in which lead nowhere but inside the source. */
static int copy_mount(const char *source, const char *subpath)
{
	const unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
	if (!*subpath)
		return open_tree(AT_FDCWD, source, flags);
	AUTO_FD base = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct root whole = { base };
	AUTO_FD inside = base < 0 ? -1 : root_open(&whole, subpath, O_PATH);
	return inside < 0 ? -1 : open_tree(inside, "", flags | AT_EMPTY_PATH);
}

static void mount_one(const struct root *root, const struct mount *mount)
{
	const char *source = mount->source, *target = mount->target;
	struct stat status;
	AUTO_FD tree = copy_mount(source, mount->subpath);
	if (tree < 0 && errno == ENOENT)
		return; /* gone since: what the container itself has at the place is to be seen */
	if (tree < 0 || fstat(tree, &status) != 0)
		fail("mount", source, errno);
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	if (mount->readonly && mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) != 0)
		fail("mount", source, errno);
	AUTO_FD place = mount_place(root, target, S_ISDIR(status.st_mode));
	if (place < 0 || move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
		fail("mount", target, errno);
}

void mount_into(const struct root *root)
{
	size_t cursor = 0;
	for (;;) {
		AUTO_MOUNT mount = { 0 };
		if (!next_mount(&cursor, &mount))
			return;
		mount_one(root, &mount);
	}
}
