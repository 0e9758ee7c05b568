// As much of a C library as the bindings and the guest take, so that the component imports edge:sdk and nothing else.
//
// Blocks are cut from the end of memory. Freed ones are kept in the order of their addresses, joined with their
// neighbours, and given back to the end where they reach it: reading a long body piece by piece stays in one place.

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct block {
  // The whole block's, this head included.
  size_t size;
  // The next free one; unused while the block is not free.
  struct block *next;
} block;

enum { ALIGNMENT = 8, PAGE = 64 * 1024 };

extern char __heap_base;
static block *holes;
// Nothing at or above it was handed out.
static char *end = &__heap_base;

static char *end_of(block *it) { return (char *)it + it->size; }

// Moves the end of what is handed out, and memory with it.
static bool reach(uintptr_t wanted) {
  uintptr_t have = __builtin_wasm_memory_size(0) * PAGE;
  if (wanted > have) {
    uintptr_t pages = (wanted - have + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) {
      return false;
    }
  }
  end = (char *)wanted;
  return true;
}

// The size of a block for `size` bytes; 0 if there can be none.
static size_t whole(size_t size) {
  size_t limit = SIZE_MAX / 2;
  return size > limit ? 0 : (size + sizeof(block) + ALIGNMENT - 1) & -(size_t)ALIGNMENT;
}

static void *cut(block **link, size_t size) {
  block *hole = *link;
  if (hole->size - size > sizeof(block)) {
    block *rest = (block *)((char *)hole + size);
    *rest = (block){.size = hole->size - size, .next = hole->next};
    *link = rest;
    hole->size = size;
  } else {
    *link = hole->next;
  }
  return hole + 1;
}

void *malloc(size_t size) {
  size = whole(size);
  for (block **link = &holes; size > 0 && *link != NULL; link = &(*link)->next) {
    if ((*link)->size >= size) {
      return cut(link, size);
    }
  }
  uintptr_t start = ((uintptr_t)end + ALIGNMENT - 1) & -(uintptr_t)ALIGNMENT;
  if (size == 0 || start + size < start || !reach(start + size)) {
    return NULL;
  }
  block *fresh = (block *)start;
  fresh->size = size;
  return fresh + 1;
}

void free(void *old) {
  if (old == NULL) {
    return;
  }
  block *it = (block *)old - 1, **link = &holes, **before = NULL;
  while (*link != NULL && *link < it) {
    before = link;
    link = &(*link)->next;
  }
  it->next = *link;
  *link = it;
  if (it->next != NULL && end_of(it) == (char *)it->next) {
    it->size += it->next->size;
    it->next = it->next->next;
  }
  if (before != NULL && end_of(*before) == (char *)it) {
    (*before)->size += it->size;
    (*before)->next = it->next;
    link = before;
  }
  if (end_of(*link) == end) {
    end = (char *)*link;
    *link = NULL;
  }
}

void *realloc(void *old, size_t size) {
  if (old == NULL) {
    return malloc(size);
  }
  block *it = (block *)old - 1;
  size_t wanted = whole(size);
  if (wanted != 0 && (wanted <= it->size)) {
    return old;
  }
  if (wanted != 0 && end_of(it) == end && reach((uintptr_t)it + wanted)) {
    it->size = wanted;
    return old;
  }
  void *moved = malloc(size);
  if (moved != NULL) {
    memcpy(moved, old, it->size - sizeof(block));
    free(old);
  }
  return moved;
}

void abort(void) { __builtin_trap(); }

// With bulk memory these are one instruction each.
void *memcpy(void *restrict to, const void *restrict from, size_t count) { return __builtin_memcpy(to, from, count); }
void *memmove(void *to, const void *from, size_t count) { return __builtin_memmove(to, from, count); }
void *memset(void *to, int value, size_t count) { return __builtin_memset(to, value, count); }

int memcmp(const void *a, const void *b, size_t count) {
  const uint8_t *left = a, *right = b;
  for (size_t i = 0; i < count; i++) {
    if (left[i] != right[i]) {
      return left[i] - right[i];
    }
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) {
    length++;
  }
  return length;
}
