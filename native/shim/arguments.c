/*
 * PR_SET_MM_MAP (3.18) needs no capability, unlike the older PR_SET_MM_ARG_START; in return it takes a process's whole map
 * at once. All of it but the arguments is given back as the kernel tells it in /proc/self/stat, proc(5).
 */
#include "arguments.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "sys.h"

enum {
    START_CODE = 26, /* numbers of fields in proc(5) */
    END_CODE = 27,
    START_STACK = 28,
    START_DATA = 45,
    END_DATA = 46,
    START_BRK = 47,
    ENV_START = 50,
    ENV_END = 51,
    FIELDS,
};

static bool read_fields(uint64_t fields[FIELDS])
{
    char text[1024];
    AUTO_CLOSE file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : RETRY(read(file, text, sizeof text - 1));
    if (length < 0)
        return false;
    text[length] = 0;
    char *at = strrchr(text, ')'); /* field 2 is a name, in which there may be anything */
    for (int field = 3; at && field < FIELDS; field++) {
        at = strchr(at + 1, ' ');
        if (at)
            fields[field] = strtoull(at, NULL, 10);
    }
    return at != NULL;
}

bool arguments_show(char *words, size_t length)
{
    uint64_t fields[FIELDS];
    if (!read_fields(fields))
        return false;
    struct prctl_mm_map map = {
        .start_code = fields[START_CODE],
        .end_code = fields[END_CODE],
        .start_data = fields[START_DATA],
        .end_data = fields[END_DATA],
        .start_brk = fields[START_BRK],
        .brk = (uint64_t)syscall(SYS_brk, 0),
        .start_stack = fields[START_STACK],
        .arg_start = (uintptr_t)words,
        .arg_end = (uintptr_t)words + length,
        .env_start = fields[ENV_START],
        .env_end = fields[ENV_END],
        .exe_fd = UINT32_MAX, /* as it is */
    };
    return prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) == 0;
}
