#include "tests/gpusim/model/report.h"

#include <jansson.h>

#include <cstdlib>

#include "tests/gpusim/exec/launch.h"
#include "tests/gpusim/tensor/qualifiers.h"

namespace gpusim {
namespace {

json_t *integer(uint64_t value) { return json_integer(static_cast<json_int_t>(value)); }

json_t *size_of(const uint32_t (&size)[3]) {
  return json_pack("[III]", json_int_t{size[0]}, json_int_t{size[1]}, json_int_t{size[2]});
}

json_t *classes(const Counters &counters) {
  static constexpr const char *kNames[] = {
#define GPUSIM_CLASS(name) #name,
#include "tests/gpusim/exec/classes.inc"
#undef GPUSIM_CLASS
  };
  json_t *object = json_object();
  for (unsigned i = 0; i < kInstructionClasses; i++) {
    json_object_set_new(object, kNames[i], integer(counters.by_class[i]));
  }
  return object;
}

json_t *tensor_kinds(const Counters &counters) {
  json_t *object = json_object();
  for (unsigned i = 0; i < kTensorKinds; i++) {
    if (counters.tensor[i] == 0) continue;
    json_object_set_new(object, tensor::kind_name(i), integer(counters.tensor[i]));
  }
  return object;
}

json_t *memory_counters(const Counters &counters) {
  json_t *object = json_object();
#define GPUSIM_MEMORY_COUNTER(name) \
  json_object_set_new(object, #name, integer(counters.memory.name));
#include "tests/gpusim/counters/memory.inc"
#undef GPUSIM_MEMORY_COUNTER
  json_object_set_new(object, "unique_global_sectors", integer(counters.unique_global_sectors));
  return object;
}

json_t *occupancy_of(const Model &model, const CtaNeeds &needs) {
  const Occupancy &found = model.occupancy;
  return json_pack("{sisIsisisisisisf}", "registers", needs.registers, "shared_bytes",
                   static_cast<json_int_t>(needs.shared_bytes), "ctas_per_sm", found.ctas,
                   "by_threads", found.by_threads, "by_registers", found.by_registers, "by_shared",
                   found.by_shared, "by_slots", found.by_slots, "occupied", model.occupied);
}

json_t *model_of(const Counters &counters, const CtaNeeds &needs, const driver::Device &device) {
  const Model model = model_launch(counters, needs, device);
  json_t *terms = json_object();
  for (unsigned i = 0; i < kLimiters; i++) {
    json_object_set_new(terms, limiter_name(static_cast<Limiter>(i)), json_real(model.term_us[i]));
  }
  json_t *object = json_object();
  json_object_set_new(object, "device", json_string(device.key));
  json_object_set_new(object, "modelled_lower_bound_us", json_real(model.modelled_lower_bound_us));
  json_object_set_new(object, "limiter", json_string(limiter_name(model.limiter)));
  json_object_set_new(object, "modelled_terms_us", terms);
  json_object_set_new(object, "occupancy", occupancy_of(model, needs));
  json_object_set_new(object, "occupancy_limiter", json_string(model.occupancy.limiter));
  json_object_set_new(object, "waves", integer(model.waves));
  json_object_set_new(object, "wave_efficiency", json_real(model.wave_efficiency));
  return object;
}

}  // namespace

std::string launch_json(const LaunchRequest &request, const Counters &counters,
                        const CtaNeeds &needs, const driver::Device &device) {
  const std::string_view name = request.entry->source->name;
  json_t *object = json_object();
  json_object_set_new(object, "kernel", json_stringn(name.data(), name.size()));
  json_object_set_new(object, "grid", size_of(request.grid));
  json_object_set_new(object, "block", size_of(request.block));
  json_object_set_new(object, "ctas", integer(counters.ctas));
  json_object_set_new(object, "executed_ctas", integer(counters.executed_ctas));
  json_object_set_new(object, "warp_instructions", integer(counters.warp_instructions));
  json_object_set_new(object, "thread_instructions", integer(counters.thread_instructions));
  json_object_set_new(object, "divergent_branches", integer(counters.divergent_branches));
  json_object_set_new(object, "instructions", classes(counters));
  json_object_set_new(object, "tensor_instructions", tensor_kinds(counters));
  json_object_set_new(object, "memory", memory_counters(counters));
  json_object_set_new(object, "unwatched_for_races", integer(counters.unwatched_for_races));
  json_object_set_new(object, "model", model_of(counters, needs, device));
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  std::string line = text == nullptr ? "" : text;
  free(text);
  return line;
}

}  // namespace gpusim
