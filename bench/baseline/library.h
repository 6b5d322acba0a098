/* Shared libraries that baselines open at run time: a command that is not benchmarking pays nothing
 * for them, and nothing has to be installed to build or to run the rest. */
#ifndef TESSERA_BENCH_LIBRARY_H
#define TESSERA_BENCH_LIBRARY_H

#include <stddef.h>

#include "tessera/status.h"

typedef struct tsr__symbol {
  const char *name;
  size_t offset; /* of its pointer in the table */
} tsr__symbol;

/* For TSR__<LIBRARY>_MAP: a row of a table of symbols, a member of the struct of pointers, and the
 * proof that the library's own header still declares the function as the map does. */
#define TSR__LIBRARY_MEMBER(type, name, parameters) type(*name) parameters;
#define TSR__LIBRARY_CHECK(type, name, parameters) \
  _Static_assert(_Generic(&name, type(*) parameters : 1, default : 0), #name " has changed");

typedef struct tsr__library_file {
  const char *title;    /* for messages: "oneDNN" */
  const char *file;     /* "libdnnl.so.2" */
  const char *older;    /* tried where that is not there; NULL = none */
  const char *variable; /* of the environment, naming another file; NULL if there is none */
  const tsr__symbol *symbols;
  size_t symbol_count;
} tsr__library_file;

/* Fills the table with the functions' addresses. TSR_NOT_FOUND names the file and what it lacks.
 * The library is not closed again: its code and its threads live as long as the process. */
tsr_status tsr__library_load(const tsr__library_file *file, void *table);

#endif
