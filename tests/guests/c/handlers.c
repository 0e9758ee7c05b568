// Handlers by path, written as a user of the bindings would: a second way over the same calls.

#include "guest.h"

#include <stdlib.h>

static bool later;
static uint32_t requests;

static void add_field(const char *name, bytes value) {
  fields list = {reply.headers.ptr, reply.headers.len};
  fields_add(&list, of(name), value);
  reply.headers.ptr = list.ptr;
  reply.headers.len = list.len;
}

static void add_number(const char *name, uint64_t number) {
  buffer digits = {0};
  append_number(&digits, number);
  add_field(name, contents(digits));
  free(digits.ptr);
}

// A text of two parts.
static void answer(uint16_t status, const char *text, bytes more) {
  buffer body = {0};
  append(&body, of(text));
  append(&body, more);
  reply.status = status;
  add_field("content-type", of("text/plain; charset=utf-8"));
  reply_bytes(contents(body));
}

static void log_line(edge_sdk_logging_level_t level, const char *text) {
  app_string_t target = string(of("guest")), message = string(of(text));
  app_list_tuple2_string_string_t none = {0};
  edge_sdk_logging_log(level, &target, &message, &none);
}

static bool fail(bytes *failure, const char *why) {
  *failure = copy(of(why));
  return false;
}

static bool hello(bytes name, bytes *failure) {
  app_string_t visits = string(of("visits")), key = string(name);
  edge_sdk_kv_own_store_t store;
  edge_sdk_kv_kv_error_t error;
  if (!edge_sdk_kv_open(&visits, &store, &error)) {
    return fail(failure, "the store can't be opened");
  }
  int64_t count;
  bool good = edge_sdk_kv_method_store_increment(edge_sdk_kv_borrow_store(store), &key, 1, NULL, &count, &error);
  edge_sdk_kv_store_drop_own(store);
  if (!good) {
    return fail(failure, "the visit can't be counted");
  }
  answer(200, "hello ", name);
  add_number("visits", count);
  return true;
}

static bool echo(void) {
  for (size_t i = 0; i < request.headers.len; i++) {
    if (same_name(of_string(request.headers.ptr[i].f0), of("content-type"))) {
      add_field("content-type", request.headers.ptr[i].f1);
    }
  }
  reply_hand_on(body_take(&kept_find(of("request"))->is.message.body));
  return true;
}

static bool some_fields(void) {
  add_field("set-cookie", of("a=1; expires=Mon, 01 Jan 2035 00:00:00 GMT"));
  add_field("set-cookie", of("b=2"));
  add_field("x-list", of("one"));
  add_field("x-list", of("two"));
  reply_shaped = true;
  return true;
}

static outcome read_words(exports_edge_sdk_handler_body_source_t *it) {
  static const char *const words[] = {"one", "two", "three"};
  if (it->position == sizeof words / sizeof *words) {
    source_chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_END};
  } else {
    bytes word = copy(of(words[it->position++]));
    source_chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_BYTES, .val.bytes = word};
  }
  return YIELDS;
}

static bool start(const char *uri, edge_sdk_fetch_own_pending_t *pending) {
  edge_sdk_http_request_t get = {.method = string(of("GET")), .uri = string(of(uri))};
  edge_sdk_fetch_options_t options = {.redirect = EDGE_SDK_FETCH_REDIRECT_FOLLOW};
  edge_sdk_fetch_fetch_error_t error;
  return edge_sdk_fetch_send(&get, &options, pending, &error);
}

static bool forward(bytes *failure) {
  edge_sdk_fetch_own_pending_t pending;
  edge_sdk_http_response_t response;
  edge_sdk_fetch_fetch_error_t error;
  if (!start("http://up.test/", &pending) || !edge_sdk_fetch_wait(pending, &response, &error)) {
    return fail(failure, "nothing to hand on");
  }
  reply.status = response.status;
  reply.headers.ptr = response.headers.ptr;
  reply.headers.len = response.headers.len;
  reply_hand_on(response.body);
  return true;
}

