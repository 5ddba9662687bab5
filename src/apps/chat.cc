// lathe chat: a conversation, whose earlier turns stay in the cache.
#include <unistd.h>
#include <iostream>
#include <memory>
#include <random>

#include "apps/command.h"
#include "apps/error_text.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/trace.h"
#include "apps/whole_number.h"

namespace lathe::apps {
namespace {

struct ChatWords {
  ModelWords model;
  Request request;
  std::string system;
  bool trace = false;
};

constexpr const char* kPrompt = "> ";
constexpr const char* kStartOver = " (/clear starts over)\n";

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

class Chat {
 public:
  Chat(const ChatWords& words, Interrupt& interrupt)
      : words_(words),
        interrupt_(interrupt),
        model_(words.model.load()),
        terminal_(isatty(STDIN_FILENO) != 0) {
    if (model_.info().embedding_dimensions > 0)
      throw Error(ErrorCode::unsupported, model_.info().name + " is an encoder: it gives embeddings of texts");
    if (!model_.info().has_chat_template)
      throw Error(ErrorCode::unsupported,
                  "the model " + model_.info().name +
                      " has no chat template: lathe run --raw continues plain text with it");
    start_over();
  }

  int run() {
    if (terminal_) {
      interrupt_.hold_conversation(std::string("\nCtrl-D or /exit leaves, as does Ctrl-C again.\n") +
                                   kPrompt);
      write_error("Ctrl-C ends an answer, /clear starts over, /exit or Ctrl-D leaves.\n");
    }
    int status = 0;
    for (std::string line; read(line);) {
      if (line == "/exit") break;
      if (line == "/clear") {
        start_over();
      } else if (line.find_first_not_of(" \t\r") != std::string::npos) {
        status = turn(line);
        if (status != 0 && !terminal_) return status;
      }
    }
    return terminal_ ? 0 : status;
  }

 private:
  void start_over() {
    messages_.clear();
    if (!words_.system.empty()) messages_.push_back({"system", words_.system});
  }

  bool read(std::string& line) {
    const Interrupt::Prompt prompt(interrupt_);
    if (terminal_) write_error(kPrompt);
    if (std::getline(std::cin, line)) return true;
    if (terminal_) write_error("\n");
    return false;
  }

  int turn(const std::string& line) {
    messages_.push_back({"user", line});
    try {
      messages_.push_back({"assistant", answer()});
      return 0;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::io || error.code() == ErrorCode::internal) throw;
      const bool too_long = error.code() == ErrorCode::context_length;
      write_error("lathe: " + error_text(error) + (too_long ? kStartOver : "\n"));
      messages_.pop_back();
      return 1;
    }
  }

  std::string answer() {
    Request request = words_.request;
    request.messages = messages_;
    Answer answer = model_.answer(request);
    const Interrupt::Guard guard(interrupt_, answer);
    std::string text;
    for (Piece piece; answer.next(piece);) {
      if (!piece.text.empty()) write_out(piece.text);
      text += piece.text;
    }
    write_out("\n");
    if (words_.trace) write_error(format_trace(model_, answer.trace()));
    if (answer.end() == EndReason::context_full)
      write_error("lathe: " + context_full_text(model_) + kStartOver);
    return text;
  }

  const ChatWords& words_;
  Interrupt& interrupt_;
  Model model_;
  bool terminal_;
  std::vector<Message> messages_;
};

}  // namespace

void add_chat(CLI::App& program, Context& context) {
  auto words = std::make_shared<ChatWords>();
  auto& sampling = words->request.sampling;
  sampling.temperature = 0.8;
  sampling.top_k = 40;
  sampling.top_p = 0.95;
  sampling.min_p = 0.05;
  CLI::App* command = program.add_subcommand("chat", "hold a conversation; reads a line for each turn");
  words->model.add_computing(*command);
  words->model.add_plan_cache(*command);
  command
      ->add_option("-n,--max-tokens", words->request.max_tokens, "longest answer in tokens; 0: until it ends")
      ->transform(whole_number<int>())
      ->capture_default_str();
  add_sampling(*command, sampling);
  CLI::Option* seed = command->get_option("--seed")->default_str("random");
  command->add_option("--system", words->system, "the system message");
  command->add_flag("--trace", words->trace, "show the five steps of each answer on stderr");
  command->callback([words, seed, &context] {
    if (seed->empty()) words->request.sampling.seed = random_seed();
    context.chosen = [words, &context] { return Chat(*words, context.interrupt).run(); };
  });
}

}  // namespace lathe::apps
