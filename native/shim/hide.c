/* Masked and read-only paths: what of the kernel's files a container may not see, or not change. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "inroot.h"
#include "mounts.h"
#include "setup.h"
#include "sys.h"

/* The container's /dev/null as a detached mount, if it truly is the null device (CVE-2025-31133). */
static int clone_null(struct setup *setup)
{
    AUTO_CLOSE node = inroot_open_strict(setup->root, "dev/null");
    struct stat status;
    if (node < 0 || fstat(node, &status) < 0)
        return -1;
    if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)) {
        errno = EINVAL;
        return -1;
    }
    return sys_open_tree(node, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* A file is covered by /dev/null, a directory by an empty read-only tmpfs. */
static int mask(struct setup *setup, const char *path)
{
    AUTO_CLOSE place = inroot_open(setup->root, path);
    struct stat status;
    if (place < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1; /* this kernel does not have it */
    if (fstat(place, &status) < 0)
        return -1;
    AUTO_CLOSE cover = S_ISDIR(status.st_mode) ? mount_new("tmpfs", "tmpfs", "nr_inodes=1,mode=755", MOUNT_ATTR_RDONLY)
                                               : clone_null(setup);
    return cover < 0 ? -1 : sys_move_mount(cover, place);
}

static int make_readonly(struct setup *setup, const char *path)
{
    AUTO_CLOSE place = inroot_open(setup->root, path);
    if (place < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    AUTO_CLOSE tree = sys_open_tree(place, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    if (tree < 0 || sys_mount_setattr(tree, AT_RECURSIVE, &readonly) < 0)
        return -1;
    return sys_move_mount(tree, place);
}

int step_hide_paths(struct setup *setup)
{
    struct records list = setup->spec;
    struct record record;
    while (records_next_of(&list, TAG_READONLY_PATH, &record))
        if (make_readonly(setup, record_text(&record)) < 0)
            return setup_error(setup, "%s", record_text(&record));
    list = setup->spec;
    while (records_next_of(&list, TAG_MASKED_PATH, &record))
        if (mask(setup, record_text(&record)) < 0)
            return setup_error(setup, "%s", record_text(&record));
    return 0;
}
