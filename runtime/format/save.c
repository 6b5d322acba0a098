#include "runtime/checkpoint/internal.h"
#include "runtime/format/format.h"
#include "runtime/format/names.h"

static tsr_status add_params(tsr_checkpoint_writer *writer, const tsr__format_ops *ops,
                             tsr__names *names, const tsr_packed *packed) {
  int64_t values[TSR__PARAMS_MAX];
  size_t fields[TSR__PARAMS_MAX];
  int count = tsr__param_fields(ops, fields);
  int32_t value;
  for (int i = 0; i < count; i++) {
    memcpy(&value, (const char *)packed + fields[i], sizeof value);
    values[i] = value;
  }
  if (!count) return TSR_OK;
  return tsr__checkpoint_writer_add_integers(writer, tsr__names_of(names, ops->key, "params"),
                                             values, count);
}

static tsr_status add_all(tsr_checkpoint_writer *writer, const tsr__format_ops *ops,
                          tsr__names *names, const tsr_packed *packed) {
  tsr__array arrays[TSR__ARRAYS_MAX];
  int count = ops->arrays(packed, arrays);
  for (int a = 0; a < count; a++)
    TSR_TRY(tsr_checkpoint_writer_add(writer, tsr__names_of(names, ops->key, arrays[a].key),
                                      arrays[a].dtype, arrays[a].ndim, arrays[a].shape,
                                      tsr__array_pointer(packed, &arrays[a])));
  int64_t shape[2] = {packed->rows, packed->cols};
  TSR_TRY(tsr__checkpoint_writer_add_integers(writer, tsr__names_of(names, ops->key, "shape"),
                                              shape, 2));
  TSR_TRY(add_params(writer, ops, names, packed));
  return tsr_checkpoint_writer_metadata(writer, TSR__FORMAT_VERSION_KEY, TSR__FORMAT_VERSION);
}

tsr_status tsr_packed_save(tsr_checkpoint_writer *writer, const char *name,
                           const tsr_packed *packed) {
  TSR_CHECK(writer && name && packed, TSR_INVALID_ARGUMENT, "tsr_packed_save: an argument is NULL");
  tsr_status status = tsr_packed_validate(packed);
  if (status) return tsr__error_prefix(status, "tensor '%.160s'", name);
  const tsr__format_ops *ops = tsr__format_ops_of(packed->format);
  if (!ops->key)
    return tsr_checkpoint_writer_add(writer, name, packed->dtype, 2,
                                     (int64_t[]){packed->rows, packed->cols}, packed->values);
  tsr__names names;
  TSR_TRY(tsr__names_create(name, &names));
  status = add_all(writer, ops, &names, packed);
  tsr__names_destroy(&names);
  return status;
}
