// Waiting for several things at once, and dropping them.

#include "guest.h"

#include <stdlib.h>

// What may become ready: sets `to`, unless there is nothing to wait for because it is ready already.
static bool subscribe(step *it, kept *kept, edge_sdk_poll_own_pollable_t *to) {
  if (kept == NULL) {
    *to = edge_sdk_poll_client_gone();
    return true;
  }
  body *body = &kept->is.message.body;
  switch (kept->kind) {
  case KEPT_PENDING:
    *to = edge_sdk_fetch_method_pending_subscribe(edge_sdk_fetch_borrow_pending(kept->is.pending));
    return true;
  case KEPT_UPLOAD:
    *to = edge_sdk_fetch_method_outgoing_body_subscribe(edge_sdk_fetch_borrow_outgoing_body(kept->is.upload));
    return true;
  case KEPT_BODY:
  case KEPT_RESPONSE:
    if (body->taken) {
      mistake(it, "the body was handed on");
    }
    if (body->from.tag == EDGE_SDK_HTTP_BODY_INCOMING) {
      edge_sdk_http_borrow_incoming_body_t incoming = edge_sdk_http_borrow_incoming_body(body->from.val.incoming);
      *to = edge_sdk_http_method_incoming_body_subscribe(incoming);
      return true;
    }
    return false;
  default:
    mistake(it, "it is nothing to wait for");
    return false;
  }
}

// What is polled, and which operand each stands for.
typedef struct {
  edge_sdk_poll_own_pollable_t *own;
  edge_sdk_poll_borrow_pollable_t *borrowed;
  size_t *operands;
  size_t count;
  bool *ready;
} polled;

static void poll(polled *all, uint32_t *timeout) {
  edge_sdk_poll_list_borrow_pollable_t list = {all->borrowed, all->count};
  app_list_u32_t ready;
  edge_sdk_poll_poll(&list, timeout, &ready);
  for (size_t i = 0; i < ready.len; i++) {
    all->ready[all->operands[ready.ptr[i]]] = true;
  }
  app_list_u32_free(&ready);
  for (size_t i = 0; i < all->count; i++) {
    edge_sdk_poll_pollable_drop_own(all->own[i]);
  }
}

static void subscribe_all(step *it, polled *all) {
  for (size_t i = 1; i < it->count; i++) {
    edge_sdk_poll_own_pollable_t *to = &all->own[all->count];
    all->ready[i] = !subscribe(it, it->operands[i].kept, to);
    if (!all->ready[i]) {
      all->operands[all->count] = i;
      all->borrowed[all->count++] = edge_sdk_poll_borrow_pollable(*to);
    }
  }
}

static void wait(step *it) {
  if (it->operands[0].number > UINT32_MAX) {
    mistake(it, "a time has 32 bits");
    return;
  }
  polled all = {
      .own = need(it->count * sizeof *all.own),
      .borrowed = need(it->count * sizeof *all.borrowed),
      .operands = need(it->count * sizeof *all.operands),
      .ready = need(it->count * sizeof *all.ready),
  };
  subscribe_all(it, &all);
  uint32_t timeout = it->operands[0].number, at_once = 0;
  bool some = all.count < it->count - 1;
  poll(&all, some ? &at_once : it->operands[0].absent ? NULL : &timeout);
  size_t count = 0;
  for (size_t i = 1; i < it->count; i++) {
    count += all.ready[i];
  }
  ok_number(it, count);
  for (size_t i = 1; i < it->count; i++) {
    if (all.ready[i]) {
      value(it, it->operands[i].word);
    }
  }
  free(all.own);
  free(all.borrowed);
  free(all.operands);
  free(all.ready);
}

static void sleep(step *it) {
  edge_sdk_poll_list_borrow_pollable_t none = {0};
  uint32_t time = it->operands[0].number;
  app_list_u32_t ready;
  edge_sdk_poll_poll(&none, &time, &ready);
  app_list_u32_free(&ready);
  ok(it);
}

static void drop(step *it) {
  kept_drop(it->operands[0].kept);
  ok(it);
}

const verb wait_verbs[] = {
    {"wait", "o?*", ANYWHERE, wait},
    {"sleep", "w", ANYWHERE, sleep},
    {"drop", "H", ANYWHERE, drop},
    {0},
};
