/* Takes paths out of a root (`remove`): a build's file operation that deletes. */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "names.h"
#include "operations.h"
#include "options.h"
#include "report.h"
#include "root.h"
#include "tree.h"

static void remove_path(const struct root *root, const char *path)
{
	AUTO_TEXT clean = clean_path(path);
	if (strcmp(clean, ".") == 0) { /* the root stays, but empty */
		AUTO_FD fd = open_directory_at(root->fd, ".");
		if (fd < 0 || remove_content(fd) != 0)
			fail("remove", path, errno);
		return;
	}
	AUTO_FD parent_fd = root_open_parent(root, clean);
	if (parent_fd < 0 || remove_tree(parent_fd, base_of(clean)) != 0)
		fail("remove", path, errno);
}

void operation_remove(void)
{
	struct root root = root_from_option("root", true);
	size_t cursor = 0;
	for (const char *path; (path = next_option("path", &cursor));)
		remove_path(&root, path);
}
