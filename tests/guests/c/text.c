#include "text.h"

#include <stdlib.h>
#include <string.h>

void *need(size_t size) { return need_more(NULL, size); }

void *need_more(void *old, size_t size) {
  void *got = realloc(old, size);
  if (got == NULL) {
    abort();
  }
  return got;
}

bytes of(const char *text) { return (bytes){(uint8_t *)text, strlen(text)}; }
bytes of_string(app_string_t text) { return (bytes){text.ptr, text.len}; }
app_string_t string(bytes view) { return (app_string_t){view.ptr, view.len}; }

bytes copy(bytes view) {
  bytes own = {need(view.len), view.len};
  memcpy(own.ptr, view.ptr, view.len);
  return own;
}

app_string_t copy_string(bytes view) { return string(copy(view)); }

int compare(bytes a, bytes b) {
  int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool is(bytes a, const char *b) { return compare(a, of(b)) == 0; }

static uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte; }

bool same_name(bytes a, bytes b) {
  for (size_t i = 0; a.len == b.len && i < a.len; i++) {
    if (lower(a.ptr[i]) != lower(b.ptr[i])) {
      return false;
    }
  }
  return a.len == b.len;
}

bytes from(bytes view, size_t start) { return (bytes){view.ptr + start, view.len - start}; }

bytes cut(bytes *rest, uint8_t mark) {
  size_t at = 0;
  while (at < rest->len && rest->ptr[at] != mark) {
    at++;
  }
  bytes part = {rest->ptr, at};
  *rest = from(*rest, at < rest->len ? at + 1 : at);
  return part;
}

void append(buffer *to, bytes more) {
  if (to->room - to->len < more.len) {
    size_t twice = to->room * 2, enough = to->len + more.len;
    to->room = twice > enough ? twice : enough;
    to->ptr = need_more(to->ptr, to->room);
  }
  memcpy(to->ptr + to->len, more.ptr, more.len);
  to->len += more.len;
}

static void append_byte(buffer *to, uint8_t byte) { append(to, (bytes){&byte, 1}); }

void append_number(buffer *to, uint64_t number) {
  uint8_t digits[20];
  size_t first = sizeof digits;
  do {
    digits[--first] = '0' + number % 10;
    number /= 10;
  } while (number > 0);
  append(to, (bytes){digits + first, sizeof digits - first});
}

bytes contents(buffer it) { return (bytes){it.ptr, it.len}; }

static int digit(uint8_t byte) {
  byte = lower(byte);
  return byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool decode_pattern(bytes count, buffer *to) {
  uint64_t length;
  if (!parse_unsigned(count, SIZE_MAX / 2, &length)) {
    return false;
  }
  bytes pattern = {need(length), length};
  for (size_t i = 0; i < length; i++) {
    pattern.ptr[i] = i % 251;
  }
  *to = (buffer){pattern.ptr, length, length};
  return true;
}

bool decode(bytes word, buffer *to) {
  if (is(word, "-")) {
    return true;
  }
  if (word.len > 0 && word.ptr[0] == '*') {
    return decode_pattern(from(word, 1), to);
  }
  for (size_t i = 0; i < word.len; i++) {
    if (word.ptr[i] != '%') {
      append_byte(to, word.ptr[i]);
      continue;
    }
    if (word.len - i < 3 || digit(word.ptr[i + 1]) < 0 || digit(word.ptr[i + 2]) < 0) {
      return false;
    }
    append_byte(to, digit(word.ptr[i + 1]) << 4 | digit(word.ptr[i + 2]));
    i += 2;
  }
  return true;
}

static void append_hash(buffer *to, bytes value) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < value.len; i++) {
    hash = (hash ^ value.ptr[i]) * 0x100000001b3;
  }
  for (int shift = 60; shift >= 0; shift -= 4) {
    append_byte(to, "0123456789abcdef"[hash >> shift & 15]);
  }
}

static bool stays(uint8_t byte) {
  uint8_t small = lower(byte);
  bool letter = small >= 'a' && small <= 'z', number = byte >= '0' && byte <= '9';
  bool mark = byte == '-' || byte == '.' || byte == '_' || byte == '~';
  return letter || number || mark || byte == '/' || byte == ':' || byte == '+' || byte == '=';
}

void encode(buffer *to, bytes value) {
  if (value.len > 64) {
    append(to, of("*"));
    append_number(to, value.len);
    append(to, of(":"));
    append_hash(to, value);
    return;
  }
  if (value.len == 0 || is(value, "-")) {
    append(to, of(value.len == 0 ? "-" : "%2D"));
    return;
  }
  for (size_t i = 0; i < value.len; i++) {
    uint8_t byte = value.ptr[i];
    if (stays(byte)) {
      append_byte(to, byte);
    } else {
      uint8_t escape[3] = {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
      append(to, (bytes){escape, sizeof escape});
    }
  }
}

bool parse_unsigned(bytes digits, uint64_t most, uint64_t *number) {
  *number = 0;
  for (size_t i = 0; i < digits.len; i++) {
    uint8_t value = digits.ptr[i] - '0';
    if (value > 9 || *number > (most - value) / 10) {
      return false;
    }
    *number = *number * 10 + value;
  }
  return digits.len > 0;
}

bool parse_signed(bytes digits, int64_t *number) {
  bool negative = digits.len > 0 && digits.ptr[0] == '-';
  uint64_t size;
  if (!parse_unsigned(from(digits, negative), (uint64_t)INT64_MAX + negative, &size)) {
    return false;
  }
  *number = negative ? (int64_t)(0 - size) : (int64_t)size;
  return true;
}
