// Requests to other servers, and their responses.

#include "guest.h"

static const char *const fetch_errors[] = {
    "denied",
    "invalid-request",
    "dns",
    "connection-refused",
    "connect-timeout",
    "tls-certificate",
    "tls-protocol",
    "connection-closed",
    "first-byte-timeout",
    "deadline",
    "request-body",
    "protocol",
    "redirect",
    "too-many-redirects",
    "limit",
    "other",
};

void fails_fetch(step *it, edge_sdk_fetch_fetch_error_t *error) {
  fails(it, fetch_errors[error->tag]);
  if (error->tag == EDGE_SDK_FETCH_FETCH_ERROR_REQUEST_BODY) {
    fails_body(it, &error->val.request_body);
  }
  edge_sdk_fetch_fetch_error_free(error);
}

static outgoing *subject(step *it) { return &it->operands[0].kept->is.outgoing; }

static void new(step *it) {
  kept *kept = it->operands[0].kept;
  kept->kind = KEPT_OUTGOING;
  kept->is.outgoing = (outgoing){
      .request = {.method = copy_string(it->operands[1].text), .uri = copy_string(it->operands[2].text)},
      .options = {.redirect = EDGE_SDK_FETCH_REDIRECT_FOLLOW},
  };
  ok(it);
}

static void field(step *it) {
  fields_add(&subject(it)->request.headers, it->operands[1].text, it->operands[2].text);
  ok(it);
}

static void whole(step *it) {
  edge_sdk_http_body_t *body = &subject(it)->request.body;
  edge_sdk_http_body_free(body);
  *body = (edge_sdk_http_body_t){.tag = EDGE_SDK_HTTP_BODY_BYTES, .val.bytes = copy(it->operands[1].text)};
  ok(it);
}

static void forward(step *it) {
  edge_sdk_http_body_t *body = &subject(it)->request.body;
  edge_sdk_http_body_free(body);
  *body = body_take(&it->operands[1].kept->is.message.body);
  ok(it);
}

static void redirect(step *it) {
  bytes how = it->operands[1].word;
  edge_sdk_fetch_redirect_t *to = &subject(it)->options.redirect;
  if (is(how, "follow")) {
    *to = EDGE_SDK_FETCH_REDIRECT_FOLLOW;
  } else if (is(how, "manual")) {
    *to = EDGE_SDK_FETCH_REDIRECT_MANUAL;
  } else if (is(how, "error")) {
    *to = EDGE_SDK_FETCH_REDIRECT_ERROR;
  } else {
    mistake(it, "redirects are not handled that way");
  }
  ok(it);
}

static void timeout(step *it) {
  bytes which = it->operands[1].word;
  app_option_u32_t time = {true, it->operands[2].number};
  edge_sdk_fetch_timeouts_t *timeouts = &subject(it)->options.timeouts;
  if (is(which, "connect")) {
    timeouts->connect_ms = time;
  } else if (is(which, "first-byte")) {
    timeouts->first_byte_ms = time;
  } else if (is(which, "between-bytes")) {
    timeouts->between_bytes_ms = time;
  } else if (is(which, "total")) {
    timeouts->total_ms = time;
  } else {
    mistake(it, "there is no such timeout");
  }
  ok(it);
}

static void hint(step *it) {
  pairs_add(&subject(it)->options.hints, it->operands[1].text, it->operands[2].text);
  ok(it);
}

// The request is gone, and so is its body: the handle was handed over.
static void use_up(kept *kept) {
  outgoing *outgoing = &kept->is.outgoing;
  if (outgoing->request.body.tag == EDGE_SDK_HTTP_BODY_INCOMING) {
    outgoing->request.body.tag = EDGE_SDK_HTTP_BODY_NONE;
  }
  edge_sdk_http_request_free(&outgoing->request);
  edge_sdk_fetch_options_free(&outgoing->options);
  kept->kind = KEPT_NOTHING;
}

static void keep_pending(kept *kept, edge_sdk_fetch_own_pending_t pending) {
  kept->kind = KEPT_PENDING;
  kept->is.pending = pending;
}

static void send(step *it) {
  edge_sdk_fetch_own_pending_t pending;
  edge_sdk_fetch_fetch_error_t error;
  bool good = edge_sdk_fetch_send(&subject(it)->request, &subject(it)->options, &pending, &error);
  use_up(it->operands[0].kept);
  if (!good) {
    fails_fetch(it, &error);
    return;
  }
  keep_pending(it->operands[1].kept, pending);
  ok(it);
}

