#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static char *clean(const char *path, bool clamp)
{
	char *result = allocate(strlen(path) + 2);
	size_t length = 0;
	for (const char *p = path; *p;) {
		size_t part = strcspn(p, "/");
		if (part == 2 && p[0] == '.' && p[1] == '.') {
			if (length == 0 && !clamp) {
				free(result);
				return NULL;
			}
			while (length > 0 && result[--length] != '/') {
			}
		} else if (part > 0 && !(part == 1 && p[0] == '.')) {
			if (length > 0)
				result[length++] = '/';
			memcpy(result + length, p, part);
			length += part;
		}
		p += part;
		p += strspn(p, "/");
	}
	if (length == 0)
		result[length++] = '.';
	result[length] = '\0';
	return result;
}

char *clean_name(const char *name)
{
	return clean(name, false);
}

char *clean_path(const char *path)
{
	return clean(path, true);
}

char *join_path(const char *directory, const char *name)
{
	if (strcmp(directory, ".") == 0)
		return copy_text(name);
	if (strcmp(name, ".") == 0)
		return copy_text(directory);
	return format_text("%s/%s", directory, name);
}

char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? format_text("%.*s", (int)(slash - path), path) : copy_text(".");
}

const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}
