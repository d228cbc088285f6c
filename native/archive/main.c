/*
 * lighter-archive: archives and trees, in and out of root file systems. One operation for each run: arguments in, bytes
 * through stdin and stdout, one JSON document on descriptor 3. Runs as whoever may write the roots (root), trusts its
 * arguments, and nothing else: neither archives nor what is in the roots.
 */
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "operations.h"
#include "options.h"
#include "report.h"
#include "tree.h"

static const struct {
	const char *name;
	void (*run)(void);
} operations[] = {
	{ "unpack", operation_unpack },       { "pack", operation_pack },   { "export", operation_export },
	{ "stat", operation_stat },           { "copy-out", operation_copy_out }, { "copy-in", operation_copy_in },
	{ "changes", operation_changes },     { "compare", operation_compare }, { "difference", operation_difference },
	{ "copy-tree", operation_copy_tree }, { "hash", operation_hash },
	{ "spool", operation_spool },         { "usage", operation_usage }, { "empty", operation_empty },
	{ "spread", operation_spread },       { "compress", operation_compress },
	{ "sync", operation_sync },
	{ "remove", operation_remove },
};

int main(int argc, char **argv)
{
	if (argc < 2)
		refuse("options", "", "MISSING_OPTION");
	options_set(argv + 2);
	umask(0);
	raise_descriptor_limit();
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (strcmp(argv[1], operations[i].name) == 0) {
			operations[i].run();
			report_end();
		}
	refuse("options", argv[1], "MISSING_OPTION");
}
