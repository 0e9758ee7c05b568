// The part of the C library that bindings and guest use; see libc.c.
#ifndef STDLIB_H
#define STDLIB_H

#include <stddef.h>

// 8-aligned, or NULL where the memory is used up.
void *malloc(size_t size);
// Moves what does not fit where it is.
void *realloc(void *old, size_t size);
void free(void *old);
_Noreturn void abort(void);

#endif
