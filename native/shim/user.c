/*
 * Who the program is, by the rules of Docker's --user: "user[:group]", each a name or a number, looked up in the
 * container's own /etc/passwd and /etc/group. A number needs no entry; a name does. Without an explicit group the user's
 * memberships come along; the primary group is always among the supplementary ones (CVE-2022-36109).
 */
#include <ctype.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "setup.h"
#include "sys.h"

enum { GROUPS_MAX = 65536 /* NGROUPS_MAX of the kernel */ };

struct identity {
    uint32_t uid;
    uint32_t gid;
    char *name; /* as in passwd, NULL: no entry */
    char *home;
    gid_t *groups;
    size_t group_count;
};

/* A regular file and nothing else: an image could put a pipe there and keep us for ever. */
static FILE *open_database(const char *path)
{
    AUTO_CLOSE fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return NULL;
    FILE *file = fdopen(fd, "r");
    if (file)
        (void)take_fd(&fd);
    return file;
}

static bool parse_id(const char *text, uint32_t *id)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (*end || errno || number > INT_MAX) /* Docker's bound, too */
        return false;
    *id = (uint32_t)number;
    return true;
}

/* Cuts a line at its colons. Missing fields are empty. */
static void split(char *line, char *fields[], size_t count)
{
    line[strcspn(line, "\n")] = 0;
    for (size_t i = 0; i < count; i++) {
        fields[i] = line;
        char *colon = strchr(line, ':');
        if (colon) {
            *colon = 0;
            line = colon + 1;
        } else {
            line += strlen(line);
        }
    }
}

static bool matches(const char *name, const char *number, const char *wanted)
{
    uint32_t a, b;
    return strcmp(name, wanted) == 0 || (parse_id(wanted, &a) && parse_id(number, &b) && a == b);
}

/* name:password:uid:gid:comment:home:shell */
static bool find_user(const char *wanted, struct identity *identity)
{
    FILE *file = open_database("/etc/passwd");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (file && !found && getline(&line, &size, file) >= 0) {
        char *fields[7];
        split(line, fields, 7);
        uint32_t uid, gid;
        if (!matches(fields[0], fields[2], wanted) || !parse_id(fields[2], &uid) || !parse_id(fields[3], &gid))
            continue;
        found = true;
        identity->uid = uid;
        identity->gid = gid;
        identity->name = strdup(fields[0]);
        identity->home = strdup(fields[5]);
    }
    free(line);
    if (file)
        (void)fclose(file);
    return found;
}

static int add_group(struct identity *identity, gid_t gid)
{
    for (size_t i = 0; i < identity->group_count; i++)
        if (identity->groups[i] == gid)
            return 0;
    if (identity->group_count == GROUPS_MAX) {
        errno = EINVAL;
        return -1;
    }
    gid_t *grown = realloc(identity->groups, (identity->group_count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    identity->groups = grown;
    identity->groups[identity->group_count++] = gid;
    return 0;
}

static bool is_member(const char *members, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = members; *at;) {
        size_t word = strcspn(at, ",");
        if (word == length && strncmp(at, name, length) == 0)
            return true;
        at += word + (at[word] == ',');
    }
    return false;
}

/* name:password:gid:member,member */
static bool find_group(const char *wanted, uint32_t *gid)
{
    FILE *file = open_database("/etc/group");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (file && !found && getline(&line, &size, file) >= 0) {
        char *fields[4];
        split(line, fields, 4);
        found = matches(fields[0], fields[2], wanted) && parse_id(fields[2], gid);
    }
    free(line);
    if (file)
        (void)fclose(file);
    return found || parse_id(wanted, gid);
}

static int add_memberships(struct identity *identity)
{
    FILE *file = open_database("/etc/group");
    char *line = NULL;
    size_t size = 0;
    int result = 0;
    while (file && result == 0 && getline(&line, &size, file) >= 0) {
        char *fields[4];
        split(line, fields, 4);
        uint32_t gid;
        if (is_member(fields[3], identity->name) && parse_id(fields[2], &gid))
            result = add_group(identity, gid);
    }
    free(line);
    if (file)
        (void)fclose(file);
    return result;
}

static int no_entry(struct setup *setup, const char *kind, const char *name, const char *database)
{
    errno = ENOENT;
    return setup_error(setup, "unable to find %s %s: no matching entries in %s file", kind, name, database);
}

/* "user[:group]" as Docker reads it; "" is root. */
static int resolve(struct setup *setup, const char *wanted, struct identity *identity)
{
    AUTO_FREE char *user = strdup(wanted);
    if (!user)
        return -1;
    char *group = strchr(user, ':');
    if (group)
        *group++ = 0;
    if (!find_user(*user ? user : "0", identity) && *user && !parse_id(user, &identity->uid))
        return no_entry(setup, "user", user, "passwd");
    bool explicit_group = group && *group;
    if (explicit_group && !find_group(group, &identity->gid))
        return no_entry(setup, "group", group, "group");
    if (add_group(identity, identity->gid) < 0)
        return -1;
    return !explicit_group && identity->name ? add_memberships(identity) : 0;
}

static int add_requested_groups(struct setup *setup, struct identity *identity)
{
    struct records list = setup->spec;
    struct record record;
    while (records_next(&list, &record)) {
        uint32_t gid;
        if (record.tag == TAG_GROUP)
            memcpy(&gid, record.value, sizeof gid);
        else if (record.tag != TAG_GROUP_NAME)
            continue;
        else if (!find_group(record_text(&record), &gid))
            return no_entry(setup, "group", record_text(&record), "group");
        if (add_group(identity, gid) < 0)
            return setup_error(setup, "group %u", gid);
    }
    return 0;
}

/* The environment as given, and HOME where it does not say. */
static int make_environment(struct setup *setup, const char *home)
{
    struct records list = setup->spec;
    struct record record;
    size_t count = 0;
    while (records_next_of(&list, TAG_ENVIRONMENT, &record))
        count++;
    setup->environment = calloc(count + 2, sizeof *setup->environment);
    if (!setup->environment)
        return -1;
    bool has_home = false;
    list = setup->spec;
    for (size_t i = 0; records_next_of(&list, TAG_ENVIRONMENT, &record); i++) {
        setup->environment[i] = (char *)(uintptr_t)record_text(&record);
        has_home |= strncmp(setup->environment[i], "HOME=", 5) == 0 && setup->environment[i][5];
    }
    return has_home || asprintf(&setup->environment[count], "HOME=%s", home) >= 0 ? 0 : -1;
}

int step_user(struct setup *setup)
{
    struct identity identity = {0};
    struct wire_user given = {0};
    (void)records_copy(setup->spec, TAG_USER, &given, sizeof given);
    const char *wanted = records_text(setup->spec, TAG_USER_NAME);
    if (wanted) {
        if (resolve(setup, wanted, &identity) < 0)
            return setup->detail[0] ? -1 : setup_error(setup, "%s", wanted);
    } else {
        identity.uid = given.uid;
        identity.gid = given.gid;
    }
    if (add_requested_groups(setup, &identity) < 0)
        return -1;
    if (setgroups(identity.group_count, identity.groups) < 0)
        return setup_error(setup, "%zu supplementary groups", identity.group_count);
    setup->uid = identity.uid;
    setup->gid = identity.gid;
    const char *home = identity.home && *identity.home ? identity.home : "/";
    if (make_environment(setup, home) < 0)
        return setup_error(setup, "environment");
    free(identity.groups);
    free(identity.name);
    free(identity.home);
    return 0;
}
