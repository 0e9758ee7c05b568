// What steps keep by name: the newest first, which is also how all of it is dropped.

#include "guest.h"

static kept *newest;

kept *kept_new(bytes name) {
  kept *it = need(sizeof *it);
  *it = (kept){.next = newest, .name = name};
  newest = it;
  return it;
}

kept *kept_find(bytes name) {
  for (kept *it = newest; it != NULL; it = it->next) {
    if (compare(it->name, name) == 0) {
      return it;
    }
  }
  return NULL;
}

static void drop_incoming(edge_sdk_http_body_t *body) {
  if (body->tag == EDGE_SDK_HTTP_BODY_INCOMING) {
    edge_sdk_http_incoming_body_drop_own(body->val.incoming);
  }
}

void kept_drop(kept *it) {
  switch (it->kind) {
  case KEPT_STORE:
    edge_sdk_kv_store_drop_own(it->is.store);
    break;
  case KEPT_BODY:
  case KEPT_RESPONSE:
    drop_incoming(&it->is.message.body.from);
    break;
  case KEPT_OUTGOING:
    drop_incoming(&it->is.outgoing.request.body);
    break;
  case KEPT_PENDING:
    edge_sdk_fetch_pending_drop_own(it->is.pending);
    break;
  case KEPT_UPLOAD:
    edge_sdk_fetch_outgoing_body_drop_own(it->is.upload);
    break;
  case KEPT_NOTHING:
  case KEPT_VERSION:
  case KEPT_CURSOR:
    break;
  }
  it->kind = KEPT_NOTHING;
}

void kept_drop_all(void) {
  for (kept *it = newest; it != NULL; it = it->next) {
    kept_drop(it);
  }
}
