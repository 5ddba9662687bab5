// The public OutputFile: calls go to the file of base.
#include "base/atomic_file.h"
#include "lathe/build.h"

namespace lathe {

OutputFile::OutputFile(const std::string& path) : file_(std::make_unique<AtomicFile>(path)) {}
OutputFile::~OutputFile() = default;
void OutputFile::write(const void* data, std::size_t bytes) { file_->write(data, bytes); }
void OutputFile::flush() { file_->flush(); }
void OutputFile::finish() { file_->finish(); }
void OutputFile::discard() noexcept { file_->discard(); }

}  // namespace lathe
