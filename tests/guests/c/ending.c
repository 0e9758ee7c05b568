// Ways for an instance to end before its request does.

#include "guest.h"

#include <stdlib.h>

// C has no panic: what a program finds to be impossible ends it. The reason goes the way that is there for it.
static void panic(step *it) {
  ok(it);
  report(it);
  app_string_t reason = string(it->operands[0].text);
  edge_sdk_logging_abort(&reason);
  abort();
}

static void spin(step *it) {
  ok(it);
  report(it);
  for (volatile uint32_t turn = 0;; turn++) {
  }
}

static void grow(step *it) {
  enum { PAGE = 4096 };
  size_t count = it->operands[0].number;
  volatile uint8_t *held = need(count);
  for (size_t i = 0; i < count; i += PAGE) {
    held[i] = 1;
  }
  ok(it);
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winfinite-recursion"
static __attribute__((noinline)) uint32_t deeper(const volatile uint32_t *above) {
  volatile uint32_t here[16] = {*above + 1};
  return deeper(here) + here[0];
}
#pragma clang diagnostic pop

static void recurse(step *it) {
  ok(it);
  report(it);
  volatile uint32_t top = 0;
  deeper(&top);
}

const verb ending_verbs[] = {
    {"panic", "t", ANYWHERE, panic}, {"abort", "t", ANYWHERE, panic},    {"spin", "", ANYWHERE, spin},
    {"grow", "w", ANYWHERE, grow},   {"recurse", "", ANYWHERE, recurse}, {0},
};
