/* Archives into directories: layers (`unpack`), parts of a root (`copy-in`), files without names (`spool`). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "extract.h"
#include "memory.h"
#include "names.h"
#include "operations.h"
#include "options.h"
#include "report.h"

static int open_input(void)
{
	const char *path = option("from");
	if (!path)
		return STDIN_FILENO;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("open", path, errno);
	return fd;
}

void operation_unpack(void)
{
	struct root root = root_at(required_option("into"));
	struct extractor extractor = { .root = &root, .base = ".", .is_layer = true };
	struct root *lowers = NULL;
	size_t cursor = 0;
	for (const char *path; (path = next_option("lower", &cursor));) {
		lowers = reallocate(lowers, (extractor.lower_count + 1) * sizeof *lowers);
		lowers[extractor.lower_count++] = root_at(path);
	}
	extractor.lowers = lowers;

	struct source source;
	source_open(&source, open_input(), true, option("blob"));
	extract_begin(&extractor);
	extract_archive(&extractor, &source);
	extract_end(&extractor);
	source_finish(&source);
	report_open('{');
	report_source(&source);
	report_integer_field("content", extractor.content);
	report_close('}');
}

void operation_copy_in(void)
{
	struct root root = root_from_option("root", true);
	AUTO_TEXT path = clean_path(required_option("path"));
	AUTO_FD directory = root_open(&root, path, O_PATH | O_DIRECTORY);
	if (directory < 0 && errno == ENOTDIR)
		refuse("extract", path, "NOT_A_DIRECTORY");
	if (directory < 0)
		fail("open", path, errno);
	struct extractor extractor = {
		.root = &root,
		.base = path,
		.keep_kind = has_flag("keep-kind"),
		.owner = owner_from_option(&root),
	};
	struct source source;
	source_open(&source, STDIN_FILENO, false, NULL);
	extract_begin(&extractor);
	extract_archive(&extractor, &source);
	extract_end(&extractor);
	source_finish(&source);
}

/* One file of the archive to `<directory>/<number>`. */
static void spool_file(struct tar_reader *reader, const char *directory, int64_t number, struct digest *digest)
{
	AUTO_TEXT path = format_text("%s/%lld", directory, (long long)number);
	struct blob blob;
	blob_create(&blob, path);
	digest_init(digest);
	const unsigned char *bytes;
	size_t n;
	while ((n = tar_content(reader, INT64_MAX, &bytes)) > 0) {
		blob_take(&blob, bytes, n);
		digest_take(digest, bytes, n);
	}
	blob_finish(&blob);
}

void operation_spool(void)
{
	const char *directory = required_option("into");
	struct source source;
	source_open(&source, STDIN_FILENO, false, NULL);
	struct tar_reader reader;
	tar_reader_init(&reader, &source);
	int64_t number = 0;
	report_open('[');
	for (struct entry *entry; (entry = tar_next(&reader));) {
		bool is_file = entry->type == TAR_FILE && !entry->regions;
		if (!is_file && entry->type != TAR_SYMBOLIC_LINK && entry->type != TAR_HARD_LINK)
			continue;
		AUTO_TEXT name = clean_name(entry->name);
		if (!name)
			refuse("read-header", entry->name, "UNSAFE_NAME");
		/* Links among the members (`../<layer>/layer.tar`) are names for files that are there: resolved as text. */
		AUTO_TEXT parent = parent_of(name);
		AUTO_TEXT joined = entry->type == TAR_SYMBOLIC_LINK ? format_text("%s/%s", parent, entry->link)
								    : copy_text(entry->link);
		AUTO_TEXT target = clean_path(joined);
		struct digest digest;
		char text[DIGEST_TEXT_BYTES] = "";
		if (is_file) {
			spool_file(&reader, directory, number, &digest);
			digest_text(&digest, text);
		}
		report_open('{');
		report_text_field("name", name);
		report_text_field("kind", is_file ? "file" : "link");
		report_integer_field("file", is_file ? number++ : -1);
		report_text_field("target", is_file ? "" : target);
		report_integer_field("size", entry->size);
		report_text_field("digest", text);
		report_close('}');
	}
	report_close(']');
	source_finish(&source);
}
