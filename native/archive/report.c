#include "report.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_FD 3

static FILE *out;
static char *result_text;
static size_t result_length;
static bool needs_comma;

/* Threads may fail at once: the first one's reason is told, the others wait here for the end of the process. */
static pthread_mutex_t failing = PTHREAD_MUTEX_INITIALIZER;

static void write_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		/* Length of a UTF-8 sequence by its first byte; names that are no UTF-8 are shown with replacement marks. */
		size_t length = *p < 0x80 ? 1 : (*p & 0xe0) == 0xc0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : (*p & 0xf8) == 0xf0 ? 4 : 0;
		bool valid = length > 0;
		for (size_t i = 1; i < length && valid; i++)
			valid = (p[i] & 0xc0) == 0x80;
		if (!valid) {
			fputs("\\ufffd", file);
		} else if (length > 1) {
			fwrite(p, 1, length, file);
			p += length - 1;
		} else if (*p == '"' || *p == '\\') {
			fprintf(file, "\\%c", *p);
		} else if (*p < 0x20) {
			fprintf(file, "\\u%04x", *p);
		} else {
			fputc(*p, file);
		}
	}
	fputc('"', file);
}

static _Noreturn void end_with_error(const char *step, const char *path, const char *reason, const char *text)
{
	pthread_mutex_lock(&failing);
	/* What was written of a result so far sits in the other stream's buffer and dies with the process. */
	FILE *file = fdopen(REPORT_FD, "w");
	if (!file)
		file = stderr;
	fputs("{\"error\":{\"step\":", file);
	write_text(file, step);
	fputs(",\"path\":", file);
	write_text(file, path);
	fputs(",\"reason\":", file);
	write_text(file, reason);
	fputs(",\"text\":", file);
	write_text(file, text);
	fputs("}}\n", file);
	fflush(file);
	_exit(1);
}

void fail(const char *step, const char *path, int error)
{
	const char *name = strerrorname_np(error);
	end_with_error(step, path, name ? name : "EUNKNOWN", strerror(error));
}

void refuse(const char *step, const char *path, const char *reason)
{
	end_with_error(step, path, reason, "");
}

static FILE *result(void)
{
	if (!out) {
		/* In memory until it is complete, so that an error can still take its place. */
		out = open_memstream(&result_text, &result_length);
		if (!out)
			fail("report", "", errno);
		fputs("{\"result\":", out);
	}
	return out;
}

static void before_value(void)
{
	if (needs_comma)
		fputc(',', result());
	needs_comma = true;
}

void report_open(char bracket)
{
	before_value();
	fputc(bracket, result());
	needs_comma = false;
}

void report_close(char bracket)
{
	fputc(bracket, result());
	needs_comma = true;
}

void report_key(const char *key)
{
	before_value();
	write_text(result(), key);
	fputc(':', result());
	needs_comma = false;
}

void report_text(const char *value)
{
	before_value();
	write_text(result(), value);
}

void report_integer(int64_t value)
{
	before_value();
	fprintf(result(), "%lld", (long long)value);
}

void report_text_field(const char *key, const char *value)
{
	report_key(key);
	report_text(value);
}

void report_integer_field(const char *key, int64_t value)
{
	report_key(key);
	report_integer(value);
}

void report_end(void)
{
	if (!out) {
		report_open('{');
		report_close('}');
	}
	fputs("}\n", out);
	if (fflush(out) != 0)
		fail("report", "", errno);
	for (size_t sent = 0; sent < result_length;) {
		ssize_t n = write(REPORT_FD, result_text + sent, result_length - sent);
		if (n < 0 && errno != EINTR)
			_exit(1); /* Nobody listens. */
		if (n > 0)
			sent += (size_t)n;
	}
	_exit(0);
}
