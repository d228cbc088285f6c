#include "policy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "newer-syscalls.h"

enum { MAX_ARGUMENTS = 6, MAX_ERRNO = 4095 };

static const char *problem_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *problem_text(const char *format, ...)
{
    static char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

static char *next_word(char **rest)
{
    char *word = NULL;
    do
        word = strsep(rest, " ");
    while (word && *word == '\0');
    return word;
}

static bool parse_number(const char *text, uint64_t *number)
{
    char *end = NULL;
    if (!text || *text < '0' || *text > '9')
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool parse_action(const char *text, uint32_t *action)
{
    static const struct {
        const char *name;
        uint32_t action;
    } plain[] = {
        {"allow", SCMP_ACT_ALLOW},
        {"log", SCMP_ACT_LOG},
        {"kill", SCMP_ACT_KILL},
        {"kill_thread", SCMP_ACT_KILL_THREAD},
        {"kill_process", SCMP_ACT_KILL_PROCESS},
        {"trap", SCMP_ACT_TRAP},
    };
    for (size_t i = 0; text && i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(text, plain[i].name) == 0) {
            *action = plain[i].action;
            return true;
        }
    }
    uint64_t number = 0;
    if (text && strncmp(text, "errno:", 6) == 0 && parse_number(text + 6, &number) && number <= MAX_ERRNO) {
        *action = SCMP_ACT_ERRNO((uint16_t)number);
        return true;
    }
    if (text && strncmp(text, "trace:", 6) == 0 && parse_number(text + 6, &number) && number <= UINT16_MAX) {
        *action = SCMP_ACT_TRACE((uint16_t)number);
        return true;
    }
    return false;
}

static bool parse_operator(const char *text, enum scmp_compare *operator)
{
    static const struct {
        const char *name;
        enum scmp_compare operator;
    } operators[] = {
        {"ne", SCMP_CMP_NE}, {"lt", SCMP_CMP_LT}, {"le", SCMP_CMP_LE},
        {"eq", SCMP_CMP_EQ}, {"ge", SCMP_CMP_GE}, {"gt", SCMP_CMP_GT},
        {"masked_eq", SCMP_CMP_MASKED_EQ},
    };
    for (size_t i = 0; text && i < sizeof operators / sizeof operators[0]; i++) {
        if (strcmp(text, operators[i].name) == 0) {
            *operator = operators[i].operator;
            return true;
        }
    }
    return false;
}

static const char *parse_arguments(char *rest, struct scmp_arg_cmp *arguments, unsigned *count)
{
    for (*count = 0;; ++*count) {
        uint64_t index = 0;
        char *word = next_word(&rest);
        if (!word)
            return NULL;
        if (*count == MAX_ARGUMENTS)
            return problem_text("more than %d conditions", MAX_ARGUMENTS);
        if (!parse_number(word, &index) || index >= MAX_ARGUMENTS)
            return problem_text("'%s' is not an argument's index", word);
        struct scmp_arg_cmp *argument = &arguments[*count];
        argument->arg = (unsigned)index;
        word = next_word(&rest);
        if (!parse_operator(word, &argument->op))
            return problem_text("'%s' is not an operator", word ? word : "");
        bool complete = parse_number(next_word(&rest), &argument->datum_a);
        if (complete && argument->op == SCMP_CMP_MASKED_EQ)
            complete = parse_number(next_word(&rest), &argument->datum_b);
        if (!complete)
            return problem_text("a condition without its value");
    }
}

static const char *read_default(struct policy *policy, char *rest)
{
    char *word = next_word(&rest);
    if (policy->filter)
        return problem_text("a second default");
    if (!parse_action(word, &policy->default_action))
        return problem_text("'%s' is not an action", word ? word : "");
    policy->filter = seccomp_init(policy->default_action);
    if (!policy->filter)
        return problem_text("libseccomp does not take the default action '%s'", word);
    /* A tree instead of a chain: the cost of a call no longer grows with the rules (libseccomp 2.5). */
    if (seccomp_attr_set(policy->filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
        return problem_text("libseccomp before 2.5");
    prologue_init(&policy->prologue, policy->default_action);
    return NULL;
}

static const char *read_architecture(struct policy *policy, char *rest)
{
    char *word = next_word(&rest);
    uint32_t architecture = word ? seccomp_arch_resolve_name(word) : 0;
    if (architecture == 0)
        return problem_text("'%s' is not an architecture", word ? word : "");
    if (policy->has_rules)
        return problem_text("an architecture after the rules, which are made for those before them");
    int failure = seccomp_arch_add(policy->filter, architecture);
    if (failure < 0 && failure != -EEXIST)
        return problem_text("architecture %s: %s", word, strerror(-failure));
    prologue_add_architecture(&policy->prologue, architecture);
    return NULL;
}

static const char *read_rule(struct policy *policy, char *rest)
{
    struct scmp_arg_cmp arguments[MAX_ARGUMENTS] = {0};
    unsigned count = 0;
    uint32_t action = 0;
    char *word = next_word(&rest);
    if (!parse_action(word, &action))
        return problem_text("'%s' is not an action", word ? word : "");
    char *name = next_word(&rest);
    if (!name)
        return problem_text("a rule without a system call");
    const char *problem = parse_arguments(rest, arguments, &count);
    if (problem)
        return problem;

    policy->has_rules = true;
    int number = seccomp_syscall_resolve_name(name);
    prologue_note(&policy->prologue, name);
    if (action == policy->default_action)
        return NULL;
    if (number == __NR_SCMP_ERROR) {
        const struct newer_syscall *newer = find_newer_syscall(name);
        if (!newer)
            return NULL;
        if (count > 0)
            return problem_text("conditions on %s need a newer libseccomp", name);
        return prologue_add_rule(&policy->prologue, newer, action) ? NULL : problem_text("too many new system calls");
    }
    int failure = seccomp_rule_add_array(policy->filter, action, number, count, arguments);
    return failure < 0 ? problem_text("rule for %s: %s", name, strerror(-failure)) : NULL;
}

const char *policy_read_line(struct policy *policy, char *line)
{
    char *rest = line;
    char *word = next_word(&rest);
    if (word && strcmp(word, "default") == 0)
        return read_default(policy, rest);
    if (!policy->filter)
        return problem_text("the first line has to be 'default <action>'");
    if (word && strcmp(word, "arch") == 0)
        return read_architecture(policy, rest);
    if (word && strcmp(word, "rule") == 0)
        return read_rule(policy, rest);
    return problem_text("'%s' is none of default, arch, rule", word ? word : "");
}

static void close_descriptor(const int *descriptor)
{
    if (*descriptor >= 0)
        (void)close(*descriptor);
}

size_t policy_compile(const struct policy *policy, struct sock_filter *program, const char **problem)
{
    size_t count = prologue_write(&policy->prologue, program, BPF_MAXINSNS);
    /* libseccomp 2.5 exports only to a descriptor. */
    __attribute__((cleanup(close_descriptor))) int file = memfd_create("filter", MFD_CLOEXEC);
    int failure = file < 0 ? -errno : seccomp_export_bpf(policy->filter, file);
    if (failure < 0) {
        *problem = problem_text("the filter cannot be made: %s", strerror(-failure));
        return 0;
    }
    off_t size = lseek(file, 0, SEEK_END);
    size_t space = (BPF_MAXINSNS - count) * sizeof program[0];
    if (size < 0 || (size_t)size > space) {
        *problem = problem_text("the filter is longer than the %d instructions that the kernel takes", BPF_MAXINSNS);
        return 0;
    }
    if (pread(file, program + count, (size_t)size, 0) != size) {
        *problem = problem_text("the filter cannot be read back");
        return 0;
    }
    return count + (size_t)size / sizeof program[0];
}
