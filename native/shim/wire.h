/*
 * The contract between the engine (src/runtime/wire.ts) and the shim: one header and a list of typed records per message.
 *
 * All numbers are little-endian. A message is a wire_header and `length` bytes of records; a record is a wire_record and
 * `length` bytes of value, without padding. A value is a text (ends in its only NUL), a number (4 or 8 bytes), raw bytes,
 * or again a list of records ("group"). Unknown tags are refused: both sides come from one build.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_MAGIC = 0x524d4853 /* "SHMR" */, WIRE_VERSION = 1, WIRE_MESSAGE_MAX = 4 * 1024 * 1024 };

struct wire_header {
    uint32_t magic;
    uint16_t version;
    uint16_t type;
    uint32_t request; /* a reply repeats the request's number; events have 0 */
    uint32_t length;
};
_Static_assert(sizeof(struct wire_header) == 16, "wire_header is 16 bytes on the wire");

struct wire_record {
    uint16_t tag;
    uint16_t reserved; /* 0 */
    uint32_t length;
};
_Static_assert(sizeof(struct wire_record) == 8, "wire_record is 8 bytes on the wire");

enum wire_type {
    /* requests */
    WIRE_HELLO = 1,
    WIRE_CREATE = 2,
    WIRE_START = 3,
    WIRE_ATTACH = 4, /* after its reply the connection carries raw bytes */
    WIRE_EXEC = 5,   /* with ATTACH_FLAGS the connection carries raw bytes after the reply */
    WIRE_KILL = 6,
    WIRE_RESIZE = 7,
    WIRE_CLOSE_STDIN = 8,
    WIRE_RELEASE = 9,
    WIRE_CONNECT = 10,    /* a further link: TAG_LINK, TAG_DEFAULT_ROUTE, TAG_RESOLVER */
    WIRE_DISCONNECT = 11, /* a link less: TAG_LINK, TAG_DEFAULT_ROUTE */
    WIRE_ANSWER = 12,     /* to the query with the header's number: TAG_DNS_MESSAGE; is not replied to */
    /* replies */
    WIRE_OK = 32,
    WIRE_FAILED = 33,
    /* events */
    WIRE_EXIT = 48,
    WIRE_QUERY = 49, /* the header's number is the query's: TAG_DNS_MESSAGE, TAG_DNS_STREAM */
};

enum wire_tag {
    /* both directions */
    TAG_PROCESS = 1, /* text: "init" or an exec's id */
    TAG_PID = 2,     /* u32 */

    /* state and replies */
    TAG_STATUS = 3,      /* u32, enum wire_status */
    TAG_CGROUP_PATH = 4, /* text; in CREATE: wanted, in replies: what it became */
    TAG_STARTED_AT = 5,  /* text, RFC 3339 */
    TAG_FINISHED_AT = 6, /* text, RFC 3339 */
    TAG_EXIT_CODE = 7,   /* u32 */
    TAG_OOM_KILLED = 8,  /* u32 */
    TAG_PORT = 9,        /* u32, one per held port, in the request's order */
    TAG_WARNING = 10,    /* text: a step that could not be done in full and was not fatal */
    TAG_STEP = 11,       /* text: the name of the step that failed */
    TAG_ERRNO = 12,      /* u32 */
    TAG_DETAIL = 13,     /* text: the path or name the step was busy with */
    TAG_KEEPER_PID = 14, /* u32: a process of ours in the container's cgroups, not to be counted; absent: none */
    TAG_ERRNO_TEXT = 15, /* text: strerror of TAG_ERRNO */

    /* KILL, RESIZE, ATTACH, EXEC */
    TAG_SIGNAL = 20,       /* u32 */
    TAG_WINDOW = 21,       /* struct wire_window; in CREATE and EXEC: the process gets a terminal of this size */
    TAG_ATTACH_FLAGS = 22, /* u32, enum wire_attach */
    TAG_SIGNAL_GROUP = 25, /* u32: KILL only, 1: all processes of its group get the signal */

    /* QUERY, ANSWER */
    TAG_DNS_MESSAGE = 23, /* bytes, as RFC 1035 has them */
    TAG_DNS_STREAM = 24,  /* u32: asked over TCP, so that the answer may be long */

