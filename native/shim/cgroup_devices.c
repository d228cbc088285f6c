/*
 * Device rules on cgroup v2, which has no devices.allow: an eBPF program of type CGROUP_DEVICE is asked at each open and
 * mknod. One block of instructions for each rule, last rule first, so that the last that matches decides.
 */
#include <linux/bpf.h>
#include <string.h>

#include "cgroup.h"
#include "sys.h"

enum {
    INSTRUCTIONS_PER_RULE = 9,
    RULES_MAX = 400, /* 3600 instructions; an unprivileged limit of 4096 does not bind us, sense does */
    RESULT = BPF_REG_0,
    CONTEXT = BPF_REG_1,
    TYPE = BPF_REG_2,
    ACCESS = BPF_REG_3,
    MAJOR = BPF_REG_4,
    MINOR = BPF_REG_5,
};

struct program {
    struct bpf_insn *code;
    size_t length;
};

static void emit(struct program *program, uint8_t code, uint8_t to, uint8_t from, int16_t offset, int32_t value)
{
    program->code[program->length++] =
        (struct bpf_insn){.code = code, .dst_reg = (unsigned)to & 15U, .src_reg = (unsigned)from & 15U, .off = offset, .imm = value};
}

static void load_word(struct program *program, uint8_t to, size_t offset)
{
    emit(program, BPF_LDX | BPF_MEM | BPF_W, to, CONTEXT, (int16_t)offset, 0);
}

static void return_value(struct program *program, int32_t value)
{
    emit(program, BPF_ALU64 | BPF_MOV | BPF_K, RESULT, 0, 0, value);
    emit(program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/*
 * Where a condition does not hold, jumps past the rule; the distance is known once the rule is complete. False for a rule
 * without a condition: the kernel refuses a program with instructions that nothing leads to.
 */
static bool add_rule(struct program *program, const struct wire_device_rule *rule)
{
    size_t start = program->length;
    if (rule->type)
        emit(program, BPF_JMP | BPF_JNE | BPF_K, TYPE, 0, 0, (int32_t)rule->type);
    if (rule->access != (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)) {
        emit(program, BPF_ALU64 | BPF_MOV | BPF_X, CONTEXT, ACCESS, 0, 0); /* the context has been read: free to use */
        emit(program, BPF_ALU64 | BPF_AND | BPF_K, CONTEXT, 0, 0, (int32_t)rule->access);
        emit(program, BPF_JMP | BPF_JNE | BPF_X, CONTEXT, ACCESS, 0, 0);
    }
    if (rule->major >= 0)
        emit(program, BPF_JMP | BPF_JNE | BPF_K, MAJOR, 0, 0, rule->major);
    if (rule->minor >= 0)
        emit(program, BPF_JMP | BPF_JNE | BPF_K, MINOR, 0, 0, rule->minor);
    bool conditional = program->length > start;
    return_value(program, rule->allow != 0);
    for (size_t i = start; i < program->length; i++)
        if (BPF_OP(program->code[i].code) == BPF_JNE && BPF_CLASS(program->code[i].code) == BPF_JMP)
            program->code[i].off = (int16_t)(program->length - i - 1);
    return conditional;
}

static int attach(const struct cgroups *cgroups, const struct program *program)
{
    union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE};
    load.insns = (uint64_t)(uintptr_t)program->code;
    load.insn_cnt = (uint32_t)program->length;
    load.license = (uint64_t)(uintptr_t) "GPL";
    AUTO_CLOSE loaded = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
    AUTO_CLOSE top = open(cgroups->trees[0].mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSE group = sys_openat2(top, cgroups->path + 1, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (loaded < 0 || group < 0)
        return -1;
    union bpf_attr attachment = {.attach_type = BPF_CGROUP_DEVICE};
    attachment.target_fd = (uint32_t)group;
    attachment.attach_bpf_fd = (uint32_t)loaded;
    attachment.attach_flags = BPF_F_ALLOW_MULTI;
    return (int)syscall(SYS_bpf, BPF_PROG_ATTACH, &attachment, sizeof attachment);
}

int cgroups_restrict_devices(const struct cgroups *cgroups, struct records spec)
{
    struct wire_device_rule rules[RULES_MAX];
    size_t count = 0;
    struct record record;
    while (records_next_of(&spec, TAG_DEVICE_RULE, &record)) {
        if (count == RULES_MAX) {
            errno = E2BIG;
            return -1;
        }
        memcpy(&rules[count++], record.value, sizeof *rules);
    }
    if (count == 0)
        return 0;
    AUTO_FREE struct bpf_insn *code = calloc(count * INSTRUCTIONS_PER_RULE + 8, sizeof *code);
    if (!code)
        return -1;
    struct program program = {.code = code};
    load_word(&program, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    emit(&program, BPF_ALU64 | BPF_MOV | BPF_X, ACCESS, TYPE, 0, 0);
    emit(&program, BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
    emit(&program, BPF_ALU64 | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
    load_word(&program, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
    load_word(&program, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
    bool reached = true;
    while (reached && count > 0)
        reached = add_rule(&program, &rules[--count]);
    if (reached)
        return_value(&program, 0);
    return attach(cgroups, &program);
}
