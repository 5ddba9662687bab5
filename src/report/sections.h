// The page's sections, a function each; every one returns markup.
#pragma once

#include <string>
#include <vector>

#include "lathe/model.h"

namespace lathe::report {

/// What the page is about.
struct Subject {
  const ModelInfo& info;
  const Inspection& inspection;
  const std::vector<StepProfile>& tests;
  const MachineLimits& limits;
};

/// Text of <style> and <script>: all that the page needs beside its markup.
std::string_view style_sheet();
std::string_view script();

std::string graph_section(const Subject& subject);
std::string time_section(const Subject& subject);
std::string kernel_section(const Subject& subject);
std::string memory_section(const Subject& subject);
std::string weight_section(const Subject& subject);
std::string activation_section(const Subject& subject);
std::string pass_section(const Subject& subject);
std::string binding_section(const Subject& subject);

}  // namespace lathe::report
