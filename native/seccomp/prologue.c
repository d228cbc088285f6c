#include "prologue.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

/* arch/x86/include/uapi/asm/unistd.h: x32 shares the 64-bit architecture and sets this bit in the number. */
static const uint32_t x32_bit = 0x40000000;

/* libseccomp's actions are the kernel's return values, so that they can be used as they are. */
static_assert(SCMP_ACT_ALLOW == SECCOMP_RET_ALLOW && SCMP_ACT_KILL_PROCESS == SECCOMP_RET_KILL_PROCESS &&
                  SCMP_ACT_ERRNO(EPERM) == (SECCOMP_RET_ERRNO | EPERM),
              "libseccomp's actions are not the kernel's");

void prologue_init(struct prologue *prologue, uint32_t default_action)
{
    bool permissive = default_action == SCMP_ACT_ALLOW || default_action == SCMP_ACT_LOG;
    memset(prologue, 0, sizeof *prologue);
    prologue->answers_enosys = !permissive && default_action != SCMP_ACT_ERRNO(ENOSYS);
}

void prologue_add_architecture(struct prologue *prologue, uint32_t architecture)
{
    if (architecture != SCMP_ARCH_X86_64 && architecture != SCMP_ARCH_X86 && architecture != SCMP_ARCH_X32)
        return;
    for (size_t i = 0; i < prologue->table_count; i++)
        if (prologue->tables[i].architecture == architecture)
            return;
    prologue->tables[prologue->table_count++].architecture = architecture;
}

static void note_number(struct prologue *prologue, size_t table, uint32_t number)
{
    number &= ~x32_bit;
    if (number > prologue->tables[table].largest)
        prologue->tables[table].largest = number;
}

void prologue_note(struct prologue *prologue, const char *name)
{
    const struct newer_syscall *newer = find_newer_syscall(name);
    for (size_t i = 0; i < prologue->table_count; i++) {
        uint32_t architecture = prologue->tables[i].architecture;
        int number = seccomp_syscall_resolve_name_arch(architecture, name);
        if (number >= 0)
            note_number(prologue, i, (uint32_t)number);
        else if (newer && (!newer->x86_64_only || architecture == SCMP_ARCH_X86_64))
            note_number(prologue, i, newer->number);
    }
}

bool prologue_add_rule(struct prologue *prologue, const struct newer_syscall *syscall, uint32_t action)
{
    size_t capacity = sizeof prologue->rules / sizeof prologue->rules[0];
    if (prologue->rule_count == capacity)
        return false;
    prologue->rules[prologue->rule_count].syscall = syscall;
    prologue->rules[prologue->rule_count].action = action;
    prologue->rule_count++;
    return true;
}

struct writer {
    struct sock_filter *program;
    size_t count;
    size_t capacity;
};

static struct sock_filter *emit(struct writer *writer, struct sock_filter instruction)
{
    /* 4 architectures of at most 7 + 2 * 32 instructions: far below what the kernel takes. */
    assert(writer->count < writer->capacity);
    struct sock_filter *place = &writer->program[writer->count++];
    *place = instruction;
    return place;
}

static void emit_load(struct writer *writer, size_t offset)
{
    emit(writer, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* Returns `action` where the comparison holds. */
static void emit_return_if(struct writer *writer, uint16_t comparison, uint32_t value, uint32_t action)
{
    emit(writer, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | comparison | BPF_K), value, 0, 1));
    emit(writer, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void write_table(const struct prologue *prologue, size_t table, struct writer *writer)
{
    uint32_t architecture = prologue->tables[table].architecture;
    bool is_x32 = architecture == SCMP_ARCH_X32;
    uint32_t bit = is_x32 ? x32_bit : 0;
    uint32_t audit = architecture == SCMP_ARCH_X86 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    struct sock_filter *skips[2] = {NULL, NULL};

    emit_load(writer, offsetof(struct seccomp_data, arch));
    emit(writer, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, audit, 1, 0));
    skips[0] = emit(writer, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
    emit_load(writer, offsetof(struct seccomp_data, nr));
    if (audit == AUDIT_ARCH_X86_64) {
        emit(writer, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, is_x32 ? 1 : 0, is_x32 ? 0 : 1));
        skips[1] = emit(writer, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
    }
    for (size_t i = 0; i < prologue->rule_count; i++) {
        const struct newer_syscall *syscall = prologue->rules[i].syscall;
        if (!syscall->x86_64_only || architecture == SCMP_ARCH_X86_64)
            emit_return_if(writer, BPF_JEQ, syscall->number | bit, prologue->rules[i].action);
    }
    if (prologue->answers_enosys)
        emit_return_if(writer, BPF_JGT, prologue->tables[table].largest | bit, SECCOMP_RET_ERRNO | ENOSYS);
    for (size_t i = 0; i < 2; i++)
        if (skips[i])
            skips[i]->k = (uint32_t)(&writer->program[writer->count] - skips[i] - 1);
}

size_t prologue_write(const struct prologue *prologue, struct sock_filter *program, size_t capacity)
{
    struct writer writer = {.program = program, .count = 0, .capacity = capacity};
    if (prologue->answers_enosys || prologue->rule_count > 0)
        for (size_t i = 0; i < prologue->table_count; i++)
            write_table(prologue, i, &writer);
    return writer.count;
}
