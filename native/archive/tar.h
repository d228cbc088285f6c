/*
 * The tar formats: ustar and pax (POSIX.1-2017, pax, "ustar Interchange Format"), the GNU extensions for long names and
 * sparse files (GNU tar manual, "Basic Tar Format"), and the records for extended attributes (SCHILY.xattr).
 */
#ifndef TAR_H
#define TAR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define TAR_BLOCK 512

struct tar_header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[8]; /* with the version */
	char user[32];
	char group[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char padding[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

enum tar_type {
	TAR_FILE = '0',
	TAR_HARD_LINK = '1',
	TAR_SYMBOLIC_LINK = '2',
	TAR_CHARACTER_DEVICE = '3',
	TAR_BLOCK_DEVICE = '4',
	TAR_DIRECTORY = '5',
	TAR_FIFO = '6',
	TAR_PAX = 'x',
	TAR_PAX_GLOBAL = 'g',
	TAR_GNU_LONG_NAME = 'L',
	TAR_GNU_LONG_LINK = 'K',
	TAR_GNU_SPARSE = 'S',
	TAR_GNU_VOLUME = 'V',
};

struct xattr {
	char *name;
	unsigned char *value;
	size_t length;
};

/* A stretch of a sparse file that has data. */
struct region {
	int64_t offset, length;
};

/* One member of an archive, whichever way its header said it. */
struct entry {
	enum tar_type type;
	char *name;
	char *link; /* target of hard and symbolic links */
	mode_t mode; /* permission bits only */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	int64_t size; /* of the file, holes included */
	unsigned int major, minor;
	struct xattr *xattrs;
	size_t xattr_count;
	struct region *regions; /* NULL unless it is sparse */
	size_t region_count;
};

void entry_clear(struct entry *entry);
void entry_add_xattr(struct entry *entry, const char *name, size_t name_length, const void *value, size_t length);
void entry_add_region(struct entry *entry, int64_t offset, int64_t length);

#endif
