/*
 * Fuzz target for the message parser: what wire_validate lets through must be safe for everything that reads it later.
 * LLVMFuzzerTestOneInput is libFuzzer's; the main below needs nothing but a compiler with sanitizers: it mutates the
 * bodies given as files, so many times, from a seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static size_t walk_value(const struct record *record)
{
    /* Reads as the steps do: texts as C strings, numbers whole, structs by their size. */
    size_t sum = 0;
    for (uint32_t i = 0; i < record->length; i++)
        sum += record->value[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const uint16_t texts[] = {TAG_CGROUP_PATH, TAG_ROOT_DIRECTORY, TAG_HOSTNAME, TAG_ARGUMENT, TAG_USER_NAME};
    struct records list = {bytes, bytes + length};
    if (!wire_validate(list))
        return 0;
    volatile size_t sum = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = records_text(list, texts[i]);
        sum += text ? strlen(text) : 0;
    }
    struct wire_capabilities capabilities;
    sum += records_copy(list, TAG_CAPABILITIES, &capabilities, sizeof capabilities);
    sum += records_u32(list, TAG_STDIN, 0);
    struct records rest = list;
    struct record record;
    while (records_next(&rest, &record)) {
        sum += walk_value(&record);
        if (record.tag != TAG_MOUNT && record.tag != TAG_LINK && record.tag != TAG_CGROUP_WRITE)
            continue;
        struct records fields = record_group(&record);
        const char *target = records_text(fields, record.tag == TAG_LINK ? FIELD_HOST_NAME : FIELD_TARGET);
        sum += strlen(target); /* required: a group without it must not have passed */
        struct record field;
        while (records_next(&fields, &field))
            sum += walk_value(&field);
    }
    return 0;
}

static uint64_t state;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Changes a few bytes, cuts, or copies a part over another: heads with odd lengths come soon enough. */
static size_t mutate(uint8_t *bytes, size_t length)
{
    for (uint64_t changes = next_random() % 4 + 1; changes > 0 && length > 0; changes--) {
        size_t at = next_random() % length;
        switch (next_random() % 4) {
        case 0:
            bytes[at] = (uint8_t)next_random();
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1U << (next_random() % 8));
            break;
        case 2:
            length = at;
            break;
        default: {
            size_t from = next_random() % length;
            size_t count = next_random() % 32;
            if (count <= length - at && count <= length - from)
                memmove(bytes + at, bytes + from, count);
        }
        }
    }
    return length;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: wire_fuzz <seed> <rounds> <body>...\n");
        return 2;
    }
    state = strtoull(argv[1], NULL, 10) | 1;
    unsigned long rounds = strtoul(argv[2], NULL, 10);
    for (int i = 3; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        uint8_t body[65536];
        if (!file)
            return 2;
        size_t length = fread(body, 1, sizeof body, file);
        fclose(file);
        for (unsigned long round = 0; round < rounds; round++) {
            /* On the heap and to the byte, so that a step too far is seen. */
            uint8_t *copy = malloc(length + 1);
            if (!copy)
                return 2;
            memcpy(copy, body, length);
            size_t mutated = round == 0 ? length : mutate(copy, length);
            uint8_t *exact = malloc(mutated + (mutated == 0));
            if (!exact)
                return 2;
            memcpy(exact, copy, mutated);
            LLVMFuzzerTestOneInput(exact, mutated);
            free(exact);
            free(copy);
        }
    }
    return 0;
}