    /* CREATE: the container */
    TAG_NAMESPACES = 30,       /* u32: CLONE_NEW* flags of the namespaces to be new */
    TAG_NAMESPACE_JOIN = 31,   /* group FIELD_FLAGS (CLONE_NEW*), FIELD_SOURCE (path) */
    TAG_UID_MAP = 32,          /* text for /proc/pid/uid_map */
    TAG_GID_MAP = 33,          /* text for /proc/pid/gid_map */
    TAG_ROOT_OVERLAY = 34,     /* group FIELD_SOURCE (directory the names are relative to), FIELD_DATA (mount options) */
    TAG_ROOT_DIRECTORY = 35,   /* text */
    TAG_ROOT_READONLY = 36,    /* u32 */
    TAG_ROOT_PROPAGATION = 37, /* u32: MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, with MS_REC */
    TAG_MOUNT = 38,            /* group, see FIELD_* */
    TAG_DEVICE = 39,           /* group FIELD_TARGET and FIELD_DEVICE */
    TAG_MASKED_PATH = 40,      /* text */
    TAG_READONLY_PATH = 41,    /* text */
    TAG_SYSCTL = 42,           /* group FIELD_TARGET (path below /proc/sys), FIELD_DATA */
    TAG_HOSTNAME = 43,         /* text */
    TAG_DOMAINNAME = 44,       /* text */
    TAG_CGROUP_WRITE = 45,     /* group FIELD_TYPE (controller), FIELD_TARGET (file), FIELD_DATA (value) */
    TAG_LINK = 46,             /* group, see FIELD_* */
    TAG_HELD_PORT = 47,        /* struct wire_port */
    TAG_LOG = 48,              /* group FIELD_TARGET (path), FIELD_LOG */
    TAG_EXIT_FILE = 49,        /* text */
    TAG_REAPER = 50,           /* u32: pid 1 forwards signals and reaps, the program is its child (--init) */
    TAG_DEVICE_RULE = 51,      /* struct wire_device_rule; cgroup v2 only, the last match decides, default refuse */
    TAG_RESOLVER = 52,         /* u32: DNS queries to 127.0.0.11 are the engine's to answer */
    TAG_DEFAULT_ROUTE = 53,    /* group FIELD_CONTAINER_NAME, FIELD_GATEWAY: replaces the default routes */

    /* CREATE and EXEC: the process */
    TAG_ARGUMENT = 60,    /* text, repeated */
    TAG_ENVIRONMENT = 61, /* text NAME=value, repeated */
    TAG_DIRECTORY = 62,   /* text */
    TAG_USER_NAME = 63,   /* text "user[:group]", looked up in the container; beats TAG_USER */
    TAG_USER = 64,        /* struct wire_user */
    TAG_GROUP = 65,       /* u32, additional, repeated */
    TAG_GROUP_NAME = 66,  /* text, additional, looked up in the container, repeated */
    TAG_CAPABILITIES = 67,
    TAG_NO_NEW_PRIVILEGES = 68, /* u32 */
    TAG_RLIMIT = 69,            /* struct wire_rlimit */
    TAG_OOM_SCORE_ADJ = 70,     /* i32 */
    TAG_SECCOMP = 71,           /* struct sock_filter[] */
    TAG_UMASK = 72,             /* u32 */
    TAG_STDIN = 73,             /* u32, enum wire_stdin */
    TAG_OUTPUT = 74,            /* u32: EXEC only, 0: output is thrown away */
};

/* Fields of groups. */
enum wire_field {
    FIELD_TYPE = 1,
    FIELD_SOURCE = 2,
    FIELD_TARGET = 3,
    FIELD_DATA = 4,
    FIELD_FLAGS = 5,        /* u32 */
    FIELD_MOUNT = 6,        /* struct wire_mount_attributes */
    FIELD_DEVICE = 7,       /* struct wire_device */
    FIELD_LOG = 8,          /* struct wire_log */
    FIELD_HOST_NAME = 9,    /* text, at most 15 bytes */
    FIELD_CONTAINER_NAME = 10,
    FIELD_BRIDGE = 11,
    FIELD_MAC = 12,     /* 6 bytes; absent: the kernel picks */
    FIELD_ADDRESS = 13, /* 4 or 16 bytes, repeated; each followed by its FIELD_PREFIX */
    FIELD_PREFIX = 14,  /* u32 */
    FIELD_GATEWAY = 15, /* 4 or 16 bytes, repeated */
    FIELD_MTU = 16,     /* u32 */
    FIELD_SUBPATH = 17, /* text: of a mount that is bound, only what is at this path in it */
};

enum wire_status { STATUS_WAITING = 0, STATUS_CREATED = 1, STATUS_RUNNING = 2, STATUS_EXITED = 3 };
enum wire_attach { ATTACH_STDIN = 1, ATTACH_STDOUT = 2, ATTACH_STDERR = 4 };
enum wire_stdin { STDIN_NULL = 0, STDIN_OPEN = 1, STDIN_ONCE = 2 };

