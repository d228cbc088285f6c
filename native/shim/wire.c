/* Reading and writing of messages; see wire.h for the format. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

bool records_next(struct records *list, struct record *record)
{
    struct wire_record head;
    if ((size_t)(list->end - list->at) < sizeof head)
        return false;
    memcpy(&head, list->at, sizeof head);
    if (head.length > (size_t)(list->end - list->at) - sizeof head)
        return false;
    *record = (struct record){.tag = head.tag, .length = head.length, .value = list->at + sizeof head};
    list->at = record->value + record->length;
    return true;
}

bool records_next_of(struct records *list, uint16_t tag, struct record *record)
{
    while (records_next(list, record))
        if (record->tag == tag)
            return true;
    return false;
}

const char *record_text(const struct record *record)
{
    return (const char *)record->value;
}

struct records record_group(const struct record *record)
{
    return (struct records){record->value, record->value + record->length};
}

const char *records_text(struct records list, uint16_t tag)
{
    struct record record;
    return records_next_of(&list, tag, &record) ? record_text(&record) : NULL;
}

uint32_t records_u32(struct records list, uint16_t tag, uint32_t fallback)
{
    struct record record;
    uint32_t number = fallback;
    if (records_next_of(&list, tag, &record))
        memcpy(&number, record.value, sizeof number);
    return number;
}

bool records_copy(struct records list, uint16_t tag, void *out, size_t size)
{
    struct record record;
    if (!records_next_of(&list, tag, &record) || record.length != size)
        return false;
    memcpy(out, record.value, size);
    return true;
}

enum shape { UNKNOWN, TEXT, NUMBER, BYTES, FIXED, GROUP };

struct rule {
    uint8_t shape;
    uint8_t size; /* of FIXED */
};

static const struct rule tag_rules[] = {
    [TAG_PROCESS] = {TEXT, 0},
    [TAG_PID] = {NUMBER, 0},
    [TAG_CGROUP_PATH] = {TEXT, 0},
    [TAG_SIGNAL] = {NUMBER, 0},
    [TAG_WINDOW] = {FIXED, sizeof(struct wire_window)},
    [TAG_ATTACH_FLAGS] = {NUMBER, 0},
    [TAG_SIGNAL_GROUP] = {NUMBER, 0},
    [TAG_DNS_MESSAGE] = {BYTES, 0},
    [TAG_NAMESPACES] = {NUMBER, 0},
    [TAG_NAMESPACE_JOIN] = {GROUP, 0},
    [TAG_UID_MAP] = {TEXT, 0},
    [TAG_GID_MAP] = {TEXT, 0},
    [TAG_ROOT_OVERLAY] = {GROUP, 0},
    [TAG_ROOT_DIRECTORY] = {TEXT, 0},
    [TAG_ROOT_READONLY] = {NUMBER, 0},
    [TAG_ROOT_PROPAGATION] = {NUMBER, 0},
    [TAG_MOUNT] = {GROUP, 0},
    [TAG_DEVICE] = {GROUP, 0},
    [TAG_MASKED_PATH] = {TEXT, 0},
    [TAG_READONLY_PATH] = {TEXT, 0},
    [TAG_SYSCTL] = {GROUP, 0},
    [TAG_HOSTNAME] = {TEXT, 0},
    [TAG_DOMAINNAME] = {TEXT, 0},
    [TAG_CGROUP_WRITE] = {GROUP, 0},
    [TAG_LINK] = {GROUP, 0},
    [TAG_HELD_PORT] = {FIXED, sizeof(struct wire_port)},
    [TAG_LOG] = {GROUP, 0},
    [TAG_EXIT_FILE] = {TEXT, 0},
    [TAG_REAPER] = {NUMBER, 0},
    [TAG_DEVICE_RULE] = {FIXED, sizeof(struct wire_device_rule)},
    [TAG_RESOLVER] = {NUMBER, 0},
    [TAG_DEFAULT_ROUTE] = {GROUP, 0},
    [TAG_ARGUMENT] = {TEXT, 0},
    [TAG_ENVIRONMENT] = {TEXT, 0},
    [TAG_DIRECTORY] = {TEXT, 0},
    [TAG_USER_NAME] = {TEXT, 0},
    [TAG_USER] = {FIXED, sizeof(struct wire_user)},
    [TAG_GROUP] = {NUMBER, 0},
    [TAG_GROUP_NAME] = {TEXT, 0},
    [TAG_CAPABILITIES] = {FIXED, sizeof(struct wire_capabilities)},
    [TAG_NO_NEW_PRIVILEGES] = {NUMBER, 0},
    [TAG_RLIMIT] = {FIXED, sizeof(struct wire_rlimit)},
    [TAG_OOM_SCORE_ADJ] = {NUMBER, 0},
    [TAG_SECCOMP] = {BYTES, 0},
    [TAG_UMASK] = {NUMBER, 0},
    [TAG_STDIN] = {NUMBER, 0},
    [TAG_OUTPUT] = {NUMBER, 0},
};

