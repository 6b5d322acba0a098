/* Decoders of the wmma instructions; .sync.aligned is taken already. */
#ifndef GPUSIM_TENSOR_WMMA_H
#define GPUSIM_TENSOR_WMMA_H

namespace gpusim {
class Decoder;
}

namespace gpusim::tensor {

void decode_wmma_mma(Decoder &decoder);
void decode_wmma_load(Decoder &decoder);
void decode_wmma_store(Decoder &decoder);

}  // namespace gpusim::tensor

#endif
