/*
 * Two trees side by side: what the later has otherwise than the earlier. Unlike `changes`, which answers as Docker does and
 * trusts times, it goes by what is there: files that look alike are read.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdbool.h>
#include <sys/stat.h>

/* The numbers of Docker's API. */
enum difference_kind { DIFFERENCE_CHANGED = 0, DIFFERENCE_ADDED = 1, DIFFERENCE_DELETED = 2 };

struct difference {
	enum difference_kind kind;
	/* Without leading slash. */
	const char *path;
	/* Where it stands in the later tree, or for a deleted name in the earlier one. */
	int parent_fd;
	const char *name;
	/* NULL if there is none. */
	const struct stat *before, *now;
};

struct comparison {
	/*
	 * The later tree is an overlay's upper directory: what is not in it is as before, its marks say what is deleted, and
	 * every file in it counts as changed, for it is there a second time.
	 */
	bool is_upper;
	/* Another time is a difference, but for directories, whose time tells of what is in them. */
	bool times_count;
	/* Called in the order of a walk by name; a directory before what is in it, names that are gone after the others. */
	void (*found)(void *state, const struct difference *difference);
	void *state;
};

/* Of a deleted directory only its own name is told. */
void compare_trees(const struct comparison *comparison, int earlier_fd, int later_fd);

#endif