static const struct rule field_rules[] = {
    [FIELD_TYPE] = {TEXT, 0},
    [FIELD_SOURCE] = {TEXT, 0},
    [FIELD_TARGET] = {TEXT, 0},
    [FIELD_DATA] = {TEXT, 0},
    [FIELD_FLAGS] = {NUMBER, 0},
    [FIELD_MOUNT] = {FIXED, sizeof(struct wire_mount_attributes)},
    [FIELD_DEVICE] = {FIXED, sizeof(struct wire_device)},
    [FIELD_LOG] = {FIXED, sizeof(struct wire_log)},
    [FIELD_HOST_NAME] = {TEXT, 0},
    [FIELD_CONTAINER_NAME] = {TEXT, 0},
    [FIELD_BRIDGE] = {TEXT, 0},
    [FIELD_MAC] = {FIXED, 6},
    [FIELD_ADDRESS] = {BYTES, 0},
    [FIELD_PREFIX] = {NUMBER, 0},
    [FIELD_GATEWAY] = {BYTES, 0},
    [FIELD_MTU] = {NUMBER, 0},
    [FIELD_SUBPATH] = {TEXT, 0},
};

struct requirement {
    uint16_t tag;
    uint8_t count;
    uint8_t fields[3];
};

/* What a group cannot be without, so that no step meets a NULL. */
static const struct requirement requirements[] = {
    {TAG_NAMESPACE_JOIN, 2, {FIELD_FLAGS, FIELD_SOURCE}},
    {TAG_ROOT_OVERLAY, 2, {FIELD_SOURCE, FIELD_DATA}},
    {TAG_MOUNT, 3, {FIELD_TYPE, FIELD_TARGET, FIELD_MOUNT}},
    {TAG_DEVICE, 2, {FIELD_TARGET, FIELD_DEVICE}},
    {TAG_SYSCTL, 2, {FIELD_TARGET, FIELD_DATA}},
    {TAG_CGROUP_WRITE, 3, {FIELD_TYPE, FIELD_TARGET, FIELD_DATA}},
    {TAG_LINK, 2, {FIELD_HOST_NAME, FIELD_CONTAINER_NAME}},
    {TAG_LOG, 2, {FIELD_TARGET, FIELD_LOG}},
    {TAG_DEFAULT_ROUTE, 1, {FIELD_CONTAINER_NAME}},
};

static bool value_fits(const struct record *record, struct rule rule)
{
    switch (rule.shape) {
    case TEXT:
        return record->length > 0 && memchr(record->value, 0, record->length) == record->value + record->length - 1;
    case NUMBER:
        return record->length == sizeof(uint32_t);
    case FIXED:
        return record->length == rule.size;
    case BYTES:
    case GROUP:
        return true;
    default:
        return false;
    }
}

static bool group_fits(struct records fields, uint16_t tag)
{
    for (size_t i = 0; i < sizeof requirements / sizeof *requirements; i++) {
        if (requirements[i].tag != tag)
            continue;
        for (uint8_t f = 0; f < requirements[i].count; f++) {
            struct records list = fields;
            struct record record;
            if (!records_next_of(&list, requirements[i].fields[f], &record))
                return false;
        }
    }
    struct record record;
    while (records_next(&fields, &record))
        if (record.tag >= sizeof field_rules / sizeof *field_rules || !value_fits(&record, field_rules[record.tag]))
            return false;
    return fields.at == fields.end;
}

bool wire_validate(struct records list)
{
    struct record record;
    while (records_next(&list, &record)) {
        if (record.tag >= sizeof tag_rules / sizeof *tag_rules || !value_fits(&record, tag_rules[record.tag]))
            return false;
        if (tag_rules[record.tag].shape == GROUP && !group_fits(record_group(&record), record.tag))
            return false;
    }
    return list.at == list.end;
}

static void message_bytes(struct message *message, const void *bytes, size_t length)
{
    if (message->failed)
        return;
    if (message->capacity - message->length < length) {
        size_t capacity = (message->length + length) * 2;
        uint8_t *grown = realloc(message->bytes, capacity);
        if (!grown) {
            message->failed = true;
            return;
        }
        message->bytes = grown;
        message->capacity = capacity;
    }
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

void message_begin(struct message *message, enum wire_type type, uint32_t request)
{
    *message = (struct message){0};
    struct wire_header header = {.magic = WIRE_MAGIC, .version = WIRE_VERSION, .type = (uint16_t)type, .request = request};
    message_bytes(message, &header, sizeof header);
}

void message_data(struct message *message, enum wire_tag tag, const void *value, size_t length)
{
    struct wire_record head = {.tag = (uint16_t)tag, .length = (uint32_t)length};
    message_bytes(message, &head, sizeof head);
    message_bytes(message, value, length);
}

void message_text(struct message *message, enum wire_tag tag, const char *text)
{
    message_data(message, tag, text, strlen(text) + 1);
}

void message_u32(struct message *message, enum wire_tag tag, uint32_t number)
{
    message_data(message, tag, &number, sizeof number);
}

void message_list(struct message *message, struct records list)
{
    message_bytes(message, list.at, (size_t)(list.end - list.at));
}

void message_records(struct message *message, const struct message *other)
{
    if (other->length > sizeof(struct wire_header))
        message_list(message, (struct records){other->bytes + sizeof(struct wire_header), other->bytes + other->length});
}

bool message_end(struct message *message)
{
    if (message->failed)
        return false;
    uint32_t length = (uint32_t)(message->length - sizeof(struct wire_header));
    memcpy(message->bytes + offsetof(struct wire_header, length), &length, sizeof length);
    return true;
}

void message_free(struct message *message)
{
    free(message->bytes);
    *message = (struct message){0};
}
