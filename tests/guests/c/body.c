// Bodies that are read.

#include "guest.h"

#include <stdlib.h>
#include <string.h>

// What came with the message itself is handed out as if it arrived.
static void read_own(body *it, uint32_t max, edge_sdk_http_chunk_t *chunk) {
  bytes *left = &it->from.val.bytes;
  size_t count = max > 0 && max < left->len ? max : left->len;
  *chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_BYTES, .val.bytes = copy((bytes){left->ptr, count})};
  *left = from(*left, count);
}

bool body_read(body *it, uint32_t max, edge_sdk_http_chunk_t *chunk, body_error *error) {
  if (it->from.tag == EDGE_SDK_HTTP_BODY_INCOMING) {
    edge_sdk_http_borrow_incoming_body_t incoming = edge_sdk_http_borrow_incoming_body(it->from.val.incoming);
    if (!edge_sdk_http_method_incoming_body_read(incoming, max, chunk, error)) {
      return false;
    }
  } else if (it->from.tag == EDGE_SDK_HTTP_BODY_BYTES && it->from.val.bytes.len > 0) {
    read_own(it, max, chunk);
  } else {
    *chunk = (edge_sdk_http_chunk_t){.tag = EDGE_SDK_HTTP_CHUNK_END};
  }
  if (chunk->tag == EDGE_SDK_HTTP_CHUNK_END) {
    edge_sdk_http_list_field_free(&it->trailers);
    it->trailers = chunk->val.end;
    it->ended = true;
  }
  return true;
}

static bytes joined(bytes *pieces, size_t count, size_t total) {
  if (count == 1) {
    return pieces[0];
  }
  bytes all = {need(total), 0};
  for (size_t i = 0; i < count; i++) {
    memcpy(all.ptr + all.len, pieces[i].ptr, pieces[i].len);
    all.len += pieces[i].len;
    free(pieces[i].ptr);
  }
  return all;
}

bool body_gather(body *it, size_t most, bytes *all, body_error *error) {
  buffer pieces = {0};
  size_t total = 0;
  bool good = true;
  while (total < most) {
    edge_sdk_http_chunk_t chunk;
    good = body_read(it, most == SIZE_MAX ? 0 : most - total, &chunk, error);
    if (!good || chunk.tag == EDGE_SDK_HTTP_CHUNK_END) {
      break;
    }
    append(&pieces, (bytes){(uint8_t *)&chunk.val.bytes, sizeof chunk.val.bytes});
    total += chunk.val.bytes.len;
  }
  *all = joined((bytes *)pieces.ptr, pieces.len / sizeof *all, total);
  free(pieces.ptr);
  if (!good) {
    free(all->ptr);
  }
  return good;
}

edge_sdk_http_body_t body_take(body *it) {
  edge_sdk_http_body_t taken = it->from;
  if (taken.tag == EDGE_SDK_HTTP_BODY_BYTES) {
    // It may have been read in part, and so not begin where its memory does.
    taken.val.bytes = copy(taken.val.bytes);
  }
  it->from = (edge_sdk_http_body_t){.tag = EDGE_SDK_HTTP_BODY_NONE};
  it->taken = true;
  return taken;
}

static body *subject(step *it) { return &it->operands[0].kept->is.message.body; }

static void length(step *it) {
  body *body = subject(it);
  uint64_t length = body->from.tag == EDGE_SDK_HTTP_BODY_BYTES ? body->from.val.bytes.len : 0;
  bool known = true;
  if (body->from.tag == EDGE_SDK_HTTP_BODY_INCOMING) {
    edge_sdk_http_borrow_incoming_body_t incoming = edge_sdk_http_borrow_incoming_body(body->from.val.incoming);
    known = edge_sdk_http_method_incoming_body_length(incoming, &length);
  }
  if (known) {
    ok_number(it, length);
  } else {
    word(it, "ok ~");
  }
}

static void read(step *it) {
  body *body = subject(it);
  edge_sdk_http_chunk_t chunk;
  body_error error;
  if (!body_read(body, 0, &chunk, &error)) {
    fails_body(it, &error);
  } else if (chunk.tag == EDGE_SDK_HTTP_CHUNK_END) {
    word(it, "ok ~");
  } else {
    ok_value(it, chunk.val.bytes);
    app_list_u8_free(&chunk.val.bytes);
  }
}

static void gather(step *it, size_t most) {
  body *body = subject(it);
  bytes all;
  body_error error;
  if (body_gather(body, most, &all, &error)) {
    ok_value(it, all);
    free(all.ptr);
  } else {
    fails_body(it, &error);
  }
}

static void read_exactly(step *it) { gather(it, it->operands[1].number); }
static void read_all(step *it) { gather(it, SIZE_MAX); }

static void drain(step *it) {
  body *body = subject(it);
  uint64_t total = 0;
  for (;;) {
    edge_sdk_http_chunk_t chunk;
    body_error error;
    if (!body_read(body, 0, &chunk, &error)) {
      fails_body(it, &error);
      number(it, total);
      return;
    }
    if (chunk.tag == EDGE_SDK_HTTP_CHUNK_END) {
      ok_number(it, total);
      return;
    }
    total += chunk.val.bytes.len;
    app_list_u8_free(&chunk.val.bytes);
  }
}

static void trailers(step *it) {
  body *body = subject(it);
  if (body->ended) {
    ok_fields(it, body->trailers, "");
  } else {
    word(it, "ok ~");
  }
}

const verb body_verbs[] = {
    {"body.length", "B", ANYWHERE, length},
    {"body.read", "B", ANYWHERE, read},
    {"body.read-exactly", "Bw", ANYWHERE, read_exactly},
    {"body.read-all", "B", ANYWHERE, read_all},
    {"body.drain", "B", ANYWHERE, drain},
    {"body.trailers", "B", ANYWHERE, trailers},
    {0},
};
