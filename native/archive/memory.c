#include "memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

void *allocate(size_t bytes)
{
	return reallocate(NULL, bytes);
}

void *reallocate(void *memory, size_t bytes)
{
	void *result = realloc(memory, bytes ? bytes : 1);
	if (!result)
		fail("allocate", "", ENOMEM);
	return result;
}

char *copy_text(const char *text)
{
	size_t bytes = strlen(text) + 1;
	return memcpy(allocate(bytes), text, bytes);
}

char *format_text(const char *format, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		fail("allocate", "", ENOMEM);
	va_end(arguments);
	return text;
}

void close_descriptor(int *fd)
{
	/* Nothing that was written goes through here: files are closed, and checked, where they are written. */
	if (*fd >= 0)
		(void)close(*fd);
}

void free_text(char **text)
{
	free(*text);
}
