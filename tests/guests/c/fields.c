// Lists of fields and of pairs of text: made, searched, reported.

#include "guest.h"

#include <stdlib.h>

void fields_add(fields *to, bytes name, bytes value) {
  to->ptr = need_more(to->ptr, (to->len + 1) * sizeof *to->ptr);
  to->ptr[to->len++] = (edge_sdk_http_field_t){copy_string(name), copy(value)};
}

void fields_set(fields *to, bytes name, bytes value) {
  size_t kept = 0;
  bool there = false;
  for (size_t i = 0; i < to->len; i++) {
    edge_sdk_http_field_t *field = &to->ptr[i];
    if (same_name(of_string(field->f0), name)) {
      edge_sdk_http_field_free(field);
      if (there) {
        continue;
      }
      there = true;
      *field = (edge_sdk_http_field_t){copy_string(name), copy(value)};
    }
    to->ptr[kept++] = *field;
  }
  to->len = kept;
  if (!there) {
    fields_add(to, name, value);
  }
}

void pairs_add(app_list_tuple2_string_string_t *to, bytes name, bytes value) {
  to->ptr = need_more(to->ptr, (to->len + 1) * sizeof *to->ptr);
  to->ptr[to->len++] = (app_tuple2_string_string_t){copy_string(name), copy_string(value)};
}

void ok_fields(step *it, fields list, const char *except) {
  const edge_sdk_http_field_t **sorted = need(list.len * sizeof *sorted);
  size_t count = 0;
  for (size_t i = 0; i < list.len; i++) {
    bytes name = of_string(list.ptr[i].f0);
    if (is(name, except)) {
      continue;
    }
    size_t at = count++;
    for (; at > 0 && compare(of_string(sorted[at - 1]->f0), name) > 0; at--) {
      sorted[at] = sorted[at - 1];
    }
    sorted[at] = &list.ptr[i];
  }
  ok_number(it, count);
  for (size_t i = 0; i < count; i++) {
    value(it, of_string(sorted[i]->f0));
    value(it, sorted[i]->f1);
  }
  free(sorted);
}

void ok_field(step *it, fields list, bytes name) {
  size_t count = 0;
  for (size_t i = 0; i < list.len; i++) {
    count += same_name(of_string(list.ptr[i].f0), name);
  }
  ok_number(it, count);
  for (size_t i = 0; i < list.len; i++) {
    if (same_name(of_string(list.ptr[i].f0), name)) {
      value(it, list.ptr[i].f1);
    }
  }
}

void ok_pair(step *it, app_list_tuple2_string_string_t list, bytes name) {
  ok(it);
  for (size_t i = 0; i < list.len; i++) {
    if (compare(of_string(list.ptr[i].f0), name) == 0) {
      value(it, of_string(list.ptr[i].f1));
      return;
    }
  }
  word(it, "~");
}

fields fields_of(step *it, size_t first) {
  fields list = {0};
  for (size_t i = first; i + 1 < it->count; i += 2) {
    fields_add(&list, it->operands[i].text, it->operands[i + 1].text);
  }
  return list;
}
