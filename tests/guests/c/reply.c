// The reply: its head, its body, and the source that makes one while it is sent.

#include "guest.h"

exports_edge_sdk_handler_reply_t reply = {.status = 200};
bool reply_shaped;
edge_sdk_http_chunk_t source_chunk;
body_error source_failure;

// What `give-many` has still to give.
static uint64_t repeats;
static bytes repeated;

void reply_body(exports_edge_sdk_handler_reply_body_t body) {
  exports_edge_sdk_handler_reply_body_free(&reply.body);
  reply.body = body;
  reply_shaped = true;
}

void reply_bytes(bytes own) {
  reply_body((exports_edge_sdk_handler_reply_body_t){
      .tag = EXPORTS_EDGE_SDK_HANDLER_REPLY_BODY_BYTES,
      .val.bytes = own,
  });
}

void reply_hand_on(edge_sdk_http_body_t from) {
  exports_edge_sdk_handler_reply_body_t to = {.tag = EXPORTS_EDGE_SDK_HANDLER_REPLY_BODY_NONE};
  if (from.tag == EDGE_SDK_HTTP_BODY_INCOMING) {
    to.tag = EXPORTS_EDGE_SDK_HANDLER_REPLY_BODY_INCOMING;
    to.val.incoming = from.val.incoming;
  } else if (from.tag == EDGE_SDK_HTTP_BODY_BYTES) {
    to.tag = EXPORTS_EDGE_SDK_HANDLER_REPLY_BODY_BYTES;
    to.val.bytes = from.val.bytes;
  }
  reply_body(to);
}

void reply_source(outcome (*read)(exports_edge_sdk_handler_body_source_t *it)) {
  exports_edge_sdk_handler_body_source_t *source = need(sizeof *source);
  *source = (exports_edge_sdk_handler_body_source_t){.read = read};
  reply_body((exports_edge_sdk_handler_reply_body_t){
      .tag = EXPORTS_EDGE_SDK_HANDLER_REPLY_BODY_SOURCE,
      .val.source = exports_edge_sdk_handler_body_source_new(source),
  });
}

static fields headers(void) { return (fields){reply.headers.ptr, reply.headers.len}; }

static void set_headers(fields list) {
  reply.headers.ptr = list.ptr;
  reply.headers.len = list.len;
  reply_shaped = true;
}

static void status(step *it) {
  if (it->operands[0].number > UINT16_MAX) {
    mistake(it, "a status has 16 bits");
    return;
  }
  reply.status = it->operands[0].number;
  reply_shaped = true;
  ok(it);
}

static void field(step *it) {
  fields list = headers();
  fields_add(&list, it->operands[0].text, it->operands[1].text);
  set_headers(list);
  ok(it);
}

static void set(step *it) {
  fields list = headers();
  fields_set(&list, it->operands[0].text, it->operands[1].text);
  set_headers(list);
  ok(it);
}

static void none(step *it) {
  reply_body((exports_edge_sdk_handler_reply_body_t){.tag = EXPORTS_EDGE_SDK_HANDLER_REPLY_BODY_NONE});
  ok(it);
}

static void whole(step *it) {
  reply_bytes(copy(it->operands[0].text));
  ok(it);
}

static void forward(step *it) {
  reply_hand_on(body_take(&it->operands[0].kept->is.message.body));
  ok(it);
}

static void hint(step *it) {
  pairs_add(&reply.hints, it->operands[0].text, it->operands[1].text);
  ok(it);
}

static outcome read_script(exports_edge_sdk_handler_body_source_t *source) {
  (void)source;
  if (repeats > 0) {
    repeats--;
    source_chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_BYTES, .val.bytes = copy(repeated)};
    return YIELDS;
  }
  outcome got = script_run(IN_SOURCE);
  if (got == ENDS) {
    source_chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_END};
  }
  return got;
}

static void source(step *it) {
  reply_source(read_script);
  ok(it);
  it->outcome = ENDS;
}

static void fail(step *it) {
  script_failure = copy(it->operands[0].text);
  ok(it);
  it->outcome = FAILS;
}

static void give(step *it) {
  ok(it);
  source_chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_BYTES, .val.bytes = copy(it->operands[0].text)};
  it->outcome = YIELDS;
}

static void give_many(step *it) {
  ok(it);
  if (it->operands[0].number == 0) {
    return;
  }
  repeats = it->operands[0].number - 1;
  repeated = copy(it->operands[1].text);
  source_chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_BYTES, .val.bytes = copy(repeated)};
  it->outcome = YIELDS;
}

static void end(step *it) {
  ok(it);
  source_chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_END, .val.end = fields_of(it, 0)};
  it->outcome = YIELDS;
}

static void break_off(step *it) {
  bytes how = it->operands[0].word;
  if (is(how, "closed")) {
    source_failure.tag = EDGE_SDK_HTTP_BODY_ERROR_CLOSED;
  } else if (is(how, "incomplete")) {
    source_failure.tag = EDGE_SDK_HTTP_BODY_ERROR_INCOMPLETE;
  } else if (is(how, "timeout")) {
    source_failure.tag = EDGE_SDK_HTTP_BODY_ERROR_TIMEOUT;
  } else if (is(how, "other")) {
    source_failure.tag = EDGE_SDK_HTTP_BODY_ERROR_OTHER;
    source_failure.val.other = copy_string(of("the script breaks off"));
  } else {
    mistake(it, "a source can't break with that");
    return;
  }
  ok(it);
  it->outcome = FAILS;
}

const verb reply_verbs[] = {
    {"reply.status", "n", IN_HANDLER, status}, {"reply.field", "tt", IN_HANDLER, field},
    {"reply.set", "tt", IN_HANDLER, set},      {"reply.none", "", IN_HANDLER, none},
    {"reply.bytes", "t", IN_HANDLER, whole},   {"reply.forward", "B", IN_HANDLER, forward},
    {"reply.hint", "tt", IN_HANDLER, hint},    {"reply.source", "", IN_HANDLER, source},
    {"reply.fail", "t", IN_HANDLER, fail},     {0},
};

const verb source_verbs[] = {
    {"give", "t", IN_SOURCE, give},
    {"give-many", "nt", IN_SOURCE, give_many},
    {"end", "tt=", IN_SOURCE, end},
    {"break", ".", IN_SOURCE, break_off},
    {0},
};
