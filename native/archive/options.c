#include "options.h"

#include <string.h>

#include "report.h"

static char **options;

void options_set(char **arguments)
{
	options = arguments;
}

/* What follows the name in an argument; NULL if that is another option. */
static const char *match(const char *argument, const char *name)
{
	size_t length = strlen(name);
	if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, length) != 0)
		return NULL;
	return argument + 2 + length;
}

const char *next_option(const char *name, size_t *cursor)
{
	while (options[*cursor]) {
		const char *rest = match(options[(*cursor)++], name);
		if (rest && *rest == '=')
			return rest + 1;
	}
	return NULL;
}

const char *option(const char *name)
{
	size_t cursor = 0;
	return next_option(name, &cursor);
}

const char *required_option(const char *name)
{
	const char *value = option(name);
	if (!value)
		refuse("options", name, "MISSING_OPTION");
	return value;
}

bool has_flag(const char *name)
{
	for (char **argument = options; *argument; argument++) {
		const char *rest = match(*argument, name);
		if (rest && *rest == '\0')
			return true;
	}
	return false;
}
