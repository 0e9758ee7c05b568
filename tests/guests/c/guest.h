// The guest's parts: scripts and their steps, what steps keep by name, the reply, and the verbs by area.
#ifndef GUEST_H
#define GUEST_H

#include "text.h"

typedef edge_sdk_http_list_field_t fields;
typedef edge_sdk_http_body_error_t body_error;

// A body that is read: of the request, or of a response.
typedef struct {
  edge_sdk_http_body_t from;
  // Handed on to somebody else.
  bool taken;
  bool ended;
  // After the end.
  fields trailers;
} body;

// A request that is being put together.
typedef struct {
  edge_sdk_http_request_t request;
  edge_sdk_fetch_options_t options;
} outgoing;

// What a name stands for. The letters of `verb.operands` that ask for it stand behind.
typedef enum {
  KEPT_NOTHING,  // given, but there is nothing (any more)
  KEPT_STORE,    // S
  KEPT_BODY,     // B, unless it was taken: the request's, whose `response` is of no use
  KEPT_RESPONSE, // A, and B for its body, unless that was taken
  KEPT_OUTGOING, // R
  KEPT_PENDING,  // P
  KEPT_UPLOAD,   // U
  KEPT_VERSION,
  KEPT_CURSOR,
} kind;

typedef struct kept {
  struct kept *next;
  bytes name;
  kind kind;
  union {
    edge_sdk_kv_own_store_t store;
    struct {
      body body;
      edge_sdk_http_response_t response;
    } message;
    outgoing outgoing;
    edge_sdk_fetch_own_pending_t pending;
    edge_sdk_fetch_own_outgoing_body_t upload;
    uint64_t version;
    app_option_string_t cursor;
  } is;
} kept;

// One operand, as the letter of the verb's signature wants it.
typedef struct {
  // As it stands in the script.
  bytes word;
  // Of `t`: decoded.
  bytes text;
  // Of `n`, `w` and `o`.
  uint64_t number;
  // Of `i`.
  int64_t integer;
  // Of `o`: it is `~`.
  bool absent;
  // Of upper-case letters, and of `+`: a new name, which holds nothing yet.
  kept *kept;
} operand;

typedef enum { IN_HANDLER = 1, IN_SOURCE = 2, IN_AFTER = 4, ANYWHERE = 7 } place;

// What a step makes of its place.
typedef enum {
  GOES_ON,
  // The handler fails, or the source breaks off; `script_failure` or `source_failure` has why.
  FAILS,
  // The source hands out `source_chunk`, which has its end or the next bytes.
  YIELDS,
  ENDS,
} outcome;

typedef struct {
  place place;
  operand *operands;
  size_t count;
  buffer line;
  outcome outcome;
  // Why the step makes no sense, or NULL.
  const char *mistake;
} step;

// A verb's operands, a letter each: `t` text or bytes, `n` a number of 64 bits, `w` of 32, `o` of 64 or `~`, `i` a
// signed one, `.` a word that the verb reads itself, `+` a new name, `?` any name or `client`, and the upper-case ones
// of `kind`, with `H` for any handle. Behind `*` the last letter may be repeated, or be missing; behind `=` the last
// two.
typedef struct {
  const char *name;
  const char *operands;
  place places;
  void (*run)(step *it);
} verb;

extern const verb request_verbs[], body_verbs[], reply_verbs[], source_verbs[], fetch_verbs[], wait_verbs[], kv_verbs[],
    system_verbs[], ending_verbs[];

// The request, for as long as the instance lives.
extern edge_sdk_http_request_t request;
extern exports_edge_sdk_handler_context_t context;
extern exports_edge_sdk_handler_result_void_body_error_t sent;

// script.c

// Takes the script out of the request's fields; false if there is none.
bool script_read(fields headers);
// Runs the steps of a place until it ends, or its next chunk is there.
outcome script_run(place place);
// All that was reported so far, a line each.
extern buffer script_lines;
// Why the handler failed.
extern bytes script_failure;

// kept.c

kept *kept_new(bytes name);
kept *kept_find(bytes name);
// Drops what is held, and holds nothing from then on.
void kept_drop(kept *it);
void kept_drop_all(void);

// report.c: what a step writes

void ok(step *it);
void ok_value(step *it, bytes value);
void ok_number(step *it, uint64_t number);
// `err` and the case, whose number goes behind if `more` is there.
void fails(step *it, const char *name);
void fails_with(step *it, const char *name, uint64_t number);
// Behind the case that it is inside of, if that is there.
void fails_body(step *it, const body_error *error);
void value(step *it, bytes value);
void number(step *it, uint64_t number);
void integer(step *it, int64_t integer);
void word(step *it, const char *word);
void mistake(step *it, const char *why);
// Writes the line now: for what never comes back.
void report(step *it);

// fields.c

void fields_add(fields *to, bytes name, bytes value);
// Into the place of the first of that name; the others go.
void fields_set(fields *to, bytes name, bytes value);
void pairs_add(app_list_tuple2_string_string_t *to, bytes name, bytes value);
// Reports all but those named `except`, by name.
void ok_fields(step *it, fields list, const char *except);
void ok_field(step *it, fields list, bytes name);
void ok_pair(step *it, app_list_tuple2_string_string_t list, bytes name);
// The rest of a step's operands, in pairs; owned.
fields fields_of(step *it, size_t first);

// body.c

// The next bytes, or the end. Returns false and sets `error`.
bool body_read(body *it, uint32_t max, edge_sdk_http_chunk_t *chunk, body_error *error);
// All that is left, or as much as `most`; owned.
bool body_gather(body *it, size_t most, bytes *all, body_error *error);
// Hands it on.
edge_sdk_http_body_t body_take(body *it);

// reply.c

// What the handler answers, and whether a step has shaped it.
extern exports_edge_sdk_handler_reply_t reply;
extern bool reply_shaped;
void reply_body(exports_edge_sdk_handler_reply_body_t body);
void reply_bytes(bytes own);
// Hands on what was received: the handle or the bytes are the reply's.
void reply_hand_on(edge_sdk_http_body_t from);

struct exports_edge_sdk_handler_body_source_t {
  outcome (*read)(exports_edge_sdk_handler_body_source_t *it);
  size_t position;
};

// What a source hands out or ends with.
extern edge_sdk_http_chunk_t source_chunk;
extern body_error source_failure;
void reply_source(outcome (*read)(exports_edge_sdk_handler_body_source_t *it));

// fetch.c

// Reports it, and frees what it holds.
void fails_fetch(step *it, edge_sdk_fetch_fetch_error_t *error);

// handlers.c

// Answers a request without a script. Returns false and sets `failure`, owned.
bool handle_path(bytes *failure);
void after_handler(void);

#endif
