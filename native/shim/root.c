/* The container's root: mounted aside, entered by pivot_root, made read-only at the end. */
#include <string.h>
#include <sys/stat.h>

#include "setup.h"
#include "sys.h"

enum { MS_REC_ = 1 << 14, MS_SLAVE_ = 1 << 19, MNT_DETACH_ = 2 };

/* What we mount never travels to the host; what the host unmounts is let go here too, until the pivot drops it all. */
int step_propagation(struct setup *setup)
{
    if (sys_mount(NULL, "/", NULL, MS_SLAVE_ | MS_REC_, NULL) < 0)
        return setup_error(setup, "/");
    return 0;
}

/*
 * Overlay's options fit a page only with short relative names, hence the change of directory. It is mounted over that
 * directory itself: any directory will do in a mount namespace of our own, and this one is certain to be there.
 */
static int mount_overlay(struct setup *setup, struct records group)
{
    const char *directory = records_text(group, FIELD_SOURCE);
    const char *options = records_text(group, FIELD_DATA);
    if (chdir(directory) < 0)
        return setup_error(setup, "%s", directory);
    if (sys_mount("overlay", ".", "overlay", 0, options) < 0)
        return setup_error(setup, "overlay %s in %s", options, directory);
    setup->root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (setup->root < 0)
        return setup_error(setup, "%s", directory);
    return 0;
}

static int mount_directory(struct setup *setup, const char *directory)
{
    AUTO_CLOSE tree = sys_open_tree(AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    AUTO_CLOSE place = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (tree < 0 || place < 0 || sys_move_mount(tree, place) < 0)
        return setup_error(setup, "%s", directory);
    setup->root = take_fd(&tree);
    return 0;
}

int step_root(struct setup *setup)
{
    struct records list = setup->spec;
    struct record record;
    if (records_next_of(&list, TAG_ROOT_OVERLAY, &record))
        return mount_overlay(setup, record_group(&record));
    const char *directory = records_text(setup->spec, TAG_ROOT_DIRECTORY);
    if (directory)
        return mount_directory(setup, directory);
    errno = EPROTO;
    return setup_error(setup, "no root given");
}

int step_pivot_root(struct setup *setup)
{
    /* Old and new root on one place, then the old one, now on top, is let go with all of the host below it. */
    if (fchdir(setup->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || syscall(SYS_umount2, ".", MNT_DETACH_) < 0 ||
        chdir("/") < 0)
        return setup_error(setup, "/");
    close_at_end(&setup->root);
    setup->root = -1;
    uint32_t propagation = records_u32(setup->spec, TAG_ROOT_PROPAGATION, 0);
    if (propagation && sys_mount(NULL, "/", NULL, propagation, NULL) < 0)
        return setup_error(setup, "propagation of /");
    if (records_u32(setup->spec, TAG_ROOT_READONLY, 0)) {
        AUTO_CLOSE top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
        if (top < 0 || sys_mount_setattr(top, 0, &readonly) < 0)
            return setup_error(setup, "read-only /");
    }
    return 0;
}
