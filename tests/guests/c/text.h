// Bytes: as they stand in a script, as values, and as they are reported.
#ifndef TEXT_H
#define TEXT_H

#include "generated/app.h"

// A view unless it is said who owns it. What WIT calls `string` has the same two members.
typedef app_list_u8_t bytes;

// What grows at its end; `room` bytes are there.
typedef struct {
  uint8_t *ptr;
  size_t len, room;
} buffer;

// Memory, or a trap.
void *need(size_t size);
void *need_more(void *old, size_t size);

bytes of(const char *text);
bytes of_string(app_string_t text);
app_string_t string(bytes view);
// Owned by whoever gets it.
bytes copy(bytes view);
app_string_t copy_string(bytes view);

// Below 0, 0 or above 0, in the order of bytes.
int compare(bytes a, bytes b);
bool is(bytes a, const char *b);
// As field names compare: without the case of ASCII letters.
bool same_name(bytes a, bytes b);
bytes from(bytes view, size_t start);
// The part before `mark`, which `rest` is left after; all of it if there is no mark.
bytes cut(bytes *rest, uint8_t mark);

void append(buffer *to, bytes more);
void append_number(buffer *to, uint64_t number);
bytes contents(buffer it);

// What a percent-encoded word stands for, written to `to`; false if it is not well-formed.
bool decode(bytes word, buffer *to);
// A value as reports show it: encoded, `-` for none of it, length and hash if it is long.
void encode(buffer *to, bytes value);

// Decimal digits alone; false beyond `most`.
bool parse_unsigned(bytes digits, uint64_t most, uint64_t *number);
// The same with `-` before it or not; false beyond 64 bits.
bool parse_signed(bytes digits, int64_t *number);

#endif
