/* Limits, ids, capabilities and the system-call filter: what the program may do once it runs. */
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "setup.h"
#include "sys.h"

int step_oom_score(struct setup *setup)
{
    char value[16];
    int length = snprintf(value, sizeof value, "%d", (int32_t)records_u32(setup->spec, TAG_OOM_SCORE_ADJ, 0));
    if (write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", value, (size_t)length) == 0)
        return 0;
    if (errno != EACCES) /* lowering takes CAP_SYS_RESOURCE, which an engine within a container may lack */
        return setup_error(setup, "%s", value);
    setup_warn(setup, "oom score", value);
    return 0;
}

int step_rlimits(struct setup *setup)
{
    struct records list = setup->spec;
    struct record record;
    while (records_next_of(&list, TAG_RLIMIT, &record)) {
        struct wire_rlimit wanted;
        memcpy(&wanted, record.value, sizeof wanted);
        struct rlimit limit = {.rlim_cur = wanted.soft, .rlim_max = wanted.hard};
        int resource = (int)wanted.resource;
        if (setrlimit(resource, &limit) == 0)
            continue;
        struct rlimit have;
        if (errno != EPERM || getrlimit(resource, &have) < 0)
            return setup_error(setup, "%d", resource);
        /* Raising above the hard limit takes CAP_SYS_RESOURCE: as far as it goes, and say so. */
        char detail[32];
        (void)snprintf(detail, sizeof detail, "%d", resource);
        setup_warn(setup, "rlimit", detail);
        if (limit.rlim_max > have.rlim_max)
            limit.rlim_max = have.rlim_max;
        if (limit.rlim_cur > limit.rlim_max)
            limit.rlim_cur = limit.rlim_max;
        if (setrlimit(resource, &limit) < 0)
            return setup_error(setup, "%d", resource);
    }
    return 0;
}

static int drop_bounding(uint64_t keep)
{
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (keep & (1ULL << capability))
            continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return errno == EINVAL ? 0 : -1; /* past the last one that this kernel knows */
    }
    return 0;
}

static int get_permitted(uint64_t *permitted)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &head, data) < 0)
        return -1;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return 0;
}

static int set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)effective, .permitted = (uint32_t)permitted, .inheritable = (uint32_t)inheritable},
        {.effective = (uint32_t)(effective >> 32),
         .permitted = (uint32_t)(permitted >> 32),
         .inheritable = (uint32_t)(inheritable >> 32)},
    };
    return (int)syscall(SYS_capset, &head, data);
}

/* Needs CAP_SETPCAP, SETUID, SETGID. Afterwards the ids are final, the permitted capabilities still what they were. */
int step_change_user(struct setup *setup)
{
    struct wire_capabilities wanted = {0};
    (void)records_copy(setup->spec, TAG_CAPABILITIES, &wanted, sizeof wanted);
    if (drop_bounding(wanted.bounding) < 0)
        return setup_error(setup, "bounding set");
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(setup->gid, setup->gid, setup->gid) < 0 ||
        setresuid(setup->uid, setup->uid, setup->uid) < 0 || prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
        return setup_error(setup, "%u:%u", setup->uid, setup->gid);
    (void)umask((mode_t)records_u32(setup->spec, TAG_UMASK, 0022));
    /* Nothing of a container runs on without the monitor. A change of ids would have cleared this. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return setup_error(setup, "parent death signal");
    return 0;
}

static int install_filter(struct setup *setup, const struct record *record)
{
    size_t count = record->length / sizeof(struct sock_filter);
    AUTO_FREE struct sock_filter *filter = malloc(record->length);
    if (!filter || count == 0 || count > BPF_MAXINSNS) {
        errno = EINVAL;
        return setup_error(setup, "filter of %zu instructions", count);
    }
    memcpy(filter, record->value, record->length);
    struct sock_fprog program = {.len = (unsigned short)count, .filter = filter};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return setup_error(setup, "filter of %zu instructions", count);
    return 0;
}

/*
 * The filter goes in while CAP_SYS_ADMIN is there, which it needs where no_new_privs is not set; what follows must be
 * allowed by it, as with other runtimes: capset, prctl, execve, and write and exit_group to report a failure.
 */
int step_seccomp_and_capabilities(struct setup *setup)
{
    struct wire_capabilities wanted = {0};
    (void)records_copy(setup->spec, TAG_CAPABILITIES, &wanted, sizeof wanted);
    uint64_t have;
    if (get_permitted(&have) < 0 || set_capabilities(have, have, 0) < 0)
        return setup_error(setup, "effective set");
    if (records_u32(setup->spec, TAG_NO_NEW_PRIVILEGES, 0) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return setup_error(setup, "no_new_privs");
    struct records list = setup->spec;
    struct record record;
    if (records_next_of(&list, TAG_SECCOMP, &record) && install_filter(setup, &record) < 0)
        return -1;
    /* An engine that lacks a capability cannot give it away (a privileged container asks for all there are). */
    uint64_t permitted = wanted.permitted & have;
    if (set_capabilities(wanted.effective & permitted, permitted, wanted.inheritable & have) < 0)
        return setup_error(setup, "capabilities");
    for (unsigned long capability = 0; capability < 64; capability++)
        if ((wanted.ambient & permitted & wanted.inheritable & (1ULL << capability)) &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            return setup_error(setup, "ambient capability %lu", capability);
    return 0;
}
