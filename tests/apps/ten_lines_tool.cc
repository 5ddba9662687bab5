// The example of examples/, as a program that a test can run.
#include "../../examples/ten_lines.cc"
