// The text form of graphs, shared by print.cc and parse.cc.
//
//   graph <name> {
//     %ids: i32[T] = input                                                  kinds: input, state, constant
//     %w: q8_0[49152, 576] = constant                                       a constant's name is its value's
//     %s: f32[576] = constant "blk.0.attn_norm.weight"                      or this; %s is then this text's
//     own word %x: f32[T, 576] = Gather(%w, %ids) %n: f32[T, 576] = RMSNormalization @blk.0.norm(%x, %s)
//     {epsilon = 1e-05} %top.0: f32[S, 8], %top.1: i32[S, 8] = TopK(%n) {k = 8} return logits = %n, best =
//     %top.1
//   }
//
// Behind a node of If, Loop or Scan stand its graphs: do graph then { ... } do graph else { ... }
//
// A node's name is written behind @ unless it is the default: the name of the first output, without the ".0"
// behind it where there are several outputs. Names other than [A-Za-z_][A-Za-z0-9_.]* (behind % and @ a digit
// may come first) are quoted; in quotes bytes outside printable ASCII, " and \ are \xNN. Attributes stand in
// the order of the op's row; all are printed, defaults may be left out when read. # starts a comment. Reals
// are the shortest text that reads back to the same bits; texts and programs are quoted.
#pragma once

#include <string>
#include <string_view>

namespace lathe::text_form {

bool is_name_start(char c);
bool is_name_part(char c);

/// `name` as the text form writes it.
std::string quoted_if_needed(std::string_view name, bool digit_first = false);

/// Always in quotes.
std::string quoted(std::string_view text);

/// The name a node has where the text does not give one.
std::string_view default_node_name(std::string_view first_output, std::size_t outputs);

}  // namespace lathe::text_form