static void stream(step *it) {
  edge_sdk_fetch_tuple2_own_pending_own_outgoing_body_t both;
  edge_sdk_fetch_fetch_error_t error;
  bool good = edge_sdk_fetch_send_streaming(&subject(it)->request, &subject(it)->options, &both, &error);
  use_up(it->operands[0].kept);
  if (!good) {
    fails_fetch(it, &error);
    return;
  }
  keep_pending(it->operands[1].kept, both.f0);
  it->operands[2].kept->kind = KEPT_UPLOAD;
  it->operands[2].kept->is.upload = both.f1;
  ok(it);
}

static void write(step *it) {
  edge_sdk_fetch_own_outgoing_body_t upload = it->operands[0].kept->is.upload;
  for (bytes rest = it->operands[1].text; rest.len > 0;) {
    uint32_t taken;
    body_error error;
    if (!edge_sdk_fetch_method_outgoing_body_write(edge_sdk_fetch_borrow_outgoing_body(upload), &rest, &taken,
                                                   &error)) {
      fails_body(it, &error);
      return;
    }
    rest = from(rest, taken);
  }
  ok(it);
}

static void finish(step *it) {
  kept *kept = it->operands[0].kept;
  fields trailers = fields_of(it, 1);
  edge_sdk_fetch_list_field_t list = {trailers.ptr, trailers.len};
  body_error error;
  if (edge_sdk_fetch_finish(kept->is.upload, &list, &error)) {
    ok(it);
  } else {
    fails_body(it, &error);
  }
  kept->kind = KEPT_NOTHING;
  edge_sdk_fetch_list_field_free(&list);
}

// Waits for it, and keeps the response.
static void await(step *it, edge_sdk_fetch_own_pending_t pending, kept *to) {
  edge_sdk_http_response_t response;
  edge_sdk_fetch_fetch_error_t error;
  if (!edge_sdk_fetch_wait(pending, &response, &error)) {
    fails_fetch(it, &error);
    return;
  }
  to->kind = KEPT_RESPONSE;
  to->is.message.response = response;
  to->is.message.body = (body){.from = response.body};
  ok_number(it, response.status);
}

static void wait(step *it) {
  kept *pending = it->operands[0].kept;
  pending->kind = KEPT_NOTHING;
  await(it, pending->is.pending, it->operands[1].kept);
}

static void get(step *it) {
  edge_sdk_http_request_t request = {.method = string(of("GET")), .uri = string(it->operands[0].text)};
  edge_sdk_fetch_options_t options = {.redirect = EDGE_SDK_FETCH_REDIRECT_FOLLOW};
  edge_sdk_fetch_own_pending_t pending;
  edge_sdk_fetch_fetch_error_t error;
  if (edge_sdk_fetch_send(&request, &options, &pending, &error)) {
    await(it, pending, it->operands[1].kept);
  } else {
    fails_fetch(it, &error);
  }
}

static edge_sdk_http_response_t *response(step *it) { return &it->operands[0].kept->is.message.response; }

static void res_fields(step *it) { ok_fields(it, response(it)->headers, ""); }
static void res_field(step *it) { ok_field(it, response(it)->headers, it->operands[1].text); }
static void res_uri(step *it) { ok_value(it, of_string(response(it)->uri)); }
static void res_redirects(step *it) { ok_number(it, response(it)->redirects); }
static void res_attribute(step *it) { ok_pair(it, response(it)->attributes, it->operands[1].text); }

const verb fetch_verbs[] = {
    {"fetch.new", "+tt", ANYWHERE, new},
    {"fetch.field", "Rtt", ANYWHERE, field},
    {"fetch.bytes", "Rt", ANYWHERE, whole},
    {"fetch.forward", "RB", ANYWHERE, forward},
    {"fetch.redirect", "R.", ANYWHERE, redirect},
    {"fetch.timeout", "R.w", ANYWHERE, timeout},
    {"fetch.hint", "Rtt", ANYWHERE, hint},
    {"fetch.send", "R+", ANYWHERE, send},
    {"fetch.stream", "R++", ANYWHERE, stream},
    {"fetch.write", "Ut", ANYWHERE, write},
    {"fetch.finish", "Utt=", ANYWHERE, finish},
    {"fetch.wait", "P+", ANYWHERE, wait},
    {"fetch.get", "t+", ANYWHERE, get},
    {"res.fields", "A", ANYWHERE, res_fields},
    {"res.field", "At", ANYWHERE, res_field},
    {"res.uri", "A", ANYWHERE, res_uri},
    {"res.redirects", "A", ANYWHERE, res_redirects},
    {"res.attribute", "At", ANYWHERE, res_attribute},
    {0},
};
