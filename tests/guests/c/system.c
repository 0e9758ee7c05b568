// Logging, the system, a variable, values through the guest alone, and how the reply went.

#include "guest.h"

#include <stdlib.h>

static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};

static void log_event(step *it) {
  edge_sdk_logging_level_t level = 0;
  while (level < sizeof levels / sizeof *levels && !is(it->operands[0].word, levels[level])) {
    level++;
  }
  if (level == sizeof levels / sizeof *levels) {
    mistake(it, "there is no such level");
    return;
  }
  app_list_tuple2_string_string_t fields = {0};
  for (size_t i = 2; i < it->count; i += 2) {
    pairs_add(&fields, it->operands[i].text, it->operands[i + 1].text);
  }
  app_string_t target = string(of("guest")), text = string(it->operands[1].text);
  edge_sdk_logging_log(level, &target, &text, &fields);
  app_list_tuple2_string_string_free(&fields);
  ok(it);
}

static void min_level(step *it) {
  edge_sdk_logging_level_t level;
  ok(it);
  word(it, edge_sdk_logging_min_level(&level) ? levels[level] : "~");
}

static void now(step *it) { ok_number(it, edge_sdk_system_now()); }

static void monotonic(step *it) {
  uint64_t first = edge_sdk_system_monotonic(), second = edge_sdk_system_monotonic();
  ok(it);
  word(it, second >= first ? "ordered" : "unordered");
}

static void random(step *it) {
  bytes random;
  edge_sdk_system_random(it->operands[0].number, &random);
  ok_number(it, random.len);
  value(it, random);
  app_list_u8_free(&random);
}

static bytes global = {(uint8_t *)"built", 5};

static void global_set(step *it) {
  global = copy(it->operands[0].text);
  ok(it);
}

static void global_get(step *it) { ok_value(it, global); }

static void echo_text(step *it) { ok_value(it, it->operands[0].text); }
static void echo_unsigned(step *it) { ok_number(it, it->operands[0].number); }

static void echo_signed(step *it) {
  ok(it);
  integer(it, it->operands[0].integer);
}

static void echo_list(step *it) {
  ok_number(it, it->count);
  for (size_t i = 0; i < it->count; i++) {
    value(it, it->operands[i].text);
  }
}

static void how_sent(step *it) {
  if (sent.is_err) {
    fails_body(it, &sent.val.err);
  } else {
    ok(it);
  }
}

const verb system_verbs[] = {
    {"log", ".ttt=", ANYWHERE, log_event},    {"log.min-level", "", ANYWHERE, min_level},
    {"sys.now", "", ANYWHERE, now},           {"sys.monotonic", "", ANYWHERE, monotonic},
    {"sys.random", "w", ANYWHERE, random},    {"global.set", "t", ANYWHERE, global_set},
    {"global.get", "", ANYWHERE, global_get}, {"echo.text", "t", ANYWHERE, echo_text},
    {"echo.bytes", "t", ANYWHERE, echo_text}, {"echo.u64", "n", ANYWHERE, echo_unsigned},
    {"echo.s64", "i", ANYWHERE, echo_signed}, {"echo.list", "t*", ANYWHERE, echo_list},
    {"sent", "", IN_AFTER, how_sent},         {0},
};
