/* The json-file log; see log.h. */
#include "log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sys.h"
#include "timestamp.h"

enum {
    LINE_MAX_BYTES = 16 * 1024, /* Docker's, in loggerutils and copier */
    BUFFER_BYTES = 32 * 1024,   /* collected for one write(2) */
    ESCAPE_MAX = 6,             /* bytes that one input byte can become */
};

struct held {
    uint8_t *bytes; /* LINE_MAX_BYTES once there is something to hold */
    size_t length;
};

struct log {
    char *path;
    int fd;
    int64_t size;
    int64_t max_bytes;
    uint32_t max_files;
    struct held held[2];
    size_t used;
    char buffer[BUFFER_BYTES];
};

struct log *log_open(const char *path, int64_t max_bytes, uint32_t max_files)
{
    struct log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->path = strdup(path);
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    struct stat status;
    if (!log->path || log->fd < 0 || fstat(log->fd, &status) < 0) {
        close_at_end(&log->fd);
        free(log->path);
        free(log);
        return NULL;
    }
    log->size = status.st_size;
    log->max_bytes = max_bytes;
    log->max_files = max_files;
    return log;
}

static void flush(struct log *log)
{
    for (size_t done = 0; done < log->used;) {
        ssize_t written = RETRY(write(log->fd, log->buffer + done, log->used - done));
        if (written <= 0)
            break;
        done += (size_t)written;
        log->size += written;
    }
    log->used = 0;
}

/* path.1 is the newest of the old ones; what would be number max_files falls off. */
static void rotate(struct log *log)
{
    flush(log);
    char from[4096], to[4096];
    for (uint32_t number = log->max_files; number > 1; number--) {
        (void)snprintf(to, sizeof to, "%s.%u", log->path, number - 1);
        if (number == 2)
            (void)snprintf(from, sizeof from, "%s", log->path);
        else
            (void)snprintf(from, sizeof from, "%s.%u", log->path, number - 2);
        (void)rename(from, to); /* not all of them are there yet */
    }
    if (log->max_files <= 1)
        (void)unlink(log->path);
    int fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return; /* the old one goes on under its new name */
    (void)close(log->fd);
    log->fd = fd;
    log->size = 0;
}

static void put(struct log *log, const char *text, size_t length)
{
    memcpy(log->buffer + log->used, text, length);
    log->used += length;
}
#define PUT(log, literal) put(log, literal, sizeof(literal) - 1)

/* The length of the UTF-8 sequence at `at`, 0 if it is none (overlong, surrogate, cut short, beyond U+10FFFF). */
static size_t sequence_length(const uint8_t *at, size_t left)
{
    uint8_t first = at[0];
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < length)
        return 0;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\' && byte != '<' && byte != '>' && byte != '&';
}

/* Escapes one thing that is not plain, as Docker's Go encoder does. Returns how many bytes it took. */
static size_t put_escaped(struct log *log, const uint8_t *at, size_t left)
{
    static const char hex[] = "0123456789abcdef";
    switch (*at) {
    case '\n':
        PUT(log, "\\n");
        return 1;
    case '\r':
        PUT(log, "\\r");
        return 1;
    case '"':
        PUT(log, "\\\"");
        return 1;
    case '\\':
        PUT(log, "\\\\");
        return 1;
    default:
        break;
    }
    if (*at < 0x80) {
        const char code[] = {'\\', 'u', '0', '0', hex[*at >> 4], hex[*at & 15]};
        put(log, code, sizeof code);
        return 1;
    }
    size_t length = sequence_length(at, left);
    if (length == 0) {
        PUT(log, "\\ufffd");
        return 1;
    }
    if (length == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9)) {
        const char code[] = {'\\', 'u', '2', '0', '2', hex[at[2] & 15]};
        put(log, code, sizeof code);
        return length;
    }
    put(log, (const char *)at, length);
    return length;
}

static void put_line(struct log *log, int stream, const uint8_t *bytes, size_t length)
{
    if (log->max_bytes > 0 && log->size + (int64_t)log->used >= log->max_bytes)
        rotate(log);
    if (BUFFER_BYTES - log->used < 128)
        flush(log);
    PUT(log, "{\"log\":\"");
    for (size_t at = 0; at < length;) {
        if (BUFFER_BYTES - log->used < 256)
            flush(log);
        size_t room = BUFFER_BYTES - log->used - 128;
        size_t run = 0;
        while (run < room && at + run < length && is_plain(bytes[at + run]))
            run++;
        put(log, (const char *)bytes + at, run);
        at += run;
        if (at < length && BUFFER_BYTES - log->used >= 128 + ESCAPE_MAX && !is_plain(bytes[at]))
            at += put_escaped(log, bytes + at, length - at);
    }
    char time[TIMESTAMP_BYTES];
    size_t time_length = timestamp_now(time);
    if (stream == 1)
        PUT(log, "\",\"stream\":\"stdout\",\"time\":\"");
    else
        PUT(log, "\",\"stream\":\"stderr\",\"time\":\"");
    put(log, time, time_length);
    PUT(log, "\"}\n");
}

/* Adds to what is held; a full or finished line goes out. Returns how many bytes it took. */
static size_t hold(struct log *log, int stream, const uint8_t *bytes, size_t length)
{
    struct held *held = &log->held[stream - 1];
    if (!held->bytes && !(held->bytes = malloc(LINE_MAX_BYTES)))
        return length; /* without memory the line is lost, not the container */
    const uint8_t *newline = memchr(bytes, '\n', length);
    size_t wanted = newline ? (size_t)(newline - bytes) + 1 : length;
    size_t room = LINE_MAX_BYTES - held->length;
    size_t taken = wanted < room ? wanted : room;
    memcpy(held->bytes + held->length, bytes, taken);
    held->length += taken;
    if (held->length == LINE_MAX_BYTES || held->bytes[held->length - 1] == '\n') {
        put_line(log, stream, held->bytes, held->length);
        held->length = 0;
    }
    return taken;
}

void log_write(struct log *log, int stream, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        const uint8_t *newline = memchr(bytes, '\n', length);
        size_t line = newline ? (size_t)(newline - bytes) + 1 : length;
        size_t taken;
        if (log->held[stream - 1].length > 0 || (!newline && length < LINE_MAX_BYTES)) {
            taken = hold(log, stream, bytes, length);
        } else { /* whole lines, the usual case, are not copied */
            taken = line < LINE_MAX_BYTES ? line : LINE_MAX_BYTES;
            put_line(log, stream, bytes, taken);
        }
        bytes += taken;
        length -= taken;
    }
    flush(log);
}

void log_close(struct log *log)
{
    for (int stream = 1; stream <= 2; stream++) {
        struct held *held = &log->held[stream - 1];
        if (held->length > 0)
            put_line(log, stream, held->bytes, held->length);
        free(held->bytes);
    }
    flush(log);
    (void)close(log->fd);
    free(log->path);
    free(log);
}
