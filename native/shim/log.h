/*
 * Docker's json-file log: a line of JSON for each line of output, {"log":"...\n","stream":"stdout","time":"..."}. A line
 * longer than 16 KiB is split there, an unfinished one is held back until it ends, fills up, or the stream does.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>
#include <stdint.h>

struct log;

/* Opens the file for appending, 0640. max_bytes 0: it grows for ever. NULL with errno. */
struct log *log_open(const char *path, int64_t max_bytes, uint32_t max_files);

/* stream: 1 stdout, 2 stderr. A full disk loses lines but stops nothing. */
void log_write(struct log *log, int stream, const uint8_t *bytes, size_t length);

/* Writes what was held back and closes. */
void log_close(struct log *log);

#endif
