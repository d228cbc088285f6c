/*
 * What the program answers: one JSON document on descriptor 3, `{"result":...}` or `{"error":...}`. Errors are facts
 * (step, path, reason); the sentence is made in TypeScript (snapshot/archive-error.ts).
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

/* Ends the program with a system error. `error` is an errno value, saved before anything else could change it. */
_Noreturn void fail(const char *step, const char *path, int error);

/* Ends the program with one of our own reasons: a word in capitals that archive-error.ts knows. */
_Noreturn void refuse(const char *step, const char *path, const char *reason);

/* The result is written piece by piece; commas are put where they belong. Only the main thread may write it. */
void report_open(char bracket);
void report_close(char bracket);
void report_key(const char *key);
void report_text(const char *value);
void report_integer(int64_t value);
void report_text_field(const char *key, const char *value);
void report_integer_field(const char *key, int64_t value);

/* Ends the program well: nothing but the result on descriptor 3 tells success. */
_Noreturn void report_end(void);

#endif
