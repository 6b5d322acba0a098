/* A lower bound of a launch's time on a device, from what the launch did.
 *
 * Every term is the time that one resource is busy at its published peak; the bound is the largest.
 *   tensor       multiply-adds of the tensor cores; of 2:4 products those that are made
 *   instructions one warp instruction a clock and sub-partition. PTX instructions stand for machine
 *                instructions; moves are left out, because most disappear
 *   shared       one wavefront a clock and SM; an atomic request counts as one
 *   l2           sectors that accesses ask for: no hits in L1 are assumed
 *   dram         sectors that were touched at all, each moved once: the L2 cache starts cold
 * The first three are work of an SM. The CTAs are taken to be alike, and the fullest SM has
 * ceil(ctas / SMs) of them; fewer than four resident warps leave sub-partitions idle.
 */
#ifndef GPUSIM_MODEL_MODEL_H
#define GPUSIM_MODEL_MODEL_H

#include "tests/gpusim/counters/counters.h"
#include "tests/gpusim/model/occupancy.h"

namespace gpusim {

enum class Limiter : uint8_t { tensor, instructions, shared, l2, dram };
constexpr unsigned kLimiters = 5;
const char *limiter_name(Limiter limiter);

struct Model {
  Occupancy occupancy;
  double occupied = 0;        /* resident warps of the most that an SM has */
  uint64_t waves = 0;         /* rounds in which the CTAs come */
  double wave_efficiency = 0; /* of the SMs, were all CTAs equally long */
  double term_us[kLimiters] = {};
  Limiter limiter = Limiter::tensor;
  double modelled_lower_bound_us = 0;
};

/* The CTA must fit. */
Model model_launch(const Counters &counters, const CtaNeeds &needs, const driver::Device &device);

}  // namespace gpusim

#endif