/* Where a mount comes from. All but BIND_NONE are opened by the monitor, in the host's namespaces. */
enum wire_bind {
    BIND_NONE = 0,      /* a new file system, made in the container's */
    BIND_SINGLE = 1,    /* the source alone */
    BIND_RECURSIVE = 2, /* the source with all that is mounted below it */
    BIND_NEW = 3,       /* a new file system: one of the network must be reached from the host's; an overlay names its layers
                           relative to its source */
};

struct wire_window {
    uint16_t rows;
    uint16_t columns;
};

/* What mount_setattr(2) is told; `set` and `clear` are MOUNT_ATTR_*, propagation is MS_*. */
struct wire_mount_attributes {
    uint64_t set;
    uint64_t clear;
    uint64_t recursive_set;
    uint32_t propagation; /* 0: as it is */
    uint32_t bind;        /* enum wire_bind */
};
_Static_assert(sizeof(struct wire_mount_attributes) == 32, "wire_mount_attributes is 32 bytes on the wire");

struct wire_device {
    uint32_t mode; /* type and permission, as st_mode */
    uint32_t major;
    uint32_t minor;
    uint32_t uid;
    uint32_t gid;
};
_Static_assert(sizeof(struct wire_device) == 20, "wire_device is 20 bytes on the wire");

struct wire_device_rule {
    uint32_t allow;
    uint32_t type;   /* BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR, 0: any */
    int32_t major;   /* -1: any */
    int32_t minor;   /* -1: any */
    uint32_t access; /* BPF_DEVCG_ACC_* */
};
_Static_assert(sizeof(struct wire_device_rule) == 20, "wire_device_rule is 20 bytes on the wire");

struct wire_log {
    int64_t max_bytes; /* 0: never rotated */
    uint32_t max_files;
    uint32_t reserved;
};
_Static_assert(sizeof(struct wire_log) == 16, "wire_log is 16 bytes on the wire");

struct wire_port {
    uint8_t address[16]; /* v4 in the first four bytes */
    uint16_t family;     /* AF_INET or AF_INET6 */
    uint16_t port;       /* host order; 0: any that is free */
    uint32_t protocol;   /* IPPROTO_TCP, UDP, SCTP */
    uint32_t relayed;    /* 1: who connects to ::1 on its number is relayed to 127.0.0.1 on it */
};
_Static_assert(sizeof(struct wire_port) == 28, "wire_port is 28 bytes on the wire");

struct wire_user {
    uint32_t uid;
    uint32_t gid;
};

struct wire_capabilities {
    uint64_t bounding;
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
    uint64_t ambient;
};
_Static_assert(sizeof(struct wire_capabilities) == 40, "wire_capabilities is 40 bytes on the wire");

struct wire_rlimit {
    uint64_t resource;
    uint64_t soft;
    uint64_t hard;
};
_Static_assert(sizeof(struct wire_rlimit) == 24, "wire_rlimit is 24 bytes on the wire");

/* A list of records, borrowed from the message's bytes. */
struct records {
    const uint8_t *at;
    const uint8_t *end;
};

struct record {
    uint16_t tag;
    uint32_t length;
    const uint8_t *value;
};

/* Takes the next record off the list. False at the end, or where the bytes are not a record (then at != end). */
bool records_next(struct records *list, struct record *record);

/* Takes the next record with this tag off the list; false if there is none. */
bool records_next_of(struct records *list, uint16_t tag, struct record *record);

/* Typed looks at a list by tag; the first one counts. NULL or the fallback where there is none. */
const char *records_text(struct records list, uint16_t tag);
uint32_t records_u32(struct records list, uint16_t tag, uint32_t fallback);
/* Copies a fixed struct out (records are not aligned). False if there is none. */
bool records_copy(struct records list, uint16_t tag, void *out, size_t size);

const char *record_text(const struct record *record);
struct records record_group(const struct record *record);

/*
 * Proves that a message's body is what wire.h says: every record whole, every tag known, every text with its NUL, every
 * number and struct of its size, groups likewise. After this the functions above cannot fail. Returns false otherwise.
 */
bool wire_validate(struct records list);

/* A message under construction; grows as needed, `failed` once memory ran out. */
struct message {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    bool failed;
};

void message_begin(struct message *message, enum wire_type type, uint32_t request);
void message_text(struct message *message, enum wire_tag tag, const char *text);
void message_u32(struct message *message, enum wire_tag tag, uint32_t number);
void message_data(struct message *message, enum wire_tag tag, const void *bytes, size_t length);
/* Appends records as they are: a list, or those of another message. */
void message_list(struct message *message, struct records list);
void message_records(struct message *message, const struct message *other);
/* Sets the header's length. False if memory ran out on the way. */
bool message_end(struct message *message);
void message_free(struct message *message);

#endif
