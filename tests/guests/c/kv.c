// Stores.

#include "guest.h"

static const char *const kv_errors[] = {
    "no-such-store", "denied",       "invalid-key", "invalid-argument", "value-too-large",
    "conflict",      "not-a-number", "overflow",    "unavailable",      "other",
};

static void fails_kv(step *it, edge_sdk_kv_kv_error_t *error) {
  if (error->tag == EDGE_SDK_KV_KV_ERROR_VALUE_TOO_LARGE) {
    fails_with(it, kv_errors[error->tag], error->val.value_too_large);
  } else {
    fails(it, kv_errors[error->tag]);
  }
  edge_sdk_kv_kv_error_free(error);
}

static edge_sdk_kv_borrow_store_t store(step *it) { return edge_sdk_kv_borrow_store(it->operands[0].kept->is.store); }

static void open(step *it) {
  app_string_t name = string(it->operands[1].text);
  edge_sdk_kv_own_store_t opened;
  edge_sdk_kv_kv_error_t error;
  if (!edge_sdk_kv_open(&name, &opened, &error)) {
    fails_kv(it, &error);
    return;
  }
  it->operands[0].kept->kind = KEPT_STORE;
  it->operands[0].kept->is.store = opened;
  ok(it);
}

static bool read(step *it, edge_sdk_kv_option_entry_t *found) {
  app_string_t key = string(it->operands[1].text);
  edge_sdk_kv_kv_error_t error;
  if (!edge_sdk_kv_method_store_get(store(it), &key, found, &error)) {
    fails_kv(it, &error);
    return false;
  }
  ok(it);
  return true;
}

static void value_or_none(step *it, const edge_sdk_kv_option_entry_t *found) {
  if (found->is_some) {
    value(it, found->val.value);
  } else {
    word(it, "~");
  }
}

static void get(step *it) {
  edge_sdk_kv_option_entry_t found;
  if (read(it, &found)) {
    value_or_none(it, &found);
    edge_sdk_kv_option_entry_free(&found);
  }
}

static void entry(step *it) {
  edge_sdk_kv_option_entry_t found;
  if (!read(it, &found)) {
    return;
  }
  value_or_none(it, &found);
  if (found.is_some) {
    value(it, found.val.metadata);
    number(it, found.val.version);
    if (found.val.expires_in_ms.is_some) {
      number(it, found.val.expires_in_ms.val);
    } else {
      word(it, "~");
    }
    it->operands[2].kept->kind = KEPT_VERSION;
    it->operands[2].kept->is.version = found.val.version;
  }
  edge_sdk_kv_option_entry_free(&found);
}

static void get_many(step *it) {
  app_list_string_t keys = {need(it->count * sizeof *keys.ptr), it->count - 1};
  for (size_t i = 0; i < keys.len; i++) {
    // Its own memory, as it is freed with the list.
    keys.ptr[i] = copy_string(it->operands[i + 1].text);
  }
  edge_sdk_kv_list_option_entry_t found;
  edge_sdk_kv_kv_error_t error;
  bool good = edge_sdk_kv_method_store_get_many(store(it), &keys, &found, &error);
  app_list_string_free(&keys);
  if (!good) {
    fails_kv(it, &error);
    return;
  }
  ok_number(it, found.len);
  for (size_t i = 0; i < found.len; i++) {
    value_or_none(it, &found.ptr[i]);
  }
  edge_sdk_kv_list_option_entry_free(&found);
}

static void store_value(step *it, edge_sdk_kv_set_options_t options) {
  app_string_t key = string(it->operands[1].text);
  uint64_t version;
  edge_sdk_kv_kv_error_t error;
  if (edge_sdk_kv_method_store_set(store(it), &key, &it->operands[2].text, &options, &version, &error)) {
    ok_number(it, version);
  } else {
    fails_kv(it, &error);
  }
}

static void set(step *it) { store_value(it, (edge_sdk_kv_set_options_t){0}); }

static void set_with(step *it) {
  operand *ttl = &it->operands[3];
  store_value(it, (edge_sdk_kv_set_options_t){
                      .ttl_ms = {!ttl->absent, ttl->number},
                      .metadata = it->operands[4].text,
                  });
}

// What the word `@NAME` refers to; NULL if it is none of that kind.
static kept *referred(bytes word, kind kind) {
  bool refers = word.len > 0 && word.ptr[0] == '@';
  kept *kept = refers ? kept_find(from(word, 1)) : NULL;
  return kept != NULL && kept->kind == kind ? kept : NULL;
}

static void store_conditionally(step *it, edge_sdk_kv_set_options_t options) {
  bytes word = it->operands[3].word;
  kept *kept = referred(word, KEPT_VERSION);
  options.condition.tag = EDGE_SDK_KV_CONDITION_IF_VERSION;
  if (is(word, "if-absent")) {
    options.condition.tag = EDGE_SDK_KV_CONDITION_IF_ABSENT;
  } else if (kept != NULL) {
    options.condition.val.if_version = kept->is.version;
  } else if (!parse_unsigned(word, UINT64_MAX, &options.condition.val.if_version)) {
    mistake(it, "the condition is none, or no version was kept by that name");
    return;
  }
  store_value(it, options);
}

static void set_if(step *it) { store_conditionally(it, (edge_sdk_kv_set_options_t){0}); }

