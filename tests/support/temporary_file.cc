#include "support/temporary_file.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace lathe::test {

TemporaryFile::TemporaryFile(std::string_view bytes, std::string_view suffix) {
  path_ = (std::filesystem::temp_directory_path() / "lathe_test_XXXXXX").string() + std::string(suffix);
  const int descriptor = ::mkstemps(path_.data(), static_cast<int>(suffix.size()));
  if (descriptor < 0) throw std::runtime_error("cannot create " + path_);
  ::close(descriptor);
  write(bytes);
}

TemporaryFile::~TemporaryFile() { ::unlink(path_.c_str()); }

void TemporaryFile::write(std::string_view bytes) const {
  ::unlink(path_.c_str());  // a new file: some file systems wait for the disk when an old one is overwritten
  std::ofstream file(path_, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path_);
}

}  // namespace lathe::test
