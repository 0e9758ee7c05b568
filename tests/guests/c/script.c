// Scripts: their lines, the places where their steps run, and what a step is given.

#include "guest.h"

#include <stdlib.h>

static bytes *lines;
static size_t line_count;
// The next line of each place.
static size_t next_in_handler, next_in_source, next_in_after;

buffer script_lines;
bytes script_failure;

static const verb *const areas[] = {request_verbs, body_verbs, reply_verbs,  source_verbs, fetch_verbs,
                                    wait_verbs,    kv_verbs,   system_verbs, ending_verbs};

static bytes trimmed(bytes line) {
  while (line.len > 0 && line.ptr[0] == ' ') {
    line = from(line, 1);
  }
  while (line.len > 0 && line.ptr[line.len - 1] == ' ') {
    line.len--;
  }
  return line;
}

static size_t behind(const char *marker) {
  for (size_t i = 0; i < line_count; i++) {
    if (is(lines[i], marker)) {
      return i + 1;
    }
  }
  return line_count;
}

bool script_read(fields headers) {
  for (size_t i = 0; i < headers.len; i++) {
    if (!same_name(of_string(headers.ptr[i].f0), of("conformance"))) {
      continue;
    }
    for (bytes rest = headers.ptr[i].f1; rest.len > 0;) {
      lines = need_more(lines, (line_count + 1) * sizeof *lines);
      lines[line_count] = trimmed(cut(&rest, ','));
      line_count += lines[line_count].len > 0;
    }
  }
  next_in_source = behind("reply.source");
  next_in_after = behind("after");
  return line_count > 0;
}

// The letter for the operand at `index`, or 0.
static char letter(const char *letters, size_t index) {
  size_t fixed = 0;
  while (letters[fixed] != 0 && letters[fixed] != '*' && letters[fixed] != '=') {
    fixed++;
  }
  if (index < fixed) {
    return letters[index];
  }
  switch (letters[fixed]) {
  case '*':
    return letters[fixed - 1];
  case '=':
    return letters[fixed - 2 + (index - fixed) % 2];
  default:
    return 0;
  }
}

static bool is_enough(const char *letters, size_t count) {
  size_t length = of(letters).len;
  switch (length == 0 ? 0 : letters[length - 1]) {
  case '*':
    return count + 2 >= length;
  case '=':
    return count + 3 >= length && (count + 3 - length) % 2 == 0;
  default:
    return count == length;
  }
}

static bool is_of_kind(const kept *it, char letter) {
  switch (letter) {
  case 'S':
    return it->kind == KEPT_STORE;
  case 'B':
    return (it->kind == KEPT_BODY || it->kind == KEPT_RESPONSE) && !it->is.message.body.taken;
  case 'A':
    return it->kind == KEPT_RESPONSE;
  case 'R':
    return it->kind == KEPT_OUTGOING;
  case 'P':
    return it->kind == KEPT_PENDING;
  case 'U':
    return it->kind == KEPT_UPLOAD;
  default:
    return it->kind != KEPT_NOTHING && it->kind != KEPT_VERSION && it->kind != KEPT_CURSOR;
  }
}

static void read_name(step *it, char letter, operand *to) {
  to->kept = kept_find(to->word);
  if (letter == '+') {
    if (to->kept != NULL) {
      mistake(it, "a name is given twice");
    } else {
      to->kept = kept_new(to->word);
    }
  } else if (letter == '?' && is(to->word, "client")) {
    to->kept = NULL;
  } else if (to->kept == NULL) {
    mistake(it, "a name was never given");
  } else if (!is_of_kind(to->kept, letter)) {
    mistake(it, "what is kept by a name is gone, or of another kind");
  }
}

static void read_operand(step *it, char letter, operand *to) {
  buffer text = {0};
  bool good = true;
  switch (letter) {
  case '.':
    break;
  case 't':
    good = decode(to->word, &text);
    to->text = contents(text);
    break;
  case 'o':
    to->absent = is(to->word, "~");
    good = to->absent || parse_unsigned(to->word, UINT64_MAX, &to->number);
    break;
  case 'n':
    good = parse_unsigned(to->word, UINT64_MAX, &to->number);
    break;
  case 'w':
    good = parse_unsigned(to->word, UINT32_MAX, &to->number);
    break;
  case 'i':
    good = parse_signed(to->word, &to->integer);
    break;
  case 0:
    mistake(it, "there are too many operands");
    break;
  default:
    read_name(it, letter, to);
  }
  if (!good) {
    mistake(it, "an operand is not well-formed");
  }
}

static void read_operands(step *it, const char *letters, bytes line) {
  while (line.len > 0) {
    it->operands = need_more(it->operands, (it->count + 1) * sizeof *it->operands);
    operand *to = &it->operands[it->count];
    *to = (operand){.word = cut(&line, ' ')};
    read_operand(it, letter(letters, it->count), to);
    it->count++;
  }
  if (!is_enough(letters, it->count)) {
    mistake(it, "an operand is missing");
  }
}

static const verb *find(bytes name) {
  for (size_t area = 0; area < sizeof areas / sizeof *areas; area++) {
    for (const verb *it = areas[area]; it->name != NULL; it++) {
      if (is(name, it->name)) {
        return it;
      }
    }
  }
  return NULL;
}

static void run(step *it, bytes line) {
  const verb *verb = find(cut(&line, ' '));
  if (verb == NULL) {
    word(it, "unsupported");
    return;
  }
  if ((verb->places & it->place) == 0) {
    mistake(it, "the step is for another place");
  }
  read_operands(it, verb->operands, line);
  if (it->mistake == NULL) {
    verb->run(it);
  }
}

static outcome fail(place place, bytes line, const char *why) {
  buffer text = {0};
  append(&text, line);
  append(&text, of(": "));
  append(&text, of(why));
  script_failure = contents(text);
  if (place == IN_SOURCE) {
    source_failure = (body_error){.tag = EDGE_SDK_HTTP_BODY_ERROR_OTHER, .val.other = string(script_failure)};
  }
  return FAILS;
}

static outcome run_line(place place, bytes line) {
  step it = {.place = place};
  run(&it, line);
  if (it.mistake != NULL) {
    it.outcome = fail(place, line, it.mistake);
  } else {
    report(&it);
  }
  for (size_t i = 0; i < it.count; i++) {
    free(it.operands[i].text.ptr);
  }
  free(it.operands);
  free(it.line.ptr);
  return it.outcome;
}

outcome script_run(place place) {
  size_t *next = place == IN_HANDLER ? &next_in_handler : place == IN_SOURCE ? &next_in_source : &next_in_after;
  while (*next < line_count && !is(lines[*next], "after")) {
    outcome got = run_line(place, lines[(*next)++]);
    if (got != GOES_ON) {
      return got;
    }
  }
  return ENDS;
}
