// The conformance guest on wit-bindgen's C bindings alone: what the component exports.

#include "guest.h"

#include <stdlib.h>

edge_sdk_http_request_t request;
exports_edge_sdk_handler_context_t context;
exports_edge_sdk_handler_result_void_body_error_t sent;

static bool has_script;

bool exports_edge_sdk_handler_handle(exports_edge_sdk_handler_request_t *given_request,
                                     exports_edge_sdk_handler_context_t *given_context,
                                     exports_edge_sdk_handler_reply_t *ret, app_string_t *err) {
  request = *given_request;
  context = *given_context;
  kept *own = kept_new(of("request"));
  own->kind = KEPT_BODY;
  own->is.message.body = (body){.from = request.body};
  has_script = script_read(request.headers);
  bool good = has_script ? script_run(IN_HANDLER) != FAILS : handle_path(&script_failure);
  if (!good) {
    *err = string(script_failure);
    exports_edge_sdk_handler_reply_free(&reply);
    return false;
  }
  if (!reply_shaped) {
    reply_bytes(contents(script_lines));
    script_lines = (buffer){0};
  }
  *ret = reply;
  return true;
}

bool exports_edge_sdk_handler_method_body_source_read(exports_edge_sdk_handler_borrow_body_source_t self,
                                                      exports_edge_sdk_handler_chunk_t *ret,
                                                      exports_edge_sdk_handler_body_error_t *err) {
  if (self->read(self) == FAILS) {
    *err = source_failure;
    return false;
  }
  *ret = source_chunk;
  return true;
}

void exports_edge_sdk_handler_body_source_destructor(exports_edge_sdk_handler_body_source_t *rep) { free(rep); }

void exports_edge_sdk_handler_after_reply(exports_edge_sdk_handler_result_void_body_error_t *given) {
  sent = *given;
  if (!has_script) {
    after_handler();
  } else if (script_run(IN_AFTER) == FAILS) {
    app_string_t reason = string(script_failure);
    edge_sdk_logging_abort(&reason);
  }
  kept_drop_all();
}
