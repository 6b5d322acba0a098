#include "tests/gpusim/driver/image.h"

#include <cstring>

#if GPUSIM_HAVE_ZSTD
#include <zstd.h>
#endif

namespace gpusim::driver {
namespace {

constexpr uint32_t kFatMagic = 0xba55ed50;
constexpr uint32_t kWrapperMagic = 0x466243b1;
constexpr uint32_t kElfMagic = 0x464c457f;
constexpr uint64_t kLz4 = 0x2000;
constexpr uint64_t kZstd = 0x8000;
constexpr uint16_t kFatVersion = 1;
constexpr uint16_t kEntryVersion = 0x101;
/* Of a container, and of an expanded entry. */
constexpr uint64_t kMostBytes = uint64_t{1} << 30;

/* The container: a header, then entries of a header and a payload each (found out by comparing
 * nvcc's uncompressed and compressed output). */
struct FatHeader {
  uint32_t magic;
  uint16_t version, header_bytes;
  uint64_t bytes; /* of all entries */
};

enum EntryKind : uint16_t { kPtx = 1, kCubin = 2 };

struct EntryHeader {
  uint16_t kind, version;
  uint32_t header_bytes;
  uint64_t bytes; /* of the payload, padded */
  uint32_t packed_bytes;
  uint32_t options_at;
  uint16_t minor, major;
  uint32_t sm;
  uint32_t name_at, name_bytes;
  uint64_t flags;
  uint64_t unused;
  uint64_t expanded_bytes;
};
static_assert(sizeof(EntryHeader) == 64, "the entry's header has 64 bytes");

struct Wrapper {
  uint32_t magic, version;
  const void *data;
  const void *names;
};

struct Entry {
  EntryHeader header;
  const uint8_t *payload;
};

Image failed(CUresult result, std::string error) {
  Image image;
  image.result = result;
  image.error = std::move(error);
  return image;
}

bool expand_zstd(const uint8_t *from, uint64_t count, uint64_t size, std::string *to) {
#if GPUSIM_HAVE_ZSTD
  /* nvcc's frames say how long their content is. */
  if (ZSTD_getFrameContentSize(from, count) != size) return false;
  to->resize(size);
  return ZSTD_decompress(&(*to)[0], size, from, count) == size;
#else
  (void)from, (void)count, (void)size, (void)to;
  return false;
#endif
}

bool expand(const Entry &entry, std::string *to, std::string *error) {
  const EntryHeader &h = entry.header;
  const auto *text = reinterpret_cast<const char *>(entry.payload);
  if ((h.flags & (kLz4 | kZstd)) == 0) {
    to->assign(text, h.bytes);
    return true;
  }
  if (h.packed_bytes > h.bytes || h.expanded_bytes > kMostBytes) {
    *error = "an entry's sizes make no sense";
    return false;
  }
  const bool zstd = (h.flags & kZstd) != 0;
  const bool done = zstd ? expand_zstd(entry.payload, h.packed_bytes, h.expanded_bytes, to)
                         : expand_lz4(entry.payload, h.packed_bytes, h.expanded_bytes, to);
  if (!done && zstd && !GPUSIM_HAVE_ZSTD) {
    *error = "the image is compressed with zstd, which gpusim was built without";
  } else if (!done) {
    *error = "a compressed entry can't be expanded";
  }
  return done;
}

/* Walks the entries; false when the container is malformed. Nothing tells how much memory there is
 * but the container itself: whatever does not look like a header ends the walk. */
template <class Visit>
bool each_entry(const uint8_t *at, Visit visit) {
  FatHeader header;
  memcpy(&header, at, sizeof header);
  if (header.version != kFatVersion || header.header_bytes != sizeof header ||
      header.bytes > kMostBytes) {
    return false;
  }
  at += header.header_bytes;
  uint64_t rest = header.bytes;
  while (rest != 0) {
    Entry entry = {};
    if (rest < sizeof entry.header) return false;
    memcpy(&entry.header, at, sizeof entry.header);
    const uint64_t header_bytes = entry.header.header_bytes;
    if (entry.header.version != kEntryVersion || header_bytes < sizeof entry.header ||
        header_bytes > rest || entry.header.bytes > rest - header_bytes) {
      return false;
    }
    entry.payload = at + header_bytes;
    visit(entry);
    at += header_bytes + entry.header.bytes;
    rest -= header_bytes + entry.header.bytes;
  }
  return true;
}

/* A cubin runs on devices of its major version, from its minor version on. */
bool cubin_fits(unsigned cubin, unsigned sm) { return cubin / 10 == sm / 10 && cubin <= sm; }

Image read_fat(const uint8_t *bytes, unsigned sm) {
  Entry ptx = {}, cubin = {};
  unsigned lowest = 0;
  const bool sound = each_entry(bytes, [&](const Entry &entry) {
    const EntryHeader &h = entry.header;
    if (h.kind == kCubin && cubin_fits(h.sm, sm) && h.sm >= cubin.header.sm) cubin = entry;
    if (h.kind != kPtx) return;
    if (lowest == 0 || h.sm < lowest) lowest = h.sm;
    if (h.sm <= sm && h.sm >= ptx.header.sm) ptx = entry;
  });
  if (!sound) return failed(CUDA_ERROR_INVALID_IMAGE, "the fat binary is malformed");
  if (ptx.payload == nullptr) {
    return failed(CUDA_ERROR_NO_BINARY_FOR_GPU,
                  lowest == 0 ? "the image holds no PTX, and a simulator can't run machine code"
                              : "the image's PTX needs sm_" + std::to_string(lowest) +
                                    ", and the device is sm_" + std::to_string(sm));
  }
  Image image;
  if (!expand(ptx, &image.ptx, &image.error)) {
    image.result = CUDA_ERROR_INVALID_IMAGE;
    return image;
  }
  image.ptx.resize(strnlen(image.ptx.c_str(), image.ptx.size()));
  std::string code, ignored;
  if (cubin.payload != nullptr && expand(cubin, &code, &ignored)) {
    read_cubin(reinterpret_cast<const uint8_t *>(code.data()), code.size(), &image.registers);
  }
  return image;
}

}  // namespace

bool expand_lz4(const uint8_t *from, uint64_t count, uint64_t size, std::string *to) {
  const uint8_t *const end = from + count;
  to->clear();
  if (size / 255 > count) return false; /* no byte of a block stands for more */
  to->reserve(size);
  const auto length = [&](uint64_t base, uint64_t *value) {
    *value = base;
    for (uint8_t more = 255; base == 15 && more == 255;) {
      if (from == end) return false;
      more = *from++;
      *value += more;
    }
    return true;
  };
  while (from != end) {
    const uint8_t token = *from++;
    uint64_t literals = 0, match = 0;
    if (!length(token >> 4, &literals) || literals > static_cast<uint64_t>(end - from) ||
        literals > size - to->size()) {
      return false;
    }
    to->append(reinterpret_cast<const char *>(from), literals);
    from += literals;
    if (from == end) break;
    if (end - from < 2) return false;
    const uint64_t distance = from[0] | from[1] << 8;
    from += 2;
    if (!length(token & 15, &match)) return false;
    match += 4;
    if (distance == 0 || distance > to->size() || match > size - to->size()) return false;
    for (uint64_t i = 0; i < match; i++) to->push_back((*to)[to->size() - distance]);
  }
  return to->size() == size;
}

Image read_image(const void *image, unsigned sm) {
  const auto *bytes = static_cast<const uint8_t *>(image);
  if (bytes[0] == 0) return failed(CUDA_ERROR_INVALID_IMAGE, "the image is empty");
  /* Text may be shorter than a magic number. */
  const auto starts = [&bytes](uint32_t magic) {
    for (unsigned i = 0; i < 4; i++) {
      if (bytes[i] != (magic >> 8 * i & 0xff)) return false;
    }
    return true;
  };
  if (starts(kWrapperMagic)) {
    Wrapper wrapper;
    memcpy(&wrapper, bytes, sizeof wrapper);
    if (wrapper.data == nullptr) {
      return failed(CUDA_ERROR_INVALID_IMAGE, "the fat binary's wrapper points nowhere");
    }
    bytes = static_cast<const uint8_t *>(wrapper.data);
    if (!starts(kFatMagic)) {
      return failed(CUDA_ERROR_INVALID_IMAGE, "the fat binary's wrapper points to no fat binary");
    }
  }
  if (starts(kFatMagic)) return read_fat(bytes, sm);
  if (starts(kElfMagic)) {
    return failed(CUDA_ERROR_NO_BINARY_FOR_GPU,
                  "the image is a cubin, and a simulator can't run machine code: embed PTX too");
  }
  Image text;
  text.ptx = reinterpret_cast<const char *>(bytes);
  return text;
}

}  // namespace gpusim::driver
