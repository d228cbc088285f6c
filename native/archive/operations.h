/* What the program can do: one operation for each run. snapshot/archive.ts says what each is for and gives its options. */
#ifndef OPERATIONS_H
#define OPERATIONS_H

void operation_unpack(void);
void operation_pack(void);
void operation_export(void);
void operation_stat(void);
void operation_copy_out(void);
void operation_copy_in(void);
void operation_changes(void);
void operation_compare(void);
void operation_difference(void);
void operation_copy_tree(void);
void operation_hash(void);
void operation_spool(void);
void operation_usage(void);
void operation_empty(void);
void operation_remove(void);
void operation_spread(void);
void operation_sync(void);
void operation_compress(void);

#endif
