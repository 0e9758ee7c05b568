// What a step reports: one line.

#include "guest.h"

void word(step *it, const char *text) {
  if (it->line.len > 0) {
    append(&it->line, of(" "));
  }
  append(&it->line, of(text));
}

void value(step *it, bytes value) {
  word(it, "");
  encode(&it->line, value);
}

void number(step *it, uint64_t number) {
  word(it, "");
  append_number(&it->line, number);
}

void integer(step *it, int64_t integer) {
  word(it, integer < 0 ? "-" : "");
  append_number(&it->line, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer);
}

void ok(step *it) { word(it, "ok"); }

void ok_value(step *it, bytes text) {
  ok(it);
  value(it, text);
}

void ok_number(step *it, uint64_t count) {
  ok(it);
  number(it, count);
}

void fails(step *it, const char *name) {
  word(it, "err");
  word(it, name);
}

void fails_with(step *it, const char *name, uint64_t count) {
  fails(it, name);
  number(it, count);
}

static const char *const body_errors[] = {"closed", "incomplete", "unwanted", "timeout", "too-large", "other"};

void fails_body(step *it, const body_error *error) {
  if (it->line.len == 0) {
    word(it, "err");
  }
  word(it, body_errors[error->tag]);
  if (error->tag == EDGE_SDK_HTTP_BODY_ERROR_TOO_LARGE) {
    number(it, error->val.too_large);
  }
}

void mistake(step *it, const char *why) {
  if (it->mistake == NULL) {
    it->mistake = why;
  }
}

void report(step *it) {
  if (it->line.len == 0) {
    return;
  }
  app_string_t target = string(of("conformance")), line = string(contents(it->line));
  app_list_tuple2_string_string_t none = {0};
  edge_sdk_logging_log(EDGE_SDK_LOGGING_LEVEL_INFO, &target, &line, &none);
  append(&script_lines, contents(it->line));
  append(&script_lines, of("\n"));
  it->line.len = 0;
}
