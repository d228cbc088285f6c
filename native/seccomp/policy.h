#ifndef LIGHTER_SECCOMP_POLICY_H
#define LIGHTER_SECCOMP_POLICY_H

#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prologue.h"

/* What has been read so far. `filter` is NULL until the default action is known. */
struct policy {
    scmp_filter_ctx filter;
    uint32_t default_action;
    bool has_rules;
    struct prologue prologue;
};

/*
 * Takes one line, without its end, which it may overwrite. Returns NULL, or what is wrong with it; the text is valid until
 * the next call.
 */
const char *policy_read_line(struct policy *policy, char *line);

/*
 * Writes the program for everything that was read into `program` of BPF_MAXINSNS instructions and returns their count.
 * On failure sets `problem`.
 */
size_t policy_compile(const struct policy *policy, struct sock_filter *program, const char **problem);

#endif
