/* Wall-clock times as Go prints RFC3339Nano: UTC, up to nine digits, no trailing zeros. */
#ifndef TIMESTAMP_H
#define TIMESTAMP_H

#include <stddef.h>

enum { TIMESTAMP_BYTES = 40 };

/* Returns the length without the NUL. */
size_t timestamp_now(char text[TIMESTAMP_BYTES]);

#endif
