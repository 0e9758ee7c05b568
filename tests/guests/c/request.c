// The request: its head and its context.

#include "guest.h"

static void method(step *it) { ok_value(it, of_string(request.method)); }
static void uri(step *it) { ok_value(it, of_string(request.uri)); }
static void all_fields(step *it) { ok_fields(it, request.headers, "conformance"); }
static void field(step *it) { ok_field(it, request.headers, it->operands[0].text); }
static void id(step *it) { ok_value(it, of_string(context.request_id)); }
static void attribute(step *it) { ok_pair(it, context.attributes, it->operands[0].text); }

static void client(step *it) {
  if (context.client.is_some) {
    ok_value(it, of_string(context.client.val));
  } else {
    word(it, "ok ~");
  }
}

const verb request_verbs[] = {
    {"req.method", "", ANYWHERE, method},
    {"req.uri", "", ANYWHERE, uri},
    {"req.fields", "", ANYWHERE, all_fields},
    {"req.field", "t", ANYWHERE, field},
    {"req.id", "", ANYWHERE, id},
    {"req.client", "", ANYWHERE, client},
    {"req.attribute", "t", ANYWHERE, attribute},
    {0},
};
