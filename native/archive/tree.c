#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "memory.h"
#include "report.h"

/* Holes smaller than this are written as the zeros they read as. */
#define HOLE_BYTES (1024 * 1024)

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct listing list_directory(int fd, const char *path)
{
	struct listing listing = { 0 };
	/* A descriptor of its own: closedir would take the caller's. */
	DIR *directory = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!directory)
		fail("read-directory", path, errno);
	size_t room = 0;
	for (struct dirent *child; (void)(errno = 0), (child = readdir(directory));) {
		if (strcmp(child->d_name, ".") == 0 || strcmp(child->d_name, "..") == 0)
			continue;
		if (listing.count == room) {
			room = room ? room * 2 : 16;
			listing.names = reallocate(listing.names, room * sizeof *listing.names);
		}
		listing.names[listing.count++] = copy_text(child->d_name);
	}
	if (errno != 0)
		fail("read-directory", path, errno);
	closedir(directory);
	if (listing.count > 1)
		qsort(listing.names, listing.count, sizeof *listing.names, compare_names);
	return listing;
}

void listing_free(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free(listing->names[i]);
	free(listing->names);
}

int open_directory_at(int parent_fd, const char *name)
{
	return openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

struct link_slot {
	dev_t device;
	ino_t inode;
	char *name; /* NULL: free */
};

static struct link_slot *find_slot(const struct link_table *table, dev_t device, ino_t inode)
{
	/* Fibonacci hashing; open addressing; the table is never more than half full. */
	size_t at = (size_t)((uint64_t)inode * 0x9e3779b97f4a7c15u >> 20) & (table->size - 1);
	while (table->slots[at].name && (table->slots[at].inode != inode || table->slots[at].device != device))
		at = (at + 1) & (table->size - 1);
	return &table->slots[at];
}

static void grow(struct link_table *table)
{
	struct link_table larger = { .size = table->size ? table->size * 2 : 1024, .count = table->count };
	larger.slots = allocate(larger.size * sizeof *larger.slots);
	memset(larger.slots, 0, larger.size * sizeof *larger.slots);
	for (size_t i = 0; i < table->size; i++)
		if (table->slots[i].name)
			*find_slot(&larger, table->slots[i].device, table->slots[i].inode) = table->slots[i];
	free(table->slots);
	*table = larger;
}

const char *link_seen(struct link_table *table, const struct stat *status, const char *name)
{
	if (status->st_nlink < 2 || S_ISDIR(status->st_mode))
		return NULL;
	if (table->count * 2 >= table->size)
		grow(table);
	struct link_slot *slot = find_slot(table, status->st_dev, status->st_ino);
	if (slot->name)
		return slot->name;
	*slot = (struct link_slot){ status->st_dev, status->st_ino, copy_text(name) };
	table->count++;
	return NULL;
}

char *read_link_at(int parent_fd, const char *name)
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(parent_fd, name, text, sizeof text - 1);
	if (length < 0)
		fail("read-link", name, errno);
	text[length] = '\0';
	return copy_text(text);
}

void find_regions(struct entry *entry, int fd, const struct stat *status)
{
	if (status->st_size - status->st_blocks * 512 < HOLE_BYTES)
		return;
	for (off_t at = 0; at < status->st_size;) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0) {
			if (errno != ENXIO) /* the file system cannot tell: all of it is data */
				return;
			break;
		}
		off_t hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 || hole > status->st_size)
			hole = status->st_size;
		if (data < hole)
			entry_add_region(entry, data, hole - data);
		at = hole;
	}
	/* GNU tar makes the file end where its last region does: one of nothing says how long it is. */
	const struct region *last = entry->regions ? &entry->regions[entry->region_count - 1] : NULL;
	if (!last || last->offset + last->length < status->st_size)
		entry_add_region(entry, status->st_size, 0);
}

void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		/* A tree too deep for what we have fails with EMFILE. */
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}