static void set_all(step *it) {
  operand *ttl = &it->operands[4];
  store_conditionally(it, (edge_sdk_kv_set_options_t){
                              .ttl_ms = {!ttl->absent, ttl->number},
                              .metadata = it->operands[5].text,
                          });
}

static void answer(step *it, bool good, bool yes, edge_sdk_kv_kv_error_t *error) {
  if (good) {
    ok(it);
    word(it, yes ? "true" : "false");
  } else {
    fails_kv(it, error);
  }
}

static void delete(step *it) {
  app_string_t key = string(it->operands[1].text);
  bool yes;
  edge_sdk_kv_kv_error_t error;
  bool good = edge_sdk_kv_method_store_delete(store(it), &key, &yes, &error);
  answer(it, good, yes, &error);
}

static void exists(step *it) {
  app_string_t key = string(it->operands[1].text);
  bool yes;
  edge_sdk_kv_kv_error_t error;
  bool good = edge_sdk_kv_method_store_exists(store(it), &key, &yes, &error);
  answer(it, good, yes, &error);
}

static void increment(step *it) {
  app_string_t key = string(it->operands[1].text);
  operand *ttl = &it->operands[3];
  int64_t sum;
  edge_sdk_kv_kv_error_t error;
  if (edge_sdk_kv_method_store_increment(store(it), &key, it->operands[2].integer, ttl->absent ? NULL : &ttl->number,
                                         &sum, &error)) {
    ok(it);
    integer(it, sum);
  } else {
    fails_kv(it, &error);
  }
}

// Where to go on: `~`, a text, or `@` and the name of a page's cursor. False if it is none of them.
static bool read_cursor(operand *from, app_option_string_t *cursor) {
  bytes word = from->word;
  bool refers = word.len > 0 && word.ptr[0] == '@';
  kept *kept = referred(word, KEPT_CURSOR);
  *cursor = kept == NULL ? (app_option_string_t){0} : kept->is.cursor;
  if (refers || is(word, "~")) {
    return kept != NULL || !refers;
  }
  buffer text = {0};
  bool good = decode(word, &text);
  // It is freed with the operand.
  from->text = contents(text);
  *cursor = (app_option_string_t){true, string(from->text)};
  return good;
}

static void keys(step *it) {
  app_string_t prefix = string(it->operands[1].text);
  app_option_string_t cursor;
  if (!read_cursor(&it->operands[2], &cursor)) {
    mistake(it, "the cursor is not well-formed, or none was kept by that name");
    return;
  }
  app_string_t *after = cursor.is_some ? &cursor.val : NULL;
  edge_sdk_kv_page_t page;
  edge_sdk_kv_kv_error_t error;
  if (!edge_sdk_kv_method_store_keys(store(it), &prefix, after, it->operands[3].number, &page, &error)) {
    fails_kv(it, &error);
    return;
  }
  ok_number(it, page.keys.len);
  for (size_t i = 0; i < page.keys.len; i++) {
    value(it, of_string(page.keys.ptr[i]));
  }
  word(it, page.cursor.is_some ? "more" : "last");
  it->operands[4].kept->kind = KEPT_CURSOR;
  it->operands[4].kept->is.cursor = page.cursor;
  app_list_string_free(&page.keys);
}

static void count(step *it) {
  app_string_t prefix = string(it->operands[1].text);
  app_option_string_t cursor = {0};
  app_string_t last = {0};
  uint64_t total = 0, pages = 0;
  bool ordered = true;
  do {
    edge_sdk_kv_page_t page;
    edge_sdk_kv_kv_error_t error;
    app_string_t *after = cursor.is_some ? &cursor.val : NULL;
    if (!edge_sdk_kv_method_store_keys(store(it), &prefix, after, it->operands[2].number, &page, &error)) {
      fails_kv(it, &error);
      return;
    }
    for (size_t i = 0; i < page.keys.len; i++) {
      ordered &= total++ == 0 || compare(of_string(last), of_string(page.keys.ptr[i])) < 0;
      app_string_free(&last);
      last = page.keys.ptr[i];
      page.keys.ptr[i] = (app_string_t){0};
    }
    app_option_string_free(&cursor);
    cursor = page.cursor;
    app_list_string_free(&page.keys);
    pages++;
  } while (cursor.is_some);
  app_string_free(&last);
  ok_number(it, total);
  word(it, ordered ? "ordered" : "unordered");
  number(it, pages);
}

const verb kv_verbs[] = {
    {"kv.open", "+t", ANYWHERE, open},
    {"kv.get", "St", ANYWHERE, get},
    {"kv.entry", "St+", ANYWHERE, entry},
    {"kv.get-many", "St*", ANYWHERE, get_many},
    {"kv.set", "Stt", ANYWHERE, set},
    {"kv.set-if", "Stt.", ANYWHERE, set_if},
    {"kv.set-with", "Sttot", ANYWHERE, set_with},
    {"kv.set-all", "Stt.ot", ANYWHERE, set_all},
    {"kv.delete", "St", ANYWHERE, delete},
    {"kv.exists", "St", ANYWHERE, exists},
    {"kv.increment", "Stio", ANYWHERE, increment},
    {"kv.keys", "St.w+", ANYWHERE, keys},
    {"kv.count", "Stw", ANYWHERE, count},
    {0},
};