static bool append_response(edge_sdk_fetch_own_pending_t pending, buffer *to) {
  edge_sdk_http_response_t response;
  edge_sdk_fetch_fetch_error_t error;
  if (!edge_sdk_fetch_wait(pending, &response, &error)) {
    return false;
  }
  body from = {.from = response.body};
  bytes all;
  body_error broken;
  if (!body_gather(&from, SIZE_MAX, &all, &broken)) {
    return false;
  }
  append(to, all);
  free(all.ptr);
  edge_sdk_http_response_free(&response);
  return true;
}

static bool fan_out(bytes *failure) {
  static const char *const uris[] = {"http://up.test/1", "http://up.test/2", "http://up.test/3"};
  enum { COUNT = sizeof uris / sizeof *uris };
  edge_sdk_fetch_own_pending_t pending[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    if (!start(uris[i], &pending[i])) {
      return fail(failure, "a request can't be sent");
    }
  }
  buffer joined = {0};
  for (size_t i = 0; i < COUNT; i++) {
    append(&joined, of(i == 0 ? "" : ","));
    if (!append_response(pending[i], &joined)) {
      return fail(failure, "a response is missing");
    }
  }
  answer(200, "", contents(joined));
  free(joined.ptr);
  return true;
}

static bool levels(void) {
  static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
  for (edge_sdk_logging_level_t level = 0; level < sizeof names / sizeof *names; level++) {
    log_line(level, names[level]);
  }
  answer(200, "", of(""));
  return true;
}

// A middleware's mark: how many marks there were.
static void mark(const char *name) {
  size_t count = 0;
  for (size_t i = 0; i < reply.headers.len; i++) {
    bytes there = of_string(reply.headers.ptr[i].f0);
    count += is(there, "outer") || is(there, "inner");
  }
  add_number(name, count);
}

static bool wrapped(bool is_short) {
  answer(is_short ? 403 : 200, is_short ? "short" : "inner", of(""));
  mark("inner");
  mark("outer");
  return true;
}

static bool unknown(void) {
  reply.status = 404;
  reply_shaped = true;
  return true;
}

// What is below `/s/`.
static bool get(bytes path, bytes *failure) {
  bytes rest = path;
  bytes first = cut(&rest, '/');
  if (is(first, "hello") && rest.len > 0) {
    return hello(rest, failure);
  }
  if (is(first, "pattern") && rest.len > 0) {
    bytes deeper = rest, one = cut(&deeper, '/');
    bool is_one = one.len == rest.len, is_literal = is(rest, "literal");
    answer(200, is_literal ? "literal" : is_one ? "parameter " : "rest ", is_literal ? of("") : rest);
    return true;
  }
  if (is(path, "fields")) {
    return some_fields();
  }
  if (is(path, "stream")) {
    reply_source(read_words);
    return true;
  }
  if (is(path, "forward")) {
    return forward(failure);
  }
  if (is(path, "fan-out")) {
    return fan_out(failure);
  }
  if (is(path, "error")) {
    return fail(failure, "refused: the reason");
  }
  if (is(path, "panic")) {
    app_string_t reason = string(of("broken: the reason"));
    edge_sdk_logging_abort(&reason);
  }
  if (is(path, "levels")) {
    return levels();
  }
  if (is(path, "wrapped/inner") || is(path, "wrapped/short")) {
    return wrapped(is(path, "wrapped/short"));
  }
  if (is(path, "later")) {
    later = true;
    answer(200, "now", of(""));
    return true;
  }
  if (is(path, "global")) {
    buffer count = {0};
    append_number(&count, requests);
    answer(200, "", contents(count));
    return true;
  }
  return unknown();
}

bool handle_path(bytes *failure) {
  requests++;
  bytes rest = of_string(request.uri), path = {0};
  for (int slashes = 0; slashes < 3; slashes++) {
    cut(&rest, '/');
  }
  path = cut(&rest, '?');
  rest = path;
  bool is_ours = is(cut(&rest, '/'), "s");
  if (is_ours && is(of_string(request.method), "GET")) {
    return get(rest, failure);
  }
  if (is_ours && is(of_string(request.method), "POST") && is(rest, "echo")) {
    return echo();
  }
  return unknown();
}

void after_handler(void) {
  if (later) {
    log_line(EDGE_SDK_LOGGING_LEVEL_INFO, "later");
  }
}
