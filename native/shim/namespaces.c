/* Steps that belong to single namespaces: user, keyring, uts, sysctl. */
#include "namespaces.h"

#include <grp.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "inroot.h"
#include "setup.h"
#include "sys.h"

int enter_namespaces(int process, uint32_t namespaces)
{
    return namespaces == 0 ? 0 : setns(process, (int)namespaces);
}

/* The monitor has written the maps; until now this process has had the overflow ids there. */
int step_user_namespace(struct setup *setup)
{
    if (!setup->own_user_namespace)
        return 0;
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || setgroups(0, NULL) < 0)
        return setup_error(setup, "ids of the user namespace");
    return 0;
}

/* A session keyring of its own: the engine's keys are not the container's (keyrings have no namespace). */
int step_keyring(struct setup *setup)
{
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "lighter") < 0 && errno != ENOSYS && errno != EPERM &&
        errno != EDQUOT)
        return setup_error(setup, "session keyring");
    return 0;
}

int step_hostname(struct setup *setup)
{
    const char *host = records_text(setup->spec, TAG_HOSTNAME);
    if (host && sethostname(host, strlen(host)) < 0)
        return setup_error(setup, "%s", host);
    const char *domain = records_text(setup->spec, TAG_DOMAINNAME);
    if (domain && setdomainname(domain, strlen(domain)) < 0)
        return setup_error(setup, "%s", domain);
    return 0;
}

/* A sysctl must land in procfs and nowhere else, whatever the image or a volume put in /proc's place (CVE-2019-16884). */
int step_sysctls(struct setup *setup)
{
    struct records list = setup->spec;
    struct record record;
    while (records_next_of(&list, TAG_SYSCTL, &record)) {
        const char *name = records_text(record_group(&record), FIELD_TARGET);
        const char *value = records_text(record_group(&record), FIELD_DATA);
        char path[256];
        if ((size_t)snprintf(path, sizeof path, "proc/sys/%s", name) >= sizeof path) {
            errno = ENAMETOOLONG;
            return setup_error(setup, "%s", name);
        }
        AUTO_CLOSE file = sys_openat2(setup->root, path, O_WRONLY, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
        struct statfs system;
        if (file < 0 || fstatfs(file, &system) < 0)
            return setup_error(setup, "%s", name);
        if (system.f_type != PROC_SUPER_MAGIC) {
            errno = EXDEV;
            return setup_error(setup, "%s", name);
        }
        if (RETRY(write(file, value, strlen(value))) < 0)
            return setup_error(setup, "%s=%s", name, value);
    }
    return 0;
}
