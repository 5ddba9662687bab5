// The pipeline's part of a tokenizer section.
#pragma once

#include "base/byte_archive.h"
#include "text/tokenizer_pipeline.h"

namespace lathe {

/// Without `merges` they are left out: the tables have them.
void describe_pipeline(ArchiveWriter& archive, const TokenizerPipeline& pipeline, bool merges);
void describe_pipeline(ArchiveReader& archive, TokenizerPipeline& pipeline, bool merges);

}  // namespace lathe
