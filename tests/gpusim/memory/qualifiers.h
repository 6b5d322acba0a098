/* Qualifiers that several memory instructions share. None of those taken here changes a result. */
#ifndef GPUSIM_MEMORY_QUALIFIERS_H
#define GPUSIM_MEMORY_QUALIFIERS_H

#include "tests/gpusim/exec/decoder.h"

namespace gpusim {

/* .ca .cg .cs .lu .cv .wb .wt, .L1::..., .L2::...; true if a cache policy operand follows. */
bool take_cache_hints(Decoder &decoder);

/* .cta .cluster .gpu .sys; true if there is one. */
bool take_scope(Decoder &decoder);

/* .weak .volatile .relaxed .acquire .release .acq_rel .mmio with their scope: Access::ordering. */
unsigned take_semantics(Decoder &decoder);

/* .v2 .v4; 1 if there is none. */
unsigned take_vector(Decoder &decoder);

}  // namespace gpusim

#endif
