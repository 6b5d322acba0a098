/* Methods: how much each weight matters. */
#ifndef TESSERA_PRUNE_METHOD_H
#define TESSERA_PRUNE_METHOD_H

#include "tessera/prune.h"

#define TSR__METHOD(enumerator, text, function) \
  void function(const float *weights, int64_t count, float *scores);
#include "runtime/prune/methods.inc"
#undef TSR__METHOD

#endif
